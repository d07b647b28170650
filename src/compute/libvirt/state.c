/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine does, and what keeps it going: dead exports are started
 * again, guests that an I/O error paused are resumed, hydration is begun
 * again where it was cut short and brought to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/libvirt/internal.h"
#include "os/file.h"
#include "base/lock.h"

#define CONSOLE_MAX    (4u << 20) /* virtlogd turns the file over at 2 MiB */
#define RESUME_TRIES   4
#define RESUME_STEP_NS (150 * LF_NS_PER_MS)

/*
 * The first read after the export came back may still fail on the dead
 * connection, and pause the guest once more: so try a few times.
 */
static int resume_guest(virDomainPtr domain, const char *guid, struct lf_error *err)
{
	const struct timespec pause = {.tv_nsec = RESUME_STEP_NS};
	int state = 0, reason = 0;

	for (int i = 0; i < RESUME_TRIES; i++) {
		if (virDomainResume(domain))
			return lf_fail_virt(err, guid, "cannot resume the machine");
		nanosleep(&pause, NULL);
		if (virDomainGetState(domain, &state, &reason, 0) == 0 &&
		    state != VIR_DOMAIN_PAUSED)
			break;
	}
	return 0;
}

/* Paused by an I/O error, or by us when we were killed between pause and resume. */
static bool must_resume(const struct lf_host *host, const char *guid, int state, int reason)
{
	if (state != VIR_DOMAIN_PAUSED)
		return false;
	return reason == VIR_DOMAIN_PAUSED_IOERROR ||
	       (reason == VIR_DOMAIN_PAUSED_USER && lf_host_has_mark(host, guid, "flushing"));
}

/*
 * QEMU keeps part of an overlay's map in memory until it is told to flush.
 * Stopping the guest's processors for a moment flushes everything, without
 * relying on what the guest does; only then may the point be let go.
 */
static int flush_guest(struct lf_host *host, virDomainPtr domain, const char *guid,
		       struct lf_error *err)
{
	int state, reason;

	if (virDomainGetState(domain, &state, &reason, 0) || state != VIR_DOMAIN_RUNNING)
		return 0; /* stopped: flushed when it was */
	int rc = lf_host_set_mark(host, guid, "flushing", true, err);
	if (rc)
		return rc;
	if (virDomainSuspend(domain))
		return lf_fail_virt(err, guid, "cannot pause the machine for a flush");
	if (virDomainResume(domain))
		return lf_fail_virt(err, guid, "cannot resume the machine");
	return lf_host_set_mark(host, guid, "flushing", false, err);
}

/*
 * Begin the copy of the next disk that needs it: one at a time.  A copy that has ended leaves a
 * filter without a node below it until libvirt has dismissed the job, and QEMU (7.2 does) crashes
 * when another job's end makes libvirt list all nodes at that moment.
 */
static int pull_disks(struct lf_host *host, virDomainPtr domain, const struct lf_vm_spec *vm,
		      bool *ret_all_done, struct lf_error *err)
{
	bool all_done = true;

	for (size_t i = 0; all_done && i < vm->n_disks; i++) {
		virDomainBlockJobInfo info;
		bool hydrated;
		char target[8];
		int rc = lf_disk_hydrated(host, vm, &vm->disks[i], &hydrated, err);
		if (rc)
			return rc;
		lf_domain_disk_target(vm, i, target);
		int jobs = virDomainGetBlockJobInfo(domain, target, &info, 0);
		/* a job that is still there has not been wound up, whatever the header says */
		all_done &= hydrated && jobs == 0;
		if (!all_done && jobs == 0 && virDomainBlockPull(domain, target, 0, 0))
			return lf_fail_virt(err, target, "cannot begin to copy the disk");
	}
	*ret_all_done = all_done;
	return 0;
}

LF_REQUIRES(lf_machine_lock)
static int go_on_hydrating(struct lf_host *host, virDomainPtr domain, const struct lf_vm_spec *vm,
			   struct lf_error *err)
{
	bool all_done = false;

	int rc = pull_disks(host, domain, vm, &all_done, err);
	if (rc || !all_done)
		return rc;
	rc = flush_guest(host, domain, vm->guid, err);
	if (!rc)
		rc = lf_disks_release(host, vm, false, err);
	return rc ? rc : lf_host_set_mark(host, vm->guid, "hydrate", false, err);
}

int lf_libvirt_tend(struct lf_host *host, const char *guid, struct lf_error *err)
{
	LF_AUTO_OWN_VM vm = {.doc = NULL};
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_DOMAIN domain = NULL;
	int state = VIR_DOMAIN_SHUTOFF, reason = 0;

	int rc = lf_host_vm(host, guid, &vm, err);
	if (!rc)
		rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_domain(conn, guid, &domain, err);
	if (rc || !domain || virDomainGetState(domain, &state, &reason, 0) ||
	    (state != VIR_DOMAIN_RUNNING && state != VIR_DOMAIN_PAUSED))
		return rc;
	rc = lf_disks_serve(host, &vm.spec, err);
	if (!rc && must_resume(host, guid, state, reason)) {
		rc = resume_guest(domain, guid, err);
		if (!rc)
			rc = lf_host_set_mark(host, guid, "flushing", false, err);
	}
	if (!rc && state == VIR_DOMAIN_RUNNING)
		rc = lf_guest_thaw(host, domain, guid, err);
	if (!rc && lf_host_has_mark(host, guid, "hydrate"))
		rc = go_on_hydrating(host, domain, &vm.spec, err);
	return rc;
}

int lf_libvirt_hydrate(void *context, const char *guid, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_OWN_VM vm = {.doc = NULL};

	LF_GUARD(lf_host_lock(host, guid), lf_machine_lock);
	int rc = lf_host_vm(host, guid, &vm, err);
	if (rc || !lf_disks_exported(host, &vm.spec))
		return rc;
	/* the mark is the intent: should the machine stop now, its next start goes on */
	rc = lf_host_set_mark(host, guid, "hydrate", true, err);
	return rc ? rc : lf_libvirt_tend(host, guid, err);
}

static enum lf_vm_power power_of(int state)
{
	switch (state) {
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED:
	case VIR_DOMAIN_SHUTDOWN:
		return LF_VM_RUNNING;
	case VIR_DOMAIN_PAUSED:
	case VIR_DOMAIN_PMSUSPENDED:
		return LF_VM_PAUSED;
	default:
		return LF_VM_STOPPED;
	}
}

static const char *reason_name(int state, int reason)
{
	if (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_IOERROR)
		return "an I/O error: a disk cannot be read or written";
	if (state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_USER)
		return "paused on the host";
	if (state == VIR_DOMAIN_PAUSED)
		return "paused by the hypervisor";
	if (state == VIR_DOMAIN_SHUTOFF && reason == VIR_DOMAIN_SHUTOFF_SHUTDOWN)
		return "the guest shut down";
	if (state == VIR_DOMAIN_SHUTOFF && reason == VIR_DOMAIN_SHUTOFF_CRASHED)
		return "the hypervisor's process ended";
	return "";
}

static int add_disk(struct lf_host *host, virDomainPtr domain, const struct lf_vm_spec *vm,
		    unsigned index, struct lf_vm_disk_state *out)
{
	const struct lf_vm_disk *disk = &vm->disks[index];
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	virDomainBlockJobInfo info;
	char target[8];

	out->lun = disk->lun;
	out->path = dir ? lf_domain_disk_path(disk, dir) : NULL;
	out->hydrated = lf_disk_released(host, vm, disk);
	out->total_bytes = disk->size_bytes;
	lf_domain_disk_target(vm, index, target);
	if (out->hydrated)
		out->hydrated_bytes = disk->size_bytes;
	else if (domain && virDomainGetBlockJobInfo(domain, target, &info, 0) == 1 && info.end)
		out->hydrated_bytes =
			(int64_t)((double)info.cur / (double)info.end * (double)disk->size_bytes);
	return out->path ? 0 : -1;
}

static int add_address(struct lf_host *host, const struct lf_vm_nic *nic, struct lf_vm_state *state)
{
	const char *address = nic->address;
	char leased[64];

	if (lf_network_lease(host, nic, leased, sizeof(leased)))
		address = leased;
	if (!address)
		return 0;
	char *own = strdup(address);
	state->addresses[state->n_addresses++] = own;
	return own ? 0 : -1;
}

/* When it was started, and what came first on the console, as watch.c noted them. */
static void add_boot(struct lf_host *host, const char *guid, struct lf_vm_state *state)
{
	LF_AUTO_FREE char *path = lf_host_path(host, guid, "boot.json");
	LF_AUTO_JSON *boot = NULL;
	struct lf_error ignored;

	if (!path || lf_json_read_file(path, &boot, &ignored))
		return;
	state->started_ns = lf_json_int_or(boot, "startedAtNs", 0);
	state->first_output_ms = lf_json_int_or(boot, "firstOutputMs", 0);
	state->first_kernel_ms = lf_json_int_or(boot, "firstKernelMs", 0);
}

static int fill_state(struct lf_host *host, virDomainPtr domain, const struct lf_vm_spec *vm,
		      const char *reason, struct lf_vm_state *state)
{
	int failed = 0;

	state->console = lf_host_path(host, vm->guid, "console.log");
	state->reason = strdup(reason);
	add_boot(host, vm->guid, state);
	for (size_t i = 0; i < vm->n_nics; i++)
		failed |= add_address(host, &vm->nics[i], state);
	for (size_t i = 0; i < vm->n_disks; i++)
		failed |= add_disk(host, domain, vm, (unsigned)i, &state->disks[state->n_disks++]);
	return failed || !state->console || !state->reason ? -1 : 0;
}

/* The machine's state; the moment for which we pause it to flush its disks is not one of its own.
 */
static int read_power(const struct lf_host *host, virDomainPtr domain, const char *guid, int *power,
		      int *reason, struct lf_error *err)
{
	const struct timespec pause = {.tv_nsec = RESUME_STEP_NS};

	for (bool again = false;; again = true) {
		if (virDomainGetState(domain, power, reason, 0))
			return lf_fail_virt(err, guid, "cannot ask for the machine's state");
		if (*power != VIR_DOMAIN_PAUSED || *reason != VIR_DOMAIN_PAUSED_USER)
			return 0;
		if (lf_host_has_mark(host, guid, "flushing")) {
			*power = VIR_DOMAIN_RUNNING;
			return 0;
		}
		if (again)
			return 0;
		nanosleep(&pause, NULL); /* the flush may have ended between our two looks */
	}
}

int lf_libvirt_state(void *context, const char *guid, struct lf_vm_state *ret_state,
		     struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_OWN_VM vm = {.doc = NULL};
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_DOMAIN domain = NULL;
	int power = VIR_DOMAIN_SHUTOFF, reason = 0;
	struct lf_error tended = LF_ERROR_NONE;

	int rc = lf_host_vm(host, guid, &vm, err);
	if (rc)
		return rc;
	/* another thread holds this machine's lock: tend it at the next call */
	pthread_mutex_t *lock = lf_host_lock(host, guid);
	if (pthread_mutex_trylock(lock) == 0) {
		LF_HELD(lf_machine_lock);
		if (lf_libvirt_tend(host, guid, &tended) == 0)
			tended = LF_ERROR_NONE;
		lf_unlock(lock, lf_machine_lock);
	}
	rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_host_domain(conn, guid, &domain, err);
	if (!rc && domain)
		rc = read_power(host, domain, guid, &power, &reason, err);
	if (rc)
		return rc;
	ret_state->power = power_of(power);
	return fill_state(host, domain, &vm.spec,
			  tended.code ? tended.message : reason_name(power, reason), ret_state)
		       ? lf_fail_nomem(err)
		       : 0;
}

/* The last max bytes of path, if it is there. */
static int append_tail(const char *path, size_t max, struct lf_buf *buf, struct lf_error *err)
{
	struct stat st;

	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot read %s", path);
	size_t len = (size_t)st.st_size < max ? (size_t)st.st_size : max;
	char *room = len ? lf_buf_reserve(buf, len) : NULL;
	if (len && !room)
		return lf_fail_nomem(err);
	int rc = len ? lf_file_pread_all(fd, room, len, (uint64_t)st.st_size - len, path, err) : 0;
	if (rc || !len)
		return rc;
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int lf_libvirt_console(void *context, const char *guid, size_t max, struct lf_buf *buf,
		       struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_FREE char *path = lf_host_path(host, guid, "console.log");
	LF_AUTO_FREE char *older = lf_host_path(host, guid, "console.log.0");
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_OWN_VM vm = {.doc = NULL};

	if (!path || !older)
		return lf_fail_nomem(err);
	int rc = lf_host_vm(host, guid, &vm, err);
	if (!rc)
		rc = append_tail(older, CONSOLE_MAX, &text, err);
	if (!rc)
		rc = append_tail(path, CONSOLE_MAX, &text, err);
	if (rc)
		return rc;
	size_t skip = text.len > max ? text.len - max : 0;
	lf_buf_append(buf, lf_buf_text(&text) + skip, text.len - skip);
	return lf_buf_check(buf, err);
}
