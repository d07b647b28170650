/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the blob service: XML lists and errors, as clients of storage
 * accounts read them.  A list is what lies in the directory at that moment,
 * sorted by name, and goes on after the marker that the client gives back.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "blob/page.h"
#include "blob/internal.h"
#include "blob/point.h"
#include "os/file.h"

#define XML_TYPE "application/xml"
#define LIST_MAX 5000

/* Escaped. */
static void put_text(struct lf_buf *out, const char *text)
{
	for (const char *p = text; *p; p++)
		switch (*p) {
		case '<':
			lf_buf_puts(out, "&lt;");
			break;
		case '>':
			lf_buf_puts(out, "&gt;");
			break;
		case '&':
			lf_buf_puts(out, "&amp;");
			break;
		case '"':
			lf_buf_puts(out, "&quot;");
			break;
		default:
			if ((unsigned char)*p >= ' ')
				lf_buf_append(out, p, 1);
		}
}

void lf_blob_answer_xml(struct lf_http_exchange *x, int status, struct lf_buf *xml)
{
	size_t len = xml->len;
	char *text = lf_buf_take(xml);

	if (!text) {
		lf_http_answer_sorry(x);
		return;
	}
	lf_http_status(x, status);
	lf_http_answer_take(x, XML_TYPE, text, len);
}

/* What was written for clients has a code of its own; anything else may speak of files and of the
 * daemon, which is for its log: stricter than lf_error_outside(). */
static const char *message_for(const struct lf_error *err)
{
	if (err->arm_code[0])
		return err->message;
	switch (err->code) {
	case LF_EUNAUTHENTICATED:
		return "the request could not be authenticated";
	case LF_EDENIED:
		return "this request is not authorized to perform this operation";
	case LF_ENOTFOUND:
		return "the resource does not exist";
	default:
		return lf_error_http(err->code) < 500 ? "the request cannot be served"
						      : lf_error_outside(err);
	}
}

void lf_blob_answer_error(struct lf_http_exchange *x, const struct lf_error *err)
{
	struct lf_buf xml = LF_BUF_INIT;
	const char *code = lf_error_arm(err);

	lf_http_set_header(x, "x-ms-error-code", code);
	if (err->code == LF_EUNAUTHENTICATED)
		lf_http_set_header(x, "WWW-Authenticate",
				   "Bearer authorization_uri=\"https://login\" "
				   "resource_id=\"https://storage.azure.com\"");
	lf_buf_puts(&xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>");
	put_text(&xml, code);
	lf_buf_puts(&xml, "</Code><Message>");
	put_text(&xml, message_for(err));
	lf_buf_puts(&xml, "</Message></Error>");
	lf_blob_answer_xml(x, lf_error_http(err->code), &xml);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **items;
	size_t n, capacity;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
}

static int add_name(void *context, const char *name, struct lf_error *err)
{
	struct names *names = context;

	if (name[0] == '.') /* ours: no client's name begins so */
		return 0;
	if (names->n == names->capacity) {
		size_t wanted = names->capacity ? 2 * names->capacity : 64;
		char **items = realloc(names->items, wanted * sizeof(*items));
		if (!items)
			return lf_fail_nomem(err);
		names->items = items;
		names->capacity = wanted;
	}
	names->items[names->n] = strdup(name);
	return names->items[names->n++] ? 0 : lf_fail_nomem(err);
}

static int list_sorted(const char *dir, struct names *names, struct lf_error *err)
{
	int rc = lf_dir_list(dir, add_name, names, err);

	if (!rc && names->n)
		qsort(names->items, names->n, sizeof(*names->items), compare_names);
	return rc;
}

static void begin_list(struct lf_buf *xml, const char *url, const char *container,
		       const char *prefix)
{
	lf_buf_puts(
		xml,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"");
	put_text(xml, url);
	lf_buf_puts(xml, "\"");
	if (container)
		lf_buf_printf(xml, " ContainerName=\"%s\"", container);
	lf_buf_puts(xml, ">");
	if (prefix[0]) {
		lf_buf_puts(xml, "<Prefix>");
		put_text(xml, prefix);
		lf_buf_puts(xml, "</Prefix>");
	}
}

static void put_times(struct lf_buf *xml, const struct stat *st)
{
	char date[LF_TIME_SIZE];

	lf_time_format_http(st->st_mtim.tv_sec * LF_NS_PER_S, date);
	lf_buf_printf(xml, "<Last-Modified>%s</Last-Modified><Etag>\"0x%llX\"</Etag>", date,
		      (unsigned long long)(st->st_mtim.tv_sec * LF_NS_PER_S + st->st_mtim.tv_nsec));
}

int lf_blob_list_containers(struct lf_blob_service *service, struct lf_http_exchange *x,
			    const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_FREE char *dir =
		lf_printf_dup("%s/accounts/%s", service->data_dir, target->account);
	LF_AUTO_FREE char *url = lf_printf_dup("%s/%s/", *service->opts.base_url, target->account);
	LF_CLEANUP(names_done) struct names names = {0};
	LF_AUTO_BUF xml = LF_BUF_INIT;
	char prefix[LF_BLOB_QUERY_SIZE];
	struct stat st;

	int rc = lf_blob_query(x, "prefix", prefix, sizeof(prefix), err);
	if (!rc)
		rc = dir && url ? list_sorted(dir, &names, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	begin_list(&xml, url, NULL, prefix);
	lf_buf_puts(&xml, "<Containers>");
	for (size_t i = 0; i < names.n; i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, names.items[i]);
		if (!path || stat(path, &st) || !S_ISDIR(st.st_mode) ||
		    strncmp(names.items[i], prefix, strlen(prefix)) != 0)
			continue;
		lf_buf_printf(&xml, "<Container><Name>%s</Name><Properties>", names.items[i]);
		put_times(&xml, &st);
		lf_buf_puts(&xml,
			    "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
			    "</Properties></Container>");
	}
	lf_buf_puts(&xml, "</Containers><NextMarker/></EnumerationResults>");
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}

/* "NAME.point" and "NAME.page" are the page blob NAME; false: a block blob. */
static bool page_blob(const char *path, const struct stat *st, char *name, uint64_t *ret_length)
{
	const char *dot = strrchr(path, '.');
	LF_AUTO_JSON *point = NULL;
	struct lf_error ignored;

	bool is_page = dot && strcmp(dot, LF_BLOB_PAGE_SUFFIX) == 0;
	bool is_point = dot && strcmp(dot, LF_BLOB_POINT_SUFFIX) == 0;
	if ((!is_page && !is_point) || (is_point && lf_json_read_file(path, &point, &ignored)))
		return false;
	name[strlen(name) - strlen(dot)] = '\0';
	*ret_length = is_point ? lf_blob_point_length(point) : (uint64_t)st->st_size;
	return true;
}

/* A name that XML cannot hold is percent-encoded, and says so, as Azure has it. */
static void put_name(struct lf_buf *xml, const char *name)
{
	uint32_t character = 0;
	bool plain = lf_utf8_valid(name);

	for (const char *p = name; plain && *p; p += lf_utf8_decode(p, &character))
		if (lf_utf8_decode(p, &character))
			plain = character >= ' ' && character != 0xFFFE && character != 0xFFFF;
	lf_buf_puts(xml, plain ? "<Name>" : "<Name Encoded=\"true\">");
	if (plain)
		put_text(xml, name);
	for (const char *p = plain ? "" : name; *p; p++)
		if (isalnum((unsigned char)*p) || strchr("-_.~/", *p))
			lf_buf_append(xml, p, 1);
		else
			lf_buf_printf(xml, "%%%02X", (unsigned char)*p);
	lf_buf_puts(xml, "</Name>");
}

static void put_blob(struct lf_buf *xml, const char *name, const struct stat *st, bool page,
		     uint64_t length)
{
	lf_buf_puts(xml, "<Blob>");
	put_name(xml, name);
	lf_buf_puts(xml, "<Properties>");
	put_times(xml, st);
	lf_buf_printf(xml,
		      "<Content-Length>%llu</Content-Length>"
		      "<Content-Type>application/octet-stream</Content-Type>"
		      "<BlobType>%s</BlobType>%s"
		      "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
		      "</Properties></Blob>",
		      (unsigned long long)length, page ? "PageBlob" : "BlockBlob",
		      page ? "" : "<AccessTier>Hot</AccessTier>");
}

int lf_blob_list_blobs(struct lf_blob_service *service, struct lf_http_exchange *x,
		       const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s/%s/", *service->opts.base_url, target->account);
	LF_AUTO_FREE char *dir = NULL;
	LF_CLEANUP(names_done) struct names names = {0};
	LF_AUTO_BUF xml = LF_BUF_INIT;
	char prefix[LF_BLOB_QUERY_SIZE], marker[LF_BLOB_QUERY_SIZE], name[LF_BLOB_QUERY_SIZE];
	char next[LF_BLOB_QUERY_SIZE] = "";
	uint64_t limit = LIST_MAX, listed = 0;
	struct stat st;

	int rc = lf_blob_container_dir(service->data_dir, target->account, target->container, &dir,
				       err);
	if (!rc)
		rc = url ? list_sorted(dir, &names, err) : lf_fail_nomem(err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
				   "the container does not exist");
	if (rc)
		return rc;
	rc = lf_blob_query(x, "prefix", prefix, sizeof(prefix), err);
	if (!rc)
		rc = lf_blob_query(x, "marker", marker, sizeof(marker), err);
	if (!rc)
		rc = lf_blob_query_number(x, "maxresults", 1, &limit, err);
	if (rc)
		return rc;
	if (limit > LIST_MAX)
		limit = LIST_MAX;
	begin_list(&xml, url, target->container, prefix);
	lf_buf_puts(&xml, "<Blobs>");
	for (size_t i = 0; i < names.n; i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, names.items[i]);
		lf_blob_name_of(names.items[i], strlen(names.items[i]), name, sizeof(name));
		if (!path || stat(path, &st))
			continue;
		uint64_t length = (uint64_t)st.st_size;
		bool page = page_blob(path, &st, name, &length);
		if (strncmp(name, prefix, strlen(prefix)) != 0 ||
		    (marker[0] && strcmp(names.items[i], marker) < 0))
			continue;
		if (listed++ == limit) {
			snprintf(next, sizeof(next), "%s", names.items[i]);
			break;
		}
		put_blob(&xml, name, &st, page, length);
	}
	lf_buf_puts(&xml, "</Blobs><NextMarker>");
	put_text(&xml, next);
	lf_buf_puts(&xml, "</NextMarker></EnumerationResults>");
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}
