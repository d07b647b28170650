/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request, in this order: what is asked (path, query, headers), by whom
 * (token, shared access signature or key), may they; then its body goes to a
 * file of its own (write.c), and only complete() lets it take a blob's name,
 * by what begin() decided.  What a client asks for that would not be done is
 * refused.  A kill leaves uploads without a name, which the next start
 * removes.
 */
#include "blob/internal.h"
#include "blob/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "vault/pack/footer.h"
#include "vault/pack/pack.h"
#include "blob/auth/sign.h"
#include "os/file.h"

#define PAGES_BYTES_MAX	 (UINT64_C(4) << 20)	/* of Put Page */
#define BLOB_BYTES_MAX	 (UINT64_C(5000) << 20) /* of Put Blob, as Azure has it */
#define OTHER_BYTES_MAX	 (UINT64_C(64) << 10)	/* of what nobody reads */
#define VERSION_FALLBACK "2025-01-05"

static int make_container(struct lf_blob_service *service, struct lf_http_exchange *x,
			  const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(service->data_dir, target->account, target->container, &dir,
				       err);

	if (rc)
		return rc;
	if (mkdir(dir, 0700))
		return errno == EEXIST ? lf_fail_arm(err, LF_ECONFLICT, "ContainerAlreadyExists",
						     NULL, NULL, "the container exists already")
				       : lf_fail_sys(err, errno, dir, "cannot make the container");
	lf_http_status(x, 201);
	lf_http_set_header(x, "ETag", "\"0x1\"");
	return lf_file_sync_parent(dir, err);
}

static int remove_container(struct lf_blob_service *service, struct lf_http_exchange *x,
			    const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(service->data_dir, target->account, target->container, &dir,
				       err);

	if (!rc && access(dir, F_OK))
		rc = lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
				 "the container does not exist");
	if (!rc)
		rc = lf_blob_container_remove(service->data_dir, service->opts.regions,
					      target->account, target->container, err);
	lf_http_status(x, 202);
	return rc;
}

static int head_container(struct lf_blob_service *service, struct lf_http_exchange *x,
			  const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(service->data_dir, target->account, target->container, &dir,
				       err);

	if (!rc && access(dir, F_OK))
		rc = lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
				 "the container does not exist");
	lf_http_status(x, 200);
	lf_http_set_header(x, "x-ms-lease-status", "unlocked");
	lf_http_set_header(x, "x-ms-lease-state", "available");
	return rc;
}

/* What every answer says. */
static void put_common(struct lf_http_exchange *x)
{
	const char *version = lf_http_header(x, "x-ms-version");
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	lf_http_set_header(x, "x-ms-request-id", guid);
	lf_http_set_header(x, "x-ms-version", version ? version : VERSION_FALLBACK);
}

static void answer_failure(struct lf_http_exchange *x, const struct lf_error *err)
{
	put_common(x);
	if (lf_error_http(err->code) >= 500)
		lf_log_error(lf_http_path(x), err);
	lf_blob_answer_error(x, err);
}

static int fail_unsupported(const struct lf_http_exchange *x, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "UnsupportedOperation", NULL, NULL,
			   "this site does not serve %s with '%.100s' on blobs", lf_http_method(x),
			   lf_http_query(x));
}

/* Method, level, comp and restype of each operation; a blob's x-ms-blob-type where it counts. */
static const struct {
	const char *method, *comp, *type;
	char level; /* s(ervice), c(ontainer), b(lob) */
	enum lf_blob_operation operation;
} operations[] = {
	{"GET", "list", NULL, 's', LF_BLOB_LIST_CONTAINERS},
	{"GET", "list", NULL, 'c', LF_BLOB_LIST_BLOBS},
	{"GET", "", NULL, 'c', LF_BLOB_GET_CONTAINER},
	{"HEAD", "", NULL, 'c', LF_BLOB_GET_CONTAINER},
	{"PUT", "", NULL, 'c', LF_BLOB_MAKE_CONTAINER},
	{"DELETE", "", NULL, 'c', LF_BLOB_REMOVE_CONTAINER},
	{"GET", "", NULL, 'b', LF_BLOB_READ},
	{"HEAD", "", NULL, 'b', LF_BLOB_READ},
	{"GET", "pagelist", NULL, 'b', LF_BLOB_LIST_PAGES},
	{"PUT", "", "BlockBlob", 'b', LF_BLOB_PUT},
	{"PUT", "", "PageBlob", 'b', LF_BLOB_MAKE_PAGES},
	{"PUT", "page", NULL, 'b', LF_BLOB_WRITE_PAGES},
	{"DELETE", "", NULL, 'b', LF_BLOB_REMOVE},
};

/* What a client asks for by these headers would not be done: the bytes of another blob, a key of
 * its own, a condition, a container for everybody. */
static int check_headers(const struct lf_http_exchange *x, struct lf_error *err)
{
	static const char *const refused[] = {"x-ms-encryption-key",
					      "x-ms-encryption-scope",
					      "x-ms-immutability-policy-until-date",
					      "x-ms-legal-hold",
					      "x-ms-lease-id",
					      "x-ms-lease-action",
					      "x-ms-lease-duration",
					      "x-ms-content-crc64",
					      "x-ms-if-tags",
					      "x-ms-if-sequence-number-le",
					      "x-ms-if-sequence-number-lt",
					      "x-ms-if-sequence-number-eq",
					      "x-ms-structured-body",
					      "x-ms-blob-public-access"};
	const bool reads =
		strcmp(lf_http_method(x), "GET") == 0 || strcmp(lf_http_method(x), "HEAD") == 0;
	/* of a write; who reads gets what is there */
	static const char *const conditions[] = {"If-Match", "If-Modified-Since",
						 "If-Unmodified-Since"};
	const char *none = lf_http_header(x, "If-None-Match"), *found = NULL;

	for (size_t i = 0; i < LF_N(refused) && !found; i++)
		found = lf_http_header(x, refused[i]) ? refused[i] : NULL;
	for (size_t i = 0; i < LF_N(conditions) && !found && !reads; i++)
		found = lf_http_header(x, conditions[i]) ? conditions[i] : NULL;
	if (!found && !reads && none && strcmp(none, "*") != 0)
		found = "If-None-Match";
	return found ? lf_fail_arm(err, LF_EUNSUPPORTED, "UnsupportedHeader", found, "leave it out",
				   "this site does not serve the header %s", found)
		     : 0;
}

static void note_header(void *context, const char *name, const char *value)
{
	(void)value;
	*(const char **)context = name;
}

/* What is asked of another blob than the one that the URL names: of a copy's source, or of a
 * version or snapshot, of which there are none (to delete it must not delete the blob). */
static int check_others(const struct lf_http_exchange *x, struct lf_error *err)
{
	static const char *const prefixes[] = {"x-ms-copy-", "x-ms-source-"};
	static const char *const queries[] = {"snapshot", "versionid", "prevsnapshot",
					      "deletetype"};
	const char *found = NULL;

	for (size_t i = 0; i < LF_N(prefixes); i++)
		lf_http_headers_each(x, prefixes[i], note_header, &found);
	if (found)
		return lf_fail_arm(err, LF_EUNSUPPORTED, "UnsupportedHeader", found, "leave it out",
				   "this site does not serve the header %.100s", found);
	for (size_t i = 0; i < LF_N(queries); i++) {
		char value[LF_BLOB_QUERY_SIZE];
		int rc = lf_blob_query(x, queries[i], value, sizeof(value), err);
		if (rc)
			return rc;
		if (value[0])
			return lf_fail_arm(err, LF_EUNSUPPORTED, "UnsupportedQueryParameter",
					   queries[i], "leave it out",
					   "this site keeps no snapshots and versions of blobs");
	}
	return 0;
}

/* What a request does; LF_EUNSUPPORTED "UnsupportedOperation", LF_EINVAL. */
static int parse_operation(const struct lf_http_exchange *x, const struct lf_blob_target *target,
			   enum lf_blob_operation *ret_operation, struct lf_error *err)
{
	char level = target->blob[0] ? 'b' : target->container[0] ? 'c' : 's';
	const char *type = lf_http_header(x, "x-ms-blob-type");
	char comp[32], restype[32];

	int rc = lf_blob_query(x, "comp", comp, sizeof(comp), err);
	if (!rc)
		rc = lf_blob_query(x, "restype", restype, sizeof(restype), err);
	if (!rc)
		rc = check_headers(x, err);
	if (!rc)
		rc = check_others(x, err);
	if (rc)
		return rc;
	/* without it a container's URL is that of a blob in $root, which is not served */
	bool good = level != 'c' || strcmp(restype, "container") == 0;
	for (size_t i = 0; good && i < LF_N(operations); i++)
		if (operations[i].level == level &&
		    strcmp(operations[i].method, lf_http_method(x)) == 0 &&
		    strcmp(operations[i].comp, comp) == 0 &&
		    (!operations[i].type || (type && strcmp(operations[i].type, type) == 0))) {
			*ret_operation = operations[i].operation;
			return 0;
		}
	return fail_unsupported(x, err);
}

static int run(struct lf_blob_request *request, struct lf_http_exchange *x, struct lf_error *err)
{
	struct lf_blob_service *service = request->service;
	const struct lf_blob_target *target = &request->target;

	switch (request->operation) {
	case LF_BLOB_LIST_CONTAINERS:
		return lf_blob_list_containers(service, x, target, err);
	case LF_BLOB_LIST_BLOBS:
		return lf_blob_list_blobs(service, x, target, err);
	case LF_BLOB_GET_CONTAINER:
		return head_container(service, x, target, err);
	case LF_BLOB_MAKE_CONTAINER:
		return make_container(service, x, target, err);
	case LF_BLOB_REMOVE_CONTAINER:
		return remove_container(service, x, target, err);
	case LF_BLOB_READ:
		return lf_blob_read(service, x, target, err);
	case LF_BLOB_LIST_PAGES:
		return lf_blob_page_list(service, x, target, err);
	case LF_BLOB_PUT:
		return lf_blob_upload_finish(request, x, err);
	case LF_BLOB_MAKE_PAGES:
		return lf_blob_page_create(request, x, err);
	case LF_BLOB_WRITE_PAGES:
		return lf_blob_page_write(request, x, err);
	case LF_BLOB_REMOVE:
		lf_http_status(x, 202);
		return lf_blob_remove(request, err);
	default:
		return lf_fail(err, LF_EINTERNAL, NULL, "a blob operation without a function");
	}
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

static int check_token(const struct lf_blob_service *service, const char *token,
		       struct lf_blob_request *request, struct lf_blob_access *access,
		       struct lf_error *err)
{
	/* a token for the management plane is none for data, as in Azure */
	const char *const audiences[] = {"https://storage.azure.com", NULL};
	LF_AUTO_JSON *claims = NULL;
	char issuer[128];

	snprintf(issuer, sizeof(issuer), LF_TOKEN_ISSUER_FORMAT, service->opts.tenant_id);
	int rc = lf_token_verify(service->opts.token_keys, token, issuer, audiences,
				 lf_clock_now_ns(service->opts.clock), &claims, err);
	if (rc)
		return rc;
	access->principal = lf_json_text_or(claims, "oid", "");
	snprintf(request->principal, sizeof(request->principal), "%s", access->principal);
	return service->opts.authorize(service->opts.context, access, err);
}

static int check_signature(const struct lf_blob_service *service, struct lf_http_exchange *x,
			   const char *shared_key, struct lf_blob_access *access,
			   struct lf_error *err)
{
	struct lf_blob_sas sas = {0};
	LF_AUTO_JSON *keys = NULL;

	int rc = shared_key ? 0 : lf_blob_sas_parse(x, &sas, err);
	if (!rc && !shared_key && !sas.signature[0])
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "NoAuthenticationInformation", NULL,
				   NULL,
				   "the request has no bearer token, shared key or shared access "
				   "signature");
	if (!rc)
		rc = service->opts.keys(service->opts.context, access->account, &keys, err);
	if (rc)
		return rc;
	int64_t now = lf_clock_now_ns(service->opts.clock);
	return shared_key ? lf_blob_shared_key_check(x, shared_key, access->account, keys, now, err)
			  : lf_blob_sas_check(&sas, access, keys, now, err);
}

/* Who asks, and may they?  Sets create_only.  LF_EUNAUTHENTICATED, LF_EDENIED. */
static int authorize(struct lf_http_exchange *x, struct lf_blob_request *request,
		     struct lf_error *err)
{
	static const char bearer[] = "Bearer ", shared[] = "SharedKey ";
	const char *header = lf_http_header(x, "Authorization");
	const struct lf_blob_service *service = request->service;
	struct lf_blob_access access = {.operation = request->operation,
					.account = request->target.account,
					.container = request->target.container,
					.blob = request->target.blob};

	int rc = lf_blob_exists(service->data_dir, &request->target, &access.exists, err);
	if (rc)
		return rc;
	bool by_key = header && lf_text_starts_nocase(header, shared);
	bool by_token = header && lf_text_starts_nocase(header, bearer);
	request->by = by_token ? "bearer token" : by_key ? "shared key" : "shared access signature";
	if (by_token)
		rc = check_token(service, header + strlen(bearer), request, &access, err);
	else
		rc = check_signature(service, x, by_key ? header + strlen(shared) : NULL, &access,
				     err);
	if (!rc)
		rc = service->opts.admit(service->opts.context, &access, x, err);
	request->create_only = access.create_only;
	request->agent = access.agent;
	return rc;
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
		rc = parse_operation(x, target, &request->operation, err);
	if (!rc)
		rc = authorize(x, request, err);
	return rc || request->operation != LF_BLOB_PUT ? rc : lf_blob_upload_begin(request, err);
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
	bool put = request->operation == LF_BLOB_PUT;
	*ret_begin = (struct lf_http_begin){.body_max = put && request->agent ? LF_PACK_BYTES_MAX
							: put		      ? BLOB_BYTES_MAX
							: request->operation == LF_BLOB_WRITE_PAGES
								? PAGES_BYTES_MAX
								: OTHER_BYTES_MAX,
					    .known = true,
					    .sink = put ? lf_blob_upload_take : NULL,
					    .release = request_free,
					    .context = request};
	return 0;
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	struct lf_blob_request *request = lf_http_state(x);
	struct lf_error err = LF_ERROR_NONE;

	(void)context;
	if (sink_error)
		err = *sink_err;
	int rc = sink_error ? sink_error : check_account(request, &err);
	if (!rc)
		rc = run(request, x, &err);
	lf_blob_audit(request, x, rc ? &err : &LF_ERROR_NONE);
	if (rc)
		answer_failure(x, &err);
	else
		put_common(x);
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
	if (lf_blob_sweep(service->data_dir, opts->regions, err))
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
