/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a restore point comes to be: a capture of its machine, or a copy of
 * another region's point.  The vault's point is named before the job begins, so
 * that a step that is repeated finds what it made.
 */
#include <string.h>

#include "base/text.h"
#include "providers/common/point_copy.h"
#include "providers/common/point_make.h"
#include "providers/compute/ids.h"
#include "providers/compute/restorepoint/restorepoint.h"
#include "vault/lease.h"

static int get_point(struct lf_job_run *run, struct lf_resource *ret_point, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_FREE char *id = strdup(lf_job_run_job(run)->resource);

	if (!id)
		return lf_fail_nomem(err);
	/* the copy's own job works on ".../replication" */
	if (strcmp(lf_arm_id_last(id), "replication") == 0)
		*strrchr(id, '/') = '\0';
	return lf_catalog_get(context->catalog, id, ret_point, err);
}

static int put_state(struct lf_job_run *run, struct lf_resource *point, const char *word,
		     struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	int rc = lf_json_set_text(point->doc, "properties.provisioningState", word)
			 ? lf_fail_nomem(err)
			 : lf_transaction_begin(&tx, context->catalog, err);

	if (!rc)
		rc = lf_catalog_put(context->catalog, point->id, LF_RESTORE_POINT_TYPE,
				    LF_PUT_EXISTING, NULL, point->doc, point->state, err);
	if (!rc)
		rc = lf_job_step_commit(run, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

/* The newest point of the same machine that is complete: what is shared with it costs nothing. */
static int find_base(struct lf_catalog *catalog, const struct lf_resource *point,
		     struct lf_resource *ret_base, struct lf_error *err)
{
	LF_AUTO_FREE char *below = strdup(point->id);
	LF_AUTO_RESOURCE_LIST list = {0};
	const char *newest = "";

	if (!below)
		return lf_fail_nomem(err);
	*strrchr(below, '/') = '\0';
	*strrchr(below, '/') = '\0';
	const struct lf_list_query query = {.type = LF_RESTORE_POINT_TYPE, .below = below};
	int rc = lf_catalog_list(catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		struct lf_resource *other = &list.items[i];
		const char *time = lf_json_text_or(other->doc, "properties.timeCreated", "");
		if (lf_arm_id_equal(other->id, point->id) || strcmp(time, newest) <= 0 ||
		    !lf_json_at(other->state, "disks.0.root") ||
		    !lf_json_bool_or(other->state, "complete", false))
			continue;
		lf_resource_done(ret_base);
		rc = lf_catalog_get(catalog, other->id, ret_base, err);
		newest = time;
	}
	return rc;
}

static int make_manifest(const struct lf_resource *point, const char *consistency,
			 json_t **ret_manifest, struct lf_error *err)
{
	const char *id = lf_json_text_or(point->state, "point", "");
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "id", id);
	lf_doc_text(&doc, "time", lf_json_text_or(point->doc, "properties.timeCreated", ""));
	lf_doc_text(&doc, "consistency", consistency);
	lf_doc_text(&doc, "machine.id",
		    lf_json_text_or(point->doc, "properties.sourceMetadata.vmId", ""));
	lf_doc_share(&doc, "disks", lf_json_at(point->state, "disks"));
	return lf_doc_end(&doc, ret_manifest, err);
}

/* A point, and what it is made from. */
struct making {
	struct lf_job_run *run;
	struct lf_resource *point;
	const struct lf_resource *origin; /* the machine, or the point that it is a copy of */
};

static int make_point(struct making *making, lf_point_fill_fn *fill, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(making->run);
	const struct lf_point_making what = {
		.region = lf_json_text_or(making->point->state, "region", ""),
		.lease = lf_json_text_or(lf_job_run_job(making->run)->doc, "session", ""),
		.point = lf_json_text_or(making->point->state, "point", ""),
		.claim = "restorePoint",
		.fill = fill,
		.context = making,
	};

	return lf_point_make(lf_stores(context), &what, err);
}

static int capture_machine(struct lf_job_run *run, struct lf_resource *point,
			   const struct lf_resource *vm, struct lf_capture *ret_capture,
			   struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *input = lf_job_run_job(run)->doc;
	LF_AUTO_RESOURCE base = LF_RESOURCE_INIT;
	char guid[LF_GUID_SIZE];
	bool crash = lf_text_equal_nocase(
		lf_json_text_or(point->doc, "properties.consistencyMode", ""), "CrashConsistent");

	int rc = find_base(context->catalog, point, &base, err);
	if (rc)
		return rc;
	lf_machine_host_guid(context, vm->id, guid);
	const struct lf_capture_opts opts = {
		.region = lf_json_text(point->state, "region"),
		.base = lf_json_at(base.state, "disks"),
		.excluded = lf_json_at(input, "exclude"),
		.crash_consistent = crash,
	};
	return lf_compute_vm_capture(context->compute, guid, &opts, ret_capture, err);
}

static int fill_capture(void *context, struct lf_vault *vault, json_t **ret_manifest,
			struct lf_error *err)
{
	struct making *making = context;
	struct lf_resource *point = making->point;
	LF_AUTO_CAPTURE capture = {.disks = NULL};
	int rc = capture_machine(making->run, point, making->origin, &capture, err);

	(void)vault;
	if (rc == LF_ECONFLICT)
		return LF_STEP_AGAIN; /* when its disks have been copied here */
	if (rc)
		return rc;
	const char *consistency = lf_capture_consistency(&capture);
	if (lf_json_set(point->state, "disks", json_incref(capture.disks)) ||
	    lf_json_set_bool(point->state, "complete", true) ||
	    lf_json_set_text(point->doc, "properties.consistencyMode", consistency) ||
	    lf_json_set(point->doc, "properties.sourceMetadata",
			lf_restore_point_metadata(making->origin, point->id, capture.disks)))
		return lf_fail_nomem(err);
	return make_manifest(point, consistency, ret_manifest, err);
}

static int run_capture(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *input = lf_job_run_job(run)->doc;
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT, vm = LF_RESOURCE_INIT;
	struct making making = {.run = run, .point = &point, .origin = &vm};

	int rc = get_point(run, &point, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_json_text_or(input, "vm", ""), &vm, err);
	if (!rc)
		rc = make_point(&making, fill_capture, err);
	return rc ? rc : put_state(run, &point, "Succeeded", err);
}

/* What there is of it is let go of; the row stays, and says so. */
static int undo_point(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *session = lf_json_text_or(lf_job_run_job(run)->doc, "session", "");
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	struct lf_vault *vault = NULL;

	int rc = get_point(run, &point, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	rc = lf_regions_vault(context->regions, lf_json_text_or(point.state, "region", ""), &vault,
			      err);
	if (!rc)
		rc = lf_restore_point_release(context, &point, err);
	if (!rc)
		rc = lf_lease_end(vault, session, err);
	if (!rc && lf_json_set_text(point.doc, "properties.provisioningState", "Failed"))
		rc = lf_fail_nomem(err);
	return rc ? rc
		  : lf_catalog_put(context->catalog, point.id, LF_RESTORE_POINT_TYPE,
				   LF_PUT_EXISTING, NULL, point.doc, point.state, err);
}

/* Azure says Succeeded as soon as a copy has begun. */
static int run_start_copy(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	int rc = get_point(run, &point, err);

	return rc ? rc : put_state(run, &point, "Succeeded", err);
}

static int fill_copy(void *context, struct lf_vault *vault, json_t **ret_manifest,
		     struct lf_error *err)
{
	struct making *making = context;
	const struct lf_resource *point = making->point, *original = making->origin;
	const struct lf_context *site = lf_job_run_context(making->run);
	LF_AUTO_RESOURCE base = LF_RESOURCE_INIT;
	int rc = find_base(site->catalog, point, &base, err);

	(void)vault;
	const struct lf_point_copy copy = {
		.from_region = lf_json_text_or(original->state, "region", ""),
		.from_point = lf_json_text_or(original->state, "point", ""),
		.to_region = lf_json_text_or(point->state, "region", ""),
		.holder = lf_json_text_or(point->state, "point", ""),
		.disks = lf_json_at(point->state, "disks"),
		.base = lf_json_at(base.state, "disks"),
	};
	if (!rc)
		rc = lf_point_copy(making->run, &copy, err);
	return rc ? rc
		  : make_manifest(point,
				  lf_json_text_or(point->doc, "properties.consistencyMode",
						  "CrashConsistent"),
				  ret_manifest, err);
}

static int run_copy(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT, original = LF_RESOURCE_INIT;
	struct making making = {.run = run, .point = &point, .origin = &original};

	int rc = get_point(run, &point, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_json_text_or(point.state, "original", ""),
				    &original, err);
	if (!rc)
		rc = make_point(&making, fill_copy, err);
	if (!rc && lf_json_set_bool(point.state, "complete", true))
		rc = lf_fail_nomem(err);
	return rc ? rc : put_state(run, &point, "Succeeded", err);
}

static const struct lf_job_step create_steps[] = {
	{"Capture", "Take the restore point", run_capture, undo_point}};
static const struct lf_job_step start_copy_steps[] = {
	{"Start", "Begin to copy the restore point", run_start_copy, NULL}};
static const struct lf_job_step copy_steps[] = {
	{"Copy", "Copy what this region lacks", run_copy, undo_point}};

const struct lf_job_type lf_restore_point_create_job = {
	.name = "compute.createRestorePoint", .steps = create_steps, .n_steps = LF_N(create_steps)};
const struct lf_job_type lf_restore_point_start_copy_job = {.name = "compute.startRestorePointCopy",
							    .steps = start_copy_steps,
							    .n_steps = LF_N(start_copy_steps)};
const struct lf_job_type lf_restore_point_copy_job = {
	.name = "compute.copyRestorePoint", .steps = copy_steps, .n_steps = LF_N(copy_steps)};
