import { RecoveryServicesClient } from "@azure/arm-recoveryservices";
import { ResourceManagementClient } from "@azure/arm-resources";
import { all, arm, check, client, poll, prefix, refused, S } from "./lib.mjs";

const rsv = client(RecoveryServicesClient), vaults = rsv.vaults, groups = client(ResourceManagementClient).resourceGroups;
const rg = `${prefix}-v`, location = "West US";
const put = (name, more = {}) => vaults.beginCreateOrUpdateAndWait(rg, name, { location, sku: { name: "RS0" }, properties: {}, ...more }, poll);
const patch = (properties) => vaults.beginUpdateAndWait(rg, "vault1", { properties }, poll);
const path = `${S}/resourceGroups/${rg}/providers/Microsoft.RecoveryServices/vaults`;

await groups.createOrUpdate(rg, { location });
const vault = await put("vault1", { identity: { type: "systemassigned" }, sku: { name: "Standard" } });
check("a vault says what nobody asked for", vault.location === "westus" && vault.properties.redundancySettings.standardTierStorageRedundancy === "GeoRedundant" && vault.properties.provisioningState === "Succeeded", vault);
check("its identity has a principal", vault.identity.type === "SystemAssigned" && vault.identity.principalId && vault.identity.tenantId, vault.identity);
const crr = await patch({ redundancySettings: { crossRegionRestore: "Enabled" } });
check("a PATCH merges", crr.properties.redundancySettings.crossRegionRestore === "Enabled" && crr.identity.principalId === vault.identity.principalId, crr);
const again = await put("VAULT1");
check("a PUT keeps what it does not speak of, and the first spelling", again.name === "vault1" && again.properties.redundancySettings.crossRegionRestore === "Enabled" && again.identity.principalId === vault.identity.principalId && again.sku.tier === "Standard", again);
await refused("cross region restore without geo-redundancy", 400, "CrossRegionRestoreNotSupported", () => patch({ redundancySettings: { standardTierStorageRedundancy: "LocallyRedundant" } }));
await refused("locking at once", 400, "BMSUserErrorInvalidImmutabilityTransition", () => patch({ securitySettings: { immutabilitySettings: { state: "Locked" } } }));
await patch({ securitySettings: { immutabilitySettings: { state: "Unlocked" } } });
await patch({ securitySettings: { immutabilitySettings: { state: "Locked" } } });
await refused("unlocking", 400, "BMSUserErrorImmutabilityLocked", () => patch({ securitySettings: { immutabilitySettings: { state: "Unlocked" } } }));
await refused("turning soft delete off", 400, "BMSUserErrorSoftDeleteStateAlwaysOn", () => patch({ securitySettings: { softDeleteSettings: { softDeleteState: "Disabled" } } }));
await refused("moving to another location", 409, "InvalidResourceLocation", () => put("vault1", { location: "eastus" }));
await refused("a location that is none", 400, "LocationNotAvailableForResourceType", () => put("vault2", { location: "moon" }));
await refused("no SKU", 400, "MissingRequiredProperty", () => arm("PUT", `${path}/v9?api-version=2024-04-01`, { location, properties: {} }));
await refused("a bad name", 400, "InvalidResourceName", () => arm("PUT", `${path}/9v?api-version=2024-04-01`, { location, sku: { name: "RS0" } }));
check("vaults are listed", (await all(vaults.listBySubscriptionId())).some((v) => v.name === "vault1") && (await all(vaults.listByResourceGroup(rg))).length === 1);
check("usages and replication usages", (await all(rsv.usages.listByVaults(rg, "vault1"))).length > 3 && (await all(rsv.replicationUsages.list(rg, "vault1")))[0].protectedItemCount === 0);
await refused("extended information before there is any", 404, "ResourceNotFound", () => rsv.vaultExtendedInfo.get(rg, "vault1"));
await rsv.vaultExtendedInfo.createOrUpdate(rg, "vault1", { integrityKey: "J09wzS27fnJ+Wjot7xO5wA==", algorithm: "None" });
check("extended information", (await rsv.vaultExtendedInfo.get(rg, "vault1")).algorithm === "None");
check("a taken name", !(await rsv.recoveryServices.checkNameAvailability(rg, "westus", { name: "vault1", type: "Microsoft.RecoveryServices/vaults" })).nameAvailable);
await refused("a vault certificate", 400, "VaultCertificatesNotSupported", () => rsv.vaultCertificates.create(rg, "vault1", "c", { properties: {} }));

// a vault with a replication fabric stays
const fabric = `${path}/vault1/replicationFabrics/f1?api-version=2025-08-01`;
const site = `${S}/resourceGroups/${rg}/providers/Microsoft.OffAzure/VMwareSites/s1`;
await arm("PUT", `${site}?api-version=2023-06-06`, { location, properties: { servicePrincipalIdentityDetails: { rawCertData: "MIIC" } } });
check("a site shows the certificate that it was told", (await arm("GET", `${site}?api-version=2020-01-01`)).json.properties.servicePrincipalIdentityDetails.rawCertData === "MIIC");
check("a site has no machine before an agent registers", (await arm("GET", `${site.replace("OffAzure/", "OffAzure//")}/machines?api-version=2023-06-06`)).json.value.length === 0);
const key = (await arm("POST", `${site}/generateRegistrationKey?api-version=2023-06-06`)).json;
check("a site makes registration keys", key.registrationKey.length > 40 && Date.parse(key.expiresOn) > Date.now() + 4 * 864e5);
await arm("PUT", fabric, { properties: { customDetails: { instanceType: "InMageRcm", vmwareSiteId: site } } });
await refused("deleting a vault with a fabric", 409, "ServiceResourceNotEmptyWithContainerDetails", () => arm("DELETE", `${path}/vault1?api-version=2024-04-01`));
await refused("deleting its group", 409, "ServiceResourceNotEmptyWithContainerDetails", () => groups.beginDeleteAndWait(rg, poll));

await put("vault2");
check("a deletion is an operation", (await arm("DELETE", `${path}/vault2?api-version=2024-04-01`)).status === 202);
check("and 204 when nothing is there", (await arm("DELETE", `${path}/vault2?api-version=2024-04-01`)).status === 204);
await put("vault2");
check("older clients get 200", (await arm("DELETE", `${path}/vault2?api-version=2016-06-01`)).status === 200);
