/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/libvirt/checkpoint.h - checkpoints between captures of a running machine; see
 * checkpoint.c.
 *
 * Threads: under the machine's lf_host_lock().
 */
#ifndef LF_COMPUTE_LIBVIRT_CHECKPOINT_H
#define LF_COMPUTE_LIBVIRT_CHECKPOINT_H

#include "compute/libvirt/internal.h"

#define LF_CHECKPOINT_SIZE 64

/* Name of the checkpoint whose bitmaps say what differs from the earlier point of opts, for exactly
 * the disks of the machine that opts does not exclude; "": there is none. */
void lf_checkpoint_find(const struct lf_host *host, virDomainPtr domain,
			const struct lf_vm_spec *vm, const struct lf_capture_opts *opts,
			char out[static LF_CHECKPOINT_SIZE]);
/* A new name. */
void lf_checkpoint_name(char out[static LF_CHECKPOINT_SIZE]);
/* The disks (of a manifest) had these roots when the checkpoint was made; durable. */
LF_MUST_CHECK int lf_checkpoint_note(const struct lf_host *host, const char *guid, const char *name,
				     const json_t *disks, struct lf_error *err);
/* Remove this one, of a capture that failed; or ours but this one, once it is noted. */
void lf_checkpoint_forget(virDomainPtr domain, const char *name);
void lf_checkpoint_forget_others(virDomainPtr domain, const char *keep);
/* Remove our bitmaps that no checkpoint of the machine has, which is off, from its disks; one that
 * cannot be removed takes space, and is told in the log. */
void lf_checkpoint_clean(const struct lf_host *host, virDomainPtr domain,
			 const struct lf_vm_spec *vm);
/* The same of a qcow2 file that nobody has open; keep: array of the checkpoints' names. */
LF_MUST_CHECK int lf_checkpoint_clean_image(const char *image, const json_t *keep,
					    struct lf_error *err);

#endif
