/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS zone groups: the names of an endpoint's members as A records of private
 * zones.  What a group wrote is in its state, {"records": [{"zone", "name",
 * "address"}]}, so that it takes out that and nothing else; the records change in
 * the transaction that writes or deletes the group.
 */
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/common/scope.h"
#include "providers/network/dns.h"
#include "providers/network/internal.h"

#define CONFIGS	    "properties.privateDnsZoneConfigs"
#define CONFIGS_MAX 5

/* Ids and names are the same in any case. */
static bool has_record(const json_t *records, const json_t *record)
{
	static const char *const parts[] = {"zone", "name", "address"};
	const json_t *other;
	size_t i;

	json_array_foreach (records, i, other) {
		size_t same = 0;
		while (same < LF_N(parts) &&
		       lf_text_equal_nocase(lf_json_text_or(other, parts[same], ""),
					    lf_json_text_or(record, parts[same], "")))
			same++;
		if (same == LF_N(parts))
			return true;
	}
	return false;
}

/* What the state notes and kept (NULL: nothing) does not. */
static int take_out(struct lf_context *context, const json_t *state, const json_t *kept,
		    struct lf_error *err)
{
	const json_t *records = lf_json_at(state, "records"), *record;
	size_t i;
	int rc = 0;

	json_array_foreach (records, i, record)
		if (!rc && !has_record(kept, record))
			rc = lf_zone_address_take_out(context, lf_json_text_or(record, "zone", ""),
						      lf_json_text_or(record, "name", ""),
						      lf_json_text_or(record, "address", ""), err);
	return rc;
}

static json_t *view_record(const json_t *member, const char *zone)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_text(&doc, "recordType", "A");
	lf_doc_text(&doc, "recordSetName", lf_json_text(member, "record"));
	lf_doc_printf(&doc, "fqdn", "%s.%s", lf_json_text_or(member, "record", ""), zone);
	lf_doc_int(&doc, "ttl", 10);
	lf_doc_append(&doc, "ipAddresses", json_string(lf_json_text(member, "address")));
	lf_doc_text(&doc, "provisioningState", "Succeeded");
	return lf_doc_take(&doc);
}

/* What is being written: the endpoint's records, noted in records if they are the group's. */
struct writing {
	struct lf_context *context;
	const struct lf_resource *endpoint;
	const json_t *before; /* what the group noted until now; NULL: it is new */
	json_t *records;
};

/* One member's record in the zone.  One that somebody else put there stays his. */
static int put_record(const struct writing *writing, const struct lf_resource *zone,
		      const json_t *member, struct lf_error *err)
{
	const char *name = lf_json_text_or(member, "record", "");
	const char *address = lf_json_text_or(member, "address", "");
	LF_AUTO_JSON *record =
		json_pack("{s:s,s:s,s:s}", "zone", zone->id, "name", name, "address", address);
	bool added = false;

	if (!record)
		return lf_fail_nomem(err);
	int rc = lf_zone_address_put(writing->context, zone->id, name, address,
				     lf_arm_id_last(writing->endpoint->id), &added, err);
	if (rc || (!added && !has_record(writing->before, record)))
		return rc;
	return json_array_append(writing->records, record) ? lf_fail_nomem(err) : 0;
}

static int fail_zone(const struct lf_resource *zone, const json_t *members, struct lf_error *err)
{
	char hint[320];

	snprintf(hint, sizeof(hint), "make a zone called %s",
		 lf_json_text_or(members, "0.zone", ""));
	return lf_fail_arm(err, LF_EINVAL, "PrivateDnsZoneNameNotValid",
			   CONFIGS ".properties.privateDnsZoneId", hint,
			   "the names of this private endpoint do not belong into the zone '%s'",
			   lf_arm_id_last(zone->id));
}

/* The records of one configuration, put into its zone and shown with it. */
static int put_config(const struct writing *writing, json_t *config, struct lf_error *err)
{
	const char *zone_id = lf_json_text_or(config, "properties.privateDnsZoneId", "");
	json_t *members = lf_json_at(writing->endpoint->state, "members"), *member;
	LF_AUTO_JSON *shown = json_array();
	LF_AUTO_RESOURCE zone = LF_RESOURCE_INIT;
	size_t i;
	int rc = shown ? lf_arm_id_check(zone_id, LF_ZONE_TYPE,
					 CONFIGS ".properties.privateDnsZoneId", err)
		       : lf_fail_nomem(err);

	if (!rc)
		rc = lf_catalog_get(writing->context->catalog, zone_id, &zone, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EINVAL, "InvalidResourceReference", zone_id,
				   "create the zone first",
				   "the private DNS zone '%s' was not found", zone_id);
	json_array_foreach (members, i, member) {
		if (rc || !lf_text_equal_nocase(lf_json_text_or(member, "zone", ""),
						lf_arm_id_last(zone.id)))
			continue;
		rc = put_record(writing, &zone, member, err);
		if (!rc &&
		    json_array_append_new(shown, view_record(member, lf_arm_id_last(zone.id))))
			rc = lf_fail_nomem(err);
	}
	if (!rc && !json_array_size(shown))
		rc = fail_zone(&zone, members, err);
	if (rc)
		return rc;
	return lf_json_set_text(config, "properties.privateDnsZoneId", zone.id) |
			       lf_json_set(config, "properties.recordSets", lf_steal(&shown)) |
			       (lf_json_text(config, "name")
					? 0
					: lf_json_set_text(config, "name", lf_arm_id_last(zone.id)))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* Each zone stands in one configuration. */
static int check_once(const json_t *configs, const json_t *config, struct lf_error *err)
{
	const char *zone = lf_json_text_or(config, "properties.privateDnsZoneId", "");
	const json_t *other;
	size_t i;

	json_array_foreach (configs, i, other) {
		if (other == config)
			return 0;
		if (lf_arm_id_equal(lf_json_text_or(other, "properties.privateDnsZoneId", ""),
				    zone))
			break;
	}
	return lf_fail_arm(err, LF_EINVAL, "DuplicatePrivateDnsZoneConfig",
			   CONFIGS ".properties.privateDnsZoneId",
			   "name each zone in one configuration",
			   "the zone '%s' stands in two configurations", lf_arm_id_last(zone));
}

/* An endpoint has one group. */
static int check_alone(struct lf_context *context, const char *endpoint_id, const char *id,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_ZONE_GROUP_TYPE, .below = endpoint_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (!lf_arm_id_equal(list.items[i].id, id))
			rc = lf_fail_arm(err, LF_EINVAL,
					 "OnlyOnePrivateDnsZoneGroupPerPrivateEndpoint", id,
					 "put the zone into that group's privateDnsZoneConfigs",
					 "the private endpoint has the DNS zone group '%s' already",
					 lf_arm_id_last(list.items[i].id));
	return rc;
}

static int check_zone_group(struct lf_arm_call *call, const char *id, json_t *doc,
			    const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	json_t *configs = lf_json_at(doc, CONFIGS), *config;
	LF_AUTO_FREE char *endpoint_id = lf_id_above(id, LF_ENDPOINT_TYPE);
	LF_AUTO_RESOURCE endpoint = LF_RESOURCE_INIT;
	LF_AUTO_JSON *records = json_array();
	size_t i;

	if (!endpoint_id || !records)
		return lf_fail_nomem(err);
	int rc = lf_catalog_get(context->catalog, endpoint_id, &endpoint, err);
	if (!rc)
		rc = check_alone(context, endpoint_id, id, err);
	const struct writing writing = {.context = context,
					.endpoint = &endpoint,
					.before = before ? lf_json_at(before->state, "records")
							 : NULL,
					.records = records};
	json_array_foreach (configs, i, config) {
		if (!rc)
			rc = check_once(configs, config, err);
		if (!rc)
			rc = put_config(&writing, config, err);
	}
	if (!rc && before)
		rc = take_out(context, before->state, records, err);
	if (!rc && json_object_set(state, "records", records))
		rc = lf_fail_nomem(err);
	return rc;
}

static int remove_zone_group(struct lf_context *context, const struct lf_resource *group,
			     struct lf_error *err)
{
	return take_out(context, group->state, NULL, err);
}

int lf_zone_groups_release(struct lf_context *context, const char *endpoint_id,
			   struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_ZONE_GROUP_TYPE, .below = endpoint_id};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(context->catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		rc = take_out(context, list.items[i].state, NULL, err);
	return rc;
}

static const struct lf_field group_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "the zones"},
	{CONFIGS, LF_ARRAY, LF_REQUIRED, 0, CONFIGS_MAX, NULL, "a zone each"},
	{CONFIGS ".*.name", LF_TEXT, 0, 0, 80, NULL, "what it is called"},
	{CONFIGS ".*.properties.privateDnsZoneId", LF_ID, LF_REQUIRED, 0, 0, NULL,
	 "the zone that the names are put into"},
	{CONFIGS ".*.properties.recordSets", LF_ARRAY, LF_READ_ONLY, 0, 0, NULL,
	 "what was put into it"},
	{"properties.provisioningState", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "Succeeded"},
};

const struct lf_document lf_zone_group_document = {
	.type = LF_ZONE_GROUP_TYPE,
	.scope = LF_ENDPOINT_TYPE,
	.fields = group_fields,
	.n_fields = LF_N(group_fields),
	.strict = true,
	.check = check_zone_group,
	.removing = remove_zone_group,
	.async = true,
	.deleted_status = 202,
	.provisioned = true,
};
