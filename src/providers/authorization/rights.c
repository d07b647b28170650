/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of assignments and locks as they are in memory: a table that is never changed, read by
 * who holds a reference.  When the catalog's number has gone up since it was made, the next who
 * asks makes another one of the rows and puts it in its place; a thread that has written rows and
 * not committed them makes one for itself.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/lock.h"
#include "base/text.h"
#include "json/doc.h"
#include "providers/authorization/internal.h"

struct assignment {
	char principal[LF_GUID_SIZE];
	char *scope;
	const struct lf_role *role;
};
struct lock {
	char *scope;
	bool read_only;
};
struct table {
	atomic_uint references;
	uint64_t number;		/* lf_catalog_watched() before the rows were read */
	struct assignment *assignments; /* by principal */
	struct lock *locks;
	size_t n_assignments, n_locks;
};

LF_LOCK_KIND(lf_rights_lock);
struct lf_rights {
	struct lf_catalog *catalog;
	pthread_mutex_t mutex;
	struct table *table LF_GUARDED_BY(lf_rights_lock); /* NULL: none was made yet */
};

static void table_drop(struct table **handle)
{
	struct table *table = *handle;

	*handle = NULL;
	if (!table || atomic_fetch_sub(&table->references, 1) != 1)
		return;
	for (size_t i = 0; i < table->n_assignments; i++)
		free(table->assignments[i].scope);
	for (size_t i = 0; i < table->n_locks; i++)
		free(table->locks[i].scope);
	free(table->assignments);
	free(table->locks);
	free(table);
}
#define AUTO_TABLE LF_CLEANUP(table_drop) struct table

char *lf_rights_scope_of(const char *id)
{
	const char *last = NULL;

	for (const char *p = id; (p = strcasestr(p, LF_AUTHORIZATION "/")); p++)
		last = p;
	return strndup(id, last ? (size_t)(last - id) : strlen(id));
}

bool lf_rights_is_within(const char *id, const char *scope)
{
	size_t len = strlen(scope);

	return strncasecmp(id, scope, len) == 0 && (!id[len] || id[len] == '/');
}

static int compare(const void *a, const void *b)
{
	return strcasecmp(((const struct assignment *)a)->principal,
			  ((const struct assignment *)b)->principal);
}

static int read_assignments(struct lf_catalog *catalog, struct table *table, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_ASSIGNMENT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	if (rc)
		return rc;
	table->assignments = calloc(list.n + 1, sizeof(*table->assignments));
	if (!table->assignments)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < list.n; i++) {
		struct assignment *next = &table->assignments[table->n_assignments];
		const json_t *doc = list.items[i].doc;
		next->role = lf_role_find(lf_json_text_or(doc, "properties.roleDefinitionId", ""));
		if (!next->role) /* of a version that knows more roles: it gives nothing here */
			continue;
		next->scope = lf_rights_scope_of(list.items[i].id);
		if (!next->scope)
			return lf_fail_nomem(err);
		snprintf(next->principal, sizeof(next->principal), "%s",
			 lf_json_text_or(doc, "properties.principalId", ""));
		table->n_assignments++;
	}
	qsort(table->assignments, table->n_assignments, sizeof(*table->assignments), compare);
	return 0;
}

static int read_locks(struct lf_catalog *catalog, struct table *table, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_LOCK_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(catalog, &query, &list, err);

	if (rc)
		return rc;
	table->locks = calloc(list.n + 1, sizeof(*table->locks));
	if (!table->locks)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < list.n; i++) {
		struct lock *next = &table->locks[table->n_locks];
		next->scope = lf_rights_scope_of(list.items[i].id);
		if (!next->scope)
			return lf_fail_nomem(err);
		next->read_only = strcmp(lf_json_text_or(list.items[i].doc, "properties.level", ""),
					 "ReadOnly") == 0;
		table->n_locks++;
	}
	return 0;
}

static int make_table(struct lf_catalog *catalog, struct table **ret_table, struct lf_error *err)
{
	AUTO_TABLE *table = calloc(1, sizeof(*table));

	if (!table)
		return lf_fail_nomem(err);
	table->references = 1;
	table->number = lf_catalog_watched(catalog);
	int rc = read_assignments(catalog, table, err);
	if (!rc)
		rc = read_locks(catalog, table, err);
	if (!rc)
		*ret_table = lf_steal(&table);
	return rc;
}

/* The one that is kept, if it is still right; *ret_table NULL: it is not. */
static void take_kept(struct lf_rights *rights, struct table **ret_table)
{
	LF_GUARD(&rights->mutex, lf_rights_lock);
	*ret_table = rights->table;
	if (*ret_table && (*ret_table)->number != lf_catalog_watched(rights->catalog))
		*ret_table = NULL;
	if (*ret_table)
		atomic_fetch_add(&(*ret_table)->references, 1);
}

static void keep(struct lf_rights *rights, struct table *table)
{
	AUTO_TABLE *old = NULL;

	LF_GUARD(&rights->mutex, lf_rights_lock);
	old = rights->table;
	rights->table = table;
	atomic_fetch_add(&table->references, 1);
}

static int take_table(struct lf_rights *rights, struct table **ret_table, struct lf_error *err)
{
	bool own = lf_catalog_in_transaction(rights->catalog);

	if (!own)
		take_kept(rights, ret_table);
	if (*ret_table)
		return 0;
	int rc = make_table(rights->catalog, ret_table, err);
	if (!rc && !own)
		keep(rights, *ret_table);
	return rc;
}

/* The first of the principal's; n_assignments: it has none. */
static size_t find_first(const struct table *table, const char *principal)
{
	size_t low = 0, high = table->n_assignments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcasecmp(table->assignments[middle].principal, principal) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct table *table, size_t i, const char *principal)
{
	return i < table->n_assignments &&
	       strcasecmp(table->assignments[i].principal, principal) == 0;
}

int lf_rights_has(struct lf_rights *rights, const char *principal, const char *right, bool data,
		  const char *scope, bool *ret_has, struct lf_error *err)
{
	AUTO_TABLE *table = NULL;
	int rc = take_table(rights, &table, err);

	if (rc)
		return rc;
	*ret_has = false;
	for (size_t i = find_first(table, principal); !*ret_has && is_of(table, i, principal); i++)
		*ret_has = lf_rights_is_within(scope, table->assignments[i].scope) &&
			   lf_role_gives(table->assignments[i].role, right, data);
	return 0;
}

int lf_rights_touches(struct lf_rights *rights, const char *principal, const char *scope,
		      bool *ret_touches, struct lf_error *err)
{
	AUTO_TABLE *table = NULL;
	int rc = take_table(rights, &table, err);

	if (rc)
		return rc;
	*ret_touches = false;
	for (size_t i = find_first(table, principal); !*ret_touches && is_of(table, i, principal);
	     i++)
		*ret_touches = lf_rights_is_within(scope, table->assignments[i].scope) ||
			       lf_rights_is_within(table->assignments[i].scope, scope);
	return 0;
}

/* What belongs to no scope, or names an operation by an id that nobody guesses. */
static bool is_of_everybody(const char *right, const char *scope)
{
	static const char *const rights[] = {"Microsoft.Resources/tenants/read",
					     "Microsoft.Resources/providers/operations/read"};

	for (size_t i = 0; i < LF_N(rights); i++)
		if (strcmp(rights[i], right) == 0)
			return true;
	return strcmp(right, "Microsoft.Resources/subscriptions/read") == 0 &&
	       lf_text_equal_nocase(scope, "/subscriptions");
}

static bool is_of_every_role(const char *right)
{
	/* the last are the monitors' (arm/async.c), for all namespaces */
	static const char *const rights[] = {"Microsoft.Resources/subscriptions/read",
					     "Microsoft.Resources/locations/operations/read",
					     "*/locations/operationStatuses/read",
					     "*/locations/operations/read",
					     "*/locations/operationResults/read"};

	for (size_t i = 0; i < LF_N(rights); i++)
		if (strcmp(rights[i], right) == 0)
			return true;
	return false;
}

int lf_rights_may(struct lf_rights *rights, const char *principal, const char *right,
		  const char *scope, bool *ret_may, struct lf_error *err)
{
	char subscription[64 + sizeof("/subscriptions/")] = "/subscriptions/";

	if (is_of_everybody(right, scope)) {
		*ret_may = true;
		return 0;
	}
	int rc = lf_rights_has(rights, principal, right, false, scope, ret_may, err);
	if (rc || *ret_may || !is_of_every_role(right) ||
	    !lf_arm_id_segment(scope, "subscriptions", subscription + strlen(subscription), 64))
		return rc;
	return lf_rights_touches(rights, principal, subscription, ret_may, err);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && lf_text_equal_nocase(text + len - tail, end);
}

int lf_rights_unlocked(struct lf_rights *rights, const char *right, const char *scope,
		       struct lf_error *err)
{
	/* POST ".../remove" is a deletion by another method */
	bool removes = ends_with(right, "/delete") || ends_with(right, "/remove/action");
	AUTO_TABLE *table = NULL;

	if (ends_with(right, "/read") || lf_text_starts_nocase(right, LF_LOCK_TYPE "/"))
		return 0;
	int rc = take_table(rights, &table, err);
	for (size_t i = 0; !rc && i < table->n_locks; i++) {
		const struct lock *lock = &table->locks[i];
		bool above = lf_rights_is_within(scope, lock->scope);
		if (!(removes && (above || lf_rights_is_within(lock->scope, scope))) &&
		    !(lock->read_only && above))
			continue;
		return lf_fail_arm(
			err, LF_ECONFLICT, "ScopeLocked", scope,
			"delete the lock first (landfall lock list, landfall lock delete)",
			"the scope '%s' cannot perform %s operation because following "
			"scope(s) are locked: '%s'. Please remove the lock and try "
			"again",
			scope, removes ? "delete" : "write", lock->scope);
	}
	return rc;
}

/*
 * What is named is read, written or taken by what is asked for: the disk that a machine gets or a
 * disk is copied from, the machine that is backed up, the group in which a machine is made.  A
 * machine that a POST names (a restore) is one whose points are the vault's own.
 */
const char *lf_rights_linked(const char *type, const char *method)
{
	static const char compute[] = "Microsoft.Compute/virtualMachines/write";
	static const struct {
		const char *type, *right, *post;
	} links[] = {
		{"Microsoft.Compute/disks", "Microsoft.Compute/disks/write",
		 "Microsoft.Compute/disks/write"},
		{"Microsoft.Compute/virtualMachines", compute,
		 "Microsoft.Compute/virtualMachines/read"},
		{"Microsoft.Compute/restorePointCollections",
		 "Microsoft.Compute/restorePointCollections/write", NULL},
		{"Microsoft.Compute/restorePointCollections/restorePoints",
		 "Microsoft.Compute/restorePointCollections/restorePoints/write", NULL},
		{"Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints",
		 "Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/"
		 "beginGetAccess/action",
		 NULL},
		{"Microsoft.Network/networkInterfaces",
		 "Microsoft.Network/networkInterfaces/join/action", NULL},
		{"Microsoft.Network/virtualNetworks/subnets",
		 "Microsoft.Network/virtualNetworks/subnets/join/action", NULL},
		{"Microsoft.Network/privateDnsZones",
		 "Microsoft.Network/privateDnsZones/join/action", NULL},
		{"Microsoft.Resources/resourceGroups", compute, compute},
	};

	for (size_t i = 0; i < LF_N(links); i++)
		if (lf_text_equal_nocase(links[i].type, type))
			return strcmp(method, "POST") == 0 ? links[i].post : links[i].right;
	return NULL;
}

int lf_rights_permissions(struct lf_rights *rights, const char *principal, const char *scope,
			  json_t **ret_values, struct lf_error *err)
{
	AUTO_TABLE *table = NULL;
	LF_AUTO_JSON *values = json_array();
	int rc = values ? take_table(rights, &table, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	for (size_t i = find_first(table, principal); is_of(table, i, principal); i++)
		if (lf_rights_is_within(scope, table->assignments[i].scope) &&
		    json_array_append_new(values, lf_role_permissions(table->assignments[i].role)))
			return lf_fail_nomem(err);
	*ret_values = lf_steal(&values);
	return 0;
}

/* Always of the same name, so that a start that finds it makes no other. */
static int give_owner(struct lf_catalog *catalog, const char *owner_id, const char *role,
		      struct lf_error *err)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *made = NULL;
	char name[LF_GUID_SIZE], id[128];

	lf_guid_hash(owner_id, role, name);
	snprintf(id, sizeof(id), LF_AUTHORIZATION "/roleAssignments/%s", name);
	lf_doc_printf(&doc, "properties.roleDefinitionId", LF_AUTHORIZATION "/roleDefinitions/%s",
		      role);
	lf_doc_text(&doc, "properties.principalId", owner_id);
	lf_doc_text(&doc, "properties.principalType", "ServicePrincipal");
	lf_doc_text(&doc, "properties.description", "The site's first principal.");
	int rc = lf_doc_end(&doc, &made, err);
	LF_AUTO_JSON *state = json_pack("{s:b,s:s}", "first", 1, "createdBy", owner_id);
	if (!rc && !state)
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_put(catalog, id, LF_ASSIGNMENT_TYPE, LF_PUT_ANY, NULL, made, state,
				    err);
	return rc;
}

int lf_rights_open(struct lf_catalog *catalog, const char *owner_id, struct lf_rights **ret_rights,
		   struct lf_error *err)
{
	LF_AUTO_FREE struct lf_rights *rights = calloc(1, sizeof(*rights));

	if (!rights)
		return lf_fail_nomem(err);
	lf_catalog_watch(catalog, "/providers/microsoft.authorization/");
	int rc = give_owner(catalog, owner_id, LF_ROLE_OWNER, err);
	if (!rc)
		rc = give_owner(catalog, owner_id, LF_ROLE_BLOB_DATA_OWNER, err);
	if (rc)
		return rc;
	rights->catalog = catalog;
	pthread_mutex_init(&rights->mutex, NULL);
	*ret_rights = lf_steal(&rights);
	return 0;
}

void lf_rights_free(struct lf_rights *rights)
{
	if (!rights)
		return;
	LF_ALONE(lf_rights_lock);
	table_drop(&rights->table);
	pthread_mutex_destroy(&rights->mutex);
	free(rights);
}
