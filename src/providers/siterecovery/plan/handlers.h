/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/plan/handlers.h - recovery plans as the tables of provider.c need them.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_PLAN_HANDLERS_H
#define LF_PROVIDERS_SITERECOVERY_PLAN_HANDLERS_H

#include "arm/arm.h"
#include "providers/common/document.h"

/* The subject is a const char *const *: the action's name, as in allowedOperations. */
lf_arm_handler lf_sr_plan_act;
extern const struct lf_document lf_sr_plan_document;
/* Job types: failovers, group after group; and what all items do at once. */
extern const struct lf_job_type lf_sr_plan_failover_job, lf_sr_plan_items_job;

#endif
