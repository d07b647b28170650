/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy Blob and Put Blob From URL, from a blob of this site, before the answer.
 *
 * The source is found, the right to read it asked for, and its conditions; then a draft gets its
 * bytes: by a second name where they never change (blocks, whole block blobs), by a copy where they
 * may.  The draft becomes the blob as any other does (change.c).  The disk of a recovery point is
 * copied as what it is: a blob with a claim of its own.  A kill leaves a draft that nobody names.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/lock.h"
#include "blob/auth/authorize.h"
#include "blob/point.h"
#include "blob/serve/serve.h"
#include "os/file.h"

#define BLOCK_BYTES_MAX (UINT64_C(5000) << 20) /* of Put Blob From URL, as Azure has it */
#define COPY_BYTES	(1u << 20)
#define RUN_BYTES	(64 << 20) /* between two looks at whether the site stops */

struct source {
	struct lf_blob_target target;
	struct lf_blob_entry entry;
	char *url;	   /* without its query, which may be a signature */
	const char *query; /* in the header */
};

static void source_done(struct source *source)
{
	lf_blob_target_done(&source->target);
	lf_blob_entry_done(&source->entry);
	free(source->url);
}

static int fail_source(int code, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, code, "CannotVerifyCopySource", "x-ms-copy-source",
			   "name a blob of this site, with a shared access signature where it is "
			   "in another account",
			   "the copy source %s", what);
}

/* Is the host of a URL one that this site is called by? */
static bool is_ours(const struct lf_blob_request *request, const struct lf_http_exchange *x,
		    const char *host, size_t len)
{
	const char *called = lf_http_header(x, "Host");
	const char *base = strstr(*request->service->opts.base_url, "://");

	base = base ? base + 3 : "";
	return (called && strlen(called) == len && strncasecmp(called, host, len) == 0) ||
	       (strcspn(base, "/") == len && strncasecmp(base, host, len) == 0);
}

static int parse_source(const struct lf_blob_request *request, const struct lf_http_exchange *x,
			struct source *source, struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-copy-source"), *other = NULL;
	static const char scheme[] = "https://";
	char value[LF_BLOB_QUERY_SIZE];

	if (!text || !lf_text_starts_nocase(text, scheme))
		return fail_source(LF_EINVAL, "is no https URL", err);
	const char *host = text + strlen(scheme);
	size_t len = strcspn(host, "/?#");
	if (!is_ours(request, x, host, len))
		return fail_source(LF_EUNSUPPORTED, "is not of this site", err);
	size_t path = strcspn(host + len, "?#");
	LF_AUTO_FREE char *own = strndup(host + len, path);
	source->url = strndup(text, strlen(scheme) + len + path);
	source->query = host[len + path] == '?' ? host + len + path + 1 : "";
	if (!own || !source->url)
		return lf_fail_nomem(err);
	if (lf_blob_target_parse(own, &source->target, err) || !source->target.blob[0])
		return fail_source(LF_EINVAL, "is not the URL of a blob", err);
	static const char *const others[] = {"snapshot", "versionid"};
	for (size_t i = 0; i < LF_N(others); i++)
		if (lf_blob_query_of(source->query, others[i], value, sizeof(value), err) ||
		    value[0])
			other = others[i];
	return other ? fail_source(LF_ENOTFOUND,
				   "is a snapshot or version, which are not kept here", err)
		     : 0;
}

static int find_source(struct lf_blob_request *request, struct lf_http_exchange *x,
		       struct source *source, struct lf_error *err)
{
	const struct lf_blob_service *service = request->service;
	bool ignored;

	int rc = parse_source(request, x, source, err);
	if (rc)
		return rc;
	rc = lf_blob_authorize_source(x, request, &source->target, source->query, err);
	if (rc == LF_ENOTFOUND)
		return fail_source(LF_ENOTFOUND, "does not exist", err);
	if (rc == LF_EDENIED || rc == LF_EUNAUTHENTICATED)
		return fail_source(LF_EDENIED, "may not be read with what the request brings", err);
	if (!rc)
		rc = lf_blob_entry_open(service->data_dir, &source->target, &source->entry, err);
	if (!rc && !source->entry.form)
		return fail_source(LF_ENOTFOUND, "does not exist", err);
	return rc ? rc
		  : lf_blob_conditions(x, LF_BLOB_ASKS_SOURCE, true, source->entry.modified_ns,
				       &ignored, err);
}

/* What the copy is said to have. */

static int copy_member(json_t *record, const struct source *source, const char *name,
		       struct lf_error *err)
{
	json_t *value = json_object_get(source->entry.record, name);

	return value && json_object_set_new(record, name, json_deep_copy(value))
		       ? lf_fail_nomem(err)
		       : 0;
}

static bool has_metadata_header(const json_t *record)
{
	return json_object_size(lf_json_at(record, "metadata")) > 0;
}

static int copy_tags(const struct lf_http_exchange *x, json_t *record, const struct source *source,
		     struct lf_error *err)
{
	const char *option = lf_http_header(x, "x-ms-copy-source-tag-option");

	if (!option || strcmp(option, "REPLACE") == 0)
		return 0;
	if (strcmp(option, "COPY") != 0 || lf_http_header(x, "x-ms-tags"))
		return lf_blob_header_error("x-ms-copy-source-tag-option",
					    "REPLACE, or COPY without x-ms-tags", err);
	return copy_member(record, source, "tags", err);
}

/* Metadata of the request replaces that of the source; content headers are those of the source,
 * unless the request has others (of Put Blob From URL alone) or says that they are not copied. */
static int describe_copy(struct lf_blob_request *request, const struct lf_http_exchange *x,
			 const struct source *source, const char *type, json_t **ret_record,
			 struct lf_error *err)
{
	const char *properties = lf_http_header(x, "x-ms-copy-source-blob-properties");
	LF_AUTO_JSON *record = NULL;
	int rc = lf_blob_take_all(x, type, false, lf_blob_now(request), &record, err);

	if (!rc && properties && !lf_text_equal_nocase(properties, "true") &&
	    !lf_text_equal_nocase(properties, "false"))
		rc = lf_blob_header_error("x-ms-copy-source-blob-properties", "true or false", err);
	bool keeps = (!properties || lf_text_equal_nocase(properties, "true")) &&
		     !lf_blob_has_content_headers(x);
	if (!rc && keeps)
		rc = copy_member(record, source, "content", err);
	if (!rc && !has_metadata_header(record))
		rc = copy_member(record, source, "metadata", err);
	if (!rc)
		rc = copy_tags(x, record, source, err);
	if (!rc && strcmp(type, "BlockBlob") != 0)
		rc = copy_member(record, source, "sequence", err);
	if (!rc && strcmp(type, "AppendBlob") == 0)
		rc = copy_member(record, source, "appended", err);
	if (!rc && lf_json_set_int(record, "size", (int64_t)source->entry.size))
		rc = lf_fail_nomem(err);
	if (!rc)
		*ret_record = lf_steal(&record);
	return rc;
}

static int note_copy(struct lf_blob_request *request, const struct source *source, json_t *record,
		     struct lf_error *err)
{
	LF_AUTO_DOC copy = LF_DOC_INIT;
	char id[LF_GUID_SIZE];

	lf_guid_random(id);
	lf_doc_text(&copy, "id", id);
	lf_doc_text(&copy, "source", source->url);
	lf_doc_int(&copy, "bytes", (int64_t)source->entry.size);
	lf_doc_int(&copy, "completed", lf_blob_now(request));
	json_t *doc = lf_doc_take(&copy);
	return !doc || json_object_set_new(record, "copy", doc) ? lf_fail_nomem(err) : 0;
}

/* Bytes. */

static int link_at(int dir, const char *name, const char *draft, const char *as,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *from =
		lf_printf_dup("/proc/self/fd/%d%s%s", dir, *name ? "/" : "", name);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", draft, as);

	if (!from || !path)
		return lf_fail_nomem(err);
	return linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW)
		       ? lf_fail_sys(err, errno, path, "cannot link the bytes of a blob")
		       : 0;
}

static int link_blocks(const struct source *source, const char *draft, json_t *record,
		       struct lf_error *err)
{
	int64_t n = lf_json_int_or(source->entry.record, "blocks", 0);
	char name[24];

	int rc = link_at(source->entry.dir, "blocks", draft, "blocks", err);
	for (int64_t i = 0; !rc && i < n; i++) {
		snprintf(name, sizeof(name), "%lld", (long long)i);
		rc = link_at(source->entry.dir, name, draft, name, err);
	}
	return rc ? rc : copy_member(record, source, "blocks", err);
}

static int make_data(const char *draft, int *ret_fd, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/data", draft);

	if (!path)
		return lf_fail_nomem(err);
	*ret_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? lf_fail_sys(err, errno, path, "cannot make a file") : 0;
}

static int copy_run(const struct lf_blob_request *request, int from, int to, off_t at, off_t end,
		    struct lf_error *err)
{
	off_t target = at;
	int rc = 0;

	while (!rc && at < end) {
		size_t len = end - at < RUN_BYTES ? (size_t)(end - at) : RUN_BYTES;
		ssize_t n = copy_file_range(from, &at, to, &target, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lf_fail_sys(err, n ? errno : EIO, "blob", "cannot copy a blob");
		rc = lf_blob_go_on(request, err);
	}
	return rc;
}

/* A file that may change: what it holds now, holes as holes. */
static int copy_file(const struct lf_blob_request *request, const struct source *source,
		     const char *draft, struct lf_error *err)
{
	int from = source->entry.fd;
	off_t size = (off_t)source->entry.size;

	LF_AUTO_FD to = -1;
	int rc = make_data(draft, &to, err);
	if (rc)
		return rc;
	bool cloned = ioctl(to, FICLONE, from) == 0;
	if (ftruncate(to, size))
		return lf_fail_sys(err, errno, draft, "cannot size a blob");
	for (off_t at = 0; !rc && !cloned && at < size;) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0 || data >= size)
			break;
		off_t hole = lseek(from, data, SEEK_HOLE);
		off_t end = hole > data && hole < size ? hole : size;
		rc = copy_run(request, from, to, data, end, err);
		at = end;
	}
	return rc ? rc : lf_file_sync(to, "blob", err);
}

/* Of a blob of any kind, as the bytes of a block blob. */
static int copy_bytes(const struct lf_blob_request *request, const struct source *source,
		      const char *draft, struct lf_error *err)
{
	struct lf_blob_reader *reader = NULL;
	LF_AUTO_FREE char *block = malloc(COPY_BYTES);
	uint64_t size = source->entry.size;

	LF_AUTO_FD to = -1;
	int rc = block ? make_data(draft, &to, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_blob_reader_open(request->service->opts.regions, &source->entry, 0, &reader,
					 err);
	for (uint64_t at = 0; !rc && at < size; at += COPY_BYTES) {
		size_t len = size - at < COPY_BYTES ? (size_t)(size - at) : COPY_BYTES;
		rc = lf_blob_go_on(request, err);
		if (!rc)
			rc = lf_blob_reader_read(reader, block, len, at, err);
		if (!rc)
			rc = lf_file_pwrite_all(to, block, len, at, "blob", err);
	}
	lf_blob_reader_free(reader);
	return rc ? rc : lf_file_sync(to, "blob", err);
}

static int fill(const struct lf_blob_request *request, const struct source *source,
		const char *type, const char *draft, json_t *record, struct lf_error *err)
{
	const struct lf_blob_entry *entry = &source->entry;

	if (!lf_blob_entry_is(entry, type))
		return entry->size > BLOCK_BYTES_MAX
			       ? lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL,
					     "copy it with Copy Blob",
					     "the source is too large for a block blob")
			       : copy_bytes(request, source, draft, err);
	if (!lf_blob_entry_is(entry, "BlockBlob"))
		return copy_file(request, source, draft, err);
	return lf_json_at(entry->record, "blocks") ? link_blocks(source, draft, record, err)
						   : link_at(entry->fd, "", draft, "data", err);
}

/* Another claim on the same point, under the lock of the new name. */
static int copy_point(struct lf_blob_request *request, struct lf_http_exchange *x,
		      const struct source *source, json_t *record, struct lf_error *err)
{
	const struct lf_blob_service *service = request->service;
	const struct lf_blob_target *target = &request->target;
	const json_t *disk = source->entry.point;
	LF_AUTO_BLOB_ENTRY before = LF_BLOB_ENTRY_INIT;
	const struct lf_blob_point point = {.region = lf_json_text_or(disk, "region", ""),
					    .point = lf_json_text_or(disk, "point", ""),
					    .root = lf_json_text_or(disk, "root", ""),
					    .size_bytes =
						    (uint64_t)lf_json_int_or(disk, "sizeBytes", 0)};

	LF_GUARD(lf_blob_lock_of(request->service, target));
	int rc = lf_blob_entry_open(service->data_dir, target, &before, err);
	if (!rc)
		rc = lf_blob_container_check(service->data_dir, target, err);
	if (!rc)
		rc = lf_blob_check_change(request, x, &before, LF_BLOB_ASKS_MAKE, err);
	if (rc)
		return rc;
	int64_t changed_ns = lf_blob_change_time(service, &before);
	if (lf_json_set_int(record, "created", changed_ns) |
	    lf_json_set_int(record, "modified", changed_ns))
		return lf_fail_nomem(err);
	rc = lf_blob_keep_lease(request, &before, record, err);
	if (!rc)
		rc = lf_blob_put_point(service->data_dir, service->opts.regions, target->account,
				       target->container, target->blob, &point, err);
	if (!rc)
		rc = lf_blob_describe_point(service->data_dir, target->account, target->container,
					    target->blob, record, err);
	if (!rc)
		rc = lf_blob_remove_but_point(service, target, err);
	if (!rc)
		lf_blob_describe_change(x, changed_ns);
	return rc;
}

static int copy_into(struct lf_blob_request *request, struct lf_http_exchange *x, const char *type,
		     const struct source *source, json_t *record, struct lf_error *err)
{
	LF_AUTO_BLOB_DRAFT draft = NULL;
	int rc = lf_blob_container_check(request->service->data_dir, &request->target, err);

	if (!rc)
		rc = lf_blob_draft_make(request->service->data_dir, request->target.account, &draft,
					err);
	if (!rc)
		rc = fill(request, source, type, draft, record, err);
	return rc ? rc : lf_blob_make(request, x, record, &draft, err);
}

static int copy(struct lf_blob_request *request, struct lf_http_exchange *x, const char *type,
		struct source *source, struct lf_error *err)
{
	LF_AUTO_JSON *record = NULL;

	int rc = describe_copy(request, x, source, type, &record, err);
	if (!rc)
		rc = note_copy(request, source, record, err);
	if (rc)
		return rc;
	if (source->entry.point && strcmp(type, "PageBlob") == 0)
		rc = copy_point(request, x, source, record, err);
	else
		rc = copy_into(request, x, type, source, record, err);
	if (rc)
		return rc;
	lf_http_set_header(x, "x-ms-copy-id", lf_json_text_or(record, "copy.id", ""));
	lf_http_set_header(x, "x-ms-copy-status", "success");
	return 0;
}

int lf_blob_copy(struct lf_blob_request *request, struct lf_http_exchange *x, struct lf_error *err)
{
	LF_CLEANUP(source_done) struct source source = {.entry = LF_BLOB_ENTRY_INIT};
	const char *sync = lf_http_header(x, "x-ms-requires-sync");

	if (sync && !lf_text_equal_nocase(sync, "true"))
		return lf_blob_header_error("x-ms-requires-sync", "true, or left out", err);
	int rc = lf_blob_check_no_body(x, err);
	if (!rc)
		rc = find_source(request, x, &source, err);
	if (!rc)
		rc = copy(request, x, lf_blob_entry_type(&source.entry), &source, err);
	lf_http_status(x, 202);
	return rc;
}

int lf_blob_put_from_url(struct lf_blob_request *request, struct lf_http_exchange *x,
			 struct lf_error *err)
{
	LF_CLEANUP(source_done) struct source source = {.entry = LF_BLOB_ENTRY_INIT};
	int rc = lf_blob_check_no_body(x, err);

	if (!rc)
		rc = find_source(request, x, &source, err);
	if (!rc)
		rc = copy(request, x, "BlockBlob", &source, err);
	lf_http_status(x, 201);
	return rc;
}

int lf_blob_copy_abort(struct lf_blob_request *request, struct lf_http_exchange *x,
		       struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	int rc = lf_blob_entry_find(request->service->data_dir, &request->target, &entry, err);

	(void)x;
	return rc ? rc
		  : lf_fail_arm(err, LF_ECONFLICT, "NoPendingCopyOperation", NULL, NULL,
				"there is currently no pending copy operation");
}
