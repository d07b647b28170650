/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies on their way out: documents, lists with the link to their next page,
 * and errors.  An error of the site's own says what kind it is and no more;
 * the log has the rest.
 */
#include <string.h>

#include "arm/call.h"

#include "json/doc.h"

#define JSON_TYPE "application/json; charset=utf-8"

static bool was_asked(const struct lf_arm_call *call, const char *name)
{
	for (size_t i = 0; i < call->n_queries; i++)
		if (lf_text_equal_nocase(call->queries[i].name, name))
			return true;
	return false;
}

/* A read that was to be another one than its handler makes: what would be said to mean one thing
 * means another. */
static int check_unread(const struct lf_arm_call *call, struct lf_error *err)
{
	static const char *const names[] = {"filter",  "top",	 "skip",  "skiptoken",
					    "orderby", "select", "expand"};

	if (!strchr(lf_http_query(call->http), '&')) /* most reads send an api-version alone */
		return 0;
	for (size_t i = 0; i < LF_N(names); i++) {
		LF_AUTO_FREE char *value = NULL;
		int rc = was_asked(call, names[i])
				 ? 0
				 : lf_form_value(lf_http_query(call->http), names[i], &value, err);
		if (rc)
			return rc;
		if (value && *value)
			return lf_fail_arm(err, LF_EINVAL,
					   i == 0 ? "InvalidFilterInQueryString"
						  : "InvalidQueryParameter",
					   names[i], "leave it out: it would have no effect",
					   "$%s is not served here", names[i]);
	}
	return 0;
}

int lf_arm_reply(struct lf_arm_call *call, int status, const json_t *body, struct lf_error *err)
{
	if (call->replied)
		return lf_fail(err, LF_EINTERNAL, NULL, "the handler answers twice");
	bool reads = status == 200 && strcmp(lf_http_method(call->http), "GET") == 0;
	if (reads) {
		int rc = check_unread(call, err);
		if (rc)
			return rc;
	}
	if (body) {
		char *text = NULL;
		int rc = lf_json_dump(body, &text, err);
		if (rc)
			return rc;
		lf_http_answer_take(call->http, JSON_TYPE, text, strlen(text));
	}
	lf_http_status(call->http, status);
	call->replied = true;
	return 0;
}

int lf_arm_reply_doc(struct lf_arm_call *call, int status, struct lf_doc *doc, struct lf_error *err)
{
	LF_AUTO_JSON *body = NULL;
	int rc = lf_doc_end(doc, &body, err);

	return rc ? rc : lf_arm_reply(call, status, body, err);
}

/* The request's URL with another $skiptoken. */
static char *next_link(struct lf_arm_call *call, const char *token)
{
	struct lf_buf url = LF_BUF_INIT;
	LF_AUTO_FREE char *encoded = lf_url_encode(token);

	lf_buf_printf(&url, "%s%s?", call->base_url, lf_http_path(call->http));
	for (const char *p = lf_http_query(call->http); *p;) {
		size_t len = strcspn(p, "&");
		const char *name = *p == '$' ? p + 1 : p + 3 * lf_text_starts_nocase(p, "%24");
		if (!lf_text_starts_nocase(name, "skiptoken=")) {
			lf_buf_append(&url, p, len);
			lf_buf_puts(&url, "&");
		}
		p += len + (p[len] == '&');
	}
	lf_buf_printf(&url, "$skiptoken=%s", encoded ? encoded : "");
	return encoded ? lf_buf_take(&url) : (lf_buf_done(&url), NULL);
}

int lf_arm_reply_list(struct lf_arm_call *call, json_t *values, const char *next_token,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *link = next_token ? next_link(call, next_token) : NULL;

	if (next_token && !link)
		return lf_fail_nomem(err);
	LF_AUTO_JSON *body = json_pack("{s:O,s:s?}", "value", values, "nextLink", link);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

/* Messages are written lower case and without a full stop; ARM's are sentences. */
static json_t *sentence(const char *message)
{
	char text[sizeof(((struct lf_error *)0)->message) + 2];

	snprintf(text, sizeof(text), "%s%s", message, message[0] ? "." : "");
	if (text[0] >= 'a' && text[0] <= 'z')
		text[0] = (char)(text[0] - 'a' + 'A');
	return json_string(text);
}

json_t *lf_arm_error_body(const struct lf_error *err)
{
	const struct lf_error told = lf_error_for_tenant(err);
	json_t *info = json_array();

	if (told.hint[0])
		json_array_append_new(info, json_pack("{s:s,s:{s:o}}", "type", "Recommendation",
						      "info", "advice", sentence(told.hint)));
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "code", lf_error_arm(&told));
	lf_doc_put(&doc, "message", sentence(told.message));
	lf_doc_put(&doc, "target", told.target[0] ? json_string(told.target) : json_null());
	lf_doc_put(&doc, "details", json_array());
	lf_doc_put(&doc, "additionalInfo", info);
	return lf_doc_take(&doc);
}

static bool says_not_found(const char *code)
{
	size_t len = strlen(code), end = strlen("NotFound");

	return len >= end && strcmp(code + len - end, "NotFound") == 0;
}

/* The code by which the documents of the call's provider know err. */
static const char *documented_code(const struct lf_arm_call *call, const struct lf_error *err)
{
	const struct lf_arm_provider *provider = call->match.provider;
	const char *own = lf_error_arm(err);

	if (!call->begun || !provider->error_codes ||
	    (err->code != LF_EINVAL && err->code != LF_ENOTFOUND))
		return own;
	for (const char *const *code = provider->error_codes; *code; code++)
		if (strcmp(*code, own) == 0)
			return own;
	return err->code == LF_ENOTFOUND || says_not_found(own) ? "ResourceNotFound"
								: "InvalidParameter";
}

/* The error, whose own code goes into its details where the documents have only a wider one. */
static json_t *documented_body(const struct lf_arm_call *call, const struct lf_error *err)
{
	LF_AUTO_JSON *own = lf_arm_error_body(err);
	const char *code = documented_code(call, err);

	if (!own || strcmp(code, lf_error_arm(err)) == 0)
		return lf_steal(&own);
	LF_AUTO_DOC body = lf_doc_from(json_copy(own));
	lf_doc_text(&body, "code", code);
	lf_doc_put(&body, "details", json_array());
	lf_doc_append(&body, "details", lf_steal(&own));
	return lf_doc_take(&body);
}

void lf_arm_reply_error(struct lf_arm_call *call, const struct lf_error *err)
{
	LF_AUTO_JSON *body = json_pack("{s:o}", "error", documented_body(call, err));
	struct lf_error ignored;
	int status = lf_error_http(err->code);

	call->replied = false;
	lf_http_set_header(call->http, "x-ms-failure-cause", "gateway");
	if (status == 401)
		lf_http_set_header(call->http, "WWW-Authenticate",
				   "Bearer error=\"invalid_token\", error_description=\"The access "
				   "token is missing or not valid\"");
	if (status == 429 || status == 503 || status == 507)
		lf_http_set_header(call->http, "Retry-After", "5");
	if (!body || lf_arm_reply(call, status, body, &ignored))
		lf_http_answer_sorry(call->http);
}
