/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/vault/vault_fixture.h - a vault in a directory of its own, and
 * reproducible noise.
 */
#ifndef LF_TEST_VAULT_FIXTURE_H
#define LF_TEST_VAULT_FIXTURE_H

#include "test.h"

#include "base/text.h"
#include "vault/care/care.h"
#include "vault/map/map.h"
#include "vault/point/point.h"

struct fixture {
	char *dir;	 /* of the test */
	char store[256]; /* the vault's directory */
	char key[256];
	struct lf_vault *vault;
};

static inline void fixture_open(struct fixture *fixture)
{
	struct lf_error err;

	assert_lf_ok(lf_vault_open(fixture->store, fixture->key, NULL, &fixture->vault, &err));
}

static inline void fixture_close(struct fixture *fixture)
{
	lf_vault_free(fixture->vault);
	fixture->vault = NULL;
}

static inline void fixture_reopen(struct fixture *fixture)
{
	fixture_close(fixture);
	fixture_open(fixture);
}

static inline int fixture_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	void *dir = NULL;
	struct lf_error err;

	if (!fixture || test_memory_dir_setup(&dir))
		return -1;
	fixture->dir = dir;
	snprintf(fixture->store, sizeof(fixture->store), "%s/store", fixture->dir);
	snprintf(fixture->key, sizeof(fixture->key), "%s/platform.key", fixture->dir);
	if (lf_vault_init(fixture->store, fixture->key, &err))
		return -1;
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;
	void *dir = fixture->dir;

	fixture_close(fixture);
	int rc = test_dir_teardown(&dir);
	free(fixture);
	return rc;
}

/* xorshift: the same seed, the same bytes. */
static inline uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static inline void fill_noise(void *data, size_t len, uint64_t seed)
{
	uint8_t *bytes = data;

	seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = next_random(&seed);
		memcpy(bytes + i, &word, len - i < 8 ? len - i : 8);
	}
}

/* A manifest with one disk. */
static inline json_t *one_disk(const char *id, const struct lf_root *root, uint64_t size)
{
	char text[LF_ROOT_TEXT_SIZE];

	lf_root_format(root, text);
	return json_pack("{s:s, s:s, s:[{s:s, s:I, s:s}]}", "id", id, "time",
			 "2026-01-01T00:00:00.0000000Z", "disks", "name", "sda", "sizeBytes",
			 (json_int_t)size, "root", text);
}

static inline void put_point(struct lf_vault *vault, const char *id, const struct lf_root *root,
			     uint64_t size)
{
	LF_AUTO_JSON *manifest = one_disk(id, root, size);
	struct lf_error err;

	assert_lf_ok(lf_point_put(vault, id, manifest, "retention", LF_CLAIM_FOREVER, &err));
}

/* No fault anywhere. */
static inline void assert_whole(struct lf_vault *vault)
{
	LF_AUTO_JSON *faults = NULL;
	struct lf_error err;

	assert_lf_ok(lf_vault_verify(vault, NULL, &faults, &err));
	if (json_array_size(faults)) {
		char *text = json_dumps(faults, JSON_INDENT(1));
		fail_msg("%s", text);
	}
}

static inline int64_t collect(struct lf_vault *vault, const char *what)
{
	LF_AUTO_JSON *report = NULL;
	struct lf_error err;

	assert_lf_ok(
		lf_vault_collect(vault, &(struct lf_collect_opts){.now_ns = 1}, &report, &err));
	return lf_json_int_or(report, what, -1);
}

/* Pages of noise at places; base NULL: an empty disk. */
static inline void edit_disk(struct lf_vault *vault, const struct lf_root *base, uint64_t first,
			     uint64_t count, uint64_t seed, struct lf_root *ret_root)
{
	struct lf_map_edit *edit = NULL;
	uint8_t page[LF_PAGE_SIZE];
	struct lf_error err;

	assert_lf_ok(lf_map_edit_begin(vault, base, &edit, &err));
	for (uint64_t i = 0; i < count; i++) {
		struct lf_extent extent = {.page = first + i * 3, .pages = 1};
		fill_noise(page, LF_PAGE_SIZE, seed * 1000000 + i);
		assert_lf_ok(lf_vault_put(vault, page, LF_PAGE_SIZE, &extent.chunk, &err));
		assert_lf_ok(lf_map_edit_put(edit, &extent, &err));
	}
	assert_lf_ok(lf_map_edit_commit(edit, ret_root, &err));
	lf_map_edit_free(edit);
}

static inline void assert_same_disk(struct lf_vault *a, struct lf_vault *b,
				    const struct lf_root *root, uint64_t pages)
{
	uint8_t x[LF_PAGE_SIZE], y[LF_PAGE_SIZE];
	struct lf_error err;

	for (uint64_t page = 0; page < pages; page++) {
		assert_lf_ok(lf_map_read(a, root, x, LF_PAGE_SIZE, page * LF_PAGE_SIZE, &err));
		assert_lf_ok(lf_map_read(b, root, y, LF_PAGE_SIZE, page * LF_PAGE_SIZE, &err));
		assert_memory_equal(x, y, LF_PAGE_SIZE);
	}
}

#endif
