/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/document.h - resources that are mostly a document: read,
 * listed, written, tagged and deleted the same way whatever they are.
 *
 * A provider describes its type once; its routes are rows that name the
 * description.  "NAMESPACE/types" is a top-level type, "NAMESPACE/types/parts"
 * a child, which can be written only while its parent is there.
 * Threads: a call's.
 */
#ifndef LF_PROVIDERS_DOCUMENT_H
#define LF_PROVIDERS_DOCUMENT_H

#include "arm/arm.h"
#include "providers/common/filter.h"
#include "providers/common/site.h"

struct lf_document {
	const char *type; /* "Microsoft.Network/virtualNetworks" */
	/* Who must be there above it, whatever is asked of it: the type of the nearest one, which
	 * is looked for from the top (common/scope.h); its id is then below theirs as first
	 * written, and it is not deleted by itself with a resource group: who is above it goes, or
	 * refuses. NULL: only a child's parent, and only when it is written. */
	const char *scope;
	/* What the whole document may hold, after a PATCH was merged into it: read-only members are
	 * dropped, create-only ones compared with what is stored, secret ones never answered. */
	const struct lf_field *fields;
	size_t n_fields;
	/* A body may hold what a row of fields names, the envelope, location and tags, and nothing
	 * else that asks for something: 400 names the member.  What a client was told it may send
	 * back. */
	bool strict;
	/* Paths that a PUT over an existing one leaves as they are where it does not speak of them,
	 * objects member by member; NULL-ended.  May be NULL: a PUT replaces all. */
	const char *const *kept;
	/* What is stored of a body that is not stored as clients send it: put it into doc, which is
	 * empty in a PUT and a copy of what is stored in a PATCH.  In the transaction that writes
	 * it; before is NULL when new.  NULL: the body itself. */
	int (*read)(struct lf_arm_call *call, const char *id, const json_t *body,
		    const struct lf_resource *before, json_t *doc, struct lf_error *err);
	/* Check and complete doc before it is written; before is NULL when new.  May be NULL. */
	int (*check)(struct lf_arm_call *call, const char *id, json_t *doc,
		     const struct lf_resource *before, json_t *state, struct lf_error *err);
	/* Refuse the deletion, or change what else the catalog says.  Called twice: first in a
	 * trial transaction that is rolled back, then in the one that deletes.  May be NULL. */
	int (*removing)(struct lf_context *context, const struct lf_resource *resource,
			struct lf_error *err);
	/* Remove what the resource stands for outside the catalog; before its row goes, in no
	 * transaction.  Idempotent: a deletion that was cut short is repeated.  May be NULL. */
	int (*undo)(struct lf_context *context, const struct lf_resource *resource,
		    struct lf_error *err);
	/* Change a copy of the document on its way out.  May be NULL. */
	int (*view)(struct lf_arm_call *call, const struct lf_resource *resource, json_t *doc,
		    struct lf_error *err);
	/* The other side of read: the properties that clients see, made of what is stored.  The
	 * answer has nothing else but id, name and type.  NULL: the document itself. */
	int (*show)(struct lf_arm_call *call, const struct lf_resource *resource,
		    json_t **ret_properties, struct lf_error *err);
	/* There is none of this id in the catalog: stand in with what is there without anybody
	 * making it, or fail in the words of the type's clients.  NULL: LF_ENOTFOUND. */
	int (*absent)(struct lf_arm_call *call, const char *id, struct lf_resource *ret_resource,
		      struct lf_error *err);
	/* Is it in the lists of this request?  NULL: yes. */
	bool (*listed)(struct lf_arm_call *call, const struct lf_resource *resource);
	/* What $filter of its lists may name, in the document as clients see it; without rows a
	 * filter is refused. */
	const struct lf_filter_row *filter;
	size_t n_filter;
	/* What $expand of its reads may be, which view looks at; NULL-ended.  NULL: it has none. */
	const char *const *expands;
	/* The job that still makes the resource: answers name it; NULL: none does.  May be NULL. */
	const char *(*making)(const struct lf_resource *resource);
	bool needs_location; /* body.location is required on create and cannot change */
	bool async;	     /* answers carry Azure-AsyncOperation (already done) */
	bool tags_only;	     /* PATCH changes tags and nothing else */
	bool created_is_200; /* the description knows no 201, and clients refuse it */
	bool no_etag;	     /* answers carry none */
	bool provisioned;    /* properties.provisioningState is Succeeded once it is written */
	int deleted_status;  /* of a DELETE that found something; 0: 200 */
};

/* What every body may have beside its properties is of its kind: id, name, type, etag, location,
 * tags. LF_EINVAL names the member.  Documents are checked; for handlers that are none. */
LF_MUST_CHECK int lf_document_check_envelope(json_t *body, struct lf_error *err);
/*
 * The body of what is no document's: its envelope, then the fields, and no member beside both that
 * asks for something; what shown (NULL: nothing) has may be sent back.  LF_EINVAL
 * "InvalidParameter" or "MissingRequiredProperty", with the member as target.
 */
LF_MUST_CHECK int lf_document_check_request(json_t *body, const struct lf_field *fields, size_t n,
					    const json_t *shown, struct lf_error *err);
/* 200 with the resource of the request's path, also of one that goes on with an action: POST
 * ".../{name}/refresh". */
LF_MUST_CHECK int lf_document_get(struct lf_arm_call *call, const struct lf_document *document,
				  struct lf_error *err);
/* Any resource as clients see it: id, name, type and properties, which are taken, also on
 * failure; NULL properties count as out of memory. */
LF_MUST_CHECK int lf_document_wrap(const char *id, const char *type, json_t *properties,
				   json_t **ret_doc, struct lf_error *err);
/* The document as clients see it: id, name, type, etag, view; the caller's reference. */
LF_MUST_CHECK int lf_document_view(struct lf_arm_call *call, const struct lf_document *document,
				   const struct lf_resource *resource, json_t **ret_doc,
				   struct lf_error *err);
/* Those below the request's path with its last levels_up segments dropped; filtered, and paged
 * (common/page.h). */
LF_MUST_CHECK int lf_document_list(struct lf_arm_call *call, const struct lf_document *document,
				   unsigned levels_up, struct lf_error *err);
/* The same below an id of the caller's choice. */
LF_MUST_CHECK int lf_document_list_below(struct lf_arm_call *call,
					 const struct lf_document *document, const char *below,
					 struct lf_error *err);
/* One row of a list that is made whole (common/page.h): its view at the end of values, if the
 * request lists it and the filter (NULL: all) lets it pass. */
LF_MUST_CHECK int lf_document_list_add(struct lf_arm_call *call, const struct lf_document *document,
				       const struct lf_filter *filter,
				       const struct lf_resource *row, json_t *values,
				       struct lf_error *err);
/* Create (201, see created_is_200) or replace (200); If-Match and If-None-Match are honoured. */
LF_MUST_CHECK int lf_document_put(struct lf_arm_call *call, const struct lf_document *document,
				  struct lf_error *err);
/* Merge the body into the document. */
LF_MUST_CHECK int lf_document_patch(struct lf_arm_call *call, const struct lf_document *document,
				    struct lf_error *err);
/* Merge changes into any document of the type as a PATCH would; no answer. */
LF_MUST_CHECK int lf_document_change(struct lf_arm_call *call, const struct lf_document *document,
				     const char *id, json_t *changes, struct lf_error *err);
/* 200 (or what status_done says) when it was there, 204 when not; children go with it.  Also of a
 * path that goes on with an action: POST ".../{name}/remove". */
LF_MUST_CHECK int lf_document_delete(struct lf_arm_call *call, const struct lf_document *document,
				     int status_done, struct lf_error *err);
/*
 * The same as handlers of routes whose subject is the struct lf_document.  Lists of a top-level
 * type are those of the group or subscription, lists of a child those of its parent.
 */
lf_arm_handler lf_document_on_get, lf_document_on_list, lf_document_on_put, lf_document_on_patch,
	lf_document_on_delete;

/* Rows of a top-level type: collection is "/providers/Microsoft.X/things", the resource's name the
 * parameter {name}. */
#define LF_DOCUMENT_ROUTES(document, collection)                                                   \
	LF_DOCUMENT_LIST(document, LF_SUBSCRIPTION_PATH collection),                               \
		LF_DOCUMENT_LIST(document, LF_GROUP_PATH collection),                              \
		LF_DOCUMENT_ITEM(document, LF_GROUP_PATH collection "/{name}"),                    \
		LF_DOCUMENT_PATCH(document, LF_GROUP_PATH collection "/{name}")
/* Rows of a child type: collection is the whole path, its item's name the parameter {child}. */
#define LF_DOCUMENT_CHILD_ROUTES(document, collection)                                             \
	LF_DOCUMENT_LIST(document, collection), LF_DOCUMENT_ITEM(document, collection "/{child}")
#define LF_DOCUMENT_ITEM(document, path)                                                           \
	LF_DOCUMENT_GET(document, path), LF_DOCUMENT_PUT(document, path),                          \
		LF_DOCUMENT_DELETE(document, path)

/* One row each; LF_RIGHT may follow. */
#define LF_DOCUMENT_LIST(document, path, ...)                                                      \
	LF_GET(path, lf_document_on_list, LF_SUBJECT(document), ##__VA_ARGS__)
#define LF_DOCUMENT_GET(document, path, ...)                                                       \
	LF_GET(path, lf_document_on_get, LF_SUBJECT(document), ##__VA_ARGS__)
#define LF_DOCUMENT_PUT(document, path, ...)                                                       \
	LF_PUT(path, lf_document_on_put, LF_SUBJECT(document), ##__VA_ARGS__)
#define LF_DOCUMENT_PATCH(document, path, ...)                                                     \
	LF_PATCH(path, lf_document_on_patch, LF_SUBJECT(document), ##__VA_ARGS__)
#define LF_DOCUMENT_DELETE(document, path, ...)                                                    \
	LF_DELETE(path, lf_document_on_delete, LF_SUBJECT(document), ##__VA_ARGS__)

/* The same from where there is no call: a job's step.  Gone already is fine. */
LF_MUST_CHECK int lf_document_remove(struct lf_context *context, const struct lf_document *document,
				     const char *id, struct lf_error *err);

/* Headers of an operation that has already ended: Azure-AsyncOperation answers Succeeded. */
LF_MUST_CHECK int lf_document_done_headers(struct lf_arm_call *call, struct lf_error *err);

#endif
