/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer/courier.h - packs on their way to a peer, over several connections, so
 * that a long way is kept full.
 *
 * Threads: the functions one at a time; the couriers are threads of their own.
 */
#ifndef LF_PEER_COURIER_H
#define LF_PEER_COURIER_H

#include "base/text.h"
#include "peer/link.h"

struct lf_couriers;
/* peer is borrowed. */
LF_MUST_CHECK int lf_couriers_new(const struct lf_peer *peer, const char *point,
				  struct lf_couriers **ret_couriers, struct lf_error *err);
/* Takes the file: removed once it is there.  Waits for a free courier; after a failure every call
 * says so. */
LF_MUST_CHECK int lf_couriers_give(struct lf_couriers *couriers, const char *path,
				   struct lf_error *err);
/* Everything given has arrived, durable, on 0. */
LF_MUST_CHECK int lf_couriers_wait(struct lf_couriers *couriers, struct lf_error *err);
/* Waits for what is under way; what is not is removed. */
void lf_couriers_free(struct lf_couriers *couriers);

#endif
