/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error says of itself comes from the one table in the header.  Every
 * text that goes into an error is cut to its room between characters and made
 * UTF-8 here, whatever was given, since it may be answered to a client.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

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

/* Whatever text was given, and wherever it had to be cut, an error is UTF-8: it can be answered. */
static void set_text(char *out, size_t size, const char *fmt, va_list args) LF_PRINTF(3, 0);
static void set_text(char *out, size_t size, const char *fmt, va_list args)
{
	vsnprintf(out, size, fmt, args);
	lf_utf8_clean(out);
}

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
	lf_utf8_clean(out);
}

static void set_message(struct lf_error *err, const char *target, const char *fmt, va_list args)
	LF_PRINTF(3, 0);
static void set_message(struct lf_error *err, const char *target, const char *fmt, va_list args)
{
	struct lf_error made = LF_ERROR_NONE; /* what is given may point into *err */

	copy_text(made.target, sizeof(made.target), target);
	set_text(made.message, sizeof(made.message), fmt, args);
	*err = made;
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
	case ENXIO: /* a device that was taken away, which no sector of it is to blame for */
	case ENODEV:
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
	const char *reason = strerrordesc_np(sys);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s",
		 reason ? reason : "unknown reason");
	return err->code;
}

int lf_fail_nomem(struct lf_error *err)
{
	return lf_fail(err, LF_ENOMEM, NULL, "out of memory");
}

int lf_fail_arm(struct lf_error *err, int code, const char *arm_code, const char *target,
		const char *hint, const char *fmt, ...)
{
	char hint_copy[sizeof(err->hint)], code_copy[sizeof(err->arm_code)];
	va_list args;

	copy_text(hint_copy, sizeof(hint_copy), hint);
	copy_text(code_copy, sizeof(code_copy), arm_code);
	va_start(args, fmt);
	set_message(err, target, fmt, args);
	va_end(args);
	err->code = code;
	memcpy(err->arm_code, code_copy, sizeof(code_copy));
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
	copy_text(err->message, sizeof(err->message), whole);
	return err->code;
}

int lf_error_hint(struct lf_error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_text(err->hint, sizeof(err->hint), fmt, args);
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

const char *lf_error_outside(const struct lf_error *err)
{
	if (!err->sys && lf_error_http(err->code) < 500)
		return err->message;
	switch (err->code) {
	case LF_ENOSPACE:
		return "the site has no space left";
	case LF_ENOTFOUND:
		return "what the request names is not there";
	case LF_EUNREACHABLE:
		return "the site cannot do this now";
	default:
		return "the site could not do this; its log says why";
	}
}

struct lf_error lf_error_for_tenant(const struct lf_error *err)
{
	const char *message = err->arm_code[0] ? err->message : lf_error_outside(err);
	struct lf_error told = *err;

	if (message != err->message) {
		copy_text(told.message, sizeof(told.message), message);
		told.target[0] = told.hint[0] = '\0';
	}
	return told;
}

enum lf_retry lf_error_retry(int code)
{
	return find_row(code)->retry;
}

int lf_error_exit(int code)
{
	return find_row(code)->exit_status;
}
