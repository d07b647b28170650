/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery points of an item, from its replica; and holding one for a machine. */
#include <string.h>

#include "providers/siterecovery/internal.h"
#include "vault/point/point.h"

static int view_point(const struct lf_resource *item, const json_t *point, json_t **ret_doc,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *id =
		lf_id_child(item->id, "recoveryPoints", lf_json_text_or(point, "id", ""));
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_doc_text_if(&view, "recoveryPointTime", lf_json_text(point, "time"));
	lf_doc_text(&view, "recoveryPointType",
		    lf_json_text_or(point, "consistency", "CrashConsistent"));
	lf_doc_text(&view, "providerSpecificDetails.instanceType", LF_SR_INSTANCE);
	lf_doc_text(&view, "providerSpecificDetails.isMultiVmSyncPoint",
		    lf_json_bool_or(point, "together", false) ? "true" : "false");
	return id ? lf_document_wrap(id, LF_SR_TYPE_POINT, lf_doc_take(&view), ret_doc, err)
		  : lf_fail_nomem(err);
}

static int no_point(const char *name, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ENOTFOUND, "RecoveryPointNotFound", "recoveryPointId",
			   "take one of the item's recoveryPoints; points are thinned out as "
			   "their policy says",
			   "the item has no recovery point %s", name);
}

int lf_sr_point_find(struct lf_context *context, const struct lf_resource *item,
		     const char *name_or_id, json_t **ret_point, struct lf_error *err)
{
	bool latest = !name_or_id || !*name_or_id;
	LF_AUTO_FREE char *below = lf_printf_dup("%s/recoveryPoints/", item->id);
	LF_AUTO_JSON *points = NULL;
	size_t i;
	json_t *point;

	if (!below)
		return lf_fail_nomem(err);
	/* an id must be of this item; a bare name is taken too */
	if (!latest && strchr(name_or_id, '/') && !lf_text_starts_nocase(name_or_id, below))
		return no_point(name_or_id, err);
	int rc = lf_replica_points(context->replication, item->id, &points, err);
	if (rc == LF_ENOTFOUND)
		return no_point(latest ? "yet" : name_or_id, err);
	if (rc)
		return rc;
	json_array_foreach (points, i, point) {
		if (latest || lf_text_equal_nocase(lf_arm_id_last(name_or_id),
						   lf_json_text_or(point, "id", ""))) {
			*ret_point = json_incref(point);
			return 0;
		}
	}
	return no_point(latest ? "yet" : lf_arm_id_last(name_or_id), err);
}

static int open_vault(struct lf_context *context, const char *region, const char *holder,
		      char claim[static 64], struct lf_vault **ret_vault, struct lf_error *err)
{
	snprintf(claim, 64, "export:%s", holder);
	return lf_regions_vault(context->regions, region, ret_vault, err);
}

int lf_sr_point_hold(struct lf_context *context, const char *region, const char *point,
		     const char *holder, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	char claim[64];
	int rc = open_vault(context, region, holder, claim, &vault, err);

	if (!rc)
		rc = lf_claim_put(vault, point, claim, LF_CLAIM_FOREVER, err);
	return rc == LF_ENOTFOUND ? no_point(point, err) : rc;
}

int lf_sr_point_release(struct lf_context *context, const char *region, const char *point,
			const char *holder, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	char claim[64];
	int rc = open_vault(context, region, holder, claim, &vault, err);

	return rc ? rc : lf_claim_drop(vault, point, claim, err);
}

int lf_sr_points_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_JSON *points = NULL;
	LF_AUTO_SCOPE scope = {0};
	const struct lf_resource *item = &scope.at[LF_SR_ITEM];
	size_t i;
	json_t *point;

	int rc = lf_scope_open(call, LF_SR_TYPE_ITEM, &scope, err);
	if (!rc)
		rc = lf_replica_points(lf_arm_context(call)->replication, item->id, &points, err);
	if (rc && (rc != LF_ENOTFOUND || scope.n <= LF_SR_ITEM))
		return rc;
	json_array_foreach (points, i, point) {
		LF_AUTO_JSON *doc = NULL;
		rc = view_point(item, point, &doc, err);
		if (!rc && json_array_append(values, doc))
			rc = lf_fail_nomem(err);
		if (rc)
			return rc;
	}
	return lf_arm_reply_list(call, values, NULL, err);
}

int lf_sr_points_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *point = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_SCOPE scope = {0};
	const struct lf_resource *item = &scope.at[LF_SR_ITEM];

	int rc = lf_scope_open(call, LF_SR_TYPE_ITEM, &scope, err);
	if (!rc)
		rc = lf_sr_point_find(lf_arm_context(call), item, lf_arm_param(call, "point"),
				      &point, err);
	if (!rc)
		rc = view_point(item, point, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}
