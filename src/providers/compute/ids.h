/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/ids.h - how machines and their parts are called: types, ids, GUIDs on hosts.
 *
 * Threads: any.
 */
#ifndef LF_PROVIDERS_COMPUTE_IDS_H
#define LF_PROVIDERS_COMPUTE_IDS_H

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

#endif
