/* SPDX-License-Identifier: Apache-2.0 */
#include "replication/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/fault.h"
#include "base/log.h"
#include "os/file.h"
#include "replication/inventory.h"
#include "inflow/inflow.h"
#include "replication/state.h"
#include "vault/session.h"

#define SESSION_TOUCH_NS (3600 * LF_NS_PER_S) /* how often progress is written down */

/* A session as its calls need it. */
struct session {
	struct lf_resource row;
	const char *id, *item;
	struct lf_resource replica;
	char *dir;
	struct lf_inflow inflow;
};

static void session_done(struct session *session)
{
	free(session->dir);
	lf_resource_done(&session->row);
	lf_resource_done(&session->replica);
}
#define AUTO_SESSION LF_CLEANUP(session_done) struct session

static int open_vault(struct lf_replication *replication, const json_t *replica,
		      struct lf_vault **ret_vault, struct lf_error *err)
{
	return lf_regions_vault(replication->opts.regions, lf_json_text_or(replica, "region", ""),
				ret_vault, err);
}

static char *session_dir(const struct lf_replication *replication, const char *id)
{
	return lf_printf_dup("%s/sessions/%s", replication->data_dir, id);
}

/* Find an open session; another agent's is not there. */
static int load_session(struct lf_replication *replication, const char *agent, const char *id,
			struct session *session, struct lf_error *err)
{
	char path[LF_ID_SIZE];

	lf_session_path(id, path);
	int rc = lf_guid_valid(id)
			 ? lf_catalog_get(replication->opts.catalog, path, &session->row, err)
			 : lf_fail(err, LF_EINVAL, "session", "not a session id");
	if (!rc && (strcmp(lf_json_text_or(session->row.doc, "agentId", ""), agent) != 0 ||
		    lf_json_bool_or(session->row.doc, "over", false)))
		rc = lf_fail(err, LF_ENOTFOUND, id, "the session was not found");
	if (rc)
		return rc;
	session->id = strrchr(session->row.id, '/') + 1;
	session->item = lf_json_text_or(session->row.doc, "itemId", "");
	session->dir = session_dir(replication, session->id);
	session->inflow = (struct lf_inflow){
		.dir = session->dir, .ends = replication->ends, .stopping = &replication->stopping};
	rc = session->dir ? lf_replica_load(replication, session->item, &session->replica, err)
			  : lf_fail_nomem(err);
	return rc ? rc : open_vault(replication, session->replica.doc, &session->inflow.vault, err);
}

/* From now on nothing is made of the session's journals, and the sweep goes on if we die. */
static int mark_over(struct lf_replication *replication, const char *path, struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(catalog, path, &row, err);

	if (!rc && lf_json_set(row.doc, "over", json_true()))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_put(catalog, path, NULL, LF_PUT_EXISTING, NULL, row.doc, NULL, err);
	return rc == LF_ENOTFOUND ? 0 : rc; /* another was faster */
}

int lf_replication_session_drop(struct lf_replication *replication, const char *id,
				const char *region, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = session_dir(replication, id);
	struct lf_inflow inflow = {.dir = dir};
	char path[LF_ID_SIZE];

	lf_session_path(id, path);
	int rc = dir ? mark_over(replication, path, err) : lf_fail_nomem(err);
	LF_CRASH_POINT("session-drop");
	if (!rc)
		rc = lf_regions_vault(replication->opts.regions, region, &inflow.vault, err);
	if (!rc)
		rc = lf_inflow_end(&inflow, id, err);
	/* the row last: the sweep finds the lease by it, and a lease that nobody knows of keeps
	 * all garbage for good */
	return rc ? rc : lf_catalog_delete(replication->opts.catalog, path, err);
}

/* Begin. */

static int note_session(json_t *doc, void *argument, struct lf_error *err)
{
	return lf_json_set_text(doc, "session", argument) ? lf_fail_nomem(err) : 0;
}

/* The row and the replica's word of it at once: one without the other would be swept away. */
static int put_session(struct lf_replication *replication, const char *id, const char *item,
		       const json_t *doc, struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	char path[LF_ID_SIZE];

	lf_session_path(id, path);
	int rc = lf_catalog_begin(catalog, err);
	if (!rc)
		rc = lf_catalog_put(catalog, path, LF_SESSION_TYPE, LF_PUT_NEW, NULL, doc, NULL,
				    err);
	if (!rc)
		rc = lf_replica_change(replication, item, note_session, (void *)(uintptr_t)id, err);
	if (!rc)
		rc = lf_catalog_commit(catalog, err);
	if (rc)
		lf_catalog_rollback(catalog);
	else if (replication->opts.changed)
		replication->opts.changed(replication->opts.context, item);
	return rc;
}

static int make_session(struct lf_replication *replication, const char *agent,
			const json_t *request, const struct lf_resource *replica, bool delta,
			char id[static LF_GUID_SIZE], struct lf_error *err)
{
	struct lf_vault *vault;
	const json_t *disks = lf_json_at(request, "disks");
	const char *item = lf_json_text_or(replica->doc, "itemId", "");

	lf_guid_random(id);
	LF_AUTO_JSON *doc = json_pack("{s:s,s:s,s:s,s:s,s:s?,s:O,s:I}", "itemId", item, "agentId",
				      agent, "region", lf_json_text_or(replica->doc, "region", ""),
				      "kind", delta ? "delta" : "full", "token",
				      lf_json_text(request, "token"), "disks", disks, "seen",
				      (json_int_t)lf_clock_now_ns(replication->opts.clock));
	if (!doc)
		return lf_fail_nomem(err);
	/* the row first: what the vault has of a session, the sweep finds by its row */
	int rc = open_vault(replication, replica->doc, &vault, err);
	if (!rc)
		rc = put_session(replication, id, item, doc, err);
	LF_CRASH_POINT("session-row");
	return rc ? rc : lf_session_begin(vault, id, err);
}

/*
 * The open session that the agent may go on with: a full pass of the same disks
 * whose fingerprints the agent still has.  What the site got beyond them is cut
 * off, since the disk may have changed back meanwhile.
 */
static int try_resume(struct lf_replication *replication, const char *agent,
		      const struct lf_resource *replica, const json_t *request, char *ret_id,
		      bool *ret_resumed, struct lf_error *err)
{
	const char *id = lf_json_text(replica->doc, "session");
	const char *wanted = lf_json_text_or(request, "resume.session", "");
	AUTO_SESSION session = {0};
	struct lf_error ignored;
	int rc = 0;

	*ret_resumed = false;
	if (!id || strcmp(id, wanted) != 0 ||
	    load_session(replication, agent, id, &session, &ignored) ||
	    strcmp(lf_json_text_or(session.row.doc, "kind", ""), "full") != 0 ||
	    strcmp(lf_json_text_or(request, "kind", ""), "full") != 0 ||
	    !json_equal(lf_json_at(session.row.doc, "disks"), lf_json_at(request, "disks")))
		return 0;
	for (size_t i = 0; !rc && i < json_array_size(lf_json_at(request, "disks")); i++) {
		LF_AUTO_FREE char *field = lf_printf_dup("resume.upto.%zu", i);
		rc = field ? lf_inflow_cut(&session.inflow, (unsigned)i,
					   (uint64_t)lf_json_int_or(request, field, 0), err)
			   : lf_fail_nomem(err);
	}
	if (rc == LF_ECORRUPT) /* nothing to go on with: begin anew */
		return 0;
	memcpy(ret_id, session.id, LF_GUID_SIZE);
	*ret_resumed = rc == 0;
	return rc;
}

static int describe_session(struct lf_replication *replication, const char *agent, const char *id,
			    json_t **ret_answer, struct lf_error *err)
{
	AUTO_SESSION session = {0};
	LF_AUTO_JSON *disks = json_array();
	size_t i;
	json_t *disk;

	int rc = load_session(replication, agent, id, &session, err);
	if (rc)
		return rc;
	json_array_foreach (lf_json_at(session.row.doc, "disks"), i, disk) {
		uint64_t upto = 0;
		rc = lf_inflow_upto(&session.inflow, (unsigned)i, &upto, err);
		if (rc)
			return rc;
		json_array_append_new(disks,
				      json_pack("{s:s,s:I}", "id", lf_json_text_or(disk, "id", ""),
						"upto", (json_int_t)upto));
	}
	*ret_answer = json_pack("{s:s,s:s,s:O}", "sessionId", id, "kind",
				lf_json_text_or(session.row.doc, "kind", ""), "disks", disks);
	return *ret_answer ? 0 : lf_fail_nomem(err);
}

static const json_t *disk_of(const json_t *replica, const char *id)
{
	size_t i;
	json_t *disk;

	json_array_foreach (lf_json_at(replica, "disks"), i, disk) {
		if (strcmp(lf_json_text_or(disk, "id", ""), id) == 0)
			return disk;
	}
	return NULL;
}

/* The session's disks, as far as they make sense, are the replica's. */
static int check_disks(json_t *request, const json_t *replica, struct lf_error *err)
{
	json_t *disks = NULL, *disk;
	size_t i;
	int rc = lf_session_disks_check(lf_json_at(request, "disks"), &disks, err);

	if (rc)
		return rc;
	if (json_object_set_new(request, "disks", disks))
		return lf_fail_nomem(err);
	json_array_foreach (disks, i, disk) {
		if (lf_json_at(replica, "disks") &&
		    !disk_of(replica, lf_json_text_or(disk, "id", "")))
			return lf_fail(
				err, LF_EINVAL, "disks",
				"a disk of the session is not one of those that are protected");
	}
	return 0;
}

int lf_replication_session_begin(struct lf_replication *replication, const char *agent,
				 const json_t *asked, json_t **ret_answer, struct lf_error *err)
{
	LF_AUTO_JSON *request = json_copy((json_t *)(uintptr_t)asked);
	const char *base = lf_json_text_or(request, "basePointId", "");
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;
	char id[LF_GUID_SIZE];

	int rc =
		lf_replica_load(replication, lf_json_text_or(request, "itemId", ""), &replica, err);
	if (!rc && strcmp(lf_json_text_or(replica.doc, "agentId", ""), agent) != 0)
		rc = lf_fail(err, LF_ENOTFOUND, "itemId",
			     "the item is not replicated by this agent");
	if (!rc)
		rc = check_disks(request, replica.doc, err);
	if (rc)
		return rc;
	bool resumed;
	rc = lf_session_check_open(replication, lf_json_text_or(replica.doc, "session", ""), err);
	if (!rc)
		rc = lf_replica_check_due(replication, replica.doc, lf_json_text(request, "token"),
					  err);
	if (!rc)
		rc = try_resume(replication, agent, &replica, request, id, &resumed, err);
	if (rc)
		return rc;
	if (!resumed) {
		const char *old = lf_json_text(replica.doc, "session");
		/* a delta is against our newest point or it is no delta */
		bool delta = base[0] &&
			     strcmp(lf_json_text_or(request, "kind", ""), "delta") == 0 &&
			     strcmp(base, lf_json_text_or(replica.doc, "lastPointId", "")) == 0;
		if (old)
			rc = lf_replication_session_drop(
				replication, old, lf_json_text_or(replica.doc, "region", ""), err);
		if (!rc)
			rc = make_session(replication, agent, request, &replica, delta, id, err);
		if (rc)
			return rc;
	}
	return describe_session(replication, agent, id, ret_answer, err);
}

/* Transfer. */

int lf_replication_session_have(struct lf_replication *replication, const char *agent,
				const char *id, const struct lf_chunk_id *ids, size_t n,
				uint8_t *ret_bits, struct lf_error *err)
{
	AUTO_SESSION session = {0};
	int rc = load_session(replication, agent, id, &session, err);

	return rc ? rc : lf_vault_have(session.inflow.vault, ids, n, ret_bits, err);
}

int lf_replication_session_adopt(struct lf_replication *replication, const char *agent,
				 const char *id, const char *path, struct lf_error *err)
{
	AUTO_SESSION session = {0};
	struct lf_error ignored;
	int rc = load_session(replication, agent, id, &session, err);

	if (!rc)
		rc = lf_session_check_open(replication, id, err);
	if (!rc)
		rc = lf_vault_adopt_pack(session.inflow.vault, path, err);
	if (rc != LF_ECORRUPT)
		return rc;
	/* what the agent sent is broken, not the site; its name is free for a whole one */
	lf_log_error("a pack that an agent sent", err);
	if (lf_file_remove(path, &ignored))
		lf_log_error("a pack that an agent sent", &ignored);
	return lf_fail_arm(err, LF_EINVAL, "PackInvalid", NULL, "send it again",
			   "the pack is damaged, or not what its name says");
}

int lf_replication_session_cache(struct lf_replication *replication, const char *agent,
				 const char *id, char **ret_account_id, struct lf_error *err)
{
	AUTO_SESSION session = {0};
	int rc = load_session(replication, agent, id, &session, err);

	if (rc)
		return rc;
	*ret_account_id = strdup(lf_json_text_or(session.replica.doc, "cacheAccountId", ""));
	return *ret_account_id ? 0 : lf_fail_nomem(err);
}

static int find_disk(const struct session *session, const char *disk, size_t *ret_index,
		     struct lf_error *err)
{
	size_t i;
	json_t *entry;

	json_array_foreach (lf_json_at(session->row.doc, "disks"), i, entry) {
		if (strcmp(lf_json_text_or(entry, "id", ""), disk) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	return lf_fail(err, LF_EINVAL, "disk", "the session has no such disk");
}

/* The session makes progress: it is not swept away, however long it takes. */
static int touch_session(struct lf_replication *replication, struct session *session,
			 struct lf_error *err)
{
	int64_t now = lf_clock_now_ns(replication->opts.clock);

	if (now - lf_json_int_or(session->row.doc, "seen", 0) < SESSION_TOUCH_NS)
		return 0;
	if (lf_json_set_int(session->row.doc, "seen", now))
		return lf_fail_nomem(err);
	return lf_catalog_put(replication->opts.catalog, session->row.id, NULL, LF_PUT_EXISTING,
			      NULL, session->row.doc, NULL, err);
}

/* The directory comes with the first journal, after the row: so no sweep takes it for nobody's. */
static int make_dir(const struct session *session, struct lf_error *err)
{
	return access(session->dir, F_OK) == 0 ? 0 : lf_dir_make(session->dir, 0700, err);
}

static uint64_t pages_of(const struct session *session, size_t disk)
{
	const json_t *entry = json_array_get(lf_json_at(session->row.doc, "disks"), disk);

	return lf_pages_of((uint64_t)lf_json_int_or(entry, "sizeBytes", 0));
}

int lf_replication_session_extents(struct lf_replication *replication, const char *agent,
				   const char *id, const char *disk, uint64_t upto,
				   const uint8_t *records, size_t n, struct lf_error *err)
{
	AUTO_SESSION session = {0};
	size_t index = 0;

	int rc = load_session(replication, agent, id, &session, err);
	if (!rc)
		rc = lf_session_check_open(replication, id, err);
	if (!rc)
		rc = find_disk(&session, disk, &index, err);
	if (!rc)
		rc = make_dir(&session, err);
	if (!rc)
		rc = touch_session(replication, &session, err);
	return rc ? rc
		  : lf_inflow_extents(&session.inflow, (unsigned)index, pages_of(&session, index),
				      upto, records, n, err);
}

/* Commit. */

/* Root of the disk in the replica's newest point; empty for a full pass or a new disk. */
static int base_root(const struct session *session, const char *disk, struct lf_root *ret_root,
		     struct lf_error *err)
{
	size_t i;
	json_t *entry;

	memset(ret_root, 0, sizeof(*ret_root));
	if (strcmp(lf_json_text_or(session->row.doc, "kind", ""), "delta") != 0)
		return 0;
	json_array_foreach (lf_json_at(session->replica.doc, "points.0.disks"), i, entry) {
		if (strcmp(lf_json_text_or(entry, "id", ""), disk) == 0)
			return lf_root_parse(lf_json_text_or(entry, "root", ""), ret_root, err);
	}
	return 0;
}

static int build_disk(const struct session *session, size_t index, json_t *disk,
		      struct lf_error *err)
{
	struct lf_root base, root;
	char text[LF_ROOT_TEXT_SIZE];
	int rc = base_root(session, lf_json_text_or(disk, "id", ""), &base, err);

	if (!rc)
		rc = lf_inflow_build(&session->inflow, (unsigned)index, pages_of(session, index),
				     &base, &root, err);
	if (rc)
		return rc;
	lf_root_format(&root, text);
	return lf_json_set_text(disk, "root", text) ? lf_fail_nomem(err) : 0;
}

/* What the agent says of its machine: a point is to boot when its vault is all there is. */
static int describe_machine(struct lf_replication *replication, const struct session *session,
			    json_t **ret_machine, struct lf_error *err)
{
	static const char *const members[] = {"machineName", "os", "firmware", "cores",
					      "memoryMiB"};
	const char *agent_id = lf_json_text_or(session->row.doc, "agentId", "");
	LF_AUTO_RESOURCE agent = LF_RESOURCE_INIT;
	LF_AUTO_JSON *machine =
		json_pack("{s:s,s:s}", "itemId", session->item, "agentId", agent_id);
	char id[LF_ID_SIZE];

	lf_agent_path(agent_id, id);
	int rc = machine ? lf_catalog_get(replication->opts.catalog, id, &agent, err)
			 : lf_fail_nomem(err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	const json_t *inventory = lf_json_at(agent.doc, "inventory");
	for (size_t i = 0; i < LF_N(members); i++) {
		json_t *value = json_object_get(inventory, members[i]);
		if (value && json_object_set(machine, i ? members[i] : "name", value))
			return lf_fail_nomem(err);
	}
	*ret_machine = lf_steal(&machine);
	return 0;
}

static int build_manifest(struct lf_replication *replication, const struct session *session,
			  const json_t *request, json_t **ret_manifest, struct lf_error *err)
{
	LF_AUTO_JSON *disks = json_deep_copy(lf_json_at(session->row.doc, "disks"));
	int64_t age_ms = lf_json_int_or(request, "ageMs", 0);
	int64_t now = lf_clock_now_ns(replication->opts.clock);
	LF_AUTO_JSON *manifest = NULL, *machine = NULL;
	size_t i;
	json_t *disk;
	int rc = describe_machine(replication, session, &machine, err);

	json_array_foreach (disks, i, disk)
		if (!rc)
			rc = build_disk(session, i, disk, err);
	if (rc)
		return rc;
	manifest = json_pack("{s:s,s:s,s:O,s:O}", "id", session->id, "consistency",
			     lf_json_text_or(request, "consistency", "CrashConsistent"), "machine",
			     machine, "disks", disks);
	if (age_ms < 0 || age_ms > 86400000)
		age_ms = 0;
	if (!manifest || lf_json_set_time(manifest, "time", now - age_ms * LF_NS_PER_MS))
		return lf_fail_nomem(err);
	*ret_manifest = lf_steal(&manifest);
	return 0;
}

struct commit {
	const struct session *session;
	const json_t *manifest, *request;
	int64_t now_ns;
};

static bool lists_point(const json_t *replica, const char *id)
{
	size_t i;
	json_t *point;

	json_array_foreach (lf_json_at(replica, "points"), i, point) {
		if (strcmp(lf_json_text_or(point, "id", ""), id) == 0)
			return true;
	}
	return false;
}

/* A sum that no longer fits stays where it is. */
static int add_bytes(json_t *doc, const json_t *request, const char *name)
{
	int64_t sum = lf_json_int_or(doc, name, 0);

	if (!lf_checked_add(sum, lf_json_int_or(request, name, 0), &sum))
		return 0;
	return lf_json_set_int(doc, name, sum);
}

/* The replica with its new point: what lf_replica_get() shows from now on. */
static int add_point(json_t *doc, void *argument, struct lf_error *err)
{
	const struct commit *commit = argument;
	const json_t *manifest = commit->manifest;
	const char *token = lf_json_text(commit->session->row.doc, "token");
	json_t *points = lf_json_at(doc, "points");
	int bad = 0;

	if (lists_point(doc, commit->session->id)) /* asked twice at once */
		return 0;
	json_t *point = json_pack("{s:O,s:O,s:O,s:O}", "id", json_object_get(manifest, "id"),
				  "time", json_object_get(manifest, "time"), "consistency",
				  json_object_get(manifest, "consistency"), "disks",
				  json_object_get(manifest, "disks"));
	if (!points)
		bad |= lf_json_set(doc, "points", points = json_array());
	bad |= json_array_insert_new(points, 0, point);
	if (!lf_json_text(doc, "lastPointId"))
		bad |= lf_json_set_int(doc, "initialSentBytes",
				       lf_json_int_or(commit->request, "bytesSent", 0));
	bad |= lf_json_set(doc, "lastPointId", json_incref(json_object_get(manifest, "id")));
	bad |= lf_json_set(doc, "lastPointTime", json_incref(json_object_get(manifest, "time")));
	bad |= lf_json_set_int(doc, "lastPointNs", commit->now_ns);
	bad |= lf_json_set_int(doc, "freezeMs", lf_json_int_or(commit->request, "freezeMs", 0));
	bad |= add_bytes(doc, commit->request, "bytesRead");
	bad |= add_bytes(doc, commit->request, "bytesSent");
	bad |= lf_json_set(doc, "session", json_null());
	bad |= lf_json_set_text(doc, "phase", "Delta");
	if (strcmp(lf_json_text_or(manifest, "consistency", ""), "ApplicationConsistent") == 0)
		bad |= lf_json_set_int(doc, "lastAppNs", commit->now_ns);
	if (token) {
		bool stop = lf_json_bool_or(doc, "finalWanted.stopAfter", false) &&
			    strcmp(lf_json_text_or(doc, "finalWanted.token", ""), token) == 0;
		bad |= lf_json_set_text(doc, "finalToken", token);
		bad |= lf_json_set(doc, "finalPointId",
				   json_incref(json_object_get(manifest, "id")));
		if (stop)
			bad |= lf_json_set_text(doc, "phase", "Stopped");
	}
	return bad ? lf_fail_nomem(err) : 0;
}

static bool has_point(struct lf_replication *replication, const char *agent, const char *id)
{
	LF_AUTO_RESOURCE_LIST list = {0};
	struct lf_error ignored;

	if (lf_replicas_of(replication, agent, &list, &ignored))
		return false;
	for (size_t i = 0; i < list.n; i++)
		if (lists_point(list.items[i].doc, id))
			return true;
	return false;
}

static int check_still_there(struct lf_replication *replication, const struct session *session,
			     struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(replication->opts.catalog, session->row.id, &row, err);

	if (rc == LF_ENOTFOUND || (!rc && lf_json_bool_or(row.doc, "over", false)))
		rc = lf_fail(err, LF_ENOTFOUND, session->id, "the session was given up");
	return rc;
}

int lf_session_check_owner(struct lf_replication *replication, const char *agent, const char *id,
			   struct lf_error *err)
{
	AUTO_SESSION session = {0};
	int rc = load_session(replication, agent, id, &session, err);

	return rc == LF_ENOTFOUND && has_point(replication, agent, id) ? 0 : rc;
}

static int make_point(struct lf_replication *replication, const struct session *session,
		      const json_t *request, struct lf_error *err)
{
	LF_AUTO_JSON *manifest = NULL;
	struct lf_error ignored;

	int rc = build_manifest(replication, session, request, &manifest, err);
	LF_CRASH_POINT("commit-after-maps");
	/* dropped meanwhile, its journals with it: what was read of them may not be all */
	if (!rc)
		rc = check_still_there(replication, session, err);
	if (!rc)
		rc = lf_point_put(session->inflow.vault, session->id, manifest, "retention",
				  LF_CLAIM_FOREVER, err);
	LF_CRASH_POINT("commit-after-point");
	if (rc)
		return rc;
	struct commit commit = {session, manifest, request,
				lf_clock_now_ns(replication->opts.clock)};
	rc = lf_replica_change(replication, session->item, add_point, &commit, err);
	/* the replica was removed meanwhile: nobody else will let go of the point */
	if (rc == LF_ENOTFOUND &&
	    lf_claim_drop(session->inflow.vault, session->id, "retention", &ignored))
		lf_log_error("a point of a removed replica", &ignored);
	return rc;
}

int lf_replication_session_commit(struct lf_replication *replication, const char *agent,
				  const char *id, const json_t *request, json_t **ret_answer,
				  struct lf_error *err)
{
	AUTO_SESSION session = {0};

	LF_AUTO_JSON *answer = json_pack("{s:s}", "pointId", id);
	int rc = answer ? load_session(replication, agent, id, &session, err) : lf_fail_nomem(err);
	if (rc == LF_ENOTFOUND && has_point(replication, agent, id)) {
		*ret_answer = lf_steal(&answer); /* it was, and only our answer got lost */
		return 0;
	}
	if (!rc && !lists_point(session.replica.doc, session.id)) /* else a kill cut the end off */
		rc = make_point(replication, &session, request, err);
	LF_CRASH_POINT("commit-after-catalog");
	if (!rc)
		rc = lf_replication_session_drop(replication, session.id,
						 lf_json_text_or(session.replica.doc, "region", ""),
						 err);
	if (!rc)
		*ret_answer = lf_steal(&answer);
	return rc;
}
