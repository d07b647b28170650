/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body says of "identity", checked and completed: users are looked up,
 * and the system's principal is made once and kept in the resource's state.
 */
#include "providers/common/managed_identity.h"

#include <string.h>

#include "base/text.h"

#define USER_TYPE "Microsoft.ManagedIdentity/userAssignedIdentities"
#define USER_MAP  "identity.userAssignedIdentities"

enum kinds { KIND_NONE = 0, KIND_SYSTEM = 1, KIND_USER = 2 };
static const char *const names[] = {"None", "SystemAssigned", "UserAssigned",
				    "SystemAssigned, UserAssigned"};

/* "systemassigned,UserAssigned" in any case and order; -1: something else. */
static int parse_type(const char *text)
{
	int kinds = 0;

	while (*text) {
		char word[32];
		size_t len;
		text += strspn(text, ", ");
		len = strcspn(text, ", ");
		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		text += len;
		if (lf_text_equal_nocase(word, "SystemAssigned"))
			kinds |= KIND_SYSTEM;
		else if (lf_text_equal_nocase(word, "UserAssigned"))
			kinds |= KIND_USER;
		else if (word[0] && !lf_text_equal_nocase(word, "None"))
			return -1;
	}
	return kinds;
}

static int complete_user(struct lf_catalog *catalog, json_t *map, const char *id,
			 struct lf_error *err)
{
	LF_AUTO_RESOURCE user = LF_RESOURCE_INIT;
	int rc = lf_arm_id_check(id, USER_TYPE, USER_MAP, err);

	if (!rc)
		rc = lf_catalog_get(catalog, id, &user, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EINVAL, "FailedIdentityOperation", id,
				   "create the identity first", "the identity '%s' was not found",
				   id);
	if (rc)
		return rc;
	json_t *value = json_pack("{s:s?,s:s?}", "principalId",
				  lf_json_text(user.doc, "properties.principalId"), "clientId",
				  lf_json_text(user.doc, "properties.clientId"));
	return json_object_set_new(map, id, value) ? lf_fail_nomem(err) : 0;
}

static int complete_users(struct lf_catalog *catalog, json_t *doc, int kinds, struct lf_error *err)
{
	json_t *map = lf_json_at(doc, USER_MAP), *value;
	const char *id;
	void *next;
	int rc = 0;

	if (!(kinds & KIND_USER)) {
		json_object_del(lf_json_at(doc, "identity"), "userAssignedIdentities");
		return 0;
	}
	if (!json_object_size(map))
		return lf_fail_arm(err, LF_EINVAL, "InvalidIdentityType", USER_MAP,
				   "name the identities: {\"ID\": {}}",
				   "a user-assigned identity is asked for, but none is named");
	json_object_foreach_safe (map, next, id, value)
		if (!rc)
			rc = complete_user(catalog, map, id, err);
	return rc;
}

static int complete_system(struct lf_context *context, json_t *doc, json_t *state, int kinds,
			   struct lf_error *err)
{
	json_t *identity = lf_json_at(doc, "identity");
	char guid[LF_GUID_SIZE];

	json_object_del(identity, "principalId");
	json_object_del(identity, "tenantId");
	if (!(kinds & KIND_SYSTEM)) {
		json_object_del(state, "principalId");
		return 0;
	}
	if (!lf_json_text(state, "principalId")) {
		lf_guid_random(guid);
		if (lf_json_set_text(state, "principalId", guid))
			return lf_fail_nomem(err);
	}
	return lf_json_set_text(identity, "principalId", lf_json_text(state, "principalId")) |
			       lf_json_set_text(identity, "tenantId", context->tenant_id)
		       ? lf_fail_nomem(err)
		       : 0;
}

int lf_managed_identity_check(struct lf_context *context, json_t *doc, json_t *state,
			      struct lf_error *err)
{
	if (!lf_json_at(doc, "identity"))
		return 0;
	int kinds = parse_type(lf_json_text_or(doc, "identity.type", "?"));
	if (kinds < 0)
		return lf_fail_arm(err, LF_EINVAL, "InvalidIdentityType", "identity.type",
				   "give None, SystemAssigned, UserAssigned, or both by a comma",
				   "the identity type is not valid");
	int rc = complete_users(context->catalog, doc, kinds, err);
	if (!rc)
		rc = complete_system(context, doc, state, kinds, err);
	if (!rc && lf_json_set_text(doc, "identity.type", names[kinds]))
		rc = lf_fail_nomem(err);
	return rc;
}
