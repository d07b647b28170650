/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/machine.h - the machines that a failover makes.
 *
 * A machine is what Site Recovery and restore ask for: a virtual machine
 * resource with its disks and network interfaces as resources of their own
 * (Microsoft.Compute/virtualMachines, disks, Microsoft.Network/
 * networkInterfaces), and the real domain behind it.  The GUID that names the
 * domain is derived from the VM's ARM id, so every call may be repeated.
 *
 * Threads: any; calls for one machine are serialised by its job.
 */
#ifndef LF_PROVIDERS_COMPUTE_MACHINE_H
#define LF_PROVIDERS_COMPUTE_MACHINE_H

#include "providers/common/site.h"

/*
 * machine: {"id": the VM's ARM id, "location", "vmSize", "osType": "Linux"|"Windows",
 *  "firmware": "bios"|"uefi", "tags": {}, "managedBy": id of the item that owns it (may be absent),
 *  "isolated": bool, "secureBoot", "tpm": bool, "securityType": "TrustedLaunch", "zones": ["1"],
 *  "availabilitySetId", "proximityPlacementGroupId", "licenseType",
 *  "bootDiagnostics": {"enabled": bool, "storageUri"}, "image", "osProfile",
 *  "identityType" (all of these may be absent, and were checked by vm/placement.h),
 *  "disks": [{"lun" (-1: OS), "name", "sizeBytes",
 *             "source": {"kind": "point", "region", "point", "root"}, "tags": {},
 *             "sku", "caching", "deleteOption", "createOption" (may be absent),
 *             "id": of a disk that is there, whose source is what lf_disk_find_source() says}],
 *  "nics": [{"name", "networkId", "subnet", "address" (may be absent), "mac" (may be absent),
 *            "primary": bool, "tags": {}} | {"id": of an interface that is there, "primary":
 * bool}]}
 *
 * Writes the resources (provisioningState Creating, then Succeeded), makes sure the networks exist
 * and defines the domain; it is not started.  Idempotent by id: repeating it completes what an
 * earlier call began.
 *   LF_EINVAL    unknown vmSize, no OS disk (target: the JSON path)
 *   LF_ENOTFOUND the network or subnet is not there (target: its id)
 *   LF_EEXISTS   a VM of that id is there and is not this machine
 */
LF_MUST_CHECK int lf_machine_make(struct lf_context *context, const json_t *machine,
				  struct lf_error *err);
/* Its resources alone, in the caller's transaction; lf_machine_make() then goes on. */
LF_MUST_CHECK int lf_machine_note(struct lf_context *context, const json_t *machine,
				  struct lf_error *err);
/*
 * Give the VM, which is off, other disks (those of a machine, with sources); those it had stay,
 * detached.  Its size, addresses and firmware stay.  key: names the exchange, which is made once
 * however often it is asked for.
 */
LF_MUST_CHECK int lf_machine_exchange_disks(struct lf_context *context, const char *vm_id,
					    const char *key, const json_t *disks,
					    struct lf_error *err);
/* Take the exchange of that key back: the old disks, and the others are gone.  Not made: fine. */
LF_MUST_CHECK int lf_machine_exchange_back(struct lf_context *context, const char *vm_id,
					   const char *key, struct lf_error *err);
LF_MUST_CHECK int lf_machine_start(struct lf_context *context, const char *vm_id,
				   struct lf_error *err);
/* VM, its disks and NICs, and the networks that no other machine uses.  Gone already is fine. */
LF_MUST_CHECK int lf_machine_remove(struct lf_context *context, const char *vm_id,
				    struct lf_error *err);
/* The host's networks of a machine's plan (of the VM's state), but those that other machines use.
 */
LF_MUST_CHECK int lf_machine_remove_networks(struct lf_context *context, const json_t *plan,
					     struct lf_error *err);
/* Begin to copy what the disks still read from the point; see lf_compute_vm_hydrate(). */
LF_MUST_CHECK int lf_machine_hydrate(struct lf_context *context, const char *vm_id,
				     struct lf_error *err);
/* As lf_compute_vm_state(). */
LF_MUST_CHECK int lf_machine_state(struct lf_context *context, const char *vm_id,
				   struct lf_vm_state *ret_state, struct lf_error *err);

#endif
