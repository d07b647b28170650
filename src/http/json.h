/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/json.h - JSON in the answers of our own protocols (agents, peers):
 * {"error": {"code", "message", "advice"}} when the status is not 2xx.
 *
 * Threads: any.
 */
#ifndef LF_HTTP_JSON_H
#define LF_HTTP_JSON_H

#include "http/client.h"
#include "http/exchange.h"
#include "json/json.h"

/* Answer 200 with doc. */
LF_MUST_CHECK int lf_http_answer_json(struct lf_http_exchange *x, const json_t *doc,
				      struct lf_error *err);
/* Answer what may be told of err outside (lf_error_outside()); what may not is logged. */
void lf_http_answer_error(struct lf_http_exchange *x, const struct lf_error *err);
/* Any answer but 2xx as an error of ours about what, with what the other side said: LF_EUNREACHABLE
 * for those that another try may mend. */
LF_MUST_CHECK int lf_http_answer_check(const struct lf_http_answer *answer, const char *what,
				       struct lf_error *err);

#endif
