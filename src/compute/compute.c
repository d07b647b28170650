/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/compute.h"

#include "base/text.h"
#include "compute/driver.h"

#define DISKS_MAX 65 /* the OS disk and 64 data disks: the most an Azure size takes */
#define NICS_MAX  8

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

int lf_compute_network_ensure(struct lf_compute *compute, const json_t *network,
			      struct lf_error *err)
{
	int rc = check_guid(lf_json_text(network, "guid"), "guid", err);

	if (rc)
		return rc;
	if (json_array_size(lf_json_at(network, "subnets")) == 0)
		return lf_fail(err, LF_EINVAL, "subnets", "a network needs a subnet");
	return compute->driver->network_ensure(compute->host, network, err);
}

int lf_compute_network_remove(struct lf_compute *compute, const char *guid, struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->network_remove(compute->host, guid, err);
}

static int check_source(const json_t *disk, struct lf_error *err)
{
	const char *kind = lf_json_text_or(disk, "source.kind", "");

	if (strcmp(kind, "point") == 0 &&
	    (!lf_json_text(disk, "source.region") || !lf_json_text(disk, "source.point") ||
	     !lf_json_text(disk, "source.root")))
		return lf_fail(err, LF_EINVAL, "disks.source",
			       "a point's disk needs its region, point and root");
	if (strcmp(kind, "file") == 0 && !lf_json_text(disk, "source.path"))
		return lf_fail(err, LF_EINVAL, "disks.source.path", "a file's disk needs a path");
	if (strcmp(kind, "point") != 0 && strcmp(kind, "file") != 0 && strcmp(kind, "empty") != 0)
		return lf_fail(err, LF_EINVAL, "disks.source.kind",
			       "%s is not a kind of disk source", kind);
	if (lf_json_int_or(disk, "sizeBytes", 0) <= 0)
		return lf_fail(err, LF_EINVAL, "disks.sizeBytes", "a disk needs a size");
	return 0;
}

static int check_disks(const json_t *disks, struct lf_error *err)
{
	bool luns[DISKS_MAX] = {false};
	json_t *disk;
	size_t i;

	json_array_foreach (disks, i, disk) {
		int64_t lun = lf_json_int_or(disk, "lun", -2);
		if (lun < -1 || lun >= DISKS_MAX - 1)
			return lf_fail(err, LF_EINVAL, "disks.lun", "a LUN is -1 to %d",
				       DISKS_MAX - 2);
		if (luns[lun + 1])
			return lf_fail(err, LF_EINVAL, "disks.lun", "LUN %lld is used twice",
				       (long long)lun);
		luns[lun + 1] = true;
		int rc = check_source(disk, err);
		if (rc)
			return rc;
	}
	return luns[0] ? 0 : lf_fail(err, LF_EINVAL, "disks", "no disk has LUN -1, the OS disk");
}

static int check_nics(const json_t *nics, struct lf_error *err)
{
	json_t *nic;
	size_t i;

	if (json_array_size(nics) > NICS_MAX)
		return lf_fail(err, LF_EINVAL, "nics", "at most %d network interfaces", NICS_MAX);
	json_array_foreach (nics, i, nic) {
		int rc = check_guid(lf_json_text(nic, "guid"), "nics.guid", err);
		if (!rc)
			rc = check_guid(lf_json_text(nic, "network"), "nics.network", err);
		if (rc)
			return rc;
		if (!lf_json_text(nic, "subnet"))
			return lf_fail(err, LF_EINVAL, "nics.subnet",
				       "an interface needs a subnet");
	}
	return 0;
}

int lf_compute_vm_define(struct lf_compute *compute, const json_t *vm, struct lf_error *err)
{
	int rc = check_guid(lf_json_text(vm, "guid"), "guid", err);

	if (!rc)
		rc = check_disks(lf_json_at(vm, "disks"), err);
	if (!rc)
		rc = check_nics(lf_json_at(vm, "nics"), err);
	if (rc)
		return rc;
	if (lf_json_int_or(vm, "vcpus", 0) < 1 || lf_json_int_or(vm, "memoryMiB", 0) < 64)
		return lf_fail(err, LF_EINVAL, "vcpus", "a machine needs a vCPU and 64 MiB");
	return compute->driver->vm_define(compute->host, vm, err);
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

int lf_compute_vm_state(struct lf_compute *compute, const char *guid, json_t **ret_state,
			struct lf_error *err)
{
	int rc = check_guid(guid, "guid", err);

	return rc ? rc : compute->driver->vm_state(compute->host, guid, ret_state, err);
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

int lf_compute_vm_capture(struct lf_compute *compute, const json_t *wanted,
			  lf_progress_fn *progress, void *context, json_t **ret_result,
			  struct lf_error *err)
{
	int rc = check_guid(lf_json_text(wanted, "guid"), "guid", err);

	if (!rc && !lf_json_text(wanted, "region"))
		rc = lf_fail(err, LF_EINVAL, "region", "a capture needs a region");
	return rc ? rc
		  : compute->driver->vm_capture(compute->host, wanted, progress, context,
						ret_result, err);
}
