/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define CUSTOM "properties.customDetails"

/* View. */

static json_t *site_or_null(const struct lf_resource *fabric, const char *name)
{
	const char *site = lf_json_text(fabric->doc, name);

	return site && *site ? json_string(site) : json_null();
}

/* What a list hides: see the observed traffic. */
static int add_components(struct lf_context *context, const struct lf_resource *fabric,
			  json_t *details, struct lf_error *err)
{
	LF_AUTO_JSON *agents = NULL;
	LF_AUTO_JSON *server = NULL;
	json_t *list = json_object_get(details, "agentDetails"), *agent, *disk;
	size_t i, j;

	int rc = lf_sr_process_server(context, fabric, &server, err);
	if (!rc)
		rc = lf_sr_fabric_agents(context, fabric, &agents, err);
	if (rc)
		return rc;
	json_array_foreach (agents, i, agent) {
		json_t *disks = json_array();
		json_array_foreach (lf_json_at(agent, "disks"), j, disk)
			json_array_append_new(
				disks,
				json_pack("{s:s*,s:s*,s:s,s:I,s:I}", "diskId",
					  lf_json_text(disk, "id"), "diskName",
					  lf_json_text(disk, "name"), "isOSDisk",
					  lf_json_bool_or(disk, "os", false) ? "true" : "false",
					  "capacityInBytes",
					  (json_int_t)lf_json_int_or(disk, "sizeBytes", 0), "lunId",
					  (json_int_t)lf_json_int_or(disk, "lun", 0)));
		json_array_append_new(list, json_pack("{s:s*,s:s*,s:s*,s:s*,s:o}", "agentId",
						      lf_json_text(agent, "agentId"), "machineId",
						      lf_json_text(agent, "agentId"), "biosId",
						      lf_json_text(agent, "biosId"), "fqdn",
						      lf_json_text(agent, "machineName"), "disks",
						      disks));
	}
	json_t *dra =
		json_pack("{s:O,s:O,s:O,s:O,s:O,s:O,s:[]}", "id", lf_json_at(server, "id"), "name",
			  lf_json_at(server, "name"), "biosId", lf_json_at(server, "biosId"),
			  "version", lf_json_at(server, "version"), "lastHeartbeatUtc",
			  lf_json_at(server, "lastHeartbeatUtc"), "health",
			  lf_json_at(server, "health"), "healthErrors");
	if (json_array_append_new(json_object_get(details, "dras"), dra) ||
	    json_array_append(json_object_get(details, "processServers"), server))
		return lf_fail_nomem(err);
	json_t *identity = lf_json_at(fabric->doc, "sourceAgentIdentity");
	if (identity && json_object_set(details, "sourceAgentIdentityDetails", identity))
		return lf_fail_nomem(err);
	return 0;
}

int lf_sr_fabric_view(struct lf_context *context, const struct lf_resource *fabric, bool whole,
		      json_t **ret_doc, struct lf_error *err)
{
	char internal[LF_GUID_SIZE];

	lf_guid_derive("siterecovery-fabric", fabric->id, internal);
	LF_AUTO_JSON *details = json_pack(
		"{s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:s,s:n,s:[],s:[],s:[],s:[],s:[],s:[],s:[],s:[]}",
		"instanceType", LF_SR_INSTANCE, "vmwareSiteId",
		site_or_null(fabric, "vmwareSiteId"), "physicalSiteId",
		site_or_null(fabric, "physicalSiteId"), "serviceEndpoint", context->base_url,
		"serviceResourceId", internal, "serviceContainerId", internal, "dataPlaneUri",
		context->base_url, "controlPlaneUri", context->base_url,
		"sourceAgentIdentityDetails", "processServers", "rcmProxies", "pushInstallers",
		"replicationAgents", "reprotectAgents", "marsAgents", "dras", "agentDetails");
	if (!details)
		return lf_fail_nomem(err);
	int rc = whole ? add_components(context, fabric, details, err) : 0;
	if (rc)
		return rc;
	return lf_sr_view_new(
		fabric->id, LF_SR_TYPE_FABRIC,
		json_pack("{s:s,s:{s:s,s:n},s:{s:s,s:n},s:s,s:s,s:O,s:[],s:s}", "friendlyName",
			  lf_arm_id_last(fabric->id), "encryptionDetails", "kekState", "None",
			  "kekCertThumbprint", "rolloverEncryptionDetails", "kekState", "None",
			  "kekCertThumbprint", "internalIdentifier", internal, "bcdrState", "Valid",
			  "customDetails", details, "healthErrorDetails", "health",
			  lf_json_text_or(details, "processServers.0.health", "Normal")),
		ret_doc, err);
}

/* Create. */

static int check_site(struct lf_context *context, const json_t *custom, const char *name,
		      const char *type, json_t *doc, bool *ret_any, struct lf_error *err)
{
	const char *id = lf_json_text(custom, name);
	char target[96];

	if (!id || !*id)
		return 0;
	snprintf(target, sizeof(target), CUSTOM ".%s", name);
	int rc = lf_sr_check_exists(context, id, type, "SiteNotFound", target, err);
	if (!rc && lf_json_set_text(doc, name, id))
		rc = lf_fail_nomem(err);
	*ret_any = true;
	return rc;
}

static int read_input(struct lf_context *context, const json_t *body, json_t *doc,
		      struct lf_error *err)
{
	const json_t *custom = lf_json_at(body, CUSTOM);
	const char *instance = lf_json_text(custom, "instanceType");
	bool any = false;
	int rc = custom ? lf_sr_check_instance(instance, "FabricSpecificCreationInput",
					       CUSTOM ".instanceType", err)
			: 0;

	if (!rc)
		rc = check_site(context, custom, "vmwareSiteId", "Microsoft.OffAzure/VMwareSites",
				doc, &any, err);
	if (!rc)
		rc = check_site(context, custom, "physicalSiteId", "Microsoft.OffAzure/ServerSites",
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
static int put_parts(struct lf_context *context, const char *fabric_id, struct lf_error *err)
{
	char name[LF_GUID_SIZE + 32], server[LF_GUID_SIZE];
	char host[200];

	lf_sr_process_server_id(fabric_id, server);
	snprintf(name, sizeof(name), "%.8sreplicationcontainer", server);
	LF_AUTO_FREE char *container =
		lf_sr_child_id(fabric_id, "replicationProtectionContainers", name);
	lf_sr_host_name(host, sizeof(host));
	snprintf(host + strlen(host), 16, "%.4sdra", server);
	LF_AUTO_FREE char *dra =
		lf_sr_child_id(fabric_id, "replicationRecoveryServicesProviders", host);
	if (!container || !dra)
		return lf_fail_nomem(err);
	int rc = lf_sr_container_put(context, container, err);
	return rc ? rc : lf_sr_dra_put(context, dra, NULL, err);
}

static int put_fabric(struct lf_context *context, const char *id, const json_t *doc,
		      struct lf_error *err)
{
	int rc = lf_catalog_begin(context->catalog, err);
	bool there = false;

	if (rc)
		return rc;
	rc = lf_sr_exists(context, id, &there, err);
	if (!rc)
		rc = lf_catalog_put(context->catalog, id, LF_SR_TYPE_FABRIC, LF_PUT_ANY, NULL, doc,
				    NULL, err);
	if (!rc && !there)
		rc = put_parts(context, id, err);
	if (!rc)
		return lf_catalog_commit(context->catalog, err);
	lf_catalog_rollback(context->catalog);
	return rc;
}

int lf_sr_fabrics_put(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_SR_SCOPE scope = {0};
	LF_AUTO_JSON *doc = json_object();
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	if (!rc)
		rc = read_input(context, lf_arm_body(call), doc, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id =
		lf_sr_child_id(scope.vault.id, "replicationFabrics", lf_arm_param(call, "fabric"));
	if (!id)
		return lf_fail_nomem(err);
	rc = put_fabric(context, id, doc, err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_fabric_view, err);
}

int lf_sr_fabrics_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_FABRIC, scope.vault.id, lf_sr_fabric_view,
				     err);
}

int lf_sr_fabrics_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);

	return rc ? rc : lf_sr_reply_one(call, scope.fabric.id, lf_sr_fabric_view, err);
}

/* DELETE and POST remove: refused while the fabric protects anything. */
int lf_sr_fabrics_delete(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_SR_SCOPE scope = {0};
	size_t items = 0;
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);

	if (rc == LF_ENOTFOUND && scope.vault.id)
		return lf_arm_reply(call, 204, NULL, err);
	if (!rc)
		rc = lf_sr_count(context, LF_SR_TYPE_ITEM, scope.fabric.id, &items, err);
	if (rc)
		return rc;
	if (items)
		return lf_fail_arm(err, LF_ECONFLICT, "FabricInUse", scope.fabric.id,
				   "disable the protection of its items first",
				   "the fabric protects %zu machines", items);
	rc = lf_catalog_delete_tree(context->catalog, scope.fabric.id, err);
	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
}

int lf_sr_fabrics_remove_infra(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_fabrics_delete(call, err);
}

/* Nothing is cached that could disagree: the answer is the fabric as it is. */
int lf_sr_fabrics_check(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_fabrics_get(call, err);
}

int lf_sr_fabrics_renew(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_unsupported(call, "RenewCertificateNotSupported",
				 "agents renew their own certificates with the site", err);
}

int lf_sr_fabrics_reassociate(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_unsupported(call, "ReassociateGatewayNotSupported",
				 "a fabric has one process server, the site's own", err);
}

int lf_sr_fabrics_migrate_aad(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_unsupported(call, "MigrateToAadNotSupported",
				 "fabrics sign in with their identity from the start", err);
}
