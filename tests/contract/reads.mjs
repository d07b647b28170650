// reads.mjs - every GET that the descriptions know, on whatever the site has: the answer is as described, a filter never widens, pages
// add up to the list, and a parameter that cannot be read is refused, as are those of POST and DELETE, and a precondition that does not
// hold.  One line for each operation that found something.
import path from "node:path";
import { Descriptions } from "./descriptions.mjs";
import { S, arm } from "./site.mjs";

const known = Descriptions.at(process.env.LF_TOP ?? path.resolve(import.meta.dirname, "../.."));
if (!known) {
  console.log("skip - the descriptions: ../shared/specs is not there");
  process.exit(0);
}
const SENT = { "backup-crr": "2023-01-15" }; // else the description's own

const lists = new Map();
const get = async (where, version, query = "") => arm("GET", `${where}?api-version=${version}${query}`);

/** names of what is in a collection, the first few */
async function names(where, version) {
  const key = where.toLowerCase();
  if (!lists.has(key)) {
    const answer = await get(where, known.find("GET", where, version)[0]?.version ?? version);
    lists.set(key, (answer.json?.value ?? []).map((item) => item.name ?? item.id?.split("/").pop()).filter(Boolean).slice(0, 3));
  }
  return lists.get(key);
}

/** places where the operation has something to read: each parameter of its path is what its collection lists */
async function places(operation) {
  let found = [""];
  for (const segment of operation.template.replace(/\/+$/, "").split("/").slice(1)) {
    const next = [];
    for (const where of found) {
      if (!segment.startsWith("{")) next.push(`${where}/${segment}`);
      else if (/subscriptions$/i.test(where)) next.push(S);
      else if (/locations$/i.test(where)) next.push(`${where}/eastus`);
      else if (/resourceProviderNamespace/i.test(segment)) next.push(`${where}/Microsoft.Compute`);
      else if (/backupFabrics$/i.test(where)) next.push(`${where}/Azure`);
      else if (/backupFabrics\/Azure\/protectionContainers$/i.test(where)) next.push(...(await containers(where)).map((n) => `${where}/${n}`));
      else if (/protectedItems$/i.test(where)) next.push(`${where}/${where.split("/").at(-2).replace(/^IaasVMContainer/i, "VM")}`);
      else next.push(...(await names(where, operation.version)).map((n) => `${where}/${n}`));
    }
    found = next.slice(0, 4);
  }
  return found;
}
async function containers(where) {
  const vault = where.split("/backupFabrics")[0];
  const { json } = await get(`${vault}/backupProtectionContainers`, "2024-04-01", "&$filter=backupManagementType%20eq%20'AzureIaasVM'");
  return (json?.value ?? []).map((c) => c.name);
}

const ids = (answer) => (answer.json?.value ?? []).map((item) => (item.id ?? JSON.stringify(item)).toLowerCase());
const filtered = (text) => `&$filter=${encodeURIComponent(text)}`;

/** a filter answers a subset, or is refused */
async function filters(operation, where, version) {
  const faults = [], whole = new Set(ids(await get(where, version)));
  const fields = operation.filterFields(), wrong = ["nosuchfield eq 'x'", "((", "x", "name eq", "' or 1 eq 1"];
  const subset = async (text, empty) => {
    const answer = await get(where, version, filtered(text));
    if (answer.status >= 500 || (answer.status >= 400 && !answer.json?.error?.code)) faults.push(`${text}: ${answer.status} ${answer.text.slice(0, 100)}`);
    if (answer.status !== 200) return;
    const shown = ids(answer);
    if (shown.some((id) => !whole.has(id))) faults.push(`${text}: shows what the list has not`);
    if (empty && shown.length) faults.push(`${text}: ${shown.length} of ${whole.size} shown, and none is so`);
  };
  for (const [field, type] of Object.entries(fields)) {
    const values = type.startsWith("enum:") ? operation.enums(type.slice(5)) : [];
    for (const value of values) await subset(`${field} eq '${value}'`, false);
    if (!/date-time|boolean|number/.test(type) && !/expand|extendedInfo/i.test(field)) await subset(`${field} eq 'zz-nobody'`, true);
  }
  for (const text of wrong) {
    const answer = await get(where, version, filtered(text));
    if (answer.status !== 400) faults.push(`$filter=${text}: ${answer.status} and ${ids(answer).length} of ${whole.size}, not 400`);
  }
  return faults;
}

/** the pages of one row add up to the list */
async function pages(operation, where, version) {
  const whole = ids(await get(where, version)), faults = [], seen = [];
  for (const top of ["-1", "abc", "0x1"]) {
    const answer = await get(where, version, `&$top=${top}`);
    if (answer.status !== 400) faults.push(`$top=${top}: ${answer.status}, not 400`);
  }
  let answer = await get(where, version, "&$top=1");
  for (let n = 0; answer.status === 200 && n < 200; n += 1) {
    if (ids(answer).length > 1) faults.push(`$top=1: ${ids(answer).length} rows on a page`);
    seen.push(...ids(answer));
    if (!answer.json?.nextLink) break;
    answer = await arm("GET", answer.json.nextLink);
  }
  if (answer.status === 200 && (new Set(seen).size !== seen.length || seen.length !== whole.length)) faults.push(`pages of one row show ${seen.length} (${new Set(seen).size} different), the list ${whole.length}`);
  return faults;
}

/** what a parameter cannot be; of a list's own, the tests above */
async function modifiers(operation, where, version) {
  const faults = [];
  for (const parameter of operation.parameters("query")) {
    const free = operation.method !== "GET" && parameter.type === "string";
    const bad = free ? "zz nothing" : { boolean: "maybe", integer: "x" }[parameter.type] ?? (parameter.enum || parameter.name === "$expand" || /skipToken/i.test(parameter.name) ? "zz-nothing" : undefined);
    const own = operation.method === "GET" ? ["$top", "$filter"] : [];
    if (bad === undefined || ["api-version", ...own].includes(parameter.name)) continue;
    const answer = await arm(operation.method, `${where}?api-version=${version}&${encodeURIComponent(parameter.name)}=${encodeURIComponent(bad)}`, operation.method === "POST" ? {} : undefined);
    if (answer.status !== 400) faults.push(`${parameter.name}=${bad}: ${answer.status}, not 400`);
  }
  return faults;
}

/** a precondition that does not hold changes nothing: 412 */
async function conditions(operation, where, version) {
  const headers = operation.parameters("header").map((p) => p.name), faults = [];
  const { json } = await get(where, version);
  for (const [name, value] of [["If-Match", '"nobody-had-this"'], ...(operation.method === "PUT" ? [["If-None-Match", "*"]] : [])]) {
    if (!headers.includes(name)) continue;
    const answer = await arm(operation.method, `${where}?api-version=${version}`, operation.method === "DELETE" ? undefined : json, { [name]: value });
    if (answer.status !== 412) faults.push(`${name}: ${value}: ${answer.status}, not 412`);
  }
  return faults;
}

let bad = 0, read = 0;
const done = new Set();
for (const operation of known.all.filter((o) => o.method === "GET")) {
  const key = `${operation.family === "backup-crr"} ${operation.template.toLowerCase().replace(/\{[^}]*\}/g, "{}").replace(/\/+$/, "")}`;
  if (done.has(key) || operation.rank === 99 || /operationresults|operationsstatus|operationStatus/i.test(operation.template)) continue;
  done.add(key);
  const version = SENT[operation.family] ?? operation.version;
  const faults = [];
  let there = 0;
  for (const where of await places(operation)) {
    const answer = await get(where, version);
    if (answer.status >= 400) {
      if (!answer.json?.error?.code || answer.status >= 500) faults.push(`${answer.status} ${answer.text.slice(0, 200)}`);
      continue;
    }
    there += 1;
    if (!operation.statuses().includes(String(answer.status))) faults.push(`${answer.status}, and described are ${operation.statuses()}`);
    faults.push(...operation.faults(String(answer.status), answer.json).map((fault) => `${fault}: ${where}`));
    if (there > 1) continue;
    const query = operation.parameters("query").map((p) => p.name);
    if (query.includes("$filter")) faults.push(...(await filters(operation, where, version)));
    if (query.includes("$top")) faults.push(...(await pages(operation, where, version)));
    faults.push(...(await modifiers(operation, where, version)));
  }
  if (!there && !faults.length) continue;
  read += 1;
  bad += faults.length > 0;
  console.log(`${faults.length ? "not ok" : "ok"} - ${operation.family} ${operation.id} reads as described`);
  for (const fault of [...new Set(faults)]) console.log(`    ${fault}`);
}
for (const operation of known.all.filter((o) => o.method !== "GET" && o.rank !== 99)) {
  const key = `${operation.method} ${operation.template.toLowerCase()}`;
  const modified = operation.parameters("query").length + operation.parameters("header").length > 0 && !done.has(key);
  done.add(key);
  const version = SENT[operation.family] ?? operation.version;
  const [where] = modified ? await places(operation) : [];
  if (!where) continue;
  const faults = [...(await conditions(operation, where, version)), ...(await modifiers(operation, where, version))].filter((fault) => !/: (404|405), not/.test(fault));
  read += 1;
  bad += faults.length > 0;
  console.log(`${faults.length ? "not ok" : "ok"} - ${operation.family} ${operation.id}: its modifiers are obeyed or refused`);
  for (const fault of faults) console.log(`    ${fault}`);
}
console.log(`# ${read} operations read something`);
process.exit(bad ? 1 : 0);
