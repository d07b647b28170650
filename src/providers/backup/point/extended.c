/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the newest contract asks of points and items beside the rest: more about some points,
 * answered at once; and looking for threats on the machine itself, which nothing here does.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/point/documents.h"

#define IDS	   "properties.recoveryPointIds"
#define POINTS_MAX 100
#define GIB	   ((int64_t)1 << 30)

static json_t *disk_information(const json_t *disk)
{
	LF_AUTO_DOC row = LF_DOC_INIT;

	lf_doc_int(&row, "lun", lf_json_int_or(disk, "lun", -1));
	lf_doc_text(&row, "name", lf_json_text_or(disk, "name", ""));
	lf_doc_int(&row, "diskSizeInGb", (lf_json_int_or(disk, "sizeBytes", 0) + GIB - 1) / GIB);
	return lf_doc_take(&row);
}

static int add_point(const struct lf_resource *point, json_t *values, struct lf_error *err)
{
	const json_t *disks = lf_json_at(point->state, "disks"), *disk;
	const json_t *os = lf_backup_disk_at(disks, -1);
	LF_AUTO_DOC properties = LF_DOC_INIT;
	LF_AUTO_JSON *doc = NULL;
	size_t i;

	lf_doc_text(&properties, "objectType", "IaasVMRPExtendedInfo");
	if (os)
		lf_doc_put(&properties, "osDisk", disk_information(os));
	lf_doc_put(&properties, "dataDisks", json_array());
	json_array_foreach (disks, i, disk)
		if (disk != os)
			lf_doc_append(&properties, "dataDisks", disk_information(disk));
	int rc = lf_document_wrap(point->id, LF_BACKUP_POINT_TYPE, lf_doc_take(&properties), &doc,
				  err);
	return !rc && json_array_append(values, doc) ? lf_fail_nomem(err) : rc;
}

/* A point of this vault, by its whole id. */
static int find_named(struct lf_arm_call *call, const struct lf_resource *vault, const char *id,
		      struct lf_resource *ret_point, struct lf_error *err)
{
	LF_AUTO_FREE char *item = lf_backup_item_id(id);
	bool there = false,
	     ours = lf_text_starts_nocase(id, vault->id) && id[strlen(vault->id)] == '/';
	const char *name = strcasestr(id, "/recoveryPoints/");
	LF_AUTO_FREE char *own = NULL;

	if (!item)
		return lf_fail_nomem(err);
	/* an item's other name ends its id; what follows is the point's */
	own = strcasestr(item, "/recoveryPoints/") || !name ? strdup(item)
							    : lf_printf_dup("%s%s", item, name);
	int rc = own ? 0 : lf_fail_nomem(err);
	if (!rc && ours && name)
		rc = lf_catalog_find(lf_arm_context(call)->catalog, own, ret_point, &there, err);
	return rc || (there && lf_text_equal_nocase(ret_point->type, LF_BACKUP_POINT_TYPE))
		       ? rc
		       : lf_fail_arm(err, LF_EINVAL, "BMSUserErrorRecoveryPointNotFound", IDS,
				     "name recovery points of the vault by their ids",
				     "the vault has no recovery point '%.200s'", id);
}

int lf_backup_points_extended(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *ids = lf_json_at(lf_arm_body(call), IDS), *row;
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_JSON *values = json_array();
	size_t i;

	int rc = lf_backup_vault(call, &vault, err);
	json_array_foreach (ids, i, row) {
		LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
		const char *id = json_string_value(row) ? json_string_value(row) : "";
		if (!rc)
			rc = find_named(call, &vault, id, &point, err);
		if (!rc)
			rc = add_point(&point, values, err);
	}
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

/* Nobody waits for one: the answer is there at once. */
int lf_backup_points_extended_result(struct lf_arm_call *call, struct lf_error *err)
{
	const char *id = lf_arm_param(call, "operation");

	return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorOperationNotFound", id,
			   "getRPExtendedInfo answers at once",
			   "there is no operation '%.64s' about recovery points", id);
}

int lf_backup_source_scan(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char job[LF_GUID_SIZE];

	int rc = lf_backup_item(call, 1, &item, err);
	if (!rc && lf_text_equal_nocase(lf_json_text_or(lf_arm_body(call), "sourceScanAction", ""),
					"Enable"))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "BMSUserErrorSourceScanNotSupported",
				   "sourceScanAction", "leave it disabled",
				   "nothing here looks for threats on protected machines");
	if (!rc)
		rc = lf_transaction_begin(&tx, lf_arm_context(call)->catalog, err);
	if (!rc)
		rc = lf_backup_note_done(call, &lf_backup_done_job, &item, NULL,
					 "ConfigureSourceScan", job, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : lf_backup_reply_accepted(call, item.id, job, err);
}
