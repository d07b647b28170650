/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/overview/overview.h - how the site itself is, for who looks after
 * it: the audit log, health, metrics.  None of it is Azure's contract.
 *
 * GET  /landfall/audit          lines, oldest first; after, since, until, principal, resource,
 *                               outcome, correlation in the query; pages of 500
 * POST /landfall/audit/verify   is the log as it was written; one at a time
 * GET  /landfall/health         conditions, the audit log's state, counters, the process
 * GET  /metrics                 the same numbers for Prometheus
 *
 * All of them need a token that has the right, as everything of the management plane has.
 */
#ifndef LF_PROVIDERS_OVERVIEW_H
#define LF_PROVIDERS_OVERVIEW_H

#include "arm/arm.h"
#include "providers/common/site.h"

extern const struct lf_arm_provider lf_overview_provider;

#endif
