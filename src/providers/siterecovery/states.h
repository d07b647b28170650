/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/siterecovery/states.h - what a protected item may do, and when.
 *
 * One constant table, phase by action, is both the allowedOperations that
 * clients read and the check that refuses the rest.
 */
#ifndef LF_PROVIDERS_SITERECOVERY_STATES_H
#define LF_PROVIDERS_SITERECOVERY_STATES_H

#include "json/json.h"

enum lf_sr_phase {
	LF_SR_ENABLING,
	LF_SR_ENABLE_FAILED,
	LF_SR_INITIAL, /* initial replication is running */
	LF_SR_PROTECTED,
	LF_SR_TESTED,	   /* a test machine exists */
	LF_SR_FAILED_OVER, /* unplanned, not committed */
	LF_SR_PLANNED_OVER,
	LF_SR_COMMITTED,
	LF_SR_PHASES,
};

enum lf_sr_action {
	LF_SR_PLANNED_FAILOVER,
	LF_SR_UNPLANNED_FAILOVER,
	LF_SR_COMPLETE_MIGRATION,
	LF_SR_COMMIT,
	LF_SR_DISABLE,
	LF_SR_TEST_FAILOVER,
	LF_SR_TEST_CLEANUP,
	LF_SR_CHANGE_PIT,
	LF_SR_CANCEL_FAILOVER,
	/* never listed in allowedOperations, but refused where they make no sense */
	LF_SR_UPDATE,
	LF_SR_REPAIR,
	LF_SR_ACTIONS,
};

struct lf_sr_phase_row {
	const char *name; /* as stored */
	const char *protection_state, *description, *active_location;
};
const struct lf_sr_phase_row *lf_sr_phase_row(enum lf_sr_phase phase);
/* The phase stored in an item's state document. */
enum lf_sr_phase lf_sr_phase_of(const json_t *state);

bool lf_sr_allows(enum lf_sr_phase phase, enum lf_sr_action action);
/* Array of the names in allowedOperations; NULL: out of memory. */
json_t *lf_sr_allowed_operations(enum lf_sr_phase phase);
/* "TestFailover" */
const char *lf_sr_action_name(enum lf_sr_action action);
/* LF_ECONFLICT "OperationNotAllowedInCurrentState", the hint naming what is allowed. */
LF_MUST_CHECK int lf_sr_check_allowed(const json_t *state, enum lf_sr_action action,
				      const char *target, struct lf_error *err);

#endif
