/* SPDX-License-Identifier: Apache-2.0 */
#include "replication/agents.h"

#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "crypto/tls.h"
#include "replication/inventory.h"
#include "replication/session.h"
#include "replication/state.h"

#define DAY_NS	     (86400 * LF_NS_PER_S)
#define AGENT_DAYS   90
#define RENEW_NS     (45 * DAY_NS)	 /* left: the agent is told to renew */
#define WARN_NS	     (30 * DAY_NS)	 /* left, and it has not */
#define OVERLAP_NS   (600 * LF_NS_PER_S) /* the old certificate, after the first use of the new */
#define CERTIFICATES "certificates"

/*
 * An agent's row: {"siteId", "inventory", "registered", "barred", "certificates":
 * [{"fingerprint", "key": of its public key, "ends", "until": replaced, good until then}]},
 * the newest certificate last.  Rows of versions before have none: the first certificate that
 * comes is theirs.
 */

/* Change. */

typedef int agent_change_fn(json_t *doc, void *argument, struct lf_error *err);

static int agent_row(struct lf_replication *replication, const char *agent,
		     struct lf_resource *ret_row, struct lf_error *err)
{
	char id[LF_ID_SIZE];

	lf_agent_path(agent, id);
	int rc = lf_guid_valid(agent) ? lf_catalog_get(replication->opts.catalog, id, ret_row, err)
				      : LF_ENOTFOUND;
	return rc == LF_ENOTFOUND ? lf_fail_arm(err, LF_ENOTFOUND, "AgentNotFound", agent, NULL,
						"no agent of this id is registered")
				  : rc;
}

static int change_row(struct lf_replication *replication, const char *agent,
		      agent_change_fn *change, void *argument, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	int rc = agent_row(replication, agent, &row, err);

	if (!rc)
		rc = change(row.doc, argument, err);
	return rc ? rc
		  : lf_catalog_put(replication->opts.catalog, row.id, NULL, LF_PUT_EXISTING, NULL,
				   row.doc, NULL, err);
}

/* Read, change and write an agent's row, in one transaction. */
static int change_agent(struct lf_replication *replication, const char *agent,
			agent_change_fn *change, void *argument, struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;

	if (lf_catalog_in_transaction(catalog))
		return change_row(replication, agent, change, argument, err);
	int rc = lf_catalog_begin(catalog, err);
	if (rc)
		return rc;
	rc = change_row(replication, agent, change, argument, err);
	if (!rc)
		rc = lf_catalog_commit(catalog, err);
	if (rc)
		lf_catalog_rollback(catalog);
	return rc;
}

/* Certificates. */

/* Place of the certificate with this fingerprint in an agent's row; -1: it has no such one. */
static int find_certificate(const json_t *doc, const char *fingerprint)
{
	const json_t *list = lf_json_at(doc, CERTIFICATES);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(lf_json_text_or(json_array_get(list, i), "fingerprint", ""),
			   fingerprint) == 0)
			return (int)i;
	return -1;
}

static bool knows_key(const json_t *doc, const char *key)
{
	const json_t *list = lf_json_at(doc, CERTIFICATES);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(lf_json_text_or(json_array_get(list, i), "key", ""), key) == 0)
			return true;
	return false;
}

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
	return knows_key(doc, key) ? 0 : fail_exists(registration->agent, err);
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

	int rc = agent_row(replication, registration->agent, &before, err);
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
	if (agent_row(replication, out, &row, &ignored) == 0 &&
	    strcmp(lf_json_text_or(row.doc, "siteId", ""), site) == 0 &&
	    strcmp(lf_json_text_or(row.doc, "inventory.machineId", ""), machine) == 0)
		return;
	lf_guid_hash(site, machine, out);
}

int lf_agent_register(struct lf_replication *replication, const char *secret, const char *csr,
		      const json_t *inventory, char **ret_agent, char **ret_certificate,
		      struct lf_error *err)
{
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
	rc = agent ? lf_catalog_begin(replication->opts.catalog, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	rc = register_machine(replication, secret, &registration, err);
	if (!rc)
		rc = lf_catalog_commit(replication->opts.catalog, err);
	LF_AUTO_FREE char *certificate = registration.certificate;
	if (rc) {
		lf_catalog_rollback(replication->opts.catalog);
		return rc;
	}
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
	int at = find_certificate(doc, fingerprint);
	const json_t *entry = at < 0 ? NULL : json_array_get(list, (size_t)at);
	int64_t until = lf_json_int_or(entry, "until", INT64_MAX);

	*ret_news = !list || (at > 0 && (size_t)at + 1 == n &&
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

	int rc = agent_row(replication, agent, &row, err);
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
	return rc || !news ? rc : change_agent(replication, agent, note_use, &use, err);
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
		rc = change_agent(replication, agent, add_certificate, &renewal, err);
	if (!rc)
		*ret_certificate = lf_steal(&certificate);
	return rc;
}

int lf_agent_renewal_due(struct lf_replication *replication, const char *agent,
			 const char *fingerprint, bool *ret_due, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	int rc = agent_row(replication, agent, &row, err);

	if (rc)
		return rc;
	const json_t *list = lf_json_at(row.doc, CERTIFICATES);
	int at = find_certificate(row.doc, fingerprint);
	const json_t *entry = at < 0 ? NULL : json_array_get(list, (size_t)at);
	/* one that a version before has given out says no end: it is replaced at once */
	*ret_due = entry && !lf_json_at(entry, "until") &&
		   lf_json_int_or(entry, "ends", 0) - RENEW_NS <
			   lf_clock_now_ns(replication->opts.clock);
	return 0;
}

/* Inventory. */

struct update {
	const json_t *inventory;
};

static int put_inventory(json_t *doc, void *argument, struct lf_error *err)
{
	const struct update *update = argument;

	return json_object_set(doc, "inventory", (json_t *)(uintptr_t)update->inventory)
		       ? lf_fail_nomem(err)
		       : 0;
}

int lf_agent_update(struct lf_replication *replication, const char *agent, const json_t *inventory,
		    struct lf_error *err)
{
	LF_AUTO_RESOURCE known = LF_RESOURCE_INIT;
	LF_AUTO_JSON *checked = NULL;

	int rc = agent_row(replication, agent, &known, err);
	if (rc || !inventory)
		return rc;
	rc = lf_inventory_check(inventory, &checked, err);
	if (rc || json_equal(lf_json_at(known.doc, "inventory"), checked))
		return rc;
	/* its id is made of it: another's would be said of two */
	if (!lf_text_equal_nocase(lf_json_text_or(known.doc, "inventory.machineId", ""),
				  lf_json_text_or(checked, "machineId", "")))
		return lf_fail_arm(err, LF_ECONFLICT, "MachineIdDiffers", "inventory.machineId",
				   "register the machine anew",
				   "the agent registered with another machine's id");
	struct update update = {checked};
	return change_agent(replication, agent, put_inventory, &update, err);
}

/* What an operator may do. */

static int check_site(const json_t *doc, const char *site_id, const char *agent,
		      struct lf_error *err)
{
	return lf_text_equal_nocase(lf_json_text_or(doc, "siteId", ""), site_id)
		       ? 0
		       : lf_fail(err, LF_ENOTFOUND, agent, "the site has no machine '%s'", agent);
}

struct barring {
	const char *site_id, *agent;
	bool barred;
};

static int set_barred(json_t *doc, void *argument, struct lf_error *err)
{
	const struct barring *barring = argument;
	int rc = check_site(doc, barring->site_id, barring->agent, err);

	if (!rc && lf_json_set_bool(doc, "barred", barring->barred))
		rc = lf_fail_nomem(err);
	return rc;
}

int lf_agent_bar(struct lf_replication *replication, const char *site_id, const char *agent,
		 bool barred, struct lf_error *err)
{
	struct barring barring = {site_id, agent, barred};

	return change_agent(replication, agent, set_barred, &barring, err);
}

static int refuse_protected(struct lf_replication *replication, const struct lf_replica *replica,
			    void *argument, struct lf_error *err)
{
	(void)replication, (void)argument;
	return lf_fail_arm(err, LF_ECONFLICT, "MachineIsProtected", replica->agent,
			   "stop its protection first; to lock the agent out at once, bar it",
			   "the machine is protected as %s", replica->item);
}

int lf_agent_remove(struct lf_replication *replication, const char *site_id, const char *agent,
		    struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;

	int rc = agent_row(replication, agent, &row, err);
	if (!rc)
		rc = check_site(row.doc, site_id, agent, err);
	if (!rc)
		rc = lf_replicas_of(replication, agent, refuse_protected, NULL, err);
	if (rc)
		return rc;
	lf_health_clear("agent-certificate", agent);
	return lf_catalog_delete(replication->opts.catalog, row.id, err);
}

typedef int agent_fn(struct lf_replication *replication, const struct lf_resource *row,
		     void *argument, struct lf_error *err);

/* The agents of a site; NULL: of all. */
static int each_agent(struct lf_replication *replication, const char *site_id, agent_fn *visit,
		      void *argument, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_AGENT_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++)
		if (!site_id ||
		    lf_text_equal_nocase(lf_json_text_or(list.items[i].doc, "siteId", ""), site_id))
			rc = visit(replication, &list.items[i], argument, err);
	return rc;
}

static int forget_agent(struct lf_replication *replication, const struct lf_resource *row,
			void *argument, struct lf_error *err)
{
	(void)argument;
	return lf_catalog_delete(replication->opts.catalog, row->id, err);
}

int lf_replication_forget_site(struct lf_replication *replication, const char *site_id,
			       struct lf_error *err)
{
	int rc = lf_registration_key_revoke(replication, site_id, NULL, err);

	return rc ? rc : each_agent(replication, site_id, forget_agent, NULL, err);
}

static int warn_of_end(struct lf_replication *replication, const struct lf_resource *row,
		       void *argument, struct lf_error *err)
{
	const char *agent = strrchr(row->id, '/') + 1;
	const json_t *list = lf_json_at(row->doc, CERTIFICATES);
	size_t n = json_array_size(list);
	int64_t ends = n ? lf_json_int_or(json_array_get(list, n - 1), "ends", 0) : 0;
	char time[LF_TIME_SIZE];

	(void)argument, (void)err;
	if (!ends || lf_json_bool_or(row->doc, "barred", false) ||
	    ends - WARN_NS > lf_clock_now_ns(replication->opts.clock)) {
		lf_health_clear("agent-certificate", agent);
		return 0;
	}
	lf_time_format(ends, time);
	lf_health_raise(
		"agent-certificate", agent,
		"the certificate of %s ends on %.10s and its agent has not renewed it: check "
		"that landfall-agent runs and reaches the site, or register the machine again",
		lf_json_text_or(row->doc, "inventory.machineName", "a machine"), time);
	return 0;
}

int lf_agents_tend(struct lf_replication *replication, struct lf_error *err)
{
	return each_agent(replication, NULL, warn_of_end, NULL, err);
}

/* Packs. */

void lf_pack_container(const char *agent, char out[static LF_PACK_CONTAINER_SIZE])
{
	snprintf(out, LF_PACK_CONTAINER_SIZE, "landfall-packs-%.36s", agent);
}

int lf_agent_may_put_pack(struct lf_replication *replication, const char *agent,
			  const char *account, const char *container, const char *blob,
			  struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	char own[LF_PACK_CONTAINER_SIZE];
	bool found;

	int rc = agent_row(replication, agent, &row, err);
	if (!rc)
		rc = lf_agent_uses_account(replication, agent, account, &found, err);
	if (rc)
		return rc;
	lf_pack_container(agent, own);
	if (lf_json_bool_or(row.doc, "barred", false) || !found || strcmp(container, own) != 0 ||
	    strlen(blob) != 64 || blob[strspn(blob, "0123456789abcdef")])
		return lf_fail_arm(err, LF_EDENIED, "AuthorizationPermissionMismatch", account,
				   "an agent puts packs into its own container, and does nothing "
				   "else here",
				   "this request is not authorized to perform this operation");
	return 0;
}

/* List. */

static int view_agent(struct lf_replication *replication, const struct lf_resource *row,
		      void *argument, struct lf_error *err)
{
	const char *agent = strrchr(row->id, '/') + 1;
	const json_t *certificates = lf_json_at(row->doc, CERTIFICATES);
	size_t n = json_array_size(certificates);
	const json_t *newest = n ? json_array_get(certificates, n - 1) : NULL;
	int64_t heard, now = lf_clock_now_ns(replication->opts.clock);

	json_decref(lf_report_get(replication, agent, NULL, &heard));
	json_t *entry = json_deep_copy(lf_json_at(row->doc, "inventory"));
	if (!entry || json_array_append_new(argument, entry) ||
	    lf_json_set_text(entry, "agentId", agent) ||
	    lf_json_set_bool(entry, "connected", heard && now - heard < LF_AGENT_GONE_NS) ||
	    lf_json_set_time(entry, "lastHeartbeat", heard ? heard : row->changed_ns) ||
	    lf_json_set_time(entry, "registered", row->created_ns) ||
	    lf_json_set_bool(entry, "barred", lf_json_bool_or(row->doc, "barred", false)) ||
	    lf_json_set_text(entry, "certificate", lf_json_text(newest, "fingerprint")) ||
	    lf_json_set_time(entry, "certificateEnds", lf_json_int_or(newest, "ends", 0)))
		return lf_fail_nomem(err);
	return 0;
}

int lf_agents_list(struct lf_replication *replication, const char *site_id, json_t **ret_agents,
		   struct lf_error *err)
{
	LF_AUTO_JSON *agents = json_array();
	int rc = agents ? each_agent(replication, site_id, view_agent, agents, err)
			: lf_fail_nomem(err);

	if (!rc)
		*ret_agents = lf_steal(&agents);
	return rc;
}
