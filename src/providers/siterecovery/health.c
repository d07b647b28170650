/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

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
		issue = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:[]}", "summaryCode", code, "category",
				  "Replication", "severity",
				  lf_json_text_or(fault, "severity", "Error"), "summaryMessage",
				  lf_json_text_or(fault, "message", ""), "affectedResourceType",
				  "replicationProtectedItems", "affectedResourceSubtype", "",
				  "affectedResourceCorrelationIds");
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
	LF_AUTO_SR_SCOPE scope = {0};
	size_t fabrics = 0, containers = 0;

	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	if (!rc)
		rc = items_health(context, scope.vault.id, &summary, err);
	if (!rc)
		rc = lf_sr_count(context, LF_SR_TYPE_FABRIC, scope.vault.id, &fabrics, err);
	if (!rc)
		rc = lf_sr_count(context, LF_SR_TYPE_CONTAINER, scope.vault.id, &containers, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id = lf_sr_child_id(scope.vault.id, "replicationVaultHealth", "Default");
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_sr_view_new(id, LF_SR_TYPE_VAULT "/replicationVaultHealth",
			    json_pack("{s:[],s:O,s:{s:I,s:[]},s:{s:I,s:[]}}", "vaultErrors",
				      "protectedItemsHealth", summary, "fabricsHealth",
				      "resourceCount", (json_int_t)fabrics, "issues",
				      "containersHealth", "resourceCount", (json_int_t)containers,
				      "issues"),
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
	LF_AUTO_JSON *server = NULL;
	int rc = lf_sr_process_server(context, fabric, &server, err);

	if (rc)
		return rc;
	json_t *row = json_pack("{s:O,s:O,s:s,s:O,s:n,s:n,s:n,s:n,s:n,s:n,s:[]}", "id",
				lf_json_at(server, "id"), "name", lf_json_at(server, "name"),
				"fabricArmId", fabric->id, "processServer", server, "rcmProxy",
				"pushInstaller", "replicationAgent", "reprotectAgent", "marsAgent",
				"dra", "switchProviderBlockingErrorDetails");
	return json_array_append_new(appliances, row) ? lf_fail_nomem(err) : 0;
}

int lf_sr_appliances_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *appliances = json_array();
	LF_AUTO_RESOURCE_LIST fabrics = {0};
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	if (rc)
		return rc;
	const struct lf_list_query query = {.type = LF_SR_TYPE_FABRIC, .below = scope.vault.id};
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
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < LF_N(systems); i++) {
		json_t *versions = json_array();
		for (size_t j = 0; j < LF_N(systems[i].versions) && systems[i].versions[j]; j++)
			json_array_append_new(versions,
					      json_pack("{s:s,s:n}", "version",
							systems[i].versions[j], "servicePack"));
		json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "osName", systems[i].name,
						      "osType", "linux", "osVersions", versions));
	}
	LF_AUTO_FREE char *id =
		lf_sr_child_id(scope.vault.id, "replicationSupportedOperatingSystems", "Default");
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_sr_view_new(id, LF_SR_TYPE_VAULT "/replicationSupportedOperatingSystems",
			    json_pack("{s:[{s:s,s:O}]}", "supportedOsList", "instanceType",
				      LF_SR_INSTANCE, "supportedOs", list),
			    &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

/* Azure-to-Azure eligibility: those machines are targets here, never sources. */
static int eligibility(struct lf_arm_call *call, const char *vm_id, json_t **ret_doc,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_printf_dup(
		"%s/providers/Microsoft.RecoveryServices/replicationEligibilityResults/default",
		vm_id);
	bool exists = false;
	int rc = lf_sr_exists(lf_arm_context(call), vm_id, &exists, err);

	if (rc)
		return rc;
	if (!exists)
		return lf_fail(err, LF_ENOTFOUND, vm_id, "there is no such virtual machine");
	if (!id)
		return lf_fail_nomem(err);
	return lf_sr_view_new(
		id, "Microsoft.RecoveryServices/replicationEligibilityResults",
		json_pack("{s:s,s:[{s:s,s:s,s:s,s:s,s:s}]}", "clientRequestId",
			  lf_arm_request_id(call), "errors", "code", "A2ANotSupported", "message",
			  "Virtual machines are not replicated between regions by this provider.",
			  "possibleCauses", "The machine is a target of failover.",
			  "recommendedAction",
			  "Install landfall-agent in the machine and protect it by " LF_SR_INSTANCE
			  ".",
			  "status", "Error"),
		ret_doc, err);
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
