/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who speaks for an agent: registering, admitting, and renewing certificates.
 *
 * An agent's row: {"siteId", "inventory", "registered", "barred", "certificates":
 * [{"fingerprint", "key": of its public key, "ends", "until": replaced, good until then}]},
 * the newest certificate last.  Rows of versions before have none: the first certificate that
 * comes is theirs.
 *
 * A certificate is signed first, then its row is written in the transaction that counts the
 * registration key's use.  A kill before that leaves a certificate that no row names, which opens
 * nothing; one after it, or an answer that gets lost, leaves the certificate before good until the
 * new one is used for the first time.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/tls.h"
#include "replication/agents.h"
#include "replication/inventory.h"
#include "replication/state.h"

#define DAY_NS	     (86400 * LF_NS_PER_S)
#define AGENT_DAYS   90
#define RENEW_NS     (45 * DAY_NS)	 /* left: the agent is told to renew */
#define OVERLAP_NS   (600 * LF_NS_PER_S) /* the old certificate, after the first use of the new */
#define CERTIFICATES "certificates"

/* Sign a request for an agent; *ret_entry is what its row says of the certificate. */
static int issue(struct lf_replication *replication, const char *agent, const char *csr,
		 char **ret_certificate, json_t **ret_entry, struct lf_error *err)
{
	LF_AUTO_FREE char *certificate = NULL;
	char key[65], fingerprint[LF_FINGERPRINT_SIZE];
	int64_t ends;

	int rc = lf_csr_key_fingerprint(csr, key, err);
	if (!rc)
		rc = lf_ca_sign_client(replication->opts.ca_cert, replication->opts.ca_key, csr,
				       agent, lf_clock_now_ns(replication->opts.clock), AGENT_DAYS,
				       &certificate, err);
	if (!rc)
		rc = lf_cert_fingerprint(certificate, fingerprint, err);
	if (!rc)
		rc = lf_cert_expiry(certificate, &ends, err);
	if (rc)
		return rc;
	*ret_entry = json_pack("{s:s,s:s,s:I}", "fingerprint", fingerprint, "key", key, "ends",
			       (json_int_t)ends);
	if (!*ret_entry)
		return lf_fail_nomem(err);
	*ret_certificate = lf_steal(&certificate);
	return 0;
}

/* Register. */

struct registration {
	const char *site, *agent, *csr;
	json_t *inventory; /* checked */
	char *certificate;
};

static int fail_exists(const char *agent, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ECONFLICT, "AgentExists", agent,
			   "register with the state directory of the machine's agent, or let an "
			   "operator remove it first: 'landfall site remove SITE MACHINE'",
			   "this machine is registered already, and the request is not signed "
			   "with its agent's key");
}

/* The row of a machine that is known, for one who has its key. */
static int register_again(json_t *doc, void *argument, struct lf_error *err)
{
	struct registration *registration = argument;
	char key[65];

	if (lf_json_bool_or(doc, "barred", false))
		return lf_fail_arm(err, LF_EDENIED, "AgentBarred", registration->agent,
				   "ask the site's operator", "the machine's agent is barred");
	int rc = lf_csr_key_fingerprint(registration->csr, key, err);
	if (rc)
		return rc;
	return lf_json_find(lf_json_at(doc, CERTIFICATES), "key", key)
		       ? 0
		       : fail_exists(registration->agent, err);
}

static int put_agent(struct lf_replication *replication, struct registration *registration,
		     struct lf_resource *before, struct lf_error *err)
{
	LF_AUTO_JSON *entry = NULL;
	char id[LF_ID_SIZE];

	int rc = issue(replication, registration->agent, registration->csr,
		       &registration->certificate, &entry, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *fresh =
		json_pack("{s:s,s:I,s:[]}", "siteId", registration->site, "registered",
			  (json_int_t)lf_clock_now_ns(replication->opts.clock), CERTIFICATES);
	json_t *doc = before->doc ? before->doc : fresh;
	json_t *list = lf_json_at(doc, CERTIFICATES);
	/* the last one stays good until this one is used: our answer may get lost */
	while (json_array_size(list) > 1)
		json_array_remove(list, 0);
	if (!doc || json_array_append(list, entry) ||
	    json_object_set(doc, "inventory", registration->inventory))
		return lf_fail_nomem(err);
	lf_agent_path(registration->agent, id);
	return lf_catalog_put(replication->opts.catalog, id, LF_AGENT_TYPE, LF_PUT_ANY, NULL, doc,
			      NULL, err);
}

/* In a transaction: the key is used up by as many machines as it says, whoever comes at once. */
static int register_machine(struct lf_replication *replication, const char *secret,
			    struct registration *registration, struct lf_error *err)
{
	LF_AUTO_RESOURCE before = LF_RESOURCE_INIT;
	LF_AUTO_FREE char *site = NULL;

	int rc = lf_agent_row(replication, registration->agent, &before, err);
	bool known = rc == 0;
	if (rc == LF_ENOTFOUND)
		rc = 0;
	if (!rc && known)
		rc = register_again(before.doc, registration, err);
	if (!rc)
		rc = lf_registration_key_check(replication, secret, !known, &site, err);
	return rc ? rc : put_agent(replication, registration, &before, err);
}

/* The machine's id at a site: that of its row, if an earlier version made it. */
static void choose_id(struct lf_replication *replication, const char *site, const char *machine,
		      char out[static LF_GUID_SIZE])
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	struct lf_error ignored;

	lf_guid_derive(site, machine, out);
	if (lf_agent_row(replication, out, &row, &ignored) == 0 &&
	    strcmp(lf_json_text_or(row.doc, "siteId", ""), site) == 0 &&
	    strcmp(lf_json_text_or(row.doc, "inventory.machineId", ""), machine) == 0)
		return;
	lf_guid_hash(site, machine, out);
}

int lf_agent_register(struct lf_replication *replication, const char *secret, const char *csr,
		      const json_t *inventory, char **ret_agent, char **ret_certificate,
		      struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_FREE char *site = NULL;
	LF_AUTO_JSON *checked = NULL;
	char id[LF_GUID_SIZE];

	int rc = lf_registration_key_check(replication, secret, false, &site, err);
	if (!rc)
		rc = lf_inventory_check(inventory, &checked, err);
	if (rc)
		return rc;
	choose_id(replication, site, lf_json_text_or(checked, "machineId", ""), id);
	LF_AUTO_FREE char *agent = strdup(id);
	struct registration registration = {site, id, csr, checked, NULL};
	rc = agent ? lf_transaction_begin(&tx, replication->opts.catalog, err) : lf_fail_nomem(err);
	if (!rc)
		rc = register_machine(replication, secret, &registration, err);
	LF_AUTO_FREE char *certificate = registration.certificate;
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (rc)
		return rc;
	*ret_agent = lf_steal(&agent);
	*ret_certificate = lf_steal(&certificate);
	return 0;
}

/* Admit. */

struct use {
	struct lf_replication *replication;
	const char *fingerprint;
};

/* The first certificate of a row that has none, or the first use of the newest. */
static int note_use(json_t *doc, void *argument, struct lf_error *err)
{
	const struct use *use = argument;
	json_t *list = lf_json_at(doc, CERTIFICATES), *entry;
	int64_t until = lf_clock_now_ns(use->replication->opts.clock) + OVERLAP_NS;
	size_t i;

	if (!list) {
		list = json_pack("[{s:s}]", "fingerprint", use->fingerprint);
		return lf_json_set(doc, CERTIFICATES, list) ? lf_fail_nomem(err) : 0;
	}
	json_array_foreach (list, i, entry) {
		if (i + 1 < json_array_size(list) && !lf_json_at(entry, "until") &&
		    lf_json_set_int(entry, "until", until))
			return lf_fail_nomem(err);
	}
	return 0;
}

/* *ret_news: its use is to be written down. */
static int check_certificate(struct lf_replication *replication, const json_t *doc,
			     const char *fingerprint, bool *ret_news, struct lf_error *err)
{
	const json_t *list = lf_json_at(doc, CERTIFICATES);
	size_t n = json_array_size(list);
	const json_t *entry = lf_json_find(list, "fingerprint", fingerprint);
	int64_t until = lf_json_int_or(entry, "until", INT64_MAX);

	*ret_news = !list || (n > 1 && entry == json_array_get(list, n - 1) &&
			      !lf_json_at(json_array_get(list, n - 2), "until"));
	if (!list || (entry && until > lf_clock_now_ns(replication->opts.clock)))
		return 0;
	return lf_fail_arm(err, LF_EUNAUTHENTICATED, "CertificateReplaced", NULL,
			   "use the machine's newest certificate, or register it again",
			   "this certificate does not speak for the agent");
}

int lf_agent_admit(struct lf_replication *replication, const char *agent, const char *fingerprint,
		   struct lf_error *err)
{
	struct use use = {replication, fingerprint};
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	bool news;

	int rc = lf_agent_row(replication, agent, &row, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "AgentNotRegistered", NULL,
				   "register the machine again, with a new registration key",
				   "the agent is not registered here, or was removed");
	if (rc)
		return rc;
	if (lf_json_bool_or(row.doc, "barred", false))
		return lf_fail_arm(err, LF_EDENIED, "AgentBarred", NULL, "ask the site's operator",
				   "the agent is barred");
	rc = check_certificate(replication, row.doc, fingerprint, &news, err);
	return rc || !news ? rc : lf_agent_change(replication, agent, note_use, &use, err);
}

/* Renew. */

struct renewal {
	const char *fingerprint;
	json_t *entry;
};

/* What is left of the list: the certificate that asks, and the new one. */
static int add_certificate(json_t *doc, void *argument, struct lf_error *err)
{
	const struct renewal *renewal = argument;
	json_t *list = lf_json_at(doc, CERTIFICATES);

	for (size_t i = json_array_size(list); i-- > 0;)
		if (strcmp(lf_json_text_or(json_array_get(list, i), "fingerprint", ""),
			   renewal->fingerprint) != 0)
			json_array_remove(list, i);
	if (lf_json_at(json_array_get(list, 0), "until"))
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "CertificateReplaced", NULL, NULL,
				   "this certificate has been replaced already");
	return json_array_append(list, renewal->entry) ? lf_fail_nomem(err) : 0;
}

int lf_agent_renew(struct lf_replication *replication, const char *agent, const char *fingerprint,
		   const char *csr, char **ret_certificate, struct lf_error *err)
{
	LF_AUTO_FREE char *certificate = NULL;
	LF_AUTO_JSON *entry = NULL;

	int rc = issue(replication, agent, csr, &certificate, &entry, err);
	struct renewal renewal = {fingerprint, entry};
	if (!rc)
		rc = lf_agent_change(replication, agent, add_certificate, &renewal, err);
	if (!rc)
		*ret_certificate = lf_steal(&certificate);
	return rc;
}

int lf_agent_renewal_due(struct lf_replication *replication, const char *agent,
			 const char *fingerprint, bool *ret_due, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	int rc = lf_agent_row(replication, agent, &row, err);

	if (rc)
		return rc;
	const json_t *list = lf_json_at(row.doc, CERTIFICATES);
	const json_t *entry = lf_json_find(list, "fingerprint", fingerprint);
	/* one that a version before has given out says no end: it is replaced at once */
	*ret_due = entry && !lf_json_at(entry, "until") &&
		   lf_json_int_or(entry, "ends", 0) - RENEW_NS <
			   lf_clock_now_ns(replication->opts.clock);
	return 0;
}
