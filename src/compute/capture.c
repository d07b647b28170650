/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/capture.h"

void lf_capture_done(struct lf_capture *capture)
{
	lf_json_done(&capture->disks);
}

const char *lf_capture_consistency(const struct lf_capture *capture)
{
	return capture->file_system_consistent ? "FileSystemConsistent" : "CrashConsistent";
}

bool lf_capture_excludes(const struct lf_capture_opts *opts, int lun)
{
	const json_t *row;
	size_t i;

	json_array_foreach (opts->excluded, i, row)
		if (json_integer_value(row) == lun)
			return true;
	return false;
}

const char *lf_capture_base_root(const struct lf_capture_opts *opts, int lun)
{
	const json_t *row;
	size_t i;

	json_array_foreach (opts->base, i, row)
		if (lf_json_int_or(row, "lun", INT64_MAX) == lun)
			return lf_json_text(row, "root");
	return NULL;
}

json_t *lf_capture_disk(const char *guid, const struct lf_vm_disk *disk, uint64_t size_bytes,
			const char *root)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	char id[LF_GUID_SIZE], key[24];

	snprintf(key, sizeof(key), "disk %d", disk->lun);
	lf_guid_derive(key, guid, id);
	lf_doc_text(&doc, "id", id);
	lf_doc_text(&doc, "name", disk->name ? disk->name : "");
	lf_doc_int(&doc, "lun", disk->lun);
	lf_doc_bool(&doc, "os", disk->lun == LF_VM_OS_LUN);
	lf_doc_int(&doc, "sizeBytes", (int64_t)size_bytes);
	if (disk->sector_bytes)
		lf_doc_int(&doc, "sectorSizeInBytes", disk->sector_bytes);
	lf_doc_text(&doc, "root", root);
	return lf_doc_take(&doc);
}
