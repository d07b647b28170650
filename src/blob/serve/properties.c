/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of what is said of a blob: Set Blob Properties, Set Blob Metadata, Set Blob Tier, tags,
 * leases; and the blob's end.  Each writes another record (change.c); a kill leaves the old one or
 * the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "blob/auth/lease.h"
#include "blob/blocks.h"
#include "blob/serve/serve.h"
#include "blob/xml.h"
#include "os/file.h"

#define UNIT	   512u
#define LENGTH_MAX (UINT64_C(8) << 40) /* of a page blob, as Azure has it */

static int set_sequence(const struct lf_http_exchange *x, json_t *record, const char *action,
			struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-blob-sequence-number");
	int64_t number = lf_json_int_or(record, "sequence", 0);
	bool increment = strcmp(action, "increment") == 0, most = strcmp(action, "max") == 0;
	struct lf_error ignored;
	uint64_t given = 0;

	if (!increment && !most && strcmp(action, "update") != 0)
		return lf_blob_header_error("x-ms-sequence-number-action",
					    "max, update or increment", err);
	if (increment ? text != NULL
		      : (!text || lf_parse_u64(text, 0, INT64_MAX, &given, &ignored)))
		return lf_blob_header_error("x-ms-blob-sequence-number",
					    "a number, and none with increment", err);
	if (increment && number == INT64_MAX)
		return lf_fail_arm(err, LF_ECONFLICT, "SequenceNumberIncrementTooLarge", NULL, NULL,
				   "the sequence number would overflow");
	if (increment)
		number++;
	else if (!most || (int64_t)given > number)
		number = (int64_t)given;
	return lf_json_set_int(record, "sequence", number) ? lf_fail_nomem(err) : 0;
}

/* The bytes' length changes before the record; a kill in between leaves it changed. */
static int set_length(const struct lf_blob_entry *entry, const char *text, struct lf_error *err)
{
	struct lf_error ignored;
	uint64_t length;
	char path[64];

	if (lf_parse_u64(text, 0, LENGTH_MAX, &length, &ignored) || length % UNIT)
		return lf_blob_header_error("x-ms-blob-content-length",
					    "a multiple of 512 is needed", err);
	if (entry->point)
		return lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL, "copy it first",
				   "the disk of a recovery point keeps its length");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", entry->fd);
	LF_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)length))
		return lf_fail_sys(err, errno, "blob", "cannot change a blob's length");
	return lf_file_sync(fd, "blob", err);
}

static int change_properties(struct lf_blob_request *request, struct lf_http_exchange *x,
			     const struct lf_blob_entry *entry, json_t *record,
			     struct lf_error *err)
{
	const char *action = lf_http_header(x, "x-ms-sequence-number-action");
	const char *length = lf_http_header(x, "x-ms-blob-content-length");
	char number[24];
	int rc = 0;

	(void)request;
	if ((action || length) && !lf_blob_entry_is(entry, "PageBlob"))
		return lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL, NULL,
				   "the blob type is invalid for this operation");
	if (lf_blob_has_content_headers(x) || (!action && !length))
		rc = lf_blob_take_content(x, false, record, err);
	if (!rc && action)
		rc = set_sequence(x, record, action, err);
	if (!rc && length)
		rc = set_length(entry, length, err);
	snprintf(number, sizeof(number), "%lld", (long long)lf_json_int_or(record, "sequence", 0));
	if (!rc && lf_blob_entry_is(entry, "PageBlob"))
		lf_http_set_header(x, "x-ms-blob-sequence-number", number);
	return rc;
}

int lf_blob_set_properties(struct lf_blob_request *request, struct lf_http_exchange *x,
			   struct lf_error *err)
{
	lf_http_status(x, 200);
	return lf_blob_change(request, x, LF_BLOB_TOUCHES, change_properties, err);
}

static int change_metadata(struct lf_blob_request *request, struct lf_http_exchange *x,
			   const struct lf_blob_entry *entry, json_t *record, struct lf_error *err)
{
	(void)request, (void)entry;
	return lf_blob_take_metadata(x, record, err);
}

int lf_blob_set_metadata(struct lf_blob_request *request, struct lf_http_exchange *x,
			 struct lf_error *err)
{
	lf_http_status(x, 200);
	lf_http_set_header(x, "x-ms-request-server-encrypted", "true");
	return lf_blob_change(request, x, LF_BLOB_TOUCHES, change_metadata, err);
}

static int change_tier(struct lf_blob_request *request, struct lf_http_exchange *x,
		       const struct lf_blob_entry *entry, json_t *record, struct lf_error *err)
{
	if (!lf_blob_entry_is(entry, "BlockBlob"))
		return lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL, NULL,
				   "the blob type is invalid for this operation");
	return lf_blob_take_tier(x, record, true, lf_blob_now(request), err);
}

int lf_blob_set_tier(struct lf_blob_request *request, struct lf_http_exchange *x,
		     struct lf_error *err)
{
	lf_http_status(x, 200);
	return lf_blob_change(request, x, LF_BLOB_LEAVES, change_tier, err);
}

/* Tags. */

int lf_blob_get_tags(struct lf_blob_request *request, struct lf_http_exchange *x,
		     struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	LF_AUTO_BUF xml = LF_BUF_INIT;
	const char *key;
	json_t *value;

	int rc = lf_blob_entry_find(request->service->data_dir, &request->target, &entry, err);
	if (rc)
		return rc;
	lf_buf_puts(&xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Tags><TagSet>");
	json_object_foreach (lf_json_at(entry.record, "tags"), key, value) {
		lf_buf_puts(&xml, "<Tag>");
		lf_blob_xml_element(&xml, "Key", key);
		lf_blob_xml_element(&xml, "Value", json_string_value(value));
		lf_buf_puts(&xml, "</Tag>");
	}
	lf_buf_puts(&xml, "</TagSet></Tags>");
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}

struct tagging {
	json_t *tags;
	char key[136];
	bool has_key;
};

static int fail_tags(struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidXmlDocument", NULL, NULL,
			   "the tags of the request cannot be read");
}

static int take_tag(void *context, const char *path, const char *text, struct lf_error *err)
{
	struct tagging *tagging = context;

	if (strcmp(path, "Tags/TagSet") == 0) /* of none */
		return 0;
	if (strcmp(path, "Tags/TagSet/Tag/Key") == 0) {
		if (tagging->has_key || strlen(text) >= sizeof(tagging->key))
			return fail_tags(err);
		snprintf(tagging->key, sizeof(tagging->key), "%s", text);
		tagging->has_key = true;
		return 0;
	}
	if (strcmp(path, "Tags/TagSet/Tag/Value") != 0 || !tagging->has_key ||
	    json_object_get(tagging->tags, tagging->key))
		return fail_tags(err);
	tagging->has_key = false;
	return json_object_set_new(tagging->tags, tagging->key, json_string(text))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int change_tags(struct lf_blob_request *request, struct lf_http_exchange *x,
		       const struct lf_blob_entry *entry, json_t *record, struct lf_error *err)
{
	struct tagging tagging = {.tags = json_object()};
	size_t len;
	const char *body = lf_http_body(x, &len);

	(void)request, (void)entry;
	if (!tagging.tags || json_object_set_new(record, "tags", tagging.tags))
		return lf_fail_nomem(err);
	int rc = lf_blob_xml_read(body, len, take_tag, &tagging, err);
	if (!rc && (!len || tagging.has_key))
		rc = fail_tags(err);
	return rc ? rc : lf_blob_check_tags(tagging.tags, err);
}

int lf_blob_set_tags(struct lf_blob_request *request, struct lf_http_exchange *x,
		     struct lf_error *err)
{
	lf_http_status(x, 204);
	return lf_blob_change(request, x, LF_BLOB_LEAVES, change_tags, err);
}

/* Leases, and the end. */

static int change_lease(struct lf_blob_request *request, struct lf_http_exchange *x,
			const struct lf_blob_entry *entry, json_t *record, struct lf_error *err)
{
	json_t *lease = NULL;
	int rc = lf_blob_lease_act(lf_json_at(entry->record, "lease"), x, lf_blob_now(request),
				   &lease, err);

	if (rc || !lease) {
		json_object_del(record, "lease");
		return rc;
	}
	return json_object_set_new(record, "lease", lease) ? lf_fail_nomem(err) : 0;
}

int lf_blob_lease(struct lf_blob_request *request, struct lf_http_exchange *x, struct lf_error *err)
{
	return lf_blob_change(request, x, LF_BLOB_LEAVES, change_lease, err);
}

int lf_blob_delete(struct lf_blob_request *request, struct lf_http_exchange *x,
		   struct lf_error *err)
{
	const char *snapshots = lf_http_header(x, "x-ms-delete-snapshots");
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	bool only = snapshots && strcmp(snapshots, "only") == 0;

	if (snapshots && !only && strcmp(snapshots, "include") != 0)
		return lf_blob_header_error("x-ms-delete-snapshots", "include or only", err);
	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = lf_blob_entry_find(request->service->data_dir, &request->target, &entry, err);
	if (!rc)
		rc = lf_blob_check_change(request, x, &entry, LF_BLOB_ASKS_CHANGE, err);
	if (!rc && !only) /* there are no snapshots: to delete them alone is to leave the blob */
		rc = lf_blob_remove(request->service, &request->target, err);
	lf_http_set_header(x, "x-ms-delete-type-permanent", "true");
	lf_http_status(x, 202);
	return rc;
}
