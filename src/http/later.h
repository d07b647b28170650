/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/later.h - requests whose work takes long, served by threads of their own.
 *
 * The threads that answer are few, and everybody's.  Whoever is known and asks for what takes long
 * (a pack's records are all opened, a disk's map is put together) waits here without one of them,
 * in the order of arrival, LF_LATER_EACH of one asker at a time: none keeps the others waiting.
 *
 * Threads: any; LF_LATER_THREADS are made.  What waits is bounded by the server's connections.
 */
#ifndef LF_HTTP_LATER_H
#define LF_HTTP_LATER_H

#include <stdatomic.h>

#include "http/server.h"

#define LF_LATER_THREADS 4u
#define LF_LATER_EACH	 2u

struct lf_later;
/* Does the work and sets the answer, also when *stopping is, or comes to be, true: that it
 * stops. */
typedef void lf_later_fn(void *context, const atomic_bool *stopping);

LF_MUST_CHECK int lf_later_open(struct lf_later **ret_later, struct lf_error *err);
/*
 * In the complete of an exchange (lf_http_suspend()): work(context) is called once, by another
 * thread, and the exchange goes on after it.  who: whose turn it is, copied.  LF_ENOMEM, or
 * LF_EUNREACHABLE when it stops already: nothing is done, and the caller answers.
 */
LF_MUST_CHECK int lf_later_give(struct lf_later *later, struct lf_http_exchange *x, const char *who,
				lf_later_fn *work, void *context, struct lf_error *err);
/* All that waits is told; before lf_http_server_free(). */
void lf_later_stop(struct lf_later *later);
void lf_later_free(struct lf_later *later);

#endif
