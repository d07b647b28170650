// descriptions.mjs - the published descriptions of ../shared/specs as this project's tests use them: which operation a request is,
// which statuses and headers it may answer, and a validator (Ajv) of each body.
import fs from "node:fs";
import path from "node:path";
import Ajv from "ajv";

/** the families that are served, newest version first; the data planes (blobs, keys) have suites of their own */
const FAMILIES = ["siterecovery", "backup", "backup-crr", "vaults", "offazure", "compute", "compute-disk", "compute-restorepoints", "compute-diskrestorepoints",
  "compute-skus", "network", "network-privateendpoints", "privatedns", "authorization", "managedidentity", "keyvault", "migrate-projects", "storage", "resources"];
const PASSIVE = ["2018-12-20", "2021-11-15", "2023-01-15"]; // backup's versions of the paired region: the same paths mean something else

const isAlternative = (value) => value && typeof value === "object" && !Array.isArray(value);

/** a description's schema as JSON Schema: null is what is not there, open enumerations are texts, a discriminator chooses */
class Schemas {
  constructor(dir, files) {
    this.dir = dir;
    this.documents = new Map(); // file -> document
    this.definitions = {};
    this.children = new Map(); // key -> [{value, key}]
    for (const file of files) this.load(path.join(dir, file));
  }

  load(file) {
    if (this.documents.has(file)) return;
    const document = JSON.parse(fs.readFileSync(file));
    this.documents.set(file, document);
    for (const [name, definition] of Object.entries(document.definitions ?? {}))
      for (const parent of definition.allOf ?? []) {
        if (!parent.$ref) continue;
        const key = this.key(file, parent.$ref);
        if (!this.children.has(key)) this.children.set(key, []);
        this.children.get(key).push({ value: definition["x-ms-discriminator-value"] ?? name, key: `${file}#${name}` });
      }
  }

  key(file, ref) {
    const [where, pointer] = ref.split("#");
    const target = where ? path.resolve(path.dirname(file), where) : file;
    this.load(target);
    return `${target}#${pointer.split("/").pop()}`;
  }

  at(key) {
    const cut = key.lastIndexOf("#");
    return [key.slice(0, cut), this.documents.get(key.slice(0, cut))?.definitions?.[key.slice(cut + 1)]];
  }

  /** all that extend it, however far */
  variants(key) {
    return (this.children.get(key) ?? []).flatMap((child) => [child, ...this.variants(child.key)]);
  }

  name(key, form) {
    const name = `${form}:${path.relative(this.dir, key)}`;
    if (!(name in this.definitions)) {
      this.definitions[name] = {};
      const [file, definition] = this.at(key);
      this.definitions[name] = form === "own" || !definition ? this.convert(file, definition ?? {}) : this.chosen(key, file, definition);
    }
    return { $ref: `#/definitions/${encodeURIComponent(name)}` };
  }

  chosen(key, file, definition) {
    const by = this.discriminator(key);
    const own = this.name(key, "own");
    if (!by) return own;
    return { allOf: [own, ...this.variants(key).map(({ value, key: child }) => ({
      if: { type: "object", properties: { [by]: { const: value } }, required: [by] }, then: this.name(child, "own"),
    }))] };
  }

  discriminator(key) {
    const [file, definition] = this.at(key);
    if (!definition) return undefined;
    if (definition.discriminator) return definition.discriminator;
    for (const parent of definition.allOf ?? []) {
      const by = parent.$ref && this.discriminator(this.key(file, parent.$ref));
      if (by) return by;
    }
    return undefined;
  }

  /** one member: as described, or null */
  member(file, schema) {
    return schema.$ref ? { anyOf: [{ type: "null" }, this.convert(file, schema)] } : this.convert(file, schema, true);
  }

  convert(file, schema, nullable = false) {
    if (schema.$ref) {
      const key = this.key(file, schema.$ref);
      const [, definition] = this.at(key);
      return definition?.type === "string" || definition?.enum ? this.name(key, "own") : this.name(key, "chosen");
    }
    const made = {};
    if (schema.type && schema.type !== "file") made.type = nullable ? [schema.type, "null"] : schema.type;
    if (schema.enum && schema["x-ms-enum"]?.modelAsString === false) made.enum = nullable ? [...schema.enum, null] : schema.enum;
    if (schema.properties) {
      made.properties = Object.fromEntries(Object.entries(schema.properties).map(([name, member]) => [name, this.member(file, member)]));
      if (schema.required?.length) made.required = schema.required;
      made.type ??= nullable ? ["object", "null"] : "object";
    }
    if (schema.items) made.items = this.convert(file, schema.items);
    if (isAlternative(schema.additionalProperties) && Object.keys(schema.additionalProperties).length) made.additionalProperties = this.member(file, schema.additionalProperties);
    if (schema.allOf) made.allOf = schema.allOf.map((part) => (part.$ref ? this.name(this.key(file, part.$ref), "own") : this.convert(file, part)));
    return made;
  }

  /** a definition with what it extends, and with the variant that sample chooses */
  whole(file, schema, sample) {
    const properties = {}, required = [];
    const take = (at, part) => {
      if (part.$ref) {
        const key = this.key(at, part.$ref);
        const [where, definition] = this.at(key);
        return definition && take(where, definition);
      }
      for (const parent of part.allOf ?? []) take(at, parent);
      for (const [name, member] of Object.entries(part.properties ?? {})) properties[name] = { file: at, schema: member };
      required.push(...(part.required ?? []));
    };
    take(file, schema);
    if (schema.$ref) {
      const key = this.key(file, schema.$ref), by = this.discriminator(key);
      const chosen = by && this.variants(key).find((v) => v.value === sample?.[by]);
      if (chosen) take(this.at(chosen.key)[0], { $ref: `#/definitions/${chosen.key.split("#")[1]}` });
    }
    return { properties, required };
  }

  plain(file, schema) {
    while (schema?.$ref) {
      const key = this.key(file, schema.$ref);
      [file, schema] = this.at(key);
    }
    return schema ?? {};
  }

  members(file, schema, sample, at, above = []) {
    const found = [];
    const { properties, required } = this.whole(file, schema, sample);
    for (const [name, member] of Object.entries(properties)) {
      const plain = this.plain(member.file, member.schema), path = [...at, name];
      if (plain.readOnly || member.schema.readOnly) continue;
      const ref = member.schema.$ref ?? member.schema.items?.$ref;
      if (above.filter((r) => r === ref).length > (ref ? 0 : 99)) continue;
      const parts = plain.allOf || plain.properties || member.schema.$ref;
      const type = plain.type ?? (parts ? "object" : undefined);
      found.push({ path, type, values: plain.enum, open: plain["x-ms-enum"]?.modelAsString !== false, required: required.includes(name), secret: plain["x-ms-secret"] || plain.format === "password" });
      const here = sample?.[name];
      if (type === "object" && parts) found.push(...this.members(member.file, member.schema, here, path, [...above, ref]));
      if (type === "array" && Array.isArray(here) && here.length && typeof here[0] === "object")
        found.push(...this.members(member.file, plain.items, here[0], [...path, 0], [...above, ref]));
    }
    return found;
  }

  /** what checks a body of this schema */
  validator(file, schema) {
    const root = this.convert(file, schema);
    return new Ajv({ strict: false, allErrors: true, validateFormats: false, logger: false, inlineRefs: false }).compile({ ...root, definitions: this.definitions });
  }
}

class Operation {
  constructor(family, version, schemas, file, template, method, description, derived) {
    Object.assign(this, { family, version, template, derived, method, description, file, schemas, id: description.operationId, validators: new Map() });
    const literal = template.split("?")[0].replace(/\/+$/, "");
    this.pattern = new RegExp(`^${literal.replace(/[.*+^$()|[\]\\]/g, "\\$&").replace(/^\/\{(scope|resourceId|nextLink)\}/i, "/(?:.+)").replace(/\{[^}]+\}/g, "[^/]+")}/?$`, "i");
    this.rank = literal.startsWith("/{") ? 99 : (literal.match(/\{/g) ?? []).length; // one of any resource comes last
  }

  /** what $filter may name, with types as the derived tables have them */
  filterFields() {
    const fields = this.derived.routes.find((r) => r.op === this.id)?.filterFields;
    return fields && typeof fields === "object" ? fields : {};
  }
  enums(name) { return this.derived.enums?.[name] ?? []; }

  statuses() { return Object.keys(this.description.responses); }
  parameters(place) {
    return (this.description.parameters ?? []).map((p) => (p.$ref ? this.parameter(p.$ref) : p)).filter((p) => p?.in === place);
  }
  parameter(ref) {
    const [where, pointer] = ref.split("#");
    const file = where ? path.resolve(path.dirname(this.file), where) : this.file;
    this.schemas.load(file);
    return this.schemas.documents.get(file).parameters?.[pointer.split("/").pop()];
  }

  /** the members of its body that a client may write, with what the description says of each: those of the variants that sample chooses */
  members(sample) {
    const body = this.parameters("body")[0];
    return body ? this.schemas.members(this.file, body.schema, sample, []) : [];
  }

  /** the errors of a body, as texts; none when it is as described or nothing is described */
  faults(status, body) {
    const schema = this.description.responses[status]?.schema;
    if (!schema) return [];
    if (!this.validators.has(status)) this.validators.set(status, this.schemas.validator(this.file, schema));
    const check = this.validators.get(status);
    return check(body) ? [] : check.errors.filter((e) => !["if", "anyOf"].includes(e.keyword) && e.params?.type !== "null").map((e) => `${e.instancePath || "/"} ${e.message}`);
  }
}

function operations(specs, family, version) {
  const dir = path.join(specs, family, version);
  const derived = JSON.parse(fs.readFileSync(path.join(dir, "routes.json")));
  const schemas = new Schemas(dir, derived.files);
  const found = [];
  for (const name of derived.files) {
    const file = path.join(dir, name), document = schemas.documents.get(file);
    for (const [template, methods] of Object.entries({ ...document.paths, ...document["x-ms-paths"] }))
      for (const [method, description] of Object.entries(methods))
        if (method !== "parameters") found.push(new Operation(family, version, schemas, file, template, method.toUpperCase(), description, derived));
  }
  return found;
}

export class Descriptions {
  constructor(specs, families) {
    this.all = families.filter((family) => fs.existsSync(path.join(specs, family))).flatMap((family) =>
      fs.readdirSync(path.join(specs, family)).sort().reverse().flatMap((version) => operations(specs, family, version)));
  }

  /** the operations that a request can be, newest first; those of the paired region only for their versions */
  find(method, pathname, version) {
    const found = this.all.filter((o) => o.method === method && o.pattern.test(pathname) && (o.family === "backup-crr") === PASSIVE.includes(version));
    const least = Math.min(...found.map((o) => o.rank));
    return found.filter((o) => o.rank === least);
  }

  static at(top, families = FAMILIES) {
    const specs = process.env.LF_SPECS ?? path.join(top, "..", "shared", "specs");
    return fs.existsSync(specs) ? new Descriptions(specs, families) : undefined;
  }
}
