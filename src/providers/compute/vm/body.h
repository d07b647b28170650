/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/vm/body.h - what a PUT or PATCH of a virtual machine may say.  Threads: a
 * call's.
 */
#ifndef LF_PROVIDERS_COMPUTE_VM_BODY_H
#define LF_PROVIDERS_COMPUTE_VM_BODY_H

#include "arm/arm.h"
#include "json/doc.h"
#include "providers/common/document.h"

#define LF_VM_STORAGE "properties.storageProfile"

/* Of a new machine, by the rows of its document: members that this site has not got are refused. */
LF_MUST_CHECK int lf_vm_body_check(const struct lf_document *document, json_t *body,
				   struct lf_error *err);
/* A managed identity is refused. */
LF_MUST_CHECK int lf_vm_identity_check(const json_t *body, struct lf_error *err);
/* Of a new machine: what is asked besides size, disks and interfaces, checked, into the machine
 * that is to be made (machine.h). */
LF_MUST_CHECK int lf_vm_body_read(struct lf_context *context, const char *vm_id, const json_t *body,
				  json_t *machine, struct lf_error *err);

#endif
