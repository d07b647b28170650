/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/attach.h - managed disks, and where their bytes are.
 *
 * A disk's state says one of two things:
 *   {"source": {"kind": "point", "region", "point", "root"} | {"kind": "empty"}}
 *      no machine had it yet: it will be made from that.  Of a point it holds a claim of its own.
 *   {"host": GUID, "lun": n}
 *      a file in the directory of the machine that had it first; another machine to which it is
 *      attached later uses that file.
 * and "machine": id of the VM that has it.  One that was detached says "path" instead of "lun": its
 * machine goes on without it, and may have another disk with that LUN.
 *
 * Threads: any; what belongs to a VM is serialised by its job.
 */
#ifndef LF_PROVIDERS_COMPUTE_ATTACH_H
#define LF_PROVIDERS_COMPUTE_ATTACH_H

#include "providers/common/site.h"

/* GUID of the directory that the disk lies in; false: none. */
bool lf_disk_host(const struct lf_context *context, const struct lf_resource *disk,
		  char out[static LF_GUID_SIZE]);
/* Is the disk to be left out of a count? */
typedef bool lf_disk_except_fn(const void *argument, const char *disk_id);
lf_disk_except_fn lf_disk_is; /* argument: the id of the one that is */
/* How many disks lie in a directory, but those left out (except NULL: all). */
LF_MUST_CHECK int lf_disks_of_host(struct lf_context *context, const char *host,
				   lf_disk_except_fn *except, const void *argument, unsigned *ret_n,
				   struct lf_error *err);
/*
 * What a machine is to be made of that gets the disk: a disk source of compute/compute.h.
 *   LF_ECONFLICT  the disk is still being copied to this host
 */
LF_MUST_CHECK int lf_disk_find_source(struct lf_context *context, const struct lf_resource *disk,
				      json_t **ret_source, struct lf_error *err);
/* The disk is the machine's now; in the caller's transaction.  source: as lf_disk_find_source()
 * said. */
LF_MUST_CHECK int lf_disk_attach(struct lf_catalog *catalog, const char *id, const char *vm_id,
				 const char *host, int64_t lun, const json_t *source,
				 struct lf_error *err);
/* A disk or a network interface that stays is nobody's now; in the caller's transaction. */
LF_MUST_CHECK int lf_part_detach(struct lf_context *context, struct lf_resource *part,
				 struct lf_error *err);
/*
 * A disk of its own, of a machine's disk (machine.h: lun, sizeBytes, source): in the machine's
 * location, with its osType and firmware when it is the OS disk.  Idempotent by id; LF_EEXISTS: one
 * of other bytes is there.
 */
LF_MUST_CHECK int lf_disk_make(struct lf_context *context, const char *id, const json_t *machine,
			       const json_t *disk, struct lf_error *err);
/* Delete a disk that no machine has; gone already is fine. */
LF_MUST_CHECK int lf_disk_remove(struct lf_context *context, const char *id, struct lf_error *err);
/* The claim of a disk without a machine on its point; of other sources nothing. */
LF_MUST_CHECK int lf_disk_claim(struct lf_context *context, const char *id, const json_t *source,
				struct lf_error *err);
LF_MUST_CHECK int lf_disk_unclaim(struct lf_context *context, const char *id, const json_t *source,
				  struct lf_error *err);
/* Claims that a machine's disks no longer need, once the machine is defined. */
LF_MUST_CHECK int lf_disks_settle(struct lf_context *context, const char *vm_id,
				  struct lf_error *err);

#endif
