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
LF_MUST_CHECK int lf_backup_policy(struct lf_catalog *catalog, const char *id,
				   struct lf_resource *ret_policy, bool *ret_there,
				   struct lf_error *err);
/* The policy of an item. */
LF_MUST_CHECK int lf_backup_policy_of(struct lf_catalog *catalog, const struct lf_resource *item,
				      struct lf_resource *ret_policy, bool *ret_there,
				      struct lf_error *err);
/* What keeps an item's points: its policy, and whether what was promised cannot be shortened. */
struct lf_backup_keeping {
	struct lf_resource policy;
	bool there, immutable;
	int64_t immutable_days; /* of each point, whatever its policy; 0: as that says */
};
void lf_backup_keeping_done(struct lf_backup_keeping *keeping);
#define LF_AUTO_KEEPING LF_CLEANUP(lf_backup_keeping_done) struct lf_backup_keeping
LF_MUST_CHECK int lf_backup_keeping(struct lf_context *context, const struct lf_resource *item,
				    struct lf_backup_keeping *ret_keeping, struct lf_error *err);
/*
 * Until when a point is kept: as its policy has it now, so that a change reaches the points that
 * are there.  One that was asked for until a time, one of an item without a policy, and one that an
 * older version took keep theirs (state "expires"); an immutable vault only lengthens.
 */
void lf_backup_point_expiry(const struct lf_backup_keeping *keeping,
			    const struct lf_resource *point, char out[static LF_TIME_SIZE]);

#endif
