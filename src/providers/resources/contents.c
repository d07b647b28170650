/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources of a group depend on each other in ways that only their providers
 * know, so each is tried until none is left or none can go: an interface goes
 * before its subnet because the subnet refuses until then.
 */
#include "providers/resources/contents.h"

#include <string.h>

#include "base/text.h"
#include "providers/authorization/authorization.h"
#include "providers/common/document.h"

typedef int remove_fn(struct lf_context *context, const struct lf_document *document,
		      const struct lf_resource *resource, struct lf_error *err);

const struct lf_document *lf_document_of_type(const struct lf_context *context, const char *type)
{
	const struct lf_arm_provider *const *all = context->providers;

	for (size_t i = 0; i < context->n_providers; i++)
		for (size_t j = 0; j < all[i]->n_routes; j++) {
			const struct lf_document *document = all[i]->routes[j].subject;
			if (strcmp(all[i]->routes[j].method, "PUT") == 0 && document &&
			    lf_text_equal_nocase(document->type, type))
				return document->scope ? NULL : document;
		}
	return NULL;
}

static int remove_each(struct lf_context *context, const char *group_id, remove_fn *remove_one,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.below = group_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	size_t left, before;

	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	if (rc)
		return rc;
	for (left = list.n; left;) {
		int failed = 0;
		before = left;
		left = 0;
		for (size_t i = 0; i < before; i++) {
			const struct lf_document *document =
				lf_document_of_type(context, list.items[i].type);
			rc = document ? remove_one(context, document, &list.items[i], err) : 0;
			if (!rc)
				continue;
			failed = rc;
			/* those that stay move to the front, for another round */
			struct lf_resource stays = list.items[i];
			list.items[i] = list.items[left];
			list.items[left++] = stays;
		}
		if (failed && left == before)
			return failed;
	}
	return 0;
}

/* In the trial transaction: gone for those that come after it. */
static int pretend(struct lf_context *context, const struct lf_document *document,
		   const struct lf_resource *resource, struct lf_error *err)
{
	LF_AUTO_RESOURCE now = LF_RESOURCE_INIT;
	bool there = false;

	int rc = lf_catalog_find(context->catalog, resource->id, &now, &there, err);
	if (!rc && !there) /* went with another */
		return 0;
	if (!rc && document->removing)
		rc = document->removing(context, &now, err);
	return rc ? rc : lf_catalog_delete_tree(context->catalog, resource->id, err);
}

int lf_group_check_removal(struct lf_context *context, const char *group_id, struct lf_error *err)
{
	LF_AUTO_TRANSACTION trial = LF_TRANSACTION_INIT; /* never committed */
	int rc = lf_transaction_begin(&trial, context->catalog, err);

	return rc ? rc : remove_each(context, group_id, pretend, err);
}

/* A lock may have been made since the job began. */
static int remove_really(struct lf_context *context, const struct lf_document *document,
			 const struct lf_resource *resource, struct lf_error *err)
{
	int rc = lf_rights_unlocked(context->rights, "*/delete", resource->id, err);

	return rc ? rc : lf_document_remove(context, document, resource->id, err);
}

int lf_group_remove(struct lf_context *context, const char *group_id, struct lf_error *err)
{
	int rc = lf_rights_unlocked(context->rights, "*/delete", group_id, err);

	if (!rc)
		rc = remove_each(context, group_id, remove_really, err);
	return rc ? rc : lf_catalog_delete_tree(context->catalog, group_id, err);
}
