// actions.mjs - bodies of what does something: each member of another type, each value that no enumeration has, each id of nowhere and
// each missing required member is refused, and nothing is begun.  Driven by ../shared/specs.  One line for each action.
import path from "node:path";
import { Descriptions } from "./descriptions.mjs";
import { S, arm, ended, must } from "./site.mjs";
import { changed, wrongs } from "./probes.mjs";

const known = Descriptions.at(process.env.LF_TOP ?? path.resolve(import.meta.dirname, "../.."));
if (!known) {
  console.log("skip - the descriptions: ../shared/specs is not there");
  process.exit(0);
}
const SR = "2025-08-01", BACKUP = "2024-04-01";
const first = async (where, version, good = () => true) => (await arm("GET", `${where}?api-version=${version}`)).json.value.find(good);
const vaults = (await arm("GET", `${S}/providers/Microsoft.RecoveryServices/vaults?api-version=2024-04-01`)).json.value;

/** the estate's machine that is replicated, and the one that is not */
async function replication() {
  const vault = vaults.find((v) => v.name === "estate-vault").id;
  const item = (await arm("GET", `${vault}/replicationProtectedItems?api-version=${SR}`)).json.value[0];
  const details = item.properties.providerSpecificDetails;
  const site = `${S}/resourceGroups/estate/providers/Microsoft.OffAzure/ServerSites/estate-servers`;
  const machines = [...(await arm("GET", `${site}/machines?api-version=2023-06-06`)).json.value,
    ...(await arm("GET", `${site.replace("ServerSites/estate-servers", "VMwareSites/estate-vmware")}/machines?api-version=2023-06-06`)).json.value];
  const other = machines.find((m) => m.id.toLowerCase() !== details.fabricDiscoveryMachineId.toLowerCase());
  const container = item.id.replace(/\/replicationProtectedItems\/.*/, "");
  const policy = item.properties.policyId;
  const enable = { properties: { policyId: policy, providerSpecificDetails: { instanceType: "InMageRcm", fabricDiscoveryMachineId: other.id, processServerId: details.processServerId,
    targetResourceGroupId: `${S}/resourceGroups/estate`, targetNetworkId: details.targetNetworkId, testNetworkId: details.testNetworkId ?? details.targetNetworkId, targetSubnetName: "default", testSubnetName: "default", targetVmName: "contract-b",
    targetVmSize: "Standard_B1s", licenseType: "NoLicenseType", targetVmTags: [{ tagName: "a", tagValue: "b" }],
    disksDefault: { diskType: "Standard_LRS", logStorageAccountId: details.protectedDisks[0].logStorageAccountId } } } };
  const failover = (what) => ({ properties: { failoverDirection: "PrimaryToRecovery", providerSpecificDetails: { instanceType: "InMageRcm", ...what } } });
  const rcm = [{ instanceType: "InMageRcm", recoveryPointType: "LatestProcessed", useMultiVmSyncPoint: "false" }];
  const manual = [{ actionName: "look", failoverTypes: ["TestFailover"], failoverDirections: ["PrimaryToRecovery"], customDetails: { instanceType: "ManualActionDetails", description: "is it well?" } }];
  const plan = { properties: { primaryFabricId: container.replace(/\/replicationProtectionContainers\/.*/, ""), recoveryFabricId: "Microsoft Azure", failoverDeploymentModel: "ResourceManager",
    groups: [{ groupType: "Boot", replicationProtectedItems: [{ id: item.id, virtualMachineId: item.id.split("/").pop() }], startGroupActions: manual, endGroupActions: [] }] } };
  return [
    ["enable replication", "PUT", `${container}/replicationProtectedItems/contract-b`, SR, enable],
    ["change a replicated item", "PATCH", item.id, SR, { properties: { providerSpecificDetails: { instanceType: "InMageRcm", targetVmName: "contract", targetVmSize: "Standard_B1s", targetNetworkId: details.targetNetworkId,
      vmNics: [{ nicId: details.vmNics[0].nicId, isSelectedForFailover: "true" }] } } }], // isPrimaryNic is described as required, and clients leave it out
    ["test failover", "POST", `${item.id}/testFailover`, SR, { properties: { failoverDirection: "PrimaryToRecovery", networkType: "VmNetworkAsInput", networkId: details.targetNetworkId,
      providerSpecificDetails: { instanceType: "InMageRcm", networkId: details.targetNetworkId, recoveryPointId: "" } } }],
    ["failover", "POST", `${item.id}/unplannedFailover`, SR, failover({ performShutdown: "false", recoveryPointId: "" })],
    ["recovery plan", "PUT", `${vault}/replicationRecoveryPlans/contract-wrong`, SR, plan],
    ["test failover of a plan", "POST", `${vault}/replicationRecoveryPlans/contract/testFailover`, SR, { properties: { failoverDirection: "PrimaryToRecovery", networkType: "VmNetworkAsInput",
      networkId: details.targetNetworkId, providerSpecificDetails: rcm } }],
    ["failover of a plan", "POST", `${vault}/replicationRecoveryPlans/contract/unplannedFailover`, SR, { properties: { failoverDirection: "PrimaryToRecovery", sourceSiteOperations: "NotRequired", providerSpecificDetails: rcm } }],
    ["replication policy", "PUT", `${vault}/replicationPolicies/contract-wrong`, SR, { properties: { providerSpecificInput: { instanceType: "InMageRcm", recoveryPointHistoryInMinutes: 60, crashConsistentFrequencyInMinutes: 5, appConsistentFrequencyInMinutes: 60 } } }],
  ];
}

/** the estate's machine that is backed up */
async function backup() {
  let item, vault;
  for (vault of vaults) {
    item = (await arm("GET", `${vault.id}/backupProtectedItems?api-version=${BACKUP}`)).json.value[0];
    if (item) break;
  }
  if (!item) return [];
  const point = await first(`${item.id}/recoveryPoints`, BACKUP);
  const policyId = item.properties.policyId || (await first(`${vault.id}/backupPolicies`, BACKUP)).id;
  const account = `${S}/resourceGroups/contract/providers/Microsoft.Storage/storageAccounts/contractrestore`;
  await must("PUT", `${S}/resourceGroups/contract?api-version=2022-09-01`, { location: "eastus" });
  await must("PUT", `${account}?api-version=2023-05-01`, { location: vault.location, kind: "StorageV2", sku: { name: "Standard_LRS" } });
  const restore = { properties: { objectType: "IaasVMRestoreRequest", recoveryPointId: point.name, recoveryType: "RestoreDisks", sourceResourceId: item.properties.sourceResourceId, storageAccountId: account,
    region: vault.location, createNewCloudService: false, originalStorageAccountOption: false, restoreDiskLunList: [0], targetResourceGroupId: `${S}/resourceGroups/contract` } };
  return [
    ["protect a machine", "PUT", item.id, BACKUP, { properties: { protectedItemType: "Microsoft.Compute/virtualMachines", sourceResourceId: item.properties.sourceResourceId, policyId } }],
    ["back up now", "POST", `${item.id}/backup`, BACKUP, { properties: { objectType: "IaasVMBackupRequest", recoveryPointExpiryTimeInUTC: new Date(Date.now() + 864e6).toISOString() } }],
    ["restore disks", "POST", `${point.id}/restore`, BACKUP, restore],
    ["files of a point", "POST", `${point.id}/provisionInstantItemRecovery`, BACKUP, { properties: { objectType: "IaasVMILRRegistrationRequest", recoveryPointId: point.id, virtualMachineId: item.properties.virtualMachineId } }],
  ];
}

let bad = 0;
const backups = await backup(), [, ...possible] = backups; // the machine itself is not in the estate
for (const [name, method, where, version, body] of [...(await replication()), ...backups]) {
  const operation = known.find(method, where, version)[0];
  const faults = [];
  let tried = 0;
  for (const member of operation.members(body))
    for (const value of wrongs(member, body)) {
      const answer = await arm(method, `${where}?api-version=${version}`, changed(body, member.path, value));
      tried += 1;
      const what = `${member.path.join(".")} = ${value === undefined ? "absent" : JSON.stringify(value).slice(0, 40)}`;
      if (answer.status < 400) await ended(answer);
      if (answer.status < 400 || answer.status >= 500) faults.push(`${what}: ${answer.status} ${answer.status >= 500 ? answer.text.slice(0, 200) : ""}`);
      else if (!answer.json?.error?.code || !answer.json.error.message) faults.push(`${what}: ${answer.status} without code and message`);
    }
  // what is asked for is done when nothing in it is wrong: none of the above was refused for another reason
  const right = possible.some((one) => one[0] === name) && (await arm(method, `${where}?api-version=${version}`, body));
  if (right && right.status >= 400) faults.push(`the right body: ${right.status} ${right.text.slice(0, 200)}`);
  else if (right) await ended(right);
  bad += faults.length > 0;
  console.log(`${faults.length ? "not ok" : "ok"} - ${name}: ${tried} wrong bodies are refused`);
  for (const fault of faults) console.log(`    ${fault}`);
}
process.exit(bad ? 1 : 0);
