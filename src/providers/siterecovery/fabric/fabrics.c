/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fabrics: the sites whose machines a vault protects.  A row has the ids of the
 * sites; a new fabric is written together with its container and with the
 * provider that serves it, in one transaction.  One that protects anything
 * stays.
 */
#include <string.h>

#include "json/view.h"
#include "providers/offazure/offazure.h"
#include "providers/siterecovery/internal.h"
#include "providers/vaults/vaults.h"

#define CUSTOM "properties.customDetails"

/* View. */

static json_t *disk_of(const json_t *disk)
{
	static const struct lf_view_row rows[] = {
		{"isOSDisk", LF_VIEW_WORD, 0, "os", "\"false\""},
		{"capacityInBytes", LF_VIEW_INT, 0, "sizeBytes", "0"},
		{"lunId", LF_VIEW_INT, 0, "lun", "0"},
	};
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_doc_text_if(&view, "diskId", lf_json_text(disk, "id"));
	lf_doc_text_if(&view, "diskName", lf_json_text(disk, "name"));
	lf_view_put(&view, rows, LF_N(rows), &disk);
	return lf_doc_take(&view);
}

static json_t *agent_of(const json_t *agent)
{
	LF_AUTO_DOC view = LF_DOC_INIT;
	size_t i;
	json_t *disk;

	lf_doc_text_if(&view, "agentId", lf_json_text(agent, "agentId"));
	lf_doc_text_if(&view, "machineId", lf_json_text(agent, "agentId"));
	lf_doc_text_if(&view, "biosId", lf_json_text(agent, "biosId"));
	lf_doc_text_if(&view, "fqdn", lf_json_text(agent, "machineName"));
	lf_doc_put(&view, "disks", json_array());
	json_array_foreach (lf_json_at(agent, "disks"), i, disk)
		lf_doc_append(&view, "disks", disk_of(disk));
	return lf_doc_take(&view);
}

/* The provider, as the process server's host has it. */
static json_t *dra_of(const json_t *server)
{
	static const char *const same[] = {"id",    "name", "biosId", "version", "lastHeartbeatUtc",
					   "health"};
	LF_AUTO_DOC view = LF_DOC_INIT;

	for (size_t i = 0; i < LF_N(same); i++)
		lf_doc_share(&view, same[i], lf_json_at(server, same[i]));
	lf_doc_put(&view, "healthErrors", json_array());
	return lf_doc_take(&view);
}

/* What a list hides: see the observed traffic. */
static int add_components(struct lf_context *context, const struct lf_resource *fabric,
			  struct lf_doc *view, struct lf_error *err)
{
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *server = NULL;
	size_t i;
	json_t *agent;

	int rc = lf_sr_process_server(context, fabric, &server, err);
	if (!rc)
		rc = lf_sr_fabric_agents(context, fabric, &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent)
		lf_doc_append(view, "customDetails.agentDetails", agent_of(agent));
	lf_doc_append(view, "customDetails.dras", dra_of(server));
	lf_doc_share(view, "health", lf_json_at(server, "health"));
	lf_doc_append(view, "customDetails.processServers", json_incref(server));
	json_t *identity = lf_json_at(fabric->doc, "sourceAgentIdentity");
	lf_doc_share_if(view, "customDetails.sourceAgentIdentityDetails", identity);
	return 0;
}

static int show_fabric(struct lf_arm_call *call, const struct lf_resource *fabric,
		       json_t **ret_properties, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"encryptionDetails.kekState", .fallback = "\"None\""},
		{"encryptionDetails.kekCertThumbprint"},
		{"rolloverEncryptionDetails.kekState", .fallback = "\"None\""},
		{"rolloverEncryptionDetails.kekCertThumbprint"},
		{"bcdrState", .fallback = "\"Valid\""},
		{"healthErrorDetails", .fallback = "[]"},
		{"health", .fallback = "\"Normal\""},
		{"customDetails.instanceType", .fallback = "\"" LF_SR_INSTANCE "\""},
		{"customDetails.vmwareSiteId", LF_VIEW_TEXT, 0, "vmwareSiteId"},
		{"customDetails.physicalSiteId", LF_VIEW_TEXT, 0, "physicalSiteId"},
		{"customDetails.sourceAgentIdentityDetails"},
		{"customDetails.processServers", .fallback = "[]"},
		{"customDetails.rcmProxies", .fallback = "[]"},
		{"customDetails.pushInstallers", .fallback = "[]"},
		{"customDetails.replicationAgents", .fallback = "[]"},
		{"customDetails.reprotectAgents", .fallback = "[]"},
		{"customDetails.marsAgents", .fallback = "[]"},
		{"customDetails.dras", .fallback = "[]"},
		{"customDetails.agentDetails", .fallback = "[]"},
	};
	static const char *const urls[] = {"serviceEndpoint", "dataPlaneUri", "controlPlaneUri"};
	static const char *const ids[] = {"serviceResourceId", "serviceContainerId"};
	struct lf_context *context = lf_arm_context(call);
	const json_t *doc = fabric->doc;
	LF_AUTO_DOC view = LF_DOC_INIT;
	char internal[LF_GUID_SIZE], path[64];
	int rc = 0;

	lf_guid_derive("siterecovery-fabric", fabric->id, internal);
	lf_doc_text(&view, "friendlyName", lf_arm_id_last(fabric->id));
	lf_doc_text(&view, "internalIdentifier", internal);
	lf_view_put(&view, rows, LF_N(rows), &doc);
	for (size_t i = 0; i < LF_N(urls); i++) {
		snprintf(path, sizeof(path), "customDetails.%s", urls[i]);
		lf_doc_text(&view, path, context->base_url);
	}
	for (size_t i = 0; i < LF_N(ids); i++) {
		snprintf(path, sizeof(path), "customDetails.%s", ids[i]);
		lf_doc_text(&view, path, internal);
	}
	if (lf_text_starts_nocase(lf_arm_id(call, 0), fabric->id)) { /* no list */
		LF_AUTO_FILTER *filter = NULL;
		/* described, without a name that it could compare */
		rc = lf_filter_new(lf_arm_query(call, "filter"), NULL, 0, &filter, err);
		if (!rc)
			rc = add_components(context, fabric, &view, err);
	}
	return rc ? rc : lf_doc_end(&view, ret_properties, err);
}

/* Create. */

static int check_site(struct lf_catalog *catalog, const json_t *custom, const char *name,
		      const char *type, json_t *doc, bool *ret_any, struct lf_error *err)
{
	const char *id = lf_json_text(custom, name);
	char target[96];

	if (!id || !*id)
		return 0;
	snprintf(target, sizeof(target), CUSTOM ".%s", name);
	int rc = lf_sr_check_exists(catalog, id, type, "SiteNotFound", target, err);
	if (!rc && lf_json_set_text(doc, name, id))
		rc = lf_fail_nomem(err);
	*ret_any = true;
	return rc;
}

static int read_sites(struct lf_catalog *catalog, const json_t *body, json_t *doc,
		      struct lf_error *err)
{
	const json_t *custom = lf_json_at(body, CUSTOM);
	const char *instance = lf_json_text(custom, "instanceType");
	bool any = false;
	int rc = custom ? lf_sr_check_instance(instance, "FabricSpecificCreationInput",
					       CUSTOM ".instanceType", err)
			: 0;

	if (!rc)
		rc = check_site(catalog, custom, "vmwareSiteId", "Microsoft.OffAzure/VMwareSites",
				doc, &any, err);
	if (!rc)
		rc = check_site(catalog, custom, "physicalSiteId", "Microsoft.OffAzure/ServerSites",
				doc, &any, err);
	if (rc)
		return rc;
	if (custom && lf_text_equal_nocase(instance, LF_SR_INSTANCE) && !any)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty",
				   CUSTOM ".physicalSiteId",
				   "give vmwareSiteId or physicalSiteId, the site whose machines "
				   "are to be protected",
				   "the fabric names no site");
	json_t *identity = lf_json_at(custom, "sourceAgentIdentity");
	if (identity && json_object_set(doc, "sourceAgentIdentity", identity))
		return lf_fail_nomem(err);
	return 0;
}

/* Together with the fabric: its container, and the provider that serves it. */
static int put_parts(struct lf_catalog *catalog, const char *fabric_id, struct lf_error *err)
{
	char name[LF_GUID_SIZE + 32], server[LF_GUID_SIZE];
	char host[200];

	lf_sr_process_server_id(fabric_id, server);
	snprintf(name, sizeof(name), "%.8sreplicationcontainer", server);
	LF_AUTO_FREE char *container =
		lf_id_child(fabric_id, "replicationProtectionContainers", name);
	lf_offazure_appliance(host, sizeof(host));
	snprintf(host + strlen(host), 16, "%.4sdra", server);
	LF_AUTO_FREE char *dra =
		lf_id_child(fabric_id, "replicationRecoveryServicesProviders", host);
	if (!container || !dra)
		return lf_fail_nomem(err);
	int rc = lf_sr_container_put(catalog, container, err);
	return rc ? rc : lf_sr_dra_put(catalog, dra, err);
}

static int read_fabric(struct lf_arm_call *call, const char *id, const json_t *body,
		       const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	int rc = lf_sr_input_check(call, &lf_sr_fabric_document, CUSTOM, err);

	if (!rc)
		rc = read_sites(lf_arm_context(call)->catalog, body, doc, err);
	return rc || before ? rc : put_parts(lf_arm_context(call)->catalog, id, err);
}

/* Refused while the fabric protects anything. */
static int remove_fabric(struct lf_context *context, const struct lf_resource *fabric,
			 struct lf_error *err)
{
	size_t items = 0;
	int rc = lf_vault_count(context->catalog, fabric->id, LF_SR_TYPE_ITEM, &items, err);

	return rc || !items ? rc
			    : lf_fail_arm(err, LF_ECONFLICT, "FabricInUse", fabric->id,
					  "disable the protection of its items first",
					  "the fabric protects %zu machines", items);
}

static const struct lf_field fabric_fields[] = {
	{CUSTOM ".instanceType", LF_TEXT, 0, 0, 255, NULL, LF_SR_INSTANCE},
	{CUSTOM ".vmwareSiteId", LF_ID, 0, 0, 0, NULL, "a site whose machines are protected"},
	{CUSTOM ".physicalSiteId", LF_ID, 0, 0, 0, NULL, "a site whose machines are protected"},
	LF_SR_IDENTITY_FIELDS(CUSTOM ".sourceAgentIdentity"),
};
const struct lf_document lf_sr_fabric_document = {
	.type = LF_SR_TYPE_FABRIC,
	.scope = LF_SR_TYPE_VAULT,
	.fields = fabric_fields,
	.n_fields = LF_N(fabric_fields),
	.read = read_fabric,
	.show = show_fabric,
	.removing = remove_fabric,
	.created_is_200 = true,
	.deleted_status = 204,
};
