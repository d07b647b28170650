/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/siterecovery.h - Site Recovery: the replication*
 * types below a Recovery Services vault, for sources of instanceType InMageRcm.
 *
 * A protected item is a catalog resource and a replica (replication/); what it
 * may do in which state is one table (states.c); everything it does is a job.
 * Threads: as arm/arm.h and job/job.h.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_SITERECOVERY_H
#define LF_PROVIDERS_SITERECOVERY_SITERECOVERY_H

#include "arm/arm.h"
#include "providers/common/site.h"

extern const struct lf_arm_provider lf_siterecovery_provider;

/* For lf_jobs_open(). */

#endif
