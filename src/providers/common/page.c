/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/page.h"

#include <string.h>

#include "base/text.h"

int lf_page_size(struct lf_arm_call *call, size_t *ret_rows, struct lf_error *err)
{
	const char *top = lf_arm_query(call, "top");
	uint64_t rows = LF_PAGE_ROWS;
	struct lf_error ignored;

	if (top && lf_parse_u64(top, 1, 1000, &rows, &ignored))
		return lf_fail_arm(err, LF_EINVAL, "InvalidTopInQueryString", "$top",
				   "give a number from 1 to 1000", "the $top '%.40s' is invalid",
				   top);
	*ret_rows = rows;
	return 0;
}

/* What tells a row from the others: its id, or (of what has none) its name. */
static const char *key_at(const json_t *values, size_t i)
{
	const json_t *row = json_array_get(values, i);

	return lf_json_text_or(row, "id", lf_json_text_or(row, "name", ""));
}

/* Where the page begins: behind the row that the token names, or, when that is gone, at its place.
 */
static int find_start(struct lf_arm_call *call, const json_t *values, size_t *ret_start,
		      struct lf_error *err)
{
	const char *token = lf_arm_query(call, "skiptoken");
	const char *key = token ? strchr(token, '~') : NULL;
	size_t n = json_array_size(values);
	uint64_t place = 0;

	*ret_start = 0;
	if (!token)
		return 0;
	LF_AUTO_FREE char *number = strndup(token, key ? (size_t)(key - token) : 0);
	if (!number)
		return lf_fail_nomem(err);
	if (lf_parse_u64(number, 1, UINT32_MAX, &place, err))
		return lf_fail_arm(err, LF_EINVAL, "InvalidSkipToken", "$skiptoken",
				   "list again from the first page",
				   "this is no token of a list's page");
	*ret_start = place < n ? place : n;
	for (size_t i = 0; i < n; i++)
		if (lf_text_equal_nocase(key_at(values, i), key + 1)) {
			*ret_start = i + 1;
			break;
		}
	return 0;
}

int lf_page_reply(struct lf_arm_call *call, const json_t *values, struct lf_error *err)
{
	LF_AUTO_JSON *page = json_array();
	LF_AUTO_FREE char *next = NULL;
	size_t n = json_array_size(values), start = 0, rows;

	int rc = lf_page_size(call, &rows, err);
	if (!rc)
		rc = find_start(call, values, &start, err);
	if (rc)
		return rc;
	size_t end = n - start > rows ? start + rows : n;
	for (size_t i = start; i < end; i++)
		if (json_array_append(page, json_array_get(values, i)))
			return lf_fail_nomem(err);
	if (end < n && !(next = lf_printf_dup("%zu~%s", end, key_at(values, end - 1))))
		return lf_fail_nomem(err);
	return lf_arm_reply_list(call, page, next, err);
}
