/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/text.h"
#include "blob/blob.h"
#include "blob/point.h"
#include "image/vhd.h"
#include "vault/care/care.h"
#include "vault/map/map.h"
#include "vault/point/point.h"

#define PAGE  LF_PAGE_SIZE
#define POINT "99999999-0000-8000-8000-000000000002"
#define MIB   (UINT64_C(1) << 20)
#define SIZE  (3 * MIB + 2 * PAGE)

/* A vault with a point of one disk: data at 0, at 1 MiB and on the last page. */
struct site {
	char *dir;
	struct lf_regions *regions;
	struct lf_vault *vault;
	char root[LF_ROOT_TEXT_SIZE];
};

static struct lf_error err;

static void put_page(struct lf_map_edit *edit, struct lf_vault *vault, uint64_t at, int with)
{
	struct lf_extent extent = {.page = at, .pages = 1};
	uint8_t page[PAGE];

	memset(page, with, PAGE);
	assert_lf_ok(lf_vault_put(vault, page, PAGE, &extent.chunk, &err));
	assert_lf_ok(lf_map_edit_put(edit, &extent, &err));
}

static int setup(void **state)
{
	struct site *site = calloc(1, sizeof(*site));
	struct lf_map_edit *edit = NULL;
	struct lf_root root;
	void *dir = NULL;

	if (!site || test_memory_dir_setup(&dir))
		return -1;
	site->dir = dir;
	assert_lf_ok(lf_regions_open(site->dir, &site->regions, &err));
	assert_lf_ok(lf_regions_vault(site->regions, "r", &site->vault, &err));
	assert_lf_ok(lf_map_edit_begin(site->vault, NULL, &edit, &err));
	put_page(edit, site->vault, 0, 1);
	put_page(edit, site->vault, MIB / PAGE, 2);
	put_page(edit, site->vault, SIZE / PAGE - 1, 3);
	assert_lf_ok(lf_map_edit_commit(edit, &root, &err));
	lf_map_edit_free(edit);
	lf_root_format(&root, site->root);
	LF_AUTO_JSON *manifest =
		json_pack("{s:s, s:s, s:s, s:{}, s:[{s:s, s:s, s:I, s:s, s:i, s:b}]}", "id", POINT,
			  "time", "2026-11-23T00:00:00Z", "consistency", "CrashConsistent",
			  "machine", "disks", "id", POINT, "name", "os", "sizeBytes",
			  (json_int_t)SIZE, "root", site->root, "lun", -1, "os", 1);
	assert_lf_ok(lf_point_put(site->vault, POINT, manifest, "test", LF_CLAIM_FOREVER, &err));
	assert_lf_ok(lf_blob_account_make(site->dir, "acct", &err));
	assert_lf_ok(lf_blob_container_make(site->dir, "acct", "box", &err));
	*state = site;
	return 0;
}

static int teardown(void **state)
{
	struct site *site = *state;
	void *dir = site->dir;

	lf_regions_free(site->regions);
	free(site);
	return test_dir_teardown(&dir);
}

static void make(struct site *site, const char *name)
{
	const struct lf_blob_point point = {"r", POINT, site->root, SIZE};

	assert_lf_ok(
		lf_blob_put_point(site->dir, site->regions, "acct", "box", name, &point, &err));
}

/* How many claims the point has beside the test's. */
static bool is_claimed(struct site *site)
{
	LF_AUTO_JSON *report = NULL;
	const struct lf_collect_opts opts = {.now_ns = 1};
	LF_AUTO_JSON *points = NULL;

	assert_lf_ok(lf_claim_drop(site->vault, POINT, "test", &err));
	assert_lf_ok(lf_vault_collect(site->vault, &opts, &report, &err));
	assert_lf_ok(lf_point_list(site->vault, &points, NULL, &err));
	return json_array_size(points) == 1;
}

static void test_point__is_a_fixed_vhd(void **state)
{
	struct site *site = *state;
	struct lf_blob_point_reader *reader = NULL;
	LF_AUTO_JSON *point = NULL;
	uint8_t bytes[2 * PAGE], footer[LF_VHD_FOOTER_SIZE];

	make(site, "a/b.vhd");
	assert_lf_ok(lf_blob_find_point(site->dir, "acct", "box", "a/b.vhd", &point, &err));
	assert_int_equal(lf_blob_point_length(point), 4 * MIB + LF_VHD_FOOTER_SIZE);
	assert_lf_ok(lf_blob_point_reader_open(site->regions, point, MIB - 7, &reader, &err));
	assert_lf_ok(lf_blob_point_read(reader, bytes, sizeof(bytes), 0, &err));
	assert_int_equal(bytes[6], 0);
	assert_int_equal(bytes[7], 2);
	assert_int_equal(bytes[7 + PAGE - 1], 2);
	assert_int_equal(bytes[7 + PAGE], 0);
	/* across the end of the disk: its last byte, what rounds it up, and the footer */
	assert_lf_ok(lf_blob_point_read(reader, bytes, PAGE, SIZE - MIB + 7 - 1, &err));
	assert_int_equal(bytes[0], 3);
	assert_int_equal(bytes[1], 0);
	assert_lf_ok(lf_blob_point_read(reader, footer, sizeof(footer), 3 * MIB + 7, &err));
	assert_memory_equal(footer, "conectix", 8);
	lf_blob_point_reader_free(reader);
}

static void refuses(struct lf_blob_point_reader *reader, size_t len, uint64_t offset)
{
	uint8_t *bytes = malloc(len ? len : 1); /* of its own: one byte too many is seen */

	assert_non_null(bytes);
	assert_int_equal(lf_blob_point_read(reader, bytes, len, offset, &err), LF_EINVAL);
	free(bytes);
}

static void test_point__is_not_read_beyond_its_end(void **state)
{
	struct site *site = *state;
	struct lf_blob_point_reader *reader = NULL;
	LF_AUTO_JSON *point = NULL;
	uint8_t bytes[LF_VHD_FOOTER_SIZE];

	make(site, "x");
	assert_lf_ok(lf_blob_find_point(site->dir, "acct", "box", "x", &point, &err));
	uint64_t length = lf_blob_point_length(point);
	assert_lf_ok(lf_blob_point_reader_open(site->regions, point, 0, &reader, &err));
	refuses(reader, 1, length);
	refuses(reader, 65536, length - 512);
	refuses(reader, 1, UINT64_MAX);
	refuses(reader, 2, UINT64_MAX - 1);
	refuses(reader, LF_VHD_FOOTER_SIZE + 1, 4 * MIB);
	assert_lf_ok(lf_blob_point_read(reader, bytes, sizeof(bytes), 4 * MIB, &err));
	assert_lf_ok(lf_blob_point_read(reader, bytes, 0, length, &err));
	lf_blob_point_reader_free(reader);
	assert_lf_ok(lf_blob_point_reader_open(site->regions, point, UINT64_MAX, &reader, &err));
	refuses(reader, 1, 0);
	refuses(reader, 512, 4 * MIB + 1);
	lf_blob_point_reader_free(reader);
}

struct ranges {
	size_t n;
	uint64_t first[8], last[8];
};

static int note(void *context, uint64_t first, uint64_t last, struct lf_error *error)
{
	struct ranges *ranges = context;

	(void)error;
	ranges->first[ranges->n] = first;
	ranges->last[ranges->n++] = last;
	return 0;
}

static void test_ranges__are_those_that_are_no_holes(void **state)
{
	struct site *site = *state;
	struct ranges all = {0}, some = {0};
	LF_AUTO_JSON *point = NULL;

	make(site, "x");
	assert_lf_ok(lf_blob_find_point(site->dir, "acct", "box", "x", &point, &err));
	uint64_t length = lf_blob_point_length(point);
	assert_lf_ok(lf_blob_point_ranges(site->regions, point, 0, length - 1, note, &all, &err));
	assert_int_equal(all.n, 4);
	assert_int_equal(all.first[1], MIB);
	assert_int_equal(all.last[2], SIZE - 1);
	assert_int_equal(all.first[3], 4 * MIB);
	assert_int_equal(all.last[3], length - 1);
	assert_lf_ok(lf_blob_point_ranges(site->regions, point, MIB + 512, MIB + 1023, note, &some,
					  &err));
	assert_int_equal(some.n, 1);
	assert_int_equal(some.first[0], MIB + 512);
	assert_int_equal(some.last[0], MIB + 1023);
}

static void test_ranges__of_no_bytes_are_none(void **state)
{
	struct site *site = *state;
	struct ranges ranges = {0};
	LF_AUTO_JSON *point = NULL;

	make(site, "x");
	assert_lf_ok(lf_blob_find_point(site->dir, "acct", "box", "x", &point, &err));
	uint64_t length = lf_blob_point_length(point);
	assert_lf_ok(lf_blob_point_ranges(site->regions, point, 9, 5, note, &ranges, &err));
	assert_lf_ok(lf_blob_point_ranges(site->regions, point, length, UINT64_MAX, note, &ranges,
					  &err));
	assert_int_equal(ranges.n, 0);
	/* and beyond its end it has none */
	assert_lf_ok(lf_blob_point_ranges(site->regions, point, 4 * MIB, UINT64_MAX, note, &ranges,
					  &err));
	assert_int_equal(ranges.n, 1);
	assert_int_equal(ranges.last[0], length - 1);
}

static void test_blob__keeps_its_point_until_it_goes(void **state)
{
	struct site *site = *state;

	make(site, "x");
	make(site, "x");
	assert_true(is_claimed(site));
	assert_lf_ok(lf_blob_remove_point(site->dir, site->regions, "acct", "box", "x", &err));
	assert_int_equal(lf_blob_remove_point(site->dir, site->regions, "acct", "box", "x", &err),
			 LF_ENOTFOUND);
	assert_false(is_claimed(site));
}

/* A file in the container, as whoever writes there could not make it if its name is ours. */
static void put_file(struct site *site, const char *file, const char *text)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accounts/acct/box/%s", site->dir, file);

	assert_non_null(path);
	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0600, &err));
}

static void test_container__of_a_clients_blobs_drops_no_claim(void **state)
{
	static const char *const names[] = {"x.pointy", "x.point",	   "x.point.tmp-gone",
					    ".x.gone",	"x.point.tmp-abc", "x%2Epoint",
					    "x.point "};
	struct site *site = *state;

	assert_lf_ok(lf_claim_put(site->vault, POINT, "retention", LF_CLAIM_FOREVER, &err));
	for (size_t i = 0; i < LF_N(names); i++) {
		static const char forged[] =
			"{\"region\":\"r\",\"point\":\"" POINT "\",\"claim\":\"retention\"}";
		assert_lf_ok(lf_blob_put_bytes(site->dir, "acct", "box", names[i], forged,
					       strlen(forged), &err));
	}
	assert_lf_ok(lf_blob_settle_points(site->dir, site->regions, "acct", "box", &err));
	assert_lf_ok(lf_blob_container_remove(site->dir, site->regions, "acct", "box", &err));
	assert_true(is_claimed(site));
}

static void test_container__drops_the_claims_of_its_own_paths_alone(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *path = NULL;

	make(site, "kept");
	assert_lf_ok(lf_blob_container_make(site->dir, "acct", "two", &err));
	/* even as a file of ours: another path's claim */
	path = lf_printf_dup("%s/accounts/acct/two/y.point", site->dir);
	LF_AUTO_FREE char *own = lf_printf_dup("%s/accounts/acct/box/kept.point", site->dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	assert_lf_ok(lf_file_read(own, 65536, &text, &err));
	assert_lf_ok(lf_file_write_durable(path, text.data, text.len, 0600, &err));
	assert_lf_ok(lf_blob_container_remove(site->dir, site->regions, "acct", "two", &err));
	assert_true(is_claimed(site));
}

static void test_container__goes_whatever_a_file_in_it_says(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *made = lf_printf_dup("%s/regions/nowhere", site->dir);
	LF_AUTO_FREE char *box = lf_printf_dup("%s/accounts/acct/box", site->dir);

	put_file(site, "a.point", "{\"region\":\"nowhere\",\"point\":\"" POINT "\"}");
	put_file(site, "b.point", "{\"region\":\"r\",\"point\":\"no guid\"}");
	put_file(site, "c.point", "{\"region\":\"../..\",\"point\":7}");
	put_file(site, "d.point", "no JSON");
	put_file(site, ".e.gone", "no JSON");
	put_file(site, ".gone", "");
	put_file(site, "..gone", "");
	put_file(site, "%2Fx%zz.point", "{}");
	assert_lf_ok(lf_blob_container_remove(site->dir, site->regions, "acct", "box", &err));
	assert_int_not_equal(access(box, F_OK), 0);
	assert_int_not_equal(access(made, F_OK), 0);
}

static void test_blob__half_removed_is_let_go_of_at_the_next_start(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *from = lf_printf_dup("%s/accounts/acct/box/x.point", site->dir);
	LF_AUTO_FREE char *to = lf_printf_dup("%s/accounts/acct/box/.x.gone", site->dir);

	make(site, "x");
	assert_int_equal(rename(from, to), 0);
	assert_lf_ok(lf_blob_settle_points(site->dir, site->regions, "acct", "box", &err));
	assert_int_not_equal(access(to, F_OK), 0);
	assert_false(is_claimed(site));
}

static void test_blob__made_again_keeps_its_claim_when_the_old_one_is_let_go_of(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *from = lf_printf_dup("%s/accounts/acct/box/x.point", site->dir);
	LF_AUTO_FREE char *to = lf_printf_dup("%s/accounts/acct/box/.x.gone", site->dir);

	make(site, "x");
	assert_int_equal(rename(from, to), 0);
	make(site, "x");
	assert_int_not_equal(access(to, F_OK), 0);
	assert_true(is_claimed(site));
}

/* "x" with its claim called as versions before called it. */
static void make_before(struct site *site)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accounts/acct/box/x.point", site->dir);
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_JSON *doc = NULL;
	char guid[LF_GUID_SIZE], claim[64];

	make(site, "x");
	assert_lf_ok(lf_json_read_file(path, &doc, &err));
	assert_lf_ok(lf_claim_drop(site->vault, POINT, lf_json_text_or(doc, "claim", ""), &err));
	lf_guid_derive("acct/box", "x", guid);
	snprintf(claim, sizeof(claim), "blob:%s", guid);
	assert_lf_ok(lf_claim_put(site->vault, POINT, claim, LF_CLAIM_FOREVER, &err));
	assert_int_equal(lf_json_set_text(doc, "claim", claim), 0);
	assert_lf_ok(lf_json_dump(doc, &text, &err));
	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0600, &err));
}

static void test_blob__of_the_first_version_half_removed_is_let_go_of(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *from = lf_printf_dup("%s/accounts/acct/box/x.point", site->dir);
	LF_AUTO_FREE char *to = lf_printf_dup("%s/accounts/acct/box/x.point.tmp-gone", site->dir);

	make_before(site);
	assert_int_equal(rename(from, to), 0);
	assert_lf_ok(lf_blob_settle_points(site->dir, site->regions, "acct", "box", &err));
	assert_int_not_equal(access(to, F_OK), 0);
	assert_false(is_claimed(site));
}

static void test_blob__of_a_version_before_lets_its_claim_go(void **state)
{
	struct site *site = *state;

	make_before(site);
	assert_true(is_claimed(site));
	assert_lf_ok(lf_blob_remove_point(site->dir, site->regions, "acct", "box", "x", &err));
	assert_false(is_claimed(site));
}

static void test_container__lets_its_points_go(void **state)
{
	struct site *site = *state;

	make(site, "x");
	make(site, "y.point");
	assert_lf_ok(lf_blob_container_remove(site->dir, site->regions, "acct", "box", &err));
	assert_lf_ok(lf_blob_container_remove(site->dir, site->regions, "acct", "box", &err));
	assert_false(is_claimed(site));
}

static void test_account__lets_its_points_go(void **state)
{
	struct site *site = *state;

	make(site, "x");
	assert_lf_ok(lf_blob_account_remove(site->dir, site->regions, "acct", &err));
	assert_false(is_claimed(site));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_point__is_a_fixed_vhd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_point__is_not_read_beyond_its_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_ranges__of_no_bytes_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ranges__are_those_that_are_no_holes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_blob__keeps_its_point_until_it_goes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_container__lets_its_points_go, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_container__of_a_clients_blobs_drops_no_claim,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_container__drops_the_claims_of_its_own_paths_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_container__goes_whatever_a_file_in_it_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_blob__half_removed_is_let_go_of_at_the_next_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blob__of_a_version_before_lets_its_claim_go,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_blob__made_again_keeps_its_claim_when_the_old_one_is_let_go_of, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_blob__of_the_first_version_half_removed_is_let_go_of, setup, teardown),
		cmocka_unit_test_setup_teardown(test_account__lets_its_points_go, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
