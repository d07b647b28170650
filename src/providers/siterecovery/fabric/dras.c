/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery services providers: what connects a fabric to the service. */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define NEVER "9999-12-31T23:59:59.9999999"

int lf_sr_dra_view(struct lf_context *context, const struct lf_resource *dra, bool whole,
		   json_t **ret_doc, struct lf_error *err)
{
	char fabric[256] = "", now[LF_TIME_SIZE], server[LF_GUID_SIZE];
	LF_AUTO_FREE char *fabric_id = strdup(dra->id);
	size_t items = 0;

	(void)whole;
	if (!fabric_id)
		return lf_fail_nomem(err);
	char *end = strcasestr(fabric_id, "/replicationRecoveryServicesProviders/");
	if (end)
		*end = '\0';
	lf_arm_id_segment(dra->id, "replicationFabrics", fabric, sizeof(fabric));
	lf_sr_process_server_id(fabric_id, server);
	lf_time_format(lf_clock_now_ns(context->clock), now);
	int rc = lf_sr_count(context, LF_SR_TYPE_ITEM, fabric_id, &items, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *properties = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:[s],s:[],s:s,s:s,s:s,s:s,"
		"s:{s:s,s:s,s:s}}",
		"fabricType", LF_SR_INSTANCE, "friendlyName",
		lf_json_text_or(dra->doc, "machineName", lf_arm_id_last(dra->id)),
		"providerVersion", LF_VERSION, "serverVersion", "0.0", "providerVersionState",
		"Latest", "providerVersionExpiryDate", NEVER, "fabricFriendlyName", fabric,
		"lastHeartBeat", now, "connectionStatus", "Connected", "protectedItemCount",
		(json_int_t)items, "allowedScenarios", "Refresh", "healthErrorDetails",
		"draIdentifier", server, "machineId", server, "machineName",
		lf_json_text_or(dra->doc, "machineName", ""), "biosId",
		lf_json_text_or(dra->doc, "biosId", server), "providerVersionDetails", "version",
		LF_VERSION, "expiryDate", NEVER, "status", "Supported");
	static const char *const identities[][2] = {
		{"authenticationIdentityInput", "authenticationIdentityDetails"},
		{"resourceAccessIdentityInput", "resourceAccessIdentityDetails"},
		{"dataPlaneAuthenticationIdentityInput", "dataPlaneAuthenticationIdentityDetails"},
	};
	for (size_t i = 0; properties && i < LF_N(identities); i++) {
		json_t *identity = lf_json_at(dra->doc, identities[i][0]);
		json_object_set_new(properties, identities[i][1],
				    identity ? json_incref(identity) : json_null());
	}
	return lf_sr_view_new(dra->id, LF_SR_TYPE_DRA, lf_steal(&properties), ret_doc, err);
}

int lf_sr_dra_put(struct lf_context *context, const char *id, const json_t *input,
		  struct lf_error *err)
{
	char host[256];
	LF_AUTO_JSON *doc = input ? json_deep_copy(input) : json_object();

	lf_sr_host_name(host, sizeof(host));
	if (!doc || (!input && lf_json_set_text(doc, "machineName", host)))
		return lf_fail_nomem(err);
	return lf_catalog_put(context->catalog, id, LF_SR_TYPE_DRA, LF_PUT_ANY, NULL, doc, NULL,
			      err);
}

static char *dra_id(struct lf_arm_call *call, const struct lf_sr_scope *scope)
{
	return lf_sr_child_id(scope->fabric.id, "replicationRecoveryServicesProviders",
			      lf_arm_param(call, "provider"));
}

int lf_sr_dras_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_DRA, scope.fabric.id, lf_sr_dra_view, err);
}

int lf_sr_dras_list_all(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	return rc ? rc
		  : lf_sr_reply_list(call, LF_SR_TYPE_DRA, scope.vault.id, lf_sr_dra_view, err);
}

int lf_sr_dras_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);
	LF_AUTO_FREE char *id = rc ? NULL : dra_id(call, &scope);

	if (!rc && !id)
		return lf_fail_nomem(err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_dra_view, err);
}

/* What is known of the provider is read afresh at every GET. */
int lf_sr_dras_refresh(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_sr_dras_get(call, err);
}

int lf_sr_dras_put(struct lf_arm_call *call, struct lf_error *err)
{
	const json_t *input = lf_json_at(lf_arm_body(call), "properties");
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);

	if (rc)
		return rc;
	if (!lf_json_text(input, "machineName"))
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty",
				   "properties.machineName", "give the name of the host",
				   "machineName is missing");
	LF_AUTO_FREE char *id = dra_id(call, &scope);
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_sr_dra_put(lf_arm_context(call), id, input, err);
	return rc ? rc : lf_sr_reply_one(call, id, lf_sr_dra_view, err);
}

int lf_sr_dras_delete(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_FABRIC, &scope, err);
	LF_AUTO_FREE char *id = rc ? NULL : dra_id(call, &scope);

	if (!rc && !id)
		return lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_delete(lf_arm_context(call)->catalog, id, err);
	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
}
