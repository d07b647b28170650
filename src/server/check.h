/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/check.h - landfalld check DIR: a site's directory looked through while
 * no daemon runs on it.  Nothing is written but, by a deep one, the stores' notes of
 * which packs were whole (vault/care/verified.h).
 */
#ifndef LF_SERVER_CHECK_H
#define LF_SERVER_CHECK_H

#include "json/json.h"

struct lf_check_opts {
	bool deep; /* also verify maps and packs: without it only names and manifests are read */
	int64_t now_ns; /* for certificates */
};
/*
 * *ret_findings: array of {"object": file or id below DIR, "state": "ok" | "note" | "fault",
 * "text", "advice"}, one for each thing looked at; *ret_faults: how many are faults.  LF_ECONFLICT:
 * a daemon runs on it.  LF_ENOTFOUND: no directory.
 */
LF_MUST_CHECK int lf_site_check(const char *dir, const struct lf_check_opts *opts,
				json_t **ret_findings, size_t *ret_faults, struct lf_error *err);
/* The command: "landfalld check DIR [--deep] [--output json]"; argv[0] is "check".  Exit status. */
int lf_check_main(int argc, char **argv);

#endif
