/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/failover/failover.h - the steps that failover and the change
 * of its recovery point share.  Only this provider includes it.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_FAILOVER_H
#define LF_PROVIDERS_SITERECOVERY_FAILOVER_H

#include "providers/siterecovery/internal.h"

/* Remember point in the job's data; held by the next step. */
LF_MUST_CHECK int lf_sr_failover_choose(struct lf_job_run *run, const struct lf_resource *item,
					const json_t *point, struct lf_error *err);
/* Hold the chosen point, plan the machine once, make it. */
LF_MUST_CHECK int lf_sr_failover_make(struct lf_job_run *run, struct lf_error *err);
LF_MUST_CHECK int lf_sr_failover_unmake(struct lf_job_run *run, struct lf_error *err);
/* Start the machine; in one commit: the item's phase, the hydration, the step's end. */
LF_MUST_CHECK int lf_sr_failover_start(struct lf_job_run *run, enum lf_sr_phase phase,
				       struct lf_error *err);

#endif
