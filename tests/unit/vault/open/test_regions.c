/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost is missed: a key, a store and a region's place are never made anew in silence. */
#include "test.h"

#include <sys/stat.h>

#include "base/health.h"
#include "vault/open/regionrecord.h"
#include "vault/open/regions.h"

static struct lf_error err;

static const char *path_of(const char *dir, const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, 512, "%s/%s", dir, name);
	return path;
}

static void make_region(const char *dir, const char *name)
{
	struct lf_regions *regions;
	struct lf_vault *vault;

	assert_lf_ok(lf_regions_open(dir, &regions, &err));
	assert_lf_ok(lf_regions_vault(regions, name, &vault, &err));
	lf_regions_free(regions);
}

static int open_regions(const char *dir)
{
	struct lf_regions *regions;
	int rc = lf_regions_open(dir, &regions, &err);

	if (!rc)
		lf_regions_free(regions);
	return rc;
}

static void test_platform_key__that_is_missing_is_refused_at_start(void **state)
{
	const char *dir = *state, *key = path_of(dir, "keys/platform.key");

	make_region(dir, "westeurope");
	assert_int_equal(rename(key, path_of(dir, "kept")), 0);
	assert_int_equal(open_regions(dir), LF_EDENIED);
	assert_string_equal(lf_error_arm(&err), "PlatformKeyMissing");
	assert_non_null(strstr(err.message, "keys/platform.key is missing"));
	assert_true(access(key, F_OK) != 0);
	assert_int_equal(rename(path_of(dir, "kept"), key), 0);
	assert_int_equal(open_regions(dir), 0);
}

/* A region of a time before the record is as good as one that is in it. */
static void test_platform_key__is_missed_beside_stores_that_nobody_recorded(void **state)
{
	const char *dir = *state;

	make_region(dir, "westeurope");
	assert_int_equal(unlink(path_of(dir, "regions.json")), 0);
	assert_int_equal(unlink(path_of(dir, "keys/platform.key")), 0);
	assert_int_equal(open_regions(dir), LF_EDENIED);
}

static void test_platform_key__is_missed_while_the_stores_are_away(void **state)
{
	const char *dir = *state;

	make_region(dir, "westeurope");
	assert_int_equal(rename(path_of(dir, "regions"), path_of(dir, "away")), 0);
	assert_int_equal(unlink(path_of(dir, "keys/platform.key")), 0);
	assert_int_equal(open_regions(dir), LF_EDENIED);
}

static void test_platform_key__that_goes_later_is_not_made_for_a_new_region(void **state)
{
	const char *dir = *state, *key = path_of(dir, "keys/platform.key");
	struct lf_regions *regions;
	struct lf_vault *vault;

	make_region(dir, "westeurope");
	assert_lf_ok(lf_regions_open(dir, &regions, &err));
	assert_int_equal(rename(key, path_of(dir, "kept")), 0);
	assert_int_equal(lf_regions_vault(regions, "northeurope", &vault, &err), LF_EDENIED);
	assert_int_equal(lf_regions_vault(regions, "westeurope", &vault, &err), LF_EDENIED);
	assert_true(access(key, F_OK) != 0);
	assert_true(access(path_of(dir, "regions/northeurope"), F_OK) != 0);
	assert_int_equal(rename(path_of(dir, "kept"), key), 0);
	assert_lf_ok(lf_regions_vault(regions, "northeurope", &vault, &err));
	assert_lf_ok(lf_regions_vault(regions, "westeurope", &vault, &err));
	lf_regions_free(regions);
}

static void test_platform_key__of_another_site_is_refused_at_start(void **state)
{
	const char *dir = *state, *other = path_of(dir, "other");

	make_region(dir, "westeurope");
	make_region(other, "westeurope");
	assert_int_equal(
		rename(path_of(dir, "other/keys/platform.key"), path_of(dir, "keys/platform.key")),
		0);
	assert_int_equal(open_regions(dir), LF_EDENIED);
	assert_non_null(strstr(err.message, "does not open the vault"));
}

static void test_store__that_is_away_is_waited_for(void **state)
{
	const char *dir = *state, *store = path_of(dir, "regions/westeurope/store");
	struct lf_regions *regions;
	struct lf_vault *vault;

	make_region(dir, "westeurope");
	assert_int_equal(rename(store, path_of(dir, "away")), 0);
	assert_lf_ok(lf_regions_open(dir, &regions, &err)); /* other regions go on */
	assert_int_equal(lf_health_count(), 1);
	assert_int_equal(lf_regions_vault(regions, "westeurope", &vault, &err), LF_EUNREACHABLE);
	assert_string_equal(lf_error_arm(&err), "RegionStoreMissing");
	assert_true(access(store, F_OK) != 0);
	assert_int_equal(rename(path_of(dir, "away"), store), 0);
	assert_lf_ok(lf_regions_vault(regions, "West Europe", &vault, &err));
	assert_int_equal(lf_health_count(), 0);
	lf_regions_free(regions);
}

static void test_store__that_is_lost_for_good_is_forgotten_on_an_operators_word(void **state)
{
	const char *dir = *state;

	make_region(dir, "westeurope");
	make_region(dir, "northeurope");
	assert_lf_ok(lf_dir_remove(path_of(dir, "regions/westeurope"), &err));
	assert_lf_ok(lf_region_record_forget(dir, &err));
	make_region(dir, "westeurope");
	assert_int_equal(open_regions(dir), 0);
}

static void test_store__that_is_damaged_harms_itself_only(void **state)
{
	const char *dir = *state;
	struct lf_regions *regions;
	struct lf_vault *vault;

	make_region(dir, "a");
	make_region(dir, "b");
	assert_lf_ok(lf_file_write_durable(path_of(dir, "regions/a/store/vault.json"), "{", 1, 0600,
					   &err));
	assert_lf_ok(lf_regions_open(dir, &regions, &err));
	assert_int_equal(lf_health_count(), 1);
	assert_int_equal(lf_regions_vault(regions, "a", &vault, &err), LF_ECORRUPT);
	assert_lf_ok(lf_regions_vault(regions, "c", &vault, &err)); /* in the domain of b */
	assert_lf_ok(lf_regions_vault(regions, "b", &vault, &err));
	lf_regions_free(regions);
	lf_health_clear("region-store", "a");
}

static void test_record__that_is_damaged_or_newer_is_refused(void **state)
{
	const char *dir = *state, *record = path_of(dir, "regions.json");
	static const char *const damaged[] = {"", "{", "{}", "{\"regions\":[7]}",
					      "{\"regions\":[\"../x\"]}"};
	static const char newer[] = "{\"version\":2,\"regions\":[]}";

	for (size_t i = 0; i < LF_N(damaged); i++) {
		assert_lf_ok(
			lf_file_write_durable(record, damaged[i], strlen(damaged[i]), 0600, &err));
		assert_int_equal(open_regions(dir), LF_ECORRUPT);
	}
	assert_lf_ok(lf_file_write_durable(record, newer, strlen(newer), 0600, &err));
	assert_int_equal(open_regions(dir), LF_EUNSUPPORTED);
}

#define TEST_IN_DIR(test)                                                                          \
	cmocka_unit_test_setup_teardown(test, test_memory_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_IN_DIR(test_platform_key__that_is_missing_is_refused_at_start),
		TEST_IN_DIR(test_platform_key__is_missed_beside_stores_that_nobody_recorded),
		TEST_IN_DIR(test_platform_key__is_missed_while_the_stores_are_away),
		TEST_IN_DIR(test_platform_key__that_goes_later_is_not_made_for_a_new_region),
		TEST_IN_DIR(test_platform_key__of_another_site_is_refused_at_start),
		TEST_IN_DIR(test_store__that_is_away_is_waited_for),
		TEST_IN_DIR(test_store__that_is_lost_for_good_is_forgotten_on_an_operators_word),
		TEST_IN_DIR(test_store__that_is_damaged_harms_itself_only),
		TEST_IN_DIR(test_record__that_is_damaged_or_newer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
