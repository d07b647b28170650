/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/document.h - resources that are mostly a document: read,
 * listed, written, tagged and deleted the same way whatever they are.
 *
 * A provider describes its type once and its handlers are one line each.
 * Threads: a call's.
 */
#ifndef LF_PROVIDERS_DOCUMENT_H
#define LF_PROVIDERS_DOCUMENT_H

#include "arm/arm.h"

struct lf_document {
	const char *type; /* "Microsoft.Network/virtualNetworks" */
	/* Check and complete doc before it is written; before is NULL when new.  May be NULL. */
	int (*check)(struct lf_arm_call *call, const char *id, json_t *doc,
		     const struct lf_resource *before, json_t *state, struct lf_error *err);
	/* Refuse the deletion, or undo what the resource stands for.  May be NULL. */
	int (*removing)(struct lf_arm_call *call, const struct lf_resource *resource,
			struct lf_error *err);
	/* Change a copy of the document on its way out.  May be NULL. */
	int (*view)(struct lf_arm_call *call, const struct lf_resource *resource, json_t *doc,
		    struct lf_error *err);
	bool needs_location; /* body.location is required on create and cannot change */
	bool async;	     /* answers carry Azure-AsyncOperation (already done) */
};

/* 200 with the resource of the request's path. */
LF_MUST_CHECK int lf_document_get(struct lf_arm_call *call, const struct lf_document *document,
				  struct lf_error *err);
/* The document as clients see it: id, name, type, etag, view; the caller's reference. */
LF_MUST_CHECK int lf_document_view(struct lf_arm_call *call, const struct lf_document *document,
				   const struct lf_resource *resource, json_t **ret_doc,
				   struct lf_error *err);
/* Those below the request's path with its last levels_up segments dropped; paged. */
LF_MUST_CHECK int lf_document_list(struct lf_arm_call *call, const struct lf_document *document,
				   unsigned levels_up, struct lf_error *err);
/* The same below an id of the caller's choice. */
LF_MUST_CHECK int lf_document_list_below(struct lf_arm_call *call,
					 const struct lf_document *document, const char *below,
					 struct lf_error *err);
/* Create (201) or replace (200); If-Match and If-None-Match are honoured. */
LF_MUST_CHECK int lf_document_put(struct lf_arm_call *call, const struct lf_document *document,
				  struct lf_error *err);
/* Merge the body into the document. */
LF_MUST_CHECK int lf_document_patch(struct lf_arm_call *call, const struct lf_document *document,
				    struct lf_error *err);
/* 200 (or what status_done says) when it was there, 204 when not; children go with it. */
LF_MUST_CHECK int lf_document_delete(struct lf_arm_call *call, const struct lf_document *document,
				     int status_done, struct lf_error *err);
/* Headers of an operation that has already ended: Azure-AsyncOperation answers Succeeded. */
LF_MUST_CHECK int lf_document_done_headers(struct lf_arm_call *call, struct lf_error *err);

#endif
