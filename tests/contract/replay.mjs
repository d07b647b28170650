// replay.mjs [plan] - every operation of Site Recovery is asked as its published example asks it, of a site that has one of each kind:
// what is served answers as described, what is of another replication provider is refused as such, and what the daemon's own list of
// routes calls refused is refused with that code.  "plan": only make the recovery plan that reads.mjs and actions.mjs look at.
// One line for each kind of answer; what deviates is shown below it.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Descriptions } from "./descriptions.mjs";
import { S, arm, ended, must } from "./site.mjs";

const top = process.env.LF_TOP ?? path.resolve(import.meta.dirname, "../..");
const known = Descriptions.at(top, ["siterecovery"]);
if (!known) {
  console.log("skip - the descriptions: ../shared/specs is not there");
  process.exit(0);
}
const VERSION = "2025-08-01";
const get = async (where) => (await arm("GET", `${where}?api-version=${VERSION}`)).json;
const one = async (where) => (await get(where)).value[0] ?? {};

const vault = `${S}/resourceGroups/estate/providers/Microsoft.RecoveryServices/vaults/estate-vault`;
const item = await one(`${vault}/replicationProtectedItems`);
const container = item.id.replace(/\/replicationProtectedItems\/.*/, ""), fabric = container.replace(/\/replicationProtectionContainers\/.*/, "");
const plan = `${vault}/replicationRecoveryPlans/contract`;
const planBody = { properties: { primaryFabricId: fabric, recoveryFabricId: "Microsoft Azure", failoverDeploymentModel: "ResourceManager",
  groups: [{ groupType: "Boot", replicationProtectedItems: [{ id: item.id }], startGroupActions: [], endGroupActions: [{ actionName: "look", failoverTypes: ["TestFailover"],
    failoverDirections: ["PrimaryToRecovery"], customDetails: { instanceType: "ManualActionDetails", description: "is it well?" } }] }] } };
await must("PUT", `${plan}?api-version=${VERSION}`, planBody);
if (process.argv[2] === "plan") process.exit(0);

const last = (id) => id?.split("/").pop();
const NAMES = { subscriptionId: last(S), resourceGroupName: "estate", resourceName: "estate-vault", fabricName: last(fabric), protectionContainerName: last(container),
  replicatedProtectedItemName: last(item.id), recoveryPlanName: "contract", policyName: last(item.properties.policyId), virtualMachineName: "contract",
  protectableItemName: last((await one(`${container}/replicationProtectableItems`)).id), mappingName: last((await one(`${container}/replicationProtectionContainerMappings`)).id),
  providerName: last((await one(`${fabric}/replicationRecoveryServicesProviders`)).id), recoveryPointName: last((await one(`${item.id}/recoveryPoints`)).id),
  jobName: last((await one(`${vault}/replicationJobs`)).id), eventName: last((await one(`${vault}/replicationEvents`)).id), alertSettingName: "defaultAlertSetting", vaultSettingName: "default" };

/** ids of the example's estate become those of this one */
const KINDS = [[/\/replicationProtectedItems\/[^/]+$/i, item.id], [/\/replicationPolicies\/[^/]+$/i, item.properties.policyId], [/\/replicationProtectionContainers\/[^/]+$/i, container],
  [/\/replicationFabrics\/[^/]+$/i, fabric], [/\/virtualNetworks\/[^/]+$/i, item.properties.providerSpecificDetails.targetNetworkId]];
function moved(value, name, taken = new Set()) {
  const again = (v) => v?.id && (taken.has(v.id) || !taken.add(v.id)); // two items of the example's are one here
  if (Array.isArray(value)) return value.map((v) => moved(v, name, taken)).filter((v) => !again(v));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, moved(v, k, taken)]));
  if (name === "virtualMachineId") return last(item.id);
  return typeof value === "string" ? (KINDS.find(([is]) => is.test(value))?.[1] ?? value) : value;
}
const instances = (body) => [...JSON.stringify(body ?? {}).matchAll(/"instanceType":"([^"]*)"/g)].map(([, type]) => type);
const OURS = /^(InMageRcm|ManualActionDetails|)$|Input$/;

/** what the daemon says of its routes */
const routes = execFileSync(path.join(process.env.LF_BUILD, "landfalld"), ["--routes"], { encoding: "utf8" }).trim().split("\n").map((line) => line.split("\t"));
const plain = (where) => where.replace(/\{[^}]*\}/g, "{}").replace(/\/+$/, "").toLowerCase().split("/");
function refusal(operation) {
  const wanted = plain(operation.template);
  const found = routes.filter(([method, where]) => method === operation.method && plain(where).length === wanted.length && plain(where).every((part, i) => part === "{}" || part === wanted[i]));
  return found.length ? found.sort((a, b) => plain(a[1]).filter((p) => p === "{}").length - plain(b[1]).filter((p) => p === "{}").length)[0][3] : "no route";
}

/** what the examples ask for and this estate's state, or its provider, does not have: the only refusals beside */
const STATE = { EmailNotificationsNotSupported: 400, OperationNotAllowedInCurrentState: 409, AnotherOperationInProgress: 409, JobActionNotAllowed: 409, ResourceNotFound: 404, RecoveryPointNotFound: 404 };

const codes = (json) => [json?.error?.code, ...(json?.error?.details ?? []).map((d) => d.code)];
function judged(operation, answer, body) {
  const code = refusal(operation), seen = codes(answer.json), foreign = instances(body).find((type) => !OURS.test(type));
  if (code === "no route") return ["route", "there is no route"];
  if (code === "ResourceNotFound") return ["none", answer.status === (operation.method === "DELETE" ? 204 : 404) ? "" : `${answer.status} of what there is none`];
  if (code !== "-") return ["refused", answer.status === 400 && seen.includes(code) ? "" : `${answer.status} ${seen}, not ${code}`];
  if (foreign) return ["other providers", answer.status === 400 && seen.includes("InstanceTypeNotSupported") ? "" : `${answer.status} ${seen}: of ${foreign}`];
  if (answer.status >= 400) return ["state", seen.some((c) => STATE[c] === answer.status) ? "" : `${answer.status} ${answer.text.slice(0, 300)}`];
  if (!operation.statuses().includes(String(answer.status))) return ["served", `${answer.status}, and described are ${operation.statuses()}`];
  return ["served", operation.faults(String(answer.status), answer.json).join("; ")];
}

const ORDER = ["GET", "PUT", "PATCH", "POST", "DELETE"];
const removes = (o) => /\/remove(Infra)?$/i.test(o.template) || o.method === "DELETE";
const depth = (o) => o.template.split("/{").length; // what lies below goes first
const all = known.all.filter((o) => o.family === "siterecovery" && o.version === VERSION)
  .sort((a, b) => removes(a) - removes(b) || (removes(a) ? 0 : ORDER.indexOf(a.method) - ORDER.indexOf(b.method)) || depth(b) - depth(a) || b.template.length - a.template.length);
const kinds = new Map();
for (const operation of all) {
  const { parameters } = JSON.parse(fs.readFileSync(path.join(path.dirname(operation.file), operation.derived.routes.find((r) => r.op === operation.id).examples[0])));
  const where = operation.template.replace(/\{([^}]*)\}/g, (_, name) => NAMES[name] ?? encodeURIComponent(parameters[name] ?? "landfall"));
  const name = operation.parameters("body")[0]?.name, body = name ? moved(parameters[name]) : undefined;
  const answer = await arm(operation.method, `${where}?api-version=${VERSION}`, body ?? (operation.method === "POST" ? {} : undefined));
  const [kind, fault] = judged(operation, answer, body);
  if (answer.status < 400) await ended(answer);
  if (!kinds.has(kind)) kinds.set(kind, { n: 0, faults: [] });
  kinds.get(kind).n += 1;
  if (fault) kinds.get(kind).faults.push(`${operation.id}: ${fault}`);
  if (process.env.LF_SHOW) console.log(`# ${operation.id} ${kind} ${answer.status} ${codes(answer.json).join(" ")}`);
}
let bad = 0;
for (const [kind, { n, faults }] of kinds) {
  console.log(`${faults.length ? "not ok" : "ok"} - Site Recovery, as its examples ask: ${n} operations (${kind})`);
  for (const fault of faults) console.log(`    ${fault}`);
  bad += faults.length;
}
process.exit(bad ? 1 : 0);
