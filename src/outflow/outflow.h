/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outflow/outflow.h - the one sender of disks that are read: runs of pages go
 * in, packs and extents come out at a sink (outflow/sink.h).
 *
 * The caller reads a window of pages and says which runs of it are data and which are holes;
 * while it reads the next ones, threads compute the chunks' ids, ask which the sink lacks, and
 * compress those, on all cores; they are sealed into packs, and packs and extents delivered, in
 * the order of the windows.  So extents are acknowledged in the order they were given, and the
 * packs of a disk are the same whatever the number of threads.
 *
 * Memory: lf_outflow_windows() windows of LF_WINDOW_PAGES; LF_SINK_CARRIERS + 1 packs, in memory
 * (/dev/shm) or in files of the state directory; 48 bytes an extent; lf_seen (2.5 MiB).
 * Threads: the functions one at a time; an outflow has threads of its own.
 */
#ifndef LF_OUTFLOW_OUTFLOW_H
#define LF_OUTFLOW_OUTFLOW_H

#include <stdatomic.h>

#include "outflow/sink.h"
#include "vault/map/map.h"

#define LF_OUTFLOW_THREADS_MAX 10u

struct lf_outflow_opts {
	const struct lf_sink *sink; /* borrowed, as is key */
	const struct lf_domain_key *key;
	const char *state_dir;	   /* packs under way, unless there is room in memory */
	uint64_t bytes_per_second; /* of packs; 0: no limit */
	const atomic_bool *stop;   /* set: nothing waits for the rate any more; may be NULL */
	unsigned threads; /* 0: two more than processors, since two may wait for the sink */
};
struct lf_outflow;
LF_MUST_CHECK int lf_outflow_new(const struct lf_outflow_opts *opts,
				 struct lf_outflow **ret_outflow, struct lf_error *err);
/* Waits for the parcels under way; what was not delivered is dropped. */
void lf_outflow_free(struct lf_outflow *outflow);

/* From now on extents are of this disk, and it is acknowledged up to page upto; flushes what was
 * given before with another. */
LF_MUST_CHECK int lf_outflow_disk(struct lf_outflow *outflow, const char *disk, uint64_t upto,
				  struct lf_error *err);
/* Room for LF_WINDOW_PAGES, aligned to a page: the present window's, the same until it ends.  Waits
 * for a free one. */
LF_MUST_CHECK int lf_outflow_window(struct lf_outflow *outflow, uint8_t **ret_data,
				    struct lf_error *err);
/* One run of pages of the present window; data lies in it, and belongs to no other run; NULL: a
 * hole, of any length.  Data: at most LF_CHUNK_PAGES_MAX pages.  A window has at most
 * LF_WINDOW_PAGES runs. */
LF_MUST_CHECK int lf_outflow_run(struct lf_outflow *outflow, uint64_t page, uint32_t pages,
				 uint8_t *data, struct lf_error *err);
/* The window is given; upto: a full pass has covered the pages before this. */
LF_MUST_CHECK int lf_outflow_window_end(struct lf_outflow *outflow, uint64_t upto,
					struct lf_error *err);
/* upto of what the sink has of the present disk; 0: nothing yet. */
uint64_t lf_outflow_acknowledged(const struct lf_outflow *outflow);
/* Everything given is acknowledged on return. */
LF_MUST_CHECK int lf_outflow_flush(struct lf_outflow *outflow, struct lf_error *err);
uint64_t lf_outflow_sent(const struct lf_outflow *outflow); /* bytes of packs that arrived */
unsigned lf_outflow_windows(const struct lf_outflow *outflow);

#endif
