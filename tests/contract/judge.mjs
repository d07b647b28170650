// judge.mjs DIR - holds each answer that record.mjs kept in DIR against the published descriptions: its operation, its status, the
// headers of a long one, its body.  One line for each operation that was seen; an answer outside fails it and is shown, once a kind.
import fs from "node:fs";
import path from "node:path";
import { Descriptions } from "./descriptions.mjs";

const top = path.resolve(import.meta.dirname, "../..");
const known = Descriptions.at(process.env.LF_TOP ?? top);
if (!known) {
  console.log("skip - the descriptions: ../shared/specs is not there");
  process.exit(0);
}

const parsed = (text) => { try { return JSON.parse(text); } catch { return undefined; } };
const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));

/** what is wrong with a refusal: ARM's envelope, whoever refuses */
function envelope(answer, body) {
  if (answer.method === "HEAD") return [];
  if (!body?.error || typeof body.error.code !== "string" || typeof body.error.message !== "string") return ["a refusal without error.code and error.message"];
  return [];
}

function judged(answer, found) {
  const status = String(answer.status), body = parsed(answer.body), headers = lower(answer.headers);
  if (answer.status >= 400) return envelope(answer, body);
  const fitting = found.filter((o) => o.statuses().includes(status));
  if (!fitting.length) return [`${status}, and described are ${[...new Set(found.flatMap((o) => o.statuses()))].join(" ")}`];
  const faults = [];
  if (answer.status === 202 && !headers.location && !headers["azure-asyncoperation"]) faults.push("202 without Location and Azure-AsyncOperation");
  if (answer.body && body === undefined) faults.push("a body that is no JSON");
  if (body !== undefined) {
    const tries = fitting.map((o) => o.faults(status, body));
    if (!tries.some((t) => !t.length)) faults.push(...tries[0]);
  }
  return faults;
}

// statuses that are polled and are described nowhere
const POLLED = /\/(operationresults|operationsstatus|operationstatuses|operationStatus|operations|replicationOperationStatus|DiskOperations|completedOperations|backupOperationResults|backupOperations)(\/|$)/i;
const OURS = /^\/(landfall|metrics|metadata|common|adfs|[0-9a-f-]{36}\/|agent|peer)|^\/providers\/[^/]+\/operations$/i;

/** where the documents of the service show something else than its description, and their readers come first */
const AS_DOCUMENTED = [
  // the sample answers of 2019 and before have tiers as numbers
  { version: /^201[89]-/, operation: /^RecoveryPoints(Crr)?_List$/, fault: /recoveryPointTierDetails/ },
  // the service says FULL
  { version: /./, operation: /^StorageAccounts_(ListKeys|RegenerateKey)$/, fault: /permissions/ },
];

const seen = new Map(); // operation -> {good, faults: Map}
const unknown = new Map();
let answers = 0;
for (const file of fs.readdirSync(process.argv[2]).filter((name) => name.endsWith(".jsonl")))
  for (const line of fs.readFileSync(path.join(process.argv[2], file), "utf8").split("\n").filter(Boolean)) {
    const answer = JSON.parse(line), url = new URL(answer.url);
    const pathname = url.pathname.replace(/\/{2,}/g, "/"), version = url.searchParams.get("api-version");
    if (!/^\/(subscriptions|providers|tenants)(\/|$)/i.test(pathname) || OURS.test(pathname)) continue;
    answers += 1;
    const found = known.find(answer.method, pathname, version).filter((operation) => operation.rank !== 99);
    if (!found.length) {
      if (answer.status < 400 && !POLLED.test(pathname)) {
        const kind = `${answer.method} ${pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, "{id}")}`;
        unknown.set(kind, (unknown.get(kind) ?? 0) + 1);
      }
      continue;
    }
    const name = `${found[0].family} ${found[0].id}`;
    if (!seen.has(name)) seen.set(name, { good: 0, faults: new Map() });
    const faults = judged(answer, found).filter((fault) => !AS_DOCUMENTED.some((d) => d.version.test(version) && d.operation.test(found[0].id) && d.fault.test(fault)));
    if (!faults.length) seen.get(name).good += 1;
    for (const fault of faults) {
      const kind = fault.replace(/\/\d+(?=\/|$| )/g, "/*");
      if (!seen.get(name).faults.has(kind)) seen.get(name).faults.set(kind, `${answer.status} ${answer.method} ${answer.url.slice(0, 300)}`);
    }
  }

let bad = 0;
for (const [name, { good, faults }] of [...seen].sort()) {
  if (!faults.size) console.log(`ok - ${name}: ${good} answers as described`);
  else {
    bad += 1;
    console.log(`not ok - ${name}`);
    for (const [fault, where] of faults) console.log(`    ${fault}: ${where}`);
  }
}
for (const [kind, count] of unknown) console.log(`# described nowhere: ${kind} (${count})`);
console.log(`# ${answers} answers, ${seen.size} operations, ${bad} of them with answers outside of their description`);
process.exit(bad ? 1 : 0);
