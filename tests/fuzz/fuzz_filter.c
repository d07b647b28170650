/* SPDX-License-Identifier: Apache-2.0 */
/* $filter of lists: refused, or a filter that answers for any fields. */
#include <stdlib.h>
#include <string.h>

#include "providers/common/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LF_AUTO_JSON *fields =
		json_pack("{s:s, s:s, s:s, s:s, s:n}", "name", "web1", "startTime",
			  "2026-01-01T00:00:00Z", "status", "it's", "empty", "", "null");
	LF_AUTO_FILTER *filter = NULL;
	struct lf_error err = LF_ERROR_NONE;
	char *text = malloc(size + 1);

	LF_ASSERT(fields && text);
	memcpy(text, data, size);
	text[size] = '\0';
	int rc = lf_filter_new(text, &filter, &err);
	LF_ASSERT(rc == 0 || (rc == LF_EINVAL && !filter && err.message[0]));
	LF_ASSERT(filter || lf_filter_matches(filter, fields));
	(void)lf_filter_matches(filter, fields);
	free(text);
	return 0;
}
