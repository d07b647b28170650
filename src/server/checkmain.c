/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/check.h"

static const struct lf_option options[] = {
	LF_OPTION_SWITCH("--deep", struct lf_check_opts, deep,
			 "also verify every map, and every byte of every pack, of every store"),
	{"--output", "json", false, "the findings as JSON"},
	{0},
};
static const struct lf_command_line line = {
	.program = "landfalld",
	.command = "check",
	.words = "DIR",
	.min_words = 1,
	.max_words = 1,
	.options = options,
	.help = "Look through a site's directory while no landfalld runs on it: keys, modes, "
		"catalog,\n"
		"audit log, stores and their points by name, journals; nothing is written.\n"
		"\n"
		"Exit status 0: nothing is wrong; 7: something is; see landfalld(8).",
};

static void print_findings(const json_t *findings)
{
	size_t i;
	json_t *finding;

	json_array_foreach (findings, i, finding) {
		const char *advice = lf_json_text_or(finding, "advice", "");
		printf("%-5s  %s: %s%s%s%s\n", lf_json_text_or(finding, "state", ""),
		       lf_json_text_or(finding, "object", ""), lf_json_text_or(finding, "text", ""),
		       advice[0] ? " (" : "", advice, advice[0] ? ")" : "");
	}
}

static int run(const char *dir, const struct lf_check_opts *opts, bool json, struct lf_error *err)
{
	LF_AUTO_JSON *findings = NULL;
	LF_AUTO_FREE char *text = NULL;
	size_t faults = 0;

	int rc = lf_site_check(dir, opts, &findings, &faults, err);
	if (!rc && json)
		rc = lf_json_dump(findings, &text, err);
	if (rc)
		return rc;
	if (json)
		puts(text);
	else
		print_findings(findings);
	return faults ? LF_ECORRUPT : 0;
}

int lf_check_main(int argc, char **argv)
{
	struct lf_check_opts opts = {.now_ns = lf_clock_machine_ns()};
	struct lf_error err = LF_ERROR_NONE;
	struct lf_args args;

	lf_log_init("landfalld", LF_LOG_ERROR);
	int rc = lf_args_read(&line, argc - 1, argv + 1, &opts, &args, &err);
	if (!rc && args.help) {
		lf_args_help(&line);
		return 0;
	}
	const char *output = rc ? NULL : lf_args_value(&args, "--output");
	if (output && strcmp(output, "json") != 0)
		rc = lf_fail(&err, LF_EINVAL, output, "--output takes json");
	if (!rc)
		rc = run(args.words[0], &opts, output, &err);
	if (rc && err.code)
		lf_log_error("cannot check", &err);
	return rc ? lf_error_exit(rc) : 0;
}
