/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/service.h - what the files of the blob service share.
 *
 * On disk: DIR/accounts/ACCOUNT/CONTAINER/ holds "NAME" (the bytes) or
 * "NAME.page" (a page blob's) or "NAME.point" (a vault's disk: blob/point.h).  Names are
 * percent-encoded so that no name leaves its container.
 */
#ifndef LF_BLOB_SERVICE_H
#define LF_BLOB_SERVICE_H

#include "base/text.h"
#include "blob/blob.h"
#include "json/json.h"

#define LF_BLOB_QUERY_SIZE 1100 /* of a value in a query: a blob's name, at most */

struct lf_blob_service {
	struct lf_blob_opts opts;
	char *data_dir;
	struct lf_http_handler handler;
};

/* Account, container and blob of a request's path, decoded; container and blob may be "". */
struct lf_blob_target {
	char account[32];
	char container[80];
	char *blob; /* "" when none; free() */
};
void lf_blob_target_done(struct lf_blob_target *target);
#define LF_AUTO_BLOB_TARGET LF_CLEANUP(lf_blob_target_done) struct lf_blob_target
LF_MUST_CHECK int lf_blob_target_parse(const char *path, struct lf_blob_target *ret_target,
				       struct lf_error *err);

/* Who asks, and may they?  LF_EUNAUTHENTICATED, LF_EDENIED. */
LF_MUST_CHECK int lf_blob_authorize(struct lf_blob_service *service, struct lf_http_exchange *x,
				    const struct lf_blob_target *target, struct lf_error *err);
/* Decode percent escapes in place; false: broken, or a NUL. */
bool lf_blob_decode(char *text);

/* Directory of a container; free(). */
LF_MUST_CHECK int lf_blob_container_dir(const char *data_dir, const char *account,
					const char *container, char **ret_dir,
					struct lf_error *err);

/* Blobs of the target's name that are of another kind than what keep says (a suffix, or ""). */
LF_MUST_CHECK int lf_blob_remove_others(struct lf_blob_service *service,
					const struct lf_blob_target *target, const char *keep,
					struct lf_error *err);

/* XML answers. */
void lf_blob_answer_error(struct lf_http_exchange *x, const struct lf_error *err);
void lf_blob_answer_xml(struct lf_http_exchange *x, int status, struct lf_buf *xml); /* takes it */
void lf_blob_xml_text(struct lf_buf *out, const char *text);			     /* escaped */
LF_MUST_CHECK int lf_blob_list_containers(struct lf_blob_service *service,
					  struct lf_http_exchange *x,
					  const struct lf_blob_target *target,
					  struct lf_error *err);
LF_MUST_CHECK int lf_blob_list_blobs(struct lf_blob_service *service, struct lf_http_exchange *x,
				     const struct lf_blob_target *target, struct lf_error *err);
/* GET or HEAD of a blob, with its range; and of a page blob, its ranges that are not holes. */
LF_MUST_CHECK int lf_blob_page_list(struct lf_blob_service *service, struct lf_http_exchange *x,
				    const struct lf_blob_target *target, struct lf_error *err);
LF_MUST_CHECK int lf_blob_read(struct lf_blob_service *service, struct lf_http_exchange *x,
			       const struct lf_blob_target *target, struct lf_error *err);
/* Value of a query field, decoded, into out; absent: "".  LF_EINVAL "InvalidQueryParameterValue":
 * it cannot be read, or is longer than out: never cut. */
LF_MUST_CHECK int lf_blob_query(const struct lf_http_exchange *x, const char *name, char *out,
				size_t size, struct lf_error *err);
/* The same for a number; absent: *value stays.  LF_EINVAL "OutOfRangeQueryParameterValue". */
LF_MUST_CHECK int lf_blob_query_number(const struct lf_http_exchange *x, const char *name,
				       uint64_t min, uint64_t *value, struct lf_error *err);

#endif
