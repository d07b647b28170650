/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/error.h - one table of errors, from the disk up to the HTTP answer.
 *
 * A function that can fail returns 0 or a negative LF_E* value, is
 * LF_MUST_CHECK, and fills the caller's struct lf_error (its last parameter,
 * never NULL).  Outputs (ret_*) are untouched on failure.  Library code
 * returns errors; only programs and the top of a thread log them.
 *
 * Missing, corrupt and unreachable are never the same code.
 *
 * Memory: struct lf_error is fixed inline storage, so that "out of memory" can
 * be reported.  Threads: an error belongs to whoever declared it.
 */
#ifndef LF_BASE_ERROR_H
#define LF_BASE_ERROR_H

#include "base/compiler.h"

/* Is it worth trying again? */
enum lf_retry {
	LF_RETRY_NEVER,
	LF_RETRY_BACKOFF,
};

/* X(name, default ARM error.code, HTTP status, retry class, CLI exit status) */
#define LF_ERROR_TABLE(X)                                                                          \
	X(EINVAL, "InvalidParameter", 400, LF_RETRY_NEVER, 2)                                      \
	X(ENOTFOUND, "ResourceNotFound", 404, LF_RETRY_NEVER, 3)                                   \
	X(EEXISTS, "ResourceExists", 409, LF_RETRY_NEVER, 4)                                       \
	X(ECONFLICT, "Conflict", 409, LF_RETRY_NEVER, 4)                                           \
	X(EPRECONDITION, "PreconditionFailed", 412, LF_RETRY_NEVER, 4)                             \
	X(EUNAUTHENTICATED, "AuthenticationFailed", 401, LF_RETRY_NEVER, 5)                        \
	X(EDENIED, "AuthorizationFailed", 403, LF_RETRY_NEVER, 5)                                  \
	X(ETOOLARGE, "RequestEntityTooLarge", 413, LF_RETRY_NEVER, 2)                              \
	X(EMETHOD, "MethodNotAllowed", 405, LF_RETRY_NEVER, 2)                                     \
	X(ETHROTTLED, "TooManyRequests", 429, LF_RETRY_BACKOFF, 6)                                 \
	X(ECANCELED, "OperationCanceled", 409, LF_RETRY_NEVER, 6)                                  \
	X(EUNSUPPORTED, "OperationNotSupported", 400, LF_RETRY_NEVER, 2)                           \
	X(ERANGE, "InvalidRange", 416, LF_RETRY_NEVER, 2)                                          \
	X(ECORRUPT, "InternalServerError", 500, LF_RETRY_NEVER, 7)                                 \
	X(ENOSPACE, "InsufficientStorage", 507, LF_RETRY_BACKOFF, 8)                               \
	X(EIO, "InternalServerError", 500, LF_RETRY_BACKOFF, 8)                                    \
	X(EUNREACHABLE, "ServiceUnavailable", 503, LF_RETRY_BACKOFF, 8)                            \
	X(ETIMEOUT, "GatewayTimeout", 504, LF_RETRY_BACKOFF, 8)                                    \
	X(ENOMEM, "InternalServerError", 500, LF_RETRY_BACKOFF, 9)                                 \
	X(EINTERNAL, "InternalServerError", 500, LF_RETRY_NEVER, 9)

enum lf_error_code {
	LF_ERROR_FIRST = 1000,
#define LF_ERROR_ENUM(name, arm, http, retry, exit) LF_POSITIVE_##name,
	LF_ERROR_TABLE(LF_ERROR_ENUM)
#undef LF_ERROR_ENUM
#define LF_ERROR_ENUM(name, arm, http, retry, exit) LF_##name = -LF_POSITIVE_##name,
		LF_ERROR_TABLE(LF_ERROR_ENUM)
#undef LF_ERROR_ENUM
};

/* Each text is UTF-8, whatever was given, and is cut between characters. */
struct lf_error {
	int code;	   /* LF_E*, or 0: nothing went wrong */
	int sys;	   /* errno, when a system call said no; else 0 */
	char arm_code[64]; /* error.code where the documents name one; else "" */
	char target[512];  /* JSON path, resource id or file; may be "" */
	char message[768]; /* one line, lower case, no final stop */
	char hint[384];	   /* what the user can do about it; may be "" */
};

#define LF_ERROR_NONE ((struct lf_error){0})

/* Fill err and return code.  target may be NULL. */
int lf_fail(struct lf_error *err, int code, const char *target, const char *fmt, ...)
	LF_PRINTF(4, 5);
/* The same for a failed system call: sys is errno; ENOSPC, ENOENT, EEXIST... choose the code. */
int lf_fail_sys(struct lf_error *err, int sys, const char *target, const char *fmt, ...)
	LF_PRINTF(4, 5);
/* Out of memory. */
int lf_fail_nomem(struct lf_error *err);
/* The same with the error.code that the documents name, and advice (NULL: none). */
int lf_fail_arm(struct lf_error *err, int code, const char *arm_code, const char *target,
		const char *hint, const char *fmt, ...) LF_PRINTF(6, 7);

/* Put context in front of the message on the way up; returns err->code. */
int lf_error_wrap(struct lf_error *err, const char *fmt, ...) LF_PRINTF(2, 3);
/* Set the advice; returns err->code. */
int lf_error_hint(struct lf_error *err, const char *fmt, ...) LF_PRINTF(2, 3);

/* What the table says of a code.  An unknown code counts as LF_EINTERNAL. */
const char *lf_error_name(int code);		      /* "ENOTFOUND" */
const char *lf_error_arm(const struct lf_error *err); /* arm_code, else the table's */
int lf_error_http(int code);
/* What may be told of it outside the site: its message, but of a system call that failed and of
 * the site's own troubles (5xx) only their kind, for such a message may name files.  The log has
 * the rest. */
const char *lf_error_outside(const struct lf_error *err);
/* What a tenant may be told of it, as an error.  What was written for clients has a code of its own
 * (lf_fail_arm) and is whole; of anything else lf_error_outside(), and where that is not the
 * message neither target nor advice, which may name files, too. */
struct lf_error lf_error_for_tenant(const struct lf_error *err);
enum lf_retry lf_error_retry(int code);
int lf_error_exit(int code);

#endif
