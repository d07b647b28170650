/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/point/point.h"
#include "providers/backup/policy/policy.h"
#include "providers/backup/restore/restore.h"
#include "providers/common/filter.h"

#define DAY_NS ((int64_t)24 * 3600 * LF_NS_PER_S)

/* How long a point can be restored at once, in the words of the contract. */
static int64_t instant_days(struct lf_context *context, const struct lf_resource *item)
{
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
	struct lf_error ignored;
	bool there;

	if (lf_backup_policy_of(context, item, &policy, &there, &ignored))
		return 2;
	return lf_json_int_or(policy.doc, "properties.instantRpRetentionRangeInDays", 2);
}

/* Clients of 2019 take numbers, later ones words. */
static json_t *tier(const struct lf_arm_call *call, const char *word, int number)
{
	const char *version = lf_arm_api_version(call);
	bool words = version && strcmp(version, "2020") >= 0;

	return words ? json_pack("{s:s, s:s}", "type", word, "status", "Valid")
		     : json_pack("{s:i, s:i}", "type", number, "status", 1);
}

static int view_point(struct lf_arm_call *call, const struct lf_resource *point, int64_t instant,
		      json_t **ret_doc, struct lf_error *err)
{
	int64_t now = lf_clock_now_ns(lf_arm_context(call)->clock), time = 0;
	LF_AUTO_JSON *doc = json_deep_copy(point->doc);
	json_t *tiers = json_array();

	int rc = lf_time_parse(lf_json_text_or(point->doc, "properties.recoveryPointTime", ""),
			       &time, err);
	if (!rc && !lf_backup_is_secondary(call) && now < time + instant * DAY_NS)
		json_array_append_new(tiers, tier(call, "InstantRP", 1));
	json_array_append_new(tiers, tier(call, "HardenedRP", 2));
	if (lf_json_set(doc, "properties.recoveryPointTierDetails", tiers) && !rc)
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_arm_envelope(doc, point->id, LF_BACKUP_POINT_TYPE, err);
	if (!rc)
		*ret_doc = lf_steal(&doc);
	return rc;
}

/* startDate and endDate of the filter are a window on the point's time. */
static json_t *filter_fields(const struct lf_resource *point)
{
	const char *time = lf_json_text_or(point->doc, "properties.recoveryPointTime", "");

	return json_pack("{s:s, s:s, s:s, s:s}", "startDate", time, "endDate", time, "startTime",
			 time, "endTime", time);
}

static bool is_listed(struct lf_arm_call *call, const struct lf_resource *point)
{
	return !lf_backup_is_secondary(call) ||
	       lf_json_bool_or(point->state, "secondary.complete", false);
}

int lf_backup_point_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_backup_item(call, 1, &item, err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), &filter, err);
	if (!rc)
		rc = lf_backup_points(context, item.id, &list, err);
	int64_t instant = rc ? 0 : instant_days(context, &item);
	for (size_t i = list.n; !rc && i > 0; i--) {
		const struct lf_resource *point = &list.items[i - 1];
		LF_AUTO_JSON *fields = filter_fields(point);
		json_t *doc = NULL;
		if (!is_listed(call, point) || !lf_filter_matches(filter, fields))
			continue;
		rc = view_point(call, point, instant, &doc, err);
		if (!rc && json_array_append_new(values, doc))
			rc = lf_fail_nomem(err);
	}
	return rc ? rc : lf_backup_reply_list(call, values, err);
}

/* A point levels_up above the path, and its item; both are there. */
static int open_point(struct lf_arm_call *call, unsigned levels_up, struct lf_resource *ret_item,
		      struct lf_resource *ret_point, struct lf_error *err)
{
	const char *name = lf_arm_param(call, "point");
	bool there;
	int rc = lf_backup_item(call, levels_up + 2, ret_item, err);

	if (!rc)
		rc = lf_catalog_find(lf_arm_context(call)->catalog, lf_arm_id(call, levels_up),
				     ret_point, &there, err);
	if (!rc && !there)
		return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorRecoveryPointNotFound", name,
				   "GET recoveryPoints lists those of the item",
				   "the item has no recovery point '%.64s'", name);
	return rc;
}

int lf_backup_point_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	LF_AUTO_JSON *doc = NULL;

	int rc = open_point(call, 0, &item, &point, err);
	if (!rc)
		rc = view_point(call, &point, instant_days(lf_arm_context(call), &item), &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_backup_restore(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	char job[LF_GUID_SIZE];

	int rc = open_point(call, 1, &item, &point, err);
	if (!rc)
		rc = lf_restore_submit(call, lf_restore_request(lf_arm_body(call)), &item, &point,
				       lf_json_text_or(point.state, "region", ""), false, job, err);
	return rc ? rc : lf_backup_reply_accepted(call, item.id, job, err);
}
