/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags are a member of the resource that has them; this is another way to them.  What a resource
 * has is read, and changed as its PATCH would, in one transaction.  Names are the same in any case.
 */
#include "providers/resources/tags.h"

#include "base/text.h"
#include "json/doc.h"
#include "providers/common/document.h"
#include "providers/resources/contents.h"

#define LEVELS 4 /* "providers/Microsoft.Resources/tags/default" */

static const char *const operations[] = {"Replace", "Merge", "Delete", NULL};
static const struct lf_field fields[] = {
	{"operation", LF_ENUM, 0, 0, 0, operations, "Of a PATCH: what becomes of the tags."},
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "Has the tags."},
	{"properties.tags", LF_OBJECT, 0, 0, 0, NULL, "Names and values."},
	{"id", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Of the tags."},
	{"name", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "default"},
	{"type", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Microsoft.Resources/tags"},
};

static int check_body(struct lf_arm_call *call, bool patch, struct lf_error *err)
{
	json_t *body = lf_arm_body(call);
	char path[LF_FIELD_PATH_SIZE];
	int rc = lf_fields_check(fields, LF_N(fields), body, NULL, err);

	if (!rc && lf_fields_stray(fields, LF_N(fields), body, NULL, path))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path,
				 "leave it out: it would have no effect",
				 "%s is nothing that tags have", path);
	if (!rc && patch != (lf_json_text(body, "operation") != NULL))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "operation",
				 patch ? "give Replace, Merge or Delete" : "use PATCH",
				 patch ? "a change of tags needs an operation"
				       : "PUT replaces all tags");
	return rc;
}

static int reply(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	LF_AUTO_DOC properties = LF_DOC_INIT;
	LF_AUTO_JSON *doc = NULL;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, LEVELS), &resource,
				err);

	if (rc)
		return rc;
	json_t *tags = lf_json_at(resource.doc, "tags");
	lf_doc_put(&properties, "tags", tags ? json_incref(tags) : json_object());
	LF_AUTO_FREE char *id =
		lf_printf_dup("%s/providers/Microsoft.Resources/tags/default", resource.id);
	rc = id ? lf_document_wrap(id, "Microsoft.Resources/tags", lf_doc_take(&properties), &doc,
				   err)
		: lf_fail_nomem(err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

/* The name as tags have it; the name itself when they have none. */
static const char *known_name(const json_t *tags, const char *name)
{
	const char *known;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)tags, known, value)
		if (lf_text_equal_nocase(known, name))
			return known;
	return name;
}

/* Each of given into tags, or out of them: of a name alone whatever its value is. */
static int merge(json_t *tags, const json_t *given, bool removes, struct lf_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)given, name, value) {
		const char *known = known_name(tags, name), *text = json_string_value(value);
		if (!removes && json_object_set(tags, known, value))
			return lf_fail_nomem(err);
		if (removes &&
		    (!text || !text[0] || json_equal(json_object_get(tags, known), value)))
			json_object_del(tags, known);
	}
	return 0;
}

static int change(struct lf_arm_call *call, const char *operation, const json_t *given,
		  struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	bool removes = strcmp(operation, "Delete") == 0,
	     replaces = strcmp(operation, "Replace") == 0;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;

	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_arm_id(call, LEVELS), &resource, err);
	if (rc)
		return rc;
	const struct lf_document *document = lf_document_of_type(context, resource.type);
	if (!document)
		return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", resource.id,
				   "tag what it belongs to", "%s has no tags", resource.id);
	json_t *had = replaces ? NULL : lf_json_at(resource.doc, "tags");
	LF_AUTO_JSON *tags = had ? json_deep_copy(had) : json_object();
	LF_AUTO_JSON *changes = tags ? json_pack("{s:O}", "tags", tags) : NULL;
	if (!changes)
		return lf_fail_nomem(err);
	rc = merge(tags, given, removes, err);
	if (!rc)
		rc = lf_document_change(call, document, resource.id, changes, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_tags_get(struct lf_arm_call *call, struct lf_error *err)
{
	return reply(call, err);
}

int lf_tags_put(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = check_body(call, false, err);

	if (!rc)
		rc = change(call, "Replace", lf_json_at(lf_arm_body(call), "properties.tags"), err);
	return rc ? rc : reply(call, err);
}

int lf_tags_patch(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *body = lf_arm_body(call);
	int rc = check_body(call, true, err);

	if (!rc)
		rc = change(call, lf_json_text_or(body, "operation", ""),
			    lf_json_at(body, "properties.tags"), err);
	return rc ? rc : reply(call, err);
}

int lf_tags_delete(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = change(call, "Replace", NULL, err);

	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}
