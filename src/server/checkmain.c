/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/check.h"

static const char usage[] =
	"usage: landfalld check DIR [--deep] [--output json]\n"
	"\n"
	"Looks through a site's directory while no landfalld runs on it: keys, modes, catalog,\n"
	"audit log, stores and their points by name, journals; nothing is written.\n"
	"\n"
	"  --deep          also verify every map, and every byte of every pack, of every store\n"
	"  --output json   the findings as JSON\n"
	"\n"
	"Exit status 0: nothing is wrong; 7: something is; see landfalld(8).\n";

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
	static const struct option options[] = {{"deep", no_argument, NULL, 'd'},
						{"output", required_argument, NULL, 'o'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct lf_check_opts opts = {.now_ns = lf_clock_machine_ns()};
	struct lf_error err = LF_ERROR_NONE;
	bool json = false;
	int option;

	lf_log_init("landfalld", LF_LOG_ERROR);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		opts.deep |= option == 'd';
		json |= option == 'o' && strcmp(optarg, "json") == 0;
		if (option == '?' || (option == 'o' && !json)) {
			fputs(usage, stderr);
			return lf_error_exit(LF_EINVAL);
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return lf_error_exit(LF_EINVAL);
	}
	int rc = run(argv[optind], &opts, json, &err);
	if (rc && err.code)
		lf_log_error("cannot check", &err);
	return rc ? lf_error_exit(rc) : 0;
}
