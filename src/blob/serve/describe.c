/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a blob: from the headers of whoever makes or changes it into its record, and from
 * there into the headers of whoever reads it.  What cannot be kept as it was sent is refused.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "blob/auth/lease.h"
#include "blob/serve/serve.h"

#define TEXT_MAX	   1024
#define METADATA_BYTES_MAX 8192 /* names and values, as Azure has it */
#define TAGS_MAX	   10

int lf_blob_header_error(const char *name, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidHeaderValue", name, NULL, "%s: %s", name, what);
}

int lf_blob_check_no_body(const struct lf_http_exchange *x, struct lf_error *err)
{
	size_t len;

	(void)lf_http_body(x, &len);
	return len ? lf_blob_header_error("Content-Length", "0: the request has no body", err) : 0;
}

/* The header that sets it; the plain one, which counts where it is about the body that is sent; and
 * the name under which it is kept and answered. */
static const struct {
	const char *own, *plain, *name;
} contents[] = {
	{"x-ms-blob-content-type", "Content-Type", "Content-Type"},
	{"x-ms-blob-content-encoding", "Content-Encoding", "Content-Encoding"},
	{"x-ms-blob-content-language", "Content-Language", "Content-Language"},
	{"x-ms-blob-content-disposition", NULL, "Content-Disposition"},
	{"x-ms-blob-cache-control", "Cache-Control", "Cache-Control"},
	{"x-ms-blob-content-md5", NULL, "Content-MD5"},
};

bool lf_blob_has_content_headers(const struct lf_http_exchange *x)
{
	for (size_t i = 0; i < LF_N(contents); i++)
		if (lf_http_header(x, contents[i].own))
			return true;
	return false;
}

static int check_md5(const char *text, struct lf_error *err)
{
	unsigned char bytes[32];

	return strlen(text) == 24 &&
			       EVP_DecodeBlock(bytes, (const unsigned char *)text, 24) == 18 &&
			       strcmp(text + 22, "==") == 0
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "InvalidMd5", "x-ms-blob-content-md5", NULL,
				     "an MD5 hash is base64 of 16 bytes");
}

int lf_blob_take_content(const struct lf_http_exchange *x, bool body, json_t *record,
			 struct lf_error *err)
{
	LF_AUTO_DOC content = LF_DOC_INIT;

	for (size_t i = 0; i < LF_N(contents); i++) {
		const char *text = lf_http_header(x, contents[i].own);
		if (!text && body && contents[i].plain)
			text = lf_http_header(x, contents[i].plain);
		if (!text || !text[0])
			continue;
		if (strlen(text) > TEXT_MAX)
			return lf_blob_header_error(contents[i].own, "it is too long", err);
		int rc = strcmp(contents[i].name, "Content-MD5") == 0 ? check_md5(text, err) : 0;
		if (rc)
			return rc;
		lf_doc_text(&content, contents[i].name, text);
	}
	json_t *doc = lf_doc_take(&content);
	return !doc || json_object_set_new(record, "content", doc) ? lf_fail_nomem(err) : 0;
}

struct taking {
	json_t *metadata;
	size_t bytes;
	const char *wrong; /* a name */
	bool empty, failed;
};

/* Names are those of C's identifiers, so that lists can have them as elements. */
static void take_pair(void *context, const char *name, const char *value)
{
	struct taking *taking = context;

	name += strlen("x-ms-meta-");
	value += strspn(value, " \t");
	taking->bytes += strlen(name) + strlen(value);
	if (!name[0])
		taking->empty = true;
	else if (isdigit((unsigned char)name[0]) ||
		 name[strspn(name,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		taking->wrong = name;
	else if (json_object_set_new(taking->metadata, name, json_string(value)))
		taking->failed = true;
}

int lf_blob_take_metadata(const struct lf_http_exchange *x, json_t *record, struct lf_error *err)
{
	struct taking taking = {.metadata = json_object()};

	if (!taking.metadata || json_object_set_new(record, "metadata", taking.metadata))
		return lf_fail_nomem(err);
	lf_http_headers_each(x, "x-ms-meta-", take_pair, &taking);
	if (taking.empty)
		return lf_fail_arm(err, LF_EINVAL, "EmptyMetadataKey", NULL, NULL,
				   "the name of one of the metadata pairs is empty");
	if (taking.wrong)
		return lf_fail_arm(err, LF_EINVAL, "InvalidMetadata", NULL,
				   "use letters, digits and '_', and no digit in front",
				   "the name '%.100s' of a metadata pair is not allowed",
				   taking.wrong);
	if (taking.bytes > METADATA_BYTES_MAX)
		return lf_fail_arm(err, LF_EINVAL, "MetadataTooLarge", NULL, NULL,
				   "the metadata is larger than 8 KiB");
	return taking.failed ? lf_fail_nomem(err) : 0;
}

static bool good_tag(const char *text, size_t min, size_t max)
{
	size_t len = strlen(text);

	return len >= min && len <= max &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
				  "+-./:=_")];
}

int lf_blob_check_tags(json_t *tags, struct lf_error *err)
{
	const char *key;
	json_t *value;

	if (json_object_size(tags) > TAGS_MAX)
		return lf_fail_arm(err, LF_EINVAL, "TagsTooLarge", NULL, NULL,
				   "a blob has at most 10 tags");
	json_object_foreach (tags, key, value)
		if (!good_tag(key, 1, 128) || !good_tag(json_string_value(value), 0, 256))
			return lf_fail_arm(err, LF_EINVAL, "InvalidTag", NULL, NULL,
					   "the tag '%.128s' or its value is not allowed", key);
	return 0;
}

/* "a=b&c=d", percent-encoded. */
int lf_blob_take_tags(const struct lf_http_exchange *x, json_t *record, struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-tags");
	json_t *tags = json_object();

	if (!tags || json_object_set_new(record, "tags", tags))
		return lf_fail_nomem(err);
	for (const char *p = text ? text : ""; *p;) {
		size_t len = strcspn(p, "&"), key_len = strcspn(p, "=&");
		LF_AUTO_FREE char *key = strndup(p, key_len);
		LF_AUTO_FREE char *value =
			key_len < len ? strndup(p + key_len + 1, len - key_len - 1) : strdup("");
		if (!key || !value)
			return lf_fail_nomem(err);
		for (char *q = key; *q; q++)
			*q = *q == '+' ? ' ' : *q;
		for (char *q = value; *q; q++)
			*q = *q == '+' ? ' ' : *q;
		if (!lf_blob_decode(key) || !lf_blob_decode(value) || json_object_get(tags, key) ||
		    json_object_set_new(tags, key, json_string(value)))
			return lf_fail_arm(err, LF_EINVAL, "InvalidTag", "x-ms-tags", NULL,
					   "the tags cannot be read");
		p += len + (p[len] == '&');
	}
	return lf_blob_check_tags(tags, err);
}

int lf_blob_take_tier(const struct lf_http_exchange *x, json_t *record, bool needed, int64_t now_ns,
		      struct lf_error *err)
{
	static const char *const tiers[] = {"Hot", "Cool", "Cold"};
	const char *text = lf_http_header(x, "x-ms-access-tier");

	if (!text)
		return needed ? lf_fail_arm(err, LF_EINVAL, "MissingRequiredHeader",
					    "x-ms-access-tier", NULL,
					    "the header x-ms-access-tier is needed")
			      : 0;
	for (size_t i = 0; i < LF_N(tiers); i++)
		if (strcmp(text, tiers[i]) == 0)
			return lf_json_set_text(record, "tier", text) |
					       lf_json_set_int(record, "tierChanged", now_ns)
				       ? lf_fail_nomem(err)
				       : 0;
	return lf_blob_header_error("x-ms-access-tier",
				    "this site has Hot, Cool and Cold; nothing is archived here",
				    err);
}

int lf_blob_take_all(const struct lf_http_exchange *x, const char *type, bool body, int64_t now_ns,
		     json_t **ret_record, struct lf_error *err)
{
	LF_AUTO_JSON *record = json_object();
	bool block = strcmp(type, "BlockBlob") == 0;
	int rc = lf_json_set_text(record, "type", type)
			 ? lf_fail_nomem(err)
			 : lf_blob_take_content(x, body, record, err);

	if (!rc)
		rc = lf_blob_take_metadata(x, record, err);
	if (!rc)
		rc = lf_blob_take_tags(x, record, err);
	if (!rc && !block && lf_http_header(x, "x-ms-access-tier"))
		rc = lf_blob_header_error("x-ms-access-tier", "only block blobs have a tier", err);
	if (!rc)
		rc = lf_blob_take_tier(x, record, false, now_ns, err);
	if (!rc)
		*ret_record = lf_steal(&record);
	return rc;
}

void lf_blob_put_metadata(struct lf_http_exchange *x, json_t *metadata)
{
	const char *name;
	json_t *value;

	json_object_foreach (metadata, name, value) {
		LF_AUTO_FREE char *header = lf_printf_dup("x-ms-meta-%s", name);
		if (header && json_is_string(value))
			lf_http_set_header(x, header, json_string_value(value));
	}
}

const char *lf_blob_tier(const struct lf_blob_request *request, const struct lf_blob_entry *entry)
{
	if (!lf_blob_entry_is(entry, "BlockBlob"))
		return NULL;
	return lf_json_text_or(entry->record, "tier", request->tier[0] ? request->tier : "Hot");
}

static void put_tier(const struct lf_blob_request *request, struct lf_http_exchange *x,
		     const struct lf_blob_entry *entry)
{
	const char *tier = lf_blob_tier(request, entry);
	int64_t changed = lf_json_int_or(entry->record, "tierChanged", 0);
	char date[LF_TIME_SIZE];

	if (!tier)
		return;
	lf_http_set_header(x, "x-ms-access-tier", tier);
	if (!lf_json_text(entry->record, "tier"))
		lf_http_set_header(x, "x-ms-access-tier-inferred", "true");
	lf_time_format_http(changed, date);
	if (changed)
		lf_http_set_header(x, "x-ms-access-tier-change-time", date);
}

static void put_copy(struct lf_http_exchange *x, const struct lf_blob_entry *entry)
{
	const json_t *copy = lf_json_at(entry->record, "copy");
	char text[LF_TIME_SIZE + 24];

	if (!copy)
		return;
	lf_http_set_header(x, "x-ms-copy-id", lf_json_text_or(copy, "id", ""));
	lf_http_set_header(x, "x-ms-copy-source", lf_json_text_or(copy, "source", ""));
	lf_http_set_header(x, "x-ms-copy-status", "success");
	snprintf(text, sizeof(text), "%llu/%llu",
		 (unsigned long long)lf_json_int_or(copy, "bytes", 0),
		 (unsigned long long)lf_json_int_or(copy, "bytes", 0));
	lf_http_set_header(x, "x-ms-copy-progress", text);
	lf_time_format_http(lf_json_int_or(copy, "completed", 0), text);
	lf_http_set_header(x, "x-ms-copy-completion-time", text);
}

static void put_number(struct lf_http_exchange *x, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	lf_http_set_header(x, name, text);
}

void lf_blob_describe_change(struct lf_http_exchange *x, int64_t modified_ns)
{
	char text[LF_TIME_SIZE], tag[24];

	lf_time_format_http(modified_ns, text);
	lf_http_set_header(x, "Last-Modified", text);
	lf_blob_etag(modified_ns, tag);
	lf_http_set_header(x, "ETag", tag);
}

void lf_blob_describe(const struct lf_blob_request *request, struct lf_http_exchange *x,
		      const struct lf_blob_entry *entry, bool partial)
{
	const json_t *record = entry->record, *content = lf_json_at(record, "content");
	char date[LF_TIME_SIZE];

	lf_blob_describe_change(x, entry->modified_ns);
	lf_time_format_http(lf_json_int_or(record, "created", 0), date);
	lf_http_set_header(x, "x-ms-creation-time", date);
	for (size_t i = 1; i < LF_N(contents); i++) { /* the first is the stream's */
		const char *text = lf_json_text(content, contents[i].name);
		bool md5 = strcmp(contents[i].name, "Content-MD5") == 0;
		if (text) /* a part has another hash than the blob */
			lf_http_set_header(x, md5 && partial ? contents[i].own : contents[i].name,
					   text);
	}
	lf_http_set_header(x, "Accept-Ranges", "bytes");
	lf_http_set_header(x, "x-ms-blob-type", lf_blob_entry_type(entry));
	lf_http_set_header(x, "x-ms-server-encrypted", "true");
	lf_blob_lease_headers(x, lf_json_at(record, "lease"), lf_blob_now(request));
	lf_blob_put_metadata(x, lf_json_at(record, "metadata"));
	if (json_object_size(lf_json_at(record, "tags")))
		put_number(x, "x-ms-tag-count", json_object_size(lf_json_at(record, "tags")));
	put_tier(request, x, entry);
	put_copy(x, entry);
	if (lf_blob_entry_is(entry, "PageBlob"))
		put_number(x, "x-ms-blob-sequence-number",
			   (uint64_t)lf_json_int_or(record, "sequence", 0));
	if (lf_blob_entry_is(entry, "AppendBlob"))
		put_number(x, "x-ms-blob-committed-block-count",
			   (uint64_t)lf_json_int_or(record, "appended", 0));
}
