/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/disk_source.h - what a client asks a new disk to be made from.
 */
#ifndef LF_PROVIDERS_COMPUTE_DISK_SOURCE_H
#define LF_PROVIDERS_COMPUTE_DISK_SOURCE_H

#include "arm/arm.h"
#include "providers/common/site.h"

struct lf_disk_origin {
	json_t *source; /* of the disk's state (attach.h); the caller's reference */
	int64_t bytes;	/* of the source; 0: as large as is asked for */
	char *file;	/* a page blob's, to be taken in first: then there is no source; free() */
	const char *os_type; /* static; NULL: a data disk */
	bool uefi;
};
/*
 * By creationData of a disk's document.  Threads: any.
 *   LF_EINVAL        the source is not there, or in another region
 *   LF_ECONFLICT     it is not complete
 *   LF_EUNSUPPORTED  a createOption that is not served
 *   LF_EDENIED       the caller may not read the blob ("LinkedAuthorizationFailed")
 */
LF_MUST_CHECK int lf_disk_origin(struct lf_arm_call *call, const json_t *doc,
				 struct lf_disk_origin *ret_origin, struct lf_error *err);

#endif
