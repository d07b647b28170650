/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading blobs: ranges of bytes, of a file or of a vault's disk, and the pages that are there.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "blob/serve/range.h"
#include "blob/page.h"
#include "blob/point.h"
#include "blob/internal.h"
#include "os/file.h"

/* The headers of any blob; range: what of it is answered, NULL: all. */
static void put_headers(struct lf_http_exchange *x, const struct stat *st, const char *type,
			uint64_t size, const struct lf_blob_range *range)
{
	char text[128];

	lf_time_format_http(st->st_mtim.tv_sec * LF_NS_PER_S, text);
	lf_http_set_header(x, "Last-Modified", text);
	snprintf(text, sizeof(text), "\"0x%llX\"",
		 (unsigned long long)(st->st_mtim.tv_sec * LF_NS_PER_S + st->st_mtim.tv_nsec));
	lf_http_set_header(x, "ETag", text);
	lf_http_set_header(x, "Accept-Ranges", "bytes");
	lf_http_set_header(x, "x-ms-blob-type", type);
	lf_http_set_header(x, "x-ms-lease-status", "unlocked");
	lf_http_set_header(x, "x-ms-lease-state", "available");
	lf_http_set_header(x, "x-ms-server-encrypted", "true");
	if (range) {
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
			 (unsigned long long)range->first, (unsigned long long)range->last,
			 (unsigned long long)size);
		lf_http_set_header(x, "Content-Range", text);
	}
	lf_http_status(x, range ? 206 : 200);
}

struct reading {
	int fd;
	uint64_t from;
};

static int read_file(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	const struct reading *reading = context;
	uint64_t at;

	if (!lf_checked_add(reading->from, offset, &at))
		return lf_fail(err, LF_EINVAL, NULL, "read beyond the end of a blob");
	return lf_file_pread_all(reading->fd, data, len, at, "blob", err);
}

static void end_reading(void *context)
{
	struct reading *reading = context;

	close(reading->fd);
	free(reading);
}

/* Takes fd. */
static int read_bytes(struct lf_http_exchange *x, int fd, const struct stat *st, const char *type,
		      struct lf_error *err)
{
	struct reading *reading = malloc(sizeof(*reading));
	uint64_t size = (uint64_t)st->st_size;
	struct lf_blob_range range;
	bool partial;

	int rc =
		reading ? lf_blob_range_within(x, size, &partial, &range, err) : lf_fail_nomem(err);
	if (rc) {
		free(reading);
		close(fd);
		return rc;
	}
	*reading = (struct reading){fd, range.first};
	put_headers(x, st, type, size, partial ? &range : NULL);
	lf_http_answer_stream(x, "application/octet-stream",
			      size ? range.last - range.first + 1 : 0, read_file, end_reading,
			      reading);
	return 0;
}

/* The point's blob, and when it was made. */
static int find_point(struct lf_blob_service *service, const struct lf_blob_target *target,
		      json_t **ret_point, struct stat *ret_st, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *full = NULL;

	int rc = lf_blob_path(service->data_dir, target->account, target->container, target->blob,
			      &path, err);
	if (!rc && !(full = lf_printf_dup("%s" LF_BLOB_POINT_SUFFIX, path)))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_blob_find_point(service->data_dir, target->account, target->container,
					target->blob, ret_point, err);
	if (rc == LF_ENOTFOUND || (!rc && stat(full, ret_st)))
		return lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", NULL, NULL,
				   "the blob does not exist");
	return rc;
}

static int read_point(struct lf_blob_service *service, struct lf_http_exchange *x,
		      const struct lf_blob_target *target, struct lf_error *err)
{
	struct lf_blob_point_reader *reader = NULL;
	LF_AUTO_JSON *point = NULL;
	struct lf_blob_range range;
	bool partial;
	struct stat st;

	int rc = find_point(service, target, &point, &st, err);
	if (rc)
		return rc;
	uint64_t size = lf_blob_point_length(point);
	rc = lf_blob_range_within(x, size, &partial, &range, err);
	if (!rc)
		rc = lf_blob_point_reader_open(service->opts.regions, point, range.first, &reader,
					       err);
	if (rc)
		return rc;
	put_headers(x, &st, "PageBlob", size, partial ? &range : NULL);
	lf_http_set_header(x, "x-ms-blob-sequence-number", "0");
	lf_http_answer_stream(x, "application/octet-stream", range.last - range.first + 1,
			      lf_blob_point_read, lf_blob_point_reader_free, reader);
	return 0;
}

int lf_blob_read(struct lf_blob_service *service, struct lf_http_exchange *x,
		 const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *page = NULL;
	struct stat st;

	int rc = lf_blob_path(service->data_dir, target->account, target->container, target->blob,
			      &path, err);
	if (!rc)
		rc = lf_blob_page_path(service->data_dir, target->account, target->container,
				       target->blob, &page, err);
	if (rc)
		return rc;
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *type = fd < 0 ? "PageBlob" : "BlockBlob";
	if (fd < 0)
		fd = open(page, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return read_point(service, x, target, err);
	int own = fd;
	fd = -1;
	return read_bytes(x, own, &st, type, err);
}

#define RANGES_MAX 10000 /* of an answer, as Azure has it: a marker says where the next begins */

struct page_list {
	struct lf_buf xml;
	uint64_t n, max;
	uint64_t next; /* 0: all */
};

static int put_range(void *context, uint64_t first, uint64_t last, struct lf_error *err)
{
	struct page_list *list = context;

	(void)err;
	if (list->n++ == list->max) {
		list->next = first;
		return LF_ECANCELED;
	}
	lf_buf_printf(&list->xml, "<PageRange><Start>%llu</Start><End>%llu</End></PageRange>",
		      (unsigned long long)first, (unsigned long long)last);
	return 0;
}

/* Data and holes of a page blob's file. */
static int file_ranges(int fd, uint64_t first, uint64_t last, struct page_list *list,
		       struct lf_error *err)
{
	for (off_t at = (off_t)first; (uint64_t)at <= last;) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0 || (uint64_t)data > last)
			return 0;
		off_t hole = lseek(fd, data, SEEK_HOLE);
		uint64_t end = hole > data && (uint64_t)hole <= last ? (uint64_t)hole : last + 1;
		int rc = put_range(list, (uint64_t)data, end - 1, err);
		if (rc)
			return rc;
		at = (off_t)end;
	}
	return 0;
}

/* The page blob's file, or its point: one of them. */
static int open_pages(struct lf_blob_service *service, const struct lf_blob_target *target,
		      int *ret_fd, json_t **ret_point, struct stat *ret_st, struct lf_error *err)
{
	LF_AUTO_FREE char *page = NULL;
	int rc = lf_blob_page_path(service->data_dir, target->account, target->container,
				   target->blob, &page, err);

	if (rc)
		return rc;
	*ret_fd = open(page, O_RDONLY | O_CLOEXEC);
	return *ret_fd >= 0 && fstat(*ret_fd, ret_st) == 0
		       ? 0
		       : find_point(service, target, ret_point, ret_st, err);
}

/* The part of a page blob that a list is of: the range, from the marker on, and how many. */
static int parse_page_list(const struct lf_http_exchange *x, uint64_t size,
			   struct lf_blob_range *ret_range, uint64_t *ret_max, struct lf_error *err)
{
	uint64_t marker = 0;
	bool partial;

	*ret_max = RANGES_MAX;
	int rc = lf_blob_range_within(x, size, &partial, ret_range, err);
	if (!rc)
		rc = lf_blob_query_number(x, "maxresults", 1, ret_max, err);
	if (!rc)
		rc = lf_blob_query_number(x, "marker", 0, &marker, err);
	if (*ret_max > RANGES_MAX)
		*ret_max = RANGES_MAX;
	if (!rc && marker > ret_range->first)
		ret_range->first = marker;
	return rc;
}

int lf_blob_page_list(struct lf_blob_service *service, struct lf_http_exchange *x,
		      const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_JSON *point = NULL;
	struct page_list list = {.xml = LF_BUF_INIT};
	struct lf_blob_range range = {0};
	char text[32];
	struct stat st;

	LF_AUTO_FD fd = -1;
	int rc = open_pages(service, target, &fd, &point, &st, err);
	if (rc)
		return rc;
	uint64_t size = point ? lf_blob_point_length(point) : (uint64_t)st.st_size;
	rc = parse_page_list(x, size, &range, &list.max, err);
	if (rc)
		return rc;
	lf_buf_puts(&list.xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>");
	if (size && range.first <= range.last)
		rc = point ? lf_blob_point_ranges(service->opts.regions, point, range.first,
						  range.last, put_range, &list, err)
			   : file_ranges(fd, range.first, range.last, &list, err);
	if (rc && rc != LF_ECANCELED) {
		lf_buf_done(&list.xml);
		return rc;
	}
	if (list.next)
		lf_buf_printf(&list.xml, "<NextMarker>%llu</NextMarker>",
			      (unsigned long long)list.next);
	lf_buf_puts(&list.xml, "</PageList>");
	put_headers(x, &st, "PageBlob", size, NULL);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	lf_http_set_header(x, "x-ms-blob-content-length", text);
	lf_blob_answer_xml(x, 200, &list.xml);
	return 0;
}
