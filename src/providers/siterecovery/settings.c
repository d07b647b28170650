/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alert settings and vault settings: what a client sets is kept and given back.
 */
#include <string.h>

#include "json/view.h"
#include "providers/siterecovery/internal.h"

int lf_sr_body_check(struct lf_arm_call *call, const struct lf_document *document,
		     struct lf_error *err)
{
	return lf_fields_check(document->fields, document->n_fields, lf_arm_body(call), NULL, err);
}

int lf_sr_show_stored(struct lf_arm_call *call, const struct lf_resource *resource,
		      json_t **ret_properties, struct lf_error *err)
{
	(void)call, (void)err;
	*ret_properties = json_incref(resource->doc);
	return 0;
}

static int read_rows(const struct lf_view_row *rows, size_t n, const json_t *body, json_t *doc,
		     struct lf_error *err)
{
	const json_t *given = lf_json_at(body, "properties");
	LF_AUTO_DOC out = lf_doc_from(json_incref(doc));

	lf_view_put(&out, rows, n, &given);
	return lf_doc_check(&out, err);
}

static int read_alert(struct lf_arm_call *call, const char *id, const json_t *body,
		      const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"sendToOwners", LF_VIEW_ANY, 0, "sendToOwners", "\"DoNotSend\""},
		{"customEmailAddresses", LF_VIEW_ANY, 0, "customEmailAddresses", "[]"},
		{"locale", LF_VIEW_ANY, 0, "locale", "\"en-US\""},
	};

	(void)id, (void)before;
	int rc = lf_sr_body_check(call, &lf_sr_alert_document, err);
	return rc ? rc : read_rows(rows, LF_N(rows), body, doc, err);
}

static const struct lf_field alert_fields[] = {
	{"properties.sendToOwners", LF_TEXT, 0, 0, 64, NULL, "DoNotSend"},
	{"properties.customEmailAddresses", LF_ARRAY, 0, 0, 100, NULL, "whom to write to"},
	{"properties.locale", LF_TEXT, 0, 0, 32, NULL, "en-US"},
};
const struct lf_document lf_sr_alert_document = {
	.type = LF_SR_TYPE_ALERT,
	.scope = LF_SR_TYPE_VAULT,
	.fields = alert_fields,
	.n_fields = LF_N(alert_fields),
	.strict = true,
	.read = read_alert,
	.show = lf_sr_show_stored,
	.created_is_200 = true,
};

static const struct lf_view_row setting_rows[] = {
	{"migrationSolutionId", LF_VIEW_ANY, 0, "migrationSolutionId"},
	{"vmwareToAzureProviderType", LF_VIEW_ANY, 0, "vmwareToAzureProviderType"},
};

static int read_setting(struct lf_arm_call *call, const char *id, const json_t *body,
			const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	(void)id, (void)before;
	int rc = lf_sr_body_check(call, &lf_sr_setting_document, err);
	return rc ? rc : read_rows(setting_rows, LF_N(setting_rows), body, doc, err);
}

/* Every vault has the setting "default", also before somebody sets it; clients read it with the
 * vault. */
static int unset(struct lf_arm_call *call, const char *id, struct lf_resource *ret_setting,
		 struct lf_error *err)
{
	LF_AUTO_RESOURCE setting = {.id = strdup(id), .doc = json_object()};

	(void)call;
	if (!lf_text_equal_nocase(lf_arm_id_last(id), "default"))
		return lf_fail(err, LF_ENOTFOUND, id, "the vault has no such setting");
	if (!setting.id || !setting.doc)
		return lf_fail_nomem(err);
	int rc = read_rows(setting_rows, LF_N(setting_rows), NULL, setting.doc, err);
	if (rc)
		return rc;
	*ret_setting = setting;
	setting = LF_RESOURCE_INIT;
	return 0;
}

static const struct lf_field setting_fields[] = {
	{"properties.migrationSolutionId", LF_TEXT, 0, 0, 2048, NULL, "of a migrate project"},
	{"properties.vmwareToAzureProviderType", LF_TEXT, 0, 0, 64, NULL, "InMageRcm"},
};
const struct lf_document lf_sr_setting_document = {
	.type = LF_SR_TYPE_SETTING,
	.scope = LF_SR_TYPE_VAULT,
	.fields = setting_fields,
	.n_fields = LF_N(setting_fields),
	.strict = true,
	.read = read_setting,
	.show = lf_sr_show_stored,
	.absent = unset,
	.created_is_200 = true,
};
