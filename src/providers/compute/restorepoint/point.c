/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restore points as clients see them: made once, read, deleted.
 */
#include <string.h>

#include "base/text.h"
#include "providers/compute/ids.h"
#include "providers/compute/restorepoint/restorepoint.h"
#include "providers/resources/locations.h"
#include "vault/point/point.h"

#define POINTS_MAX	500 /* of a machine */
#define POINTS_PER_HOUR 3
#define HOUR_NS		(3600 * LF_NS_PER_S)

int lf_restore_point_percent(struct lf_context *context, const struct lf_resource *point,
			     const json_t *disk)
{
	const char *id = lf_json_text(point->state, "copyJob");
	LF_AUTO_JOB job = LF_JOB_INIT;
	struct lf_error ignored;
	LF_AUTO_FREE char *path = lf_printf_dup("percent.%s", lf_json_text_or(disk, "id", "none"));

	if (!id)
		return 100;
	if (!path || lf_jobs_get(context->jobs, id, &job, &ignored))
		return 0;
	return job.state == LF_JOB_SUCCEEDED ? 100 : (int)lf_json_int_or(job.data, path, 0);
}

/* How the copy stands; "": it is not one, and was never under way. */
static const char *replication_word(struct lf_context *context, const struct lf_resource *point)
{
	const char *id = lf_json_text(point->state, "copyJob");
	LF_AUTO_JOB job = LF_JOB_INIT;
	struct lf_error ignored;

	if (!id)
		return "succeeded";
	if (lf_jobs_get(context->jobs, id, &job, &ignored))
		return "failed";
	return job.state == LF_JOB_SUCCEEDED	  ? "succeeded"
	       : lf_job_state_is_final(job.state) ? "failed"
						  : "inProgress";
}

static json_t *replication_status(const char *word)
{
	LF_AUTO_FREE char *code = lf_printf_dup("ReplicationState/%s", word);
	bool failed = strcmp(word, "failed") == 0;

	return code ? json_pack("{s:s, s:s, s:s}", "code", code, "level", failed ? "Error" : "Info",
				"displayStatus",
				failed				 ? "Replication failed"
				: strcmp(word, "succeeded") == 0 ? "Replication succeeded"
								 : "Replication in progress")
		    : NULL;
}

static json_t *instance_view(struct lf_context *context, const struct lf_resource *point)
{
	const char *word = replication_word(context, point);
	LF_AUTO_JSON *rows = json_array();
	const json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(point->state, "disks"), i, disk) {
		LF_AUTO_FREE char *id = lf_disk_restore_point_id(point->id, disk);
		int percent = lf_restore_point_percent(context, point, disk);
		LF_AUTO_DOC row = LF_DOC_INIT;
		lf_doc_text(&row, "id", id ? id : "");
		lf_doc_put(&row, "replicationStatus.status", replication_status(word));
		lf_doc_int(&row, "replicationStatus.completionPercent", percent);
		/* what is whole can be read at once, copied and downloaded */
		lf_doc_text(&row, "snapshotAccessState",
			    percent < 100 ? "Pending" : "AvailableWithInstantAccess");
		if (json_array_append_new(rows, lf_doc_take(&row)))
			return NULL;
	}
	return json_pack("{s:[o], s:O}", "statuses", replication_status(word), "diskRestorePoints",
			 rows);
}

static int view_point(struct lf_arm_call *call, const struct lf_resource *point, json_t *doc,
		      struct lf_error *err)
{
	const char *expand = lf_arm_query(call, "expand");
	const char *made = lf_json_text(doc, "properties.timeCreated");

	/* what versions before 2021-07-01 called it */
	if (made && lf_json_set_text(doc, "properties.provisioningDetails.creationTime", made))
		return lf_fail_nomem(err);
	if (!expand || !lf_text_equal_nocase(expand, "instanceView"))
		return 0;
	return lf_json_set(doc, "properties.instanceView",
			   instance_view(lf_arm_context(call), point))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int refuse_unfinished(struct lf_context *context, const struct lf_resource *point,
			     struct lf_error *err)
{
	if (strcmp(replication_word(context, point), "inProgress") != 0)
		return 0;
	return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", point->id,
			   "wait until $expand=instanceView says ReplicationState/succeeded",
			   "the restore point is being copied");
}

static const char *const expands[] = {"instanceView", NULL};

const struct lf_document lf_restore_point_document = {.type = LF_RESTORE_POINT_TYPE,
						      .view = view_point,
						      .expands = expands,
						      .removing = refuse_unfinished,
						      .undo = lf_restore_point_release,
						      .async = true,
						      .deleted_status = 202};

/* Azure's limits: so many points, and so many an hour. */
static int check_limits(struct lf_arm_call *call, const struct lf_resource *collection,
			struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const struct lf_list_query query = {.type = LF_RESTORE_POINT_TYPE, .below = collection->id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int64_t now = lf_clock_now_ns(context->clock), made;
	size_t recent = 0;

	if (context->allow & LF_ALLOW_OVER_LIMITS)
		return 0;
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		recent += !lf_time_parse(
				  lf_json_text_or(list.items[i].doc, "properties.timeCreated", ""),
				  &made, err) &&
			  made > now - HOUR_NS && made <= now;
	if (!rc && list.n >= POINTS_MAX)
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", collection->id,
				   "delete restore points that are not needed",
				   "a collection holds at most %d restore points", POINTS_MAX);
	if (!rc && recent >= POINTS_PER_HOUR)
		return lf_fail_arm(err, LF_ETHROTTLED, "TooManyRequests", collection->id,
				   "try again when an hour has passed since the oldest of them",
				   "at most %d restore points can be made in an hour",
				   POINTS_PER_HOUR);
	return rc;
}

static int fail_parameter(const char *target, const char *hint, const char *what,
			  struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", target, hint, "%s", what);
}

/* The point that is to be copied. */
static int find_original(struct lf_arm_call *call, const struct lf_resource *collection,
			 struct lf_resource *ret_point, struct lf_error *err)
{
	const char *id = lf_json_text(lf_arm_body(call), "properties.sourceRestorePoint.id");
	const char *source = lf_json_text_or(collection->doc, "properties.source.id", "");
	static const char target[] = "properties.sourceRestorePoint.id";

	if (!id)
		return fail_parameter(target, "name a restore point of the source collection",
				      "a collection of copies holds copies alone", err);
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, id, ret_point, err);
	if (rc == LF_ENOTFOUND || (!rc && (!lf_text_starts_nocase(ret_point->id, source) ||
					   strcmp(ret_point->type, LF_RESTORE_POINT_TYPE) != 0)))
		return fail_parameter(target, "list the restore points of the source collection",
				      "the source collection has no such restore point", err);
	if (!rc && strcmp(lf_json_text_or(ret_point->doc, "properties.provisioningState", ""),
			  "Succeeded") != 0)
		return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", target,
				   "wait until its provisioningState is Succeeded",
				   "the source restore point is not complete");
	return rc;
}

static int check_excluded(struct lf_arm_call *call, const struct lf_resource *vm, json_t **ret_luns,
			  struct lf_error *err)
{
	const json_t *profile = lf_json_at(vm->doc, "properties.storageProfile");
	LF_AUTO_JSON *luns = json_array();
	const json_t *row, *disk;
	size_t i, k;

	json_array_foreach (lf_json_at(lf_arm_body(call), "properties.excludeDisks"), i, row) {
		const char *id = lf_json_text_or(row, "id", "");
		int64_t lun = -2;
		if (lf_arm_id_equal(lf_json_text_or(profile, "osDisk.managedDisk.id", ""), id))
			return fail_parameter("properties.excludeDisks", "leave out data disks",
					      "the OS disk cannot be left out", err);
		json_array_foreach (lf_json_at(profile, "dataDisks"), k, disk)
			if (lf_arm_id_equal(lf_json_text_or(disk, "managedDisk.id", ""), id))
				lun = lf_json_int_or(disk, "lun", -2);
		if (lun == -2)
			return fail_parameter("properties.excludeDisks",
					      "name data disks of the machine by their ids",
					      "the machine has no such disk", err);
		if (json_array_append_new(luns, json_integer(lun)))
			return lf_fail_nomem(err);
	}
	*ret_luns = lf_steal(&luns);
	return 0;
}

static json_t *new_doc(struct lf_arm_call *call, const struct lf_resource *original)
{
	const json_t *body = lf_arm_body(call);
	json_t *doc = json_pack(
		"{s:{s:s, s:s}}", "properties", "provisioningState", "Creating", "consistencyMode",
		lf_json_text_or(original ? original->doc : body, "properties.consistencyMode",
				"ApplicationConsistent"));
	json_t *excluded = lf_json_at(body, "properties.excludeDisks");
	int failed = lf_json_set_time(doc, "properties.timeCreated",
				      lf_clock_now_ns(lf_arm_context(call)->clock));

	if (excluded)
		failed |= lf_json_set(doc, "properties.excludeDisks", json_deep_copy(excluded));
	if (original)
		failed |= lf_json_set_text(doc, "properties.sourceRestorePoint.id", original->id);
	if (!failed)
		return doc;
	json_decref(doc);
	return NULL;
}

/* A copy is Succeeded once it has begun: its metadata are there from the beginning. */
static int add_copy(struct lf_arm_call *call, const struct lf_resource *original, json_t *doc,
		    json_t *state, struct lf_error *err)
{
	const json_t *disks = lf_json_at(original->state, "disks");
	json_t *metadata = json_deep_copy(lf_json_at(original->doc, "properties.sourceMetadata"));
	char job[LF_GUID_SIZE];

	lf_guid_random(job);
	if (lf_json_set(doc, "properties.sourceMetadata", metadata) ||
	    lf_json_set(state, "disks", json_deep_copy(disks)) ||
	    lf_json_set_text(state, "copyJob", job) ||
	    lf_json_set_text(state, "original", original->id))
		return lf_fail_nomem(err);
	return lf_restore_point_rename_disks(metadata, lf_arm_id(call, 0), disks, err);
}

/* The row and its jobs, in one transaction. */
static int write_point(struct lf_arm_call *call, const struct lf_resource *collection, json_t *doc,
		       json_t *state, json_t *input, char ret_job[LF_GUID_SIZE],
		       struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *id = lf_arm_id(call, 0), *copy = lf_json_text(state, "copyJob");
	LF_AUTO_FREE char *scope =
		lf_printf_dup("/subscriptions/%s", lf_arm_param(call, "subscription"));
	LF_AUTO_FREE char *moving = lf_printf_dup("%s/replication", id);
	const struct lf_job_request request = {.type = copy ? lf_restore_point_start_copy_job.name
							    : lf_restore_point_create_job.name,
					       .scope = scope,
					       .resource = id,
					       .doc = input};
	const struct lf_job_request mover = {.id = copy,
					     .type = lf_restore_point_copy_job.name,
					     .scope = scope,
					     .resource = moving,
					     .doc = input};
	char mover_id[LF_GUID_SIZE];
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;

	(void)collection;
	if (!scope || !moving)
		return lf_fail_nomem(err);
	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = lf_catalog_put(context->catalog, id, LF_RESTORE_POINT_TYPE, LF_PUT_NEW, NULL,
				    doc, state, err);
	if (!rc)
		rc = lf_jobs_submit(context->jobs, &request, ret_job, err);
	if (!rc && copy)
		rc = lf_jobs_submit(context->jobs, &mover, mover_id, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

static int reply_created(struct lf_arm_call *call, const char *job, struct lf_error *err)
{
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	LF_AUTO_JSON *view = NULL;
	const struct lf_arm_async async = {.job = job, .result_path = lf_arm_id(call, 0)};
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 0), &point, err);

	if (!rc)
		rc = lf_document_view(call, &lf_restore_point_document, &point, &view, err);
	/* the job may have ended already; the answer is that to the request */
	if (!rc && lf_json_set_text(view, "properties.provisioningState", "Creating"))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_arm_reply_async(call, 201, &async, view, err);
}

static int make_point(struct lf_arm_call *call, const struct lf_resource *collection,
		      struct lf_error *err)
{
	bool copy = lf_json_bool_or(collection->state, "copy", false);
	const char *vm_id = lf_json_text_or(collection->doc, "properties.source.id", "");
	LF_AUTO_RESOURCE original = LF_RESOURCE_INIT, vm = LF_RESOURCE_INIT;
	LF_AUTO_JSON *luns = NULL;
	char region[64], point[LF_GUID_SIZE], job[LF_GUID_SIZE];

	int rc = copy ? find_original(call, collection, &original, err)
		      : lf_catalog_get(lf_arm_context(call)->catalog, vm_id, &vm, err);
	if (rc == LF_ENOTFOUND && !copy)
		return fail_parameter("properties.source.id", "its restore points stay usable",
				      "the collection's machine is not there any more", err);
	if (!rc && !copy && lf_json_text(lf_arm_body(call), "properties.sourceRestorePoint.id"))
		return fail_parameter("properties.sourceRestorePoint.id",
				      "copy into a collection whose source is a collection",
				      "a machine's collection holds points of the machine alone",
				      err);
	if (!rc && !copy)
		rc = check_excluded(call, &vm, &luns, err);
	if (rc)
		return rc;
	lf_location_normal(lf_json_text_or(collection->doc, "location", ""), region,
			   sizeof(region));
	lf_guid_random(point);
	LF_AUTO_JSON *doc = new_doc(call, copy ? &original : NULL);
	LF_AUTO_JSON *state = json_pack("{s:s, s:s}", "region", region, "point", point);
	LF_AUTO_JSON *input = json_pack("{s:s, s:s, s:O?, s:s}", "vm", vm_id, "point", point,
					"exclude", luns, "session", point);
	if (!doc || !state || !input)
		return lf_fail_nomem(err);
	if (copy)
		rc = add_copy(call, &original, doc, state, err);
	if (!rc)
		rc = write_point(call, collection, doc, state, input, job, err);
	return rc ? rc : reply_created(call, job, err);
}

/* Nothing but what the fields name, and no other name than the URL's. */
static int check_body(struct lf_arm_call *call, struct lf_error *err)
{
	const char *name = lf_json_text(lf_arm_body(call), "name");
	char path[LF_FIELD_PATH_SIZE];
	size_t n;
	const struct lf_field *fields = lf_arm_fields(call, &n);

	if (name && !lf_text_equal_nocase(name, lf_arm_id_last(lf_arm_id(call, 0))))
		return fail_parameter("name", "leave it out", "the URL names another restore point",
				      err);
	if (!lf_fields_stray(fields, n, lf_arm_body(call), NULL, path))
		return 0;
	return fail_parameter(path, "leave it out: it would have no effect",
			      "a restore point has no such member", err);
}

int lf_restore_point_put(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE collection = LF_RESOURCE_INIT, there = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *parent = strdup(lf_arm_id(call, 2));

	if (!parent)
		return lf_fail_nomem(err);
	if (!context->compute)
		return lf_fail(err, LF_EUNSUPPORTED, parent, "this site runs no machines");
	int rc = lf_catalog_get(context->catalog, parent, &collection, err);
	if (rc)
		return rc;
	rc = lf_catalog_get(context->catalog, lf_arm_id(call, 0), &there, err);
	if (!rc)
		return lf_fail_arm(err, LF_ECONFLICT, "Conflict", lf_arm_id(call, 0),
				   "choose another name, or delete it first",
				   "a restore point is made once and never changed");
	if (rc != LF_ENOTFOUND)
		return rc;
	rc = check_body(call, err);
	if (!rc)
		rc = check_limits(call, &collection, err);
	return rc ? rc : make_point(call, &collection, err);
}
