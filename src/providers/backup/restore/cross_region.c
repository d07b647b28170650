/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cross Region Restore: what is asked of the paired region.  A client proves by a token, which it
 * got for the point where the vault is, that it may have the point there.
 */
#include <string.h>
#include <time.h>

#include "crypto/token.h"
#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"
#include "providers/backup/restore/restore.h"
#include "providers/common/page.h"
#include "providers/resources/locations.h"

#define AUDIENCE_FORMAT "https://RecoveryServices/IaasCoord/aadmgmt/%s"
#define TOKEN_LIFE_S	3600

static int check_location(struct lf_arm_call *call, char out[static 64], struct lf_error *err)
{
	lf_location_normal(lf_arm_param(call, "location"), out, 64);
	const char *url = lf_peers_url(lf_arm_context(call)->peers, out);
	if (url)
		return lf_fail_arm(err, LF_EUNSUPPORTED, "RegionServedElsewhere", out,
				   "send the request there, with a token of that site",
				   "region %s is served by the site at %s", out, url);
	return lf_location_pair(out) ? 0
				     : lf_fail_arm(err, LF_ENOTFOUND, "LocationNotFound", out,
						   "GET /subscriptions/{id}/locations lists them",
						   "there is no location '%s'", out);
}

/* Who a client speaks to there, as it says when it asks for a token. */
static json_t *aad_properties(struct lf_context *context, const char *location)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	char audience[160], principal[LF_GUID_SIZE];

	snprintf(audience, sizeof(audience), AUDIENCE_FORMAT, lf_location_code(location));
	lf_guid_derive(context->tenant_id, audience, principal);
	lf_doc_text(&doc, "tenantId", context->tenant_id);
	lf_doc_text(&doc, "audience", audience);
	lf_doc_text(&doc, "servicePrincipalObjectId", principal);
	return lf_doc_take(&doc);
}

int lf_backup_aad_properties(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_DOC body = LF_DOC_INIT;
	char location[64];

	int rc = check_location(call, location, err);
	if (rc)
		return rc;
	lf_doc_put(&body, "properties", aad_properties(lf_arm_context(call), location));
	return lf_arm_reply_doc(call, 200, &body, err);
}

/* The body of accessToken is what the pair's backupAadProperties answers. */
static int check_aad(struct lf_arm_call *call, const char *pair, struct lf_error *err)
{
	LF_AUTO_JSON *wanted = aad_properties(lf_arm_context(call), pair);
	const char *name;
	json_t *value;
	char path[64];

	if (!wanted)
		return lf_fail_nomem(err);
	json_object_foreach (wanted, name, value) {
		snprintf(path, sizeof(path), "properties.%s", name);
		if (lf_text_equal_nocase(lf_json_text_or(lf_arm_body(call), path, ""),
					 json_string_value(value)))
			continue;
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorInvalidAadProperties", path,
				   "send the properties that GET locations/{pair}/"
				   "backupAadProperties answers",
				   "this is not the %s of the secondary region %s", name, pair);
	}
	return 0;
}

/* A point that is complete in the pair of its vault's region. */
static int check_copied(const struct lf_resource *vault, const struct lf_resource *point,
			struct lf_error *err)
{
	const char *pair = lf_backup_pair(vault);

	if (!pair)
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorCrossRegionRestoreNotEnabled",
				   vault->id,
				   "enable it: PATCH backupstorageconfig/vaultstorageconfig "
				   "crossRegionRestoreFlag true",
				   "Cross Region Restore is not enabled for the vault");
	if (lf_json_bool_or(point->state, "secondary.complete", false))
		return 0;
	return lf_fail_arm(err, LF_ECONFLICT, "BMSUserErrorRecoveryPointNotInSecondaryRegion",
			   point->id, "wait until the secondary region lists it",
			   "the recovery point has not been copied to %s yet", pair);
}

static int sign_token(struct lf_context *context, const struct lf_resource *point,
		      const char *region, char **ret_token, struct lf_error *err)
{
	int64_t now = lf_clock_now_ns(context->clock) / LF_NS_PER_S;
	LF_AUTO_DOC built = LF_DOC_INIT;
	LF_AUTO_JSON *claims = NULL;
	char issuer[128], audience[160];

	snprintf(issuer, sizeof(issuer), LF_TOKEN_ISSUER_FORMAT, context->tenant_id);
	snprintf(audience, sizeof(audience), AUDIENCE_FORMAT, region);
	lf_doc_text(&built, "iss", issuer);
	lf_doc_text(&built, "aud", audience);
	lf_doc_int(&built, "iat", now);
	lf_doc_int(&built, "nbf", now);
	lf_doc_int(&built, "exp", now + TOKEN_LIFE_S);
	lf_doc_text(&built, "recoveryPoint", point->id);
	int rc = lf_doc_end(&built, &claims, err);
	return rc ? rc : lf_token_sign(context->token_keys, claims, ret_token, err);
}

/* "7/26/2021 3:35:36 PM", as the service prints it here alone. */
static void format_us_time(const char *time, char out[static 40])
{
	struct tm tm = {0};

	out[0] = '\0';
	if (strptime(time, "%Y-%m-%dT%H:%M:%S", &tm))
		snprintf(out, 40, "%d/%d/%d %d:%02d:%02d %s", tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_year + 1900, tm.tm_hour % 12 ? tm.tm_hour % 12 : 12, tm.tm_min,
			 tm.tm_sec, tm.tm_hour < 12 ? "AM" : "PM");
}

/* The service's numbers of things: here a number that is made of their ids. */
static int64_t number_of(const char *id)
{
	char guid[LF_GUID_SIZE];
	uint64_t number = 0;

	lf_guid_derive("number", id, guid);
	for (const char *p = guid; p < guid + 13; p++)
		if (*p != '-')
			number = number * 16 + (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
	return (int64_t)number;
}

/* "EastUS" */
static void put_region(struct lf_doc *details, const struct lf_resource *vault)
{
	const char *name = lf_location_display(lf_json_text_or(vault->doc, "location", ""));
	char region[64];
	size_t n = 0;

	for (; *name && n + 1 < sizeof(region); name++)
		if (*name != ' ')
			region[n++] = *name;
	region[n] = '\0';
	lf_doc_text(details, "bMSActiveRegion", region);
}

/* Where the service would be: this site, by names that stay. */
static void put_stamps(struct lf_doc *details, const struct lf_context *context, const char *pair)
{
	char guid[LF_GUID_SIZE];

	lf_guid_derive("coordinator", pair, guid);
	lf_doc_text(details, "coordinatorServiceStampId", guid);
	lf_doc_text(details, "coordinatorServiceStampUri", context->base_url);
	lf_guid_derive("protection", pair, guid);
	lf_doc_text(details, "protectionServiceStampId", guid);
	lf_doc_text(details, "protectionServiceStampUri", context->base_url);
	lf_doc_text(details, "tokenExtendedInformation", "");
}

static void put_source(struct lf_doc *details, const struct lf_resource *vault,
		       const struct lf_resource *point, const char *item)
{
	const char *name = lf_arm_id_last(item);
	const char *container = strchr(name, ';') ? strchr(name, ';') + 1 : name;
	const char *friendly = strrchr(name, ';') ? strrchr(name, ';') + 1 : name;
	char time[40];

	format_us_time(lf_json_text_or(point->doc, "properties.recoveryPointTime", ""), time);
	lf_doc_text(details, "resourceName", lf_arm_id_last(vault->id));
	lf_doc_printf(details, "resourceId", "%lld", (long long)number_of(vault->id));
	lf_doc_int(details, "protectionContainerId", number_of(item));
	lf_doc_text(details, "recoveryPointId", lf_arm_id_last(point->id));
	lf_doc_text(details, "recoveryPointTime", time);
	lf_doc_text(details, "containerName", container);
	lf_doc_text(details, "containerType", "IaasVMContainer");
	lf_doc_text(details, "backupManagementType", "AzureIaasVM");
	lf_doc_text(details, "datasourceType", "VM");
	lf_doc_text(details, "datasourceName", friendly);
	lf_doc_text(details, "datasourceId",
		    lf_json_text_or(point->state, "machine.properties.vmId", ""));
	lf_doc_text(details, "datasourceContainerName", container);
	lf_doc_text(details, "rpVMSizeDescription",
		    lf_json_text_or(point->state, "machine.properties.hardwareProfile.vmSize", ""));
}

/* All but the token itself, which says the same, signed. */
static json_t *access_details(const struct lf_context *context, const struct lf_resource *vault,
			      const struct lf_resource *point)
{
	LF_AUTO_FREE char *item = lf_id_above(point->id, LF_BACKUP_ITEM_TYPE);
	LF_AUTO_DOC details = LF_DOC_INIT;
	char subscription[64] = "", group[128] = "";

	if (!item)
		return NULL;
	lf_arm_id_segment(vault->id, "subscriptions", subscription, sizeof(subscription));
	lf_arm_id_segment(vault->id, "resourceGroups", group, sizeof(group));
	lf_doc_text(&details, "objectType", "CrrAccessToken");
	lf_doc_text(&details, "subscriptionId", subscription);
	lf_doc_text(&details, "resourceGroupName", group);
	put_source(&details, vault, point, item);
	put_region(&details, vault);
	put_stamps(&details, context, lf_backup_pair(vault));
	lf_doc_text(&details, "rpTierInformation.InstantRP", "Valid");
	lf_doc_text(&details, "rpTierInformation.HardenedRP", "Valid");
	lf_doc_bool(&details, "rpIsManagedVirtualMachine", true);
	lf_doc_bool(&details, "rpOriginalSAOption", false);
	return lf_doc_take(&details);
}

/* What a request says beside the token is what came with it. */
static int check_details(struct lf_arm_call *call, const struct lf_resource *vault,
			 const struct lf_resource *point, struct lf_error *err)
{
	LF_AUTO_JSON *wanted = access_details(lf_arm_context(call), vault, point);
	const char *name;
	json_t *value;
	char path[96];

	if (!wanted)
		return lf_fail_nomem(err);
	json_object_foreach (wanted, name, value) {
		snprintf(path, sizeof(path), "crossRegionRestoreAccessDetails.%s", name);
		const json_t *given = lf_json_at(lf_arm_body(call), path);
		const char *text = json_string_value(given);
		bool same = text && json_is_string(value)
				    ? lf_text_equal_nocase(text, json_string_value(value))
				    : json_equal(given, value);
		if (!given || json_is_null(given) || same)
			continue;
		return lf_fail_arm(err, LF_EINVAL, "BMSUserErrorCrrAccessDetailsMismatch", path,
				   "send the details as accessToken answered them",
				   "this is not the %s of the recovery point that the token is for",
				   name);
	}
	return 0;
}

int lf_backup_access_token(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT, item = LF_RESOURCE_INIT,
			 point = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *token = NULL;
	LF_AUTO_DOC details = LF_DOC_INIT;
	LF_AUTO_JSON *doc = NULL;

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_backup_point(call, 1, &item, &point, err);
	if (!rc)
		rc = check_copied(&vault, &point, err);
	if (!rc)
		rc = check_aad(call, lf_backup_pair(&vault), err);
	if (!rc)
		rc = sign_token(context, &point, lf_backup_pair(&vault), &token, err);
	if (rc)
		return rc;
	details = lf_doc_from(access_details(context, &vault, &point));
	lf_doc_text(&details, "accessTokenString", token);
	rc = lf_document_wrap(point.id, LF_BACKUP_POINT_TYPE, lf_doc_take(&details), &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

/* Id of the point that the token is for, checked; the request must speak of the same. */
static int verify_token(struct lf_arm_call *call, const char *region, json_t **ret_claims,
			struct lf_error *err)
{
	static const char path[] = "crossRegionRestoreAccessDetails.accessTokenString";
	struct lf_context *context = lf_arm_context(call);
	const char *token = lf_json_text_or(lf_arm_body(call), path, "");
	char issuer[128], audience[160];
	const char *const audiences[] = {audience, NULL};

	snprintf(issuer, sizeof(issuer), LF_TOKEN_ISSUER_FORMAT, context->tenant_id);
	snprintf(audience, sizeof(audience), AUDIENCE_FORMAT, region);
	if (lf_token_verify(context->token_keys, token, issuer, audiences,
			    lf_clock_now_ns(context->clock), ret_claims, err) == 0 &&
	    lf_json_text(*ret_claims, "recoveryPoint"))
		return 0;
	return lf_fail_arm(err, LF_EDENIED, "BMSUserErrorInvalidCrrAccessToken", path,
			   "ask for one: POST …/recoveryPoints/{id}/accessToken with the "
			   "backupAadProperties of this region; it lives an hour",
			   "the access token is not valid for this region");
}

static int reply_started(struct lf_arm_call *call, const char *job, struct lf_error *err)
{
	const char *below = lf_arm_id(call, 1);
	LF_AUTO_FREE char *status = lf_printf_dup("%s/backupCrrOperationsStatus", below);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/backupCrrOperationResults", below);

	return status && result ? lf_backup_reply_operation(call, status, result, job, err)
				: lf_fail_nomem(err);
}

/* Point, item and vault of a token. */
static int find_point(struct lf_catalog *catalog, const char *id, struct lf_resource *ret_vault,
		      struct lf_resource *ret_item, struct lf_resource *ret_point,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_id_above(id, LF_VAULT_TYPE);
	LF_AUTO_FREE char *item = lf_id_above(id, LF_BACKUP_ITEM_TYPE);
	int rc = vault && item ? lf_catalog_get(catalog, id, ret_point, err) : lf_fail_nomem(err);

	if (!rc)
		rc = lf_catalog_get(catalog, item, ret_item, err);
	return rc ? rc : lf_catalog_get(catalog, vault, ret_vault, err);
}

int lf_backup_cross_region_restore(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	json_t *request = lf_json_at(lf_arm_body(call), "restoreRequest");
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT, item = LF_RESOURCE_INIT,
			 point = LF_RESOURCE_INIT;
	LF_AUTO_JSON *claims = NULL;
	char region[64], job[LF_GUID_SIZE];
	const struct lf_restore_ask ask = {.call = call,
					   .request = lf_restore_request(request),
					   .item = &item,
					   .point = &point,
					   .region = region,
					   .secondary = true};

	int rc = check_location(call, region, err);
	if (!rc)
		rc = verify_token(call, region, &claims, err);
	if (!rc)
		rc = find_point(context->catalog, lf_json_text_or(claims, "recoveryPoint", ""),
				&vault, &item, &point, err);
	if (!rc)
		rc = check_copied(&vault, &point, err);
	if (!rc)
		rc = check_details(call, &vault, &point, err);
	if (!rc)
		rc = lf_restore_submit(&ask, job, err);
	return rc ? rc : reply_started(call, job, err);
}

/* --- what became of it --- */

static int find_job(struct lf_arm_call *call, const char *id, struct lf_job *ret_job,
		    struct lf_error *err)
{
	int rc = lf_jobs_get(lf_arm_context(call)->jobs, id, ret_job, err);

	if (rc != LF_ENOTFOUND && (rc || lf_json_bool_or(ret_job->doc, "secondary", false)))
		return rc;
	return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorJobNotFound", id,
			   "POST backupCrrJobs lists the region's jobs",
			   "there is no cross region restore '%.64s'", id);
}

int lf_backup_cross_region_status(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = find_job(call, lf_arm_param(call, "operation"), &job, err);

	return rc ? rc : lf_backup_reply_status(call, &job, lf_backup_job_info(&job), err);
}

int lf_backup_cross_region_result(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_backup_cross_region_status(call, err);
}

int lf_backup_cross_region_job(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	LF_AUTO_JSON *doc = NULL;
	int rc = find_job(call, lf_json_text_or(lf_arm_body(call), "jobName", ""), &job, err);

	if (!rc)
		rc = lf_backup_job_view(lf_arm_context(call), &job, lf_arm_id(call, 1), &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_backup_cross_region_jobs(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	const struct lf_backup_job_query query = {
		.vault = lf_json_text(lf_arm_body(call), "resourceId"),
		.below = lf_arm_id(call, 1),
		.secondary = true};

	if (!query.vault)
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "resourceId",
				   "name the vault by its id", "the request names no vault");
	int rc = lf_backup_job_views(lf_arm_context(call), &query, values, err);
	return rc ? rc : lf_page_reply(call, values, err);
}
