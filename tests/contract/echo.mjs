// echo.mjs - obey or refuse, for each member that a description lets a client write: a value of another type and an unknown value are
// refused; a value that is accepted is what GET shows.  Driven by ../shared/specs: a new member is tested by being described.
// One line for each kind of resource; what deviates is shown below it.
import path from "node:path";
import { Descriptions } from "./descriptions.mjs";
import { at, changed, probes } from "./probes.mjs";
import { arm, ended } from "./site.mjs";
import { VERSION, kinds, makeWorld } from "./world.mjs";

const known = Descriptions.at(process.env.LF_TOP ?? path.resolve(import.meta.dirname, "../.."));
if (!known) {
  console.log("skip - the descriptions: ../shared/specs is not there");
  process.exit(0);
}

/** what a resource's envelope says is the URL's: it may be sent back, and is dropped; so is a count that comes with a policy that was copied */
const isEnvelope = (where) => where.at(-1) === "protectedItemsCount" || (["id", "name", "type", "etag", "eTag"].includes(where.at(-1)) && (where.length === 1 || (where.at(-2) === 0 && where.at(-1) !== "name")));

const isNothing = (value) => value === undefined || value === null || value === false || value === "" || (typeof value === "object" && !Object.keys(value).length);
function same(asked, shown) {
  if (isNothing(asked)) return isNothing(shown);
  if (typeof asked === "object") return JSON.stringify(asked) === JSON.stringify(shown);
  return String(asked).replace(/ /g, "").toLowerCase() === String(shown).replace(/ /g, "").toLowerCase();
}
/** what was made goes again; a setting that is always there stays */
async function gone(where, version) {
  const answer = await arm("DELETE", `${where}?api-version=${version}`);
  if (answer.status < 400) await ended(answer);
}
const short = (value) => { const text = JSON.stringify(value); return text.length > 40 ? `${text.slice(0, 40)}...` : text; };

async function one(kind, operation, version) {
  const faults = [];
  let base = await kind.body();
  let tried = 0;
  const members = operation.members(base).filter((member) => !isEnvelope(member.path));
  for (const member of members)
    for (const [value, refused] of probes(member)) {
      const name = member.path.join("."), where = kind.path();
      if (same(value, at(base, member.path)) && !refused) continue;
      const answer = await arm("PUT", `${where}?api-version=${version}`, changed(base, member.path, value));
      tried += 1;
      if (answer.status >= 500) faults.push(`${name} = ${short(value)}: ${answer.status} ${answer.text.slice(0, 200)}`);
      if (answer.status >= 400) continue;
      const end = await ended(answer);
      if (refused) faults.push(`${name} = ${short(value)}: ${answer.status}, and it is no ${member.values ? "value of it" : member.type}`);
      else if (end === "Failed") faults.push(`${name} = ${short(value)}: accepted, and the operation failed`);
      else if (!member.secret) {
        const [there, member_there] = kind.elsewhere?.(member.path) ?? [where, kind.shown?.(member.path) ?? member.path];
        const show = async () => at((await arm("GET", `${there}?api-version=${version}`)).json, member_there), shown = await show();
        // "" may leave the choice to the service; then a body without the member is shown alike
        const left = async () => {
          await gone(where, version);
          await ended(await arm("PUT", `${where}?api-version=${version}`, changed(await kind.body(), member.path, undefined)));
          return same(shown, await show());
        };
        if (!same(value, shown) && !(value === "" && await left())) faults.push(`${name} = ${short(value)}: accepted, and GET shows ${short(shown ?? null)}`);
      }
      await gone(where, version);
      base = await kind.body(); // what was made may have taken its parts with it
    }
  const last = await arm("PUT", `${kind.path()}?api-version=${version}`, base);
  if (last.status >= 400) faults.push(`the right body is refused after all: ${last.status} ${last.text.slice(0, 200)}`);
  return { faults, tried, members: members.length };
}

await makeWorld();
const wanted = process.argv.slice(2);
let bad = 0;
for (const kind of kinds.filter((k) => !wanted.length || wanted.includes(k.name))) {
  const version = VERSION[kind.version], start = Date.now();
  await kind.before?.();
  const operation = known.find("PUT", kind.path(), version)[0] ?? known.find("PATCH", kind.path(), version)[0];
  if (!operation) { console.log(`not ok - ${kind.name} is described nowhere`); bad += 1; continue; }
  const where = kind.path();
  const first = await arm("PUT", `${where}?api-version=${version}`, await kind.body());
  if (first.status >= 400) { console.log(`not ok - ${kind.name}: its right body is ${first.status} ${first.text.slice(0, 300)}`); bad += 1; continue; }
  await ended(first);
  await gone(where, version);
  const { faults, tried, members } = await one(kind, operation, version);
  console.log(`${faults.length ? "not ok" : "ok"} - ${kind.name}: ${members} members, ${tried} values obeyed or refused (${((Date.now() - start) / 1e3).toFixed(1)} s)`);
  for (const fault of faults) console.log(`    ${fault}`);
  bad += faults.length > 0;
}
process.exit(bad ? 1 : 0);
