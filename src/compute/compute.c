/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to the drivers: what a machine is made of is checked here, so that no driver has to
 * doubt a GUID (it becomes the name of a directory), a LUN or a source.
 */
#include "compute/compute.h"

#include <sys/sysinfo.h>

#include "base/text.h"
#include "compute/driver.h"

struct lf_compute {
	const struct lf_compute_driver *driver;
	void *host;
};

static const struct lf_compute_driver *const drivers[] = {&lf_compute_libvirt, &lf_compute_fake};

int lf_compute_open(const struct lf_compute_opts *opts, struct lf_compute **ret_compute,
		    struct lf_error *err)
{
	const struct lf_compute_driver *driver = NULL;

	for (size_t i = 0; i < LF_N(drivers); i++)
		if (opts->driver && strcmp(opts->driver, drivers[i]->name) == 0)
			driver = drivers[i];
	if (!driver) {
		lf_fail(err, LF_EINVAL, "driver", "no compute driver is called %s",
			opts->driver ? opts->driver : "(nothing)");
		return lf_error_hint(err, "use libvirt or fake");
	}
	struct lf_compute *compute = calloc(1, sizeof(*compute));
	if (!compute)
		return lf_fail_nomem(err);
	compute->driver = driver;
	int rc = driver->open(opts, &compute->host, err);
	if (rc) {
		free(compute);
		return rc;
	}
	*ret_compute = compute;
	return 0;
}

bool lf_compute_emulates(const struct lf_compute *compute)
{
	return compute->driver == &lf_compute_fake;
}

int lf_compute_room(const struct lf_compute *compute, const char *size, unsigned memory_mib,
		    struct lf_error *err)
{
	struct sysinfo host;

	if (lf_compute_emulates(compute) || sysinfo(&host))
		return 0;
	uint64_t mib = ((uint64_t)host.totalram + host.totalswap) * host.mem_unit >> 20;
	return memory_mib <= mib ? 0
				 : lf_fail_arm(err, LF_ECONFLICT, "AllocationFailed", "vmSize",
					       "choose a smaller size",
					       "the host has %llu MiB of memory, and %s takes %u",
					       (unsigned long long)mib, size, memory_mib);
}

void lf_compute_free(struct lf_compute *compute)
{
	if (!compute)
		return;
	compute->driver->free(compute->host);
	free(compute);
}

/* GUIDs become directory and domain names, so nothing else may pass. */
static int check_guid(const char *guid, const char *target, struct lf_error *err)
{
	if (!guid || !lf_guid_valid(guid))
		return lf_fail(err, LF_EINVAL, target, "%s is not a GUID", guid ? guid : target);
	return 0;
}

int lf_compute_network_ensure(struct lf_compute *compute, const struct lf_vm_network *network,
			      struct lf_error *err)
{
	int rc = check_guid(network->guid, "guid", err);

	if (rc)
		return rc;
	if (network->n_subnets == 0)
		return lf_fail(err, LF_EINVAL, "subnets", "a network needs a subnet");
	return compute->driver->network_ensure(compute->host, network, err);
}

int lf_compute_network_remove(struct lf_compute *compute, const char *guid, struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->network_remove(compute->host, guid, err);
}

static int check_source(const struct lf_vm_disk *disk, struct lf_error *err)
{
	const struct lf_vm_source *source = &disk->source;

	if (source->kind == LF_VM_SOURCE_POINT &&
	    (!source->point.region || !source->point.point || !source->point.root))
		return lf_fail(err, LF_EINVAL, "disks.source",
			       "a point's disk needs its region, point and root");
	if (source->kind == LF_VM_SOURCE_FILE && !source->path)
		return lf_fail(err, LF_EINVAL, "disks.source.path", "a file's disk needs a path");
	if (disk->size_bytes <= 0)
		return lf_fail(err, LF_EINVAL, "disks.sizeBytes", "a disk needs a size");
	return 0;
}

static int check_disks(const struct lf_vm_spec *vm, struct lf_error *err)
{
	bool luns[LF_VM_DISKS_MAX] = {false};

	for (size_t i = 0; i < vm->n_disks; i++) {
		int lun = vm->disks[i].lun;
		if (lun < LF_VM_OS_LUN || lun >= LF_VM_DISKS_MAX - 1)
			return lf_fail(err, LF_EINVAL, "disks.lun", "a LUN is -1 to %d",
				       LF_VM_DISKS_MAX - 2);
		if (luns[lun + 1])
			return lf_fail(err, LF_EINVAL, "disks.lun", "LUN %d is used twice", lun);
		luns[lun + 1] = true;
		int rc = check_source(&vm->disks[i], err);
		if (rc)
			return rc;
	}
	return luns[0] ? 0 : lf_fail(err, LF_EINVAL, "disks", "no disk has LUN -1, the OS disk");
}

static int check_nics(const struct lf_vm_spec *vm, struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_nics; i++) {
		int rc = check_guid(vm->nics[i].guid, "nics.guid", err);
		if (!rc)
			rc = check_guid(vm->nics[i].network, "nics.network", err);
		if (rc)
			return rc;
		if (!vm->nics[i].subnet)
			return lf_fail(err, LF_EINVAL, "nics.subnet",
				       "an interface needs a subnet");
	}
	return 0;
}

static int check_vm(const struct lf_vm_spec *vm, struct lf_error *err)
{
	int rc = check_guid(vm->guid, "guid", err);

	if (!rc)
		rc = check_disks(vm, err);
	if (!rc)
		rc = check_nics(vm, err);
	if (rc)
		return rc;
	if (vm->vcpus < 1 || vm->memory_mib < 64)
		return lf_fail(err, LF_EINVAL, "vcpus", "a machine needs a vCPU and 64 MiB");
	if (vm->firmware != LF_VM_UEFI && (vm->secure_boot || vm->tpm))
		return lf_fail(err, LF_EINVAL, "firmware",
			       "Secure Boot and a TPM are of machines that boot by UEFI");
	return 0;
}

int lf_compute_vm_define(struct lf_compute *compute, const struct lf_vm_spec *vm,
			 struct lf_error *err)
{
	int rc = check_vm(vm, err);

	return rc ? rc : compute->driver->vm_define(compute->host, vm, err);
}

int lf_compute_vm_change(struct lf_compute *compute, const struct lf_vm_spec *vm,
			 struct lf_error *err)
{
	int rc = check_vm(vm, err);

	return rc ? rc : compute->driver->vm_change(compute->host, vm, err);
}

int lf_compute_file_remove(struct lf_compute *compute, const char *guid, const char *path,
			   struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->file_remove(compute->host, guid, path, err);
}

int lf_compute_vm_start(struct lf_compute *compute, const char *guid, struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->vm_start(compute->host, guid, err);
}

int lf_compute_vm_stop(struct lf_compute *compute, const char *guid, bool graceful,
		       struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->vm_stop(compute->host, guid, graceful, err);
}

int lf_compute_vm_remove(struct lf_compute *compute, const char *guid, bool keep_disks,
			 struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->vm_remove(compute->host, guid, keep_disks, err);
}

int lf_compute_vm_state(struct lf_compute *compute, const char *guid, struct lf_vm_state *ret_state,
			struct lf_error *err)
{
	LF_AUTO_VM_STATE state = {0};
	int rc = check_guid(guid, "guid", err);

	if (!rc)
		rc = compute->driver->vm_state(compute->host, guid, &state, err);
	if (!rc) {
		*ret_state = state;
		state = (struct lf_vm_state){0};
	}
	return rc;
}

int lf_compute_vm_hydrate(struct lf_compute *compute, const char *guid, struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->vm_hydrate(compute->host, guid, err);
}

int lf_compute_vm_console(struct lf_compute *compute, const char *guid, size_t max,
			  struct lf_buf *buf, struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->vm_console(compute->host, guid, max, buf, err);
}

int lf_compute_vm_capture(struct lf_compute *compute, const char *guid,
			  const struct lf_capture_opts *opts, struct lf_capture *ret_capture,
			  struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	if (!rc && !opts->region)
		rc = lf_fail(err, LF_EINVAL, "region", "a capture needs a region");
	return rc ? rc : compute->driver->vm_capture(compute->host, guid, opts, ret_capture, err);
}
