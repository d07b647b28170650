/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session becomes the recovery point of the same id.
 *
 * For each disk the journal's extents are put over the base's map; then the point's manifest is
 * written into the vault, with the claim "retention"; then the replica's row lists the point; then
 * the session is dropped.  A kill between any two is made good by asking again, which does what is
 * left: maps built twice are the same, a point that is listed is not listed twice, and a session
 * that is gone and whose point is listed has been committed.
 */
#include <string.h>

#include "base/checked.h"
#include "base/fault.h"
#include "base/log.h"
#include "replication/assign/rendezvous.h"
#include "replication/session.h"
#include "replication/state.h"
#include "vault/point/point.h"

#define AGE_MS_MAX (24 * 3600 * 1000) /* of the instant that a point is of */

/* Root of the disk in the replica's newest point; empty for a full pass or a new disk. */
static int base_root(const struct lf_transfer_session *session, const struct lf_replica *replica,
		     const char *disk, struct lf_root *ret_root, struct lf_error *err)
{
	const json_t *newest = json_array_get(replica->points, 0);
	const json_t *entry = lf_json_find(lf_json_at(newest, "disks"), "id", disk);

	memset(ret_root, 0, sizeof(*ret_root));
	if (session->kind == LF_SESSION_FULL || !entry)
		return 0;
	return lf_root_parse(lf_json_text_or(entry, "root", ""), ret_root, err);
}

static int build_disk(const struct lf_transfer_session *session, const struct lf_replica *replica,
		      unsigned index, json_t *disk, struct lf_error *err)
{
	uint64_t pages = lf_pages_of((uint64_t)session->disks[index].size_bytes);
	struct lf_root base, root;
	char text[LF_ROOT_TEXT_SIZE];
	int rc = base_root(session, replica, session->disks[index].id, &base, err);

	if (!rc)
		rc = lf_inflow_build(&session->inflow, index, pages, &base, &root, err);
	if (rc)
		return rc;
	lf_root_format(&root, text);
	return lf_json_set_text(disk, "root", text) ? lf_fail_nomem(err) : 0;
}

/* What the agent says of its machine: a point is to boot when its vault is all there is. */
static int describe_machine(const struct lf_transfer_session *session, struct lf_doc *machine,
			    struct lf_error *err)
{
	static const char *const members[] = {"os", "firmware", "cores", "memoryMiB"};
	LF_AUTO_RESOURCE agent = LF_RESOURCE_INIT;
	char id[LF_ID_SIZE];
	bool there;

	lf_agent_path(session->agent, id);
	int rc = lf_catalog_find(session->replication->opts.catalog, id, &agent, &there, err);
	if (rc)
		return rc;
	const json_t *inventory = there ? lf_json_at(agent.doc, "inventory") : NULL;
	lf_doc_text(machine, "itemId", session->item);
	lf_doc_text(machine, "agentId", session->agent);
	lf_doc_share_if(machine, "name", json_object_get(inventory, "machineName"));
	for (size_t i = 0; i < LF_N(members); i++)
		lf_doc_share_if(machine, members[i], json_object_get(inventory, members[i]));
	return 0;
}

/* What the agent could not read of the disk, and counted as zeroes. */
static int put_unreadable(json_t *disk, const json_t *request, struct lf_error *err)
{
	const char *id = lf_json_text_or(disk, "id", "");
	LF_AUTO_JSON *ranges = json_array();
	json_t *range;
	size_t i;

	json_array_foreach (lf_json_at(request, "unreadable"), i, range) {
		LF_AUTO_JSON *own = json_copy(range);
		if (strcmp(lf_json_text_or(range, "disk", ""), id) != 0)
			continue;
		json_object_del(own, "disk");
		if (json_array_append(ranges, own))
			return lf_fail_nomem(err);
	}
	return json_array_size(ranges) && json_object_set(disk, "unreadable", ranges)
		       ? lf_fail_nomem(err)
		       : 0;
}

static int build_manifest(const struct lf_transfer_session *session,
			  const struct lf_replica *replica, const json_t *request,
			  json_t **ret_manifest, struct lf_error *err)
{
	json_t *disks = json_deep_copy(session->disks_doc), *disk;
	int64_t age_ms = lf_json_int_or(request, "ageMs", 0);
	int64_t now = lf_clock_now_ns(session->replication->opts.clock);
	const char *consistency = lf_json_text_or(request, "consistency", "CrashConsistent");
	bool held = lf_json_bool_or(request, "together", false) &&
		    strcmp(consistency, "Inconsistent") != 0;
	int64_t common = lf_rendezvous_instant(session->replication, session->id, held);
	LF_AUTO_DOC manifest = LF_DOC_INIT, machine = LF_DOC_INIT;
	size_t i;
	int rc = describe_machine(session, &machine, err);

	if (age_ms < 0 || age_ms > AGE_MS_MAX)
		age_ms = 0;
	json_array_foreach (disks, i, disk) {
		if (!rc)
			rc = build_disk(session, replica, (unsigned)i, disk, err);
		if (!rc)
			rc = put_unreadable(disk, request, err);
	}
	lf_doc_text(&manifest, "id", session->id);
	lf_doc_text(&manifest, "consistency", consistency);
	lf_doc_share_if(&manifest, "frozen", json_object_get(request, "frozen"));
	lf_doc_share_if(&manifest, "unheld", json_object_get(request, "unheld"));
	lf_doc_put(&manifest, "machine", lf_doc_take(&machine));
	lf_doc_put(&manifest, "disks", disks);
	lf_doc_time(&manifest, "time", common ? common : now - age_ms * LF_NS_PER_MS);
	return rc ? rc : lf_doc_end(&manifest, ret_manifest, err);
}

struct commit {
	const struct lf_transfer_session *session;
	const json_t *manifest, *request;
	int64_t now_ns;
};

/* A sum that no longer fits stays where it is. */
static void add_bytes(struct lf_doc *doc, const json_t *request, const char *name)
{
	int64_t sum = lf_json_int_or(doc->root, name, 0);

	if (lf_checked_add(sum, lf_json_int_or(request, name, 0), &sum))
		lf_doc_int(doc, name, sum);
}

/* The points with the new one in front; NULL: no memory. */
static json_t *points_with(const struct lf_replica *replica, const json_t *manifest)
{
	static const char *const members[] = {"id", "time", "consistency", "disks"};
	LF_AUTO_JSON *points = json_array();
	LF_AUTO_DOC point = LF_DOC_INIT;

	for (size_t i = 0; i < LF_N(members); i++)
		lf_doc_share(&point, members[i], json_object_get(manifest, members[i]));
	if (json_array_append_new(points, lf_doc_take(&point)) ||
	    (replica->points && json_array_extend(points, (json_t *)(uintptr_t)replica->points)))
		return NULL;
	return lf_steal(&points);
}

static void note_final(struct lf_doc *doc, const struct lf_replica *replica, const char *token,
		       const char *point)
{
	const char *wanted = replica->wanted.token;

	lf_doc_text(doc, "finalToken", token);
	lf_doc_text(doc, "finalPointId", point);
	if (replica->wanted.stop_after && wanted && strcmp(wanted, token) == 0)
		lf_doc_text(doc, "phase", "Stopped");
}

/* Was it to be application-consistent, and if it is not, why?  An agent that does not say so was
 * not able to, and is not asked all the time. */
static void note_app(struct lf_doc *doc, const struct lf_replica *replica,
		     const struct commit *commit)
{
	const char *error = lf_json_text(commit->request, "appError");
	const char *since = lf_json_text(replica->app_fault, "since");
	bool is_app = lf_point_is_app(commit->manifest);

	if (error || is_app || lf_replica_app_due(replica, commit->now_ns))
		lf_doc_int(doc, "appTriedNs", commit->now_ns);
	if (is_app)
		lf_doc_int(doc, "lastAppNs", commit->now_ns);
	if (is_app)
		lf_doc_null(doc, "appFault");
	if (is_app || !error)
		return;
	lf_doc_put(doc, "appFault", json_object());
	lf_doc_text(doc, "appFault.message", error);
	lf_doc_text(doc, "appFault.advice", lf_json_text_or(commit->request, "appAdvice", ""));
	lf_doc_text(doc, "appFault.since",
		    since ? since : lf_json_text_or(commit->manifest, "time", ""));
}

/* The replica with its new point: what lf_replica_get() shows from now on. */
static int add_point(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
		     struct lf_error *err)
{
	const struct commit *commit = argument;
	const json_t *manifest = commit->manifest, *request = commit->request;
	const struct lf_transfer_session *session = commit->session;

	(void)err;
	if (lf_replica_lists_point(replica, session->id)) /* asked twice at once */
		return 0;
	lf_doc_put(doc, "points", points_with(replica, manifest));
	if (!replica->last_point)
		lf_doc_int(doc, "initialSentBytes", lf_json_int_or(request, "bytesSent", 0));
	lf_doc_text(doc, "lastPointId", session->id);
	lf_doc_share(doc, "lastPointTime", json_object_get(manifest, "time"));
	lf_doc_int(doc, "lastPointNs", commit->now_ns);
	lf_doc_int(doc, "freezeMs", lf_json_int_or(request, "freezeMs", 0));
	add_bytes(doc, request, "bytesRead");
	add_bytes(doc, request, "bytesSent");
	lf_doc_null(doc, "session");
	lf_doc_text(doc, "phase", "Delta");
	note_app(doc, replica, commit);
	if (session->token)
		note_final(doc, replica, session->token, session->id);
	return 0;
}

struct search {
	const char *point;
	bool found;
};

static int look_for_point(struct lf_replication *replication, const struct lf_replica *replica,
			  void *argument, struct lf_error *err)
{
	struct search *search = argument;

	(void)replication, (void)err;
	search->found = search->found || lf_replica_lists_point(replica, search->point);
	return 0;
}

static bool has_point(struct lf_replication *replication, const char *agent, const char *id)
{
	struct search search = {.point = id};
	struct lf_error ignored;

	return lf_replicas_of(replication, agent, look_for_point, &search, &ignored) == 0 &&
	       search.found;
}

int lf_session_check_owner(struct lf_replication *replication, const char *agent, const char *id,
			   struct lf_error *err)
{
	LF_AUTO_TRANSFER_SESSION session = {0};
	int rc = lf_session_open(replication, agent, id, &session, err);

	return rc == LF_ENOTFOUND && has_point(replication, agent, id) ? 0 : rc;
}

static int check_still_there(const struct lf_transfer_session *session, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool there;
	int rc = lf_catalog_find(session->replication->opts.catalog, session->row.id, &row, &there,
				 err);

	if (!rc && (!there || lf_json_bool_or(row.doc, "over", false)))
		rc = lf_fail(err, LF_ENOTFOUND, session->id, "the session was given up");
	return rc;
}

static int make_point(const struct lf_transfer_session *session, const struct lf_replica *replica,
		      const json_t *request, struct lf_error *err)
{
	struct lf_replication *replication = session->replication;
	struct lf_vault *vault = session->inflow.vault;
	LF_AUTO_JSON *manifest = NULL;
	struct lf_error ignored;

	int rc = build_manifest(session, replica, request, &manifest, err);
	LF_CRASH_POINT("commit-after-maps");
	/* dropped meanwhile, its journals with it: what was read of them may not be all */
	if (!rc)
		rc = check_still_there(session, err);
	if (!rc)
		rc = lf_point_put(vault, session->id, manifest, "retention", LF_CLAIM_FOREVER, err);
	LF_CRASH_POINT("commit-after-point");
	if (rc)
		return rc;
	struct commit commit = {session, manifest, request,
				lf_clock_now_ns(replication->opts.clock)};
	rc = lf_replica_change(replication, session->item, add_point, &commit, err);
	/* the replica was removed meanwhile: nobody else will let go of the point */
	if (rc == LF_ENOTFOUND && lf_claim_drop(vault, session->id, "retention", &ignored))
		lf_log_error("a point of a removed replica", &ignored);
	return rc;
}

int lf_replication_session_commit(struct lf_replication *replication, const char *agent,
				  const char *id, const json_t *request, json_t **ret_answer,
				  struct lf_error *err)
{
	LF_AUTO_TRANSFER_SESSION session = {0};
	LF_AUTO_REPLICA replica = {0};
	LF_AUTO_DOC answer = LF_DOC_INIT;

	lf_doc_text(&answer, "pointId", id);
	int rc = lf_session_open(replication, agent, id, &session, err);
	if (rc == LF_ENOTFOUND && has_point(replication, agent, id))
		return lf_doc_end(&answer, ret_answer, err); /* only our answer got lost */
	if (!rc)
		rc = lf_replica_load(replication, session.item, &replica, err);
	if (!rc && !lf_replica_lists_point(&replica, id)) /* else a kill cut the end off */
		rc = make_point(&session, &replica, request, err);
	if (!rc)
		rc = lf_rendezvous_made(replication, id, err);
	LF_CRASH_POINT("commit-after-catalog");
	if (!rc)
		rc = lf_replication_session_drop(replication, session.id, session.region, err);
	return rc ? rc : lf_doc_end(&answer, ret_answer, err);
}
