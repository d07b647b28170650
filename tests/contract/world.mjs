// world.mjs - one of each kind that a client writes: where it is, and a body that is right.  What asks for it is in echo.mjs.
import { S, arm, must } from "./site.mjs";

export const VERSION = { resources: "2022-09-01", network: "2024-03-01", compute: "2024-07-01", disk: "2024-03-02", points: "2024-07-01", storage: "2023-05-01",
  vaults: "2024-04-01", backup: "2024-04-01", siterecovery: "2025-08-01", offazure: "2023-06-06" };
const location = "eastus";
const G = `${S}/resourceGroups/contract`;
const net = `${G}/providers/Microsoft.Network`, compute = `${G}/providers/Microsoft.Compute`;

let n = 0;
/** a name that nothing has yet */
const fresh = (stem) => `${stem}${(n += 1)}`;

const policy = (time = "2026-01-01T23:00:00Z") => ({ properties: { backupManagementType: "AzureIaasVM", policyType: "V1", instantRpRetentionRangeInDays: 2, timeZone: "UTC",
  schedulePolicy: { schedulePolicyType: "SimpleSchedulePolicy", scheduleRunFrequency: "Daily", scheduleRunTimes: [time] },
  retentionPolicy: { retentionPolicyType: "LongTermRetentionPolicy", dailySchedule: { retentionTimes: [time], retentionDuration: { count: 30, durationType: "Days" } } } } });

export async function makeWorld() {
  const v = VERSION;
  await must("PUT", `${G}?api-version=${v.resources}`, { location });
  await must("PUT", `${net}/virtualNetworks/net?api-version=${v.network}`, { location, properties: { addressSpace: { addressPrefixes: ["10.60.0.0/16"] }, subnets: [{ name: "default", properties: { addressPrefix: "10.60.0.0/20" } }] } });
  await must("PUT", `${G}/providers/Microsoft.RecoveryServices/vaults/vault?api-version=${v.vaults}`, { location, sku: { name: "RS0", tier: "Standard" }, properties: { publicNetworkAccess: "Enabled" } });
  await must("PUT", `${G}/providers/Microsoft.Storage/storageAccounts/contractstage?api-version=${v.storage}`, { location, kind: "StorageV2", sku: { name: "Standard_LRS" }, properties: {} });
}

const vault = `${G}/providers/Microsoft.RecoveryServices/vaults/vault`;
const subnet = `${net}/virtualNetworks/net/subnets/default`;

/** an interface and a disk of its own, for a machine */
async function parts() {
  const nic = `${net}/networkInterfaces/${fresh("nic")}`, disk = `${compute}/disks/${fresh("os")}`;
  await must("PUT", `${nic}?api-version=${VERSION.network}`, { location, properties: { ipConfigurations: [{ name: "ip", properties: { subnet: { id: subnet } } }] } });
  await must("PUT", `${disk}?api-version=${VERSION.disk}`, { location, properties: { osType: "Linux", diskSizeGB: 1, creationData: { createOption: "Empty" } } });
  return { nic, disk };
}

/** each kind: its family (for the version), where a new one goes, its body; once: it is always the same one */
export const kinds = [
  { name: "resource group", version: "resources", path: () => `${S}/resourceGroups/${fresh("contract-g")}`, body: async () => ({ location, tags: { a: "b" } }) },
  { name: "virtual network", version: "network", path: () => `${net}/virtualNetworks/${fresh("net")}`,
    body: async () => ({ location, tags: { a: "b" }, properties: { addressSpace: { addressPrefixes: ["10.61.0.0/16"] }, subnets: [{ name: "default", properties: { addressPrefix: "10.61.0.0/24" } }] } }) },
  { name: "subnet", version: "network", path: () => `${net}/virtualNetworks/net/subnets/${fresh("s")}`, body: async () => ({ properties: { addressPrefix: `10.60.${32 + (n % 200)}.0/24` } }) },
  { name: "security group", version: "network", path: () => `${net}/networkSecurityGroups/${fresh("nsg")}`,
    body: async () => ({ location, properties: { securityRules: [{ name: "r", properties: { protocol: "Tcp", access: "Allow", direction: "Inbound", priority: 100, sourcePortRange: "*", destinationPortRange: "22", sourceAddressPrefix: "*", destinationAddressPrefix: "*" } }] } }) },
  { name: "interface", version: "network", path: () => `${net}/networkInterfaces/${fresh("nic")}`,
    // a subnet may be sent back as it was read: it is the subnet that shows it
    elsewhere: (where) => (where[4] === "subnet" && where[5] !== "id" ? [subnet, where.slice(5)] : undefined),
    body: async () => ({ location, properties: { ipConfigurations: [{ name: "ip", properties: { subnet: { id: subnet }, privateIPAllocationMethod: "Dynamic" } }] } }) },
  { name: "disk", version: "disk", path: () => `${compute}/disks/${fresh("d")}`, body: async () => ({ location, sku: { name: "Standard_LRS" }, properties: { diskSizeGB: 1, creationData: { createOption: "Empty" } } }) },
  { name: "availability set", version: "compute", path: () => `${compute}/availabilitySets/${fresh("set")}`, body: async () => ({ location, sku: { name: "Aligned" }, properties: { platformFaultDomainCount: 2, platformUpdateDomainCount: 5 } }) },
  { name: "proximity placement group", version: "compute", path: () => `${compute}/proximityPlacementGroups/${fresh("ppg")}`, body: async () => ({ location, properties: { proximityPlacementGroupType: "Standard" } }) },
  { name: "machine", version: "compute", path: () => `${compute}/virtualMachines/${fresh("vm")}`, body: async () => {
    const { nic, disk } = await parts();
    return { location, properties: { hardwareProfile: { vmSize: "Standard_B1s" }, storageProfile: { osDisk: { osType: "Linux", createOption: "Attach", managedDisk: { id: disk } }, dataDisks: [] }, networkProfile: { networkInterfaces: [{ id: nic, properties: { primary: true } }] } } };
  } },
  { name: "storage account", version: "storage", path: () => `${G}/providers/Microsoft.Storage/storageAccounts/${fresh("contractacc")}`, body: async () => ({ location, kind: "StorageV2", sku: { name: "Standard_LRS" }, properties: { networkAcls: { defaultAction: "Allow", bypass: "AzureServices" } } }) },
  { name: "vault", version: "vaults", path: () => `${G}/providers/Microsoft.RecoveryServices/vaults/${fresh("v")}`, body: async () => ({ location, sku: { name: "RS0", tier: "Standard" }, properties: { publicNetworkAccess: "Enabled" } }) },
  { name: "vault's extended information", version: "vaults", path: () => `${vault}/extendedInformation/vaultExtendedInfo`, body: async () => ({ properties: { algorithm: "None", integrityKey: "J09wzS27fnJ+Wjot7xO5wA==" } }) },
  { name: "backup policy", version: "backup", path: () => `${vault}/backupPolicies/${fresh("p")}`, body: async () => policy() },
  { name: "backup configuration", version: "backup", path: () => `${vault}/backupconfig/vaultconfig`, body: async () => ({ properties: { enhancedSecurityState: "Enabled", softDeleteFeatureState: "Enabled" } }) },
  { name: "storage configuration", version: "backup", path: () => `${vault}/backupstorageconfig/vaultstorageconfig`, body: async () => ({ properties: { storageModelType: "GeoRedundant", crossRegionRestoreFlag: false } }) },
  { name: "replication policy", version: "siterecovery", path: () => `${vault}/replicationPolicies/${fresh("rp")}`,
    shown: (where) => where.map((name) => (name === "providerSpecificInput" ? "providerSpecificDetails" : name)), body: async () => ({ properties: { providerSpecificInput: { instanceType: "InMageRcm", recoveryPointHistoryInMinutes: 60, crashConsistentFrequencyInMinutes: 5, appConsistentFrequencyInMinutes: 60, enableMultiVmSync: "false" } } }) },
  { name: "alert settings", version: "siterecovery", path: () => `${vault}/replicationAlertSettings/defaultAlertSetting`, body: async () => ({ properties: { sendToOwners: "DoNotSend", customEmailAddresses: [], locale: "en-US" } }) },
  { name: "vault setting", version: "siterecovery", path: () => `${vault}/replicationVaultSettings/default`, body: async () => ({ properties: {} }) },
  { name: "VMware site", version: "offazure", path: () => `${G}/providers/Microsoft.OffAzure/VMwareSites/${fresh("vs")}`, body: async () => ({ location, properties: {} }) },
  { name: "server site", version: "offazure", path: () => `${G}/providers/Microsoft.OffAzure/ServerSites/${fresh("ss")}`, body: async () => ({ location, properties: {} }) },
  { name: "restore point collection", version: "points", path: () => `${compute}/restorePointCollections/${fresh("rpc")}`, body: async () => ({ location, properties: { source: { id: `${compute}/virtualMachines/base` } } }),
    before: async () => {
      const { nic, disk } = await parts();
      await must("PUT", `${compute}/virtualMachines/base?api-version=${VERSION.compute}`, { location, properties: { hardwareProfile: { vmSize: "Standard_B1s" }, storageProfile: { osDisk: { osType: "Linux", createOption: "Attach", managedDisk: { id: disk } } }, networkProfile: { networkInterfaces: [{ id: nic }] } } });
    } },
];

export { arm };
