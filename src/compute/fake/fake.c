/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host without a host: machines that are documents.
 *
 * For the emulator and for tests.  Its state is files below data_dir, one for
 * each machine and network, so that a killed daemon finds it again; a machine
 * starts at once, says a few lines on its console, and hydrates at once.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "compute/compute.h"
#include "compute/driver.h"
#include "os/file.h"
#include "vault/map/map.h"

LF_LOCK_KIND(fake_lock); /* all files, across I/O: they are small */

struct fake_host {
	char *data_dir;
	struct lf_clock *clock;
	pthread_mutex_t mutex;
};

static char *file_of(const struct fake_host *host, const char *kind, const char *guid)
{
	return lf_printf_dup("%s/%s-%s.json", host->data_dir, kind, guid);
}

/* A machine and what became of it: the members of "fake" beside those of a machine. */
struct fake_vm {
	struct lf_vm_spec spec;
	enum lf_vm_power power;
	bool hydrated;
	int64_t boots, started_ns;
	const char *console; /* NULL: it said nothing yet */
	json_t *doc;	     /* what texts are borrowed from */
};

static const char *const powers[] = {"stopped", "running", "paused", NULL};
static const struct lf_field fake_fields[] = {
	LF_ENUM_AT(struct fake_vm, power, "fake.power", 0, powers),
	LF_BOOL_AT(struct fake_vm, hydrated, "fake.hydrated", 0),
	LF_INT_AT(struct fake_vm, boots, "fake.boots", 0, 0, INT64_MAX),
	LF_INT_AT(struct fake_vm, started_ns, "fake.startedAtNs", 0, 0, INT64_MAX),
	LF_TEXT_AT(struct fake_vm, console, "fake.console", 0),
};

static void end_vm(struct fake_vm *vm)
{
	json_decref(vm->doc);
}
#define AUTO_VM LF_CLEANUP(end_vm) struct fake_vm

LF_REQUIRES(fake_lock)
static int read_doc(const struct fake_host *host, const char *kind, const char *guid,
		    json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(host, kind, guid);

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, ret_doc, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail(err, LF_ENOTFOUND, guid, "there is no %s %s here", kind, guid);
	return rc;
}

/* Takes the reference; NULL: there was no memory. */
LF_REQUIRES(fake_lock)
static int write_doc(const struct fake_host *host, const char *kind, const char *guid, json_t *doc,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(host, kind, guid);
	LF_AUTO_JSON *own = doc;

	return path ? lf_json_write_file(path, own, err) : lf_fail_nomem(err);
}

LF_REQUIRES(fake_lock)
static int read_vm(const struct fake_host *host, const char *guid, struct fake_vm *ret_vm,
		   struct lf_error *err)
{
	int rc = read_doc(host, "vm", guid, &ret_vm->doc, err);

	if (!rc)
		rc = lf_vm_spec_read(ret_vm->doc, &ret_vm->spec, err);
	return rc ? rc
		  : lf_fields_read(fake_fields, LF_N(fake_fields), ret_vm->doc, "", ret_vm, err);
}

LF_REQUIRES(fake_lock)
static int write_vm(const struct fake_host *host, const struct fake_vm *vm, struct lf_error *err)
{
	LF_AUTO_DOC doc = lf_doc_from(lf_vm_spec_doc(&vm->spec));

	lf_fields_write(fake_fields, LF_N(fake_fields), vm, &doc);
	return write_doc(host, "vm", vm->spec.guid, lf_doc_take(&doc), err);
}

static void free_fake(void *context)
{
	struct fake_host *host = context;

	if (!host)
		return;
	pthread_mutex_destroy(&host->mutex);
	lf_clock_free(host->clock);
	free(host->data_dir);
	free(host);
}

static int open_fake(const struct lf_compute_opts *opts, void **ret_host, struct lf_error *err)
{
	struct fake_host *host = calloc(1, sizeof(*host));

	if (!host)
		return lf_fail_nomem(err);
	pthread_mutex_init(&host->mutex, NULL);
	host->data_dir = strdup(opts->data_dir);
	host->clock = lf_clock_new_real(1);
	int rc = lf_dir_make(opts->data_dir, 0700, err);
	if (!rc && (!host->data_dir || !host->clock))
		rc = lf_fail_nomem(err);
	if (rc) {
		free_fake(host);
		return rc;
	}
	*ret_host = host;
	return 0;
}

static int ensure_fake_network(void *context, const struct lf_vm_network *network,
			       struct lf_error *err)
{
	struct fake_host *host = context;

	LF_GUARD(&host->mutex, fake_lock);
	return write_doc(host, "network", network->guid, lf_vm_network_doc(network), err);
}

struct use_search {
	struct fake_host *host;
	const char *network;
};

static int check_use(void *context, const char *name, struct lf_error *err)
{
	struct use_search *search = context;
	AUTO_VM vm = {.doc = NULL};
	char guid[LF_GUID_SIZE];

	LF_HELD(fake_lock); /* a call that lists holds it */
	if (sscanf(name, "vm-%36s", guid) != 1 || read_vm(search->host, guid, &vm, err))
		return 0;
	for (size_t i = 0; i < vm.spec.n_nics; i++)
		if (lf_text_equal_nocase(vm.spec.nics[i].network, search->network))
			return lf_fail_arm(err, LF_ECONFLICT, "InUse", search->network, NULL,
					   "the network is used by machine %s",
					   vm.spec.name ? vm.spec.name : guid);
	return 0;
}

LF_REQUIRES(fake_lock)
static int check_unused(struct fake_host *host, const char *network, struct lf_error *err)
{
	struct use_search search = {.host = host, .network = network};

	return lf_dir_list(host->data_dir, check_use, &search, err);
}

static int remove_fake_network(void *context, const char *guid, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_FREE char *path = file_of(host, "network", guid);

	if (!path)
		return lf_fail_nomem(err);
	LF_GUARD(&host->mutex, fake_lock);
	int rc = check_unused(host, guid, err);
	return rc ? rc : lf_file_remove(path, err);
}

LF_REQUIRES(fake_lock)
static int check_networks(struct fake_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_nics; i++) {
		LF_AUTO_JSON *network = NULL;
		int rc = read_doc(host, "network", vm->nics[i].network, &network, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int define_fake(void *context, const struct lf_vm_spec *vm, struct lf_error *err)
{
	struct fake_host *host = context;
	AUTO_VM before = {.power = LF_VM_STOPPED};

	LF_GUARD(&host->mutex, fake_lock);
	int rc = read_vm(host, vm->guid, &before, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!rc && !lf_vm_same_disks(&before.spec, vm))
		return lf_fail(err, LF_EEXISTS, vm->guid, "machine %s is there with other disks",
			       vm->guid);
	rc = check_networks(host, vm, err);
	before.spec = *vm;
	return rc ? rc : write_vm(host, &before, err);
}

static int change_fake(void *context, const struct lf_vm_spec *vm, struct lf_error *err)
{
	struct fake_host *host = context;
	AUTO_VM now = {.doc = NULL};

	LF_GUARD(&host->mutex, fake_lock);
	int rc = read_vm(host, vm->guid, &now, err);
	now.spec = *vm;
	return rc ? rc : write_vm(host, &now, err);
}

static int remove_fake_file(void *context, const char *guid, const char *path, struct lf_error *err)
{
	(void)context, (void)guid, (void)path, (void)err;
	return 0;
}

static int start_fake(void *context, const char *guid, struct lf_error *err)
{
	struct fake_host *host = context;
	AUTO_VM vm = {.doc = NULL};

	LF_GUARD(&host->mutex, fake_lock);
	int rc = read_vm(host, guid, &vm, err);
	if (rc || vm.power == LF_VM_RUNNING)
		return rc;
	vm.power = LF_VM_RUNNING;
	vm.boots++;
	vm.started_ns = lf_clock_now_ns(host->clock);
	/* what a guest would say: enough for whoever waits for a kernel */
	LF_AUTO_FREE char *console = lf_printf_dup(
		"%s[    0.000000] Linux version 0.0 (landfall fake driver)\n"
		"LANDFALL-MARKER check=OK fw=%s sb=%d tpm=%d boots=%lld\n",
		vm.console ? vm.console : "", vm.spec.firmware == LF_VM_UEFI ? "uefi" : "bios",
		(int)vm.spec.secure_boot, vm.spec.tpm ? 2 : 0, (long long)vm.boots);
	vm.console = console;
	return console ? write_vm(host, &vm, err) : lf_fail_nomem(err);
}

static int stop_fake(void *context, const char *guid, bool graceful, struct lf_error *err)
{
	struct fake_host *host = context;
	AUTO_VM vm = {.doc = NULL};

	(void)graceful;
	LF_GUARD(&host->mutex, fake_lock);
	int rc = read_vm(host, guid, &vm, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	vm.power = LF_VM_STOPPED;
	return write_vm(host, &vm, err);
}

static int remove_fake(void *context, const char *guid, bool keep_disks, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_FREE char *path = file_of(host, "vm", guid);
	AUTO_VM vm = {.doc = NULL};

	if (!path)
		return lf_fail_nomem(err);
	LF_GUARD(&host->mutex, fake_lock);
	if (!keep_disks)
		return lf_file_remove(path, err);
	/* what is left says what the disks hold */
	int rc = read_vm(host, guid, &vm, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	vm.power = LF_VM_STOPPED;
	vm.spec.n_nics = 0;
	return write_vm(host, &vm, err);
}

static int hydrate_fake(void *context, const char *guid, struct lf_error *err)
{
	struct fake_host *host = context;
	AUTO_VM vm = {.doc = NULL};

	LF_GUARD(&host->mutex, fake_lock);
	int rc = read_vm(host, guid, &vm, err);
	vm.hydrated = true;
	return rc ? rc : write_vm(host, &vm, err);
}

/* "fake/GUID/LUN/ROOT": where the disk would be, and what would be in it, wherever it goes; of an
 * empty one without the root.  A disk that came from elsewhere is there still. */
static char *disk_path(const struct fake_vm *vm, const struct lf_vm_disk *disk)
{
	const char *root = disk->source.point.root;

	return disk->source.path ? strdup(disk->source.path)
				 : lf_printf_dup("fake/%s/%d%s%s", vm->spec.guid, disk->lun,
						 root ? "/" : "", root ? root : "");
}

static int state_fake(void *context, const char *guid, struct lf_vm_state *ret_state,
		      struct lf_error *err)
{
	struct fake_host *host = context;
	AUTO_VM vm = {.doc = NULL};
	bool failed = false;

	LF_GUARD(&host->mutex, fake_lock);
	int rc = read_vm(host, guid, &vm, err);
	if (rc)
		return rc;
	ret_state->power = vm.power;
	ret_state->console = file_of(host, "vm", guid);
	ret_state->started_ns = vm.started_ns;
	ret_state->first_output_ms = ret_state->first_kernel_ms = vm.started_ns != 0;
	for (size_t i = 0; i < vm.spec.n_nics; i++)
		if (vm.spec.nics[i].address) {
			char *address = strdup(vm.spec.nics[i].address);
			ret_state->addresses[ret_state->n_addresses++] = address;
			failed |= !address;
		}
	for (size_t i = 0; i < vm.spec.n_disks; i++) {
		const struct lf_vm_disk *disk = &vm.spec.disks[i];
		struct lf_vm_disk_state *out = &ret_state->disks[ret_state->n_disks++];
		out->lun = disk->lun;
		out->path = disk_path(&vm, disk);
		out->hydrated = vm.hydrated || disk->source.kind != LF_VM_SOURCE_POINT;
		out->hydrated_bytes = out->hydrated ? disk->size_bytes : 0;
		out->total_bytes = disk->size_bytes;
		failed |= !out->path;
	}
	return failed || !ret_state->console ? lf_fail_nomem(err) : 0;
}

static int console_fake(void *context, const char *guid, size_t max, struct lf_buf *buf,
			struct lf_error *err)
{
	struct fake_host *host = context;
	AUTO_VM vm = {.doc = NULL};

	LF_GUARD(&host->mutex, fake_lock);
	int rc = read_vm(host, guid, &vm, err);
	if (rc)
		return rc;
	const char *text = vm.console ? vm.console : "";
	size_t len = strlen(text), skip = len > max ? len - max : 0;
	lf_buf_append(buf, text + skip, len - skip);
	return lf_buf_check(buf, err);
}

/* The root behind a disk, which no machine ever wrote to, into out; of nothing: that of zeroes. */
LF_REQUIRES(fake_lock)
static void find_root(const struct fake_host *host, const struct lf_vm_disk *disk,
		      char out[static LF_ROOT_TEXT_SIZE])
{
	static const struct lf_root nothing;
	const char *path = disk->source.path ? disk->source.path : "";
	const char *root = disk->source.point.root;
	AUTO_VM vm = {.doc = NULL};
	struct lf_error ignored;
	char guid[LF_GUID_SIZE];
	int lun, used = 0;

	if (sscanf(path, "fake/%36[0-9a-f-]/%d%n", guid, &lun, &used) == 2 && path[used] == '/')
		root = path + used + 1;
	else if (used && !read_vm(host, guid, &vm, &ignored)) {
		root = NULL;
		for (size_t i = 0; i < vm.spec.n_disks; i++)
			if (vm.spec.disks[i].lun == lun)
				root = vm.spec.disks[i].source.point.root;
	}
	if (root)
		snprintf(out, LF_ROOT_TEXT_SIZE, "%s", root);
	else
		lf_root_format(&nothing, out);
}

/* A capture goes on for as long as there is a file HOLD: tests look at one that runs. */
static int hold_capture(const struct fake_host *host, const struct lf_capture_opts *opts,
			struct lf_error *err)
{
	const struct timespec pause = {.tv_nsec = 20 * LF_NS_PER_S / 1000};
	LF_AUTO_FREE char *hold = lf_printf_dup("%s/HOLD", host->data_dir);

	if (!hold)
		return lf_fail_nomem(err);
	while (access(hold, F_OK) == 0) {
		if (opts->progress)
			opts->progress(opts->context, 0, 1);
		if (opts->stop && atomic_load(opts->stop))
			return lf_fail(err, LF_ECANCELED, NULL, "stopped");
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int capture_fake(void *context, const char *guid, const struct lf_capture_opts *opts,
			struct lf_capture *ret_capture, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_JSON *disks = json_array();
	AUTO_VM vm = {.doc = NULL};

	int rc = hold_capture(host, opts, err);
	if (rc)
		return rc;
	LF_GUARD(&host->mutex, fake_lock);
	rc = disks ? read_vm(host, guid, &vm, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	for (size_t i = 0; i < vm.spec.n_disks; i++) {
		const struct lf_vm_disk *disk = &vm.spec.disks[i];
		char root[LF_ROOT_TEXT_SIZE];
		if (lf_capture_excludes(opts, disk->lun))
			continue;
		find_root(host, disk, root);
		if (json_array_append_new(
			    disks, lf_capture_disk(guid, disk, (uint64_t)disk->size_bytes, root)))
			return lf_fail_nomem(err);
	}
	*ret_capture = (struct lf_capture){.file_system_consistent = !opts->crash_consistent,
					   .disks = lf_steal(&disks)};
	return 0;
}

const struct lf_compute_driver lf_compute_fake = {
	.name = "fake",
	.open = open_fake,
	.free = free_fake,
	.network_ensure = ensure_fake_network,
	.network_remove = remove_fake_network,
	.vm_define = define_fake,
	.vm_change = change_fake,
	.file_remove = remove_fake_file,
	.vm_start = start_fake,
	.vm_stop = stop_fake,
	.vm_remove = remove_fake,
	.vm_state = state_fake,
	.vm_hydrate = hydrate_fake,
	.vm_console = console_fake,
	.vm_capture = capture_fake,
};
