/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/make.h - the parts of making a machine that exchanging its disks needs too.
 */
#ifndef LF_PROVIDERS_COMPUTE_MAKE_H
#define LF_PROVIDERS_COMPUTE_MAKE_H

#include "providers/common/site.h"

/* A disk of a machine: written when new, in the caller's transaction; one of its own id becomes the
 * machine's.  host: GUID of the directory that a new one lies in. */
LF_MUST_CHECK int lf_machine_put_disk(struct lf_context *context, const json_t *machine,
				      const char *host, const json_t *disk, struct lf_error *err);
/* Networks and domain of a plan (plan.h); idempotent. */
LF_MUST_CHECK int lf_machine_make_on_host(struct lf_context *context, const json_t *plan,
					  struct lf_error *err);

#endif
