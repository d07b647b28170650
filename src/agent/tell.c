/* SPDX-License-Identifier: Apache-2.0 */
/* What the site is asked, how far a session is, as it is told; and whether it is to stop. */
#include "agent/session.h"
#include "agent/transfer.h"

#include "base/clock.h"

#define TELL_EVERY_NS (LF_NS_PER_S / 2)

int lf_transfer_post(const struct transfer *t, const char *path, const json_t *request,
		     json_t **ret_answer, struct lf_error *err)
{
	return t->opts->site->post(t->opts->site->context, path, request, ret_answer, err);
}

/* Tell how far we are, at most twice a second. */
void lf_transfer_tell(struct transfer *t, bool now)
{
	int64_t time = lf_clock_monotonic_ns();
	json_t *disks;

	if (!now && time - t->told_ns < TELL_EVERY_NS)
		return;
	t->told_ns = time;
	disks = json_array();
	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(
			disks, json_pack("{s:s,s:I,s:I,s:I}", "id", t->disks[i].id, "sizeBytes",
					 (json_int_t)t->disks[i].size, "processedBytes",
					 (json_int_t)t->disks[i].processed, "sentBytes",
					 (json_int_t)(i		   ? 0
						      : t->outflow ? lf_outflow_sent(t->outflow)
								   : 0)));
	int64_t ms = (time - t->begun_ns) / LF_NS_PER_MS + 1;
	lf_progress_set(t->opts->progress,
			json_pack("{s:s,s:o,s:I}", "itemId", t->item, "disks", disks,
				  "bytesPerSecond",
				  (json_int_t)(t->read_bytes * 1000 / (uint64_t)ms)));
}

int lf_transfer_check_stop(const struct transfer *t, struct lf_error *err)
{
	return *t->opts->stopping ? lf_fail(err, LF_ECANCELED, NULL, "the agent is stopping") : 0;
}
