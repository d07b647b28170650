/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record sets.  A sets are rows; the SOA set is made of the zone; sets of other
 * types cannot be made, so that there are none to read.
 */
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/authorization/authorization.h"
#include "providers/common/page.h"
#include "providers/common/scope.h"
#include "providers/network/dns.h"
#include "providers/network/internal.h"

#define RECORDS		  "properties.aRecords"
#define TTL_DEFAULT	  3600
#define METADATA_MAX	  50 /* names */
#define METADATA_TEXT_MAX 1024

static bool is_record_name(const char *name, const char *zone)
{
	return strcmp(name, "@") == 0 ||
	       (lf_zone_name_good(name) && strlen(name) + 1 + strlen(zone) <= LF_ZONE_NAME_MAX);
}

/* "name.zone." */
static char *fqdn_of(const char *name, const char *zone)
{
	return strcmp(name, "@") == 0 ? lf_printf_dup("%s.", zone)
				      : lf_printf_dup("%s.%s.", name, zone);
}

static int check_addresses(const json_t *records, struct lf_error *err)
{
	char target[64];
	const json_t *record;
	uint32_t address;
	size_t i;
	int rc = 0;

	if (!json_array_size(records) || json_array_size(records) > LF_ZONE_SET_MAX)
		return lf_fail_arm(err, LF_EINVAL, "BadRequest", RECORDS,
				   "as [{\"ipv4Address\": \"10.0.0.4\"}]",
				   "an A record set has 1 to %d records", LF_ZONE_SET_MAX);
	json_array_foreach (records, i, record) {
		const char *text = lf_json_text_or(record, "ipv4Address", "");
		snprintf(target, sizeof(target), RECORDS "[%zu].ipv4Address", i);
		if (!rc)
			rc = lf_address_parse(text, target, &address, err);
		if (!rc && lf_json_find(records, "ipv4Address", text) != record)
			rc = lf_fail_arm(err, LF_EINVAL, "BadRequest", target, NULL,
					 "the address %s is in the record set twice", text);
	}
	return rc;
}

static int check_room(struct lf_context *context, const char *zone_id, struct lf_error *err)
{
	size_t n = 0;
	int rc = lf_catalog_count(context->catalog, LF_ZONE_A_TYPE, zone_id, &n, err);

	return rc || n + 1 < LF_ZONE_SETS_MAX
		       ? rc
		       : lf_fail_arm(err, LF_EINVAL, "QuotaExceeded", zone_id, NULL,
				     "a zone has at most %d record sets", LF_ZONE_SETS_MAX);
}

static int check_set(struct lf_context *context, const char *id, json_t *doc, bool is_new,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *zone = lf_id_above(id, LF_ZONE_TYPE);
	const char *name = lf_arm_id_last(id);

	if (!zone)
		return lf_fail_nomem(err);
	if (!is_record_name(name, lf_arm_id_last(zone)))
		return lf_fail_arm(err, LF_EINVAL, "InvalidResourceName", "name",
				   "labels of letters, digits, '-' and '_', or \"@\" for the zone "
				   "itself; wildcards are not served",
				   "the record set '%.80s' is no name of the DNS", name);
	int rc = is_new ? check_room(context, zone, err) : 0;
	if (!rc)
		rc = check_addresses(lf_json_at(doc, RECORDS), err);
	LF_AUTO_FREE char *fqdn = fqdn_of(name, lf_arm_id_last(zone));
	if (!rc && (!fqdn || lf_json_set_text(doc, "properties.fqdn", fqdn) |
				     lf_json_set_bool(doc, "properties.isAutoRegistered", false)))
		rc = lf_fail_nomem(err);
	return rc;
}

/* Names and texts; "*" of a field's path is of arrays. */
static int check_metadata(json_t *metadata, struct lf_error *err)
{
	const char *name;
	json_t *value;

	if (json_object_size(metadata) > METADATA_MAX)
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "properties.metadata", NULL,
				   "the metadata of a record set is at most %d names",
				   METADATA_MAX);
	json_object_foreach (metadata, name, value)
		if (!json_is_string(value) || json_string_length(value) > METADATA_TEXT_MAX)
			return lf_fail_arm(err, LF_EINVAL, "InvalidParameter",
					   "properties.metadata", "as {\"name\": \"text\"}",
					   "the metadata '%.64s' is no text of at most %d bytes",
					   name, METADATA_TEXT_MAX);
	return 0;
}

static int check_a(struct lf_arm_call *call, const char *id, json_t *doc,
		   const struct lf_resource *before, json_t *state, struct lf_error *err)
{
	int rc = check_metadata(lf_json_at(doc, "properties.metadata"), err);

	(void)state;
	return rc ? rc : check_set(lf_arm_context(call), id, doc, before == NULL, err);
}

static const struct lf_field a_fields[] = {
	{"properties", LF_OBJECT, LF_REQUIRED, 0, 0, NULL, "the records"},
	{RECORDS, LF_ARRAY, LF_REQUIRED, 0, LF_ZONE_SET_MAX, NULL, "addresses"},
	{RECORDS ".*.ipv4Address", LF_TEXT, LF_REQUIRED, 0, 15, NULL, "as \"10.0.0.4\""},
	{"properties.ttl", LF_INT, 0, 1, INT32_MAX, NULL, "seconds that an answer may be kept",
	 "3600"},
	{"properties.metadata", LF_OBJECT, 0, 0, 0, NULL, "names and texts"},
	{"properties.fqdn", LF_TEXT, LF_READ_ONLY, 0, 0, NULL, "made of its name"},
	{"properties.isAutoRegistered", LF_BOOL, LF_READ_ONLY, 0, 0, NULL, "false"},
};

const struct lf_document lf_zone_a_document = {
	.type = LF_ZONE_A_TYPE,
	.scope = LF_ZONE_TYPE,
	.fields = a_fields,
	.n_fields = LF_N(a_fields),
	.strict = true,
	.check = check_a,
};

/* The zone of the path. */
static int find_zone(struct lf_arm_call *call, struct lf_resource *ret_zone, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_id_above(lf_arm_id(call, 0), LF_ZONE_TYPE);

	return id ? lf_catalog_get(lf_arm_context(call)->catalog, id, ret_zone, err)
		  : lf_fail_nomem(err);
}

/* As Azure's own: nobody but the service is told to look it up. */
static json_t *view_soa(const struct lf_resource *zone)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_printf(&doc, "id", "%s/SOA/@", zone->id);
	lf_doc_text(&doc, "name", "@");
	lf_doc_text(&doc, "type", LF_ZONE_TYPE "/SOA");
	lf_doc_text(&doc, "etag", zone->etag);
	lf_doc_int(&doc, "properties.ttl", TTL_DEFAULT);
	lf_doc_printf(&doc, "properties.fqdn", "%s.", lf_arm_id_last(zone->id));
	lf_doc_bool(&doc, "properties.isAutoRegistered", false);
	lf_doc_text(&doc, "properties.soaRecord.host", "azureprivatedns.net");
	lf_doc_text(&doc, "properties.soaRecord.email", "azureprivatedns-host.microsoft.com");
	lf_doc_int(&doc, "properties.soaRecord.serialNumber", 1);
	lf_doc_int(&doc, "properties.soaRecord.refreshTime", 3600);
	lf_doc_int(&doc, "properties.soaRecord.retryTime", 300);
	lf_doc_int(&doc, "properties.soaRecord.expireTime", 2419200);
	lf_doc_int(&doc, "properties.soaRecord.minimumTtl", 10);
	return lf_doc_take(&doc);
}

int lf_record_list_all(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE zone = LF_RESOURCE_INIT;
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *values = json_array();
	int rc = find_zone(call, &zone, err);

	if (!rc && json_array_append_new(values, view_soa(&zone)))
		rc = lf_fail_nomem(err);
	const struct lf_list_query query = {.type = LF_ZONE_A_TYPE, .below = zone.id};
	if (!rc)
		rc = lf_catalog_list(lf_arm_context(call)->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = lf_document_list_add(call, &lf_zone_a_document, NULL, &list.items[i], values,
					  err);
	return rc ? rc : lf_page_reply(call, values, err);
}

int lf_record_get_soa(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE zone = LF_RESOURCE_INIT;
	int rc = find_zone(call, &zone, err);

	if (rc)
		return rc;
	if (strcmp(lf_arm_param(call, "child"), "@") != 0)
		return lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0),
			       "the SOA record set of a zone is called '@'");
	LF_AUTO_JSON *body = view_soa(&zone);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

int lf_record_list_soa(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE zone = LF_RESOURCE_INIT;
	LF_AUTO_JSON *values = json_array();
	int rc = find_zone(call, &zone, err);

	if (!rc && json_array_append_new(values, view_soa(&zone)))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_page_reply(call, values, err);
}

int lf_record_list_none(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE zone = LF_RESOURCE_INIT;
	LF_AUTO_JSON *values = json_array();
	int rc = values ? find_zone(call, &zone, err) : lf_fail_nomem(err);

	return rc ? rc : lf_page_reply(call, values, err);
}

int lf_record_get_none(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE zone = LF_RESOURCE_INIT;
	int rc = find_zone(call, &zone, err);

	return rc ? rc
		  : lf_fail_arm(err, LF_ENOTFOUND, "NotFound", lf_arm_id(call, 0), NULL,
				"the resource record '%s' does not exist",
				lf_arm_param(call, "child"));
}

int lf_record_refuse(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "RecordTypeNotSupported", lf_arm_id(call, 0),
			   "make A records", "zones hold A records here, and no other type");
}

int lf_record_refuse_soa(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EUNSUPPORTED, "SoaRecordNotSupported", lf_arm_id(call, 0),
			   "leave it as it is",
			   "the SOA record of a zone is the service's and cannot be changed or "
			   "deleted here");
}

/* The set of a name in a zone that is there. */
static int find_set(struct lf_context *context, const char *zone_id, const char *name,
		    char **ret_id, struct lf_resource *ret_set, bool *ret_there,
		    struct lf_error *err)
{
	LF_AUTO_RESOURCE zone = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(context->catalog, zone_id, &zone, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *id = lf_id_child(zone.id, "A", name);
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_catalog_find(context->catalog, id, ret_set, ret_there, err);
	if (!rc)
		*ret_id = lf_steal(&id);
	return rc;
}

int lf_zone_address_put(struct lf_context *context, const char *zone_id, const char *name,
			const char *address, const char *creator, bool *ret_added,
			struct lf_error *err)
{
	LF_AUTO_RESOURCE set = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *id = NULL;
	bool there = false;
	int rc = find_set(context, zone_id, name, &id, &set, &there, err);

	if (rc)
		return rc;
	*ret_added = !there || !lf_json_find(lf_json_at(set.doc, RECORDS), "ipv4Address", address);
	rc = *ret_added ? lf_rights_unlocked(context->rights, LF_ZONE_A_TYPE "/write", id, err) : 0;
	if (rc || !*ret_added)
		return rc;
	LF_AUTO_DOC build = lf_doc_from(there ? json_deep_copy(set.doc) : json_object());
	if (!there) {
		lf_doc_int(&build, "properties.ttl", 10);
		if (creator)
			lf_doc_printf(&build, "properties.metadata.creator",
				      "created by private endpoint %s", creator);
	}
	lf_doc_append(&build, RECORDS, json_pack("{s:s}", "ipv4Address", address));
	LF_AUTO_JSON *doc = lf_doc_take(&build);
	if (!doc)
		return lf_fail_nomem(err);
	rc = check_set(context, id, doc, !there, err);
	return rc ? rc
		  : lf_catalog_put(context->catalog, id, LF_ZONE_A_TYPE, LF_PUT_ANY, NULL, doc,
				   NULL, err);
}

int lf_zone_address_take_out(struct lf_context *context, const char *zone_id, const char *name,
			     const char *address, struct lf_error *err)
{
	LF_AUTO_RESOURCE set = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *id = NULL;
	bool there = false;
	int rc = find_set(context, zone_id, name, &id, &set, &there, err);

	if (rc == LF_ENOTFOUND || (!rc && !there))
		return 0;
	json_t *records = rc ? NULL : lf_json_at(set.doc, RECORDS);
	size_t n = json_array_size(records);
	for (size_t i = n; i > 0; i--)
		if (strcmp(lf_json_text_or(json_array_get(records, i - 1), "ipv4Address", ""),
			   address) == 0)
			json_array_remove(records, i - 1);
	size_t left = json_array_size(records);
	if (rc || left == n)
		return rc;
	rc = lf_rights_unlocked(context->rights,
				left ? LF_ZONE_A_TYPE "/write" : LF_ZONE_A_TYPE "/delete", id, err);
	if (rc)
		return rc;
	return left ? lf_catalog_put(context->catalog, id, LF_ZONE_A_TYPE, LF_PUT_EXISTING, NULL,
				     set.doc, NULL, err)
		    : lf_catalog_delete_tree(context->catalog, id, err);
}
