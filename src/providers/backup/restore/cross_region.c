/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cross Region Restore: what is asked of the paired region.  A client proves by a token, which it
 * got for the point where the vault is, that it may have the point there.
 */
#include <string.h>

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

int lf_backup_aad_properties(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	char location[64], audience[160], principal[LF_GUID_SIZE];

	int rc = check_location(call, location, err);
	if (rc)
		return rc;
	snprintf(audience, sizeof(audience), AUDIENCE_FORMAT, location);
	lf_guid_derive(context->tenant_id, audience, principal);
	LF_AUTO_JSON *body =
		json_pack("{s:{s:s, s:s, s:s}}", "properties", "tenantId", context->tenant_id,
			  "audience", audience, "servicePrincipalObjectId", principal);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
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

static json_t *access_details(const struct lf_resource *vault, const struct lf_resource *point,
			      const char *subscription, const char *group, const char *token)
{
	LF_AUTO_FREE char *item = lf_id_above(point->id, LF_BACKUP_ITEM_TYPE);
	LF_AUTO_DOC details = LF_DOC_INIT;

	if (!item)
		return NULL;
	const char *name = lf_arm_id_last(item);
	const char *container = strchr(name, ';') ? strchr(name, ';') + 1 : name;
	const char *friendly = strrchr(name, ';') ? strrchr(name, ';') + 1 : name;
	lf_doc_text(&details, "objectType", "CrrAccessToken");
	lf_doc_text(&details, "accessTokenString", token);
	lf_doc_text(&details, "subscriptionId", subscription);
	lf_doc_text(&details, "resourceGroupName", group);
	lf_doc_text(&details, "resourceName", lf_arm_id_last(vault->id));
	lf_doc_text(&details, "resourceId", vault->id);
	lf_doc_text(&details, "recoveryPointId", lf_arm_id_last(point->id));
	lf_doc_text(&details, "recoveryPointTime",
		    lf_json_text_or(point->doc, "properties.recoveryPointTime", ""));
	lf_doc_text(&details, "containerName", container);
	lf_doc_text(&details, "containerType", "IaasVMContainer");
	lf_doc_text(&details, "backupManagementType", "AzureIaasVM");
	lf_doc_text(&details, "datasourceType", "VM");
	lf_doc_text(&details, "datasourceName", friendly);
	lf_doc_text(&details, "datasourceId",
		    lf_json_text_or(point->state, "machine.properties.vmId", ""));
	lf_doc_text(&details, "datasourceContainerName", container);
	lf_doc_text(&details, "bMSActiveRegion", lf_json_text_or(vault->doc, "location", ""));
	lf_doc_text(&details, "rpTierInformation.InstantRP", "Valid");
	lf_doc_text(&details, "rpTierInformation.HardenedRP", "Valid");
	lf_doc_bool(&details, "rpIsManagedVirtualMachine", true);
	lf_doc_bool(&details, "rpOriginalSAOption", false);
	return lf_doc_take(&details);
}

int lf_backup_access_token(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_RESOURCE vault = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *token = NULL;

	int rc = lf_backup_vault(call, &vault, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_arm_id(call, 1), &point, err);
	if (!rc)
		rc = check_copied(&vault, &point, err);
	if (!rc)
		rc = sign_token(context, &point, lf_backup_pair(&vault), &token, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *doc =
		json_pack("{s:o}", "properties",
			  access_details(&vault, &point, lf_arm_param(call, "subscription"),
					 lf_arm_param(call, "group"), token));
	if (!doc)
		return lf_fail_nomem(err);
	rc = lf_arm_envelope(doc, point.id, LF_BACKUP_POINT_TYPE, err);
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
static int find_point(struct lf_context *context, const char *id, struct lf_resource *ret_vault,
		      struct lf_resource *ret_item, struct lf_resource *ret_point,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_id_above(id, LF_VAULT_TYPE);
	LF_AUTO_FREE char *item = lf_id_above(id, LF_BACKUP_ITEM_TYPE);
	int rc = vault && item ? lf_catalog_get(context->catalog, id, ret_point, err)
			       : lf_fail_nomem(err);

	if (!rc)
		rc = lf_catalog_get(context->catalog, item, ret_item, err);
	return rc ? rc : lf_catalog_get(context->catalog, vault, ret_vault, err);
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
		rc = find_point(context, lf_json_text_or(claims, "recoveryPoint", ""), &vault,
				&item, &point, err);
	if (!rc)
		rc = check_copied(&vault, &point, err);
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
