// A machine that runs here, backed up and got back in every way; the guest's own words and its disks' bytes are compared.
import { spawnSync } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, rmSync, truncateSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { all, call, check, compute, network, poll, resources, S, storage, token, until, url } from "./lib.mjs";

const API = "api-version=2024-04-01", RP = "Microsoft.RecoveryServices";
const host = (vm) => `${process.env.LF_ESTATE}/data/compute/${vm.vmId}`;
const operation = (answer) => answer.headers.get("azure-asyncoperation").split("?")[0].split("/").pop();

/** protect vm of group t.group, and restore it; guestFiles(name) are what a booted machine says of its files */
export async function backupAndRestore(t, vmName, location, sourceFiles, guestFiles, equal) {
  const group = `${S}/resourceGroups/${t.group}`, own = `${group}-backups`, vault = `${own}/providers/${RP}/vaults/backups`;
  const vm = await compute.virtualMachines.get(t.group, vmName);
  const item = `${vault}/backupFabrics/Azure/protectionContainers/iaasvmcontainer;iaasvmcontainerv2;${t.group};${vmName}/protectedItems/vm;iaasvmcontainerv2;${t.group};${vmName}`;
  const send = async (what, method, path, body, status) => {
    const answer = await call(method, path, { body });
    check(`backup: ${what}`, answer.status === status, [answer.status, answer.text]);
    return answer;
  };
  const job = async (what, answer) => {
    const id = operation(answer);
    const done = await until(`backup: ${what} ends`, async () => {
      const { json } = await call("GET", `${vault}/backupJobs/${id}?${API}`);
      return ["Completed", "Failed", "Cancelled"].includes(json?.properties?.status) && json;
    }, 240);
    check(`backup: ${what} is Completed`, done.properties.status === "Completed", done.properties.errorDetails);
    return done.properties;
  };
  const restore = async (what, point, properties) =>
    job(what, await send(`${what} is accepted`, "POST", `${item}/recoveryPoints/${point}/restore?${API}`, { properties: { objectType: "IaasVMRestoreRequest", recoveryPointId: point, sourceResourceId: vm.id, region: location, ...properties } }, 202));

  await resources.resourceGroups.createOrUpdate(`${t.group}-backups`, { location }); // what a vault keeps, keeps its group
  await send("a geo-redundant vault is made", "PUT", `${vault}?${API}`, { location, sku: { name: "RS0", tier: "Standard" }, properties: { redundancySettings: { standardTierStorageRedundancy: "GeoRedundant", crossRegionRestore: "Enabled" } } }, 201);
  await send("the machine is protected", "PUT", `${item}?${API}`, { properties: { protectedItemType: "Microsoft.Compute/virtualMachines", sourceResourceId: vm.id, policyId: `${vault}/backupPolicies/DefaultPolicy` } }, 202);
  await compute.virtualMachines.deallocate(t.group, vmName, poll);
  const first = await job("the first backup", await send("a backup is accepted", "POST", `${item}/backup?${API}`, { properties: { objectType: "IaasVMBackupRequest" } }, 202));
  check("backup: the job shows its tasks", first.extendedInfo.tasksList.map((task) => task.taskId).join() === "Take Snapshot,Transfer data to vault", first.extendedInfo);
  const points = (await call("GET", `${item}/recoveryPoints?${API}`)).json.value;
  const point = points[0].name, luns = points[0].properties.recoveryPointDiskConfiguration.includedDiskList.map((disk) => disk.lun);
  check("backup: the point has all disks", luns.length === 1 + (vm.storageProfile.dataDisks ?? []).length, luns);

  // --- to a storage account: the bytes of the machine that is off ---
  const account = (await storage.storageAccounts.create(t.group, `st${t.group.replace(/[^a-z0-9]/g, "")}`.slice(0, 24), { location, kind: "StorageV2", sku: { name: "Standard_LRS" } }, poll)).id;
  const bag = (await restore("restoring disks to an account", point, { recoveryType: "RestoreDisks", storageAccountId: account })).extendedInfo.propertyBag;
  const blobs = `${url}/${bag["Target Storage Account Name"]}/${bag["Config Blob Container Name"]}`;
  const bearer = { authorization: `Bearer ${await token("https://storage.azure.com/.default")}`, "x-ms-version": "2025-01-05" };
  const config = await (await fetch(`${blobs}/${bag["Config Blob Name"]}`, { headers: bearer })).json();
  const profile = config["properties.storageProfile"], scratch = `${process.env.LF_ESTATE}/restored`;
  mkdirSync(scratch);
  for (const [disk, file] of [[profile.osDisk, "disk-os"], ...profile.dataDisks.map((d) => [d, `disk-${d.lun}`])]) {
    const answer = await fetch(disk.vhd.uri, { headers: bearer });
    await pipeline(Readable.fromWeb(answer.body), createWriteStream(`${scratch}/${file}.raw`));
    truncateSync(`${scratch}/${file}.raw`, Number(answer.headers.get("content-length")) - 512);
    const same = spawnSync("qemu-img", ["compare", "-f", "raw", "-F", "qcow2", `${scratch}/${file}.raw`, `${host(vm)}/${file}.qcow2`], { encoding: "utf8" });
    check(`backup: ${file} of the account is the machine's, byte for byte`, same.status === 0 && answer.headers.get("x-ms-blob-type") === "PageBlob", same.stdout + same.stderr);
    const pages = await (await fetch(`${disk.vhd.uri}?comp=pagelist`, { headers: bearer })).text();
    check(`backup: ${file} has pages, and holes`, /<PageRange><Start>0<\/Start>/.test(pages) && pages.match(/<PageRange>/g).length > 1, pages.slice(0, 200));
  }
  rmSync(scratch, { recursive: true });

  // --- as another machine; in the paired region, as disks ---
  const alternate = { recoveryType: "AlternateLocation", storageAccountId: account, targetResourceGroupId: group, virtualNetworkId: t.vnet.id, subnetId: `${t.vnet.id}/subnets/default` };
  await restore("restoring another machine", point, { ...alternate, targetVirtualMachineId: `${group}/providers/Microsoft.Compute/virtualMachines/${vmName}-alt` });
  check("backup: the other machine's files are the source's", equal(await guestFiles(`${vmName}-alt`), sourceFiles));
  const validated = async (more) => (await call("POST", `${vault}/backupValidateOperation?${API}`, { body: { properties: { objectType: "ValidateIaasVMRestoreOperationRequest", restoreRequest: { objectType: "IaasVMRestoreRequest", recoveryPointId: point, sourceResourceId: vm.id, ...alternate, ...more } } } })).json.validateOperationResponse.validationResults;
  check("backup: a restore that would be accepted is valid", (await validated({ targetVirtualMachineId: `${group}/providers/Microsoft.Compute/virtualMachines/${vmName}-other` })).length === 0);
  const wrong = await validated({ targetVirtualMachineId: vm.id });
  check("backup: one that would not says why", wrong.length === 1 && wrong[0].code === "UserErrorTargetVmNameAlreadyExists" && wrong[0].recommendations.length === 1, wrong);
  const taken = await call("POST", `${item}/recoveryPoints/${point}/restore?${API}`, { body: { properties: { objectType: "IaasVMRestoreRequest", ...alternate, targetVirtualMachineId: vm.id } } });
  check("backup: a name that is taken is refused", taken.status === 409 && taken.json.error.code === "UserErrorTargetVmNameAlreadyExists" && taken.json.error.target, taken.text);

  // --- in its place: other disks under the same machine, the old ones kept ---
  await compute.virtualMachines.start(t.group, vmName, poll);
  const before = [vm.storageProfile.osDisk, ...(vm.storageProfile.dataDisks ?? [])].map((disk) => disk.managedDisk.id.toLowerCase());
  await guestFiles(vmName);
  await restore("replacing the machine's disks", point, { recoveryType: "OriginalLocation", storageAccountId: account });
  const now = await compute.virtualMachines.get(t.group, vmName);
  const after = [now.storageProfile.osDisk, ...(now.storageProfile.dataDisks ?? [])].map((disk) => disk.managedDisk.id.toLowerCase());
  check("backup: the machine has other disks", after.length === before.length && !after.some((id) => before.includes(id)), after);
  check("backup: its files are the source's again", equal(await guestFiles(vmName), sourceFiles));
  const kept = (await all(compute.disks.listByResourceGroup(t.group))).filter((disk) => before.includes(disk.id.toLowerCase()));
  check("backup: its old disks are kept", kept.length === before.length && kept.every((disk) => disk.diskState === "Unattached"), kept);
  check("backup: what was there before is a point of its own", (await call("GET", `${item}/recoveryPoints?${API}`)).json.value.length === points.length + 1);

  // --- the old disks, and restored ones, under machines that a client makes ---
  await restore("restoring managed disks", point, { recoveryType: "RestoreDisks", storageAccountId: account, targetResourceGroupId: group });
  const made = (await all(compute.disks.listByResourceGroup(t.group))).filter((disk) => disk.diskState === "Unattached" && !before.includes(disk.id.toLowerCase()));
  const attach = (ids) => ids.map((id, lun) => ({ lun, createOption: "Attach", managedDisk: { id } })); // the machine may have had data disks
  for (const [name, osId, data] of [["old", before[0], before.slice(1)], ["restored", made.find((disk) => disk.osType)?.id, made.filter((disk) => !disk.osType).map((disk) => disk.id)]]) {
    const nic = await network.networkInterfaces.beginCreateOrUpdateAndWait(t.group, `${name}-nic`, { location, ipConfigurations: [{ name: "a", subnet: { id: `${t.vnet.id}/subnets/default` } }] }, poll);
    await compute.virtualMachines.createOrUpdate(t.group, `${vmName}-${name}`, { location, hardwareProfile: { vmSize: vm.hardwareProfile.vmSize }, storageProfile: { osDisk: { createOption: "Attach", managedDisk: { id: osId } }, dataDisks: attach(data) }, networkProfile: { networkInterfaces: [{ id: nic.id }] } }, poll);
    const files = await guestFiles(`${vmName}-${name}`);
    check(`backup: a machine of the ${name} disk boots, and its files are the source's`, equal(files, sourceFiles), files.filter((line) => !sourceFiles.includes(line)).concat(sourceFiles.filter((line) => !files.includes(line))));
    await compute.virtualMachines.delete(t.group, `${vmName}-${name}`, poll);
  }
  await compute.virtualMachines.delete(t.group, `${vmName}-alt`, poll);

  for (const script of ["backup-restore.mjs", "crr.mjs"]) {
    const path = process.env.LF_ACCEPTANCE && `${process.env.LF_ACCEPTANCE}/${script}`;
    if (path && existsSync(path)) check(`the acceptance script ${script} passes`, spawnSync("node", [path], { stdio: "inherit", env: { ...process.env, LF_BACKUP_VAULT_ID: vault } }).status === 0);
  }
  const exported = await call("POST", `${vault}/backupJobsExport?${API}&$filter=operation eq 'Restore'`, { body: {} });
  const where = (await call("GET", exported.headers.get("location"))).json.operation;
  const jobs = await (await fetch(`${where.blobUrl}?${where.blobSasKey}`)).json();
  check("backup: the jobs are exported to a blob that its key opens", exported.status === 202 && where.objectType === "ExportJobsOperationResultInfo" && jobs.length > 2 && jobs.every((one) => one.properties.operation === "Restore"), [exported.status, where, jobs.length]);
  await send("the protection is stopped and its data deleted", "DELETE", `${item}?${API}`, undefined, 202);
  const deleted = (await call("GET", `${item}?${API}`)).json.properties;
  check("backup: deleted data are kept for 14 days", deleted.isScheduledForDeferredDelete && deleted.protectionState === "ProtectionStopped" && /^1[34]\./.test(deleted.deferredDeleteTimeRemaining), deleted);
  await send("deleted data are brought back", "PUT", `${item}?${API}`, { properties: { protectedItemType: "Microsoft.Compute/virtualMachines", isRehydrate: true } }, 202);
  check("backup: the points are there again", (await call("GET", `${item}/recoveryPoints?${API}`)).json.value.length > points.length);
}
