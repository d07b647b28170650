/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources: a row under the lower-case id, with its documents as text.
 *
 * A put looks at the row (is it there, which etag has it) and writes it, both
 * in one transaction, so that nobody comes between.  A row that cannot be read
 * harms itself only: lists leave it out and raise a health condition, and a
 * put writes it anew.  What is committed is durable; a kill leaves all of a
 * transaction or nothing of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "base/names.h"
#include "base/text.h"
#include "catalog/sqlite/sqlite.h"

#define COLUMNS "id, type, etag, created_ns, changed_ns, doc, state"
#define LIST_ROWS_MAX                                                                              \
	100000 /* of one answer without a limit: more than any list in memory should be */

void lf_resource_done(struct lf_resource *resource)
{
	free(resource->id);
	free(resource->type);
	json_decref(resource->doc);
	json_decref(resource->state);
	*resource = LF_RESOURCE_INIT;
}

void lf_resource_list_done(struct lf_resource_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		lf_resource_done(&list->items[i]);
	free(list->items);
	*list = (struct lf_resource_list){0};
}

static int read_resource(struct lf_query *query, struct lf_resource *ret_resource,
			 struct lf_error *err)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;

	resource.id = strdup(lf_query_column(query, 0));
	resource.type = strdup(lf_query_column(query, 1));
	if (!resource.id || !resource.type)
		return lf_fail_nomem(err);
	snprintf(resource.etag, sizeof(resource.etag), "%s", lf_query_column(query, 2));
	resource.created_ns = sqlite3_column_int64(query->statement, 3);
	resource.changed_ns = sqlite3_column_int64(query->statement, 4);
	if (resource.id[0] != '/' || !resource.type[0])
		return lf_fail(err, LF_ECORRUPT, resource.id, "a row has no id or no type");
	int rc = lf_query_json(query, 5, &resource.doc, err);
	if (!rc)
		rc = lf_query_json(query, 6, &resource.state, err);
	if (rc)
		return rc;
	*ret_resource = resource;
	resource = LF_RESOURCE_INIT;
	return 0;
}

int lf_catalog_find(struct lf_catalog *catalog, const char *id, struct lf_resource *ret_resource,
		    bool *ret_there, struct lf_error *err)
{
	LF_AUTO_FREE char *key = lf_text_lower_dup(id);
	LF_AUTO_QUERY query = {0};

	if (!key)
		return lf_fail_nomem(err);
	int rc = lf_query_begin(catalog, "SELECT " COLUMNS " FROM resources WHERE key = ?1", false,
				&query, err);
	if (rc)
		return rc;
	lf_query_text(&query, 1, key);
	int found = lf_query_step(&query, err);
	rc = found == 1 ? read_resource(&query, ret_resource, err) : found;
	if (!rc)
		*ret_there = found == 1;
	return rc;
}

int lf_catalog_get(struct lf_catalog *catalog, const char *id, struct lf_resource *ret_resource,
		   struct lf_error *err)
{
	bool there = false;
	int rc = lf_catalog_find(catalog, id, ret_resource, &there, err);

	if (!rc && !there)
		return lf_fail(err, LF_ENOTFOUND, id, "the resource '%s' was not found", id);
	return rc;
}

/* What a put does, decided inside its transaction. */
struct put {
	const char *id, *type;
	char *key, *doc, *state;
};

/* The etag alone, so that a row whose documents are damaged can be written anew. */
static int read_etag(struct lf_catalog *catalog, const char *key, char etag[static 40],
		     bool *ret_exists, struct lf_error *err)
{
	LF_AUTO_QUERY query = {0};
	int rc = lf_query_begin(catalog, "SELECT etag FROM resources WHERE key = ?1", false, &query,
				err);

	if (rc)
		return rc;
	lf_query_text(&query, 1, key);
	rc = lf_query_step(&query, err);
	if (rc < 0)
		return rc;
	*ret_exists = rc == 1;
	snprintf(etag, 40, "%s", rc == 1 ? lf_query_column(&query, 0) : "");
	return 0;
}

static int check_put(struct lf_catalog *catalog, const struct put *put, enum lf_put_mode mode,
		     const char *if_etag, bool *ret_exists, struct lf_error *err)
{
	const char *id = put->id;
	bool exists = false;
	char etag[40];

	int rc = read_etag(catalog, put->key, etag, &exists, err);
	if (rc)
		return rc;
	if (exists && mode == LF_PUT_NEW)
		return lf_fail(err, LF_EEXISTS, id, "the resource '%s' exists already", id);
	if (!exists && mode == LF_PUT_EXISTING)
		return lf_fail(err, LF_ENOTFOUND, id, "the resource '%s' was not found", id);
	if (!exists) { /* whoever made it up: a client, an agent, a peer, a job */
		rc = lf_id_check_new(id, NULL, err);
		if (rc)
			return rc;
	}
	if (if_etag && (!exists || strcmp(if_etag, etag) != 0))
		return lf_fail(err, LF_EPRECONDITION, id,
			       "the resource '%s' has changed since it was read", id);
	*ret_exists = exists;
	return 0;
}

static int write_put(struct lf_catalog *catalog, const struct put *put, bool exists,
		     struct lf_error *err)
{
	static const char insert[] = "INSERT INTO resources (key, id, type, etag, created_ns,"
				     " changed_ns, doc, state) VALUES"
				     " (?1, ?2, ?3, ?4, ?5, ?5, ?6, coalesce(?7, '{}'))";
	static const char update[] =
		"UPDATE resources SET etag = ?4, changed_ns = ?5, doc = coalesce(?6, doc),"
		" state = coalesce(?7, state) WHERE key = ?1 AND ?2 = ?2 AND ?3 IS ?3";
	LF_AUTO_QUERY query = {0};
	char etag[LF_GUID_SIZE];

	if (!exists && !put->type) /* known a moment ago, and deleted since */
		return lf_fail(err, LF_ENOTFOUND, put->id, "the resource '%s' was not found",
			       put->id);
	int rc = lf_query_begin(catalog, exists ? update : insert, true, &query, err);
	if (rc)
		return rc;
	lf_guid_random(etag);
	lf_query_text(&query, 1, put->key);
	lf_query_text(&query, 2, put->id);
	lf_query_text(&query, 3, put->type);
	lf_query_text(&query, 4, etag);
	lf_query_int(&query, 5, lf_clock_now_ns(catalog->clock));
	lf_query_text(&query, 6, put->doc ? put->doc : exists ? NULL : "{}");
	lf_query_text(&query, 7, put->state);
	rc = lf_query_run(&query, NULL, err);
	if (rc)
		return rc;
	lf_catalog_touch(catalog, put->key, false);
	lf_health_clear("catalog-row", put->id);
	return 0;
}

/* In one transaction, so that nobody writes between the check and the write. */
static int put_row(struct lf_catalog *catalog, const struct put *put, enum lf_put_mode mode,
		   const char *if_etag, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	bool exists = false;

	int rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = check_put(catalog, put, mode, if_etag, &exists, err);
	if (!rc)
		rc = write_put(catalog, put, exists, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_catalog_put(struct lf_catalog *catalog, const char *id, const char *type,
		   enum lf_put_mode mode, const char *if_etag, const json_t *doc,
		   const json_t *state, struct lf_error *err)
{
	LF_AUTO_FREE char *key = lf_text_lower_dup(id);
	LF_AUTO_FREE char *doc_text = NULL;
	LF_AUTO_FREE char *state_text = NULL;
	int rc = 0;

	if (!key)
		return lf_fail_nomem(err);
	if (doc)
		rc = lf_json_dump(doc, &doc_text, err);
	if (!rc && state)
		rc = lf_json_dump(state, &state_text, err);
	if (rc)
		return rc;
	const struct put put = {
		.id = id, .type = type, .key = key, .doc = doc_text, .state = state_text};
	return put_row(catalog, &put, mode, if_etag, err);
}

int lf_catalog_change(struct lf_catalog *catalog, const char *id, lf_resource_change_fn *change,
		      void *argument, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;

	int rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = lf_catalog_get(catalog, id, &resource, err);
	if (!rc)
		rc = change(&resource, argument, err);
	if (!rc)
		rc = lf_catalog_put(catalog, id, NULL, LF_PUT_EXISTING, NULL, resource.doc,
				    resource.state, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

static int delete_where(struct lf_catalog *catalog, const char *sql, const char *id, bool tree,
			struct lf_error *err)
{
	LF_AUTO_FREE char *key = lf_text_lower_dup(id);
	LF_AUTO_QUERY query = {0};

	if (!key)
		return lf_fail_nomem(err);
	int rc = lf_query_begin(catalog, sql, true, &query, err);
	if (rc)
		return rc;
	lf_query_text(&query, 1, key);
	rc = lf_query_run(&query, NULL, err);
	if (rc)
		return rc;
	lf_catalog_touch(catalog, key, tree);
	if (!lf_catalog_in_transaction(catalog))
		lf_catalog_committed(catalog);
	lf_health_clear("catalog-row", id);
	return 0;
}

int lf_catalog_delete(struct lf_catalog *catalog, const char *id, struct lf_error *err)
{
	return delete_where(catalog, "DELETE FROM resources WHERE key = ?1", id, false, err);
}

int lf_catalog_delete_tree(struct lf_catalog *catalog, const char *id, struct lf_error *err)
{
	/* '0' is the character after '/': all keys that start with "id/" */
	return delete_where(
		catalog,
		"DELETE FROM resources WHERE key = ?1 OR (key > ?1 || '/' AND key < ?1 || '0')", id,
		true, err);
}

int lf_row_pass_over(const char *id, int rc, const struct lf_error *err)
{
	if (!rc || lf_error_retry(rc) == LF_RETRY_BACKOFF)
		return rc;
	lf_health_raise("catalog-row", id, "%s", err->message);
	return 0;
}

static int append_row(struct lf_query *rows, struct lf_resource_list *list, size_t *capacity,
		      struct lf_error *err)
{
	if (list->n == *capacity) {
		size_t wanted = *capacity ? *capacity * 2 : 32;
		struct lf_resource *items = realloc(list->items, wanted * sizeof(*items));
		if (!items)
			return lf_fail_nomem(err);
		list->items = items;
		*capacity = wanted;
	}
	int rc = read_resource(rows, &list->items[list->n], err);
	list->n += rc == 0;
	if (rc != LF_ECORRUPT)
		return rc;
	lf_health_raise("catalog-row", lf_query_column(rows, 0), "%s", err->message);
	return 0;
}

#define NAMED " AND (?6 = '' OR substr(key, -length(?6) - 1) = '/' || ?6)"

static int begin_list(struct lf_catalog *catalog, const struct lf_list_query *query,
		      struct lf_query *ret_rows, struct lf_error *err)
{
	LF_AUTO_FREE char *below = lf_text_lower_dup(query->below ? query->below : "");
	LF_AUTO_FREE char *after = lf_text_lower_dup(query->after ? query->after : "");
	LF_AUTO_FREE char *named = lf_text_lower_dup(query->named ? query->named : "");
	LF_AUTO_FREE char *from = NULL;
	LF_AUTO_FREE char *to = NULL;

	if (!below || !after || !named)
		return lf_fail_nomem(err);
	from = lf_printf_dup("%s/", query->below ? below : "");
	to = query->below ? lf_printf_dup("%s0", below) : strdup("\x7f");
	if (!from || !to)
		return lf_fail_nomem(err);
	int rc = lf_query_begin(
		catalog,
		query->type
			? "SELECT " COLUMNS " FROM resources WHERE type = ?4 COLLATE NOCASE"
			  " AND key > ?1 AND key < ?2 AND key > ?3" NAMED " ORDER BY key LIMIT ?5"
			: "SELECT " COLUMNS " FROM resources WHERE ?4 IS NULL"
			  " AND key > ?1 AND key < ?2 AND key > ?3" NAMED " ORDER BY key LIMIT ?5",
		false, ret_rows, err);
	if (rc)
		return rc;
	lf_query_text(ret_rows, 1, from);
	lf_query_text(ret_rows, 2, to);
	lf_query_text(ret_rows, 3, after);
	lf_query_text(ret_rows, 4, query->type);
	/* with a limit it is who steps that ends: rows that cannot be read do not count */
	lf_query_int(ret_rows, 5, query->limit ? -1 : LIST_ROWS_MAX + 1);
	lf_query_text(ret_rows, 6, named);
	return 0;
}

int lf_catalog_list(struct lf_catalog *catalog, const struct lf_list_query *query,
		    struct lf_resource_list *ret_list, struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_QUERY rows = {0};
	size_t capacity = 0;

	int rc = begin_list(catalog, query, &rows, err);
	if (rc)
		return rc;
	while ((rc = lf_query_step(&rows, err)) == 1) {
		if (query->limit && list.n == query->limit) {
			list.more = true;
			break;
		}
		rc = append_row(&rows, &list, &capacity, err);
		if (rc)
			return rc;
	}
	if (rc < 0)
		return rc;
	*ret_list = list;
	list = (struct lf_resource_list){0};
	return 0;
}

int lf_catalog_count(struct lf_catalog *catalog, const char *type, const char *below, size_t *ret_n,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *above = lf_text_lower_dup(below ? below : "");
	LF_AUTO_FREE char *from = above ? lf_printf_dup("%s/", above) : NULL;
	LF_AUTO_FREE char *to = below && above ? lf_printf_dup("%s0", above) : strdup("\x7f");
	LF_AUTO_QUERY query = {0};

	if (!from || !to)
		return lf_fail_nomem(err);
	int rc =
		lf_query_begin(catalog,
			       type ? "SELECT COUNT(*) FROM resources WHERE type = ?3 COLLATE "
				      "NOCASE AND key > ?1 AND key < ?2"
				    : "SELECT COUNT(*) FROM resources WHERE ?3 IS NULL AND key > ?1"
				      " AND key < ?2",
			       false, &query, err);
	if (rc)
		return rc;
	lf_query_text(&query, 1, from);
	lf_query_text(&query, 2, to);
	lf_query_text(&query, 3, type);
	rc = lf_query_step(&query, err);
	if (rc < 0)
		return rc;
	*ret_n = (size_t)sqlite3_column_int64(query.statement, 0);
	return 0;
}

int lf_catalog_setting_get(struct lf_catalog *catalog, const char *name, char **ret_value,
			   struct lf_error *err)
{
	LF_AUTO_QUERY query = {0};
	int rc = lf_query_begin(catalog, "SELECT value FROM settings WHERE name = ?1", false,
				&query, err);

	if (rc)
		return rc;
	lf_query_text(&query, 1, name);
	rc = lf_query_step(&query, err);
	if (rc == 0)
		return lf_fail(err, LF_ENOTFOUND, name, "the setting %s is not there", name);
	if (rc < 0)
		return rc;
	char *value = strdup(lf_query_column(&query, 0));
	if (!value)
		return lf_fail_nomem(err);
	*ret_value = value;
	return 0;
}

int lf_catalog_setting_put(struct lf_catalog *catalog, const char *name, const char *value,
			   struct lf_error *err)
{
	LF_AUTO_QUERY query = {0};
	int rc = lf_query_begin(catalog,
				"INSERT INTO settings (name, value) VALUES (?1, ?2)"
				" ON CONFLICT (name) DO UPDATE SET value = excluded.value",
				true, &query, err);

	if (rc)
		return rc;
	lf_query_text(&query, 1, name);
	lf_query_text(&query, 2, value);
	return lf_query_run(&query, NULL, err);
}
