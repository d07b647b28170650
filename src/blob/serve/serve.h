/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/serve/serve.h - what the files share that do what requests ask.
 *
 * Each operation is a function of a request that begin has let in (service.c); it sets status and
 * headers of the answer, or returns an error.  Threads: a request belongs to one.
 */
#ifndef LF_BLOB_SERVE_SERVE_H
#define LF_BLOB_SERVE_SERVE_H

#include "blob/auth/conditions.h"
#include "blob/entry.h"

typedef int lf_blob_operation_fn(struct lf_blob_request *request, struct lf_http_exchange *x,
				 struct lf_error *err);

/* upload.c: Put Blob, Put Block, Append Block: bytes that go to a file as they come. */
lf_blob_operation_fn lf_blob_upload_put, lf_blob_upload_block, lf_blob_upload_append;
/* Content-MD5 and x-ms-content-crc64 of a body that is buffered. */
LF_MUST_CHECK int lf_blob_check_body(struct lf_http_exchange *x, struct lf_error *err);
/* blocklist.c */
lf_blob_operation_fn lf_blob_put_block_list, lf_blob_get_block_list;
/* page.c */
lf_blob_operation_fn lf_blob_page_create, lf_blob_page_write, lf_blob_append_create;
/* read.c */
lf_blob_operation_fn lf_blob_read, lf_blob_page_list;
/* list.c */
lf_blob_operation_fn lf_blob_list_containers, lf_blob_list_blobs;
/* properties.c */
lf_blob_operation_fn lf_blob_set_properties, lf_blob_set_metadata, lf_blob_set_tier,
	lf_blob_get_tags, lf_blob_set_tags, lf_blob_lease, lf_blob_delete;
/* copy.c */
lf_blob_operation_fn lf_blob_copy, lf_blob_put_from_url, lf_blob_copy_abort;
/* containers.c */
lf_blob_operation_fn lf_blob_container_create, lf_blob_container_delete, lf_blob_container_get,
	lf_blob_container_metadata, lf_blob_container_get_acl, lf_blob_container_set_acl,
	lf_blob_container_lease, lf_blob_get_service, lf_blob_set_service, lf_blob_get_account;

int lf_blob_header_error(const char *name, const char *what, struct lf_error *err);
/* LF_EINVAL "InvalidHeaderValue": what it asks for takes none. */
LF_MUST_CHECK int lf_blob_check_no_body(const struct lf_http_exchange *x, struct lf_error *err);
static inline int64_t lf_blob_now(const struct lf_blob_request *request)
{
	return lf_clock_now_ns(request->service->opts.clock);
}

/* For what takes long: LF_EUNREACHABLE when the site stops. */
LF_MUST_CHECK static inline int lf_blob_go_on(const struct lf_blob_request *request,
					      struct lf_error *err)
{
	return request->stopping && *request->stopping
		       ? lf_fail(err, LF_EUNREACHABLE, NULL, "the site is stopping")
		       : 0;
}

/* describe.c: from a request's headers into a record. */
LF_MUST_CHECK int lf_blob_take_content(const struct lf_http_exchange *x, bool body, json_t *record,
				       struct lf_error *err);
LF_MUST_CHECK int lf_blob_take_metadata(const struct lf_http_exchange *x, json_t *record,
					struct lf_error *err);
LF_MUST_CHECK int lf_blob_take_tags(const struct lf_http_exchange *x, json_t *record,
				    struct lf_error *err);
LF_MUST_CHECK int lf_blob_check_tags(json_t *tags, struct lf_error *err);
LF_MUST_CHECK int lf_blob_take_tier(const struct lf_http_exchange *x, json_t *record, bool needed,
				    int64_t now_ns, struct lf_error *err);
/* All of the above, of a blob that is made; body: its Content-Type and the like count, too. */
LF_MUST_CHECK int lf_blob_take_all(const struct lf_http_exchange *x, const char *type, bool body,
				   int64_t now_ns, json_t **ret_record, struct lf_error *err);
bool lf_blob_has_content_headers(const struct lf_http_exchange *x);
/* And into an answer: of one that reads the blob, and of one that changed it. */
void lf_blob_describe(const struct lf_blob_request *request, struct lf_http_exchange *x,
		      const struct lf_blob_entry *entry, bool partial);
void lf_blob_describe_change(struct lf_http_exchange *x, int64_t modified_ns);
void lf_blob_put_metadata(struct lf_http_exchange *x, json_t *metadata);
const char *lf_blob_tier(const struct lf_blob_request *request, const struct lf_blob_entry *entry);

/* change.c: what holds before a change.  entry may be LF_BLOB_NONE; the name's lock is held. */
LF_MUST_CHECK int lf_blob_check_change(const struct lf_blob_request *request,
				       const struct lf_http_exchange *x,
				       const struct lf_blob_entry *entry,
				       enum lf_blob_asking asking, struct lf_error *err);
/* An active lease stays with the name; one that is over ends with the change. */
LF_MUST_CHECK int lf_blob_keep_lease(const struct lf_blob_request *request,
				     const struct lf_blob_entry *before, json_t *record,
				     struct lf_error *err);
/* A new blob's record (size, content and so on) and draft become the request's blob; the answer's
 * headers and 201.  before: the blob that is there.  The name's lock is held. */
LF_MUST_CHECK int lf_blob_become(struct lf_blob_request *request, struct lf_http_exchange *x,
				 const struct lf_blob_entry *before, json_t *record, char **draft,
				 struct lf_error *err);
/* The same with lock and checks. */
LF_MUST_CHECK int lf_blob_make(struct lf_blob_request *request, struct lf_http_exchange *x,
			       json_t *record, char **draft, struct lf_error *err);
/* Change the record of the blob that is there: change() in a copy of it. */
typedef int lf_blob_change_fn(struct lf_blob_request *request, struct lf_http_exchange *x,
			      const struct lf_blob_entry *entry, json_t *record,
			      struct lf_error *err);
enum lf_blob_touch {
	LF_BLOB_TOUCHES, /* ETag and Last-Modified change, and a lease is asked for */
	LF_BLOB_LEAVES,	 /* they stay: tags, tier, lease */
};
LF_MUST_CHECK int lf_blob_change(struct lf_blob_request *request, struct lf_http_exchange *x,
				 enum lf_blob_touch touch, lf_blob_change_fn *change,
				 struct lf_error *err);

#endif
