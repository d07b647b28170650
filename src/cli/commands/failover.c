/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test failover, failover and what ends them.
 */
#include <string.h>

#include "base/text.h"
#include "cli/find.h"
#include "cli/commands/jobs.h"
#include "json/doc.h"

static const struct lf_cli_column item_columns[] = {
	{"item", "name", LF_SHOW_TEXT},
	{"state", "properties.protectionState", LF_SHOW_TEXT},
	{"description", "properties.protectionStateDescription", LF_SHOW_TEXT},
	{"test failover", "properties.testFailoverState", LF_SHOW_TEXT},
	{"active location", "properties.activeLocation", LF_SHOW_TEXT},
	{"allowed", "properties.allowedOperations", LF_SHOW_JOINED},
};

/* What is followed while the operation runs. */
struct watching {
	const char *item_id;
	char *job_id;
	struct lf_cli_progress progress;
};

/* The job is named by the item while it works on it. */
static int find_job(struct lf_cli *cli, struct watching *watching, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	int rc = lf_cli_get(cli, watching->item_id, LF_API_RECOVERY, &item, err);
	const char *job = rc ? NULL : lf_json_text(item, "properties.currentScenario.jobId");

	if (rc || !job || !*job || lf_text_equal_nocase(job, "None"))
		return rc;
	const char *end = strcasestr(watching->item_id, "/replicationFabrics/");
	if (strchr(job, '/'))
		watching->job_id = strdup(job);
	else
		watching->job_id = lf_printf_dup(
			"%.*s/replicationJobs/%s",
			(int)(end ? (size_t)(end - watching->item_id) : strlen(watching->item_id)),
			watching->item_id, job);
	return watching->job_id ? 0 : lf_fail_nomem(err);
}

static int show_job(struct lf_cli *cli, void *context, struct lf_error *err)
{
	struct watching *watching = context;
	LF_AUTO_JSON *job = NULL;
	int rc = watching->job_id ? 0 : find_job(cli, watching, err);

	if (!rc && watching->job_id)
		rc = lf_cli_get(cli, watching->job_id, LF_API_RECOVERY, &job, err);
	if (!rc && job)
		lf_cli_job_progress(cli, &watching->progress, job);
	return rc;
}

/* POST an action of the item, follow its job, show the item after. */
static int act(struct lf_cli *cli, const json_t *item, const char *action, json_t *body,
	       struct lf_error *err)
{
	LF_AUTO_JSON *owned = body;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *after = NULL;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", lf_cli_id(item), action);
	struct watching watching = {.item_id = lf_cli_id(item)};

	if (!path || !owned)
		return lf_fail_nomem(err);
	int rc = lf_cli_change(cli, "POST", path, LF_API_RECOVERY, owned, show_job, &watching, &doc,
			       err);
	if (!rc && cli->wait && watching.job_id)
		rc = show_job(cli, &watching, err);
	lf_cli_progress_end(cli, &watching.progress);
	free(watching.job_id);
	if (!rc)
		rc = lf_cli_get(cli, lf_cli_id(item), LF_API_RECOVERY, &after, err);
	return rc ? rc : lf_cli_print_one(cli, after, item_columns, LF_N(item_columns), err);
}

/* Id of the newest point of that kind (NULL: of any); free(). */
static int newest_of(struct lf_cli *cli, const json_t *item, const char *kind, char **ret_id,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/recoveryPoints", lf_cli_id(item));
	LF_AUTO_JSON *points = NULL;
	const json_t *newest = NULL;
	size_t i;
	json_t *point;

	int rc = path ? lf_cli_list(cli, path, LF_API_RECOVERY, &points, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	json_array_foreach (points, i, point) {
		const char *time = lf_json_text_or(point, "properties.recoveryPointTime", "");
		bool fits =
			!kind || strcmp(lf_json_text_or(point, "properties.recoveryPointType", ""),
					kind) == 0;
		if (fits &&
		    (!newest ||
		     strcmp(time, lf_json_text_or(newest, "properties.recoveryPointTime", "")) > 0))
			newest = point;
	}
	if (!newest) {
		lf_fail(err, LF_ENOTFOUND, "--point", "the item has no %s recovery point",
			kind ? kind : "");
		return lf_error_hint(err, "landfall replication points shows what there is");
	}
	*ret_id = strdup(lf_cli_id(newest));
	return *ret_id ? 0 : lf_fail_nomem(err);
}

/* Id of the point that --point names; "" for none; free(). */
static int point_id(struct lf_cli *cli, const struct lf_args *args, const json_t *item,
		    char **ret_id, struct lf_error *err)
{
	static const struct {
		const char *word, *kind;
	} kinds[] = {{"latest-processed", NULL},
		     {"latest-app-consistent", "ApplicationConsistent"},
		     {"latest-crash-consistent", "CrashConsistent"}};
	const char *point = lf_args_value(args, "--point");

	for (size_t i = 0; point && i < LF_N(kinds); i++)
		if (lf_text_equal_nocase(point, kinds[i].word))
			return newest_of(cli, item, kinds[i].kind, ret_id, err);
	if (!point || lf_text_equal_nocase(point, "latest"))
		*ret_id = strdup("");
	else if (point[0] == '/')
		*ret_id = strdup(point);
	else
		*ret_id = lf_printf_dup("%s/recoveryPoints/%s", lf_cli_id(item), point);
	return *ret_id ? 0 : lf_fail_nomem(err);
}

static int test_start(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_JSON *network = NULL;
	LF_AUTO_FREE char *point = NULL;
	const char *name = lf_args_value(args, "--network");
	int rc = lf_cli_find_item(cli, args, args->words[0], &item, err);

	if (!rc && name)
		rc = lf_cli_find(cli, &lf_kind_network, NULL, name, &network, err);
	if (!rc)
		rc = point_id(cli, args, item, &point, err);
	if (rc)
		return rc;
	const char *network_id =
		network ? lf_cli_id(network)
			: lf_json_text_or(item, "properties.providerSpecificDetails.testNetworkId",
					  "");
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "properties.failoverDirection", "PrimaryToRecovery");
	lf_doc_text(&doc, "properties.networkType", "VmNetworkAsInput");
	lf_doc_text(&doc, "properties.networkId", network_id);
	lf_doc_text(&doc, "properties.providerSpecificDetails.instanceType", "InMageRcm");
	lf_doc_text(&doc, "properties.providerSpecificDetails.networkId", network_id);
	lf_doc_text(&doc, "properties.providerSpecificDetails.recoveryPointId", point);
	return act(cli, item, "testFailover", lf_doc_take(&doc), err);
}

static int test_cleanup(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	int rc = lf_cli_find_item(cli, args, args->words[0], &item, err);

	return rc ? rc
		  : act(cli, item, "testFailoverCleanup",
			json_pack("{s:{s:s}}", "properties", "comments",
				  lf_args_value_or(args, "--comments", "")),
			err);
}

static int failover_start(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	LF_AUTO_FREE char *point = NULL;
	bool shutdown = lf_args_value(args, "--shutdown") != NULL;
	int rc = lf_cli_find_item(cli, args, args->words[0], &item, err);

	if (!rc)
		rc = point_id(cli, args, item, &point, err);
	if (rc)
		return rc;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "properties.failoverDirection", "PrimaryToRecovery");
	lf_doc_text(&doc, "properties.sourceSiteOperations", shutdown ? "Required" : "NotRequired");
	lf_doc_text(&doc, "properties.providerSpecificDetails.instanceType", "InMageRcm");
	lf_doc_text(&doc, "properties.providerSpecificDetails.recoveryPointId", point);
	lf_doc_text(&doc, "properties.providerSpecificDetails.performShutdown",
		    shutdown ? "true" : "false");
	return act(cli, item, "unplannedFailover", lf_doc_take(&doc), err);
}

static int failover_commit(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *item = NULL;
	int rc = lf_cli_find_item(cli, args, args->words[0], &item, err);

	return rc ? rc : act(cli, item, "failoverCommit", json_object(), err);
}

#define ONE_ITEM .args = "ITEM", .min_args = 1, .max_args = 1
#define POINT                                                                                      \
	{                                                                                          \
		"--point", "POINT", false,                                                         \
			"recovery point, or latest, latest-processed, latest-app-consistent, "     \
			"latest-crash-consistent (default: latest)"                                \
	}

const struct lf_cli_command lf_cli_failover_commands[] = {
	{.words = "test-failover start",
	 ONE_ITEM,
	 .help = "Boot a test machine from a recovery point on an isolated network.",
	 .run = test_start,
	 .options = {POINT,
		     {"--network", "NETWORK", false, "network (default: the item's test network)"},
		     LF_CLI_VAULT_OPTION,
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "test-failover cleanup",
	 ONE_ITEM,
	 .help = "Remove the test machine.",
	 .run = test_cleanup,
	 .options = {{"--comments", "TEXT", false, "kept with the job"},
		     LF_CLI_VAULT_OPTION,
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "failover start",
	 ONE_ITEM,
	 .help = "Start the target machine; without --point, final changes are taken first.",
	 .run = failover_start,
	 .options = {POINT,
		     {"--shutdown", NULL, false, "shut the source down first"},
		     LF_CLI_VAULT_OPTION,
		     LF_CLI_NO_WAIT_OPTION}},
	{.words = "failover commit",
	 ONE_ITEM,
	 .help = "Complete the migration: other points can no longer be chosen.",
	 .run = failover_commit,
	 .options = {LF_CLI_VAULT_OPTION, LF_CLI_NO_WAIT_OPTION}},
	{0},
};
