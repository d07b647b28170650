import { NetworkManagementClient } from "@azure/arm-network";
import { ResourceManagementClient } from "@azure/arm-resources";
import { all, arm, check, client, poll, prefix, over, refused, S } from "./lib.mjs";

const network = client(NetworkManagementClient), groups = client(ResourceManagementClient).resourceGroups;
const { virtualNetworks: nets, subnets, networkInterfaces: nics, networkSecurityGroups: nsgs } = network;
const rg = `${prefix}-net`, location = "East US", space = { addressPrefixes: ["10.0.0.0/16"] };
const nic = (name, subnet, more = {}) => nics.beginCreateOrUpdateAndWait(rg, name, { location, ipConfigurations: [{ name: "a", subnet: { id: subnet.id }, ...more }] }, poll);
const subnet = (name, addressPrefix, net = "v1") => subnets.beginCreateOrUpdateAndWait(rg, net, name, { addressPrefix }, poll);
const put = (more) => nets.beginCreateOrUpdateAndWait(rg, "v1", { location, addressSpace: space, ...more }, poll);

await groups.createOrUpdate(rg, { location });
const net = await put({ subnets: [{ name: "default", addressPrefix: "10.0.0.0/24" }], tags: { a: "1" } });
check("a network has its subnets, an etag and the normal location", net.subnets.length === 1 && net.etag && net.location === "eastus" && net.provisioningState === "Succeeded", net);
const two = await subnet("two", "10.0.1.0/29");
check("a subnet is written by itself", two.addressPrefix === "10.0.1.0/29" && two.name === "two", two);
await refused("an overlapping subnet", 400, "NetcfgSubnetRangesOverlap", () => subnet("three", "10.0.0.0/25"));
await refused("a subnet outside its network", 400, "NetcfgInvalidSubnet", () => subnet("three", "10.1.0.0/24"));
await refused("a prefix with bits behind it", 400, "InvalidCIDRNotation", () => subnet("three", "10.0.2.1/24"));
await refused("a subnet of no network", 404, "ParentResourceNotFound", () => subnet("three", "10.1.0.0/24", "v9"));
check("subnets are listed", (await all(subnets.list(rg, "v1"))).length === 2);

const one = await nic("nic1", two);
check("an interface gets the first free address", one.ipConfigurations[0].privateIPAddress === "10.0.1.4" && one.ipConfigurations[0].primary, one);
check("writing what was read changes nothing", (await nics.beginCreateOrUpdateAndWait(rg, "nic1", one, poll)).ipConfigurations[0].privateIPAddress === "10.0.1.4");
await refused("an address in use", 400, "PrivateIPAddressInUse", () => nic("nic2", two, { privateIPAddress: "10.0.1.4", privateIPAllocationMethod: "Static" }));
const free = await nets.checkIPAddressAvailability(rg, "v1", "10.0.1.4");
check("other addresses are offered", !free.available && free.availableIPAddresses[0] === "10.0.1.5", free);
check("usage counts addresses", (await all(nets.listUsage(rg, "v1"))).some((u) => u.currentValue === 1 && u.limit === 3));
check("a subnet knows who is in it", (await subnets.get(rg, "v1", "two")).ipConfigurations[0].id === one.ipConfigurations[0].id);
await refused("deleting a used subnet", 400, "InUseSubnetCannotBeDeleted", () => subnets.beginDeleteAndWait(rg, "v1", "two", poll));
await refused("deleting a used network", 400, "InUseSubnetCannotBeDeleted", () => nets.beginDeleteAndWait(rg, "v1", poll));
await refused("an array without the used subnet", 400, "InUseSubnetCannotBeDeleted", () => put({ subnets: [] }));
await refused("moving a used subnet", 400, "InUsePrefixCannotBeDeleted", () => subnet("two", "10.0.3.0/24"));
check("a PUT without subnets keeps them", (await put({})).subnets.length === 2);
const tagged = await nets.updateTags(rg, "v1", { tags: { b: "2" } });
check("tags are replaced", tagged.tags.b === "2" && !tagged.tags.a && tagged.subnets.length === 2, tagged);

const rule = { name: "ssh", protocol: "tcp", access: "allow", direction: "inbound", priority: 100, sourceAddressPrefix: "*", destinationAddressPrefix: "*", sourcePortRange: "*", destinationPortRange: "22" };
const group = await nsgs.beginCreateOrUpdateAndWait(rg, "g1", { location, securityRules: [rule] }, poll);
check("a security group has Azure's default rules", group.defaultSecurityRules.length === 6 && group.securityRules[0].protocol === "Tcp", group);
await nics.beginCreateOrUpdateAndWait(rg, "nic1", { ...one, networkSecurityGroup: { id: group.id } }, poll);
await refused("deleting a used security group", 400, "InUseNetworkSecurityGroupCannotBeDeleted", () => nsgs.beginDeleteAndWait(rg, "g1", poll));

// more interfaces at once than the subnet has addresses: 123 of a /25
const crowd = await subnet("crowd", "10.0.5.0/25");
const made = await Promise.allSettled(Array.from({ length: 130 }, (_, i) => nic(`c${i}`, crowd)));
const given = made.filter((m) => m.value).map((m) => m.value.ipConfigurations[0].privateIPAddress);
check("addresses are given once, also at once", given.length === 123 && new Set(given).size === 123 && made.every((m) => m.value || m.reason.code === "SubnetIsFull"), given.length);
await Promise.all(Array.from({ length: 130 }, (_, i) => nics.beginDeleteAndWait(rg, `c${i}`, poll)));

const path = `${S}/resourceGroups/${rg}/providers/Microsoft.Network/virtualNetworks`;
await refused("a stale etag", 412, "PreconditionFailed", () => arm("PUT", `${path}/v1/subnets/default?api-version=2024-05-01`, { properties: { addressPrefix: "10.0.0.0/24" } }, { "if-match": '"x"' }));
const loose = await arm("GET", `${S}/resourcegroups/${rg.toUpperCase()}/providers/microsoft.network//VirtualNetworks/V1/?api-version=2019-11-01`);
check("paths are read in any case, with double slashes", loose.json.id === net.id, loose.json);
await nics.beginDeleteAndWait(rg, "nic1", poll);
await nics.beginDeleteAndWait(rg, "nic1", poll);
await nsgs.beginDeleteAndWait(rg, "g1", poll);
await nets.beginDeleteAndWait(rg, "v1", poll);
await refused("reading what is gone", 404, "ResourceNotFound", () => nets.get(rg, "v1"));
const rulePath = `${S}/resourceGroups/${rg}/providers/Microsoft.Network/networkSecurityGroups/ruled`, aRule = (priority, more = {}) => ({ properties: { protocol: "Tcp", access: "Allow", direction: "Inbound", priority, sourcePortRange: "*", destinationPortRange: "22", sourceAddressPrefix: "*", destinationAddressPrefix: "*", ...more } });
await arm("PUT", `${rulePath}?api-version=2024-05-01`, { location });
const ruled = (method, name, body) => arm(method, `${rulePath}/securityRules${name}?api-version=2024-05-01`, body);
const ssh = await ruled("PUT", "/ssh", aRule(100));
await ruled("PUT", "/web", aRule(110, { destinationPortRange: "443" }));
const sshAgain = await ruled("PUT", "/ssh", aRule(120));
check("rules are made and changed one by one", ssh.status === 201 && ssh.json.name === "ssh" && sshAgain.status === 200 && sshAgain.json.properties.priority === 120 && (await ruled("GET", "")).json.value.length === 2, sshAgain);
await refused("a rule with the priority of another", 400, "SecurityRuleConflict", () => ruled("PUT", "/x", aRule(110)));
await refused("a rule with a priority that is none", 400, "InvalidParameter", () => ruled("PUT", "/x", aRule(5)));
await refused("a rule that is not there", 404, "ResourceNotFound", () => ruled("GET", "/x"));
check("and go", (await ruled("DELETE", "/web")).status === 202 && (await ruled("DELETE", "/web")).status === 204 && (await ruled("GET", "")).json.value.length === 1);
await over(await arm("DELETE", `${rulePath}?api-version=2024-05-01`));
for (let i = 0; i < 110; i += 1) await arm("PUT", `${S}/resourceGroups/${rg}/providers/Microsoft.Network/networkSecurityGroups/g${i}?api-version=2024-05-01`, { location });
check("lists come in pages", (await all(nsgs.list(rg))).length === 110);
