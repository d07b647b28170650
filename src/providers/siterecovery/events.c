/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: one at every end of a job and change of state, the newest first.
 * A vault keeps the last EVENTS_MAX.
 */
#include <inttypes.h>
#include <string.h>

#include "json/view.h"
#include "providers/siterecovery/internal.h"

#define EVENTS_MAX 1000

/* Names sort backwards in time, so that the catalog's order is the list's. */
static void name_event(int64_t now_ns, char out[static 96])
{
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	snprintf(out, 96, "VmMonitoringEvent;%019" PRId64 "_%s", INT64_MAX - now_ns, guid);
}

static int drop_old(struct lf_catalog *catalog, const char *vault_id, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SR_TYPE_EVENT, .below = vault_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = EVENTS_MAX; !rc && i < list.n; i++)
		rc = lf_catalog_delete(catalog, list.items[i].id, err);
	return rc;
}

int lf_sr_event_put(struct lf_context *context, const struct lf_resource *item, const char *type,
		    const char *severity, const char *job, const char *description,
		    struct lf_error *err)
{
	static const struct lf_view_row rows[] = {
		{"affectedObjectFriendlyName", LF_VIEW_ANY, 0, "friendlyName", "\"\""},
		{"affectedObjectCorrelationId", LF_VIEW_ANY, 1, "agentId", "\"\""},
		{"providerSpecificDetails.instanceType", .fallback = "\"" LF_SR_INSTANCE "\""},
		{"providerSpecificDetails.vmName", LF_VIEW_ANY, 0, "friendlyName", "\"\""},
		{"eventSpecificDetails.instanceType", .fallback = "\"JobStatus\""},
		{"eventSpecificDetails.affectedObjectType", .fallback = "\"ProtectionEntity\""},
		{"healthErrors", .fallback = "[]"},
	};
	const json_t *const sources[] = {item->doc, item->state};
	LF_AUTO_FREE char *vault_id = lf_id_above(item->id, LF_SR_TYPE_VAULT);
	LF_AUTO_FREE char *fabric_id = lf_id_above(item->id, LF_SR_TYPE_FABRIC);
	LF_AUTO_DOC doc = LF_DOC_INIT;
	int64_t now = lf_clock_now_ns(context->clock);
	char name[96];

	if (!vault_id || !fabric_id)
		return lf_fail_nomem(err);
	name_event(now, name);
	LF_AUTO_FREE char *id = lf_id_child(vault_id, "replicationEvents", name);
	lf_doc_text(&doc, "eventCode", strcmp(severity, "OK") == 0 ? "JobCompleted" : "JobFailed");
	lf_doc_text(&doc, "description", description);
	lf_doc_text(&doc, "eventType", type);
	lf_doc_text(&doc, "severity", severity);
	lf_doc_time(&doc, "timeOfOccurrence", now);
	lf_doc_text(&doc, "fabricId", fabric_id);
	lf_doc_text(&doc, "providerSpecificDetails.protectedItemName", lf_arm_id_last(item->id));
	lf_doc_text(&doc, "providerSpecificDetails.jobId", job);
	lf_doc_text(&doc, "providerSpecificDetails.fabricName", lf_arm_id_last(fabric_id));
	lf_doc_text(&doc, "eventSpecificDetails.jobId", job);
	lf_doc_text(&doc, "eventSpecificDetails.jobFriendlyName", description);
	lf_doc_text(&doc, "eventSpecificDetails.jobStatus", severity);
	lf_view_put(&doc, rows, LF_N(rows), sources);
	int rc = id ? lf_doc_check(&doc, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_put(context->catalog, id, LF_SR_TYPE_EVENT, LF_PUT_ANY, NULL,
				    doc.root, NULL, err);
	/* one event in sixteen looks whether there are too many */
	if (!rc && now % 16 == 0)
		rc = drop_old(context->catalog, vault_id, err);
	return rc;
}

/* startTime and endTime are a window on the time of the event. */
static const struct lf_filter_row filter[] = {
	{"startTime", "properties.timeOfOccurrence", LF_FILTER_FROM},
	{"endTime", "properties.timeOfOccurrence", LF_FILTER_UNTIL},
	{"timeOfOccurrence", "properties.timeOfOccurrence", LF_FILTER_TIME},
	{"severity", "properties.severity"},
	{"eventType", "properties.eventType"},
	{"eventCode", "properties.eventCode"},
	{"description", "properties.description"},
	{"fabricId", "properties.fabricId"},
	{"fabricName", "properties.providerSpecificDetails.fabricName"},
	{"affectedObjectFriendlyName", "properties.affectedObjectFriendlyName"},
	{"affectedObjectCorrelationId", "properties.affectedObjectCorrelationId"},
};

const struct lf_document lf_sr_event_document = {
	.type = LF_SR_TYPE_EVENT,
	.scope = LF_SR_TYPE_VAULT,
	.show = lf_sr_show_stored,
	.filter = filter,
	.n_filter = LF_N(filter),
};
