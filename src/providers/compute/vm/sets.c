/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Availability sets and proximity placement groups: documents that list who names them.  What is in
 * one is asked of the catalog each time, so that nothing has to be kept in step.
 */
#include "providers/compute/vm/sets.h"

#include "base/text.h"
#include "providers/compute/ids.h"
#include "providers/compute/vm/placement.h"

/* Resources of type whose document has id at path, as {"id"} at the end of list. */
static int add_users(struct lf_catalog *catalog, const char *type, const char *path, const char *id,
		     json_t *list, struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST users = {0};

	int rc = lf_catalog_list(catalog, &query, &users, err);
	for (size_t i = 0; !rc && i < users.n; i++)
		if (lf_arm_id_equal(lf_json_text_or(users.items[i].doc, path, ""), id) &&
		    json_array_append_new(list, json_pack("{s:s}", "id", users.items[i].id)))
			rc = lf_fail_nomem(err);
	return rc;
}

/* The users as a member of the answer. */
static int put_users(struct lf_arm_call *call, const char *type, const char *path,
		     const struct lf_resource *used, json_t *doc, const char *member,
		     struct lf_error *err)
{
	LF_AUTO_JSON *list = json_array();
	int rc = list ? add_users(lf_arm_context(call)->catalog, type, path, used->id, list, err)
		      : lf_fail_nomem(err);

	return rc || !lf_json_set(doc, member, lf_steal(&list)) ? rc : lf_fail_nomem(err);
}

static int view_set(struct lf_arm_call *call, const struct lf_resource *set, json_t *doc,
		    struct lf_error *err)
{
	return put_users(call, LF_VM_TYPE, "properties.availabilitySet.id", set, doc,
			 "properties.virtualMachines", err);
}

static int view_group(struct lf_arm_call *call, const struct lf_resource *group, json_t *doc,
		      struct lf_error *err)
{
	static const char path[] = "properties.proximityPlacementGroup.id";
	int rc = put_users(call, LF_VM_TYPE, path, group, doc, "properties.virtualMachines", err);

	return rc ? rc
		  : put_users(call, LF_SET_TYPE, path, group, doc, "properties.availabilitySets",
			      err);
}

static int refuse_in_use(struct lf_context *context, const struct lf_resource *set,
			 struct lf_error *err)
{
	static const char *const paths[] = {"properties.availabilitySet.id",
					    "properties.proximityPlacementGroup.id"};
	LF_AUTO_JSON *users = json_array();

	if (!users)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < LF_N(paths); i++) {
		int rc = add_users(context->catalog, LF_VM_TYPE, paths[i], set->id, users, err);
		if (!rc)
			rc = add_users(context->catalog, LF_SET_TYPE, paths[i], set->id, users,
				       err);
		if (rc)
			return rc;
	}
	return json_array_size(users) == 0
		       ? 0
		       : lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", set->id,
				     "delete who uses it first", "%s is used by '%.200s'",
				     lf_arm_id_last(set->id), lf_json_text_or(users, "0.id", ""));
}

static int check_set(struct lf_arm_call *call, const char *id, json_t *doc,
		     const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	static const char path[] = "properties.proximityPlacementGroup.id";
	const char *group = lf_json_text(doc, path);

	(void)id, (void)before, (void)state;
	json_object_del(lf_json_at(doc, "properties"), "virtualMachines");
	return group ? lf_vm_placement_group_check(lf_arm_context(call)->catalog, group,
						   lf_json_text_or(doc, "location", ""), path, err)
		     : 0;
}

static const char *const set_skus[] = {"Classic", "Aligned", NULL};
static const struct lf_field set_fields[] = {
	{"sku.name", LF_ENUM, 0, 0, 0, set_skus, "Classic, or Aligned for managed disks.",
	 "\"Classic\""},
	{"properties.platformFaultDomainCount", LF_INT, 0, 1, 3, NULL, "Kept; there is one host.",
	 "2"},
	{"properties.platformUpdateDomainCount", LF_INT, 0, 1, 20, NULL, "Kept.", "5"},
	{"properties.proximityPlacementGroup.id", LF_ID, 0, 0, 0, NULL,
	 "A group of the same location."},
};
static const char *const group_types[] = {"Standard", "Ultra", NULL};
static const struct lf_field group_fields[] = {
	{"properties.proximityPlacementGroupType", LF_ENUM, 0, 0, 0, group_types,
	 "Kept; there is one host.", "\"Standard\""},
	{"properties.virtualMachines", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "Who is in it."},
	{"properties.availabilitySets", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL, "Who is in it."},
};

const struct lf_document lf_availability_set_document = {
	.type = LF_SET_TYPE,
	.fields = set_fields,
	.n_fields = LF_N(set_fields),
	.strict = true,
	.check = check_set,
	.view = view_set,
	.removing = refuse_in_use,
	.needs_location = true,
	.created_is_200 = true,
};
const struct lf_document lf_placement_group_document = {
	.type = LF_PLACEMENT_GROUP_TYPE,
	.fields = group_fields,
	.n_fields = LF_N(group_fields),
	.strict = true,
	.view = view_group,
	.removing = refuse_in_use,
	.needs_location = true,
};
