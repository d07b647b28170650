/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration keys: what lets a machine that nobody knows yet become an agent
 * of a site, for some days and some machines.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/tls.h"
#include "crypto/token.h"
#include "json/doc.h"
#include "replication/agents.h"
#include "replication/state.h"

#define KEEP_ENDED_DAYS 30
#define DAY_NS		(86400 * LF_NS_PER_S)
#define NAME_SIZE	17 /* of what an operator calls a key by: so much of its hash */
#define KEYS_MAX	100

/* The key's secret is 40 random characters: a plain hash is enough, and lets us look it up. */
static int key_id(const char *secret, char out[static LF_ID_SIZE], struct lf_error *err)
{
	unsigned char digest[32];
	char hash[65];

	if (!EVP_Q_digest(NULL, "SHA256", NULL, secret, strlen(secret), digest, NULL))
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a registration key");
	lf_hex_encode(digest, sizeof(digest), hash);
	snprintf(out, LF_ID_SIZE, "/landfall/registrationKeys/%s", hash);
	return 0;
}

/* What the person copies to the machine: everything that the agent has to know, as one word. */
static int compose_key(const struct lf_replication *replication, const char *secret, char **ret_key,
		       struct lf_error *err)
{
	char fingerprint[LF_FINGERPRINT_SIZE];
	LF_AUTO_FREE char *text = NULL;
	unsigned char *encoded;

	int rc = lf_cert_fingerprint(replication->opts.ca_cert, fingerprint, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *doc = json_pack("{s:s,s:s,s:s}", "url", *replication->opts.base_url, "ca",
				      fingerprint, "secret", secret);
	if (!doc)
		return lf_fail_nomem(err);
	rc = lf_json_dump(doc, &text, err);
	if (rc)
		return rc;
	encoded = malloc(strlen(text) * 4 / 3 + 8);
	if (!encoded)
		return lf_fail_nomem(err);
	EVP_EncodeBlock(encoded, (const unsigned char *)text, (int)strlen(text));
	*ret_key = (char *)encoded;
	return 0;
}

static bool is_over(const struct lf_replication *replication, const json_t *key)
{
	return lf_json_int_or(key, "expires", 0) < lf_clock_now_ns(replication->opts.clock);
}

typedef int key_fn(struct lf_replication *replication, const struct lf_resource *key,
		   void *argument, struct lf_error *err);

/* The keys of a site, those that are over, too. */
static int each_key(struct lf_replication *replication, const char *site_id, key_fn *visit,
		    void *argument, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_KEY_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_text_equal_nocase(lf_json_text_or(list.items[i].doc, "siteId", ""), site_id))
			rc = visit(replication, &list.items[i], argument, err);
	return rc;
}

int lf_registration_keys_tend(struct lf_replication *replication, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_KEY_TYPE};
	int64_t before = lf_clock_expiry_ns(replication->opts.clock) - KEEP_ENDED_DAYS * DAY_NS;
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (lf_json_int_or(list.items[i].doc, "expires", 0) < before)
			rc = lf_catalog_delete(replication->opts.catalog, list.items[i].id, err);
	return rc;
}

static int count_key(struct lf_replication *replication, const struct lf_resource *key,
		     void *argument, struct lf_error *err)
{
	(void)err;
	*(size_t *)argument += !is_over(replication, key->doc);
	return 0;
}

int lf_registration_key_new(struct lf_replication *replication, const char *site_id, unsigned days,
			    unsigned machines, char **ret_key, int64_t *ret_expires_ns,
			    struct lf_error *err)
{
	LF_AUTO_FREE char *secret = lf_secret_text_new();
	LF_AUTO_FREE char *key = NULL;
	int64_t now = lf_clock_now_ns(replication->opts.clock), expires;
	char id[LF_ID_SIZE];
	size_t n = 0;

	days = days ? days : LF_KEY_DAYS;
	machines = machines ? machines : LF_KEY_MACHINES;
	expires = now + days * DAY_NS;
	int rc = secret ? key_id(secret, id, err) : lf_fail_nomem(err);
	if (!rc)
		rc = each_key(replication, site_id, count_key, &n, err);
	if (!rc && n >= KEYS_MAX)
		rc = lf_fail_arm(err, LF_ECONFLICT, "TooManyRegistrationKeys", site_id,
				 "revoke keys that are not needed",
				 "the site has %d registration keys that are good", KEYS_MAX);
	if (rc)
		return rc;
	struct lf_doc made = LF_DOC_INIT;

	lf_doc_text(&made, "siteId", site_id);
	lf_doc_int(&made, "created", now);
	lf_doc_int(&made, "expires", expires);
	lf_doc_int(&made, "machines", machines);
	lf_doc_int(&made, "used", 0);
	LF_AUTO_JSON *doc = lf_doc_take(&made);
	if (!doc)
		return lf_fail_nomem(err);
	rc = compose_key(replication, secret, &key, err);
	if (!rc)
		rc = lf_catalog_put(replication->opts.catalog, id, LF_KEY_TYPE, LF_PUT_NEW, NULL,
				    doc, NULL, err);
	if (rc)
		return rc;
	*ret_key = lf_steal(&key);
	*ret_expires_ns = expires;
	return 0;
}

static int64_t machines_of(const json_t *key)
{
	return lf_json_int_or(key, "machines", LF_KEY_MACHINES);
}

int lf_registration_key_check(struct lf_replication *replication, const char *secret, bool use,
			      char **ret_site, struct lf_error *err)
{
	static const char advice[] = "make a new registration key for the site and try again";
	LF_AUTO_RESOURCE key = LF_RESOURCE_INIT;
	char id[LF_ID_SIZE];

	int rc = key_id(secret, id, err);
	if (!rc)
		rc = lf_catalog_get(replication->opts.catalog, id, &key, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "RegistrationKeyInvalid", "secret",
				   advice, "the registration key is not known here");
	if (rc)
		return rc;
	int64_t used = lf_json_int_or(key.doc, "used", 0);
	if (is_over(replication, key.doc))
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "RegistrationKeyExpired", "secret",
				   advice, "the registration key has expired");
	if (use && used >= machines_of(key.doc))
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "RegistrationKeyUsedUp", "secret",
				   advice, "as many machines have registered with this key as may");
	if (use && lf_json_set_int(key.doc, "used", used + 1))
		return lf_fail_nomem(err);
	if (use)
		rc = lf_catalog_put(replication->opts.catalog, id, NULL, LF_PUT_EXISTING, NULL,
				    key.doc, NULL, err);
	if (rc)
		return rc;
	*ret_site = strdup(lf_json_text_or(key.doc, "siteId", ""));
	return *ret_site ? 0 : lf_fail_nomem(err);
}

/* Enough of the hash to tell keys apart; it opens nothing. */
static void name_of(const struct lf_resource *key, char out[static NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%.16s", strrchr(key->id, '/') + 1);
}

static int view_key(struct lf_replication *replication, const struct lf_resource *key,
		    void *argument, struct lf_error *err)
{
	char name[NAME_SIZE];

	if (is_over(replication, key->doc))
		return 0;
	name_of(key, name);
	json_t *view = json_pack("{s:s,s:I,s:I}", "name", name, "machines",
				 (json_int_t)machines_of(key->doc), "used",
				 (json_int_t)lf_json_int_or(key->doc, "used", 0));
	if (!view || json_array_append_new(argument, view) ||
	    lf_json_set_time(view, "createdOn", key->created_ns) ||
	    lf_json_set_time(view, "expiresOn", lf_json_int_or(key->doc, "expires", 0)))
		return lf_fail_nomem(err);
	return 0;
}

int lf_registration_keys_list(struct lf_replication *replication, const char *site_id,
			      json_t **ret_keys, struct lf_error *err)
{
	LF_AUTO_JSON *keys = json_array();
	int rc = keys ? each_key(replication, site_id, view_key, keys, err) : lf_fail_nomem(err);

	if (!rc)
		*ret_keys = lf_steal(&keys);
	return rc;
}

/* name NULL: every key. */
struct revocation {
	const char *name;
	bool found;
};

static int revoke_key(struct lf_replication *replication, const struct lf_resource *key,
		      void *argument, struct lf_error *err)
{
	struct revocation *revocation = argument;
	char name[NAME_SIZE];

	name_of(key, name);
	if (revocation->name && strcmp(revocation->name, name) != 0)
		return 0;
	revocation->found = true;
	return lf_catalog_delete(replication->opts.catalog, key->id, err);
}

int lf_registration_key_revoke(struct lf_replication *replication, const char *site_id,
			       const char *name, struct lf_error *err)
{
	struct revocation revocation = {.name = name};
	int rc = each_key(replication, site_id, revoke_key, &revocation, err);

	if (!rc && name && !revocation.found)
		rc = lf_fail(err, LF_ENOTFOUND, site_id, "the site has no such registration key");
	return rc;
}
