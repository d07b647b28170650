/* SPDX-License-Identifier: Apache-2.0 */
/* Where things are in the catalog; and the agents' latest reports, which no row has. */
#include "replication/state.h"

#include <stdlib.h>
#include <string.h>

void lf_agent_path(const char *agent, char out[static LF_ID_SIZE])
{
	snprintf(out, LF_ID_SIZE, "/landfall/agents/%s", agent);
}

void lf_session_path(const char *session, char out[static LF_ID_SIZE])
{
	snprintf(out, LF_ID_SIZE, "/landfall/sessions/%s", session);
}

void lf_replica_path(const char *item_id, char out[static LF_ID_SIZE])
{
	char lower[1024], guid[LF_GUID_SIZE];
	size_t i = 0;

	for (; item_id[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(item_id[i] >= 'A' && item_id[i] <= 'Z' ? item_id[i] + 32
									 : item_id[i]);
	lower[i] = '\0';
	lf_guid_hash("replica", lower, guid);
	snprintf(out, LF_ID_SIZE, "/landfall/replicas/%s", guid);
}

void lf_report_put(struct lf_replication *replication, const char *agent, json_t *status)
{
	LF_GUARD(&replication->mutex, lf_reports_lock);
	struct lf_report *report = replication->reports;

	while (report && strcmp(report->agent, agent) != 0)
		report = report->next;
	if (!report) {
		report = calloc(1, sizeof(*report));
		if (!report) {
			json_decref(status);
			return;
		}
		snprintf(report->agent, sizeof(report->agent), "%s", agent);
		report->next = replication->reports;
		replication->reports = report;
	}
	json_decref(report->status);
	report->status = status;
	report->heard_ns = lf_clock_now_ns(replication->opts.clock);
}

json_t *lf_report_get(struct lf_replication *replication, const char *agent, const char *item_id,
		      int64_t *ret_heard_ns)
{
	LF_GUARD(&replication->mutex, lf_reports_lock);
	const struct lf_report *report = replication->reports;
	size_t i;
	json_t *entry;

	*ret_heard_ns = 0;
	while (report && strcmp(report->agent, agent) != 0)
		report = report->next;
	if (!report)
		return NULL;
	*ret_heard_ns = report->heard_ns;
	json_array_foreach (report->status, i, entry) {
		if (item_id && lf_text_equal_nocase(lf_json_text_or(entry, "itemId", ""), item_id))
			return json_deep_copy(entry);
	}
	return NULL;
}
