// Machines of disks that are there: disks made empty, from restore points and from disks, attached, left behind, attached again.
import { ComputeManagementClient } from "@azure/arm-compute";
import { NetworkManagementClient } from "@azure/arm-network";
import { ResourceManagementClient } from "@azure/arm-resources";
import { all, arm, check, client, over, poll, prefix, refused, S, url } from "./lib.mjs";

const compute = client(ComputeManagementClient), network = client(NetworkManagementClient);
const groups = client(ResourceManagementClient).resourceGroups;
const { disks, virtualMachines: vms, restorePointCollections: collections, restorePoints: points } = compute;
const rg = `${prefix}-vm`, location = "eastus", provider = `${S}/resourceGroups/${rg}/providers/Microsoft.Compute`;
const disk = (name, creationData, more = {}) => disks.beginCreateOrUpdateAndWait(rg, name, { location, creationData, ...more }, poll);
const nic = async (name) => (await network.networkInterfaces.beginCreateOrUpdateAndWait(rg, name, { location, ipConfigurations: [{ name: "a", subnet: { id: subnet } }] }, poll)).id;
const machine = async (name, os, data = [], nicId = undefined) => vms.beginCreateOrUpdateAndWait(rg, name, {
  location, hardwareProfile: { vmSize: "Standard_D2s_v3" },
  storageProfile: { osDisk: { createOption: "Attach", managedDisk: { id: os } }, dataDisks: data.map((id, i) => ({ lun: i, createOption: "Attach", managedDisk: { id } })) },
  networkProfile: { networkInterfaces: [{ id: nicId ?? await nic(`${name}-nic`) }] },
}, poll);

await groups.createOrUpdate(rg, { location });
const listed = async (expand) => (await arm("GET", `${provider}/virtualMachines?api-version=2024-07-01&$expand=${expand}`)).json.value;
check("a list without machines expands nothing", (await listed("instanceView")).length === 0);
await refused("a machine's unknown $expand, also there", 400, "InvalidExpandInQueryString", () => listed("secrets"));
const net = await network.virtualNetworks.beginCreateOrUpdateAndWait(rg, "v", { location, addressSpace: { addressPrefixes: ["10.9.0.0/16"] }, subnets: [{ name: "default", addressPrefix: "10.9.0.0/24" }] }, poll);
const subnet = net.subnets[0].id;

const os = await disk("os", { createOption: "Empty" }, { diskSizeGB: 1, osType: "Linux", hyperVGeneration: "V2" });
check("an empty disk is unattached", os.diskState === "Unattached" && os.diskSizeBytes === 1 << 30 && os.osType === "Linux", os);
const data = await disk("data", { createOption: "Empty" }, { diskSizeGB: 2 });
await refused("a disk without a size", 400, "InvalidParameter", () => disk("x", { createOption: "Empty" }));
await refused("a disk of an image", 400, "OperationNotAllowed", () => disk("x", { createOption: "FromImage" }));
await refused("a disk of a restore point that is not there", 400, "InvalidParameter", () => disk("x", { createOption: "Restore", sourceResourceId: `${provider}/restorePointCollections/c/restorePoints/p/diskRestorePoints/d` }));
await refused("a machine without disks", 400, "InvalidParameter", () => vms.beginCreateOrUpdateAndWait(rg, "x", { location, hardwareProfile: { vmSize: "Standard_D2s_v3" } }, poll));
await refused("a machine that boots from a data disk", 400, "InvalidParameter", () => machine("x", data.id));

const first = await machine("first", os.id, [data.id]);
check("a machine is made of its disks", first.provisioningState === "Succeeded" && first.storageProfile.osDisk.managedDisk.id === os.id && first.storageProfile.dataDisks[0].lun === 0, first.storageProfile);
check("it says what is so of every machine, and may be sent back", first.priority === "Regular" && first.extensionsTimeBudget === "PT1H30M" && first.networkProfile.networkInterfaces[0].deleteOption === "Detach", first);
await over(await arm("PATCH", `${first.id}?api-version=2024-07-01`, { identity: { type: "None" }, properties: { priority: "Regular", extensionsTimeBudget: "PT1H30M" } }));
const userData = (await arm("GET", `${first.id}?api-version=2024-07-01&$expand=userData`)).json;
check("no identity is what it has, and no user data", userData.identity.type === "None" && !userData.properties.userData, userData);
await refused("time for extensions", 400, "InvalidParameter", () => arm("PATCH", `${first.id}?api-version=2024-07-01`, { properties: { extensionsTimeBudget: "PT15M" } }));
await refused("hibernation", 400, "OperationNotAllowed", () => arm("POST", `${first.id}/deallocate?api-version=2024-07-01&hibernate=true`));
for (const [verb, path] of [["POST", "/powerOff?skipShutdown=maybe&"], ["POST", "/deallocate?hibernate=maybe&"], ["DELETE", "?forceDeletion=maybe&"]])
  await refused(`${verb} ${path}`, 400, "InvalidQueryParameter", () => arm(verb, `${first.id}${path}api-version=2024-07-01`));
const view = await vms.instanceView(rg, "first");
check("it runs, as generation 2", view.statuses.some((s) => s.code === "PowerState/running") && view.hyperVGeneration === "V2", view);
const attached = await disks.get(rg, "data");
check("its disks are attached", attached.diskState === "Attached" && attached.managedBy === first.id, attached);
await refused("attaching a disk to a second machine", 409, "AttachDiskWhileBeingDetached", () => machine("second", os.id));
await refused("a network interface of another machine", 409, "NetworkInterfaceInUse", async () => machine("second", (await disk("os9", { createOption: "Empty" }, { diskSizeGB: 1, osType: "Linux" })).id, [], `${S}/resourceGroups/${rg}/providers/Microsoft.Network/networkInterfaces/first-nic`));
await refused("deleting an attached disk", 409, "OperationNotAllowed", () => disks.beginDeleteAndWait(rg, "os", poll));

await collections.createOrUpdate(rg, "c", { location, source: { id: first.id } });
const point = await points.create(rg, "c", "p", {}, poll);
const osPoint = point.sourceMetadata.storageProfile.osDisk.diskRestorePoint.id;
const expanded = (await arm("GET", `${provider}/restorePointCollections/c/restorePoints/p?$expand=instanceView&api-version=2026-04-01`)).json.properties;
check("a restore point tells how it stands and when it was made", expanded.instanceView.statuses[0].displayStatus === "Replication succeeded" && expanded.provisioningDetails.creationTime === expanded.timeCreated && expanded.instanceView.diskRestorePoints[0].snapshotAccessState === "AvailableWithInstantAccess", expanded);
for (const [what, body] of [["a source point in a machine's collection", { properties: { sourceRestorePoint: { id: `${provider}/restorePointCollections/c/restorePoints/p` } } }], ["another name than the URL's", { name: "x" }], ["a member that it has not", { properties: { nonsense: 1 } }]])
  await refused(what, 400, "InvalidParameter", () => arm("PUT", `${provider}/restorePointCollections/c/restorePoints/q?api-version=2026-04-01`, body));
const [, set, id, diskPoint] = osPoint.match(/restorePointCollections\/([^/]+)\/restorePoints\/([^/]+)\/diskRestorePoints\/([^/]+)$/i);
const { accessSAS } = await compute.diskRestorePoint.beginGrantAccessAndWait(rg, set, id, diskPoint, { access: "Read", durationInSeconds: 60 }, poll);
const head = await fetch(accessSAS, { method: "HEAD", headers: { "x-ms-version": "2021-08-06" } });
check("a disk of a restore point is read by a shared access signature", head.status === 200 && Number(head.headers.get("content-length")) === (1 << 30) + 512, [head.status, [...head.headers]]);
await compute.diskRestorePoint.beginRevokeAccessAndWait(rg, set, id, diskPoint, poll);
check("until that is revoked", (await fetch(accessSAS, { headers: { "x-ms-version": "2021-08-06" } })).status === 404);
await refused("a disk in another region than its restore point", 400, "InvalidParameter", () => disks.beginCreateOrUpdateAndWait(rg, "x", { location: "westus", creationData: { createOption: "Restore", sourceResourceId: osPoint } }, poll));
const restored = await disk("restored", { createOption: "Restore", sourceResourceId: osPoint });
check("a disk is made from a restore point", restored.osType === "Linux" && restored.hyperVGeneration === "V2" && restored.diskSizeBytes === 1 << 30, restored);
const copy = await disk("copy", { createOption: "Copy", sourceResourceId: restored.id }, { diskSizeGB: 3 });
check("a disk is made from a disk, and larger", copy.diskSizeGB === 3 && copy.osType === "Linux", copy);
await points.beginDeleteAndWait?.(rg, "c", "p", poll);
const second = await machine("second", restored.id);
check("a machine is made of a restored disk", second.storageProfile.osDisk.managedDisk.id === restored.id, second.storageProfile);

await vms.beginDeleteAndWait(rg, "first", poll);
const left = await disks.get(rg, "data");
check("a deleted machine leaves its disks", left.diskState === "Unattached" && !left.managedBy, left);
await refused("growing a disk that a machine wrote to", 400, "OperationNotAllowed", () => disk("data", { createOption: "Empty" }, { diskSizeGB: 8 }));
const again = await machine("first", os.id, [data.id], `${S}/resourceGroups/${rg}/providers/Microsoft.Network/networkInterfaces/first-nic`);
check("they are attached again, to a machine of the same name", again.storageProfile.dataDisks[0].managedDisk.id === data.id && again.vmId !== first.vmId, [again.vmId, first.vmId]);
const sets = compute.availabilitySets, near = compute.proximityPlacementGroups;
const set1 = await sets.createOrUpdate(rg, "set1", { location, sku: { name: "Aligned" } }), near1 = await near.createOrUpdate(rg, "near1", { location });
const boot = (await disk("asked-os", { createOption: "Empty" }, { diskSizeGB: 1, osType: "Linux", hyperVGeneration: "V2", sku: { name: "Premium_LRS" } })).id;
const asked = { storageProfile: { osDisk: { createOption: "Attach", managedDisk: { id: boot }, deleteOption: "Delete", caching: "ReadOnly" } }, hardwareProfile: { vmSize: "Standard_D2s_v3" }, networkProfile: { networkInterfaces: [{ id: await nic("asked-nic") }] },
  securityProfile: { securityType: "TrustedLaunch", uefiSettings: { secureBootEnabled: true, vTpmEnabled: true } }, availabilitySet: { id: set1.id }, proximityPlacementGroup: { id: near1.id }, licenseType: "RHEL_BYOS", diagnosticsProfile: { bootDiagnostics: { enabled: false } } };
const put = (properties, more = {}) => arm("PUT", `${provider}/virtualMachines/asked?api-version=2024-07-01`, { location, properties: { ...asked, ...properties }, ...more });
const nowhere = (type) => `${provider}/${type}/nowhere`;
for (const [what, properties, more] of [
  ["a set of nowhere", { availabilitySet: { id: nowhere("availabilitySets") } }], ["a placement group of nowhere", { proximityPlacementGroup: { id: nowhere("proximityPlacementGroups") } }],
  ["a zone beside a set", {}, { zones: ["1"] }], ["a zone that is none", { availabilitySet: null }, { zones: ["9"] }], ["an unknown licence", { licenseType: "Free" }], ["a licence of Windows on Linux", { licenseType: "Windows_Server" }],
  ["an unknown security type", { securityProfile: { securityType: "Bogus" } }], ["diagnostics in an account of nowhere", { diagnosticsProfile: { bootDiagnostics: { enabled: true, storageUri: `${url}/nowhere/` } } }],
  ["a text for a switch", { diagnosticsProfile: { bootDiagnostics: { enabled: "maybe" } } }]])
  await refused(what, 400, "InvalidParameter", () => put(properties, more));
await refused("a set of another type", 400, "LinkedInvalidPropertyId", () => put({ availabilitySet: { id: near1.id } }));
for (const [what, properties, more] of [
  ["user data", { userData: "eA==" }], ["encryption at the host", { securityProfile: { encryptionAtHost: true } }], ["a scale set", { virtualMachineScaleSet: { id: nowhere("virtualMachineScaleSets") } }], ["a capacity reservation", { capacityReservation: { capacityReservationGroup: { id: nowhere("capacityReservationGroups") } } }],
  ["a plan", {}, { plan: { name: "p" } }], ["a disk encryption set", { storageProfile: { osDisk: { createOption: "Attach", managedDisk: { id: boot, diskEncryptionSet: { id: nowhere("diskEncryptionSets") } } } } }]])
  await refused(what, 400, "InvalidParameter", () => put(properties, more));
await refused("an identity", 400, "OperationNotAllowed", () => put({}, { identity: { type: "SystemAssigned" } }));
await over(await put({ additionalCapabilities: { ultraSSDEnabled: false }, priority: "Regular" }));
await refused("a set that a machine is in, to be deleted,", 409, "OperationNotAllowed", () => sets.delete(rg, "set1"));
const got = (await arm("GET", `${provider}/virtualMachines/asked?api-version=2024-07-01`)).json, { properties: its } = got;
check("a machine is what it was asked to be", its.securityProfile.securityType === "TrustedLaunch" && its.securityProfile.uefiSettings.vTpmEnabled && its.securityProfile.uefiSettings.secureBootEnabled && its.availabilitySet.id === set1.id && its.proximityPlacementGroup.id === near1.id
  && its.licenseType === "RHEL_BYOS" && its.diagnosticsProfile.bootDiagnostics.enabled === false && its.storageProfile.osDisk.deleteOption === "Delete" && its.storageProfile.osDisk.caching === "ReadOnly" && its.storageProfile.osDisk.managedDisk.storageAccountType === "Premium_LRS", its);
check("sets and groups list their machines", (await sets.get(rg, "set1")).virtualMachines.map((v) => v.id).join() === got.id && (await near.get(rg, "near1")).virtualMachines[0].id === got.id);
const { serialConsoleLogBlobUri } = await vms.retrieveBootDiagnosticsData(rg, "asked");
const log = async (uri) => { const answer = await fetch(uri); return answer.ok ? answer.text() : answer.status; };
check("it has a TPM and Secure Boot, says its console, which anybody with the URI may read", (await log(serialConsoleLogBlobUri)).includes("sb=1 tpm=2"));
check("who has another URI may not", await log(serialConsoleLogBlobUri.replace("/asked/", "/second/")) === 401 && await log(serialConsoleLogBlobUri.split("?")[0]) === 401 && await log(serialConsoleLogBlobUri.slice(0, -5)) === 401);
const shown = await vms.instanceView(rg, "asked");
check("its instance view has disks, agent and times", shown.disks[0].name === "asked-os" && shown.vmAgent.statuses[0].displayStatus === "Not Ready" && shown.statuses.every((s) => s.time), shown);
await vms.beginDeleteAndWait(rg, "asked", poll);
await refused("a disk that goes with its machine", 404, "ResourceNotFound", () => disks.get(rg, "asked-os"));
for (const name of ["first", "second"]) await vms.beginDeleteAndWait(rg, name, poll);
for (const one of await all(disks.listByResourceGroup(rg))) await disks.beginDeleteAndWait(rg, one.name, poll);
check("disks are deleted", (await all(disks.listByResourceGroup(rg))).length === 0);

// Data disks of a machine that is there.
const home = (await disk("home", { createOption: "Empty" }, { diskSizeGB: 1, osType: "Linux" })).id, spare = (await disk("spare", { createOption: "Empty" }, { diskSizeGB: 2 })).id;
await machine("changing", home);
await machine("other", (await disk("other-os", { createOption: "Empty" }, { diskSizeGB: 1, osType: "Linux" })).id, [(await disk("taken", { createOption: "Empty" }, { diskSizeGB: 1 })).id]);
const vmPath = `${provider}/virtualMachines/changing?api-version=2024-07-01`;
const read = async () => (await arm("GET", vmPath)).json;
const send = async (method, dataDisks, more = {}) => over(await arm(method, vmPath, method === "PUT" ? { ...(await read()), properties: { ...(await read()).properties, ...more, storageProfile: { ...(await read()).properties.storageProfile, dataDisks } } } : { properties: { ...more, storageProfile: { dataDisks } } }));
const by = (id, lun) => ({ lun, createOption: "Attach", managedDisk: { id } });
const luns = async () => (await read()).properties.storageProfile.dataDisks.map((d) => `${d.lun}:${d.name}`).join();
await send("PATCH", [by(spare, 1)]);
const spared = await disks.get(rg, "spare");
check("a disk is attached by PATCH", await luns() === "1:spare" && spared.diskState === "Attached" && spared.managedBy.endsWith("/changing") && (await read()).properties.provisioningState === "Succeeded", [await luns(), spared]);
await send("PUT", [...(await read()).properties.storageProfile.dataDisks, { lun: 3, createOption: "Empty", diskSizeGB: 4, name: "newer", managedDisk: { storageAccountType: "StandardSSD_LRS" } }]);
const newer = await disks.get(rg, "newer");
check("another one is made and attached by PUT", await luns() === "1:spare,3:newer" && newer.diskSizeGB === 4 && newer.sku.name === "StandardSSD_LRS" && newer.diskState === "Attached", [await luns(), newer]);
await send("PUT", (await read()).properties.storageProfile.dataDisks.filter((d) => d.lun !== 1));
check("a disk is detached", await luns() === "3:newer" && (await disks.get(rg, "spare")).diskState === "Unattached" && !(await disks.get(rg, "spare")).managedBy);
await send("PATCH", [...(await read()).properties.storageProfile.dataDisks, { lun: 1, createOption: "Empty", diskSizeGB: 1, name: "third" }, by(spare, 2)]);
check("its LUN is another's, and it comes back at another", await luns() === "3:newer,1:third,2:spare", await luns());
await send("PATCH", [{ ...by(newer.id, 3), toBeDetached: true }, by(spare, 2), by((await disks.get(rg, "third")).id, 1)]);
check("one that is to be detached is", !(await luns()).includes("newer"), await luns());
await refused("a disk that is not there", 400, "InvalidParameter", () => send("PATCH", [by(`${provider}/disks/nosuch`, 5)]));
await refused("a disk of another machine", 409, "AttachDiskWhileBeingDetached", () => send("PATCH", [by(`${provider}/disks/taken`, 5)]));
await refused("two disks at one LUN", 400, "InvalidParameter", () => send("PATCH", [by(spare, 2), by(newer.id, 2)]));
await refused("an empty disk without a size", 400, "InvalidParameter", () => send("PATCH", [{ lun: 9, createOption: "Empty" }]));
check("and nothing has changed", await luns() === "1:third,2:spare" || await luns() === "2:spare,1:third", await luns());
for (const [what, more] of [["another OS disk", { storageProfile: { osDisk: { managedDisk: { id: spare } } } }], ["another network interface", { networkProfile: { networkInterfaces: [{ id: `${S}/resourceGroups/${rg}/providers/Microsoft.Network/networkInterfaces/none` }] } }], ["another security type", { securityProfile: { securityType: "TrustedLaunch" } }]])
  await refused(what, 409, "PropertyChangeNotAllowed", () => arm("PATCH", vmPath, { properties: more }));
await refused("an identity for it", 400, "OperationNotAllowed", () => arm("PATCH", vmPath, { identity: { type: "SystemAssigned" } }));
await arm("PATCH", vmPath, { tags: { a: "b" } });
await send("PUT", (await read()).properties.storageProfile.dataDisks, { hardwareProfile: { vmSize: "Standard_D4s_v3" }, licenseType: "SLES_BYOS" });
const now = await read();
check("size and licence change, a PUT with tags keeps them", now.properties.hardwareProfile.vmSize === "Standard_D4s_v3" && now.properties.licenseType === "SLES_BYOS" && now.tags.a === "b", now);
const { tags, ...bare } = now;
await over(await arm("PUT", vmPath, bare));
check("and one without takes them away", !(await read()).tags);
const sku = (await arm("PATCH", `${spare}?api-version=2023-04-02`, { sku: { name: "Premium_LRS" } })).json;
check("a disk's type changes, on its machine, too", sku.sku.name === "Premium_LRS" && sku.properties.networkAccessPolicy === "AllowAll" && (await read()).properties.storageProfile.dataDisks.find((d) => d.name === "spare").managedDisk.storageAccountType === "Premium_LRS", sku);
await refused("an unknown disk type", 400, "InvalidParameter", () => arm("PATCH", `${spare}?api-version=2023-04-02`, { sku: { name: "Floppy" } }));
const image = { publisher: "Canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts-gen2", version: "latest" };
const imaged = await vms.beginCreateOrUpdateAndWait(rg, "imaged", { location, hardwareProfile: { vmSize: "Standard_B1s" }, networkProfile: { networkInterfaces: [{ id: await nic("imaged-nic") }] },
  storageProfile: { imageReference: image, osDisk: { createOption: "FromImage", caching: "ReadWrite", managedDisk: { storageAccountType: "StandardSSD_LRS" }, deleteOption: "Delete" }, dataDisks: [{ lun: 0, createOption: "Empty", diskSizeGB: 1, deleteOption: "Delete" }] },
  osProfile: { computerName: "imaged", adminUsername: "ubuntu", adminPassword: "Pa55-word", linuxConfiguration: { disablePasswordAuthentication: false } } }, poll);
check("the emulator makes a machine of an image, and keeps no password", imaged.storageProfile.imageReference.offer === image.offer && imaged.osProfile.adminUsername === "ubuntu" && !imaged.osProfile.adminPassword && imaged.storageProfile.osDisk.createOption === "FromImage" && imaged.storageProfile.dataDisks[0].name === "imaged_DataDisk_0", imaged);
check("its disk is as was asked", (await disks.get(rg, "imaged_OsDisk_1")).sku.name === "StandardSSD_LRS" && (await disks.get(rg, "imaged_OsDisk_1")).hyperVGeneration === "V2");
await refused("user data for it", 400, "InvalidParameter", () => arm("PATCH", `${imaged.id}?api-version=2024-07-01`, { properties: { osProfile: { customData: "eA==" } } }));
await refused("a disk that is said to be another", 400, "InvalidParameter", () => arm("PUT", `${provider}/virtualMachines/x?api-version=2024-07-01`, { location, properties: { hardwareProfile: { vmSize: "Standard_B1s" }, networkProfile: { networkInterfaces: [{ id: now.properties.networkProfile.networkInterfaces[0].id }] }, storageProfile: { osDisk: { createOption: "Attach", osType: "Windows", managedDisk: { id: home } } } } }));
await disk("wos", { createOption: "Empty" }, { diskSizeGB: 1, osType: "Windows", hyperVGeneration: "V2" });
const windows = await machine("windows", `${provider}/disks/wos`);
await collections.createOrUpdate(rg, "cw", { location, source: { id: windows.id } });
const windowsPoint = await points.create(rg, "cw", "p", {}, poll);
const ofWindows = await disk("of-windows", { createOption: "Restore", sourceResourceId: windowsPoint.sourceMetadata.storageProfile.osDisk.diskRestorePoint.id });
check("a disk of a restore point has its machine's kind of system", ofWindows.osType === "Windows", ofWindows);
await collections.beginDeleteAndWait(rg, "cw", poll);
for (const name of ["changing", "other", "imaged", "windows"]) await vms.beginDeleteAndWait(rg, name, poll);
for (const one of await all(disks.listByResourceGroup(rg))) await disks.beginDeleteAndWait(rg, one.name, poll);
check("all disks are deleted", (await all(disks.listByResourceGroup(rg))).length === 0);

// What else is asked of them.
const computeGet = (path, version = "2024-07-01") => arm("GET", `${path}${path.includes("?") ? "&" : "?"}api-version=${version}`).then((a) => a.json);
const skus = await computeGet(`${S}/providers/Microsoft.Compute/skus?$filter=location eq 'westeurope'`, "2021-07-01");
check("sizes are told for the region that was asked for", skus.value.length > 0 && skus.value.every((s) => s.locations.join() === "westeurope"));
await refused("a filter of sizes that is none", 400, "InvalidFilterInQueryString", () => computeGet(`${S}/providers/Microsoft.Compute/skus?$filter=nonsense eq 'x'`, "2021-07-01"));
await refused("sizes in a region that is none", 400, "LocationNotAvailableForResourceType", () => arm("GET", `${S}/providers/Microsoft.Compute/locations/mars/vmSizes?api-version=2024-03-01`));
await refused("sizes of a machine that is not there", 404, "ResourceNotFound", () => computeGet(`${provider}/virtualMachines/none/vmSizes`));
const S2 = `${S}/resourceGroups/${rg}/providers`;
for (const [path, version, body] of [["Microsoft.Compute/restorePointCollections", "2024-07-01", { properties: { source: { id: first.id } } }], ["Microsoft.Compute/disks", "2024-03-02", { properties: { creationData: { createOption: "Empty" }, diskSizeGB: 1 } }],
  ["Microsoft.Compute/virtualMachines", "2024-07-01", { properties: { hardwareProfile: { vmSize: "Standard_B1s" } } }], ["Microsoft.Compute/availabilitySets", "2024-07-01", {}], ["Microsoft.Network/virtualNetworks", "2024-05-01", { properties: { addressSpace: { addressPrefixes: ["10.9.0.0/16"] } } }],
  ["Microsoft.Network/networkSecurityGroups", "2024-05-01", {}], ["Microsoft.Storage/storageAccounts", "2023-05-01", { kind: "StorageV2", sku: { name: "Standard_LRS" } }], ["Microsoft.OffAzure/ServerSites", "2023-06-06", { properties: {} }]])
  await refused(`${path} in no region`, 400, "LocationNotAvailableForResourceType", () => arm("PUT", `${S2}/${path}/marsone?api-version=${version}`, { location: "mars", ...body }));
await refused("a group in no region", 400, "LocationNotAvailableForResourceType", () => groups.createOrUpdate(`${prefix}-mars`, { location: "mars" }));
check("there are no public addresses", (await computeGet(`${S}/providers/Microsoft.Network/publicIPAddresses`, "2024-05-01")).value.length === 0);
await refused("making one", 400, "OperationNotAllowed", () => arm("PUT", `${S}/resourceGroups/${rg}/providers/Microsoft.Network/publicIPAddresses/ip?api-version=2024-05-01`, { location }));
await refused("a template", 404, "InvalidResourceType", () => arm("PUT", `${S}/resourcegroups/${rg}/providers/Microsoft.Resources/deployments/d?api-version=2024-11-01`, { properties: { mode: "Incremental", template: {} } }));
