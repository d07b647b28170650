/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define INPUT "properties.providerSpecificInput"

static int fabric_name_of(const char *id, char *out, size_t size, struct lf_error *err)
{
	if (lf_arm_id_segment(id, "replicationFabrics", out, size))
		return 0;
	return lf_fail(err, LF_EINTERNAL, id, "a container outside a fabric");
}

int lf_sr_container_view(struct lf_context *context, const struct lf_resource *container,
			 bool whole, json_t **ret_doc, struct lf_error *err)
{
	char fabric[256];
	size_t items = 0, mappings = 0;
	int rc = fabric_name_of(container->id, fabric, sizeof(fabric), err);

	(void)whole;
	if (!rc)
		rc = lf_sr_count(context, LF_SR_TYPE_ITEM, container->id, &items, err);
	if (!rc)
		rc = lf_sr_count(context, LF_SR_TYPE_MAPPING, container->id, &mappings, err);
	if (rc)
		return rc;
	return lf_sr_view_new(container->id, LF_SR_TYPE_CONTAINER,
			      json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:n}", "fabricFriendlyName",
					fabric, "friendlyName", lf_arm_id_last(container->id),
					"fabricType", LF_SR_INSTANCE, "protectedItemCount",
					(json_int_t)items, "pairingStatus",
					mappings ? "Paired" : "NotPaired", "role",
					mappings ? "Primary" : "", "fabricSpecificDetails"),
			      ret_doc, err);
}

int lf_sr_container_put(struct lf_context *context, const char *id, struct lf_error *err)
{
	LF_AUTO_JSON *doc = json_object();

	return lf_catalog_put(context->catalog, id, LF_SR_TYPE_CONTAINER, LF_PUT_ANY, NULL, doc,
			      NULL, err);
}

int lf_sr_containers_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_CONTAINER, scope.fabric.id,
				     lf_sr_container_view, err);
}

int lf_sr_containers_list_all(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_CONTAINER, scope.vault.id,
				     lf_sr_container_view, err);
}

int lf_sr_containers_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);

	return rc ? rc : lf_sr_reply_one(call, scope.container.id, lf_sr_container_view, err);
}

int lf_sr_containers_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *inputs = lf_json_at(lf_arm_body(call), INPUT);
	LF_AUTO_SR_SCOPE scope = {0};
	size_t i;
	json_t *input;
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);

	json_array_foreach ((json_t *)(uintptr_t)inputs, i, input) {
		if (!rc)
			rc = lf_sr_check_instance(
				lf_json_text(input, "instanceType"),
				"ReplicationProviderSpecificContainerCreationInput",
				INPUT ".instanceType", err);
	}
	if (rc)
		return rc;
	LF_AUTO_FREE char *id = lf_sr_child_id(scope.fabric.id, "replicationProtectionContainers",
					       lf_arm_param(call, "container"));
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_sr_container_put(lf_arm_context(call), id, err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_container_view, err);
}

int lf_sr_containers_remove(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_SR_SCOPE scope = {0};
	size_t items = 0;
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);

	if (rc == LF_ENOTFOUND && scope.fabric.id)
		return lf_arm_reply(call, 204, NULL, err);
	if (!rc)
		rc = lf_sr_count(context, LF_SR_TYPE_ITEM, scope.container.id, &items, err);
	if (rc)
		return rc;
	if (items)
		return lf_fail_arm(err, LF_ECONFLICT, "ProtectionContainerInUse",
				   scope.container.id, "disable the protection of its items first",
				   "the container protects %zu machines", items);
	rc = lf_catalog_delete_tree(context->catalog, scope.container.id, err);
	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
}

/* Machines appear by registering an agent with the site; nothing is pushed. */
int lf_sr_containers_discover(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_unsupported(call, "DiscoverProtectableItemNotSupported",
				 "register the landfall-agent of the machine with the site; it "
				 "then appears among the protectable items",
				 err);
}

int lf_sr_containers_switch(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_unsupported(call, "SwitchProtectionNotSupported",
				 "disable protection and protect the machine again", err);
}

/* Mappings: which policy a container's items follow. */

int lf_sr_mapping_view(struct lf_context *context, const struct lf_resource *mapping, bool whole,
		       json_t **ret_doc, struct lf_error *err)
{
	const char *policy = lf_json_text_or(mapping->doc, "policyId", "");
	char fabric[256] = "", container[256] = "";

	(void)context, (void)whole;
	int rc = fabric_name_of(mapping->id, fabric, sizeof(fabric), err);
	if (rc)
		return rc;
	lf_arm_id_segment(mapping->id, "replicationProtectionContainers", container,
			  sizeof(container));
	return lf_sr_view_new(
		mapping->id, LF_SR_TYPE_MAPPING,
		json_pack("{s:s,s:s,s:{s:s,s:s},s:s,s:[],s:s,s:s,s:s,s:s,s:s,s:s}",
			  "targetProtectionContainerId",
			  lf_json_text_or(mapping->doc, "target", "Microsoft Azure"),
			  "targetProtectionContainerFriendlyName", "Microsoft Azure",
			  "providerSpecificDetails", "instanceType", LF_SR_INSTANCE,
			  "enableAgentAutoUpgrade",
			  lf_json_text_or(mapping->doc, "enableAgentAutoUpgrade", "false"),
			  "health", "Normal", "healthErrorDetails", "policyId", policy, "state",
			  "Paired", "sourceProtectionContainerFriendlyName", container,
			  "sourceFabricFriendlyName", fabric, "targetFabricFriendlyName",
			  "Microsoft Azure", "policyFriendlyName", lf_arm_id_last(policy)),
		ret_doc, err);
}

static char *mapping_id(struct lf_arm_call *call, const struct lf_sr_scope *scope)
{
	return lf_sr_child_id(scope->container.id, "replicationProtectionContainerMappings",
			      lf_arm_param(call, "mapping"));
}

int lf_sr_mappings_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_MAPPING, scope.container.id,
				     lf_sr_mapping_view, err);
}

int lf_sr_mappings_list_all(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_MAPPING, scope.vault.id, lf_sr_mapping_view,
				     err);
}

int lf_sr_mappings_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);
	LF_AUTO_FREE char *id = rc ? NULL : mapping_id(call, &scope);

	if (!rc && !id)
		return lf_fail_nomem(err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_mapping_view, err);
}

static const char *bool_word(const json_t *doc, const char *path, const char *fallback)
{
	if (!lf_json_at(doc, path))
		return fallback;
	return lf_json_bool_or(doc, path, false) ? "true" : "false";
}

int lf_sr_mappings_put(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const json_t *body = lf_arm_body(call);
	const char *policy = lf_json_text_or(body, "properties.policyId", "");
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);

	/* "" is what clients send that have no type for this input */
	if (!rc && lf_json_text_or(body, INPUT ".instanceType", "-")[0] && lf_json_at(body, INPUT))
		rc = lf_sr_check_instance(lf_json_text(body, INPUT ".instanceType"),
					  "ReplicationProviderSpecificContainerMappingInput",
					  INPUT ".instanceType", err);
	if (!rc)
		rc = lf_sr_check_exists(context, policy, LF_SR_TYPE_POLICY, "PolicyNotFound",
					"properties.policyId", err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id = mapping_id(call, &scope);
	LF_AUTO_JSON *doc = json_pack(
		"{s:s,s:s,s:s}", "policyId", policy, "target",
		lf_json_text_or(body, "properties.targetProtectionContainerId", "Microsoft Azure"),
		"enableAgentAutoUpgrade",
		bool_word(body, INPUT ".enableAgentAutoUpgrade", "false"));
	if (!id || !doc)
		return lf_fail_nomem(err);
	rc = lf_catalog_put(context->catalog, id, LF_SR_TYPE_MAPPING, LF_PUT_ANY, NULL, doc, NULL,
			    err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_mapping_view, err);
}

int lf_sr_mappings_patch(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE mapping = LF_RESOURCE_INIT;
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *id = mapping_id(call, &scope);
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_catalog_get(context->catalog, id, &mapping, err);
	if (rc)
		return rc;
	const char *word =
		bool_word(lf_arm_body(call), INPUT ".enableAgentAutoUpgrade",
			  lf_json_text_or(mapping.doc, "enableAgentAutoUpgrade", "false"));
	if (lf_json_set_text(mapping.doc, "enableAgentAutoUpgrade", word))
		return lf_fail_nomem(err);
	rc = lf_catalog_put(context->catalog, id, NULL, LF_PUT_EXISTING, NULL, mapping.doc, NULL,
			    err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_mapping_view, err);
}

int lf_sr_mappings_delete(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);
	LF_AUTO_FREE char *id = rc ? NULL : mapping_id(call, &scope);

	if (!rc && !id)
		return lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_delete(lf_arm_context(call)->catalog, id, err);
	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
}
