// Backups of a machine of the emulated host: what is asked for is done and shown, or refused.
import { arm, check, prefix, refused, S, url } from "./lib.mjs";

const rg = `${prefix}-b`, other = `${prefix}-b2`, location = "eastus", API = "api-version=2024-04-01", COMPUTE = "api-version=2024-03-01";
const group = `${S}/resourceGroups/${rg}`, compute = `${group}/providers/Microsoft.Compute`, vault = `${group}/providers/Microsoft.RecoveryServices/vaults/v1`;
const network = `${group}/providers/Microsoft.Network/virtualNetworks/n`, account = `${group}/providers/Microsoft.Storage/storageAccounts/${prefix}st`;
const itemOf = (vm) => `${vault}/backupFabrics/Azure/protectionContainers/iaasvmcontainer;iaasvmcontainerv2;${rg};${vm}/protectedItems/VM;iaasvmcontainerv2;${rg};${vm}`;
const item = itemOf("vm1"), source = `${compute}/virtualMachines/vm1`, policies = `${vault}/backupPolicies`;
const get = async (path, api = API) => (await arm("GET", `${path}${path.includes("?") ? "&" : "?"}${api}`)).json;
const filtered = async (path, filter) => (await get(`${path}?$filter=${encodeURIComponent(filter)}`)).value;
const until = async (what, look, seconds = 30) => {
  for (const end = Date.now() + seconds * 1000; ;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) check(what, false, "it never came");
    await new Promise((later) => setTimeout(later, 50));
  }
};
const operation = (answer) => answer.headers.get("azure-asyncoperation").split("?")[0].split("/").pop();
const ended = (id) => until(`job ${id} ends`, async () => { const { properties } = await get(`${vault}/backupJobs/${id}`); return ["Completed", "Failed", "Cancelled"].includes(properties.status) && properties; });
const run = async (what, answer) => { const job = await ended(operation(answer)); check(`${what} is Completed`, job.status === "Completed", job.errorDetails); return job; };
const backup = async (path = item) => { await run("a backup", await arm("POST", `${path}/backup?${API}`, { properties: { objectType: "IaasVMBackupRequest" } })); return (await get(`${path}/recoveryPoints`)).value[0]; };
const settle = (path, api) => until(`${path} is made`, async () => ["Succeeded", undefined].includes((await get(path, api)).properties.provisioningState));
const protect = (properties = {}, path = item, vm = source) => arm("PUT", `${path}?${API}`, { properties: { protectedItemType: "Microsoft.Compute/virtualMachines", sourceResourceId: vm, policyId: `${policies}/DefaultPolicy`, ...properties } });

for (const name of [rg, other]) await arm("PUT", `${S}/resourcegroups/${name}?api-version=2022-09-01`, { location });
await arm("PUT", `${vault}?${API}`, { location, sku: { name: "RS0" }, properties: {} });
await arm("PUT", `${network}?api-version=2023-04-01`, { location, properties: { addressSpace: { addressPrefixes: ["10.8.0.0/16"] }, subnets: [{ name: "default", properties: { addressPrefix: "10.8.0.0/24" } }] } });
await arm("PUT", `${account}?api-version=2023-01-01`, { location, kind: "StorageV2", sku: { name: "Standard_LRS" } });
for (const [name, more] of [["os", { osType: "Linux", hyperVGeneration: "V2" }], ["d0", {}], ["d1", {}]])
  await arm("PUT", `${compute}/disks/${name}?api-version=2023-04-02`, { location, zones: ["2"], sku: { name: name === "d0" ? "StandardSSD_LRS" : "Premium_LRS" }, properties: { diskSizeGB: 1, creationData: { createOption: "Empty" }, ...more } });
await arm("PUT", `${group}/providers/Microsoft.Network/networkInterfaces/vm1-own?api-version=2023-04-01`, { location, properties: { ipConfigurations: [{ name: "a", properties: { subnet: { id: `${network}/subnets/default` } } }] } });
await arm("PUT", `${source}?${COMPUTE}`, { location, zones: ["2"], properties: { hardwareProfile: { vmSize: "Standard_D2s_v3" }, licenseType: "RHEL_BYOS", securityProfile: { securityType: "TrustedLaunch", uefiSettings: { secureBootEnabled: true, vTpmEnabled: true } }, networkProfile: { networkInterfaces: [{ id: `${group}/providers/Microsoft.Network/networkInterfaces/vm1-own` }] },
  storageProfile: { osDisk: { createOption: "Attach", caching: "ReadOnly", managedDisk: { id: `${compute}/disks/os` } }, dataDisks: [0, 1].map((lun) => ({ lun, createOption: "Attach", managedDisk: { id: `${compute}/disks/d${lun}` } })) } } });
await settle(source, COMPUTE);

// --- items: which disks, by which name ---
const exclusion = (diskLunList, isInclusionList) => ({ extendedProperties: { diskExclusionProperties: { diskLunList, isInclusionList } } });
const configuration = async () => (await backup()).properties.recoveryPointDiskConfiguration;
const luns = (list) => list.map((disk) => disk.lun).join();
for (const [what, more, code] of [["a disk that the machine lacks", exclusion([7], false), "UserErrorInvalidDiskLun"], ["its OS disk left out", exclusion([-1], false), "UserErrorInvalidDiskLun"], ["LUNs as text", exclusion("0", false), "InvalidParameter"],
  ["LUNs that are texts", exclusion(["0"], true), "UserErrorInvalidDiskLun"], ["a state that is none", { protectionState: "Resting" }, "InvalidParameter"],
  ["a state that comes by itself", { protectionState: "ProtectionPaused" }, "InvalidParameter"], ["a guard's approval", { resourceGuardOperationRequests: ["x"] }, "InvalidParameter"], ["an archive", { isArchiveEnabled: true }, "InvalidParameter"], ["another item type", { protectedItemType: "AzureFileShareProtectedItem" }, "InvalidParameter"]])
  await refused(`protection with ${what}`, 400, code, () => protect(more));
const configured = await protect(exclusion([1], false));
check("an item shows which disks are left out", JSON.stringify((await get(item)).properties.extendedProperties) === JSON.stringify(exclusion([1], false).extendedProperties));
const without = await configuration();
check("and a point lacks them, and says so", without.numberOfDisksIncludedInBackup === 2 && without.numberOfDisksAttachedToVm === 3 && luns(without.includedDiskList) === "-1,0" && luns(without.excludedDiskList) === "1", without);
await protect();
check("a request that does not speak of disks leaves them out still", (await get(item)).properties.extendedProperties.diskExclusionProperties.diskLunList[0] === 1);
await protect(exclusion([], true));
check("an empty list of disks to take is the OS disk alone", luns((await configuration()).includedDiskList) === "-1");
await protect(exclusion([0], true));
check("a list takes its own", luns((await configuration()).includedDiskList) === "-1,0");
await protect(exclusion([], false));
check("what an item shows may be sent back", (await arm("PUT", `${item}?${API}`, await get(item))).status === 202);
const point = await backup();
check("an empty list of disks to leave out is all", luns(point.properties.recoveryPointDiskConfiguration.includedDiskList) === "-1,0,1");
check("points that were there stay as they were", (await get(`${item}/recoveryPoints`)).value.map((p) => p.properties.recoveryPointDiskConfiguration.numberOfDisksIncludedInBackup).join() === "3,2,1,2");
for (const [container, name] of [["iaasvmcontainer;iaasvmcontainerv2", "VM"], ["iaasvmcontainer;iaasvmcontainerv2", "vm"], ["iaasvmcontainerv2", "VM;iaasvmcontainerv2"]]) {
  const path = `${vault}/backupFabrics/Azure/protectionContainers/${container};${rg};vm1/protectedItems/${name};${rg};vm1`;
  const [own, points, one] = [await get(path), await get(`${path}/recoveryPoints`, "api-version=2019-05-13"), await get(`${path}/recoveryPoints/${point.name}`)];
  check(`an item is found as ${name};GROUP;VM in ${container};…`, own.id === (await get(item)).id && points.value.length === 4 && one.name === point.name, own.id);
  check("and protected again by it", (await protect({}, path)).status === 202);
}
await refused("an item of another machine's container", 404, "BMSUserErrorContainerObjectNotFound", () => get(`${vault}/backupFabrics/Azure/protectionContainers/iaasvmcontainer;iaasvmcontainerv2;${rg};vm9/protectedItems/VM;${rg};vm1`));

// --- a job that runs can be cancelled, and nothing of it remains ---
const { dirname } = await import("node:path"), { rmSync, writeFileSync, readdirSync } = await import("node:fs");
const data = dirname(process.env.LF_CA_FILE), hold = `${data}/compute/HOLD`;
const held = () => readdirSync(data, { recursive: true, withFileTypes: true }).filter((e) => e.isFile() && /\/(claims|leases|points)(\/|$)/.test(e.parentPath ?? e.path)).map((e) => e.name).sort().join();
const before = held(), itemBefore = await get(item), pointsBefore = (await get(`${item}/recoveryPoints`)).value.length;
check("an empty store would be compared with itself", before !== "");
const cancelled = async (what, answer) => {
  const path = `${vault}/backupJobs/${operation(answer)}`;
  await until(`${what} runs`, async () => (await get(path)).properties.actionsInfo.includes("Cancellable") && (await get(path)).properties.status === "InProgress");
  await new Promise((later) => setTimeout(later, 300)); // it has begun to read
  const reply = await arm("POST", `${path}/cancel?${API}`);
  check(`${what} is cancelled: 202`, reply.status === 202 && reply.headers.get("azure-asyncoperation") && reply.headers.get("location"), reply.status);
  const job = await ended(operation(answer));
  check(`${what} ends as Cancelled`, job.status === "Cancelled" && job.actionsInfo.length === 0 && job.errorDetails.length === 0, job);
  check("and nothing of it remains", held() === before && (await get(`${item}/recoveryPoints`)).value.length === pointsBefore);
  await refused("cancelling it again", 409, "BMSUserErrorCancelNotAllowed", () => arm("POST", `${path}/cancel?${API}`));
};
writeFileSync(hold, "");
await cancelled("a backup", await arm("POST", `${item}/backup?${API}`, { properties: { objectType: "IaasVMBackupRequest" } }));
check("the item is as it was", JSON.stringify((await get(item)).properties) === JSON.stringify(itemBefore.properties), (await get(item)).properties);
await cancelled("a restore that replaces disks", await arm("POST", `${item}/recoveryPoints/${point.name}/restore?${API}`, { properties: { objectType: "IaasVMRestoreRequest", recoveryPointId: point.name, recoveryType: "OriginalLocation", sourceResourceId: source, storageAccountId: account, region: location, originalStorageAccountOption: false } }));
rmSync(hold);

// --- operations ---
const guid = operation(configured), status = await get(`${item}/operationsStatus/${guid}`);
check("the status of an operation is called by its GUID", status.id === guid && status.name === guid && status.status === "Succeeded" && status.startTime && status.endTime, status);
check("the result of protecting is the item", (await get(`${item}/operationResults/${guid}`)).id === (await get(item)).id);
const refresh = await arm("POST", `${vault}/backupFabrics/Azure/refreshContainers?${API}`);
check("that of a refresh is 204", (await arm("GET", refresh.headers.get("location"))).status === 204);

// --- lists ---
const day = (offset) => new Date(Date.now() + offset * 864e5).toISOString().slice(0, 10);
const points = `${item}/recoveryPoints`;
for (const [filter, n] of [[`startDate eq '${day(-1)} 12:00:00 AM' and endDate eq '${day(1)} 11:59:59 PM'`, 4], [`startDate eq '2020-01-01T00:00:00Z' and endDate eq '2040-01-01T00:00:00Z'`, 4], [`startDate eq '${day(1)} 12:00:00 AM' and endDate eq '${day(2)} 12:00:00 AM'`, 0]])
  check(`points: ${n} are ${filter}`, (await filtered(points, filter)).length === n);
check("jobs of today", (await filtered(`${vault}/backupJobs`, `operation eq 'Backup' and startTime eq '${day(0)} 12:00:00 AM' and endTime eq '${day(0)} 11:59:59 PM'`)).length === 5);
for (const [list, filter] of [[points, "startDate eq 'yesterday'"], [points, "nonsense eq 'x'"], [`${vault}/backupProtectedItems`, "backupManagementType eq 'AzureIaasVM' and nonsense eq 'x'"], [`${vault}/backupJobs`, "nonsense eq 'x'"], [policies, "nonsense eq 'x'"], [`${vault}/backupProtectableItems`, "nonsense eq 'x'"], [`${vault}/backupProtectionContainers`, "nonsense eq 'x'"], [`${vault}/backupUsageSummaries`, "nonsense eq 'x'"]])
  await refused(`${list.split("/").pop()} with ${filter}`, 400, "InvalidFilterInQueryString", () => filtered(list, filter));
check("policies by kind", (await filtered(policies, "backupManagementType eq 'AzureWorkload'")).length === 0 && (await filtered(policies, "backupManagementType eq 'AzureIaasVM' and workloadType eq 'VM'")).length === 2);
check("items by kind, and by policy", (await filtered(`${vault}/backupProtectedItems`, "backupManagementType eq 'AzureIaasVM' and itemType eq 'VM' and policyName eq 'DefaultPolicy'")).length === 1 && (await filtered(`${vault}/backupProtectedItems`, "backupManagementType eq 'MAB'")).length === 0);

// --- settings and policies ---
const config = `${vault}/backupconfig/vaultconfig`;
check("a fresh vault's soft delete is always on", (await get(config)).properties.softDeleteFeatureState === "AlwaysON");
await arm("PATCH", `${config}?${API}`, { properties: { enhancedSecurityState: "Enabled", softDeleteFeatureState: "Enabled" } });
check("Enabled is shown once it was accepted, here and by the vault", (await get(config)).properties.softDeleteFeatureState === "Enabled" && (await get(config)).properties.enhancedSecurityState === "Enabled" && (await get(vault)).properties.securitySettings.softDeleteSettings.softDeleteState === "Enabled");
for (const [what, properties, code] of [["off", { softDeleteFeatureState: "Disabled" }, "BMSUserErrorSoftDeleteStateAlwaysOn"], ["bogus", { softDeleteFeatureState: "Bogus" }, "InvalidParameter"], ["unenhanced", { enhancedSecurityState: "Disabled" }, "DisablingEnhancedSecurityNotSupported"]])
  await refused(`soft delete ${what}`, 400, code, () => arm("PATCH", `${config}?${API}`, { properties }));
const policy = (properties) => ({ properties: { backupManagementType: "AzureIaasVM", schedulePolicy: { schedulePolicyType: "SimpleSchedulePolicy", scheduleRunFrequency: "Daily", scheduleRunTimes: ["23:00:00Z"] }, retentionPolicy: { retentionPolicyType: "LongTermRetentionPolicy", dailySchedule: { retentionTimes: ["23:00:00Z"], retentionDuration: { count: 7, durationType: "Days" } } }, timeZone: "Pacific Standard Time", ...properties } });
const putPolicy = async (properties) => (await arm("PUT", `${policies}/pacific?${API}`, policy(properties))).json.properties;
const first = await putPolicy({ instantRpRetentionRangeInDays: 4 }), second = await putPolicy({});
check("a policy's times come back with a date, and its zone and days stay", first.schedulePolicy.scheduleRunTimes[0] === "2026-01-01T23:00:00Z" && second.timeZone === "Pacific Standard Time" && second.instantRpRetentionRangeInDays === 4, second);
for (const [count, durationType] of [[0, "Days"], [-5, "Days"], [12, "Month"], ["30", "Days"], [999, "Years"], [9999, "Months"]])
  check(`a retention of ${count} ${durationType} is refused`, await putPolicy({ retentionPolicy: { retentionPolicyType: "LongTermRetentionPolicy", dailySchedule: { retentionDuration: { count, durationType } } } }).then(() => false, (e) => e.statusCode === 400));
await refused("a policy that archives", 400, "BMSUserErrorTieringNotSupported", () => putPolicy({ tieringPolicy: { ArchivedRP: { tieringMode: "TierAfter", duration: 3, durationType: "Months" } } }));
await refused("a policy of a member that nobody follows", 400, "InvalidParameter", () => putPolicy({ resourceGuardOperationRequests: ["x"] }));
const shown = await get(`${policies}/DefaultPolicy`);
check("a policy can be copied as it is shown", (await arm("PUT", `${policies}/copy?${API}`, shown)).status === 200);
await refused("deleting a policy in use", 409, "BMSUserErrorPolicyInUse", () => arm("DELETE", `${policies}/DefaultPolicy?${API}`));

await refused("deleting a policy that every vault has", 409, "BMSUserErrorBuiltInPolicyCannotBeDeleted", () => arm("DELETE", `${policies}/EnhancedPolicy?${API}`));

// --- what the contract of 2026 adds ---
const NEW = "api-version=2026-10-01", fabric = `${vault}/backupFabrics/Azure`;
const about = (recoveryPointIds) => arm("POST", `${fabric}/getRPExtendedInfo?${NEW}`, { properties: { recoveryPointIds } });
const told = (await about([`${item}/recoveryPoints/${point.name}`])).json.value;
check("more about a point: its disks", told.length === 1 && told[0].properties.objectType === "IaasVMRPExtendedInfo" && told[0].properties.osDisk.lun === -1 && luns(told[0].properties.dataDisks) === "0,1" && told[0].properties.dataDisks[0].diskSizeInGb === 1, told);
await refused("more about another vault's point", 400, "BMSUserErrorRecoveryPointNotFound", () => about([`${item.replace("/v1/", "/v9/")}/recoveryPoints/${point.name}`]));
await refused("more about what is no id", 400, "BMSUserErrorRecoveryPointNotFound", () => about([5]));
const scan = (sourceScanAction) => arm("POST", `${item}/configureSourceScan?${NEW}`, { sourceScanAction });
await refused("scanning the machine", 400, "BMSUserErrorSourceScanNotSupported", () => scan("Enable"));
check("not scanning it is done already, and shown", (await scan("Disable")).status === 202 && (await get(item, NEW)).properties.sourceSideScanInfo.sourceSideScanStatus === "NotConfigured");
await refused("the script of a session that nobody began", 404, "BMSUserErrorOperationNotFound", () => arm("POST", `${item}/recoveryPoints/${point.name}/listInstantItemRecoveryOperationResult?${NEW}`, { provisionInstantItemRecoveryOperationId: operation(configured) }));
const newest = (await get(`${item}/recoveryPoints/${point.name}`, NEW)).properties, older = (await get(`${item}/recoveryPoints/${point.name}`)).properties;
check("a point says that it is not immutable, and that threats are not looked for", newest.recoveryPointProperties.immutabilityProperties.isImmutable === false && newest.threatStatus === "NotAvailable" && !older.threatStatus, newest);
const immutable = (configuration) => arm("PATCH", `${vault}?api-version=2026-11-01`, { properties: { securitySettings: { immutabilitySettings: { state: "Unlocked", configuration } } } });
await refused("immutability by time without days", 400, "InvalidParameter", () => immutable({ type: "TimeBased" }));
await immutable({ type: "TimeBased", durationInDays: 90 });
const kept = (await get(`${item}/recoveryPoints/${point.name}`, NEW)).properties, days = (to) => Math.round((Date.parse(to) - Date.parse(kept.recoveryPointTime)) / 864e5);
check("immutability by time keeps the points that are there", days(kept.recoveryPointProperties.expiryTime) === 90 && kept.recoveryPointProperties.immutabilityProperties.isImmutable && days(kept.recoveryPointProperties.immutabilityProperties.expiryTime) === 90, kept);

// --- restores ---
const body = (more) => ({ properties: { objectType: "IaasVMRestoreRequest", recoveryPointId: point.name, recoveryType: "RestoreDisks", sourceResourceId: source, storageAccountId: account, region: location, createNewCloudService: false, originalStorageAccountOption: false, ...more } });
const restore = (more) => arm("POST", `${item}/recoveryPoints/${point.name}/restore?${API}`, body(more));
const disks = async () => (await get(`${compute}/disks`, "api-version=2023-04-02")).value;
const restored = async (more) => { const before = (await disks()).map((d) => d.id); await run("restoring disks", await restore({ targetResourceGroupId: group, ...more })); return (await disks()).filter((d) => !before.includes(d.id)); };

const all = await restored({}), none = await restored({ restoreDiskLunList: null }), os = await restored({ restoreDiskLunList: [] }), one = await restored({ restoreDiskLunList: [1], restoreWithManagedDisks: true });
check("no list of LUNs restores all disks, an empty one the OS disk, a list its own", [all, none, os, one].map((list) => list.length).join() === "3,3,1,1" && os[0].properties.osType === "Linux" && !one[0].properties.osType, [all.length, none.length, os.length, one.length]);
const skus = (list) => list.map((d) => `${d.sku.name} ${d.zones}`).sort().join();
check("restored disks are of the types that they had, in their zone", skus(all) === "Premium_LRS 2,Premium_LRS 2,StandardSSD_LRS 2" && skus(os) === "Premium_LRS 2", all);
check("a disk of a generation 2 machine is one of generation 2", os[0].properties.hyperVGeneration === "V2", os[0]);
for (const [what, more, code] of [
  ["no objectType", { objectType: undefined }, "MissingRequiredProperty"], ["another objectType", { objectType: "AzureFileShareRestoreRequest" }, "InvalidParameter"],
  ["another region", { region: "westus" }, "UserErrorRegionMismatch"], ["a region that is none", { region: "mars" }, "UserErrorRegionMismatch"], ["a region by number", { region: 5 }, "InvalidParameter"],
  ["a LUN list that is text", { restoreDiskLunList: "x" }, "InvalidParameter"], ["one that is a number", { restoreDiskLunList: 0 }, "InvalidParameter"], ["LUNs as texts", { restoreDiskLunList: ["0"] }, "UserErrorInvalidDiskLun"],
  ["a LUN that the point lacks", { restoreDiskLunList: [77] }, "UserErrorInvalidDiskLun"], ["encryptionDetails that are text", { encryptionDetails: "x" }, "InvalidParameter"], ["an account option that is text", { originalStorageAccountOption: "x" }, "InvalidParameter"],
  ["the original account", { originalStorageAccountOption: true }, "UserErrorOriginalStorageAccountNotSupported"],
  ["a key of one's own", { encryptionDetails: { encryptionEnabled: true, kekUrl: "https://k/1" } }, "UserErrorCustomerManagedKeysNotSupported"], ["a disk encryption set", { diskEncryptionSetId: `${compute}/diskEncryptionSets/nowhere` }, "UserErrorCustomerManagedKeysNotSupported"],
  ["an identity", { identityInfo: { isSystemAssignedIdentity: true, managedIdentityResourceId: null } }, "UserErrorIdentityBasedRestoreNotSupported"], ["zones", { zones: ["1"] }, "UserErrorZonesNotSupported"],
  ["rehydration", { recoveryPointRehydrationInfo: { rehydrationPriority: "High" } }, "InvalidParameter"], ["a disk access that is none", { targetDiskNetworkAccessSettings: { targetDiskNetworkAccessOption: "Bogus" } }, "InvalidParameter"],
  ["managed disks without a group", { restoreWithManagedDisks: true }, "UserErrorInvalidRequest"], ["blobs in a group", { restoreWithManagedDisks: false, targetResourceGroupId: group }, "UserErrorInvalidRequest"],
]) await refused(`a restore with ${what}`, 400, code, () => restore(more));
check("nulls and blanks of the documents are nothing asked for", (await restored({ restoreDiskLunList: [-1], encryptionDetails: { encryptionEnabled: false }, identityInfo: null, diskEncryptionSetId: null, affinityGroup: "", zones: null, targetDomainNameId: null })).length === 1);

const machine = (name, more = {}) => ({ recoveryType: "AlternateLocation", targetResourceGroupId: group, targetVirtualMachineId: `${compute}/virtualMachines/${name}`, virtualNetworkId: network, subnetId: `${network}/subnets/default`, ...more });
await refused("a machine in another group than the restore's", 400, "UserErrorTargetResourceGroupMismatch", () => restore(machine("vm2", { targetResourceGroupId: `${S}/resourceGroups/${other}` })));
await refused("a machine of some disks", 400, "UserErrorDiskSelectionNotSupported", () => restore(machine("vm2", { restoreDiskLunList: [] })));
const made = await run("restoring a machine", await restore(machine("vm2")));
check("its job says what was made, and where", made.extendedInfo.propertyBag["Target Virtual Machine Name"] === "vm2" && made.extendedInfo.propertyBag["Target Resource Group"] === rg, made.extendedInfo.propertyBag);
const view = await get(`${compute}/virtualMachines/vm2/instanceView`, COMPUTE);
check("the machine is of the source's generation", view.hyperVGeneration === "V2", view);
const { properties: its, zones } = await get(`${compute}/virtualMachines/vm2`, COMPUTE), profile = its.storageProfile;
check("and what the source was: security, licence, zone, types of disks", its.securityProfile.securityType === "TrustedLaunch" && its.securityProfile.uefiSettings.secureBootEnabled && its.securityProfile.uefiSettings.vTpmEnabled && its.licenseType === "RHEL_BYOS" && zones[0] === "2"
  && profile.osDisk.managedDisk.storageAccountType === "Premium_LRS" && profile.osDisk.caching === "ReadOnly" && profile.dataDisks.map((d) => d.managedDisk.storageAccountType).join() === "StandardSSD_LRS,Premium_LRS", its);
await arm("DELETE", `${compute}/virtualMachines/vm2?${COMPUTE}`);
await until("vm2 goes", async () => { try { await get(`${compute}/virtualMachines/vm2`, COMPUTE); return false; } catch { return true; } });
await run("restoring it once more, beside its first interface", await restore(machine("vm2")));

// --- the paired region ---
const paired = `${group}/providers/Microsoft.RecoveryServices/vaults/geo`, there = `${S}/providers/Microsoft.RecoveryServices/locations/westus`, CRR = "api-version=2018-12-20";
const target = `${S}/resourceGroups/${rg}-w`, staging = `${target}/providers/Microsoft.Storage/storageAccounts/${prefix}w`;
await arm("PUT", `${target}?api-version=2022-09-01`, { location: "westus" });
await arm("PUT", `${staging}?api-version=2023-01-01`, { location: "westus", kind: "StorageV2", sku: { name: "Standard_LRS" } });
await arm("PUT", `${paired}?${API}`, { location, sku: { name: "RS0" }, properties: { redundancySettings: { standardTierStorageRedundancy: "GeoRedundant", crossRegionRestore: "Enabled" } } });
await until("vm2 is made", async () => (await get(`${compute}/virtualMachines/vm2`, COMPUTE)).properties.provisioningState === "Succeeded");
const item2 = itemOf("vm2").replace("/vaults/v1/", "/vaults/geo/"), vm2 = `${compute}/virtualMachines/vm2`;
await protect({ policyId: `${paired}/backupPolicies/DefaultPolicy` }, item2, vm2);
await arm("POST", `${item2}/backup?${API}`, { properties: { objectType: "IaasVMBackupRequest" } });
const copied = await until("the point is in the paired region", async () => (await get(`${item2}/recoveryPoints`, CRR)).value[0], 60);
const aad = await get(`${there}/backupAadProperties`, CRR);
check("the paired region's audience has its short code", /\/aadmgmt\/wus$/.test(aad.properties.audience), aad);
const askToken = (properties) => arm("POST", `${item2}/recoveryPoints/${copied.name}/accessToken?${CRR}`, { properties });
for (const [what, more] of [["no properties", undefined], ["another audience", { audience: "https://example.org" }], ["another tenant", { tenantId: "x" }], ["another principal", { servicePrincipalObjectId: 5 }], ["another region's", (await get(`${S}/providers/Microsoft.RecoveryServices/locations/eastus/backupAadProperties`, CRR)).properties]])
  await refused(`an access token for ${what}`, 400, "BMSUserErrorInvalidAadProperties", () => askToken(more && { ...aad.properties, ...more }));
const access = (await askToken(aad.properties)).json.properties;
check("the token's details are the documented ones", ["protectionContainerId", "coordinatorServiceStampUri", "protectionServiceStampId", "protectionServiceStampUri", "tokenExtendedInformation", "rpVMSizeDescription"].every((name) => name in access) && /^\d+\/\d+\/\d{4} \d+:\d\d:\d\d [AP]M$/.test(access.recoveryPointTime) && access.bMSActiveRegion === "EastUS" && /^\d+$/.test(access.resourceId), access);
const cross = (details, more) => arm("POST", `${there}/backupCrossRegionRestore?${CRR}`, { crossRegionRestoreAccessDetails: { ...access, ...details }, restoreRequest: { objectType: "IaasVMRestoreRequest", recoveryPointId: copied.name, recoveryType: "RestoreDisks", sourceResourceId: vm2, targetResourceGroupId: target, storageAccountId: staging, region: "westus", restoreDiskLunList: [], ...more } });
for (const [what, details, more, code] of [["another point's details", { recoveryPointId: "1" }, {}, "BMSUserErrorCrrAccessDetailsMismatch"], ["details of another type", { objectType: "X" }, {}, "BMSUserErrorCrrAccessDetailsMismatch"], ["another vault's", { resourceName: "v1" }, {}, "BMSUserErrorCrrAccessDetailsMismatch"],
  ["the primary region", {}, { region: "eastus" }, "UserErrorRegionMismatch"], ["another object type", {}, { objectType: "X" }, "InvalidParameter"]])
  await refused(`a cross region restore with ${what}`, 400, code, () => cross(details, more));
const crr = operation(await cross({}, {}));
const done = await until("the cross region restore ends", async () => { const { json } = await arm("POST", `${there}/backupCrrJob?${CRR}`, { resourceId: paired, jobName: crr }); return ["Completed", "Failed"].includes(json.properties.status) && json.properties; });
check("disks restored there are of their types", skus((await get(`${target}/providers/Microsoft.Compute/disks`, "api-version=2023-04-02")).value) === "Premium_LRS 2,Premium_LRS 2,StandardSSD_LRS 2");
check("an empty list of LUNs there is all disks, as documented", done.status === "Completed" && (await get(`${target}/providers/Microsoft.Compute/disks`, "api-version=2023-04-02")).value.length === 3, done.errorDetails);
