/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery services providers: what connects a fabric to the service.  A row has
 * what its client said of its host; what is known of the provider besides is
 * this service's own, and read afresh at every GET.
 */
#include "json/view.h"
#include "providers/offazure/offazure.h"
#include "providers/siterecovery/internal.h"
#include "providers/vaults/vaults.h"

#define NEVER "\"9999-12-31T23:59:59.9999999\""

static int read_dra(struct lf_arm_call *call, const char *id, const json_t *body,
		    const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	json_t *input = lf_json_at(body, "properties");

	(void)id, (void)before;
	int rc = lf_sr_body_check(call, &lf_sr_dra_document, err);
	if (rc)
		return rc;
	if (!lf_json_text(input, "machineName"))
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty",
				   "properties.machineName", "give the name of the host",
				   "machineName is missing");
	return json_object_update(doc, input) ? lf_fail_nomem(err) : 0;
}

static int show_dra(struct lf_arm_call *call, const struct lf_resource *dra,
		    json_t **ret_properties, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"fabricType", .fallback = "\"" LF_SR_INSTANCE "\""},
		{"providerVersion", .fallback = "\"" LF_VERSION "\""},
		{"serverVersion", .fallback = "\"0.0\""},
		{"providerVersionState", .fallback = "\"Latest\""},
		{"providerVersionExpiryDate", .fallback = NEVER},
		{"connectionStatus", .fallback = "\"Connected\""},
		{"allowedScenarios", .fallback = "[\"Refresh\"]"},
		{"healthErrorDetails", .fallback = "[]"},
		{"machineName", LF_VIEW_ANY, 0, "machineName", "\"\""},
		{"providerVersionDetails.version", .fallback = "\"" LF_VERSION "\""},
		{"providerVersionDetails.expiryDate", .fallback = NEVER},
		{"providerVersionDetails.status", .fallback = "\"Supported\""},
		{"authenticationIdentityDetails", LF_VIEW_ANY, 0, "authenticationIdentityInput"},
		{"resourceAccessIdentityDetails", LF_VIEW_ANY, 0, "resourceAccessIdentityInput"},
		{"dataPlaneAuthenticationIdentityDetails", LF_VIEW_ANY, 0,
		 "dataPlaneAuthenticationIdentityInput"},
	};
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FREE char *fabric_id = lf_id_above(dra->id, LF_SR_TYPE_FABRIC);
	const json_t *doc = dra->doc;
	LF_AUTO_DOC view = LF_DOC_INIT;
	char server[LF_GUID_SIZE];
	size_t items = 0;

	if (!fabric_id)
		return lf_fail_nomem(err);
	lf_sr_process_server_id(fabric_id, server);
	int rc = lf_vault_count(context->catalog, fabric_id, LF_SR_TYPE_ITEM, &items, err);
	if (rc)
		return rc;
	lf_view_put(&view, rows, LF_N(rows), &doc);
	lf_doc_text(&view, "friendlyName",
		    lf_json_text_or(doc, "machineName", lf_arm_id_last(dra->id)));
	lf_doc_text(&view, "fabricFriendlyName", lf_arm_id_last(fabric_id));
	lf_doc_time(&view, "lastHeartBeat", lf_clock_now_ns(context->clock));
	lf_doc_int(&view, "protectedItemCount", (int64_t)items);
	lf_doc_text(&view, "draIdentifier", server);
	lf_doc_text(&view, "machineId", server);
	lf_doc_text(&view, "biosId", lf_json_text_or(doc, "biosId", server));
	return lf_doc_end(&view, ret_properties, err);
}

static const struct lf_field dra_fields[] = {
	{"properties.machineName", LF_TEXT, 0, 0, 255, NULL, "the host"},
	{"properties.machineId", LF_TEXT, 0, 0, 255, NULL, "of the host"},
	{"properties.biosId", LF_TEXT, 0, 0, 255, NULL, "of the host"},
	LF_SR_IDENTITY_FIELDS("properties.authenticationIdentityInput"),
	LF_SR_IDENTITY_FIELDS("properties.resourceAccessIdentityInput"),
	LF_SR_IDENTITY_FIELDS("properties.dataPlaneAuthenticationIdentityInput"),
};
const struct lf_document lf_sr_dra_document = {
	.type = LF_SR_TYPE_DRA,
	.scope = LF_SR_TYPE_FABRIC,
	.fields = dra_fields,
	.n_fields = LF_N(dra_fields),
	.strict = true,
	.read = read_dra,
	.show = show_dra,
	.created_is_200 = true,
	.deleted_status = 204,
};

int lf_sr_dra_put(struct lf_catalog *catalog, const char *id, struct lf_error *err)
{
	char host[256];

	lf_offazure_appliance(host, sizeof(host));
	LF_AUTO_JSON *doc = json_pack("{s:s}", "machineName", host);
	return doc ? lf_catalog_put(catalog, id, LF_SR_TYPE_DRA, LF_PUT_ANY, NULL, doc, NULL, err)
		   : lf_fail_nomem(err);
}
