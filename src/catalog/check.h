/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog/check.h - a catalog looked through without a daemon, and without
 * writing to it.
 */
#ifndef LF_CATALOG_CHECK_H
#define LF_CATALOG_CHECK_H

#include "json/json.h"

/* object: an id, or "catalog.db"; fault: what is wrong with it.  Non-zero ends the check. */
typedef int lf_catalog_fault_fn(void *context, const char *object, const char *fault,
				struct lf_error *err);
/* A resource that is a recovery point, or a replica that has one: where its bytes are said to be.
 */
typedef int lf_catalog_point_fn(void *context, const char *id, const char *region,
				const char *point, struct lf_error *err);
struct lf_catalog_visitor {
	lf_catalog_fault_fn *fault;
	lf_catalog_point_fn *point; /* not of points that are still being made */
	void *context;
};
struct lf_catalog_counts {
	uint64_t resources, jobs;
};
/*
 * Its version, its pages (integrity_check, without a limit of time), each row: JSON objects, a
 * type, the key that belongs to the id, the resource group that the id is in, the item that a
 * replica or session is of.  Of what is damaged as a whole one fault is told.  Settings:
 * ret_tenant, the site's id, free(); NULL: none.
 */
LF_MUST_CHECK int lf_catalog_check(const char *path, const struct lf_catalog_visitor *visitor,
				   struct lf_catalog_counts *ret_counts, char **ret_tenant,
				   struct lf_error *err);

#endif
