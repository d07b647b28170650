/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/plan.h - what a machine becomes: its ids, its resources'
 * documents, and the host's part of it.  Writes nothing but its NICs' addresses.
 */
#ifndef LF_PROVIDERS_COMPUTE_PLAN_H
#define LF_PROVIDERS_COMPUTE_PLAN_H

#include "arm/arm.h"
#include "base/text.h"
#include "providers/network/network.h"
#include "providers/common/site.h"

#define LF_VM_TYPE   "Microsoft.Compute/virtualMachines"
#define LF_DISK_TYPE "Microsoft.Compute/disks"

/* The machine's GUID on its host: its plan's; of one that is not there, the first it would have. */
void lf_machine_host_guid(struct lf_context *context, const char *vm_id,
			  char out[static LF_GUID_SIZE]);
/* GUID of a resource on this site's hosts: the same id, the same GUID. */
void lf_machine_guid(const struct lf_context *context, const char *id, const char *kind,
		     char out[static LF_GUID_SIZE]);
/* ".../resourceGroups/GROUP/providers/TYPE/NAME" in the VM's group; free(). */
char *lf_machine_sibling(const char *vm_id, const char *type, const char *name);
/* Id of a disk of a machine: its own, or one of its name beside the VM; free(). */
char *lf_machine_disk_id(const json_t *machine, const json_t *disk);
/* A VM's storage profile of a machine's disks. */
json_t *lf_machine_storage_profile(const json_t *machine);

/*
 * The host's part: lf_vm_spec_doc() as "vm", documents of lf_vm_network_read() as "networks", and
 * "nics", of which lf_machine_nic_doc() makes the resources.
 * Every NIC has an address afterwards: its own if it is free in the subnet, else the next that is.
 * In the transaction that writes the resources, so that a plan that fails keeps no address.
 */
LF_MUST_CHECK int lf_machine_plan(struct lf_context *context, const json_t *machine,
				  json_t **ret_plan, struct lf_error *err);
/* Documents of the resources; NULL: out of memory. */
json_t *lf_machine_vm_doc(const json_t *machine, const json_t *plan, int64_t now_ns);
json_t *lf_machine_disk_doc(const json_t *machine, const json_t *disk, int64_t now_ns);
json_t *lf_machine_nic_doc(const json_t *machine, const json_t *nic);

#endif
