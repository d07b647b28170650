/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/policy/policy.h - backup policies by their ids.  Threads: any.
 */
#ifndef LF_PROVIDERS_BACKUP_POLICY_H
#define LF_PROVIDERS_BACKUP_POLICY_H

#include "base/text.h"
#include "providers/common/document.h"
#include "providers/common/site.h"

extern const struct lf_document lf_backup_policy_document;

/* A policy by id, also one of those that every vault has; as lf_catalog_find(). */
LF_MUST_CHECK int lf_backup_policy(struct lf_context *context, const char *id,
				   struct lf_resource *ret_policy, bool *ret_there,
				   struct lf_error *err);
/* The policy of an item. */
LF_MUST_CHECK int lf_backup_policy_of(struct lf_context *context, const struct lf_resource *item,
				      struct lf_resource *ret_policy, bool *ret_there,
				      struct lf_error *err);
/* Until when a point of that time is kept: asked, or what the item's policy says of it. */
LF_MUST_CHECK int lf_backup_policy_expiry(struct lf_context *context,
					  const struct lf_resource *item, const char *asked,
					  const char *time, char out[static LF_TIME_SIZE],
					  struct lf_error *err);

#endif
