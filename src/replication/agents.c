/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents as rows: what they say of themselves, what an operator does with them, what they may put
 * into an account, and what is told of them.  Who speaks for one: admission.c, which says what a
 * row holds.
 */
#include "replication/agents.h"

#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "replication/inventory.h"
#include "replication/session.h"
#include "replication/state.h"

#define WARN_NS (30 * 86400 * LF_NS_PER_S) /* left of a certificate that was not renewed */

int lf_agent_row(struct lf_replication *replication, const char *agent, struct lf_resource *ret_row,
		 struct lf_error *err)
{
	char id[LF_ID_SIZE];

	lf_agent_path(agent, id);
	int rc = lf_guid_valid(agent) ? lf_catalog_get(replication->opts.catalog, id, ret_row, err)
				      : LF_ENOTFOUND;
	return rc == LF_ENOTFOUND ? lf_fail_arm(err, LF_ENOTFOUND, "AgentNotFound", agent, NULL,
						"no agent of this id is registered")
				  : rc;
}

int lf_agent_change(struct lf_replication *replication, const char *agent,
		    lf_agent_change_fn *change, void *argument, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;

	int rc = lf_transaction_begin(&tx, replication->opts.catalog, err);
	if (!rc)
		rc = lf_agent_row(replication, agent, &row, err);
	if (!rc)
		rc = change(row.doc, argument, err);
	if (!rc)
		rc = lf_catalog_put(replication->opts.catalog, row.id, NULL, LF_PUT_EXISTING, NULL,
				    row.doc, NULL, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
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

	int rc = lf_agent_row(replication, agent, &known, err);
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
	return lf_agent_change(replication, agent, put_inventory, &update, err);
}

int lf_agent_can(struct lf_replication *replication, const char *agent, const char *what,
		 bool *ret_can, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	int rc = lf_agent_row(replication, agent, &row, err);

	if (rc && rc != LF_ENOTFOUND)
		return rc;
	*ret_can = !rc && lf_json_bool_or(lf_json_at(row.doc, "inventory"), what, false);
	return 0;
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

	return lf_agent_change(replication, agent, set_barred, &barring, err);
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

	int rc = lf_agent_row(replication, agent, &row, err);
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

static int refuse_site(struct lf_replication *replication, const struct lf_replica *replica,
		       void *machine, struct lf_error *err)
{
	(void)replication;
	return lf_fail_arm(err, LF_ECONFLICT, "SiteHasProtectedMachines", replica->agent,
			   "disable their replication first",
			   "the site has machines that are being replicated, as %s",
			   (const char *)machine);
}

static int check_agent_unprotected(struct lf_replication *replication,
				   const struct lf_resource *row, void *argument,
				   struct lf_error *err)
{
	const char *name = lf_json_text_or(row->doc, "inventory.machineName", "a machine");

	(void)argument;
	return lf_replicas_of(replication, strrchr(row->id, '/') + 1, refuse_site,
			      (void *)(uintptr_t)name, err);
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
	int rc = each_agent(replication, site_id, check_agent_unprotected, NULL, err);

	if (!rc)
		rc = lf_registration_key_revoke(replication, site_id, NULL, err);
	return rc ? rc : each_agent(replication, site_id, forget_agent, NULL, err);
}

static int warn_of_end(struct lf_replication *replication, const struct lf_resource *row,
		       void *argument, struct lf_error *err)
{
	const char *agent = strrchr(row->id, '/') + 1;
	const json_t *list = lf_json_at(row->doc, "certificates");
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

	int rc = lf_agent_row(replication, agent, &row, err);
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
	const json_t *certificates = lf_json_at(row->doc, "certificates");
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
