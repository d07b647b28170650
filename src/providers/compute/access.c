/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grants, one at a time under a mutex.  The row that says when a grant ends
 * and which container it has comes before the container, and goes after it:
 * whatever a kill leaves is found by its row, and taken back when its time is
 * over.
 */
#include "providers/compute/access.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/lock.h"
#include "base/text.h"
#include "blob/auth/sign.h"

#define ROW_TYPE      "Landfall/diskAccess"
#define ROW_PREFIX    "/providers/Landfall/diskAccess/"
#define SETTING	      "diskAccessKey"
#define DISK	      "disk"
#define KEY_BYTES     64
#define DURATION_MAX  ((int64_t)60 * 24 * 3600)
#define DURATION_PATH "durationInSeconds"
#define SAS_VERSION   "2021-08-06"

/* The account's key, made once; free(). */
static int load_key(struct lf_catalog *catalog, char **ret_key, struct lf_error *err)
{
	unsigned char bytes[KEY_BYTES];
	char text[4 * ((KEY_BYTES + 2) / 3) + 1];
	int rc = lf_catalog_setting_get(catalog, SETTING, ret_key, err);

	if (rc != LF_ENOTFOUND)
		return rc;
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "no random bytes for a key");
	EVP_EncodeBlock((unsigned char *)text, bytes, sizeof(bytes));
	rc = lf_catalog_setting_put(catalog, SETTING, text, err);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	/* whoever was first */
	return rc ? rc : lf_catalog_setting_get(catalog, SETTING, ret_key, err);
}

int lf_disk_access_keys(struct lf_catalog *catalog, json_t **ret_keys, struct lf_error *err)
{
	LF_AUTO_FREE char *key = NULL;
	int rc = load_key(catalog, &key, err);

	if (rc)
		return rc;
	*ret_keys = json_pack("[s]", key);
	return *ret_keys ? 0 : lf_fail_nomem(err);
}

static char *row_id(const char *of)
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(of);
	char guid[LF_GUID_SIZE];

	lf_guid_derive(ROW_TYPE, lower ? lower : "", guid);
	return lower ? lf_printf_dup(ROW_PREFIX "%s", guid) : NULL;
}

int lf_disk_access_is_granted(struct lf_catalog *catalog, const char *of, bool *ret_granted,
			      struct lf_error *err)
{
	LF_AUTO_FREE char *id = row_id(of);
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;

	return id ? lf_catalog_find(catalog, id, &row, ret_granted, err) : lf_fail_nomem(err);
}

static int check_request(const json_t *body, int64_t *ret_seconds, struct lf_error *err)
{
	const char *access = lf_json_text_or(body, "access", "");

	*ret_seconds = lf_json_int_or(body, DURATION_PATH, 0);
	if (lf_text_equal_nocase(access, "Write"))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "OperationNotAllowed", "access",
				   "upload the disk as a page blob and import it",
				   "disks are not written through a shared access signature here");
	if (!lf_text_equal_nocase(access, "Read"))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "access", "give Read",
				   "there is no access '%.32s'", access);
	if (*ret_seconds < 1 || *ret_seconds > DURATION_MAX)
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", DURATION_PATH,
				   "give the seconds for which the disk is to be read",
				   "access is granted for 1 to %lld seconds",
				   (long long)DURATION_MAX);
	return 0;
}

/* The URL's right: "sv=...&sig=..."; free(). */
static int sign(struct lf_catalog *catalog, const char *container, const char *blob,
		int64_t expires_ns, char **ret_query, struct lf_error *err)
{
	struct lf_blob_sas sas = {
		.version = SAS_VERSION, .permissions = "r", .resource = "b", .protocol = "https"};
	LF_AUTO_FREE char *resource =
		lf_printf_dup("/blob/" LF_DISK_ACCESS_ACCOUNT "/%s/%s", container, blob);
	LF_AUTO_FREE char *key = NULL;
	LF_AUTO_BUF query = LF_BUF_INIT;
	char signature[48];

	lf_time_format(expires_ns, sas.expiry);
	int rc = load_key(catalog, &key, err);
	LF_AUTO_FREE char *text =
		resource ? lf_blob_sas_text(&sas, LF_DISK_ACCESS_ACCOUNT, resource) : NULL;
	if (rc)
		return rc;
	if (!text || !lf_blob_hmac(key, text, signature))
		return lf_fail_nomem(err);
	explicit_bzero(key, strlen(key));
	lf_buf_printf(&query, "sv=%s&sr=b&sp=r&spr=https&se=%s&sig=", sas.version, sas.expiry);
	for (const char *p = signature; *p; p++) /* of base64's letters three mean something else */
		lf_buf_printf(&query, strchr("+/=", *p) ? "%%%02X" : "%c", *p);
	*ret_query = lf_buf_take(&query);
	return *ret_query ? 0 : lf_fail_nomem(err);
}

/* Grants are made and taken back one at a time. */
static pthread_mutex_t granting = PTHREAD_MUTEX_INITIALIZER;

/* Of the first version, the container had the row's name. */
static const char *container_of(const struct lf_resource *row)
{
	return lf_json_text_or(row->doc, "container", lf_arm_id_last(row->id));
}

/* A row whose end cannot be read has ended. */
static int64_t end_of(const struct lf_resource *row)
{
	struct lf_error ignored;
	int64_t expires;

	return lf_time_parse(lf_json_text_or(row->doc, "expires", ""), &expires, &ignored)
		       ? INT64_MIN
		       : expires;
}

/* The container first: the row says that there is one to remove. */
static int remove_grant(struct lf_context *context, const struct lf_resource *row,
			struct lf_error *err)
{
	int rc = lf_blob_container_remove(context->data_dir, context->regions,
					  LF_DISK_ACCESS_ACCOUNT, container_of(row), err);

	return rc && rc != LF_ENOTFOUND ? rc : lf_catalog_delete(context->catalog, row->id, err);
}

/* The row of what is granted now; one that has ended goes.  LF_ENOTFOUND: none. */
static int find_grant(struct lf_context *context, const char *id, struct lf_resource *ret_row,
		      struct lf_error *err)
{
	int rc = lf_catalog_get(context->catalog, id, ret_row, err);

	if (rc || end_of(ret_row) > lf_clock_now_ns(context->clock))
		return rc;
	rc = remove_grant(context, ret_row, err);
	return rc ? rc : lf_fail(err, LF_ENOTFOUND, id, "the grant has ended");
}

/*
 * The row before the container: what is there without a row, nobody would take
 * back.  Each grant has a container of its own, of a random name, so that what
 * was signed for one is of no use for the next; granted again before it is
 * taken back, it is the same grant and ends when the last one does.
 */
static int make_grant(struct lf_context *context, const char *of, int64_t expires_ns,
		      char container[static LF_GUID_SIZE], struct lf_error *err)
{
	LF_AUTO_FREE char *id = row_id(of);
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	char expires[LF_TIME_SIZE];

	if (!id)
		return lf_fail_nomem(err);
	int rc = find_grant(context, id, &row, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	lf_guid_random(container);
	if (!rc)
		snprintf(container, LF_GUID_SIZE, "%s", container_of(&row));
	if (!rc && end_of(&row) > expires_ns)
		expires_ns = end_of(&row);
	lf_time_format(expires_ns, expires);
	LF_AUTO_JSON *doc =
		json_pack("{s:s, s:s, s:s}", "of", of, "expires", expires, "container", container);
	if (!doc)
		return lf_fail_nomem(err);
	rc = lf_blob_account_make(context->data_dir, LF_DISK_ACCESS_ACCOUNT, err);
	if (!rc)
		rc = lf_catalog_put(context->catalog, id, ROW_TYPE, LF_PUT_ANY, NULL, doc, NULL,
				    err);
	return rc ? rc
		  : lf_blob_container_make(context->data_dir, LF_DISK_ACCESS_ACCOUNT, container,
					   err);
}

int lf_disk_access_grant(struct lf_arm_call *call, const struct lf_blob_point *disk,
			 struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	LF_AUTO_FREE char *query = NULL;
	char guid[LF_GUID_SIZE];
	int64_t seconds;

	LF_GUARD(&granting);
	int rc = check_request(lf_arm_body(call), &seconds, err);
	int64_t expires = lf_clock_now_ns(context->clock) + (rc ? 0 : seconds) * LF_NS_PER_S;
	if (!rc)
		rc = make_grant(context, lf_arm_id(call, 1), expires, guid, err);
	if (!rc)
		rc = lf_blob_put_point(context->data_dir, context->regions, LF_DISK_ACCESS_ACCOUNT,
				       guid, DISK, disk, err);
	if (!rc)
		rc = sign(context->catalog, guid, DISK, expires, &query, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *url = lf_printf_dup("%s/" LF_DISK_ACCESS_ACCOUNT "/%s/" DISK "?%s",
					       lf_arm_base_url(call), guid, query);
	LF_AUTO_JSON *body = url ? json_pack("{s:s}", "accessSAS", url) : NULL;
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

bool lf_disk_is_closed(const json_t *doc)
{
	return strcmp(lf_json_text_or(doc, "properties.networkAccessPolicy", "AllowAll"),
		      "AllowAll") != 0 ||
	       strcmp(lf_json_text_or(doc, "properties.publicNetworkAccess", "Enabled"),
		      "Enabled") != 0;
}

int lf_disk_access_check(struct lf_catalog *catalog, const char *disk_id, struct lf_error *err)
{
	LF_AUTO_RESOURCE disk = LF_RESOURCE_INIT;
	bool there;
	int rc = lf_catalog_find(catalog, disk_id, &disk, &there, err);

	if (rc || !there)
		return rc;
	return lf_disk_is_closed(disk.doc)
		       ? lf_fail_arm(err, LF_ECONFLICT, "OperationNotAllowed", disk_id,
				     "set networkAccessPolicy to AllowAll and publicNetworkAccess "
				     "to Enabled",
				     "the disk's networkAccessPolicy or publicNetworkAccess does "
				     "not let it be read over the network")
		       : 0;
}

int lf_access_share(struct lf_arm_call *call, const char *of, const char *name, const char *text,
		    int64_t seconds, char **ret_url, char **ret_query, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	int64_t expires = lf_clock_now_ns(context->clock) + seconds * LF_NS_PER_S;
	LF_AUTO_FREE char *query = NULL;
	char guid[LF_GUID_SIZE];

	LF_GUARD(&granting);
	int rc = make_grant(context, of, expires, guid, err);
	if (!rc)
		rc = lf_blob_put_bytes(context->data_dir, LF_DISK_ACCESS_ACCOUNT, guid, name, text,
				       strlen(text), err);
	if (!rc)
		rc = sign(context->catalog, guid, name, expires, &query, err);
	if (rc)
		return rc;
	*ret_url = lf_printf_dup("%s/" LF_DISK_ACCESS_ACCOUNT "/%s/%s", lf_arm_base_url(call), guid,
				 name);
	*ret_query = lf_steal(&query);
	return *ret_url ? 0 : lf_fail_nomem(err);
}

int lf_disk_access_revoke(struct lf_context *context, const char *of, struct lf_error *err)
{
	LF_AUTO_FREE char *id = row_id(of);
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;

	if (!id)
		return lf_fail_nomem(err);
	LF_GUARD(&granting);
	bool there;
	int rc = lf_catalog_find(context->catalog, id, &row, &there, err);
	return rc || !there ? rc : remove_grant(context, &row, err);
}

int lf_disk_access_tend(struct lf_context *context, struct lf_error *err)
{
	const struct lf_list_query query = {.type = ROW_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int64_t now = lf_clock_now_ns(context->clock);
	int failed = 0;

	LF_GUARD(&granting);
	int rc = lf_catalog_list(context->catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (end_of(&list.items[i]) <= now && remove_grant(context, &list.items[i], err))
			failed = err->code; /* the others go all the same */
	return rc ? rc : failed;
}
