/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/gate.h - what connections may cost before and after somebody is known:
 * how many there are, how long they may take, how much of their bodies is held.
 *
 * Nobody can lock others out by staying: where a limit is reached the oldest of
 * those that nobody is known on ends, not the newcomer.  In this order: who has
 * asked nothing yet, who waits between requests, who is sending a head or a
 * body or takes an answer; then those that wait and are known.  A connection
 * whose request is being worked on, or whose known caller is sending or takes
 * an answer, is left alone: how long such an answer may stand still is the
 * server's to say.
 *
 * What counts as one address: http/sender.h.
 * Connections are ended by shutting their socket down: whoever serves it sees
 * its end.  What a client has sent and the server not yet read counts as sent,
 * but for one that takes no answer: it is the reason why nothing is read.
 *
 * Bounds: connections_max visitors, of which an address has at most per_address
 * (and 256 more that are ending), LF_GATE_LINGERS sockets that linger.
 * Threads: any; one mutex, innermost, held for a look at every visitor at most.
 */
#ifndef LF_HTTP_GATE_H
#define LF_HTTP_GATE_H

#include <sys/socket.h>

#include "base/compiler.h"

#define LF_GATE_LINGERS 64

struct lf_gate_opts {
	unsigned connections_max, per_address;
	unsigned head_ms; /* from the connection, or a request's first line, to the end of its head;
			   * also for nobody to take an answer: all of them are small */
	unsigned idle_ms; /* between requests */
	unsigned body_ms; /* without a byte of a body; twice that at less than body_rate */
	unsigned drop_ms; /* for all of a body that is not wanted */
	unsigned body_rate;	      /* bytes a second */
	size_t nobody_max, known_max; /* bytes of bodies that are held for all of them at once */
};
struct lf_gate;
/* NULL: out of memory. */
struct lf_gate *lf_gate_new(const struct lf_gate_opts *opts);
/* When all visitors have left. */
void lf_gate_free(struct lf_gate *gate);

struct lf_visitor; /* one connection */
/* May one more come from there?  Others may have been ended for it. */
bool lf_gate_admit(struct lf_gate *gate, const struct sockaddr *from);
/* NULL: out of memory; the functions below take NULL and do nothing. */
struct lf_visitor *lf_gate_enter(struct lf_gate *gate, const struct sockaddr *from, int fd);
/* Before its socket is closed; frees it. */
void lf_gate_leave(struct lf_visitor *visitor);

enum lf_gate_phase {
	LF_GATE_HELLO, /* has asked nothing yet */
	LF_GATE_IDLE,
	LF_GATE_HEAD,
	LF_GATE_BODY,	/* of a request */
	LF_GATE_DROP,	/* a body that is read and dropped */
	LF_GATE_WORK,	/* the request is whole; until its answer is set */
	LF_GATE_ANSWER, /* until the client has taken it */
};
void lf_gate_phase(struct lf_visitor *visitor, enum lf_gate_phase phase);
/* So many bytes of a body have come. */
void lf_gate_progress(struct lf_visitor *visitor, size_t bytes);
/* Who is calling has been proved; for good. */
void lf_gate_know(struct lf_visitor *visitor);
/* Bytes of its body are kept in memory from now on; false: there is no room for them. */
bool lf_gate_hold(struct lf_visitor *visitor, size_t bytes);
void lf_gate_let_go(struct lf_visitor *visitor);
/* It is told to go while it may still be sending: its socket outlives it for as long as a body may
 * be dropped, so that the answer is not lost in a reset. */
void lf_gate_linger(struct lf_visitor *visitor);

/* End those whose time is up, and read what those that linger send.  Call it again in at most the
 * time that it returns, in ms. */
unsigned lf_gate_tick(struct lf_gate *gate);
/* End all, or those alone that ask nothing at this moment. */
void lf_gate_end(struct lf_gate *gate, bool all);
/* Visitors that are there. */
unsigned lf_gate_visitors(struct lf_gate *gate);

#endif
