/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/log.h - one line a message on standard error.
 *
 * Only programs and the top of a thread log; library code returns errors.
 * Never pass a secret, a token or a request body.  Threads: any.
 */
#ifndef LF_BASE_LOG_H
#define LF_BASE_LOG_H

#include "base/error.h"

enum lf_log_level { LF_LOG_ERROR, LF_LOG_WARNING, LF_LOG_INFO, LF_LOG_DEBUG };

/* An option's value (base/args.h), "error", "warning", "info" or "debug", into an enum
 * lf_log_level. */
int lf_log_level_take(void *level, const char *text, struct lf_error *err);
/* program: a string that outlives the process's logging. */
void lf_log_init(const char *program, enum lf_log_level level);
void lf_log(enum lf_log_level level, const char *fmt, ...) LF_PRINTF(2, 3);
/* "what: message (hint)". */
void lf_log_error(const char *what, const struct lf_error *err);

#define lf_warn(...)  lf_log(LF_LOG_WARNING, __VA_ARGS__)
#define lf_info(...)  lf_log(LF_LOG_INFO, __VA_ARGS__)
#define lf_debug(...) lf_log(LF_LOG_DEBUG, __VA_ARGS__)

#endif
