/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and closing replication.
 *
 * Opening syncs the sessions' folder first: what a killed daemon wrote and did not sync would be
 * lost by a power cut after agents were told that it is here.  Then rows of earlier versions get
 * the form of this one, each in a transaction of its own, so that a kill leaves some renamed and
 * the next start goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "os/file.h"
#include "replication/assign/rendezvous.h"
#include "replication/state.h"

typedef int read_fn(struct lf_replication *replication, const struct lf_replica *replica,
		    struct lf_error *err);

/* Every replica of the site; a row that cannot be read harms itself only. */
static int each_replica(struct lf_replication *replication, read_fn *visit, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_REPLICA_TYPE};
	LF_AUTO_RESOURCE_LIST list = {0};
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);

	for (size_t i = 0; !rc && i < list.n; i++) {
		LF_AUTO_REPLICA replica = {0};
		rc = lf_replica_read(&list.items[i], &replica, err);
		if (!rc)
			rc = visit(replication, &replica, err);
		rc = lf_row_pass_over(replica.row.id, rc, err);
	}
	return rc;
}

static int index_replica(struct lf_replication *replication, const struct lf_replica *replica,
			 struct lf_error *err)
{
	return lf_replica_index(replication, replica, true, err);
}

/* Rows of replicas that a version without them, or without the account in them, has started. */
static int index_replicas(struct lf_replication *replication, struct lf_error *err)
{
	static const char setting[] = "replicasIndexed", version[] = "2";
	LF_AUTO_FREE char *done = NULL;

	int rc = lf_catalog_setting_get(replication->opts.catalog, setting, &done, err);
	if (rc ? rc != LF_ENOTFOUND : strcmp(done, version) == 0)
		return rc;
	rc = each_replica(replication, index_replica, err);
	return rc ? rc : lf_catalog_setting_put(replication->opts.catalog, setting, version, err);
}

/* A row under the id that an earlier version gave it, which was made with a hash whose collisions
 * can be computed, and what its agent is known by. */
static int rename_replica(struct lf_replication *replication, const struct lf_replica *replica,
			  struct lf_error *err)
{
	struct lf_catalog *catalog = replication->opts.catalog;
	const struct lf_resource *row = &replica->row;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	char id[LF_ID_SIZE];

	lf_replica_path(replica->item, id);
	if (strcmp(id, row->id) == 0)
		return 0;
	LF_AUTO_FREE char *index = lf_printf_dup("/landfall/agents/%s/replicas/%s", replica->agent,
						 strrchr(row->id, '/') + 1);
	int rc = index ? lf_transaction_begin(&tx, catalog, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_catalog_delete(catalog, index, err);
	if (!rc)
		rc = lf_catalog_delete(catalog, row->id, err);
	if (!rc)
		rc = lf_catalog_put(catalog, id, LF_REPLICA_TYPE, LF_PUT_ANY, NULL, row->doc,
				    row->state, err);
	if (!rc)
		rc = lf_replica_index(replication, replica, true, err);
	return rc ? rc : lf_transaction_commit(&tx, err);
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
	pthread_mutex_init(&replication->rendezvous_mutex, NULL);
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
		rc = each_replica(replication, rename_replica, err);
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
	lf_rendezvous_free_all(replication);
	pthread_mutex_destroy(&replication->rendezvous_mutex);
	pthread_cond_destroy(&replication->committer.changed);
	pthread_mutex_destroy(&replication->committer.mutex);
	pthread_mutex_destroy(&replication->mutex);
	lf_journal_ends_free(replication->ends);
	free(replication->data_dir);
	free(replication);
}
