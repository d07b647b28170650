/* SPDX-License-Identifier: Apache-2.0 */
/* Protectable items: the discovered machines of the fabric's sites. */
#include <string.h>

#include "json/view.h"
#include "providers/common/page.h"
#include "providers/siterecovery/internal.h"

#define TYPE LF_SR_TYPE_CONTAINER "/replicationProtectableItems"

static const struct lf_filter_row filter_rows[] = {{"state", "properties.protectionStatus"}};

/* The item that protects the machine of an agent; "" when none does. */
static int protected_by(struct lf_catalog *catalog, const struct lf_scope *scope,
			const char *agent_id, char *out, size_t out_size, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM,
					    .below = scope->at[LF_SR_VAULT].id};
	LF_AUTO_RESOURCE_LIST items = {0};
	int rc = lf_catalog_list(catalog, &query, &items, err);

	out[0] = '\0';
	for (size_t i = 0; !rc && i < items.n; i++)
		if (lf_text_equal_nocase(lf_json_text_or(items.items[i].state, "agentId", ""),
					 agent_id))
			snprintf(out, out_size, "%s", items.items[i].id);
	return rc;
}

static void put_disks(struct lf_doc *view, const json_t *agent)
{
	json_t *disk;
	size_t i;

	lf_doc_put(view, "customDetails.diskDetails", json_array());
	json_array_foreach (lf_json_at(agent, "disks"), i, disk)
		lf_doc_append(view, "customDetails.diskDetails",
			      json_pack("{s:s*,s:s*,s:[],s:s}", "diskId", lf_json_text(disk, "id"),
					"diskName", lf_json_text(disk, "name"), "volumeList",
					"diskConfiguration", "Basic"));
}

static void put_readiness(struct lf_doc *view, const json_t *agent)
{
	json_t *check;
	size_t i;

	lf_doc_put(view, "protectionReadinessErrors", json_array());
	json_array_foreach (lf_json_at(agent, "preflight"), i, check)
		if (!lf_json_bool_or(check, "ok", true))
			lf_doc_append(view, "protectionReadinessErrors",
				      json_string(lf_json_text_or(check, "reason", "")));
}

static int view_agent(struct lf_catalog *catalog, const struct lf_scope *scope, const json_t *agent,
		      json_t **ret_doc, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"supportedReplicationProviders", .fallback = "[\"" LF_SR_INSTANCE "\"]"},
		{"customDetails.instanceType", .fallback = "\"VMwareVirtualMachine\""},
		{"customDetails.agentGeneratedId", LF_VIEW_ANY, 0, "agentId", "\"\""},
		{"customDetails.agentInstalled", .fallback = "\"true\""},
		{"customDetails.agentVersion", LF_VIEW_ANY, 0, "version", "\"\""},
		{"customDetails.ipAddress", LF_VIEW_ANY, 0, "ips.0", "\"\""},
		{"customDetails.validationErrors", .fallback = "[]"},
	};
	const char *agent_id = lf_json_text_or(agent, "agentId", "");
	const char *site = lf_json_text_or(agent, "siteId", "");
	const struct lf_resource *fabric = &scope->at[LF_SR_FABRIC];
	char item[1024], server[LF_GUID_SIZE];
	LF_AUTO_DOC view = LF_DOC_INIT;
	LF_AUTO_FREE char *id =
		lf_id_child(scope->at[LF_SR_CONTAINER].id, "replicationProtectableItems", agent_id);

	lf_sr_process_server_id(fabric->id, server);
	int rc = id ? protected_by(catalog, scope, agent_id, item, sizeof(item), err)
		    : lf_fail_nomem(err);
	if (rc)
		return rc;
	bool windows = strcasestr(lf_json_text_or(agent, "os", ""), "windows") != NULL;
	lf_doc_text(&view, "friendlyName", lf_json_text_or(agent, "machineName", agent_id));
	lf_doc_text(&view, "protectionStatus", *item ? "Protected" : "Unprotected");
	lf_doc_text(&view, "replicationProtectedItemId", *item ? item : NULL);
	lf_doc_printf(&view, "recoveryServicesProviderId",
		      "%s/replicationRecoveryServicesProviders/%s", fabric->id, server);
	put_readiness(&view, agent);
	lf_view_put(&view, rows, LF_N(rows), &agent);
	lf_doc_text(&view, "customDetails.osType", windows ? "Windows" : "Linux");
	lf_doc_text(&view, "customDetails.poweredOn",
		    lf_json_bool_or(agent, "connected", false) ? "On" : "Unknown");
	lf_doc_text(&view, "customDetails.discoveryType",
		    strcasestr(site, "/VMwareSites/") ? "VCenter" : "Physical");
	put_disks(&view, agent);
	return lf_document_wrap(id, TYPE, lf_doc_take(&view), ret_doc, err);
}

int lf_sr_protectable_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_SCOPE scope = {0};
	size_t i;
	json_t *agent;

	int rc = lf_scope_open(call, LF_SR_TYPE_CONTAINER, &scope, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), filter_rows, LF_N(filter_rows),
				   &filter, err);
	if (!rc)
		rc = lf_sr_fabric_agents(context, &scope.at[LF_SR_FABRIC], &agents, err);
	json_array_foreach (agents, i, agent) {
		LF_AUTO_JSON *doc = NULL;
		if (!rc)
			rc = view_agent(context->catalog, &scope, agent, &doc, err);
		if (!rc && lf_filter_passes(filter, doc) && json_array_append(values, doc))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_page_reply(call, values, err);
}

int lf_sr_protectable_get(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_SCOPE scope = {0};
	size_t i;
	json_t *agent;

	int rc = lf_scope_open(call, LF_SR_TYPE_CONTAINER, &scope, err);
	if (!rc)
		rc = lf_sr_fabric_agents(context, &scope.at[LF_SR_FABRIC], &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent) {
		if (!lf_text_equal_nocase(lf_json_text_or(agent, "agentId", ""),
					  lf_arm_param(call, "machine")))
			continue;
		rc = view_agent(context->catalog, &scope, agent, &doc, err);
		return rc ? rc : lf_arm_reply(call, 200, doc, err);
	}
	return lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0), "the site has no such machine");
}
