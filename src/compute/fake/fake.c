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
#include "compute/driver.h"
#include "os/file.h"
#include "vault/map/map.h"

struct fake_host {
	char *data_dir;
	struct lf_clock *clock;
	pthread_mutex_t mutex; /* all of it, across I/O: the files are small */
};

static char *file_of(const struct fake_host *host, const char *kind, const char *guid)
{
	return lf_printf_dup("%s/%s-%s.json", host->data_dir, kind, guid);
}

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

static int write_doc(const struct fake_host *host, const char *kind, const char *guid,
		     const json_t *doc, struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(host, kind, guid);
	LF_AUTO_FREE char *text = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_dump(doc, &text, err);
	return rc ? rc : lf_file_write_durable(path, text, strlen(text), 0600, err);
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

static int ensure_fake_network(void *context, const json_t *network, struct lf_error *err)
{
	struct fake_host *host = context;

	LF_GUARD(&host->mutex);
	return write_doc(host, "network", lf_json_text(network, "guid"), network, err);
}

struct use_search {
	struct fake_host *host;
	const char *network;
};

static int check_use(void *context, const char *name, struct lf_error *err)
{
	struct use_search *search = context;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", search->host->data_dir, name);
	LF_AUTO_JSON *vm = NULL;
	json_t *nic;
	size_t i;

	if (!path || strncmp(name, "vm-", 3) != 0 || lf_json_read_file(path, &vm, err))
		return 0;
	json_array_foreach (lf_json_at(vm, "nics"), i, nic)
		if (lf_text_equal_nocase(lf_json_text_or(nic, "network", ""), search->network))
			return lf_fail_arm(err, LF_ECONFLICT, "InUse", search->network, NULL,
					   "the network is used by machine %s",
					   lf_json_text_or(vm, "name", name));
	return 0;
}

static int remove_fake_network(void *context, const char *guid, struct lf_error *err)
{
	struct fake_host *host = context;
	struct use_search search = {.host = host, .network = guid};
	LF_AUTO_FREE char *path = file_of(host, "network", guid);

	if (!path)
		return lf_fail_nomem(err);
	LF_GUARD(&host->mutex);
	int rc = lf_dir_list(host->data_dir, check_use, &search, err);
	return rc ? rc : lf_file_remove(path, err);
}

static int check_networks(struct fake_host *host, const json_t *vm, struct lf_error *err)
{
	json_t *nic;
	size_t i;

	json_array_foreach (lf_json_at(vm, "nics"), i, nic) {
		LF_AUTO_JSON *network = NULL;
		int rc = read_doc(host, "network", lf_json_text_or(nic, "network", ""), &network,
				  err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The sources of the disks, which a GUID keeps for life. */
static json_t *sources_of(const json_t *vm)
{
	json_t *sources = json_array(), *disk;
	size_t i;

	json_array_foreach (lf_json_at(vm, "disks"), i, disk)
		if (json_array_append(sources, lf_json_at(disk, "source")))
			break;
	return sources;
}

static int define_fake(void *context, const json_t *vm, struct lf_error *err)
{
	struct fake_host *host = context;
	const char *guid = lf_json_text(vm, "guid");
	LF_AUTO_JSON *before = NULL;
	LF_AUTO_JSON *doc = json_deep_copy(vm);

	if (!doc)
		return lf_fail_nomem(err);
	LF_GUARD(&host->mutex);
	int rc = read_doc(host, "vm", guid, &before, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!rc) {
		LF_AUTO_JSON *a = sources_of(before);
		LF_AUTO_JSON *b = sources_of(vm);
		if (!json_equal(a, b))
			return lf_fail(err, LF_EEXISTS, guid,
				       "machine %s is there with other disks", guid);
		if (json_object_set(doc, "fake", json_object_get(before, "fake")))
			return lf_fail_nomem(err);
	} else if (lf_json_set_text(doc, "fake.power", "stopped")) {
		return lf_fail_nomem(err);
	}
	rc = check_networks(host, vm, err);
	return rc ? rc : write_doc(host, "vm", guid, doc, err);
}

/* What a guest would say: enough for whoever waits for a kernel. */
static int add_console(json_t *vm)
{
	int64_t boots = lf_json_int_or(vm, "fake.boots", 0) + 1;
	LF_AUTO_FREE char *text =
		lf_printf_dup("%s[    0.000000] Linux version 0.0 (landfall fake driver)\n"
			      "LANDFALL-MARKER check=OK fw=%s boots=%lld\n",
			      lf_json_text_or(vm, "fake.console", ""),
			      lf_json_text_or(vm, "firmware", "bios"), (long long)boots);

	return !text || lf_json_set_int(vm, "fake.boots", boots) ||
	       lf_json_set_text(vm, "fake.console", text);
}

static int start_fake(void *context, const char *guid, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_JSON *vm = NULL;

	LF_GUARD(&host->mutex);
	int rc = read_doc(host, "vm", guid, &vm, err);
	if (rc || strcmp(lf_json_text_or(vm, "fake.power", ""), "running") == 0)
		return rc;
	if (lf_json_set_text(vm, "fake.power", "running") || add_console(vm) ||
	    lf_json_set_int(vm, "fake.startedAtNs", lf_clock_now_ns(host->clock)))
		return lf_fail_nomem(err);
	return write_doc(host, "vm", guid, vm, err);
}

static int stop_fake(void *context, const char *guid, bool graceful, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_JSON *vm = NULL;

	(void)graceful;
	LF_GUARD(&host->mutex);
	int rc = read_doc(host, "vm", guid, &vm, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	if (lf_json_set_text(vm, "fake.power", "stopped"))
		return lf_fail_nomem(err);
	return write_doc(host, "vm", guid, vm, err);
}

static int remove_fake(void *context, const char *guid, bool keep_disks, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_FREE char *path = file_of(host, "vm", guid);

	LF_AUTO_JSON *vm = NULL;

	if (!path)
		return lf_fail_nomem(err);
	LF_GUARD(&host->mutex);
	if (!keep_disks)
		return lf_file_remove(path, err);
	/* what is left says what the disks hold */
	int rc = read_doc(host, "vm", guid, &vm, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	if (lf_json_set_text(vm, "fake.power", "stopped") || lf_json_set(vm, "nics", json_array()))
		return lf_fail_nomem(err);
	return write_doc(host, "vm", guid, vm, err);
}

static int hydrate_fake(void *context, const char *guid, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_JSON *vm = NULL;

	LF_GUARD(&host->mutex);
	int rc = read_doc(host, "vm", guid, &vm, err);
	if (!rc && lf_json_set_bool(vm, "fake.hydrated", true))
		rc = lf_fail_nomem(err);
	return rc ? rc : write_doc(host, "vm", guid, vm, err);
}

/* "fake/GUID/LUN": where the disk would be; a disk that came from elsewhere is there still. */
static char *disk_path(const json_t *vm, const json_t *disk)
{
	const char *path = lf_json_text(disk, "source.path");

	return path ? strdup(path)
		    : lf_printf_dup("fake/%s/%lld", lf_json_text_or(vm, "guid", ""),
				    (long long)lf_json_int_or(disk, "lun", -1));
}

static int add_disks(const json_t *vm, json_t *state)
{
	bool all = lf_json_bool_or(vm, "fake.hydrated", false);
	json_t *list = json_array(), *disk;
	int failed = 0;
	size_t i;

	json_array_foreach (lf_json_at(vm, "disks"), i, disk) {
		const char *kind = lf_json_text_or(disk, "source.kind", "");
		bool hydrated = all || strcmp(kind, "point") != 0;
		json_int_t total = lf_json_int_or(disk, "sizeBytes", 0);
		LF_AUTO_FREE char *path = disk_path(vm, disk);
		failed |= json_array_append_new(
			list, json_pack("{s:I, s:s?, s:b, s:I, s:I}", "lun",
					(json_int_t)lf_json_int_or(disk, "lun", -1), "path", path,
					"hydrated", (int)hydrated, "hydratedBytes",
					hydrated ? total : 0, "totalBytes", total));
	}
	return failed | lf_json_set(state, "disks", list);
}

static int add_addresses(const json_t *vm, json_t *state)
{
	json_t *list = json_array(), *nic;
	int failed = 0;
	size_t i;

	json_array_foreach (lf_json_at(vm, "nics"), i, nic)
		if (lf_json_text(nic, "address"))
			failed |= json_array_append(list, lf_json_at(nic, "address"));
	return failed | lf_json_set(state, "addresses", list);
}

static int state_fake(void *context, const char *guid, json_t **ret_state, struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_JSON *vm = NULL;
	int failed = 0;

	LF_GUARD(&host->mutex);
	int rc = read_doc(host, "vm", guid, &vm, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *path = file_of(host, "vm", guid);
	LF_AUTO_JSON *state =
		json_pack("{s:s, s:s, s:s*}", "power", lf_json_text_or(vm, "fake.power", "stopped"),
			  "reason", "", "console", path);
	if (lf_json_at(vm, "fake.startedAtNs")) {
		failed |= lf_json_set_time(state, "startedAt",
					   lf_json_int_or(vm, "fake.startedAtNs", 0));
		failed |= lf_json_set_int(state, "firstOutputMs", 1);
		failed |= lf_json_set_int(state, "firstKernelMs", 1);
	}
	if (failed || !state || add_addresses(vm, state) || add_disks(vm, state))
		return lf_fail_nomem(err);
	*ret_state = lf_steal(&state);
	return 0;
}

static int console_fake(void *context, const char *guid, size_t max, struct lf_buf *buf,
			struct lf_error *err)
{
	struct fake_host *host = context;
	LF_AUTO_JSON *vm = NULL;

	LF_GUARD(&host->mutex);
	int rc = read_doc(host, "vm", guid, &vm, err);
	if (rc)
		return rc;
	const char *text = lf_json_text_or(vm, "fake.console", "");
	size_t len = strlen(text), skip = len > max ? len - max : 0;
	lf_buf_append(buf, text + skip, len - skip);
	return lf_buf_check(buf, err);
}

/* The root behind a disk, which no machine ever wrote to; "": nothing.  free(). */
static char *root_of(const struct fake_host *host, const json_t *disk)
{
	const char *path = lf_json_text_or(disk, "source.path", "");
	LF_AUTO_JSON *vm = NULL;
	struct lf_error ignored;
	char guid[LF_GUID_SIZE];
	const json_t *other;
	long long lun;
	size_t i;

	if (sscanf(path, "fake/%36[0-9a-f-]/%lld", guid, &lun) != 2 ||
	    read_doc(host, "vm", guid, &vm, &ignored))
		return strdup(lf_json_text_or(disk, "source.root", ""));
	json_array_foreach (lf_json_at(vm, "disks"), i, other)
		if (lf_json_int_or(other, "lun", -1) == lun)
			return strdup(lf_json_text_or(other, "source.root", ""));
	return strdup("");
}

/* What a disk of a machine that never wrote holds: its point's, or nothing. */
static json_t *capture_disk(const struct fake_host *host, const char *guid, const json_t *disk)
{
	static const struct lf_root nothing;
	LF_AUTO_FREE char *root = root_of(host, disk);
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	char empty[LF_ROOT_TEXT_SIZE], id[LF_GUID_SIZE], key[24];

	lf_root_format(&nothing, empty);
	snprintf(key, sizeof(key), "disk %lld", (long long)lun);
	lf_guid_derive(key, guid, id);
	return json_pack("{s:s, s:s, s:I, s:b, s:I, s:s}", "id", id, "name",
			 lf_json_text_or(disk, "name", ""), "lun", (json_int_t)lun, "os", lun < 0,
			 "sizeBytes", (json_int_t)lf_json_int_or(disk, "sizeBytes", 0), "root",
			 root && root[0] ? root : empty);
}

static int capture_fake(void *context, const json_t *wanted, lf_progress_fn *progress,
			void *progress_context, json_t **ret_result, struct lf_error *err)
{
	struct fake_host *host = context;
	const char *guid = lf_json_text_or(wanted, "guid", "");
	LF_AUTO_JSON *vm = NULL;
	json_t *disk, *lun;
	size_t i, k;

	(void)progress, (void)progress_context;
	LF_GUARD(&host->mutex);
	int rc = read_doc(host, "vm", guid, &vm, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *result =
		json_pack("{s:s, s:I, s:I, s:[]}", "consistency",
			  lf_json_bool_or(wanted, "quiesce", true) ? "FileSystemConsistent"
								   : "CrashConsistent",
			  "bytesRead", (json_int_t)0, "bytesStored", (json_int_t)0, "disks");
	json_array_foreach (lf_json_at(vm, "disks"), i, disk) {
		bool excluded = false;
		json_array_foreach (lf_json_at(wanted, "exclude"), k, lun)
			excluded |= json_integer_value(lun) == lf_json_int_or(disk, "lun", -1);
		if (!excluded && json_array_append_new(json_object_get(result, "disks"),
						       capture_disk(host, guid, disk)))
			return lf_fail_nomem(err);
	}
	if (!result)
		return lf_fail_nomem(err);
	*ret_result = lf_steal(&result);
	return 0;
}

const struct lf_compute_driver lf_compute_fake = {
	.name = "fake",
	.open = open_fake,
	.free = free_fake,
	.network_ensure = ensure_fake_network,
	.network_remove = remove_fake_network,
	.vm_define = define_fake,
	.vm_start = start_fake,
	.vm_stop = stop_fake,
	.vm_remove = remove_fake,
	.vm_state = state_fake,
	.vm_hydrate = hydrate_fake,
	.vm_console = console_fake,
	.vm_capture = capture_fake,
};
