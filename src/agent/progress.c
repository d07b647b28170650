/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/progress.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

char *lf_progress_token(struct lf_progress *progress)
{
	LF_GUARD(&progress->mutex, lf_progress_lock);
	return strdup(progress->blob_token ? progress->blob_token : "");
}

/* What failed before stays told until something succeeds: the next try alone mends nothing. */
static void keep_failure(json_t *status, const json_t *before)
{
	static const char *const members[] = {"code", "error", "advice"};

	if (lf_json_at(status, "error"))
		return;
	for (size_t i = 0; i < LF_N(members); i++)
		if (lf_json_at(before, members[i]))
			json_object_set(status, members[i], lf_json_at(before, members[i]));
}

/* The status of the item becomes this one (NULL: none); keep: with an earlier failure. */
static void replace_status(struct lf_progress *progress, const char *item, json_t *status,
			   bool keep)
{
	json_t *all = json_array();
	size_t i;
	json_t *entry;

	LF_GUARD(&progress->mutex, lf_progress_lock);
	json_array_foreach (progress->status, i, entry) {
		if (strcmp(lf_json_text_or(entry, "itemId", ""), item) != 0)
			json_array_append(all, entry);
		else if (keep)
			keep_failure(status, entry);
	}
	if (status)
		json_array_append_new(all, status);
	json_decref(progress->status);
	progress->status = all;
}

void lf_progress_set(struct lf_progress *progress, json_t *status)
{
	replace_status(progress, lf_json_text_or(status, "itemId", ""), status, true);
}

void lf_progress_succeeded(struct lf_progress *progress, const char *item)
{
	replace_status(progress, item, json_pack("{s:s}", "itemId", item), false);
}
