/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/serve/range.h"

#include <string.h>

#include "base/checked.h"
#include "base/text.h"

static int fail_range(const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ERANGE, "InvalidRange", "Range",
			   "give bytes=FIRST- or bytes=FIRST-LAST within the blob", "the range %s",
			   what);
}

/* Digits from *at on, which then is behind them; false: there are none. */
static bool take_number(const char **at, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *p = *at;

	for (; *p >= '0' && *p <= '9'; p++)
		if (!lf_checked_mul(value, 10, &value) || !lf_checked_add(value, *p - '0', &value))
			value = UINT64_MAX;
	if (p == *at)
		return false;
	*at = p;
	*ret_value = value;
	return true;
}

int lf_blob_range_parse(const char *text, bool *ret_asked, struct lf_blob_range *ret_range,
			struct lf_error *err)
{
	static const char unit[] = "bytes=";
	struct lf_blob_range range = {0, UINT64_MAX};

	if (!text || !lf_text_starts_nocase(text, unit)) {
		*ret_asked = false;
		return 0;
	}
	const char *at = text + strlen(unit);
	bool good = take_number(&at, &range.first) && *at++ == '-';
	if (good && *at)
		good = take_number(&at, &range.last) && !*at;
	if (!good)
		return fail_range("is not of the form bytes=FIRST-LAST", err);
	if (range.last < range.first)
		return fail_range("ends before it begins", err);
	*ret_asked = true;
	*ret_range = range;
	return 0;
}

int lf_blob_range_asked(const struct lf_http_exchange *x, bool *ret_asked,
			struct lf_blob_range *ret_range, struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-range");

	return lf_blob_range_parse(text ? text : lf_http_header(x, "Range"), ret_asked, ret_range,
				   err);
}

int lf_blob_range_within(const struct lf_http_exchange *x, uint64_t size, bool *ret_partial,
			 struct lf_blob_range *ret_range, struct lf_error *err)
{
	const uint64_t end = size ? size - 1 : 0;
	struct lf_blob_range range = {0, end};
	bool asked;

	int rc = lf_blob_range_asked(x, &asked, &range, err);
	if (rc)
		return rc;
	if (asked && range.first >= size)
		return fail_range("begins beyond the end of the blob", err);
	if (range.last > end)
		range.last = end;
	*ret_partial = asked;
	*ret_range = range;
	return 0;
}
