/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put Blob of a block blob: into a file apart, hashed as it comes, then to its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "blob/internal.h"
#include "os/file.h"

struct lf_blob_upload {
	int fd;
	char *path, *temporary;
	uint64_t written;
	EVP_MD_CTX *md5; /* NULL: of an agent, whose packs say themselves what they hold */
	bool kept;
};

void lf_blob_upload_free(struct lf_blob_upload *upload)
{
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

int lf_blob_upload_take(void *context, const void *data, size_t len, struct lf_error *err)
{
	const struct lf_blob_request *request = context;
	struct lf_blob_upload *upload = request->upload;
	int rc = lf_file_pwrite_all(upload->fd, data, len, upload->written, "blob", err);

	upload->written += len;
	if (!rc && upload->md5 && EVP_DigestUpdate(upload->md5, data, len) != 1)
		rc = lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a blob");
	return rc;
}

static int check_container(const struct lf_blob_request *request, struct lf_error *err)
{
	const struct lf_blob_target *target = &request->target;
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(request->service->data_dir, target->account,
				       target->container, &dir, err);

	return rc || access(dir, F_OK) == 0
		       ? rc
		       : lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
				     "the container does not exist");
}

int lf_blob_upload_begin(struct lf_blob_request *request, struct lf_error *err)
{
	const struct lf_blob_target *target = &request->target;
	const char *data_dir = request->service->data_dir;
	struct lf_blob_upload *upload = calloc(1, sizeof(*upload));

	if (!upload)
		return lf_fail_nomem(err);
	upload->fd = -1;
	request->upload = upload;
	int rc = lf_blob_path(data_dir, target->account, target->container, target->blob,
			      &upload->path, err);
	if (!rc)
		rc = check_container(request, err);
	if (!rc)
		rc = lf_blob_temporary(data_dir, target->account, &upload->temporary, err);
	if (rc)
		return rc;
	upload->md5 = request->agent ? NULL : EVP_MD_CTX_new();
	if (!request->agent &&
	    (!upload->md5 || EVP_DigestInit_ex(upload->md5, EVP_md5(), NULL) != 1))
		return lf_fail_nomem(err);
	upload->fd = open(upload->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return upload->fd < 0 ? lf_fail_sys(err, errno, target->blob, "cannot make a file") : 0;
}

static int check_md5(struct lf_http_exchange *x, struct lf_blob_upload *upload,
		     struct lf_error *err)
{
	const char *given = lf_http_header(x, "Content-MD5");
	unsigned char digest[16];
	char text[32];

	if (!upload->md5)
		return given ? lf_fail(err, LF_EUNSUPPORTED, "Content-MD5",
				       "packs of agents are not hashed on their way")
			     : 0;
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
int lf_blob_upload_finish(struct lf_blob_request *request, struct lf_http_exchange *x,
			  struct lf_error *err)
{
	struct lf_blob_upload *upload = request->upload;
	char date[LF_TIME_SIZE], etag[40];
	struct stat st;

	int rc = check_md5(x, upload, err);
	if (!rc)
		rc = lf_file_sync(upload->fd, "blob", err);
	LF_CRASH_POINT("blob-before-rename");
	if (!rc)
		rc = lf_blob_place(request, x, upload->temporary, upload->path, "", err);
	if (rc)
		return rc;
	upload->kept = true;
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
