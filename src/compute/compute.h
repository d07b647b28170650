/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/compute.h - target machines: virtual machines, their disks and
 * networks on this host.
 *
 * Everything is named by a GUID that the caller derives from its job or
 * resource, every call is idempotent, and the host (libvirt) is the truth:
 * nothing is remembered in memory, so a killed daemon finds everything again.
 *
 * Disk sources: a point's disk booted on a local qcow2 overlay over an NBD
 * export (nothing copied), or a volume file that is already local.
 *
 * Threads: any; calls for one VM are serialised by its job.
 */
#ifndef LF_COMPUTE_COMPUTE_H
#define LF_COMPUTE_COMPUTE_H

#include "compute/capture.h"
#include "vault/open/regions.h"

struct lf_compute_opts {
	const char *data_dir; /* DIR/compute: overlays, consoles, exports, firmware variables */
	struct lf_regions *regions;
	const char *driver; /* "libvirt" or "fake" (no host needed: emulator and unit tests) */
	const char *uri;    /* NULL: qemu:///system */
};
struct lf_compute;
LF_MUST_CHECK int lf_compute_open(const struct lf_compute_opts *opts,
				  struct lf_compute **ret_compute, struct lf_error *err);
void lf_compute_free(struct lf_compute *compute);
/* Are its machines documents, and nothing runs? */
bool lf_compute_emulates(const struct lf_compute *compute);
/* Has the host so much memory at all?  LF_ECONFLICT "AllocationFailed". */
LF_MUST_CHECK int lf_compute_room(const struct lf_compute *compute, const char *size,
				  unsigned memory_mib, struct lf_error *err);
/* vCPUs and memory of an Azure VM size name ("Standard_D4s_v3"), any case; unknown: LF_EINVAL. */
LF_MUST_CHECK int lf_compute_size(const char *name, unsigned *ret_vcpus, unsigned *ret_memory_mib,
				  struct lf_error *err);
/* All of them, as the lists of sizes have them; NULL: out of memory. */
json_t *lf_compute_sizes(void);
/* Name of the smallest size with so many cores and so much memory; the default if none has. */
void lf_compute_size_for(int64_t cores, int64_t memory_mib, char *out, size_t out_size);

/*
 * Makes or completes a network: one libvirt network for each (network guid, subnet); isolated ones
 * have no uplink.
 */
LF_MUST_CHECK int lf_compute_network_ensure(struct lf_compute *compute,
					    const struct lf_vm_network *network,
					    struct lf_error *err);
/* LF_ECONFLICT "InUse": a machine has a NIC there. */
LF_MUST_CHECK int lf_compute_network_remove(struct lf_compute *compute, const char *guid,
					    struct lf_error *err);

/*
 * Define: makes overlays, exports, domain; does not start.  Idempotent.
 *   LF_EINVAL  not a machine that can be made (target: the member)
 *   LF_EEXISTS a machine of that GUID is there with other disks
 */
LF_MUST_CHECK int lf_compute_vm_define(struct lf_compute *compute, const struct lf_vm_spec *vm,
				       struct lf_error *err);
/*
 * Give a machine that is there, running or off, the data disks of vm instead of those it has; the
 * files of disks that it loses stay.  Idempotent.
 *   LF_ECONFLICT the guest does not let go of a disk, or has no place for another one
 */
LF_MUST_CHECK int lf_compute_vm_change(struct lf_compute *compute, const struct lf_vm_spec *vm,
				       struct lf_error *err);
/* Remove the file of a disk that a machine lost, if it is in the machine's directory. */
LF_MUST_CHECK int lf_compute_file_remove(struct lf_compute *compute, const char *guid,
					 const char *path, struct lf_error *err);
LF_MUST_CHECK int lf_compute_vm_start(struct lf_compute *compute, const char *guid,
				      struct lf_error *err);
/* graceful: ACPI first, at most 60 s; then power off.  Off already is fine. */
LF_MUST_CHECK int lf_compute_vm_stop(struct lf_compute *compute, const char *guid, bool graceful,
				     struct lf_error *err);
/* Stop and remove; keep_disks: overlays or volumes stay (their path: lf_compute_vm_state). */
LF_MUST_CHECK int lf_compute_vm_remove(struct lf_compute *compute, const char *guid,
				       bool keep_disks, struct lf_error *err);
/* Also resumes a guest that an I/O error paused, once its export answers again.
 * *ret_state: lf_vm_state_done(). */
LF_MUST_CHECK int lf_compute_vm_state(struct lf_compute *compute, const char *guid,
				      struct lf_vm_state *ret_state, struct lf_error *err);
/* Copy what the overlays still read from exports behind the running VM; returns at once.
 * Progress by lf_compute_vm_state(); when all disks say hydrated, exports have ended. */
LF_MUST_CHECK int lf_compute_vm_hydrate(struct lf_compute *compute, const char *guid,
					struct lf_error *err);

/*
 * Read the machine's disks, running or off, into a region's vault, as they are at one instant.
 * Their roots are kept only by the caller's session.
 *   LF_ECONFLICT  the machine is being hydrated: try again when that is over
 */
LF_MUST_CHECK int lf_compute_vm_capture(struct lf_compute *compute, const char *guid,
					const struct lf_capture_opts *opts,
					struct lf_capture *ret_capture, struct lf_error *err);
/* The serial console's bytes (the last max of them) appended to buf. */
LF_MUST_CHECK int lf_compute_vm_console(struct lf_compute *compute, const char *guid, size_t max,
					struct lf_buf *buf, struct lf_error *err);

#endif
