/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page blobs that clients write: a sparse file "NAME.page" of the blob's length.
 */
#include "blob/page.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/serve/range.h"
#include "blob/internal.h"
#include "os/file.h"

#define UNIT	   512u
#define LENGTH_MAX (UINT64_C(8) << 40) /* as Azure has it */

static int fail_header(const char *name, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidHeaderValue", name, NULL, "%s: %s", name, what);
}

static int make_file(const char *path, uint64_t length, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make a file");
	return ftruncate(fd, (off_t)length) ? lf_fail_sys(err, errno, path, "cannot size a blob")
					    : lf_file_sync(fd, "blob", err);
}

int lf_blob_page_create(const struct lf_blob_request *request, struct lf_http_exchange *x,
			struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-blob-content-length");
	const struct lf_blob_target *target = &request->target;
	const char *data_dir = request->service->data_dir;
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *temporary = NULL;
	struct lf_error ignored;
	uint64_t length;

	if (!text || lf_parse_u64(text, 0, LENGTH_MAX, &length, &ignored) || length % UNIT)
		return fail_header("x-ms-blob-content-length", "a multiple of 512 is needed", err);
	int rc = lf_blob_page_path(data_dir, target->account, target->container, target->blob,
				   &path, err);
	if (!rc)
		rc = lf_blob_temporary(data_dir, target->account, &temporary, err);
	if (rc)
		return rc;
	rc = make_file(temporary, length, err);
	if (!rc)
		rc = lf_blob_place(request, x, temporary, path, LF_BLOB_PAGE_SUFFIX, err);
	if (rc)
		unlink(temporary);
	else
		lf_http_status(x, 201);
	return rc;
}

/* What is asked of which pages; they are whole pages of the blob. */
static int parse_write(struct lf_http_exchange *x, uint64_t length, bool *ret_clear,
		       uint64_t *ret_from, uint64_t *ret_to, struct lf_error *err)
{
	const char *action = lf_http_header(x, "x-ms-page-write");
	struct lf_blob_range range;
	struct lf_error ignored;
	bool asked;
	size_t len;

	bool update = action && lf_text_equal_nocase(action, "update");
	*ret_clear = action && lf_text_equal_nocase(action, "clear");
	if (!update && !*ret_clear)
		return fail_header("x-ms-page-write", "update or clear", err);
	if (lf_blob_range_asked(x, &asked, &range, &ignored) || !asked || range.last >= length ||
	    range.first % UNIT || (range.last + 1) % UNIT)
		return lf_fail_arm(err, LF_ERANGE, "InvalidPageRange", "x-ms-range", NULL,
				   "the range is not of whole pages of the blob");
	(void)lf_http_body(x, &len);
	if (update && len != range.last - range.first + 1)
		return fail_header("Content-Length", "not that of the range", err);
	*ret_from = range.first;
	*ret_to = range.last;
	return 0;
}

int lf_blob_page_write(const struct lf_blob_request *request, struct lf_http_exchange *x,
		       struct lf_error *err)
{
	const struct lf_blob_target *target = &request->target;
	LF_AUTO_FREE char *path = NULL;
	uint64_t from = 0, to = 0;
	struct stat st;
	bool clear = false;
	size_t len;

	int rc = lf_blob_page_path(request->service->data_dir, target->account, target->container,
				   target->blob, &path, err);
	if (rc)
		return rc;
	LF_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", NULL, NULL,
				   "there is no page blob of that name that can be written to");
	rc = parse_write(x, (uint64_t)st.st_size, &clear, &from, &to, err);
	if (rc)
		return rc;
	const char *body = lf_http_body(x, &len);
	if (clear && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
			       (off_t)(to - from + 1)))
		rc = lf_fail_sys(err, errno, path, "cannot clear pages");
	if (!rc && !clear)
		rc = lf_file_pwrite_all(fd, body, len, from, "blob", err);
	if (!rc)
		rc = lf_file_sync(fd, "blob", err);
	if (!rc) {
		lf_http_set_header(x, "x-ms-blob-sequence-number", "0");
		lf_http_status(x, 201);
	}
	return rc;
}
