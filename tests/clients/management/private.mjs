// Private DNS zones, private endpoints, and what their owners decide.
// Loopback's addresses are those of the endpoints: the daemon has a private door on all of them (LF_DOOR).
import https from "node:https";
import { ResourceManagementClient } from "@azure/arm-resources";
import { arm, check, client, credential, over, prefix, refused, S, url } from "./lib.mjs";

const groups = client(ResourceManagementClient).resourceGroups, rg = `${prefix}-private`, location = "eastus";
const N = `${S}/resourceGroups/${rg}/providers/Microsoft.Network`, R = `${S}/resourceGroups/${rg}/providers`;
const version = (path) => (path.includes("privateDnsZones") ? "2024-06-01" : path.includes("Microsoft.Network") ? "2024-03-01" : path.includes("Microsoft.Storage") ? "2023-05-01" : "2024-04-01");
const call = (method, path, body, headers) => arm(method, `${path}?api-version=${version(path)}`, body, headers);
const get = async (path) => (await call("GET", path)).json, put = (path, body, headers) => call("PUT", path, body, headers);
const remove = async (path) => { const answer = await call("DELETE", path); await over(answer); return answer.status; };
const gone = (what, path) => refused(what, 404, "ResourceNotFound", () => get(path));

await groups.createOrUpdate(rg, { location });
await put(`${N}/virtualNetworks/v`, { location, properties: { addressSpace: { addressPrefixes: ["127.30.0.0/16"] }, subnets: [{ name: "pe", properties: { addressPrefix: "127.30.1.0/24" } }, { name: "small", properties: { addressPrefix: "127.30.2.0/29" } }] } });
const subnet = { id: `${N}/virtualNetworks/v/subnets/pe` };

// zones
const zone = `${N}/privateDnsZones/privatelink.blob.core.windows.net`;
const made = await put(zone, { location: "Global", tags: { a: "1" } });
check("a zone is global and has its SOA set", made.status === 201 && made.json.location === "global" && made.json.properties.numberOfRecordSets === 1 && made.headers.get("azure-asyncoperation"), made.json);
await refused("a zone of a region", 400, "LocationNotAvailableForResourceType", () => put(`${N}/privateDnsZones/a.test`, { location }));
await refused("a zone without a location", 400, "LocationRequired", () => put(`${N}/privateDnsZones/a.test`, {}));
await refused("a zone whose name is none", 400, "InvalidResourceName", () => put(`${N}/privateDnsZones/a..test`, { location: "global" }));
await refused("a zone that is there, for who makes it new", 412, "PreconditionFailed", () => put(zone, { location: "global" }, { "if-none-match": "*" }));
await refused("a zone with a stale etag", 412, "PreconditionFailed", () => put(zone, { location: "global" }, { "if-match": '"x"' }));
check("a zone with its etag is written", (await put(zone, { location: "global" }, { "if-match": (await get(zone)).etag })).status === 200);
const link = `${zone}/virtualNetworkLinks/l`, linked = (more) => ({ location: "global", properties: { virtualNetwork: { id: `${N}/virtualNetworks/v` }, ...more } });
await refused("a link that registers machines", 400, "AutoRegistrationNotSupported", () => put(link, linked({ registrationEnabled: true })));
await refused("a link that asks the Internet", 400, "NxDomainRedirectNotSupported", () => put(link, linked({ resolutionPolicy: "NxDomainRedirect" })));
await refused("a link to no network", 400, "InvalidResourceReference", () => put(link, linked({ virtualNetwork: { id: `${N}/virtualNetworks/none` } })));
check("a zone is linked", (await put(link, linked())).json.properties.virtualNetworkLinkState === "Completed");
await refused("a network's second link to a zone of that name", 400, "BadRequest", () => put(`${zone}/virtualNetworkLinks/l2`, linked()));
await refused("deleting a zone with links", 409, "CannotDeleteResource", () => remove(zone));

// record sets
const a = (ip, more = {}) => ({ properties: { ttl: 300, aRecords: [].concat(ip).map((ipv4Address) => ({ ipv4Address })), ...more } });
const set = await put(`${zone}/A/web`, a("10.0.0.9", { metadata: { k: "v" } }));
check("an A record set is made", set.status === 201 && set.json.properties.fqdn === "web.privatelink.blob.core.windows.net." && set.json.properties.metadata.k === "v" && set.json.properties.ttl === 300, set.json);
check("a PATCH changes what it names", (await call("PATCH", `${zone}/A/web`, { properties: { ttl: 60 } })).json.properties.aRecords[0].ipv4Address === "10.0.0.9");
await refused("an address that is none", 400, "InvalidIPAddressFormat", () => put(`${zone}/A/bad`, a("10.0.0.999")));
await refused("a set without records", 400, "BadRequest", () => put(`${zone}/A/bad`, a([])));
for (const metadata of [{ a: { b: "c" } }, { a: ["b"] }, { a: "x".repeat(1025) }]) await refused("metadata that is no text", 400, "InvalidParameter", () => put(`${zone}/A/bad`, a("10.0.0.1", { metadata })));
await refused("an address twice", 400, "BadRequest", () => put(`${zone}/A/bad`, a(["10.0.0.1", "10.0.0.1"])));
await refused("a record of a zone that is not there", 404, "ResourceNotFound", () => put(`${N}/privateDnsZones/none.test/A/x`, a("10.0.0.1")));
await refused("a stale etag of a set", 412, "PreconditionFailed", () => put(`${zone}/A/web`, a("10.0.0.8"), { "if-match": "x" }));
for (const type of ["AAAA", "CNAME", "MX", "PTR", "SRV", "TXT"]) {
  await refused(`a ${type} record`, 400, "RecordTypeNotSupported", () => put(`${zone}/${type}/x`, { properties: { ttl: 1 } }));
  check(`there are no ${type} records`, (await get(`${zone}/${type}`)).value.length === 0);
}
await refused("changing the SOA record", 400, "SoaRecordNotSupported", () => put(`${zone}/SOA/@`, { properties: { ttl: 1 } }));
check("the zone itself has addresses, and a label may begin with _", (await put(`${zone}/A/@`, a("10.0.0.8"))).json.properties.fqdn === "privatelink.blob.core.windows.net." && (await remove(`${zone}/A/@`)) === 200 && (await put(`${zone}/A/_a.b`, a("10.0.0.8"))).status === 201 && (await remove(`${zone}/A/_a.b`)) === 200);
check("all sets are listed", (await get(`${zone}/ALL`)).value.map((r) => r.name).join() === "@,web" && (await get(`${zone}/SOA/@`)).properties.soaRecord.host);
check("a set is deleted", (await remove(`${zone}/A/web`)) === 200 && (await remove(`${zone}/A/web`)) === 204);

// endpoints of an account
const saName = `${prefix}pe`, sa = `${R}/Microsoft.Storage/storageAccounts/${saName}`;
await put(sa, { location, kind: "StorageV2", sku: { name: "Standard_LRS" } });
const endpoint = (name, target, group, more = {}, manual = false) => put(`${N}/privateEndpoints/${name}`, { location, properties: { subnet, [manual ? "manualPrivateLinkServiceConnections" : "privateLinkServiceConnections"]: [{ name: "c", properties: { privateLinkServiceId: target, groupIds: [group] } }], ...more } });
for (const [what, code, name, target, group, more] of [
  ["of a group that there is not", "PrivateEndpointGroupIdNotSupported", "x", sa, "queue"],
  ["to nothing", "InvalidResourceReference", "x", `${sa}9`, "blob"],
  ["to a network", "PrivateLinkServiceIdTypeNotSupported", "x", `${N}/virtualNetworks/v`, "blob"],
  ["from no subnet", "InvalidResourceReference", "x", sa, "blob", { subnet: { id: `${subnet.id}9` } }],
  ["with two connections", "PrivateEndpointMustHaveOneConnection", "x", sa, "blob", { manualPrivateLinkServiceConnections: [{ name: "d", properties: { privateLinkServiceId: sa, groupIds: ["blob"] } }] }],
  ["with an address of a member that there is not", "InvalidPrivateEndpointIpConfiguration", "x", sa, "blob", { ipConfigurations: [{ name: "i", properties: { memberName: "file", privateIPAddress: "127.30.1.77" } }] }],
  ["with an address of another subnet", "PrivateIPAddressNotInSubnet", "x", sa, "blob", { ipConfigurations: [{ name: "i", properties: { memberName: "blob", privateIPAddress: "127.30.9.77" } }] }],
  ...["a/ipConfigurations/b", "../a", "a b", "a-"].map((name) => [`whose interface is to be called '${name}'`, "InvalidResourceName", "x", sa, "blob", { customNetworkInterfaceName: name }]),
  ["with an application security group", "InvalidParameter", "x", sa, "blob", { applicationSecurityGroups: [{ id: `${N}/applicationSecurityGroups/a` }] }],
]) await refused(`an endpoint ${what}`, 400, code, () => endpoint(name, target, group, more));
await gone("what was refused made nothing: it", `${N}/privateEndpoints/x`);
check("and took no address", (await get(`${N}/virtualNetworks/v/subnets/pe`)).properties.ipConfigurations === undefined);
const one = await endpoint("one", sa, "blob", { ipConfigurations: [{ name: "i", properties: { groupId: "blob", memberName: "blob", privateIPAddress: "127.30.1.77" } }], customNetworkInterfaceName: "one-nic" });
const p = one.json.properties;
check("an endpoint has the address that it asks for, and the name of its interface", one.status === 201 && p.customDnsConfigs[0].ipAddresses[0] === "127.30.1.77" && p.networkInterfaces[0].id.endsWith("/one-nic"), one.json);
const nic = await get(p.networkInterfaces[0].id);
check("its interface says whose it is", nic.properties.privateEndpoint.id === one.json.id && nic.properties.ipConfigurations[0].properties.privateLinkConnectionProperties.fqdns[0] === `${saName}.blob.core.windows.net`, nic);
await refused("deleting its interface", 400, "NicInUse", () => remove(nic.id));
const wording = await remove(nic.id).catch((e) => e.message);
check("who has it is named", wording.includes(one.json.id) && wording.includes("Delete the private endpoint"), wording);
const compute = (type, name, body) => arm("PUT", `${R}/Microsoft.Compute/${type}/${name}?api-version=2024-03-02`, { location, ...body });
await over(await compute("disks", "os", { properties: { creationData: { createOption: "Empty" }, diskSizeGB: 1, osType: "Linux" } }));
await refused("a machine with the interface of an endpoint", 409, "NetworkInterfaceInUse", () => compute("virtualMachines", "thief", { properties: {
  hardwareProfile: { vmSize: "Standard_D2s_v3" }, storageProfile: { osDisk: { createOption: "Attach", osType: "Linux", managedDisk: { id: `${R}/Microsoft.Compute/disks/os` } } }, networkProfile: { networkInterfaces: [{ id: nic.id }] } } }));
check("the interface is the endpoint's alone", (await get(nic.id)).properties.virtualMachine === undefined);
await refused("changing its interface", 409, "PropertyChangeNotAllowed", () => put(nic.id, { ...nic, properties: { ...nic.properties, enableIPForwarding: true } }));
check("what was read is written again", (await put(one.json.id, one.json)).json.properties.customDnsConfigs[0].ipAddresses[0] === "127.30.1.77");
await refused("moving an endpoint", 409, "PropertyChangeNotAllowed", () => endpoint("one", sa, "blob", { subnet: { id: `${N}/virtualNetworks/v/subnets/small` } }));
await refused("another name of an endpoint's interface", 409, "PropertyChangeNotAllowed", () => put(one.json.id, { ...one.json, properties: { ...one.json.properties, customNetworkInterfaceName: "two-nic" } }));
const kinds = (await arm("GET", `${S}/providers/Microsoft.Network?api-version=2021-04-01`)).json.resourceTypes.map((t) => t.resourceType);
check("the provider names endpoints among its types", ["privateEndpoints", "privateEndpoints/privateDnsZoneGroups"].every((t) => kinds.includes(t)), kinds);
const group = `${one.json.id}/privateDnsZoneGroups/default`, config = (id) => ({ properties: { privateDnsZoneConfigs: [{ name: "z", properties: { privateDnsZoneId: id } }] } });
await put(`${N}/privateDnsZones/other.test`, { location: "global" });
await refused("a zone group of a zone of another name", 400, "PrivateDnsZoneNameNotValid", () => put(group, config(`${N}/privateDnsZones/other.test`)));
const [config1] = config(zone).properties.privateDnsZoneConfigs;
await refused("a zone in two configurations", 400, "DuplicatePrivateDnsZoneConfig", () => put(group, { properties: { privateDnsZoneConfigs: [config1, { ...config1, name: "z2" }] } }));
await put(group, config(zone));
await refused("a second zone group", 400, "OnlyOnePrivateDnsZoneGroupPerPrivateEndpoint", () => put(`${one.json.id}/privateDnsZoneGroups/second`, config(zone)));
const address = async () => (await get(`${zone}/A/${saName}`)).properties.aRecords.map((r) => r.ipv4Address).join();
check("a zone group puts the name into the zone", (await address()) === "127.30.1.77");
await call("PATCH", `${zone}/A/${saName}`, { properties: { ttl: 77 } });
await put(group, config(zone));
check("a zone group that is written again leaves its records as they are", (await address()) === "127.30.1.77" && (await get(`${zone}/A/${saName}`)).properties.ttl === 77);
await remove(group);
await gone("a zone group takes its record with it: it", `${zone}/A/${saName}`);
await put(`${zone}/A/${saName}`, a(["127.30.1.77", "127.30.1.200"]));
for (let times = 0; times < 2; times += 1) await put(group, config(zone));
await remove(group);
check("a record that somebody else put there stays when the group goes", (await address()) === "127.30.1.77,127.30.1.200");
await remove(`${zone}/A/${saName}`);
await put(group, config(zone));
const other = `${N}/privateEndpoints/other`, otherGroup = `${other}/privateDnsZoneGroups/g`;
await endpoint("other", sa, "blob");
await put(otherGroup, config(zone));
check("two endpoints of one account share the record set", (await address()).split(",").length === 2);
await remove(otherGroup);
check("and each takes its own address out of it", (await address()) === "127.30.1.77" && (await remove(other)) === 202);

// another network of the same prefix
await put(`${N}/virtualNetworks/twin`, { location, properties: { addressSpace: { addressPrefixes: ["127.30.0.0/16"] }, subnets: [{ name: "pe", properties: { addressPrefix: "127.30.1.0/24" } }] } });
const twin = (address) => ({ subnet: { id: `${N}/virtualNetworks/twin/subnets/pe` }, ipConfigurations: [{ name: "i", properties: { memberName: "blob", privateIPAddress: address } }] });
await refused("an address that an endpoint of another network has", 409, "PrivateEndpointAddressInUse", () => endpoint("twin", sa, "blob", twin("127.30.1.77")));
const twinLink = `${zone}/virtualNetworkLinks/twin`;
await put(twinLink, { location: "global", properties: { virtualNetwork: { id: `${N}/virtualNetworks/twin` } } });
check("what was refused took no address there", (await get(twin("").subnet.id)).properties.ipConfigurations === undefined);
check("another address of that network serves", (await endpoint("twin", sa, "blob", twin("127.30.1.78"))).status === 201 && (await remove(`${N}/privateEndpoints/twin`)) === 202);
await refused("deleting a network with a link that is locked", 409, "ScopeLocked", async () => {
  const lock = `${twinLink}/providers/Microsoft.Authorization/locks/l?api-version=2020-05-01`;
  await arm("PUT", lock, { properties: { level: "CanNotDelete" } });
  try { await remove(`${N}/virtualNetworks/twin`); } finally { await arm("DELETE", lock); }
});
check("a network goes", (await remove(`${N}/virtualNetworks/twin`)) === 202);
await gone("its link to a zone goes with it: it", twinLink);
check("the other network stays linked", (await get(link)).properties.virtualNetworkLinkState === "Completed");

// what the owner decides
const links = async () => (await get(`${sa}/privateEndpointConnections`)).value;
const status = async (name) => { const e = (await get(`${N}/privateEndpoints/${name}`)).properties; return [...e.privateLinkServiceConnections, ...e.manualPrivateLinkServiceConnections][0].properties.privateLinkServiceConnectionState; };
const decide = (id, word) => put(id, { properties: { privateLinkServiceConnectionState: { status: word, description: "why" } } });
await endpoint("asks", sa, "blob", { privateLinkServiceConnections: [], manualPrivateLinkServiceConnections: [{ name: "c", properties: { privateLinkServiceId: sa, groupIds: ["blob"], requestMessage: "please" } }] });
const asks = (await links()).find((l) => l.properties.privateEndpoint.id.endsWith("/asks"));
check("the owner reads who asks, and what he says", asks.properties.privateLinkServiceConnectionState.status === "Pending" && asks.properties.privateLinkServiceConnectionState.description === "please", asks);
await refused("a decision that is none", 400, "InvalidParameter", () => decide(asks.id, "Perhaps"));
await refused("a decision about nobody", 404, "ResourceNotFound", () => decide(`${sa}/privateEndpointConnections/nobody`, "Approved"));
for (const word of ["Rejected", "Approved"]) {
  await decide(asks.id, word);
  const seen = await status("asks");
  check(`the endpoint shows that it is ${word}`, seen.status === word && seen.description === "why", seen);
}
await put(asks.id, { properties: { privateLinkServiceConnectionState: { status: "Approved", description: "why", actionRequired: "restart" } } });
check("the endpoint shows what its owner wants done", (await status("asks")).actionsRequired === "restart", await status("asks"));
check("the owner removes the connection", (await remove(asks.id)) === 200 && (await status("asks")).status === "Disconnected" && (await links()).length === 1);
check("the account shows its connections", (await get(sa)).properties.privateEndpointConnections.length === 1);

// who may only ask takes nobody's place
const asking = (name) => endpoint(name, sa, "blob", {}, true), ask25 = [...Array(25).keys()].map((i) => `ask${i}`);
for (const name of ask25) await asking(name);
await refused("one more that asks", 409, "PrivateEndpointLimitReached", () => asking("ask25"));
check("who is approved at once still finds room", (await endpoint("at-once", sa, "blob")).status === 201 && (await remove(`${N}/privateEndpoints/at-once`)) === 202);
const asked = (await links()).find((l) => l.properties.privateEndpoint.id.endsWith("/ask0"));
check("approval makes room for another", (await decide(asked.id, "Approved")).status === 200 && (await asking("ask25")).status === 201);
await decide(asked.id, "Rejected");
check("a rejection finds room", (await status("ask0")).status === "Rejected");
for (const name of [...ask25, "ask25"]) await remove(`${N}/privateEndpoints/${name}`);

// endpoints of a vault
const vault = `${R}/Microsoft.RecoveryServices/vaults/${prefix}-pv`;
await put(vault, { location, sku: { name: "Standard" }, properties: {} });
const groupsOf = (await get(`${vault}/privateLinkResources`)).value;
check("a vault names the groups that endpoints lead to", groupsOf.map((g) => g.properties.groupId).sort().join() === "AzureBackup,AzureSiteRecovery" && (await get(groupsOf[0].id)).name === groupsOf[0].name, groupsOf);
await refused("an endpoint whose subnet is too small", 400, "SubnetIsFull", () => endpoint("full", vault, "AzureSiteRecovery", { subnet: { id: `${N}/virtualNetworks/v/subnets/small` } }));
const asr = (await endpoint("asr", vault, "AzureSiteRecovery")).json, backup = (await endpoint("backup", vault, "AzureBackup")).json;
check("each name of a vault has an address of its own", asr.properties.customDnsConfigs.length === 5 && backup.properties.customDnsConfigs.length === 8 && new Set([asr, backup].flatMap((e) => e.properties.customDnsConfigs.map((c) => c.ipAddresses[0]))).size === 13);
const v = (await get(vault)).properties;
check("the vault knows which of its services are private", v.privateEndpointStateForSiteRecovery === "Enabled" && v.privateEndpointStateForBackup === "Enabled" && v.privateEndpointConnections.length === 2, v);
for (let i = 0; i < 10; i += 1) await endpoint(`more${i}`, vault, "AzureSiteRecovery");
await refused("a vault's thirteenth approved endpoint", 409, "PrivateEndpointLimitReached", () => endpoint("more10", vault, "AzureSiteRecovery"));
await endpoint("more10", vault, "AzureSiteRecovery", {}, true);
const late = (await get(vault)).properties.privateEndpointConnections.find((l) => l.properties.privateEndpoint.id.endsWith("/more10"));
await refused("approving it", 409, "PrivateEndpointLimitReached", () => decide(late.id, "Approved"));
for (let i = 0; i < 11; i += 1) await remove(`${N}/privateEndpoints/more${i}`);
await refused("deleting a vault with endpoints", 409, "ServiceResourceNotEmptyWithContainerDetails", () => remove(vault));

// which network a request comes from
const tokenOf = async (audience) => (await credential.getToken(`${audience}/.default`)).token;
const arms = await tokenOf(url), blobsToken = await tokenOf("https://storage.azure.com");
const ask = (host, port, path) => new Promise((done, fail) => {
  https.request({ host, port, path, servername: "localhost", headers: { authorization: `Bearer ${path.startsWith("/subscriptions") ? arms : blobsToken}`, "x-ms-version": "2021-12-02", host: "localhost" } }, (answer) => {
    let text = "";
    answer.on("data", (part) => { text += part; }).on("end", () => done({ status: answer.statusCode, code: answer.headers["x-ms-error-code"] ?? (/"code":"(\w+)"/.exec(text) ?? [])[1] }));
  }).on("error", fail).end();
});
const site = new URL(url), open = (path) => ask(site.hostname, site.port, path), door = (address, path) => ask(address, process.env.LF_DOOR, path);
const blobs = `/${saName}/?comp=list`, items = `${vault}/replicationProtectedItems?api-version=2024-04-01`, jobs = `${vault}/backupJobs?api-version=2024-04-01`;
const first = (e) => e.properties.customDnsConfigs[0].ipAddresses[0];
const sees = async (what, wanted, call) => { const seen = await call(); check(`${what}: ${wanted}`, `${seen.status} ${seen.code ?? ""}`.trim() === String(wanted), seen); };
await sees("an open account, from outside", 200, () => open(blobs));
await sees("an open account, through its endpoint", 200, () => door("127.30.1.77", blobs));
await sees("an account, through an endpoint that leads elsewhere", "403 AuthorizationFailure", () => door(first(asr), blobs));
await sees("an account, by a door where no endpoint is", "403 AuthorizationFailure", () => door("127.30.1.99", blobs));
await call("PATCH", sa, { properties: { publicNetworkAccess: "Disabled" } });
await sees("a closed account, from outside", "403 AuthorizationFailure", () => open(blobs));
await sees("a closed account, through its endpoint", 200, () => door("127.30.1.77", blobs));
const mine = (await links())[0].id;
await decide(mine, "Rejected");
await sees("a closed account, through an endpoint that was rejected", "403 AuthorizationFailure", () => door("127.30.1.77", blobs));
await decide(mine, "Approved");
await sees("an open vault, from outside", 200, () => open(items));
await call("PATCH", vault, { properties: { publicNetworkAccess: "Disabled" } });
for (const path of [items, jobs]) await sees("a closed vault, from outside", "403 PublicNetworkAccessDisabled", () => open(path));
await sees("a closed vault itself is Resource Manager's", 200, () => open(`${vault}?api-version=2024-04-01`));
await sees("a closed vault, through its endpoint for replication", 200, () => door(first(asr), items));
await sees("its backups, through its endpoint for replication", "403 PublicNetworkAccessDisabled", () => door(first(asr), jobs));
await sees("its backups, through their endpoint", 200, () => door(first(backup), jobs));
await sees("a closed vault, through an endpoint that leads elsewhere", "403 PublicNetworkAccessDisabled", () => door("127.30.1.77", items));
for (const e of (await get(vault)).properties.privateEndpointConnections) await remove(e.id);
await sees("a closed vault, through an endpoint whose connection was removed", "403 PublicNetworkAccessDisabled", () => door(first(asr), items));

// locks of what an endpoint and its records change beside itself
const locked = async (scope, level, tries) => {
  const lock = `${scope}/providers/Microsoft.Authorization/locks/l`, lockVersion = "?api-version=2020-05-01";
  await arm("PUT", lock + lockVersion, { properties: { level } });
  for (const [what, call] of tries) await refused(what, 409, "ScopeLocked", call);
  if (scope.includes("/subnets/")) check(`a network is written again as it is, with a subnet that is ${level}`, (await put(scope.split("/subnets/")[0], await get(scope.split("/subnets/")[0]))).status === 200);
  await arm("DELETE", lock + lockVersion);
};
await remove(group);
await locked(zone, "ReadOnly", [["a zone group's record in a zone that is locked", () => put(group, config(zone))]]);
await put(group, config(zone));
for (const level of ["ReadOnly", "CanNotDelete"]) await locked(zone, level, [["taking a record out of a zone that is locked", () => remove(group)], ["deleting the endpoint of that record", () => remove(one.json.id)]]);
await locked(sa, "ReadOnly", [["an endpoint to an account that is locked", () => endpoint("late", sa, "blob")]]);
await locked(mine, "CanNotDelete", [["deleting an endpoint whose connection is locked", () => remove(one.json.id)]]);
await locked(nic.id, "CanNotDelete", [["deleting an endpoint whose interface is locked", () => remove(one.json.id)]]);
const network = await get(`${N}/virtualNetworks/v`), without = { ...network, properties: { ...network.properties, subnets: network.properties.subnets.filter((s) => s.name !== "small") } };
const changed = structuredClone(network);
changed.properties.subnets.find((s) => s.name === "small").properties.addressPrefix = "127.30.2.0/28";
const small = `${N}/virtualNetworks/v/subnets/small`;
await locked(small, "CanNotDelete", [["a network without a subnet that is locked", () => put(network.id, without)]]);
await locked(small, "ReadOnly", [["a network with a change of a subnet that is locked", () => put(network.id, changed)]]);
check("what was refused changed nothing", (await address()) === "127.30.1.77" && (await links()).length === 1 && (await get(nic.id)).properties.privateEndpoint.id === one.json.id);

// and all of it goes
check("an endpoint goes with its records, interface and connection", (await remove(one.json.id)) === 202 && (await links()).length === 0 && (await remove(one.json.id)) === 204);
await gone("its record", `${zone}/A/${saName}`);
await gone("its interface", nic.id);
await groups.beginDeleteAndWait(rg, { updateIntervalInMs: 50 });
check("a group goes with endpoints, zones and links in it", !(await groups.checkExistence(rg)).body);
