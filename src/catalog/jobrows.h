/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog/jobrows.h - the rows of the job engine, in the catalog's own
 * transactions, so that a resource change and a job's progress are one commit.
 *
 * Only job/ includes this.  Threads: as catalog.h.
 */
#ifndef LF_CATALOG_JOBROWS_H
#define LF_CATALOG_JOBROWS_H

#include "catalog/catalog.h"

struct lf_jobrow {
	const char *id, *type, *scope, *resource;
	bool final;
	int64_t created_ns;
	const json_t *body; /* everything else of the job */
};
/* Insert or replace by id. */
LF_MUST_CHECK int lf_jobrow_put(struct lf_catalog *catalog, const struct lf_jobrow *row,
				struct lf_error *err);
/* *ret_body is the caller's; there is none: 0, and *ret_body untouched. */
LF_MUST_CHECK int lf_jobrow_find(struct lf_catalog *catalog, const char *id, json_t **ret_body,
				 struct lf_error *err);
/* The same; there is none: LF_ENOTFOUND. */
LF_MUST_CHECK int lf_jobrow_get(struct lf_catalog *catalog, const char *id, json_t **ret_body,
				struct lf_error *err);

struct lf_jobrow_query {
	const char *scope;	 /* NULL: any; else exactly this or below it, any case */
	const char *type_prefix; /* NULL: any */
	const char *resource;	 /* NULL: any; any case */
	bool unfinished;	 /* only those that are not final */
	size_t limit;		 /* 0: none */
};
/* Array of bodies, the newest first; without what is damaged, for which the health condition
 * "job-row" is raised. */
LF_MUST_CHECK int lf_jobrow_list(struct lf_catalog *catalog, const struct lf_jobrow_query *query,
				 json_t **ret_bodies, struct lf_error *err);

/*
 * Remove finished jobs that were begun before a time, and all but the newest `keep` of them; some
 * hundred at a call.  *ret_more: there are others.
 */
LF_MUST_CHECK int lf_jobrow_expire(struct lf_catalog *catalog, int64_t before_ns, size_t keep,
				   bool *ret_more, struct lf_error *err);

#endif
