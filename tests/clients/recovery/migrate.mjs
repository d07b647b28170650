// One machine from enable to a completed migration; the guest's own words are compared with its source.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { all, call, check, compute, enableBody, estate, finish, last, poll, prefix, recovery, resources, same, sleep, target, until } from "./lib.mjs";
import { backupAndRestore } from "./backup.mjs";
import { restorePoints } from "./restorepoints.mjs";

const e = await estate();
const t = await target(e.vault.location);
const [machine] = e.machines;
check("a discovered machine is not protected yet", machine);
const at = [e.vault.name, e.group, e.fabric.name, e.container.name, machine.name];
const vm = `${prefix}-vm`;

/** what the source's disks held, as tools/make-guest wrote it down: "PATH CHECKSUM" */
const sourceFiles = readFileSync(`${process.env.LF_ESTATE}/machines/${machine.properties.displayName}/os.raw.sha256`, "utf8")
  .trim().split("\n").map((line) => line.split(/\s+/)).map(([sum, path]) => `${path} ${sum}`).sort();

/** boot diagnostics until the guest has looked at its files */
async function guestFiles(name) {
  const text = await until(`${name}: the console shows that it booted`, async () => {
    const { serialConsoleLogBlobUri } = await compute.virtualMachines.retrieveBootDiagnosticsData(t.group, name);
    const console = (await call("GET", serialConsoleLogBlobUri)).text;
    return /LANDFALL-MARKER.*uptime/.test(console) && console;
  }, 180);
  check(`${name}: its own check of its files is content`, /LANDFALL-MARKER check=OK/.test(text), text.slice(-300));
  return [...text.matchAll(/LANDFALL-FILE (\S+) ([0-9a-f]{64})/g)].map(([, path, sum]) => `${path} ${sum}`).sort();
}
const equal = (a, b) => a.length > 0 && a.length === b.length && a.every((line, i) => line === b[i]);

async function job(scenario) {
  const jobs = (await all(recovery.replicationJobs.list(e.vault.name, e.group)))
    .filter((j) => j.properties.scenarioName === scenario).sort((a, b) => b.properties.startTime - a.properties.startTime);
  check(`a job ${scenario} is listed`, jobs.length > 0);
  const { properties } = await recovery.replicationJobs.get(e.vault.name, e.group, jobs[0].name);
  check(`job ${scenario}: succeeded, and so did its ${properties.tasks.length} tasks`, properties.state === "Succeeded" && properties.tasks.length > 0
    && properties.tasks.every((task) => ["Succeeded", "Skipped"].includes(task.state)), properties);
}

const enabled = await recovery.replicationProtectedItems.beginCreateAndWait(...at, enableBody(e, t, machine), poll);
check("enable: the answer is the item", same(enabled.name, machine.name), enabled);
const item = await until("the item becomes Protected and has a point", async () => {
  const i = await recovery.replicationProtectedItems.get(...at);
  if (/failed$/i.test(i.properties.protectionState)) check("enabling does not fail", false, i.properties);
  return i.properties.protectionState === "Protected" && i.properties.providerSpecificDetails.lastRecoveryPointId && i;
});
check("health is normal", item.properties.replicationHealth === "Normal", item.properties.healthErrors);
check("every disk's initial replication is complete", item.properties.providerSpecificDetails.protectedDisks.every((d) => d.isInitialReplicationComplete === "true"));

const points = await all(recovery.recoveryPoints.listByReplicationProtectedItems(...at));
const times = points.map((p) => +p.properties.recoveryPointTime);
check("points are crash- or application-consistent, the newest first", points.length > 0
  && points.every((p) => /Consistent$/.test(p.properties.recoveryPointType)) && times.every((time, i) => i === 0 || time <= times[i - 1]));
const onePoint = await recovery.recoveryPoints.get(...at, points[0].name);
check("a point is read by its name", same(onePoint.id, points[0].id));

await recovery.replicationProtectedItems.beginTestFailoverAndWait(...at, { properties: { failoverDirection: "PrimaryToRecovery",
  networkType: "VmNetworkAsInput", networkId: t.testNet.id, providerSpecificDetails: { instanceType: "InMageRcm", networkId: t.testNet.id, recoveryPointId: onePoint.id } } }, poll);
await job("TestFailover");
const tested = await recovery.replicationProtectedItems.get(...at);
check("after the test failover only its clean-up is allowed", tested.properties.allowedOperations.includes("TestFailoverCleanup")
  && !tested.properties.allowedOperations.includes("TestFailover"), tested.properties.allowedOperations);
const [testVm] = await all(compute.virtualMachines.list(t.group));
check("there is one test machine", testVm?.name.startsWith(vm), testVm?.name);
check("test failover: the guest's files are the source's", equal(await guestFiles(testVm.name), sourceFiles));
await recovery.replicationProtectedItems.beginTestFailoverCleanupAndWait(...at, { properties: { comments: "seen" } }, poll);
await job("TestFailoverCleanup");
check("clean-up: no machine and no disk is left", (await all(compute.virtualMachines.list(t.group))).length === 0
  && (await all(compute.disks.listByResourceGroup(t.group))).filter((d) => /test/i.test(d.name)).length === 0);

await recovery.replicationProtectedItems.beginUnplannedFailoverAndWait(...at, { properties: { failoverDirection: "PrimaryToRecovery",
  sourceSiteOperations: "NotRequired", providerSpecificDetails: { instanceType: "InMageRcm", recoveryPointId: "", performShutdown: "false" } } }, poll);
await job("UnplannedFailover");
const failedOver = await recovery.replicationProtectedItems.get(...at);
check("failover: the item is active in the recovery location", failedOver.properties.activeLocation === "Recovery", failedOver.properties);
check("failover: committing is allowed", failedOver.properties.allowedOperations.includes("Commit"), failedOver.properties.allowedOperations);
const made = await compute.virtualMachines.get(t.group, vm, { expand: "instanceView" });
const power = (made.instanceView ?? made.properties?.instanceView)?.statuses?.map((s) => s.code);
check("failover: the machine runs", power?.includes("PowerState/running"), power);
check("failover: the guest's files are the source's", equal(await guestFiles(vm), sourceFiles));

await recovery.replicationProtectedItems.beginFailoverCommitAndWait(...at, poll);
await recovery.replicationProtectedItems.beginDeleteAndWait(...at, { properties: { disableProtectionReason: "MigrationComplete",
  replicationProviderInput: { instanceType: "DisableProtectionProviderSpecificInput" } } }, poll);
await until("disable: the item is gone", async () => (await call("GET", `${item.id}?api-version=2025-08-01`)).status === 404, 60);
check("disable: the machine stays", (await compute.virtualMachines.get(t.group, vm)).name === vm);
const events = await all(recovery.replicationEvents.list(e.vault.name, e.group));
check("events tell of it", events.some((event) => event.properties.affectedObjectFriendlyName || event.properties.description), events.length);

await restorePoints(compute, resources, t.group, vm, e.vault.location === "westus" ? "eastus" : "westus");
const acceptance = process.env.LF_ACCEPTANCE && `${process.env.LF_ACCEPTANCE}/restore-points.mjs`;
if (acceptance && existsSync(acceptance)) check("the acceptance script for restore points passes", spawnSync("node", [acceptance], { stdio: "inherit" }).status === 0);
await backupAndRestore(t, vm, e.vault.location, sourceFiles, guestFiles, equal);

await compute.virtualMachines.delete(t.group, vm, poll);
for (const disk of await all(compute.disks.listByResourceGroup(t.group))) await compute.disks.delete(t.group, disk.name, poll);
await resources.resourceGroups.beginDeleteAndWait(t.group, poll);
for (let i = 0; i < 50 && (await resources.resourceGroups.checkExistence(t.group)).body; i += 1) await sleep(100);
check("the target group and all in it can be deleted", !(await resources.resourceGroups.checkExistence(t.group)).body);
check(`the job that ran last is listed by ${last(e.vault.id)}`, (await all(recovery.replicationJobs.list(e.vault.name, e.group))).length >= 3);
finish();
