/* SPDX-License-Identifier: Apache-2.0 */
#include "replication/agents.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/tls.h"
#include "crypto/token.h"
#include "replication/state.h"

#define KEY_DAYS   5
#define AGENT_DAYS 397

/* The key's secret is 40 random characters: a plain hash is enough, and lets us look it up. */
static int hash_secret(const char *secret, char out[static 65], struct lf_error *err)
{
	unsigned char digest[32];

	if (!EVP_Q_digest(NULL, "SHA256", NULL, secret, strlen(secret), digest, NULL))
		return lf_fail(err, LF_EINTERNAL, NULL, "cannot hash a registration key");
	lf_hex_encode(digest, sizeof(digest), out);
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

int lf_registration_key_new(struct lf_replication *replication, const char *site_id, char **ret_key,
			    int64_t *ret_expires_ns, struct lf_error *err)
{
	LF_AUTO_FREE char *secret = lf_secret_text_new();
	int64_t expires = lf_clock_now_ns(replication->opts.clock) + KEY_DAYS * 86400 * LF_NS_PER_S;
	char hash[65], id[LF_ID_SIZE];

	int rc = secret ? hash_secret(secret, hash, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	snprintf(id, sizeof(id), "/landfall/registrationKeys/%s", hash);
	LF_AUTO_JSON *doc =
		json_pack("{s:s,s:I}", "siteId", site_id, "expires", (json_int_t)expires);
	if (!doc)
		return lf_fail_nomem(err);
	LF_AUTO_FREE char *key = NULL;
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

static int check_key(struct lf_replication *replication, const char *secret, char **ret_site,
		     struct lf_error *err)
{
	static const char advice[] = "make a new registration key for the site and try again";
	LF_AUTO_RESOURCE key = LF_RESOURCE_INIT;
	char hash[65], id[LF_ID_SIZE];

	int rc = hash_secret(secret, hash, err);
	if (rc)
		return rc;
	snprintf(id, sizeof(id), "/landfall/registrationKeys/%s", hash);
	rc = lf_catalog_get(replication->opts.catalog, id, &key, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "RegistrationKeyInvalid", "secret",
				   advice, "the registration key is not known here");
	if (rc)
		return rc;
	if (lf_json_int_or(key.doc, "expires", 0) < lf_clock_now_ns(replication->opts.clock))
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "RegistrationKeyExpired", "secret",
				   advice, "the registration key has expired");
	*ret_site = strdup(lf_json_text_or(key.doc, "siteId", ""));
	return *ret_site ? 0 : lf_fail_nomem(err);
}

int lf_agent_register(struct lf_replication *replication, const char *secret, const char *csr,
		      const json_t *inventory, char **ret_agent, char **ret_certificate,
		      struct lf_error *err)
{
	const char *machine = lf_json_text_or(inventory, "machineId", "");
	LF_AUTO_FREE char *site = NULL;
	LF_AUTO_FREE char *certificate = NULL;
	char agent[LF_GUID_SIZE], id[LF_ID_SIZE];

	int rc = check_key(replication, secret, &site, err);
	if (rc)
		return rc;
	if (!lf_guid_valid(machine))
		return lf_fail(err, LF_EINVAL, "inventory.machineId",
			       "the machine id is not a GUID");
	lf_guid_derive(site, machine, agent);
	lf_agent_path(agent, id);
	rc = lf_ca_sign_client(replication->opts.ca_cert, replication->opts.ca_key, csr, agent,
			       lf_clock_now_ns(replication->opts.clock), AGENT_DAYS, &certificate,
			       err);
	if (rc)
		return rc;
	LF_AUTO_JSON *doc = json_pack("{s:s,s:O}", "siteId", site, "inventory", inventory);
	if (!doc)
		return lf_fail_nomem(err);
	rc = lf_catalog_put(replication->opts.catalog, id, LF_AGENT_TYPE, LF_PUT_ANY, NULL, doc,
			    NULL, err);
	if (rc)
		return rc;
	*ret_agent = strdup(agent);
	if (!*ret_agent)
		return lf_fail_nomem(err);
	*ret_certificate = lf_steal(&certificate);
	return 0;
}

int lf_agent_update(struct lf_replication *replication, const char *agent, const json_t *inventory,
		    struct lf_error *err)
{
	LF_AUTO_RESOURCE known = LF_RESOURCE_INIT;
	char id[LF_ID_SIZE];

	lf_agent_path(agent, id);
	int rc = lf_catalog_get(replication->opts.catalog, id, &known, err);
	if (rc)
		return rc;
	if (!json_is_object(inventory) || json_equal(lf_json_at(known.doc, "inventory"), inventory))
		return 0;
	LF_AUTO_JSON *doc = json_pack("{s:O,s:O}", "siteId", lf_json_at(known.doc, "siteId"),
				      "inventory", inventory);
	return doc ? lf_catalog_put(replication->opts.catalog, id, NULL, LF_PUT_EXISTING, NULL, doc,
				    NULL, err)
		   : lf_fail_nomem(err);
}

int lf_agents_list(struct lf_replication *replication, const char *site_id, json_t **ret_agents,
		   struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_AGENT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_JSON *agents = json_array();

	if (!agents)
		return lf_fail_nomem(err);
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < list.n; i++) {
		const struct lf_resource *r = &list.items[i];
		const char *agent = strrchr(r->id, '/') + 1;
		int64_t heard, now = lf_clock_now_ns(replication->opts.clock);
		if (!lf_text_equal_nocase(lf_json_text_or(r->doc, "siteId", ""), site_id))
			continue;
		json_decref(lf_report_get(replication, agent, NULL, &heard));
		json_t *entry = json_deep_copy(lf_json_at(r->doc, "inventory"));
		if (!entry || lf_json_set_text(entry, "agentId", agent) ||
		    lf_json_set_bool(entry, "connected", heard && now - heard < LF_AGENT_GONE_NS) ||
		    lf_json_set_time(entry, "lastHeartbeat", heard ? heard : r->changed_ns) ||
		    json_array_append_new(agents, entry))
			return lf_fail_nomem(err);
	}
	*ret_agents = lf_steal(&agents);
	return 0;
}
