/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's life: defined, started, stopped, removed.
 *
 * vm.json is written before anything is made and removed after everything is
 * gone, so that whatever a killed process left behind has a name.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/libvirt/internal.h"
#include "os/file.h"
#include "base/lock.h"

#define SHUTDOWN_LIMIT_NS (60 * LF_NS_PER_S)
#define SHUTDOWN_STEP_NS  (200 * LF_NS_PER_MS)

/* Every NIC has its MAC, from here on as libvirt writes it: lower case, colons. */
static int complete_nics(json_t *vm, struct lf_error *err)
{
	json_t *nic;
	size_t i;

	json_array_foreach (lf_json_at(vm, "nics"), i, nic) {
		char derived[LF_GUID_SIZE], mac[32];
		lf_guid_derive("mac", lf_json_text_or(nic, "guid", ""), derived);
		/* 52:54:00 is QEMU's own range of locally administered addresses */
		snprintf(mac, sizeof(mac), "52:54:00:%.2s:%.2s:%.2s", derived, derived + 2,
			 derived + 4);
		LF_AUTO_FREE char *text = lf_text_lower_dup(lf_json_text_or(nic, "mac", mac));
		if (!text)
			return lf_fail_nomem(err);
		for (char *p = text; *p; p++)
			if (*p == '-')
				*p = ':';
		if (lf_json_set_text(nic, "mac", text))
			return lf_fail_nomem(err);
	}
	return 0;
}

static bool same_disks(const json_t *a, const json_t *b)
{
	const json_t *disks_a = lf_json_at(a, "disks"), *disks_b = lf_json_at(b, "disks");
	size_t n = json_array_size(disks_a);

	if (json_array_size(disks_b) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!json_equal(lf_json_at(json_array_get(disks_a, i), "source"),
				lf_json_at(json_array_get(disks_b, i), "source")))
			return false;
	return true;
}

/* Write vm.json; another machine's disks under the same GUID are refused. */
static int note_machine(struct lf_host *host, const json_t *vm, struct lf_error *err)
{
	const char *guid = lf_json_text_or(vm, "guid", "");
	LF_AUTO_FREE char *dir = lf_host_path(host, guid, NULL);
	LF_AUTO_FREE char *path = lf_host_path(host, guid, "vm.json");
	LF_AUTO_JSON *before = NULL;
	LF_AUTO_FREE char *text = NULL;

	if (!dir || !path)
		return lf_fail_nomem(err);
	int rc = lf_host_vm(host, guid, &before, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!rc && !same_disks(before, vm))
		return lf_fail(err, LF_EEXISTS, guid, "machine %s is there with other disks", guid);
	if (!rc && json_equal(before, vm))
		return 0;
	rc = lf_dir_make(dir, 0711, err);
	if (!rc && chmod(dir, 0711))
		rc = lf_fail_sys(err, errno, dir, "cannot change the mode of %s", dir);
	if (!rc)
		rc = lf_json_dump(vm, &text, err);
	return rc ? rc : lf_file_write_durable(path, text, strlen(text), 0600, err);
}

static int define_domain(struct lf_host *host, const json_t *vm, struct lf_error *err)
{
	const char *guid = lf_json_text_or(vm, "guid", "");
	LF_AUTO_FREE char *dir = lf_host_path(host, guid, NULL);
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
	return domain ? 0 : lf_fail_virt(err, guid, "cannot define the domain");
}

int lf_libvirt_define(void *context, const json_t *vm, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_JSON *own = json_deep_copy(vm);
	const char *guid = lf_json_text_or(vm, "guid", "");

	if (!own)
		return lf_fail_nomem(err);
	LF_AUTO_FREE char *dir = lf_host_path(host, guid, NULL);
	if (!dir)
		return lf_fail_nomem(err);
	LF_GUARD(lf_host_lock(host, guid));
	int rc = complete_nics(own, err);
	if (!rc)
		rc = note_machine(host, own, err);
	if (!rc)
		rc = lf_host_let_qemu_reach(host, dir, err);
	if (!rc)
		rc = lf_disks_make(host, own, err);
	if (!rc)
		rc = lf_network_serve(host, own, err);
	return rc ? rc : define_domain(host, own, err);
}

int lf_libvirt_start(void *context, const char *guid, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_JSON *vm = NULL;
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_DOMAIN domain = NULL;

	LF_GUARD(lf_host_lock(host, guid));
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
	rc = lf_disks_tie(host, vm, err);
	if (!rc)
		rc = lf_disks_serve(host, vm, err);
	if (!rc)
		rc = lf_network_serve(host, vm, err);
	if (!rc)
		rc = lf_watch_boot(host->watch, guid, err);
	if (!rc && virDomainCreate(domain))
		rc = lf_fail_virt(err, guid, "cannot start the machine");
	return rc;
}

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

	LF_GUARD(lf_host_lock(host, guid));
	int rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_domain(conn, guid, &domain, err);
	if (rc || !domain || virDomainIsActive(domain) == 0)
		return rc;
	if (graceful && ends_by_itself(domain))
		return 0;
	return power_off(domain, guid, err);
}

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
	LF_AUTO_JSON *vm = NULL;

	if (!dir)
		return lf_fail_nomem(err);
	LF_GUARD(lf_host_lock(host, guid));
	int rc = remove_domain(host, guid, err);
	if (rc)
		return rc;
	rc = lf_host_vm(host, guid, &vm, err);
	if (rc == LF_ENOTFOUND)
		return keep_disks ? 0 : lf_dir_remove(dir, err);
	if (!rc)
		rc = lf_network_forget(host, vm, err);
	if (rc || keep_disks)
		return rc;
	rc = lf_disks_release(host, vm, true, err);
	return rc ? rc : lf_dir_remove(dir, err);
}
