/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of jobs: scope and resource in lower case for their indexes, and the
 * body as it is.  A row whose body is no JSON object is named by a health
 * condition and left out of lists.  Old rows go some hundred at a time, so
 * that other writers never wait long; a kill in between leaves the rest to the
 * next call.
 */
#include "catalog/jobrows.h"

#include <stdlib.h>

#include "base/health.h"
#include "base/text.h"
#include "catalog/sqlite/sqlite.h"

int lf_jobrow_put(struct lf_catalog *catalog, const struct lf_jobrow *row, struct lf_error *err)
{
	LF_AUTO_FREE char *body = NULL;
	LF_AUTO_FREE char *scope = lf_text_lower_dup(row->scope);
	LF_AUTO_FREE char *resource = lf_text_lower_dup(row->resource);
	LF_AUTO_QUERY query = {0};

	if (!scope || !resource)
		return lf_fail_nomem(err);
	int rc = lf_json_dump(row->body, &body, err);
	if (!rc)
		rc = lf_query_begin(catalog,
				    "INSERT OR REPLACE INTO jobs"
				    " (id, type, scope, resource, final, created_ns, body)"
				    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
				    true, &query, err);
	if (rc)
		return rc;
	lf_query_text(&query, 1, row->id);
	lf_query_text(&query, 2, row->type);
	lf_query_text(&query, 3, scope);
	lf_query_text(&query, 4, resource);
	lf_query_int(&query, 5, row->final);
	lf_query_int(&query, 6, row->created_ns);
	lf_query_text(&query, 7, body);
	return lf_query_run(&query, NULL, err);
}

int lf_jobrow_find(struct lf_catalog *catalog, const char *id, json_t **ret_body,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *key = lf_text_lower_dup(id);
	LF_AUTO_QUERY query = {0};

	if (!key)
		return lf_fail_nomem(err);
	int rc = lf_query_begin(catalog, "SELECT body FROM jobs WHERE id = ?1", false, &query, err);
	if (rc)
		return rc;
	lf_query_text(&query, 1, key);
	rc = lf_query_step(&query, err);
	return rc == 1 ? lf_query_json(&query, 0, ret_body, err) : rc;
}

int lf_jobrow_get(struct lf_catalog *catalog, const char *id, json_t **ret_body,
		  struct lf_error *err)
{
	json_t *body = NULL;
	int rc = lf_jobrow_find(catalog, id, &body, err);

	if (!rc && !body)
		return lf_fail(err, LF_ENOTFOUND, id, "the job '%s' was not found", id);
	if (!rc)
		*ret_body = body;
	return rc;
}

static int begin_list(struct lf_catalog *catalog, const struct lf_jobrow_query *wanted,
		      struct lf_query *rows, struct lf_error *err)
{
	LF_AUTO_FREE char *scope = lf_text_lower_dup(wanted->scope ? wanted->scope : "");
	LF_AUTO_FREE char *resource = lf_text_lower_dup(wanted->resource ? wanted->resource : "");

	if (!scope || !resource)
		return lf_fail_nomem(err);
	/* three texts, so that each is answered from its index */
	const char *sql =
		wanted->unfinished
			? "SELECT body, type, id FROM jobs WHERE final = 0 AND ?1 = ?1 AND "
			  "(?2 = '' OR resource = ?2)"
			  " ORDER BY created_ns DESC"
		: wanted->resource
			? "SELECT body, type, id FROM jobs WHERE resource = ?2 AND"
			  " (?1 = '' OR scope = ?1 OR (scope > ?1 || '/' AND scope < ?1 || '0'))"
			  " ORDER BY created_ns DESC"
			: "SELECT body, type, id FROM jobs WHERE ?2 = '' AND"
			  " (?1 = '' OR scope = ?1 OR (scope > ?1 || '/' AND scope < ?1 || '0'))"
			  " ORDER BY created_ns DESC";
	int rc = lf_query_begin(catalog, sql, false, rows, err);
	if (rc)
		return rc;
	lf_query_text(rows, 1, scope);
	lf_query_text(rows, 2, resource);
	return 0;
}

int lf_jobrow_list(struct lf_catalog *catalog, const struct lf_jobrow_query *query,
		   json_t **ret_bodies, struct lf_error *err)
{
	LF_AUTO_JSON *bodies = json_array();
	LF_AUTO_QUERY rows = {0};

	if (!bodies)
		return lf_fail_nomem(err);
	int rc = begin_list(catalog, query, &rows, err);
	if (rc)
		return rc;
	while ((rc = lf_query_step(&rows, err)) == 1) {
		json_t *body = NULL;
		if (query->type_prefix &&
		    !lf_text_starts_nocase(lf_query_column(&rows, 1), query->type_prefix))
			continue;
		rc = lf_query_json(&rows, 0, &body, err);
		if (rc == LF_ECORRUPT) {
			lf_health_raise("job-row", lf_query_column(&rows, 2), "%s", err->message);
			continue;
		}
		if (rc)
			return rc;
		if (json_array_append_new(bodies, body))
			return lf_fail_nomem(err);
		if (query->limit && json_array_size(bodies) == query->limit)
			break;
	}
	if (rc < 0)
		return rc;
	*ret_bodies = lf_steal(&bodies);
	return 0;
}

#define EXPIRE_AT_ONCE 500 /* other writers wait that long */

int lf_jobrow_expire(struct lf_catalog *catalog, int64_t before_ns, size_t keep, bool *ret_more,
		     struct lf_error *err)
{
	LF_AUTO_QUERY query = {0};
	int changed = 0;
	int rc = lf_query_begin(
		catalog,
		"DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE final = 1 AND"
		" (created_ns < ?1 OR created_ns < (SELECT created_ns FROM jobs WHERE final = 1"
		" ORDER BY created_ns DESC LIMIT 1 OFFSET ?2)) LIMIT ?3)",
		true, &query, err);

	if (rc)
		return rc;
	lf_query_int(&query, 1, before_ns);
	lf_query_int(&query, 2, keep ? (int64_t)keep - 1 : 0);
	lf_query_int(&query, 3, EXPIRE_AT_ONCE);
	rc = lf_query_run(&query, &changed, err);
	if (!rc)
		*ret_more = changed == EXPIRE_AT_ONCE;
	return rc;
}
