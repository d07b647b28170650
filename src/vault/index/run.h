/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/index/run.h - a run of the index: where chunks are, sorted by id, with a
 * filter in front.  Format: docs/formats/index.md
 *
 *   header  LF_RUN_HEADER_SIZE bytes
 *   filter  blocks of LF_RUN_BLOCK_SIZE bytes: how many records lie before the
 *           block's, and a Bloom filter of the block's; one more ends them
 *   packs   LF_RUN_PACK_SIZE bytes each, sorted by name
 *   records LF_RUN_RECORD_SIZE bytes each, sorted by id, then pack
 *
 * An id's first eight bytes choose its block, so that a look at one line of
 * memory says "no", or which few records to read.  Filters are mapped, records
 * of a file are read: what a run takes of memory is its filter.
 *
 * A run is immutable and shared by reference counts; a file stays open, a new
 * pack's run is in memory.  The index is a cache: packs say it all.
 *
 * Threads: any; a reader belongs to one thread at a time.
 */
#ifndef LF_VAULT_INDEX_RUN_H
#define LF_VAULT_INDEX_RUN_H

#include <stdatomic.h>

#include "base/lock.h"
#include "vault/pack/footer.h"

#define LF_RUN_VERSION	   3u
#define LF_RUN_HEADER_SIZE 128u
#define LF_RUN_BLOCK_SIZE  64u
/* on average: 1.64 bytes of filter a record, one in 230 of those absent passes */
#define LF_RUN_BLOCK_RECORDS 39u
#define LF_RUN_PACK_SIZE     80u
#define LF_RUN_RECORD_SIZE   52u
/* Among the flags of a run's pack: checked; the others are the pack's own. */
#define LF_RUN_PACK_CHECKED 0x80000000u

/* A pack as the index knows it; lives as long as the index. */
LF_LOCK_KIND(lf_index_lock);
struct lf_pack {
	uint8_t name[32];
	uint8_t salt[LF_PACK_SALT_SIZE];
	uint32_t epoch;
	uint32_t count;
	uint32_t size;
	uint32_t flags;	   /* LF_PACK_... */
	uint64_t seq;	   /* when we got it, on the vault's own count; 0: before we opened */
	_Atomic bool dead; /* not (or no more) in the store: its records do not count */
	bool listed LF_GUARDED_BY(lf_index_lock);  /* seen by the last refresh */
	bool covered LF_GUARDED_BY(lf_index_lock); /* a run has its records */
	_Atomic bool checked; /* its records are what their ids say: so we found, or wrote them */
	int damaged LF_GUARDED_BY(
		lf_index_lock); /* LF_E... for which its footer cannot be read; 0: none */
	bool killed LF_GUARDED_BY(lf_index_lock); /* collected by us: stays dead */
	uint8_t *marked; /* collection: a bit a record, in use; private to the collector */
	uint8_t *condemned LF_GUARDED_BY(
		lf_index_lock); /* collection: a bit a record, to be removed; the index's lock */
	struct lf_pack *next LF_GUARDED_BY(lf_index_lock); /* in the index's table */
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
	bool busy; /* being merged: the index's */
	struct lf_pack **packs;
	const uint8_t *filter;
	const uint8_t *records; /* in memory; NULL: they are in the file */
	int fd;
	_Atomic bool unread; /* records could not be read when somebody looked */
	void *head;	     /* all before the records, mapped; or all of it, malloc()ed */
	size_t head_len;
};

struct lf_run *lf_run_ref(struct lf_run *run);
void lf_run_unref(struct lf_run *run);

/* Could id be in it?  No disk access beyond the filter. */
bool lf_run_maybe(const struct lf_run *run, const struct lf_chunk_id *id);
/* The line that lf_run_maybe() will want. */
void lf_run_prefetch(const struct lf_run *run, const struct lf_chunk_id *id);
/*
 * Of the copies of id in packs that are not dead: counts *nth down, and at 0
 * gives the place.  A file that cannot be read has none, and is unread.
 */
bool lf_run_find(struct lf_run *run, const struct lf_chunk_id *id, unsigned *nth,
		 struct lf_place *ret_place);

/* All records in order.  At the end of a file they are checked against its checksum. */
struct lf_run_reader;
LF_MUST_CHECK int lf_run_reader_new(struct lf_run *run, struct lf_run_reader **ret_reader,
				    struct lf_error *err);
void lf_run_reader_free(struct lf_run_reader *reader);
/* *ret_more: there was one.  LF_ECORRUPT: what came before is not to be trusted. */
LF_MUST_CHECK int lf_run_reader_next(struct lf_run_reader *reader, struct lf_place *ret_place,
				     bool *ret_more, struct lf_error *err);

/* A run in memory of one pack's records. */
LF_MUST_CHECK int lf_run_of_pack(struct lf_pack *pack, const struct lf_pack_footer *footer,
				 struct lf_run **ret_run, struct lf_error *err);
/*
 * One run of all that n runs say of packs that are not dead.  path NULL: in
 * memory; else written there, durable.  Memory does not grow with the runs,
 * but for one in memory.  LF_ECORRUPT: an input is damaged.
 */
LF_MUST_CHECK int lf_run_merge(struct lf_run *const *runs, size_t n, const char *path,
			       struct lf_run **ret_run, struct lf_error *err);

/* What resolves names of packs for a run that is opened; NULL: out of memory. */
typedef struct lf_pack *lf_run_pack_fn(void *context, const uint8_t *entry);
/*
 * LF_ECORRUPT: drop the file, packs have it all.  LF_EUNSUPPORTED: another
 * version's, of no use either.  Only the header is checked.
 */
LF_MUST_CHECK int lf_run_open(const char *path, lf_run_pack_fn *find, void *context,
			      struct lf_run **ret_run, struct lf_error *err);
/* Check all of it against its checksums. */
LF_MUST_CHECK int lf_run_check(struct lf_run *run, struct lf_error *err);

#endif
