/* SPDX-License-Identifier: Apache-2.0 */
/* Management locks, which lf_rights_unlocked() looks at. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "json/field.h"
#include "providers/authorization/internal.h"
#include "providers/common/document.h"
#include "providers/common/page.h"

#define LOCKS_MAX 1000 /* of the site: each request that writes looks at all of them */

static const char *const levels[] = {"CanNotDelete", "ReadOnly", NULL};
static const struct lf_field fields[] = {
	{.path = "properties.level", .type = LF_ENUM, .flags = LF_REQUIRED, .values = levels},
	{.path = "properties.notes", .type = LF_TEXT, .max = 512},
};

static json_t *view(const struct lf_resource *row)
{
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "id", row->id);
	lf_doc_text(&doc, "name", lf_arm_id_last(row->id));
	lf_doc_text(&doc, "type", LF_LOCK_TYPE);
	lf_doc_text(&doc, "properties.level", lf_json_text(row->doc, "properties.level"));
	lf_doc_text_if(&doc, "properties.notes", lf_json_text(row->doc, "properties.notes"));
	return lf_doc_take(&doc);
}

int lf_lock_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool there = false;
	int rc = lf_catalog_find(lf_arm_context(call)->catalog, lf_arm_id(call, 0), &row, &there,
				 err);

	if (!rc && !there)
		return lf_fail_arm(err, LF_ENOTFOUND, "LockNotFound", lf_arm_id(call, 0),
				   "landfall lock list", "the lock '%s' could not be found",
				   lf_arm_param(call, "lock"));
	LF_AUTO_JSON *body = rc ? NULL : view(&row);
	return rc ? rc : body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int check_room(struct lf_catalog *catalog, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_LOCK_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	return rc || list.n < LOCKS_MAX
		       ? rc
		       : lf_fail_arm(err, LF_ECONFLICT, "LockLimitExceeded", NULL,
				     "delete those that are not needed",
				     "no more locks can be created (limit %d)", LOCKS_MAX);
}

static int put_row(struct lf_arm_call *call, struct lf_resource *ret_row, bool *ret_existed,
		   struct lf_error *err)
{
	struct lf_catalog *catalog = lf_arm_context(call)->catalog;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *scope = NULL;
	LF_AUTO_FREE char *id = NULL;

	int rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = lf_rights_open_scope(call, &scope, err);
	if (!rc && !(id = lf_printf_dup("%s" LF_AUTHORIZATION "/locks/%s", scope,
					lf_arm_param(call, "lock"))))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_find(catalog, id, &before, ret_existed, err);
	if (!rc && !*ret_existed)
		rc = check_room(catalog, err);
	if (!rc)
		rc = lf_catalog_put(catalog, id, LF_LOCK_TYPE, LF_PUT_ANY, NULL, lf_arm_body(call),
				    NULL, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : lf_catalog_get(catalog, id, ret_row, err);
}

int lf_lock_put(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool existed = false;

	int rc = lf_document_check_request(lf_arm_body(call), fields, LF_N(fields), NULL, err);
	if (!rc)
		rc = put_row(call, &row, &existed, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *body = view(&row);
	return body ? lf_arm_reply(call, existed ? 200 : 201, body, err) : lf_fail_nomem(err);
}

int lf_lock_delete(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_catalog *catalog = lf_arm_context(call)->catalog;
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool there = false;
	int rc = lf_catalog_find(catalog, lf_arm_id(call, 0), &row, &there, err);

	if (!rc && there)
		rc = lf_catalog_delete(catalog, row.id, err);
	return rc ? rc : lf_arm_reply(call, there ? 200 : 204, NULL, err);
}

/* At the scope and below it; atScope(): at the scope and above it. */
int lf_lock_list(struct lf_arm_call *call, struct lf_error *err)
{
	static const char *const known[] = {"atScope()", NULL};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_FREE char *scope = NULL;
	LF_AUTO_JSON *values = json_array();
	struct lf_rights_filter filter;

	int rc =
		values ? lf_rights_open_list(call, LF_LOCK_TYPE, known, &filter, &scope, &list, err)
		       : lf_fail_nomem(err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_FREE char *own = lf_rights_scope_of(list.items[i].id);
		bool listed = own && (filter.at_scope ? lf_rights_is_within(scope, own)
						      : lf_rights_is_within(own, scope));
		if (!own || (listed && json_array_append_new(values, view(&list.items[i]))))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_page_reply(call, values, err);
}
