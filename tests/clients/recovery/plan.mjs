// Two machines in a recovery plan: the second starts only after the first, and after a person has said so.
import { all, call, check, compute, enableBody, estate, finish, last, poll, prefix, recovery, target, until } from "./lib.mjs";

const e = await estate();
const t = await target(e.vault.location);
const machines = e.machines.slice(0, 2);
check("there are two machines to protect", machines.length === 2, machines.length);
const here = [e.vault.name, e.group], container = [...here, e.fabric.name, e.container.name];
const names = ["db", "web"].map((role) => `${prefix}-${role}`);

const items = await Promise.all(machines.map((machine, i) => recovery.replicationProtectedItems.beginCreateAndWait(...container, machine.name,
  enableBody(e, t, machine, (properties) => { properties.providerSpecificDetails.targetVmName = names[i]; }), poll)));
await until("both are protected", async () => (await Promise.all(items.map((item) => recovery.replicationProtectedItems.get(...container, item.name))))
  .every((item) => item.properties.protectionState === "Protected"));

const boot = (item, endGroupActions = []) => ({ groupType: "Boot", replicationProtectedItems: [{ id: item.id, virtualMachineId: item.name }], startGroupActions: [], endGroupActions });
const look = { actionName: "look", failoverTypes: ["TestFailover"], failoverDirections: ["PrimaryToRecovery"],
  customDetails: { instanceType: "ManualActionDetails", description: "does the database answer?" } };
const plan = await recovery.replicationRecoveryPlans.beginCreateAndWait(...here, `${prefix}-plan`, { properties: { primaryFabricId: e.fabric.id, recoveryFabricId: "Microsoft Azure",
  failoverDeploymentModel: "ResourceManager", groups: [boot(items[0], [look]), boot(items[1])] } }, poll);
check("the plan has the groups that every plan has", plan.properties.groups.map((g) => g.groupType).join() === "Shutdown,Failover,Boot,Boot", plan.properties.groups);
check("the plan allows a test failover", plan.properties.allowedOperations.includes("TestFailover"), plan.properties.allowedOperations);

const power = async (name) => {
  const vm = await compute.virtualMachines.get(t.group, `${name}-test`, { expand: "instanceView" });
  return (vm.instanceView ?? vm.properties?.instanceView)?.statuses?.some((s) => s.code === "PowerState/running");
};
const drill = recovery.replicationRecoveryPlans.beginTestFailoverAndWait(...here, plan.name, { properties: { failoverDirection: "PrimaryToRecovery", networkType: "VmNetworkAsInput",
  networkId: t.testNet.id, providerSpecificDetails: [{ instanceType: "InMageRcm", recoveryPointType: "LatestProcessed" }] } }, poll);
const job = async () => {
  const { properties } = await recovery.replicationRecoveryPlans.get(...here, plan.name);
  return properties.currentScenario?.jobId && recovery.replicationJobs.get(...here, last(properties.currentScenario.jobId));
};
const waiting = await until("the plan waits for a person", async () => { const j = await job(); return j?.properties.state === "Suspended" && j; });
check("the first machine runs by then, and the second is made and does not", (await power(names[0])) && !(await power(names[1])));
check("the job may be resumed", waiting.properties.allowedActions.includes("Resume"), waiting.properties.allowedActions);
await recovery.replicationJobs.beginResumeAndWait(...here, waiting.name, { properties: { comments: "it does" } }, poll);
const done = await drill;
check("the plan ends with all of it done", done.properties.currentScenarioStatus === "Succeeded", done.properties);
check("the second machine runs", await power(names[1]));
const groups = (await job()).properties.tasks.filter((task) => task.groupTaskCustomDetails);
const start = (task) => task.groupTaskCustomDetails.childTasks.find((child) => child.name === "StartReplicaVirtualMachine");
check("the job tells its groups, what was said, and that the second started after the first", groups.length === 4 && +start(groups[2]).endTime < +start(groups[3]).endTime
  && groups[2].groupTaskCustomDetails.childTasks.some((child) => child.customDetails.observation === "it does"), groups);

await recovery.replicationRecoveryPlans.beginTestFailoverCleanupAndWait(...here, plan.name, { properties: { comments: "seen" } }, poll);
check("clean-up leaves no machine", (await all(compute.virtualMachines.list(t.group))).length === 0);
await recovery.replicationRecoveryPlans.beginDeleteAndWait(...here, plan.name, poll);
const gone = await call("GET", `${plan.id}?api-version=2025-08-01`);
check("the plan is gone", gone.status === 404, gone.text);
for (const item of items) await recovery.replicationProtectedItems.beginPurgeAndWait(...container, item.name, poll);
finish();
