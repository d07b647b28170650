/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones and their links.  Both are global, whatever the region of the networks;
 * a zone stays as long as a network is linked to it, and a link as long as its
 * network.
 */
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/authorization/authorization.h"
#include "providers/common/scope.h"
#include "providers/common/unsupported.h"
#include "providers/network/dns.h"
#include "providers/network/internal.h"

#define LINKS_MAX	     1000
#define REGISTERED_LINKS_MAX 100

bool lf_zone_name_good(const char *name)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_";
	size_t len = strlen(name);

	for (const char *p = name;; p++) {
		size_t label = strspn(p, characters);
		if (!label || label > 63)
			return false;
		p += label;
		if (!*p)
			return len <= LF_ZONE_NAME_MAX;
		if (*p != '.')
			return false;
	}
}

/* The location is "global", and is what an answer says when a later PUT leaves it out. */
static int check_global(const char *type, json_t *doc, const struct lf_resource *before,
			struct lf_error *err)
{
	const char *location = lf_json_text(doc, "location");

	if (!location && !before)
		return lf_fail_arm(err, LF_EINVAL, "LocationRequired", "location",
				   "give \"global\"",
				   "the location property is required for this definition");
	if (location && !lf_text_equal_nocase(location, "global"))
		return lf_fail_arm(err, LF_EINVAL, "LocationNotAvailableForResourceType",
				   "location", "give \"global\"",
				   "the provided location '%.64s' is not available for resource "
				   "type '%s'. List of available regions for the resource type is "
				   "'global'.",
				   location, type);
	return lf_json_set_text(doc, "location", "global") ? lf_fail_nomem(err) : 0;
}

static int check_zone(struct lf_arm_call *call, const char *id, json_t *doc,
		      const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	const char *name = lf_arm_id_last(id);

	(void)call, (void)state;
	if (!lf_zone_name_good(name) || !strchr(name, '.'))
		return lf_fail_arm(err, LF_EINVAL, "InvalidResourceName", "name",
				   "2 to 34 labels of letters, digits, '-' and '_', as "
				   "\"privatelink.blob.core.windows.net\"",
				   "the zone name '%.80s' is not a name of the DNS", name);
	return check_global(LF_ZONE_TYPE, doc, before, err);
}

static int view_zone(struct lf_arm_call *call, const struct lf_resource *zone, json_t *doc,
		     struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	size_t links = 0, sets = 0;
	int rc = lf_catalog_count(context->catalog, LF_ZONE_A_TYPE, zone->id, &sets, err);

	if (!rc)
		rc = lf_catalog_count(context->catalog, LF_ZONE_LINK_TYPE, zone->id, &links, err);
	if (rc)
		return rc;
	LF_AUTO_DOC view = lf_doc_from(json_incref(doc));
	lf_doc_int(&view, "properties.maxNumberOfRecordSets", LF_ZONE_SETS_MAX);
	lf_doc_int(&view, "properties.numberOfRecordSets", (int64_t)sets + 1); /* SOA */
	lf_doc_int(&view, "properties.maxNumberOfVirtualNetworkLinks", LINKS_MAX);
	lf_doc_int(&view, "properties.numberOfVirtualNetworkLinks", (int64_t)links);
	lf_doc_int(&view, "properties.maxNumberOfVirtualNetworkLinksWithRegistration",
		   REGISTERED_LINKS_MAX);
	lf_doc_int(&view, "properties.numberOfVirtualNetworkLinksWithRegistration", 0);
	return lf_doc_check(&view, err);
}

static int remove_zone(struct lf_context *context, const struct lf_resource *zone,
		       struct lf_error *err)
{
	const struct lf_list_query query = {
		.type = LF_ZONE_LINK_TYPE, .below = zone->id, .limit = 1};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	return rc || !list.n
		       ? rc
		       : lf_fail_arm(err, LF_ECONFLICT, "CannotDeleteResource", zone->id,
				     "delete the zone's virtual network links first",
				     "cannot delete resource while nested resources exist: link "
				     "'%s' ties the zone to a network",
				     lf_arm_id_last(list.items[0].id));
}

#define OURS(path, type)                                                                           \
	{                                                                                          \
		"properties." path, type, LF_READ_ONLY, 0, 0, NULL, "set by the service"           \
	}

static const struct lf_field zone_fields[] = {
	{"properties", LF_OBJECT, 0, 0, 0, NULL, "all of it is set by the service"},
	OURS("maxNumberOfRecordSets", LF_INT),
	OURS("numberOfRecordSets", LF_INT),
	OURS("maxNumberOfVirtualNetworkLinks", LF_INT),
	OURS("numberOfVirtualNetworkLinks", LF_INT),
	OURS("maxNumberOfVirtualNetworkLinksWithRegistration", LF_INT),
	OURS("numberOfVirtualNetworkLinksWithRegistration", LF_INT),
	OURS("provisioningState", LF_TEXT),
	OURS("internalId", LF_TEXT),
};

const struct lf_document lf_zone_document = {
	.type = LF_ZONE_TYPE,
	.fields = zone_fields,
	.n_fields = LF_N(zone_fields),
	.strict = true,
	.check = check_zone,
	.removing = remove_zone,
	.view = view_zone,
	.async = true,
	.tags_only = true,
	.provisioned = true,
};

/* A network knows each name once: two zones of one name would answer differently. */
static int check_overlap(struct lf_context *context, const char *id, const char *network,
			 struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_ZONE_LINK_TYPE};
	LF_AUTO_FREE char *zone = lf_id_above(id, LF_ZONE_TYPE);
	LF_AUTO_RESOURCE_LIST list = {0};

	if (!zone)
		return lf_fail_nomem(err);
	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		const char *linked =
			lf_json_text_or(list.items[i].doc, "properties.virtualNetwork.id", "");
		LF_AUTO_FREE char *other = lf_id_above(list.items[i].id, LF_ZONE_TYPE);
		if (!other)
			return lf_fail_nomem(err);
		if (lf_arm_id_equal(list.items[i].id, id) || !lf_arm_id_equal(linked, network) ||
		    !lf_text_equal_nocase(lf_arm_id_last(other), lf_arm_id_last(zone)))
			continue;
		return lf_fail_arm(err, LF_EINVAL, "BadRequest", "properties.virtualNetwork.id",
				   "remove the other link, or use its zone",
				   "a virtual network cannot be linked to multiple zones with "
				   "overlapping namespaces: link '%s' has it already",
				   list.items[i].id);
	}
	return rc;
}

int lf_zone_links_release(struct lf_context *context, const char *network_id, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_ZONE_LINK_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		const struct lf_resource *link = &list.items[i];
		if (!lf_arm_id_equal(lf_json_text_or(link->doc, "properties.virtualNetwork.id", ""),
				     network_id))
			continue;
		rc = lf_rights_unlocked(context->rights, LF_ZONE_LINK_TYPE "/delete", link->id,
					err);
		if (!rc)
			rc = lf_catalog_delete_tree(context->catalog, link->id, err);
	}
	return rc;
}

static const struct lf_unsupported unsupported[] = {
	{"properties.registrationEnabled", LF_IS_TRUE, NULL, "AutoRegistrationNotSupported"},
	{"properties.resolutionPolicy", LF_IS_TEXT, "NxDomainRedirect",
	 "NxDomainRedirectNotSupported"},
};

static int check_link(struct lf_arm_call *call, const char *id, json_t *doc,
		      const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FREE char *zone = lf_id_above(id, LF_ZONE_TYPE);
	size_t links = 0;
	int rc = lf_unsupported_check(unsupported, LF_N(unsupported), doc, err);

	(void)state;
	if (!zone)
		return lf_fail_nomem(err);
	if (!rc)
		rc = check_global(LF_ZONE_LINK_TYPE, doc, before, err);
	if (!rc)
		rc = lf_network_check_reference(context->catalog, doc, "properties.virtualNetwork",
						LF_NETWORK_TYPE, err);
	if (!rc)
		rc = check_overlap(context, id,
				   lf_json_text_or(doc, "properties.virtualNetwork.id", ""), err);
	if (!rc && !before)
		rc = lf_catalog_count(context->catalog, LF_ZONE_LINK_TYPE, zone, &links, err);
	if (!rc && links >= LINKS_MAX)
		rc = lf_fail_arm(err, LF_EINVAL, "QuotaExceeded", zone, NULL,
				 "a zone has at most %d links", LINKS_MAX);
	if (!rc && lf_json_set_text(doc, "properties.virtualNetworkLinkState", "Completed"))
		rc = lf_fail_nomem(err);
	return rc;
}

static const char *const policies[] = {"Default", "NxDomainRedirect", NULL};
static const struct lf_field link_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "which network is linked"},
	{"properties.virtualNetwork.id", LF_ID, LF_REQUIRED | LF_CREATE_ONLY, 0, 0, NULL,
	 "the network whose machines see the zone"},
	{"properties.registrationEnabled", LF_BOOL, 0, 0, 0, NULL,
	 "false: machines are not registered", "false"},
	{"properties.resolutionPolicy", LF_ENUM, 0, 0, 0, policies, "Default"},
	OURS("virtualNetworkLinkState", LF_TEXT),
	OURS("provisioningState", LF_TEXT),
};

const struct lf_document lf_zone_link_document = {
	.type = LF_ZONE_LINK_TYPE,
	.fields = link_fields,
	.n_fields = LF_N(link_fields),
	.strict = true,
	.check = check_link,
	.async = true,
	.provisioned = true,
};
