/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/fuzz/wire.h - one TLS connection to a server on loopback: any bytes out, an answer in.
 */
#ifndef LF_FUZZ_WIRE_H
#define LF_FUZZ_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"

#define WIRE_ANSWER_MAX (16u << 20)

static struct {
	uint16_t port; /* set by who uses it */
	SSL_CTX *tls;
	SSL *ssl; /* NULL: not connected */
	int fd;
	struct lf_buf answer; /* of the last request: all that was read */
	size_t body_at;
} wire;

static inline void wire_hang_up(void)
{
	if (!wire.ssl)
		return;
	SSL_free(wire.ssl);
	close(wire.fd);
	wire.ssl = NULL;
}

static inline void wire_dial(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(wire.port)};
	struct timeval limit = {.tv_sec = 10};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	wire.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	LF_ASSERT(wire.fd >= 0);
	setsockopt(wire.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(wire.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(wire.fd, (struct sockaddr *)&address, sizeof(address))) {
		fprintf(stderr, "cannot connect: %s\n", strerror(errno));
		abort(); /* it hangs, or is gone */
	}
	if (!wire.tls)
		wire.tls = SSL_CTX_new(TLS_client_method());
	wire.ssl = wire.tls ? SSL_new(wire.tls) : NULL;
	LF_ASSERT(wire.ssl && SSL_set_fd(wire.ssl, wire.fd) == 1);
	LF_ASSERT(SSL_connect(wire.ssl) == 1);
}

/* false: the connection has ended. */
static inline bool wire_read_more(void)
{
	char block[16384];
	int n = SSL_read(wire.ssl, block, sizeof(block));

	if (n <= 0) {
		bool slow = SSL_get_error(wire.ssl, n) == SSL_ERROR_SYSCALL &&
			    (errno == EAGAIN || errno == EWOULDBLOCK);
		LF_ASSERT(!slow); /* ten seconds without a word: it hangs */
		return false;
	}
	lf_buf_append(&wire.answer, block, (size_t)n);
	LF_ASSERT(wire.answer.len < WIRE_ANSWER_MAX);
	return true;
}

static inline const char *wire_find_header(const char *name)
{
	const char *at = strcasestr(lf_buf_text(&wire.answer), name);

	return at && at < lf_buf_text(&wire.answer) + wire.body_at ? at + strlen(name) : NULL;
}

/* The answer's status; 0: the connection ended without one. */
static inline int wire_read_answer(const char *method)
{
	const char *end;

	for (;;) {
		while (!(end = memmem(lf_buf_text(&wire.answer), wire.answer.len, "\r\n\r\n", 4)))
			if (!wire_read_more())
				return 0;
		if (strncmp(lf_buf_text(&wire.answer), "HTTP/1.1 100", 12) != 0)
			break;
		size_t done = (size_t)(end + 4 - lf_buf_text(&wire.answer));
		memmove(wire.answer.data, wire.answer.data + done, wire.answer.len - done);
		wire.answer.len -= done;
	}
	wire.body_at = (size_t)(end + 4 - lf_buf_text(&wire.answer));
	int status = atoi(lf_buf_text(&wire.answer) + 9);
	const char *length = wire_find_header("\nContent-Length:");
	if (strcmp(method, "HEAD") != 0 && status != 204 && status != 304) {
		size_t wanted = length ? strtoull(length, NULL, 10) : 0;
		LF_ASSERT(wanted < WIRE_ANSWER_MAX);
		while (wire.answer.len < wire.body_at + wanted && wire_read_more())
			;
	}
	if (wire_find_header("\nConnection: close"))
		wire_hang_up();
	return status;
}

static inline int wire_ask(const char *method, const struct lf_buf *request)
{
	for (int tries = 0; tries < 2; tries++) {
		if (!wire.ssl)
			wire_dial();
		wire.answer.len = 0;
		/* an idle connection may have been closed meanwhile; a new one not */
		int sent = SSL_write(wire.ssl, lf_buf_text(request), (int)request->len);
		int status = sent > 0 ? wire_read_answer(method) : 0;
		if (status)
			return status;
		wire_hang_up();
	}
	return 0;
}

#endif
