/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed since the last capture, as QEMU's bitmaps know it.
 *
 * Each capture of a running machine leaves a checkpoint of libvirt: from then on QEMU marks what
 * the guest writes, in the disks' files, so that it outlives the machine's being off.
 * GUID/checkpoint.json says which roots the disks had at that instant; only against those does a
 * bitmap say anything. A checkpoint that cannot be had, or is broken (QEMU was killed), is never an
 * error: all is read.
 *
 * A broken one goes by its description alone, for QEMU removes no bitmap that it cannot use. The
 * bitmap stays in the disk's file until the machine is off: before its next start qemu-img removes
 * what no checkpoint has. A kill in between leaves it to the start after.
 */
#include "base/log.h"
#include "compute/libvirt/checkpoint.h"
#include "os/file.h"
#include "os/process.h"

#define FILE_NAME "checkpoint.json"
#define PREFIX	  "landfall-"
#define TOOL_NS	  (60 * LF_NS_PER_S)

static char *file_of(const struct lf_host *host, const char *guid)
{
	return lf_host_path(host, guid, FILE_NAME);
}

static bool is_included(const struct lf_vm_spec *vm, const struct lf_capture_opts *opts, int lun)
{
	for (size_t i = 0; i < vm->n_disks; i++)
		if (vm->disks[i].lun == lun)
			return !lf_capture_excludes(opts, lun);
	return false;
}

/* The same disks, and as they were then. */
static bool describes(const json_t *checkpoint, const struct lf_vm_spec *vm,
		      const struct lf_capture_opts *opts)
{
	const json_t *known = lf_json_at(checkpoint, "disks"), *disk;
	size_t i, n_included = 0;

	for (i = 0; i < vm->n_disks; i++)
		n_included += !lf_capture_excludes(opts, vm->disks[i].lun);
	if (!n_included || json_array_size(known) != n_included)
		return false;
	json_array_foreach (known, i, disk) {
		int lun = (int)lf_json_int_or(disk, "lun", LF_VM_DISKS_MAX);
		const char *root = lf_capture_base_root(opts, lun);
		if (!is_included(vm, opts, lun) || !root ||
		    strcmp(root, lf_json_text_or(disk, "root", "?")) != 0)
			return false;
	}
	return true;
}

void lf_checkpoint_find(const struct lf_host *host, virDomainPtr domain,
			const struct lf_vm_spec *vm, const struct lf_capture_opts *opts,
			char out[static LF_CHECKPOINT_SIZE])
{
	LF_AUTO_FREE char *path = file_of(host, vm->guid);
	LF_AUTO_JSON *checkpoint = NULL;
	struct lf_error ignored;

	out[0] = '\0';
	if (!path || lf_json_read_file(path, &checkpoint, &ignored) ||
	    !describes(checkpoint, vm, opts))
		return;
	const char *name = lf_json_text_or(checkpoint, "name", "");
	virDomainCheckpointPtr found = virDomainCheckpointLookupByName(domain, name, 0);
	if (!found)
		return;
	virDomainCheckpointFree(found);
	snprintf(out, LF_CHECKPOINT_SIZE, "%s", name);
}

void lf_checkpoint_name(char out[static LF_CHECKPOINT_SIZE])
{
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	snprintf(out, LF_CHECKPOINT_SIZE, PREFIX "%s", guid);
}

int lf_checkpoint_note(const struct lf_host *host, const char *guid, const char *name,
		       const json_t *disks, struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(host, guid);
	LF_AUTO_DOC doc = LF_DOC_INIT;
	const json_t *disk;
	size_t i;

	lf_doc_text(&doc, "name", name);
	json_array_foreach (disks, i, disk) {
		LF_AUTO_DOC row = LF_DOC_INIT;
		lf_doc_int(&row, "lun", lf_json_int_or(disk, "lun", LF_VM_OS_LUN));
		lf_doc_text(&row, "root", lf_json_text_or(disk, "root", ""));
		lf_doc_append(&doc, "disks", lf_doc_take(&row));
	}
	LF_AUTO_JSON *whole = lf_doc_take(&doc);
	return path ? lf_json_write_file(path, whole, err) : lf_fail_nomem(err);
}

/* One whose bitmap is broken goes by its description alone. */
static void remove_checkpoint(virDomainCheckpointPtr checkpoint)
{
	if (virDomainCheckpointDelete(checkpoint, 0) &&
	    virDomainCheckpointDelete(checkpoint, VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY))
		lf_warn("checkpoint %s cannot be removed", virDomainCheckpointGetName(checkpoint));
}

void lf_checkpoint_forget(virDomainPtr domain, const char *name)
{
	virDomainCheckpointPtr found = virDomainCheckpointLookupByName(domain, name, 0);

	if (!found)
		return;
	remove_checkpoint(found);
	virDomainCheckpointFree(found);
}

void lf_checkpoint_forget_others(virDomainPtr domain, const char *keep)
{
	virDomainCheckpointPtr *list = NULL;
	int n = virDomainListAllCheckpoints(domain, &list, 0);

	for (int i = 0; i < n; i++) {
		const char *name = virDomainCheckpointGetName(list[i]);
		if (name && strncmp(name, PREFIX, strlen(PREFIX)) == 0 && strcmp(name, keep) != 0)
			remove_checkpoint(list[i]);
		virDomainCheckpointFree(list[i]);
	}
	free(list);
}

static bool is_left_over(const char *bitmap, const json_t *keep)
{
	const json_t *name;
	size_t i;

	json_array_foreach (keep, i, name)
		if (strcmp(json_string_value(name), bitmap) == 0)
			return false;
	return strncmp(bitmap, PREFIX, strlen(PREFIX)) == 0;
}

static int read_bitmaps(const char *image, json_t **ret_info, struct lf_error *err)
{
	const char *const argv[] = {"qemu-img", "info", "--output=json", "-f", "qcow2",
				    image,	NULL};
	LF_AUTO_BUF said = LF_BUF_INIT;
	int rc = lf_process_run(argv, TOOL_NS, &said, err);

	return rc ? rc : lf_json_parse(lf_buf_text(&said), said.len, ret_info, err);
}

int lf_checkpoint_clean_image(const char *image, const json_t *keep, struct lf_error *err)
{
	LF_AUTO_JSON *info = NULL;
	const json_t *bitmap;
	size_t i;
	int rc = read_bitmaps(image, &info, err);

	json_array_foreach (lf_json_at(info, "format-specific.data.bitmaps"), i, bitmap) {
		const char *name = lf_json_text_or(bitmap, "name", "");
		const char *const argv[] = {"qemu-img", "bitmap", "--remove", "-f",
					    "qcow2",	image,	  name,	      NULL};
		if (!rc && is_left_over(name, keep))
			rc = lf_process_run(argv, TOOL_NS, NULL, err);
	}
	return rc;
}

/* NULL: it cannot be known. */
static json_t *checkpoint_names(virDomainPtr domain)
{
	virDomainCheckpointPtr *list = NULL;
	int n = virDomainListAllCheckpoints(domain, &list, 0);
	json_t *names = n < 0 ? NULL : json_array();

	for (int i = 0; i < n; i++) {
		json_array_append_new(names, json_string(virDomainCheckpointGetName(list[i])));
		virDomainCheckpointFree(list[i]);
	}
	free(list);
	return names;
}

void lf_checkpoint_clean(const struct lf_host *host, virDomainPtr domain,
			 const struct lf_vm_spec *vm)
{
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	LF_AUTO_JSON *keep = checkpoint_names(domain);
	struct lf_error err;

	for (size_t i = 0; dir && keep && i < vm->n_disks; i++) {
		LF_AUTO_FREE char *image = lf_domain_disk_path(&vm->disks[i], dir);
		if (image && lf_checkpoint_clean_image(image, keep, &err))
			lf_log_error("a bitmap that no checkpoint has may stay", &err);
	}
}
