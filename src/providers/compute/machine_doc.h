/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/machine_doc.h - the documents of a machine's resources, made of the machine
 * (machine.h) and its plan (plan.h) alone: pure.
 */
#ifndef LF_PROVIDERS_COMPUTE_MACHINE_DOC_H
#define LF_PROVIDERS_COMPUTE_MACHINE_DOC_H

#include "json/json.h"

/* The name of the one ipConfiguration that an interface of ours has. */
#define LF_MACHINE_IP_CONFIGURATION "ipconfig1"

/* The caller's references; NULL: out of memory. */
json_t *lf_machine_vm_doc(const json_t *machine, const json_t *plan, int64_t now_ns);
/* What is so of every machine, as clients are told it, into a VM's document. */
LF_MUST_CHECK int lf_machine_vm_complete(json_t *doc, struct lf_error *err);
json_t *lf_machine_disk_doc(const json_t *machine, const json_t *disk, int64_t now_ns);
json_t *lf_machine_nic_doc(const json_t *machine, const json_t *nic);
/* A disk of a machine as its storage profile has it. */
json_t *lf_machine_disk_view(const json_t *machine, const json_t *disk);
/* A VM's storage profile of a machine's disks. */
json_t *lf_machine_storage_profile(const json_t *machine);

#endif
