/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of the protocol where real clients do not go; they are in tests/vault. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/bytes.h"
#include "base/buf.h"
#include "nbd/server/server.h"
#include "nbd/server/session.h"
#include "nbd/server/wire.h"

#define SIZE (UINT64_C(1) << 40)

static const struct lf_nbd_disk items[] = {{.name = "sda", .size = SIZE},
					   {.name = "sdb", .size = 5000}};
static const struct lf_nbd_disks disks = {.items = items, .count = 2};

/* A session in a thread, and the client's end of it. */
struct talk {
	pthread_t thread;
	int server, client;
};

static void *run(void *argument)
{
	struct talk *talk = argument;

	lf_nbd_session_run(&disks, talk->server, talk->server);
	shutdown(talk->server, SHUT_RDWR);
	return NULL;
}

static void receive(struct talk *talk, void *data, size_t len)
{
	assert_int_equal(recv(talk->client, data, len, MSG_WAITALL), (ssize_t)len);
}

static void send_all(struct talk *talk, const void *data, size_t len)
{
	assert_int_equal(send(talk->client, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static bool is_closed(struct talk *talk)
{
	char byte;

	return recv(talk->client, &byte, 1, 0) <= 0;
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | *at++;
	return n;
}

static void begin(struct talk *talk, uint32_t flags)
{
	uint8_t greeting[18], answer[4];
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	talk->server = ends[0];
	talk->client = ends[1];
	assert_int_equal(pthread_create(&talk->thread, NULL, run, talk), 0);
	receive(talk, greeting, sizeof(greeting));
	assert_memory_equal(greeting, "NBDMAGICIHAVEOPT", 16);
	lf_put_be32(answer, flags);
	send_all(talk, answer, sizeof(answer));
}

static void end(struct talk *talk)
{
	close(talk->client);
	pthread_join(talk->thread, NULL);
	close(talk->server);
}

static void send_option(struct talk *talk, uint32_t option, const void *data, uint32_t len)
{
	uint8_t head[LF_NBD_OPTION_SIZE];

	lf_put_be64(head, LF_NBD_OPTION_MAGIC);
	lf_put_be32(head + 8, option);
	lf_put_be32(head + 12, len);
	send_all(talk, head, sizeof(head));
	if (len)
		send_all(talk, data, len);
}

/* The type of the next reply; its data is thrown away. */
static uint32_t reply_type(struct talk *talk)
{
	uint8_t head[LF_NBD_REP_SIZE], data[512];

	receive(talk, head, sizeof(head));
	assert_true(get(head, 8) == LF_NBD_REPLY_MAGIC);
	size_t len = get(head + 16, 4);
	assert_true(len <= sizeof(data));
	if (len)
		receive(talk, data, len);
	return (uint32_t)get(head + 12, 4);
}

static void send_request(struct talk *talk, uint16_t flags, uint16_t type, uint64_t offset,
			 uint32_t len)
{
	uint8_t bytes[LF_NBD_REQUEST_SIZE];

	lf_put_be32(bytes, 0x25609513);
	lf_put_be16(bytes + 4, flags);
	lf_put_be16(bytes + 6, type);
	memcpy(bytes + 8, "a cookie", 8);
	lf_put_be64(bytes + 16, offset);
	lf_put_be32(bytes + 24, len);
	send_all(talk, bytes, sizeof(bytes));
}

/* A chunk of a reply: its type, with its data in data. */
static unsigned chunk(struct talk *talk, uint8_t *data, size_t max, size_t *ret_len, bool *ret_done)
{
	uint8_t head[LF_NBD_CHUNK_SIZE];

	receive(talk, head, sizeof(head));
	assert_int_equal(get(head, 4), 0x668e33ef);
	assert_memory_equal(head + 8, "a cookie", 8);
	*ret_len = get(head + 16, 4);
	assert_true(*ret_len <= max);
	if (*ret_len)
		receive(talk, data, *ret_len);
	*ret_done = get(head + 4, 2) & 1;
	return (unsigned)get(head + 6, 2);
}

/* The error that the request is answered with; 0: none. */
static unsigned answer(struct talk *talk, uint16_t flags, uint16_t type, uint64_t offset,
		       uint32_t len)
{
	static uint8_t data[300 << 10];
	bool done = false;
	unsigned error = 0;
	size_t got;

	send_request(talk, flags, type, offset, len);
	while (!done)
		if (chunk(talk, data, sizeof(data), &got, &done) == LF_NBD_CHUNK_ERROR)
			error = (unsigned)get(data, 4);
	return error;
}

static uint32_t go(struct talk *talk, const char *name, bool contexts)
{
	static const char base[] = "base:allocation";
	uint8_t data[64];
	uint32_t len = (uint32_t)strlen(name), type;

	lf_put_be32(data, len);
	memcpy(data + 4, name, len);
	if (contexts) {
		lf_put_be32(data + 4 + len, 1);
		lf_put_be32(data + 8 + len, sizeof(base) - 1);
		memcpy(data + 12 + len, base, sizeof(base) - 1);
		send_option(talk, LF_NBD_OPT_SET_CONTEXTS, data,
			    (uint32_t)(12 + len + sizeof(base) - 1));
	} else {
		lf_put_be16(data + 4 + len, 0);
		send_option(talk, LF_NBD_OPT_GO, data, 6 + len);
	}
	do
		type = reply_type(talk);
	while (type == LF_NBD_REP_INFO || type == LF_NBD_REP_CONTEXT);
	return type;
}

static void begin_structured(struct talk *talk)
{
	begin(talk, 3);
	send_option(talk, LF_NBD_OPT_STRUCTURED, NULL, 0);
	assert_int_equal(reply_type(talk), LF_NBD_REP_ACK);
	assert_int_equal(go(talk, "sda", true), LF_NBD_REP_ACK);
	assert_int_equal(go(talk, "sda", false), LF_NBD_REP_ACK);
}

static void test_nbd__tells_what_is_wrong_with_an_option(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 3);
	send_option(&talk, 5, NULL, 0); /* TLS */
	assert_int_equal(reply_type(&talk), LF_NBD_REP_ERR_UNSUP);
	send_option(&talk, 0xffff, "some data", 9);
	assert_int_equal(reply_type(&talk), LF_NBD_REP_ERR_UNSUP);
	send_option(&talk, LF_NBD_OPT_INFO, "\0\0\0\x09", 4);
	assert_int_equal(reply_type(&talk), LF_NBD_REP_ERR_INVALID);
	send_option(&talk, LF_NBD_OPT_LIST, "x", 1);
	assert_int_equal(reply_type(&talk), LF_NBD_REP_ERR_INVALID);
	assert_int_equal(go(&talk, "sdz", false), LF_NBD_REP_ERR_UNKNOWN);
	assert_int_equal(go(&talk, "sda", true), LF_NBD_REP_ERR_INVALID); /* not structured yet */
	send_option(&talk, LF_NBD_OPT_ABORT, NULL, 0);
	assert_int_equal(reply_type(&talk), LF_NBD_REP_ACK);
	assert_true(is_closed(&talk));
	end(&talk);
}

static void test_nbd__hangs_up_on_what_it_cannot_frame(void **state)
{
	uint8_t head[LF_NBD_OPTION_SIZE];
	struct talk talk;

	(void)state;
	begin(&talk, 4); /* flags that nobody knows */
	assert_true(is_closed(&talk));
	end(&talk);

	begin(&talk, 3);
	send_all(&talk, "IHAVENOTHING TO SAY", 16);
	assert_true(is_closed(&talk));
	end(&talk);

	begin(&talk, 3);
	lf_put_be64(head, LF_NBD_OPTION_MAGIC);
	lf_put_be32(head + 8, LF_NBD_OPT_GO);
	lf_put_be32(head + 12, UINT32_MAX);
	send_all(&talk, head, sizeof(head));
	assert_true(is_closed(&talk));
	end(&talk);

	begin(&talk, 3);
	send_option(&talk, LF_NBD_OPT_EXPORT_NAME, "sdz", 3);
	assert_true(is_closed(&talk));
	end(&talk);

	begin_structured(&talk);
	send_request(&talk, 0, LF_NBD_CMD_WRITE, 0, LF_NBD_REQUEST_MAX + 1);
	assert_true(is_closed(&talk));
	end(&talk);
}

static void test_nbd__has_an_end_of_options(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 3);
	for (unsigned i = 0; i < LF_NBD_OPTIONS_MAX; i++) {
		send_option(&talk, 77, NULL, 0);
		assert_int_equal(reply_type(&talk), LF_NBD_REP_ERR_UNSUP);
	}
	assert_true(is_closed(&talk));
	end(&talk);
}

static void test_nbd__refuses_requests_and_goes_on(void **state)
{
	struct talk talk;

	(void)state;
	begin_structured(&talk);
	send_request(&talk, 0, LF_NBD_CMD_WRITE, 0, 5);
	send_all(&talk, "bytes", 5);
	uint8_t data[256];
	size_t len;
	bool done;
	assert_int_equal(chunk(&talk, data, sizeof(data), &len, &done), LF_NBD_CHUNK_ERROR);
	assert_int_equal(get(data, 4), EPERM);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_TRIM, 0, 4096), EPERM);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_WRITE_ZEROES, 0, 4096), EPERM);
	assert_int_equal(answer(&talk, 0, 99, 0, 0), EINVAL);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_READ, SIZE, 1), EINVAL);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_READ, UINT64_MAX, 1), EINVAL);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_READ, 0, LF_NBD_REQUEST_MAX + 1), EINVAL);
	assert_int_equal(answer(&talk, 0x8000, LF_NBD_CMD_READ, 0, 1), EINVAL);
	assert_int_equal(answer(&talk, LF_NBD_FLAG_DF, LF_NBD_CMD_READ, 0, 1 << 20), EOVERFLOW);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_BLOCK_STATUS, 0, 0), EINVAL);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_READ, SIZE, 0), 0);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_READ, SIZE - 1000000, 1000000), 0);
	send_request(&talk, 0, LF_NBD_CMD_DISC, 0, 0);
	assert_true(is_closed(&talk));
	end(&talk);
}

static void test_nbd__answers_a_read_in_pieces_that_cover_it(void **state)
{
	static uint8_t data[300 << 10];
	const uint32_t all = (1 << 20) + 77;
	uint64_t at = 4000;
	struct talk talk;
	bool done = false;
	size_t len;

	(void)state;
	begin_structured(&talk);
	send_request(&talk, 0, LF_NBD_CMD_READ, at, all);
	while (!done) {
		assert_int_equal(chunk(&talk, data, sizeof(data), &len, &done), LF_NBD_CHUNK_DATA);
		assert_true(get(data, 8) == at);
		at += len - 8;
	}
	assert_true(at == 4000 + (uint64_t)all);
	end(&talk);
}

static void test_nbd__tells_ranges_of_the_agreed_context_alone(void **state)
{
	uint8_t data[256];
	struct talk talk;
	size_t len;
	bool done;

	(void)state;
	begin_structured(&talk);
	send_request(&talk, LF_NBD_FLAG_REQ_ONE, LF_NBD_CMD_BLOCK_STATUS, 1000, UINT32_MAX);
	assert_int_equal(chunk(&talk, data, sizeof(data), &len, &done), LF_NBD_CHUNK_STATUS);
	assert_int_equal(len, 12);
	assert_int_equal(get(data, 4), LF_NBD_CONTEXT_ID);
	assert_true(get(data + 4, 4) == UINT32_MAX);
	assert_int_equal(get(data + 8, 4), LF_NBD_HOLE);
	end(&talk);

	/* agreed for another disk than is used */
	begin(&talk, 3);
	send_option(&talk, LF_NBD_OPT_STRUCTURED, NULL, 0);
	assert_int_equal(reply_type(&talk), LF_NBD_REP_ACK);
	assert_int_equal(go(&talk, "sda", true), LF_NBD_REP_ACK);
	assert_int_equal(go(&talk, "sdb", false), LF_NBD_REP_ACK);
	assert_int_equal(answer(&talk, 0, LF_NBD_CMD_BLOCK_STATUS, 0, 4096), EINVAL);
	end(&talk);
}

static void test_nbd__serves_clients_of_the_old_way(void **state)
{
	uint8_t info[10 + 124], head[LF_NBD_SIMPLE_SIZE], data[5000];
	struct talk talk;

	(void)state;
	begin(&talk, 0);
	send_option(&talk, LF_NBD_OPT_EXPORT_NAME, "sdb", 3);
	receive(&talk, info, sizeof(info));
	assert_int_equal(get(info, 8), 5000);
	assert_int_equal(get(info + 8, 2), LF_NBD_HAS_FLAGS | LF_NBD_READ_ONLY | LF_NBD_MULTI_CONN);
	send_request(&talk, 0, LF_NBD_CMD_READ, 0, 5000);
	receive(&talk, head, sizeof(head));
	assert_int_equal(get(head + 4, 4), 0);
	receive(&talk, data, sizeof(data));
	send_request(&talk, 0, LF_NBD_CMD_READ, 1, 5000);
	receive(&talk, head, sizeof(head));
	assert_int_equal(get(head + 4, 4), EINVAL);
	end(&talk);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_nbd__turns_away_who_is_too_many_and_stops_with_clients(void **state)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/socket", (char *)*state);
	struct lf_nbd_server *server = NULL;
	int fds[LF_NBD_CLIENTS_MAX], listener, second;
	char greeting[18];
	struct lf_error err;

	signal(SIGPIPE, SIG_IGN);
	assert_lf_ok(lf_nbd_listen_unix(path, &listener, &err));
	assert_int_equal(lf_nbd_listen_unix(path, &second, &err), LF_EEXISTS);
	assert_lf_ok(lf_nbd_server_start(&disks, listener, &server, &err));
	for (size_t i = 0; i < LF_N(fds); i++) {
		fds[i] = connect_to(path);
		assert_int_equal(recv(fds[i], greeting, 18, MSG_WAITALL), 18);
	}
	int more = connect_to(path);
	assert_true(recv(more, greeting, 18, MSG_WAITALL) <= 0);
	close(more);
	close(fds[0]); /* makes room, as soon as it is noticed */
	for (bool in = false; !in;) {
		fds[0] = connect_to(path);
		in = recv(fds[0], greeting, 18, MSG_WAITALL) == 18;
		if (!in)
			close(fds[0]);
	}
	lf_nbd_server_stop(server);
	for (size_t i = 0; i < LF_N(fds); i++) {
		assert_true(recv(fds[i], greeting, 1, 0) <= 0);
		close(fds[i]);
	}
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nbd__tells_what_is_wrong_with_an_option),
		cmocka_unit_test(test_nbd__hangs_up_on_what_it_cannot_frame),
		cmocka_unit_test(test_nbd__has_an_end_of_options),
		cmocka_unit_test(test_nbd__refuses_requests_and_goes_on),
		cmocka_unit_test(test_nbd__answers_a_read_in_pieces_that_cover_it),
		cmocka_unit_test(test_nbd__tells_ranges_of_the_agreed_context_alone),
		cmocka_unit_test(test_nbd__serves_clients_of_the_old_way),
		cmocka_unit_test_setup_teardown(
			test_nbd__turns_away_who_is_too_many_and_stops_with_clients, test_dir_setup,
			test_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
