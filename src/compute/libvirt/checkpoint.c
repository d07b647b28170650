/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed since the last capture, as QEMU's bitmaps know it.
 *
 * Each capture of a running machine leaves a checkpoint of libvirt: from then on QEMU marks what
 * the guest writes, in the disks' files, so that it outlives the machine's being off.
 * GUID/checkpoint.json says which roots the disks had at that instant; only against those does a
 * bitmap say anything. A checkpoint that cannot be had, or is broken (QEMU was killed), is never an
 * error: all is read.
 */
#include "base/log.h"
#include "compute/libvirt/checkpoint.h"
#include "os/file.h"

#define FILE_NAME "checkpoint.json"
#define PREFIX	  "landfall-"

static char *file_of(const struct lf_host *host, const char *guid)
{
	return lf_host_path(host, guid, FILE_NAME);
}

static bool is_root_of(const json_t *disks, const json_t *disk)
{
	const json_t *other;
	size_t i;

	json_array_foreach (disks, i, other)
		if (lf_json_int_or(other, "lun", -2) == lf_json_int_or(disk, "lun", -1))
			return strcmp(lf_json_text_or(other, "root", ""),
				      lf_json_text_or(disk, "root", "?")) == 0;
	return false;
}

/* The same disks, and as they were then. */
static bool describes(const json_t *checkpoint, const json_t *base, const json_t *included)
{
	const json_t *known = lf_json_at(checkpoint, "disks"), *disk;
	size_t i, k;

	if (!json_array_size(known) || json_array_size(known) != json_array_size(included))
		return false;
	json_array_foreach (known, i, disk) {
		bool found = false;
		json_t *lun;
		json_array_foreach (included, k, lun)
			found |= json_integer_value(lun) == lf_json_int_or(disk, "lun", -2);
		if (!found || !is_root_of(base, disk))
			return false;
	}
	return true;
}

void lf_checkpoint_find(const struct lf_host *host, virDomainPtr domain, const char *guid,
			const json_t *base, const json_t *included,
			char out[static LF_CHECKPOINT_SIZE])
{
	LF_AUTO_FREE char *path = file_of(host, guid);
	LF_AUTO_JSON *checkpoint = NULL;
	struct lf_error ignored;

	out[0] = '\0';
	if (!path || lf_json_read_file(path, &checkpoint, &ignored) ||
	    !describes(checkpoint, base, included))
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
	LF_AUTO_JSON *doc = json_pack("{s:s, s:[]}", "name", name, "disks");
	LF_AUTO_FREE char *text = NULL;
	const json_t *disk;
	size_t i;

	if (!path || !doc)
		return lf_fail_nomem(err);
	json_array_foreach (disks, i, disk)
		if (json_array_append_new(lf_json_at(doc, "disks"),
					  json_pack("{s:I, s:s}", "lun",
						    (json_int_t)lf_json_int_or(disk, "lun", -1),
						    "root", lf_json_text_or(disk, "root", ""))))
			return lf_fail_nomem(err);
	int rc = lf_json_dump(doc, &text, err);
	return rc ? rc : lf_file_write_durable(path, text, strlen(text), 0600, err);
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
