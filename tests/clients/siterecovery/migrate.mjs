// A machine of the estate, migrated by the Site Recovery and Compute clients: find, enable, update, test
// failover, clean-up, failover, commit, disable.  Environment: that of tools/estate.
import { ComputeManagementClient } from "@azure/arm-compute";
import { NetworkManagementClient } from "@azure/arm-network";
import { RecoveryServicesClient } from "@azure/arm-recoveryservices";
import { SiteRecoveryManagementClient } from "@azure/arm-recoveryservices-siterecovery";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import { all, arm, check, client, poll, prefix, refused, S } from "./lib.mjs";

const asr = client(SiteRecoveryManagementClient);
const compute = client(ComputeManagementClient);
const network = client(NetworkManagementClient);
const [vault] = await all(client(RecoveryServicesClient).vaults.listBySubscriptionId());
const group = vault.id.split("/")[4];
const [fabric] = await all(asr.replicationFabrics.list(vault.name, group));
const details = (await asr.replicationFabrics.get(vault.name, group, fabric.name)).properties.customDetails;
check("the fabric has a process server and a site", details.processServers.length > 0 && details.physicalSiteId);
const [container] = await all(asr.replicationProtectionContainers.listByReplicationFabrics(vault.name, group, fabric.name));
const [policy] = await all(asr.replicationPolicies.list(vault.name, group));
const machines = (await arm("GET", `${details.physicalSiteId}/machines?api-version=2023-06-06`)).json.value;
const taken = (await all(asr.replicationProtectedItems.list(vault.name, group))).map((i) => i.properties.providerSpecificDetails.fabricDiscoveryMachineId?.toLowerCase());
const machine = machines.find((m) => m.properties.disks.length && !taken.includes(m.id.toLowerCase()));
check("a discovered machine has disks", machine);

const target = `${prefix}-target`;
await client(ResourceManagementClient).resourceGroups.createOrUpdate(target, { location: vault.location });
const net = async (name, prefixes) => (await network.virtualNetworks.beginCreateOrUpdateAndWait(target, name, { location: vault.location,
  addressSpace: { addressPrefixes: [prefixes] }, subnets: [{ name: "default", addressPrefix: prefixes.replace("/16", "/24") }] }, poll)).id;
const targetNetwork = await net("net", "10.70.0.0/16"), testNetwork = await net("test-net", "10.71.0.0/16");
const cache = (await client(StorageManagementClient).storageAccounts.create(target, `${prefix}cache`,
  { location: vault.location, kind: "StorageV2", sku: { name: "Standard_LRS" } }, poll)).id;

const item = [vault.name, group, fabric.name, container.name, machine.name];
const input = { instanceType: "InMageRcm", fabricDiscoveryMachineId: machine.id, processServerId: details.processServers[0].id,
  targetResourceGroupId: `${S}/resourceGroups/${target}`, targetNetworkId: targetNetwork, testNetworkId: testNetwork, targetSubnetName: "default",
  testSubnetName: "default", targetVmName: `${prefix}vm`, targetVmSize: "Standard_B1s", licenseType: "NoLicenseType",
  disksToInclude: machine.properties.disks.map((d) => ({ diskId: d.uuid, logStorageAccountId: cache, diskType: "Standard_LRS" })) };
const properties = { policyId: policy.id, protectableItemId: "", providerSpecificDetails: input };
await asr.replicationProtectedItems.beginCreateAndWait(...item, { properties }, poll);
const get = async () => (await asr.replicationProtectedItems.get(...item)).properties;
const until = async (what, good) => {
  for (let i = 0; i < 600; i += 1) { if (good(await get())) return check(what, true); await new Promise((r) => setTimeout(r, 200)); }
  return check(what, false, await get());
};
await until("it becomes Protected and has a recovery point", (p) => p.protectionState === "Protected" && p.providerSpecificDetails.lastRecoveryPointId);
await refused("a second protection", 409, "MachineAlreadyProtected", () => asr.replicationProtectedItems.beginCreateAndWait(...item.slice(0, 4), `${machine.name}-b`, { properties }, poll));

const lastJob = async (scenario) => (await all(asr.replicationJobs.list(vault.name, group)))
  .filter((j) => j.properties.scenarioName === scenario).sort((a, b) => b.properties.startTime - a.properties.startTime)[0];
const succeeded = async (scenario) => check(`job ${scenario} has succeeded`, (await lastJob(scenario))?.properties.state === "Succeeded", await lastJob(scenario));
await asr.replicationProtectedItems.beginTestFailoverAndWait(...item, { properties: { networkType: "VmNetworkAsInput", networkId: testNetwork,
  providerSpecificDetails: { instanceType: "InMageRcm", networkId: testNetwork, recoveryPointId: "" } } }, poll);
await succeeded("TestFailover");
const runs = async (what, name) => {
  const { statuses } = await compute.virtualMachines.instanceView(target, name);
  check(what, statuses.some((s) => s.code === "PowerState/running"), statuses);
};
await runs("the test machine runs", `${prefix}vm-test`);
await asr.replicationProtectedItems.beginTestFailoverCleanupAndWait(...item, { properties: { comments: "tested" } }, poll);
await succeeded("TestFailoverCleanup");
check("no test machine is left", (await all(compute.virtualMachines.list(target))).length === 0);
await asr.replicationProtectedItems.beginUnplannedFailoverAndWait(...item, { properties: { failoverDirection: "PrimaryToRecovery", sourceSiteOperations: "NotRequired",
  providerSpecificDetails: { instanceType: "InMageRcm", performShutdown: "true", recoveryPointId: "" } } }, poll);
await succeeded("UnplannedFailover");
await runs("the migrated machine runs", `${prefix}vm`);
await asr.replicationProtectedItems.beginFailoverCommitAndWait(...item, poll);
await asr.replicationProtectedItems.beginPurgeAndWait(...item, poll);
await refused("the item after it was disabled", 404, "ResourceNotFound", () => asr.replicationProtectedItems.get(...item));
await runs("the migrated machine stays", `${prefix}vm`);
await compute.virtualMachines.beginDeleteAndWait?.(target, `${prefix}vm`, poll) ?? await compute.virtualMachines.delete(target, `${prefix}vm`, poll);
