/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access keys.  They are answered by their own actions only, and never logged.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/text.h"
#include "providers/storage/internal.h"

#define KEY_BYTES 64

int lf_storage_key_new(struct lf_context *context, json_t *state, size_t n, struct lf_error *err)
{
	unsigned char bytes[KEY_BYTES], text[4 * ((KEY_BYTES + 2) / 3) + 1];
	json_t *keys, *times;

	if ((!lf_json_at(state, "keys") && lf_json_set(state, "keys", json_array())) ||
	    (!lf_json_at(state, "keyTimes") && lf_json_set(state, "keyTimes", json_array())))
		return lf_fail_nomem(err);
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "no random bytes for an access key");
	EVP_EncodeBlock(text, bytes, sizeof(bytes));
	keys = lf_json_at(state, "keys");
	times = lf_json_at(state, "keyTimes");
	char now[LF_TIME_SIZE];
	lf_time_format(lf_clock_now_ns(context->clock), now);
	json_t *key = json_string((const char *)text), *when = json_string(now);
	bool there = n < json_array_size(keys);
	int failed = there ? json_array_set_new(keys, n, key) : json_array_append_new(keys, key);
	failed |= there ? json_array_set_new(times, n, when) : json_array_append_new(times, when);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	return failed ? lf_fail_nomem(err) : 0;
}

static int reply_keys(struct lf_arm_call *call, const json_t *state, struct lf_error *err)
{
	LF_AUTO_JSON *keys = json_array();
	char name[8];

	for (size_t i = 0; i < LF_STORAGE_KEYS; i++) {
		snprintf(name, sizeof(name), "key%zu", i + 1);
		json_t *key = json_pack("{s:s,s:O?,s:s,s:O?}", "keyName", name, "value",
					json_array_get(lf_json_at(state, "keys"), i), "permissions",
					"FULL", "creationTime",
					json_array_get(lf_json_at(state, "keyTimes"), i));
		if (json_array_append_new(keys, key))
			return lf_fail_nomem(err);
	}
	LF_AUTO_JSON *body = json_pack("{s:O}", "keys", keys);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

int lf_storage_list_keys(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;

	/* az asks for Kerberos keys of any account: one without a directory has none, as here */
	const char *expand = lf_arm_query(call, "expand");
	if (expand && strcmp(expand, "kerb") != 0)
		return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameter", "$expand",
				   "give kerb, or nothing", "keys have no expansion '%s'", expand);
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, 1), &account, err);

	return rc ? rc : reply_keys(call, account.state, err);
}

int lf_storage_regenerate_key(struct lf_arm_call *call, struct lf_error *err)
{
	struct lf_context *context = lf_arm_context(call);
	const char *name = lf_json_text_or(lf_arm_body(call), "keyName", "");
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;

	bool first = lf_text_equal_nocase(name, "key1");
	if (!first && !lf_text_equal_nocase(name, "key2"))
		return lf_fail_arm(err, LF_EINVAL, "InvalidParameter", "keyName",
				   "give key1 or key2", "there is no key '%.32s'", name);
	int rc = lf_transaction_begin(&tx, context->catalog, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_arm_id(call, 1), &account, err);
	if (!rc)
		rc = lf_storage_key_new(context, account.state, first ? 0 : 1, err);
	if (!rc)
		rc = lf_catalog_put(context->catalog, account.id, LF_STORAGE_TYPE, LF_PUT_EXISTING,
				    NULL, NULL, account.state, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	return rc ? rc : reply_keys(call, account.state, err);
}

int lf_storage_keys(struct lf_catalog *catalog, const char *name, json_t **ret_keys,
		    struct lf_error *err)
{
	LF_AUTO_RESOURCE account = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *id = NULL;

	int rc = lf_storage_find(catalog, name, &id, err);
	if (!rc && !id)
		rc = lf_fail(err, LF_ENOTFOUND, name, "there is no storage account %s", name);
	if (!rc)
		rc = lf_catalog_get(catalog, id, &account, err);
	if (rc)
		return rc;
	if (!lf_json_bool_or(account.doc, "properties.allowSharedKeyAccess", true))
		return lf_fail_arm(err, LF_EDENIED, "KeyBasedAuthenticationNotPermitted", name,
				   "use a bearer token, or set allowSharedKeyAccess",
				   "keys of this account may not be used");
	*ret_keys = json_deep_copy(lf_json_at(account.state, "keys"));
	return *ret_keys ? 0 : lf_fail_nomem(err);
}
