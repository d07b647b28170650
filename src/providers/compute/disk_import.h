/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/disk_import.h - uploaded disks into the vault of their region.
 *
 * A disk that is imported is Creating, with "importJob" in its state, until the job has made a
 * point of the file; then it is a disk like those of a restore point.
 */
#ifndef LF_PROVIDERS_COMPUTE_DISK_IMPORT_H
#define LF_PROVIDERS_COMPUTE_DISK_IMPORT_H

#include "providers/common/site.h"

extern const struct lf_job_type lf_disk_import_job;

/* Submit the job, in the transaction that writes the disk; state gets its id. */
LF_MUST_CHECK int lf_disk_import_submit(struct lf_context *context, const char *id,
					const char *file, int64_t bytes, const char *location,
					json_t *state, struct lf_error *err);

#endif
