/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog/catalog.h - resources and rows that survive: SQLite now, PostgreSQL
 * behind the same functions later.
 *
 * A resource is an ARM id with two documents: doc, what clients see, and
 * state, what only Landfall sees.  Ids compare without case and come back as
 * first written.
 *
 * A row that is damaged (not JSON, without a type) harms itself only: lists go
 * on without it and raise the health condition "catalog-row" (base/health.h);
 * who asks for it by its id gets LF_ECORRUPT.
 *
 * Threads: any thread may call; a transaction belongs to the thread that began
 * it, and other threads' writes wait for it (reads do not).  Every write
 * outside a transaction is a transaction of its own.  Committed = durable.
 *
 * Who rolls back: the scope that began.  A function that changes more than one
 * row declares a transaction; each `return` before its commit takes back what
 * was written since its begin, and nothing else does: neither the front that
 * called the handler nor the engine that ran the step.
 *
 *	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
 *	int rc = lf_transaction_begin(&tx, catalog, err);
 *	...
 *	return rc ? rc : lf_transaction_commit(&tx, err);
 */
#ifndef LF_CATALOG_CATALOG_H
#define LF_CATALOG_CATALOG_H

#include "base/clock.h"
#include "json/json.h"

struct lf_catalog;
/* Made when missing.  LF_ECORRUPT: damaged.  LF_EUNSUPPORTED: of a newer version; it stays as it
 * is.  Looks through it for 5 s at most. */
LF_MUST_CHECK int lf_catalog_open(const char *path, struct lf_clock *clock,
				  struct lf_catalog **ret_catalog, struct lf_error *err);
void lf_catalog_free(struct lf_catalog *catalog);

struct lf_transaction {
	struct lf_catalog *catalog; /* NULL: not begun, or over */
	bool joined;		    /* inside another one of this thread */
};
#define LF_TRANSACTION_INIT ((struct lf_transaction){0})
#define LF_AUTO_TRANSACTION LF_CLEANUP(lf_transaction_rollback) struct lf_transaction
/*
 * Waits for other threads' transactions.  Reads of this thread see its own writes.  Inside a
 * transaction of this thread the scope joins it: what the inner scope wrote is taken back with the
 * inner scope alone, and is durable once the outermost one has committed.  Scopes end in the order
 * in which they are nested.
 */
LF_MUST_CHECK int lf_transaction_begin(struct lf_transaction *tx, struct lf_catalog *catalog,
				       struct lf_error *err);
/* Over, whatever it returns: after an error everything since begin is taken back. */
LF_MUST_CHECK int lf_transaction_commit(struct lf_transaction *tx, struct lf_error *err);
/* Nothing to take back is fine: the scope's end calls it. */
void lf_transaction_rollback(struct lf_transaction *tx);

/* Has this thread begun one? */
bool lf_catalog_in_transaction(struct lf_catalog *catalog);

/*
 * For who keeps rows in memory: how many commits may have changed a row whose id has this text in
 * it, or one below something that was deleted with its tree.  The number goes up after the commit
 * and before its caller goes on, so that who read it before reading rows knows whether they are
 * still those.  One text at a time, in lower case, static; set before threads start.
 */
void lf_catalog_watch(struct lf_catalog *catalog, const char *part_of_id);
uint64_t lf_catalog_watched(const struct lf_catalog *catalog);

struct lf_resource {
	char *id;   /* as first written */
	char *type; /* "Microsoft.RecoveryServices/vaults/replicationPolicies" */
	char etag[40];
	int64_t created_ns, changed_ns;
	json_t *doc;
	json_t *state; /* never NULL */
};
void lf_resource_done(struct lf_resource *resource);
#define LF_RESOURCE_INIT ((struct lf_resource){0})
#define LF_AUTO_RESOURCE LF_CLEANUP(lf_resource_done) struct lf_resource

/* LF_ENOTFOUND with the id as target.  LF_ECORRUPT: the row is damaged. */
LF_MUST_CHECK int lf_catalog_get(struct lf_catalog *catalog, const char *id,
				 struct lf_resource *ret_resource, struct lf_error *err);
/* The same where absence is an answer: 0 with *ret_there false, and ret_resource untouched. */
LF_MUST_CHECK int lf_catalog_find(struct lf_catalog *catalog, const char *id,
				  struct lf_resource *ret_resource, bool *ret_there,
				  struct lf_error *err);

enum lf_put_mode { LF_PUT_ANY, LF_PUT_NEW, LF_PUT_EXISTING };
/*
 * Write doc and state (NULL: keep, or {} when new).  type is needed when new.
 * if_etag: NULL, or the etag that must be present (LF_EPRECONDITION).
 * LF_EEXISTS, LF_ENOTFOUND by mode; LF_EINVAL for a new one whose id or name is not allowed
 * (lf_id_check_new).  A new etag is made.
 */
LF_MUST_CHECK int lf_catalog_put(struct lf_catalog *catalog, const char *id, const char *type,
				 enum lf_put_mode mode, const char *if_etag, const json_t *doc,
				 const json_t *state, struct lf_error *err);
/* Changes doc and state in place; an error leaves the row as it was. */
typedef int lf_resource_change_fn(struct lf_resource *resource, void *argument,
				  struct lf_error *err);
/* Read, change and write in one transaction.  LF_ENOTFOUND, LF_ECORRUPT: as lf_catalog_get(). */
LF_MUST_CHECK int lf_catalog_change(struct lf_catalog *catalog, const char *id,
				    lf_resource_change_fn *change, void *argument,
				    struct lf_error *err);
/* Gone already is fine.  Children are not touched. */
LF_MUST_CHECK int lf_catalog_delete(struct lf_catalog *catalog, const char *id,
				    struct lf_error *err);
/* The resource and everything below "id/". */
LF_MUST_CHECK int lf_catalog_delete_tree(struct lf_catalog *catalog, const char *id,
					 struct lf_error *err);

/*
 * What became of one row of many, for loops over lists: what is wrong with a row (rc is none of
 * memory, room, device or time) raises "catalog-row" for it and counts as 0, so that it harms
 * itself only; anything else is given back.
 */
LF_MUST_CHECK int lf_row_pass_over(const char *id, int rc, const struct lf_error *err);

struct lf_list_query {
	const char *type;  /* NULL: any */
	const char *below; /* only ids below this one; NULL: all */
	const char
		*named; /* only ids that end in this name, which is found by an index; NULL: all */
	const char *after; /* id of the last one seen (paging); NULL: from the start */
	size_t limit;	   /* 0: no limit */
};
struct lf_resource_list {
	struct lf_resource *items;
	size_t n;
	bool more; /* there are others after the last one */
};
void lf_resource_list_done(struct lf_resource_list *list);
#define LF_AUTO_RESOURCE_LIST LF_CLEANUP(lf_resource_list_done) struct lf_resource_list
/* In the order of the lower-case id; without what is damaged. */
LF_MUST_CHECK int lf_catalog_list(struct lf_catalog *catalog, const struct lf_list_query *query,
				  struct lf_resource_list *ret_list, struct lf_error *err);

/* How many rows there are of a type (NULL: any) below an id (NULL: all), damaged ones too; none of
 * them is read. */
LF_MUST_CHECK int lf_catalog_count(struct lf_catalog *catalog, const char *type, const char *below,
				   size_t *ret_n, struct lf_error *err);

/* Small named values: signing keys, ids, schema version.  Missing: LF_ENOTFOUND. */
LF_MUST_CHECK int lf_catalog_setting_get(struct lf_catalog *catalog, const char *name,
					 char **ret_value, struct lf_error *err);
LF_MUST_CHECK int lf_catalog_setting_put(struct lf_catalog *catalog, const char *name,
					 const char *value, struct lf_error *err);

#endif
