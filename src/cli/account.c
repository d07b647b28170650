/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from a file or the environment, and signing in: the client's secret
 * for a token, one for the management plane and, when asked for, one for
 * storage. Nothing is kept on disk.
 */
#include "cli/account.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "http/client.h"
#include "os/file.h"

#define ENV_FILE_MAX	65536
#define REQUEST_LIMIT_S 120

/* The value that follows "NAME=" up to the end of the line, without its quotes. */
static char *value_at(const char *at)
{
	size_t len = strcspn(at, "\r\n");

	if (len >= 2 && (at[0] == '\'' || at[0] == '"') && at[len - 1] == at[0]) {
		at++;
		len -= 2;
	}
	return strndup(at, len);
}

char *lf_account_setting(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line;) {
		const char *at = line + strspn(line, " \t");
		if (strncmp(at, "export ", 7) == 0)
			at += 7 + strspn(at + 7, " \t");
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return value_at(at + len + 1);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	const char *value = getenv(name);
	return value && *value ? strdup(value) : NULL;
}

char *lf_form_encode(const char *text)
{
	LF_AUTO_BUF out = LF_BUF_INIT;

	lf_buf_puts(&out, "");
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (isalnum(*c) || strchr("-._~", *c))
			lf_buf_append(&out, c, 1);
		else
			lf_buf_printf(&out, "%%%02X", *c);
	return lf_buf_take(&out);
}

static int take_setting(const char *text, const char *name, char **ret_value, struct lf_error *err)
{
	*ret_value = lf_account_setting(text, name);
	if (*ret_value)
		return 0;
	lf_fail(err, LF_EINVAL, name, "%s is not set", name);
	return lf_error_hint(err, "give --env DIR/client.env, the file that landfalld writes");
}

int lf_cli_open(struct lf_cli *cli, const char *env_file, struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	int rc = env_file ? lf_file_read(env_file, ENV_FILE_MAX, &file, err) : 0;
	const char *text = env_file ? lf_buf_text(&file) : NULL;
	LF_AUTO_FREE char *ca_file = rc ? NULL : lf_account_setting(text, "LF_CA_FILE");

	if (!rc)
		rc = take_setting(text, "LF_URL", &cli->url, err);
	if (!rc)
		rc = take_setting(text, "LF_TENANT_ID", &cli->tenant, err);
	if (!rc)
		rc = take_setting(text, "LF_CLIENT_ID", &cli->client_id, err);
	if (!rc)
		rc = take_setting(text, "LF_CLIENT_SECRET", &cli->client_secret, err);
	if (!rc)
		rc = take_setting(text, "LF_SUBSCRIPTION_ID", &cli->subscription, err);
	if (file.data)
		explicit_bzero(file.data, file.len);
	if (rc)
		return rc;
	for (size_t len = strlen(cli->url); len && cli->url[len - 1] == '/'; len--)
		cli->url[len - 1] = '\0';
	const struct lf_http_client_opts opts = {
		.ca_file = ca_file, .timeout_ns = REQUEST_LIMIT_S * INT64_C(1000000000)};
	return lf_http_client_new(&opts, &cli->http, err);
}

void lf_cli_done(struct lf_cli *cli)
{
	if (cli->client_secret)
		explicit_bzero(cli->client_secret, strlen(cli->client_secret));
	if (cli->token)
		explicit_bzero(cli->token, strlen(cli->token));
	if (cli->storage_token)
		explicit_bzero(cli->storage_token, strlen(cli->storage_token));
	lf_http_client_free(cli->http);
	free(cli->url);
	free(cli->tenant);
	free(cli->client_id);
	free(cli->client_secret);
	free(cli->subscription);
	free(cli->token);
	free(cli->storage_token);
	*cli = (struct lf_cli){0};
}

static int ask_token(struct lf_cli *cli, const char *audience, struct lf_http_answer *ret_answer,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s/%s/oauth2/v2.0/token", cli->url, cli->tenant);
	LF_AUTO_FREE char *scope = lf_form_encode(audience);
	LF_AUTO_FREE char *id = lf_form_encode(cli->client_id);
	LF_AUTO_FREE char *secret = lf_form_encode(cli->client_secret);
	LF_AUTO_BUF form = LF_BUF_INIT;
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
					      NULL};

	if (!url || !scope || !id || !secret)
		return lf_fail_nomem(err);
	lf_buf_printf(&form,
		      "grant_type=client_credentials&client_id=%s&client_secret=%s"
		      "&scope=%s%%2F.default",
		      id, secret, scope);
	int rc = lf_buf_check(&form, err);
	struct lf_http_call call = {.method = "POST",
				    .url = url,
				    .headers = headers,
				    .body = form.data,
				    .body_len = form.len};
	if (!rc)
		rc = lf_http_client_call(cli->http, &call, ret_answer, err);
	explicit_bzero(secret, strlen(secret));
	explicit_bzero(form.data, form.len);
	return rc;
}

static int sign_in(struct lf_cli *cli, const char *audience, char **token_of_cli,
		   struct lf_error *err)
{
	LF_AUTO_HTTP_ANSWER answer = {0};
	LF_AUTO_JSON *doc = NULL;
	int rc = ask_token(cli, audience, &answer, err);

	if (!rc)
		rc = lf_json_parse(lf_buf_text(&answer.body), answer.body.len, &doc, err);
	if (rc)
		return rc;
	const char *token = lf_json_text(doc, "access_token");
	if (answer.status != 200 || !token)
		return lf_fail_arm(
			err, LF_EUNAUTHENTICATED, lf_json_text_or(doc, "error", "invalid_client"),
			cli->url, "check LF_CLIENT_ID and LF_CLIENT_SECRET", "%s",
			lf_json_text_or(doc, "error_description", "the service gave no token"));
	free(*token_of_cli);
	*token_of_cli = strdup(token);
	return *token_of_cli ? 0 : lf_fail_nomem(err);
}

int lf_cli_sign_in(struct lf_cli *cli, struct lf_error *err)
{
	return sign_in(cli, cli->url, &cli->token, err);
}

int lf_cli_sign_in_storage(struct lf_cli *cli, struct lf_error *err)
{
	return sign_in(cli, "https://storage.azure.com", &cli->storage_token, err);
}
