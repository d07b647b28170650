/* SPDX-License-Identifier: Apache-2.0 */
/* Protectable items: the discovered machines of the fabric's sites. */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define TYPE LF_SR_TYPE_CONTAINER "/replicationProtectableItems"

/* The item that protects the machine of an agent; "" when none does. */
static int protected_by(struct lf_context *context, const struct lf_sr_scope *scope,
			const char *agent_id, char *out, size_t out_size, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM, .below = scope->vault.id};
	LF_AUTO_RESOURCE_LIST items = {0};
	int rc = lf_catalog_list(context->catalog, &query, &items, err);

	out[0] = '\0';
	for (size_t i = 0; !rc && i < items.n; i++)
		if (lf_text_equal_nocase(lf_json_text_or(items.items[i].state, "agentId", ""),
					 agent_id))
			snprintf(out, out_size, "%s", items.items[i].id);
	return rc;
}

static json_t *disk_details(const json_t *agent)
{
	json_t *disks = json_array(), *disk;
	size_t i;

	json_array_foreach (lf_json_at(agent, "disks"), i, disk)
		json_array_append_new(disks, json_pack("{s:s*,s:s*,s:s,s:s}", "diskId",
						       lf_json_text(disk, "id"), "diskName",
						       lf_json_text(disk, "name"), "volumeList", "",
						       "diskConfiguration", "Basic"));
	return disks;
}

static json_t *readiness_errors(const json_t *agent)
{
	json_t *errors = json_array(), *check;
	size_t i;

	json_array_foreach (lf_json_at(agent, "preflight"), i, check)
		if (!lf_json_bool_or(check, "ok", true))
			json_array_append_new(errors,
					      json_string(lf_json_text_or(check, "reason", "")));
	return errors;
}

static int view_agent(struct lf_context *context, const struct lf_sr_scope *scope,
		      const json_t *agent, json_t **ret_doc, struct lf_error *err)
{
	const char *agent_id = lf_json_text_or(agent, "agentId", "");
	char item[1024], server[LF_GUID_SIZE];
	LF_AUTO_FREE char *id =
		lf_sr_child_id(scope->container.id, "replicationProtectableItems", agent_id);

	lf_sr_process_server_id(scope->fabric.id, server);
	LF_AUTO_FREE char *dra =
		lf_sr_child_id(scope->fabric.id, "replicationRecoveryServicesProviders", server);
	if (!id || !dra)
		return lf_fail_nomem(err);
	int rc = protected_by(context, scope, agent_id, item, sizeof(item), err);
	if (rc)
		return rc;
	bool windows = strcasestr(lf_json_text_or(agent, "os", ""), "windows") != NULL;
	return lf_sr_view_new(
		id, TYPE,
		json_pack(
			"{s:s,s:s,s:o,s:s,s:o,s:[s],s:{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:[]}}",
			"friendlyName", lf_json_text_or(agent, "machineName", agent_id),
			"protectionStatus", *item ? "Protected" : "Unprotected",
			"replicationProtectedItemId", *item ? json_string(item) : json_null(),
			"recoveryServicesProviderId", dra, "protectionReadinessErrors",
			readiness_errors(agent), "supportedReplicationProviders", LF_SR_INSTANCE,
			"customDetails", "instanceType", "VMwareVirtualMachine", "agentGeneratedId",
			agent_id, "agentInstalled", "true", "osType", windows ? "Windows" : "Linux",
			"agentVersion", lf_json_text_or(agent, "version", ""), "ipAddress",
			lf_json_text_or(agent, "ips.0", ""), "poweredOn",
			lf_json_bool_or(agent, "connected", false) ? "On" : "Unknown",
			"discoveryType",
			strcasestr(lf_json_text_or(agent, "siteId", ""), "/VMwareSites/")
				? "VCenter"
				: "Physical",
			"diskDetails", disk_details(agent), "validationErrors"),
		ret_doc, err);
}

int lf_sr_protectable_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_SR_SCOPE scope = {0};
	size_t i;
	json_t *agent;

	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), &filter, err);
	if (!rc)
		rc = lf_sr_fabric_agents(context, &scope.fabric, &agents, err);
	json_array_foreach (agents, i, agent) {
		LF_AUTO_JSON *doc = NULL;
		if (!rc)
			rc = view_agent(context, &scope, agent, &doc, err);
		LF_AUTO_JSON *fields = json_pack(
			"{s:s}", "state", lf_json_text_or(doc, "properties.protectionStatus", ""));
		if (!rc && lf_filter_matches(filter, fields) && json_array_append(values, doc))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

int lf_sr_protectable_get(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_SR_SCOPE scope = {0};
	size_t i;
	json_t *agent;

	int rc = lf_sr_scope_open(call, LF_SR_CONTAINER, &scope, err);
	if (!rc)
		rc = lf_sr_fabric_agents(context, &scope.fabric, &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent) {
		if (!lf_text_equal_nocase(lf_json_text_or(agent, "agentId", ""),
					  lf_arm_param(call, "machine")))
			continue;
		rc = view_agent(context, &scope, agent, &doc, err);
		return rc ? rc : lf_arm_reply(call, 200, doc, err);
	}
	return lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0), "the site has no such machine");
}
