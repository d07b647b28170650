/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/run.h - a run of the index: where chunks are, sorted by id, with a
 * filter in front.  Format: docs/formats/index.md
 *
 *   header  LF_RUN_HEADER_SIZE bytes
 *   filter  blocks of 64 bytes: a Bloom filter, each id in one block
 *   packs   LF_RUN_PACK_SIZE bytes each, sorted by name
 *   records LF_RUN_RECORD_SIZE bytes each, sorted by id, then pack
 *
 * A run is immutable and shared by reference counts; a file is mapped, a new
 * pack's run is in memory.  The index is a cache: packs say it all.
 *
 * Threads: any.
 */
#ifndef LF_VAULT_RUN_H
#define LF_VAULT_RUN_H

#include <stdatomic.h>

#include "vault/footer.h"

#define LF_RUN_VERSION	   1u
#define LF_RUN_HEADER_SIZE 128u
#define LF_RUN_PACK_SIZE   80u
#define LF_RUN_RECORD_SIZE 52u

/* A pack as the index knows it; lives as long as the index. */
struct lf_pack {
	uint8_t name[32];
	uint8_t salt[LF_PACK_SALT_SIZE];
	uint32_t epoch;
	uint32_t count;
	uint32_t size;
	uint32_t flags;	      /* LF_PACK_... */
	uint64_t seq;	      /* when we got it, on the vault's own count; 0: before we opened */
	_Atomic bool dead;    /* not (or no more) in the store: its records do not count */
	bool listed;	      /* seen by the last refresh */
	bool covered;	      /* a run has its records */
	bool damaged;	      /* its footer cannot be read */
	bool killed;	      /* collected by us: stays dead */
	uint8_t *marked;      /* collection: a bit a record, in use; private to the collector */
	uint8_t *condemned;   /* collection: a bit a record, to be removed; the index's lock */
	struct lf_pack *next; /* in the index's table */
};

struct lf_place {
	struct lf_pack *pack;
	struct lf_pack_entry entry; /* hash is not set */
};

struct lf_run {
	_Atomic unsigned refs;
	uint64_t number; /* of its file; 0: in memory */
	uint64_t count;
	uint64_t blocks;
	uint32_t pack_count;
	const uint8_t *filter;
	const uint8_t *records;
	struct lf_pack **packs;
	void *map; /* the whole file, or malloc()ed memory */
	size_t map_len;
};

struct lf_run *lf_run_ref(struct lf_run *run);
void lf_run_unref(struct lf_run *run);

/* Number of the first record that is not below id; *ret_hit: it is id's. */
uint64_t lf_run_seek(const struct lf_run *run, const struct lf_chunk_id *id, bool *ret_hit);
/* Could id be in it?  No disk access beyond the filter. */
bool lf_run_maybe(const struct lf_run *run, const struct lf_chunk_id *id);
void lf_run_place(const struct lf_run *run, uint64_t at, struct lf_place *ret_place);
const uint8_t *lf_run_id(const struct lf_run *run, uint64_t at);

/* A run in memory of one pack's records. */
LF_MUST_CHECK int lf_run_of_pack(struct lf_pack *pack, const struct lf_pack_footer *footer,
				 struct lf_run **ret_run, struct lf_error *err);
/*
 * One run of all that n runs say of packs that are not dead.  path NULL: in
 * memory; else written there, durable, and mapped.
 */
LF_MUST_CHECK int lf_run_merge(struct lf_run *const *runs, size_t n, const char *path,
			       struct lf_run **ret_run, struct lf_error *err);

/* What resolves names of packs for a run that is opened; NULL: out of memory. */
typedef struct lf_pack *lf_run_pack_fn(void *context, const uint8_t *entry);
/* LF_ECORRUPT: drop the file, packs have it all.  Only the header is checked. */
LF_MUST_CHECK int lf_run_open(const char *path, lf_run_pack_fn *find, void *context,
			      struct lf_run **ret_run, struct lf_error *err);
/* Check the rest against its checksum. */
LF_MUST_CHECK int lf_run_check(const struct lf_run *run, struct lf_error *err);

#endif
