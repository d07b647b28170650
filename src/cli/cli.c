/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: sign in where there is no token yet, send, renew a token that is
 * refused once, and turn what the service says into an error with its code. 
 * Lists follow their next links; an operation is polled where its answer says.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "http/client.h"

#define POLL_MAX_S 10u

void lf_cli_answer_done(struct lf_cli_answer *answer)
{
	json_decref(answer->doc);
	free(answer->text);
	answer->doc = NULL;
	answer->text = NULL;
}

void lf_cli_sleep_ms(unsigned ms)
{
	struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&wait, NULL);
}

char *lf_cli_path(const struct lf_cli *cli, const char *fmt, ...)
{
	char rest[2048];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(rest, sizeof(rest), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(rest))
		return NULL;
	return lf_printf_dup("/subscriptions/%s%s", cli->subscription, rest);
}

/* The error code whose exit status and class fit an HTTP status. */
static int code_of_status(int status)
{
	static const struct {
		int status, code;
	} rows[] = {
		{400, LF_EINVAL},	 {401, LF_EUNAUTHENTICATED}, {403, LF_EDENIED},
		{404, LF_ENOTFOUND},	 {405, LF_EMETHOD},	     {409, LF_ECONFLICT},
		{412, LF_EPRECONDITION}, {413, LF_ETOOLARGE},	     {422, LF_EINVAL},
		{429, LF_ETHROTTLED},	 {503, LF_EUNREACHABLE},     {504, LF_ETIMEOUT},
		{507, LF_ENOSPACE},
	};

	for (size_t i = 0; i < LF_N(rows); i++)
		if (rows[i].status == status)
			return rows[i].code;
	return LF_EINTERNAL;
}

/* Turn {"code","message","target","additionalInfo"} into err. */
static int fail_service(int status, const json_t *error, const char *text, struct lf_error *err)
{
	const char *message = lf_json_text(error, "message");

	return lf_fail_arm(err, code_of_status(status), lf_json_text_or(error, "code", ""),
			   lf_json_text(error, "target"),
			   lf_json_text(error, "additionalInfo.0.info.advice"), "%s",
			   message	   ? message
			   : text && *text ? text
					   : "the service gave no reason");
}

static char *url_of(const struct lf_cli *cli, const char *path, const char *api)
{
	bool whole = lf_text_starts_nocase(path, "https://");
	const char *mark = strchr(path, '?') ? "&" : "?";

	return lf_printf_dup("%s%s%s%s%s", whole ? "" : cli->url, path, api ? mark : "",
			     api ? "api-version=" : "", api ? api : "");
}

static void read_headers(const struct lf_http_answer *http, struct lf_cli_answer *answer)
{
	char seconds[16];
	uint64_t n;
	struct lf_error ignored;

	lf_http_answer_header(http, "Location", answer->location, sizeof(answer->location));
	if (!lf_http_answer_header(http, "Azure-AsyncOperation", answer->monitor,
				   sizeof(answer->monitor)) &&
	    answer->location[0]) {
		memcpy(answer->monitor, answer->location, sizeof(answer->monitor));
		answer->by_location = true;
	}
	if (lf_http_answer_header(http, "Retry-After", seconds, sizeof(seconds)) &&
	    !lf_parse_u64(seconds, 0, 3600, &n, &ignored))
		answer->retry_after = (unsigned)n;
}

static int send_once(struct lf_cli *cli, const char *method, const char *url, const char *text,
		     struct lf_http_answer *ret_http, struct lf_error *err)
{
	LF_AUTO_FREE char *bearer = lf_printf_dup("Authorization: Bearer %s", cli->token);
	const char *const headers[] = {bearer, "Accept: application/json",
				       text ? "Content-Type: application/json" : NULL, NULL};
	struct lf_http_call call = {.method = method,
				    .url = url,
				    .headers = headers,
				    .body = text,
				    .body_len = text ? strlen(text) : 0};

	return bearer ? lf_http_client_call(cli->http, &call, ret_http, err) : lf_fail_nomem(err);
}

/* Tokens live an hour: a refused one is renewed once. */
static int send_signed(struct lf_cli *cli, const char *method, const char *url, const char *text,
		       struct lf_http_answer *http, struct lf_error *err)
{
	bool fresh = !cli->token;
	int rc = fresh ? lf_cli_sign_in(cli, err) : 0;

	if (!rc)
		rc = send_once(cli, method, url, text, http, err);
	if (rc || http->status != 401 || fresh)
		return rc;
	lf_http_answer_done(http);
	rc = lf_cli_sign_in(cli, err);
	return rc ? rc : send_once(cli, method, url, text, http, err);
}

int lf_cli_call(struct lf_cli *cli, const char *method, const char *path, const char *api,
		const json_t *body, struct lf_cli_answer *ret_answer, struct lf_error *err)
{
	LF_AUTO_FREE char *url = url_of(cli, path, api);
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_HTTP_ANSWER http = {0};
	LF_AUTO_CLI_ANSWER answer = {0};
	struct lf_error ignored;

	if (!url)
		return lf_fail_nomem(err);
	/* the token goes to our own service only */
	if (!lf_text_starts_nocase(url, cli->url) || !strchr("/?", url[strlen(cli->url)]))
		return lf_fail(err, LF_EINVAL, url, "%s is not below %s", url, cli->url);
	int rc = body ? lf_json_dump(body, &text, err) : 0;
	if (!rc)
		rc = send_signed(cli, method, url, text, &http, err);
	if (rc)
		return rc;
	answer.status = http.status;
	read_headers(&http, &answer);
	if (http.body.len &&
	    lf_json_parse_own(http.body.data, http.body.len, &answer.doc, &ignored))
		answer.doc = NULL;
	answer.text_len = http.body.len;
	answer.text = http.body.len ? lf_buf_take(&http.body) : strdup("");
	if (!answer.text)
		return lf_fail_nomem(err);
	if (answer.status >= 400)
		return fail_service(answer.status, lf_json_at(answer.doc, "error"), answer.text,
				    err);
	*ret_answer = answer;
	answer = (struct lf_cli_answer){0};
	return 0;
}

int lf_cli_get(struct lf_cli *cli, const char *path, const char *api, json_t **ret_doc,
	       struct lf_error *err)
{
	LF_AUTO_CLI_ANSWER answer = {0};
	int rc = lf_cli_call(cli, "GET", path, api, NULL, &answer, err);

	if (rc)
		return rc;
	if (!answer.doc)
		return lf_fail(err, LF_EINTERNAL, path, "the answer is not JSON");
	*ret_doc = lf_steal(&answer.doc);
	return 0;
}

int lf_cli_list(struct lf_cli *cli, const char *path, const char *api, json_t **ret_items,
		struct lf_error *err)
{
	LF_AUTO_JSON *items = json_array();
	LF_AUTO_FREE char *next = strdup(path);

	while (next) {
		LF_AUTO_JSON *page = NULL;
		int rc = lf_cli_get(cli, next, api, &page, err);
		if (rc)
			return rc;
		json_t *values = json_is_array(page) ? page : lf_json_at(page, "value");
		const char *link = json_is_array(page) ? NULL : lf_json_text(page, "nextLink");
		if (!items || (values && json_array_extend(items, values)))
			return lf_fail_nomem(err);
		free(next);
		next = link && *link ? strdup(link) : NULL;
		api = NULL;
	}
	*ret_items = lf_steal(&items);
	return 0;
}

/* 1: the operation is over and went well; 0: it still runs. */
static int judge(const struct lf_cli_answer *answer, bool by_location, struct lf_error *err)
{
	const char *status = lf_json_text_or(answer->doc, "status", "");

	if (by_location)
		return answer->status != 202;
	if (lf_text_equal_nocase(status, "Succeeded"))
		return 1;
	if (!lf_text_equal_nocase(status, "Failed") && !lf_text_starts_nocase(status, "Cancel"))
		return 0;
	const json_t *error = lf_json_at(answer->doc, "error");
	if (!error && lf_text_starts_nocase(status, "Cancel"))
		return lf_fail(err, LF_ECANCELED, NULL, "the operation was cancelled");
	return fail_service(409, error, "the operation failed", err);
}

static int follow(struct lf_cli *cli, const struct lf_cli_answer *first,
		  lf_cli_progress_fn *progress, void *context, struct lf_error *err)
{
	unsigned wait_ms = 200;

	for (;;) {
		LF_AUTO_CLI_ANSWER answer = {0};
		int rc = lf_cli_call(cli, "GET", first->monitor, NULL, NULL, &answer, err);
		if (!rc)
			rc = judge(&answer, first->by_location, err);
		if (rc)
			return rc < 0 ? rc : 0;
		if (progress)
			rc = progress(cli, context, err);
		if (rc)
			return rc;
		lf_cli_sleep_ms(wait_ms);
		unsigned limit = answer.retry_after > POLL_MAX_S ? POLL_MAX_S : answer.retry_after;
		wait_ms = wait_ms * 2 > limit * 1000 ? (limit ? limit : 1) * 1000 : wait_ms * 2;
	}
}

/* The result's place: the resource of a PUT, the Location of the rest, nothing for DELETE. */
static int read_result(struct lf_cli *cli, const char *method, const char *path, const char *api,
		       const struct lf_cli_answer *first, json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_CLI_ANSWER answer = {0};
	int rc = 0;

	if (strcmp(method, "PUT") == 0)
		rc = lf_cli_call(cli, "GET", path, api, NULL, &answer, err);
	else if (strcmp(method, "DELETE") != 0 && first->location[0])
		rc = lf_cli_call(cli, "GET", first->location, NULL, NULL, &answer, err);
	if (!rc)
		*ret_doc = answer.doc ? lf_steal(&answer.doc) : json_null();
	return rc;
}

int lf_cli_change(struct lf_cli *cli, const char *method, const char *path, const char *api,
		  const json_t *body, lf_cli_progress_fn *progress, void *context, json_t **ret_doc,
		  struct lf_error *err)
{
	LF_AUTO_CLI_ANSWER first = {0};
	int rc = lf_cli_call(cli, method, path, api, body, &first, err);

	if (rc)
		return rc;
	bool running = first.monitor[0] &&
		       (first.status == 201 || first.status == 202 || !first.by_location);
	if (!running || !cli->wait) {
		*ret_doc = first.doc ? lf_steal(&first.doc) : json_null();
		return 0;
	}
	rc = follow(cli, &first, progress, context, err);
	return rc ? rc : read_result(cli, method, path, api, &first, ret_doc, err);
}
