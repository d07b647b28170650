/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/service.h"
#include "blob/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "os/file.h"

#define PAGES_BYTES_MAX	 (UINT64_C(4) << 20)	/* of Put Page */
#define BLOB_BYTES_MAX	 (UINT64_C(5000) << 20) /* of Put Blob, as Azure has it */
#define VERSION_FALLBACK "2025-01-05"

/* A Put Blob under way: a temporary file beside its place, hashed as it comes. */
struct upload {
	int fd;
	char *path, *temporary;
	uint64_t written;
	EVP_MD_CTX *md5;
	bool kept;
};

static void upload_free(void *context)
{
	struct upload *upload = context;

	if (!upload)
		return;
	if (upload->fd >= 0)
		close(upload->fd);
	if (upload->temporary && !upload->kept)
		unlink(upload->temporary);
	EVP_MD_CTX_free(upload->md5);
	free(upload->path);
	free(upload->temporary);
	free(upload);
}

static int take_block(void *context, const void *data, size_t len, struct lf_error *err)
{
	struct upload *upload = context;
	int rc = lf_file_pwrite_all(upload->fd, data, len, upload->written, "blob", err);

	upload->written += len;
	if (!rc && EVP_DigestUpdate(upload->md5, data, len) != 1)
		rc = lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a blob");
	return rc;
}

static int begin_upload(struct lf_blob_service *service, const struct lf_blob_target *target,
			struct upload **ret_upload, struct lf_error *err)
{
	struct upload *upload = calloc(1, sizeof(*upload));
	char guid[LF_GUID_SIZE];

	if (!upload)
		return lf_fail_nomem(err);
	upload->fd = -1;
	lf_guid_random(guid);
	int rc = lf_blob_path(service->data_dir, target->account, target->container, target->blob,
			      &upload->path, err);
	if (!rc) {
		upload->temporary = lf_printf_dup("%s.tmp-%s", upload->path, guid);
		upload->md5 = EVP_MD_CTX_new();
		if (!upload->temporary || !upload->md5 ||
		    EVP_DigestInit_ex(upload->md5, EVP_md5(), NULL) != 1)
			rc = lf_fail_nomem(err);
	}
	if (!rc) {
		upload->fd = open(upload->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (upload->fd < 0 && errno == ENOENT)
			rc = lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
					 "the container does not exist");
		else if (upload->fd < 0)
			rc = lf_fail_sys(err, errno, target->blob, "cannot make a file");
	}
	if (rc) {
		upload_free(upload);
		return rc;
	}
	*ret_upload = upload;
	return 0;
}

static int check_md5(struct lf_http_exchange *x, struct upload *upload, struct lf_error *err)
{
	const char *given = lf_http_header(x, "Content-MD5");
	unsigned char digest[16];
	char text[32];

	if (EVP_DigestFinal_ex(upload->md5, digest, NULL) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a blob");
	EVP_EncodeBlock((unsigned char *)text, digest, sizeof(digest));
	if (given && strcmp(given, text) != 0)
		return lf_fail_arm(err, LF_EINVAL, "Md5Mismatch", "Content-MD5", NULL,
				   "the body is not what the sender hashed");
	lf_http_set_header(x, "Content-MD5", text);
	return 0;
}

/* Bytes durable under their name, then 201. */
static int finish_upload(struct lf_blob_service *service, struct lf_http_exchange *x,
			 const struct lf_blob_target *target, struct lf_error *err)
{
	struct upload *upload = lf_http_state(x);
	const char *none = lf_http_header(x, "If-None-Match");
	char date[LF_TIME_SIZE], etag[40];
	struct stat st;

	if (none && strcmp(none, "*") == 0 && access(upload->path, F_OK) == 0)
		return lf_fail_arm(err, LF_ECONFLICT, "BlobAlreadyExists", NULL, NULL,
				   "the blob exists already");
	int rc = check_md5(x, upload, err);
	if (!rc)
		rc = lf_file_sync(upload->fd, "blob", err);
	LF_CRASH_POINT("blob-before-rename");
	if (!rc)
		rc = lf_file_rename_durable(upload->temporary, upload->path, err);
	if (rc)
		return rc;
	upload->kept = true;
	rc = lf_blob_remove_others(service, target, "", err);
	if (rc)
		return rc;
	if (fstat(upload->fd, &st))
		return lf_fail_sys(err, errno, upload->path, "cannot look at a blob");
	lf_time_format_http(st.st_mtim.tv_sec * LF_NS_PER_S, date);
	snprintf(etag, sizeof(etag), "\"0x%llX\"",
		 (unsigned long long)(st.st_mtim.tv_sec * LF_NS_PER_S + st.st_mtim.tv_nsec));
	lf_http_set_header(x, "Last-Modified", date);
	lf_http_set_header(x, "ETag", etag);
	lf_http_set_header(x, "x-ms-request-server-encrypted", "true");
	lf_http_status(x, 201);
	return 0;
}

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

/* One kind of a blob: keep's stays; LF_ENOTFOUND: there was none. */
static int remove_kind(struct lf_blob_service *service, const struct lf_blob_target *target,
		       const char *suffix, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *full = NULL;

	if (strcmp(suffix, LF_BLOB_POINT_SUFFIX) == 0)
		return lf_blob_remove_point(service->data_dir, service->opts.regions,
					    target->account, target->container, target->blob, err);
	int rc = lf_blob_path(service->data_dir, target->account, target->container, target->blob,
			      &path, err);
	if (!rc && !(full = lf_printf_dup("%s%s", path, suffix)))
		rc = lf_fail_nomem(err);
	if (!rc && unlink(full))
		rc = lf_fail_sys(err, errno, path, "cannot remove the blob");
	return rc ? rc : lf_file_sync_parent(full, err);
}

static const char *const kinds[] = {"", LF_BLOB_PAGE_SUFFIX, LF_BLOB_POINT_SUFFIX};

int lf_blob_remove_others(struct lf_blob_service *service, const struct lf_blob_target *target,
			  const char *keep, struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(kinds); i++) {
		int rc = strcmp(kinds[i], keep) == 0 ? 0
						     : remove_kind(service, target, kinds[i], err);
		if (rc && rc != LF_ENOTFOUND)
			return rc;
	}
	return 0;
}

static int remove_blob(struct lf_blob_service *service, struct lf_http_exchange *x,
		       const struct lf_blob_target *target, struct lf_error *err)
{
	bool found = false;

	for (size_t i = 0; i < LF_N(kinds); i++) {
		int rc = remove_kind(service, target, kinds[i], err);
		if (rc && rc != LF_ENOTFOUND)
			return rc;
		found |= !rc;
	}
	lf_http_status(x, 202);
	return found ? 0
		     : lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", NULL, NULL,
				   "the blob does not exist");
}

static int fail_unsupported(const struct lf_http_exchange *x, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "UnsupportedOperation", NULL, NULL,
			   "this site does not serve %s with '%.100s' on blobs", lf_http_method(x),
			   lf_http_query(x));
}

/* Which operation a request is: method, level, comp and restype. */
static int dispatch(struct lf_blob_service *service, struct lf_http_exchange *x,
		    const struct lf_blob_target *target, struct lf_error *err)
{
	const char *method = lf_http_method(x);
	bool get = strcmp(method, "GET") == 0, head = strcmp(method, "HEAD") == 0;
	bool put = strcmp(method, "PUT") == 0, del = strcmp(method, "DELETE") == 0;
	char comp[32], restype[32];

	int rc = lf_blob_query(x, "comp", comp, sizeof(comp), err);
	if (!rc)
		rc = lf_blob_query(x, "restype", restype, sizeof(restype), err);
	if (rc)
		return rc;
	if (target->blob[0]) {
		if ((get || head) && !comp[0])
			return lf_blob_read(service, x, target, err);
		if (get && strcmp(comp, "pagelist") == 0)
			return lf_blob_page_list(service, x, target, err);
		if (del && !comp[0])
			return remove_blob(service, x, target, err);
		if (put && strcmp(comp, "page") == 0)
			return lf_blob_page_write(service, x, target, err);
		if (put && !comp[0] && !lf_http_state(x))
			return lf_blob_page_create(service, x, target, err);
		return put && !comp[0] ? finish_upload(service, x, target, err)
				       : fail_unsupported(x, err);
	}
	if (!target->container[0])
		return get && strcmp(comp, "list") == 0
			       ? lf_blob_list_containers(service, x, target, err)
			       : fail_unsupported(x, err);
	if (strcmp(restype, "container") != 0)
		return fail_unsupported(x, err);
	if (get && strcmp(comp, "list") == 0)
		return lf_blob_list_blobs(service, x, target, err);
	if ((get || head) && !comp[0])
		return head_container(service, x, target, err);
	if (put && !comp[0])
		return make_container(service, x, target, err);
	return del ? remove_container(service, x, target, err) : fail_unsupported(x, err);
}

/* Before the body is read: who, and where it goes. */
static int begin(void *context, struct lf_http_exchange *x, struct lf_http_begin *ret_begin)
{
	struct lf_blob_service *service = context;
	LF_AUTO_BLOB_TARGET target = {0};
	struct lf_error err = LF_ERROR_NONE;
	struct upload *upload = NULL;
	char comp[32];

	int rc = lf_blob_target_parse(lf_http_path(x), &target, &err);
	if (!rc)
		rc = lf_blob_authorize(service, x, &target, &err);
	if (!rc)
		rc = lf_blob_query(x, "comp", comp, sizeof(comp), &err);
	bool put = !rc && strcmp(lf_http_method(x), "PUT") == 0 && target.blob[0] && !comp[0];
	const char *type = lf_http_header(x, "x-ms-blob-type");
	bool pages = put && type && strcmp(type, "PageBlob") == 0;
	if (put && !pages && (!type || strcmp(type, "BlockBlob") != 0))
		rc = fail_unsupported(x, &err);
	else if (put && !pages)
		rc = begin_upload(service, &target, &upload, &err);
	if (rc) {
		lf_blob_answer_error(x, &err);
		return rc;
	}
	*ret_begin = (struct lf_http_begin){.body_max = upload ? BLOB_BYTES_MAX : PAGES_BYTES_MAX,
					    .sink = upload ? take_block : NULL,
					    .release = upload ? upload_free : NULL,
					    .context = upload};
	return 0;
}

static void complete(void *context, struct lf_http_exchange *x, int sink_error,
		     const struct lf_error *sink_err)
{
	const char *version = lf_http_header(x, "x-ms-version");
	LF_AUTO_BLOB_TARGET target = {0};
	struct lf_error err = LF_ERROR_NONE;
	char guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	lf_http_set_header(x, "x-ms-request-id", guid);
	lf_http_set_header(x, "x-ms-version", version ? version : VERSION_FALLBACK);
	if (sink_error)
		err = *sink_err;
	int rc = sink_error ? sink_error : lf_blob_target_parse(lf_http_path(x), &target, &err);
	if (!rc)
		rc = dispatch(context, x, &target, &err);
	if (rc && lf_error_http(rc) >= 500)
		lf_log_error(lf_http_path(x), &err);
	if (rc)
		lf_blob_answer_error(x, &err);
}

static int check_token(struct lf_blob_service *service, const char *token, const char *account,
		       struct lf_error *err)
{
	const char *const audiences[] = {"https://storage.azure.com", *service->opts.base_url,
					 NULL};
	LF_AUTO_JSON *claims = NULL;
	char issuer[128];

	snprintf(issuer, sizeof(issuer), LF_TOKEN_ISSUER_FORMAT, service->opts.tenant_id);
	int rc = lf_token_verify(service->opts.token_keys, token, issuer, audiences,
				 lf_clock_now_ns(service->opts.clock), &claims, err);
	return rc ? rc
		  : service->opts.authorize(service->opts.context,
					    lf_json_text_or(claims, "oid", ""), account, err);
}

int lf_blob_authorize(struct lf_blob_service *service, struct lf_http_exchange *x,
		      const struct lf_blob_target *target, struct lf_error *err)
{
	static const char bearer[] = "Bearer ", shared[] = "SharedKey ";
	const char *header = lf_http_header(x, "Authorization");
	LF_AUTO_JSON *keys = NULL;
	struct lf_blob_sas sas = {0};

	if (header && lf_text_starts_nocase(header, bearer))
		return check_token(service, header + strlen(bearer), target->account, err);
	bool by_key = header && lf_text_starts_nocase(header, shared);
	int rc = by_key ? 0 : lf_blob_sas_parse(x, &sas, err);
	if (rc)
		return rc;
	if (!by_key && !sas.signature[0])
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "NoAuthenticationInformation", NULL,
				   NULL,
				   "the request has no bearer token, shared key or shared access "
				   "signature");
	rc = service->opts.keys(service->opts.context, target->account, &keys, err);
	if (rc)
		return rc;
	if (by_key)
		return lf_blob_shared_key_check(x, header + strlen(shared), target->account, keys,
						err);
	return lf_blob_sas_check(&sas, x, target, keys, lf_clock_now_ns(service->opts.clock), err);
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
	if (!service->data_dir) {
		lf_blob_free(service);
		return lf_fail_nomem(err);
	}
	*ret_service = service;
	return 0;
}

void lf_blob_free(struct lf_blob_service *service)
{
	if (!service)
		return;
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
