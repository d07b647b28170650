// What Terraform's azurerm asks before and around each resource, as 5.2 was seen to; the provider itself is run by tests/clients/terraform.
import { arm, check, over, prefix, refused, S, url } from "./lib.mjs";

const rg = `${prefix}-tf`, location = "eastus", vault = `${S}/resourceGroups/${rg}/providers/Microsoft.RecoveryServices/vaults/v1`;
const compute = `${S}/resourceGroups/${rg}/providers/Microsoft.Compute`;

const cloud = await (await fetch(`${url}/metadata/endpoints?api-version=2022-09-01`)).json();
check("the cloud is no Azure Stack: its tenant is \"common\", its provider AAD", cloud.authentication.tenant === "common" && cloud.authentication.identityProvider === "AAD", cloud.authentication);
await arm("PUT", `${S}/resourcegroups/${rg}?api-version=2022-09-01`, { location });
await arm("PUT", `${vault}?api-version=2024-04-01`, { location, sku: { name: "Standard" }, properties: { publicNetworkAccess: "Enabled" } });
const setting = (await arm("GET", `${vault}/replicationVaultSettings/default?api-version=2024-04-01`)).json;
check("a vault has its default setting before anybody sets it", setting.name === "default" && setting.properties.vmwareToAzureProviderType === null, setting);
const headers = new Headers((await arm("GET", `${vault}?api-version=2024-04-01`)).headers);
check("an answer says who took the request, and that nobody may keep it", /^LANDFALL:\d{8}T\d{6}Z:[0-9a-f-]{36}$/.test(headers.get("x-ms-routing-request-id")) && headers.get("pragma") === "no-cache", [...headers]);
const alerts = async () => (await arm("GET", `${vault}?api-version=2024-04-01`)).json.properties.monitoringSettings, never = await alerts();
await arm("PATCH", `${vault}?api-version=2024-04-01`, { properties: { monitoringSettings: { classicAlertSettings: { alertsForCriticalOperations: "Disabled" } } } });
check("its alerts are told once they are set, and what was set", never === undefined && JSON.stringify(await alerts()) === JSON.stringify({ classicAlertSettings: { alertsForCriticalOperations: "Disabled" } }), never);
const settings = (await arm("GET", `${vault}/replicationVaultSettings?api-version=2024-04-01`)).json.value;
check("and it is the list of them", settings.length === 1 && JSON.stringify(settings[0]) === JSON.stringify(setting), settings);
await refused("another setting that nobody made", 404, "ResourceNotFound", () => arm("GET", `${vault}/replicationVaultSettings/other?api-version=2024-04-01`));
const stable = ["2021-02-01", "2021-07-01", "2021-12-01", "2022-02-01", "2022-10-01", "2023-08-01", "2024-02-01", "2024-10-01"];
const answers = await Promise.all(stable.map((v) => arm("GET", `${vault}/backupPolicies?api-version=${v}`).then((a) => a.status)));
check("each version of the backup contract that clients pin is served", answers.every((status) => status === 200), answers);
const published = {
  "Microsoft.Compute/virtualMachines": ["2015-06-15", "2016-04-30-preview", "2022-03-01", "2024-07-01", "2026-04-01"],
  "Microsoft.Network/networkInterfaces": ["2015-06-15", "2023-09-01", "2025-01-01", "2026-03-01"],
  "Microsoft.Storage/storageAccounts": ["2015-06-15", "2020-08-01-preview", "2025-08-01", "2026-09-01"],
  "Microsoft.RecoveryServices/vaults": ["2016-06-01", "2023-08-01", "2026-11-01"],
};
const wrong = ["2010-01-01", "2099-01-01", "2024-13", "2024-13-01", "2024-1-001", "newest", "2024-04-01x", "2024-04-01-alpha"];
for (const [type, versions] of Object.entries(published)) {
  const status = (v) => arm("GET", `${S}/resourceGroups/${rg}/providers/${type}?api-version=${v}`).then((a) => a.status, (e) => e.statusCode);
  check(`${type}: each published version is served`, (await Promise.all(versions.map(status))).every((s) => s === 200));
  check(`${type}: no other text is a version`, (await Promise.all(wrong.map(status))).every((s) => s === 400));
}
for (const version of wrong.slice(0, 3))
  await refused(`the version ${version}`, 400, "InvalidApiVersionParameter", () => arm("GET", `${vault}/backupPolicies?api-version=${version}`));
const disk = await arm("PUT", `${compute}/disks/d1?api-version=2023-04-02`, { location, sku: { name: "Standard_LRS" }, properties: { diskSizeGB: 1, creationData: { createOption: "Empty" } } });
check("a new disk is answered with a status of its description", [200, 202].includes(disk.status), disk.status);
const set = await arm("PUT", `${compute}/availabilitySets/a1?api-version=2024-03-01`, { location, properties: {} });
check("so is a new availability set", set.status === 200, set.status);

// A machine without boot diagnostics has an empty storage account, one that goes without a public address asks for it first.
const network = `${S}/resourceGroups/${rg}/providers/Microsoft.Network`, net = "api-version=2024-05-01";
await over(await arm("PUT", `${network}/virtualNetworks/n1?${net}`, { location, properties: { addressSpace: { addressPrefixes: ["10.5.0.0/16"] }, subnets: [{ name: "s1", properties: { addressPrefix: "10.5.0.0/24" } }] } }));
await over(await arm("PUT", `${network}/networkInterfaces/i1?${net}`, { location, properties: { ipConfigurations: [{ name: "i", properties: { subnet: { id: `${network}/virtualNetworks/n1/subnets/s1` }, privateIPAllocationMethod: "Dynamic" } }] } }));
await over(await arm("PUT", `${compute}/disks/os?api-version=2023-04-02`, { location, properties: { osType: "Linux", diskSizeGB: 1, creationData: { createOption: "Empty" } } }));
const machine = `${compute}/virtualMachines/vm1?api-version=2024-07-01`, boot = (enabled) => ({ diagnosticsProfile: { bootDiagnostics: { enabled, storageUri: "" } } });
const diagnostics = async () => (await arm("GET", machine)).json.properties.diagnosticsProfile.bootDiagnostics;
await over(await arm("PUT", machine, { location, properties: { ...boot(false), hardwareProfile: { vmSize: "Standard_B1s" }, networkProfile: { networkInterfaces: [{ id: `${network}/networkInterfaces/i1`, properties: { primary: true } }] }, storageProfile: { osDisk: { createOption: "Attach", osType: "Linux", managedDisk: { id: `${compute}/disks/os`, storageAccountType: "" } } } } }));
const off = await diagnostics();
check("a machine's empty storageUri is none, and its boot diagnostics are off", off.enabled === false && !("storageUri" in off), off);
await over(await arm("PATCH", machine, { properties: boot(true) }));
const on = await diagnostics();
check("and on by a change", on.enabled === true && !("storageUri" in on), on);
const read = (await arm("GET", machine)).json;
read.properties.storageProfile.dataDisks.push({ lun: 0, createOption: "Attach", caching: "None", name: "d1", managedDisk: { id: `${compute}/disks/d1`, storageAccountType: "Standard_LRS" } });
const attached = await arm("PUT", machine, read);
check("no Location leads away from the machine: clients read it again when that has ended", attached.headers.get("azure-asyncoperation") && !attached.headers.get("location"));
await over(attached);
const data = (await arm("GET", machine)).json.properties.storageProfile.dataDisks;
check("a disk is attached by writing back what was read", data.length === 1 && data[0].lun === 0 && data[0].managedDisk.id === `${compute}/disks/d1`, data);
await refused("a public address that is looked for", 404, "ResourceNotFound", () => arm("GET", `${network}/publicIPAddresses/p1?${net}`));

// "" is how the provider's older clients leave a choice to the service, and true how it begins an account's local users.
const plain = `${compute}/disks/d2?api-version=2023-04-02`;
await over(await arm("PUT", plain, { location, properties: { osType: "", diskSizeGB: 1, creationData: { createOption: "Empty" } } }));
const untyped = (await arm("GET", plain)).json.properties;
check("a disk of the system \"\" has none", !("osType" in untyped), untyped);
const account = `${S}/resourceGroups/${rg}/providers/Microsoft.Storage/storageAccounts/${prefix.replace(/[^a-z0-9]/g, "").slice(0, 18)}tf?api-version=2025-08-01`;
await over(await arm("PUT", account, { location, kind: "StorageV2", sku: { name: "Standard_LRS" }, properties: { isLocalUserEnabled: true, isSftpEnabled: false } }));
const local = (await arm("GET", account)).json.properties;
check("an account says that local users may be made, as it was asked", local.isLocalUserEnabled === true, local);

// A policy's times are of the day alone, and what an update leaves out stays.
const times = `${vault}/backupPolicies/hourly?api-version=2024-10-01`;
const hourly = (more = {}) => ({ properties: { backupManagementType: "AzureIaasVM", policyType: "V2", snapshotConsistencyType: "", timeZone: "UTC", schedulePolicy: { schedulePolicyType: "SimpleSchedulePolicyV2", scheduleRunFrequency: "Hourly", hourlySchedule: { interval: 4, scheduleWindowStartTime: "08:00:00Z", scheduleWindowDuration: 12 } }, retentionPolicy: { retentionPolicyType: "LongTermRetentionPolicy", dailySchedule: { retentionTimes: ["08:00:00Z"], retentionDuration: { count: 10, durationType: "Days" } } }, ...more } });
await arm("PUT", times, hourly({ instantRpRetentionRangeInDays: 5 }));
await arm("PUT", times, hourly());
const kept = (await arm("GET", times)).json.properties;
check("an hourly policy's window comes back with a date", kept.schedulePolicy.hourlySchedule.scheduleWindowStartTime === "2026-01-01T08:00:00Z", kept.schedulePolicy);
check("and its days of snapshots stay when they are left out", kept.instantRpRetentionRangeInDays === 5, kept);
const item = `${vault}/backupFabrics/Azure/protectionContainers/iaasvmcontainer;iaasvmcontainerv2;${rg};vm1/protectedItems/VM;iaasvmcontainerv2;${rg};vm1?api-version=2024-10-01`;
const protect = (more) => arm("PUT", item, { properties: { protectedItemType: "Microsoft.Compute/virtualMachines", sourceResourceId: machine.split("?")[0], ...more } }).then(over);
await protect({ policyId: times.split("?")[0] });
await refused("deleting its policy", 409, "BMSUserErrorPolicyInUse", () => arm("DELETE", times));
await over(await arm("DELETE", item));
check("a policy that soft-deleted items alone had can go", [200, 204].includes((await arm("DELETE", times)).status));

// Site Recovery: a policy, its association and the account, in the order in which the resources of azurerm ask
const version = "api-version=2024-04-01", offazure = "api-version=2020-01-01";
const site = `${S}/resourceGroups/${rg}/providers/Microsoft.OffAzure/VMwareSites/s1`, fabric = `${vault}/replicationFabrics/f1`;
await arm("PUT", `${site}?${offazure}`, { location, properties: {} });
const made = (await arm("PUT", `${fabric}?${version}`, { properties: { customDetails: { instanceType: "InMageRcm", vmwareSiteId: site } } })).json;
const appliance = (await arm("GET", `${fabric}?${version}`)).json.properties.customDetails.processServers[0];
check("a fabric's process server has an address", made.id && appliance.ipAddresses.length > 0, appliance);
const accounts = (await arm("GET", `${site}/runAsAccounts?${offazure}`)).json.value;
check("a VMware site has an account of its appliance, which nobody made", accounts.length === 1 && accounts[0].properties.displayName === "landfall-agent" && accounts[0].properties.applianceName === appliance.name, accounts);
const policy = `${vault}/replicationPolicies/p1`;
await refused("a replication policy that is not there", 404, "ResourceNotFound", () => arm("GET", `${policy}?${version}`));
await arm("PUT", `${policy}?${version}`, { properties: { providerSpecificInput: { instanceType: "InMageRcm", recoveryPointHistoryInMinutes: 1440, appConsistentFrequencyInMinutes: 240, crashConsistentFrequencyInMinutes: 10, enableMultiVmSync: "true" } } });
const container = (await arm("GET", `${fabric}/replicationProtectionContainers?${version}`)).json.value[0].id;
const mapping = `${container}/replicationProtectionContainerMappings/m1`;
const mapped = await arm("PUT", `${mapping}?${version}`, { properties: { policyId: policy, targetProtectionContainerId: "Microsoft Azure", providerSpecificInput: { instanceType: "" } } });
check("an association without a type for its input is made", mapped.status === 200, mapped.status);
await refused("deleting the policy of an association", 409, "PolicyInUse", () => arm("DELETE", `${policy}?${version}`));
const gone = await arm("POST", `${mapping}/remove?${version}`, { properties: { providerSpecificInput: { instanceType: "" } } });
check("an association that is removed is a 202 that can be followed", gone.status === 202 && gone.headers.get("location"), gone.status);
const followed = await arm("GET", gone.headers.get("location"));
check("and what is followed has ended", followed.status === 200 && followed.json.status === "Succeeded", followed.text);
