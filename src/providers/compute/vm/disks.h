/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/vm/disks.h - other data disks for a machine that is there, running or not.
 *
 * The row of the VM, its plan and the rows of disks say at once what is to be; a job then has the
 * host do it, and takes it all back if the host cannot.  What was before is kept in the VM's state,
 * "change": {"disks": of the plan, "rows": of the document}, until the job has ended.
 * Threads: a call's, or the machine's job.
 */
#ifndef LF_PROVIDERS_COMPUTE_VM_DISKS_H
#define LF_PROVIDERS_COMPUTE_VM_DISKS_H

#include "arm/arm.h"
#include "providers/common/site.h"

extern const struct lf_job_type lf_vm_disks_job;

/*
 * Make the data disks of vm those of wanted, rows of a client's dataDisks: doc and state of vm are
 * changed, and are for the caller to write in the same transaction.  *ret_changed: the host has
 * something to do, and its job is submitted.
 *   LF_EINVAL    a disk that is not there, or in another region; a LUN twice
 *   LF_ECONFLICT a disk of another machine, or one that still reads from a recovery point
 */
LF_MUST_CHECK int lf_vm_disks_change(struct lf_context *context, struct lf_resource *vm,
				     const json_t *wanted, bool *ret_changed, struct lf_error *err);

#endif
