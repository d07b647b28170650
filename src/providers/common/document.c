/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources by their descriptions.  A write is one transaction: the scope is
 * looked for, the body becomes what is stored, is checked by the table, completed
 * by what was there and by fallbacks, checked by the type, and put; the answer is
 * read back after the commit.  A deletion first removes what is outside the
 * catalog, if a trial transaction allows it, then the row with its children: a
 * kill between the two leaves a row whose deletion is repeated.
 */
#include "providers/common/document_internal.h"

#include <stdlib.h>
#include <string.h>

#include "arm/path.h"
#include "base/names.h"
#include "base/text.h"
#include "providers/common/page.h"
#include "providers/common/scope.h"
#include "providers/resources/locations.h"

int lf_document_wrap(const char *id, const char *type, json_t *properties, json_t **ret_doc,
		     struct lf_error *err)
{
	LF_AUTO_JSON *own = properties;
	LF_AUTO_JSON *doc = json_object();

	if (!own || !doc)
		return lf_fail_nomem(err);
	int rc = lf_arm_envelope(doc, id, type, err);
	if (!rc && json_object_set(doc, "properties", own))
		rc = lf_fail_nomem(err);
	if (!rc)
		*ret_doc = lf_steal(&doc);
	return rc;
}

/* What is stored, without what is secret. */
static int view_stored(struct lf_arm_call *call, const struct lf_document *document,
		       const struct lf_resource *resource, json_t **ret_doc, struct lf_error *err)
{
	const json_t *properties = json_object_get(resource->doc, "properties");
	LF_AUTO_JSON *doc = json_object();
	LF_AUTO_JSON *stored = json_deep_copy(resource->doc);
	char etag[64];

	if (properties && !json_is_object(properties) && !json_is_null(properties))
		return lf_fail(err, LF_ECORRUPT, resource->id,
			       "the row's properties are no object");

	if (!doc || !stored)
		return lf_fail_nomem(err);
	int rc = lf_arm_envelope(doc, resource->id, document->type, err);
	if (rc)
		return rc;
	snprintf(etag, sizeof(etag), "W/\"%s\"", resource->etag);
	lf_fields_redact(document->fields, document->n_fields, stored);
	if ((!document->no_etag && lf_json_set_text(doc, "etag", etag)) ||
	    json_object_update(doc, stored))
		return lf_fail_nomem(err);
	rc = document->view ? document->view(call, resource, doc, err) : 0;
	if (!rc)
		*ret_doc = lf_steal(&doc);
	return rc;
}

int lf_document_view(struct lf_arm_call *call, const struct lf_document *document,
		     const struct lf_resource *resource, json_t **ret_doc, struct lf_error *err)
{
	json_t *properties = NULL;

	if (!document->show)
		return view_stored(call, document, resource, ret_doc, err);
	int rc = document->show(call, resource, &properties, err);
	return rc ? rc : lf_document_wrap(resource->id, document->type, properties, ret_doc, err);
}

/* The id of the request's subject, in its scope.  An action after it is not part of it. */
static int find_id(struct lf_arm_call *call, const struct lf_document *document, char **ret_id,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_id_above(lf_arm_id(call, 0), document->type);
	LF_AUTO_SCOPE scope = {0};

	if (!id)
		return lf_fail_nomem(err);
	int rc = document->scope ? lf_scope_open(call, document->scope, &scope, err) : 0;
	if (rc)
		return rc;
	const struct lf_resource *above = lf_scope_last(&scope);
	if (above) /* the same but for its case */
		memcpy(id, above->id, strlen(above->id));
	*ret_id = lf_steal(&id);
	return 0;
}

static int find_resource(struct lf_arm_call *call, const struct lf_document *document,
			 const char *id, struct lf_resource *ret_resource, struct lf_error *err)
{
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, id, ret_resource, err);

	return rc == LF_ENOTFOUND && document->absent
		       ? document->absent(call, id, ret_resource, err)
		       : rc;
}

/* Also of a list that shows no row to a view.  Types without values never look: arm refuses. */
static int check_expand(struct lf_arm_call *call, const struct lf_document *document,
			struct lf_error *err)
{
	const char *const *known = document->expands;
	const char *expand = known ? lf_arm_query(call, "expand") : NULL;

	while (expand && *known && !lf_text_equal_nocase(*known, expand))
		known++;
	return !expand || *known ? 0
				 : lf_fail_arm(err, LF_EINVAL, "InvalidExpandInQueryString",
					       "$expand", "leave it out, or see the description",
					       "resources of type %s have no '%.40s' to expand",
					       document->type, expand);
}

int lf_document_get(struct lf_arm_call *call, const struct lf_document *document,
		    struct lf_error *err)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_FREE char *id = NULL;

	int rc = check_expand(call, document, err);
	if (!rc)
		rc = find_id(call, document, &id, err);
	if (!rc)
		rc = find_resource(call, document, id, &resource, err);
	if (!rc)
		rc = lf_document_view(call, document, &resource, &doc, err);
	return rc ? rc : lf_arm_reply(call, 200, doc, err);
}

int lf_document_list_add(struct lf_arm_call *call, const struct lf_document *document,
			 const struct lf_filter *filter, const struct lf_resource *row,
			 json_t *values, struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;

	if (document->listed && !document->listed(call, row))
		return 0;
	int rc = lf_document_view(call, document, row, &doc, err);
	rc = lf_row_pass_over(row->id, rc, err);
	if (doc && lf_filter_passes(filter, doc) && json_array_append(values, doc))
		rc = lf_fail_nomem(err);
	return rc;
}

/* Rows of the catalog until the page is full: a filter may pass over many. */
int lf_document_list_below(struct lf_arm_call *call, const struct lf_document *document,
			   const char *below, struct lf_error *err)
{
	struct lf_list_query query = {
		.type = document->type, .below = below, .after = lf_arm_query(call, "skiptoken")};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_FREE char *last = NULL;
	size_t size = 0;

	int rc = values ? check_expand(call, document, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_filter_new(lf_arm_query(call, "filter"), document->filter,
				   document->n_filter, &filter, err);
	if (!rc)
		rc = lf_page_size(call, &size, err);
	if (!rc && query.after && !lf_text_starts_nocase(query.after, below))
		rc = lf_fail_arm(err, LF_EINVAL, "InvalidSkipToken", "$skiptoken",
				 "list again from the first page",
				 "this is no token of a page of this list");
	do {
		query.limit = size - json_array_size(values);
		lf_resource_list_done(&list);
		list = (struct lf_resource_list){0};
		if (!rc)
			rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
		for (size_t i = 0; !rc && i < list.n; i++)
			rc = lf_document_list_add(call, document, filter, &list.items[i], values,
						  err);
		free(last);
		query.after = last = !rc && list.more ? strdup(list.items[list.n - 1].id) : NULL;
	} while (last && json_array_size(values) < size);
	return rc ? rc : lf_arm_reply_list(call, values, last, err);
}

int lf_document_list(struct lf_arm_call *call, const struct lf_document *document,
		     unsigned levels_up, struct lf_error *err)
{
	return lf_document_list_below(call, document, lf_arm_id(call, levels_up), err);
}

static int check_location(json_t *doc, const struct lf_resource *before, struct lf_error *err)
{
	const char *location = lf_json_text(doc, "location");
	const char *was = before ? lf_json_text(before->doc, "location") : NULL;
	char plain[64];

	if (!location && was)
		return lf_json_set_text(doc, "location", was) ? lf_fail_nomem(err) : 0;
	if (!location)
		return lf_fail_arm(err, LF_EINVAL, "LocationRequired", "location",
				   "give a location, as \"eastus\"",
				   "the location property is required for this definition");
	int rc = was ? 0 : lf_location_check(location, err);
	if (rc)
		return rc;
	lf_location_normal(location, plain, sizeof(plain));
	if (was && strcmp(was, plain) != 0)
		return lf_fail_arm(err, LF_ECONFLICT, "InvalidResourceLocation", "location",
				   "delete the resource first, or use its location",
				   "the resource is in '%s' and cannot be moved to '%s'", was,
				   plain);
	return lf_json_set_text(doc, "location", plain) ? lf_fail_nomem(err) : 0;
}

/* An If-Match value without quotes and weakness; NULL: none, or "*". */
static const char *wanted_etag(struct lf_arm_call *call, char out[static 64])
{
	const char *header = lf_arm_header(call, "If-Match");

	if (!header || strcmp(header, "*") == 0)
		return NULL;
	header += 2 * (strncmp(header, "W/", 2) == 0);
	header += *header == '"';
	snprintf(out, 64, "%.*s", (int)strcspn(header, "\""), header);
	return out;
}

static bool is_child(const struct lf_document *document)
{
	const char *slash = strchr(document->type, '/');

	return slash && strchr(slash + 1, '/');
}

/* The parent of a child is there; id is ".../{parent}/types/{name}". */
static int check_parent(struct lf_arm_call *call, const char *id, struct lf_error *err)
{
	const char *name = strrchr(id, '/');
	LF_AUTO_FREE char *parent = strndup(id, (size_t)(name - id));
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;

	if (!parent)
		return lf_fail_nomem(err);
	char *types = strrchr(parent, '/');
	*types = '\0';
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, parent, &found, err);
	return rc != LF_ENOTFOUND ? rc
				  : lf_fail_arm(err, LF_ENOTFOUND, "ParentResourceNotFound", parent,
						"create the parent resource first",
						"the parent resource '%s' was not found", parent);
}

static int carry_over(const struct lf_document *document, json_t *doc, const json_t *before,
		      struct lf_error *err)
{
	for (const char *const *path = document->kept; path && *path; path++) {
		json_t *was = lf_json_at(before, *path);
		LF_AUTO_JSON *now = json_incref(lf_json_at(doc, *path));
		if (!was || (now && !json_is_object(now)))
			continue;
		if (lf_json_set(doc, *path, json_deep_copy(was)))
			return lf_fail_nomem(err);
		int rc = now ? lf_json_merge(lf_json_at(doc, *path), now, err) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* Check and complete doc, which is the caller's, and store it. */
static int write_document(struct lf_arm_call *call, const struct lf_document *document,
			  const char *id, json_t *doc, const struct lf_resource *before,
			  struct lf_error *err)
{
	LF_AUTO_JSON *state = before ? json_deep_copy(before->state) : json_object();
	const char *none = lf_arm_header(call, "If-None-Match");
	char etag[64];

	if (!state)
		return lf_fail_nomem(err);
	if (before && none && strcmp(none, "*") == 0)
		return lf_fail(err, LF_EPRECONDITION, id, "the resource is there already");
	lf_document_drop_envelope(doc);
	bool orphan = !before && is_child(document) && !document->scope;
	int rc = orphan ? check_parent(call, id, err) : 0;
	if (!rc)
		rc = lf_document_check_tags(doc, err);
	if (!rc && document->needs_location)
		rc = check_location(doc, before, err);
	if (!rc)
		rc = lf_fields_check(document->fields, document->n_fields, doc,
				     before ? before->doc : NULL, err);
	if (!rc && before)
		rc = carry_over(document, doc, before->doc, err);
	if (!rc)
		rc = lf_fields_complete(document->fields, document->n_fields, doc, err);
	if (!rc && document->check)
		rc = document->check(call, id, doc, before, state, err);
	if (!rc && document->provisioned &&
	    lf_json_set_text(doc, "properties.provisioningState", "Succeeded"))
		rc = lf_fail_nomem(err);
	return rc ? rc
		  : lf_catalog_put(lf_arm_context(call)->catalog, id, document->type, LF_PUT_ANY,
				   wanted_etag(call, etag), doc, state, err);
}

/* Where an operation that has already ended is asked for; NULL: out of memory. */
static char *done_url(struct lf_arm_call *call)
{
	char subscription[64];

	if (!lf_arm_id_segment(lf_arm_id(call, 0), "subscriptions", subscription,
			       sizeof(subscription)))
		snprintf(subscription, sizeof(subscription), "%s",
			 lf_arm_context(call)->subscription_id);
	return lf_printf_dup("%s/subscriptions/%s/providers/Microsoft.Resources/locations/global/"
			     "completedOperations/%s?api-version=%s",
			     lf_arm_base_url(call), subscription, lf_arm_request_id(call),
			     lf_arm_api_version(call));
}

int lf_document_done_headers(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *url = done_url(call);

	if (url)
		lf_http_set_header(lf_arm_http(call), "Azure-AsyncOperation", url);
	lf_http_set_header(lf_arm_http(call), "Retry-After", "1");
	return url ? 0 : lf_fail_nomem(err);
}

/* Answer with what is stored now. */
static int reply_stored(struct lf_arm_call *call, const struct lf_document *document,
			const char *id, int status, struct lf_error *err)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	LF_AUTO_JSON *doc = NULL;
	int rc = document->async ? lf_document_done_headers(call, err) : 0;

	if (!rc)
		rc = lf_catalog_get(lf_arm_context(call)->catalog, id, &resource, err);
	if (!rc)
		rc = lf_document_view(call, document, &resource, &doc, err);
	const struct lf_arm_async async = {
		.job = !rc && document->making ? document->making(&resource) : NULL,
		.no_location = true};
	if (!rc && async.job)
		return lf_arm_reply_async(call, status, &async, doc, err);
	return rc ? rc : lf_arm_reply(call, status, doc, err);
}

/* The envelope, and no member that would be stored or dropped without an effect; before is NULL
 * when new. */
static int check_body(struct lf_arm_call *call, const struct lf_document *document, json_t *body,
		      const struct lf_resource *before, bool patch, struct lf_error *err)
{
	const struct lf_field *fields = document->fields;
	size_t n = document->n_fields * !(patch && document->tags_only);
	char path[LF_FIELD_PATH_SIZE] = "";
	LF_AUTO_JSON *shown = NULL;
	int rc = body ? lf_document_check_envelope(body, err) : 0;

	if (!rc && document->strict)
		rc = lf_document_find_stray(body, fields, n, NULL, path, err);
	if (!rc && path[0] && before)
		rc = lf_document_view(call, document, before, &shown, err);
	if (!rc && shown) /* what it was told it may send back */
		rc = lf_document_find_stray(body, fields, n, shown, path, err);
	return rc || !path[0] ? rc : lf_document_fail_stray(path, err);
}

int lf_document_put(struct lf_arm_call *call, const struct lf_document *document,
		    struct lf_error *err)
{
	struct lf_catalog *catalog = lf_arm_context(call)->catalog;
	json_t *body = lf_arm_body(call);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *id = NULL;
	LF_AUTO_JSON *doc = body && !document->read ? json_deep_copy(body) : json_object();
	bool exists = false;

	if (!doc)
		return lf_fail_nomem(err);
	int rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = find_id(call, document, &id, err);
	if (!rc)
		rc = lf_catalog_find(catalog, id, &before, &exists, err);
	if (!rc)
		rc = check_body(call, document, body, exists ? &before : NULL, false, err);
	if (!rc && document->read)
		rc = document->read(call, id, body, exists ? &before : NULL, doc, err);
	if (!rc)
		rc = write_document(call, document, id, doc, exists ? &before : NULL, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc
		  : reply_stored(call, document, id, exists || document->created_is_200 ? 200 : 201,
				 err);
}

/* Tags are replaced as a whole, everything else is merged. */
static int merge_body(const struct lf_document *document, json_t *doc, json_t *body,
		      struct lf_error *err)
{
	json_t *tags = lf_json_at(body, "tags");

	if (tags && json_object_set(doc, "tags", tags))
		return lf_fail_nomem(err);
	if (!body || document->tags_only)
		return 0;
	LF_AUTO_JSON *rest = json_copy(body);
	if (!rest)
		return lf_fail_nomem(err);
	json_object_del(rest, "tags");
	return lf_json_merge(doc, rest, err);
}

int lf_document_change(struct lf_arm_call *call, const struct lf_document *document, const char *id,
		       json_t *changes, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;

	int rc = lf_transaction_begin(&tx, lf_arm_context(call)->catalog, err);
	if (!rc)
		rc = find_resource(call, document, id, &before, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *doc = json_deep_copy(before.doc);
	if (!doc)
		return lf_fail_nomem(err);
	rc = document->read ? document->read(call, id, changes, &before, doc, err)
			    : merge_body(document, doc, changes, err);
	if (!rc)
		rc = write_document(call, document, id, doc, &before, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_document_patch(struct lf_arm_call *call, const struct lf_document *document,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *id = NULL;
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;

	int rc = find_id(call, document, &id, err);
	if (!rc && document->strict)
		rc = find_resource(call, document, id, &before, err);
	if (!rc)
		rc = check_body(call, document, lf_arm_body(call), &before, true, err);
	if (!rc)
		rc = lf_document_change(call, document, id, lf_arm_body(call), err);
	return rc ? rc : reply_stored(call, document, id, 200, err);
}

/* In a transaction: if_etag NULL is any.  LF_ENOTFOUND when there is none. */
static int check_removal(struct lf_context *context, const struct lf_document *document,
			 const char *id, const char *if_etag, struct lf_resource *ret_resource,
			 bool *ret_there, struct lf_error *err)
{
	int rc = lf_catalog_find(context->catalog, id, ret_resource, ret_there, err);

	if (rc || !*ret_there)
		return rc;
	if (if_etag && strcmp(if_etag, ret_resource->etag) != 0)
		return lf_fail(err, LF_EPRECONDITION, ret_resource->id,
			       "the resource has changed since the etag in If-Match was read");
	return document->removing ? document->removing(context, ret_resource, err) : 0;
}

/* What is outside the catalog goes first, if the catalog allows it. */
static int undo_first(struct lf_context *context, const struct lf_document *document,
		      const char *id, const char *if_etag, struct lf_error *err)
{
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	struct lf_transaction trial = LF_TRANSACTION_INIT;
	bool there = false;

	if (!document->undo)
		return 0;
	int rc = lf_transaction_begin(&trial, context->catalog, err);
	if (!rc)
		rc = check_removal(context, document, id, if_etag, &resource, &there, err);
	lf_transaction_rollback(&trial);
	return rc || !there ? rc : document->undo(context, &resource, err);
}

/* *ret_there false: there was none. */
static int remove_document(struct lf_context *context, const struct lf_document *document,
			   const char *id, const char *if_etag, bool *ret_there,
			   struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE resource = LF_RESOURCE_INIT;
	int rc = undo_first(context, document, id, if_etag, err);

	if (!rc)
		rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = check_removal(context, document, id, if_etag, &resource, ret_there, err);
	if (!rc && *ret_there)
		rc = lf_catalog_delete_tree(context->catalog, id, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

int lf_document_remove(struct lf_context *context, const struct lf_document *document,
		       const char *id, struct lf_error *err)
{
	bool there;

	return remove_document(context, document, id, NULL, &there, err);
}

int lf_document_delete(struct lf_arm_call *call, const struct lf_document *document,
		       int status_done, struct lf_error *err)
{
	LF_AUTO_FREE char *id = NULL;
	char etag[64];
	bool there;

	int rc = find_id(call, document, &id, err);
	if (rc)
		return rc;
	rc = remove_document(lf_arm_context(call), document, id, wanted_etag(call, etag), &there,
			     err);
	if (!rc && !there)
		return lf_arm_reply(call, 204, NULL, err);
	if (!rc && status_done == 202) { /* some clients follow the one header, some the other */
		LF_AUTO_FREE char *url = done_url(call);
		if (url)
			lf_http_set_header(lf_arm_http(call), "Location", url);
		rc = lf_document_done_headers(call, err);
	}
	return rc ? rc : lf_arm_reply(call, status_done, NULL, err);
}

int lf_document_on_get(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_get(call, lf_arm_subject(call), err);
}

/* "…/providers/NAMESPACE/types" is below a group or subscription, "…/{parent}/types" below it. */
int lf_document_on_list(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_document *document = lf_arm_subject(call);
	unsigned levels_up = is_child(document) ? 1 : 3;
	LF_AUTO_RESOURCE parent = LF_RESOURCE_INIT;
	LF_AUTO_SCOPE scope = {0};

	int rc = document->scope ? lf_scope_open(call, document->scope, &scope, err)
				 : lf_catalog_get(lf_arm_context(call)->catalog,
						  lf_arm_id(call, levels_up), &parent, err);
	if (rc == LF_ENOTFOUND && !is_child(document))
		return lf_fail_arm(err, LF_ENOTFOUND, "ResourceGroupNotFound",
				   lf_arm_id(call, levels_up), "create the resource group first",
				   "resource group '%s' could not be found",
				   lf_arm_id_last(lf_arm_id(call, levels_up)));
	return rc ? rc : lf_document_list_below(call, document, lf_arm_id(call, levels_up), err);
}

int lf_document_on_put(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_put(call, lf_arm_subject(call), err);
}

int lf_document_on_patch(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_patch(call, lf_arm_subject(call), err);
}

int lf_document_on_delete(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_document *document = lf_arm_subject(call);

	return lf_document_delete(call, document,
				  document->deleted_status ? document->deleted_status : 200, err);
}
