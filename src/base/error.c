/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct error_row {
	int code;
	const char *name;
	const char *arm;
	int http;
	enum lf_retry retry;
	int exit_status;
} error_rows[] = {
#define LF_ERROR_ROW(name, arm, http, retry, exit) {LF_##name, #name, arm, http, retry, exit},
	LF_ERROR_TABLE(LF_ERROR_ROW)
#undef LF_ERROR_ROW
};

static const struct error_row *find_row(int code)
{
	const struct error_row *internal = NULL;

	for (size_t i = 0; i < LF_N(error_rows); i++) {
		if (error_rows[i].code == code)
			return &error_rows[i];
		if (error_rows[i].code == LF_EINTERNAL)
			internal = &error_rows[i];
	}
	return internal;
}

void lf_assert_failed(const char *expression, const char *file, int line)
{
	fprintf(stderr, "landfall: assertion failed at %s:%d: %s\n", file, line, expression);
	abort();
}

static void set_message(struct lf_error *err, const char *target, const char *fmt, va_list args)
	LF_PRINTF(3, 0);
static void set_message(struct lf_error *err, const char *target, const char *fmt, va_list args)
{
	char target_copy[sizeof(err->target)];

	/* target may point into *err */
	snprintf(target_copy, sizeof(target_copy), "%s", target ? target : "");
	char message[sizeof(err->message)];
	vsnprintf(message, sizeof(message), fmt, args);
	memset(err, 0, sizeof(*err));
	memcpy(err->target, target_copy, sizeof(target_copy));
	memcpy(err->message, message, sizeof(message));
}

int lf_fail(struct lf_error *err, int code, const char *target, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_message(err, target, fmt, args);
	va_end(args);
	err->code = code;
	return code;
}

static int code_of_errno(int sys)
{
	switch (sys) {
	case ENOENT:
		return LF_ENOTFOUND;
	case EEXIST:
		return LF_EEXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return LF_ENOSPACE;
	case ENOMEM:
		return LF_ENOMEM;
	case EACCES:
	case EPERM:
		return LF_EDENIED;
	case ETIMEDOUT:
		return LF_ETIMEOUT;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return LF_EUNREACHABLE;
	default:
		return LF_EIO;
	}
}

int lf_fail_sys(struct lf_error *err, int sys, const char *target, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_message(err, target, fmt, args);
	va_end(args);
	err->code = code_of_errno(sys);
	err->sys = sys;
	size_t used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerrordesc_np(sys));
	return err->code;
}

int lf_fail_nomem(struct lf_error *err)
{
	return lf_fail(err, LF_ENOMEM, NULL, "out of memory");
}

int lf_fail_arm(struct lf_error *err, int code, const char *arm_code, const char *target,
		const char *hint, const char *fmt, ...)
{
	char hint_copy[sizeof(err->hint)];
	va_list args;

	snprintf(hint_copy, sizeof(hint_copy), "%s", hint ? hint : "");
	va_start(args, fmt);
	set_message(err, target, fmt, args);
	va_end(args);
	err->code = code;
	snprintf(err->arm_code, sizeof(err->arm_code), "%s", arm_code);
	memcpy(err->hint, hint_copy, sizeof(hint_copy));
	return code;
}

int lf_error_wrap(struct lf_error *err, const char *fmt, ...)
{
	char context[sizeof(err->message)];
	char whole[2 * sizeof(err->message) + 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s: %s", context, err->message);
	memcpy(err->message, whole, sizeof(err->message));
	err->message[sizeof(err->message) - 1] = '\0';
	return err->code;
}

int lf_error_hint(struct lf_error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
	return err->code;
}

const char *lf_error_name(int code)
{
	return find_row(code)->name;
}

const char *lf_error_arm(const struct lf_error *err)
{
	return err->arm_code[0] ? err->arm_code : find_row(err->code)->arm;
}

int lf_error_http(int code)
{
	return find_row(code)->http;
}

enum lf_retry lf_error_retry(int code)
{
	return find_row(code)->retry;
}

int lf_error_exit(int code)
{
	return find_row(code)->exit_status;
}
