/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what.  Each operation of the routes times each built-in role is a file (roles.txt), as
 * the rights are (rights.txt): a change of either is a change that somebody reads.  What
 * assignments and locks give and forbid is asked of rows of a catalog.
 */
#include "agreed.h"

#include <unistd.h>

#include "catalog/catalog.h"
#include "providers/authorization/authorization.h"
#include "providers/authorization/roles.h"
#include "providers/registry.h"

#define OWNER		 "11111111-0000-4000-8000-000000000001"
#define SOMEONE		 "22222222-0000-4000-8000-000000000002"
#define SUB		 "/subscriptions/aaaaaaaa-0000-4000-8000-00000000000a"
#define GROUP		 SUB "/resourceGroups/web"
#define DISK		 GROUP "/providers/Microsoft.Compute/disks/data"
#define READER		 "acdd72a7-3385-48ef-bd42-f606fba81ae7"
#define CONTRIBUTOR	 "b24988ac-6180-42a0-ab88-20f7382dd24c"
#define BLOB_CONTRIBUTOR "ba92f5b4-2d11-453d-a403-e96b0029c9fe"

static struct lf_error err;

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "RIGHT: the roles that give it", each right once. */
static void print_table(struct lf_buf *table)
{
	char *rights[2000];
	size_t n_providers, n_roles, n = 0;
	const struct lf_arm_provider *const *all = lf_registry_providers(&n_providers);
	const struct lf_role *roles = lf_roles(&n_roles);

	for (size_t i = 0; i < n_providers; i++)
		for (size_t j = 0; j < all[i]->n_routes; j++) {
			assert_true(n < LF_N(rights));
			assert_lf_ok(lf_route_right(&all[i]->routes[j], &rights[n], &err));
			n += rights[n] != NULL;
		}
	qsort(rights, n, sizeof(*rights), compare);
	for (size_t i = 0; i < n; i++) {
		if (i && strcmp(rights[i], rights[i - 1]) == 0)
			continue;
		lf_buf_printf(table, "%s:", rights[i]);
		for (size_t k = 0, shown = 0; k < n_roles; k++)
			if (lf_role_gives(&roles[k], rights[i], false))
				lf_buf_printf(table, "%s %s", shown++ ? "," : "", roles[k].name);
		lf_buf_puts(table, "\n");
	}
	for (size_t i = 0; i < n; i++)
		free(rights[i]);
}

static void test_roles__give_what_was_agreed(void **state)
{
	LF_AUTO_BUF table = LF_BUF_INIT;

	(void)state;
	print_table(&table);
	assert_agreed(__FILE__, "roles", &table);
}

static void test_roles__are_found_by_guid_and_id(void **state)
{
	(void)state;
	assert_string_equal(lf_role_find(READER)->name, "Reader");
	assert_string_equal(
		lf_role_find("/providers/microsoft.authorization/roledefinitions/" READER)->name,
		"Reader");
	assert_string_equal(
		lf_role_find(SUB "/providers/Microsoft.Authorization/roleDefinitions/" READER)
			->name,
		"Reader");
	assert_null(lf_role_find("Reader"));
	assert_null(lf_role_find(SUB "/roleDefinitions/" READER));
	assert_null(lf_role_find(""));
}

static void test_roles__of_management_give_no_data(void **state)
{
	const char *blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";

	(void)state;
	assert_true(lf_role_gives(lf_role_find(LF_ROLE_OWNER), blobs, false));
	assert_false(lf_role_gives(lf_role_find(LF_ROLE_OWNER), blobs, true));
	assert_true(lf_role_gives(lf_role_find(BLOB_CONTRIBUTOR), blobs, true));
	assert_false(lf_role_gives(lf_role_find(CONTRIBUTOR),
				   "Microsoft.Authorization/roleAssignments/write", false));
	assert_true(
		lf_role_gives(lf_role_find(CONTRIBUTOR), "microsoft.compute/DISKS/write", false));
}

/* A site's rows. */
struct site {
	char dir[64];
	struct lf_clock *clock;
	struct lf_catalog *catalog;
	struct lf_rights *rights;
};

static int setup(void **state)
{
	struct site *site = calloc(1, sizeof(*site));

	snprintf(site->dir, sizeof(site->dir), "/tmp/landfall-test-XXXXXX");
	assert_non_null(mkdtemp(site->dir));
	LF_AUTO_FREE char *path = lf_printf_dup("%s/catalog.db", site->dir);
	site->clock = lf_clock_new_real(1);
	assert_lf_ok(lf_catalog_open(path, site->clock, &site->catalog, &err));
	assert_lf_ok(lf_rights_open(site->catalog, OWNER, &site->rights, &err));
	*state = site;
	return 0;
}

static int teardown(void **state)
{
	struct site *site = *state;

	lf_rights_free(site->rights);
	lf_catalog_free(site->catalog);
	lf_clock_free(site->clock);
	assert_lf_ok(lf_dir_remove(site->dir, &err));
	free(site);
	return 0;
}

static void put(struct site *site, const char *id, const char *type, json_t *doc)
{
	LF_AUTO_JSON *own = doc;

	assert_lf_ok(lf_catalog_put(site->catalog, id, type, LF_PUT_ANY, NULL, own, NULL, &err));
}

static void give(struct site *site, const char *scope, const char *role, const char *principal)
{
	LF_AUTO_FREE char *id = lf_printf_dup(
		"%s/providers/Microsoft.Authorization/roleAssignments/%s", scope, role);

	put(site, id, LF_ASSIGNMENT_TYPE,
	    json_pack("{s:{s:s,s:s}}", "properties", "roleDefinitionId", role, "principalId",
		      principal));
}

static void lock(struct site *site, const char *scope, const char *level)
{
	LF_AUTO_FREE char *id =
		lf_printf_dup("%s/providers/Microsoft.Authorization/locks/keep", scope);

	put(site, id, LF_LOCK_TYPE, json_pack("{s:{s:s}}", "properties", "level", level));
}

static bool may(struct site *site, const char *principal, const char *right, const char *scope)
{
	bool answer = false;

	assert_lf_ok(lf_rights_may(site->rights, principal, right, scope, &answer, &err));
	return answer;
}

static bool is_locked(struct site *site, const char *right, const char *scope)
{
	int rc = lf_rights_unlocked(site->rights, right, scope, &err);

	if (rc) {
		assert_int_equal(rc, LF_ECONFLICT);
		assert_string_equal(lf_error_arm(&err), "ScopeLocked");
	}
	return rc;
}

static void test_rights__nobody_has_any_but_the_first_principal(void **state)
{
	struct site *site = *state;

	assert_true(may(site, OWNER, "Microsoft.Compute/disks/delete", DISK));
	assert_true(may(site, OWNER, "Landfall/audit/read", "/landfall/audit"));
	assert_false(may(site, SOMEONE, "Microsoft.Compute/disks/read", DISK));
	assert_false(may(site, SOMEONE, "Landfall/audit/read", "/landfall/audit"));
	assert_false(may(site, SOMEONE, "Microsoft.Resources/subscriptions/read", SUB));
	assert_false(may(site, SOMEONE, "*/locations/operationStatuses/read", SUB "/x"));
	assert_true(may(site, SOMEONE, "Microsoft.Resources/subscriptions/read", "/subscriptions"));
}

static void test_rights__are_inherited_and_end_at_the_scope(void **state)
{
	struct site *site = *state;

	give(site, GROUP, CONTRIBUTOR, SOMEONE);
	assert_true(may(site, SOMEONE, "Microsoft.Compute/disks/write", DISK));
	assert_true(may(site, SOMEONE, "Microsoft.Compute/disks/write",
			SUB "/RESOURCEGROUPS/WEB/providers/Microsoft.Compute/disks/new"));
	assert_false(may(site, SOMEONE, "Microsoft.Compute/disks/write",
			 SUB "/resourceGroups/web2/providers/Microsoft.Compute/disks/new"));
	assert_false(may(site, SOMEONE, "Microsoft.Authorization/roleAssignments/write", DISK));
	/* who has a role in it may see the subscription and follow its operations */
	assert_true(may(site, SOMEONE, "Microsoft.Resources/subscriptions/read", SUB));
	assert_true(may(site, SOMEONE, "*/locations/operationStatuses/read", SUB "/providers/x"));
	assert_false(may(site, SOMEONE, "Microsoft.Compute/disks/read", SUB));
}

static void test_rights__go_with_their_rows(void **state)
{
	struct site *site = *state;
	struct lf_transaction tx = LF_TRANSACTION_INIT;

	give(site, DISK, READER, SOMEONE);
	assert_true(may(site, SOMEONE, "Microsoft.Compute/disks/read", DISK));
	assert_lf_ok(lf_catalog_delete_tree(site->catalog, GROUP, &err));
	assert_false(may(site, SOMEONE, "Microsoft.Compute/disks/read", DISK));
	/* what is taken back was never given */
	assert_lf_ok(lf_transaction_begin(&tx, site->catalog, &err));
	give(site, DISK, READER, SOMEONE);
	assert_true(may(site, SOMEONE, "Microsoft.Compute/disks/read", DISK));
	lf_transaction_rollback(&tx);
	assert_false(may(site, SOMEONE, "Microsoft.Compute/disks/read", DISK));
}

static void test_rights__of_an_unknown_role_are_none(void **state)
{
	struct site *site = *state;

	give(site, SUB, "99999999-0000-4000-8000-000000000009", SOMEONE);
	assert_false(may(site, SOMEONE, "Microsoft.Compute/disks/read", DISK));
}

static void test_locks__forbid_from_above_and_deletions_from_below(void **state)
{
	struct site *site = *state;

	lock(site, DISK, "CanNotDelete");
	assert_true(is_locked(site, "Microsoft.Compute/disks/delete", DISK));
	assert_true(
		is_locked(site, "Microsoft.Resources/subscriptions/resourceGroups/delete", GROUP));
	assert_false(is_locked(site, "Microsoft.Compute/disks/write", DISK));
	assert_false(is_locked(site, "Microsoft.Compute/disks/delete", DISK "2"));
	assert_false(is_locked(site, "Microsoft.Authorization/locks/delete",
			       DISK "/providers/Microsoft.Authorization/locks/keep"));
	lock(site, SUB, "ReadOnly");
	assert_true(is_locked(site, "Microsoft.Compute/disks/write", DISK "2"));
	assert_true(is_locked(site, "Microsoft.Compute/disks/beginGetAccess/action", DISK "2"));
	assert_true(is_locked(site, "Microsoft.RecoveryServices/vaults/x/remove/action", GROUP));
	assert_false(is_locked(site, "Microsoft.Compute/disks/read", DISK));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles__give_what_was_agreed),
		cmocka_unit_test(test_roles__are_found_by_guid_and_id),
		cmocka_unit_test(test_roles__of_management_give_no_data),
		cmocka_unit_test_setup_teardown(test_rights__nobody_has_any_but_the_first_principal,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_rights__are_inherited_and_end_at_the_scope,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_rights__go_with_their_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rights__of_an_unknown_role_are_none, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_locks__forbid_from_above_and_deletions_from_below, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
