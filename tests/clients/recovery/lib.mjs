// What the recovery scripts share: clients pointed at an estate (tools/estate), steps that print
// "ok N - ..." or "not ok N - ...", and the estate's own resources.
// Environment: the LF_ lines of tools/estate, with LF_CA_FILE in NODE_EXTRA_CA_CERTS.
import { ClientSecretCredential } from "@azure/identity";
import { ComputeManagementClient } from "@azure/arm-compute";
import { NetworkManagementClient } from "@azure/arm-network";
import { RecoveryServicesClient } from "@azure/arm-recoveryservices";
import { SiteRecoveryManagementClient } from "@azure/arm-recoveryservices-siterecovery";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";

const env = (name) => process.env[name] ?? (() => { throw new Error(`${name} is not set`); })();
export const url = env("LF_URL").replace(/\/$/, "");
export const subscription = env("LF_SUBSCRIPTION_ID");
export const S = `/subscriptions/${subscription}`;
export const prefix = `t${Math.random().toString(16).slice(2, 8)}`;
export const API = "2025-08-01", OFFAZURE = "2023-06-06";
/** passed to every long operation: seconds matter here */
export const poll = { updateIntervalInMs: 200 };

export const credential = new ClientSecretCredential(env("LF_TENANT_ID"), env("LF_CLIENT_ID"), env("LF_CLIENT_SECRET"),
  { authorityHost: url, disableInstanceDiscovery: true });
const scope = `${url}/.default`;
const client = (Type, more = {}) => new Type(credential, subscription,
  { endpoint: url, credentialScopes: [scope], credentials: { scopes: [scope] }, retryOptions: { maxRetries: 1 }, ...more });
export const resources = client(ResourceManagementClient);
export const network = client(NetworkManagementClient);
export const storage = client(StorageManagementClient);
export const compute = client(ComputeManagementClient);
export const vaults = client(RecoveryServicesClient);
export const recovery = client(SiteRecoveryManagementClient, { apiVersion: API });

let n = 0, failed = 0;
/** one step; the script goes on after a failed one only with soft */
export function check(what, good, shown, soft = false) {
  n += 1;
  console.log(`${good ? "ok" : "not ok"} ${n} - ${what}${good || shown === undefined ? "" : `: ${JSON.stringify(shown)}`}`);
  failed += good ? 0 : 1;
  if (!good && !soft) process.exit(1);
}
export const finish = () => process.exit(failed ? 1 : 0);

export async function token(of = scope) { return (await credential.getToken(of)).token; }
/** a plain call; never throws for an HTTP status */
export async function call(method, path, { body, headers = {}, bearer } = {}) {
  const answer = await fetch(path.startsWith("https:") ? path : url + path, {
    method,
    headers: { authorization: `Bearer ${bearer ?? (await token())}`, "content-type": "application/json", ...headers },
    body: body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  let json;
  try { json = JSON.parse(text); } catch { json = undefined; }
  return { status: answer.status, headers: answer.headers, json, text };
}
export async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export async function until(what, look, seconds = 240) {
  const end = Date.now() + seconds * 1000;
  let seen;
  while (Date.now() < end) {
    seen = await look();
    if (seen) { check(what, true); return seen; }
    await sleep(300);
  }
  check(what, false, "timed out");
}
export const same = (a, b) => String(a).toLowerCase() === String(b).toLowerCase();
export const last = (id) => id.split("/").pop();

/** vault, fabric, container, policy and the machines that are not protected */
export async function estate() {
  for (const vault of await all(vaults.vaults.listBySubscriptionId())) {
    const group = vault.id.split("/")[4];
    const listed = (await all(recovery.replicationFabrics.list(vault.name, group)))
      .find((f) => f.properties.customDetails.instanceType === "InMageRcm");
    if (!listed) continue;
    const fabric = await recovery.replicationFabrics.get(vault.name, group, listed.name);
    const details = fabric.properties.customDetails;
    const [container] = await all(recovery.replicationProtectionContainers.listByReplicationFabrics(vault.name, group, fabric.name));
    const policy = (await all(recovery.replicationPolicies.list(vault.name, group)))
      .find((p) => p.properties.providerSpecificDetails.instanceType === "InMageRcm");
    const machines = (await call("GET", `${details.physicalSiteId}/machines?api-version=${OFFAZURE}`)).json.value;
    const taken = (await all(recovery.replicationProtectedItems.list(vault.name, group)))
      .map((i) => i.properties.providerSpecificDetails.fabricDiscoveryMachineId.toLowerCase());
    return { vault, group, fabric, container, policy, site: details.physicalSiteId, processServer: details.processServers[0].id,
      machines: machines.filter((m) => m.properties.disks.length && !taken.includes(m.id.toLowerCase())) };
  }
  throw new Error("no vault has a fabric of the kind InMageRcm");
}

/** a group with two networks and a cache storage account */
export async function target(location) {
  const group = `${prefix}-target`;
  await resources.resourceGroups.createOrUpdate(group, { location });
  const net = (name, octet) => network.virtualNetworks.beginCreateOrUpdateAndWait(group, name, { location,
    addressSpace: { addressPrefixes: [`10.${octet}.0.0/16`] }, subnets: [{ name: "default", addressPrefix: `10.${octet}.0.0/24` }] }, poll);
  const [vnet, testNet] = [await net(`${prefix}-net`, 20), await net(`${prefix}-test-net`, 21)];
  const cache = await storage.storageAccounts.create(group, `${prefix}cache`, { location, kind: "StorageV2", sku: { name: "Standard_LRS" } }, poll);
  return { group, groupId: `${S}/resourceGroups/${group}`, vnet, testNet, cache };
}

/** the body that protects a machine */
export function enableBody(e, t, machine, change = () => {}) {
  const properties = { policyId: e.policy.id, protectableItemId: machine.id, providerSpecificDetails: {
    instanceType: "InMageRcm", fabricDiscoveryMachineId: machine.id, processServerId: e.processServer, licenseType: "NoLicenseType",
    targetResourceGroupId: t.groupId, targetNetworkId: t.vnet.id, testNetworkId: t.testNet.id, targetSubnetName: "default", testSubnetName: "default",
    targetVmName: `${prefix}-vm`, targetVmSize: "Standard_B1s",
    disksToInclude: machine.properties.disks.map((d) => ({ diskId: d.uuid ?? d.diskId, logStorageAccountId: t.cache.id, diskType: "Standard_LRS" })) } };
  change(properties);
  return { properties };
}
