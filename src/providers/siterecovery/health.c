/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault's health, its appliances, and what clients ask before they protect a
 * machine.  All of it is put together when it is asked for.
 */
#include <string.h>

#include "json/view.h"
#include "providers/siterecovery/internal.h"
#include "providers/vaults/vaults.h"

static json_t *issue_of(const json_t *fault)
{
	static const struct lf_view_row rows[] = {
		{"summaryCode", LF_VIEW_ANY, 0, "code", "\"\""},
		{"category", .fallback = "\"Replication\""},
		{"severity", LF_VIEW_ANY, 0, "severity", "\"Error\""},
		{"summaryMessage", LF_VIEW_ANY, 0, "message", "\"\""},
		{"affectedResourceType", .fallback = "\"replicationProtectedItems\""},
		{"affectedResourceSubtype", .fallback = "\"\""},
		{"affectedResourceCorrelationIds", .fallback = "[]"},
	};
	LF_AUTO_DOC issue = LF_DOC_INIT;

	lf_view_put(&issue, rows, LF_N(rows), &fault);
	return lf_doc_take(&issue);
}

/* One row of issues[] for each kind of fault, with the items that have it. */
static int add_issue(json_t *issues, const json_t *fault, const char *item_name)
{
	const char *code = lf_json_text_or(fault, "code", "");
	json_t *issue = NULL, *row;
	size_t i;

	json_array_foreach (issues, i, row)
		if (strcmp(lf_json_text_or(row, "summaryCode", ""), code) == 0)
			issue = row;
	if (!issue) {
		issue = issue_of(fault);
		if (json_array_append_new(issues, issue))
			return -1;
	}
	return json_array_append_new(lf_json_at(issue, "affectedResourceCorrelationIds"),
				     json_string(item_name));
}

static int items_health(struct lf_context *context, const char *vault_id, json_t **ret_summary,
			struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SR_TYPE_ITEM, .below = vault_id};
	LF_AUTO_RESOURCE_LIST items = {0};
	LF_AUTO_JSON *issues = json_array();
	size_t j;
	json_t *fault;

	int rc = lf_catalog_list(context->catalog, &query, &items, err);
	for (size_t i = 0; !rc && i < items.n; i++) {
		LF_AUTO_JSON *replica = NULL;
		rc = lf_replica_get(context->replication, items.items[i].id, &replica, err);
		rc = rc == LF_ENOTFOUND ? 0 : lf_row_pass_over(items.items[i].id, rc, err);
		json_array_foreach (lf_json_at(replica, "health"), j, fault)
			if (!rc && add_issue(issues, fault, lf_arm_id_last(items.items[i].id)))
				rc = lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	*ret_summary = json_pack("{s:I,s:O,s:{}}", "resourceCount", (json_int_t)items.n, "issues",
				 issues, "categorizedResourceCounts");
	return *ret_summary ? 0 : lf_fail_nomem(err);
}

int lf_sr_health_get(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *summary = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_DOC view = LF_DOC_INIT;
	LF_AUTO_SCOPE scope = {0};
	size_t fabrics = 0, containers = 0;

	int rc = lf_scope_open(call, LF_SR_TYPE_VAULT, &scope, err);
	if (!rc)
		rc = items_health(context, scope.at[LF_SR_VAULT].id, &summary, err);
	if (!rc)
		rc = lf_vault_count(context->catalog, scope.at[LF_SR_VAULT].id, LF_SR_TYPE_FABRIC,
				    &fabrics, err);
	if (!rc)
		rc = lf_vault_count(context->catalog, scope.at[LF_SR_VAULT].id,
				    LF_SR_TYPE_CONTAINER, &containers, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id =
		lf_id_child(scope.at[LF_SR_VAULT].id, "replicationVaultHealth", "Default");
	if (!id)
		return lf_fail_nomem(err);
	lf_doc_put(&view, "vaultErrors", json_array());
	lf_doc_share(&view, "protectedItemsHealth", summary);
	lf_doc_int(&view, "fabricsHealth.resourceCount", (int64_t)fabrics);
	lf_doc_put(&view, "fabricsHealth.issues", json_array());
	lf_doc_int(&view, "containersHealth.resourceCount", (int64_t)containers);
	lf_doc_put(&view, "containersHealth.issues", json_array());
	rc = lf_document_wrap(id, LF_SR_TYPE_VAULT "/replicationVaultHealth", lf_doc_take(&view),
			      &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_sr_health_refresh(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = lf_replication_tend(lf_arm_context(call)->replication, err);

	return rc ? rc : lf_sr_health_get(call, err);
}

static int appliance_of(struct lf_context *context, const struct lf_resource *fabric,
			json_t *appliances, struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"id", LF_VIEW_ANY, 0, "id"},
		{"name", LF_VIEW_ANY, 0, "name"},
		{"rcmProxy"},
		{"pushInstaller"},
		{"replicationAgent"},
		{"reprotectAgent"},
		{"marsAgent"},
		{"dra"},
		{"switchProviderBlockingErrorDetails", .fallback = "[]"},
	};
	LF_AUTO_JSON *server = NULL;
	int rc = lf_sr_process_server(context, fabric, &server, err);

	if (rc)
		return rc;
	LF_AUTO_DOC view = LF_DOC_INIT;
	const json_t *source = server;
	lf_view_put(&view, rows, LF_N(rows), &source);
	lf_doc_text(&view, "fabricArmId", fabric->id);
	lf_doc_share(&view, "processServer", server);
	return json_array_append_new(appliances, lf_doc_take(&view)) ? lf_fail_nomem(err) : 0;
}

int lf_sr_appliances_list(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_filter_row rows[] = {
		{"providerType", LF_SR_INSTANCE, LF_FILTER_FIXED}};
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *appliances = json_array();
	LF_AUTO_RESOURCE_LIST fabrics = {0};
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_SCOPE scope = {0};

	int rc = lf_scope_open(call, LF_SR_TYPE_VAULT, &scope, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	if (rc)
		return rc;
	const struct lf_list_query query = {.type = LF_SR_TYPE_FABRIC,
					    .below = scope.at[LF_SR_VAULT].id};
	rc = lf_catalog_list(context->catalog, &query, &fabrics, err);
	for (size_t i = 0; !rc && i < fabrics.n; i++)
		rc = lf_row_pass_over(fabrics.items[i].id,
				      appliance_of(context, &fabrics.items[i], appliances, err),
				      err);
	if (rc)
		return rc;
	LF_AUTO_JSON *values =
		json_pack("[{s:{s:{s:s,s:O}}}]", "properties", "providerSpecificDetails",
			  "instanceType", LF_SR_INSTANCE, "appliances", appliances);
	if (values && !lf_filter_passes(filter, values))
		json_array_clear(values);
	return values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}

/* What can be protected: any Linux that the agent runs on. */
int lf_sr_supported_os_get(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct {
		const char *name, *versions[4];
	} systems[] = {
		{"debian", {"11", "12", "13"}},
		{"ubuntu", {"20.04", "22.04", "24.04"}},
		{"rhel", {"8", "9"}},
		{"almalinux", {"8", "9"}},
		{"sles", {"15"}},
	};
	LF_AUTO_JSON *list = json_array();
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_SCOPE scope = {0};

	int rc = lf_scope_open(call, LF_SR_TYPE_VAULT, &scope, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < LF_N(systems); i++) {
		LF_AUTO_DOC system = LF_DOC_INIT;
		lf_doc_text(&system, "osName", systems[i].name);
		lf_doc_text(&system, "osType", "linux");
		for (size_t j = 0; j < LF_N(systems[i].versions) && systems[i].versions[j]; j++)
			lf_doc_append(&system, "osVersions",
				      json_pack("{s:s,s:n}", "version", systems[i].versions[j],
						"servicePack"));
		if (json_array_append_new(list, lf_doc_take(&system)))
			return lf_fail_nomem(err);
	}
	LF_AUTO_FREE char *id = lf_id_child(scope.at[LF_SR_VAULT].id,
					    "replicationSupportedOperatingSystems", "Default");
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_document_wrap(id, LF_SR_TYPE_VAULT "/replicationSupportedOperatingSystems",
			      json_pack("{s:[{s:s,s:O}]}", "supportedOsList", "instanceType",
					LF_SR_INSTANCE, "supportedOs", list),
			      &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

/* Azure-to-Azure eligibility: those machines are targets here, never sources. */
static int eligibility(struct lf_arm_call *call, const char *vm_id, json_t **ret_doc,
		       struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"code", .fallback = "\"A2ANotSupported\""},
		{"message", .fallback = "\"Virtual machines are not replicated between regions by "
					"this provider.\""},
		{"possibleCauses", .fallback = "\"The machine is a target of failover.\""},
		{"recommendedAction",
		 .fallback = "\"Install landfall-agent in the machine and protect it "
			     "by " LF_SR_INSTANCE ".\""},
		{"status", .fallback = "\"Error\""},
	};
	LF_AUTO_FREE char *id = lf_printf_dup(
		"%s/providers/Microsoft.RecoveryServices/replicationEligibilityResults/default",
		vm_id);
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	LF_AUTO_DOC error = LF_DOC_INIT, view = LF_DOC_INIT;
	bool exists = false;

	int rc = id ? lf_catalog_find(lf_arm_context(call)->catalog, vm_id, &vm, &exists, err)
		    : lf_fail_nomem(err);
	if (!rc && !exists)
		rc = lf_fail(err, LF_ENOTFOUND, vm_id, "there is no such virtual machine");
	if (rc)
		return rc;
	lf_view_put(&error, rows, LF_N(rows), NULL);
	lf_doc_text(&view, "clientRequestId", lf_arm_request_id(call));
	lf_doc_append(&view, "errors", lf_doc_take(&error));
	return lf_document_wrap(id, "Microsoft.RecoveryServices/replicationEligibilityResults",
				lf_doc_take(&view), ret_doc, err);
}

static char *eligible_vm(struct lf_arm_call *call)
{
	return lf_printf_dup("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Compute/"
			     "virtualMachines/%s",
			     lf_arm_param(call, "subscription"), lf_arm_param(call, "group"),
			     lf_arm_param(call, "vm"));
}

int lf_sr_eligibility_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *vm = eligible_vm(call);
	LF_AUTO_JSON *doc = NULL;

	if (!vm)
		return lf_fail_nomem(err);
	int rc = eligibility(call, vm, &doc, err);
	LF_AUTO_JSON *values = rc ? NULL : json_pack("[O]", doc);
	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

int lf_sr_eligibility_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *vm = eligible_vm(call);
	LF_AUTO_JSON *doc = NULL;

	if (!vm)
		return lf_fail_nomem(err);
	int rc = eligibility(call, vm, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}
