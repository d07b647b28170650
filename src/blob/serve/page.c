/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page blobs and append blobs that are made, and pages that are written.
 *
 * A page blob's bytes are a sparse file.  Pages are written into it under the name's lock, so that
 * conditions hold for what they were asked of, and synced outside of it: an answer is given for
 * what is durable.  A kill leaves pages of a write that was not answered written in part, as a disk
 * would; the file's time of change, which the ETag is made of, changes with each write.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock.h"
#include "blob/serve/range.h"
#include "blob/serve/serve.h"
#include "os/file.h"

#define UNIT	   512u
#define LENGTH_MAX (UINT64_C(8) << 40) /* as Azure has it */

/* A blob of length zeroes. */
static int make_blob(struct lf_blob_request *request, struct lf_http_exchange *x, json_t *record,
		     uint64_t length, struct lf_error *err)
{
	LF_AUTO_BLOB_DRAFT draft = NULL;
	LF_AUTO_FREE char *path = NULL;
	int rc = lf_blob_container_check(request->service->data_dir, &request->target, err);

	if (!rc)
		rc = lf_blob_draft_make(request->service->data_dir, request->target.account, &draft,
					err);
	if (!rc && !(path = lf_printf_dup("%s/data", draft)))
		rc = lf_fail_nomem(err);
	if (rc)
		return rc;
	LF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)length))
		return lf_fail_sys(err, errno, path, "cannot make a file");
	rc = lf_file_sync(fd, "blob", err);
	return rc ? rc : lf_blob_make(request, x, record, &draft, err);
}

int lf_blob_page_create(struct lf_blob_request *request, struct lf_http_exchange *x,
			struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-blob-content-length");
	const char *sequence = lf_http_header(x, "x-ms-blob-sequence-number");
	LF_AUTO_JSON *record = NULL;
	struct lf_error ignored;
	uint64_t length, number = 0;

	if (!text || lf_parse_u64(text, 0, LENGTH_MAX, &length, &ignored) || length % UNIT)
		return lf_blob_header_error("x-ms-blob-content-length",
					    "a multiple of 512 is needed", err);
	if (sequence && lf_parse_u64(sequence, 0, INT64_MAX, &number, &ignored))
		return lf_blob_header_error("x-ms-blob-sequence-number", "a number is needed", err);
	int rc = lf_blob_check_no_body(x, err);
	if (!rc)
		rc = lf_blob_take_all(x, "PageBlob", true, lf_blob_now(request), &record, err);
	if (!rc && lf_json_set_int(record, "sequence", (int64_t)number))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = make_blob(request, x, record, length, err);
	if (!rc)
		lf_http_set_header(x, "x-ms-blob-sequence-number", sequence ? sequence : "0");
	return rc;
}

int lf_blob_append_create(struct lf_blob_request *request, struct lf_http_exchange *x,
			  struct lf_error *err)
{
	LF_AUTO_JSON *record = NULL;
	int rc = lf_blob_check_no_body(x, err);

	if (!rc)
		rc = lf_blob_take_all(x, "AppendBlob", true, lf_blob_now(request), &record, err);
	if (!rc && (lf_json_set_int(record, "size", 0) | lf_json_set_int(record, "appended", 0)))
		rc = lf_fail_nomem(err);
	return rc ? rc : make_blob(request, x, record, 0, err);
}

struct writing {
	bool clear;
	uint64_t from, to;
};

/* What is asked of which pages; they are whole pages of the blob. */
static int parse_write(const struct lf_http_exchange *x, uint64_t length, struct writing *writing,
		       struct lf_error *err)
{
	const char *action = lf_http_header(x, "x-ms-page-write");
	struct lf_blob_range range;
	struct lf_error ignored;
	bool asked;
	size_t len;

	bool update = action && lf_text_equal_nocase(action, "update");
	writing->clear = action && lf_text_equal_nocase(action, "clear");
	if (!update && !writing->clear)
		return lf_blob_header_error("x-ms-page-write", "update or clear", err);
	if (lf_blob_range_asked(x, &asked, &range, &ignored) || !asked || range.last >= length ||
	    range.first % UNIT || (range.last + 1) % UNIT)
		return lf_fail_arm(err, LF_ERANGE, "InvalidPageRange", "x-ms-range", NULL,
				   "the range is not of whole pages of the blob");
	(void)lf_http_body(x, &len);
	if (len != (update ? range.last - range.first + 1 : 0))
		return lf_blob_header_error(
			"Content-Length",
			update ? "not that of the range" : "0: cleared pages have no body", err);
	writing->from = range.first;
	writing->to = range.last;
	return 0;
}

/* x-ms-if-sequence-number-le, -lt, -eq. */
static int check_sequence(const struct lf_http_exchange *x, const json_t *record,
			  struct lf_error *err)
{
	static const char *const names[] = {"x-ms-if-sequence-number-le",
					    "x-ms-if-sequence-number-lt",
					    "x-ms-if-sequence-number-eq"};
	uint64_t number = (uint64_t)lf_json_int_or(record, "sequence", 0), given;
	struct lf_error ignored;

	for (size_t i = 0; i < LF_N(names); i++) {
		const char *text = lf_http_header(x, names[i]);
		if (text && lf_parse_u64(text, 0, INT64_MAX, &given, &ignored))
			return lf_blob_header_error(names[i], "a number is needed", err);
		if (text && !(i == 0 ? number <= given : i == 1 ? number < given : number == given))
			return lf_fail_arm(err, LF_EPRECONDITION, "SequenceNumberConditionNotMet",
					   NULL, NULL,
					   "the sequence number condition specified was not met");
	}
	return 0;
}

/* Never the same time of change twice; nobody else writes meanwhile. */
static int write_pages(const struct lf_http_exchange *x, int fd, const struct writing *writing,
		       int64_t changed_ns, struct lf_error *err)
{
	const struct timespec times[] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = changed_ns / LF_NS_PER_S, .tv_nsec = changed_ns % LF_NS_PER_S}};
	size_t len;
	const char *body = lf_http_body(x, &len);
	int rc = 0;

	if (writing->clear &&
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)writing->from,
		      (off_t)(writing->to - writing->from + 1)))
		rc = lf_fail_sys(err, errno, "blob", "cannot clear pages");
	if (!rc && !writing->clear)
		rc = lf_file_pwrite_all(fd, body, len, writing->from, "blob", err);
	if (!rc && futimens(fd, times))
		rc = lf_fail_sys(err, errno, "blob", "cannot set the time of a blob");
	return rc;
}

static int write_locked(struct lf_blob_request *request, struct lf_http_exchange *x, int *ret_fd,
			struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	struct writing writing;
	char text[64];

	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = lf_blob_entry_find(request->service->data_dir, &request->target, &entry, err);
	if (!rc && (entry.point || !lf_blob_entry_is(&entry, "PageBlob")))
		rc = lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL,
				 entry.point ? "copy it first: it is the disk of a recovery point"
					     : NULL,
				 "the blob type is invalid for this operation");
	if (!rc)
		rc = lf_blob_check_change(request, x, &entry, LF_BLOB_ASKS_CHANGE, err);
	if (!rc)
		rc = check_sequence(x, entry.record, err);
	if (!rc)
		rc = parse_write(x, entry.size, &writing, err);
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "/proc/self/fd/%d", entry.fd);
	LF_AUTO_FD fd = open(text, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return lf_fail_sys(err, errno, "blob", "cannot write to a blob");
	int64_t changed_ns = lf_blob_change_time(request->service, &entry);
	rc = write_pages(x, fd, &writing, changed_ns, err);
	if (rc)
		return rc;
	lf_blob_describe_change(x, changed_ns);
	snprintf(text, sizeof(text), "%lld",
		 (long long)lf_json_int_or(entry.record, "sequence", 0));
	lf_http_set_header(x, "x-ms-blob-sequence-number", text);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int lf_blob_page_write(struct lf_blob_request *request, struct lf_http_exchange *x,
		       struct lf_error *err)
{
	LF_AUTO_FD fd = -1;
	int rc = lf_blob_check_body(x, err);

	if (!rc)
		rc = write_locked(request, x, &fd, err);
	if (!rc)
		rc = lf_file_sync(fd, "blob", err);
	lf_http_set_header(x, "x-ms-request-server-encrypted", "true");
	lf_http_status(x, 201);
	return rc;
}
