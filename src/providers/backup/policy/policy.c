/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backup policies.  Two are in every vault without anybody making them, as in Azure; they may be
 * overwritten, and come back when they are deleted.
 */
#include <string.h>

#include "providers/backup/internal.h"
#include "providers/backup/policy/policy.h"
#include "providers/backup/policy/retention.h"
#include "providers/common/page.h"

#define SCHEDULE  "properties.schedulePolicy"
#define RETENTION "properties.retentionPolicy"

#define IMMUTABILITY "properties.securitySettings.immutabilitySettings"
#define IMMUTABLE    IMMUTABILITY ".state"
#define DAY_NS	     ((int64_t)24 * 3600 * LF_NS_PER_S)

static const char default_policy[] =
	"{\"properties\": {\"backupManagementType\": \"AzureIaasVM\", \"policyType\": \"V1\","
	" \"instantRpRetentionRangeInDays\": 2, \"timeZone\": \"UTC\", \"instantRPDetails\": {},"
	" \"schedulePolicy\": {\"schedulePolicyType\": \"SimpleSchedulePolicy\","
	"  \"scheduleRunFrequency\": \"Daily\", \"scheduleRunTimes\": [\"2024-01-01T02:00:00Z\"],"
	"  \"scheduleWeeklyFrequency\": 0},"
	" \"retentionPolicy\": {\"retentionPolicyType\": \"LongTermRetentionPolicy\","
	"  \"dailySchedule\": {\"retentionTimes\": [\"2024-01-01T02:00:00Z\"],"
	"   \"retentionDuration\": {\"count\": 30, \"durationType\": \"Days\"}}}}}";
static const char enhanced_policy[] =
	"{\"properties\": {\"backupManagementType\": \"AzureIaasVM\", \"policyType\": \"V2\","
	" \"instantRpRetentionRangeInDays\": 2, \"timeZone\": \"UTC\", \"instantRPDetails\": {},"
	" \"schedulePolicy\": {\"schedulePolicyType\": \"SimpleSchedulePolicyV2\","
	"  \"scheduleRunFrequency\": \"Hourly\", \"hourlySchedule\": {\"interval\": 4,"
	"   \"scheduleWindowStartTime\": \"2024-01-01T08:00:00Z\", \"scheduleWindowDuration\": "
	"12}},"
	" \"retentionPolicy\": {\"retentionPolicyType\": \"LongTermRetentionPolicy\","
	"  \"dailySchedule\": {\"retentionTimes\": [\"2024-01-01T08:00:00Z\"],"
	"   \"retentionDuration\": {\"count\": 30, \"durationType\": \"Days\"}}}}}";

static const struct {
	const char *name, *text;
} built_ins[] = {{"DefaultPolicy", default_policy}, {"EnhancedPolicy", enhanced_policy}};

/* One of those that nobody made. */
static int make_built_in(struct lf_catalog *catalog, const char *id, struct lf_resource *ret_policy,
			 bool *ret_there, struct lf_error *err)
{
	const char *end = strcasestr(id, "/backupPolicies/");
	LF_AUTO_FREE char *vault_id = strndup(id, end ? (size_t)(end - id) : 0);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	size_t i = 0;

	*ret_there = false;
	while (i < LF_N(built_ins) && !lf_text_equal_nocase(lf_arm_id_last(id), built_ins[i].name))
		i++;
	int rc = vault_id ? 0 : lf_fail_nomem(err);
	if (!rc && i < LF_N(built_ins))
		rc = lf_catalog_find(catalog, vault_id, &vault, ret_there, err);
	if (rc || !*ret_there)
		return rc;
	ret_policy->type = strdup(LF_BACKUP_POLICY_TYPE);
	ret_policy->state = json_object();
	ret_policy->id = lf_id_child(vault.id, "backupPolicies", built_ins[i].name);
	if (!ret_policy->type || !ret_policy->state || !ret_policy->id)
		return lf_fail_nomem(err);
	return lf_json_parse(built_ins[i].text, strlen(built_ins[i].text), &ret_policy->doc, err);
}

int lf_backup_policy(struct lf_catalog *catalog, const char *id, struct lf_resource *ret_policy,
		     bool *ret_there, struct lf_error *err)
{
	int rc = lf_catalog_find(catalog, id, ret_policy, ret_there, err);

	return rc || *ret_there ? rc : make_built_in(catalog, id, ret_policy, ret_there, err);
}

int lf_backup_policy_of(struct lf_catalog *catalog, const struct lf_resource *item,
			struct lf_resource *ret_policy, bool *ret_there, struct lf_error *err)
{
	return lf_backup_policy(catalog, lf_json_text_or(item->doc, "properties.policyId", ""),
				ret_policy, ret_there, err);
}

void lf_backup_keeping_done(struct lf_backup_keeping *keeping)
{
	lf_resource_done(&keeping->policy);
}

int lf_backup_keeping(struct lf_context *context, const struct lf_resource *item,
		      struct lf_backup_keeping *ret_keeping, struct lf_error *err)
{
	LF_AUTO_FREE char *vault_id = lf_backup_vault_id(item->id);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	bool there = false;

	int rc = vault_id ? lf_catalog_find(context->catalog, vault_id, &vault, &there, err)
			  : lf_fail_nomem(err);
	ret_keeping->immutable =
		!rc && there &&
		strcmp(lf_json_text_or(vault.doc, IMMUTABLE, "Disabled"), "Disabled") != 0;
	if (ret_keeping->immutable)
		ret_keeping->immutable_days =
			lf_json_int_or(vault.doc, IMMUTABILITY ".configuration.durationInDays", 0);
	return rc ? rc
		  : lf_backup_policy_of(context->catalog, item, &ret_keeping->policy,
					&ret_keeping->there, err);
}

void lf_backup_point_expiry(const struct lf_backup_keeping *keeping,
			    const struct lf_resource *point, char out[static LF_TIME_SIZE])
{
	const char *stored = lf_json_text_or(point->state, "expires", "");
	const char *taken = lf_json_text_or(point->doc, "properties.recoveryPointTime", "");
	bool by_policy = keeping->there && lf_json_bool_or(point->state, "byPolicy", false);
	struct lf_error ignored;
	int64_t time, before, until;

	snprintf(out, LF_TIME_SIZE, "%s", stored);
	if (lf_time_parse(taken, &time, &ignored))
		return;
	if (lf_time_parse(stored, &before, &ignored)) {
		if (!by_policy)
			return;
		before = INT64_MIN;
	}
	until = by_policy
			? lf_policy_keep_until(lf_json_at(keeping->policy.doc, "properties"), time)
			: before;
	if (keeping->immutable) {
		int64_t least = time + keeping->immutable_days * DAY_NS;
		least = least > before ? least : before;
		until = until > least ? until : least;
	}
	if (until != before)
		lf_time_format(until, out);
}

/* Items that are deleted already do not count: they come back without a policy. */
static int count_items(struct lf_catalog *catalog, const char *policy_id, size_t *ret_n,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_BACKUP_ITEM_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	*ret_n = 0;
	for (size_t i = 0; !rc && i < list.n; i++)
		*ret_n += !lf_json_bool_or(list.items[i].doc,
					   "properties.isScheduledForDeferredDelete", false) &&
			  lf_arm_id_equal(
				  lf_json_text_or(list.items[i].doc, "properties.policyId", ""),
				  policy_id);
	return rc;
}

static int say_type(json_t *object, const char *name, const char *type)
{
	return object && !lf_json_text(object, name) ? lf_json_set_text(object, name, type) : 0;
}

/* A schedule and a retention that were stored without their types are of those that their members
 * are of (check.c, retention.c read them so). */
static int say_types(json_t *doc)
{
	json_t *schedule = lf_json_at(doc, SCHEDULE), *retention = lf_json_at(doc, RETENTION);
	bool v2 = lf_json_at(schedule, "hourlySchedule") || lf_json_at(schedule, "dailySchedule") ||
		  lf_json_at(schedule, "weeklySchedule");

	return say_type(schedule, "schedulePolicyType",
			v2 ? "SimpleSchedulePolicyV2" : "SimpleSchedulePolicy") |
	       say_type(retention, "retentionPolicyType",
			lf_json_at(retention, "retentionDuration") ? "SimpleRetentionPolicy"
								   : "LongTermRetentionPolicy");
}

static int view_policy(struct lf_arm_call *call, const struct lf_resource *policy, json_t *doc,
		       struct lf_error *err)
{
	size_t n = 0;
	int rc = count_items(lf_arm_context(call)->catalog, policy->id, &n, err);

	if (!rc &&
	    (lf_json_set_int(doc, "properties.protectedItemsCount", (int64_t)n) || say_types(doc)))
		rc = lf_fail_nomem(err);
	return rc;
}

static int find_built_in(struct lf_arm_call *call, const char *id, struct lf_resource *ret_policy,
			 struct lf_error *err)
{
	bool there = false;
	int rc = make_built_in(lf_arm_context(call)->catalog, id, ret_policy, &there, err);

	return rc || there ? rc
			   : lf_fail(err, LF_ENOTFOUND, id, "the resource '%s' was not found", id);
}

/* What is stored of a body; what its properties leave out is as before, or the service's. */
static int read_policy(struct lf_arm_call *call, const char *id, const json_t *body,
		       const struct lf_resource *before, json_t *doc, struct lf_error *err)
{
	static const char *const members[] = {"location", "tags", "properties"};
	(void)call, (void)id;

	for (size_t i = 0; i < LF_N(members); i++) {
		const json_t *given = lf_json_at(body, members[i]);
		if (given && lf_json_set(doc, members[i], json_deep_copy(given)))
			return lf_fail_nomem(err);
	}
	json_t *own = lf_json_at(doc, "properties");
	if (!json_is_object(own)) /* the fields say what is wrong */
		return 0;
	return lf_policy_complete(own, before ? lf_json_at(before->doc, "properties") : NULL, err);
}

static int check_kind(const json_t *doc, struct lf_error *err)
{
	const char *kind = lf_json_text_or(doc, "properties.backupManagementType", "");

	return lf_text_equal_nocase(kind, "AzureIaasVM")
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidPolicyInput",
				     "properties.backupManagementType",
				     "backupManagementType is AzureIaasVM here",
				     "only virtual machines are backed up here");
}

/* In an immutable vault retention only grows. */
static int check_immutable(const struct lf_resource *vault, const json_t *before, const json_t *doc,
			   struct lf_error *err)
{
	const char *state = lf_json_text_or(vault->doc, IMMUTABLE, "Disabled");

	if (!before || strcmp(state, "Disabled") == 0 ||
	    lf_policy_longest(lf_json_at(doc, "properties")) >=
		    lf_policy_longest(lf_json_at(before, "properties")))
		return 0;
	return lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorOperationNotAllowedOnImmutableVault",
			   "properties.retentionPolicy", "keep the retention, or lengthen it",
			   "the vault is immutable: its policies cannot keep points for less time");
}

static int check_policy(struct lf_arm_call *call, const char *id, json_t *doc,
			const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT, built_in = LF_RESOURCE_INIT;
	bool there;

	(void)state;
	int rc = check_kind(doc, err);
	if (!rc)
		rc = lf_policy_check(lf_json_at(doc, "properties"), err);
	if (!rc)
		rc = lf_backup_vault(call, &vault, err);
	if (!rc && !before)
		rc = make_built_in(context->catalog, id, &built_in, &there, err);
	return rc ? rc : check_immutable(&vault, before ? before->doc : built_in.doc, doc, err);
}

static int refuse_used(struct lf_context *context, const struct lf_resource *policy,
		       struct lf_error *err)
{
	size_t n = 0;
	int rc = count_items(context->catalog, policy->id, &n, err);

	return rc || !n ? rc
			: lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorPolicyInUse", policy->id,
				      "give the items another policy first",
				      "the policy is used by %zu protected items", n);
}

/* One that nobody made cannot go: it would be there still. */
int lf_backup_policy_delete(struct lf_arm_call *call, struct lf_error *err)
{
	const char *id = lf_arm_id(call, 0);
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
	bool there = false;

	int rc = lf_catalog_find(lf_arm_context(call)->catalog, id, &policy, &there, err);
	if (!rc && there)
		return lf_document_delete(call, &lf_backup_policy_document, 200, err);
	if (!rc)
		rc = make_built_in(lf_arm_context(call)->catalog, id, &policy, &there, err);
	if (rc || !there)
		return rc ? rc : lf_arm_reply(call, 204, NULL, err);
	rc = refuse_used(lf_arm_context(call), &policy, err);
	return rc ? rc
		  : lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorBuiltInPolicyCannotBeDeleted",
				policy.id, "leave it: it does nothing until an item has it",
				"every vault has this policy");
}

static const char *const policy_types[] = {"V1", "V2", NULL};
static const char *const schedule_types[] = {"SimpleSchedulePolicy", "SimpleSchedulePolicyV2",
					     NULL};
static const char *const frequencies[] = {"Daily", "Weekly", "Hourly", NULL};
static const char *const retention_types[] = {"LongTermRetentionPolicy", "SimpleRetentionPolicy",
					      NULL};
static const char *const consistencies[] = {"OnlyCrashConsistent", NULL};
static const char *const duration_types[] = {"Days", "Weeks", "Months", "Years", NULL};
static const char *const formats[] = {"Daily", "Weekly", NULL};
#define HOURLY	SCHEDULE ".hourlySchedule"
#define INSTANT "properties.instantRPDetails"
#define DURATION(at)                                                                               \
	{at ".retentionDuration", LF_OBJECT, 0, 0, 0, NULL, "How long."},                          \
		{at ".retentionDuration.count", LF_INT, 0, 0, 0, NULL, "How many."},               \
	{                                                                                          \
		at ".retentionDuration.durationType", LF_ENUM, 0, 0, 0, duration_types, "Of what." \
	}
#define KEPT(at)                                                                                   \
	DURATION(RETENTION at),                                                                    \
	{                                                                                          \
		RETENTION at ".retentionTimes", LF_ARRAY, 0, 0, 0, NULL, "When."                   \
	}
#define DAYS(at)                                                                                   \
	KEPT(at), {RETENTION at ".retentionScheduleFormatType", LF_ENUM, 0, 0, 0, formats, "By"},  \
		{RETENTION at ".retentionScheduleDaily", LF_OBJECT, 0, 0, 0, NULL, "Dates."},      \
	{                                                                                          \
		RETENTION at ".retentionScheduleWeekly", LF_OBJECT, 0, 0, 0, NULL, "Week days."    \
	}
/* What of it can be followed together, lf_policy_check() says. */
static const struct lf_field policy_fields[] = {
	{"location", LF_TEXT, 0, 0, 90, NULL, "As the client likes."},
	{"tags", LF_OBJECT, 0, 0, 0, NULL, "As the client likes."},
	{"properties.backupManagementType", LF_TEXT, LF_REQUIRED, 0, 64, NULL, "AzureIaasVM."},
	{"properties.policyType", LF_ENUM, 0, 0, 0, policy_types, "V1 or V2: enhanced."},
	{"properties.timeZone", LF_TEXT, 0, 0, 64, NULL, "Of its days and times."},
	{"properties.protectedItemsCount", LF_INT, LF_READ_ONLY, 0, 0, NULL, "How many have it."},
	{SCHEDULE, LF_OBJECT, 0, 0, 0, NULL, "When backups are made."},
	{SCHEDULE ".schedulePolicyType", LF_ENUM, 0, 0, 0, schedule_types, "Which"},
	{SCHEDULE ".scheduleRunFrequency", LF_ENUM, 0, 0, 0, frequencies, "When"},
	{SCHEDULE ".scheduleRunDays", LF_ARRAY, 0, 0, 7, NULL, "Days of the week."},
	{SCHEDULE ".scheduleRunTimes", LF_ARRAY, 0, 0, 0, NULL, "Times of the day."},
	{SCHEDULE ".scheduleWeeklyFrequency", LF_INT, 0, 0, 1, NULL, "Each week."},
	{SCHEDULE ".dailySchedule", LF_OBJECT, 0, 0, 0, NULL, "Times of the day."},
	{SCHEDULE ".weeklySchedule", LF_OBJECT, 0, 0, 0, NULL, "Days and times."},
	{HOURLY, LF_OBJECT, 0, 0, 0, NULL, "A part of the day."},
	{HOURLY ".interval", LF_INT, 0, 0, 0, NULL, "Hours."},
	{HOURLY ".scheduleWindowStartTime", LF_TEXT, 0, 0, 64, NULL, "When it begins."},
	{HOURLY ".scheduleWindowDuration", LF_INT, 0, 0, 0, NULL, "Hours."},
	{RETENTION, LF_OBJECT, 0, 0, 0, NULL, "How long they are kept."},
	{RETENTION ".retentionPolicyType", LF_ENUM, 0, 0, 0, retention_types, "Which"},
	DURATION(RETENTION),
	{RETENTION ".dailySchedule", LF_OBJECT, 0, 0, 0, NULL, "Each day's."},
	KEPT(".dailySchedule"),
	{RETENTION ".weeklySchedule", LF_OBJECT, 0, 0, 0, NULL, "Some days of the week's."},
	{RETENTION ".weeklySchedule.daysOfTheWeek", LF_ARRAY, 0, 0, 7, NULL, "Which."},
	KEPT(".weeklySchedule"),
	{RETENTION ".monthlySchedule", LF_OBJECT, 0, 0, 0, NULL, "Some days of the month's."},
	DAYS(".monthlySchedule"),
	{RETENTION ".yearlySchedule", LF_OBJECT, 0, 0, 0, NULL, "Some days of the year's."},
	{RETENTION ".yearlySchedule.monthsOfYear", LF_ARRAY, 0, 0, 12, NULL, "Which."},
	DAYS(".yearlySchedule"),
	{"properties.instantRpRetentionRangeInDays", LF_INT, 0, 1, 30, NULL,
	 "Days of instant restore."},
	{INSTANT, LF_OBJECT, 0, 0, 0, NULL, "The group of the service's snapshots."},
	{INSTANT ".azureBackupRGNamePrefix", LF_TEXT, 0, 0, 90, NULL, "Kept; none is made here."},
	{INSTANT ".azureBackupRGNameSuffix", LF_TEXT, 0, 0, 90, NULL, "Kept; none is made here."},
	{"properties.tieringPolicy", LF_OBJECT, 0, 0, 0, NULL, "DoNotTier."},
	{"properties.snapshotConsistencyType", LF_ENUM, 0, 0, 0, consistencies,
	 "OnlyCrashConsistent: file systems are not frozen."},
};
const struct lf_document lf_backup_policy_document = {
	.type = LF_BACKUP_POLICY_TYPE,
	.scope = LF_VAULT_TYPE,
	.fields = policy_fields,
	.n_fields = LF_N(policy_fields),
	.read = read_policy,
	.check = check_policy,
	.removing = refuse_used,
	.view = view_policy,
	.absent = find_built_in,
	.created_is_200 = true,
	.no_etag = true,
	.strict = true,
};

static bool is_in(const struct lf_resource_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (lf_text_equal_nocase(lf_arm_id_last(list->items[i].id), name))
			return true;
	return false;
}

/* The policies that were made, and then those that nobody had to make. */
int lf_backup_policy_list(struct lf_arm_call *call, struct lf_error *err)
{
	static const struct lf_filter_row rows[] = {
		{"backupManagementType", "properties.backupManagementType"},
		{"policyType", "properties.policyType"},
		{"name", "name"},
		{"workloadType", "VM", LF_FILTER_FIXED},
	};
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();

	int rc = lf_backup_vault(call, &vault, err);
	const struct lf_list_query query = {.type = LF_BACKUP_POLICY_TYPE, .below = vault.id};
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	if (!rc)
		rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = lf_document_list_add(call, &lf_backup_policy_document, filter, &list.items[i],
					  values, err);
	for (size_t k = 0; !rc && k < LF_N(built_ins); k++) {
		LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
		LF_AUTO_FREE char *id = lf_id_child(vault.id, "backupPolicies", built_ins[k].name);
		if (is_in(&list, built_ins[k].name))
			continue;
		rc = id ? find_built_in(call, id, &policy, err) : lf_fail_nomem(err);
		if (!rc)
			rc = lf_document_list_add(call, &lf_backup_policy_document, filter, &policy,
						  values, err);
	}
	return rc ? rc : lf_page_reply(call, values, err);
}
