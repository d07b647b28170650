/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/vm/body.h - what a PUT or PATCH of a virtual machine may say.  Threads: a
 * call's.
 */
#ifndef LF_PROVIDERS_COMPUTE_VM_BODY_H
#define LF_PROVIDERS_COMPUTE_VM_BODY_H

#include "arm/arm.h"
#include "json/doc.h"
#include "providers/common/site.h"

#define LF_VM_STORAGE "properties.storageProfile"

/* Members that this site has not got are refused, "OperationNotAllowed". */
LF_MUST_CHECK int lf_vm_body_check(struct lf_arm_call *call, struct lf_error *err);
/* Of a new machine: what is asked besides size, disks and interfaces, checked, into the machine
 * that is to be made (machine.h). */
LF_MUST_CHECK int lf_vm_body_read(struct lf_context *context, const char *vm_id, const json_t *body,
				  json_t *machine, struct lf_error *err);

#endif
