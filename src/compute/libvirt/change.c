/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other data disks for a machine that is there.  In this order: devices that go leave the running
 * domain, which its guest has to let happen; vm.json becomes what is to be; files and exports of
 * new disks are made; their devices come; the domain is defined anew.  Which devices a domain has
 * is asked of the domain, by their places, so that what was cut short is repeated from its
 * beginning. Captures begin anew: a LUN may be another disk now.
 */
#include <unistd.h>

#include "base/lock.h"
#include "compute/libvirt/checkpoint.h"
#include "compute/libvirt/internal.h"
#include "os/file.h"

#define DETACH_LIMIT_NS (30 * LF_NS_PER_S)
#define DETACH_STEP_NS	(200 * LF_NS_PER_MS)

/* Has the running domain a disk at the place? */
static int has_device(virDomainPtr domain, const char *target, bool *ret_has, struct lf_error *err)
{
	char wanted[40];
	char *xml = virDomainGetXMLDesc(domain, 0);

	if (!xml)
		return lf_fail_virt(err, target, "cannot ask for the machine's devices");
	snprintf(wanted, sizeof(wanted), "<target dev='%s' bus='virtio'", target);
	*ret_has = strstr(xml, wanted) != NULL;
	free(xml);
	return 0;
}

/* libvirt asks the guest, which lets go of it in its own time. */
static int detach_device(virDomainPtr domain, const char *xml, const char *target,
			 struct lf_error *err)
{
	const struct timespec pause = {.tv_nsec = DETACH_STEP_NS};
	int64_t end = lf_clock_monotonic_ns() + DETACH_LIMIT_NS;
	bool there = false;

	int rc = has_device(domain, target, &there, err);
	if (rc || !there)
		return rc;
	if (virDomainDetachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE))
		return lf_fail_virt(err, target, "cannot detach the disk");
	while (there && !rc && lf_clock_monotonic_ns() < end) {
		nanosleep(&pause, NULL);
		rc = has_device(domain, target, &there, err);
	}
	if (rc || !there)
		return rc;
	return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", target,
			   "unmount the disk in the machine, or stop the machine first",
			   "the guest does not let go of the disk");
}

static int attach_device(virDomainPtr domain, const char *xml, const char *target,
			 struct lf_error *err)
{
	bool there = false;
	int rc = has_device(domain, target, &there, err);

	if (rc || there)
		return rc;
	if (virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 0;
	lf_fail_virt(err, target, "cannot attach the disk");
	err->code = LF_ECONFLICT;
	return lf_error_hint(err, "stop the machine first: then it gets as many as its size has");
}

typedef int device_fn(virDomainPtr domain, const char *xml, const char *target,
		      struct lf_error *err);

static bool has_place(const struct lf_vm_spec *vm, const char *target)
{
	char other[8];

	for (size_t i = 0; i < vm->n_disks; i++) {
		lf_domain_disk_target(vm, i, other);
		if (strcmp(other, target) == 0)
			return true;
	}
	return false;
}

/* Each disk of vm that unlike does not have. */
static int each_other(struct lf_host *host, virDomainPtr domain, const struct lf_vm_spec *vm,
		      const struct lf_vm_spec *unlike, device_fn *fn, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	char target[8];

	if (!dir)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < vm->n_disks; i++) {
		LF_AUTO_BUF xml = LF_BUF_INIT;
		lf_domain_disk_target(vm, i, target);
		if (unlike && has_place(unlike, target))
			continue;
		int rc = lf_domain_disk_xml(vm, i, dir, &xml, err);
		if (!rc)
			rc = fn(domain, lf_buf_text(&xml), target, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int forget_captures(struct lf_host *host, virDomainPtr domain, const char *guid,
			   struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_host_path(host, guid, "checkpoint.json");

	if (domain)
		lf_checkpoint_forget_others(domain, "");
	return path ? lf_file_remove(path, err) : lf_fail_nomem(err);
}

static int note(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_host_path(host, vm->guid, "vm.json");
	LF_AUTO_JSON *doc = lf_vm_spec_doc(vm);

	return path && doc ? lf_json_write_file(path, doc, err) : lf_fail_nomem(err);
}

int lf_libvirt_change(void *context, const struct lf_vm_spec *vm, struct lf_error *err)
{
	struct lf_host *host = context;
	char macs[LF_VM_NICS_MAX][LF_MAC_SIZE];
	struct lf_vm_spec own = *vm;
	LF_AUTO_OWN_VM before = {.doc = NULL};
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_DOMAIN domain = NULL;

	LF_GUARD(lf_host_lock(host, vm->guid), lf_machine_lock);
	int rc = lf_domain_complete_nics(&own, macs, err);
	if (!rc)
		rc = lf_domain_complete_sectors(host, &own, err);
	if (!rc)
		rc = lf_host_vm(host, vm->guid, &before, err);
	if (!rc)
		rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_domain(conn, vm->guid, &domain, err);
	bool live = !rc && domain && virDomainIsActive(domain) == 1;
	if (!rc)
		rc = forget_captures(host, domain, vm->guid, err);
	if (!rc && live)
		rc = each_other(host, domain, &before.spec, &own, detach_device, err);
	if (!rc)
		rc = note(host, &own, err);
	if (!rc)
		rc = lf_disks_make(host, &own, err);
	if (!rc && live)
		rc = each_other(host, domain, &own, NULL, attach_device, err);
	return rc ? rc : lf_domain_define(host, &own, err);
}

int lf_libvirt_file_remove(void *context, const char *guid, const char *path, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_FREE char *dir = lf_host_path(host, guid, NULL);

	if (!dir)
		return lf_fail_nomem(err);
	size_t len = strlen(dir);
	bool inside =
		strncmp(path, dir, len) == 0 && path[len] == '/' && !strchr(path + len + 1, '/');
	return inside ? lf_file_remove(path, err) : 0;
}
