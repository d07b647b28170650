/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The original gets a claim while it is copied; each disk goes to a vault here
 * or to a peer, and tells how far it got.  The claim ends by itself, so that a
 * kill leaves nothing that somebody has to remember.
 */
#include "providers/common/point_copy.h"

#include "vault/flow/copy.h"
#include "vault/point/point.h"

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

/* Where a disk goes from, and to: a vault, or a peer. */
struct way {
	struct lf_vault *from, *to;
	struct lf_peer_session *peer;
	unsigned index; /* of the disk */
};

static int move_disk(const struct way *way, const struct lf_root *root,
		     const struct lf_copy_opts *opts, struct lf_error *err)
{
	struct lf_copy_result result;

	return way->peer ? lf_peer_send_disk(way->peer, way->index, root, opts, &result, err)
			 : lf_vault_copy_disk(way->from, way->to, root, opts, &result, err);
}

static int copy_disk(struct lf_job_run *run, const json_t *disk, const json_t *base,
		     const struct way *way, struct lf_error *err)
{
	struct progress progress = {.run = run};
	struct lf_copy_opts opts = {.size_bytes = (uint64_t)lf_json_int_or(disk, "sizeBytes", 0),
				    .progress = note_progress,
				    .context = &progress};
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
		rc = move_disk(way, &root, &opts, err);
		if (rc != LF_ENOTFOUND || way->peer)
			return rc;
		opts.base = NULL;
	}
	return move_disk(way, &root, &opts, err);
}

int lf_point_copy(struct lf_job_run *run, const struct lf_point_copy *copy, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	struct way way = {.peer = copy->peer};
	char claim[LF_GUID_SIZE + 8];
	const json_t *disk;
	size_t i;

	int rc = lf_regions_vault(context->regions, copy->from_region, &way.from, err);
	if (!rc && !copy->peer)
		rc = lf_regions_vault(context->regions, copy->to_region, &way.to, err);
	/* the original may be deleted while it is copied */
	snprintf(claim, sizeof(claim), "copy:%s", copy->holder);
	if (!rc)
		rc = lf_claim_put(way.from, copy->from_point, claim,
				  lf_clock_now_ns(context->clock) + COPY_LIMIT_NS, err);
	json_array_foreach (copy->disks, i, disk) {
		way.index = (unsigned)i;
		if (!rc)
			rc = copy_disk(run, disk, copy->base, &way, err);
	}
	return rc ? rc : lf_claim_drop(way.from, copy->from_point, claim, err);
}
