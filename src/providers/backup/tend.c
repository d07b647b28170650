/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time brings.  Everything is found anew each time from the rows, so that nothing is forgotten
 * by a restart: a backup that was due while the service was down is made once.
 */
#include <string.h>

#include "base/health.h"
#include "providers/backup/backup.h"
#include "providers/backup/files/files.h"
#include "providers/backup/item/backup.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/pair/pair.h"
#include "providers/backup/policy/policy.h"
#include "providers/backup/policy/retention.h"
#include "providers/backup/scope.h"
#include "providers/backup/item/server.h"

#define COPY_AGAIN_NS (600 * LF_NS_PER_S)
#define AHEAD_NS      (24 * 3600 * LF_NS_PER_S)

/* What the schedule asked for since the item was last backed up, or protected. */
static int back_up_when_due(struct lf_context *context, struct lf_resource *item,
			    struct lf_error *err)
{
	const char *state = lf_json_text_or(item->doc, "properties.protectionState", "");
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char job[LF_GUID_SIZE], noted[LF_TIME_SIZE];
	int64_t since;
	bool there;

	if ((strcmp(state, "Protected") != 0 && strcmp(state, "IRPending") != 0) ||
	    !context->compute)
		return 0;
	int rc = lf_backup_policy_of(context->catalog, item, &policy, &there, err);
	if (rc || !there)
		return rc;
	rc = lf_time_parse(lf_json_text_or(item->state, "since", ""), &since, err);
	int64_t now = lf_clock_now_ns(context->clock);
	int64_t due = lf_policy_last_due(lf_json_at(policy.doc, "properties"), now);
	/* a clock that was far ahead when this was written is no reason to wait until then */
	if (rc || due == INT64_MIN || (due <= since && since <= now + AHEAD_NS))
		return rc;
	lf_time_format(due, noted);
	/* the due time and its job are one commit: neither twice nor never */
	rc = lf_json_set_text(item->state, "since", noted)
		     ? lf_fail_nomem(err)
		     : lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = lf_backup_store(context->catalog, item, err);
	if (!rc)
		rc = lf_backup_submit(context, item, NULL, job, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

/* Let go of what a point holds, and then of its row: a removal that was cut short is found again.
 */
static int remove_point(struct lf_context *context, const struct lf_resource *point,
			struct lf_error *err)
{
	static lf_backup_point_releaser *const releasers[] = {
		lf_backup_files_end, lf_backup_point_release, lf_backup_pair_release};
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(releasers); i++)
		rc = releasers[i](context, point, err);
	return rc ? rc : lf_catalog_delete(context->catalog, point->id, err);
}

/* The end that a point has by its policy as it is now is written down, for other readers. */
static int note_expiry(struct lf_catalog *catalog, struct lf_resource *point, const char *expires,
		       struct lf_error *err)
{
	if (strcmp(lf_json_text_or(point->state, "expires", ""), expires) == 0)
		return 0;
	return lf_json_set_text(point->state, "expires", expires) ||
			       lf_json_set_text(point->doc,
						"properties.recoveryPointProperties.expiryTime",
						expires)
		       ? lf_fail_nomem(err)
		       : lf_backup_store(catalog, point, err);
}

/* Points past their retention go, but never the one that was made last. */
static int expire_points(struct lf_context *context, const struct lf_resource *item,
			 const struct lf_resource_list *points, struct lf_error *err)
{
	bool stopped = strcmp(lf_json_text_or(item->doc, "properties.protectionState", ""),
			      "ProtectionStopped") == 0;
	int64_t now = lf_clock_expiry_ns(context->clock), until;
	LF_AUTO_KEEPING keeping = {.there = false};
	int rc = stopped ? 0 : lf_backup_keeping(context, item, &keeping, err);

	/* stopped with its data kept: the points stay until somebody deletes them */
	for (size_t i = 0; !stopped && !rc && i < points->n; i++) {
		char expires[LF_TIME_SIZE];
		lf_backup_point_expiry(&keeping, &points->items[i], expires);
		rc = note_expiry(context->catalog, &points->items[i], expires, err);
		if (!rc && i + 1 < points->n && !lf_time_parse(expires, &until, err) &&
		    until <= now)
			rc = remove_point(context, &points->items[i], err);
	}
	return rc;
}

/* A deleted item goes for good when its days are over: points first, then its row. */
static int purge_deleted(struct lf_context *context, const struct lf_resource *item,
			 const struct lf_resource_list *points, struct lf_error *err)
{
	int64_t until;
	int rc = lf_time_parse(lf_json_text_or(item->doc, "properties.deferredDeleteTimeInUTC", ""),
			       &until, err);

	if (rc || until > lf_clock_expiry_ns(context->clock))
		return rc;
	for (size_t i = 0; !rc && i < points->n; i++)
		rc = remove_point(context, &points->items[i], err);
	return rc ? rc : lf_catalog_delete_tree(context->catalog, item->id, err);
}

/* A copy that failed: what was in its way may have been mended. */
static int copy_again_when_due(struct lf_context *context, const struct lf_job *job,
			       struct lf_error *err)
{
	if (job->state != LF_JOB_FAILED ||
	    lf_clock_now_ns(context->clock) - job->ended_ns < COPY_AGAIN_NS)
		return 0;
	return lf_jobs_restart(context->jobs, job->id, err);
}

/* The next point that the paired region lacks, the oldest first: a job named by the point. */
static int copy_to_pair(struct lf_context *context, const struct lf_resource *item,
			const struct lf_resource_list *points, struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_backup_vault_id(item->id);
	LF_AUTO_FREE char *resource = lf_printf_dup("%s/replication", item->id);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;

	int rc = vault_id && resource ? lf_catalog_get(context->catalog, vault_id, &vault, err)
				      : lf_fail_nomem(err);
	const char *pair = rc ? NULL : lf_backup_pair(&vault);
	for (size_t i = 0; pair && !rc && i < points->n; i++) {
		const struct lf_resource *point = &points->items[i];
		const struct lf_backup_input input = {
			.item = item->id, .point_id = point->id, .region = pair};
		LF_AUTO_JOB before = LF_JOB_INIT;
		char id[LF_GUID_SIZE];
		if (lf_json_bool_or(point->state, "secondary.complete", false))
			continue;
		lf_guid_derive(pair, point->id, id);
		bool known = lf_jobs_get(context->jobs, id, &before, err) == 0;
		rc = known ? copy_again_when_due(context, &before, err)
			   : lf_backup_submit_input(context, &lf_backup_copy_job, id, resource,
						    &input, id, err);
	}
	return rc == LF_ECONFLICT ? 0 : rc; /* the one before is still under way */
}

static int tend_item(struct lf_context *context, struct lf_resource *item, struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST points = {0};
	int rc = lf_backup_points(context->catalog, item->id, &points, err);

	if (rc)
		return rc;
	const char *state = lf_json_text_or(item->doc, "properties.protectionState", "");
	if (strcmp(state, "ProtectionStopped") == 0)
		rc = lf_backup_server_stop(context, item, err);
	if (rc)
		return rc;
	if (lf_json_bool_or(item->doc, "properties.isScheduledForDeferredDelete", false))
		return purge_deleted(context, item, &points, err);
	for (size_t i = 0; !rc && i < points.n; i++)
		rc = lf_backup_files_tend(context, &points.items[i], err);
	if (!rc)
		rc = back_up_when_due(context, item, err);
	if (!rc)
		rc = copy_to_pair(context, item, &points, err);
	return rc ? rc : expire_points(context, item, &points, err);
}

int lf_backup_tend(struct lf_context *context, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		struct lf_error failed = LF_ERROR_NONE;
		if (lf_json_text(list.items[i].state, "replicaOf"))
			continue; /* its own site tends it */
		/* one item's trouble is not another's */
		lf_health_set("backup-item", list.items[i].id,
			      tend_item(context, &list.items[i], &failed), &failed);
	}
	return rc;
}
