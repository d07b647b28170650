/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data directory: the lock first, then the record's judgement, then each
 * secret is loaded, or made where the record says that there was none.  Each
 * is written durably, and key and certificate in one file, so that a kill
 * leaves whole pieces; the next start makes the others.
 */
#include "server/site.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/health.h"
#include "audit/audit.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/tls.h"
#include "json/json.h"
#include "os/file.h"
#include "providers/identity/identity.h"
#include "providers/resources/resources.h"
#include "vault/pack/crypt.h"

#define SECRET_FILE_MAX	   65536
#define LOCK_TRIES	   30
#define LOCK_WAIT_MS	   100
#define CERT_DAYS	   397
#define CERT_RENEW_NS	   (60 * 24 * 3600 * LF_NS_PER_S)      /* left: another takes its place */
#define CERT_WARN_NS	   (30 * 24 * 3600 * LF_NS_PER_S)      /* left, and it has not */
#define NO_CLOCK_BEFORE_NS (INT64_C(1735689600) * LF_NS_PER_S) /* 2025: older than this program */

static char *path_in(const struct lf_site *site, const char *name)
{
	return lf_printf_dup("%s/%s", site->dir, name);
}

/* A daemon that was killed holds its lock until the kernel has taken it apart: wait for that. */
static int take_lock(int fd)
{
	for (int tries = LOCK_TRIES; flock(fd, LOCK_EX | LOCK_NB); tries--) {
		if (tries == 0)
			return -1;
		poll(NULL, 0, LOCK_WAIT_MS);
	}
	return 0;
}

int lf_site_lock(struct lf_site *site, const char *dir, struct lf_error *err)
{
	int rc = lf_dir_make(dir, 0711, err);
	if (rc)
		return rc;
	site->dir = dir;
	LF_AUTO_FREE char *lock = path_in(site, "lock");
	LF_AUTO_FREE char *keys = path_in(site, "keys");
	if (!lock || !keys)
		return lf_fail_nomem(err);
	site->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (site->lock < 0)
		return lf_fail_sys(err, errno, lock, "cannot open %s", lock);
	if (take_lock(site->lock)) {
		lf_fail(err, LF_ECONFLICT, dir, "another landfalld is running on %s", dir);
		return lf_error_hint(err, "stop it, or give another --data directory");
	}
	return lf_dir_make(keys, 0700, err);
}

int lf_site_look(struct lf_site *site, unsigned accepted, struct lf_error *err)
{
	return lf_site_record_open(site->dir, accepted, &site->record, err);
}

/* Text of a file in the directory; *ret_text NULL when it is not there. */
static int read_text(const struct lf_site *site, const char *name, char **ret_text,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_in(site, name);
	LF_AUTO_BUF text = LF_BUF_INIT;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, SECRET_FILE_MAX, &text, err);
	if (rc == LF_ENOTFOUND) {
		*ret_text = NULL;
		return 0;
	}
	if (rc)
		return rc;
	*ret_text = lf_buf_take(&text);
	return *ret_text ? 0 : lf_fail_nomem(err);
}

/* What is there already is not written again: a start on a full disk needs no room. */
static int write_text(const struct lf_site *site, const char *name, const char *text, mode_t mode,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_in(site, name);
	LF_AUTO_FREE char *was = NULL;
	int rc = read_text(site, name, &was, err);

	bool same = !rc && was && strcmp(was, text) == 0;
	if (was)
		explicit_bzero(was, strlen(was));
	if (rc || same)
		return rc;
	return path ? lf_file_write_durable(path, text, strlen(text), mode, err)
		    : lf_fail_nomem(err);
}

/* Key and certificate are one file, so that a kill cannot separate them. */
static int load_pair(const struct lf_site *site, const char *name, char **ret_cert, char **ret_key,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	int rc = read_text(site, name, &text, err);

	if (rc || !text)
		return rc;
	char *key = strstr(text, "-----BEGIN PRIVATE KEY-----");
	if (!key)
		return lf_fail(err, LF_ECORRUPT, name, "%s holds no private key", name);
	*ret_key = strdup(key);
	*key = '\0';
	*ret_cert = strdup(text);
	return *ret_key && *ret_cert ? 0 : lf_fail_nomem(err);
}

static int save_pair(const struct lf_site *site, const char *name, const char *cert,
		     const char *key, struct lf_error *err)
{
	LF_AUTO_BUF both = LF_BUF_INIT;

	lf_buf_puts(&both, cert);
	lf_buf_puts(&both, key);
	int rc = lf_buf_check(&both, err);
	return rc ? rc : write_text(site, name, both.data, 0600, err);
}

static int make_ca(struct lf_site *site, int64_t now_ns, struct lf_error *err)
{
	if (now_ns < NO_CLOCK_BEFORE_NS) {
		lf_fail(err, LF_EPRECONDITION, "clock", "the clock of this machine is not set");
		return lf_error_hint(err, "set it, so that the site's CA does not end before long");
	}
	int rc = lf_ca_new("Landfall site CA", now_ns, &site->ca_cert, &site->ca_key, err);
	return rc ? rc : save_pair(site, "keys/ca.pem", site->ca_cert, site->ca_key, err);
}

static int load_ca(struct lf_site *site, const struct lf_clock *clock, struct lf_error *err)
{
	int64_t now_ns = lf_clock_now_ns(clock), from = now_ns, to = now_ns;
	int rc = load_pair(site, "keys/ca.pem", &site->ca_cert, &site->ca_key, err);

	if (!rc && !site->ca_cert)
		return make_ca(site, now_ns, err);
	if (!rc)
		rc = lf_cert_check(site->ca_cert, site->ca_key, NULL, &from, &to, err);
	if (rc)
		return lf_error_wrap(err, "keys/ca.pem");
	if (from > now_ns)
		lf_health_raise("ca-of-the-future", NULL,
				"the site's CA is not good yet by this machine's clock: clients "
				"and agents refuse it until the clock is set");
	if (to < now_ns)
		lf_health_raise("ca-ended", NULL,
				"the site's CA has ended, or this machine's clock is ahead");
	return 0;
}

static int make_server_cert(struct lf_site *site, const struct lf_clock *clock,
			    const char *const *names, struct lf_error *err)
{
	LF_AUTO_FREE char *cert = NULL;
	LF_AUTO_FREE char *key = NULL;

	int rc = lf_ca_issue_server(site->ca_cert, site->ca_key, names, lf_clock_now_ns(clock),
				    CERT_DAYS, &cert, &key, err);
	if (!rc)
		rc = save_pair(site, "keys/server.pem", cert, key, err);
	if (rc)
		return rc;
	free(site->server_cert);
	free(site->server_key);
	site->server_cert = lf_steal(&cert);
	site->server_key = lf_steal(&key);
	return 0;
}

int lf_site_renew(struct lf_site *site, const struct lf_clock *clock, const char *const *names,
		  bool *ret_renewed, struct lf_error *err)
{
	int64_t now = lf_clock_now_ns(clock), end = 0;
	char time[LF_TIME_SIZE];

	int rc = lf_cert_expiry(site->ca_cert, &end, err);
	if (rc)
		return rc;
	lf_time_format(end, time);
	if (end - CERT_WARN_NS < now)
		lf_health_raise("ca-ends", NULL,
				"the site's CA ends on %.10s, and everything that it has signed "
				"with it",
				time);
	else
		lf_health_clear("ca-ends", NULL);
	rc = lf_cert_expiry(site->server_cert, &end, err);
	*ret_renewed = !rc && end - CERT_RENEW_NS <= now;
	if (*ret_renewed)
		rc = make_server_cert(site, clock, names, err);
	if (rc && end - CERT_WARN_NS < now)
		lf_health_raise("server-certificate-ends", NULL,
				"the certificate of this daemon cannot be renewed: %s",
				err->message);
	else if (!rc)
		lf_health_clear("server-certificate-ends", NULL);
	return rc;
}

/* The server's certificate: made anew when it nears its end or the names are others. */
static int load_server_cert(struct lf_site *site, const struct lf_clock *clock,
			    const char *const *names, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	int64_t now = lf_clock_now_ns(clock), from = 0, end = 0;
	LF_AUTO_FREE char *was = NULL;
	struct lf_error misfit;

	for (const char *const *name = names; *name; name++)
		lf_buf_printf(&text, "%s%s", name == names ? "" : " ", *name);
	int rc = lf_buf_check(&text, err);
	if (rc)
		return rc;
	rc = load_pair(site, "keys/server.pem", &site->server_cert, &site->server_key, err);
	if (rc == LF_ECORRUPT) /* it can be made anew at any time */
		rc = 0;
	if (!rc)
		rc = read_text(site, "keys/server.host", &was, err);
	if (rc)
		return rc;
	bool fits = site->server_cert && !lf_cert_check(site->server_cert, site->server_key,
							site->ca_cert, &from, &end, &misfit);
	if (fits && from <= now && end - CERT_RENEW_NS > now && was && strcmp(was, text.data) == 0)
		return 0;
	rc = make_server_cert(site, clock, names, err);
	return rc ? rc : write_text(site, "keys/server.host", text.data, 0600, err);
}

static int load_token_key(struct lf_site *site, struct lf_error *err)
{
	LF_AUTO_FREE char *jwk = NULL;
	int rc = read_text(site, "keys/token.jwk", &jwk, err);

	if (!rc && !jwk) {
		rc = lf_token_key_new(&jwk, err);
		if (!rc)
			rc = write_text(site, "keys/token.jwk", jwk, 0600, err);
	}
	const char *const jwks[] = {jwk};
	return rc ? rc : lf_token_keys_load(jwks, 1, &site->token_keys, err);
}

/* It is in the pairing key alone. */
static int load_peer_secret(struct lf_site *site, struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_JSON *key = NULL;

	int rc = read_text(site, "keys/peer.json", &text, err);
	if (!rc && text)
		rc = lf_json_parse(text, strlen(text), &key, err);
	if (rc)
		return rc;
	site->peer_secret = key ? strdup(lf_json_text_or(key, "secret", "")) : lf_secret_text_new();
	if (!site->peer_secret)
		return lf_fail_nomem(err);
	return site->peer_secret[0]
		       ? 0
		       : lf_fail(err, LF_ECORRUPT, "keys/peer.json", "the file holds no secret");
}

int lf_site_write_peer(struct lf_site *site, const char *url, struct lf_error *err)
{
	LF_AUTO_JSON *key = json_pack("{s:s, s:s, s:s}", "url", url, "ca", site->ca_cert, "secret",
				      site->peer_secret);
	LF_AUTO_FREE char *text = NULL;

	int rc = key ? lf_json_dump(key, &text, err) : lf_fail_nomem(err);
	if (!rc)
		rc = write_text(site, "keys/peer.json", text, 0600, err);
	if (text)
		explicit_bzero(text, strlen(text));
	return rc;
}

/* A GUID that is made once; a catalog that is begun anew gets those that the site had. */
static int load_guid(const struct lf_site_record *record, struct lf_catalog *catalog,
		     const char *name, char **ret_guid, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];
	const char *was = lf_site_record_id(record, name);
	int rc = lf_catalog_setting_get(catalog, name, ret_guid, err);

	if (rc != LF_ENOTFOUND)
		return rc;
	if (record->known && !(record->accepted & (1u << LF_PIECE_CATALOG))) {
		lf_fail_arm(err, LF_EPRECONDITION, "SitePieceOther", "catalog.db", NULL,
			    "catalog.db does not know its site: it holds no %s", name);
		return lf_error_hint(err, "bring back the catalog of this site (landfalld(8), "
					  "LOSS)");
	}
	if (was)
		snprintf(guid, sizeof(guid), "%s", was);
	else
		lf_guid_random(guid);
	rc = lf_catalog_setting_put(catalog, name, guid, err);
	if (rc)
		return rc;
	*ret_guid = strdup(guid);
	return *ret_guid ? 0 : lf_fail_nomem(err);
}

/* What the record says of the site; the texts live as long as the arguments do. */
struct identity {
	struct lf_identity of;
	char ca[LF_FINGERPRINT_SIZE], peer[65], audit[65];
	json_t *jwks;
};

static void identity_done(struct identity *identity)
{
	json_decref(identity->jwks);
}
#define AUTO_IDENTITY LF_CLEANUP(identity_done) struct identity

static int identify(const struct lf_site *site, struct identity *identity, struct lf_error *err)
{
	uint8_t digest[32];

	int rc = lf_cert_fingerprint(site->ca_cert, identity->ca, err);
	if (!rc)
		rc = lf_token_jwks(site->token_keys, &identity->jwks, err);
	if (!rc)
		rc = lf_audit_key_id(site->dir, identity->audit, err);
	if (rc)
		return rc;
	lf_sha256(site->peer_secret, strlen(site->peer_secret), digest);
	lf_hex_encode(digest, sizeof(digest), identity->peer);
	identity->of = (struct lf_identity){
		.tenant_id = site->tenant_id,
		.subscription_id = site->subscription_id,
		.client_id = site->client_id,
		.owner_id = site->owner_id,
		.ca_fingerprint = identity->ca,
		.token_key = lf_json_text_or(identity->jwks, "keys.0.kid", ""),
		.peer_key = identity->peer,
		.audit_key = identity->audit,
	};
	return 0;
}

int lf_site_settle(struct lf_site *site, struct lf_error *err)
{
	AUTO_IDENTITY identity = {0};
	int rc = identify(site, &identity, err);

	return rc ? rc : lf_site_record_complete(&site->record, &identity.of, err);
}

static int load_ids(struct lf_site *site, struct lf_catalog *catalog, struct lf_error *err)
{
	const struct {
		const char *name;
		char **id;
	} ids[] = {{"tenantId", &site->tenant_id},
		   {"subscriptionId", &site->subscription_id},
		   {"ownerClientId", &site->client_id},
		   {"ownerObjectId", &site->owner_id}};
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(ids); i++)
		rc = load_guid(&site->record, catalog, ids[i].name, ids[i].id, err);
	return rc;
}

int lf_site_load(struct lf_site *site, struct lf_catalog *catalog, const struct lf_clock *clock,
		 const char *const *names, struct lf_error *err)
{
	AUTO_IDENTITY identity = {0};
	int rc = load_ca(site, clock, err);

	if (!rc)
		rc = load_token_key(site, err);
	if (!rc)
		rc = load_peer_secret(site, err);
	if (!rc)
		rc = load_ids(site, catalog, err);
	if (!rc)
		rc = identify(site, &identity, err);
	if (!rc)
		rc = lf_site_record_check(&site->record, &identity.of, err);
	if (!rc)
		rc = load_server_cert(site, clock, names, err);
	if (!rc)
		rc = write_text(site, "ca.pem", site->ca_cert, 0644, err);
	return rc ? rc : lf_subscription_make(catalog, site->subscription_id, err);
}

/* The secret that an earlier client.env holds; NULL: none. */
static int known_secret(const struct lf_site *site, char **ret_secret, struct lf_error *err)
{
	static const char name[] = "LF_CLIENT_SECRET=";
	LF_AUTO_FREE char *text = NULL;
	int rc = read_text(site, "client.env", &text, err);

	const char *at = text ? strstr(text, name) : NULL;
	*ret_secret = NULL;
	if (rc || !at)
		return rc;
	at += strlen(name);
	*ret_secret = strndup(at, strcspn(at, "\n"));
	return *ret_secret ? 0 : lf_fail_nomem(err);
}

/*
 * The file comes first, the hash after: a kill in between leaves a secret that
 * the next start finds in the file and hashes.
 */
int lf_site_write_client(struct lf_site *site, struct lf_catalog *catalog, const char *url,
			 struct lf_error *err)
{
	LF_AUTO_FREE char *secret = NULL;
	LF_AUTO_BUF env = LF_BUF_INIT;

	int rc = known_secret(site, &secret, err);
	if (rc)
		return rc;
	bool fresh = !secret;
	if (fresh && !(secret = lf_secret_text_new()))
		return lf_fail_nomem(err);
	LF_AUTO_FREE char *real = realpath(site->dir, NULL);
	lf_buf_printf(&env,
		      "LF_URL=%s\nLF_TENANT_ID=%s\nLF_SUBSCRIPTION_ID=%s\nLF_CLIENT_ID=%s\n"
		      "LF_CLIENT_SECRET=%s\nLF_CA_FILE=%s/ca.pem\n",
		      url, site->tenant_id, site->subscription_id, site->client_id, secret,
		      real ? real : site->dir);
	rc = lf_buf_check(&env, err);
	if (!rc)
		rc = write_text(site, "client.env", env.data, 0600, err);
	explicit_bzero(env.data, env.len);
	if (rc)
		return rc;
	LF_AUTO_FREE char *id = lf_printf_dup(LF_PRINCIPAL_ID_PREFIX "%s", site->client_id);
	LF_AUTO_RESOURCE principal = LF_RESOURCE_INIT;
	if (!id)
		return lf_fail_nomem(err);
	rc = lf_catalog_get(catalog, id, &principal, err);
	/* the file is the truth of it: a row that is damaged is written anew */
	if (rc == LF_ENOTFOUND || rc == LF_ECORRUPT || fresh)
		rc = lf_principal_put(catalog, site->client_id, site->owner_id, "bootstrap", secret,
				      err);
	explicit_bzero(secret, strlen(secret));
	return rc;
}

void lf_site_done(struct lf_site *site)
{
	lf_site_record_done(&site->record);
	lf_token_keys_free(site->token_keys);
	char **const texts[] = {&site->ca_cert,	   &site->ca_key,    &site->server_cert,
				&site->server_key, &site->tenant_id, &site->subscription_id,
				&site->client_id,  &site->owner_id,  &site->peer_secret};
	for (size_t i = 0; i < LF_N(texts); i++) {
		if (*texts[i])
			explicit_bzero(*texts[i], strlen(*texts[i]));
		free(*texts[i]);
	}
	if (site->lock >= 0)
		close(site->lock);
}
