/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading blobs: bytes or a range of them, as a stream; and of a page blob the pages that are
 * there.  What is open when the answer begins is what the answer is of, whatever becomes of the
 * name meanwhile.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob/auth/lease.h"
#include "blob/crc64.h"
#include "blob/point.h"
#include "blob/serve/range.h"
#include "blob/serve/serve.h"
#include "os/file.h"

#define HASHED_MAX (4u << 20) /* of a range whose hash is asked for, as Azure has it */

/* Finds the blob and asks conditions and lease.  *ret_same: answered, with 304. */
static int find(struct lf_blob_request *request, struct lf_http_exchange *x,
		struct lf_blob_entry *ret_entry, bool *ret_same, struct lf_error *err)
{
	int rc = lf_blob_entry_find(request->service->data_dir, &request->target, ret_entry, err);

	*ret_same = false;
	if (!rc)
		rc = lf_blob_lease_check(lf_json_at(ret_entry->record, "lease"),
					 lf_http_header(x, "x-ms-lease-id"), false, "Blob",
					 lf_blob_now(request), err);
	if (!rc)
		rc = lf_blob_conditions(x, LF_BLOB_ASKS_READ, true, ret_entry->modified_ns,
					ret_same, err);
	if (rc || !*ret_same)
		return rc;
	lf_blob_describe_change(x, ret_entry->modified_ns);
	lf_http_set_header(x, "x-ms-error-code", "ConditionNotMet");
	lf_http_status(x, 304);
	return 0;
}

static bool asks(const struct lf_http_exchange *x, const char *name)
{
	const char *text = lf_http_header(x, name);

	return text && lf_text_equal_nocase(text, "true");
}

/* Headers that a shared access signature asks for in place of the blob's own. */
static int put_overrides(struct lf_http_exchange *x, char type[static 256], struct lf_error *err)
{
	static const struct {
		const char *field, *name;
	} overrides[] = {{"rscc", "Cache-Control"},
			 {"rscd", "Content-Disposition"},
			 {"rsce", "Content-Encoding"},
			 {"rscl", "Content-Language"}};
	char text[256];

	int rc = lf_blob_query(x, "sig", text, sizeof(text), err);
	type[0] = '\0';
	if (rc || !text[0])
		return rc;
	for (size_t i = 0; !rc && i < LF_N(overrides); i++) {
		rc = lf_blob_query(x, overrides[i].field, text, sizeof(text), err);
		if (!rc && text[0])
			lf_http_set_header(x, overrides[i].name, text);
	}
	return rc ? rc : lf_blob_query(x, "rsct", type, 256, err);
}

/* A small range, with the hash that was asked for. */
static int answer_hashed(struct lf_http_exchange *x, struct lf_blob_reader *reader, size_t len,
			 const char *type, struct lf_error *err)
{
	LF_AUTO_FREE char *data = malloc(len + 1);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char text[32];

	int rc = data ? lf_blob_reader_read(reader, data, len, 0, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	if (asks(x, "x-ms-range-get-content-md5")) {
		if (EVP_Digest(data, len, digest, &n, EVP_md5(), NULL) != 1)
			return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a range");
		EVP_EncodeBlock((unsigned char *)text, digest, 16);
		lf_http_set_header(x, "Content-MD5", text);
	} else {
		uint64_t crc = lf_crc64(0, data, len);
		for (size_t i = 0; i < 8; i++)
			digest[i] = (unsigned char)(crc >> (8 * i));
		EVP_EncodeBlock((unsigned char *)text, digest, 8);
		lf_http_set_header(x, "x-ms-content-crc64", text);
	}
	lf_http_answer_take(x, type, lf_steal(&data), len);
	return 0;
}

static int check_hashed(const struct lf_http_exchange *x, bool partial, uint64_t len,
			bool *ret_hashed, struct lf_error *err)
{
	bool md5 = asks(x, "x-ms-range-get-content-md5");
	bool crc64 = asks(x, "x-ms-range-get-content-crc64");

	*ret_hashed = md5 || crc64;
	if (!*ret_hashed)
		return 0;
	if ((md5 && crc64) || !partial || len > HASHED_MAX)
		return lf_blob_header_error(md5 ? "x-ms-range-get-content-md5"
						: "x-ms-range-get-content-crc64",
					    "it is for one hash of a range of at most 4 MiB", err);
	return 0;
}

static int find_range(struct lf_http_exchange *x, uint64_t size, bool *ret_partial,
		      struct lf_blob_range *ret_range, struct lf_error *err)
{
	char text[80];
	int rc = lf_blob_range_within(x, size, ret_partial, ret_range, err);

	if (rc == LF_ERANGE)
		snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
	else if (!rc && *ret_partial)
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
			 (unsigned long long)ret_range->first, (unsigned long long)ret_range->last,
			 (unsigned long long)size);
	else
		return rc;
	lf_http_set_header(x, "Content-Range", text);
	return rc;
}

static int answer_bytes(struct lf_blob_request *request, struct lf_http_exchange *x,
			const struct lf_blob_entry *entry, struct lf_error *err)
{
	struct lf_blob_reader *reader = NULL;
	struct lf_blob_range range;
	char override[256];
	bool partial, hashed;

	int rc = find_range(x, entry->size, &partial, &range, err);
	if (rc)
		return rc;
	uint64_t len = entry->size ? range.last - range.first + 1 : 0;
	rc = check_hashed(x, partial, len, &hashed, err);
	if (!rc)
		rc = lf_blob_reader_open(request->service->opts.regions, entry, range.first,
					 &reader, err);
	if (rc)
		return rc;
	lf_blob_describe(request, x, entry, partial);
	lf_http_status(x, partial ? 206 : 200);
	rc = put_overrides(x, override, err);
	const char *type = override[0] ? override
				       : lf_json_text_or(entry->record, "content.Content-Type",
							 "application/octet-stream");
	if (!rc && hashed)
		rc = answer_hashed(x, reader, (size_t)len, type, err);
	if (rc || hashed) {
		lf_blob_reader_free(reader);
		return rc;
	}
	lf_http_answer_stream(x, type, len, lf_blob_reader_read, lf_blob_reader_free, reader);
	return 0;
}

int lf_blob_read(struct lf_blob_request *request, struct lf_http_exchange *x, struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	bool same;
	int rc = find(request, x, &entry, &same, err);

	return rc || same ? rc : answer_bytes(request, x, &entry, err);
}

/* Get Page Ranges. */

#define RANGES_MAX 10000 /* of an answer, as Azure has it: a marker says where the next begins */
#define UNIT	   512u
#define LOOK_BYTES (64u << 10)

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

static bool is_zero(const char *data)
{
	return data[0] == 0 && memcmp(data, data + 1, UNIT - 1) == 0;
}

/* Of a short run of the file, whose blocks are larger than a page: the pages that are not zero. */
static int put_pages(int fd, uint64_t first, uint64_t end, struct page_list *list,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *data = malloc(LOOK_BYTES);
	uint64_t run = UINT64_MAX;

	int rc = data ? lf_file_pread_all(fd, data, (size_t)(end - first), first, "blob", err)
		      : lf_fail_nomem(err);
	for (uint64_t at = first; !rc && at < end; at += UNIT) {
		bool zero = is_zero(data + (at - first));
		if (!zero && run == UINT64_MAX)
			run = at;
		if (zero && run != UINT64_MAX) {
			rc = put_range(list, run, at - 1, err);
			run = UINT64_MAX;
		}
	}
	return rc || run == UINT64_MAX ? rc : put_range(list, run, end - 1, err);
}

/* Data and holes of a page blob's file, in whole pages.  What is long is told as it lies there,
 * with what is zero in it. */
static int file_ranges(int fd, uint64_t first, uint64_t last, struct page_list *list,
		       struct lf_error *err)
{
	uint64_t stop = last + 1 - (last + 1) % UNIT;

	for (uint64_t at = first - first % UNIT; at < stop;) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		if (data < 0 || (uint64_t)data >= stop)
			return 0;
		off_t hole = lseek(fd, data, SEEK_HOLE);
		uint64_t from = (uint64_t)data - (uint64_t)data % UNIT;
		uint64_t end = hole > data && (uint64_t)hole < stop ? (uint64_t)hole : stop;
		end += (UNIT - end % UNIT) % UNIT;
		int rc = end - from <= LOOK_BYTES ? put_pages(fd, from, end, list, err)
						  : put_range(list, from, end - 1, err);
		if (rc)
			return rc;
		at = end;
	}
	return 0;
}

/* The part of a page blob that a list is of: the range, from the marker on, and how many. */
static int parse_page_list(struct lf_http_exchange *x, uint64_t size,
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

static int list_pages(struct lf_blob_request *request, struct lf_http_exchange *x,
		      const struct lf_blob_entry *entry, struct page_list *list,
		      struct lf_error *err)
{
	struct lf_blob_range range = {0};
	int rc = parse_page_list(x, entry->size, &range, &list->max, err);

	if (rc)
		return rc;
	lf_buf_puts(&list->xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>");
	if (entry->size && range.first <= range.last)
		rc = entry->point
			     ? lf_blob_point_ranges(request->service->opts.regions, entry->point,
						    range.first, range.last, put_range, list, err)
			     : file_ranges(entry->fd, range.first, range.last, list, err);
	if (rc && rc != LF_ECANCELED)
		return rc;
	if (list->next)
		lf_buf_printf(&list->xml, "<NextMarker>%llu</NextMarker>",
			      (unsigned long long)list->next);
	lf_buf_puts(&list->xml, "</PageList>");
	return 0;
}

int lf_blob_page_list(struct lf_blob_request *request, struct lf_http_exchange *x,
		      struct lf_error *err)
{
	struct page_list list = {.xml = LF_BUF_INIT};
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	char text[24];
	bool same;

	int rc = find(request, x, &entry, &same, err);
	if (rc || same)
		return rc;
	rc = lf_blob_entry_is(&entry, "PageBlob")
		     ? list_pages(request, x, &entry, &list, err)
		     : lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL, NULL,
				   "the blob type is invalid for this operation");
	if (rc) {
		lf_buf_done(&list.xml);
		return rc;
	}
	lf_blob_describe_change(x, entry.modified_ns);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)entry.size);
	lf_http_set_header(x, "x-ms-blob-content-length", text);
	lf_blob_answer_xml(x, 200, &list.xml);
	return 0;
}
