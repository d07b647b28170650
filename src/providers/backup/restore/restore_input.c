/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input of a restore's job, as it is stored.
 */
#include "json/field.h"
#include "providers/backup/restore/restore.h"

static const struct lf_field disk_fields[] = {
	LF_INT_AT(struct lf_restore_disk, lun, "lun", LF_REQUIRED, -1, 1 << 16),
	LF_TEXT_AT(struct lf_restore_disk, id, "id", 0),
	LF_TEXT_AT(struct lf_restore_disk, root, "root", LF_REQUIRED),
	LF_INT_AT(struct lf_restore_disk, size_bytes, "sizeBytes", LF_REQUIRED, 0, INT64_MAX),
	LF_TEXT_AT(struct lf_restore_disk, disk_name, "diskName", LF_REQUIRED),
};
static const struct lf_field restore_fields[] = {
	LF_TEXT_AT(struct lf_restore, kind, "kind", LF_REQUIRED),
	LF_TEXT_AT(struct lf_restore, item, "item", LF_REQUIRED),
	LF_TEXT_AT(struct lf_restore, point_id, "recoveryPoint", LF_REQUIRED),
	LF_TEXT_AT(struct lf_restore, region, "region", LF_REQUIRED),
	LF_TEXT_AT(struct lf_restore, point, "point", LF_REQUIRED),
	LF_TEXT_AT(struct lf_restore, location, "location", LF_REQUIRED),
	LF_TEXT_AT(struct lf_restore, vm_name, "vmName", LF_REQUIRED),
	LF_ARRAY_AT(struct lf_restore, disks, n_disks, "disks", LF_REQUIRED, disk_fields),
	LF_JSON_AT(struct lf_restore, machine, "machine", 0, LF_OBJECT),
	LF_TEXT_AT(struct lf_restore, firmware, "firmware", 0),
	LF_BOOL_AT(struct lf_restore, secondary, "secondary", 0),
	LF_TEXT_AT(struct lf_restore, account, "account", 0),
	LF_TEXT_AT(struct lf_restore, container, "container", 0),
	LF_TEXT_AT(struct lf_restore, config_blob, "configBlob", 0),
	LF_TEXT_AT(struct lf_restore, template_blob, "templateBlob", 0),
	LF_TEXT_AT(struct lf_restore, group, "group", 0),
	LF_TEXT_AT(struct lf_restore, vm, "vm", 0),
	LF_TEXT_AT(struct lf_restore, network, "network", 0),
	LF_TEXT_AT(struct lf_restore, subnet, "subnet", 0),
	LF_TEXT_AT(struct lf_restore, nic, "nic", 0),
};

int lf_restore_read(const struct lf_job *job, struct lf_restore *ret_restore, struct lf_error *err)
{
	*ret_restore = LF_RESTORE_INIT;
	return lf_fields_read(restore_fields, LF_N(restore_fields), job->doc, "", ret_restore, err);
}

int lf_restore_write(const struct lf_restore *restore, json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_fields_write(restore_fields, LF_N(restore_fields), restore, &doc);
	return lf_doc_end(&doc, ret_doc, err);
}
