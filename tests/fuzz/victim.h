/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/fuzz/victim.h - a machine's recovery point in a vault, and packs that are
 * forged by somebody who has the keys that seal them.
 *
 * Whatever is done with those, the point stays what it was, and no chunk is found
 * under an id that is not its content's.
 */
#ifndef LF_FUZZ_VICTIM_H
#define LF_FUZZ_VICTIM_H

#include "fuzz.h"

#include "vault/map/map.h"
#include "vault/pack/pack_internal.h"
#include "vault/point/point.h"

#define FORGED_MAX   32u
#define VICTIM	     "bbbbbbbb-0000-4000-8000-000000000002"
#define VICTIM_PAGES 8u

/* Another machine's point, and what the agent may know of it. */
static struct {
	struct lf_vault *vault;
	char *dir, *key_file;
	struct lf_root root;
	struct lf_chunk_id data;
	json_t *manifest;
	uint8_t bytes[VICTIM_PAGES * LF_PAGE_SIZE];
} victim;

/* What this input has claimed. */
static struct {
	struct lf_chunk_id ids[FORGED_MAX];
	size_t n;
	char pack[LF_PACK_NAME_SIZE];
} forged;

/* In a vault that has nothing of it yet; of which dir and key_file say where it lies. */
static void victim_make(struct lf_vault *vault, const char *dir, const char *key_file)
{
	struct lf_extent extent = {.pages = VICTIM_PAGES};
	struct lf_map_edit *edit = NULL;
	char root[LF_ROOT_TEXT_SIZE];
	struct lf_error err;

	for (size_t i = 0; i < sizeof(victim.bytes); i++)
		victim.bytes[i] = (uint8_t)(i * 7 + i / LF_PAGE_SIZE);
	victim.vault = vault;
	victim.dir = strdup(dir);
	victim.key_file = strdup(key_file);
	LF_ASSERT(lf_vault_put(victim.vault, victim.bytes, sizeof(victim.bytes), &victim.data,
			       &err) == 0);
	LF_ASSERT(lf_vault_flush(victim.vault, &err) == 0);
	extent.chunk = victim.data;
	LF_ASSERT(lf_map_edit_begin(victim.vault, NULL, &edit, &err) == 0);
	LF_ASSERT(lf_map_edit_put(edit, &extent, &err) == 0);
	LF_ASSERT(lf_map_edit_commit(edit, &victim.root, &err) == 0);
	lf_map_edit_free(edit);
	lf_root_format(&victim.root, root);
	victim.manifest =
		json_pack("{s:s,s:s,s:s,s:{},s:[{s:s,s:s,s:i,s:s,s:i,s:b}]}", "id", VICTIM, "time",
			  "2026-01-01T00:00:00Z", "consistency", "CrashConsistent", "machine",
			  "disks", "id", "d", "name", "os", "sizeBytes", (int)sizeof(victim.bytes),
			  "root", root, "lun", -1, "os", 1);
	LF_ASSERT(victim.manifest && lf_point_put(victim.vault, VICTIM, victim.manifest,
						  "retention", LF_CLAIM_FOREVER, &err) == 0);
}

/* Is the content found under id the one that has it? */
static void check_chunk(struct lf_vault *vault, const struct lf_chunk_id *id)
{
	static struct lf_chunk_hasher *hasher;
	struct lf_chunk_id is;
	LF_AUTO_BUF plain = LF_BUF_INIT;
	struct lf_error err;

	if (!hasher)
		LF_ASSERT(lf_chunk_hasher_new(lf_vault_key(victim.vault), &hasher, &err) == 0);
	if (lf_vault_read_chunk(vault, id, &plain, &err) == LF_ENOTFOUND)
		return;
	LF_ASSERT(plain.len);
	LF_ASSERT(lf_chunk_id_of(hasher, plain.data, plain.len, &is, &err) == 0);
	LF_ASSERT(memcmp(&is, id, sizeof(is)) == 0);
}

/* vault: victim.vault, or another one of the same directory. */
static void victim_check(struct lf_vault *vault)
{
	static uint8_t read[sizeof(victim.bytes)];
	LF_AUTO_JSON *manifest = NULL;
	int64_t until;
	struct lf_error err;

	LF_ASSERT(lf_point_get(vault, VICTIM, &manifest, &err) == 0);
	LF_ASSERT(json_equal(lf_json_at(manifest, "disks"), lf_json_at(victim.manifest, "disks")));
	LF_ASSERT(lf_claim_until(vault, VICTIM, "retention", &until, &err) == 0 &&
		  until == LF_CLAIM_FOREVER);
	LF_ASSERT(lf_map_read(vault, &victim.root, read, sizeof(read), 0, &err) == 0);
	LF_ASSERT(memcmp(read, victim.bytes, sizeof(read)) == 0);
	for (size_t i = 0; i < forged.n; i++)
		check_chunk(vault, &forged.ids[i]);
}

/* As somebody who opens the store anew reads it: no cache knows better than what lies there. */
static void victim_check_from_outside(void)
{
	const struct lf_vault_opts opts = {.read_only = true};
	struct lf_vault *vault = NULL;
	struct lf_error err;

	int rc = lf_vault_open(victim.dir, victim.key_file, &opts, &vault, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	LF_ASSERT(rc == 0);
	victim_check(vault);
	lf_vault_free(vault);
}

/* The id under which the next chunk is to be found: its own, the other machine's, or any. */
static void claim_id(uint8_t how, const uint8_t *data, size_t size, const void *content, size_t len,
		     struct lf_chunk_id *ret_id)
{
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_error err;

	*ret_id = how % 4 == 1 ? victim.data : victim.root.node;
	if (how % 4 == 3)
		memset(ret_id, size ? data[0] : 0, sizeof(*ret_id));
	if (how % 4)
		return;
	LF_ASSERT(lf_chunk_hasher_new(lf_vault_key(victim.vault), &hasher, &err) == 0);
	LF_ASSERT(lf_chunk_id_of(hasher, content, len, ret_id, &err) == 0);
	lf_chunk_hasher_free(hasher);
}

/* A pack that is sealed as it should be.  Its chunks, three bytes each: which id; of which kind,
 * and whether the content is the other machine's; what it is made of.  In path, unless there is
 * none. */
static void forge(const uint8_t *data, size_t size, const char *path)
{
	static uint8_t content[sizeof(victim.bytes)];
	struct lf_pack_writer *writer = NULL;
	struct lf_error err;

	LF_ASSERT(lf_pack_writer_new(lf_vault_key(victim.vault), path, &writer, &err) == 0);
	for (; size >= 3 && forged.n < FORGED_MAX; data += 3, size -= 3) {
		struct lf_chunk_id *id = &forged.ids[forged.n];
		size_t len =
			data[1] & 4 ? 1u + data[2] : LF_PAGE_SIZE * (1u + data[2] % VICTIM_PAGES);
		memset(content, data[2], sizeof(content));
		if (data[1] & 2)
			memcpy(content, victim.bytes, sizeof(content));
		claim_id(data[0], data + 2, 1, content, len, id);
		if (lf_pack_writer_find(writer, id))
			continue;
		LF_ASSERT(lf_pack_writer_add_kind(writer, id,
						  data[1] & 1 ? LF_CHUNK_NODE : LF_CHUNK_DATA,
						  content, len, &err) == 0);
		forged.n++;
	}
	if (lf_pack_writer_count(writer))
		LF_ASSERT(lf_pack_writer_finish(writer, forged.pack, &err) == 0);
	lf_pack_writer_free(writer);
}

/* What an input begins with. */
static void forget_forged(void)
{
	forged.n = 0;
	snprintf(forged.pack, sizeof(forged.pack), "%064d", 0);
}

#endif
