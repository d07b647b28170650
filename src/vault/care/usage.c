/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about space, answered by marking: what a point needs that no other
 * one does, or what would be left without some of them.  Nothing is written,
 * and the collection waits meanwhile, since both use the packs' bits.
 */
#include "vault/care/usage.h"

#include <stdlib.h>

#include "base/lock.h"
#include "json/doc.h"
#include "vault/care/mark.h"
#include "vault/map/map.h"
#include "vault/vault_internal.h"

struct sum {
	int64_t plain, stored;
};

static void add_place(void *context, const struct lf_place *place)
{
	struct sum *sum = context;

	sum->plain += place->entry.plain;
	sum->stored += place->entry.stored;
}

static int mark_disk(void *context, const struct lf_root *root, uint64_t size, struct lf_error *err)
{
	(void)size;
	return lf_mark_root(context, root, err);
}

/* What the point needs beyond all others (alone: beyond nothing). */
LF_REQUIRES(lf_collecting_lock)
static int sum_point(struct lf_vault *vault, const char *point, const json_t *manifest, bool alone,
		     struct sum *sum, struct lf_error *err)
{
	LF_AUTO_JSON *damaged = json_array(); /* others of which nobody can say what they need */
	struct lf_mark mark;
	int rc = lf_mark_begin(&mark, vault, err);

	mark.damaged = damaged;
	if (!rc && !alone)
		rc = json_object_set_new(mark.points, point, json_true()) ? lf_fail_nomem(err) : 0;
	if (!rc && !alone)
		rc = lf_mark_points(&mark, err);
	mark.marked = add_place;
	mark.marked_context = sum;
	if (!rc)
		rc = lf_manifest_roots(manifest, mark_disk, &mark, err);
	lf_mark_end(&mark);
	return rc;
}

static int add_mapped(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	(void)err;
	if (!extent->hole)
		*(int64_t *)context += (int64_t)extent->pages * LF_PAGE_SIZE;
	return 0;
}

static int add_disks(struct lf_vault *vault, const json_t *manifest, json_t *report,
		     struct lf_error *err)
{
	json_t *disks = json_object_get(report, "disks"), *disk;
	int64_t logical = 0, mapped = 0;
	size_t i;

	json_array_foreach (lf_json_at(manifest, "disks"), i, disk) {
		int64_t size = lf_json_int_or(disk, "sizeBytes", 0), used = 0;
		struct lf_root root;
		int rc = lf_root_parse(lf_json_text_or(disk, "root", ""), &root, err);
		if (!rc)
			rc = lf_map_walk(vault, &root, 0,
					 ((uint64_t)size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE,
					 add_mapped, &used, err);
		if (rc)
			return rc;
		json_array_append_new(disks,
				      json_pack("{s:s, s:I, s:I}", "name",
						lf_json_text_or(disk, "name", ""), "sizeBytes",
						(json_int_t)size, "mappedBytes", (json_int_t)used));
		logical += size;
		mapped += used;
	}
	return lf_json_set_int(report, "logicalBytes", logical) ||
			       lf_json_set_int(report, "mappedBytes", mapped)
		       ? lf_fail_nomem(err)
		       : 0;
}

int lf_vault_explain(struct lf_vault *vault, const char *point, json_t **ret_report,
		     struct lf_error *err)
{
	LF_AUTO_JSON *manifest = NULL;
	struct sum all = {0}, unique = {0};
	LF_GUARD(&vault->collecting_mutex, lf_collecting_lock);
	int rc = lf_point_get(vault, point, &manifest, err);

	if (!rc)
		rc = sum_point(vault, point, manifest, true, &all, err);
	if (!rc)
		rc = sum_point(vault, point, manifest, false, &unique, err);
	if (rc)
		return rc;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "point", point);
	lf_doc_text(&doc, "time", lf_json_text_or(manifest, "time", ""));
	lf_doc_put(&doc, "disks", json_array());
	lf_doc_int(&doc, "plainBytes", all.plain);
	lf_doc_int(&doc, "storedBytes", all.stored);
	lf_doc_int(&doc, "uniquePlainBytes", unique.plain);
	lf_doc_int(&doc, "uniqueStoredBytes", unique.stored);
	lf_doc_int(&doc, "sharedStoredBytes", all.stored - unique.stored);
	lf_doc_share(&doc, "transfer", json_object_get(manifest, "transfer"));
	LF_AUTO_JSON *report = lf_doc_take(&doc);
	rc = report ? add_disks(vault, manifest, report, err) : lf_fail_nomem(err);
	if (!rc)
		*ret_report = lf_steal(&report);
	return rc;
}

static int sum_record(void *context, const struct lf_place *place, struct lf_error *err)
{
	(void)err;
	add_place(context, place);
	return 0;
}

/* Points that are in without are passed over. */
LF_REQUIRES(lf_collecting_lock)
static int sum_points(struct lf_vault *vault, const json_t *without, struct sum *sum,
		      struct lf_error *err)
{
	LF_AUTO_JSON *damaged = json_array();
	struct lf_mark mark;
	int rc = lf_mark_begin(&mark, vault, err);

	mark.damaged = damaged;
	mark.marked = add_place;
	mark.marked_context = sum;
	if (!rc && json_object_update(mark.points, (json_t *)(uintptr_t)without))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_mark_points(&mark, err);
	lf_mark_end(&mark);
	return rc;
}

int lf_vault_simulate(struct lf_vault *vault, const json_t *drop, json_t **ret_report,
		      struct lf_error *err)
{
	LF_AUTO_JSON *nothing = json_object();
	struct sum records = {0}, today = {0}, kept = {0};
	LF_GUARD(&vault->collecting_mutex, lf_collecting_lock);
	int rc = lf_index_each_record(vault->index, NULL, sum_record, &records, err);

	if (!rc)
		rc = sum_points(vault, nothing, &today, err);
	if (!rc)
		rc = sum_points(vault, drop, &kept, err);
	if (rc)
		return rc;
	*ret_report =
		json_pack("{s:I, s:I, s:I}", "freedBytes", (json_int_t)(today.stored - kept.stored),
			  "keptBytes", (json_int_t)kept.stored, "garbageBytes",
			  (json_int_t)(records.stored - today.stored));
	return *ret_report ? 0 : lf_fail_nomem(err);
}
