/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outflow/carriage.h - parcels on their way to a sink, on threads of their own,
 * so that the next is packed meanwhile.
 *
 * Packs are brought LF_SINK_CARRIERS at once; parcels are taken in the order they
 * were given.  After a failure none is, and every call says so.
 *
 * Threads: the functions one at a time, but for lf_carriage_upto(),
 * lf_carriage_sent() and lf_carriage_window(), which any thread may ask.
 */
#ifndef LF_OUTFLOW_CARRIAGE_H
#define LF_OUTFLOW_CARRIAGE_H

#include <stdatomic.h>

#include "outflow/sink.h"

struct lf_carriage;
/*
 * sink is borrowed, as is stop.  bytes_per_second: of packs, the mean, but for two packs at the
 * beginning; 0: no limit.  Nothing is held back for it any more once stop (may be NULL) is set.
 */
LF_MUST_CHECK int lf_carriage_new(const struct lf_sink *sink, uint64_t bytes_per_second,
				  const atomic_bool *stop, struct lf_carriage **ret_carriage,
				  struct lf_error *err);
/* Waits for the parcels under way, and for no rate. */
void lf_carriage_free(struct lf_carriage *carriage);
/* Waits while LF_SINK_CARRIERS are under way; takes the extents out of parcel, and removes its
 * pack's file once it has arrived. */
LF_MUST_CHECK int lf_carriage_give(struct lf_carriage *carriage, struct lf_parcel *parcel,
				   struct lf_error *err);
/* Everything given has arrived on 0. */
LF_MUST_CHECK int lf_carriage_wait(struct lf_carriage *carriage, struct lf_error *err);
/* Of what has arrived: upto of the last parcel of disk (0: none yet); bytes of packs; the newest
 * window. */
uint64_t lf_carriage_upto(struct lf_carriage *carriage, const char *disk);
uint64_t lf_carriage_sent(struct lf_carriage *carriage);
uint64_t lf_carriage_window(struct lf_carriage *carriage);

#endif
