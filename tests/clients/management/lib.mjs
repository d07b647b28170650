// What the scripts share: clients pointed at a site, steps that print "ok N ..." and stop at the first
// that fails.  Environment: client.env of the site, LF_CA_FILE in NODE_EXTRA_CA_CERTS.
import { ClientSecretCredential } from "@azure/identity";

const env = (name) => process.env[name] ?? (() => { throw new Error(`${name} is not set`); })();
export const url = env("LF_URL");
export const subscription = env("LF_SUBSCRIPTION_ID");
export const S = `/subscriptions/${subscription}`;
export const prefix = `t${Math.random().toString(16).slice(2, 8)}`;
export const poll = { updateIntervalInMs: 50 };

export const credential = new ClientSecretCredential(env("LF_TENANT_ID"), env("LF_CLIENT_ID"), env("LF_CLIENT_SECRET"),
  { authorityHost: url, disableInstanceDiscovery: true });
const scope = `${url}/.default`;
export const client = (Type) => new Type(credential, subscription,
  { endpoint: url, credentialScopes: [scope], credentials: { scopes: [scope] }, retryOptions: { maxRetries: 1 } });

let n = 0;
export function check(what, good, shown) {
  n += 1;
  console.log(`${good ? "ok" : "not ok"} ${n} - ${what}${good || shown === undefined ? "" : `: ${JSON.stringify(shown)}`}`);
  if (!good) process.exit(1);
}

/** a plain call of the management plane; throws what is not 2xx with statusCode and code */
export async function arm(method, path, body, headers = {}) {
  const { token } = await credential.getToken(scope);
  const answer = await fetch(path.startsWith("https:") ? path : url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const json = text ? JSON.parse(text) : undefined;
  if (!answer.ok) throw Object.assign(new Error(text), { statusCode: answer.status, code: json?.error?.code });
  return { status: answer.status, headers: answer.headers, json, text };
}

/** an answer of arm(), once its operation is over */
export async function over(answer) {
  const operation = answer.headers.get("azure-asyncoperation");
  for (let tries = 0; operation && tries < 600; tries += 1) {
    const { json } = await arm("GET", operation);
    if (!["InProgress", "Running", "NotStarted", "Accepted"].includes(json.status)) return json;
    await new Promise((r) => setTimeout(r, 50));
  }
  return { status: "Succeeded" };
}

/** the call is refused with this status and error.code */
export async function refused(what, status, code, call) {
  try {
    await call();
  } catch (e) {
    const seen = e.code ?? e.details?.error?.code;
    check(`${what} is refused (${status} ${code})`, e.statusCode === status && seen === code, [e.statusCode, seen, e.message]);
    return;
  }
  check(`${what} is refused`, false, "it succeeded");
}

export async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}
