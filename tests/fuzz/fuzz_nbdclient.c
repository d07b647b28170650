/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of NBD against a server that lies: another process exports a
 * machine's disk, and a guest may have that process.  It negotiates as it should
 * (or says what the input says), then answers each request by the input: data of
 * other places and lengths, holes, extents that do not fit, errors, noise.
 *
 * Whatever it says, a read has an end, and what is next lies inside of the disk
 * and not before what was asked for.
 */
#include "fuzz.h"

#include <endian.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "nbd/reader.h"

#define OPTION_MAGIC UINT64_C(0x49484156454f5054)
#define REPLY_MAGIC  UINT64_C(0x3e889045565a9)
#define CALLS_MAX    64u

static struct {
	char *socket, *uri;
	int listener;
	pthread_t thread;
	pthread_mutex_t mutex; /* what follows: of the input that is tried */
	const uint8_t *data;
	size_t left;
} server = {.listener = -1, .mutex = PTHREAD_MUTEX_INITIALIZER};

/* The next bytes of the input, zeroes when there are none; false: there were none. */
static bool take(void *out, size_t n)
{
	pthread_mutex_lock(&server.mutex);
	size_t have = n < server.left ? n : server.left;
	memset(out, 0, n);
	if (have)
		memcpy(out, server.data, have);
	server.data += have;
	server.left -= have;
	pthread_mutex_unlock(&server.mutex);
	return have > 0;
}

static uint8_t take_byte(void)
{
	uint8_t byte;

	take(&byte, 1);
	return byte;
}

static bool read_all(int fd, void *data, size_t n)
{
	for (char *at = data; n;) {
		ssize_t got = read(fd, at, n);
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static void put(struct lf_buf *out, uint64_t value, size_t bytes)
{
	uint64_t big = htobe64(value);

	lf_buf_append(out, (const char *)&big + 8 - bytes, bytes);
}

static bool send_buf(int fd, const struct lf_buf *buf)
{
	return !buf->len || send(fd, buf->data, buf->len, MSG_NOSIGNAL) == (ssize_t)buf->len;
}

static void put_option_reply(struct lf_buf *out, uint32_t option, uint32_t type, const void *data,
			     size_t len)
{
	put(out, REPLY_MAGIC, 8);
	put(out, option, 4);
	put(out, type, 4);
	put(out, len, 4);
	lf_buf_append(out, data ? data : "", len);
}

static void put_export(struct lf_buf *out, uint32_t option)
{
	LF_AUTO_BUF info = LF_BUF_INIT;
	uint64_t hostile;
	uint8_t pages = take_byte();

	take(&hostile, pages == 255 ? 8 : 0);
	put(&info, 0, 2);
	put(&info, pages == 255 ? hostile : pages * UINT64_C(4096), 8);
	put(&info, 0x3, 2); /* flags, read only */
	put_option_reply(out, option, 3, info.data, info.len);
	put_option_reply(out, option, 1, NULL, 0);
}

static void put_contexts(struct lf_buf *out, uint32_t option)
{
	static const char allocation[] = "\0\0\0\1base:allocation",
			  bitmap[] = "\0\0\0\2qemu:dirty-bitmap:x";
	uint8_t which = take_byte();

	if (!(which & 1))
		put_option_reply(out, option, 4, allocation, sizeof(allocation) - 1);
	if (!(which & 2))
		put_option_reply(out, option, 4, bitmap, sizeof(bitmap) - 1);
	put_option_reply(out, option, 1, NULL, 0);
}

static void put_noise(struct lf_buf *out)
{
	uint8_t noise[64];

	take(noise, sizeof(noise));
	lf_buf_append(out, noise, sizeof(noise));
}

/* false: the connection has ended, or it will not come to anything. */
static bool negotiate(int fd)
{
	uint8_t option[16], data[1024];
	uint32_t flags;
	LF_AUTO_BUF hello = LF_BUF_INIT;

	lf_buf_append(&hello, "NBDMAGICIHAVEOPT\0\3", 18);
	if (!send_buf(fd, &hello) || !read_all(fd, &flags, 4))
		return false;
	while (read_all(fd, option, sizeof(option))) {
		LF_AUTO_BUF reply = LF_BUF_INIT;
		uint32_t kind = be32toh(*(const uint32_t *)(const void *)(option + 8));
		uint32_t len = be32toh(*(const uint32_t *)(const void *)(option + 12));
		uint8_t honest = take_byte();
		if (len > sizeof(data) || !read_all(fd, data, len))
			return false;
		if (honest > 250)
			put_noise(&reply);
		else if (kind == 7)
			put_export(&reply, kind);
		else if (kind == 9 || kind == 10)
			put_contexts(&reply, kind);
		else
			put_option_reply(&reply, kind, kind == 8 && honest < 200 ? 1 : 0x80000001,
					 NULL, 0);
		if (!send_buf(fd, &reply))
			return false;
		if (kind == 7 && honest <= 250)
			return true;
	}
	return false;
}

static void put_chunk(struct lf_buf *out, const uint8_t cookie[8], uint16_t type,
		      const struct lf_buf *payload, bool done)
{
	put(out, 0x668e33ef, 4);
	put(out, done, 2);
	put(out, type, 2);
	lf_buf_append(out, cookie, 8);
	put(out, payload->len, 4);
	lf_buf_append(out, lf_buf_text(payload), payload->len);
}

static void put_data(struct lf_buf *out, uint64_t n)
{
	static const char bytes[4096] = {1};

	for (; n && out->len < (1u << 20); n -= n < sizeof(bytes) ? n : sizeof(bytes))
		lf_buf_append(out, bytes, n < sizeof(bytes) ? (size_t)n : sizeof(bytes));
}

/* Extents: their number, then length and flags of each, two bytes. */
static void put_extents(struct lf_buf *payload, uint32_t asked)
{
	unsigned n = take_byte() % 8;

	put(payload, 1 + take_byte() % 3, 4);
	for (; n; n--) {
		uint8_t len = take_byte();
		put(payload, len == 255 ? UINT32_MAX : len == 254 ? asked : len * 512u, 4);
		put(payload, take_byte(), 4);
	}
}

/* One answer to a request of 28 bytes; false: hang up. */
static bool answer(int fd, const uint8_t request[28])
{
	uint64_t offset = be64toh(*(const uint64_t *)(const void *)(request + 16));
	uint32_t len = be32toh(*(const uint32_t *)(const void *)(request + 24));
	LF_AUTO_BUF out = LF_BUF_INIT, payload = LF_BUF_INIT;
	uint8_t how, off, size;

	if (!take(&how, 1))
		return false;
	off = take_byte();
	size = take_byte();
	uint64_t there = size < 128 ? len : size * UINT64_C(100);
	switch (how % 6) {
	case 0: /* simple */
		put(&out, 0x67446698, 4);
		put(&out, off < 200 ? 0 : off, 4);
		lf_buf_append(&out, request + 8, 8);
		put_data(&out, there);
		break;
	case 1: /* data of somewhere */
		put(&payload, offset + (off < 128 ? 0 : off * UINT64_C(512)), 8);
		put_data(&payload, there);
		put_chunk(&out, request + 8, 1, &payload, how < 128);
		break;
	case 2: /* a hole */
		put(&payload, offset + (off < 128 ? 0 : off * UINT64_C(512)), 8);
		put(&payload, there, 4);
		put_chunk(&out, request + 8, 2, &payload, how < 128);
		break;
	case 3:
		put_extents(&payload, len);
		put_chunk(&out, request + 8, 5, &payload, how < 128);
		break;
	case 4: /* an error with words */
		put(&payload, off, 4);
		put(&payload, size, 2);
		put_data(&payload, size & 127);
		put_chunk(&out, request + 8, 0x8001, &payload, true);
		break;
	default:
		put_noise(&out);
	}
	return send_buf(fd, &out);
}

static void *serve(void *context)
{
	/* an answer without its last chunk leaves both sides waiting: this one hangs up */
	const struct timeval patience = {.tv_usec = 100000};
	uint8_t request[28];
	int fd;

	(void)context;
	while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (negotiate(fd))
			while (read_all(fd, request, sizeof(request)) && request[7] != 2 &&
			       answer(fd, request))
				;
		close(fd);
	}
	return NULL;
}

static void open_server(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	server.socket = fuzz_path("nbd.sock");
	server.uri = lf_printf_dup("nbd+unix:///x?socket=%s", server.socket);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server.socket);
	unlink(server.socket);
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	LF_ASSERT(bind(server.listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	LF_ASSERT(listen(server.listener, 16) == 0);
	LF_ASSERT(pthread_create(&server.thread, NULL, serve, NULL) == 0);
}

typedef int next_fn(void *, uint64_t, uint64_t *, uint64_t *, struct lf_error *);

static void walk(const struct lf_disk *source, next_fn *next)
{
	uint64_t at = 0, from, to;
	struct lf_error err;

	for (unsigned n = 0; next && n < CALLS_MAX && at < source->size_bytes; n++, at = to) {
		if (next(source->context, at, &from, &to, &err))
			return;
		if (from >= source->size_bytes)
			return;
		LF_ASSERT(from >= at && to > from && to <= source->size_bytes);
	}
}

static void read_some(const struct lf_disk *source)
{
	static const size_t lengths[] = {512, 4096, 65536, 1};
	uint64_t at = 0;
	struct lf_error err;

	for (size_t i = 0; i < LF_N(lengths) && at < source->size_bytes; i++) {
		size_t n = source->size_bytes - at < lengths[i] ? (size_t)(source->size_bytes - at)
								: lengths[i];
		char *data = malloc(n); /* alone in memory: a byte too many is seen */
		int rc = source->read(source->context, data, n, at, &err);
		free(data);
		at += n;
		if (rc)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_nbd_reader *reader = NULL;
	struct lf_error err = LF_ERROR_NONE;

	if (server.listener < 0)
		open_server();
	pthread_mutex_lock(&server.mutex);
	server.data = data;
	server.left = size;
	pthread_mutex_unlock(&server.mutex);
	if (lf_nbd_reader_open(server.uri, "qemu:dirty-bitmap:x", LF_NBD_LIMIT_NS, &reader, &err) ==
	    0) {
		const struct lf_disk *source = lf_nbd_reader_disk(reader);
		walk(source, source->next_data);
		walk(source, source->next_dirty);
		read_some(source);
		lf_nbd_reader_close(reader);
	}
	pthread_mutex_lock(&server.mutex);
	server.left = 0; /* data is not ours any longer */
	pthread_mutex_unlock(&server.mutex);
	return 0;
}
