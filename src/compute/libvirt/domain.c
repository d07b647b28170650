/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's life: defined, started, stopped, removed.
 *
 * vm.json is written before anything is made and removed after everything is
 * gone, so that whatever a killed process left behind has a name.
 */
#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/libvirt/checkpoint.h"
#include "compute/libvirt/internal.h"
#include "os/file.h"
#include "base/lock.h"
#include "vault/open/regions.h"
#include "vault/point/point.h"

#define SHUTDOWN_LIMIT_NS (60 * LF_NS_PER_S)
#define SHUTDOWN_STEP_NS  (200 * LF_NS_PER_MS)

/* Every NIC has its MAC, from here on as libvirt writes it: lower case, colons. */
int lf_domain_complete_nics(struct lf_vm_spec *vm, char macs[static LF_VM_NICS_MAX][LF_MAC_SIZE],
			    struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_nics; i++) {
		struct lf_vm_nic *nic = &vm->nics[i];
		char derived[LF_GUID_SIZE];
		lf_guid_derive("mac", nic->guid, derived);
		if (nic->mac && strlen(nic->mac) != LF_MAC_SIZE - 1)
			return lf_fail(err, LF_EINVAL, "nics.mac", "'%.64s' is not a MAC address",
				       nic->mac);
		if (nic->mac)
			snprintf(macs[i], LF_MAC_SIZE, "%s", nic->mac);
		else /* 52:54:00 is QEMU's own range of locally administered addresses */
			snprintf(macs[i], LF_MAC_SIZE, "52:54:00:%.2s:%.2s:%.2s", derived,
				 derived + 2, derived + 4);
		for (char *p = macs[i]; *p; p++)
			*p = *p == '-' ? ':' : (char)tolower((unsigned char)*p);
		nic->mac = macs[i];
	}
	return 0;
}

/* A point's manifest says what sectors its disks had; what vm.json says outlives the point. */
static void complete_sector(struct lf_host *host, const struct lf_vm_spec *before,
			    struct lf_vm_disk *disk)
{
	const struct lf_point_ref *ref = &disk->source.point;
	LF_AUTO_JSON *manifest = NULL;
	struct lf_vault *vault;
	struct lf_error ignored;
	size_t i;
	json_t *entry;

	for (i = 0; i < before->n_disks; i++)
		if (before->disks[i].lun == disk->lun &&
		    lf_vm_source_equal(&before->disks[i].source, &disk->source))
			disk->sector_bytes = before->disks[i].sector_bytes;
	if (disk->sector_bytes || disk->source.kind != LF_VM_SOURCE_POINT || !host->regions ||
	    !ref->region || !ref->point || !ref->root ||
	    lf_regions_find(host->regions, ref->region, &vault, &ignored) ||
	    lf_point_get(vault, ref->point, &manifest, &ignored))
		return;
	json_array_foreach (lf_json_at(manifest, "disks"), i, entry)
		if (strcmp(lf_json_text_or(entry, "root", ""), ref->root) == 0)
			disk->sector_bytes = lf_json_int_or(entry, "sectorSizeInBytes", 0);
}

int lf_domain_complete_sectors(struct lf_host *host, struct lf_vm_spec *vm, struct lf_error *err)
{
	LF_AUTO_OWN_VM before = {.doc = NULL};
	int rc = lf_host_vm(host, vm->guid, &before, err);

	if (rc && rc != LF_ENOTFOUND)
		return rc;
	for (size_t i = 0; i < vm->n_disks; i++)
		complete_sector(host, &before.spec, &vm->disks[i]);
	return 0;
}

/* Write vm.json; another machine's disks under the same GUID are refused. */
static int note_machine(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	LF_AUTO_FREE char *path = lf_host_path(host, vm->guid, "vm.json");
	LF_AUTO_JSON *doc = lf_vm_spec_doc(vm);
	LF_AUTO_OWN_VM before = {.doc = NULL};

	if (!dir || !path || !doc)
		return lf_fail_nomem(err);
	int rc = lf_host_vm(host, vm->guid, &before, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!rc && !lf_vm_same_disks(&before.spec, vm))
		return lf_fail(err, LF_EEXISTS, vm->guid, "machine %s is there with other disks",
			       vm->guid);
	if (!rc && json_equal(before.doc, doc))
		return 0;
	rc = lf_dir_make(dir, 0711, err);
	if (!rc && chmod(dir, 0711))
		rc = lf_fail_sys(err, errno, dir, "cannot change the mode of %s", dir);
	return rc ? rc : lf_json_write_file(path, doc, err);
}

int lf_domain_define(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	struct lf_domain_env env = {.dir = dir};
	LF_AUTO_FREE char *xml = NULL;
	LF_AUTO_CONN conn = NULL;

	if (!dir)
		return lf_fail_nomem(err);
	int rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_kvm(host, &env.kvm, err);
	if (!rc)
		rc = lf_domain_xml(vm, &env, &xml, err);
	if (rc)
		return rc;
	LF_AUTO_DOMAIN domain = virDomainDefineXMLFlags(conn, xml, VIR_DOMAIN_DEFINE_VALIDATE);
	return domain ? 0 : lf_fail_virt(err, vm->guid, "cannot define the domain");
}

int lf_libvirt_define(void *context, const struct lf_vm_spec *vm, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	char macs[LF_VM_NICS_MAX][LF_MAC_SIZE];
	struct lf_vm_spec own = *vm;

	if (!dir)
		return lf_fail_nomem(err);
	LF_GUARD(lf_host_lock(host, vm->guid), lf_machine_lock);
	int rc = lf_domain_complete_nics(&own, macs, err);
	if (!rc)
		rc = lf_domain_complete_sectors(host, &own, err);
	if (!rc)
		rc = note_machine(host, &own, err);
	if (!rc)
		rc = lf_host_let_qemu_reach(host, dir, err);
	if (!rc)
		rc = lf_disks_make(host, &own, err);
	if (!rc)
		rc = lf_network_serve(host, &own, err);
	return rc ? rc : lf_domain_define(host, &own, err);
}

int lf_libvirt_start(void *context, const char *guid, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_OWN_VM vm = {.doc = NULL};
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_DOMAIN domain = NULL;

	LF_GUARD(lf_host_lock(host, guid), lf_machine_lock);
	int rc = lf_host_vm(host, guid, &vm, err);
	if (!rc)
		rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_domain(conn, guid, &domain, err);
	if (rc)
		return rc;
	if (!domain)
		return lf_fail(err, LF_ENOTFOUND, guid, "machine %s has no domain", guid);
	if (virDomainIsActive(domain) == 1)
		return lf_libvirt_tend(host, guid, err);
	/* after a restart of the host nothing of this runs any more */
	rc = lf_disks_tie(host, &vm.spec, err);
	if (!rc)
		rc = lf_disks_serve(host, &vm.spec, err);
	if (!rc)
		rc = lf_network_serve(host, &vm.spec, err);
	if (!rc)
		rc = lf_watch_boot(host->watch, guid, err);
	if (!rc)
		lf_checkpoint_clean(host, domain, &vm.spec);
	if (!rc && virDomainCreate(domain))
		rc = lf_fail_virt(err, guid, "cannot start the machine");
	return rc;
}

LF_REQUIRES(lf_machine_lock)
static int power_off(virDomainPtr domain, const char *guid, struct lf_error *err)
{
	if (virDomainDestroy(domain) == 0 || virDomainIsActive(domain) == 0)
		return 0;
	return lf_fail_virt(err, guid, "cannot power off the machine");
}

static bool ends_by_itself(virDomainPtr domain)
{
	const struct timespec pause = {.tv_nsec = SHUTDOWN_STEP_NS};
	int64_t end = lf_clock_monotonic_ns() + SHUTDOWN_LIMIT_NS;
	int state, reason;

	/* a paused guest would never hear of it */
	if (virDomainGetState(domain, &state, &reason, 0) || state != VIR_DOMAIN_RUNNING ||
	    virDomainShutdown(domain))
		return false;
	while (lf_clock_monotonic_ns() < end) {
		if (virDomainIsActive(domain) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

int lf_libvirt_stop(void *context, const char *guid, bool graceful, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_DOMAIN domain = NULL;

	LF_GUARD(lf_host_lock(host, guid), lf_machine_lock);
	int rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_domain(conn, guid, &domain, err);
	if (rc || !domain || virDomainIsActive(domain) == 0)
		return rc;
	if (graceful && ends_by_itself(domain))
		return 0;
	return power_off(domain, guid, err);
}

LF_REQUIRES(lf_machine_lock)
static int remove_domain(struct lf_host *host, const char *guid, struct lf_error *err)
{
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_DOMAIN domain = NULL;

	int rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_domain(conn, guid, &domain, err);
	if (rc || !domain)
		return rc;
	if (virDomainIsActive(domain) == 1)
		rc = power_off(domain, guid, err);
	if (!rc && virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
							  VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
							  VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA |
							  VIR_DOMAIN_UNDEFINE_NVRAM |
							  VIR_DOMAIN_UNDEFINE_TPM))
		rc = lf_fail_virt(err, guid, "cannot remove the domain");
	return rc;
}

/*
 * The domain first: nothing else reads the exports.  vm.json goes before the
 * directory does, because a directory without it is only rubbish; to be found
 * again after a kill, it is removed when all that it names is gone.
 */
int lf_libvirt_remove(void *context, const char *guid, bool keep_disks, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_FREE char *dir = lf_host_path(host, guid, NULL);
	LF_AUTO_OWN_VM vm = {.doc = NULL};

	if (!dir)
		return lf_fail_nomem(err);
	LF_GUARD(lf_host_lock(host, guid), lf_machine_lock);
	int rc = remove_domain(host, guid, err);
	if (rc)
		return rc;
	rc = lf_host_vm(host, guid, &vm, err);
	if (rc == LF_ENOTFOUND)
		return keep_disks ? 0 : lf_dir_remove(dir, err);
	if (!rc)
		rc = lf_network_forget(host, &vm.spec, err);
	if (rc || keep_disks)
		return rc;
	rc = lf_disks_release(host, &vm.spec, true, err);
	return rc ? rc : lf_dir_remove(dir, err);
}
