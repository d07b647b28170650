// What is refused, and how: status, error.code, a target, advice, nothing half-done.
import { RecoveryServicesClient } from "@azure/arm-recoveryservices";
import { SiteRecoveryManagementClient } from "@azure/arm-recoveryservices-siterecovery";
import { all, arm, check, client, credential, prefix, S, url } from "./lib.mjs";

const API = "api-version=2025-08-01";
const asr = client(SiteRecoveryManagementClient);
const [vault] = await all(client(RecoveryServicesClient).vaults.listBySubscriptionId());
const group = vault.id.split("/")[4];
const [fabric] = await all(asr.replicationFabrics.list(vault.name, group));
const details = (await asr.replicationFabrics.get(vault.name, group, fabric.name)).properties.customDetails;
const [container] = await all(asr.replicationProtectionContainers.listByReplicationFabrics(vault.name, group, fabric.name));
const [policy] = await all(asr.replicationPolicies.list(vault.name, group));
const items = (await all(asr.replicationProtectedItems.list(vault.name, group))).map((i) => i.properties.providerSpecificDetails.fabricDiscoveryMachineId.toLowerCase());
const machine = (await arm("GET", `${details.physicalSiteId}/machines?api-version=2023-06-06`)).json.value.find((m) => !items.includes(m.id.toLowerCase()));
const rg = `${S}/resourceGroups/${prefix}bad`;
await arm("PUT", `${rg}?api-version=2022-09-01`, { location: "eastus" });
const vnet = `${rg}/providers/Microsoft.Network/virtualNetworks/net`, cache = `${rg}/providers/Microsoft.Storage/storageAccounts/${prefix}bad`;
await arm("PUT", `${vnet}?api-version=2024-03-01`, { location: "eastus", properties: { addressSpace: { addressPrefixes: ["10.80.0.0/16"] }, subnets: [{ name: "default", properties: { addressPrefix: "10.80.0.0/24" } }] } });
await arm("PUT", `${cache}?api-version=2023-05-01`, { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } });
const C = `${vault.id}/replicationFabrics/${fabric.name}/replicationProtectionContainers/${container.name}`;
const I = `${C}/replicationProtectedItems/${machine.name}`;
const good = () => ({ instanceType: "InMageRcm", fabricDiscoveryMachineId: machine.id, processServerId: details.processServers[0].id, targetResourceGroupId: rg,
  targetNetworkId: vnet, testNetworkId: vnet, targetSubnetName: "default", testSubnetName: "default", targetVmName: "bad", disksDefault: { diskType: "Standard_LRS", logStorageAccountId: cache } });

async function call(method, path, { body, text, headers = {}, token } = {}) {
  const bearer = token ?? (await credential.getToken(`${url}/.default`)).token;
  const answer = await fetch(url + path, { method, body: text ?? (body && JSON.stringify(body)),
    headers: { "content-type": "application/json", ...(bearer ? { authorization: `Bearer ${bearer}` } : {}), ...headers } });
  const said = await answer.text();
  return { status: answer.status, error: said ? JSON.parse(said).error : undefined };
}
async function refuses(what, statuses, codes, path, options, targetNeeded = true) {
  const { status, error } = await call(options.method ?? "PUT", path, options);
  const advice = error?.additionalInfo?.some((i) => i.info?.advice);
  check(`${what}: ${status} ${error?.code}`, statuses.includes(status) && codes.test(error?.code ?? "") && error.message && advice && (!targetNeeded || error.target), { status, error });
}
const enable = (change, more = {}) => ({ body: { properties: { policyId: policy.id, protectableItemId: "", providerSpecificDetails: { ...good(), ...change }, ...more } } });

await refuses("unknown machine", [400, 404], /Machine|NotFound/i, `${I}?${API}`, enable({ fabricDiscoveryMachineId: `${machine.id}x` }));
await refuses("both disksToInclude and disksDefault", [400], /./, `${I}?${API}`, enable({ disksToInclude: [{ diskId: machine.properties.disks[0].uuid, logStorageAccountId: cache, diskType: "Standard_LRS" }] }));
await refuses("neither of them", [400], /./, `${I}?${API}`, enable({ disksDefault: undefined }));
await refuses("an unknown disk", [400, 404], /./, `${I}?${API}`, enable({ disksDefault: undefined, disksToInclude: [{ diskId: "00000000-0000-0000-0000-000000000000", logStorageAccountId: cache, diskType: "Standard_LRS" }] }));
await refuses("a wrong instanceType", [400], /./, `${I}?${API}`, enable({ instanceType: "A2A" }));
await refuses("an unknown policy", [400, 404], /./, `${I}?${API}`, enable({}, { policyId: `${policy.id}x` }));
await refuses("an unknown network", [400, 404], /./, `${I}?${API}`, enable({ targetNetworkId: `${vnet}x` }));
await refuses("an unknown subnet", [400, 404], /./, `${I}?${API}`, enable({ targetSubnetName: "nope" }));
await refuses("an unknown cache account", [400, 404], /./, `${I}?${API}`, enable({ disksDefault: { diskType: "Standard_LRS", logStorageAccountId: `${cache}x` } }));
await refuses("malformed JSON", [400], /InvalidRequestContent/, `${I}?${API}`, { text: '{"properties": {' }, false);
await refuses("a member given twice", [400], /InvalidRequestContent/, `${I}?${API}`, { text: '{"properties": {}, "properties": {}}' }, false);
await refuses("a 50 MB body", [413], /RequestEntityTooLarge/, `${I}?${API}`, { text: "x".repeat(50 << 20) });
await refuses("no api-version", [400], /MissingApiVersionParameter/, I, enable({}));
await refuses("a made-up api-version", [400], /InvalidApiVersionParameter/, `${I}?api-version=1999-12-31`, enable({}));
await refuses("no token", [401], /AuthenticationFailed/, `${I}?${API}`, { ...enable({}), token: "" }, false);
await refuses("a bad token", [401], /InvalidAuthenticationToken/, `${I}?${API}`, { ...enable({}), token: "a.b.c" }, false);
const { token } = await credential.getToken(`${url}/.default`);
const [head, , tail] = token.split(".");
const claims = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(token.split(".")[1], "base64url")), exp: 1 })).toString("base64url");
await refuses("a token with other claims", [401], /InvalidAuthenticationToken/, `${I}?${API}`, { ...enable({}), token: `${head}.${claims}.${tail}` }, false);
const tfo = { body: { properties: { networkType: "VmNetworkAsInput", networkId: vnet, providerSpecificDetails: { instanceType: "InMageRcm", networkId: vnet, recoveryPointId: "" } } }, method: "POST" };
const absent = await call("GET", `${I}?${API}`);
check("nothing half-done: the item is not there", absent.status === 404, absent);

// a protected machine refuses what its state does not allow
await arm("PUT", `${I}?${API}`, enable({}).body);
await refuses("test failover before Protected", [400, 409], /./, `${I}/testFailover?${API}`, tfo);
await refuses("a second protection", [409], /AlreadyProtected/, `${C}/replicationProtectedItems/${machine.name}-b?${API}`, enable({}));
for (let n = 0; n < 300; n += 1) {
  if ((await arm("GET", `${I}?${API}`)).json.properties.protectionState === "Protected") break;
  await new Promise((r) => setTimeout(r, 200));
}
await refuses("clean-up without a test", [400, 409], /./, `${I}/testFailoverCleanup?${API}`, { method: "POST", body: { properties: { comments: "" } } });
const point = { recoveryPointId: `${I}/recoveryPoints/00000000-0000-0000-0000-000000000000` };
await refuses("failover to an unknown point", [400, 404], /RecoveryPoint/i, `${I}/unplannedFailover?${API}`, { method: "POST", body: { properties: { failoverDirection: "PrimaryToRecovery", providerSpecificDetails: { instanceType: "InMageRcm", ...point } } } });
await refuses("commit before failover", [400, 409], /./, `${I}/failoverCommit?${API}`, { method: "POST" });
const after = (await arm("GET", `${I}?${API}`)).json.properties;
check("the item is as it was", after.protectionState === "Protected" && after.allowedOperations.includes("TestFailover"), after.protectionState);
await arm("DELETE", `${I}?${API}`);
for (let n = 0; n < 100 && (await call("GET", `${I}?${API}`)).status !== 404; n += 1) await new Promise((r) => setTimeout(r, 100));
check("it is disabled", (await call("GET", `${I}?${API}`)).status === 404);
