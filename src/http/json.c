/* SPDX-License-Identifier: Apache-2.0 */
#include "http/json.h"

#include <string.h>

#include "base/log.h"

int lf_http_answer_json(struct lf_http_exchange *x, const json_t *doc, struct lf_error *err)
{
	char *text = NULL;
	int rc = lf_json_dump(doc, &text, err);

	if (rc)
		return rc;
	lf_http_status(x, 200);
	lf_http_answer_take(x, "application/json", text, strlen(text));
	return 0;
}

void lf_http_answer_error(struct lf_http_exchange *x, const struct lf_error *err)
{
	const char *message = lf_error_outside(err);
	const char *advice = message == err->message ? err->hint : "";
	LF_AUTO_JSON *doc = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", lf_error_arm(err),
				      "message", message, "advice", advice);
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;

	lf_http_status(x, lf_error_http(err->code));
	if (text)
		lf_http_answer_take(x, "application/json", text, strlen(text));
	else
		lf_http_answer_sorry(x);
	if (message != err->message)
		lf_log_error(lf_http_path(x), err);
}

int lf_http_answer_check(const struct lf_http_answer *answer, const char *what,
			 struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;
	struct lf_error ignored;
	int code = LF_EUNREACHABLE;

	if (answer->status >= 200 && answer->status < 300)
		return 0;
	if (lf_json_parse(lf_buf_text(&answer->body), answer->body.len, &doc, &ignored))
		doc = NULL;
	const char *arm = lf_json_text_or(doc, "error.code", "");
	if (answer->status == 401 || answer->status == 403)
		code = LF_EUNAUTHENTICATED;
	else if (answer->status == 404)
		code = LF_ENOTFOUND;
	else if (answer->status == 507)
		return lf_fail_arm(err, LF_ENOSPACE, "SiteStorageFull", what,
				   "make room on the site's disk; it goes on by itself",
				   "the site has no space left for this machine's data");
	else if (answer->status >= 400 && answer->status < 500)
		code = LF_EINVAL;
	return lf_fail_arm(err, code, arm, what, lf_json_text_or(doc, "error.advice", ""),
			   "the site answers %d: %s", answer->status,
			   lf_json_text_or(doc, "error.message", "no reason given"));
}
