/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

static json_t *health_error(const json_t *fault, const char *entity_id)
{
	const char *code = lf_json_text_or(fault, "code", "");
	bool error = strcmp(lf_json_text_or(fault, "severity", "Error"), "Error") == 0;
	char id[LF_GUID_SIZE];

	lf_guid_derive(entity_id, code, id);
	return json_pack(
		"{s:[],s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s?,s:s,s:s,s:s,s:s}",
		"innerHealthErrors", "errorSource", "Landfall", "errorType", "ReplicationHealth",
		"errorLevel", error ? "Error" : "Warning", "errorCategory", "Replication",
		"errorCode", code, "summaryMessage", lf_json_text_or(fault, "message", ""),
		"errorMessage", lf_json_text_or(fault, "message", ""), "possibleCauses",
		lf_json_text_or(fault, "causes", ""), "recommendedAction",
		lf_json_text_or(fault, "action", ""), "creationTimeUtc",
		lf_json_text(fault, "since"), "recoveryProviderErrorMessage", "", "entityId",
		entity_id, "errorId", id, "customerResolvability", "NotAllowed");
}

json_t *lf_sr_health_errors(const json_t *health, const char *entity_id)
{
	json_t *errors = json_array(), *fault;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)health, i, fault)
		json_array_append_new(errors, health_error(fault, entity_id));
	return errors;
}

const char *lf_sr_health_word(const json_t *health)
{
	const char *word = "Normal";
	size_t i;
	json_t *fault;

	json_array_foreach ((json_t *)(uintptr_t)health, i, fault) {
		if (strcmp(lf_json_text_or(fault, "severity", "Error"), "Error") == 0)
			return "Critical";
		word = "Warning";
	}
	return word;
}
