/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/vm/placement.h - what a machine is asked to be besides its size, disks and
 * networks: checks for whoever makes machines, a client or a failover.
 *
 * target names the member that the value came from.  A check answers LF_EINVAL "InvalidParameter",
 * of a resource that is named and not there, too, and "LinkedInvalidPropertyId" for an id that is
 * none of its type.  Texts are compared without case.
 * Threads: any.
 */
#ifndef LF_PROVIDERS_COMPUTE_VM_PLACEMENT_H
#define LF_PROVIDERS_COMPUTE_VM_PLACEMENT_H

#include "providers/common/site.h"

#define LF_SET_TYPE		"Microsoft.Compute/availabilitySets"
#define LF_PLACEMENT_GROUP_TYPE "Microsoft.Compute/proximityPlacementGroups"
#define LF_DISK_SKU_DEFAULT	"Standard_LRS"

/* A disk's type as published ("Premium_LRS"). */
LF_MUST_CHECK int lf_disk_sku_check(const char *name, const char *target, const char **ret_name,
				    struct lf_error *err);
/* A licence as a machine's licenseType has it, of a machine of osType. */
LF_MUST_CHECK int lf_vm_license_check(const char *license, const char *os_type, const char *target,
				      const char **ret_license, struct lf_error *err);
/* "1", "2" or "3": each region has them. */
LF_MUST_CHECK int lf_vm_zone_check(const char *zone, const char *target, struct lf_error *err);
/* An availability set of the machine's own group and location. */
LF_MUST_CHECK int lf_vm_set_check(struct lf_catalog *catalog, const char *id, const char *vm_id,
				  const char *location, const char *target, struct lf_error *err);
/* A proximity placement group of the machine's location. */
LF_MUST_CHECK int lf_vm_placement_group_check(struct lf_catalog *catalog, const char *id,
					      const char *location, const char *target,
					      struct lf_error *err);
/* The blob endpoint of a storage account that is there, for a machine's boot diagnostics; free().
 */
LF_MUST_CHECK int lf_vm_boot_account_uri(struct lf_catalog *catalog, const char *account_id,
					 const char *target, char **ret_uri, struct lf_error *err);
/* The same where the URI is what is given. */
LF_MUST_CHECK int lf_vm_boot_uri_check(struct lf_context *context, const char *uri,
				       const char *target, struct lf_error *err);
/*
 * TrustedLaunch, Secure Boot and a TPM: type NULL or "Standard" is none of them.  They are of UEFI
 * machines, as Azure's are of generation 2; ConfidentialVM is not there.
 */
LF_MUST_CHECK int lf_vm_security_check(const char *type, bool secure_boot, bool tpm, bool uefi,
				       const char *target, struct lf_error *err);

#endif
