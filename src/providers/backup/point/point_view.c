/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery points as clients see them.  They are no lf_document: their lists begin with the newest,
 * and what they show depends on the item's policy, which is looked up once a list.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/point/point.h"
#include "providers/backup/policy/policy.h"
#include "providers/backup/policy/retention.h"
#include "providers/common/page.h"

#define DAY_NS ((int64_t)24 * 3600 * LF_NS_PER_S)

/* Clients of 2019 take numbers, later ones words. */
static json_t *tier(const struct lf_arm_call *call, const char *word, int number)
{
	const char *version = lf_arm_api_version(call);
	bool words = version && strcmp(version, "2020") >= 0;

	return words ? json_pack("{s:s, s:s}", "type", word, "status", "Valid")
		     : json_pack("{s:i, s:i}", "type", number, "status", 1);
}

/* Until when nobody can delete it: left out where that is the policy's matter. */
static json_t *immutability_of(const struct lf_backup_keeping *keeping,
			       const struct lf_resource *point)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	struct lf_error ignored;
	int64_t time;

	lf_doc_bool(&doc, "isImmutable", keeping->immutable);
	if (keeping->immutable && keeping->immutable_days &&
	    lf_time_parse(lf_json_text_or(point->doc, "properties.recoveryPointTime", ""), &time,
			  &ignored) == 0)
		lf_doc_time(&doc, "expiryTime", time + keeping->immutable_days * DAY_NS);
	return lf_doc_take(&doc);
}

static int view_point(struct lf_arm_call *call, const struct lf_resource *point,
		      const struct lf_backup_keeping *keeping, json_t **ret_doc,
		      struct lf_error *err)
{
	int64_t now = lf_clock_now_ns(lf_arm_context(call)->clock), time = 0;
	int64_t instant = lf_policy_instant_days(lf_json_at(keeping->policy.doc, "properties"));
	char expires[LF_TIME_SIZE];
	struct lf_doc properties =
		lf_doc_from(json_deep_copy(lf_json_at(point->doc, "properties")));
	LF_AUTO_JSON *own = NULL;
	LF_AUTO_JSON *immutability = immutability_of(keeping, point);

	int rc = lf_time_parse(lf_json_text_or(point->doc, "properties.recoveryPointTime", ""),
			       &time, err);
	lf_backup_point_expiry(keeping, point, expires);
	if (expires[0])
		lf_doc_text(&properties, "recoveryPointProperties.expiryTime", expires);
	if (lf_backup_is_2026(call)) {
		/* nothing here looks for threats, so nothing is known of any */
		lf_doc_text(&properties, "threatStatus", "NotAvailable");
		lf_doc_share(&properties, "recoveryPointProperties.immutabilityProperties",
			     immutability);
	}
	if (!rc && !lf_backup_is_secondary(call) && now < time + instant * DAY_NS)
		lf_doc_append(&properties, "recoveryPointTierDetails", tier(call, "InstantRP", 1));
	lf_doc_append(&properties, "recoveryPointTierDetails", tier(call, "HardenedRP", 2));
	own = lf_doc_take(&properties);
	return rc ? rc
		  : lf_document_wrap(point->id, LF_BACKUP_POINT_TYPE, lf_steal(&own), ret_doc, err);
}

/* startDate and endDate of the filter are a window on the point's time. */
static const struct lf_filter_row point_filter[] = {
	{"startDate", "properties.recoveryPointTime", LF_FILTER_FROM},
	{"endDate", "properties.recoveryPointTime", LF_FILTER_UNTIL},
	{"startTime", "properties.recoveryPointTime", LF_FILTER_FROM},
	{"endTime", "properties.recoveryPointTime", LF_FILTER_UNTIL},
};

static bool is_listed(struct lf_arm_call *call, const struct lf_resource *point)
{
	return !lf_backup_is_secondary(call) ||
	       lf_json_bool_or(point->state, "secondary.complete", false);
}

/* The newest first. */
int lf_backup_point_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_KEEPING keeping = {.there = false};
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_backup_item(call, 1, &item, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), point_filter, LF_N(point_filter),
				   &filter, err);
	if (!rc)
		rc = lf_backup_points(context->catalog, item.id, &list, err);
	if (!rc)
		rc = lf_backup_keeping(context, &item, &keeping, err);
	for (size_t i = list.n; !rc && i > 0; i--) {
		const struct lf_resource *point = &list.items[i - 1];
		LF_AUTO_JSON *doc = NULL;
		if (!is_listed(call, point) || !lf_filter_passes(filter, point->doc))
			continue;
		rc = view_point(call, point, &keeping, &doc, err);
		if (!rc && json_array_append(values, doc))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_page_reply(call, values, err);
}

int lf_backup_point_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	LF_AUTO_KEEPING keeping = {.there = false};
	LF_AUTO_JSON *doc = NULL;

	int rc = lf_backup_point(call, 0, &item, &point, err);
	if (!rc)
		rc = lf_backup_keeping(lf_arm_context(call), &item, &keeping, err);
	if (!rc)
		rc = view_point(call, &point, &keeping, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}
