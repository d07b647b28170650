/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List Blobs and List Containers.
 *
 * A list is what lies in the directory at that moment: names that have the prefix and do not come
 * before the marker are kept in memory (some 100 bytes each), sorted by what they are called, not
 * by their files; then a page of them is looked at and answered.  A marker is the next name, as its
 * file is called, since XML cannot hold all names.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "blob/auth/lease.h"
#include "blob/page.h"
#include "blob/point.h"
#include "blob/serve/serve.h"
#include "blob/xml.h"
#include "os/file.h"

#define LIST_MAX 5000

/* What is asked for. */
struct listing {
	char prefix[LF_BLOB_QUERY_SIZE], marker[LF_BLOB_QUERY_SIZE], delimiter[LF_BLOB_QUERY_SIZE];
	bool metadata, tags, copy;
	uint64_t max;
	/* what there is */
	char **names;
	size_t n, capacity;
};

static void listing_done(struct listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		free(listing->names[i]);
	free(listing->names);
}

/* Words of "include" that change nothing where there is nothing of their kind. */
static int take_include(struct listing *listing, const char *word, size_t len, struct lf_error *err)
{
	static const char *const idle[] = {"snapshots",		 "versions",  "deleted",
					   "immutabilitypolicy", "legalhold", "system",
					   "deletedwithversions"};

	if (len == 8 && strncmp(word, "metadata", len) == 0)
		return (listing->metadata = true), 0;
	if (len == 4 && strncmp(word, "tags", len) == 0)
		return (listing->tags = true), 0;
	if (len == 4 && strncmp(word, "copy", len) == 0)
		return (listing->copy = true), 0;
	for (size_t i = 0; i < LF_N(idle); i++)
		if (strlen(idle[i]) == len && strncmp(word, idle[i], len) == 0)
			return 0;
	return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameterValue", "include", NULL,
			   "this site does not include '%.*s' in lists", (int)len, word);
}

static int parse_listing(const struct lf_http_exchange *x, struct listing *listing,
			 struct lf_error *err)
{
	char include[256];

	listing->max = LIST_MAX;
	int rc = lf_blob_query(x, "prefix", listing->prefix, sizeof(listing->prefix), err);
	if (!rc)
		rc = lf_blob_query(x, "marker", listing->marker, sizeof(listing->marker), err);
	if (!rc)
		rc = lf_blob_query(x, "delimiter", listing->delimiter, sizeof(listing->delimiter),
				   err);
	if (!rc)
		rc = lf_blob_query(x, "include", include, sizeof(include), err);
	if (!rc)
		rc = lf_blob_query_number(x, "maxresults", 1, &listing->max, err);
	for (const char *p = include; !rc && *p; p += strspn(p, ",")) {
		size_t len = strcspn(p, ",");
		rc = take_include(listing, p, len, err);
		p += len;
	}
	if (rc)
		return rc;
	if (listing->max > LIST_MAX)
		listing->max = LIST_MAX;
	if (!lf_blob_decode(listing->marker))
		return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameterValue", "marker", NULL,
				   "the marker is none that this site gave");
	return 0;
}

static int add_name(struct listing *listing, const char *name, struct lf_error *err)
{
	if (strncmp(name, listing->prefix, strlen(listing->prefix)) != 0 ||
	    strcmp(name, listing->marker) < 0)
		return 0;
	if (listing->n == listing->capacity) {
		size_t wanted = listing->capacity ? 2 * listing->capacity : 64;
		char **names = realloc(listing->names, wanted * sizeof(*names));
		if (!names)
			return lf_fail_nomem(err);
		listing->names = names;
		listing->capacity = wanted;
	}
	listing->names[listing->n] = strdup(name);
	return listing->names[listing->n++] ? 0 : lf_fail_nomem(err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once: a name may have two files while one replaces the other. */
static void sort_names(struct listing *listing)
{
	size_t kept = 0;

	if (listing->n)
		qsort(listing->names, listing->n, sizeof(*listing->names), compare_names);
	for (size_t i = 0; i < listing->n; i++) {
		if (kept && strcmp(listing->names[kept - 1], listing->names[i]) == 0)
			free(listing->names[i]);
		else
			listing->names[kept++] = listing->names[i];
	}
	listing->n = kept;
}

static void put_marker(struct lf_buf *xml, const char *name)
{
	for (const char *p = name; *p; p++)
		if (isalnum((unsigned char)*p) || strchr("-_.~/", *p))
			lf_buf_append(xml, p, 1);
		else
			lf_buf_printf(xml, "%%%02X", (unsigned char)*p);
}

static void begin_list(struct lf_buf *xml, const char *url, const char *container,
		       const struct lf_http_exchange *x, const struct listing *listing)
{
	char max[24];

	lf_buf_puts(
		xml,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"");
	lf_blob_xml_text(xml, url);
	lf_buf_puts(xml, "\"");
	if (container)
		lf_buf_printf(xml, " ContainerName=\"%s\"", container);
	lf_buf_puts(xml, ">");
	if (listing->prefix[0])
		lf_blob_xml_element(xml, "Prefix", listing->prefix);
	if (listing->marker[0]) {
		lf_buf_puts(xml, "<Marker>");
		put_marker(xml, listing->marker);
		lf_buf_puts(xml, "</Marker>");
	}
	snprintf(max, sizeof(max), "%llu", (unsigned long long)listing->max);
	if (strstr(lf_http_query(x), "maxresults="))
		lf_blob_xml_element(xml, "MaxResults", max);
	if (listing->delimiter[0])
		lf_blob_xml_element(xml, "Delimiter", listing->delimiter);
}

/* Containers. */

static int add_container(void *context, const char *name, struct lf_error *err)
{
	return name[0] == '.' ? 0 : add_name(context, name, err); /* ours: no client's begins so */
}

static void put_times(struct lf_buf *xml, int64_t modified_ns)
{
	char date[LF_TIME_SIZE], tag[24];

	lf_time_format_http(modified_ns, date);
	lf_blob_etag(modified_ns, tag);
	lf_blob_xml_element(xml, "Last-Modified", date);
	lf_blob_xml_element(xml, "Etag", tag);
}

static void put_lease(struct lf_buf *xml, const json_t *lease, int64_t now_ns)
{
	const char *state = lf_blob_lease_state(lease, now_ns);

	lf_blob_xml_element(xml, "LeaseStatus",
			    lf_blob_lease_active(lease, now_ns) ? "locked" : "unlocked");
	lf_blob_xml_element(xml, "LeaseState", state);
	if (strcmp(state, "leased") == 0)
		lf_blob_xml_element(xml, "LeaseDuration",
				    lf_json_int_or(lease, "duration", -1) < 0 ? "infinite"
									      : "fixed");
}

static void put_metadata(struct lf_buf *xml, json_t *metadata)
{
	const char *name;
	json_t *value;

	lf_buf_puts(xml, "<Metadata>");
	json_object_foreach (metadata, name, value)
		lf_blob_xml_element(xml, name, json_string_value(value));
	lf_buf_puts(xml, "</Metadata>");
}

static void put_container(const struct lf_blob_request *request, struct lf_buf *xml,
			  const char *name, const json_t *record, const struct listing *listing)
{
	lf_buf_printf(xml, "<Container><Name>%s</Name><Properties>", name);
	put_times(xml, lf_json_int_or(record, "modified", 0));
	put_lease(xml, lf_json_at(record, "lease"), lf_blob_now(request));
	lf_buf_puts(xml, "<HasImmutabilityPolicy>false</HasImmutabilityPolicy>"
			 "<HasLegalHold>false</HasLegalHold></Properties>");
	if (listing->metadata)
		put_metadata(xml, lf_json_at(record, "metadata"));
	lf_buf_puts(xml, "</Container>");
}

int lf_blob_list_containers(struct lf_blob_request *request, struct lf_http_exchange *x,
			    struct lf_error *err)
{
	const struct lf_blob_service *service = request->service;
	const char *account = request->target.account;
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/accounts/%s", service->data_dir, account);
	LF_AUTO_FREE char *url = lf_printf_dup("%s/%s/", *service->opts.base_url, account);
	LF_CLEANUP(listing_done) struct listing listing = {.n = 0};
	LF_AUTO_BUF xml = LF_BUF_INIT;
	size_t listed = 0, i = 0;

	int rc = dir && url ? parse_listing(x, &listing, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_dir_list(dir, add_container, &listing, err);
	if (rc)
		return rc;
	sort_names(&listing);
	begin_list(&xml, url, NULL, x, &listing);
	lf_buf_puts(&xml, "<Containers>");
	for (; i < listing.n && listed < listing.max; i++) {
		LF_AUTO_JSON *record = NULL;
		struct lf_error ignored;
		if (lf_blob_container_record(service->data_dir, account, listing.names[i], &record,
					     &ignored))
			continue;
		put_container(request, &xml, listing.names[i], record, &listing);
		listed++;
	}
	lf_buf_puts(&xml, "</Containers><NextMarker>");
	lf_buf_puts(&xml, i < listing.n ? listing.names[i] : "");
	lf_buf_puts(&xml, "</NextMarker></EnumerationResults>");
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}

/* Blobs. */

static bool ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return len > n && strcmp(text + len - n, suffix) == 0;
}

/* The blob that a file in a container is, if it is one. */
static int add_blob(void *context, const char *file, struct lf_error *err)
{
	bool dir = file[0] == '.';
	const char *suffix = ends_with(file, LF_BLOB_PAGE_SUFFIX)    ? LF_BLOB_PAGE_SUFFIX
			     : ends_with(file, LF_BLOB_POINT_SUFFIX) ? LF_BLOB_POINT_SUFFIX
								     : "";
	char name[LF_BLOB_QUERY_SIZE];

	if (dir && !ends_with(file, LF_BLOB_DIR_SUFFIX))
		return 0; /* ours */
	if (dir)
		suffix = LF_BLOB_DIR_SUFFIX;
	lf_blob_name_of(file + dir, strlen(file) - dir - strlen(suffix), name, sizeof(name));
	return add_name(context, name, err);
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
		lf_blob_xml_text(xml, name);
	else
		put_marker(xml, name);
	lf_buf_puts(xml, "</Name>");
}

static void put_content(struct lf_buf *xml, const struct lf_blob_entry *entry)
{
	static const char *const names[] = {"Content-Encoding", "Content-Language", "Content-MD5",
					    "Cache-Control", "Content-Disposition"};
	const json_t *content = lf_json_at(entry->record, "content");
	char size[24];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)entry->size);
	lf_blob_xml_element(xml, "Content-Length", size);
	lf_blob_xml_element(xml, "Content-Type",
			    lf_json_text_or(content, "Content-Type", "application/octet-stream"));
	for (size_t i = 0; i < LF_N(names); i++)
		lf_blob_xml_element(xml, names[i], lf_json_text(content, names[i]));
	if (lf_blob_entry_is(entry, "PageBlob"))
		lf_buf_printf(xml, "<x-ms-blob-sequence-number>%lld</x-ms-blob-sequence-number>",
			      (long long)lf_json_int_or(entry->record, "sequence", 0));
}

static void put_tier(const struct lf_blob_request *request, struct lf_buf *xml,
		     const struct lf_blob_entry *entry)
{
	int64_t changed = lf_json_int_or(entry->record, "tierChanged", 0);
	const char *tier = lf_blob_tier(request, entry);
	char date[LF_TIME_SIZE];

	lf_time_format_http(changed, date);
	lf_blob_xml_element(xml, "AccessTier", tier);
	if (tier && !lf_json_text(entry->record, "tier"))
		lf_blob_xml_element(xml, "AccessTierInferred", "true");
	if (tier && changed)
		lf_blob_xml_element(xml, "AccessTierChangeTime", date);
}

static void put_copy(struct lf_buf *xml, const json_t *copy)
{
	char date[LF_TIME_SIZE];
	long long bytes = (long long)lf_json_int_or(copy, "bytes", 0);

	if (!copy)
		return;
	lf_time_format_http(lf_json_int_or(copy, "completed", 0), date);
	lf_blob_xml_element(xml, "CopyId", lf_json_text(copy, "id"));
	lf_blob_xml_element(xml, "CopySource", lf_json_text(copy, "source"));
	lf_blob_xml_element(xml, "CopyStatus", "success");
	lf_buf_printf(xml, "<CopyProgress>%lld/%lld</CopyProgress>", bytes, bytes);
	lf_blob_xml_element(xml, "CopyCompletionTime", date);
}

static void put_tags(struct lf_buf *xml, json_t *tags)
{
	const char *key;
	json_t *value;

	lf_buf_puts(xml, "<Tags><TagSet>");
	json_object_foreach (tags, key, value) {
		lf_buf_puts(xml, "<Tag>");
		lf_blob_xml_element(xml, "Key", key);
		lf_blob_xml_element(xml, "Value", json_string_value(value));
		lf_buf_puts(xml, "</Tag>");
	}
	lf_buf_puts(xml, "</TagSet></Tags>");
}

static void put_blob(const struct lf_blob_request *request, struct lf_buf *xml, const char *name,
		     const struct lf_blob_entry *entry, const struct listing *listing)
{
	const json_t *record = entry->record;
	json_t *tags = lf_json_at(record, "tags");
	char date[LF_TIME_SIZE];

	lf_buf_puts(xml, "<Blob>");
	put_name(xml, name);
	lf_buf_puts(xml, "<Properties>");
	lf_time_format_http(lf_json_int_or(record, "created", 0), date);
	lf_blob_xml_element(xml, "Creation-Time", date);
	put_times(xml, entry->modified_ns);
	put_content(xml, entry);
	lf_blob_xml_element(xml, "BlobType", lf_blob_entry_type(entry));
	put_tier(request, xml, entry);
	put_lease(xml, lf_json_at(record, "lease"), lf_blob_now(request));
	if (listing->copy)
		put_copy(xml, lf_json_at(record, "copy"));
	lf_buf_puts(xml, "<ServerEncrypted>true</ServerEncrypted>");
	if (json_object_size(tags))
		lf_buf_printf(xml, "<TagCount>%zu</TagCount>", json_object_size(tags));
	lf_buf_puts(xml, "</Properties>");
	if (listing->metadata)
		put_metadata(xml, lf_json_at(record, "metadata"));
	if (listing->tags && json_object_size(tags))
		put_tags(xml, tags);
	lf_buf_puts(xml, "</Blob>");
}

/* How many letters of a name are those of a folder, with its delimiter; 0: it is in none. */
static size_t folder_length(const struct listing *listing, const char *name)
{
	size_t prefix = strlen(listing->prefix);
	const char *end = listing->delimiter[0] ? strstr(name + prefix, listing->delimiter) : NULL;

	return end ? (size_t)(end - name) + strlen(listing->delimiter) : 0;
}

static void put_folder(struct lf_buf *xml, const char *name, size_t len)
{
	LF_AUTO_FREE char *folder = strndup(name, len);

	if (!folder)
		return;
	lf_buf_puts(xml, "<BlobPrefix>");
	put_name(xml, folder);
	lf_buf_puts(xml, "</BlobPrefix>");
}

static int put_one(const struct lf_blob_request *request, struct lf_buf *xml, char *name,
		   const struct listing *listing, size_t *listed, struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	struct lf_blob_target target = request->target;

	target.blob = name;
	int rc = lf_blob_entry_open(request->service->data_dir, &target, &entry, err);
	if (rc == LF_ECORRUPT) /* harms itself alone */
		rc = 0;
	if (rc || !entry.form) /* it went meanwhile */
		return rc;
	put_blob(request, xml, name, &entry, listing);
	++*listed;
	return 0;
}

/* A page of blobs and folders; *ret_next: the name after it, or NULL. */
static int put_page(const struct lf_blob_request *request, struct lf_buf *xml,
		    const struct listing *listing, const char **ret_next, struct lf_error *err)
{
	size_t listed = 0, i = 0;
	int rc = 0;

	while (!rc && i < listing->n && listed < listing->max) {
		char *name = listing->names[i++];
		size_t folder = folder_length(listing, name);
		if (!folder) {
			rc = put_one(request, xml, name, listing, &listed, err);
			continue;
		}
		put_folder(xml, name, folder);
		listed++;
		while (i < listing->n && strncmp(listing->names[i], name, folder) == 0)
			i++;
	}
	*ret_next = i < listing->n ? listing->names[i] : NULL;
	return rc;
}

int lf_blob_list_blobs(struct lf_blob_request *request, struct lf_http_exchange *x,
		       struct lf_error *err)
{
	const struct lf_blob_target *target = &request->target;
	LF_AUTO_FREE char *url =
		lf_printf_dup("%s/%s/", *request->service->opts.base_url, target->account);
	LF_CLEANUP(listing_done) struct listing listing = {.n = 0};
	LF_AUTO_FREE char *dir = NULL;
	LF_AUTO_BUF xml = LF_BUF_INIT;
	const char *next = NULL;

	int rc = url ? parse_listing(x, &listing, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_blob_container_check(request->service->data_dir, target, err);
	if (!rc)
		rc = lf_blob_container_dir(request->service->data_dir, target->account,
					   target->container, &dir, err);
	if (!rc)
		rc = lf_dir_list(dir, add_blob, &listing, err);
	if (rc)
		return rc;
	sort_names(&listing);
	begin_list(&xml, url, target->container, x, &listing);
	lf_buf_puts(&xml, "<Blobs>");
	rc = put_page(request, &xml, &listing, &next, err);
	if (rc)
		return rc;
	lf_buf_puts(&xml, "</Blobs><NextMarker>");
	put_marker(&xml, next ? next : "");
	lf_buf_puts(&xml, "</NextMarker></EnumerationResults>");
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}
