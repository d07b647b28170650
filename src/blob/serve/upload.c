/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that clients send: Put Blob, Put Block, Append Block.
 *
 * They go to a file apart as they come, hashed where somebody asked for it or the blob says its
 * hash.  When all have come and are what the sender hashed, the file becomes the blob (in a draft,
 * by one rename), a block that waits, or is added to the append blob; an agent's pack takes its
 * name as it is.  A kill leaves files that nobody names, which the next start removes, or an append
 * blob with bytes behind its end, which the next append writes over.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/fault.h"
#include "base/lock.h"
#include "blob/blocks.h"
#include "blob/crc64.h"
#include "blob/serve/serve.h"
#include "os/file.h"

#define APPENDS_MAX 50000 /* blocks of an append blob, as Azure has it */

struct lf_blob_upload {
	int fd;
	char *draft, *temporary; /* a file in a draft, or alone */
	uint64_t written;
	EVP_MD_CTX *md5; /* NULL: nobody asks */
	uint64_t crc64;
	bool has_crc64;
};

void lf_blob_upload_free(struct lf_blob_upload *upload)
{
	if (!upload)
		return;
	if (upload->fd >= 0)
		close(upload->fd);
	if (upload->temporary)
		unlink(upload->temporary);
	lf_blob_draft_drop(&upload->draft);
	EVP_MD_CTX_free(upload->md5);
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
	if (!rc && upload->has_crc64)
		upload->crc64 = lf_crc64(upload->crc64, data, len);
	return rc;
}

/* A blob's own hash is kept with it; packs of agents say themselves what they hold. */
static int begin_hashes(struct lf_blob_request *request, const struct lf_http_exchange *x,
			struct lf_error *err)
{
	struct lf_blob_upload *upload = request->upload;
	bool given = lf_http_header(x, "Content-MD5");

	upload->has_crc64 = lf_http_header(x, "x-ms-content-crc64");
	if (given && upload->has_crc64)
		return lf_fail_arm(err, LF_EINVAL, "InvalidHeaderValue", "x-ms-content-crc64", NULL,
				   "give Content-MD5 or x-ms-content-crc64, not both");
	if (!given && (request->operation != LF_BLOB_PUT || request->agent))
		return 0;
	upload->md5 = EVP_MD_CTX_new();
	return upload->md5 && EVP_DigestInit_ex(upload->md5, EVP_md5(), NULL) == 1
		       ? 0
		       : lf_fail_nomem(err);
}

static int make_file(struct lf_blob_request *request, struct lf_error *err)
{
	struct lf_blob_upload *upload = request->upload;
	const char *data_dir = request->service->data_dir;
	bool draft = request->operation == LF_BLOB_PUT && !request->agent;
	LF_AUTO_FREE char *data = NULL;

	int rc = draft ? lf_blob_draft_make(data_dir, request->target.account, &upload->draft, err)
		       : lf_blob_temporary(data_dir, request->target.account, &upload->temporary,
					   err);
	if (rc)
		return rc;
	data = draft ? lf_printf_dup("%s/data", upload->draft) : strdup(upload->temporary);
	if (!data)
		return lf_fail_nomem(err);
	upload->fd = open(data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return upload->fd < 0 ? lf_fail_sys(err, errno, request->target.blob, "cannot make a file")
			      : 0;
}

int lf_blob_upload_begin(struct lf_blob_request *request, const struct lf_http_exchange *x,
			 struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	const struct lf_blob_target *target = &request->target;

	request->upload = calloc(1, sizeof(*request->upload));
	if (!request->upload)
		return lf_fail_nomem(err);
	request->upload->fd = -1;
	int rc = lf_blob_path(request->service->data_dir, target->account, target->container,
			      target->blob, &path, err);
	if (!rc)
		rc = lf_blob_container_check(request->service->data_dir, target, err);
	if (!rc)
		rc = begin_hashes(request, x, err);
	return rc ? rc : make_file(request, err);
}

static int check_crc64(struct lf_http_exchange *x, uint64_t crc64, struct lf_error *err)
{
	const char *given = lf_http_header(x, "x-ms-content-crc64");
	unsigned char bytes[8];
	char text[16];

	if (!given)
		return 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(crc64 >> (8 * i));
	EVP_EncodeBlock((unsigned char *)text, bytes, sizeof(bytes));
	if (strcmp(given, text) != 0)
		return lf_fail_arm(err, LF_EINVAL, "Crc64Mismatch", "x-ms-content-crc64", NULL,
				   "the CRC64 value specified in the request did not match with "
				   "the CRC64 value calculated by the server");
	lf_http_set_header(x, "x-ms-content-crc64", text);
	return 0;
}

static int check_md5(struct lf_http_exchange *x, const unsigned char digest[static 16],
		     char text[static 32], struct lf_error *err)
{
	const char *given = lf_http_header(x, "Content-MD5");

	EVP_EncodeBlock((unsigned char *)text, digest, 16);
	if (given && strlen(given) != 24)
		return lf_fail_arm(err, LF_EINVAL, "InvalidMd5", "Content-MD5", NULL,
				   "an MD5 hash is base64 of 16 bytes");
	if (given && strcmp(given, text) != 0)
		return lf_fail_arm(err, LF_EINVAL, "Md5Mismatch", "Content-MD5", NULL,
				   "the MD5 value specified in the request did not match with the "
				   "MD5 value calculated by the server");
	lf_http_set_header(x, "Content-MD5", text);
	return 0;
}

int lf_blob_check_body(struct lf_http_exchange *x, struct lf_error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len;
	const char *body = lf_http_body(x, &len);
	unsigned n = 0;
	char text[32];

	if (lf_http_header(x, "Content-MD5")) {
		if (EVP_Digest(body, len, digest, &n, EVP_md5(), NULL) != 1)
			return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a body");
		int rc = check_md5(x, digest, text, err);
		if (rc)
			return rc;
	}
	return lf_http_header(x, "x-ms-content-crc64") ? check_crc64(x, lf_crc64(0, body, len), err)
						       : 0;
}

/* *md5: of the bytes, or "". */
static int check_hashes(struct lf_http_exchange *x, struct lf_blob_upload *upload,
			char md5[static 32], struct lf_error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	int rc = check_crc64(x, upload->crc64, err);

	md5[0] = '\0';
	if (rc || !upload->md5)
		return rc;
	if (EVP_DigestFinal_ex(upload->md5, digest, NULL) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a blob");
	return check_md5(x, digest, md5, err);
}

/* As it is: an agent makes its packs, and replaces none. */
static int put_pack(struct lf_blob_request *request, struct lf_http_exchange *x,
		    struct lf_error *err)
{
	struct lf_blob_upload *upload = request->upload;
	LF_AUTO_BLOB_ENTRY before = LF_BLOB_ENTRY_INIT;
	struct stat st;

	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = lf_blob_entry_open(request->service->data_dir, &request->target, &before, err);
	if (!rc)
		rc = lf_blob_check_change(request, x, &before, LF_BLOB_ASKS_MAKE, err);
	LF_CRASH_POINT("blob-before-rename");
	if (!rc)
		rc = lf_blob_place_raw(request->service, &request->target, upload->temporary, err);
	if (!rc && fstat(upload->fd, &st))
		rc = lf_fail_sys(err, errno, request->target.blob, "cannot look at a blob");
	if (rc)
		return rc;
	free(upload->temporary);
	upload->temporary = NULL;
	lf_blob_describe_change(x, st.st_mtim.tv_sec * LF_NS_PER_S + st.st_mtim.tv_nsec);
	lf_http_set_header(x, "x-ms-request-server-encrypted", "true");
	lf_http_status(x, 201);
	return 0;
}

/* The hash that the client gives for the blob is that of the bytes, or a mistake. */
static int set_md5(json_t *record, const char *md5, struct lf_error *err)
{
	const char *given = lf_json_text(record, "content.Content-MD5");

	if (given && strcmp(given, md5) != 0)
		return lf_fail_arm(err, LF_EINVAL, "Md5Mismatch", "x-ms-blob-content-md5", NULL,
				   "the MD5 value specified in the request did not match with the "
				   "MD5 value calculated by the server");
	return lf_json_set_text(record, "content.Content-MD5", md5) ? lf_fail_nomem(err) : 0;
}

int lf_blob_upload_put(struct lf_blob_request *request, struct lf_http_exchange *x,
		       struct lf_error *err)
{
	struct lf_blob_upload *upload = request->upload;
	LF_AUTO_JSON *record = NULL;
	char md5[32];

	int rc = check_hashes(x, upload, md5, err);
	if (!rc)
		rc = lf_file_sync(upload->fd, "blob", err);
	if (rc || request->agent)
		return rc ? rc : put_pack(request, x, err);
	rc = lf_blob_take_all(x, "BlockBlob", true, lf_blob_now(request), &record, err);
	if (!rc)
		rc = set_md5(record, md5, err);
	if (!rc && lf_json_set_int(record, "size", (int64_t)upload->written))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_blob_make(request, x, record, &upload->draft, err);
}

int lf_blob_upload_block(struct lf_blob_request *request, struct lf_http_exchange *x,
			 struct lf_error *err)
{
	struct lf_blob_upload *upload = request->upload;
	char id[LF_BLOB_BLOCK_ID_SIZE + 8], md5[32];
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;

	int rc = lf_blob_query(x, "blockid", id, sizeof(id), err);
	if (!rc)
		rc = check_hashes(x, upload, md5, err);
	if (!rc && !upload->written)
		rc = lf_blob_header_error("Content-Length", "a block has at least one byte", err);
	if (rc)
		return rc;
	/* no sync for each: the disk begins, and committing waits for it */
	(void)sync_file_range(upload->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	rc = lf_blob_entry_open(request->service->data_dir, &request->target, &entry, err);
	if (!rc)
		rc = lf_blob_check_change(request, x, &entry, LF_BLOB_ASKS_MAKE, err);
	if (!rc && entry.form && !lf_blob_entry_is(&entry, "BlockBlob"))
		rc = lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL, NULL,
				 "the blob type is invalid for this operation");
	if (!rc)
		rc = lf_blob_block_stage(request->service->data_dir, &request->target, id,
					 upload->temporary, err);
	if (rc)
		return rc;
	free(upload->temporary);
	upload->temporary = NULL;
	lf_http_set_header(x, "x-ms-request-server-encrypted", "true");
	lf_http_status(x, 201);
	return 0;
}

/* Append Block. */

/* x-ms-blob-condition-appendpos and -maxsize. */
static int check_append(const struct lf_http_exchange *x, const struct lf_blob_entry *entry,
			uint64_t len, struct lf_error *err)
{
	const char *position = lf_http_header(x, "x-ms-blob-condition-appendpos");
	const char *most = lf_http_header(x, "x-ms-blob-condition-maxsize");
	struct lf_error ignored;
	uint64_t value;

	if (!lf_blob_entry_is(entry, "AppendBlob") || entry->form != LF_BLOB_FORM_DIR)
		return lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL, NULL,
				   "the blob type is invalid for this operation");
	if (position && lf_parse_u64(position, 0, INT64_MAX, &value, &ignored))
		return lf_blob_header_error("x-ms-blob-condition-appendpos", "a number", err);
	if (position && value != entry->size)
		return lf_fail_arm(err, LF_EPRECONDITION, "AppendPositionConditionNotMet", NULL,
				   NULL, "the append position condition specified was not met");
	if (most && lf_parse_u64(most, 0, INT64_MAX, &value, &ignored))
		return lf_blob_header_error("x-ms-blob-condition-maxsize", "a number", err);
	if (most && (value < len || entry->size > value - len))
		return lf_fail_arm(err, LF_EPRECONDITION, "MaxBlobSizeConditionNotMet", NULL, NULL,
				   "the max blob size condition specified was not met");
	if (lf_json_int_or(entry->record, "appended", 0) >= APPENDS_MAX)
		return lf_fail_arm(err, LF_ECONFLICT, "BlockCountExceedsLimit", NULL, NULL,
				   "the committed block count cannot exceed the maximum limit of "
				   "50,000 blocks");
	return 0;
}

static int copy_range(int from, int to, uint64_t len, uint64_t at, struct lf_error *err)
{
	off_t source = 0, target = (off_t)at;

	while ((uint64_t)source < len) {
		ssize_t n = copy_file_range(from, &source, to, &target, len - (uint64_t)source, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lf_fail_sys(err, n ? errno : EIO, "blob", "cannot append to a blob");
	}
	return 0;
}

/* Bytes first, then the record that says how far they go. */
static int change_append(struct lf_blob_request *request, struct lf_http_exchange *x,
			 const struct lf_blob_entry *entry, json_t *record, struct lf_error *err)
{
	const struct lf_blob_upload *upload = request->upload;
	int64_t appended = lf_json_int_or(record, "appended", 0) + 1;
	char path[64], text[24];
	uint64_t size;

	int rc = check_append(x, entry, upload->written, err);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", entry->fd);
	LF_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || !lf_checked_add(entry->size, upload->written, &size))
		return lf_fail_sys(err, errno, "blob", "cannot append to a blob");
	rc = copy_range(upload->fd, fd, upload->written, entry->size, err);
	if (!rc)
		rc = lf_file_sync(fd, "blob", err);
	if (!rc && (lf_json_set_int(record, "size", (int64_t)size) |
		    lf_json_set_int(record, "appended", appended)))
		rc = lf_fail_nomem(err);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)entry->size);
	lf_http_set_header(x, "x-ms-blob-append-offset", text);
	snprintf(text, sizeof(text), "%lld", (long long)appended);
	lf_http_set_header(x, "x-ms-blob-committed-block-count", text);
	return rc;
}

int lf_blob_upload_append(struct lf_blob_request *request, struct lf_http_exchange *x,
			  struct lf_error *err)
{
	char md5[32];
	int rc = check_hashes(x, request->upload, md5, err);

	if (!rc && !request->upload->written)
		rc = lf_blob_header_error("Content-Length", "a block has at least one byte", err);
	lf_http_status(x, 201);
	lf_http_set_header(x, "x-ms-request-server-encrypted", "true");
	return rc ? rc : lf_blob_change(request, x, LF_BLOB_TOUCHES, change_append, err);
}
