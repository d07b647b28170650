/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer sends of its vaults to be here when it is lost: rows that can be read, and points
 * that can be restored.  Such a row's state says of which region it is, "replicaOf"; nothing else
 * changes it, and nothing here is done by itself with it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "providers/backup/backup.h"
#include "providers/backup/point/point.h"
#include "providers/backup/scope.h"
#include "providers/resources/resources.h"
#include "vault/point/claim.h"
#include "vault/point/point.h"

#define REPLICA_CLAIM "replica:" /* and the pairing's name: of what a peer sent */
#define ROWS_MAX      16	 /* vault, group, policy, item, point */

static bool is_sent(const char *type)
{
	static const char *const types[] = {LF_GROUP_TYPE, LF_VAULT_TYPE, LF_BACKUP_POLICY_TYPE,
					    LF_BACKUP_ITEM_TYPE, LF_BACKUP_POINT_TYPE};

	for (size_t i = 0; i < LF_N(types); i++)
		if (lf_text_equal_nocase(types[i], type))
			return true;
	return false;
}

/* Of an earlier version's replicas the pairing is not known. */
static bool is_of(const json_t *state, const char *pairing)
{
	return lf_json_text(state, "replicaOf") &&
	       strcmp(lf_json_text_or(state, "replicaBy", pairing), pairing) == 0;
}

/* What a commit says, beside its manifest. */
struct rows {
	const struct lf_received *what;
	const json_t *manifest;
	const char *of;	   /* the region whose vault it is */
	const char *vault; /* id of the first row: the others are its own */
};

static bool is_object_or_none(const json_t *value)
{
	return !value || json_is_null(value) || json_is_object(value);
}

/* Of the form that whoever looks at a row relies on. */
static bool is_well_formed(const json_t *row)
{
	const json_t *doc = lf_json_at(row, "doc");

	return json_is_object(doc) && is_object_or_none(json_object_get(doc, "properties")) &&
	       is_object_or_none(json_object_get(doc, "tags")) &&
	       is_object_or_none(json_object_get(doc, "sku")) &&
	       json_is_object(lf_json_at(row, "state"));
}

static int check_row(const struct rows *rows, const json_t *row, struct lf_error *err)
{
	const char *id = lf_json_text_or(row, "id", ""), *type = lf_json_text_or(row, "type", "");
	const json_t *state = lf_json_at(row, "state");
	size_t len = strlen(rows->vault);

	if (!is_sent(type) || !is_well_formed(row))
		return lf_fail(err, LF_EINVAL, "resources", "rows of %.100s are not taken", type);
	if (lf_text_equal_nocase(type, LF_GROUP_TYPE)) {
		size_t group = strlen(id);
		return strncasecmp(rows->vault, id, group) == 0 &&
				       strncasecmp(rows->vault + group, "/providers/", 11) == 0
			       ? 0
			       : lf_fail(err, LF_EINVAL, "resources",
					 "the group is not the vault's");
	}
	int rc = lf_arm_id_check(id, type, "resources", err);
	if (!rc && (strncasecmp(id, rows->vault, len) != 0 || (id[len] && id[len] != '/')))
		rc = lf_fail(err, LF_EINVAL, "resources", "a row is not of the vault that is sent");
	/* what lets go of the point, or restores it, goes by its row */
	if (!rc && lf_text_equal_nocase(type, LF_BACKUP_POINT_TYPE) &&
	    (strcmp(lf_json_text_or(state, "point", ""), rows->what->point) != 0 ||
	     !json_equal(lf_json_at(state, "disks"), lf_json_at(rows->manifest, "disks"))))
		rc = lf_fail(err, LF_EINVAL, "resources", "the recovery point is another's");
	return rc;
}

/* Not over what is this site's own, or another's. */
static int put_row(struct lf_catalog *catalog, const struct rows *rows, const json_t *row,
		   struct lf_error *err)
{
	const char *id = lf_json_text_or(row, "id", ""), *type = lf_json_text_or(row, "type", "");
	LF_AUTO_JSON *state = json_deep_copy(lf_json_at(row, "state"));
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	bool there;
	int rc = check_row(rows, row, err);

	if (!rc)
		rc = lf_catalog_find(catalog, id, &before, &there, err);
	if (rc || (there && lf_text_equal_nocase(type, LF_GROUP_TYPE)))
		return rc; /* one will do */
	if (there && (strcmp(lf_json_text_or(before.state, "replicaOf", ""), rows->of) != 0 ||
		      !is_of(before.state, rows->what->pairing)))
		return lf_fail_arm(
			err, LF_ECONFLICT, "ResourceIsNotAReplica", id,
			"give one of the two another name",
			"this site has a resource of that name that is not the sender's");
	if (!state || lf_json_set_text(state, "replicaOf", rows->of) ||
	    lf_json_set_text(state, "replicaBy", rows->what->pairing))
		return lf_fail_nomem(err);
	return lf_catalog_put(catalog, id, type, LF_PUT_ANY, NULL, lf_json_at(row, "doc"), state,
			      err);
}

static void replica_claim(const struct lf_received *what, char out[static 64])
{
	snprintf(out, 64, REPLICA_CLAIM "%s", what->pairing);
}

/* It was let go of, and is not collected yet: as good as gone. */
static int fail_unclaimed(struct lf_context *context, const struct lf_received *what,
			  struct lf_vault *vault, struct lf_error *err)
{
	bool live = false;
	/* a transfer that was cut short may still hold it as its base (peer/inbox.h) */
	int rc = lf_claims_live(vault, what->point, "peer:", lf_clock_now_ns(context->clock), &live,
				err);

	if (rc)
		return rc;
	return live ? lf_fail_arm(err, LF_ECONFLICT, "PointIsNotAReplica", what->point, NULL,
				  "region %s has a point of that id that is not the sender's",
				  what->region)
		    : lf_fail(err, LF_ENOTFOUND, what->point, "the point was let go of");
}

/* A row of an earlier version, whose point has a claim like one of our own. */
static int find_row(struct lf_context *context, const struct lf_received *what,
		    struct lf_vault *vault, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_BACKUP_POINT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (is_of(list.items[i].state, what->pairing) &&
		    strcmp(lf_json_text_or(list.items[i].state, "point", ""), what->point) == 0)
			return 0;
	return rc ? rc : fail_unclaimed(context, what, vault, err);
}

int lf_backup_replica_sent(struct lf_context *context, const struct lf_received *what,
			   struct lf_error *err)
{
	LF_AUTO_JSON *manifest = NULL;
	struct lf_vault *vault = NULL;
	char claim[64];
	int64_t until;
	int rc = lf_regions_vault(context->regions, what->region, &vault, err);

	if (!rc)
		rc = lf_point_get(vault, what->point, &manifest, err);
	if (rc)
		return rc;
	replica_claim(what, claim);
	rc = lf_claim_until(vault, what->point, claim, &until, err);
	return rc == LF_ENOTFOUND ? find_row(context, what, vault, err) : rc;
}

/* A point that is there stays as it is: it is the same, or a conflict. */
static int put_point(struct lf_context *context, const struct lf_received *what,
		     const json_t *manifest, struct lf_error *err)
{
	LF_AUTO_JSON *there = NULL;
	struct lf_vault *vault = NULL;
	char claim[64];
	int rc = lf_backup_replica_sent(context, what, err);

	if (rc && rc != LF_ENOTFOUND)
		return rc;
	bool known = !rc;
	rc = lf_regions_vault(context->regions, what->region, &vault, err);
	if (!rc && known)
		rc = lf_point_get(vault, what->point, &there, err);
	if (!rc && known && !json_equal(there, manifest))
		rc = lf_fail_arm(err, LF_ECONFLICT, "PointIsNotAReplica", what->point, NULL,
				 "region %s has another point of that id", what->region);
	replica_claim(what, claim);
	return rc ? rc : lf_point_put(vault, what->point, manifest, claim, LF_CLAIM_FOREVER, err);
}

/* All or nothing, and the rows last: who sees them can restore. */
static int put_all(struct lf_context *context, const struct rows *rows, const char *subscription,
		   const json_t *resources, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	const json_t *row;
	size_t i;
	int rc = lf_transaction_begin(&tx, context->catalog, err);

	if (!rc)
		rc = lf_subscription_make(context->catalog, subscription, err);
	json_array_foreach (resources, i, row)
		if (!rc)
			rc = put_row(context->catalog, rows, row, err);
	if (!rc)
		rc = put_point(context, rows->what, rows->manifest, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_backup_replica_keep(struct lf_context *context, const struct lf_received *what,
			   const json_t *body, struct lf_error *err)
{
	const json_t *resources = lf_json_at(body, "resources");
	const json_t *first = json_array_get(resources, 0);
	const struct rows rows = {.what = what,
				  .manifest = lf_json_at(body, "manifest"),
				  .of = lf_json_text_or(first, "doc.location", ""),
				  .vault = lf_json_text_or(first, "id", "")};
	char subscription[LF_GUID_SIZE];

	if (strcmp(lf_json_text_or(rows.manifest, "id", ""), what->point) != 0)
		return lf_fail(err, LF_EINVAL, "manifest", "the manifest is another point's");
	if (!rows.of[0] || json_array_size(resources) > ROWS_MAX ||
	    !lf_text_equal_nocase(lf_json_text_or(first, "type", ""), LF_VAULT_TYPE) ||
	    !lf_arm_id_segment(rows.vault, "subscriptions", subscription, sizeof(subscription)))
		return lf_fail(err, LF_EINVAL, "resources",
			       "there are at most %d rows, and the first is a vault", ROWS_MAX);
	int rc = lf_arm_id_check(rows.vault, LF_VAULT_TYPE, "resources", err);
	return rc ? rc : put_all(context, &rows, subscription, resources, err);
}

/* The item with its last point, the vault with its last item. */
static int remove_empty(struct lf_catalog *catalog, const char *id, const char *type,
			struct lf_error *err)
{
	const struct lf_list_query query = {.type = type, .below = id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	return rc || list.n ? rc : lf_catalog_delete_tree(catalog, id, err);
}

static int remove_row(struct lf_catalog *catalog, const struct lf_resource *row,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *vault = lf_backup_vault_id(row->id);
	LF_AUTO_FREE char *item = strdup(row->id);
	char *at = item ? strcasestr(item, "/recoveryPoints/") : NULL;

	if (!vault || !at)
		return lf_fail_nomem(err);
	*at = '\0';
	int rc = lf_catalog_delete(catalog, row->id, err);
	if (!rc)
		rc = remove_empty(catalog, item, LF_BACKUP_POINT_TYPE, err);
	return rc ? rc : remove_empty(catalog, vault, LF_BACKUP_ITEM_TYPE, err);
}

static int drop_claim(struct lf_context *context, const struct lf_received *what, bool of_old,
		      struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	char claim[64];
	int rc = lf_regions_vault(context->regions, what->region, &vault, err);

	replica_claim(what, claim);
	if (!rc)
		rc = lf_claim_drop(vault, what->point, claim, err);
	/* an earlier version claimed it as if it were our own; only then has it such a row */
	if (!rc && of_old)
		rc = lf_claim_drop(vault, what->point, LF_BACKUP_CLAIM, err);
	return rc;
}

/* Rows of the point that came by this pairing: either look whether one is of an earlier version, or
 * remove them. */
static int each_row(struct lf_catalog *catalog, const struct lf_received *what, bool *ret_of_old,
		    struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_BACKUP_POINT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		const json_t *state = list.items[i].state;
		if (!is_of(state, what->pairing) ||
		    strcmp(lf_json_text_or(state, "point", ""), what->point) != 0)
			continue;
		if (ret_of_old)
			*ret_of_old = *ret_of_old || !lf_json_text(state, "replicaBy");
		else
			rc = remove_row(catalog, &list.items[i], err);
	}
	return rc;
}

/* The rows last: by them an earlier version's point is known to be the sender's. */
int lf_backup_replica_forget(struct lf_context *context, const struct lf_received *what,
			     struct lf_error *err)
{
	bool of_old = false;
	int rc = lf_backup_replica_sent(context, what, err);

	if (!rc)
		rc = each_row(context->catalog, what, &of_old, err);
	if (!rc)
		rc = drop_claim(context, what, of_old, err);
	return rc && rc != LF_ENOTFOUND ? rc : each_row(context->catalog, what, NULL, err);
}
