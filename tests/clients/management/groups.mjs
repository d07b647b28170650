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
const list = async (query, of = S) => (await arm("GET", `${of}/resources?api-version=2021-04-01&${query}`)).json;
const named = async (filter, of) => (await list(`$filter=${encodeURIComponent(filter)}`, of)).value.map((r) => r.name).sort().join();
await arm("PATCH", `${net.id}?api-version=2024-05-01`, { tags: { env: "test", owner: "lab" } });
check("resources are found by group", await named(`resourceGroup eq '${b}'`) === "other");
check("by tag", await named("tagName eq 'env' and tagValue eq 'test'") === "v1" && await named("tagName eq 'env' and tagValue eq 'lab'") === "" && await named("startswith(tagName, 'own')") === "v1");
check("by a part of the name", await named(`substringof('the', name) and resourceGroup eq '${b}'`) === "other" && await named("substringof('the', name)", `${S}/resourceGroups/${a}`) === "");
check("by location, as people write it", await named("location eq 'East US' and name eq 'zz'") === "zz" && await named("location eq 'westus' and name eq 'zz'") === "");
const whole = await list("", `${S}/resourceGroups/${a}`), pages = [];
for (let page = await list("$top=2", `${S}/resourceGroups/${a}`); page; page = page.nextLink ? (await arm("GET", page.nextLink)).json : undefined) pages.push(page.value);
check("pages are as long as they were asked to be, and together the list", pages.slice(0, -1).every((p) => p.length <= 2) && JSON.stringify(pages.flat()) === JSON.stringify(whole.value), pages.length);
const [more] = (await list("$filter=name eq 'zz'&$expand=createdTime,changedTime,provisioningState")).value;
check("what is expanded is told", more.provisioningState === "Succeeded" && Date.parse(more.createdTime) <= Date.parse(more.changedTime) && !("createdTime" in whole.value[0]), more);
await groups.update(a, { tags: { env: "test" } });
const groupsBy = async (query) => (await arm("GET", `${S}/resourcegroups?api-version=2021-04-01&${query}`)).json;
const ours = await groupsBy("$filter=tagName eq 'env' and tagValue eq 'test'"), first = await groupsBy("$top=1");
check("groups are found by tag, and listed by pages", ours.value.map((g) => g.name).join() === a && first.value.length === 1 && first.nextLink, ours);
for (const filter of ["name is 'zz'", "nonsense eq 'x'", "name eq 'zz' or nonsense eq 'x'", "tagName ne 'x'", "name eq"]) {
  await refused(`resources by ${filter}`, 400, "InvalidFilterInQueryString", () => named(filter));
  await refused(`groups by ${filter}`, 400, "InvalidFilterInQueryString", () => groupsBy(`$filter=${filter}`));
}
await refused("a list that has no filter", 400, "InvalidFilterInQueryString", () => arm("GET", `${S}/providers/Microsoft.Network/virtualNetworks?api-version=2024-05-01&$filter=name eq 'x'`));
for (const top of ["-1", "0", "abc", "1001"]) await refused(`$top=${top}`, 400, "InvalidTopInQueryString", () => list(`$top=${top}`));
await refused("an unknown $expand", 400, "InvalidExpandInQueryString", () => list("$expand=secrets"));
await refused("deleting a group whose network another group uses", 400, "InUseSubnetCannotBeDeleted", () => groups.beginDeleteAndWait(a, poll));
check("and nothing is half-done", (await network.networkInterfaces.get(a, "zz")).ipConfigurations[0].privateIPAddress === "10.0.0.4" && (await all(storage.storageAccounts.list())).length === 1);
await network.networkInterfaces.beginDeleteAndWait(b, "other", poll);
await groups.beginDeleteAndWait(a, poll);
check("a group goes with all that is in it", (await all(groups.list())).every((g) => g.name !== a) && (await all(storage.storageAccounts.list())).length === 0);
await refused("a list of a missing group", 404, "ResourceGroupNotFound", () => all(network.virtualNetworks.list(a)));
await refused("writing into a missing group", 404, "ResourceGroupNotFound", () => nic(a, "n"));
const tagsOf = (scope) => async (method, body) => (await arm(method, `${scope}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01`, body)).json;
for (const [what, scope, version] of [["a group", `${S}/resourceGroups/${b}`, "2021-04-01"], ["a network", `${S}/resourceGroups/${b}/providers/Microsoft.Network/virtualNetworks/tagged`, "2024-05-01"]]) {
  if (what === "a network") await network.virtualNetworks.beginCreateOrUpdateAndWait(b, "tagged", { location, addressSpace: { addressPrefixes: ["10.8.0.0/16"] } }, poll);
  const tags = tagsOf(scope), changed = async (operation, set) => (await tags("PATCH", { operation, properties: { tags: set } })).properties.tags;
  const all = await tags("PUT", { properties: { tags: { env: "test", owner: "lab" } } });
  check(`${what}: tags are replaced as a whole`, all.name === "default" && all.type === "Microsoft.Resources/tags" && JSON.stringify(all.properties.tags) === '{"env":"test","owner":"lab"}', all);
  check(`${what}: merged, in any case of their names`, JSON.stringify(await changed("Merge", { ENV: "live", more: "x" })) === '{"env":"live","owner":"lab","more":"x"}');
  check(`${what}: and taken away by name, or by name and value`, JSON.stringify(await changed("Delete", { env: "", owner: "nobody", more: "x" })) === '{"owner":"lab"}');
  check(`${what}: it is its own tags that change`, JSON.stringify((await arm("GET", `${scope}?api-version=${version}`)).json.tags) === '{"owner":"lab"}' && JSON.stringify(await tags("GET")).includes('"owner"'));
  await refused(`${what}: an unknown operation`, 400, "InvalidParameter", () => changed("Erase", { owner: "" }));
  await refused(`${what}: none`, 400, "InvalidParameter", () => tags("PATCH", { properties: { tags: {} } }));
  await refused(`${what}: a value that is no text`, 400, "InvalidTags", () => changed("Merge", { a: 5 }));
  await tags("DELETE");
  check(`${what}: all tags go`, JSON.stringify((await tags("GET")).properties.tags) === "{}");
}
await refused("tags of what is not there", 404, "ResourceNotFound", () => tagsOf(`${S}/resourceGroups/${b}/providers/Microsoft.Network/virtualNetworks/none`)("PUT", { properties: { tags: {} } }));
await refused("tags that are too long", 400, "InvalidTags", () => groups.createOrUpdate(b, { location, tags: { a: "x".repeat(300) } }));
const { value } = (await arm("GET", "/providers/microsoft.network/operations?api-version=2024-05-01")).json;
check("a namespace lists its actions", value.some((o) => o.name === "Microsoft.Network/virtualNetworks/write" && o.display.operation === "write"));
