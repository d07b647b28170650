// Bad input and what answers it: each row is a request that must be refused with its status, error.code,
// target and advice, and must leave nothing half-done.
import { API, all, call, check, compute, enableBody, estate, finish, poll, prefix, recovery, resources, S, sleep, target, token, until } from "./lib.mjs";

const e = await estate();
const t = await target(e.vault.location);
const machine = e.machines[e.machines.length - 1];
const V = e.vault.id, C = e.container.id;
const itemPath = `${C}/replicationProtectedItems/${machine.name}`;
const at = [e.vault.name, e.group, e.fabric.name, e.container.name, machine.name];
const Q = `?api-version=${API}`;
const nowhere = `${S}/resourceGroups/${t.group}/providers/Microsoft.Network/virtualNetworks/none`;

const advice = (error) => error?.additionalInfo?.find((i) => i.type === "Recommendation")?.info?.advice;
/** send it, and compare the refusal with the row: its code is that of the error, or of its detail below a documented one;
 * target: true for any, text for a part of it */
async function row(what, status, code, method, path, { target: wanted = true, ...request } = {}) {
  const answer = await call(method, path, request);
  const error = answer.json?.error;
  const own = error?.details?.[0]?.code;
  const good = answer.status === status && new RegExp(`^(${code})$`).test(own ?? error?.code) && (!own || /^(InvalidParameter|ResourceNotFound)$/.test(error.code)) && error?.message?.length > 10
    && (wanted === null || (wanted === true ? error?.target : String(error?.target).includes(wanted))) && (wanted === null || advice(error));
  check(`${what}: ${status} ${code}`, good, { status: answer.status, error: error ?? answer.text.slice(0, 200) }, true);
}
const enable = (change) => ({ body: enableBody(e, t, machine, change) });
const details = (change) => enable((p) => change(p.providerSpecificDetails));
async function nothingDone(what) {
  const items = await all(recovery.replicationProtectedItems.list(e.vault.name, e.group));
  const vms = await all(compute.virtualMachines.list(t.group));
  check(what, items.every((i) => i.name !== machine.name) && vms.length === 0, { items: items.length, vms: vms.length });
}

// --- enabling
await row("an unknown machine", 400, "MachineNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.fabricDiscoveryMachineId += "0"; }), target: "fabricDiscoveryMachineId" });
await row("both disksToInclude and disksDefault", 400, "InvalidDiskSelection", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.disksDefault = { diskType: "Standard_LRS", logStorageAccountId: t.cache.id }; }), target: "disks" });
await row("neither disksToInclude nor disksDefault", 400, "InvalidDiskSelection", "PUT", `${itemPath}${Q}`, { ...details((d) => { delete d.disksToInclude; }), target: "disks" });
await row("a disk that the machine does not have", 400, "DiskNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.disksToInclude[0].diskId = "nothing"; }), target: "disk" });
await row("another instanceType", 400, "InstanceTypeNotSupported", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.instanceType = "A2A"; }), target: "instanceType" });
await row("no instanceType", 400, "InstanceTypeNotSupported|MissingRequiredProperty", "PUT", `${itemPath}${Q}`, { ...details((d) => { delete d.instanceType; }), target: "instanceType" });
await row("an unknown policy", 400, "PolicyNotFound", "PUT", `${itemPath}${Q}`, { ...enable((p) => { p.policyId = `${V}/replicationPolicies/none`; }), target: "policyId" });
await row("an unknown network", 400, "NetworkNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.targetNetworkId = nowhere; }), target: "targetNetworkId" });
await row("an unknown test network", 400, "NetworkNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.testNetworkId = nowhere; }), target: "testNetworkId" });
await row("an unknown subnet", 400, "SubnetNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.targetSubnetName = "none"; }), target: "ubnet" });
await row("an unknown cache storage account", 400, "StorageAccountNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.disksToInclude[0].logStorageAccountId += "0"; }), target: "logStorageAccountId" });
await row("an unknown target group", 400, "ResourceGroupNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.targetResourceGroupId += "0"; }), target: "targetResourceGroupId" });
await row("an unknown process server", 400, "ProcessServerNotFound", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.processServerId = "00000000-0000-0000-0000-000000000000"; }), target: "processServerId" });
await row("an unknown size", 400, "InvalidVmSize", "PUT", `${itemPath}${Q}`, { ...details((d) => { d.targetVmSize = "Standard_Nothing"; }), target: "targetVmSize" });
await row("a body without properties", 400, "MissingRequiredProperty|InvalidParameter", "PUT", `${itemPath}${Q}`, { body: {} });
await nothingDone("nothing of these was half-done");

// --- bodies
const big = new Uint8Array(50 << 20).fill(0x20);
for (const [what, body] of [["malformed JSON", "{\"properties\":"], ["a member given twice", "{\"properties\":{},\"properties\":{}}"], ["an array for a body", "[]"], ["bytes after the JSON", "{} {}"], ["text that is not UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]])
  await row(what, 400, "InvalidRequestContent", "PUT", `${itemPath}${Q}`, { body, target: null });
await row("a body of 50 MB", 413, "RequestEntityTooLarge", "PUT", `${itemPath}${Q}`, { body: big });
check("the site answers after it", (await call("GET", `${S}?api-version=2022-12-01`)).status === 200);

// --- tokens and versions
const good = await token();
const parts = good.split(".");
const payload = JSON.parse(Buffer.from(parts[1], "base64url"));
const forged = (change) => [parts[0], Buffer.from(JSON.stringify({ ...payload, ...change })).toString("base64url"), parts[2]].join(".");
for (const [what, bearer] of [["a token of another hand", `${parts[0]}.${parts[1]}.${Buffer.alloc(64, 7).toString("base64url")}`], ["a token with a longer life", forged({ exp: payload.exp + 9999 })], ["a token for somebody else", forged({ oid: "00000000-0000-0000-0000-000000000001" })],
  ["a token that is unsigned", `${Buffer.from("{\"alg\":\"none\"}").toString("base64url")}.${parts[1]}.`], ["no token at all", "nonsense"], ["an empty token", ""]])
  await row(what, 401, "InvalidAuthenticationToken|AuthenticationFailed", "GET", `${V}${"?api-version=2024-04-01"}`, { bearer, target: null });
await row("a wrong api-version", 400, "InvalidApiVersionParameter", "GET", `${V}?api-version=2001-01-01`);
await row("an api-version that is not a date", 400, "InvalidApiVersionParameter", "GET", `${V}?api-version=latest`);
await row("no api-version", 400, "MissingApiVersionParameter", "GET", V, { target: null });
await row("a vault that is not there", 404, "ResourceNotFound", "GET", `${V}0?api-version=2024-04-01`, { target: null });
await row("an item that is not there", 404, ".*NotFound.*", "GET", `${itemPath}${Q}`, { target: null });

// --- before it is protected
const created = await call("PUT", `${itemPath}${Q}`, enable());
check("enabling it rightly is accepted", created.status === 202 || created.status === 200, created.text);
const test = (more = {}) => ({ properties: { failoverDirection: "PrimaryToRecovery", networkType: "VmNetworkAsInput", networkId: t.testNet.id, providerSpecificDetails: { instanceType: "InMageRcm", networkId: t.testNet.id, recoveryPointId: "", ...more } } });
const failover = (recoveryPointId) => ({ properties: { failoverDirection: "PrimaryToRecovery", sourceSiteOperations: "NotRequired", providerSpecificDetails: { instanceType: "InMageRcm", recoveryPointId, performShutdown: "false" } } });
const early = "OperationNotAllowedInCurrentState|AnotherOperationInProgress";
await row("a test failover before it is protected", 409, early, "POST", `${itemPath}/testFailover${Q}`, { body: test() });
await row("a failover before it is protected", 409, early, "POST", `${itemPath}/unplannedFailover${Q}`, { body: failover("") });
await until("it becomes Protected", async () => {
  const i = await recovery.replicationProtectedItems.get(...at);
  return i.properties.protectionState === "Protected" && i.properties.providerSpecificDetails.lastRecoveryPointId;
});

// --- while it is protected
const other = `${C}/replicationProtectedItems/${prefix}-second`;
await row("a second protection of a protected machine", 409, "MachineAlreadyProtected", "PUT", `${other}${Q}`, enable());
await row("a clean-up without a test", 409, early, "POST", `${itemPath}/testFailoverCleanup${Q}`, { body: { properties: { comments: "" } } });
await row("a commit without a failover", 409, early, "POST", `${itemPath}/failoverCommit${Q}`);
await row("a test failover to an unknown point", 404, "RecoveryPointNotFound", "POST", `${itemPath}/testFailover${Q}`, { body: test({ recoveryPointId: `${itemPath}/recoveryPoints/00000000-0000-0000-0000-000000000000` }), target: "recoveryPointId" });
await row("a failover to an unknown point", 404, "RecoveryPointNotFound", "POST", `${itemPath}/unplannedFailover${Q}`, { body: failover("00000000-0000-0000-0000-000000000000"), target: "recoveryPointId" });
await row("a test failover onto an unknown network", 400, "NetworkNotFound", "POST", `${itemPath}/testFailover${Q}`, { body: { properties: { ...test({ networkId: nowhere }).properties, networkId: nowhere } }, target: "etworkId" });
await row("a test failover of another instanceType", 400, "InstanceTypeNotSupported", "POST", `${itemPath}/testFailover${Q}`, { body: test({ instanceType: "A2A" }), target: "instanceType" });
await row("an update to an unknown network", 400, "NetworkNotFound", "PATCH", `${itemPath}${Q}`, { body: { properties: { providerSpecificDetails: { instanceType: "InMageRcm", targetNetworkId: nowhere } } }, target: "etworkId" });
await row("an update to an unknown size", 400, "InvalidVmSize", "PATCH", `${itemPath}${Q}`, { body: { properties: { providerSpecificDetails: { instanceType: "InMageRcm", targetVmSize: "Standard_Nothing" } } }, target: "mSize" });
await row("deleting a policy in use", 409, ".+", "DELETE", `${e.policy.id}${Q}`);
await row("deleting a fabric in use", 409, "FabricInUse", "DELETE", `${e.fabric.id}${Q}`);
await row("deleting a vault in use", 409, ".+", "DELETE", `${V}?api-version=2024-04-01`);
const after = await recovery.replicationProtectedItems.get(...at);
const jobs = await all(recovery.replicationJobs.list(e.vault.name, e.group));
check("nothing of these was half-done: still Protected, no machine, no job that fails or runs", after.properties.protectionState === "Protected"
  && (await all(compute.virtualMachines.list(t.group))).length === 0 && !jobs.some((j) => ["TestFailover", "UnplannedFailover"].includes(j.properties.scenarioName) && j.properties.targetObjectId === after.id),
  { state: after.properties.protectionState, jobs: jobs.map((j) => [j.properties.scenarioName, j.properties.state]) });

await recovery.replicationProtectedItems.beginPurgeAndWait(...at, poll);
await until("it can be disabled", async () => (await call("GET", `${itemPath}${Q}`)).status === 404, 60);
await resources.resourceGroups.beginDeleteAndWait(t.group, poll);
await sleep(0);
finish();
