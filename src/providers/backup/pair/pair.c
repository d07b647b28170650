/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery points on their way to the paired region: a store of this site, or a peer's.
 *
 * The point's row says first that a copy is there in part, so that whoever deletes the point lets
 * go of it, too; then the disks are copied, beginning from the newest point that both regions have;
 * then the copy is committed (a manifest here, rows and manifest at a peer); then the row says that
 * it is complete.  A kill leaves a copy in part: the job goes on with it.
 */
#include <string.h>

#include "base/log.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/pair/pair.h"
#include "providers/backup/point/documents.h"
#include "providers/backup/scope.h"
#include "providers/common/point_copy.h"
#include "providers/common/point_make.h"

#define AGAIN_NS (30 * LF_NS_PER_S) /* a peer that was not reached */

static int forget(struct lf_context *context, const char *region, const char *guid,
		  struct lf_error *err)
{
	return region && guid && lf_peers_url(context->peers, region)
		       ? lf_peer_forget(context->peers, region, guid, err)
		       : lf_backup_claim_drop(context, region, guid, err);
}

int lf_backup_pair_release(struct lf_context *context, const struct lf_resource *point,
			   struct lf_error *err)
{
	return forget(context, lf_json_text(point->state, "secondary.region"),
		      lf_json_text(point->state, "point"), err);
}

/* A point of the item on its way. */
struct trip {
	struct lf_job_run *run;
	struct lf_context *context;
	const char *item, *region, *guid;
	struct lf_resource *point;
	const struct lf_resource *base; /* the newest that the region has; NULL: none */
	struct lf_resource_list points;
};

static void trip_done(struct trip *trip)
{
	lf_resource_list_done(&trip->points);
}

static int begin_trip(struct trip *trip, struct lf_error *err)
{
	int rc = lf_backup_points(trip->context->catalog, trip->item, &trip->points, err);

	trip->guid = lf_json_text_or(trip->point->state, "point", "");
	for (size_t i = 0; !rc && i < trip->points.n; i++)
		if (lf_json_bool_or(trip->points.items[i].state, "secondary.complete", false))
			trip->base = &trip->points.items[i];
	return rc;
}

static json_t *manifest_of(const struct trip *trip)
{
	const struct lf_resource *point = trip->point;

	return lf_backup_manifest(trip->guid,
				  lf_json_text_or(point->doc, "properties.recoveryPointTime", ""),
				  lf_json_text_or(point->doc, "properties.recoveryPointType", ""),
				  lf_json_text_or(point->state, "machine.properties.vmId", ""),
				  lf_json_at(point->state, "disks"));
}

static int copy_disks(const struct trip *trip, struct lf_peer_session *peer, bool base,
		      struct lf_error *err)
{
	const struct lf_point_copy copy = {
		.from_region = lf_json_text_or(trip->point->state, "region", ""),
		.from_point = trip->guid,
		.to_region = trip->region,
		.holder = trip->guid,
		.disks = lf_json_at(trip->point->state, "disks"),
		.base = base ? lf_json_at(trip->base->state, "disks") : NULL,
		.peer = peer,
	};

	return lf_point_copy(trip->run, &copy, err);
}

static int fill_here(void *context, struct lf_vault *vault, json_t **ret_manifest,
		     struct lf_error *err)
{
	const struct trip *trip = context;
	int rc = copy_disks(trip, NULL, trip->base, err);

	(void)vault;
	if (!rc)
		*ret_manifest = manifest_of(trip);
	return rc || *ret_manifest ? rc : lf_fail_nomem(err);
}

static int copy_here(struct trip *trip, struct lf_error *err)
{
	const struct lf_point_making making = {.region = trip->region,
					       .lease = trip->guid,
					       .point = trip->guid,
					       .claim = LF_BACKUP_CLAIM,
					       .fill = fill_here,
					       .context = trip};

	return lf_point_make(lf_stores(trip->context), &making, err);
}

/* A row as the peer is to have it; one that is not there is left out. */
static int add_row(const struct trip *trip, json_t *rows, const char *id, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool there;
	int rc = lf_catalog_find(trip->context->catalog, id, &row, &there, err);

	if (rc || !there)
		return rc;
	json_t *added = json_pack("{s:s, s:s, s:O, s:O}", "id", row.id, "type", row.type, "doc",
				  row.doc, "state", row.state);
	return !added ||
			       (lf_arm_id_equal(id, trip->point->id) &&
				lf_json_set_bool(added, "state.secondary.complete", true)) ||
			       json_array_append_new(rows, added)
		       ? lf_fail_nomem(err)
		       : 0;
}

static int add_rows(const struct trip *trip, json_t *rows, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_backup_vault_id(trip->item);
	LF_AUTO_FREE char *group = vault ? strdup(vault) : NULL;
	char *end = group ? strcasestr(group, "/providers/") : NULL;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	if (end)
		*end = '\0';
	int rc = end ? lf_catalog_get(trip->context->catalog, trip->item, &item, err)
		     : lf_fail_nomem(err);
	if (rc)
		return rc;
	const char *const ids[] = {vault, group,
				   lf_json_text_or(item.doc, "properties.policyId", ""), trip->item,
				   trip->point->id};
	for (size_t i = 0; !rc && i < LF_N(ids); i++)
		rc = add_row(trip, rows, ids[i], err);
	return rc;
}

/* What the peer's lf_backup_replica_keep() wants, and the maps that the disks begin from. */
static int commit_there(const struct trip *trip, struct lf_peer_session *peer, bool base,
			struct lf_error *err)
{
	LF_AUTO_JSON *body = json_pack("{s:o?, s:[], s:[]}", "manifest", manifest_of(trip), "bases",
				       "resources");
	const json_t *bases = base ? lf_json_at(trip->base->state, "disks") : NULL, *disk;
	size_t i;

	int rc = body ? add_rows(trip, lf_json_at(body, "resources"), err) : lf_fail_nomem(err);
	if (!rc && base &&
	    lf_json_set_text(body, "basePoint", lf_json_text_or(trip->base->state, "point", "")))
		rc = lf_fail_nomem(err);
	json_array_foreach (lf_json_at(trip->point->state, "disks"), i, disk) {
		const json_t *other = lf_backup_disk_at(bases, lf_json_int_or(disk, "lun", -1));
		if (!rc && json_array_append_new(lf_json_at(body, "bases"),
						 json_string(lf_json_text_or(other, "root", ""))))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_peer_commit(peer, body, err);
}

static int copy_there(const struct trip *trip, struct lf_error *err)
{
	struct lf_context *context = trip->context;
	struct lf_peer_session *peer = NULL;
	struct lf_vault *from = NULL;

	int rc = lf_regions_vault(context->regions,
				  lf_json_text_or(trip->point->state, "region", ""), &from, err);
	if (!rc)
		rc = lf_peer_begin(context->peers, trip->region, from, trip->guid,
				   trip->base ? lf_json_text(trip->base->state, "point") : NULL,
				   &peer, err);
	bool base = !rc && lf_peer_has_base(peer);
	if (!rc)
		rc = copy_disks(trip, peer, base, err);
	if (!rc)
		rc = commit_there(trip, peer, base, err);
	lf_peer_end(peer);
	return rc;
}

static int note_secondary(struct trip *trip, bool complete, struct lf_error *err)
{
	struct lf_resource *point = trip->point;

	if (lf_json_set_text(point->state, "secondary.region", trip->region) ||
	    lf_json_set_bool(point->state, "secondary.complete", complete))
		return lf_fail_nomem(err);
	return lf_backup_store(trip->context->catalog, point, err);
}

static bool is_deleted(const struct trip *trip)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	struct lf_error ignored;
	bool there;

	return !lf_catalog_find(trip->context->catalog, trip->point->id, &row, &there, &ignored) &&
	       !there;
}

static int travel(struct trip *trip, struct lf_error *err)
{
	bool peer;
	int rc = begin_trip(trip, err);

	/* whoever deletes the point meanwhile knows where else it is */
	if (!rc)
		rc = note_secondary(trip, false, err);
	if (rc)
		return rc;
	peer = lf_peers_url(trip->context->peers, trip->region);
	rc = peer ? copy_there(trip, err) : copy_here(trip, err);
	if (!rc)
		rc = note_secondary(trip, true, err);
	if (rc == LF_ENOTFOUND && is_deleted(trip)) /* so is its copy */
		rc = forget(trip->context, trip->region, trip->guid, err);
	/* not there any more: the peer forgot what was begun, or dropped the base */
	if (peer && (rc == LF_EUNREACHABLE || rc == LF_ETIMEOUT || rc == LF_ENOTFOUND)) {
		lf_log_error("a copy waits for its region", err);
		lf_job_again_at(trip->run, lf_clock_now_ns(trip->context->clock) + AGAIN_NS);
		return LF_STEP_AGAIN;
	}
	return rc;
}

static int run_copy(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	struct lf_backup_input input;
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	struct trip trip = {.run = run, .context = context, .point = &point};
	bool there;

	int rc = lf_backup_input_read(lf_job_run_job(run), &input, err);
	if (!rc)
		rc = lf_catalog_find(context->catalog, input.point_id, &point, &there, err);
	if (rc || !there)
		return rc; /* its retention has ended */
	trip.region = input.region;
	trip.item = input.item;
	rc = travel(&trip, err);
	trip_done(&trip);
	return rc;
}

static const struct lf_job_step copy_steps[] = {
	{"Copy", "Copy what the paired region lacks", run_copy, NULL}};
/* Not one of the jobs that clients see: its name is outside of theirs. */
const struct lf_job_type lf_backup_copy_job = {.name = "backupcopy.copyPoint",
					       .steps = copy_steps,
					       .n_steps = LF_N(copy_steps),
					       .attempts_max = 100};
