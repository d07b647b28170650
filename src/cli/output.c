/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents on their way to people and programs: a table has columns as wide
 * as their longest cell, JSON is as the service sent it.  Whatever came from
 * outside is cleaned for the terminal on its way.
 */
#include "cli/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/term.h"
#include "base/text.h"

#define BAR_WIDTH 24

void lf_cli_bytes(uint64_t bytes, char *out, size_t out_size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < LF_N(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, out_size, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void lf_cli_seconds(uint64_t seconds, char *out, size_t out_size)
{
	if (seconds < 60)
		snprintf(out, out_size, "%" PRIu64 " s", seconds);
	else if (seconds < 3600)
		snprintf(out, out_size, "%" PRIu64 " min %02" PRIu64 " s", seconds / 60,
			 seconds % 60);
	else
		snprintf(out, out_size, "%" PRIu64 " h %02" PRIu64 " min", seconds / 3600,
			 seconds / 60 % 60);
}

static void join(const json_t *array, struct lf_buf *buf)
{
	const json_t *value;
	size_t i;

	json_array_foreach (array, i, value)
		if (json_is_string(value))
			lf_buf_printf(buf, "%s%s", i ? "," : "", json_string_value(value));
}

static void show_group(const char *id, struct lf_buf *buf)
{
	const char *at = strcasestr(id, "/resourceGroups/");

	if (at) {
		at += strlen("/resourceGroups/");
		lf_buf_append(buf, at, strcspn(at, "/"));
	}
}

static void show_value(const json_t *doc, const json_t *value, const struct lf_cli_column *column,
		       struct lf_buf *buf)
{
	const char *text = json_string_value(value);
	int64_t number = lf_json_int_or(doc, column->path, 0);
	char small[32];

	switch (column->format) {
	case LF_SHOW_BYTES:
		lf_cli_bytes(number < 0 ? 0 : (uint64_t)number, small, sizeof(small));
		lf_buf_puts(buf, small);
		return;
	case LF_SHOW_SECONDS:
		lf_cli_seconds(number < 0 ? 0 : (uint64_t)number, small, sizeof(small));
		lf_buf_puts(buf, small);
		return;
	case LF_SHOW_COUNT:
		lf_buf_printf(buf, "%zu", json_array_size(value));
		return;
	case LF_SHOW_JOINED:
		join(value, buf);
		return;
	case LF_SHOW_GROUP:
		show_group(text ? text : "", buf);
		return;
	case LF_SHOW_LAST:
		lf_buf_puts(buf, text && strrchr(text, '/') ? strrchr(text, '/') + 1
							    : (text ? text : ""));
		return;
	case LF_SHOW_TEXT:
		break;
	}
	if (text)
		lf_buf_puts(buf, text);
	else if (json_is_boolean(value))
		lf_buf_puts(buf, json_is_true(value) ? "yes" : "no");
	else
		lf_buf_printf(buf, "%" JSON_INTEGER_FORMAT,
			      json_is_real(value) ? (json_int_t)json_real_value(value)
						  : json_integer_value(value));
}

int lf_cli_cell(const json_t *doc, const struct lf_cli_column *column, struct lf_buf *buf,
		struct lf_error *err)
{
	const json_t *value = lf_json_at(doc, column->path);
	size_t before = buf->len;

	if (value)
		show_value(doc, value, column, buf);
	if (buf->len == before)
		lf_buf_puts(buf, "-");
	int rc = lf_buf_check(buf, err);
	if (!rc)
		lf_term_clean(buf->data + before);
	return rc;
}

void lf_cli_print_text(struct lf_cli_answer *answer, bool raw)
{
	if (!raw)
		answer->text_len = lf_term_clean_lines(answer->text, answer->text_len);
	fwrite(answer->text, 1, answer->text_len, stdout); /* who flushes sees what fails */
}

int lf_cli_print_json(const json_t *doc, struct lf_error *err)
{
	/* for a person's eyes what is not ASCII is escaped: it may turn or hide what it stands in
	 */
	size_t ascii = isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0;

	if (json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY | ascii) ||
	    putchar('\n') == EOF)
		return lf_fail(err, LF_EIO, NULL, "cannot write to standard output");
	return 0;
}

/* Columns as wide as their longest cell; the last one ragged. */
static int print_rows(const json_t *items, const struct lf_cli_column *columns, size_t n,
		      const size_t *widths, struct lf_error *err)
{
	const json_t *item;
	size_t row;

	json_array_foreach (items, row, item) {
		for (size_t i = 0; i < n; i++) {
			LF_AUTO_BUF cell = LF_BUF_INIT;
			int rc = lf_cli_cell(item, &columns[i], &cell, err);
			if (rc)
				return rc;
			printf("%-*s%s", i + 1 < n ? (int)widths[i] : 0, lf_buf_text(&cell),
			       i + 1 < n ? "  " : "\n");
		}
	}
	return 0;
}

int lf_cli_print_list(const struct lf_cli *cli, const json_t *items,
		      const struct lf_cli_column *columns, size_t n, struct lf_error *err)
{
	size_t widths[16] = {0}, row;
	const json_t *item;

	LF_ASSERT(n <= LF_N(widths));
	if (cli->json)
		return lf_cli_print_json(items, err);
	for (size_t i = 0; i < n; i++)
		widths[i] = strlen(columns[i].title);
	json_array_foreach (items, row, item)
		for (size_t i = 0; i < n; i++) {
			LF_AUTO_BUF cell = LF_BUF_INIT;
			int rc = lf_cli_cell(item, &columns[i], &cell, err);
			if (rc)
				return rc;
			size_t width = strlen(lf_buf_text(&cell));
			if (width > widths[i])
				widths[i] = width;
		}
	for (size_t i = 0; i < n; i++)
		printf("%-*s%s", i + 1 < n ? (int)widths[i] : 0, columns[i].title,
		       i + 1 < n ? "  " : "\n");
	return print_rows(items, columns, n, widths, err);
}

int lf_cli_print_one(const struct lf_cli *cli, const json_t *doc,
		     const struct lf_cli_column *columns, size_t n, struct lf_error *err)
{
	size_t width = 0;

	if (cli->json)
		return lf_cli_print_json(doc, err);
	for (size_t i = 0; i < n; i++)
		if (strlen(columns[i].title) > width)
			width = strlen(columns[i].title);
	for (size_t i = 0; i < n; i++) {
		LF_AUTO_BUF cell = LF_BUF_INIT;
		int rc = lf_cli_cell(doc, &columns[i], &cell, err);
		if (rc)
			return rc;
		printf("%-*s  %s\n", (int)width, columns[i].title, lf_buf_text(&cell));
	}
	return 0;
}

int lf_cli_say(const struct lf_cli *cli, const json_t *doc, struct lf_error *err, const char *fmt,
	       ...)
{
	va_list args;

	if (cli->json)
		return doc ? lf_cli_print_json(doc, err) : 0;
	va_start(args, fmt);
	lf_term_vprint(stdout, fmt, args);
	va_end(args);
	return 0;
}

void lf_cli_progress(const struct lf_cli *cli, struct lf_cli_progress *progress, int percent,
		     const char *fmt, ...)
{
	char text[256], bar[BAR_WIDTH + 1];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	lf_term_clean(text);
	if (percent > 100)
		percent = 100;
	if (!cli->live) {
		if (strcmp(text, progress->last) != 0 && percent < 0)
			fprintf(stderr, "%s\n", text);
		else if (strcmp(text, progress->last) != 0)
			fprintf(stderr, "%3d %%  %s\n", percent, text);
	} else if (percent < 0) {
		fprintf(stderr, "\r\033[K%s", text);
	} else {
		memset(bar, '-', BAR_WIDTH);
		memset(bar, '#', (size_t)percent * BAR_WIDTH / 100);
		bar[BAR_WIDTH] = '\0';
		fprintf(stderr, "\r\033[K[%s] %3d %%  %s", bar, percent, text);
	}
	fflush(stderr);
	memcpy(progress->last, text, sizeof(text));
}

void lf_cli_progress_end(const struct lf_cli *cli, struct lf_cli_progress *progress)
{
	if (cli->live && progress->last[0])
		fputc('\n', stderr);
	progress->last[0] = '\0';
}
