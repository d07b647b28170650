/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/flow/copy.h - disks of one vault copied to another of the same
 * deduplication domain (another region): what the target lacks, as it is
 * compressed, sealed anew.
 *
 * Cost follows the difference: subtrees that base and root share are not read,
 * and chunks that the target has under any other root are not moved.
 * Threads: any; a call uses its own thread alone.
 */
#ifndef LF_VAULT_FLOW_COPY_H
#define LF_VAULT_FLOW_COPY_H

#include <stdatomic.h>

#include "vault/pack/pack.h"
#include "vault/map/map.h"

struct lf_copy_opts {
	/* A map that both vaults keep while the copy runs; NULL: none is known. */
	const struct lf_root *base;
	uint64_t size_bytes;	  /* of the disk; for progress */
	lf_progress_fn *progress; /* bytes of the disk; may be NULL */
	void *context;
	const atomic_bool *stop; /* set: LF_ECANCELED; may be NULL */
};
struct lf_copy_result {
	struct lf_root root;   /* in the target; durable, kept only by the caller's lease */
	uint64_t moved_bytes;  /* records that the target lacked */
	uint64_t named_chunks; /* that it was asked for */
};
/* LF_EINVAL: the vaults are of different domains. */
LF_MUST_CHECK int lf_vault_copy_disk(struct lf_vault *from, struct lf_vault *to,
				     const struct lf_root *root, const struct lf_copy_opts *opts,
				     struct lf_copy_result *ret_result, struct lf_error *err);

/* Where a disk's parts go: another vault here, or another site (peer/peer.h). */
struct lf_copy_sink {
	/* Take these extents, in order; bit i set in ret_have (n bits, zeroed): the i-th one's
	 * chunk is there. */
	int (*name)(void *context, const struct lf_extent *extents, size_t n, uint8_t *ret_have,
		    struct lf_error *err);
	/* Is the chunk in a pack that is on its way?  NULL: never. */
	bool (*sent)(void *context, const struct lf_chunk_id *id);
	/* A pack of that owner (vault/pack/key.h; NULL: the domain's own) to add a chunk to;
	 * borrowed until the next call. */
	int (*pack)(void *context, const uint8_t *owner, struct lf_pack_writer **ret_writer,
		    struct lf_error *err);
	void *context;
};
#define LF_COPY_BATCH 4096u /* extents named at once */
/* What differs from opts->base, or all: named, and what is missing given.  Nothing is known to be
 * durable there on return; ret_result->root is not set. */
LF_MUST_CHECK int lf_vault_send_disk(struct lf_vault *from, const struct lf_root *root,
				     const struct lf_copy_opts *opts,
				     const struct lf_copy_sink *sink,
				     struct lf_copy_result *ret_result, struct lf_error *err);

#endif
