/* SPDX-License-Identifier: Apache-2.0 */
/* Which door a connection came by, and where no door can be. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "http/doors.h"
#include "http/listen.h"
#include "os/file.h"

static int connect_to(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* As lf_http_doors_private() says it of the server's end of a connection to that address. */
static void ask(const struct lf_http_doors *doors, int listener, const char *address, uint16_t port,
		char out[static 64])
{
	LF_AUTO_FD client = connect_to(address, port);
	struct pollfd ready = {.fd = listener, .events = POLLIN};

	assert_true(client >= 0);
	assert_int_equal(poll(&ready, 1, -1), 1);
	LF_AUTO_FD ours = accept(listener, NULL, NULL);
	assert_true(ours >= 0);
	lf_http_doors_private(doors, ours, out, 64);
}

static void test_private__is_not_what_came_by_the_servers_own_port(void **state)
{
	const struct lf_http_door everywhere = {.address = "0.0.0.0"};
	struct lf_http_doors *doors = NULL;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_FD listener = -1;
	uint16_t port = 0;
	char seen[64] = "x";

	(void)state;
	assert_lf_ok(lf_http_listen("127.0.0.1", 0, false, &port, &listener, &err));
	assert_lf_ok(lf_http_doors_open(&everywhere, 1, &doors, &err));
	ask(doors, listener, "127.0.0.1", port, seen);
	assert_string_equal(seen, "");
	lf_http_doors_free(doors);
}

static void test_private__leads_nowhere_when_nothing_says_which_door(void **state)
{
	const struct lf_http_door everywhere = {.address = "0.0.0.0"};
	struct lf_http_doors *doors = NULL;
	struct lf_error err = LF_ERROR_NONE;
	char seen[64] = "";
	struct in_addr ignored;

	(void)state;
	assert_lf_ok(lf_http_doors_open(&everywhere, 1, &doors, &err));
	lf_http_doors_private(doors, -1, seen, sizeof(seen));
	assert_string_not_equal(seen, "");
	assert_int_equal(inet_pton(AF_INET, seen, &ignored), 0);
	lf_http_doors_private(NULL, -1, seen, sizeof(seen));
	assert_string_equal(seen, "");
	lf_http_doors_free(doors);
}

static void test_open__on_all_addresses_has_a_port_to_itself(void **state)
{
	struct lf_http_door door = {.address = "0.0.0.0"};
	struct lf_http_doors *doors = NULL;
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_FD listener = -1;

	(void)state;
	assert_lf_ok(lf_http_listen("127.0.0.1", 0, false, &door.port, &listener, &err));
	assert_true(lf_http_doors_open(&door, 1, &doors, &err) < 0);
	assert_null(doors);
	assert_non_null(strstr(err.hint, "--listen"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private__is_not_what_came_by_the_servers_own_port),
		cmocka_unit_test(test_private__leads_nowhere_when_nothing_says_which_door),
		cmocka_unit_test(test_open__on_all_addresses_has_a_port_to_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
