/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that are over, or that nobody goes on with. */
#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "os/file.h"
#include "replication/session.h"
#include "replication/state.h"

#define SESSION_STALE_NS (24 * 3600 * LF_NS_PER_S)

struct sweep {
	struct lf_replication *replication;
};

static int sweep_dir(void *context, const char *name, struct lf_error *err)
{
	struct lf_replication *replication = ((struct sweep *)context)->replication;
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/sessions/%s", replication->data_dir, name);
	char path[LF_ID_SIZE];

	lf_session_path(name, path);
	int rc = dir ? lf_catalog_get(replication->opts.catalog, path, &row, err)
		     : lf_fail_nomem(err);
	if (rc == LF_ENOTFOUND)
		return lf_dir_remove(dir, err);
	return lf_row_pass_over(path, rc, err);
}

/* Committed or dropped (its row outlived a kill), replaced, or left alone for a day. */
static bool is_over(const struct lf_transfer_session *session, const struct lf_replica *replica,
		    int64_t now)
{
	return session->over || !replica->session || strcmp(replica->session, session->id) != 0 ||
	       session->seen_ns + SESSION_STALE_NS < now;
}

static int sweep_row(struct lf_replication *replication, struct lf_resource *row, int64_t now,
		     struct lf_error *err)
{
	LF_AUTO_TRANSFER_SESSION session = {0};
	LF_AUTO_REPLICA replica = {0};
	int rc = lf_session_read(row, &session, err);

	if (!rc)
		rc = lf_replica_load(replication, session.item, &replica, err);
	if (rc && rc != LF_ENOTFOUND) /* or else it was removed meanwhile */
		return rc;
	if (!rc && (!is_over(&session, &replica, now) ||
		    lf_session_is_committing(replication, session.id)))
		return 0;
	/* a row of a version that did not write it down goes by its replica's */
	const char *region = session.region ? session.region : replica.region;
	return region && region[0]
		       ? lf_replication_session_drop(replication, session.id, region, err)
		       : lf_catalog_delete(replication->opts.catalog, session.row.id, err);
}

int lf_replication_session_sweep(struct lf_replication *replication, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SESSION_TYPE};
	struct sweep sweep = {replication};
	int64_t now = lf_clock_expiry_ns(replication->opts.clock);
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_FREE char *id = strdup(list.items[i].id);
		rc = sweep_row(replication, &list.items[i], now, err);
		/* a session in trouble, or a region that is away, holds up no other */
		lf_health_set("session", id ? id : "", rc, err);
		rc = rc == LF_ENOMEM ? rc : 0;
	}
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/sessions", replication->data_dir);
	if (!rc)
		rc = dir ? lf_dir_list(dir, sweep_dir, &sweep, err) : lf_fail_nomem(err);
	return rc;
}
