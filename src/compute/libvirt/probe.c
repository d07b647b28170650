/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can this host run guests by KVM?  Its own word is not enough: where KVM is
 * itself emulated, libvirt's capabilities and KVM's ioctls say yes, a guest
 * starts, and then stops inside its firmware.  So the processor must show the
 * extension, and a machine without disks must get through its firmware.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "compute/libvirt/internal.h"
#include "os/file.h"
#include "os/process.h"
#include "base/lock.h"

#define PROBE_LIMIT_NS (15 * LF_NS_PER_S)
#define PROBE_STEP_NS  (50 * LF_NS_PER_MS)
/* What SeaBIOS says once it has looked for a disk in vain. */
#define PROBE_END "No bootable device"

static bool has_extension(void)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error err;

	if (lf_file_read("/proc/cpuinfo", 16 << 20, &text, &err))
		return false;
	const char *flags = strstr(lf_buf_text(&text), "\nflags");
	if (!flags)
		return false;
	LF_AUTO_FREE char *line = strndup(flags + 1, strcspn(flags + 1, "\n"));
	return line && (strstr(line, " vmx") || strstr(line, " svm"));
}

static bool log_has(const char *path, const char *text)
{
	LF_AUTO_BUF log = LF_BUF_INIT;
	struct lf_error err;

	return lf_file_read(path, 1 << 20, &log, &err) == 0 && strstr(lf_buf_text(&log), text);
}

/* NULL: it booted; else why not. */
static const char *probe_boot(const struct lf_host *host)
{
	LF_AUTO_FREE char *out = lf_printf_dup("%s/probe.out", host->data_dir);
	LF_AUTO_FREE char *log = lf_printf_dup("%s/probe.log", host->data_dir);
	LF_AUTO_FREE char *chardev = lf_printf_dup("file,id=d,path=%s", out ? out : "");
	const char *const argv[] = {"qemu-system-x86_64",
				    "-accel",
				    "kvm",
				    "-machine",
				    "q35",
				    "-m",
				    "64",
				    "-nodefaults",
				    "-display",
				    "none",
				    "-chardev",
				    chardev,
				    "-device",
				    "isa-debugcon,iobase=0x402,chardev=d",
				    NULL};
	struct lf_error err;
	pid_t pid;

	if (!out || !log || !chardev)
		return "out of memory";
	if (lf_file_remove(out, &err) || lf_process_start_detached(argv, log, &pid, &err))
		return "QEMU could not be started for the probe";
	int64_t end = lf_clock_monotonic_ns() + PROBE_LIMIT_NS;
	bool booted = false;
	while (!booted && lf_clock_monotonic_ns() < end && kill(pid, 0) == 0) {
		const struct timespec pause = {.tv_nsec = PROBE_STEP_NS};
		nanosleep(&pause, NULL);
		booted = log_has(out, PROBE_END);
	}
	if (lf_process_stop(pid, out, 0, &err) || lf_file_remove(out, &err) ||
	    lf_file_remove(log, &err))
		return "the probe did not end";
	return booted ? NULL : "a probe machine did not get through its firmware under KVM";
}

static const char *find_reason(const struct lf_host *host)
{
	if (access("/dev/kvm", R_OK | W_OK))
		return "there is no /dev/kvm that we may use";
	if (!has_extension())
		return "the processor shows neither vmx nor svm";
	return probe_boot(host);
}

/* What the answer holds for: another kernel, another answer. */
static int probe(struct lf_host *host, const char *kernel, json_t **ret_answer,
		 struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accelerator.json", host->data_dir);
	LF_AUTO_JSON *answer = NULL;

	if (!path)
		return lf_fail_nomem(err);
	if (lf_json_read_file(path, &answer, err) == 0 &&
	    strcmp(lf_json_text_or(answer, "kernel", ""), kernel) == 0) {
		*ret_answer = lf_steal(&answer);
		return 0;
	}
	json_decref(lf_steal(&answer));
	const char *reason = find_reason(host);
	answer = json_pack("{s:s, s:s, s:s}", "kernel", kernel, "accelerator",
			   reason ? "tcg" : "kvm", "reason",
			   reason ? reason : "a probe machine booted under KVM");
	int rc = lf_json_write_file(path, answer, err);
	if (rc)
		return rc;
	*ret_answer = lf_steal(&answer);
	return 0;
}

int lf_host_kvm(struct lf_host *host, bool *ret_kvm, struct lf_error *err)
{
	struct utsname names;

	LF_GUARD(&host->probe_mutex, lf_probe_lock);
	if (!host->accelerator) {
		if (uname(&names))
			return lf_fail_sys(err, errno, NULL, "cannot ask for the kernel's name");
		int rc = probe(host, names.release, &host->accelerator, err);
		if (rc)
			return rc;
	}
	*ret_kvm = strcmp(lf_json_text_or(host->accelerator, "accelerator", ""), "kvm") == 0;
	return 0;
}
