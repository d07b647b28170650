// Restore points of a machine that runs here: captured, copied to another region, kept when the machine is gone.
import { all, call, check, poll, until } from "./lib.mjs";

const code = (statuses) => statuses?.map((s) => s.code);

/** make, copy and delete restore points of the machine; compute and resources are SDK clients */
export async function restorePoints(compute, resources, group, vmName, otherRegion) {
  const vm = await compute.virtualMachines.get(group, vmName);
  const other = `${group}-copies`;
  await resources.resourceGroups.createOrUpdate(other, { location: otherRegion });
  const near = await compute.restorePointCollections.createOrUpdate(group, "near", { location: vm.location, source: { id: vm.id } });
  const far = await compute.restorePointCollections.createOrUpdate(other, "far", { location: otherRegion, source: { id: near.id } });
  check("restore points: a copy collection knows its source's region", far.source.location === vm.location, far.source);

  const luns = async (name, collection, g) => (await all(compute.diskRestorePoint.listByRestorePoint(g, collection, name))).length;
  const one = await compute.restorePoints.create(group, "near", "one", {}, poll);
  check("restore points: the first is made", one.provisioningState === "Succeeded" && ["FileSystemConsistent", "CrashConsistent"].includes(one.consistencyMode), one.consistencyMode);
  const left = (vm.storageProfile.dataDisks ?? []).slice(0, 1).map((disk) => ({ id: disk.managedDisk.id }));
  const two = await compute.restorePoints.create(group, "near", "two", { consistencyMode: "CrashConsistent", excludeDisks: left }, poll);
  check("restore points: a data disk can be left out", two.consistencyMode === "CrashConsistent" && (await luns("two", "near", group)) === (await luns("one", "near", group)) - left.length);
  const os = await call("PUT", `${near.id}/restorePoints/none?api-version=2024-07-01`, { body: { properties: { excludeDisks: [{ id: vm.storageProfile.osDisk.managedDisk.id }] } } });
  check("restore points: the OS disk cannot be", os.status === 400, os.status);
  await compute.restorePoints.create(group, "near", "three", {}, poll);
  const refused = await call("PUT", `${near.id}/restorePoints/four?api-version=2024-07-01`, { body: {} }); // the SDK would try again
  check("restore points: a fourth in an hour is too much", refused.status === 429, refused.status);

  for (const name of ["one", "three"]) {
    const source = await compute.restorePoints.get(group, "near", name);
    await compute.restorePoints.create(other, "far", `${name}-copy`, { sourceRestorePoint: { id: source.id } }, poll);
    await until(`restore points: the copy of ${name} is complete`, async () =>
      code((await compute.restorePoints.get(other, "far", `${name}-copy`, { expand: "instanceView" })).instanceView?.statuses)?.includes("ReplicationState/succeeded"), 60);
  }
  await compute.restorePoints.delete(group, "near", "one", poll);
  check("restore points: a copy outlives its original", (await luns("one-copy", "far", other)) > 0);
  await compute.restorePointCollections.delete(other, "far", poll);
  await compute.restorePointCollections.delete(group, "near", poll);
  await resources.resourceGroups.beginDeleteAndWait(other, poll);
}
