/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/flow/segment.h - what ingest.c and segment.c share.
 */
#ifndef LF_VAULT_FLOW_SEGMENT_H
#define LF_VAULT_FLOW_SEGMENT_H

#include "base/lock.h"
#include "vault/flow/pieces.h"
#include "vault/flow/prints.h"
#include "vault/vault_internal.h"

#define LF_SEGMENT_PAGES  8192u	     /* 32 MiB: a chunk ends where a segment does */
#define LF_SEGMENT_WINDOW 32u	     /* segments read ahead of the slowest */
#define LF_RESERVED_SLOTS (1u << 16) /* power of two; half of it is used at most */

LF_LOCK_KIND(lf_ingest_reserving); /* that of lf_ingest.reserving */
LF_LOCK_KIND(lf_ingest_ordering);  /* that of lf_ingest.ordering */

/* A segment's extents, until they are put into the map. */
struct lf_segment {
	bool ready;
	uint64_t first, last; /* pages */
	struct lf_extent *extents;
	size_t count, room;
};

struct lf_ingest;
struct lf_ingest_opts;

/* One thread's. */
struct lf_segment_worker {
	struct lf_ingest *ingest;
	struct lf_pack_writer *writer;
	struct lf_pieces *pieces;
	/* ids in the open pack, for the other threads, too; how many: this thread's own */
	struct lf_chunk_id *reserved LF_GUARDED_BY(lf_ingest_reserving);
	size_t reserved_count;
	uint64_t read_bytes, new_bytes, chunks;
	uint64_t recent_bytes, recent_new; /* of chunks: what share is new lately? */
	/* fingerprints: of the pages being cut; of the segment, as the vault has it and as the disk
	 * is */
	uint64_t prints[LF_PIECE_PAGES + LF_CHUNK_PAGES_MAX];
	uint64_t known[LF_SEGMENT_PAGES], now[LF_SEGMENT_PAGES];
	uint64_t changed[LF_SEGMENT_PAGES];
};

struct lf_ingest {
	struct lf_vault *vault;
	const struct lf_ingest_opts *opts; /* ingest.c's */
	/* sorted page numbers: the rest is as in the base; NULL: not known */
	const uint64_t *changed;
	size_t changed_count;
	struct lf_disk *own_disk; /* of a path; NULL: the caller's is read */
	const struct lf_disk *disk;
	uint64_t size, pages;	  /* of the disk */
	struct lf_prints *prints; /* NULL: none are kept */
	bool delta;		  /* what is not read is as in opts->base */
	bool compare;		  /* what changed is found by prints */
	const char *why_full;	  /* NULL: it is not a full pass */
	bool fresh;		  /* the vault held nothing before */
	struct lf_segment_worker *workers;
	size_t worker_count;
	atomic_size_t next_worker; /* whom no thread has taken yet */
	pthread_mutex_t reserving;
	pthread_mutex_t ordering;
	pthread_cond_t moved; /* under ordering: merged or failed */
	struct lf_map_edit *edit LF_GUARDED_BY(lf_ingest_ordering);
	uint64_t next_page LF_GUARDED_BY(lf_ingest_ordering); /* where nobody has looked yet */
	/* segments given out; put into the map */
	uint64_t given LF_GUARDED_BY(lf_ingest_ordering);
	uint64_t merged LF_GUARDED_BY(lf_ingest_ordering);
	struct lf_segment window[LF_SEGMENT_WINDOW] LF_GUARDED_BY(lf_ingest_ordering);
	uint64_t read_bytes LF_GUARDED_BY(lf_ingest_ordering);
	uint64_t new_bytes LF_GUARDED_BY(lf_ingest_ordering);
	uint64_t chunks LF_GUARDED_BY(lf_ingest_ordering);
	bool failed LF_GUARDED_BY(lf_ingest_ordering); /* in one of the threads */
};

LF_MUST_CHECK int lf_segment_worker_begin(struct lf_segment_worker *worker,
					  struct lf_ingest *ingest, struct lf_error *err);
void lf_segment_worker_done(struct lf_segment_worker *worker);
/* The first page at or after this one that may need work; ingest->pages: none. */
LF_MUST_CHECK int lf_segment_next_work(const struct lf_ingest *ingest, uint64_t page,
				       uint64_t *ret_page, struct lf_error *err);
/* Read and store one segment, of which first and last are set; its extents are the caller's. */
LF_MUST_CHECK int lf_segment_read(struct lf_segment_worker *worker, struct lf_segment *segment,
				  struct lf_error *err);
/* Finish the open pack and give it to the vault. */
LF_MUST_CHECK int lf_segment_close_pack(struct lf_segment_worker *worker, struct lf_error *err);

#endif
