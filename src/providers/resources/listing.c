/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources of a subscription or a group: $expand and $filter are read first,
 * and refused before a row is; then pages of the catalog's rows are shown until
 * one of the answer is full.
 */
#include "providers/resources/listing.h"

#include <stdlib.h>
#include <string.h>

#include "arm/path.h"
#include "base/text.h"
#include "json/doc.h"
#include "providers/common/document.h"
#include "providers/common/page.h"

static const struct lf_filter_row rows[] = {
	{"resourceType", "type"},
	{"resourceGroup", "resourceGroup"},
	{"name", "name"},
	{"location", "location", LF_FILTER_LOCATION},
	{"kind", "kind"},
	{"managedBy", "managedBy"},
	{"identity/principalId", "identity.principalId"},
	{"tagName", .kind = LF_FILTER_TAG_NAME},
	{"tagValue", .kind = LF_FILTER_TAG_VALUE},
};

enum expand { CREATED = 1, CHANGED = 2, STATE = 4 };

/* $expand as bits; what it does not know it refuses. */
static int read_expand(struct lf_arm_call *call, unsigned *ret_bits, struct lf_error *err)
{
	static const char *const names[] = {"createdTime", "changedTime", "provisioningState"};
	const char *p = lf_arm_query(call, "expand");

	for (*ret_bits = 0; p && *p; p += *p == ',') {
		size_t len = strcspn(p, ","), i = 0;
		while (i < LF_N(names) &&
		       (strlen(names[i]) != len || !lf_text_starts_nocase(p, names[i])))
			i++;
		if (i == LF_N(names))
			return lf_fail_arm(err, LF_EINVAL, "InvalidExpandInQueryString", "$expand",
					   "use createdTime, changedTime, provisioningState",
					   "the list has no '%.*s' to expand",
					   (int)(len < 40 ? len : 40), p);
		*ret_bits |= 1U << i;
		p += len;
	}
	return 0;
}

static void put_group(struct lf_doc *doc, const char *id)
{
	static const char mark[] = "/resourceGroups/";
	const char *group = strcasestr(id, mark);

	if (!group)
		return;
	group += strlen(mark);
	LF_AUTO_FREE char *name = strndup(group, strcspn(group, "/"));
	lf_doc_text(doc, "resourceGroup", name);
}

static int view(const struct lf_resource *r, unsigned expand, json_t **ret_view,
		struct lf_error *err)
{
	static const char *const same[] = {"location", "kind",	"managedBy", "sku",
					   "identity", "zones", "plan",	     "tags"};
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "id", r->id);
	lf_doc_text(&doc, "name", lf_arm_id_last(r->id));
	lf_doc_text(&doc, "type", r->type);
	for (size_t i = 0; i < LF_N(same); i++)
		lf_doc_share_if(&doc, same[i], lf_json_at(r->doc, same[i]));
	put_group(&doc, r->id);
	if (expand & CREATED)
		lf_doc_time(&doc, "createdTime", r->created_ns);
	if (expand & CHANGED)
		lf_doc_time(&doc, "changedTime", r->changed_ns);
	if (expand & STATE)
		lf_doc_text(&doc, "provisioningState",
			    lf_json_text_or(r->doc, "properties.provisioningState", "Succeeded"));
	return lf_doc_end(&doc, ret_view, err);
}

static int add(const struct lf_resource *r, const struct lf_filter *filter, unsigned expand,
	       json_t *values, struct lf_error *err)
{
	const char *slash = strchr(r->type, '/');
	LF_AUTO_JSON *shown = NULL;

	/* children, Landfall's own rows, roles and locks are not top-level resources */
	if (!slash || strchr(slash + 1, '/') || strcmp(r->type, LF_GROUP_TYPE) == 0 ||
	    lf_text_starts_nocase(r->type, "Microsoft.Authorization/"))
		return 0;
	int rc = view(r, expand, &shown, err);
	if (rc || !lf_filter_passes(filter, shown))
		return rc;
	json_object_del(shown, "resourceGroup");
	return json_array_append(values, shown) ? lf_fail_nomem(err) : 0;
}

/* Rows of the catalog until the page is full: a filter may pass over many. */
int lf_resources_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_list_query query = {.below = lf_arm_id(call, 1),
				      .after = lf_arm_query(call, "skiptoken")};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_FREE char *last = NULL;
	unsigned expand = 0;
	size_t size = 0;

	int rc = lf_filter_new(lf_arm_query(call, "filter"), rows, LF_N(rows), &filter, err);
	if (!rc)
		rc = lf_page_size(call, &size, err);
	if (!rc)
		rc = read_expand(call, &expand, err);
	do {
		query.limit = size - json_array_size(values);
		lf_resource_list_done(&list);
		list = (struct lf_resource_list){0};
		if (!rc)
			rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
		for (size_t i = 0; !rc && i < list.n; i++)
			rc = add(&list.items[i], filter, expand, values, err);
		free(last);
		query.after = last = !rc && list.more ? strdup(list.items[list.n - 1].id) : NULL;
	} while (last && json_array_size(values) < size);
	return rc ? rc : lf_arm_reply_list(call, values, last, err);
}
