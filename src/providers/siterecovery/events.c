/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: one at every end of a job and change of state, the newest first.
 * A vault keeps the last EVENTS_MAX.
 */
#include <inttypes.h>
#include <string.h>

#include "providers/siterecovery/internal.h"

#define EVENTS_MAX 1000
#define PAGE_SIZE  100

/* Names sort backwards in time, so that the catalog's order is the list's. */
static void name_event(int64_t now_ns, char out[static 96])
{
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	snprintf(out, 96, "VmMonitoringEvent;%019" PRId64 "_%s", INT64_MAX - now_ns, guid);
}

static int drop_old(struct lf_context *context, const char *vault_id, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_SR_TYPE_EVENT, .below = vault_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = EVENTS_MAX; !rc && i < list.n; i++)
		rc = lf_catalog_delete(context->catalog, list.items[i].id, err);
	return rc;
}

int lf_sr_event_put(struct lf_context *context, const struct lf_resource *item, const char *type,
		    const char *severity, const char *job, const char *description,
		    struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_sr_vault_id_of(item->id);
	char name[96], fabric[256] = "", time[LF_TIME_SIZE];
	int64_t now = lf_clock_now_ns(context->clock);

	if (!vault_id)
		return lf_fail_nomem(err);
	name_event(now, name);
	lf_time_format(now, time);
	lf_arm_id_segment(item->id, "replicationFabrics", fabric, sizeof(fabric));
	LF_AUTO_FREE char *id = lf_sr_child_id(vault_id, "replicationEvents", name);
	LF_AUTO_FREE char *fabric_id = lf_sr_child_id(vault_id, "replicationFabrics", fabric);
	LF_AUTO_JSON *doc = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s?,s:{s:s,s:s,s:s,s:s,s:s},s:{s:s,s:s,s:s,s:s,s:s},"
		"s:[]}",
		"eventCode", strcmp(severity, "OK") == 0 ? "JobCompleted" : "JobFailed",
		"description", description, "eventType", type, "affectedObjectFriendlyName",
		lf_json_text_or(item->doc, "friendlyName", ""), "affectedObjectCorrelationId",
		lf_json_text_or(item->state, "agentId", ""), "severity", severity,
		"timeOfOccurrence", time, "fabricId", fabric_id, "providerSpecificDetails",
		"instanceType", LF_SR_INSTANCE, "protectedItemName", lf_arm_id_last(item->id),
		"vmName", lf_json_text_or(item->doc, "friendlyName", ""), "jobId", job,
		"fabricName", fabric, "eventSpecificDetails", "instanceType", "JobStatus", "jobId",
		job, "jobFriendlyName", description, "jobStatus", severity, "affectedObjectType",
		"ProtectionEntity", "healthErrors");
	if (!id || !doc)
		return lf_fail_nomem(err);
	int rc = lf_catalog_put(context->catalog, id, LF_SR_TYPE_EVENT, LF_PUT_ANY, NULL, doc, NULL,
				err);
	/* one event in sixteen looks whether there are too many */
	if (!rc && now % 16 == 0)
		rc = drop_old(context, vault_id, err);
	return rc;
}

static int event_view(struct lf_context *context, const struct lf_resource *event, bool whole,
		      json_t **ret_doc, struct lf_error *err)
{
	(void)context, (void)whole;
	return lf_sr_view_new(event->id, LF_SR_TYPE_EVENT, json_incref(event->doc), ret_doc, err);
}

static json_t *filter_fields(const json_t *event)
{
	char fabric[256] = "";

	lf_arm_id_segment(lf_json_text_or(event, "fabricId", ""), "replicationFabrics", fabric,
			  sizeof(fabric));
	json_t *fields = json_copy((json_t *)(uintptr_t)event);
	lf_json_set_text(fields, "fabricName", fabric);
	lf_json_set_text(fields, "startTime", lf_json_text(event, "timeOfOccurrence"));
	lf_json_set_text(fields, "endTime", lf_json_text(event, "timeOfOccurrence"));
	return fields;
}

int lf_sr_events_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_SR_SCOPE scope = {0};

	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), &filter, err);
	if (rc)
		return rc;
	const struct lf_list_query query = {.type = LF_SR_TYPE_EVENT,
					    .below = scope.vault.id,
					    .after = lf_arm_query(call, "skiptoken"),
					    .limit = PAGE_SIZE};
	rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_JSON *fields = filter_fields(list.items[i].doc);
		json_t *doc = NULL;
		if (!lf_filter_matches(filter, fields))
			continue;
		rc = event_view(context, &list.items[i], false, &doc, err);
		rc = lf_row_pass_over(list.items[i].id, rc, err);
		if (doc && json_array_append_new(values, doc))
			rc = lf_fail_nomem(err);
	}
	if (rc)
		return rc;
	return lf_arm_reply_list(call, values, list.more ? list.items[list.n - 1].id : NULL, err);
}

int lf_sr_events_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SR_SCOPE scope = {0};
	int rc = lf_sr_scope_open(call, LF_SR_VAULT, &scope, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *id =
		lf_sr_child_id(scope.vault.id, "replicationEvents", lf_arm_param(call, "event"));
	return id ? lf_sr_reply_one(call, id, event_view, err) : lf_fail_nomem(err);
}
