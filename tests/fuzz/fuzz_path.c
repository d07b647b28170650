/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and forms as anybody may send them. */
#include <stdlib.h>
#include <string.h>

#include "arm/path.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LF_AUTO_FREE char *text = strndup((const char *)data, size);
	LF_AUTO_FREE char *value = NULL, *back = NULL;
	LF_AUTO_PATH path = {0};
	struct lf_error err;

	LF_ASSERT(text);
	if (lf_path_parse(text, &path, &err) == 0) {
		LF_ASSERT(path.n <= LF_PATH_SEGMENTS_MAX);
		for (size_t i = 0; i < path.n; i++)
			LF_ASSERT(path.segments[i][0] && !strchr(path.segments[i], '/') &&
				  strcmp(path.segments[i], "..") != 0 &&
				  strcmp(path.segments[i], ".") != 0);
	}
	if (lf_form_value(text, "filter", &value, &err) == 0 && value)
		LF_ASSERT(value[0]);
	/* whatever is text comes back when it was encoded; what is none is refused */
	LF_AUTO_FREE char *encoded = lf_url_encode(text);
	LF_ASSERT(encoded);
	LF_AUTO_FREE char *form = lf_printf_dup("a=1&filter=%s&b=2", encoded);
	LF_ASSERT(form);
	int rc = lf_form_value(form, "filter", &back, &err);
	LF_ASSERT(rc == (lf_utf8_valid(text) ? 0 : LF_EINVAL));
	if (!rc)
		LF_ASSERT(text[0] ? back && strcmp(back, text) == 0 : !back);
	return 0;
}
