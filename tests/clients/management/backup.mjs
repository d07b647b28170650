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
  await arm("PUT", `${compute}/disks/${name}?api-version=2023-04-02`, { location, properties: { diskSizeGB: 1, creationData: { createOption: "Empty" }, ...more } });
await arm("PUT", `${group}/providers/Microsoft.Network/networkInterfaces/vm1-own?api-version=2023-04-01`, { location, properties: { ipConfigurations: [{ name: "a", properties: { subnet: { id: `${network}/subnets/default` } } }] } });
await arm("PUT", `${source}?${COMPUTE}`, { location, properties: { hardwareProfile: { vmSize: "Standard_D2s_v3" }, networkProfile: { networkInterfaces: [{ id: `${group}/providers/Microsoft.Network/networkInterfaces/vm1-own` }] },
  storageProfile: { osDisk: { createOption: "Attach", managedDisk: { id: `${compute}/disks/os` } }, dataDisks: [0, 1].map((lun) => ({ lun, createOption: "Attach", managedDisk: { id: `${compute}/disks/d${lun}` } })) } } });
await settle(source, COMPUTE);

// --- points ---
await protect();
const point = await backup();

// --- restores ---
const body = (more) => ({ properties: { objectType: "IaasVMRestoreRequest", recoveryPointId: point.name, recoveryType: "RestoreDisks", sourceResourceId: source, storageAccountId: account, region: location, createNewCloudService: false, originalStorageAccountOption: false, ...more } });
const restore = (more) => arm("POST", `${item}/recoveryPoints/${point.name}/restore?${API}`, body(more));
const disks = async () => (await get(`${compute}/disks`, "api-version=2023-04-02")).value;
const restored = async (more) => { const before = (await disks()).map((d) => d.id); await run("restoring disks", await restore({ targetResourceGroupId: group, ...more })); return (await disks()).filter((d) => !before.includes(d.id)); };

const all = await restored({}), none = await restored({ restoreDiskLunList: null }), os = await restored({ restoreDiskLunList: [] }), one = await restored({ restoreDiskLunList: [1], restoreWithManagedDisks: true });
check("no list of LUNs restores all disks, an empty one the OS disk, a list its own", [all, none, os, one].map((list) => list.length).join() === "3,3,1,1" && os[0].properties.osType === "Linux" && !one[0].properties.osType, [all.length, none.length, os.length, one.length]);
check("a disk of a generation 2 machine is one of generation 2", os[0].properties.hyperVGeneration === "V2", os[0]);
for (const [what, more, code] of [
  ["no objectType", { objectType: undefined }, "MissingRequiredProperty"], ["another objectType", { objectType: "AzureFileShareRestoreRequest" }, "InvalidParameter"],
  ["another region", { region: "westus" }, "UserErrorRegionMismatch"], ["a region that is none", { region: "mars" }, "UserErrorRegionMismatch"], ["a region by number", { region: 5 }, "InvalidParameter"],
  ["a LUN list that is text", { restoreDiskLunList: "x" }, "InvalidParameter"], ["one that is a number", { restoreDiskLunList: 0 }, "InvalidParameter"], ["LUNs as texts", { restoreDiskLunList: ["0"] }, "UserErrorInvalidDiskLun"],
  ["a LUN that the point lacks", { restoreDiskLunList: [77] }, "UserErrorInvalidDiskLun"], ["encryptionDetails that are text", { encryptionDetails: "x" }, "InvalidParameter"], ["an account option that is text", { originalStorageAccountOption: "x" }, "InvalidParameter"],
  ["the original account", { originalStorageAccountOption: true }, "UserErrorOriginalStorageAccountNotSupported"],
  ["a key of one's own", { encryptionDetails: { encryptionEnabled: true, kekUrl: "https://k/1" } }, "UserErrorCustomerManagedKeysNotSupported"], ["a disk encryption set", { diskEncryptionSetId: `${compute}/diskEncryptionSets/nowhere` }, "UserErrorCustomerManagedKeysNotSupported"],
  ["an identity", { identityInfo: { isSystemAssignedIdentity: true, managedIdentityResourceId: null } }, "UserErrorIdentityBasedRestoreNotSupported"], ["zones", { zones: ["1"] }, "UserErrorZonesNotSupported"],
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
await arm("DELETE", `${compute}/virtualMachines/vm2?${COMPUTE}`);
await until("vm2 goes", async () => { try { await get(`${compute}/virtualMachines/vm2`, COMPUTE); return false; } catch { return true; } });
await run("restoring it once more, beside its first interface", await restore(machine("vm2")));
