/* SPDX-License-Identifier: Apache-2.0 */
/* The first eight bytes are a blob's size, the rest the text of a Range header. */
#include "http_standin.h"
#include "fuzz.h"

#include "blob/serve/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_http_exchange x = {.method = "GET", .path = "/a/b/c"};
	struct lf_blob_range range = {7, 9};
	bool asked = false, partial = false;
	struct lf_error err;
	uint64_t length;

	if (size < sizeof(length))
		return 0;
	memcpy(&length, data, sizeof(length));
	LF_AUTO_FREE char *text =
		strndup((const char *)data + sizeof(length), size - sizeof(length));
	LF_ASSERT(text);
	int rc = lf_blob_range_parse(text, &asked, &range, &err);
	LF_ASSERT(rc == 0 || rc == LF_ERANGE);
	LF_ASSERT(range.first <= range.last);
	LF_ASSERT((!rc && asked) || (range.first == 7 && range.last == 9));
	standin_add(&x, data[0] & 1 ? "Range" : "x-ms-range", text);
	rc = lf_blob_range_within(&x, length, &partial, &range, &err);
	LF_ASSERT(rc == 0 || rc == LF_ERANGE);
	LF_ASSERT(rc || (range.first <= range.last && (range.last < length || !length)));
	LF_ASSERT(rc || partial == asked);
	LF_ASSERT(rc || partial || (range.first == 0 && range.last == (length ? length - 1 : 0)));
	return 0;
}
