/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of replicas: read into a struct, changed in one transaction, and found by their agent.
 *
 * A replica's row and the row below its agent's that names it are written in one transaction.  A
 * change reads the row inside of the transaction that writes it, so that of two at once none is
 * lost; a kill leaves the row before or the row after.
 */
#include <string.h>

#include "replication/state.h"

#define DEFAULT_CRASH_MINUTES	5
#define DEFAULT_HISTORY_MINUTES (3 * 24 * 60)

static const struct lf_field replica_fields[] = {
	LF_TEXT_AT(struct lf_replica, item, "itemId", LF_REQUIRED),
	LF_TEXT_AT(struct lf_replica, agent, "agentId", LF_REQUIRED),
	LF_TEXT_AT(struct lf_replica, region, "region", 0),
	LF_TEXT_AT(struct lf_replica, account, "cacheAccountId", 0),
	LF_TEXT_AT(struct lf_replica, group, "group", 0),
	LF_TEXT_AT(struct lf_replica, phase, "phase", 0),
	LF_TEXT_AT(struct lf_replica, session, "session", 0),
	LF_TEXT_AT(struct lf_replica, last_point, "lastPointId", 0),
	LF_TEXT_AT(struct lf_replica, last_point_time, "lastPointTime", 0),
	LF_TEXT_AT(struct lf_replica, final_token, "finalToken", 0),
	LF_TEXT_AT(struct lf_replica, wanted.token, "finalWanted.token", 0),
	LF_BOOL_AT(struct lf_replica, wanted.stop_after, "finalWanted.stopAfter", 0),
	LF_BOOL_AT(struct lf_replica, wanted.shut_down, "finalWanted.shutDown", 0),
	LF_TEXT_AT(struct lf_replica, shut_down_token, "shutDown.token", 0),
	LF_INT_AT(struct lf_replica, last_point_ns, "lastPointNs", 0, INT64_MIN, INT64_MAX),
	LF_INT_AT(struct lf_replica, last_app_ns, "lastAppNs", 0, INT64_MIN, INT64_MAX),
	LF_INT_AT(struct lf_replica, app_tried_ns, "appTriedNs", 0, INT64_MIN, INT64_MAX),
	LF_JSON_AT(struct lf_replica, app_fault, "appFault", 0, LF_OBJECT),
	LF_INT_AT(struct lf_replica, initial_sent_bytes, "initialSentBytes", 0, 0, INT64_MAX),
	LF_INT_AT(struct lf_replica, policy.history_minutes, "policy.recoveryPointHistoryInMinutes",
		  0, INT64_MIN, INT64_MAX),
	LF_INT_AT(struct lf_replica, policy.crash_minutes,
		  "policy.crashConsistentFrequencyInMinutes", 0, INT64_MIN, INT64_MAX),
	LF_INT_AT(struct lf_replica, policy.app_minutes, "policy.appConsistentFrequencyInMinutes",
		  0, INT64_MIN, INT64_MAX),
	LF_JSON_AT(struct lf_replica, disks, "disks", 0, LF_ARRAY),
	LF_JSON_AT(struct lf_replica, points, "points", 0, LF_ARRAY),
	LF_JSON_AT(struct lf_replica, leaving, "leaving", 0, LF_ARRAY),
	LF_JSON_AT(struct lf_replica, health, "health", 0, LF_ARRAY),
};

void lf_replica_done(struct lf_replica *replica)
{
	lf_resource_done(&replica->row);
}

int lf_row_read(const struct lf_field *fields, size_t n, const struct lf_resource *row,
		void *ret_struct, struct lf_error *err)
{
	struct lf_error why = LF_ERROR_NONE;
	int rc = lf_fields_read(fields, n, row->doc, "", ret_struct, &why);

	if (rc == LF_EINVAL)
		return lf_fail(err, LF_ECORRUPT, row->id, "the row %s makes no sense: %s", row->id,
			       why.message);
	if (rc)
		*err = why;
	return rc;
}

int lf_replica_read(struct lf_resource *row, struct lf_replica *ret_replica, struct lf_error *err)
{
	*ret_replica = (struct lf_replica){.row = *row,
					   .region = "",
					   .phase = "",
					   .account = "",
					   .group = "",
					   .initial_sent_bytes = -1,
					   .policy = {.history_minutes = DEFAULT_HISTORY_MINUTES,
						      .crash_minutes = DEFAULT_CRASH_MINUTES}};
	*row = LF_RESOURCE_INIT;
	return lf_row_read(replica_fields, LF_N(replica_fields), &ret_replica->row, ret_replica,
			   err);
}

int lf_replica_load(struct lf_replication *replication, const char *item_id,
		    struct lf_replica *ret_replica, struct lf_error *err)
{
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	char id[LF_ID_SIZE];
	bool there;

	lf_replica_path(item_id, id);
	int rc = lf_catalog_find(replication->opts.catalog, id, &row, &there, err);
	if (!rc && !there)
		return lf_fail(err, LF_ENOTFOUND, item_id, "the item is not replicated");
	return rc ? rc : lf_replica_read(&row, ret_replica, err);
}

bool lf_point_is_app(const json_t *point)
{
	return strcmp(lf_json_text_or(point, "consistency", ""), "ApplicationConsistent") == 0;
}

bool lf_replica_lists_point(const struct lf_replica *replica, const char *point)
{
	return lf_json_find(replica->points, "id", point);
}

int lf_replica_index(struct lf_replication *replication, const struct lf_replica *replica,
		     bool present, struct lf_error *err)
{
	const char *slash = strrchr(replica->account, '/');
	LF_AUTO_DOC doc = LF_DOC_INIT;
	LF_AUTO_JSON *row = NULL;
	char replica_id[LF_ID_SIZE];

	lf_replica_path(replica->item, replica_id);
	LF_AUTO_FREE char *id = lf_printf_dup("/landfall/agents/%s/replicas/%s", replica->agent,
					      strrchr(replica_id, '/') + 1);
	if (!id)
		return lf_fail_nomem(err);
	if (!present)
		return lf_catalog_delete(replication->opts.catalog, id, err);
	lf_doc_text(&doc, "itemId", replica->item);
	lf_doc_text(&doc, "account", slash ? slash + 1 : replica->account);
	lf_doc_text_if(&doc, "group", *replica->group ? replica->group : NULL);
	int rc = lf_doc_end(&doc, &row, err);
	return rc ? rc
		  : lf_catalog_put(replication->opts.catalog, id, LF_AGENT_REPLICA_TYPE, LF_PUT_ANY,
				   NULL, row, NULL, err);
}

static int list_index(struct lf_replication *replication, const char *agent,
		      struct lf_resource_list *ret_list, struct lf_error *err)
{
	char path[LF_ID_SIZE];
	const struct lf_list_query query = {.type = LF_AGENT_REPLICA_TYPE, .below = path};

	lf_agent_path(agent, path);
	return lf_catalog_list(replication->opts.catalog, &query, ret_list, err);
}

int lf_replicas_of(struct lf_replication *replication, const char *agent, lf_replica_fn *visit,
		   void *argument, struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = list_index(replication, agent, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		const char *item = lf_json_text_or(list.items[i].doc, "itemId", "");
		LF_AUTO_REPLICA replica = {0};
		rc = lf_replica_load(replication, item, &replica, err);
		bool there = !rc && strcmp(replica.agent, agent) == 0;
		rc = lf_row_pass_over(item, rc == LF_ENOTFOUND ? 0 : rc, err);
		if (there && !rc)
			rc = visit(replication, &replica, argument, err);
	}
	return rc;
}

int lf_agent_uses_account(struct lf_replication *replication, const char *agent,
			  const char *account, bool *ret_uses, struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = list_index(replication, agent, &list, err);

	if (rc)
		return rc;
	*ret_uses = false;
	for (size_t i = 0; i < list.n; i++)
		*ret_uses = *ret_uses ||
			    lf_text_equal_nocase(lf_json_text_or(list.items[i].doc, "account", ""),
						 account);
	return 0;
}

int lf_replication_account_item(struct lf_replication *replication, const char *account,
				char **ret_item, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_AGENT_REPLICA_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	const json_t *found = NULL;
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);

	for (size_t i = 0; !rc && !found && i < list.n; i++)
		if (lf_text_equal_nocase(lf_json_text_or(list.items[i].doc, "account", ""),
					 account))
			found = list.items[i].doc;
	if (rc)
		return rc;
	*ret_item = found ? strdup(lf_json_text_or(found, "itemId", "")) : NULL;
	return found && !*ret_item ? lf_fail_nomem(err) : 0;
}

int lf_replica_change(struct lf_replication *replication, const char *item_id,
		      lf_replica_change_fn *change, void *argument, struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	bool own = !lf_catalog_in_transaction(catalog);
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_REPLICA replica = {0};

	int rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = lf_replica_load(replication, item_id, &replica, err);
	if (rc)
		return rc;
	LF_AUTO_DOC doc = lf_doc_from(json_copy(replica.row.doc));
	rc = change(&replica, &doc, argument, err);
	if (!rc)
		rc = lf_doc_check(&doc, err);
	if (!rc)
		rc = lf_catalog_put(catalog, replica.row.id, NULL, LF_PUT_EXISTING, NULL, doc.root,
				    NULL, err);
	if (!rc)
		rc = lf_transaction_commit(&tx, err);
	if (!rc && own && replication->opts.changed)
		replication->opts.changed(replication->opts.context, item_id);
	return rc;
}

/* Health. */

struct health {
	struct lf_replication *replication;
	const char *code, *message, *action;
};

static json_t *health_entry(const struct health *health, const char *since)
{
	LF_AUTO_DOC entry = LF_DOC_INIT;

	lf_doc_text(&entry, "code", health->code);
	lf_doc_text(&entry, "message", health->message);
	lf_doc_text(&entry, "causes", health->message);
	lf_doc_text(&entry, "action", health->action);
	lf_doc_text(&entry, "severity", "Warning");
	lf_doc_text(&entry, "since", since);
	return lf_doc_take(&entry);
}

static int change_health(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
			 struct lf_error *err)
{
	const struct health *health = argument;
	json_t *entry;
	char since[LF_TIME_SIZE];
	size_t i;

	(void)err;
	lf_time_format(lf_clock_now_ns(health->replication->opts.clock), since);
	lf_doc_put(doc, "health", json_array());
	json_array_foreach (replica->health, i, entry) {
		const char *said = lf_json_text(entry, "since");
		if (strcmp(lf_json_text_or(entry, "code", ""), health->code) != 0)
			lf_doc_append(doc, "health", json_incref(entry));
		else if (said)
			snprintf(since, sizeof(since), "%s", said);
	}
	if (health->message)
		lf_doc_append(doc, "health", health_entry(health, since));
	return 0;
}

int lf_replica_health(struct lf_replication *replication, const struct lf_replica *replica,
		      const char *code, const char *message, const char *action,
		      struct lf_error *err)
{
	struct health health = {replication, code, message, action ? action : ""};
	/* said already, or nothing to take back: no write */
	const json_t *present = lf_json_find(replica->health, "code", code);

	if (message ? present && strcmp(lf_json_text_or(present, "message", ""), message) == 0
		    : !present)
		return 0;
	return lf_replica_change(replication, replica->item, change_health, &health, err);
}
