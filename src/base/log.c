/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <string.h>
#include <unistd.h>

#include "base/machinetime.h"
#include "base/term.h"
#include "base/text.h"
#include "base/utf8.h"

#define LOG_LINE_MAX 2048

static const char *log_program = "landfall";
static enum lf_log_level log_level = LF_LOG_INFO;

void lf_log_init(const char *program, enum lf_log_level level)
{
	log_program = program;
	log_level = level;
}

static const char *const names[] = {"error", "warning", "info", "debug"};

int lf_log_level_take(void *level, const char *text, struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(names); i++)
		if (strcmp(names[i], text) == 0) {
			*(enum lf_log_level *)level = (enum lf_log_level)i;
			return 0;
		}
	return lf_fail(err, LF_EINVAL, text, "takes error, warning, info or debug");
}

void lf_log(enum lf_log_level level, const char *fmt, ...)
{
	char line[LOG_LINE_MAX], when[LF_TIME_SIZE];
	va_list args;

	if (level > log_level)
		return;
	lf_time_format(lf_clock_machine_ns(), when);
	int used = snprintf(line, sizeof(line), "%s %s %s: ", when, log_program, names[level]);
	va_start(args, fmt);
	int more = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, fmt, args);
	va_end(args);
	size_t len = (size_t)used + (more > 0 ? (size_t)more : 0);
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len] = '\0';
	lf_utf8_clean(line);
	len = strlen(line);
	/* a message is one line, whatever came in from outside */
	line[len] = '\0';
	lf_term_clean(line);
	len = strlen(line);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nowhere left to say so */
}

void lf_log_error(const char *what, const struct lf_error *err)
{
	lf_log(LF_LOG_ERROR, "%s: %s%s%s%s", what, err->message, err->hint[0] ? " (" : "",
	       err->hint, err->hint[0] ? ")" : "");
}
