/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table, and what is read from it.  There is no other place that says what
 * an item may do.
 */
#include "providers/siterecovery/states.h"

#include <string.h>

#include "base/text.h"

static const struct lf_sr_phase_row phases[LF_SR_PHASES] = {
	[LF_SR_ENABLING] = {"Enabling", "EnablingProtection", "Enabling protection", "Primary"},
	[LF_SR_ENABLE_FAILED] = {"EnableFailed", "EnablingFailed", "Enabling protection failed",
				 "Primary"},
	[LF_SR_INITIAL] = {"Initial", "InitialReplicationInProgress",
			   "Initial replication in progress", "Primary"},
	[LF_SR_PROTECTED] = {"Protected", "Protected", "Protected", "Primary"},
	[LF_SR_TESTED] = {"Tested", "Protected", "Cleanup test failover pending", "Primary"},
	[LF_SR_FAILED_OVER] = {"FailedOver", "UnplannedFailoverCommitPendingStatesBegin",
			       "Failover completed", "Recovery"},
	[LF_SR_PLANNED_OVER] = {"PlannedOver", "PlannedFailoverCommitRequired",
				"Planned failover finished", "Recovery"},
	[LF_SR_COMMITTED] = {"Committed", "PlannedFailoverStatesBegin",
			     "Planned failover committed", "Recovery"},
};

static const struct {
	const char *name;
	bool listed;
} actions[LF_SR_ACTIONS] = {
	[LF_SR_PLANNED_FAILOVER] = {"PlannedFailover", true},
	[LF_SR_UNPLANNED_FAILOVER] = {"UnplannedFailover", true},
	[LF_SR_COMPLETE_MIGRATION] = {"CompleteMigration", true},
	[LF_SR_COMMIT] = {"Commit", true},
	[LF_SR_DISABLE] = {"DisableProtection", true},
	[LF_SR_TEST_FAILOVER] = {"TestFailover", true},
	[LF_SR_TEST_CLEANUP] = {"TestFailoverCleanup", true},
	[LF_SR_CHANGE_PIT] = {"ChangePit", true},
	[LF_SR_CANCEL_FAILOVER] = {"CancelFailover", true},
	[LF_SR_UPDATE] = {"Update", false},
	[LF_SR_REPAIR] = {"RepairReplication", false},
};

static const bool allowed[LF_SR_PHASES][LF_SR_ACTIONS] = {
	[LF_SR_ENABLING] = {[LF_SR_UPDATE] = true},
	[LF_SR_ENABLE_FAILED] = {[LF_SR_DISABLE] = true},
	[LF_SR_INITIAL] = {[LF_SR_DISABLE] = true, [LF_SR_UPDATE] = true, [LF_SR_REPAIR] = true},
	[LF_SR_PROTECTED] = {[LF_SR_PLANNED_FAILOVER] = true,
			     [LF_SR_UNPLANNED_FAILOVER] = true,
			     [LF_SR_DISABLE] = true,
			     [LF_SR_TEST_FAILOVER] = true,
			     [LF_SR_UPDATE] = true,
			     [LF_SR_REPAIR] = true},
	[LF_SR_TESTED] = {[LF_SR_TEST_CLEANUP] = true, [LF_SR_UPDATE] = true},
	[LF_SR_FAILED_OVER] = {[LF_SR_COMPLETE_MIGRATION] = true,
			       [LF_SR_COMMIT] = true,
			       [LF_SR_DISABLE] = true,
			       [LF_SR_CHANGE_PIT] = true,
			       [LF_SR_CANCEL_FAILOVER] = true},
	[LF_SR_PLANNED_OVER] = {[LF_SR_COMPLETE_MIGRATION] = true,
				[LF_SR_COMMIT] = true,
				[LF_SR_DISABLE] = true,
				[LF_SR_CHANGE_PIT] = true,
				[LF_SR_CANCEL_FAILOVER] = true},
	[LF_SR_COMMITTED] = {[LF_SR_COMPLETE_MIGRATION] = true, [LF_SR_DISABLE] = true},
};

const struct lf_sr_phase_row *lf_sr_phase_row(enum lf_sr_phase phase)
{
	LF_ASSERT(phase < LF_SR_PHASES);
	return &phases[phase];
}

enum lf_sr_phase lf_sr_phase_of(const json_t *state)
{
	const char *name = lf_json_text_or(state, "phase", "");

	for (unsigned i = 0; i < LF_SR_PHASES; i++)
		if (strcmp(phases[i].name, name) == 0)
			return (enum lf_sr_phase)i;
	return LF_SR_ENABLE_FAILED;
}

bool lf_sr_allows(enum lf_sr_phase phase, enum lf_sr_action action)
{
	LF_ASSERT(phase < LF_SR_PHASES && action < LF_SR_ACTIONS);
	return allowed[phase][action];
}

const char *lf_sr_action_name(enum lf_sr_action action)
{
	LF_ASSERT(action < LF_SR_ACTIONS);
	return actions[action].name;
}

json_t *lf_sr_allowed_operations(enum lf_sr_phase phase)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < LF_SR_ACTIONS; i++)
		if (actions[i].listed && lf_sr_allows(phase, (enum lf_sr_action)i))
			json_array_append_new(names, json_string(actions[i].name));
	return names;
}

int lf_sr_check_allowed(const json_t *state, enum lf_sr_action action, const char *target,
			struct lf_error *err)
{
	enum lf_sr_phase phase = lf_sr_phase_of(state);
	char hint[sizeof(err->hint)];
	size_t used;

	if (lf_sr_allows(phase, action))
		return 0;
	used = (size_t)snprintf(hint, sizeof(hint), "allowed in this state: ");
	const char *separator = "";
	for (unsigned i = 0; i < LF_SR_ACTIONS && used < sizeof(hint); i++) {
		if (!actions[i].listed || !lf_sr_allows(phase, (enum lf_sr_action)i))
			continue;
		used += (size_t)snprintf(hint + used, sizeof(hint) - used, "%s%s", separator,
					 actions[i].name);
		separator = ", ";
	}
	if (!*separator)
		snprintf(hint, sizeof(hint), "wait until the present operation has ended");
	return lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowedInCurrentState", target, hint,
			   "%s is not possible while the item is '%s'", actions[action].name,
			   phases[phase].description);
}
