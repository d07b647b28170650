// site.mjs - a site as the tests of the contract ask it: plain calls, and waiting for what goes on.
const env = (name) => process.env[name] ?? (() => { throw new Error(`${name} is not set`); })();
export const url = env("LF_URL");
export const S = `/subscriptions/${env("LF_SUBSCRIPTION_ID")}`;

let token, until = 0;
async function bearer() {
  if (Date.now() > until) {
    const answer = await fetch(`${url}/${env("LF_TENANT_ID")}/oauth2/v2.0/token`, { method: "POST", body: new URLSearchParams({
      grant_type: "client_credentials", client_id: env("LF_CLIENT_ID"), client_secret: env("LF_CLIENT_SECRET"), scope: `${url}/.default` }) });
    token = (await answer.json()).access_token;
    until = Date.now() + 300e3;
  }
  return token;
}

export async function arm(method, path, body, headers = {}) {
  const answer = await fetch(path.startsWith("https:") ? path : url + path, { method,
    headers: { authorization: `Bearer ${await bearer()}`, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body) });
  const text = await answer.text();
  let json;
  try { json = text ? JSON.parse(text) : undefined; } catch { json = undefined; }
  return { status: answer.status, headers: answer.headers, json, text };
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** the end of what was accepted: Succeeded, Failed, ... */
export async function ended(answer, seconds = 120) {
  const monitor = answer.headers.get("azure-asyncoperation");
  if (answer.status >= 400 || !monitor) return answer.json?.properties?.provisioningState ?? "Succeeded";
  for (const end = Date.now() + seconds * 1e3; Date.now() < end; await sleep(30)) {
    const { json } = await arm("GET", monitor);
    if (!["InProgress", "Running", "Updating", "Creating", "Accepted", "NotStarted"].includes(json?.status)) return json?.status;
  }
  throw new Error(`${monitor} does not end`);
}

/** what has to work for the tests to have their world */
export async function must(method, path, body) {
  const answer = await arm(method, path, body);
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  const end = await ended(answer);
  if (end === "Failed") throw new Error(`${method} ${path} fails: ${(await arm("GET", answer.headers.get("azure-asyncoperation"))).text}`);
  return answer;
}
