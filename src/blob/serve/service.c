/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request, in this order: what is asked (asked.c), by whom and may they (auth/authorize.c);
 * then its body goes to a file of its own or to memory, and only complete() does what is asked, by
 * what begin() decided; what may take long, by a thread that nobody else waits for.  A kill leaves
 * uploads without a name, which the next start removes.
 */
#include "blob/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "vault/pack/footer.h"
#include "blob/auth/authorize.h"
#include "blob/serve/asked.h"
#include "blob/serve/serve.h"
#include "os/file.h"

#define PAGES_BYTES_MAX	 (UINT64_C(4) << 20)	/* of Put Page */
#define BLOB_BYTES_MAX	 (UINT64_C(5000) << 20) /* of Put Blob, as Azure has it */
#define BLOCK_BYTES_MAX	 (UINT64_C(4000) << 20) /* of Put Block */
#define APPEND_BYTES_MAX (UINT64_C(100) << 20)	/* of Append Block */
#define LIST_BYTES_MAX	 (UINT64_C(8) << 20)	/* of Put Block List: 50,000 ids */
#define OTHER_BYTES_MAX	 (UINT64_C(64) << 10)	/* settings, tags, and what nobody reads */
#define VERSION_FALLBACK "2025-01-05"

/* What each operation does, and the most that its body may hold; stream: it goes to a file; later:
 * it takes as long as there are bytes or blocks. */
static const struct {
	lf_blob_operation_fn *run;
	uint64_t body_max; /* 0: OTHER_BYTES_MAX */
	bool stream, later;
} runs[LF_BLOB_OPERATIONS] = {
	[LF_BLOB_LIST_CONTAINERS] = {lf_blob_list_containers},
	[LF_BLOB_LIST_BLOBS] = {lf_blob_list_blobs},
	[LF_BLOB_GET_CONTAINER] = {lf_blob_container_get},
	[LF_BLOB_GET_ACL] = {lf_blob_container_get_acl},
	[LF_BLOB_GET_SERVICE] = {lf_blob_get_service},
	[LF_BLOB_GET_ACCOUNT] = {lf_blob_get_account},
	[LF_BLOB_READ] = {lf_blob_read},
	[LF_BLOB_LIST_PAGES] = {lf_blob_page_list},
	[LF_BLOB_LIST_BLOCKS] = {lf_blob_get_block_list},
	[LF_BLOB_GET_TAGS] = {lf_blob_get_tags},
	[LF_BLOB_SET_SERVICE] = {lf_blob_set_service},
	[LF_BLOB_MAKE_CONTAINER] = {lf_blob_container_create},
	[LF_BLOB_SET_CONTAINER] = {lf_blob_container_metadata},
	[LF_BLOB_SET_ACL] = {lf_blob_container_set_acl},
	[LF_BLOB_LEASE_CONTAINER] = {lf_blob_container_lease},
	[LF_BLOB_REMOVE_CONTAINER] = {lf_blob_container_delete},
	[LF_BLOB_PUT] = {lf_blob_upload_put, BLOB_BYTES_MAX, true},
	[LF_BLOB_PUT_BLOCK] = {lf_blob_upload_block, BLOCK_BYTES_MAX, true},
	[LF_BLOB_COMMIT] = {lf_blob_put_block_list, LIST_BYTES_MAX, .later = true},
	[LF_BLOB_PUT_URL] = {lf_blob_put_from_url, .later = true},
	[LF_BLOB_COPY] = {lf_blob_copy, .later = true},
	[LF_BLOB_COPY_ABORT] = {lf_blob_copy_abort},
	[LF_BLOB_MAKE_PAGES] = {lf_blob_page_create},
	[LF_BLOB_WRITE_PAGES] = {lf_blob_page_write, PAGES_BYTES_MAX},
	[LF_BLOB_MAKE_APPEND] = {lf_blob_append_create},
	[LF_BLOB_APPEND] = {lf_blob_upload_append, APPEND_BYTES_MAX, true},
	[LF_BLOB_SET_PROPERTIES] = {lf_blob_set_properties},
	[LF_BLOB_SET_METADATA] = {lf_blob_set_metadata},
	[LF_BLOB_SET_TIER] = {lf_blob_set_tier},
	[LF_BLOB_SET_TAGS] = {lf_blob_set_tags},
	[LF_BLOB_LEASE] = {lf_blob_lease},
	[LF_BLOB_REMOVE] = {lf_blob_delete},
};

/* What every answer says. */
static void put_common(struct lf_http_exchange *x)
{
	const char *version = lf_http_header(x, "x-ms-version");
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	lf_http_set_header(x, "x-ms-request-id", guid);
	lf_http_set_header(x, "x-ms-version", version ? version : VERSION_FALLBACK);
	const char *client = lf_http_header(x, "x-ms-client-request-id");
	if (client && strlen(client) <= 1024)
		lf_http_set_header(x, "x-ms-client-request-id", client);
}

static void answer_failure(struct lf_http_exchange *x, const struct lf_error *err)
{
	put_common(x);
	if (lf_error_http(err->code) >= 500)
		lf_log_error(lf_http_path(x), err);
	lf_blob_answer_error(x, err);
}

static void request_free(void *context)
{
	struct lf_blob_request *request = context;

	lf_blob_upload_free(request->upload);
	lf_blob_target_done(&request->target);
	if (request->account >= 0)
		close(request->account);
	free(request);
}

static char *account_dir(const struct lf_blob_request *request)
{
	return lf_printf_dup("%s/accounts/%s", request->service->data_dir, request->target.account);
}

static int fail_account(const struct lf_blob_request *request, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ENOTFOUND, "ResourceNotFound", request->target.account, NULL,
			   "there is no storage account of that name");
}

/* The account as it is now; whoever makes one of that name later has not let anybody in. */
static int hold_account(struct lf_blob_request *request, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = account_dir(request);

	if (!dir)
		return lf_fail_nomem(err);
	request->account = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return request->account < 0 ? fail_account(request, err) : 0;
}

static int check_account(const struct lf_blob_request *request, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = account_dir(request);
	struct stat then, now;

	if (!dir)
		return lf_fail_nomem(err);
	return fstat(request->account, &then) || stat(dir, &now) || then.st_ino != now.st_ino ||
			       then.st_dev != now.st_dev
		       ? fail_account(request, err)
		       : 0;
}

/* What is asked, by whom, may they, and where a body goes: all that complete needs. */
static int decide(struct lf_blob_request *request, struct lf_http_exchange *x, struct lf_error *err)
{
	struct lf_blob_target *target = &request->target;
	int rc = lf_blob_target_parse(lf_http_path(x), target, err);

	if (!rc)
		rc = hold_account(request, err);
	if (!rc)
		rc = lf_blob_parse_operation(x, target, &request->operation, err);
	if (!rc)
		rc = lf_blob_authorize(x, request, err);
	return rc || !runs[request->operation].stream ? rc : lf_blob_upload_begin(request, x, err);
}

static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	struct lf_blob_request *request = calloc(1, sizeof(*request));
	struct lf_error err = LF_ERROR_NONE;

	if (request) {
		request->service = context;
		request->account = -1;
	}
	int rc = request ? decide(request, x, &err) : lf_fail_nomem(&err);
	if (rc) {
		if (request) {
			lf_blob_audit(request, x, &err);
			request_free(request);
		}
		answer_failure(x, &err);
		return rc;
	}
	enum lf_blob_operation operation = request->operation;
	uint64_t max = runs[operation].body_max ? runs[operation].body_max : OTHER_BYTES_MAX;
	*ret_begin =
		(struct lf_http_begin){.body_max = request->agent ? LF_PACK_BYTES_MAX : max,
				       .known = true,
				       .sink = runs[operation].stream ? lf_blob_upload_take : NULL,
				       .release = request_free,
				       .context = request};
	return 0;
}

static int serve(struct lf_blob_request *request, struct lf_http_exchange *x, struct lf_error *err)
{
	int rc = check_account(request, err);

	return rc ? rc : runs[request->operation].run(request, x, err);
}

static void answer(struct lf_blob_request *request, struct lf_http_exchange *x, int rc,
		   const struct lf_error *err)
{
	lf_blob_audit(request, x, rc ? err : &LF_ERROR_NONE);
	if (rc)
		answer_failure(x, err);
	else
		put_common(x);
}

static void serve_later(void *context, const atomic_bool *stopping)
{
	struct lf_blob_request *request = context;
	struct lf_error err = LF_ERROR_NONE;

	request->stopping = stopping;
	int rc = lf_blob_go_on(request, &err);
	if (!rc)
		rc = serve(request, request->x, &err);
	answer(request, request->x, rc, &err);
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	struct lf_blob_request *request = lf_http_state(x);
	struct lf_later *later = request->service->opts.later;
	struct lf_error err = LF_ERROR_NONE;
	int rc = sink_error;

	(void)context;
	if (sink_error)
		err = *sink_err;
	else if (later && runs[request->operation].later) {
		request->x = x;
		/* one asker all together: agents' packs have the other threads */
		rc = lf_later_give(later, x, "blobs", serve_later, request, &err);
		if (!rc)
			return;
	} else
		rc = serve(request, x, &err);
	answer(request, x, rc, &err);
}

int lf_blob_open(const struct lf_blob_opts *opts, struct lf_blob_service **ret_service,
		 struct lf_error *err)
{
	struct lf_blob_service *service = calloc(1, sizeof(*service));

	if (!service)
		return lf_fail_nomem(err);
	service->opts = *opts;
	service->data_dir = strdup(opts->data_dir);
	service->handler = (struct lf_http_handler){begin, complete, service};
	for (size_t i = 0; i < LF_BLOB_LOCKS; i++)
		pthread_mutex_init(&service->locks[i], NULL);
	pthread_mutex_init(&service->told.mutex, NULL);
	if (!service->data_dir) {
		lf_blob_free(service);
		return lf_fail_nomem(err);
	}
	if (lf_blob_sweep(service->data_dir, opts->regions, lf_clock_expiry_ns(opts->clock), err))
		lf_log_error("leftovers of uploads stay", err);
	*ret_service = service;
	return 0;
}

void lf_blob_free(struct lf_blob_service *service)
{
	if (!service)
		return;
	pthread_mutex_destroy(&service->told.mutex);
	for (size_t i = 0; i < LF_BLOB_LOCKS; i++)
		pthread_mutex_destroy(&service->locks[i]);
	free(service->data_dir);
	free(service);
}

bool lf_blob_matches(void *context, const struct lf_http_exchange *x)
{
	struct lf_blob_service *service = context;
	const char *path = lf_http_path(x) + 1;
	size_t len = strcspn(path, "/");
	char account[32];
	struct stat st;

	/* account names have no capitals or dots, and dashes only where no client can make one; no
	 * route of ours begins with one that is there */
	if (len < 3 || len > 24 || strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return false;
	snprintf(account, sizeof(account), "%.*s", (int)len, path);
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/accounts/%s", service->data_dir, account);
	return dir && stat(dir, &st) == 0;
}

const struct lf_http_handler *lf_blob_http_handler(struct lf_blob_service *service)
{
	return &service->handler;
}
