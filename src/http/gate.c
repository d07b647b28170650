/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Visitors are connections: each is in a phase, and each phase has a time.  A
 * newcomer for whom there is no room takes the place of the one that is worth
 * least: a handshake, an idle one, a head or a body of somebody unknown; of
 * those who are known only one that is idle.  The tick, which the watcher of
 * the server calls, ends those whose time is over, and reads and drops what
 * clients still send whose connection we have closed.  All of it is memory.
 */
#include "http/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/lock.h"
#include "base/text.h"
#include "http/sender.h"

#define ENDING_MAX   256u /* that were told to end and have not yet */
#define TICK_MS	     1000u
#define LINGER_MS    100u
#define LINGER_BLOCK (256u << 10)

LF_LOCK_KIND(lf_gate_lock);
struct lf_visitor {
	struct lf_gate *gate;
	struct lf_visitor *next LF_GUARDED_BY(lf_gate_lock), *before LF_GUARDED_BY(lf_gate_lock);
	struct lf_sender sender;
	int fd;
	enum lf_gate_phase phase LF_GUARDED_BY(lf_gate_lock);
	int64_t since_ns LF_GUARDED_BY(lf_gate_lock); /* of the phase */
	int64_t last_ns LF_GUARDED_BY(lf_gate_lock);  /* when something came of the body */
	uint64_t received LF_GUARDED_BY(lf_gate_lock);
	size_t held LF_GUARDED_BY(lf_gate_lock);
	bool known LF_GUARDED_BY(lf_gate_lock), ending LF_GUARDED_BY(lf_gate_lock),
		linger LF_GUARDED_BY(lf_gate_lock);
};

struct lingerer {
	int fd;
	int64_t until_ns;
};

struct lf_gate {
	struct lf_gate_opts opts;
	pthread_mutex_t mutex;
	struct lf_visitor *visitors LF_GUARDED_BY(lf_gate_lock);
	unsigned n LF_GUARDED_BY(lf_gate_lock), n_ending LF_GUARDED_BY(lf_gate_lock);
	size_t held_nobody LF_GUARDED_BY(lf_gate_lock), held_known LF_GUARDED_BY(lf_gate_lock);
	struct lingerer lingers[LF_GATE_LINGERS] LF_GUARDED_BY(lf_gate_lock);
	unsigned n_lingers LF_GUARDED_BY(lf_gate_lock);
};

struct lf_gate *lf_gate_new(const struct lf_gate_opts *opts)
{
	struct lf_gate *gate = calloc(1, sizeof(*gate));

	if (!gate)
		return NULL;
	gate->opts = *opts;
	pthread_mutex_init(&gate->mutex, NULL);
	return gate;
}

void lf_gate_free(struct lf_gate *gate)
{
	if (!gate)
		return;
	LF_ALONE(lf_gate_lock);
	for (struct lf_visitor *v = gate->visitors, *next; v; v = next) {
		next = v->next;
		free(v);
	}
	while (gate->n_lingers)
		close(gate->lingers[--gate->n_lingers].fd);
	pthread_mutex_destroy(&gate->mutex);
	free(gate);
}

LF_REQUIRES(lf_gate_lock)
static void end_visitor(struct lf_visitor *visitor, const char *why)
{
	if (visitor->ending)
		return;
	visitor->ending = true;
	visitor->gate->n_ending++;
	shutdown(visitor->fd, SHUT_RDWR);
	lf_count("connections_ended", why, 1);
}

/* Who goes first where somebody has to: 1 before 2; 0: not this one. */
LF_REQUIRES(lf_gate_lock)
static unsigned rank(const struct lf_visitor *visitor)
{
	static const unsigned ranks[] = {
		[LF_GATE_HELLO] = 1, [LF_GATE_IDLE] = 2, [LF_GATE_HEAD] = 3,  [LF_GATE_BODY] = 3,
		[LF_GATE_DROP] = 3,  [LF_GATE_WORK] = 0, [LF_GATE_ANSWER] = 3};

	if (visitor->ending)
		return 0;
	if (visitor->known)
		return visitor->phase == LF_GATE_IDLE ? 4 : 0;
	return ranks[visitor->phase];
}

/* End the first in that order of one sender (NULL: of any); false: there is none. */
LF_REQUIRES(lf_gate_lock)
static bool make_room(struct lf_gate *gate, const struct lf_sender *sender, const char *why)
{
	struct lf_visitor *first = NULL;

	for (struct lf_visitor *v = gate->visitors; v; v = v->next) {
		unsigned r = rank(v);
		if (!r || (sender && !lf_sender_same(sender, &v->sender)))
			continue;
		if (!first || r < rank(first) ||
		    (r == rank(first) && v->since_ns < first->since_ns))
			first = v;
	}
	if (first)
		end_visitor(first, why);
	return first;
}

LF_REQUIRES(lf_gate_lock)
static unsigned count_of(const struct lf_gate *gate, const struct lf_sender *sender)
{
	unsigned n = 0;

	for (const struct lf_visitor *v = gate->visitors; v; v = v->next)
		n += !v->ending && lf_sender_same(sender, &v->sender);
	return n;
}

/* End the oldest body of nobody, other than this one's; false: there is none. */
LF_REQUIRES(lf_gate_lock)
static bool drop_a_body(struct lf_gate *gate, const struct lf_visitor *own)
{
	struct lf_visitor *oldest = NULL;

	for (struct lf_visitor *v = gate->visitors; v; v = v->next)
		if (v != own && v->held && !v->known && !v->ending && v->phase == LF_GATE_BODY &&
		    (!oldest || v->since_ns < oldest->since_ns))
			oldest = v;
	if (!oldest)
		return false;
	end_visitor(oldest, "memory");
	gate->held_nobody -= oldest->held;
	oldest->held = 0;
	return true;
}

LF_REQUIRES(lf_gate_lock)
static bool is_over(const struct lf_gate *gate, const struct lf_visitor *visitor, int64_t now)
{
	const struct lf_gate_opts *opts = &gate->opts;
	int64_t phase_ms = (now - visitor->since_ns) / LF_NS_PER_MS;
	int64_t still_ms = (now - visitor->last_ns) / LF_NS_PER_MS;

	switch (visitor->phase) {
	case LF_GATE_HELLO:
	case LF_GATE_HEAD:
		return phase_ms > opts->head_ms;
	case LF_GATE_IDLE:
		return phase_ms > opts->idle_ms;
	case LF_GATE_DROP:
		return phase_ms > opts->drop_ms;
	case LF_GATE_BODY:
		return still_ms > opts->body_ms ||
		       (phase_ms > 2 * (int64_t)opts->body_ms &&
			visitor->received / opts->body_rate < (uint64_t)phase_ms / 1000);
	case LF_GATE_ANSWER:
		return !visitor->known && phase_ms > opts->head_ms;
	case LF_GATE_WORK:
		break;
	}
	return false;
}

/* Has it sent what nobody has read yet?  Then the delay is ours, unless it takes no answer. */
LF_REQUIRES(lf_gate_lock)
static bool has_unread(const struct lf_visitor *visitor)
{
	int unread = 0;

	return visitor->phase != LF_GATE_ANSWER && ioctl(visitor->fd, FIONREAD, &unread) == 0 &&
	       unread > 0;
}

LF_REQUIRES(lf_gate_lock)
static void drain(struct lf_gate *gate, int64_t now)
{
	static char dropped[LINGER_BLOCK]; /* nobody looks; written under the mutex */

	for (unsigned i = 0; i < gate->n_lingers;) {
		struct lingerer *linger = &gate->lingers[i];
		ssize_t got = recv(linger->fd, dropped, sizeof(dropped), MSG_DONTWAIT);
		if (now < linger->until_ns && (got > 0 || (got < 0 && errno == EAGAIN))) {
			i++;
			continue;
		}
		close(linger->fd);
		*linger = gate->lingers[--gate->n_lingers];
	}
}

bool lf_gate_admit(struct lf_gate *gate, const struct sockaddr *from)
{
	struct lf_sender sender = lf_sender_of(from);

	LF_GUARD(&gate->mutex, lf_gate_lock);
	bool good = gate->n_ending < ENDING_MAX;
	if (good && count_of(gate, &sender) >= gate->opts.per_address)
		good = make_room(gate, &sender, "address");
	if (good && gate->n - gate->n_ending >= gate->opts.connections_max)
		good = make_room(gate, NULL, "all");
	if (!good)
		lf_count("connections_refused", NULL, 1);
	return good;
}

struct lf_visitor *lf_gate_enter(struct lf_gate *gate, const struct sockaddr *from, int fd)
{
	struct lf_visitor *visitor = calloc(1, sizeof(*visitor));

	if (!visitor)
		return NULL;
	LF_GUARD(&gate->mutex, lf_gate_lock);
	visitor->gate = gate;
	visitor->fd = fd;
	visitor->since_ns = visitor->last_ns = lf_clock_monotonic_ns();
	visitor->sender = lf_sender_of(from);
	visitor->next = gate->visitors;
	if (visitor->next)
		visitor->next->before = visitor;
	gate->visitors = visitor;
	gate->n++;
	return visitor;
}

void lf_gate_leave(struct lf_visitor *visitor)
{
	if (!visitor)
		return;
	struct lf_gate *gate = visitor->gate;
	int64_t until_ns = lf_clock_monotonic_ns() + gate->opts.drop_ms * LF_NS_PER_MS;
	lf_gate_let_go(visitor);
	LF_GUARD(&gate->mutex, lf_gate_lock);
	if (visitor->before)
		visitor->before->next = visitor->next;
	else
		gate->visitors = visitor->next;
	if (visitor->next)
		visitor->next->before = visitor->before;
	gate->n--;
	gate->n_ending -= visitor->ending;
	bool lingers = visitor->linger && !visitor->ending && gate->n_lingers < LF_GATE_LINGERS;
	int fd = lingers ? fcntl(visitor->fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (fd >= 0)
		gate->lingers[gate->n_lingers++] = (struct lingerer){fd, until_ns};
	free(visitor);
}

void lf_gate_phase(struct lf_visitor *visitor, enum lf_gate_phase phase)
{
	if (!visitor)
		return;
	int64_t now = lf_clock_monotonic_ns();
	LF_GUARD(&visitor->gate->mutex, lf_gate_lock);
	visitor->phase = phase;
	visitor->since_ns = visitor->last_ns = now;
	visitor->received = 0;
}

void lf_gate_progress(struct lf_visitor *visitor, size_t bytes)
{
	if (!visitor)
		return;
	int64_t now = lf_clock_monotonic_ns();
	LF_GUARD(&visitor->gate->mutex, lf_gate_lock);
	visitor->last_ns = now;
	visitor->received += bytes;
}

void lf_gate_know(struct lf_visitor *visitor)
{
	if (!visitor)
		return;
	LF_GUARD(&visitor->gate->mutex, lf_gate_lock);
	if (!visitor->known) {
		visitor->gate->held_nobody -= visitor->held;
		visitor->gate->held_known += visitor->held;
	}
	visitor->known = true;
}

bool lf_gate_hold(struct lf_visitor *visitor, size_t bytes)
{
	if (!visitor)
		return true;
	struct lf_gate *gate = visitor->gate;
	LF_GUARD(&gate->mutex, lf_gate_lock);
	size_t *held = visitor->known ? &gate->held_known : &gate->held_nobody;
	size_t max = visitor->known ? gate->opts.known_max : gate->opts.nobody_max;
	while (bytes > max - *held)
		if (visitor->known || !drop_a_body(gate, visitor)) {
			lf_count("bodies_refused", visitor->known ? "known" : "nobody", 1);
			return false;
		}
	*held += bytes;
	visitor->held += bytes;
	return true;
}

void lf_gate_let_go(struct lf_visitor *visitor)
{
	if (!visitor)
		return;
	struct lf_gate *gate = visitor->gate;
	LF_GUARD(&gate->mutex, lf_gate_lock);
	*(visitor->known ? &gate->held_known : &gate->held_nobody) -= visitor->held;
	visitor->held = 0;
}

void lf_gate_linger(struct lf_visitor *visitor)
{
	if (!visitor)
		return;
	LF_GUARD(&visitor->gate->mutex, lf_gate_lock);
	visitor->linger = true;
}

unsigned lf_gate_tick(struct lf_gate *gate)
{
	int64_t now = lf_clock_monotonic_ns();
	LF_GUARD(&gate->mutex, lf_gate_lock);

	for (struct lf_visitor *v = gate->visitors; v; v = v->next)
		if (!v->ending && is_over(gate, v, now) && !has_unread(v))
			end_visitor(v, "time");
	drain(gate, now);
	return gate->n_lingers ? LINGER_MS : TICK_MS;
}

void lf_gate_end(struct lf_gate *gate, bool all)
{
	LF_GUARD(&gate->mutex, lf_gate_lock);
	for (struct lf_visitor *v = gate->visitors; v; v = v->next)
		if (all || v->phase <= LF_GATE_HEAD)
			end_visitor(v, "stop");
}

unsigned lf_gate_visitors(struct lf_gate *gate)
{
	LF_GUARD(&gate->mutex, lf_gate_lock);
	return gate->n;
}
