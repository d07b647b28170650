/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put Block List and Get Block List.
 *
 * The list is read, then, under the name's lock, its blocks are linked into a draft that becomes
 * the blob (blocks.c, change.c); blocks that wait and are not in it go.
 */
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "blob/auth/lease.h"
#include "blob/blocks.h"
#include "blob/serve/serve.h"
#include "blob/xml.h"

struct picking {
	struct lf_blob_pick *items;
	size_t n, capacity;
};

static void picking_done(struct picking *picking)
{
	free(picking->items);
}

static int add_pick(struct picking *picking, struct lf_error *err)
{
	if (picking->n == LF_BLOB_BLOCKS_MAX)
		return lf_fail_arm(err, LF_EINVAL, "BlockListTooLong", NULL, NULL,
				   "the block list may not contain more than 50,000 blocks");
	if (picking->n == picking->capacity) {
		size_t wanted = picking->capacity ? 2 * picking->capacity : 64;
		struct lf_blob_pick *items = realloc(picking->items, wanted * sizeof(*items));
		if (!items)
			return lf_fail_nomem(err);
		picking->items = items;
		picking->capacity = wanted;
	}
	return 0;
}

static int take_pick(void *context, const char *path, const char *text, struct lf_error *err)
{
	static const char *const elements[] = {[LF_BLOB_PICK_LATEST] = "BlockList/Latest",
					       [LF_BLOB_PICK_COMMITTED] = "BlockList/Committed",
					       [LF_BLOB_PICK_STAGED] = "BlockList/Uncommitted"};
	struct picking *picking = context;
	char hex[129];
	unsigned i = 0;

	if (strcmp(path, "BlockList") == 0) /* of none: an empty blob */
		return 0;
	while (i < LF_N(elements) && strcmp(path, elements[i]) != 0)
		i++;
	if (i == LF_N(elements))
		return lf_fail_arm(err, LF_EINVAL, "InvalidXmlNodeValue", NULL, NULL,
				   "a block list has Latest, Committed and Uncommitted");
	if (!lf_blob_block_hex(text, hex))
		return lf_fail_arm(err, LF_EINVAL, "InvalidBlockId", NULL, NULL,
				   "the specified block id is invalid");
	int rc = add_pick(picking, err);
	if (rc)
		return rc;
	struct lf_blob_pick *pick = &picking->items[picking->n++];
	pick->from = i;
	snprintf(pick->id, sizeof(pick->id), "%s", text);
	return 0;
}

static int commit(struct lf_blob_request *request, struct lf_http_exchange *x,
		  const struct picking *picking, json_t *record, struct lf_error *err)
{
	const char *data_dir = request->service->data_dir;
	LF_AUTO_BLOB_ENTRY before = LF_BLOB_ENTRY_INIT;
	LF_AUTO_BLOB_DRAFT draft = NULL;
	uint64_t size = 0;

	int rc = lf_blob_draft_make(data_dir, request->target.account, &draft, err);
	if (rc)
		return rc;
	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	rc = lf_blob_entry_open(data_dir, &request->target, &before, err);
	if (!rc)
		rc = lf_blob_container_check(data_dir, &request->target, err);
	if (!rc)
		rc = lf_blob_check_change(request, x, &before, LF_BLOB_ASKS_MAKE, err);
	bool of_blocks = before.form && lf_json_at(before.record, "blocks");
	if (!rc)
		rc = lf_blob_blocks_commit(data_dir, &request->target, of_blocks ? before.dir : -1,
					   picking->items, picking->n, draft, &size, err);
	if (!rc && (lf_json_set_int(record, "size", (int64_t)size) |
		    lf_json_set_int(record, "blocks", (int64_t)picking->n)))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_blob_become(request, x, &before, record, &draft, err);
}

int lf_blob_put_block_list(struct lf_blob_request *request, struct lf_http_exchange *x,
			   struct lf_error *err)
{
	LF_CLEANUP(picking_done) struct picking picking = {0};
	LF_AUTO_JSON *record = NULL;
	size_t len;
	const char *body = lf_http_body(x, &len);

	int rc = lf_blob_check_body(x, err);
	if (!rc)
		rc = lf_blob_xml_read(body, len, take_pick, &picking, err);
	if (!rc && !len)
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidXmlDocument", NULL, NULL,
				 "the request has no block list");
	if (!rc)
		rc = lf_blob_take_all(x, "BlockBlob", false, lf_blob_now(request), &record, err);
	return rc ? rc : commit(request, x, &picking, record, err);
}

static void put_block(struct lf_buf *xml, const char *id, uint64_t size)
{
	lf_buf_printf(xml, "<Block><Name>%s</Name><Size>%llu</Size></Block>", id,
		      (unsigned long long)size);
}

static int put_staged(void *context, const char *id, uint64_t size, struct lf_error *err)
{
	struct lf_buf *xml = context;

	(void)err;
	if (!xml->len)
		lf_buf_puts(xml, "<UncommittedBlocks>");
	put_block(xml, id, size);
	return 0;
}

static int put_committed(struct lf_buf *xml, const struct lf_blob_entry *entry,
			 struct lf_error *err)
{
	LF_AUTO_BLOB_BLOCKS blocks = {0};
	int rc = entry->form && lf_json_at(entry->record, "blocks")
			 ? lf_blob_blocks_read(entry->dir, &blocks, err)
			 : 0;

	lf_buf_puts(xml, "<CommittedBlocks>");
	for (size_t i = 0; !rc && i < blocks.n; i++)
		put_block(xml, lf_blob_block_id(&blocks, i), lf_blob_block_size(&blocks, i));
	lf_buf_puts(xml, "</CommittedBlocks>");
	return rc;
}

/* Which lists are wanted: bit 1 committed, bit 2 those that wait. */
static int parse_type(const struct lf_http_exchange *x, unsigned *ret_type, struct lf_error *err)
{
	char type[16];
	int rc = lf_blob_query(x, "blocklisttype", type, sizeof(type), err);

	if (rc)
		return rc;
	if (!type[0] || strcmp(type, "committed") == 0)
		*ret_type = 1;
	else if (strcmp(type, "uncommitted") == 0)
		*ret_type = 2;
	else if (strcmp(type, "all") == 0)
		*ret_type = 3;
	else
		return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameterValue", "blocklisttype",
				   NULL, "committed, uncommitted or all");
	return 0;
}

static int check_list(const struct lf_blob_request *request, const struct lf_http_exchange *x,
		      const struct lf_blob_entry *entry, bool waiting, struct lf_error *err)
{
	if (!entry->form && !waiting)
		return lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", NULL, NULL,
				   "the specified blob does not exist");
	if (!entry->form)
		return 0;
	if (!lf_blob_entry_is(entry, "BlockBlob"))
		return lf_fail_arm(err, LF_ECONFLICT, "InvalidBlobType", NULL, NULL,
				   "the blob type is invalid for this operation");
	return lf_blob_lease_check(lf_json_at(entry->record, "lease"),
				   lf_http_header(x, "x-ms-lease-id"), false, "Blob",
				   lf_blob_now(request), err);
}

int lf_blob_get_block_list(struct lf_blob_request *request, struct lf_http_exchange *x,
			   struct lf_error *err)
{
	const char *data_dir = request->service->data_dir;
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	LF_AUTO_BUF staged = LF_BUF_INIT;
	LF_AUTO_BUF xml = LF_BUF_INIT;
	unsigned type = 0;
	char text[24];

	int rc = parse_type(x, &type, err);
	if (!rc)
		rc = lf_blob_container_check(data_dir, &request->target, err);
	if (!rc)
		rc = lf_blob_entry_open(data_dir, &request->target, &entry, err);
	if (!rc)
		rc = lf_blob_blocks_staged(data_dir, &request->target, put_staged, &staged, err);
	if (!rc)
		rc = check_list(request, x, &entry, staged.len, err);
	if (rc)
		return rc;
	lf_buf_puts(&xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	if (type & 1)
		rc = put_committed(&xml, &entry, err);
	if (type & 2) {
		lf_buf_puts(&xml, staged.len ? lf_buf_text(&staged) : "<UncommittedBlocks>");
		lf_buf_puts(&xml, "</UncommittedBlocks>");
	}
	lf_buf_puts(&xml, "</BlockList>");
	if (rc)
		return rc;
	if (entry.form)
		lf_blob_describe_change(x, entry.modified_ns);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)entry.size);
	lf_http_set_header(x, "x-ms-blob-content-length", text);
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}
