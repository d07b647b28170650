/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/cli.h - a signed-in conversation with a landfalld: requests, lists,
 * long operations.
 *
 * The account comes from the environment (LF_URL, LF_TENANT_ID, LF_CLIENT_ID,
 * LF_CLIENT_SECRET, LF_SUBSCRIPTION_ID, LF_CA_FILE) or from a file of such
 * lines, which the daemon writes as DIR/client.env.
 *
 * An error of the service becomes an lf_error with its error.code, target,
 * message and advice.  Threads: one.
 */
#ifndef LF_CLI_CLI_H
#define LF_CLI_CLI_H

#include "json/json.h"

#define LF_API_RESOURCES "2021-04-01"
#define LF_API_VAULTS	 "2024-04-01"
#define LF_API_RECOVERY	 "2025-08-01"
#define LF_API_OFFAZURE	 "2023-06-06"
#define LF_API_NETWORK	 "2024-05-01"
#define LF_API_STORAGE	 "2024-01-01"
#define LF_API_COMPUTE	 "2024-03-01"
#define LF_API_DISK	 "2025-01-02"

struct lf_cli {
	struct lf_http_client *http;
	char *url, *tenant, *client_id, *client_secret, *subscription;
	char *token;	     /* for the management plane */
	char *storage_token; /* for blobs; NULL: lf_cli_sign_in_storage() */
	bool json;	     /* --output json */
	bool wait;	     /* follow long operations to their end */
	bool live;	     /* standard error is a terminal: progress is one line that changes */
};

/* env_file: NULL for the environment alone.  Signs in at the first request. */
LF_MUST_CHECK int lf_cli_open(struct lf_cli *cli, const char *env_file, struct lf_error *err);
void lf_cli_done(struct lf_cli *cli);
/* Get a token now. */
LF_MUST_CHECK int lf_cli_sign_in(struct lf_cli *cli, struct lf_error *err);
LF_MUST_CHECK int lf_cli_sign_in_storage(struct lf_cli *cli, struct lf_error *err);

struct lf_cli_answer {
	int status;
	json_t *doc; /* NULL: no body, or not JSON */
	char *text;  /* the body as it came, and a NUL */
	size_t text_len;
	char monitor[1024], location[1024];
	unsigned retry_after;
	bool by_location; /* monitor is a Location: the status of the answer counts */
};
void lf_cli_answer_done(struct lf_cli_answer *answer);
#define LF_AUTO_CLI_ANSWER LF_CLEANUP(lf_cli_answer_done) struct lf_cli_answer

/* One request; path begins with '/' or is a URL of the same service.  api NULL: as in path. */
LF_MUST_CHECK int lf_cli_call(struct lf_cli *cli, const char *method, const char *path,
			      const char *api, const json_t *body, struct lf_cli_answer *ret_answer,
			      struct lf_error *err);
LF_MUST_CHECK int lf_cli_get(struct lf_cli *cli, const char *path, const char *api,
			     json_t **ret_doc, struct lf_error *err);
/* All pages. */
LF_MUST_CHECK int lf_cli_list(struct lf_cli *cli, const char *path, const char *api,
			      json_t **ret_items, struct lf_error *err);

/* Called while an operation runs; may print progress. */
typedef int lf_cli_progress_fn(struct lf_cli *cli, void *context, struct lf_error *err);
/*
 * Change something, and follow the operation to its end unless !cli->wait.
 * *ret_doc: the resource or result; JSON null when there is none.
 */
LF_MUST_CHECK int lf_cli_change(struct lf_cli *cli, const char *method, const char *path,
				const char *api, const json_t *body, lf_cli_progress_fn *progress,
				void *context, json_t **ret_doc, struct lf_error *err);
/* Wait that long. */
void lf_cli_sleep_ms(unsigned ms);

/* "/subscriptions/ID" and what follows; NULL: out of memory. */
char *lf_cli_path(const struct lf_cli *cli, const char *fmt, ...) LF_PRINTF(2, 3);

#endif
