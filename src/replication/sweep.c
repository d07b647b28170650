/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions that are over, or that nobody goes on with. */
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
static bool is_over(const json_t *row, const char *id, const json_t *replica, int64_t now)
{
	return lf_json_bool_or(row, "over", false) ||
	       strcmp(lf_json_text_or(replica, "session", ""), id) != 0 ||
	       lf_json_int_or(row, "seen", 0) + SESSION_STALE_NS < now;
}

static int sweep_row(struct lf_replication *replication, const struct lf_resource *row, int64_t now,
		     struct lf_error *err)
{
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;
	const char *id = strrchr(row->id, '/') + 1;
	const char *region = lf_json_text(row->doc, "region");
	int rc = lf_replica_load(replication, lf_json_text_or(row->doc, "itemId", ""), &replica,
				 err);

	if (rc && rc != LF_ENOTFOUND) /* or else it was removed meanwhile */
		return rc;
	if (!rc &&
	    (!is_over(row->doc, id, replica.doc, now) || lf_session_is_committing(replication, id)))
		return 0;
	if (!region) /* a row of a version that did not write it down */
		region = lf_json_text(replica.doc, "region");
	return region ? lf_replication_session_drop(replication, id, region, err)
		      : lf_catalog_delete(replication->opts.catalog, row->id, err);
}

int lf_replication_session_sweep(struct lf_replication *replication, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SESSION_TYPE};
	struct sweep sweep = {replication};
	int64_t now = lf_clock_expiry_ns(replication->opts.clock);
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		rc = sweep_row(replication, &list.items[i], now, err);
		/* a session in trouble, or a region that is away, holds up no other */
		lf_health_set("session", list.items[i].id, rc, err);
		rc = rc == LF_ENOMEM ? rc : 0;
	}
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/sessions", replication->data_dir);
	if (!rc)
		rc = dir ? lf_dir_list(dir, sweep_dir, &sweep, err) : lf_fail_nomem(err);
	return rc;
}
