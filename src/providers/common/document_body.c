/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body may hold beside what its type obeys: the envelope, tags, and
 * nothing that would be stored or dropped without an effect.
 */
#include <string.h>

#include "providers/common/document_internal.h"

#define TAGS_MAX 50

int lf_document_check_tags(const json_t *doc, struct lf_error *err)
{
	json_t *tags = lf_json_at(doc, "tags"), *value;
	const char *name;
	bool good = !tags || (json_is_object(tags) && json_object_size(tags) <= TAGS_MAX);

	if (good && tags)
		json_object_foreach (tags, name, value)
			good = good && json_is_string(value) && strlen(name) <= 512 &&
			       json_string_length(value) <= 256;
	return good ? 0
		    : lf_fail_arm(err, LF_EINVAL, "InvalidTags", "tags",
				  "at most 50, names of at most 512 and values of at most 256 "
				  "characters: {\"name\": \"value\"}",
				  "the tags are not valid");
}

void lf_document_drop_envelope(json_t *doc)
{
	static const char *const names[] = {"id", "name", "type", "etag", "eTag", "systemData"};

	for (size_t i = 0; i < LF_N(names); i++)
		json_object_del(doc, names[i]);
}

int lf_document_check_envelope(json_t *body, struct lf_error *err)
{
	static const struct lf_field envelope[] = {
		{.path = "id", .type = LF_TEXT},
		{.path = "name", .type = LF_TEXT},
		{.path = "type", .type = LF_TEXT},
		{.path = "etag", .type = LF_TEXT},
		{.path = "eTag", .type = LF_TEXT},
		{.path = "location", .type = LF_TEXT},
		{.path = "tags", .type = LF_OBJECT},
		{.path = "properties", .type = LF_OBJECT},
		{.path = "systemData", .type = LF_OBJECT},
	};

	int rc = lf_fields_check(envelope, LF_N(envelope), body, NULL, err);
	return rc ? rc : lf_document_check_tags(body, err);
}

/* What a description lists and no type serves; location and tags are checked by themselves. */
static int copy_own_members(const json_t *body, json_t **ret_own, struct lf_error *err)
{
	static const char *const common[] = {"location", "tags", "properties"};
	LF_AUTO_JSON *own = json_copy((json_t *)(uintptr_t)body);
	LF_AUTO_JSON *properties = json_copy(lf_json_at(body, "properties"));

	if (!own)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < LF_N(common); i++)
		json_object_del(own, common[i]);
	lf_document_drop_envelope(own);
	json_object_del(properties, "provisioningState");
	if (properties && json_object_set(own, "properties", properties))
		return lf_fail_nomem(err);
	*ret_own = lf_steal(&own);
	return 0;
}

int lf_document_find_stray(const json_t *body, const struct lf_field *fields, size_t n,
			   const json_t *shown, char ret_path[static LF_FIELD_PATH_SIZE],
			   struct lf_error *err)
{
	LF_AUTO_JSON *own = NULL;

	ret_path[0] = '\0';
	if (!body)
		return 0;
	int rc = copy_own_members(body, &own, err);
	if (!rc && !lf_fields_stray(fields, n, own, shown, ret_path))
		ret_path[0] = '\0';
	return rc;
}

int lf_document_fail_stray(const char *path, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", path,
			   "leave it out: it would have no effect", "%s is not served here", path);
}

int lf_document_check_request(json_t *body, const struct lf_field *fields, size_t n,
			      const json_t *shown, struct lf_error *err)
{
	char path[LF_FIELD_PATH_SIZE];
	int rc = lf_document_check_envelope(body, err);

	if (!rc)
		rc = lf_fields_check(fields, n, body, NULL, err);
	if (!rc)
		rc = lf_document_find_stray(body, fields, n, shown, path, err);
	return rc || !path[0] ? rc : lf_document_fail_stray(path, err);
}
