/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/output.h - documents as tables for people and as JSON for programs.
 */
#ifndef LF_CLI_OUTPUT_H
#define LF_CLI_OUTPUT_H

#include "cli/cli.h"

enum lf_cli_format {
	LF_SHOW_TEXT,
	LF_SHOW_BYTES,	 /* 1.5 GiB */
	LF_SHOW_LAST,	 /* last segment of an id */
	LF_SHOW_COUNT,	 /* elements of an array */
	LF_SHOW_JOINED,	 /* texts of an array, with commas */
	LF_SHOW_SECONDS, /* 1 h 02 min */
	LF_SHOW_GROUP,	 /* resource group of an id */
};

struct lf_cli_column {
	const char *title;
	const char *path; /* json/json.h */
	enum lf_cli_format format;
};

/* A list: a table, or the array as JSON. */
LF_MUST_CHECK int lf_cli_print_list(const struct lf_cli *cli, const json_t *items,
				    const struct lf_cli_column *columns, size_t n,
				    struct lf_error *err);
/* One document: "title  value" lines, or JSON. */
LF_MUST_CHECK int lf_cli_print_one(const struct lf_cli *cli, const json_t *doc,
				   const struct lf_cli_column *columns, size_t n,
				   struct lf_error *err);
/* The bytes of an answer that is no document: as they came, or cleaned for a terminal in place. */
void lf_cli_print_text(struct lf_cli_answer *answer, bool raw);
LF_MUST_CHECK int lf_cli_print_json(const json_t *doc, struct lf_error *err);
/* For people only; with --output json the document instead (NULL: nothing). */
LF_MUST_CHECK int lf_cli_say(const struct lf_cli *cli, const json_t *doc, struct lf_error *err,
			     const char *fmt, ...) LF_PRINTF(4, 5);

/* Value at path in the format; "-" when absent. */
LF_MUST_CHECK int lf_cli_cell(const json_t *doc, const struct lf_cli_column *column,
			      struct lf_buf *buf, struct lf_error *err);
void lf_cli_bytes(uint64_t bytes, char *out, size_t out_size);
void lf_cli_seconds(uint64_t seconds, char *out, size_t out_size);

/*
 * A line of progress on standard error: a bar that is drawn over on a
 * terminal, a plain line (when it changed) elsewhere.  percent < 0: no bar.
 */
struct lf_cli_progress {
	char last[256];
};
void lf_cli_progress(const struct lf_cli *cli, struct lf_cli_progress *progress, int percent,
		     const char *fmt, ...) LF_PRINTF(4, 5);
/* End the line, if one is open. */
void lf_cli_progress_end(const struct lf_cli *cli, struct lf_cli_progress *progress);

#endif
