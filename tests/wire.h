/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/wire.h - bytes over TLS to a server of this process, as no library would send them.
 */
#ifndef LF_TEST_WIRE_H
#define LF_TEST_WIRE_H

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "test.h"

struct wire {
	int fd;
	SSL_CTX *context;
	SSL *ssl;	  /* NULL: no handshake yet */
	char text[65536]; /* what has come */
	size_t used;
};

/* A TCP connection; nothing has been said on it. */
static inline void wire_connect(struct wire *wire, uint16_t port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct timeval limit = {.tv_sec = 60};

	memset(wire, 0, sizeof(*wire));
	wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(wire->fd, (const struct sockaddr *)&to, sizeof(to)), 0);
}

/* false: the server ended it. */
static inline bool wire_handshake(struct wire *wire)
{
	wire->context = SSL_CTX_new(TLS_client_method());
	wire->ssl = SSL_new(wire->context);
	SSL_set_fd(wire->ssl, wire->fd);
	return SSL_connect(wire->ssl) == 1;
}

static inline void wire_open(struct wire *wire, uint16_t port)
{
	wire_connect(wire, port);
	assert_true(wire_handshake(wire));
}

static inline void wire_send(struct wire *wire, const char *text)
{
	assert_int_equal(SSL_write(wire->ssl, text, (int)strlen(text)), strlen(text));
}

/* What there is; at least a byte, unless the connection ended. */
static inline void wire_more(struct wire *wire)
{
	int got = SSL_read(wire->ssl, wire->text + wire->used,
			   (int)(sizeof(wire->text) - 1 - wire->used));

	wire->used += got > 0 ? (size_t)got : 0;
	wire->text[wire->used] = '\0';
}

/* Until word has come, or the end of the connection (word NULL: only that); what has come. */
static inline const char *wire_read(struct wire *wire, const char *word)
{
	size_t before = SIZE_MAX;

	while (wire->used != before && !(word && strstr(wire->text, word))) {
		before = wire->used;
		wire_more(wire);
	}
	return wire->text;
}

static inline void wire_close(struct wire *wire)
{
	SSL_free(wire->ssl);
	SSL_CTX_free(wire->context);
	close(wire->fd);
}

#endif
