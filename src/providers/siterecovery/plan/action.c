/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recovery plan does before and after a group: a person is waited for, or
 * a program of the operator's is run on this host.
 *
 * A manual action suspends the job; what the person says when resuming it is kept
 * with the action.  A program is run to its end by the job's step, with a clean
 * environment and in a group of its own.  A daemon that is stopped or killed
 * meanwhile does not wait for it, and runs it again at its next start, when the
 * first run may not have ended: a program has to bear that.  Which programs
 * there are is the operator's choice alone (landfalld --plan-scripts): a plan
 * names a file of that directory, never a path, a shell or an argument.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/term.h"
#include "os/process.h"
#include "providers/siterecovery/plan/plan.h"

#define TARGET	      "properties.groups.customDetails"
#define TIMEOUT_S     300
#define TIMEOUT_MAX_S 600
#define OUTPUT_MAX    65536
#define OUTPUT_KEPT   4096 /* bytes of a program's output, the last ones */
#define SCRIPTS_MAX   2	   /* at once: each has a worker of the engine, which others need, too */

static int fail_script(const char *target, const char *hint, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "RecoveryPlanScriptNotUsable", target, hint, "%s", what);
}

/* "00:10:00"; "" is five minutes. */
static int read_timeout(const json_t *details, int64_t *ret_seconds, struct lf_error *err)
{
	const char *text = lf_json_text_or(details, "timeout", "");
	unsigned h, m, s;
	char end;

	*ret_seconds = TIMEOUT_S;
	if (!*text)
		return 0;
	bool plain = strspn(text, "0123456789:") == strlen(text) && strlen(text) <= 8;
	if (plain && sscanf(text, "%2u:%2u:%2u%c", &h, &m, &s, &end) == 3 && m < 60 && s < 60) {
		*ret_seconds = (int64_t)h * 3600 + m * 60 + s;
		if (*ret_seconds >= 1 && *ret_seconds <= TIMEOUT_MAX_S)
			return 0;
	}
	return fail_script(TARGET ".timeout", "write hh:mm:ss, at most 00:10:00",
			   "the timeout is none", err);
}

/* Only what the operator alone can have written is run. */
static int check_file(const char *path, struct lf_error *err)
{
	static const char target[] = TARGET ".path";
	struct stat st;
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fstat(fd, &st);

	if (fd >= 0)
		close(fd);
	if (rc)
		return fail_script(target, "name a file of the directory of --plan-scripts",
				   "the operator has no script of that name", err);
	bool own = st.st_uid == 0 || st.st_uid == geteuid();
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR) || (st.st_mode & (S_IWGRP | S_IWOTH)) ||
	    !own)
		return fail_script(
			target, "make it an executable file that only its owner can write",
			"the script is no program that only the operator can change", err);
	return 0;
}

int lf_sr_plan_script_check(struct lf_context *context, const json_t *details, char **ret_path,
			    struct lf_error *err)
{
	const char *name = lf_json_text_or(details, "path", "");
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", context->plan_scripts, name);
	int64_t seconds;

	if (!context->plan_scripts)
		return lf_fail_arm(
			err, LF_EUNSUPPORTED, "RecoveryPlanScriptsNotAllowed", TARGET ".path",
			"start landfalld with --plan-scripts DIR, or use a manual action",
			"this site's operator lets plans run no scripts");
	if (!path)
		return lf_fail_nomem(err);
	if (!*name || *name == '.' || strchr(name, '/'))
		return fail_script(TARGET ".path", "give the name of a file without a directory",
				   "the path is not a file's name", err);
	if (strcmp(lf_json_text_or(details, "fabricLocation", ""), "Recovery") != 0)
		return fail_script(TARGET ".fabricLocation", "give Recovery",
				   "scripts run on the host of the recovery site alone", err);
	int rc = read_timeout(details, &seconds, err);
	if (!rc)
		rc = check_file(path, err);
	if (!rc)
		*ret_path = lf_steal(&path);
	return rc;
}

json_t *lf_sr_plan_actions(const struct lf_job *job, const json_t *group, const char *when)
{
	const char *failover = lf_json_text_or(job->doc, "scenario", "");
	json_t *actions = json_array(), *action, *type;
	size_t i, j;

	json_array_foreach (lf_json_at(group, when), i, action) {
		bool ours = false, forth = false;
		json_array_foreach (lf_json_at(action, "failoverTypes"), j, type)
			ours = ours || strcmp(json_string_value(type), failover) == 0;
		json_array_foreach (lf_json_at(action, "failoverDirections"), j, type)
			forth = forth || strcmp(json_string_value(type), "PrimaryToRecovery") == 0;
		if (ours && forth)
			json_array_append(actions, action);
	}
	return actions;
}

void lf_sr_plan_action_key(unsigned stage, size_t at, char key[static LF_SR_PLAN_KEY_SIZE])
{
	snprintf(key, LF_SR_PLAN_KEY_SIZE, "s%ua%zu", stage % 100, at % 100);
}

/* What is known of the action, in the job's data. */
static int put_state(struct lf_job_run *run, const char *key, const char *member, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "actions.%s.%s", key, member);
	return lf_json_set_text(lf_job_run_data(run), path, text);
}

static int put_time(struct lf_job_run *run, const char *key, const char *member)
{
	struct lf_context *context = lf_job_run_context(run);
	char path[64];

	snprintf(path, sizeof(path), "actions.%s.%s", key, member);
	return lf_json_set_time(lf_job_run_data(run), path, lf_clock_now_ns(context->clock));
}

static int set_action(struct lf_job_run *run, const char *key, const char *state, const char *when,
		      struct lf_error *err)
{
	return put_state(run, key, "state", state) | put_time(run, key, when) ? lf_fail_nomem(err)
									      : 0;
}

static int wait_for_person(struct lf_job_run *run, const char *key, struct lf_error *err)
{
	json_t *data = lf_job_run_data(run);

	if (strcmp(lf_json_text_or(data, "waiting", ""), key) != 0) {
		int rc = set_action(run, key, "Suspended", "startTime", err);
		if (!rc && lf_json_set_text(data, "waiting", key))
			rc = lf_fail_nomem(err);
		return rc ? rc : LF_STEP_SUSPEND;
	}
	/* nothing but resuming leads here: what the person said is the action's result */
	if (put_state(run, key, "observation", lf_json_text_or(data, "resumeComments", "")))
		return lf_fail_nomem(err);
	json_object_del(data, "waiting");
	json_object_del(data, "resumeComments");
	return set_action(run, key, "Succeeded", "endTime", err);
}

/* The end of what the program said, as text that can be shown. */
static int keep_output(struct lf_job_run *run, const char *key, const struct lf_buf *output,
		       struct lf_error *err)
{
	size_t len = output->len < OUTPUT_KEPT ? output->len : OUTPUT_KEPT;
	LF_AUTO_FREE char *text =
		strndup(output->data ? output->data + output->len - len : "", len);

	if (!text)
		return lf_fail_nomem(err);
	lf_term_clean_lines(text, strlen(text));
	return put_state(run, key, "output", text) ? lf_fail_nomem(err) : 0;
}

/* Is it still what may be run? */
static int begin_script(struct lf_job_run *run, const char *key, const json_t *details,
			char **ret_path, int64_t *ret_seconds, struct lf_error *err)
{
	struct lf_error ignored;
	int rc = set_action(run, key, "InProgress", "startTime", err);

	if (rc)
		return rc;
	rc = lf_sr_plan_script_check(lf_job_run_context(run), details, ret_path, err);
	if (!rc)
		rc = read_timeout(details, ret_seconds, err);
	if (rc) {
		int told = set_action(run, key, "Failed", "endTime", &ignored);
		return told ? lf_fail_nomem(err) : rc;
	}
	return lf_job_save(run, err);
}

static int run_script(struct lf_job_run *run, const char *key, const json_t *action,
		      struct lf_error *err)
{
	const json_t *details = lf_json_at(action, "customDetails");
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
					  NULL};
	const struct lf_job *job = lf_job_run_job(run);
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_BUF output = LF_BUF_INIT;
	pid_t group = 0;
	struct lf_error why = LF_ERROR_NONE;
	int64_t seconds = TIMEOUT_S;

	int rc = begin_script(run, key, details, &path, &seconds, err);
	if (rc)
		return rc;
	const char *argv[] = {path, lf_json_text_or(job->doc, "scenario", ""),
			      lf_json_text_or(job->doc, "targetObjectName", ""), NULL};
	int ended =
		lf_group_run(argv, env, seconds * LF_NS_PER_S, &output, OUTPUT_MAX, &group, &why);
	if (!ended)
		lf_group_end(group); /* what it started ends with it */
	rc = keep_output(run, key, &output, err);
	if (!rc)
		rc = set_action(run, key, ended ? "Failed" : "Succeeded", "endTime", err);
	if (rc || !ended)
		return rc;
	/* the host's paths are not for the plan's users: what the program said is in the task */
	return lf_fail_arm(err, LF_ECONFLICT, "RecoveryPlanScriptFailed",
			   lf_json_text_or(action, "actionName", ""),
			   "see the action's output in the job, mend it and restart the job",
			   "the script %s %s", lf_json_text_or(details, "path", ""),
			   ended == LF_ETIMEOUT ? "did not end in time" : "failed");
}

int lf_sr_plan_action(struct lf_job_run *run, const char *key, const json_t *action,
		      struct lf_error *err)
{
	const char *instance = lf_json_text_or(action, "customDetails.instanceType", "");
	static atomic_uint running;

	if (strcmp(instance, "ManualActionDetails") == 0)
		return wait_for_person(run, key, err);
	int rc = atomic_fetch_add(&running, 1) < SCRIPTS_MAX ? run_script(run, key, action, err)
							     : LF_STEP_AGAIN;
	atomic_fetch_sub(&running, 1);
	return rc;
}
