/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scale-map DIR GIB CHANGES - what a map's nodes cost: a disk of that size,
 * full of chunks of 64 KiB, and then so many single pages changed at random
 * places.  The vault is made in DIR.  Chunks are few and small, so that what the
 * vault grows by are nodes.  Prints a JSON object.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "json/json.h"
#include "vault/map/map.h"
#include "vault/point/point.h"

#define POOL	    4096u /* chunks; a leaf names 32 of them, in no order that could be compressed */
#define CHUNK_PAGES 16u

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next_random(void)
{
	static uint64_t state = 1;

	state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = state;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static void check(int rc, const struct lf_error *err)
{
	if (!rc)
		return;
	fprintf(stderr, "scale-map: %s\n", err->message);
	exit(1);
}

static void make_pool(struct lf_vault *vault, struct lf_chunk_id *pool)
{
	static uint8_t data[CHUNK_PAGES * LF_PAGE_SIZE];
	struct lf_error err = LF_ERROR_NONE;

	for (uint32_t i = 0; i < POOL; i++) {
		memset(data, 1, sizeof(data));
		memcpy(data, &i, sizeof(i));
		check(lf_vault_put(vault, data, sizeof(data), &pool[i], &err), &err);
	}
	check(lf_vault_flush(vault, &err), &err);
}

static int64_t stat_of(struct lf_vault *vault, const char *name)
{
	LF_AUTO_JSON *stats = NULL;
	struct lf_error err = LF_ERROR_NONE;

	check(lf_vault_stats(vault, &stats, &err), &err);
	return lf_json_int_or(stats, name, 0);
}

static void fill(struct lf_map_edit *edit, const struct lf_chunk_id *pool, uint64_t pages)
{
	struct lf_error err = LF_ERROR_NONE;

	for (uint64_t page = 0; page < pages; page += CHUNK_PAGES) {
		struct lf_extent extent = {
			.page = page, .pages = CHUNK_PAGES, .chunk = pool[next_random() % POOL]};
		check(lf_map_edit_put(edit, &extent, &err), &err);
	}
}

static void change(struct lf_map_edit *edit, const struct lf_chunk_id *pool, uint64_t pages,
		   uint64_t changes)
{
	struct lf_error err = LF_ERROR_NONE;

	for (uint64_t i = 0; i < changes; i++) {
		struct lf_extent extent = {.page = next_random() % pages,
					   .pages = 1,
					   .chunk = pool[next_random() % POOL]};
		check(lf_map_edit_put(edit, &extent, &err), &err);
	}
}

/* One edit, timed; returns the bytes that it stored. */
static int64_t edit_map(struct lf_vault *vault, const struct lf_chunk_id *pool, uint64_t pages,
			uint64_t changes, struct lf_root *root, double *ret_seconds)
{
	struct lf_error err = LF_ERROR_NONE;
	struct lf_map_edit *edit = NULL;
	int64_t before = stat_of(vault, "storedBytes");
	double start = now();

	check(lf_map_edit_begin(vault, changes ? root : NULL, &edit, &err), &err);
	if (changes)
		change(edit, pool, pages, changes);
	else
		fill(edit, pool, pages);
	check(lf_map_edit_commit(edit, root, &err), &err);
	check(lf_vault_flush(vault, &err), &err);
	*ret_seconds = now() - start;
	lf_map_edit_free(edit);
	return stat_of(vault, "storedBytes") - before;
}

int main(int argc, char **argv)
{
	static struct lf_chunk_id pool[POOL];
	struct lf_vault *vault = NULL;
	struct lf_error err = LF_ERROR_NONE;
	struct lf_root root = {0};
	uint64_t gib = 0, changes = 0;
	double fill_s = 0, change_s = 0;
	char key[4096];

	if (argc != 4 || lf_parse_u64(argv[2], 1, 1 << 20, &gib, &err) ||
	    lf_parse_u64(argv[3], 1, 1 << 24, &changes, &err)) {
		fputs("usage: scale-map DIR GIB CHANGES\n", stderr);
		return 2;
	}
	snprintf(key, sizeof(key), "%s/platform.key", argv[1]);
	check(lf_vault_init(argv[1], key, &err), &err);
	check(lf_vault_open(argv[1], key, NULL, &vault, &err), &err);
	make_pool(vault, pool);
	uint64_t pages = gib << 18;
	int64_t full = edit_map(vault, pool, pages, 0, &root, &fill_s);
	int64_t nodes = stat_of(vault, "nodes");
	int64_t added = edit_map(vault, pool, pages, changes, &root, &change_s);
	printf("{\"gib\": %llu, \"fill_s\": %.3f, \"map_bytes\": %lld, \"changes\": %llu, "
	       "\"change_s\": %.3f, \"added_bytes\": %lld, \"added_nodes\": %lld}\n",
	       (unsigned long long)gib, fill_s, (long long)full, (unsigned long long)changes,
	       change_s, (long long)added, (long long)(stat_of(vault, "nodes") - nodes));
	lf_vault_free(vault);
	return 0;
}
