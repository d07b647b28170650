/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/flow/ingest.h - a whole disk into a vault, and out of it, on several threads.
 *
 * A disk goes in by segments: a thread reads one, cuts it into chunks, and
 * writes those that are new to a pack of its own; the disk map is put together
 * in the order of the segments.  Memory does not depend on the disk's size.
 *
 * Threads: each call makes its own and has joined them on return.
 */
#ifndef LF_VAULT_FLOW_INGEST_H
#define LF_VAULT_FLOW_INGEST_H

#include <stdatomic.h>

#include "source/disk.h"
#include "vault/map/map.h"

struct lf_ingest_opts {
	const char *path;   /* block device or image file */
	uint64_t bytes;	    /* of path that are the disk; 0: all of it */
	struct lf_bad *bad; /* of path: what cannot be read (source/bad.h); NULL: it ends there */
	const struct lf_disk *disk; /* read this instead; NULL: path */
	const struct lf_root *base; /* what the disk was; NULL: not known */
	const uint64_t *changed; /* sorted page numbers: the rest is as in base; NULL: not known */
	size_t changed_count;
	/* file of the disk's page prints (vault/flow/prints.h), used and kept up to date; NULL:
	 * none. When they describe base, only pages that changed are stored. */
	const char *prints;
	unsigned threads;	  /* 0: as many as processors */
	lf_progress_fn *progress; /* may be NULL */
	void *context;
	const atomic_bool *stop; /* set: LF_ECANCELED; may be NULL */
};
struct lf_ingest_result {
	struct lf_root root;
	uint64_t size_bytes;   /* of the disk */
	uint32_t sector_bytes; /* its logical sectors */
	uint64_t read_bytes;   /* from it; holes are not read */
	uint64_t new_bytes;    /* of chunks that were not in the vault */
	uint64_t stored_bytes; /* that the vault's packs grew by */
	uint64_t chunks;
	const char *
		why_full; /* text: why everything was read and nothing left out; NULL: it was not */
};
/* The root is durable on return, but kept only by the caller's lease until a point has it. */
LF_MUST_CHECK int lf_ingest(struct lf_vault *vault, const struct lf_ingest_opts *opts,
			    struct lf_ingest_result *ret_result, struct lf_error *err);

enum lf_export_format {
	LF_EXPORT_RAW,
	LF_EXPORT_QCOW2, /* image/qcow2.h */
	LF_EXPORT_VHD,	 /* fixed: image/vhd.h */
};
struct lf_export_opts {
	enum lf_export_format format;
	unsigned threads;	  /* 0: twice as many as processors */
	lf_progress_fn *progress; /* may be NULL */
	void *context;
	const atomic_bool *stop; /* set: LF_ECANCELED; may be NULL */
};
/*
 * Write a disk to a new sparse file; durable on return.  It is PATH.part until it is whole; one
 * that a kill left is written anew.  LF_EEXISTS: there is a file, or somebody else is writing it.
 */
LF_MUST_CHECK int lf_export_file(struct lf_vault *vault, const struct lf_root *root, uint64_t size,
				 const char *path, const struct lf_export_opts *opts,
				 struct lf_error *err);

#endif
