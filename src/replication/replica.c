/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replicas as clients see them: what the provider asks of one, and what becomes of its points.
 *
 * Retention, for each replica: the points that the grid does not keep move from "points" to
 * "leaving" in one transaction, then their claims are dropped in the vault, then they leave the
 * row.  A kill in between leaves them in "leaving", where the next minute finds them.  Removing a
 * replica drops its session and its claims first, its row last, so that it can be repeated.
 */
#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "base/fault.h"
#include "base/log.h"
#include "replication/agents.h"
#include "replication/session.h"
#include "replication/state.h"

static int put_replica(struct lf_replication *replication, const struct lf_replica *replica,
		       struct lf_error *err)
{
	char id[LF_ID_SIZE];

	lf_replica_path(replica->item, id);
	int rc = lf_catalog_put(replication->opts.catalog, id, LF_REPLICA_TYPE, LF_PUT_NEW, NULL,
				replica->row.doc, NULL, err);
	return rc ? rc : lf_replica_index(replication, replica, true, err);
}

int lf_replica_start(struct lf_replication *replication, const json_t *spec, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	struct lf_resource row = {.doc = json_deep_copy(spec)};
	LF_AUTO_REPLICA replica = {0};

	if (!row.doc || lf_json_set_text(row.doc, "phase", "Initial")) {
		json_decref(row.doc);
		return lf_fail_nomem(err);
	}
	int rc = lf_replica_read(&row, &replica, err);
	if (!rc)
		rc = lf_transaction_begin(&tx, replication->opts.catalog, err);
	if (!rc)
		rc = put_replica(replication, &replica, err);
	if (rc == LF_EEXISTS)
		return 0;
	return rc ? rc : lf_transaction_commit(&tx, err);
}

static int put_policy(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
		      struct lf_error *err)
{
	(void)replica, (void)err;
	lf_doc_put(doc, "policy", json_deep_copy(argument));
	return 0;
}

int lf_replica_set_policy(struct lf_replication *replication, const char *item_id,
			  const json_t *policy, struct lf_error *err)
{
	return lf_replica_change(replication, item_id, put_policy, (void *)(uintptr_t)policy, err);
}

/* What clients see of it. */

/* Progress of one disk, from the agent's latest report; what was reported last of a finished one is
 * full. */
static json_t *view_disk(const json_t *disk, const json_t *report, bool initial_done)
{
	const char *id = lf_json_text_or(disk, "id", "");
	const json_t *said = lf_json_find(lf_json_at(report, "disks"), "id", id);
	int64_t size = lf_json_int_or(disk, "sizeBytes", 0);
	LF_AUTO_DOC view = LF_DOC_INIT;

	size = size ? size : lf_json_int_or(said, "sizeBytes", 0);
	lf_doc_text(&view, "id", id);
	lf_doc_text(&view, "name", lf_json_text_or(disk, "name", id));
	lf_doc_int(&view, "sizeBytes", size);
	lf_doc_int(&view, "processedBytes",
		   initial_done ? size : lf_json_int_or(said, "processedBytes", 0));
	lf_doc_int(&view, "transferredBytes", lf_json_int_or(said, "sentBytes", 0));
	lf_doc_bool(&view, "initialComplete", initial_done);
	lf_doc_int(&view, "pendingBytes", lf_json_int_or(said, "pendingBytes", 0));
	return lf_doc_take(&view);
}

static void view_progress(struct lf_doc *view, const struct lf_replica *replica,
			  const json_t *report)
{
	bool done = replica->last_point;
	int64_t size = 0, processed = 0, sent = 0;
	size_t i;
	json_t *disk;

	lf_doc_put(view, "disks", json_array());
	json_array_foreach (replica->disks, i, disk) {
		json_t *entry = view_disk(disk, report, done);
		size += lf_json_int_or(entry, "sizeBytes", 0);
		processed += lf_json_int_or(entry, "processedBytes", 0);
		sent += lf_json_int_or(entry, "transferredBytes", 0);
		lf_doc_append(view, "disks", entry);
	}
	int64_t rate = lf_json_int_or(report, "bytesPerSecond", 0);
	int64_t initial = replica->initial_sent_bytes < 0 ? sent : replica->initial_sent_bytes;
	lf_doc_int(view, "sizeBytes", size);
	lf_doc_int(view, "processedBytes", processed);
	lf_doc_int(view, "transferredBytes", done ? initial : sent);
	lf_doc_int(view, "percentage", done ? 100 : size ? processed * 100 / size : 0);
	lf_doc_int(view, "bytesPerSecond", rate);
	lf_doc_int(view, "secondsLeft", rate > 0 && !done ? (size - processed) / rate : 0);
	lf_doc_int(view, "last15MinutesTransferredBytes", sent);
}

/* Zeroes in the newest point that are none on the disk. */
static void view_unreadable(struct lf_doc *view, const struct lf_replica *replica)
{
	const json_t *point = json_array_get(replica->points, 0);
	int64_t bytes = 0;
	size_t i, j;
	json_t *disk, *range;

	json_array_foreach (lf_json_at(point, "disks"), i, disk)
		json_array_foreach (lf_json_at(disk, "unreadable"), j, range)
			bytes += lf_json_int_or(range, "length", 0);
	if (!bytes)
		return;
	LF_AUTO_DOC entry = LF_DOC_INIT;
	LF_AUTO_FREE char *message = lf_printf_dup(
		"%lld bytes of the machine's disks cannot be read and are zeroes in its newest "
		"recovery point",
		(long long)bytes);
	lf_doc_text(&entry, "code", "SourceDiskUnreadable");
	lf_doc_text(&entry, "message", message);
	lf_doc_text(&entry, "causes",
		    "The disk has bad sectors, and the agent's configuration "
		    "has them count as zeroes.");
	lf_doc_text(&entry, "action",
		    "Replace the disk; the recovery point's manifest lists the "
		    "ranges.");
	lf_doc_text(&entry, "severity", "Warning");
	lf_doc_text(&entry, "since", lf_json_text_or(point, "time", ""));
	lf_doc_append(view, "health", lf_doc_take(&entry));
}

/* Points are made, and are not what the policy asks for. */
static void view_app(struct lf_doc *view, const struct lf_replica *replica)
{
	const char *why = lf_json_text(replica->app_fault, "message");
	LF_AUTO_DOC entry = LF_DOC_INIT;

	if (!why || !replica->policy.app_minutes)
		return;
	lf_doc_text(&entry, "code", "ApplicationConsistencyFailed");
	lf_doc_printf(&entry, "message",
		      "the policy's application-consistent points are crash-consistent: %s", why);
	lf_doc_text(&entry, "causes", why);
	lf_doc_text(&entry, "action", lf_json_text_or(replica->app_fault, "advice", ""));
	lf_doc_text(&entry, "severity", "Warning");
	lf_doc_text(&entry, "since", lf_json_text_or(replica->app_fault, "since", ""));
	lf_doc_append(view, "health", lf_doc_take(&entry));
}

/* Stored health errors, and what the agent says now: that is news, and must not need a disk. */
static void view_health(struct lf_doc *view, const struct lf_replica *replica, const json_t *report,
			int64_t heard_ns)
{
	const char *said = lf_json_text(report, "error");
	LF_AUTO_DOC entry = LF_DOC_INIT;

	lf_doc_put(view, "health",
		   replica->health ? json_deep_copy(replica->health) : json_array());
	view_unreadable(view, replica);
	view_app(view, replica);
	if (!said)
		return;
	lf_doc_text(&entry, "code", lf_json_text_or(report, "code", "AgentReportedError"));
	lf_doc_text(&entry, "message", said);
	lf_doc_text(&entry, "causes", said);
	lf_doc_text(&entry, "action", lf_json_text_or(report, "advice", ""));
	lf_doc_text(&entry, "severity", "Warning");
	lf_doc_time(&entry, "since", heard_ns);
	lf_doc_append(view, "health", lf_doc_take(&entry));
}

/* A copy of the row without its points, which may be many. */
static struct lf_doc copy_row(const struct lf_replica *replica)
{
	LF_AUTO_JSON *flat = json_copy(replica->row.doc);

	json_object_del(flat, "points");
	return lf_doc_from(json_deep_copy(flat));
}

int lf_replica_get(struct lf_replication *replication, const char *item_id, json_t **ret_replica,
		   struct lf_error *err)
{
	LF_AUTO_REPLICA replica = {0};
	int64_t now = lf_clock_now_ns(replication->opts.clock), heard, point_ns = 0;

	int rc = lf_replica_load(replication, item_id, &replica, err);
	if (!rc && replica.last_point_time)
		rc = lf_time_parse(replica.last_point_time, &point_ns, err);
	if (rc)
		return rc;
	bool can_shut_down = false;
	rc = lf_agent_can(replication, replica.agent, "canShutDown", &can_shut_down, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *report = lf_report_get(replication, replica.agent, item_id, &heard);
	LF_AUTO_DOC view = copy_row(&replica);
	view_progress(&view, &replica, report);
	lf_doc_bool(&view, "agentConnected", heard && now - heard < LF_AGENT_GONE_NS);
	if (heard)
		lf_doc_time(&view, "lastHeartbeat", heard);
	lf_doc_text(&view, "agentVersion", LF_VERSION);
	lf_doc_bool(&view, "canShutDown", can_shut_down);
	if (replica.last_point_time) {
		lf_doc_int(&view, "rpoSeconds", (now - point_ns) / LF_NS_PER_S);
		lf_doc_time(&view, "rpoCalculatedAt", now);
	}
	view_health(&view, &replica, report, heard);
	return lf_doc_end(&view, ret_replica, err);
}

int lf_replica_points(struct lf_replication *replication, const char *item_id, json_t **ret_points,
		      struct lf_error *err)
{
	LF_AUTO_REPLICA replica = {0};
	int rc = lf_replica_load(replication, item_id, &replica, err);

	if (rc)
		return rc;
	json_t *copy = replica.points ? json_deep_copy(replica.points) : json_array();
	if (!copy)
		return lf_fail_nomem(err);
	*ret_points = copy;
	return 0;
}

/* What the provider asks for. */

struct final {
	const char *token;
	enum lf_replica_after after;
};

static int want_final(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
		      struct lf_error *err)
{
	const struct final *final = argument;

	(void)replica, (void)err;
	lf_doc_put(doc, "finalWanted", json_object());
	lf_doc_text(doc, "finalWanted.token", final->token);
	lf_doc_bool(doc, "finalWanted.stopAfter", final->after != LF_REPLICA_GOES_ON);
	lf_doc_bool(doc, "finalWanted.shutDown", final->after == LF_REPLICA_SHUTS_DOWN);
	return 0;
}

int lf_replica_request_final(struct lf_replication *replication, const char *item_id,
			     const char *token, enum lf_replica_after after, struct lf_error *err)
{
	struct final final = {token, after};
	LF_AUTO_REPLICA replica = {0};

	int rc = lf_replica_load(replication, item_id, &replica, err);
	if (rc || (replica.wanted.token && strcmp(replica.wanted.token, token) == 0))
		return rc;
	return lf_replica_change(replication, item_id, want_final, &final, err);
}

static int want_nothing(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
			struct lf_error *err)
{
	const char *token = argument;

	(void)err;
	if (replica->wanted.token && strcmp(replica->wanted.token, token) == 0)
		lf_doc_put(doc, "finalWanted", json_object());
	return 0;
}

int lf_replica_withdraw_final(struct lf_replication *replication, const char *item_id,
			      const char *token, struct lf_error *err)
{
	char own[LF_GUID_SIZE];

	snprintf(own, sizeof(own), "%s", token);
	int rc = lf_replica_change(replication, item_id, want_nothing, own, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

static int go_on(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
		 struct lf_error *err)
{
	(void)argument, (void)err;
	if (strcmp(replica->phase, "Stopped") == 0)
		lf_doc_text(doc, "phase", replica->last_point ? "Delta" : "Initial");
	/* an agent that comes back later must not stop then, nor shut its machine down */
	if (replica->wanted.stop_after)
		lf_doc_put(doc, "finalWanted", json_object());
	return 0;
}

int lf_replica_resume(struct lf_replication *replication, const char *item_id, struct lf_error *err)
{
	return lf_replica_change(replication, item_id, go_on, NULL, err);
}

/* Drop the retention claim of a point; what else holds it keeps it. */
static int drop_points(struct lf_replication *replication, const struct lf_replica *replica,
		       const json_t *points, struct lf_error *err)
{
	struct lf_vault *vault;
	size_t i;
	json_t *point;

	int rc = lf_regions_vault(replication->opts.regions, replica->region, &vault, err);
	json_array_foreach (points, i, point)
		if (!rc)
			rc = lf_claim_drop(vault, lf_json_text_or(point, "id", ""), "retention",
					   err);
	return rc;
}

int lf_replica_remove(struct lf_replication *replication, const char *item_id, struct lf_error *err)
{
	LF_AUTO_REPLICA replica = {0};
	int rc = lf_replica_load(replication, item_id, &replica, err);

	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	if (replica.session)
		rc = lf_replication_session_drop(replication, replica.session, replica.region, err);
	if (!rc)
		rc = drop_points(replication, &replica, replica.points, err);
	if (!rc)
		rc = drop_points(replication, &replica, replica.leaving, err);
	if (!rc)
		rc = lf_catalog_delete(replication->opts.catalog, replica.row.id, err);
	return rc ? rc : lf_replica_index(replication, &replica, false, err);
}

/* Retention. */

/* Those of the points that are not gone, by their ids: one may have come since they were looked at.
 * NULL: no memory. */
static json_t *without(const json_t *points, const json_t *gone)
{
	LF_AUTO_JSON *kept = json_array();
	json_t *point;
	size_t i;

	json_array_foreach (points, i, point)
		if (!lf_json_find(gone, "id", lf_json_text_or(point, "id", "")) &&
		    json_array_append(kept, point))
			return NULL;
	return lf_steal(&kept);
}

/* Nobody is offered them any more; their claims are yet to be dropped. */
static int add_leaving(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
		       struct lf_error *err)
{
	json_t *leaving = without(replica->leaving, argument);

	if (!leaving || json_array_extend(leaving, argument)) {
		json_decref(leaving);
		return lf_fail_nomem(err);
	}
	lf_doc_put(doc, "points", without(replica->points, argument));
	lf_doc_put(doc, "leaving", leaving);
	return 0;
}

static int remove_leaving(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
			  struct lf_error *err)
{
	(void)err;
	lf_doc_put(doc, "leaving", without(replica->leaving, argument));
	return 0;
}

/* The points that the grid does not keep, and those that a kill kept from leaving. */
static int choose_leaving(struct lf_replication *replication, const struct lf_replica *replica,
			  json_t *gone, struct lf_error *err)
{
	size_t n = json_array_size(replica->points), i;
	LF_AUTO_FREE int64_t *times = lf_alloc_array(n + 1, sizeof(*times));
	LF_AUTO_FREE bool *app = lf_alloc_array(n + 1, sizeof(*app));
	LF_AUTO_FREE bool *keep = lf_alloc_array(n + 1, sizeof(*keep));
	json_t *point;
	int rc = times && app && keep && gone ? 0 : lf_fail_nomem(err);

	if (rc)
		return rc;
	json_array_foreach (replica->points, i, point) {
		app[i] = lf_point_is_app(point);
		rc = lf_time_parse(lf_json_text_or(point, "time", ""), &times[i], err);
		if (rc)
			return rc;
	}
	lf_retention_grid(times, app, n, lf_clock_expiry_ns(replication->opts.clock),
			  replica->policy.history_minutes, keep);
	json_array_foreach (replica->points, i, point)
		if (!keep[i] && json_array_append(gone, point))
			return lf_fail_nomem(err);
	return replica->leaving && json_array_extend(gone, (json_t *)(uintptr_t)replica->leaving)
		       ? lf_fail_nomem(err)
		       : 0;
}

static int prune(struct lf_replication *replication, const struct lf_replica *replica,
		 struct lf_error *err)
{
	LF_AUTO_JSON *gone = json_array();
	int rc = choose_leaving(replication, replica, gone, err);

	if (rc || !json_array_size(gone))
		return rc;
	rc = lf_replica_change(replication, replica->item, add_leaving, gone, err);
	LF_CRASH_POINT("retention-leaving");
	if (!rc)
		rc = drop_points(replication, replica, gone, err);
	return rc ? rc : lf_replica_change(replication, replica->item, remove_leaving, gone, err);
}

static bool is_stopped(const struct lf_replica *replica)
{
	return strcmp(replica->phase, "Stopped") == 0;
}

static int check_agent(struct lf_replication *replication, const struct lf_replica *replica,
		       struct lf_error *err)
{
	int64_t now = lf_clock_now_ns(replication->opts.clock), heard;

	json_decref(lf_report_get(replication, replica->agent, NULL, &heard));
	if (!heard) /* the daemon has just started: give the agent time to call */
		return 0;
	return lf_replica_health(
		replication, replica, "AgentNotConnected",
		!is_stopped(replica) && now - heard > LF_AGENT_GONE_NS
			? "the agent has not been heard of for more than 90 seconds"
			: NULL,
		"check that landfall-agent runs on the machine and reaches this site", err);
}

/* One in trouble is no reason to leave others; not found: it was removed meanwhile. */
static void tend_replica(struct lf_replication *replication, struct lf_resource *row,
			 struct lf_error *err)
{
	LF_AUTO_REPLICA replica = {0};
	int rc = lf_replica_read(row, &replica, err);

	if (!rc)
		rc = prune(replication, &replica, err);
	if (!rc)
		rc = check_agent(replication, &replica, err);
	lf_health_set("replica", replica.item ? replica.item : replica.row.id,
		      rc == LF_ENOTFOUND ? 0 : rc, err);
}

int lf_replication_tend(struct lf_replication *replication, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_REPLICA_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		tend_replica(replication, &list.items[i], err);
	if (!rc)
		rc = lf_agents_tend(replication, err);
	if (!rc)
		rc = lf_registration_keys_tend(replication, err);
	return rc ? rc : lf_replication_session_sweep(replication, err);
}
