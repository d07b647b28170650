/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run-as accounts of sites: by whose credentials an appliance looks at machines.
 * Agents need none, so that an account here is a name without credentials.  Each
 * site has one of its appliance that nobody made, "landfall-agent", by which its
 * machines are looked at; others are rows.
 */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "providers/common/page.h"
#include "providers/common/scope.h"
#include "providers/offazure/internal.h"

#define ITEM_TYPE                                                                                  \
	"Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/"    \
	"replicationProtectedItems"

void lf_offazure_appliance(char *out, size_t size)
{
	if (gethostname(out, size))
		snprintf(out, size, "landfall");
	out[size - 1] = '\0';
}

/* Of the site's own account. */
static void own_name(const char *site_id, char out[static LF_GUID_SIZE])
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(site_id);

	lf_guid_derive("run-as-account", lower ? lower : "", out);
}

char *lf_offazure_own_account(const char *site_id)
{
	char name[LF_GUID_SIZE];

	own_name(site_id, name);
	return lf_id_child(site_id, "runAsAccounts", name);
}

static bool is_own(const char *site_id, const char *name)
{
	char own[LF_GUID_SIZE];

	own_name(site_id, own);
	return lf_text_equal_nocase(name, own);
}

/* The site's own account, as a row would be. */
static int make_own(struct lf_catalog *catalog, const char *site_id,
		    struct lf_resource *ret_resource, struct lf_error *err)
{
	LF_AUTO_RESOURCE site = LF_RESOURCE_INIT;
	LF_AUTO_DOC doc = LF_DOC_INIT;
	char appliance[256];

	int rc = lf_catalog_get(catalog, site_id, &site, err);
	if (rc)
		return rc;
	bool vmware = lf_text_equal_nocase(site.type, LF_VMWARE_SITE_TYPE);
	lf_offazure_appliance(appliance, sizeof(appliance));
	lf_doc_text(&doc, "properties.displayName", "landfall-agent");
	lf_doc_text(&doc, "properties.credentialType", vmware ? "LinuxGuest" : "LinuxServer");
	lf_doc_text(&doc, "properties.applianceName", appliance);
	lf_doc_time(&doc, "properties.createdTimestamp", site.created_ns);
	lf_doc_time(&doc, "properties.updatedTimestamp", site.created_ns);
	lf_doc_text(&doc, "properties.provisioningState", "Succeeded");
	ret_resource->id = lf_offazure_own_account(site.id);
	return ret_resource->id ? lf_doc_end(&doc, &ret_resource->doc, err) : lf_fail_nomem(err);
}

/* The site of an account's id. */
static char *site_of(const char *id)
{
	const char *end = strcasestr(id, "/runAsAccounts/");

	return end ? lf_printf_dup("%.*s", (int)(end - id), id) : NULL;
}

static int find_own(struct lf_arm_call *call, const char *id, struct lf_resource *ret_resource,
		    struct lf_error *err)
{
	LF_AUTO_FREE char *site_id = site_of(id);

	if (!site_id || !is_own(site_id, lf_arm_id_last(id)))
		return lf_fail(err, LF_ENOTFOUND, id, "the site has no such account");
	return make_own(lf_arm_context(call)->catalog, site_id, ret_resource, err);
}

/* When it was written, and first. */
static int complete(struct lf_arm_call *call, const char *id, json_t *doc,
		    const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	int64_t now = lf_clock_now_ns(lf_arm_context(call)->clock);
	const char *created =
		before ? lf_json_text(before->doc, "properties.createdTimestamp") : NULL;
	char appliance[256], time[LF_TIME_SIZE];

	(void)id, (void)state;
	lf_time_format(now, time);
	lf_offazure_appliance(appliance, sizeof(appliance));
	if (!lf_json_at(doc, "properties.applianceName") &&
	    lf_json_set_text(doc, "properties.applianceName", appliance))
		return lf_fail_nomem(err);
	return lf_json_set_text(doc, "properties.createdTimestamp", created ? created : time) |
			       lf_json_set_text(doc, "properties.updatedTimestamp", time)
		       ? lf_fail_nomem(err)
		       : 0;
}

/* An account that a protected item names stays. */
static int remove_account(struct lf_context *context, const struct lf_resource *account,
			  struct lf_error *err)
{
	const struct lf_list_query query = {.type = ITEM_TYPE};
	LF_AUTO_RESOURCE_LIST items = {0};
	int rc = lf_catalog_list(context->catalog, &query, &items, err);

	for (size_t i = 0; !rc && i < items.n; i++)
		if (lf_arm_id_equal(
			    lf_json_text_or(items.items[i].doc, "details.runAsAccountId", ""),
			    account->id))
			rc = lf_fail_arm(err, LF_ECONFLICT, "RunAsAccountInUse", account->id,
					 "disable the protection of the items that name it",
					 "the account is in use by %s", items.items[i].id);
	return rc;
}

static const char *const kinds[] = {"LinuxServer",  "WindowsServer", "LinuxGuest", "WindowsGuest",
				    "VMwareFabric", "HyperVFabric",  NULL};
static const struct lf_field fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "{\"displayName\": \"...\"}"},
	{"properties.displayName", LF_TEXT, LF_REQUIRED, 0, 255, NULL, "what people call it"},
	{"properties.credentialType", LF_ENUM, 0, 0, 0, kinds, "of what it is", "\"LinuxServer\""},
	{"properties.applianceName", LF_TEXT, 0, 0, 255, NULL, "who looks; this host"},
	{"properties.createdTimestamp", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "set by the service"},
	{"properties.updatedTimestamp", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "set by the service"},
};
#define ACCOUNT_DOCUMENT(site_type)                                                                \
	{                                                                                          \
		.type = site_type "/runAsAccounts", .fields = fields, .n_fields = LF_N(fields),    \
		.strict = true, .check = complete, .removing = remove_account, .absent = find_own, \
		.created_is_200 = true, .provisioned = true,                                       \
	}
const struct lf_document lf_offazure_vmware_accounts = ACCOUNT_DOCUMENT(LF_VMWARE_SITE_TYPE);
const struct lf_document lf_offazure_server_accounts = ACCOUNT_DOCUMENT(LF_SERVER_SITE_TYPE);

/* The rows, and the site's own where nobody wrote over it. */
static int add_accounts(struct lf_arm_call *call, const struct lf_document *document,
			const char *site_id, json_t *values, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const struct lf_list_query query = {.type = document->type, .below = site_id};
	LF_AUTO_RESOURCE own = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST list = {0};
	bool written = false;

	int rc = make_own(context->catalog, site_id, &own, err);
	if (!rc)
		rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		written = written || lf_arm_id_equal(list.items[i].id, own.id);
		rc = lf_document_list_add(call, document, NULL, &list.items[i], values, err);
	}
	return rc || written ? rc : lf_document_list_add(call, document, NULL, &own, values, err);
}

int lf_offazure_list_accounts(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	int rc = add_accounts(call, lf_arm_subject(call), lf_arm_id(call, 1), values, err);

	return rc ? rc : lf_page_reply(call, values, err);
}

int lf_offazure_count_accounts(struct lf_arm_call *call, const struct lf_resource *site,
			       json_int_t *ret_n, struct lf_error *err)
{
	bool vmware = lf_text_equal_nocase(site->type, LF_VMWARE_SITE_TYPE);
	LF_AUTO_JSON *values = json_array();
	int rc = add_accounts(call,
			      vmware ? &lf_offazure_vmware_accounts : &lf_offazure_server_accounts,
			      site->id, values, err);

	if (!rc)
		*ret_n = (json_int_t)json_array_size(values);
	return rc;
}

/* The site's own account is there as long as the site; what was written over it goes. */
int lf_offazure_delete_account(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;
	const char *id = lf_arm_id(call, 0);
	bool there = false;

	int rc = lf_catalog_find(lf_arm_context(call)->catalog, id, &account, &there, err);
	if (!rc && !there && is_own(lf_arm_id(call, 2), lf_arm_id_last(id)))
		return lf_fail_arm(err, LF_ECONFLICT, "RunAsAccountInUse", id,
				   "remove the site; the account goes with it",
				   "the site's machines are looked at by this account");
	return rc ? rc : lf_document_on_delete(call, err);
}

int lf_offazure_account_check(struct lf_catalog *catalog, const char *site_id, const char *id,
			      const char *target, struct lf_error *err)
{
	LF_AUTO_FREE char *below = lf_printf_dup("%s/runAsAccounts/", site_id);
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;
	bool there = false;

	if (!below)
		return lf_fail_nomem(err);
	int rc = lf_catalog_find(catalog, id, &account, &there, err);
	bool mine =
		lf_text_starts_nocase(id, below) && (there || is_own(site_id, id + strlen(below)));
	return rc || mine ? rc
			  : lf_fail_arm(err, LF_EINVAL, "RunAsAccountNotFound", target,
					"list the runAsAccounts of the machine's site, or leave it "
					"out: agents need none",
					"the machine's site has no run-as account %s", id);
}
