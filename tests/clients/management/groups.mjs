import { NetworkManagementClient } from "@azure/arm-network";
import { ResourceManagementClient } from "@azure/arm-resources";
import { StorageManagementClient } from "@azure/arm-storage";
import { all, arm, check, client, poll, prefix, refused, S } from "./lib.mjs";

const network = client(NetworkManagementClient), storage = client(StorageManagementClient), groups = client(ResourceManagementClient).resourceGroups;
const a = `${prefix}-a`, b = `${prefix}-b`, location = "eastus";

for (const name of [a, b]) await groups.createOrUpdate(name, { location });
const net = await network.virtualNetworks.beginCreateOrUpdateAndWait(a, "v1", { location, addressSpace: { addressPrefixes: ["10.0.0.0/16"] }, subnets: [{ name: "default", addressPrefix: "10.0.0.0/24" }] }, poll);
const nic = (group, name) => network.networkInterfaces.beginCreateOrUpdateAndWait(group, name, { location, ipConfigurations: [{ name: "ip", subnet: { id: net.subnets[0].id } }] }, poll);
await nic(a, "zz");
await nic(b, "other");
await storage.storageAccounts.create(a, `${prefix}st`, { location, kind: "StorageV2", sku: { name: "Standard_LRS" } }, poll);
await arm("PUT", `${S}/resourceGroups/${a}/providers/Microsoft.OffAzure/ServerSites/s?api-version=2023-06-06`, { location, properties: {} });
const found = async (filter) => (await all(client(ResourceManagementClient).resources.list({ filter }))).map((r) => r.name);
const nics = await found("resourceType eq 'Microsoft.Network/networkInterfaces'"), zz = await found("resourceType eq 'microsoft.network/networkInterfaces' and name eq 'ZZ'");
check("resources are found by type and name", zz.join() === "zz" && nics.includes("zz") && nics.includes("other") && !nics.includes("v1") && (await found("name eq 'none'")).length === 0, { zz, nics });
await refused("resources by a filter that is none", 400, "InvalidFilter", () => found("name is 'zz'"));
await refused("deleting a group whose network another group uses", 400, "InUseSubnetCannotBeDeleted", () => groups.beginDeleteAndWait(a, poll));
check("and nothing is half-done", (await network.networkInterfaces.get(a, "zz")).ipConfigurations[0].privateIPAddress === "10.0.0.4" && (await all(storage.storageAccounts.list())).length === 1);
await network.networkInterfaces.beginDeleteAndWait(b, "other", poll);
await groups.beginDeleteAndWait(a, poll);
check("a group goes with all that is in it", (await all(groups.list())).every((g) => g.name !== a) && (await all(storage.storageAccounts.list())).length === 0);
await refused("a list of a missing group", 404, "ResourceGroupNotFound", () => all(network.virtualNetworks.list(a)));
await refused("writing into a missing group", 404, "ResourceGroupNotFound", () => nic(a, "n"));
await refused("tags that are too long", 400, "InvalidTags", () => groups.createOrUpdate(b, { location, tags: { a: "x".repeat(300) } }));
const { value } = (await arm("GET", "/providers/microsoft.network/operations?api-version=2024-05-01")).json;
check("a namespace lists its actions", value.some((o) => o.name === "Microsoft.Network/virtualNetworks/write" && o.display.operation === "write"));
