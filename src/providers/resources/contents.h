/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/resources/contents.h - a resource group goes with all that is in it, each by its own
 * provider's rules.
 */
#ifndef LF_PROVIDERS_RESOURCES_CONTENTS_H
#define LF_PROVIDERS_RESOURCES_CONTENTS_H

#include "arm/arm.h"
#include "providers/common/site.h"

struct lf_document;
/* The description of a type whose PUT names one, and which is removed by it; NULL: another.  What
 * has a scope is what protects something: it goes with what is above it, if that lets itself be
 * deleted. */
const struct lf_document *lf_document_of_type(const struct lf_context *context, const char *type);
/* May everything in the group go?  Changes nothing; in no transaction. */
LF_MUST_CHECK int lf_group_check_removal(struct lf_context *context, const char *group_id,
					 struct lf_error *err);
/* Remove it, and the group; may be repeated.  In no transaction. */
LF_MUST_CHECK int lf_group_remove(struct lf_context *context, const char *group_id,
				  struct lf_error *err);

#endif
