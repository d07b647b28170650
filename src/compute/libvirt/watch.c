/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread a driver.  While a machine boots it looks at the console every
 * few milliseconds, for the first byte and for the kernel's first line, so
 * that "seconds from call to kernel" is measured and not guessed; otherwise it
 * tends, every other second, the machines that still read from an export.
 *
 * Accuracy: the step below, plus what virtlogd takes to write (well under a
 * millisecond).  If the daemon was not there when a guest first spoke, there
 * is no figure for that boot.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "compute/libvirt/internal.h"
#include "os/file.h"

#define BOOTS_MAX     32
#define BOOT_STEP_NS  (5 * LF_NS_PER_MS)
#define BOOT_LIMIT_NS (300 * LF_NS_PER_S) /* after that a boot is no longer timed */
#define TEND_STEP_NS  (2 * LF_NS_PER_S)
#define KERNEL_SIGN   "Linux version"
#define BLOCK_SIZE    4096

struct boot {
	char guid[LF_GUID_SIZE]; /* "": free */
	int64_t start_ns;	 /* monotonic */
	json_t *doc;		 /* boot.json */
	char *path;		 /* of boot.json */
	char *console;
	uint64_t offset;
	char tail[sizeof(KERNEL_SIGN)]; /* the last bytes seen, should the sign be cut in two */
};

LF_LOCK_KIND(watch_lock);

struct lf_boot_watch {
	struct lf_host *host;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ending LF_GUARDED_BY(watch_lock);
	struct boot boots[BOOTS_MAX] LF_GUARDED_BY(watch_lock);
};

static void end_boot(struct boot *boot)
{
	json_decref(boot->doc);
	free(boot->path);
	free(boot->console);
	*boot = (struct boot){0};
}

static void save_boot(const struct boot *boot)
{
	struct lf_error err;

	if (lf_json_write_file(boot->path, boot->doc, &err))
		lf_log_error("noting a boot", &err);
}

static void note_time(struct boot *boot, const char *name, int64_t now_ns)
{
	if (lf_json_at(boot->doc, name) ||
	    lf_json_set_int(boot->doc, name, (now_ns - boot->start_ns) / LF_NS_PER_MS))
		return;
	save_boot(boot);
}

/* Does what came before plus block hold the kernel's sign?  Keeps the end for next time. */
static bool has_kernel(struct boot *boot, const char *block, size_t len)
{
	char text[BLOCK_SIZE + sizeof(boot->tail)];
	size_t kept = strlen(boot->tail);

	memcpy(text, boot->tail, kept);
	for (size_t i = 0; i < len; i++)
		text[kept + i] = block[i] ? block[i] : ' ';
	text[kept + len] = '\0';
	size_t keep = kept + len < sizeof(boot->tail) - 1 ? kept + len : sizeof(boot->tail) - 1;
	memcpy(boot->tail, text + kept + len - keep, keep);
	boot->tail[keep] = '\0';
	return strstr(text, KERNEL_SIGN);
}

static void look_at_boot(struct boot *boot)
{
	int64_t now = lf_clock_monotonic_ns();
	char block[BLOCK_SIZE];
	struct stat st;

	LF_AUTO_FD fd = open(boot->console, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size < boot->offset)
		boot->offset = 0; /* virtlogd turned the file over */
	ssize_t len;
	while (fd >= 0 && (len = pread(fd, block, sizeof(block), (off_t)boot->offset)) > 0) {
		boot->offset += (uint64_t)len;
		note_time(boot, "firstOutputMs", now);
		if (has_kernel(boot, block, (size_t)len)) {
			note_time(boot, "firstKernelMs", now);
			end_boot(boot);
			return;
		}
	}
	if (now - boot->start_ns > BOOT_LIMIT_NS)
		end_boot(boot);
}

static int tend_machine(void *context, const char *name, struct lf_error *err)
{
	struct lf_boot_watch *watch = context;
	LF_AUTO_OWN_VM vm = {.doc = NULL};
	struct lf_error failed;

	(void)err;
	if (!lf_guid_valid(name))
		return 0;
	pthread_mutex_t *lock = lf_host_lock(watch->host, name);
	if (pthread_mutex_trylock(lock))
		return 0;
	LF_HELD(lf_machine_lock);
	/* failures show in the machine's state; here they are only tried again */
	if (lf_host_vm(watch->host, name, &vm, &failed) == 0 &&
	    (lf_disks_exported(watch->host, &vm.spec) || lf_guest_is_frozen(watch->host, name)) &&
	    lf_libvirt_tend(watch->host, name, &failed))
		lf_debug("machine %s: %s", name, failed.message);
	lf_unlock(lock, lf_machine_lock);
	return 0;
}

static void wait_step(struct lf_boot_watch *watch, int64_t step_ns)
{
	struct timespec until = lf_clock_monotonic_after(step_ns);

	pthread_cond_timedwait(&watch->changed, &watch->mutex, &until);
}

static void *watch_main(void *argument)
{
	struct lf_boot_watch *watch = argument;
	int64_t tended_ns = lf_clock_monotonic_ns();
	struct lf_error err;

	lf_lock(&watch->mutex, watch_lock);
	while (!watch->ending) {
		bool busy = false;
		for (size_t i = 0; i < BOOTS_MAX; i++) {
			if (watch->boots[i].guid[0])
				look_at_boot(&watch->boots[i]);
			busy |= watch->boots[i].guid[0] != '\0';
		}
		if (lf_clock_monotonic_ns() - tended_ns >= TEND_STEP_NS) {
			lf_unlock(&watch->mutex, watch_lock);
			if (lf_dir_list(watch->host->data_dir, tend_machine, watch, &err))
				lf_log_error("tending machines", &err);
			tended_ns = lf_clock_monotonic_ns();
			lf_lock(&watch->mutex, watch_lock);
			continue;
		}
		wait_step(watch, busy ? BOOT_STEP_NS : TEND_STEP_NS);
	}
	lf_unlock(&watch->mutex, watch_lock);
	return NULL;
}

int lf_watch_open(struct lf_host *host, struct lf_boot_watch **ret_watch, struct lf_error *err)
{
	struct lf_boot_watch *watch = calloc(1, sizeof(*watch));
	pthread_condattr_t attr;

	if (!watch)
		return lf_fail_nomem(err);
	watch->host = host;
	pthread_mutex_init(&watch->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&watch->changed, &attr);
	pthread_condattr_destroy(&attr);
	int sys = pthread_create(&watch->thread, NULL, watch_main, watch);
	if (sys) {
		free(watch);
		return lf_fail_sys(err, sys, NULL, "cannot start the thread that tends machines");
	}
	*ret_watch = watch;
	return 0;
}

void lf_watch_free(struct lf_boot_watch *watch)
{
	if (!watch)
		return;
	lf_lock(&watch->mutex, watch_lock);
	watch->ending = true;
	pthread_cond_broadcast(&watch->changed);
	lf_unlock(&watch->mutex, watch_lock);
	pthread_join(watch->thread, NULL);
	for (size_t i = 0; i < BOOTS_MAX; i++)
		end_boot(&watch->boots[i]);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->mutex);
	free(watch);
}

/* A slot for guid: its own from an earlier boot, or a free one; NULL: too many boot at once. */
LF_REQUIRES(watch_lock)
static struct boot *find_slot(struct lf_boot_watch *watch, const char *guid)
{
	struct boot *slot = NULL;

	for (size_t i = 0; i < BOOTS_MAX; i++) {
		if (strcmp(watch->boots[i].guid, guid) == 0) {
			end_boot(&watch->boots[i]);
			return &watch->boots[i];
		}
		if (!slot && !watch->boots[i].guid[0])
			slot = &watch->boots[i];
	}
	return slot;
}

int lf_watch_boot(struct lf_boot_watch *watch, const char *guid, struct lf_error *err)
{
	struct boot boot = {0};
	struct stat st;

	snprintf(boot.guid, sizeof(boot.guid), "%s", guid);
	boot.path = lf_host_path(watch->host, guid, "boot.json");
	boot.console = lf_host_path(watch->host, guid, "console.log");
	boot.doc =
		json_pack("{s:I}", "startedAtNs", (json_int_t)lf_clock_now_ns(watch->host->clock));
	if (!boot.path || !boot.console || !boot.doc) {
		end_boot(&boot);
		return lf_fail_nomem(err);
	}
	if (stat(boot.console, &st) == 0)
		boot.offset = (uint64_t)st.st_size;
	save_boot(&boot);
	LF_GUARD(&watch->mutex, watch_lock);
	struct boot *slot = find_slot(watch, guid);
	if (slot) {
		*slot = boot;
		slot->start_ns = lf_clock_monotonic_ns();
	} else {
		end_boot(&boot); /* it boots untimed */
	}
	pthread_cond_broadcast(&watch->changed);
	return 0;
}
