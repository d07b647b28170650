/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies below an account: the settings of its services, which are as they are, and containers
 * as management clients make and remove them.  A container and what is said of it are files of the
 * blob service (blob/container.c): a kill between making one and describing it leaves one without
 * metadata, and the same call goes on with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "blob/auth/lease.h"
#include "blob/internal.h"
#include "os/file.h"
#include "providers/common/page.h"
#include "providers/storage/internal.h"

#define METADATA_BYTES_MAX 8192 /* names and values, as Azure has it */
#define CONTAINER_TYPE	   LF_STORAGE_TYPE "/blobServices/containers"

/* The account of the request's path is there: its name, as its directory has it. */
static int find_account(struct lf_arm_call *call, char ret_name[static 32], struct lf_error *err)
{
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *id = lf_printf_dup(
		"/subscriptions/%s/resourceGroups/%s/providers/" LF_STORAGE_TYPE "/%s",
		lf_arm_param(call, "subscription"), lf_arm_param(call, "group"),
		lf_arm_param(call, "name"));
	int rc = id ? lf_catalog_get(lf_arm_context(call)->catalog, id, &account, err)
		    : lf_fail_nomem(err);

	if (!rc)
		snprintf(ret_name, 32, "%s", lf_arm_id_last(account.id));
	return rc;
}

static bool of_files(const struct lf_arm_call *call)
{
	return strstr(lf_arm_id(call, 0), "/fileServices");
}

static json_t *service_doc(struct lf_arm_call *call)
{
	bool files = of_files(call);
	LF_AUTO_DOC doc = LF_DOC_INIT;

	lf_doc_printf(&doc, "id",
		      "/subscriptions/%s/resourceGroups/%s/providers/" LF_STORAGE_TYPE
		      "/%s/%s/default",
		      lf_arm_param(call, "subscription"), lf_arm_param(call, "group"),
		      lf_arm_param(call, "name"), files ? "fileServices" : "blobServices");
	lf_doc_text(&doc, "name", "default");
	lf_doc_printf(&doc, "type", LF_STORAGE_TYPE "/%s", files ? "fileServices" : "blobServices");
	lf_doc_put(&doc, "properties.cors.corsRules", json_array());
	lf_doc_bool(&doc,
		    files ? "properties.shareDeleteRetentionPolicy.enabled"
			  : "properties.deleteRetentionPolicy.enabled",
		    false);
	if (!files)
		lf_doc_bool(&doc, "properties.deleteRetentionPolicy.allowPermanentDelete", false);
	return lf_doc_take(&doc);
}

int lf_storage_service_get(struct lf_arm_call *call, struct lf_error *err)
{
	char account[32];
	int rc = find_account(call, account, err);
	LF_AUTO_JSON *doc = rc ? NULL : service_doc(call);

	if (rc)
		return rc;
	return doc ? lf_arm_reply(call, 200, doc, err) : lf_fail_nomem(err);
}

int lf_storage_service_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	char account[32];
	int rc = find_account(call, account, err);

	if (rc)
		return rc;
	return json_array_append_new(values, service_doc(call))
		       ? lf_fail_nomem(err)
		       : lf_arm_reply_list(call, values, NULL, err);
}

/* What is as it is may be sent back; anything else would have no effect. */
int lf_storage_service_put(struct lf_arm_call *call, struct lf_error *err)
{
	char stray[LF_FIELD_PATH_SIZE], account[32];
	int rc = find_account(call, account, err);
	LF_AUTO_JSON *doc = rc ? NULL : service_doc(call);

	if (rc)
		return rc;
	if (!doc)
		return lf_fail_nomem(err);
	if (lf_fields_stray(NULL, 0, lf_arm_body(call), doc, stray))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", stray,
				   "leave it out, or as GET shows it",
				   "this site does not serve %s of the service", stray);
	return lf_arm_reply(call, 200, doc, err);
}

/* Containers. */

/* The account's name, and the container's is one. */
static int find_place(struct lf_arm_call *call, char ret_account[static 32], struct lf_error *err)
{
	const char *name = lf_arm_param(call, "container");
	struct lf_error ignored;
	LF_AUTO_FREE char *dir = NULL;
	int rc = find_account(call, ret_account, err);

	if (rc)
		return rc;
	return name[0] != '$' && lf_blob_container_dir("", "account", name, &dir, &ignored) == 0
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "ContainerNameInvalid", name,
				     "3 to 63 lower-case letters, digits and dashes",
				     "the container's name is not allowed");
}

static int container_doc(struct lf_arm_call *call, const char *account, const char *name,
			 json_t **ret_doc, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	int64_t now_ns = lf_clock_now_ns(context->clock);
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *record = NULL;

	int rc = lf_blob_container_record(context->data_dir, account, name, &record, err);
	if (rc)
		return rc;
	int64_t modified_ns = lf_json_int_or(record, "modified", 0);
	const json_t *lease = lf_json_at(record, "lease");
	bool active = lf_blob_lease_active(lease, now_ns);
	LF_AUTO_FREE char *state = strdup(lf_blob_lease_state(lease, now_ns));
	if (!state)
		return lf_fail_nomem(err);
	state[0] = (char)(state[0] - 'a' + 'A');
	lf_doc_printf(&doc, "id",
		      "/subscriptions/%s/resourceGroups/%s/providers/" LF_STORAGE_TYPE
		      "/%s/blobServices/default/containers/%s",
		      lf_arm_param(call, "subscription"), lf_arm_param(call, "group"),
		      lf_arm_param(call, "name"), name);
	lf_doc_text(&doc, "name", name);
	lf_doc_text(&doc, "type", CONTAINER_TYPE);
	lf_doc_printf(&doc, "etag", "\"0x%llX\"", (unsigned long long)modified_ns);
	lf_doc_text(&doc, "properties.publicAccess", "None");
	lf_doc_text(&doc, "properties.leaseStatus", active ? "Locked" : "Unlocked");
	lf_doc_text(&doc, "properties.leaseState", state);
	lf_doc_time(&doc, "properties.lastModifiedTime", modified_ns);
	json_t *metadata = lf_json_at(record, "metadata");
	lf_doc_put(&doc, "properties.metadata", metadata ? json_incref(metadata) : json_object());
	lf_doc_bool(&doc, "properties.hasImmutabilityPolicy", false);
	lf_doc_bool(&doc, "properties.hasLegalHold", false);
	lf_doc_text(&doc, "properties.defaultEncryptionScope", "$account-encryption-key");
	lf_doc_bool(&doc, "properties.denyEncryptionScopeOverride", false);
	lf_doc_bool(&doc, "properties.deleted", false);
	lf_doc_int(&doc, "properties.remainingRetentionDays", 0);
	return lf_doc_end(&doc, ret_doc, err);
}

static int reply_container(struct lf_arm_call *call, int status, const char *account,
			   struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;
	int rc = container_doc(call, account, lf_arm_param(call, "container"), &doc, err);

	return rc ? rc : lf_arm_reply(call, status, doc, err);
}

int lf_storage_container_get(struct lf_arm_call *call, struct lf_error *err)
{
	char account[32];
	int rc = find_place(call, account, err);

	return rc ? rc : reply_container(call, 200, account, err);
}

static bool is_line(const char *text)
{
	while ((unsigned char)*text >= ' ' && *text != 0x7f)
		text++;
	return !*text;
}

/* Names are those of identifiers, and all of it is no longer, as the blob service has them. */
static int set_metadata(json_t *record, json_t *metadata, struct lf_error *err)
{
	const char *name;
	size_t bytes = 0;
	json_t *value;

	json_object_foreach (metadata, name, value) {
		bytes += strlen(name) + json_string_length(value);
		if (!json_is_string(value) || !name[0] || strspn(name, "0123456789") ||
		    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_")] ||
		    !is_line(json_string_value(value)))
			return lf_fail_arm(
				err, LF_EINVAL, "InvalidMetadata", "properties.metadata",
				"names of letters, digits and '_', and texts of one line",
				"the metadata of the container cannot be kept");
	}
	if (bytes > METADATA_BYTES_MAX)
		return lf_fail_arm(err, LF_EINVAL, "MetadataTooLarge", "properties.metadata", NULL,
				   "the metadata is larger than 8 KiB");
	return json_object_set(record, "metadata", metadata) ? lf_fail_nomem(err) : 0;
}

/* PUT and PATCH: what the body says of it. */
static int describe(struct lf_arm_call *call, const char *account, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *container = lf_arm_param(call, "container");
	json_t *metadata = lf_json_at(lf_arm_body(call), "properties.metadata");
	LF_AUTO_JSON *record = NULL;

	int rc = lf_blob_container_record(context->data_dir, account, container, &record, err);
	if (rc || !metadata)
		return rc;
	int64_t before = lf_json_int_or(record, "modified", 0);
	int64_t now_ns = lf_clock_now_ns(context->clock);
	rc = set_metadata(record, metadata, err);
	if (!rc && lf_json_set_int(record, "modified", now_ns > before ? now_ns : before + 1))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_blob_container_save(context->data_dir, account, container, record, err);
}

/* What was read may be sent back; of the envelope nothing is asked. */
static int check_stray(struct lf_arm_call *call, const char *account, struct lf_error *err)
{
	static const char *const envelope[] = {"id", "name", "type", "etag"};
	LF_AUTO_JSON *own = json_copy(lf_arm_body(call)), *shown = NULL;
	char stray[LF_FIELD_PATH_SIZE];
	struct lf_error ignored;
	size_t n;
	const struct lf_field *fields = lf_arm_fields(call, &n);

	if (!own)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < LF_N(envelope); i++)
		json_object_del(own, envelope[i]);
	if (container_doc(call, account, lf_arm_param(call, "container"), &shown, &ignored))
		shown = NULL; /* there is none yet */
	return lf_fields_stray(fields, n, own, shown, stray)
		       ? lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", stray,
				     "leave it out: this site would not keep to it",
				     "%s cannot be set here", stray)
		       : 0;
}

static int check_body(struct lf_arm_call *call, const char *account, struct lf_error *err)
{
	const char *access = lf_json_text_or(lf_arm_body(call), "properties.publicAccess", "None");
	LF_AUTO_JSON *scratch = json_object();

	if (!lf_text_equal_nocase(access, "None"))
		return lf_fail_arm(err, LF_ECONFLICT, "PublicAccessNotPermitted",
				   "properties.publicAccess", "give None",
				   "public access is not permitted on this storage account");
	if (!scratch)
		return lf_fail_nomem(err);
	json_t *metadata = lf_json_at(lf_arm_body(call), "properties.metadata");
	int rc = metadata ? set_metadata(scratch, metadata, err) : 0;
	return rc ? rc : check_stray(call, account, err);
}

int lf_storage_container_put(struct lf_arm_call *call, struct lf_error *err)
{
	const char *data_dir = lf_arm_context(call)->data_dir;
	const char *container = lf_arm_param(call, "container");
	LF_AUTO_JSON *before = NULL;
	struct lf_error ignored;
	char account[32];

	int rc = find_place(call, account, err);
	if (!rc)
		rc = check_body(call, account, err);
	if (rc)
		return rc;
	bool exists =
		lf_blob_container_record(data_dir, account, container, &before, &ignored) == 0;
	rc = lf_blob_container_make(data_dir, account, container, err);
	if (!rc)
		rc = describe(call, account, err);
	return rc ? rc : reply_container(call, exists ? 200 : 201, account, err);
}

int lf_storage_container_patch(struct lf_arm_call *call, struct lf_error *err)
{
	char account[32];
	int rc = find_place(call, account, err);

	if (!rc)
		rc = check_body(call, account, err);
	if (!rc)
		rc = describe(call, account, err);
	return rc ? rc : reply_container(call, 200, account, err);
}

int lf_storage_container_delete(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *container = lf_arm_param(call, "container");
	LF_AUTO_JSON *record = NULL;
	char account[32];

	int rc = find_place(call, account, err);
	if (!rc)
		rc = lf_blob_container_record(context->data_dir, account, container, &record, err);
	if (rc == LF_ENOTFOUND && strcmp(err->arm_code, "ContainerNotFound") == 0)
		return lf_arm_reply(call, 204, NULL, err);
	if (!rc &&
	    lf_blob_lease_active(lf_json_at(record, "lease"), lf_clock_now_ns(context->clock)))
		rc = lf_fail_arm(err, LF_ECONFLICT, "LeaseIdMissing", container, "end the lease",
				 "there is currently a lease on the container");
	if (!rc)
		rc = lf_blob_container_remove(context->data_dir, context->regions, account,
					      container, err);
	return rc ? rc : lf_arm_reply(call, 200, NULL, err);
}

struct listing {
	struct lf_arm_call *call;
	char account[32];
	json_t *values;
};

static int add_container(void *context, const char *name, struct lf_error *err)
{
	struct listing *listing = context;
	LF_AUTO_JSON *doc = NULL;

	if (name[0] == '.')
		return 0;
	int rc = container_doc(listing->call, listing->account, name, &doc, err);
	if (rc == LF_ENOTFOUND) /* it went meanwhile */
		return 0;
	return rc ? rc : json_array_append(listing->values, doc) ? lf_fail_nomem(err) : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(lf_json_text_or(*(json_t *const *)a, "name", ""),
		      lf_json_text_or(*(json_t *const *)b, "name", ""));
}

/* By name, so that pages follow each other. */
static int sort_values(json_t *values, json_t **ret_sorted, struct lf_error *err)
{
	size_t n = json_array_size(values);
	LF_AUTO_FREE json_t **items = lf_alloc_array(n + 1, sizeof(json_t *));
	LF_AUTO_JSON *sorted = json_array();

	if (!items || !sorted)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < n; i++)
		items[i] = json_array_get(values, i);
	qsort(items, n, sizeof(json_t *), compare_names);
	for (size_t i = 0; i < n; i++)
		if (json_array_append(sorted, items[i]))
			return lf_fail_nomem(err);
	*ret_sorted = lf_steal(&sorted);
	return 0;
}

/* What would choose from the list is refused. */
static int check_query(struct lf_arm_call *call, struct lf_error *err)
{
	static const char *const names[] = {"$filter", "$maxpagesize", "$include"};

	for (size_t i = 0; i < LF_N(names); i++)
		if (lf_arm_query(call, names[i]))
			return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameterValue", names[i],
					   "leave it out", "this list does not take %s", names[i]);
	return 0;
}

int lf_storage_container_list(struct lf_arm_call *call, struct lf_error *err)
{
	struct listing listing = {.call = call, .values = json_array()};
	LF_AUTO_JSON *values = listing.values;
	LF_AUTO_JSON *sorted = NULL;
	LF_AUTO_FREE char *dir = NULL;

	int rc = values ? check_query(call, err) : lf_fail_nomem(err);
	if (!rc)
		rc = find_account(call, listing.account, err);
	if (!rc)
		rc = lf_blob_account_dir(lf_arm_context(call)->data_dir, listing.account, &dir,
					 err);
	if (!rc)
		rc = lf_dir_list(dir, add_container, &listing, err);
	if (!rc)
		rc = sort_values(values, &sorted, err);
	return rc ? rc : lf_page_reply(call, sorted, err);
}
