/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/capture.h - what a capture of a machine's disks is asked for, and gives; see
 * lf_compute_vm_capture().
 *
 * Threads: a struct belongs to one thread.
 */
#ifndef LF_COMPUTE_CAPTURE_H
#define LF_COMPUTE_CAPTURE_H

#include "compute/spec.h"
#include "vault/flow/ingest.h"

struct lf_capture_opts {
	const char *region;	  /* whose vault takes the disks */
	const json_t *base;	  /* disks of the manifest of an earlier point of the machine, which
				   * are not stored again as far as they are the same; NULL */
	const json_t *excluded;	  /* array of LUNs; NULL: none */
	bool crash_consistent;	  /* the guest is not asked to quiesce */
	lf_progress_fn *progress; /* may be NULL */
	void *context;
	const atomic_bool *stop; /* set: LF_ECANCELED; may be NULL */
};
struct lf_capture {
	bool file_system_consistent; /* else crash-consistent */
	uint64_t bytes_read, bytes_stored;
	json_t *disks; /* of a manifest (vault/point.h), with "lun" and "os" */
};
void lf_capture_done(struct lf_capture *capture);
#define LF_AUTO_CAPTURE LF_CLEANUP(lf_capture_done) struct lf_capture
/* The manifest's word for it. */
const char *lf_capture_consistency(const struct lf_capture *capture);
/* For drivers' captures.  Is the LUN among those that are left out? */
bool lf_capture_excludes(const struct lf_capture_opts *opts, int lun);
/* The root, as text, that the disk had in the earlier point; NULL: there is none. */
const char *lf_capture_base_root(const struct lf_capture_opts *opts, int lun);
/* The row of a manifest for a disk of machine guid; NULL: out of memory. */
json_t *lf_capture_disk(const char *guid, const struct lf_vm_disk *disk, uint64_t size_bytes,
			const char *root);

#endif
