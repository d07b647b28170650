/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did what, and how the site is: the audit log, health.
 */
#include <string.h>

#include "arm/path.h"
#include "audit/audit.h"
#include "base/term.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

#define FOLLOW_MS 1000

static const struct lf_cli_column line_columns[] = {
	{"TIME", "time", LF_SHOW_TEXT},		{"OUTCOME", "outcome", LF_SHOW_TEXT},
	{"ACTION", "action", LF_SHOW_TEXT},	{"CODE", "code", LF_SHOW_TEXT},
	{"WHO", "who", LF_SHOW_TEXT},		{"FROM", "address", LF_SHOW_TEXT},
	{"RESOURCE", "resource", LF_SHOW_TEXT},
};

/* The query of the options that are given. */
static int put_options(const struct lf_args *args, struct lf_buf *path, struct lf_error *err)
{
	static const char *const options[] = {"--since",    "--until",	 "--principal",
					      "--resource", "--outcome", "--correlation"};
	int64_t ignored_ns;

	for (size_t i = 0; i < LF_N(options); i++) {
		const char *value = lf_args_value(args, options[i]);
		LF_AUTO_FREE char *encoded = value ? lf_url_encode(value) : NULL;
		if (!value)
			continue;
		if (i < 2 && lf_time_parse(value, &ignored_ns, err))
			return lf_error_hint(err, "give a time as 2026-11-23T05:04:03Z");
		if (!encoded)
			return lf_fail_nomem(err);
		lf_buf_printf(path, "&%s=%s", options[i] + 2, encoded);
	}
	return 0;
}

/* Who, for people: the certificate's name, the client id, the object id. */
static void name_who(json_t *lines)
{
	static const char *const names[] = {"name", "client", "principal"};
	json_t *line;
	size_t i;

	json_array_foreach (lines, i, line)
		for (size_t k = 0; k < LF_N(names); k++)
			if (lf_json_text(line, names[k])) {
				json_object_set(line, "who", json_object_get(line, names[k]));
				break;
			}
}

static int list_after(struct lf_cli *cli, const struct lf_args *args, uint64_t *after,
		      struct lf_error *err)
{
	LF_AUTO_BUF path = LF_BUF_INIT;
	LF_AUTO_JSON *lines = NULL;

	lf_buf_printf(&path, "/landfall/audit?after=%llu", (unsigned long long)*after);
	int rc = put_options(args, &path, err);
	if (!rc)
		rc = lf_buf_check(&path, err);
	if (!rc)
		rc = lf_cli_list(cli, path.data, NULL, &lines, err);
	if (rc)
		return rc;
	size_t n = json_array_size(lines);
	if (n)
		*after = (uint64_t)lf_json_int_or(json_array_get(lines, n - 1), "seq", 0);
	if (!cli->json)
		name_who(lines);
	/* while it is followed, nothing new is nothing to print */
	if (!n && lf_args_value(args, "--follow"))
		return 0;
	return lf_cli_print_list(cli, lines, line_columns, LF_N(line_columns), err);
}

static int audit_list(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	uint64_t after = 0;
	int rc = list_after(cli, args, &after, err);

	while (!rc && lf_args_value(args, "--follow")) {
		lf_cli_sleep_ms(FOLLOW_MS);
		rc = list_after(cli, args, &after, err);
	}
	return rc;
}

/* Good or not, what was found; faults are the error. */
static int say_verified(const struct lf_cli *cli, const json_t *report, struct lf_error *err)
{
	const json_t *fault;
	size_t i;

	int rc = lf_cli_say(cli, report, err, "%lld lines (%lld to %lld), segments: %lld, head: %s",
			    (long long)lf_json_int_or(report, "lines", 0),
			    (long long)lf_json_int_or(report, "first", 0),
			    (long long)lf_json_int_or(report, "last", 0),
			    (long long)lf_json_int_or(report, "segments", 0),
			    lf_json_text_or(report, "head", ""));
	if (rc)
		return rc;
	json_array_foreach (lf_json_at(report, "faults"), i, fault)
		fprintf(stderr, "landfall: %s\n", json_string_value(fault));
	int64_t faults = lf_json_int_or(report, "faultCount", 0);
	return faults ? lf_fail_arm(err, LF_ECORRUPT, "AuditLogChanged", NULL,
				    "docs/audit.md says what each of them means",
				    "the audit log is not as it was written: %lld faults",
				    (long long)faults)
		      : 0;
}

static int audit_verify(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_CLI_ANSWER answer = {0};
	LF_AUTO_JSON *report = NULL;

	if (args->n_words) {
		int rc = lf_audit_verify_report(args->words[0], 0, SIZE_MAX, &report, err);
		return rc ? rc : say_verified(cli, report, err);
	}
	int rc = lf_cli_call(cli, "POST", "/landfall/audit/verify", NULL, NULL, &answer, err);
	return rc ? rc : say_verified(cli, answer.doc, err);
}

static const struct lf_cli_column condition_columns[] = {
	{"SINCE", "since", LF_SHOW_TEXT}, {"CONDITION", "name", LF_SHOW_TEXT},
	{"OF", "subject", LF_SHOW_TEXT},  {"TIMES", "times", LF_SHOW_TEXT},
	{"WHAT", "text", LF_SHOW_TEXT},
};
static const struct lf_cli_column health_columns[] = {
	{"status", "status", LF_SHOW_TEXT},
	{"version", "version", LF_SHOW_TEXT},
	{"time", "time", LF_SHOW_TEXT},
	{"CA valid until", "caCertificateEnd", LF_SHOW_TEXT},
	{"audit lines", "audit.lastLine", LF_SHOW_TEXT},
	{"audit trouble", "audit.problem", LF_SHOW_TEXT},
	{"agents", "gauges.agents", LF_SHOW_TEXT},
	{"jobs", "gauges.jobs_unfinished", LF_SHOW_TEXT},
	{"memory", "gauges.resident_bytes", LF_SHOW_BYTES},
	{"descriptors", "gauges.open_descriptors", LF_SHOW_TEXT},
};

static int status(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;

	(void)args;
	int rc = lf_cli_get(cli, "/landfall/health", NULL, &doc, err);
	if (!rc)
		rc = lf_cli_print_one(cli, doc, health_columns, LF_N(health_columns), err);
	const json_t *conditions = lf_json_at(doc, "conditions");
	if (rc || cli->json || !json_array_size(conditions))
		return rc;
	return lf_cli_print_list(cli, conditions, condition_columns, LF_N(condition_columns), err);
}

const struct lf_cli_command lf_cli_audit_commands[] = {
	{"audit list",
	 NULL,
	 0,
	 0,
	 "Show who did what, the oldest first.",
	 audit_list,
	 {{"--since", "TIME", false, "not before this time, as 2026-11-29T00:00:00Z"},
	  {"--until", "TIME", false, "not after it"},
	  {"--principal", "ID", false, "by this object id, client id or certificate's name"},
	  {"--resource", "ID", false, "on this resource, and what is below it"},
	  {"--outcome", "OUTCOME", false, "allowed, refused or failed"},
	  {"--correlation", "ID", false, "with this correlation id"},
	  {"--follow", NULL, false, "go on with new lines as they come, until interrupted"},
	  {0}}},
	{"audit verify",
	 "[DIR]",
	 0,
	 1,
	 "Ask whether the audit log is as it was written: the site, or a data directory here.",
	 audit_verify,
	 {{"--remote", NULL, false, "ask the site, although DIR is given"}, {0}},
	 .offline = true},
	{"status", NULL, 0, 0, "Show the health of the Landfall service itself.", status, {{0}}},
	{0},
};
