/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/compute.h - Microsoft.Compute: virtual machines, managed
 * disks, sizes, SKUs, availability sets, proximity placement groups.
 *
 * Machines are made by failover, migration and restore (machine.h), or of disks that are there.
 * Deleting one by REST leaves its disks, as Azure does unless deleteOption says Delete; the last
 * disk's deletion frees what the host holds.
 */
#ifndef LF_PROVIDERS_COMPUTE_COMPUTE_H
#define LF_PROVIDERS_COMPUTE_COMPUTE_H

#include "arm/arm.h"
#include "providers/common/document.h"
#include "providers/common/site.h"

extern const struct lf_arm_provider lf_compute_provider;

/* vm.c */
lf_arm_handler lf_vm_delete, lf_vm_start, lf_vm_power_off, lf_vm_deallocate, lf_vm_restart,
	lf_vm_instance_view, lf_vm_boot_diagnostics, lf_vm_console;
/* vm_make.c: a PUT; and one of a machine that is not there. */
lf_arm_handler lf_vm_put, lf_vm_make;
extern const struct lf_job_type lf_vm_make_job;
/* With $expand=instanceView. */
LF_MUST_CHECK int lf_vm_view(struct lf_arm_call *call, const struct lf_resource *vm, json_t *doc,
			     struct lf_error *err);
/* The machine (vm/document.c) and disk as documents, for whoever removes a group. */
extern const struct lf_document lf_vm_document, lf_disk_document;
/* Do locks let the disks go that are deleted with the machine?  LF_ECONFLICT "ScopeLocked". */
LF_MUST_CHECK int lf_vm_check_locks(struct lf_context *context, const char *vm_id,
				    struct lf_error *err);
/* vm_leave.c: what of a VM that goes is in the catalog, and what is on the host. */
LF_MUST_CHECK int lf_vm_leave_parts(struct lf_context *context, const struct lf_resource *vm,
				    struct lf_error *err);
LF_MUST_CHECK int lf_vm_leave_host(struct lf_context *context, const struct lf_resource *vm,
				   struct lf_error *err);
extern const struct lf_job_type lf_vm_start_job, lf_vm_stop_job, lf_vm_restart_job,
	lf_vm_delete_job;
/* disk.c */
lf_arm_handler lf_disk_put, lf_disk_grant, lf_disk_revoke;

#endif
