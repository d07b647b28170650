/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog without a daemon: version, SQLite's own check of the pages, then
 * each row by itself, then what rows say of each other.  The file is opened
 * for reading alone, and as it lies where no log stands beside it, so that
 * looking at a damaged catalog changes nothing.
 */
#include "catalog/check.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "catalog/sqlite/sqlite.h"

struct check {
	sqlite3 *db;
	const struct lf_catalog_visitor *visitor;
	struct lf_catalog_counts counts;
	char *tenant;
};

static void close_db(sqlite3 **db)
{
	sqlite3_close(*db);
}
static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
#define AUTO_STATEMENT LF_CLEANUP(finalize) sqlite3_stmt

static int tell(struct check *check, const char *object, const char *text, struct lf_error *err)
{
	return check->visitor->fault(check->visitor->context, object, text, err);
}

/* Without a log beside it the file is read as it lies, and nothing is made beside it. */
static int open_to_read(const char *path, sqlite3 **ret_db)
{
	LF_AUTO_FREE char *wal = lf_printf_dup("%s-wal", path);
	struct stat st;

	if (!wal)
		return SQLITE_NOMEM;
	if ((stat(wal, &st) == 0 && st.st_size > 0) || strpbrk(path, "?#%"))
		return sqlite3_open_v2(path, ret_db, SQLITE_OPEN_READONLY, NULL);
	LF_AUTO_FREE char *uri = lf_printf_dup("file:%s?immutable=1", path);
	return uri ? sqlite3_open_v2(uri, ret_db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL)
		   : SQLITE_NOMEM;
}

/* Run a statement; each row goes to visit. */
static int each_row(struct check *check, const char *sql,
		    int (*visit)(struct check *check, sqlite3_stmt *row, struct lf_error *err),
		    struct lf_error *err)
{
	AUTO_STATEMENT *statement = NULL;
	int rc = sqlite3_prepare_v2(check->db, sql, -1, &statement, NULL), told = 0;

	if (rc == SQLITE_OK)
		while (!told && (rc = sqlite3_step(statement)) == SQLITE_ROW)
			told = visit(check, statement, err);
	if (told)
		return told;
	return rc == SQLITE_DONE ? 0 : tell(check, "catalog.db", sqlite3_errmsg(check->db), err);
}

static const char *text_at(sqlite3_stmt *row, int at)
{
	const unsigned char *text = sqlite3_column_text(row, at);

	return text ? (const char *)text : "";
}

static bool is_object(sqlite3_stmt *row, int at)
{
	const char *text = text_at(row, at);
	LF_AUTO_JSON *doc = NULL;
	struct lf_error bad;

	return lf_json_parse(text, strlen(text), &doc, &bad) == 0 && json_is_object(doc);
}

static int see_version(struct check *check, sqlite3_stmt *row, struct lf_error *err)
{
	return sqlite3_column_int64(row, 0) > LF_SCHEMA_VERSION
		       ? tell(check, "catalog.db", "is of a newer version of Landfall", err)
		       : 0;
}

static int see_page_fault(struct check *check, sqlite3_stmt *row, struct lf_error *err)
{
	const char *text = text_at(row, 0);

	return strcmp(text, "ok") == 0 ? 0 : tell(check, "catalog.db", text, err);
}

static int see_resource(struct check *check, sqlite3_stmt *row, struct lf_error *err)
{
	const char *id = text_at(row, 1);

	check->counts.resources++;
	if (id[0] != '/' || !lf_text_equal_nocase(id, text_at(row, 0)))
		return tell(check, text_at(row, 0), "the row's id is not that of its key", err);
	if (!text_at(row, 2)[0])
		return tell(check, id, "the row has no type", err);
	if (!is_object(row, 3))
		return tell(check, id, "what clients see of it (doc) is not a JSON object", err);
	if (!is_object(row, 4))
		return tell(check, id, "its state is not a JSON object", err);
	return 0;
}

static int see_job(struct check *check, sqlite3_stmt *row, struct lf_error *err)
{
	check->counts.jobs++;
	return is_object(row, 1)
		       ? 0
		       : tell(check, text_at(row, 0), "the job's row is not a JSON object", err);
}

static int see_orphan(struct check *check, sqlite3_stmt *row, struct lf_error *err)
{
	return tell(check, text_at(row, 0), text_at(row, 1), err);
}

static int see_point(struct check *check, sqlite3_stmt *row, struct lf_error *err)
{
	return check->visitor->point(check->visitor->context, text_at(row, 0), text_at(row, 1),
				     text_at(row, 2), err);
}

static int see_tenant(struct check *check, sqlite3_stmt *row, struct lf_error *err)
{
	check->tenant = strdup(text_at(row, 0));
	return check->tenant ? 0 : lf_fail_nomem(err);
}

static int check_all(struct check *check, struct lf_error *err)
{
	static const struct {
		const char *sql;
		int (*visit)(struct check *check, sqlite3_stmt *row, struct lf_error *err);
	} looks[] = {
		{"PRAGMA user_version", see_version},
		{"PRAGMA integrity_check(20)", see_page_fault},
		{"SELECT key, id, type, doc, state FROM resources", see_resource},
		{"SELECT id, body FROM jobs", see_job},
		/* the group that an id names: its first five segments */
		{"SELECT r.id, 'its resource group is not there' FROM resources r WHERE r.key LIKE"
		 " '/subscriptions/_%/resourcegroups/_%/providers/_%' AND NOT EXISTS (SELECT 1 FROM"
		 " resources g WHERE g.key = substr(r.key, 1, instr(r.key, '/resourcegroups/') + "
		 "15 +"
		 " instr(substr(r.key, instr(r.key, '/resourcegroups/') + 16), '/') - 1))",
		 see_orphan},
		{"SELECT r.id, 'the item that it is of is not there' FROM resources r WHERE r.type "
		 "IN"
		 " ('Landfall/replicas') AND json_valid(r.doc) AND NOT EXISTS (SELECT 1 FROM"
		 " resources i WHERE i.key = lower(json_extract(r.doc, '$.itemId')))",
		 see_orphan},
		/* rows that are no JSON have been told of: they must not end the statement */
		{"SELECT id, json_extract(state, '$.region'), json_extract(state, '$.point') FROM"
		 " resources WHERE CASE WHEN json_valid(doc) AND json_valid(state) THEN"
		 " json_type(state, '$.point') = 'text' AND"
		 " coalesce(json_extract(doc, '$.properties.provisioningState'), 'Succeeded') ="
		 " 'Succeeded' ELSE 0 END",
		 see_point},
		{"SELECT r.id, json_extract(r.doc, '$.region'), json_extract(p.value, '$.id') FROM"
		 " resources r, json_each(CASE WHEN json_valid(r.doc) THEN r.doc ELSE '{}' END,"
		 " '$.points') p WHERE r.type = 'Landfall/replicas' AND p.type = 'object'",
		 see_point},
		{"SELECT value FROM settings WHERE name = 'tenantId'", see_tenant},
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(looks); i++)
		rc = each_row(check, looks[i].sql, looks[i].visit, err);
	return rc;
}

int lf_catalog_check(const char *path, const struct lf_catalog_visitor *visitor,
		     struct lf_catalog_counts *ret_counts, char **ret_tenant, struct lf_error *err)
{
	LF_CLEANUP(close_db) sqlite3 *db = NULL;
	struct check check = {.visitor = visitor};

	if (open_to_read(path, &db) != SQLITE_OK)
		return tell(&check, "catalog.db", db ? sqlite3_errmsg(db) : "cannot be opened",
			    err);
	check.db = db;
	int rc = check_all(&check, err);
	if (rc) {
		free(check.tenant);
		return rc;
	}
	*ret_counts = check.counts;
	*ret_tenant = check.tenant;
	return 0;
}
