/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request after another over one kept connection of libcurl.  A CA file,
 * where one is given, takes the place of the system's.  What went wrong
 * becomes one of our errors: refused, unreachable or out of time are told
 * apart from an answer that says no.
 */
#include "http/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/text.h"

#define ANSWER_MAX_DEFAULT ((size_t)16 << 20)
#define HEADERS_MAX	   ((size_t)64 << 10)
#define TIMEOUT_DEFAULT	   (60 * LF_NS_PER_S)
#define CONNECT_DEFAULT	   (10 * LF_NS_PER_S)

struct lf_http_client {
	CURL *curl;
	char *ca_file, *cert_file, *key_file;
	long timeout_ms, connect_ms;
	bool verify;
};

struct receiving {
	struct lf_buf *buf;
	size_t max;
	bool too_large;
};

static void global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static char *dup_or_null(const char *text)
{
	return text ? strdup(text) : NULL;
}

int lf_http_client_new(const struct lf_http_client_opts *opts, struct lf_http_client **ret_client,
		       struct lf_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct lf_http_client *client = calloc(1, sizeof(*client));

	if (!client)
		return lf_fail_nomem(err);
	pthread_once(&once, global_init);
	client->curl = curl_easy_init();
	client->ca_file = dup_or_null(opts->ca_file);
	client->cert_file = dup_or_null(opts->cert_file);
	client->key_file = dup_or_null(opts->key_file);
	client->timeout_ms =
		(long)((opts->timeout_ns ? opts->timeout_ns : TIMEOUT_DEFAULT) / LF_NS_PER_MS);
	client->connect_ms =
		(long)((opts->connect_timeout_ns ? opts->connect_timeout_ns : CONNECT_DEFAULT) /
		       LF_NS_PER_MS);
	client->verify = !opts->insecure;
	/* without its CA a client would trust the system's */
	if (!client->curl || (opts->ca_file && !client->ca_file) ||
	    (opts->cert_file && !client->cert_file) || (opts->key_file && !client->key_file)) {
		lf_http_client_free(client);
		return lf_fail_nomem(err);
	}
	*ret_client = client;
	return 0;
}

void lf_http_client_free(struct lf_http_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	free(client->ca_file);
	free(client->cert_file);
	free(client->key_file);
	free(client);
}

void lf_http_answer_done(struct lf_http_answer *answer)
{
	lf_buf_done(&answer->body);
	lf_buf_done(&answer->headers);
	*answer = (struct lf_http_answer){0};
}

static size_t receive(char *data, size_t size, size_t n, void *cls)
{
	struct receiving *receiving = cls;

	if (receiving->buf->len + size * n > receiving->max) {
		receiving->too_large = true;
		return 0;
	}
	lf_buf_append(receiving->buf, data, size * n);
	return receiving->buf->failed ? 0 : size * n;
}

static int fail_curl(CURLcode code, const char *url, const char *detail, struct lf_error *err)
{
	const char *why = detail[0] ? detail : curl_easy_strerror(code);

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return lf_fail(err, LF_ETIMEOUT, url, "no answer in time: %s", why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return lf_fail(err, LF_EUNAUTHENTICATED, url,
			       "the server is not who it should be: %s", why);
	case CURLE_OUT_OF_MEMORY:
		return lf_fail_nomem(err);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return lf_fail(err, LF_EINVAL, url, "'%.200s' is not an https URL", url);
	default:
		return lf_fail(err, LF_EUNREACHABLE, url, "cannot reach the server: %s", why);
	}
}

/* A body from memory or from a file; *ret_file is for the caller to close. */
static int set_body(CURL *curl, const struct lf_http_call *call, FILE **ret_file,
		    struct lf_error *err)
{
	struct stat st;

	if (call->body_file) {
		FILE *file = fopen(call->body_file, "rbe");
		if (!file || fstat(fileno(file), &st)) {
			int sys = errno;
			if (file)
				fclose(file);
			return lf_fail_sys(err, sys, call->body_file, "cannot open %s",
					   call->body_file);
		}
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_READDATA, file);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
		*ret_file = file;
	} else if (call->body || strcmp(call->method, "POST") == 0 ||
		   strcmp(call->method, "PUT") == 0 || strcmp(call->method, "PATCH") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body ? call->body : "");
	}
	if (strcmp(call->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
	return 0;
}

static void set_connection(const struct lf_http_client *client, const struct lf_http_call *call,
			   char *detail)
{
	CURL *curl = client->curl;

	curl_easy_reset(curl); /* options only: connections stay */
	curl_easy_setopt(curl, CURLOPT_URL, call->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, client->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, client->connect_ms);
	if (client->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
	if (client->cert_file) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, client->cert_file);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, client->key_file);
	}
	if (!client->verify) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

int lf_http_client_call(struct lf_http_client *client, const struct lf_http_call *call,
			struct lf_http_answer *ret_answer, struct lf_error *err)
{
	LF_AUTO_HTTP_ANSWER answer = {0};
	struct receiving body = {&answer.body,
				 call->answer_max ? call->answer_max : ANSWER_MAX_DEFAULT, false};
	struct receiving headers = {&answer.headers, HEADERS_MAX, false};
	struct curl_slist *lines = curl_slist_append(NULL, "Expect:");
	char detail[CURL_ERROR_SIZE] = "";
	FILE *file = NULL;
	long status = 0;

	for (size_t i = 0; call->headers && call->headers[i]; i++)
		lines = curl_slist_append(lines, call->headers[i]);
	set_connection(client, call, detail);
	int rc = set_body(client->curl, call, &file, err);
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, lines);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &body);
	curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, receive);
	curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, &headers);
	CURLcode code = rc ? CURLE_OK : curl_easy_perform(client->curl);
	curl_slist_free_all(lines);
	if (file)
		fclose(file);
	if (rc)
		return rc;
	if (body.too_large || headers.too_large)
		return lf_fail(err, LF_ETOOLARGE, call->url, "the answer is over %zu bytes",
			       body.max);
	if (code != CURLE_OK)
		return fail_curl(code, call->url, detail, err);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	answer.status = (int)status;
	*ret_answer = answer;
	answer = (struct lf_http_answer){0};
	return 0;
}

bool lf_http_answer_header(const struct lf_http_answer *answer, const char *name, char *out,
			   size_t out_size)
{
	size_t len = strlen(name);

	for (const char *p = lf_buf_text(&answer->headers); *p;) {
		size_t line = strcspn(p, "\r\n");
		if (line > len && p[len] == ':' && strncasecmp(p, name, len) == 0) {
			const char *value = p + len + 1 + strspn(p + len + 1, " ");
			snprintf(out, out_size, "%.*s", (int)(p + line - value), value);
			return true;
		}
		p += line;
		p += strspn(p, "\r\n");
	}
	return false;
}
