/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer sends of its vaults to be here when it is lost: rows that can be read, and points
 * that can be restored.  Such a row's state says of which region it is, "replicaOf"; nothing else
 * changes it, and nothing here is done by itself with it.
 */
#include <string.h>

#include "providers/backup/backup.h"
#include "providers/backup/internal.h"
#include "providers/resources/resources.h"
#include "vault/point.h"

static bool is_sent(const char *type)
{
	static const char *const types[] = {LF_GROUP_TYPE, LF_VAULT_TYPE, LF_BACKUP_POLICY_TYPE,
					    LF_BACKUP_ITEM_TYPE, LF_BACKUP_POINT_TYPE};

	for (size_t i = 0; i < LF_N(types); i++)
		if (lf_text_equal_nocase(types[i], type))
			return true;
	return false;
}

/* Not over what is this site's own, or another's. */
static int put_row(struct lf_context *context, const json_t *row, const char *of,
		   struct lf_error *err)
{
	const char *id = lf_json_text_or(row, "id", ""), *type = lf_json_text_or(row, "type", "");
	LF_AUTO_JSON *state = json_deep_copy(lf_json_at(row, "state"));
	LF_AUTO_RESOURCE there = LF_RESOURCE_INIT;

	if (!is_sent(type) || !json_is_object(lf_json_at(row, "doc")))
		return lf_fail(err, LF_EINVAL, "resources", "rows of %.100s are not taken", type);
	bool group = lf_text_equal_nocase(type, LF_GROUP_TYPE);
	int rc = group ? 0 : lf_arm_id_check(id, type, "resources", err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, id, &there, err);
	if (!rc && group)
		return 0; /* one will do */
	if (!rc && strcmp(lf_json_text_or(there.state, "replicaOf", ""), of) != 0)
		return lf_fail_arm(err, LF_ECONFLICT, "ResourceIsNotAReplica", id,
				   "give one of the two another name",
				   "this site has a resource of its own of that name");
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	if (!state || lf_json_set_text(state, "replicaOf", of))
		return lf_fail_nomem(err);
	return lf_catalog_put(context->catalog, id, type, LF_PUT_ANY, NULL, lf_json_at(row, "doc"),
			      state, err);
}

static int put_rows(struct lf_context *context, const json_t *rows, struct lf_error *err)
{
	const char *of = lf_json_text_or(json_array_get(rows, 0), "doc.location", "");
	const char *id = lf_json_text_or(json_array_get(rows, 0), "id", "");
	char subscription[LF_GUID_SIZE];
	const json_t *row;
	size_t i;

	if (!of[0] || !lf_arm_id_segment(id, "subscriptions", subscription, sizeof(subscription)))
		return lf_fail(err, LF_EINVAL, "resources", "the first row is a vault");
	int rc = lf_subscription_make(context->catalog, subscription, err);
	if (!rc)
		rc = lf_catalog_begin(context->catalog, err);
	if (rc)
		return rc;
	json_array_foreach (rows, i, row)
		if (!rc)
			rc = put_row(context, row, of, err);
	if (!rc)
		rc = lf_catalog_commit(context->catalog, err);
	if (rc)
		lf_catalog_rollback(context->catalog);
	return rc;
}

int lf_backup_replica_keep(struct lf_context *context, const char *region, const char *point,
			   const json_t *body, struct lf_error *err)
{
	const json_t *manifest = lf_json_at(body, "manifest");
	struct lf_vault *vault = NULL;

	if (strcmp(lf_json_text_or(manifest, "id", ""), point) != 0)
		return lf_fail(err, LF_EINVAL, "manifest", "the manifest is another point's");
	int rc = lf_regions_vault(context->regions, region, &vault, err);
	if (!rc)
		rc = lf_point_put(vault, point, manifest, LF_BACKUP_CLAIM, LF_CLAIM_FOREVER, err);
	/* the rows last: who sees them can restore */
	return rc ? rc : put_rows(context, lf_json_at(body, "resources"), err);
}

/* The item with its last point, the vault with its last item. */
static int remove_empty(struct lf_context *context, const char *id, const char *type,
			struct lf_error *err)
{
	const struct lf_list_query query = {.type = type, .below = id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	return rc || list.n ? rc : lf_catalog_delete_tree(context->catalog, id, err);
}

static int remove_row(struct lf_context *context, const struct lf_resource *row,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_backup_vault_id(row->id);
	LF_AUTO_FREE char *item = strdup(row->id);
	char *at = item ? strcasestr(item, "/recoveryPoints/") : NULL;

	if (!vault || !at)
		return lf_fail_nomem(err);
	*at = '\0';
	int rc = lf_catalog_delete(context->catalog, row->id, err);
	if (!rc)
		rc = remove_empty(context, item, LF_BACKUP_POINT_TYPE, err);
	return rc ? rc : remove_empty(context, vault, LF_BACKUP_ITEM_TYPE, err);
}

int lf_backup_replica_forget(struct lf_context *context, const char *region, const char *point,
			     struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_BACKUP_POINT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_json_text(list.items[i].state, "replicaOf") &&
		    strcmp(lf_json_text_or(list.items[i].state, "point", ""), point) == 0)
			rc = remove_row(context, &list.items[i], err);
	return rc ? rc : lf_backup_point_release(context, region, point, err);
}
