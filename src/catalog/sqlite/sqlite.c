/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and transactions.
 *
 * There is one connection that writes, held by one thread at a time, and a
 * small pool of others to read, which see what is committed.  A thread in a
 * transaction reads by the writing connection, so that it sees its own
 * writes.  Scopes inside a transaction are savepoints.  Commits go to SQLite's
 * write-ahead log with full sync: after one nothing is lost by a power cut,
 * and a kill before it leaves nothing of the transaction.  Opening looks for
 * damage for a few seconds, and refuses a catalog of a newer version
 * untouched.
 */
#include "catalog/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"

#define BUSY_TIMEOUT_MS 20000
#define CHECK_LIMIT_NS	(5 * LF_NS_PER_S)
#define CHECK_EVERY	100000 /* instructions of SQLite's between two looks at the time */

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS resources ("
	" key TEXT PRIMARY KEY," /* lower-case id */
	" id TEXT NOT NULL, type TEXT NOT NULL, etag TEXT NOT NULL,"
	" created_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
	" doc TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS resources_by_type ON resources (type COLLATE NOCASE, key);"
	"CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT "
	"ROWID;"
	"CREATE TABLE IF NOT EXISTS jobs ("
	" id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL, resource TEXT NOT NULL,"
	" final INTEGER NOT NULL, created_ns INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS jobs_by_resource ON jobs (resource, created_ns);"
	"CREATE INDEX IF NOT EXISTS jobs_by_scope ON jobs (scope, created_ns);"
	"CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (created_ns) WHERE final = 0;";

static int fail_sql(sqlite3 *db, const char *what, struct lf_error *err)
{
	int code = sqlite3_errcode(db) & 0xff;

	if (code == SQLITE_FULL)
		return lf_fail(err, LF_ENOSPACE, "catalog", "%s: no space left", what);
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return lf_fail(err, LF_ECORRUPT, "catalog", "%s: %s", what, sqlite3_errmsg(db));
	if (code == SQLITE_NOMEM)
		return lf_fail_nomem(err);
	return lf_fail(err, LF_EIO, "catalog", "%s: %s", what, sqlite3_errmsg(db));
}

static int exec_sql(sqlite3 *db, const char *sql, struct lf_error *err)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail_sql(db, "catalog statement", err);
	return 0;
}

static void close_connection(sqlite3 *db)
{
	for (sqlite3_stmt *s; (s = sqlite3_next_stmt(db, NULL));)
		sqlite3_finalize(s);
	sqlite3_close(db);
}

static int open_connection(const char *path, sqlite3 **ret_db, struct lf_error *err)
{
	sqlite3 *db = NULL;
	int rc;

	if (sqlite3_open_v2(path, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK) {
		rc = db ? fail_sql(db, "cannot open the catalog", err) : lf_fail_nomem(err);
		sqlite3_close(db);
		return rc;
	}
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	rc = exec_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", err);
	if (rc) {
		sqlite3_close(db);
		return rc;
	}
	*ret_db = db;
	return 0;
}

/* One number or text that a statement answers. */
static int ask(sqlite3 *db, const char *sql, char **ret_text, struct lf_error *err)
{
	sqlite3_stmt *statement = NULL;
	int rc = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW) {
		rc = fail_sql(db, "catalog", err);
	} else {
		const unsigned char *text = sqlite3_column_text(statement, 0);
		*ret_text = strdup(text ? (const char *)text : "");
		rc = *ret_text ? 0 : lf_fail_nomem(err);
	}
	sqlite3_finalize(statement);
	return rc;
}

/* Make the tables of a new catalog; a newer one's are not ours to read, and stay as they are. */
static int settle_version(struct lf_catalog *catalog, struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	uint64_t version = 0;

	int rc = ask(catalog->writer, "PRAGMA user_version", &text, err);
	if (!rc)
		rc = lf_parse_u64(text, 0, UINT32_MAX, &version, err);
	if (rc)
		return rc;
	if (version > LF_SCHEMA_VERSION) {
		lf_fail(err, LF_EUNSUPPORTED, catalog->path,
			"%s is of version %llu, and this Landfall knows up to %d", catalog->path,
			(unsigned long long)version, LF_SCHEMA_VERSION);
		return lf_error_hint(err, "it was written by a newer version of Landfall: use "
					  "that one, or restore a copy from before");
	}
	if (version == LF_SCHEMA_VERSION)
		return 0;
	rc = exec_sql(catalog->writer, "BEGIN IMMEDIATE", err);
	if (!rc)
		rc = exec_sql(catalog->writer, schema, err);
	if (!rc)
		rc = exec_sql(catalog->writer, "PRAGMA user_version = 1; COMMIT", err);
	return rc;
}

static int out_of_time(void *end_ns)
{
	return lf_clock_monotonic_ns() > *(int64_t *)end_ns;
}

/* Damage is found before anything is built on it.  A catalog that takes longer to look through than
 * a start may take is looked at in part; landfalld check has the time. */
static int quick_check(struct lf_catalog *catalog, struct lf_error *err)
{
	int64_t end_ns = lf_clock_monotonic_ns() + CHECK_LIMIT_NS;
	LF_AUTO_FREE char *found = NULL;

	sqlite3_progress_handler(catalog->writer, CHECK_EVERY, out_of_time, &end_ns);
	int rc = ask(catalog->writer, "PRAGMA quick_check(1)", &found, err);
	bool late = sqlite3_errcode(catalog->writer) == SQLITE_INTERRUPT;
	sqlite3_progress_handler(catalog->writer, 0, NULL, NULL);
	if (rc)
		return late ? 0 : rc;
	if (strcmp(found, "ok") == 0)
		return 0;
	lf_fail(err, LF_ECORRUPT, catalog->path, "%s is damaged: %.200s", catalog->path, found);
	return lf_error_hint(err, "restore it from a copy; landfalld check says what else is "
				  "damaged");
}

int lf_catalog_open(const char *path, struct lf_clock *clock, struct lf_catalog **ret_catalog,
		    struct lf_error *err)
{
	struct lf_catalog *catalog = calloc(1, sizeof(*catalog));
	int rc;

	if (!catalog)
		return lf_fail_nomem(err);
	pthread_mutex_init(&catalog->writer_mutex, NULL);
	pthread_mutex_init(&catalog->pool_mutex, NULL);
	catalog->clock = clock;
	catalog->path = strdup(path);
	rc = catalog->path ? open_connection(path, &catalog->writer, err) : lf_fail_nomem(err);
	if (!rc)
		rc = settle_version(catalog, err);
	if (!rc)
		rc = quick_check(catalog, err);
	if (rc) {
		lf_catalog_free(catalog);
		return rc;
	}
	*ret_catalog = catalog;
	return 0;
}

void lf_catalog_free(struct lf_catalog *catalog)
{
	if (!catalog)
		return;
	LF_ALONE(lf_catalog_pool);
	for (size_t i = 0; i < catalog->n_idle; i++)
		close_connection(catalog->idle[i]);
	if (catalog->writer)
		close_connection(catalog->writer);
	pthread_mutex_destroy(&catalog->pool_mutex);
	pthread_mutex_destroy(&catalog->writer_mutex);
	free(catalog->path);
	free(catalog);
}

bool lf_catalog_in_transaction(struct lf_catalog *catalog)
{
	return catalog->owned && pthread_equal(catalog->owner, pthread_self());
}

void lf_catalog_watch(struct lf_catalog *catalog, const char *part_of_id)
{
	catalog->watched = part_of_id;
}

uint64_t lf_catalog_watched(const struct lf_catalog *catalog)
{
	return catalog->seen;
}

void lf_catalog_touch(struct lf_catalog *catalog, const char *key, bool tree)
{
	if (catalog->watched && (tree || strstr(key, catalog->watched)))
		catalog->touched = true;
}

/* What was rolled back is counted with the next commit: once too often is no harm. */
void lf_catalog_committed(struct lf_catalog *catalog)
{
	if (atomic_exchange(&catalog->touched, false))
		catalog->seen++;
}

static int begin(struct lf_catalog *catalog, struct lf_error *err)
{
	pthread_mutex_lock(&catalog->writer_mutex);
	int rc = exec_sql(catalog->writer, "BEGIN IMMEDIATE", err);
	if (rc) {
		pthread_mutex_unlock(&catalog->writer_mutex);
		return rc;
	}
	catalog->owner = pthread_self();
	catalog->owned = true;
	return 0;
}

static void end(struct lf_catalog *catalog)
{
	catalog->owned = false;
	pthread_mutex_unlock(&catalog->writer_mutex);
}

static int commit(struct lf_catalog *catalog, struct lf_error *err)
{
	LF_CRASH_POINT("catalog-before-commit");
	int rc = exec_sql(catalog->writer, "COMMIT", err);
	if (rc)
		sqlite3_exec(catalog->writer, "ROLLBACK", NULL, NULL, NULL);
	else
		lf_catalog_committed(catalog);
	end(catalog);
	LF_CRASH_POINT("catalog-after-commit");
	return rc;
}

int lf_transaction_begin(struct lf_transaction *tx, struct lf_catalog *catalog,
			 struct lf_error *err)
{
	bool joined = lf_catalog_in_transaction(catalog);

	LF_ASSERT(!tx->catalog);
	int rc = joined ? exec_sql(catalog->writer, "SAVEPOINT scope", err) : begin(catalog, err);
	if (rc)
		return rc;
	*tx = (struct lf_transaction){.catalog = catalog, .joined = joined};
	return 0;
}

int lf_transaction_commit(struct lf_transaction *tx, struct lf_error *err)
{
	struct lf_catalog *catalog = tx->catalog;

	if (!catalog)
		return lf_fail(err, LF_EINTERNAL, NULL, "there is no transaction to commit");
	int rc =
		tx->joined ? exec_sql(catalog->writer, "RELEASE scope", err) : commit(catalog, err);
	if (rc && tx->joined)
		lf_transaction_rollback(tx);
	tx->catalog = NULL;
	return rc;
}

void lf_transaction_rollback(struct lf_transaction *tx)
{
	struct lf_catalog *catalog = lf_steal(&tx->catalog);

	if (!catalog)
		return;
	sqlite3_exec(catalog->writer, tx->joined ? "ROLLBACK TO scope; RELEASE scope" : "ROLLBACK",
		     NULL, NULL, NULL);
	if (!tx->joined)
		end(catalog);
}

/* A connection that nobody reads from now; NULL: there is none. */
static sqlite3 *take_idle(struct lf_catalog *catalog)
{
	LF_GUARD(&catalog->pool_mutex, lf_catalog_pool);

	return catalog->n_idle ? catalog->idle[--catalog->n_idle] : NULL;
}

static bool keep_idle(struct lf_catalog *catalog, sqlite3 *db)
{
	LF_GUARD(&catalog->pool_mutex, lf_catalog_pool);

	if (catalog->n_idle == LF_SQLITE_READERS)
		return false;
	catalog->idle[catalog->n_idle++] = db;
	return true;
}

static int take_reader(struct lf_catalog *catalog, sqlite3 **ret_db, struct lf_error *err)
{
	sqlite3 *db = take_idle(catalog);

	if (!db)
		return open_connection(catalog->path, ret_db, err);
	*ret_db = db;
	return 0;
}

static void give_reader(struct lf_catalog *catalog, sqlite3 *db)
{
	if (!keep_idle(catalog, db))
		close_connection(db);
}

/* A statement that was prepared before on this connection and is not in use, or a new one. */
static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement, struct lf_error *err)
{
	for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s))
		if (!sqlite3_stmt_busy(s) && strcmp(sqlite3_sql(s), sql) == 0) {
			*ret_statement = s;
			return 0;
		}
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL) !=
	    SQLITE_OK)
		return fail_sql(db, "cannot prepare a statement", err);
	return 0;
}

int lf_query_begin(struct lf_catalog *catalog, const char *sql, bool write,
		   struct lf_query *ret_query, struct lf_error *err)
{
	struct lf_query query = {.catalog = catalog};
	int rc = 0;

	query.write = write || lf_catalog_in_transaction(catalog);
	if (query.write && !lf_catalog_in_transaction(catalog)) {
		pthread_mutex_lock(&catalog->writer_mutex);
		query.locked = true;
	}
	if (query.write)
		query.db = catalog->writer;
	else
		rc = take_reader(catalog, &query.db, err);
	if (!rc)
		rc = prepare(query.db, sql, &query.statement, err);
	if (rc) {
		lf_query_done(&query);
		return rc;
	}
	*ret_query = query;
	return 0;
}

void lf_query_done(struct lf_query *query)
{
	if (query->statement) {
		sqlite3_reset(query->statement);
		sqlite3_clear_bindings(query->statement);
	}
	if (query->db && !query->write)
		give_reader(query->catalog, query->db);
	if (query->locked)
		pthread_mutex_unlock(&query->catalog->writer_mutex);
	*query = (struct lf_query){0};
}

void lf_query_text(struct lf_query *query, int at, const char *text)
{
	/* out of memory shows when the statement runs: the parameter stays NULL */
	sqlite3_bind_text(query->statement, at, text, -1, SQLITE_TRANSIENT);
}

void lf_query_int(struct lf_query *query, int at, int64_t value)
{
	sqlite3_bind_int64(query->statement, at, value);
}

int lf_query_step(struct lf_query *query, struct lf_error *err)
{
	int rc = sqlite3_step(query->statement);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail_sql(query->db, "catalog", err);
}

int lf_query_run(struct lf_query *query, int *ret_changed, struct lf_error *err)
{
	int fault = query->write ? LF_FAULT("catalog-write") : 0;
	int rc;

	if (fault)
		return lf_fail_sys(err, fault, "catalog", "cannot write the catalog");
	do
		rc = lf_query_step(query, err);
	while (rc == 1);
	if (rc)
		return rc;
	if (ret_changed)
		*ret_changed = sqlite3_changes(query->db);
	return 0;
}

const char *lf_query_column(struct lf_query *query, int at)
{
	const unsigned char *text = sqlite3_column_text(query->statement, at);

	return text ? (const char *)text : "";
}

int lf_query_json(struct lf_query *query, int at, json_t **ret_doc, struct lf_error *err)
{
	const char *text = lf_query_column(query, at);
	int rc = lf_json_parse_own(text, strlen(text), ret_doc, err);

	if (!rc && !json_is_object(*ret_doc)) {
		json_decref(*ret_doc);
		*ret_doc = NULL;
		rc = LF_EINVAL;
	}
	/* what we wrote ourselves and cannot read is damage, not bad input */
	return rc == LF_EINVAL ? lf_fail(err, LF_ECORRUPT, "catalog", "a row is not a JSON object")
			       : rc;
}
