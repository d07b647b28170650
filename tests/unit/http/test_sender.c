/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a limit counts. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "http/sender.h"

static bool same(const char *a, const char *b)
{
	struct lf_sender first = lf_sender_parse(a), second = lf_sender_parse(b);

	return lf_sender_same(&first, &second);
}

static void test_sender__is_an_ipv4_address_or_an_ipv6_network(void **state)
{
	(void)state;
	assert_true(same("192.0.2.1", "192.0.2.1"));
	assert_false(same("192.0.2.1", "192.0.2.2"));
	assert_true(same("2001:db8:1:2::3", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
	assert_false(same("2001:db8:1:2::3", "2001:db8:1:3::3"));
	assert_true(same("::ffff:192.0.2.1", "192.0.2.1"));
	assert_false(same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

static void test_sender__of_a_socket_is_that_of_its_text(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	static const char *const texts[] = {"2001:db8:1:2::3", "::ffff:192.0.2.1", "::1"};

	(void)state;
	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr), 1);
	struct lf_sender socket = lf_sender_of((struct sockaddr *)&v4);
	struct lf_sender text = lf_sender_parse("192.0.2.1");
	assert_true(lf_sender_same(&socket, &text));
	for (size_t i = 0; i < LF_N(texts); i++) {
		assert_int_equal(inet_pton(AF_INET6, texts[i], &v6.sin6_addr), 1);
		socket = lf_sender_of((struct sockaddr *)&v6);
		text = lf_sender_parse(texts[i]);
		assert_true(lf_sender_same(&socket, &text));
	}
}

static void test_sender__has_a_text(void **state)
{
	static const struct {
		const char *address, *text;
	} senders[] = {{"192.0.2.1", "192.0.2.1"},
		       {"::ffff:192.0.2.1", "192.0.2.1"},
		       {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		       {"no address", "::"},
		       {NULL, "::"}};
	char text[LF_SENDER_SIZE];

	(void)state;
	for (size_t i = 0; i < LF_N(senders); i++) {
		struct lf_sender sender = lf_sender_parse(senders[i].address);
		lf_sender_text(&sender, text);
		assert_string_equal(text, senders[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sender__is_an_ipv4_address_or_an_ipv6_network),
		cmocka_unit_test(test_sender__of_a_socket_is_that_of_its_text),
		cmocka_unit_test(test_sender__has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
