/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/entry.h - a blob as it is: its bytes, whatever form they have, and what is said of it.
 *
 * Most blobs are a directory ".NAME.blob/" (docs/formats/accounts.md) that holds the bytes and a
 * record; it takes the name, or gives it up, by one rename, so that bytes and record change
 * together.  Three forms have bytes alone, and a record of what the file says: packs of agents and
 * what the site writes itself ("NAME"), page blobs of earlier versions ("NAME.page"), and disks of
 * points ("NAME.point", which may hold a record, too).
 *
 * The record, every member of which may be absent but type and the times:
 *
 *	{"type": "BlockBlob" | "PageBlob" | "AppendBlob", "created": ns, "modified": ns,
 *	 "size": bytes (not of page blobs, whose file says it), "blocks": files it is made of,
 *	 "content": {"Content-Type": ..., "Content-MD5": base64, ...}, "metadata": {name: text},
 *	 "tags": {key: text}, "tier": "Cool", "tierChanged": ns, "sequence": number,
 *	 "appended": blocks, "lease": (blob/auth/lease.h), "copy": {"id", "source", "completed"}}
 *
 * Threads: an entry belongs to one; what is open stays what it was when the name gets other bytes.
 */
#ifndef LF_BLOB_ENTRY_H
#define LF_BLOB_ENTRY_H

#include "blob/internal.h"

enum lf_blob_form {
	LF_BLOB_NONE, /* there is no such blob */
	LF_BLOB_FORM_DIR,
	LF_BLOB_FORM_RAW,
	LF_BLOB_FORM_PAGES,
	LF_BLOB_FORM_POINT,
};

struct lf_blob_entry {
	enum lf_blob_form form;
	json_t *record; /* NULL: form is LF_BLOB_NONE */
	json_t *point;	/* as lf_blob_find_point() */
	int dir, fd;	/* the directory; the file of the bytes, where it is one */
	uint64_t size;
	int64_t modified_ns; /* what ETag and Last-Modified say */
};
#define LF_BLOB_ENTRY_INIT ((struct lf_blob_entry){.dir = -1, .fd = -1})
void lf_blob_entry_done(struct lf_blob_entry *entry);
#define LF_AUTO_BLOB_ENTRY LF_CLEANUP(lf_blob_entry_done) struct lf_blob_entry

/* 0 with form LF_BLOB_NONE: there is none.  LF_ECORRUPT: its record cannot be read. */
LF_MUST_CHECK int lf_blob_entry_open(const char *data_dir, const struct lf_blob_target *target,
				     struct lf_blob_entry *ret_entry, struct lf_error *err);
/* The same; LF_ENOTFOUND "BlobNotFound", "ContainerNotFound". */
LF_MUST_CHECK int lf_blob_entry_find(const char *data_dir, const struct lf_blob_target *target,
				     struct lf_blob_entry *ret_entry, struct lf_error *err);
bool lf_blob_entry_is(const struct lf_blob_entry *entry, const char *type);
const char *lf_blob_entry_type(const struct lf_blob_entry *entry);
/* "0x...", in quotes. */
void lf_blob_etag(int64_t modified_ns, char out[static 24]);
/* When a blob that was like entry (LF_BLOB_NONE: new) is changed: never the same time twice. */
int64_t lf_blob_change_time(const struct lf_blob_service *service,
			    const struct lf_blob_entry *entry);

/* The bytes, from one offset on, as lf_http_read_fn reads them.  Keeps nothing of entry. */
struct lf_blob_reader;
LF_MUST_CHECK int lf_blob_reader_open(struct lf_regions *regions, const struct lf_blob_entry *entry,
				      uint64_t from, struct lf_blob_reader **ret_reader,
				      struct lf_error *err);
int lf_blob_reader_read(void *reader, void *data, size_t len, uint64_t offset,
			struct lf_error *err);
void lf_blob_reader_free(void *reader);

/* A directory that is to become a blob, where no client looks; free() its name, and
 * lf_blob_draft_drop() it unless it was placed. */
LF_MUST_CHECK int lf_blob_draft_make(const char *data_dir, const char *account, char **ret_draft,
				     struct lf_error *err);
void lf_blob_draft_drop(char **draft);
#define LF_AUTO_BLOB_DRAFT LF_CLEANUP(lf_blob_draft_drop) char *
/* Give it its record, and make it durable; its files are synced already. */
LF_MUST_CHECK int lf_blob_draft_seal(const char *draft, const json_t *record, struct lf_error *err);
/* Let it take the name, whatever had it; *draft is NULL then.  The name's lock is held. */
LF_MUST_CHECK int lf_blob_draft_place(const struct lf_blob_service *service,
				      const struct lf_blob_target *target, char **draft,
				      struct lf_error *err);
/* Another record for the blob, durable: its bytes stay.  The name's lock is held. */
LF_MUST_CHECK int lf_blob_entry_save(const struct lf_blob_service *service,
				     const struct lf_blob_target *target,
				     const struct lf_blob_entry *entry, const json_t *record,
				     struct lf_error *err);

#endif
