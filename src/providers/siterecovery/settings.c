/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alert settings and vault settings: what a client sets is kept and given back.  Nothing here sends
 * mail, so alert settings that ask for it are refused.
 */
#include <string.h>

#include "json/view.h"
#include "providers/common/page.h"
#include "providers/common/scope.h"
#include "providers/common/unsupported.h"
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

	static const struct lf_unsupported mail[] = {
		{"properties.sendToOwners", LF_IS_TEXT, "Send", "EmailNotificationsNotSupported"},
		{"properties.sendToOwners", LF_IS_TEXT, "true", "EmailNotificationsNotSupported"},
		{"properties.customEmailAddresses", LF_IS_THERE, NULL,
		 "EmailNotificationsNotSupported"},
	};

	(void)id, (void)before;
	int rc = lf_sr_body_check(call, &lf_sr_alert_document, err);
	if (!rc)
		rc = lf_unsupported_check(mail, LF_N(mail), body, err);
	return rc ? rc : read_rows(rows, LF_N(rows), body, doc, err);
}

static const char *const sending[] = {"DoNotSend", "Send", "false", "true", NULL};
static const struct lf_field alert_fields[] = {
	{"properties.sendToOwners", LF_ENUM, 0, 0, 0, sending, "DoNotSend; nothing sends mail."},
	{"properties.customEmailAddresses", LF_ARRAY, 0, 0, 100, NULL, "Empty."},
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

static int add_rows(struct lf_arm_call *call, const struct lf_resource_list *rows, json_t *values,
		    bool *ret_has_default, struct lf_error *err)
{
	int rc = 0;

	*ret_has_default = false;
	for (size_t i = 0; !rc && i < rows->n; i++) {
		const struct lf_resource *row = &rows->items[i];
		*ret_has_default |= lf_text_equal_nocase(lf_arm_id_last(row->id), "default");
		rc = lf_document_list_add(call, &lf_sr_setting_document, NULL, row, values, err);
	}
	return rc;
}

/* What one can read is in the list. */
int lf_sr_settings_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *id =
		lf_id_child(lf_arm_id(call, 1), "replicationVaultSettings", "default");
	const struct lf_list_query query = {.type = LF_SR_TYPE_SETTING,
					    .below = lf_arm_id(call, 1)};
	LF_AUTO_RESOURCE setting = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST rows = {0};
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_SCOPE scope = {0};
	bool has_default = false;

	int rc = lf_scope_open(call, LF_SR_TYPE_VAULT, &scope, err);
	if (!rc)
		rc = id && values
			     ? lf_catalog_list(lf_arm_context(call)->catalog, &query, &rows, err)
			     : lf_fail_nomem(err);
	if (!rc)
		rc = add_rows(call, &rows, values, &has_default, err);
	if (!rc && !has_default)
		rc = unset(call, id, &setting, err);
	if (!rc && !has_default)
		rc = lf_document_list_add(call, &lf_sr_setting_document, NULL, &setting, values,
					  err);
	return rc ? rc : lf_page_reply(call, values, err);
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
