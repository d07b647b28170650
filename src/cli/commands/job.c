/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of a vault: what has run and what runs.
 */
#include <string.h>

#include "base/term.h"
#include "base/text.h"
#include "cli/find.h"
#include "cli/commands/jobs.h"
#include "cli/output.h"

static const struct lf_cli_column job_columns[] = {
	{"JOB", "name", LF_SHOW_TEXT},
	{"WHAT", "properties.scenarioName", LF_SHOW_TEXT},
	{"OF", "properties.targetObjectName", LF_SHOW_TEXT},
	{"STATE", "properties.state", LF_SHOW_TEXT},
	{"STARTED", "properties.startTime", LF_SHOW_TEXT},
	{"ENDED", "properties.endTime", LF_SHOW_TEXT},
};
static const struct lf_cli_column task_columns[] = {
	{"TASK", "friendlyName", LF_SHOW_TEXT},
	{"STATE", "state", LF_SHOW_TEXT},
	{"STARTED", "startTime", LF_SHOW_TEXT},
	{"ENDED", "endTime", LF_SHOW_TEXT},
};

/* "VAULT/replicationJobs/NAME", or the id as it was given; free(). */
static int job_id(struct lf_cli *cli, const struct lf_args *args, char **ret_id,
		  struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	bool whole = args->words[0][0] == '/';
	int rc = whole ? 0 : lf_cli_find_vault(cli, args, &vault, err);

	if (rc)
		return rc;
	*ret_id = whole ? strdup(args->words[0])
			: lf_printf_dup("%s/replicationJobs/%s", vault, args->words[0]);
	return *ret_id ? 0 : lf_fail_nomem(err);
}

static int job_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *jobs = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/replicationJobs", vault);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_list(cli, path, LF_API_RECOVERY, &jobs, err);
	return rc ? rc : lf_cli_print_list(cli, jobs, job_columns, LF_N(job_columns), err);
}

static void print_errors(const json_t *job)
{
	const json_t *error;
	size_t i;

	json_array_foreach (lf_json_at(job, "properties.errors"), i, error) {
		putchar('\n');
		lf_term_print(stdout, "%s %s", lf_json_text_or(error, "errorLevel", "Error"),
			      lf_json_text_or(error, "serviceErrorDetails.code", ""));
		lf_term_print(stdout, "  %s",
			      lf_json_text_or(error, "serviceErrorDetails.message", ""));
	}
}

static int print_job(const struct lf_cli *cli, const json_t *job, struct lf_error *err)
{
	LF_AUTO_JSON *none = json_array();
	const json_t *tasks = lf_json_at(job, "properties.tasks");
	int rc = lf_cli_print_one(cli, job, job_columns, LF_N(job_columns), err);

	if (rc || cli->json)
		return rc;
	putchar('\n');
	rc = lf_cli_print_list(cli, tasks ? tasks : none, task_columns, LF_N(task_columns), err);
	if (!rc)
		print_errors(job);
	return rc;
}

static int job_show(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *id = NULL;
	LF_AUTO_JSON *job = NULL;
	int rc = job_id(cli, args, &id, err);

	if (!rc)
		rc = lf_cli_get(cli, id, LF_API_RECOVERY, &job, err);
	return rc ? rc : print_job(cli, job, err);
}

/* A failed job is an error of ours, with what it says. */
static int fail_job(const json_t *job, struct lf_error *err)
{
	const json_t *error = lf_json_at(job, "properties.errors.0.serviceErrorDetails");
	const char *state = lf_json_text_or(job, "properties.state", "");

	if (lf_text_equal_nocase(state, "Cancelled"))
		return lf_fail(err, LF_ECANCELED, lf_cli_id(job), "the job was cancelled");
	return lf_fail_arm(err, LF_ECONFLICT, lf_json_text_or(error, "code", "JobFailed"),
			   lf_cli_id(job), lf_json_text(error, "recommendedAction"), "%s",
			   lf_json_text_or(error, "message", "the job failed"));
}

void lf_cli_job_progress(const struct lf_cli *cli, struct lf_cli_progress *progress,
			 const json_t *job)
{
	const json_t *tasks = lf_json_at(job, "properties.tasks"), *task;
	const char *now = lf_json_text_or(job, "properties.state", "");
	size_t i, over = 0;

	json_array_foreach (tasks, i, task) {
		const char *state = lf_json_text_or(task, "state", "");
		if (lf_json_text(task, "endTime"))
			over++;
		if (lf_text_equal_nocase(state, "InProgress"))
			now = lf_json_text_or(task, "friendlyName", now);
	}
	lf_cli_progress(cli, progress, i ? (int)(over * 100 / i) : 0, "%s", now);
}

static int job_watch(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *id = NULL;
	LF_AUTO_JSON *job = NULL;
	struct lf_cli_progress progress = {0};
	int rc = job_id(cli, args, &id, err);

	while (!rc) {
		json_decref(lf_steal(&job));
		rc = lf_cli_get(cli, id, LF_API_RECOVERY, &job, err);
		if (rc)
			break;
		lf_cli_job_progress(cli, &progress, job);
		const char *state = lf_json_text_or(job, "properties.state", "");
		if (strcmp(state, "NotStarted") != 0 && strcmp(state, "InProgress") != 0)
			break;
		lf_cli_sleep_ms(500);
	}
	lf_cli_progress_end(cli, &progress);
	if (rc)
		return rc;
	if (strcmp(lf_json_text_or(job, "properties.state", ""), "Succeeded") != 0)
		return fail_job(job, err);
	return print_job(cli, job, err);
}

static int job_cancel(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *id = NULL;
	LF_AUTO_JSON *doc = NULL;
	int rc = job_id(cli, args, &id, err);

	if (rc)
		return rc;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/cancel", id);
	if (!path)
		return lf_fail_nomem(err);
	rc = lf_cli_change(cli, "POST", path, LF_API_RECOVERY, NULL, NULL, NULL, &doc, err);
	return rc ? rc : lf_cli_say(cli, doc, err, "cancelled");
}

#define ONE_JOB .args = "JOB", .min_args = 1, .max_args = 1

const struct lf_cli_command lf_cli_job_commands[] = {
	{.words = "job list",
	 .help = "List the jobs of a vault, the newest first.",
	 .run = job_list,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "job show",
	 ONE_JOB,
	 .help = "Show a job with its tasks and errors.",
	 .run = job_show,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "job watch",
	 ONE_JOB,
	 .help = "Follow a job to its end; a failed one is an error.",
	 .run = job_watch,
	 .options = {LF_CLI_VAULT_OPTION}},
	{.words = "job cancel",
	 ONE_JOB,
	 .help = "Cancel a job.",
	 .run = job_cancel,
	 .options = {LF_CLI_VAULT_OPTION, LF_CLI_NO_WAIT_OPTION}},
	{0},
};
