// probes.mjs - values to put where a description has a member.
const LONG = "x".repeat(1000);

/** [value, whether it must be refused] */
export function probes({ type, values }) {
  const wrong = (...list) => list.map((value) => [value, true]), may = (...list) => list.map((value) => [value, false]);
  switch (values && type === "string" ? "enum" : type) {
    case "enum": return [...may(...values), ...wrong("Bogus", 5, [1])];
    case "string": return [...may("landfall", "ä", LONG, ""), ...wrong(5, true, [1], { a: 1 })];
    case "boolean": return [...may(true, false), ...wrong("maybe", 5, [1])];
    case "integer": case "number": return [...may(0, -1, 1, 2 ** 40), ...wrong("x", [1], { a: 1 })];
    case "array": return [...may([]), ...wrong("x", 5)];
    case "object": return wrong("x", 5, [5]);
    default: return [];
  }
}

/** what can never be right, in a body that is: also no value where one is required, and ids of nowhere where an id is */
export function wrongs(member, body) {
  const here = at(body, member.path);
  const truth = /^(true|false)$/i.test(here) || /^is[A-Z]/.test(member.path.at(-1)); // Site Recovery writes it as text, and its clients as either
  const found = probes(member).filter(([value, refused]) => refused && !(truth && value === true)).map(([value]) => value);
  if (typeof here === "string" && here.startsWith("/subscriptions/")) found.push("abc", here.replace(/[^/]+$/, "of-nowhere"));
  if (member.required && here !== undefined) found.push(null, undefined);
  return found;
}

export const at = (doc, where) => where.reduce((here, name) => here?.[name], doc);
export function changed(doc, where, value) {
  const copy = structuredClone(doc);
  let here = copy;
  for (const name of where.slice(0, -1)) here = here[name] ??= {};
  if (value === undefined) delete here[where.at(-1)];
  else here[where.at(-1)] = value;
  return copy;
}
