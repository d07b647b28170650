/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collections: of a machine of their own region, or of another region's
 * collection, whose points can then be copied here.
 */
#include <string.h>

#include "base/text.h"
#include "providers/compute/ids.h"
#include "providers/compute/restorepoint/restorepoint.h"
#include "providers/resources/locations.h"

static int fail_source(const char *source, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "properties.source.id",
			   "name a virtual machine of the collection's region, or a restore point "
			   "collection of another",
			   "'%.200s' %s", source, what);
}

static int check_source(struct lf_arm_call *call, json_t *doc, json_t *state, struct lf_error *err)
{
	const char *source = lf_json_text_or(doc, "properties.source.id", "");
	const char *location = lf_json_text_or(doc, "location", "");
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;

	int rc = lf_catalog_get(lf_arm_context(call)->catalog, source, &found, err);
	if (rc == LF_ENOTFOUND)
		return fail_source(source, "is not there", err);
	if (rc)
		return rc;
	bool copy = lf_text_equal_nocase(found.type, LF_COLLECTION_TYPE);
	const char *there = lf_json_text_or(found.doc, "location", "");
	if (!copy && !lf_text_equal_nocase(found.type, LF_VM_TYPE))
		return fail_source(source, "is no source of restore points", err);
	if (copy && lf_json_bool_or(found.state, "copy", false))
		return fail_source(source, "is a collection of copies itself", err);
	if (copy == lf_location_equal(location, there))
		return fail_source(source,
				   copy ? "is a collection of this region: copies go to another"
					: "is a machine of another region",
				   err);
	if (lf_json_set_text(doc, "properties.source.id", found.id) ||
	    lf_json_set_text(doc, "properties.source.location", there) ||
	    lf_json_set_bool(state, "copy", copy))
		return lf_fail_nomem(err);
	return 0;
}

static int check_collection(struct lf_arm_call *call, const char *id, json_t *doc,
			    const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];
	int failed = 0;

	const char *name = lf_json_text(lf_arm_body(call), "name");

	if (name && !lf_text_equal_nocase(name, lf_arm_id_last(id)))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "name", "leave it out",
				   "the URL names another collection");
	if (!before) {
		int rc = check_source(call, doc, state, err);
		if (rc)
			return rc;
		lf_guid_random(guid);
		failed = lf_json_set_text(doc, "properties.restorePointCollectionId", guid);
	} else {
		/* the source stays what it was, whatever the client says of it or not */
		bool instant = lf_json_bool_or(doc, "properties.instantAccess", false);
		failed = lf_json_set(doc, "properties",
				     json_deep_copy(lf_json_at(before->doc, "properties"))) ||
			 lf_json_set_bool(doc, "properties.instantAccess", instant);
	}
	return failed ? lf_fail_nomem(err) : 0;
}

static int view_collection(struct lf_arm_call *call, const struct lf_resource *collection,
			   json_t *doc, struct lf_error *err)
{
	const char *expand = lf_arm_query(call, "expand");
	const struct lf_list_query query = {.type = LF_RESTORE_POINT_TYPE, .below = collection->id};
	LF_AUTO_RESOURCE_LIST list = {0};
	json_t *points = json_array();

	if (!expand || !lf_text_equal_nocase(expand, "restorePoints")) {
		json_decref(points);
		return 0;
	}
	int rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		json_t *view = NULL;
		rc = lf_document_view(call, &lf_restore_point_document, &list.items[i], &view, err);
		if (!rc && json_array_append_new(points, view))
			rc = lf_fail_nomem(err);
	}
	if (lf_json_set(doc, "properties.restorePoints", points) && !rc)
		rc = lf_fail_nomem(err);
	return rc;
}

/* The points go with their rows; what they hold in the vault goes first. */
static int release_points(struct lf_context *context, const struct lf_resource *collection,
			  struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_RESTORE_POINT_TYPE, .below = collection->id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		rc = lf_restore_point_release(context, &list.items[i], err);
	return rc;
}

static const struct lf_field fields[] = {
	{"properties.source.id", LF_ID, LF_REQUIRED | LF_CREATE_ONLY, 0, 0, NULL,
	 "The machine, or the other region's collection, whose points are kept here."},
	{"properties.source.location", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Where that is."},
	{"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded."},
	{"properties.restorePointCollectionId", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Made here."},
	{"properties.instantAccess", LF_BOOL, 0, 0, 0, NULL,
	 "Kept: a restore point can be read at once in any case.", "false"},
	{"properties.restorePoints", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "With $expand."},
};

static const char *const expands[] = {"restorePoints", NULL};

const struct lf_document lf_collection_document = {.type = LF_COLLECTION_TYPE,
						   .fields = fields,
						   .n_fields = LF_N(fields),
						   .strict = true,
						   .check = check_collection,
						   .undo = release_points,
						   .view = view_collection,
						   .expands = expands,
						   .needs_location = true,
						   .provisioned = true,
						   .deleted_status = 202};
