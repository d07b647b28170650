/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of sessions: read into a struct, opened for a call, and dropped.
 *
 * A call opens its session once: one row, and the region's vault.  Dropping marks the row "over",
 * ends the lease, removes the journals, and deletes the row last: by the row the sweep finds what a
 * kill left of a session, at whatever step.
 */
#include "replication/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "replication/state.h"

static const char *const kinds[] = {"full", "delta", NULL};

static const struct lf_field disk_fields[] = {
	LF_TEXT_AT(struct lf_session_disk, id, "id", LF_REQUIRED),
	LF_INT_AT(struct lf_session_disk, size_bytes, "sizeBytes", LF_REQUIRED, 1,
		  LF_DISK_BYTES_MAX),
};

static const struct lf_field session_fields[] = {
	LF_TEXT_AT(struct lf_transfer_session, item, "itemId", LF_REQUIRED),
	LF_TEXT_AT(struct lf_transfer_session, agent, "agentId", LF_REQUIRED),
	LF_TEXT_AT(struct lf_transfer_session, region, "region", 0),
	LF_TEXT_AT(struct lf_transfer_session, account, "cacheAccountId", 0),
	LF_ENUM_AT(struct lf_transfer_session, kind, "kind", LF_REQUIRED, kinds),
	LF_TEXT_AT(struct lf_transfer_session, token, "token", 0),
	LF_BOOL_AT(struct lf_transfer_session, over, "over", 0),
	LF_INT_AT(struct lf_transfer_session, seen_ns, "seen", 0, INT64_MIN, INT64_MAX),
	LF_ARRAY_AT(struct lf_transfer_session, disks, n_disks, "disks", LF_REQUIRED, disk_fields),
	LF_JSON_AT(struct lf_transfer_session, disks_doc, "disks", LF_REQUIRED, LF_ARRAY),
	LF_JSON_AT(struct lf_transfer_session, commit, "commit", 0, LF_OBJECT),
};

void lf_transfer_session_done(struct lf_transfer_session *session)
{
	lf_resource_done(&session->row);
	free(session->dir);
}

int lf_session_read(struct lf_resource *row, struct lf_transfer_session *ret_session,
		    struct lf_error *err)
{
	*ret_session = (struct lf_transfer_session){.row = *row};
	*row = LF_RESOURCE_INIT;
	ret_session->id = strrchr(ret_session->row.id, '/') + 1;
	return lf_row_read(session_fields, LF_N(session_fields), &ret_session->row, ret_session,
			   err);
}

/* Rows of versions before do not say what their replica's does. */
static int complete_row(struct lf_replication *replication, struct lf_transfer_session *session,
			struct lf_error *err)
{
	LF_AUTO_REPLICA replica = {0};

	if (session->region && session->account)
		return 0;
	int rc = lf_replica_load(replication, session->item, &replica, err);
	if (rc)
		return rc;
	if (lf_json_set_text(session->row.doc, "region", replica.region) ||
	    lf_json_set_text(session->row.doc, "cacheAccountId", replica.account))
		return lf_fail_nomem(err);
	session->region = lf_json_text(session->row.doc, "region");
	session->account = lf_json_text(session->row.doc, "cacheAccountId");
	return 0;
}

static char *session_dir(const struct lf_replication *replication, const char *id)
{
	return lf_printf_dup("%s/sessions/%s", replication->data_dir, id);
}

/* Another agent's is not there, nor is one that is over. */
static int read_own(struct lf_replication *replication, const char *agent, const char *id,
		    struct lf_transfer_session *ret_session, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	char path[LF_ID_SIZE];

	lf_session_path(id, path);
	int rc = lf_guid_valid(id) ? lf_catalog_get(replication->opts.catalog, path, &row, err)
				   : lf_fail(err, LF_EINVAL, "session", "not a session id");
	if (!rc)
		rc = lf_session_read(&row, ret_session, err);
	if (!rc && (strcmp(ret_session->agent, agent) != 0 || ret_session->over))
		rc = lf_fail(err, LF_ENOTFOUND, id, "the session was not found");
	return rc;
}

int lf_session_open(struct lf_replication *replication, const char *agent, const char *id,
		    struct lf_transfer_session *ret_session, struct lf_error *err)
{
	int rc = read_own(replication, agent, id, ret_session, err);

	if (!rc)
		rc = complete_row(replication, ret_session, err);
	if (rc)
		return rc;
	ret_session->replication = replication;
	ret_session->dir = session_dir(replication, ret_session->id);
	ret_session->inflow = (struct lf_inflow){.dir = ret_session->dir,
						 .ends = replication->ends,
						 .stopping = &replication->stopping};
	return ret_session->dir ? lf_regions_vault(replication->opts.regions, ret_session->region,
						   &ret_session->inflow.vault, err)
				: lf_fail_nomem(err);
}

struct change {
	const char *name;
	json_t *value;
	int64_t now_ns;
};

static int change_row(struct lf_resource *row, void *argument, struct lf_error *err)
{
	const struct change *change = argument;

	if (lf_json_bool_or(row->doc, "over", false))
		return lf_fail(err, LF_ENOTFOUND, row->id, "the session was given up");
	return json_object_set(row->doc, change->name, change->value) ||
			       lf_json_set_int(row->doc, "seen", change->now_ns)
		       ? lf_fail_nomem(err)
		       : 0;
}

int lf_session_change(struct lf_replication *replication, const char *id, const char *name,
		      json_t *value, struct lf_error *err)
{
	LF_AUTO_JSON *own = value;
	struct change change = {name, own, lf_clock_now_ns(replication->opts.clock)};
	char path[LF_ID_SIZE];

	lf_session_path(id, path);
	return own ? lf_catalog_change(replication->opts.catalog, path, change_row, &change, err)
		   : lf_fail_nomem(err);
}

int lf_replication_session_drop(struct lf_replication *replication, const char *id,
				const char *region, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = session_dir(replication, id);
	struct lf_inflow inflow = {.dir = dir};
	char path[LF_ID_SIZE];

	lf_session_path(id, path);
	/* from now on nothing is made of its journals, and the sweep goes on if we die */
	int rc = dir ? lf_session_change(replication, id, "over", json_true(), err)
		     : lf_fail_nomem(err);
	if (rc == LF_ENOTFOUND)
		rc = 0; /* another was faster */
	LF_CRASH_POINT("session-drop");
	if (!rc)
		rc = lf_regions_vault(replication->opts.regions, region, &inflow.vault, err);
	if (!rc)
		rc = lf_inflow_end(&inflow, id, err);
	/* the row last: the sweep finds the lease by it, and a lease that nobody knows of keeps
	 * all garbage for good */
	return rc ? rc : lf_catalog_delete(replication->opts.catalog, path, err);
}
