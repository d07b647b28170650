/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landfall-agent - the program: register, run, check.
 *
 * Two threads: one polls the site (heartbeat, progress, what to do), the other
 * does it.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/machine.h"
#include "agent/transfer.h"
#include "base/args.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "os/process.h"

#define LOOK_EVERY_NS	  (5 * LF_NS_PER_S)
#define BACKOFF_MAX_S	  30
#define SHUTDOWN_TRIES	  60
#define SHUTDOWN_LIMIT_NS (60 * LF_NS_PER_S)

struct arguments {
	const char *key, *state, *config;
	enum lf_log_level level;
};

struct agent {
	struct arguments arguments;
	struct lf_link *poll_link, *work_link;
	struct lf_link_site *site;
	struct lf_watches *watches;
	struct lf_progress progress;
	/* never changed, but exchanged for a newer one: whoever reads has a reference */
	json_t *machine LF_GUARDED_BY(lf_progress_lock);
	int64_t looked_ns; /* when the poller looked at the machine last */
	json_t *assignments LF_GUARDED_BY(lf_progress_lock);
	/* of the work: an answer asked for before it changed is stale */
	unsigned generation LF_GUARDED_BY(lf_progress_lock);
	pthread_cond_t assigned;
};

static atomic_bool stopping; /* lock-free: a signal sets it, both threads read it */

static void on_signal(int signal_number)
{
	(void)signal_number;
	stopping = true;
}

static const struct lf_option options[] = {
	LF_OPTION_TEXT("--key", "KEY", struct arguments, key,
		       "registration key, as 'landfall site key' prints it"),
	{"--state", "DIR", true, "certificate, fingerprints of the disks, packs under way",
	 lf_option_text, offsetof(struct arguments, state)},
	LF_OPTION_TEXT("--config", "FILE", struct arguments, config,
		       "JSON that says what cannot be found out; see landfall-agent(8)"),
	{"--log-level", "LEVEL", false, "error, warning, info (default), debug", lf_log_level_take,
	 offsetof(struct arguments, level)},
	{0},
};
static const struct lf_command_line line = {
	.program = "landfall-agent",
	.words = "register | run | check",
	.min_words = 1,
	.max_words = 1,
	.options = options,
	.help = "register  introduce this machine to a site; the key comes from 'landfall site "
		"key'\n"
		"run       replicate this machine's disks as the site asks, until stopped\n"
		"check     print what the site would be told of this machine, and whether it can "
		"be\n"
		"          protected",
};

static json_t *take_machine(struct agent *agent)
{
	LF_GUARD(&agent->progress.mutex, lf_progress_lock);

	return json_incref(agent->machine);
}

/* Disks come, go and change their names while the agent runs. */
static void look_again(struct agent *agent)
{
	json_t *machine = NULL;
	struct lf_error err = LF_ERROR_NONE;

	if (lf_clock_monotonic_ns() - agent->looked_ns < LOOK_EVERY_NS)
		return;
	agent->looked_ns = lf_clock_monotonic_ns();
	if (lf_agent_machine_load(agent->arguments.config, lf_link_machine_id(agent->poll_link),
				  agent->arguments.state, &machine, &err)) {
		lf_log_error("the machine is taken as it was", &err);
		return;
	}
	LF_GUARD(&agent->progress.mutex, lf_progress_lock);
	json_decref(agent->machine);
	agent->machine = machine;
}

/* Poll. */

static int poll_once(struct agent *agent, struct lf_error *err)
{
	LF_AUTO_JSON *inventory = NULL;
	LF_AUTO_JSON *answer = NULL;

	look_again(agent);
	LF_AUTO_JSON *machine = take_machine(agent);
	int rc = lf_agent_machine_inventory(machine, agent->arguments.state,
					    lf_link_machine_id(agent->poll_link), &inventory, err);
	if (rc)
		return rc;
	lf_lock(&agent->progress.mutex, lf_progress_lock);
	LF_AUTO_JSON *request =
		json_pack("{s:O,s:O}", "inventory", inventory, "status", agent->progress.status);
	unsigned generation = agent->generation;
	lf_unlock(&agent->progress.mutex, lf_progress_lock);
	rc = request ? lf_link_post(agent->poll_link, "poll", request, &answer, err)
		     : lf_fail_nomem(err);
	if (rc)
		return rc;
	lf_lock(&agent->progress.mutex, lf_progress_lock);
	if (generation == agent->generation) {
		json_decref(agent->assignments);
		agent->assignments = json_deep_copy(lf_json_at(answer, "assignments"));
	}
	free(agent->progress.blob_token);
	agent->progress.blob_token = strdup(lf_json_text_or(answer, "blobToken", ""));
	pthread_cond_signal(&agent->assigned);
	lf_unlock(&agent->progress.mutex, lf_progress_lock);
	if (lf_json_bool_or(answer, "renewCertificate", false)) {
		rc = lf_link_renew(agent->poll_link, err);
		if (!rc)
			lf_info("the certificate has been renewed");
	}
	return rc;
}

static void pause_seconds(int seconds)
{
	const struct timespec tick = {.tv_nsec = 100 * LF_NS_PER_MS};

	for (int i = 0; i < seconds * 10 && !stopping; i++)
		nanosleep(&tick, NULL);
}

static void *poll_forever(void *context)
{
	struct agent *agent = context;
	int wait = 1;

	while (!stopping) {
		struct lf_error err = LF_ERROR_NONE;
		int rc = poll_once(agent, &err);
		if (rc && wait == 1)
			lf_log_error("poll", &err);
		wait = !rc ? 1 : wait * 2 < BACKOFF_MAX_S ? wait * 2 : BACKOFF_MAX_S;
		/* a site that restarts is back in a second: do not be late for it */
		pause_seconds(rc && wait > 4 ? 4 : wait);
	}
	return NULL;
}

/* Work. */

/* The token of an order to shut the machine down; NULL: it is none. */
static const char *order_of(const json_t *assignment)
{
	return lf_json_text(assignment, "shutDown");
}

/* The first assignment that is due or an order, our own copy; NULL: none came within a second. */
static json_t *take_assignment(struct agent *agent)
{
	struct timespec until = lf_clock_monotonic_after(LF_NS_PER_S);
	json_t *found = NULL, *entry;
	size_t i;

	LF_GUARD(&agent->progress.mutex, lf_progress_lock);
	pthread_cond_timedwait(&agent->assigned, &agent->progress.mutex, &until);
	json_array_foreach (agent->assignments, i, entry) {
		if (!found && (lf_json_bool_or(entry, "due", false) || order_of(entry)))
			found = json_deep_copy(entry);
	}
	return found;
}

/* A transfer has ended: what the site said before does not know of it. */
static void forget_assignments(struct agent *agent)
{
	LF_GUARD(&agent->progress.mutex, lf_progress_lock);
	json_decref(agent->assignments);
	agent->assignments = NULL;
	agent->generation++;
}

/* Tell the site what is wrong, in place of the progress. */
static void report_failure(struct agent *agent, const json_t *assignment,
			   const struct lf_error *err)
{
	const char *code = err->arm_code[0] ? err->arm_code : "AgentReportedError";

	lf_progress_set(&agent->progress,
			json_pack("{s:s,s:s,s:s,s:s}", "itemId",
				  lf_json_text_or(assignment, "itemId", ""), "code", code, "error",
				  err->message, "advice", err->hint));
}

static int say_shutdown(struct agent *agent, const json_t *order, const struct lf_error *failed,
			struct lf_error *err)
{
	LF_AUTO_JSON *answer = NULL;
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:s?,s:s?}", "itemId", lf_json_text_or(order, "itemId", ""),
			  "token", order_of(order), "error", failed ? failed->message : NULL,
			  "advice", failed && failed->hint[0] ? failed->hint : NULL);

	return request ? lf_link_post(agent->work_link, "shutdown", request, &answer, err)
		       : lf_fail_nomem(err);
}

/* The site knows first: an order that was taken is not given again to a machine that was started
 * since, and one that is not wanted any more is not obeyed. */
static int shut_down(struct agent *agent, const json_t *order, struct lf_error *err)
{
	LF_AUTO_JSON *machine = take_machine(agent);
	const char *command = lf_json_text_or(machine, "shutdownCommand", "");
	const char *const argv[] = {command, NULL};
	struct lf_error why = LF_ERROR_NONE;
	int rc = say_shutdown(agent, order, NULL, err);

	/* the answer may have got lost, and the order is not given again */
	for (int i = 0; rc && rc != LF_ECONFLICT && i < SHUTDOWN_TRIES && !stopping; i++) {
		pause_seconds(1);
		rc = say_shutdown(agent, order, NULL, err);
	}
	if (rc == LF_ECONFLICT) { /* the failover was given up */
		lf_log_error("an order to shut down", err);
		return 0;
	}
	if (rc)
		return rc;
	lf_info("the site orders this machine to be shut down: its failover is under way");
	rc = *command ? lf_process_run(argv, SHUTDOWN_LIMIT_NS, NULL, &why)
		      : lf_fail(&why, LF_EUNSUPPORTED, "shutdownCommand",
				"the agent's configuration has no shutdownCommand");
	return rc ? say_shutdown(agent, order, &why, err) : 0;
}

static int work_on(struct agent *agent, const json_t *assignment, struct lf_error *err)
{
	LF_AUTO_JSON *machine = take_machine(agent);
	const struct lf_transfer_opts opts = {
		.site = lf_link_site_get(agent->site),
		.machine = machine,
		.assignment = assignment,
		.state_dir = agent->arguments.state,
		.watches = agent->watches,
		.progress = &agent->progress,
		.stopping = &stopping,
	};

	return order_of(assignment) ? shut_down(agent, assignment, err)
				    : lf_transfer_run(&opts, err);
}

static void work_forever(struct agent *agent)
{
	int wait = 1;

	while (!stopping) {
		LF_AUTO_JSON *assignment = take_assignment(agent);
		struct lf_error err = LF_ERROR_NONE;
		if (!assignment)
			continue;
		int rc = work_on(agent, assignment, &err);
		forget_assignments(agent);
		if (!rc)
			lf_progress_succeeded(&agent->progress,
					      lf_json_text_or(assignment, "itemId", ""));
		if (!rc || rc == LF_ECANCELED) {
			wait = 1;
			continue;
		}
		lf_log_error("transfer", &err);
		report_failure(agent, assignment, &err);
		pause_seconds(wait);
		wait = wait * 2 < BACKOFF_MAX_S ? wait * 2 : BACKOFF_MAX_S;
	}
}

static int run_agent(struct agent *agent, struct lf_error *err)
{
	pthread_t poller;

	LF_ALONE(lf_progress_lock); /* until there is a poller */
	int rc = lf_transfer_recover(agent->arguments.state, err);

	if (!rc)
		rc = lf_link_open(agent->arguments.state, &agent->poll_link, err);

	if (!rc)
		rc = lf_link_open(agent->arguments.state, &agent->work_link, err);
	if (!rc)
		rc = lf_link_site_new(agent->work_link, agent->arguments.state, &agent->progress,
				      &agent->site, err);
	if (!rc)
		rc = lf_watches_new(&agent->watches, err);
	if (!rc)
		rc = lf_agent_machine_load(agent->arguments.config,
					   lf_link_machine_id(agent->poll_link),
					   agent->arguments.state, &agent->machine, err);
	if (!rc)
		rc = (agent->progress.status = json_array()) ? 0 : lf_fail_nomem(err);
	if (rc)
		return rc;
	pthread_mutex_init(&agent->progress.mutex, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&agent->assigned, &attr);
	pthread_condattr_destroy(&attr);
	int sys = pthread_create(&poller, NULL, poll_forever, agent);
	if (sys)
		return lf_fail_sys(err, sys, NULL, "cannot start a thread");
	lf_info("ready");
	work_forever(agent);
	pthread_join(poller, NULL);
	return 0;
}

static void agent_done(struct agent *agent)
{
	LF_ALONE(lf_progress_lock);
	lf_link_site_free(agent->site);
	lf_link_close(agent->poll_link);
	lf_link_close(agent->work_link);
	lf_watches_free(agent->watches);
	json_decref(agent->machine);
	json_decref(agent->assignments);
	json_decref(agent->progress.status);
	free(agent->progress.blob_token);
}

/* Print the inventory; fails when a check does. */
static int check_machine(const struct arguments *arguments, struct lf_error *err)
{
	LF_AUTO_JSON *machine = NULL;
	LF_AUTO_JSON *inventory = NULL;
	char id[LF_GUID_SIZE];
	size_t i;
	json_t *check;

	lf_guid_derive("check", "machine", id);
	int rc = lf_agent_machine_load(arguments->config, id, NULL, &machine, err);
	if (!rc)
		rc = lf_agent_machine_inventory(machine, arguments->state, id, &inventory, err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *text = json_dumps(inventory, JSON_INDENT(1));
	puts(text ? text : "");
	json_array_foreach (lf_json_at(inventory, "preflight"), i, check) {
		if (!lf_json_bool_or(check, "ok", false)) {
			lf_fail(err, LF_EINVAL, NULL, "%s: %s", lf_json_text_or(check, "check", ""),
				lf_json_text_or(check, "reason", ""));
			return lf_error_hint(err, "%s", lf_json_text_or(check, "advice", ""));
		}
	}
	return 0;
}

static int run_command(struct agent *agent, const char *command, struct lf_error *err)
{
	const struct arguments *arguments = &agent->arguments;

	if (strcmp(command, "register") == 0 && arguments->key)
		return lf_link_register(arguments->state, arguments->key, arguments->config, err);
	if (strcmp(command, "run") == 0)
		return run_agent(agent, err);
	if (strcmp(command, "check") == 0)
		return check_machine(arguments, err);
	lf_fail(err, LF_EINVAL, command,
		strcmp(command, "register") == 0 ? "register needs --key KEY"
						 : "there is no such command");
	return lf_error_hint(err, "see landfall-agent --help");
}

int main(int argc, char **argv)
{
	struct agent agent = {.arguments.level = LF_LOG_INFO};
	struct lf_error err = LF_ERROR_NONE;
	const struct sigaction action = {.sa_handler = on_signal};
	struct lf_args args = {0};

	umask(077);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	int rc = lf_args_read(&line, argc - 1, argv + 1, &agent.arguments, &args, &err);
	lf_log_init("landfall-agent", agent.arguments.level);
	if (args.help)
		lf_args_help(&line);
	else if (args.version)
		puts("landfall-agent " LF_VERSION);
	else if (!rc)
		rc = run_command(&agent, args.words[0], &err);
	agent_done(&agent);
	if (rc) {
		lf_log_error(args.n_words ? args.words[0] : "landfall-agent", &err);
		return lf_error_exit(rc);
	}
	return 0;
}
