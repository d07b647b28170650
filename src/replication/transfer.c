/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session from begin to its last extent; replication/point.c makes the point of it.
 *
 * Begin writes the session's row and, in the same transaction, its id into the replica's row; then
 * it begins the vault's lease.  Packs go into the vault, extents into journals
 * (inflow/inflow.h), each durable before the agent is told.  By the row the sweep finds what a kill
 * left of a session, at whatever step.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "os/file.h"
#include "replication/assign/rendezvous.h"
#include "replication/inventory.h"
#include "replication/session.h"
#include "replication/state.h"
#include "vault/lease.h"

#define SESSION_TOUCH_NS (3600 * LF_NS_PER_S) /* how often progress is written down */

/* Begin. */

static int note_session(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
			struct lf_error *err)
{
	(void)replica, (void)err;
	lf_doc_text(doc, "session", argument);
	return 0;
}

/* The row and the replica's word of it at once: one without the other would be swept away. */
static int put_session(struct lf_replication *replication, const char *id, const char *item,
		       const json_t *doc, struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char path[LF_ID_SIZE];

	lf_session_path(id, path);
	int rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = lf_catalog_put(catalog, path, LF_SESSION_TYPE, LF_PUT_NEW, NULL, doc, NULL,
				    err);
	if (!rc)
		rc = lf_replica_change(replication, item, note_session, (void *)(uintptr_t)id, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (!rc && replication->opts.changed)
		replication->opts.changed(replication->opts.context, item);
	return rc;
}

static int make_session(struct lf_replication *replication, const struct lf_replica *replica,
			const json_t *request, bool delta, char id[static LF_GUID_SIZE],
			struct lf_error *err)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	struct lf_vault *vault;

	lf_guid_random(id);
	lf_doc_text(&doc, "itemId", replica->item);
	lf_doc_text(&doc, "agentId", replica->agent);
	lf_doc_text(&doc, "region", replica->region);
	lf_doc_text(&doc, "cacheAccountId", replica->account);
	lf_doc_text(&doc, "kind", delta ? "delta" : "full");
	lf_doc_text(&doc, "token", lf_json_text(request, "token"));
	lf_doc_share(&doc, "disks", lf_json_at(request, "disks"));
	lf_doc_int(&doc, "seen", lf_clock_now_ns(replication->opts.clock));
	int rc = lf_doc_check(&doc, err);
	if (!rc)
		rc = lf_regions_vault(replication->opts.regions, replica->region, &vault, err);
	/* the row first: what the vault has of a session, the sweep finds by its row */
	if (!rc)
		rc = put_session(replication, id, replica->item, doc.root, err);
	LF_CRASH_POINT("session-row");
	return rc ? rc : lf_lease_begin(vault, id, err);
}

/*
 * The open session that the agent may go on with: a full pass of the same disks
 * whose fingerprints the agent still has.  What the site got beyond them is cut
 * off, since the disk may have changed back meanwhile.
 */
static int try_resume(struct lf_replication *replication, const struct lf_replica *replica,
		      const json_t *request, char *ret_id, bool *ret_resumed, struct lf_error *err)
{
	const char *wanted = lf_json_text_or(request, "resume.session", "");
	LF_AUTO_TRANSFER_SESSION session = {0};
	struct lf_error ignored;
	int rc = 0;

	*ret_resumed = false;
	if (!replica->session || strcmp(replica->session, wanted) != 0 ||
	    lf_session_open(replication, replica->agent, wanted, &session, &ignored) ||
	    session.kind != LF_SESSION_FULL ||
	    strcmp(lf_json_text_or(request, "kind", ""), "full") != 0 ||
	    !json_equal(session.disks_doc, lf_json_at(request, "disks")))
		return 0;
	for (size_t i = 0; !rc && i < session.n_disks; i++) {
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
	LF_AUTO_TRANSFER_SESSION session = {0};
	LF_AUTO_DOC answer = LF_DOC_INIT;
	int rc = lf_session_open(replication, agent, id, &session, err);

	lf_doc_text(&answer, "sessionId", id);
	lf_doc_text(&answer, "kind", session.kind == LF_SESSION_DELTA ? "delta" : "full");
	for (size_t i = 0; !rc && i < session.n_disks; i++) {
		LF_AUTO_DOC disk = LF_DOC_INIT;
		uint64_t upto = 0;
		rc = lf_inflow_upto(&session.inflow, (unsigned)i, &upto, err);
		lf_doc_text(&disk, "id", session.disks[i].id);
		lf_doc_int(&disk, "upto", (int64_t)upto);
		lf_doc_append(&answer, "disks", lf_doc_take(&disk));
	}
	return rc ? rc : lf_doc_end(&answer, ret_answer, err);
}

/* The session's disks, as far as they make sense, are the replica's. */
static int check_disks(json_t *request, const struct lf_replica *replica, struct lf_error *err)
{
	json_t *disks = NULL, *disk;
	size_t i;
	int rc = lf_session_disks_check(lf_json_at(request, "disks"), &disks, err);

	if (rc)
		return rc;
	if (json_object_set_new(request, "disks", disks))
		return lf_fail_nomem(err);
	json_array_foreach (disks, i, disk) {
		if (replica->disks &&
		    !lf_json_find(replica->disks, "id", lf_json_text_or(disk, "id", "")))
			return lf_fail(
				err, LF_EINVAL, "disks",
				"a disk of the session is not one of those that are protected");
	}
	return 0;
}

/* A delta is against our newest point or it is no delta. */
static bool is_delta(const json_t *request, const struct lf_replica *replica)
{
	const char *base = lf_json_text(request, "basePointId");

	return strcmp(lf_json_text_or(request, "kind", ""), "delta") == 0 && base &&
	       replica->last_point && strcmp(base, replica->last_point) == 0;
}

/* In place of the one before, which the agent does not go on with. */
static int replace_session(struct lf_replication *replication, const struct lf_replica *replica,
			   const json_t *request, char id[static LF_GUID_SIZE],
			   struct lf_error *err)
{
	int rc = replica->session ? lf_replication_session_drop(replication, replica->session,
								replica->region, err)
				  : 0;

	return rc ? rc
		  : make_session(replication, replica, request, is_delta(request, replica), id,
				 err);
}

int lf_replication_session_begin(struct lf_replication *replication, const char *agent,
				 const json_t *asked, json_t **ret_answer, struct lf_error *err)
{
	LF_AUTO_JSON *request = json_copy((json_t *)(uintptr_t)asked);
	LF_AUTO_REPLICA replica = {0};
	char id[LF_GUID_SIZE];
	bool resumed = false;

	int rc =
		lf_replica_load(replication, lf_json_text_or(request, "itemId", ""), &replica, err);
	if (!rc && strcmp(replica.agent, agent) != 0)
		rc = lf_fail(err, LF_ENOTFOUND, "itemId",
			     "the item is not replicated by this agent");
	if (!rc)
		rc = check_disks(request, &replica, err);
	if (!rc && replica.session)
		rc = lf_session_check_open(replication, replica.session, err);
	const char *group = lf_json_text(request, "group");
	if (!rc && !lf_rendezvous_wants(replication, replica.item, group))
		rc = lf_replica_check_due(replication, &replica, lf_json_text(request, "token"),
					  err);
	if (!rc)
		rc = try_resume(replication, &replica, request, id, &resumed, err);
	if (!rc && !resumed)
		rc = replace_session(replication, &replica, request, id, err);
	if (!rc)
		lf_rendezvous_begun(replication, replica.item, id, group);
	return rc ? rc : describe_session(replication, agent, id, ret_answer, err);
}

/* Transfer. */

int lf_session_have(const struct lf_transfer_session *session, const struct lf_chunk_id *ids,
		    size_t n, uint8_t *ret_bits, struct lf_error *err)
{
	return lf_vault_have(session->inflow.vault, ids, n, ret_bits, err);
}

int lf_session_adopt(const struct lf_transfer_session *session, const char *path,
		     struct lf_error *err)
{
	struct lf_error ignored;
	int rc = lf_session_check_open(session->replication, session->id, err);

	if (!rc)
		rc = lf_vault_adopt_pack(session->inflow.vault, path, err);
	if (rc != LF_ECORRUPT)
		return rc;
	/* what the agent sent is broken, not the site; its name is free for a whole one */
	lf_log_error("a pack that an agent sent", err);
	if (lf_file_remove(path, &ignored))
		lf_log_error("a pack that an agent sent", &ignored);
	return lf_fail_arm(err, LF_EINVAL, "PackInvalid", NULL, "send it again",
			   "the pack is damaged, or not what its name says");
}

static int find_disk(const struct lf_transfer_session *session, const char *disk,
		     unsigned *ret_index, struct lf_error *err)
{
	for (unsigned i = 0; i < session->n_disks; i++)
		if (strcmp(session->disks[i].id, disk) == 0) {
			*ret_index = i;
			return 0;
		}
	return lf_fail(err, LF_EINVAL, "disk", "the session has no such disk");
}

/* The session makes progress: it is not swept away, however long it takes. */
static int touch_session(struct lf_transfer_session *session, struct lf_error *err)
{
	struct lf_replication *replication = session->replication;
	int64_t now = lf_clock_now_ns(replication->opts.clock);

	if (now - session->seen_ns < SESSION_TOUCH_NS)
		return 0;
	session->seen_ns = now;
	return lf_session_change(replication, session->id, "seen", json_integer(now), err);
}

/* The directory comes with the first journal, after the row: so no sweep takes it for nobody's. */
static int make_dir(const struct lf_transfer_session *session, struct lf_error *err)
{
	return access(session->dir, F_OK) == 0 ? 0 : lf_dir_make(session->dir, 0700, err);
}

int lf_session_extents(struct lf_transfer_session *session, const char *disk, uint64_t upto,
		       const uint8_t *records, size_t n, struct lf_error *err)
{
	unsigned index = 0;
	int rc = lf_session_check_open(session->replication, session->id, err);

	if (!rc)
		rc = find_disk(session, disk, &index, err);
	if (!rc)
		rc = make_dir(session, err);
	if (!rc)
		rc = touch_session(session, err);
	return rc ? rc
		  : lf_inflow_extents(&session->inflow, index,
				      lf_pages_of((uint64_t)session->disks[index].size_bytes), upto,
				      records, n, err);
}
