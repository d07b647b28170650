/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step: the uploaded file becomes a point with a claim of its own, then
 * the disk is noted as made from it, together with the step's end.  A kill in
 * between takes the file in again; what is there already costs nothing. 
 * Undoing takes the claim back.
 */
#include "providers/compute/disk_import.h"

#include "providers/common/document.h"
#include "providers/common/point_make.h"
#include "providers/compute/attach.h"
#include "providers/compute/ids.h"
#include "providers/resources/locations.h"
#include "vault/flow/ingest.h"
#include "vault/lease.h"

int lf_disk_import_submit(struct lf_context *context, const char *id, const char *file,
			  int64_t bytes, const char *location, json_t *state, struct lf_error *err)
{
	char job[LF_GUID_SIZE], point[LF_GUID_SIZE], region[64], subscription[64] = "";

	lf_guid_random(job);
	lf_guid_random(point);
	lf_location_normal(location, region, sizeof(region));
	lf_arm_id_segment(id, "subscriptions", subscription, sizeof(subscription));
	LF_AUTO_FREE char *scope = lf_printf_dup("/subscriptions/%s", subscription);
	LF_AUTO_JSON *doc = json_pack("{s:s, s:s, s:s, s:I}", "file", file, "region", region,
				      "point", point, "bytes", (json_int_t)bytes);
	const struct lf_job_request request = {.id = job,
					       .type = lf_disk_import_job.name,
					       .scope = scope,
					       .resource = id,
					       .doc = doc};

	if (!scope || !doc || lf_json_set_text(state, "importJob", job))
		return lf_fail_nomem(err);
	return lf_jobs_submit(context->jobs, &request, job, err);
}

static int ingest(const json_t *input, struct lf_vault *vault, char root[static LF_ROOT_TEXT_SIZE],
		  struct lf_error *err)
{
	const struct lf_ingest_opts opts = {.path = lf_json_text_or(input, "file", ""),
					    .bytes = (uint64_t)lf_json_int_or(input, "bytes", 0)};
	struct lf_ingest_result result;
	int rc = lf_ingest(vault, &opts, &result, err);
	if (!rc)
		lf_root_format(&result.root, root);
	return rc;
}

/* The uploaded file on its way to be a point. */
struct intake {
	struct lf_clock *clock;
	const json_t *input;
	char root[LF_ROOT_TEXT_SIZE];
};

/* A point of the one disk. */
static int fill_point(void *context, struct lf_vault *vault, json_t **ret_manifest,
		      struct lf_error *err)
{
	struct intake *intake = context;
	const char *point = lf_json_text_or(intake->input, "point", "");
	char time[LF_TIME_SIZE];
	int rc = ingest(intake->input, vault, intake->root, err);

	if (rc)
		return rc;
	lf_time_format(lf_clock_now_ns(intake->clock), time);
	LF_AUTO_DOC disk = LF_DOC_INIT;
	lf_doc_text(&disk, "id", point);
	lf_doc_text(&disk, "name", "imported");
	lf_doc_int(&disk, "sizeBytes", lf_json_int_or(intake->input, "bytes", 0));
	lf_doc_text(&disk, "root", intake->root);
	lf_doc_int(&disk, "lun", 0);
	lf_doc_bool(&disk, "os", false);
	LF_AUTO_DOC doc = LF_DOC_INIT;
	lf_doc_text(&doc, "id", point);
	lf_doc_text(&doc, "time", time);
	lf_doc_text(&doc, "consistency", "CrashConsistent");
	lf_doc_put(&doc, "machine", json_object());
	lf_doc_append(&doc, "disks", lf_doc_take(&disk));
	return lf_doc_end(&doc, ret_manifest, err);
}

static int note_disk(struct lf_job_run *run, const char *root, const char *word,
		     struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *input = lf_job_run_job(run)->doc;
	const char *id = lf_job_run_job(run)->resource;
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, id, &disk, err);

	if (rc)
		return rc;
	const struct lf_point_ref point = {.region = lf_json_text(input, "region"),
					   .point = lf_json_text(input, "point"),
					   .root = root};
	if ((root && lf_json_set(disk.state, "source", lf_point_ref_doc(&point))) ||
	    lf_json_set_text(disk.doc, "properties.provisioningState", word))
		return lf_fail_nomem(err);
	if (root)
		rc = lf_disk_claim(context, id, lf_json_at(disk.state, "source"), err);
	return rc ? rc
		  : lf_catalog_put(context->catalog, id, LF_DISK_TYPE, LF_PUT_EXISTING, NULL,
				   disk.doc, disk.state, err);
}

static int run_import(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *input = lf_job_run_job(run)->doc;
	struct intake intake = {.clock = context->clock, .input = input};
	/* held by nobody but this claim, until the disk's own replaces it */
	const struct lf_point_making making = {
		.region = lf_json_text_or(input, "region", ""),
		.lease = lf_json_text_or(input, "point", ""),
		.point = lf_json_text_or(input, "point", ""),
		.claim = "import",
		.fill = fill_point,
		.context = &intake,
	};
	struct lf_vault *vault = NULL;

	int rc = lf_point_make(lf_stores(context), &making, err);
	if (!rc)
		rc = note_disk(run, intake.root, "Succeeded", err);
	if (!rc)
		rc = lf_regions_vault(context->regions, making.region, &vault, err);
	return rc ? rc : lf_claim_drop(vault, making.point, making.claim, err);
}

static int undo_import(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *input = lf_job_run_job(run)->doc;
	const char *point = lf_json_text_or(input, "point", "");
	struct lf_vault *vault = NULL;

	int rc = lf_regions_vault(context->regions, lf_json_text_or(input, "region", ""), &vault,
				  err);
	if (!rc)
		rc = lf_lease_end(vault, point, err);
	if (!rc)
		rc = lf_claim_drop(vault, point, "import", err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	rc = note_disk(run, NULL, "Failed", err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

static const struct lf_job_step steps[] = {{"Import", "Take the disk in", run_import, undo_import}};
const struct lf_job_type lf_disk_import_job = {
	.name = "compute.importDisk", .steps = steps, .n_steps = LF_N(steps)};
