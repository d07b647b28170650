/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/page.h"

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

static const char *name_at(const json_t *values, size_t i)
{
	return lf_json_text_or(json_array_get(values, i), "name", "");
}

int lf_page_reply(struct lf_arm_call *call, const json_t *values, struct lf_error *err)
{
	const char *after = lf_arm_query(call, "skiptoken");
	LF_AUTO_JSON *page = json_array();
	size_t n = json_array_size(values), start = 0, rows;

	int rc = lf_page_size(call, &rows, err);
	if (rc)
		return rc;
	for (size_t i = 0; after && !start && i < n; i++)
		if (lf_text_equal_nocase(name_at(values, i), after))
			start = i + 1;
	/* neither the first page again, which never ends, nor none, which looks like the last */
	if (after && !start)
		return lf_fail_arm(err, LF_EINVAL, "InvalidSkipToken", "$skiptoken",
				   "list again from the first page",
				   "the row after which the page begins is not in the list");
	size_t end = n - start > rows ? start + rows : n;
	for (size_t i = start; i < end; i++)
		if (json_array_append(page, json_array_get(values, i)))
			return lf_fail_nomem(err);
	return lf_arm_reply_list(call, page, end < n ? name_at(values, end - 1) : NULL, err);
}
