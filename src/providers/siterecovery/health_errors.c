/* SPDX-License-Identifier: Apache-2.0 */
/* What the replica says is wrong, as the errors that clients show. */
#include <string.h>

#include "json/view.h"
#include "providers/siterecovery/internal.h"

static json_t *health_error(const json_t *fault, const char *entity_id)
{
	static const struct lf_view_row rows[] = {
		{"innerHealthErrors", .fallback = "[]"},
		{"errorSource", .fallback = "\"Landfall\""},
		{"errorType", .fallback = "\"ReplicationHealth\""},
		{"errorCategory", .fallback = "\"Replication\""},
		{"errorCode", LF_VIEW_ANY, 0, "code", "\"\""},
		{"summaryMessage", LF_VIEW_ANY, 0, "message", "\"\""},
		{"errorMessage", LF_VIEW_ANY, 0, "message", "\"\""},
		{"possibleCauses", LF_VIEW_ANY, 0, "causes", "\"\""},
		{"recommendedAction", LF_VIEW_ANY, 0, "action", "\"\""},
		{"creationTimeUtc", LF_VIEW_ANY, 0, "since"},
		{"recoveryProviderErrorMessage", .fallback = "\"\""},
		{"customerResolvability", .fallback = "\"NotAllowed\""},
	};
	bool error = strcmp(lf_json_text_or(fault, "severity", "Error"), "Error") == 0;
	LF_AUTO_DOC view = LF_DOC_INIT;
	char id[LF_GUID_SIZE];

	lf_guid_derive(entity_id, lf_json_text_or(fault, "code", ""), id);
	lf_view_put(&view, rows, LF_N(rows), &fault);
	lf_doc_text(&view, "errorLevel", error ? "Error" : "Warning");
	lf_doc_text(&view, "entityId", entity_id);
	lf_doc_text(&view, "errorId", id);
	return lf_doc_take(&view);
}

json_t *lf_sr_health_errors(const json_t *health, const char *entity_id)
{
	LF_AUTO_JSON *errors = json_array();
	json_t *fault;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)health, i, fault)
		if (json_array_append_new(errors, health_error(fault, entity_id)))
			return NULL;
	return lf_steal(&errors);
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
