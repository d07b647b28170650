/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <pthread.h>

#include "base/text.h"
#include "crypto/token.h"
#include "providers/identity/signin.h"

struct fixture {
	struct lf_clock *clock;
	struct lf_sign_in *sign_in;
	char *stored;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	unsigned done, results[4];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct lf_error err;

	if (!f || lf_secret_hash("right", &f->stored, &err))
		return -1;
	pthread_mutex_init(&f->mutex, NULL);
	pthread_cond_init(&f->more, NULL);
	f->clock = lf_clock_new_manual(INT64_C(1790000000) * LF_NS_PER_S);
	*state = f;
	return lf_sign_in_open(f->clock, &f->sign_in, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	lf_sign_in_free(f->sign_in);
	lf_clock_free(f->clock);
	free(f->stored);
	free(f);
	return 0;
}

static void note_done(void *context, enum lf_sign_in_result result, unsigned retry_s)
{
	struct fixture *f = context;

	(void)retry_s;
	pthread_mutex_lock(&f->mutex);
	f->done++;
	f->results[result]++;
	pthread_cond_signal(&f->more);
	pthread_mutex_unlock(&f->mutex);
}

static void note_wait(void *context)
{
	(void)context;
}

/* Begin a try; true: its result is there. */
static bool begin(struct fixture *f, const char *client, const char *secret, const char *stored,
		  const char *address, enum lf_sign_in_result *ret_result)
{
	struct lf_sign_in_try attempt = {.client_id = (char *)(uintptr_t)client,
					 .secret = (char *)(uintptr_t)secret,
					 .stored = (char *)(uintptr_t)stored,
					 .done = note_done,
					 .context = f};
	unsigned retry_s = 0;

	snprintf(attempt.address, sizeof(attempt.address), "%s", address);
	return lf_sign_in_check(f->sign_in, &attempt, note_wait, ret_result, &retry_s);
}

static void wait_for(struct fixture *f, unsigned done)
{
	pthread_mutex_lock(&f->mutex);
	while (f->done < done)
		pthread_cond_wait(&f->more, &f->mutex);
	pthread_mutex_unlock(&f->mutex);
}

/* One try, to its end.  *ret_waited: the secret's hash was made. */
static enum lf_sign_in_result try_one(struct fixture *f, const char *secret, const char *address,
				      bool *ret_waited)
{
	enum lf_sign_in_result result = LF_SIGN_IN_BUSY;
	unsigned before = f->done, were[4];

	memcpy(were, f->results, sizeof(were));
	*ret_waited = !begin(f, "client", secret, f->stored, address, &result);
	if (!*ret_waited)
		return result;
	wait_for(f, before + 1);
	for (unsigned i = 0; i < 4; i++)
		if (f->results[i] != were[i])
			result = (enum lf_sign_in_result)i;
	return result;
}

static void test_sign_in__a_right_secret_is_remembered_for_a_while(void **state)
{
	struct fixture *f = *state;
	bool waited;

	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_RIGHT);
	assert_true(waited);
	assert_int_equal(try_one(f, "right", "192.0.2.2", &waited), LF_SIGN_IN_RIGHT);
	assert_false(waited);
	lf_clock_step(f->clock, (LF_SIGN_IN_KNOWN_S + 1) * LF_NS_PER_S);
	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_RIGHT);
	assert_true(waited);
}

static void test_sign_in__a_remembered_secret_ends_with_its_hash(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	bool waited;

	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_RIGHT);
	free(f->stored);
	assert_lf_ok(lf_secret_hash("another", &f->stored, &err));
	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_WRONG);
}

static void test_sign_in__wrong_secrets_delay_the_next_try_from_there_alone(void **state)
{
	struct fixture *f = *state;
	bool waited;

	for (unsigned i = 0; i < LF_SIGN_IN_FREE; i++)
		assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited), LF_SIGN_IN_WRONG);
	assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited), LF_SIGN_IN_DELAYED);
	assert_false(waited);
	/* also with the right one, or the answer would tell */
	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_DELAYED);
	/* the rightful owner is elsewhere */
	assert_int_equal(try_one(f, "right", "192.0.2.9", &waited), LF_SIGN_IN_RIGHT);
	/* and what is remembered is not delayed */
	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_RIGHT);
	assert_false(waited);
}

static void test_sign_in__the_delay_doubles_to_its_limit_and_is_forgotten(void **state)
{
	struct fixture *f = *state;
	bool waited;

	for (unsigned i = 0; i < LF_SIGN_IN_FREE; i++)
		assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited), LF_SIGN_IN_WRONG);
	for (unsigned delay = 1; delay < 200; delay *= 2) {
		int64_t wait_s = delay < LF_SIGN_IN_DELAY_S ? delay : LF_SIGN_IN_DELAY_S;
		lf_clock_step(f->clock, wait_s * LF_NS_PER_S - LF_NS_PER_S / 2);
		assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited), LF_SIGN_IN_DELAYED);
		lf_clock_step(f->clock, LF_NS_PER_S);
		assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited), LF_SIGN_IN_WRONG);
	}
	lf_clock_step(f->clock, (LF_SIGN_IN_FORGET_S + 1) * LF_NS_PER_S);
	for (unsigned i = 0; i < LF_SIGN_IN_FREE; i++)
		assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited), LF_SIGN_IN_WRONG);
}

static void test_sign_in__an_address_that_tries_many_clients_is_delayed(void **state)
{
	struct fixture *f = *state;
	enum lf_sign_in_result result = LF_SIGN_IN_WRONG;
	char client[16];

	for (unsigned i = 0; i < LF_SIGN_IN_ADDRESS_FREE; i++) {
		snprintf(client, sizeof(client), "c%u", i);
		/* of one network, too */
		assert_false(begin(f, client, "x", "", i % 2 ? "2001:db8::1" : "2001:db8::2:1",
				   &result));
		wait_for(f, i + 1);
	}
	assert_int_equal(f->results[LF_SIGN_IN_WRONG], LF_SIGN_IN_ADDRESS_FREE);
	assert_true(begin(f, "new", "x", "", "2001:db8::3", &result));
	assert_int_equal(result, LF_SIGN_IN_DELAYED);
	assert_false(begin(f, "new", "x", "", "2001:db8:1::3", &result));
}

static void test_sign_in__the_queue_is_bounded_for_all_and_for_each_address(void **state)
{
	struct fixture *f = *state;
	enum lf_sign_in_result result = LF_SIGN_IN_WRONG;
	unsigned waiting = 0, busy = 0;

	for (unsigned i = 0; i < 2 * LF_SIGN_IN_QUEUE; i++) {
		char client[16];
		snprintf(client, sizeof(client), "c%u", i);
		if (begin(f, client, "x", "", "192.0.2.1", &result))
			busy += result == LF_SIGN_IN_BUSY;
		else
			waiting++;
	}
	assert_true(busy > LF_SIGN_IN_QUEUE / 2);
	assert_true(waiting >= LF_SIGN_IN_ADDRESS);
	/* another address finds room */
	assert_false(begin(f, "c", "x", "", "192.0.2.2", &result));
	lf_sign_in_stop(f->sign_in);
	wait_for(f, waiting + 1);
	assert_true(f->results[LF_SIGN_IN_BUSY] > 0);
	assert_true(begin(f, "c", "x", "", "192.0.2.2", &result));
	assert_int_equal(result, LF_SIGN_IN_BUSY);
}

static void test_sign_in__a_network_has_the_room_of_one_address_in_the_queue(void **state)
{
	struct fixture *f = *state;
	enum lf_sign_in_result result = LF_SIGN_IN_WRONG;
	unsigned waiting = 0;

	for (unsigned i = 0; i < 2 * LF_SIGN_IN_QUEUE; i++) {
		char client[16], address[64];
		snprintf(client, sizeof(client), "c%u", i);
		snprintf(address, sizeof(address), "2001:db8:1:2::%x", i);
		waiting += !begin(f, client, "x", "", address, &result);
	}
	assert_false(begin(f, "c", "x", "", "2001:db8:1:3::1", &result));
	lf_sign_in_stop(f->sign_in);
	wait_for(f, waiting + 1);
}

static void test_sign_in__wrong_secrets_of_neighbours_do_not_keep_who_was_right_out(void **state)
{
	struct fixture *f = *state;
	bool waited;

	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_RIGHT);
	/* a token is good for an hour: then its owner comes again */
	for (unsigned hour = 0; hour < 30; hour++) {
		lf_clock_step(f->clock, 3600 * LF_NS_PER_S);
		for (unsigned i = 0; i < LF_SIGN_IN_FREE && hour % 10 == 9; i++)
			assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited),
					 LF_SIGN_IN_WRONG);
		assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_RIGHT);
		assert_false(waited);
	}
}

static void test_sign_in__a_client_id_in_capitals_is_the_same_one(void **state)
{
	struct fixture *f = *state;
	enum lf_sign_in_result result;
	bool waited;

	for (unsigned i = 0; i < LF_SIGN_IN_FREE; i++)
		assert_int_equal(try_one(f, "wrong", "192.0.2.1", &waited), LF_SIGN_IN_WRONG);
	assert_true(begin(f, "CLIENT", "wrong", f->stored, "192.0.2.1", &result));
	assert_int_equal(result, LF_SIGN_IN_DELAYED);
}

static void test_sign_in__many_of_one_client_at_once_cost_one_hash(void **state)
{
	struct fixture *f = *state;
	enum lf_sign_in_result result;
	unsigned waiting = 0, right = 0;

	int64_t begun = lf_clock_monotonic_ns();
	bool waited;
	assert_int_equal(try_one(f, "right", "192.0.2.1", &waited), LF_SIGN_IN_RIGHT);
	int64_t one = lf_clock_monotonic_ns() - begun;
	lf_clock_step(f->clock, (LF_SIGN_IN_KNOWN_S + 1) * LF_NS_PER_S);
	begun = lf_clock_monotonic_ns();
	for (unsigned i = 0; i < 40; i++) {
		if (begin(f, "client", "right", f->stored, "192.0.2.1", &result))
			right += result == LF_SIGN_IN_RIGHT;
		else
			waiting++;
	}
	wait_for(f, 1 + waiting);
	assert_int_equal(right + f->results[LF_SIGN_IN_RIGHT], 41);
	assert_true(lf_clock_monotonic_ns() - begun < 10 * one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sign_in__a_right_secret_is_remembered_for_a_while),
		TEST(test_sign_in__a_remembered_secret_ends_with_its_hash),
		TEST(test_sign_in__wrong_secrets_delay_the_next_try_from_there_alone),
		TEST(test_sign_in__the_delay_doubles_to_its_limit_and_is_forgotten),
		TEST(test_sign_in__an_address_that_tries_many_clients_is_delayed),
		TEST(test_sign_in__the_queue_is_bounded_for_all_and_for_each_address),
		TEST(test_sign_in__a_network_has_the_room_of_one_address_in_the_queue),
		TEST(test_sign_in__wrong_secrets_of_neighbours_do_not_keep_who_was_right_out),
		TEST(test_sign_in__a_client_id_in_capitals_is_the_same_one),
		TEST(test_sign_in__many_of_one_client_at_once_cost_one_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
