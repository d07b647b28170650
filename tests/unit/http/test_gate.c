/* SPDX-License-Identifier: Apache-2.0 */
/* Who has to go where there is no room: on sockets that nobody serves. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <time.h>

#include "http/gate.h"

#define FOR_EVER 1000000u

static const struct lf_gate_opts roomy = {.connections_max = 8,
					  .per_address = 4,
					  .head_ms = FOR_EVER,
					  .idle_ms = FOR_EVER,
					  .body_ms = FOR_EVER,
					  .drop_ms = FOR_EVER,
					  .body_rate = 1,
					  .nobody_max = 1000,
					  .known_max = 2000};

struct guest {
	int ours, theirs;
	struct lf_visitor *visitor;
};

static struct sockaddr *address(const char *text)
{
	static struct sockaddr_in6 v6;
	static struct sockaddr_in v4;

	v4 = (struct sockaddr_in){.sin_family = AF_INET};
	v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return (struct sockaddr *)&v4;
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return (struct sockaddr *)&v6;
}

static struct guest come(struct lf_gate *gate, const char *from, enum lf_gate_phase phase)
{
	struct guest guest;
	int pair[2];

	assert_true(lf_gate_admit(gate, address(from)));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	guest = (struct guest){pair[0], pair[1], lf_gate_enter(gate, address(from), pair[0])};
	lf_gate_phase(guest.visitor, phase);
	return guest;
}

/* Was it told to go? */
static bool ended(const struct guest *guest)
{
	struct pollfd look = {.fd = guest->theirs, .events = POLLRDHUP};

	return poll(&look, 1, 0) == 1;
}

static void leave(struct guest *guest)
{
	lf_gate_leave(guest->visitor);
	close(guest->ours);
	close(guest->theirs);
}

static void test_address__at_its_limit_loses_who_asks_least(void **state)
{
	struct lf_gate *gate = lf_gate_new(&roomy);

	(void)state;
	struct guest work = come(gate, "192.0.2.1", LF_GATE_WORK);
	struct guest idle = come(gate, "192.0.2.1", LF_GATE_IDLE);
	struct guest silent = come(gate, "192.0.2.1", LF_GATE_HELLO);
	struct guest known = come(gate, "192.0.2.1", LF_GATE_IDLE);
	struct guest other = come(gate, "192.0.2.2", LF_GATE_HELLO);
	lf_gate_know(known.visitor);
	struct guest fifth = come(gate, "192.0.2.1", LF_GATE_WORK);
	assert_true(ended(&silent));
	assert_false(ended(&idle) || ended(&known) || ended(&work) || ended(&other));
	struct guest sixth = come(gate, "192.0.2.1", LF_GATE_WORK);
	assert_true(ended(&idle));
	assert_false(ended(&known));
	struct guest seventh = come(gate, "192.0.2.1", LF_GATE_WORK);
	assert_true(ended(&known));
	/* all that are left are being worked for */
	assert_false(lf_gate_admit(gate, address("192.0.2.1")));
	assert_false(ended(&work) || ended(&fifth) || ended(&sixth) || ended(&seventh));
	assert_true(lf_gate_admit(gate, address("192.0.2.3")));
	struct guest *all[] = {&work, &idle, &silent, &known, &other, &fifth, &sixth, &seventh};
	for (size_t i = 0; i < LF_N(all); i++)
		leave(all[i]);
	assert_int_equal(lf_gate_visitors(gate), 0);
	lf_gate_free(gate);
}

static void test_answer__that_nobody_takes_gives_way(void **state)
{
	struct lf_gate *gate = lf_gate_new(&roomy);
	struct guest guests[5];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		guests[i] = come(gate, "192.0.2.1", LF_GATE_ANSWER);
	lf_gate_know(guests[0].visitor);
	/* it has sent more, which nobody reads before it takes what it asked for */
	assert_int_equal(write(guests[1].theirs, "x", 1), 1);
	guests[4] = come(gate, "192.0.2.1", LF_GATE_HELLO);
	assert_true(ended(&guests[1]));
	assert_false(ended(&guests[0]) || ended(&guests[2]));
	for (unsigned i = 0; i < 5; i++)
		leave(&guests[i]);
	lf_gate_free(gate);
}

static void test_address__of_version_six_is_a_network(void **state)
{
	struct lf_gate *gate = lf_gate_new(&roomy);
	struct guest guests[4];
	char text[40];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "2001:db8::%x:1", i + 1);
		guests[i] = come(gate, text, LF_GATE_WORK);
	}
	assert_false(lf_gate_admit(gate, address("2001:db8::ffff")));
	assert_true(lf_gate_admit(gate, address("2001:db8:0:1::1")));
	for (unsigned i = 0; i < 4; i++)
		leave(&guests[i]);
	/* the same address, by either version */
	for (unsigned i = 0; i < 4; i++)
		guests[i] = come(gate, i % 2 ? "192.0.2.1" : "::ffff:192.0.2.1", LF_GATE_WORK);
	assert_false(lf_gate_admit(gate, address("192.0.2.1")));
	for (unsigned i = 0; i < 4; i++)
		leave(&guests[i]);
	lf_gate_free(gate);
}

static void test_all_places__taken_by_silence_are_made_free(void **state)
{
	struct lf_gate *gate = lf_gate_new(&roomy);
	struct guest guests[9];
	char text[40];

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		guests[i] = come(gate, text, i ? LF_GATE_HELLO : LF_GATE_BODY);
	}
	assert_true(ended(&guests[1])); /* the oldest */
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(ended(&guests[i]), i == 1);
		leave(&guests[i]);
	}
	lf_gate_free(gate);
}

static void pause_ms(unsigned ms)
{
	nanosleep(&(const struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static void test_time__of_each_phase_ends(void **state)
{
	struct lf_gate_opts hasty = roomy;

	(void)state;
	hasty.head_ms = hasty.idle_ms = hasty.body_ms = hasty.drop_ms = 1;
	hasty.per_address = 8;
	struct lf_gate *gate = lf_gate_new(&hasty);
	struct guest hello = come(gate, "192.0.2.1", LF_GATE_HELLO);
	struct guest idle = come(gate, "192.0.2.1", LF_GATE_IDLE);
	struct guest head = come(gate, "192.0.2.1", LF_GATE_HEAD);
	struct guest body = come(gate, "192.0.2.1", LF_GATE_BODY);
	struct guest drop = come(gate, "192.0.2.1", LF_GATE_DROP);
	struct guest work = come(gate, "192.0.2.1", LF_GATE_WORK);
	struct guest unread = come(gate, "192.0.2.1", LF_GATE_BODY);
	struct guest untaken = come(gate, "192.0.2.1", LF_GATE_ANSWER);
	struct guest known = come(gate, "192.0.2.2", LF_GATE_ANSWER);
	lf_gate_know(known.visitor);
	assert_int_equal(write(unread.theirs, "x", 1), 1); /* sent in time: we are late */
	assert_int_equal(write(untaken.theirs, "x", 1), 1);
	pause_ms(20);
	lf_gate_tick(gate);
	assert_true(ended(&hello) && ended(&idle) && ended(&head) && ended(&body) && ended(&drop));
	assert_true(ended(&untaken));
	assert_false(ended(&work) || ended(&unread) || ended(&known));
	struct guest *all[] = {&hello, &idle,	&head,	  &body, &drop,
			       &work,  &unread, &untaken, &known};
	for (size_t i = 0; i < LF_N(all); i++)
		leave(all[i]);
	lf_gate_free(gate);
}

static void test_body__that_trickles_ends_and_one_that_flows_goes_on(void **state)
{
	struct lf_gate_opts opts = roomy;

	(void)state;
	opts.body_ms = 500;
	opts.body_rate = 1000000;
	struct lf_gate *gate = lf_gate_new(&opts);
	struct guest slow = come(gate, "192.0.2.1", LF_GATE_BODY);
	struct guest fast = come(gate, "192.0.2.1", LF_GATE_BODY);
	for (unsigned i = 0; i < 12; i++) {
		pause_ms(100);
		lf_gate_progress(slow.visitor, 1);
		lf_gate_progress(fast.visitor, 1u << 30);
	}
	lf_gate_tick(gate);
	assert_true(ended(&slow));
	assert_false(ended(&fast));
	leave(&slow);
	leave(&fast);
	lf_gate_free(gate);
}

static void test_memory__of_nobody_is_taken_from_the_oldest(void **state)
{
	struct lf_gate *gate = lf_gate_new(&roomy);
	struct guest first = come(gate, "192.0.2.1", LF_GATE_BODY);
	struct guest second = come(gate, "192.0.2.2", LF_GATE_BODY);
	struct guest known = come(gate, "192.0.2.3", LF_GATE_BODY);

	(void)state;
	lf_gate_know(known.visitor);
	assert_true(lf_gate_hold(known.visitor, 1500));
	assert_true(lf_gate_hold(first.visitor, 600));
	assert_true(lf_gate_hold(second.visitor, 400));
	assert_false(ended(&first));
	assert_true(lf_gate_hold(second.visitor, 500));
	assert_true(ended(&first));
	assert_false(lf_gate_hold(second.visitor, 101)); /* nobody is left but itself */
	assert_false(ended(&second));
	assert_false(lf_gate_hold(known.visitor, 501));
	assert_true(lf_gate_hold(known.visitor, 500));
	lf_gate_let_go(known.visitor);
	assert_true(lf_gate_hold(known.visitor, 2000));
	leave(&first);
	leave(&second);
	leave(&known);
	lf_gate_free(gate);
}

static void test_lingering__outlives_the_visit_until_the_client_is_done(void **state)
{
	struct lf_gate *gate = lf_gate_new(&roomy);
	struct guest guest = come(gate, "192.0.2.1", LF_GATE_WORK);
	char text[8];

	(void)state;
	assert_int_equal(write(guest.ours, "403", 3), 3);
	lf_gate_linger(guest.visitor);
	lf_gate_leave(guest.visitor);
	close(guest.ours);
	assert_int_equal(write(guest.theirs, "more", 4), 4);
	assert_true(lf_gate_tick(gate) < 1000);
	assert_int_equal(read(guest.theirs, text, sizeof(text)), 3);
	assert_int_equal(send(guest.theirs, "more", 4, MSG_NOSIGNAL), 4);
	lf_gate_tick(gate);
	close(guest.theirs);
	lf_gate_tick(gate);
	assert_int_equal(lf_gate_tick(gate), 1000);
	lf_gate_free(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address__at_its_limit_loses_who_asks_least),
		cmocka_unit_test(test_answer__that_nobody_takes_gives_way),
		cmocka_unit_test(test_address__of_version_six_is_a_network),
		cmocka_unit_test(test_all_places__taken_by_silence_are_made_free),
		cmocka_unit_test(test_time__of_each_phase_ends),
		cmocka_unit_test(test_body__that_trickles_ends_and_one_that_flows_goes_on),
		cmocka_unit_test(test_memory__of_nobody_is_taken_from_the_oldest),
		cmocka_unit_test(test_lingering__outlives_the_visit_until_the_client_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
