/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "base/fault.h"
#include "base/log.h"
#include "replication/agents.h"
#include "replication/session.h"
#include "replication/state.h"

#define DEFAULT_CRASH_MINUTES	5
#define DEFAULT_HISTORY_MINUTES (3 * 24 * 60)

static int put_replica(struct lf_replication *replication, const json_t *doc, struct lf_error *err)
{
	char id[LF_ID_SIZE];

	lf_replica_path(lf_json_text_or(doc, "itemId", ""), id);
	int rc = lf_catalog_put(replication->opts.catalog, id, LF_REPLICA_TYPE, LF_PUT_NEW, NULL,
				doc, NULL, err);
	return rc ? rc : lf_replica_index(replication, doc, true, err);
}

int lf_replica_start(struct lf_replication *replication, const json_t *spec, struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	bool own = !lf_catalog_in_transaction(catalog);
	LF_AUTO_JSON *doc = json_deep_copy(spec);

	if (!doc || lf_json_set_text(doc, "phase", "Initial"))
		return lf_fail_nomem(err);
	int rc = own ? lf_catalog_begin(catalog, err) : 0;
	if (rc)
		return rc;
	rc = put_replica(replication, doc, err);
	if (rc == LF_EEXISTS)
		rc = 0;
	if (own && !rc)
		rc = lf_catalog_commit(catalog, err);
	if (own && rc)
		lf_catalog_rollback(catalog);
	return rc;
}

static int put_policy(json_t *doc, void *argument, struct lf_error *err)
{
	return lf_json_set(doc, "policy", json_deep_copy(argument)) ? lf_fail_nomem(err) : 0;
}

int lf_replica_set_policy(struct lf_replication *replication, const char *item_id,
			  const json_t *policy, struct lf_error *err)
{
	return lf_replica_change(replication, item_id, put_policy, (void *)(uintptr_t)policy, err);
}

/* Progress of one disk, from the agent's latest report; what was reported last of a finished one is
 * full. */
static json_t *view_disk(const json_t *disk, const json_t *report, bool initial_done)
{
	const char *id = lf_json_text_or(disk, "id", "");
	int64_t size = lf_json_int_or(disk, "sizeBytes", 0), processed = 0, sent = 0, pending = 0;
	size_t i;
	json_t *entry;

	json_array_foreach (lf_json_at(report, "disks"), i, entry) {
		if (strcmp(lf_json_text_or(entry, "id", ""), id) != 0)
			continue;
		processed = lf_json_int_or(entry, "processedBytes", 0);
		sent = lf_json_int_or(entry, "sentBytes", 0);
		pending = lf_json_int_or(entry, "pendingBytes", 0);
		size = size ? size : lf_json_int_or(entry, "sizeBytes", 0);
	}
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:b,s:I}", "id", id, "name",
			 lf_json_text_or(disk, "name", id), "sizeBytes", (json_int_t)size,
			 "processedBytes", (json_int_t)(initial_done ? size : processed),
			 "transferredBytes", (json_int_t)sent, "initialComplete", initial_done,
			 "pendingBytes", (json_int_t)pending);
}

static int add_progress(json_t *view, const json_t *doc, const json_t *report, struct lf_error *err)
{
	bool done = lf_json_text(doc, "lastPointId");
	json_t *disks = json_array();
	int64_t size = 0, processed = 0, sent = 0;
	size_t i;
	json_t *disk;
	int bad = lf_json_set(view, "disks", disks);

	json_array_foreach (lf_json_at(doc, "disks"), i, disk) {
		json_t *entry = view_disk(disk, report, done);
		size += lf_json_int_or(entry, "sizeBytes", 0);
		processed += lf_json_int_or(entry, "processedBytes", 0);
		sent += lf_json_int_or(entry, "transferredBytes", 0);
		bad |= json_array_append_new(disks, entry);
	}
	int64_t rate = lf_json_int_or(report, "bytesPerSecond", 0);
	int64_t left = size - processed;
	bad |= lf_json_set_int(view, "sizeBytes", size);
	bad |= lf_json_set_int(view, "processedBytes", processed);
	bad |= lf_json_set_int(view, "transferredBytes",
			       done ? lf_json_int_or(doc, "initialSentBytes", sent) : sent);
	bad |= lf_json_set_int(view, "percentage", done ? 100 : size ? processed * 100 / size : 0);
	bad |= lf_json_set_int(view, "bytesPerSecond", rate);
	bad |= lf_json_set_int(view, "secondsLeft", rate > 0 && !done ? left / rate : 0);
	bad |= lf_json_set_int(view, "last15MinutesTransferredBytes", sent);
	return bad ? lf_fail_nomem(err) : 0;
}

/* Stored health errors, and what the agent says now: that is news, and must not need a disk. */
static int add_health(json_t *view, const json_t *report, int64_t heard_ns)
{
	json_t *list = lf_json_at(view, "health");
	const char *said = lf_json_text(report, "error");
	char since[LF_TIME_SIZE];
	int bad = 0;

	if (!list)
		bad = lf_json_set(view, "health", list = json_array());
	if (!said)
		return bad;
	lf_time_format(heard_ns, since);
	return bad | json_array_append_new(
			     list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "code",
					     lf_json_text_or(report, "code", "AgentReportedError"),
					     "message", said, "causes", said, "action",
					     lf_json_text_or(report, "advice", ""), "severity",
					     "Warning", "since", since));
}

int lf_replica_get(struct lf_replication *replication, const char *item_id, json_t **ret_replica,
		   struct lf_error *err)
{
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;
	int64_t now = lf_clock_now_ns(replication->opts.clock), heard, point_ns = 0;

	int rc = lf_replica_load(replication, item_id, &replica, err);
	if (rc)
		return rc;
	const char *agent = lf_json_text_or(replica.doc, "agentId", "");
	LF_AUTO_JSON *report = lf_report_get(replication, agent, item_id, &heard);
	LF_AUTO_JSON *view = json_deep_copy(replica.doc);
	if (!view)
		return lf_fail_nomem(err);
	json_object_del(view, "points");
	rc = add_progress(view, replica.doc, report, err);
	const char *point_time = lf_json_text(replica.doc, "lastPointTime");
	if (!rc && point_time)
		rc = lf_time_parse(point_time, &point_ns, err);
	if (rc)
		return rc;
	int bad = lf_json_set_bool(view, "agentConnected", heard && now - heard < LF_AGENT_GONE_NS);
	if (heard)
		bad |= lf_json_set_time(view, "lastHeartbeat", heard);
	bad |= lf_json_set_text(view, "agentVersion", LF_VERSION);
	if (point_time) {
		bad |= lf_json_set_int(view, "rpoSeconds", (now - point_ns) / LF_NS_PER_S);
		bad |= lf_json_set_time(view, "rpoCalculatedAt", now);
	}
	bad |= add_health(view, report, heard);
	if (bad)
		return lf_fail_nomem(err);
	*ret_replica = lf_steal(&view);
	return 0;
}

int lf_replica_points(struct lf_replication *replication, const char *item_id, json_t **ret_points,
		      struct lf_error *err)
{
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;
	int rc = lf_replica_load(replication, item_id, &replica, err);

	if (rc)
		return rc;
	json_t *points = lf_json_at(replica.doc, "points");
	json_t *copy = points ? json_deep_copy(points) : json_array();
	if (!copy)
		return lf_fail_nomem(err);
	*ret_points = copy;
	return 0;
}

struct final {
	const char *token;
	bool stop_after;
};

static int want_final(json_t *doc, void *argument, struct lf_error *err)
{
	const struct final *final = argument;
	json_t *wanted =
		json_pack("{s:s,s:b}", "token", final->token, "stopAfter", final->stop_after);

	return lf_json_set(doc, "finalWanted", wanted) ? lf_fail_nomem(err) : 0;
}

int lf_replica_request_final(struct lf_replication *replication, const char *item_id,
			     const char *token, bool stop_after, struct lf_error *err)
{
	struct final final = {token, stop_after};
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;

	int rc = lf_replica_load(replication, item_id, &replica, err);
	if (rc || strcmp(lf_json_text_or(replica.doc, "finalWanted.token", ""), token) == 0)
		return rc;
	return lf_replica_change(replication, item_id, want_final, &final, err);
}

static int go_on(json_t *doc, void *argument, struct lf_error *err)
{
	(void)argument;
	if (strcmp(lf_json_text_or(doc, "phase", ""), "Stopped") != 0)
		return 0;
	return lf_json_set_text(doc, "phase",
				lf_json_text(doc, "lastPointId") ? "Delta" : "Initial")
		       ? lf_fail_nomem(err)
		       : 0;
}

int lf_replica_resume(struct lf_replication *replication, const char *item_id, struct lf_error *err)
{
	return lf_replica_change(replication, item_id, go_on, NULL, err);
}

/* Drop the retention claim of a point; what else holds it keeps it. */
static int drop_points(struct lf_replication *replication, const json_t *doc, const json_t *points,
		       struct lf_error *err)
{
	struct lf_vault *vault;
	size_t i;
	json_t *point;

	int rc = lf_regions_vault(replication->opts.regions, lf_json_text_or(doc, "region", ""),
				  &vault, err);
	if (rc)
		return rc;
	json_array_foreach (points, i, point) {
		rc = lf_claim_drop(vault, lf_json_text_or(point, "id", ""), "retention", err);
		if (rc)
			return rc;
	}
	return 0;
}

int lf_replica_remove(struct lf_replication *replication, const char *item_id, struct lf_error *err)
{
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;
	int rc = lf_replica_load(replication, item_id, &replica, err);

	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	const char *session = lf_json_text(replica.doc, "session");
	if (session)
		rc = lf_replication_session_drop(replication, session,
						 lf_json_text_or(replica.doc, "region", ""), err);
	if (!rc)
		rc = drop_points(replication, replica.doc, lf_json_at(replica.doc, "points"), err);
	if (!rc)
		rc = drop_points(replication, replica.doc, lf_json_at(replica.doc, "leaving"), err);
	if (!rc)
		rc = lf_catalog_delete(replication->opts.catalog, replica.id, err);
	return rc ? rc : lf_replica_index(replication, replica.doc, false, err);
}

/* Retention. */

/* By their ids: a point may have come since they were looked at. */
static void remove_points(json_t *points, const json_t *gone)
{
	const json_t *point;
	size_t at;

	for (size_t i = json_array_size(points); i-- > 0;) {
		const char *id = lf_json_text_or(json_array_get(points, i), "id", "");
		json_array_foreach (gone, at, point) {
			if (strcmp(lf_json_text_or(point, "id", ""), id) == 0) {
				json_array_remove(points, i);
				break;
			}
		}
	}
}

/* Nobody is offered them any more; their claims are yet to be dropped. */
static int add_leaving(json_t *doc, void *argument, struct lf_error *err)
{
	json_t *leaving = lf_json_at(doc, "leaving");

	remove_points(lf_json_at(doc, "points"), argument);
	if (!leaving && lf_json_set(doc, "leaving", leaving = json_array()))
		return lf_fail_nomem(err);
	remove_points(leaving, argument);
	return json_array_extend(leaving, argument) ? lf_fail_nomem(err) : 0;
}

static int remove_leaving(json_t *doc, void *argument, struct lf_error *err)
{
	(void)err;
	remove_points(lf_json_at(doc, "leaving"), argument);
	return 0;
}

static int prune(struct lf_replication *replication, const struct lf_resource *replica,
		 struct lf_error *err)
{
	const json_t *points = lf_json_at(replica->doc, "points");
	size_t n = json_array_size(points), i;
	LF_AUTO_FREE int64_t *times = lf_alloc_array(n + 1, sizeof(*times));
	LF_AUTO_FREE bool *keep = lf_alloc_array(n + 1, sizeof(*keep));
	LF_AUTO_JSON *gone = json_array();
	json_t *point;
	int rc = 0;

	if (!times || !keep || !gone)
		return lf_fail_nomem(err);
	json_array_foreach (points, i, point) {
		rc = lf_time_parse(lf_json_text_or(point, "time", ""), &times[i], err);
		if (rc)
			return rc;
	}
	lf_retention_grid(times, n, lf_clock_expiry_ns(replication->opts.clock),
			  lf_json_int_or(replica->doc, "policy.recoveryPointHistoryInMinutes",
					 DEFAULT_HISTORY_MINUTES),
			  keep);
	json_array_foreach (points, i, point) {
		if (!keep[i])
			json_array_append(gone, point);
	}
	/* those that a kill kept from leaving */
	json_array_extend(gone, lf_json_at(replica->doc, "leaving"));
	if (!json_array_size(gone))
		return 0;
	const char *item = lf_json_text_or(replica->doc, "itemId", "");
	rc = lf_replica_change(replication, item, add_leaving, gone, err);
	LF_CRASH_POINT("retention-leaving");
	if (!rc)
		rc = drop_points(replication, replica->doc, gone, err);
	return rc ? rc : lf_replica_change(replication, item, remove_leaving, gone, err);
}

static int check_agent(struct lf_replication *replication, const struct lf_resource *replica,
		       struct lf_error *err)
{
	const char *item = lf_json_text_or(replica->doc, "itemId", "");
	int64_t now = lf_clock_now_ns(replication->opts.clock), heard;
	bool stopped = strcmp(lf_json_text_or(replica->doc, "phase", ""), "Stopped") == 0;

	json_decref(lf_report_get(replication, lf_json_text_or(replica->doc, "agentId", ""), NULL,
				  &heard));
	if (!heard) /* the daemon has just started: give the agent time to call */
		return 0;
	return lf_replica_health(
		replication, item, "AgentNotConnected",
		!stopped && now - heard > LF_AGENT_GONE_NS
			? "the agent has not been heard of for more than 90 seconds"
			: NULL,
		"check that landfall-agent runs on the machine and reaches this site", err);
}

int lf_replication_tend(struct lf_replication *replication, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_REPLICA_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		int one = prune(replication, &list.items[i], err);
		if (!one)
			one = check_agent(replication, &list.items[i], err);
		/* not found: removed while we looked; one in trouble is no reason to leave others
		 */
		lf_health_set("replica",
			      lf_json_text_or(list.items[i].doc, "itemId", list.items[i].id),
			      one == LF_ENOTFOUND ? 0 : one, err);
	}
	if (!rc)
		rc = lf_agents_tend(replication, err);
	if (!rc)
		rc = lf_registration_keys_tend(replication, err);
	return rc ? rc : lf_replication_session_sweep(replication, err);
}

/* Assignments. */

/* Minutes since then are over; so they are when the clock was set back, or nothing would come for
 * long. */
static bool is_past(int64_t now_ns, int64_t then_ns, int64_t minutes)
{
	return now_ns < then_ns || now_ns >= then_ns + minutes * 60 * LF_NS_PER_S;
}

/* The token of a final session that is asked for and not made; NULL: none is. */
static const char *wanted_token(const json_t *doc)
{
	const char *wanted = lf_json_text(doc, "finalWanted.token");

	return wanted && strcmp(wanted, lf_json_text_or(doc, "finalToken", "")) != 0 ? wanted
										     : NULL;
}

/* token: of the final session that would begin; NULL: it would be another. */
static bool is_due(const json_t *doc, const char *token, int64_t now_ns)
{
	int64_t minutes = lf_json_int_or(doc, "policy.crashConsistentFrequencyInMinutes",
					 DEFAULT_CRASH_MINUTES);
	const char *wanted = wanted_token(doc);

	if (strcmp(lf_json_text_or(doc, "phase", ""), "Stopped") == 0)
		return false;
	if (!lf_json_text(doc, "lastPointId") || lf_json_text(doc, "session"))
		return true;
	if (wanted && token && strcmp(wanted, token) == 0)
		return true;
	return is_past(now_ns, lf_json_int_or(doc, "lastPointNs", 0), minutes > 0 ? minutes : 1);
}

int lf_replica_check_due(struct lf_replication *replication, const json_t *doc, const char *token,
			 struct lf_error *err)
{
	return is_due(doc, token, lf_clock_now_ns(replication->opts.clock))
		       ? 0
		       : lf_fail_arm(
				 err, LF_ECONFLICT, "SessionNotDue",
				 lf_json_text_or(doc, "itemId", ""),
				 "poll, and begin a session when the assignment says it is due, "
				 "with its token",
				 "no session of the item is due");
}

static json_t *view_assignment(struct lf_replication *replication, const json_t *doc,
			       const struct lf_domain_key *key)
{
	int64_t now = lf_clock_now_ns(replication->opts.clock);
	int64_t app = lf_json_int_or(doc, "policy.appConsistentFrequencyInMinutes", 0);
	const char *wanted = wanted_token(doc);
	const char *account = strrchr(lf_json_text_or(doc, "cacheAccountId", "/"), '/') + 1;
	char id_hex[65], data_hex[65],
		owner_hex[2 * LF_OWNER_SIZE + 1] = "", container[LF_PACK_CONTAINER_SIZE];

	lf_hex_encode(key->id_key, 32, id_hex);
	lf_hex_encode(key->data_key, 32, data_hex);
	if (key->owned)
		lf_hex_encode(key->owner, LF_OWNER_SIZE, owner_hex);
	lf_pack_container(lf_json_text_or(doc, "agentId", ""), container);
	LF_AUTO_FREE char *path = lf_printf_dup("/%s/%s/", account, container);
	json_t *view = json_pack(
		"{s:s,s:O,s:s,s:b,s:b,s:s?,s:s?,s:{s:s,s:s,s:i,s:s*},s:s}", "itemId",
		lf_json_text_or(doc, "itemId", ""), "disks", json_object_get(doc, "disks"), "phase",
		lf_json_text_or(doc, "phase", ""), "due", is_due(doc, wanted, now), "app",
		app > 0 && is_past(now, lf_json_int_or(doc, "lastAppNs", 0), app), "token", wanted,
		"basePointId", lf_json_text(doc, "lastPointId"), "key", "id", id_hex, "data",
		data_hex, "epoch", (int)key->epoch, "owner", owner_hex[0] ? owner_hex : NULL,
		"packPath", path ? path : "");
	explicit_bzero(id_hex, sizeof(id_hex));
	explicit_bzero(data_hex, sizeof(data_hex));
	return view;
}

/* The keys that the agent seals with. */
static void key_for(const struct lf_replication *replication, const struct lf_vault *vault,
		    const char *agent, struct lf_domain_key *ret_key)
{
	uint8_t owner[LF_OWNER_SIZE];

	*ret_key = *lf_vault_key(vault);
	if (!replication->own_keys)
		return;
	lf_owner_of(agent, owner);
	lf_domain_key_for_owner(lf_vault_key(vault), owner, ret_key);
}

int lf_replication_assignments(struct lf_replication *replication, const char *agent,
			       json_t **ret_assignments, struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *assignments = json_array();

	int rc = lf_replicas_of(replication, agent, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		const json_t *doc = list.items[i].doc;
		struct lf_vault *vault;
		/* a store that cannot be opened keeps its own machines waiting, no others */
		if (lf_regions_vault(replication->opts.regions, lf_json_text_or(doc, "region", ""),
				     &vault, err)) {
			lf_health_raise("replica", lf_json_text_or(doc, "itemId", ""), "%s",
					err->message);
			continue;
		}
		struct lf_domain_key key = {0};
		if (!rc)
			key_for(replication, vault, agent, &key);
		if (!rc &&
		    json_array_append_new(assignments, view_assignment(replication, doc, &key)))
			rc = lf_fail_nomem(err);
		lf_domain_key_done(&key);
	}
	if (!rc)
		*ret_assignments = lf_steal(&assignments);
	return rc;
}
