/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vault holds, in numbers.
 */
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/vaults/internal.h"

#define REPLICATED_TYPE                                                                            \
	LF_VAULT_TYPE "/replicationFabrics/replicationProtectionContainers/"                       \
		      "replicationProtectedItems"
#define BACKUP_TYPE LF_VAULT_TYPE "/backupFabrics/protectionContainers/protectedItems"

static int add_usage(json_t *values, const char *name, const char *text, const char *unit,
		     size_t value)
{
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "unit", unit);
	lf_doc_null(&doc, "quotaPeriod");
	lf_doc_null(&doc, "nextResetTime");
	lf_doc_int(&doc, "currentValue", value);
	lf_doc_int(&doc, "limit", -1);
	lf_doc_text(&doc, "name.value", name);
	lf_doc_text(&doc, "name.localizedValue", text);
	return json_array_append_new(values, lf_doc_take(&doc));
}

static int find_vault(struct lf_arm_call *call, struct lf_resource *ret_vault, struct lf_error *err)
{
	return lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), ret_vault, err);
}

int lf_vault_usages(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_JSON *values = json_array();
	size_t items = 0, servers = 0, fabrics = 0;

	int rc = find_vault(call, &vault, err);
	if (!rc)
		rc = lf_vault_count(context->catalog, vault.id, BACKUP_TYPE, &items, err);
	if (!rc)
		rc = lf_vault_count(context->catalog, vault.id,
				    LF_VAULT_TYPE "/backupFabrics/protectionContainers", &servers,
				    err);
	if (!rc)
		rc = lf_vault_count(context->catalog, vault.id, REPLICATED_TYPE, &fabrics, err);
	if (rc)
		return rc;
	if (add_usage(values, "MABContainersCount", "Backup management servers", "Count", 0) |
	    add_usage(values, "ProtectedItemCount", "Backup items", "Count", items) |
	    add_usage(values, "IaaSVMProtectedItemCount", "Azure Virtual Machines", "Count",
		      items) |
	    add_usage(values, "RegisteredContainerCount", "Registered containers", "Count",
		      servers) |
	    add_usage(values, "ReplicatedItemCount", "Replicated items", "Count", fabrics))
		return lf_fail_nomem(err);
	return lf_arm_reply_list(call, values, NULL, err);
}

struct replication {
	size_t items, unhealthy, servers, plans;
	size_t failed, suspended, running;
};

static int count_items(struct lf_catalog *catalog, const char *vault_id,
		       struct replication *numbers, struct lf_error *err)
{
	const struct lf_list_query query = {.type = REPLICATED_TYPE, .below = vault_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		numbers->unhealthy +=
			strcmp(lf_json_text_or(list.items[i].doc, "properties.replicationHealth",
					       "Normal"),
			       "Normal") != 0;
	numbers->items = list.n;
	return rc;
}

static int count_jobs(struct lf_context *context, const char *vault_id, struct replication *numbers,
		      struct lf_error *err)
{
	LF_AUTO_JOB_LIST jobs = {0};
	int rc = lf_jobs_list(context->jobs, vault_id, "siterecovery.", NULL, &jobs, err);

	for (size_t i = 0; !rc && i < jobs.n; i++) {
		enum lf_job_state state = jobs.items[i].state;
		numbers->failed += state == LF_JOB_FAILED;
		numbers->suspended += state == LF_JOB_SUSPENDED;
		numbers->running += !lf_job_state_is_final(state) && state != LF_JOB_SUSPENDED;
	}
	return rc;
}

int lf_vault_replication_usages(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	struct replication n = {0};

	int rc = find_vault(call, &vault, err);
	if (!rc)
		rc = count_items(context->catalog, vault.id, &n, err);
	if (!rc)
		rc = count_jobs(context, vault.id, &n, err);
	if (!rc)
		rc = lf_vault_count(context->catalog, vault.id,
				    LF_VAULT_TYPE "/replicationFabrics/"
						  "replicationRecoveryServicesProviders",
				    &n.servers, err);
	if (!rc)
		rc = lf_vault_count(context->catalog, vault.id,
				    LF_VAULT_TYPE "/replicationRecoveryPlans", &n.plans, err);
	if (rc)
		return rc;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_int(&doc, "monitoringSummary.unHealthyVmCount", n.unhealthy);
	lf_doc_int(&doc, "monitoringSummary.unHealthyProviderCount", 0);
	lf_doc_int(&doc, "monitoringSummary.eventsCount", 0);
	lf_doc_int(&doc, "monitoringSummary.deprecatedProviderCount", 0);
	lf_doc_int(&doc, "monitoringSummary.supportedProviderCount", 0);
	lf_doc_int(&doc, "monitoringSummary.unsupportedProviderCount", 0);
	lf_doc_int(&doc, "jobsSummary.failedJobs", n.failed);
	lf_doc_int(&doc, "jobsSummary.suspendedJobs", n.suspended);
	lf_doc_int(&doc, "jobsSummary.inProgressJobs", n.running);
	lf_doc_int(&doc, "protectedItemCount", n.items);
	lf_doc_int(&doc, "recoveryPlanCount", n.plans);
	lf_doc_int(&doc, "registeredServersCount", n.servers);
	lf_doc_int(&doc, "recoveryServicesProviderAuthType", 1);
	LF_AUTO_JSON *values = json_pack("[o]", lf_doc_take(&doc));
	return values ? lf_arm_reply_list(call, values, NULL, err) : lf_fail_nomem(err);
}
