/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob/service.h"
#include "os/file.h"

#define XML_TYPE "application/xml"
#define LIST_MAX 5000

void lf_blob_xml_text(struct lf_buf *out, const char *text)
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

static void answer_xml(struct lf_http_exchange *x, int status, struct lf_buf *xml)
{
	size_t len = xml->len;
	char *text = lf_buf_take(xml);

	lf_http_status(x, text ? status : 500);
	if (text)
		lf_http_answer_take(x, XML_TYPE, text, len);
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
	lf_blob_xml_text(&xml, code);
	lf_buf_puts(&xml, "</Code><Message>");
	lf_blob_xml_text(&xml, err->message);
	lf_buf_puts(&xml, "</Message></Error>");
	answer_xml(x, lf_error_http(err->code), &xml);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **items;
	size_t n, capacity;
	const char *skip_suffix;
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
	size_t len = strlen(name);

	if (strstr(name, ".tmp-") || (len > 5 && strcmp(name + len - 5, ".meta") == 0))
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

static void begin_list(struct lf_buf *xml, struct lf_http_exchange *x, const char *url,
		       const char *container)
{
	char value[1100];

	lf_buf_puts(
		xml,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"");
	lf_blob_xml_text(xml, url);
	lf_buf_puts(xml, "\"");
	if (container)
		lf_buf_printf(xml, " ContainerName=\"%s\"", container);
	lf_buf_puts(xml, ">");
	if (lf_blob_query(x, "prefix", value, sizeof(value))) {
		lf_buf_puts(xml, "<Prefix>");
		lf_blob_xml_text(xml, value);
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
	struct stat st;

	int rc = dir && url ? list_sorted(dir, &names, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	begin_list(&xml, x, url, NULL);
	lf_buf_puts(&xml, "<Containers>");
	for (size_t i = 0; i < names.n; i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, names.items[i]);
		if (!path || stat(path, &st) || !S_ISDIR(st.st_mode))
			continue;
		lf_buf_printf(&xml, "<Container><Name>%s</Name><Properties>", names.items[i]);
		put_times(&xml, &st);
		lf_buf_puts(&xml,
			    "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
			    "</Properties></Container>");
	}
	lf_buf_puts(&xml, "</Containers><NextMarker/></EnumerationResults>");
	answer_xml(x, 200, &xml);
	return 0;
}

/* The name back from its file's. */
static void decode_name(const char *file, char *out, size_t size)
{
	size_t used = 0;
	unsigned code;

	for (const char *p = file; *p && used + 1 < size; p++)
		if (*p == '%' && sscanf(p + 1, "%2X", &code) == 1) {
			out[used++] = (char)code;
			p += 2;
		} else {
			out[used++] = *p;
		}
	out[used] = '\0';
}

static void put_blob(struct lf_buf *xml, const char *name, const struct stat *st)
{
	lf_buf_puts(xml, "<Blob><Name>");
	lf_blob_xml_text(xml, name);
	lf_buf_puts(xml, "</Name><Properties>");
	put_times(xml, st);
	lf_buf_printf(xml,
		      "<Content-Length>%lld</Content-Length>"
		      "<Content-Type>application/octet-stream</Content-Type>"
		      "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier>"
		      "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
		      "</Properties></Blob>",
		      (long long)st->st_size);
}

int lf_blob_list_blobs(struct lf_blob_service *service, struct lf_http_exchange *x,
		       const struct lf_blob_target *target, struct lf_error *err)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s/%s/", *service->opts.base_url, target->account);
	LF_AUTO_FREE char *dir = NULL;
	LF_CLEANUP(names_done) struct names names = {0};
	LF_AUTO_BUF xml = LF_BUF_INIT;
	char prefix[1100] = "", marker[1100] = "", name[1100], next[1100] = "", digits[16] = "";
	struct lf_error ignored;
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
	lf_blob_query(x, "prefix", prefix, sizeof(prefix));
	lf_blob_query(x, "marker", marker, sizeof(marker));
	if (lf_blob_query(x, "maxresults", digits, sizeof(digits)) &&
	    lf_parse_u64(digits, 1, LIST_MAX, &limit, &ignored))
		limit = LIST_MAX;
	begin_list(&xml, x, url, target->container);
	lf_buf_puts(&xml, "<Blobs>");
	for (size_t i = 0; i < names.n; i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, names.items[i]);
		decode_name(names.items[i], name, sizeof(name));
		if (strncmp(name, prefix, strlen(prefix)) != 0 ||
		    (marker[0] && strcmp(names.items[i], marker) < 0) || !path || stat(path, &st))
			continue;
		if (listed++ == limit) {
			snprintf(next, sizeof(next), "%s", names.items[i]);
			break;
		}
		put_blob(&xml, name, &st);
	}
	lf_buf_puts(&xml, "</Blobs><NextMarker>");
	lf_blob_xml_text(&xml, next);
	lf_buf_puts(&xml, "</NextMarker></EnumerationResults>");
	answer_xml(x, 200, &xml);
	return 0;
}

struct reading {
	int fd;
	uint64_t from;
};

static int read_file(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	const struct reading *reading = context;

	return lf_file_pread_all(reading->fd, data, len, reading->from + offset, "blob", err);
}

static void end_reading(void *context)
{
	struct reading *reading = context;

	close(reading->fd);
	free(reading);
}

/* "bytes=A-B" or "bytes=A-"; false: no range is asked for. */
static bool parse_range(const char *header, uint64_t size, uint64_t *ret_from, uint64_t *ret_to)
{
	unsigned long long from, to;
	int n = header ? sscanf(header, "bytes=%llu-%llu", &from, &to) : 0;

	if (n < 1)
		return false;
	*ret_from = from;
	*ret_to = n == 2 && to < size ? to : size ? size - 1 : 0;
	return true;
}

int lf_blob_read(struct lf_blob_service *service, struct lf_http_exchange *x,
		 const struct lf_blob_target *target, struct lf_error *err)
{
	const char *range = lf_http_header(x, "x-ms-range");
	LF_AUTO_FREE char *path = NULL;
	char text[128];
	struct stat st;

	int rc = lf_blob_path(service->data_dir, target->account, target->container, target->blob,
			      &path, err);
	if (rc)
		return rc;
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", NULL, NULL,
				   "the blob does not exist");
	uint64_t size = (uint64_t)st.st_size, from = 0, to = size ? size - 1 : 0;
	bool partial = parse_range(range ? range : lf_http_header(x, "Range"), size, &from, &to);
	if (partial && from >= size) {
		lf_http_set_header(x, "x-ms-error-code", "InvalidRange");
		lf_http_status(x, 416);
		return 0;
	}
	struct reading *reading = malloc(sizeof(*reading));
	if (!reading)
		return lf_fail_nomem(err);
	*reading = (struct reading){fd, from};
	fd = -1;
	lf_time_format_http(st.st_mtim.tv_sec * LF_NS_PER_S, text);
	lf_http_set_header(x, "Last-Modified", text);
	snprintf(text, sizeof(text), "\"0x%llX\"",
		 (unsigned long long)(st.st_mtim.tv_sec * LF_NS_PER_S + st.st_mtim.tv_nsec));
	lf_http_set_header(x, "ETag", text);
	lf_http_set_header(x, "Accept-Ranges", "bytes");
	lf_http_set_header(x, "x-ms-blob-type", "BlockBlob");
	lf_http_set_header(x, "x-ms-lease-status", "unlocked");
	lf_http_set_header(x, "x-ms-lease-state", "available");
	lf_http_set_header(x, "x-ms-server-encrypted", "true");
	if (partial) {
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)from,
			 (unsigned long long)to, (unsigned long long)size);
		lf_http_set_header(x, "Content-Range", text);
	}
	lf_http_status(x, partial ? 206 : 200);
	lf_http_answer_stream(x, "application/octet-stream", size ? to - from + 1 : 0, read_file,
			      end_reading, reading);
	return 0;
}
