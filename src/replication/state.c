/* SPDX-License-Identifier: Apache-2.0 */
#include "replication/state.h"

#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "base/lock.h"

void lf_agent_path(const char *agent, char out[static LF_ID_SIZE])
{
	snprintf(out, LF_ID_SIZE, "/landfall/agents/%s", agent);
}

void lf_session_path(const char *session, char out[static LF_ID_SIZE])
{
	snprintf(out, LF_ID_SIZE, "/landfall/sessions/%s", session);
}

void lf_replica_path(const char *item_id, char out[static LF_ID_SIZE])
{
	char lower[1024], guid[LF_GUID_SIZE];
	size_t i = 0;

	for (; item_id[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)(item_id[i] >= 'A' && item_id[i] <= 'Z' ? item_id[i] + 32
									 : item_id[i]);
	lower[i] = '\0';
	lf_guid_hash("replica", lower, guid);
	snprintf(out, LF_ID_SIZE, "/landfall/replicas/%s", guid);
}

/* Rows of replicas that a version without them has started; once. */
static int index_replicas(struct lf_replication *replication, struct lf_error *err)
{
	static const char setting[] = "replicasIndexed";
	const struct lf_list_query query = {.type = LF_REPLICA_TYPE};
	LF_AUTO_FREE char *done = NULL;
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_setting_get(replication->opts.catalog, setting, &done, err);
	if (rc != LF_ENOTFOUND)
		return rc;
	rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = lf_row_pass_over(list.items[i].id,
				      lf_replica_index(replication, list.items[i].doc, true, err),
				      err);
	return rc ? rc : lf_catalog_setting_put(replication->opts.catalog, setting, "1", err);
}

/* A row under the id that an earlier version gave it, and what its agent is known by. */
static int rename_replica(struct lf_replication *replication, const struct lf_resource *row,
			  struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	char id[LF_ID_SIZE];

	lf_replica_path(lf_json_text_or(row->doc, "itemId", ""), id);
	if (strcmp(id, row->id) == 0)
		return 0;
	LF_AUTO_FREE char *index =
		lf_printf_dup("/landfall/agents/%s/replicas/%s",
			      lf_json_text_or(row->doc, "agentId", ""), strrchr(row->id, '/') + 1);
	int rc = index ? lf_catalog_begin(catalog, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	rc = lf_catalog_delete(catalog, index, err);
	if (!rc)
		rc = lf_catalog_delete(catalog, row->id, err);
	if (!rc)
		rc = lf_catalog_put(catalog, id, LF_REPLICA_TYPE, LF_PUT_ANY, NULL, row->doc,
				    row->state, err);
	if (!rc)
		rc = lf_replica_index(replication, row->doc, true, err);
	if (!rc)
		rc = lf_catalog_commit(catalog, err);
	if (rc)
		lf_catalog_rollback(catalog);
	return rc;
}

/* Ids were made with a hash whose collisions can be computed. */
static int rename_replicas(struct lf_replication *replication, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_REPLICA_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};

	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++)
		rc = rename_replica(replication, &list.items[i], err);
	return rc;
}

static int choose_keys(struct lf_replication *replication, struct lf_error *err)
{
	static const char setting[] = "dedup";
	struct lf_catalog *catalog = replication->opts.catalog;
	const char *wanted = replication->opts.dedup;
	LF_AUTO_FREE char *kept = NULL;

	if (wanted && strcmp(wanted, "region") != 0 && strcmp(wanted, "machine") != 0)
		return lf_fail(err, LF_EINVAL, wanted, "keys are of a region or of a machine");
	int rc = lf_catalog_setting_get(catalog, setting, &kept, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	replication->own_keys = strcmp(wanted ? wanted : kept ? kept : "region", "machine") == 0;
	return wanted ? lf_catalog_setting_put(catalog, setting, wanted, err) : 0;
}

int lf_replication_open(const struct lf_replication_opts *opts,
			struct lf_replication **ret_replication, struct lf_error *err)
{
	struct lf_replication *replication = calloc(1, sizeof(*replication));

	if (!replication)
		return lf_fail_nomem(err);
	replication->opts = *opts;
	pthread_mutex_init(&replication->mutex, NULL);
	pthread_mutex_init(&replication->committer.mutex, NULL);
	pthread_cond_init(&replication->committer.changed, NULL);
	replication->data_dir = strdup(opts->data_dir);
	LF_AUTO_FREE char *sessions = lf_printf_dup("%s/sessions", opts->data_dir);
	int rc = sessions && replication->data_dir ? lf_dir_make(sessions, 0700, err)
						   : lf_fail_nomem(err);
	if (!rc) /* what a killed daemon wrote and did not sync: agents will be told that we have it
		  */
		rc = lf_dir_sync(sessions, err);
	if (!rc)
		rc = lf_journal_ends_new(&replication->ends, err);
	if (!rc)
		rc = index_replicas(replication, err);
	if (!rc)
		rc = rename_replicas(replication, err);
	if (!rc)
		rc = choose_keys(replication, err);
	if (rc) {
		lf_replication_free(replication);
		return rc;
	}
	*ret_replication = replication;
	return 0;
}

void lf_replication_free(struct lf_replication *replication)
{
	if (!replication)
		return;
	lf_replication_stop(replication);
	LF_ALONE(lf_reports_lock);
	for (struct lf_report *r = replication->reports, *next; r; r = next) {
		next = r->next;
		json_decref(r->status);
		free(r);
	}
	pthread_cond_destroy(&replication->committer.changed);
	pthread_mutex_destroy(&replication->committer.mutex);
	pthread_mutex_destroy(&replication->mutex);
	lf_journal_ends_free(replication->ends);
	free(replication->data_dir);
	free(replication);
}

int lf_replica_load(struct lf_replication *replication, const char *item_id,
		    struct lf_resource *ret_resource, struct lf_error *err)
{
	char id[LF_ID_SIZE];

	lf_replica_path(item_id, id);
	int rc = lf_catalog_get(replication->opts.catalog, id, ret_resource, err);
	return rc == LF_ENOTFOUND
		       ? lf_fail(err, LF_ENOTFOUND, item_id, "the item is not replicated")
		       : rc;
}

int lf_replica_index(struct lf_replication *replication, const json_t *replica, bool present,
		     struct lf_error *err)
{
	const char *item = lf_json_text_or(replica, "itemId", "");
	const char *agent = lf_json_text_or(replica, "agentId", "");
	char replica_id[LF_ID_SIZE];

	lf_replica_path(item, replica_id);
	LF_AUTO_FREE char *id = lf_printf_dup("/landfall/agents/%s/replicas/%s", agent,
					      strrchr(replica_id, '/') + 1);
	LF_AUTO_JSON *doc = json_pack("{s:s}", "itemId", item);
	if (!id || !doc)
		return lf_fail_nomem(err);
	return present ? lf_catalog_put(replication->opts.catalog, id, LF_AGENT_REPLICA_TYPE,
					LF_PUT_ANY, NULL, doc, NULL, err)
		       : lf_catalog_delete(replication->opts.catalog, id, err);
}

int lf_replicas_of(struct lf_replication *replication, const char *agent,
		   struct lf_resource_list *ret_list, struct lf_error *err)
{
	char path[LF_ID_SIZE];
	const struct lf_list_query query = {.type = LF_AGENT_REPLICA_TYPE, .below = path};
	LF_AUTO_RESOURCE_LIST list = {0};
	size_t kept = 0;

	lf_agent_path(agent, path);
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;
		rc = lf_replica_load(replication, lf_json_text_or(list.items[i].doc, "itemId", ""),
				     &replica, err);
		if (rc == LF_ENOTFOUND) /* removed meanwhile */
			rc = 0;
		rc = lf_row_pass_over(lf_json_text_or(list.items[i].doc, "itemId", ""), rc, err);
		if (rc || strcmp(lf_json_text_or(replica.doc, "agentId", ""), agent) != 0)
			continue;
		struct lf_resource row = list.items[kept];
		list.items[kept++] = replica;
		replica = row;
	}
	for (size_t i = kept; i < list.n; i++)
		lf_resource_done(&list.items[i]);
	list.n = kept;
	if (rc)
		return rc;
	*ret_list = list;
	list = (struct lf_resource_list){0};
	return 0;
}

int lf_replica_change(struct lf_replication *replication, const char *item_id,
		      lf_replica_change_fn *change, void *argument, struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	bool own = !lf_catalog_in_transaction(catalog);
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;

	int rc = own ? lf_catalog_begin(catalog, err) : 0;
	if (rc)
		return rc;
	rc = lf_replica_load(replication, item_id, &replica, err);
	if (!rc)
		rc = change(replica.doc, argument, err);
	if (!rc)
		rc = lf_catalog_put(catalog, replica.id, NULL, LF_PUT_EXISTING, NULL, replica.doc,
				    NULL, err);
	if (!own)
		return rc;
	if (rc) {
		lf_catalog_rollback(catalog);
		return rc;
	}
	rc = lf_catalog_commit(catalog, err);
	if (!rc && replication->opts.changed)
		replication->opts.changed(replication->opts.context, item_id);
	return rc;
}

struct health {
	struct lf_replication *replication;
	const char *code, *message, *action;
};

static int change_health(json_t *doc, void *argument, struct lf_error *err)
{
	const struct health *health = argument;
	json_t *list = lf_json_at(doc, "health");
	char since[LF_TIME_SIZE];

	lf_time_format(lf_clock_now_ns(health->replication->opts.clock), since);
	if (!list) {
		list = json_array();
		if (lf_json_set(doc, "health", list))
			return lf_fail_nomem(err);
	}
	for (size_t i = json_array_size(list); i-- > 0;)
		if (strcmp(lf_json_text_or(json_array_get(list, i), "code", ""), health->code) ==
		    0) {
			snprintf(since, sizeof(since), "%s",
				 lf_json_text_or(json_array_get(list, i), "since", since));
			json_array_remove(list, i);
		}
	if (!health->message)
		return 0;
	return json_array_append_new(
		       list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "code", health->code, "message",
				       health->message, "causes", health->message, "action",
				       health->action, "severity", "Warning", "since", since))
		       ? lf_fail_nomem(err)
		       : 0;
}

int lf_replica_health(struct lf_replication *replication, const char *item_id, const char *code,
		      const char *message, const char *action, struct lf_error *err)
{
	struct health health = {replication, code, message, action ? action : ""};
	LF_AUTO_RESOURCE replica = LF_RESOURCE_INIT;

	int rc = lf_replica_load(replication, item_id, &replica, err);
	if (rc)
		return rc;
	/* said already, or nothing to take back: no write */
	const json_t *present = NULL;
	json_t *list = lf_json_at(replica.doc, "health");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(lf_json_text_or(json_array_get(list, i), "code", ""), code) == 0)
			present = json_array_get(list, i);
	if (message ? present && strcmp(lf_json_text_or(present, "message", ""), message) == 0
		    : !present)
		return 0;
	return lf_replica_change(replication, item_id, change_health, &health, err);
}

void lf_report_put(struct lf_replication *replication, const char *agent, json_t *status)
{
	LF_GUARD(&replication->mutex, lf_reports_lock);
	struct lf_report *report = replication->reports;

	while (report && strcmp(report->agent, agent) != 0)
		report = report->next;
	if (!report) {
		report = calloc(1, sizeof(*report));
		if (!report) {
			json_decref(status);
			return;
		}
		snprintf(report->agent, sizeof(report->agent), "%s", agent);
		report->next = replication->reports;
		replication->reports = report;
	}
	json_decref(report->status);
	report->status = status;
	report->heard_ns = lf_clock_now_ns(replication->opts.clock);
}

json_t *lf_report_get(struct lf_replication *replication, const char *agent, const char *item_id,
		      int64_t *ret_heard_ns)
{
	LF_GUARD(&replication->mutex, lf_reports_lock);
	const struct lf_report *report = replication->reports;
	size_t i;
	json_t *entry;

	*ret_heard_ns = 0;
	while (report && strcmp(report->agent, agent) != 0)
		report = report->next;
	if (!report)
		return NULL;
	*ret_heard_ns = report->heard_ns;
	json_array_foreach (report->status, i, entry) {
		if (item_id && lf_text_equal_nocase(lf_json_text_or(entry, "itemId", ""), item_id))
			return json_deep_copy(entry);
	}
	return NULL;
}
