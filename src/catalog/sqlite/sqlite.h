/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog/sqlite/sqlite.h - what the files of the SQLite driver share.
 *
 * One writer connection, owned by the thread that holds the writer mutex (a
 * transaction keeps it); a small pool of reader connections, so that reads do
 * not wait for writes.  Lock order: writer mutex, then pool mutex.
 */
#ifndef LF_CATALOG_SQLITE_H
#define LF_CATALOG_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "catalog/catalog.h"

#define LF_SQLITE_READERS 8
#define LF_SCHEMA_VERSION 1 /* PRAGMA user_version; docs/formats/catalog.md */

LF_LOCK_KIND(lf_catalog_pool);
struct lf_catalog {
	struct lf_clock *clock;
	char *path;
	sqlite3 *writer;
	pthread_mutex_t writer_mutex;
	_Atomic(pthread_t) owner; /* thread inside a transaction, valid while owned */
	_Atomic(bool) owned;
	const char *watched;	/* part of the lower-case ids that are counted; NULL: none */
	_Atomic(bool) touched;	/* since the last commit, one of them */
	_Atomic(uint64_t) seen; /* lf_catalog_watched() */
	pthread_mutex_t pool_mutex;
	sqlite3 *idle[LF_SQLITE_READERS] LF_GUARDED_BY(lf_catalog_pool);
	size_t n_idle LF_GUARDED_BY(lf_catalog_pool);
};

/* A row of this key, or with tree all below it, is written: to be counted when that is committed.
 */
void lf_catalog_touch(struct lf_catalog *catalog, const char *key, bool tree);
/* What was touched is committed. */
void lf_catalog_committed(struct lf_catalog *catalog);

/* A prepared statement and the connection it came from. */
struct lf_query {
	struct lf_catalog *catalog;
	sqlite3 *db;
	sqlite3_stmt *statement;
	bool write, locked;
};
#define LF_AUTO_QUERY LF_CLEANUP(lf_query_done) struct lf_query

/* write: on the writer connection, taking the writer mutex unless this thread's transaction has it.
 */
LF_MUST_CHECK int lf_query_begin(struct lf_catalog *catalog, const char *sql, bool write,
				 struct lf_query *ret_query, struct lf_error *err);
void lf_query_done(struct lf_query *query);
void lf_query_text(struct lf_query *query, int at, const char *text); /* NULL: NULL */
void lf_query_int(struct lf_query *query, int at, int64_t value);
/* 1: a row, 0: no more, negative: error. */
LF_MUST_CHECK int lf_query_step(struct lf_query *query, struct lf_error *err);
/* Run to the end; how many rows changed. */
LF_MUST_CHECK int lf_query_run(struct lf_query *query, int *ret_changed, struct lf_error *err);
const char *lf_query_column(struct lf_query *query,
			    int at); /* "" for NULL; borrowed until the next step */
/* JSON column, an object.  LF_ECORRUPT: the row is damaged. */
LF_MUST_CHECK int lf_query_json(struct lf_query *query, int at, json_t **ret_doc,
				struct lf_error *err);

#endif
