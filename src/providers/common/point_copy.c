/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/point_copy.h"

#include "vault/copy.h"
#include "vault/point.h"

/* A claim that is forgotten ends by itself. */
#define COPY_LIMIT_NS (7 * 24 * 3600 * LF_NS_PER_S)

/* One disk's progress, kept in the job's row; it never goes back. */
struct progress {
	struct lf_job_run *run;
	char path[LF_GUID_SIZE + 16];
};

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	const struct progress *progress = context;
	json_t *data = lf_job_run_data(progress->run);
	int64_t percent = total ? (int64_t)(done * 100 / total) : 100;
	struct lf_error ignored;

	/* 100 is for what is durable */
	percent = percent > 99 ? 99 : percent;
	if (percent <= lf_json_int_or(data, progress->path, 0) ||
	    lf_json_set_int(data, progress->path, percent))
		return;
	if (lf_job_save(progress->run, &ignored))
		return; /* the next one may */
}

static const char *base_root(const json_t *base, const json_t *disk)
{
	const json_t *other;
	size_t i;

	json_array_foreach (base, i, other)
		if (lf_json_int_or(other, "lun", -2) == lf_json_int_or(disk, "lun", -1))
			return lf_json_text_or(other, "root", "");
	return "";
}

static int copy_disk(struct lf_job_run *run, const json_t *disk, const json_t *base,
		     struct lf_vault *from, struct lf_vault *to, struct lf_error *err)
{
	struct progress progress = {.run = run};
	struct lf_copy_opts opts = {.size_bytes = (uint64_t)lf_json_int_or(disk, "sizeBytes", 0),
				    .progress = note_progress,
				    .context = &progress};
	struct lf_copy_result result;
	struct lf_root root, shared;
	struct lf_error ignored;

	snprintf(progress.path, sizeof(progress.path), "percent.%s",
		 lf_json_text_or(disk, "id", ""));
	int rc = lf_root_parse(lf_json_text_or(disk, "root", ""), &root, err);
	if (rc)
		return rc;
	/* without what the last copy shares with this one it only takes longer */
	if (!lf_root_parse(base_root(base, disk), &shared, &ignored)) {
		opts.base = &shared;
		rc = lf_vault_copy_disk(from, to, &root, &opts, &result, err);
		if (rc != LF_ENOTFOUND)
			return rc;
		opts.base = NULL;
	}
	return lf_vault_copy_disk(from, to, &root, &opts, &result, err);
}

int lf_point_copy(struct lf_job_run *run, const struct lf_point_copy *copy, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	struct lf_vault *from = NULL, *to = NULL;
	char claim[LF_GUID_SIZE + 8];
	const json_t *disk;
	size_t i;

	int rc = lf_regions_vault(context->regions, copy->from_region, &from, err);
	if (!rc)
		rc = lf_regions_vault(context->regions, copy->to_region, &to, err);
	/* the original may be deleted while it is copied */
	snprintf(claim, sizeof(claim), "copy:%s", copy->holder);
	if (!rc)
		rc = lf_claim_put(from, copy->from_point, claim,
				  lf_clock_now_ns(context->clock) + COPY_LIMIT_NS, err);
	json_array_foreach (copy->disks, i, disk)
		if (!rc)
			rc = copy_disk(run, disk, copy->base, from, to, err);
	return rc ? rc : lf_claim_drop(from, copy->from_point, claim, err);
}
