/* SPDX-License-Identifier: Apache-2.0 */
/* $filter of lists: refused, or a filter that answers for any document. */
#include <stdlib.h>
#include <string.h>

#include "providers/common/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct lf_filter_row rows[] = {
		{"name", "name"},
		{"empty", "null"},
		{"startTime", "startTime", LF_FILTER_FROM},
		{"time", "startTime", LF_FILTER_TIME},
		{"location", "name", LF_FILTER_LOCATION},
		{"tagName", .kind = LF_FILTER_TAG_NAME},
		{"tagValue", .kind = LF_FILTER_TAG_VALUE},
	};
	LF_AUTO_JSON *doc = json_pack("{s:s, s:s, s:n, s:{s:s}}", "name", "web1", "startTime",
				      "2026-01-01T00:00:00Z", "null", "tags", "env", "it's");
	LF_AUTO_FILTER *filter = NULL;
	struct lf_error err = LF_ERROR_NONE;
	char *text = malloc(size + 1);

	LF_ASSERT(doc && text);
	memcpy(text, data, size);
	text[size] = '\0';
	int rc = lf_filter_new(text, rows, LF_N(rows), &filter, &err);
	LF_ASSERT(rc == 0 || (rc == LF_EINVAL && !filter && err.message[0]));
	LF_ASSERT(filter || lf_filter_passes(filter, doc));
	(void)lf_filter_passes(filter, doc);
	free(text);
	return 0;
}
