/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outflow/sink.h - where a disk goes: the few things that whoever takes one
 * must do.  A site is one (agent/site.h), memory another (the tests).
 *
 * A chunk that the sink has not is packed; a pack is brought, then taken together with the
 * extents that name its chunks.  What take() has returned 0 for is the sink's, durably.
 *
 * Threads: have() from one thread at a time, bring() from LF_SINK_CARRIERS at once, each
 * with its own number; take() one at a time, in the order in which packs were finished.
 * All three may run at once.
 */
#ifndef LF_OUTFLOW_SINK_H
#define LF_OUTFLOW_SINK_H

#include "base/buf.h"
#include "base/text.h"
#include "vault/pack/pack.h"

#define LF_SINK_CARRIERS 2u
/* Of a disk, dealt with at once (4 MiB): have() is asked for at most so many chunks. */
#define LF_WINDOW_PAGES 1024u

/* A pack and the extents of one disk that name its chunks. */
struct lf_parcel {
	const char *pack_file; /* "": no pack */
	char name[LF_PACK_NAME_SIZE];
	uint64_t bytes;		 /* of the pack */
	struct lf_buf extents;	 /* records of extent/wire.h */
	char disk[LF_GUID_SIZE]; /* of the extents; "": there are none */
	uint64_t upto;		 /* a full pass covered the pages before this */
	uint64_t window;	 /* the newest that is in it */
};

struct lf_sink {
	/* Which of n chunks are there: lf_have_set() in ret_have, which is zeroed. */
	int (*have)(void *context, const struct lf_chunk_id *ids, size_t n, uint8_t *ret_have,
		    struct lf_error *err);
	/* Bring the parcel's pack there; that it came before is fine. */
	int (*bring)(void *context, unsigned carrier, const struct lf_parcel *parcel,
		     struct lf_error *err);
	/* The pack, if there is one, and then the extents are taken, durably. */
	int (*take)(void *context, unsigned carrier, const struct lf_parcel *parcel,
		    struct lf_error *err);
	void *context;
};

#endif
