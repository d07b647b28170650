/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protection containers, and their mappings: which policy a container's items
 * follow.  A container's row is empty, a mapping's has "policyId", "target" and
 * "enableAgentAutoUpgrade"; the rest of what clients see follows from their ids
 * and from what is below them.
 */
#include "json/view.h"
#include "providers/siterecovery/internal.h"
#include "providers/vaults/vaults.h"

#define INPUT  "properties.providerSpecificInput"
#define TARGET "properties.targetProtectionContainerId"

static int read_container(struct lf_arm_call *call, const char *id, const json_t *body,
			  const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	size_t i;
	json_t *input;

	(void)id, (void)before, (void)doc;
	int rc = lf_sr_input_check(call, &lf_sr_container_document, INPUT ".0", err);
	if (rc)
		return rc;
	json_array_foreach (lf_json_at(body, INPUT), i, input) {
		rc = lf_sr_check_instance(lf_json_text(input, "instanceType"),
					  "ReplicationProviderSpecificContainerCreationInput",
					  INPUT ".instanceType", err);
		if (rc)
			return rc;
	}
	return 0;
}

static int show_container(struct lf_arm_call *call, const struct lf_resource *container,
			  json_t **ret_properties, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_DOC view = LF_DOC_INIT;
	char fabric[256] = "";
	size_t items = 0, mappings = 0;

	lf_arm_id_segment(container->id, "replicationFabrics", fabric, sizeof(fabric));
	int rc = lf_vault_count(context->catalog, container->id, LF_SR_TYPE_ITEM, &items, err);
	if (!rc)
		rc = lf_vault_count(context->catalog, container->id, LF_SR_TYPE_MAPPING, &mappings,
				    err);
	if (rc)
		return rc;
	lf_doc_text(&view, "fabricFriendlyName", fabric);
	lf_doc_text(&view, "friendlyName", lf_arm_id_last(container->id));
	lf_doc_text(&view, "fabricType", LF_SR_INSTANCE);
	lf_doc_int(&view, "protectedItemCount", (int64_t)items);
	lf_doc_text(&view, "pairingStatus", mappings ? "Paired" : "NotPaired");
	lf_doc_text(&view, "role", mappings ? "Primary" : "");
	lf_doc_null(&view, "fabricSpecificDetails");
	return lf_doc_end(&view, ret_properties, err);
}

static int remove_container(struct lf_context *context, const struct lf_resource *container,
			    struct lf_error *err)
{
	size_t items = 0;
	int rc = lf_vault_count(context->catalog, container->id, LF_SR_TYPE_ITEM, &items, err);

	return rc || !items
		       ? rc
		       : lf_fail_arm(err, LF_ECONFLICT, "ProtectionContainerInUse", container->id,
				     "disable the protection of its items first",
				     "the container protects %zu machines", items);
}

static const struct lf_field container_fields[] = {
	{INPUT, LF_ARRAY, 0, 0, 16, NULL, "of this provider there is nothing to say"},
	{INPUT ".*.instanceType", LF_TEXT, 0, 0, 255, NULL, LF_SR_INSTANCE},
};
const struct lf_document lf_sr_container_document = {
	.type = LF_SR_TYPE_CONTAINER,
	.scope = LF_SR_TYPE_FABRIC,
	.fields = container_fields,
	.n_fields = LF_N(container_fields),
	.read = read_container,
	.show = show_container,
	.removing = remove_container,
	.created_is_200 = true,
	.deleted_status = 204,
};

int lf_sr_container_put(struct lf_catalog *catalog, const char *id, struct lf_error *err)
{
	LF_AUTO_JSON *doc = json_object();

	return lf_catalog_put(catalog, id, LF_SR_TYPE_CONTAINER, LF_PUT_ANY, NULL, doc, NULL, err);
}

/* Mappings. */

/* Machines go to Azure: there is no other target here. */
static int check_target(const char *target, struct lf_error *err)
{
	return !*target || lf_text_equal_nocase(target, "Microsoft Azure")
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "ProtectionContainerNotFound", TARGET,
				     "give \"Microsoft Azure\", or leave it out",
				     "%s is not where machines of this provider can go", target);
}

/* A PUT says all of it, a PATCH only whether agents are upgraded. */
static int read_mapping(struct lf_arm_call *call, const char *id, const json_t *body,
			const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	static const struct lf_view_row mapping_rows[] = {
		{"policyId", LF_VIEW_ANY, 0, "properties.policyId"},
		{"target", .fallback = "\"Microsoft Azure\""},
		{"enableAgentAutoUpgrade", LF_VIEW_WORD, 0, INPUT ".enableAgentAutoUpgrade",
		 "\"false\""},
	};
	LF_AUTO_DOC out = lf_doc_from(json_incref(doc));
	int rc = lf_sr_input_check(call, &lf_sr_mapping_document, INPUT, err);

	(void)before;
	if (rc)
		return rc;
	if (json_object_size(doc)) {
		if (lf_json_at(body, mapping_rows[2].path))
			lf_view_put(&out, &mapping_rows[2], 1, &body);
		return lf_doc_check(&out, err);
	}
	/* "" is what clients send that have no type for this input */
	if (lf_json_at(body, INPUT) && lf_json_text_or(body, INPUT ".instanceType", "-")[0])
		rc = lf_sr_check_instance(lf_json_text(body, INPUT ".instanceType"),
					  "ReplicationProviderSpecificContainerMappingInput",
					  INPUT ".instanceType", err);
	if (!rc)
		rc = lf_sr_check_policy(lf_arm_context(call)->catalog, id,
					lf_json_text(body, "properties.policyId"), err);
	if (!rc)
		rc = check_target(lf_json_text_or(body, TARGET, ""), err);
	lf_view_put(&out, mapping_rows, LF_N(mapping_rows), &body);
	return rc ? rc : lf_doc_check(&out, err);
}

static int show_mapping(struct lf_arm_call *call, const struct lf_resource *mapping,
			json_t **ret_properties, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"targetProtectionContainerId", LF_VIEW_ANY, 0, "target", "\"Microsoft Azure\""},
		{"targetProtectionContainerFriendlyName", .fallback = "\"Microsoft Azure\""},
		{"providerSpecificDetails.instanceType", .fallback = "\"" LF_SR_INSTANCE "\""},
		{"providerSpecificDetails.enableAgentAutoUpgrade", LF_VIEW_ANY, 0,
		 "enableAgentAutoUpgrade", "\"false\""},
		{"health", .fallback = "\"Normal\""},
		{"healthErrorDetails", .fallback = "[]"},
		{"policyId", LF_VIEW_ANY, 0, "policyId", "\"\""},
		{"state", .fallback = "\"Paired\""},
		{"targetFabricFriendlyName", .fallback = "\"Microsoft Azure\""},
	};
	const json_t *doc = mapping->doc;
	char fabric[256] = "", container[256] = "";
	LF_AUTO_DOC view = LF_DOC_INIT;

	(void)call;
	lf_arm_id_segment(mapping->id, "replicationFabrics", fabric, sizeof(fabric));
	lf_arm_id_segment(mapping->id, "replicationProtectionContainers", container,
			  sizeof(container));
	lf_view_put(&view, rows, LF_N(rows), &doc);
	lf_doc_text(&view, "sourceProtectionContainerFriendlyName", container);
	lf_doc_text(&view, "sourceFabricFriendlyName", fabric);
	lf_doc_text(&view, "policyFriendlyName",
		    lf_arm_id_last(lf_json_text_or(doc, "policyId", "")));
	return lf_doc_end(&view, ret_properties, err);
}

static const struct lf_field mapping_fields[] = {
	{"properties.policyId", LF_ID, 0, 0, 0, NULL, "a policy of the vault"},
	{TARGET, LF_TEXT, 0, 0, 2048, NULL, "Microsoft Azure"},
	{INPUT, LF_OBJECT, 0, 0, 0, NULL, "what agents are to do"},
	{INPUT ".instanceType", LF_TEXT, 0, 0, 255, NULL, LF_SR_INSTANCE},
	{INPUT ".enableAgentAutoUpgrade", LF_BOOL, 0, 0, 0, NULL, "false"},
};
const struct lf_document lf_sr_mapping_document = {
	.type = LF_SR_TYPE_MAPPING,
	.scope = LF_SR_TYPE_CONTAINER,
	.fields = mapping_fields,
	.n_fields = LF_N(mapping_fields),
	.read = read_mapping,
	.show = show_mapping,
	.created_is_200 = true,
	.deleted_status = 204,
};
