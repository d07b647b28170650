/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/server.h - HTTPS over libmicrohttpd: streamed bodies, limits, client
 * certificates.
 *
 * The listening socket is our own (TCP_NODELAY; socket activation later).
 * Refuses: paths, queries (as sent and percent-decoded) and header values that
 * are not UTF-8, so that handlers are given text alone; Content-Length together
 * with Transfer-Encoding, bodies over what the handler allows (413 without
 * reading them), header blocks over 64 KiB.
 *
 * Bounded for nobody, see http/gate.h: connections in all and for an address, the
 * time for a handshake and a head (15 s), for a body (30 s without a byte; less
 * than 256 bytes a second after a minute), between requests (60 s), the memory of
 * bodies that are buffered (503 where there is none left: 32 MiB of nobody, 128 MiB
 * of those who are known).
 *
 * Threads: handlers run on opts.threads threads at once; a request belongs to
 * its thread.
 */
#ifndef LF_HTTP_SERVER_H
#define LF_HTTP_SERVER_H

#include "http/doors.h"
#include "http/exchange.h"

/*
 * For a complete that has to wait for another thread: lf_http_suspend() inside complete frees the
 * thread that serves; the exchange waits, and whoever goes on with it sets the answer and calls
 * lf_http_resume(), once, after which it does not touch the exchange any more.  The two may come in
 * any order with complete's return.  lf_http_server_free() waits until all that wait were resumed:
 * have the other thread give up first.
 */
void lf_http_suspend(struct lf_http_exchange *x);
void lf_http_resume(struct lf_http_exchange *x);

struct lf_http_server_opts {
	const char *address;				       /* "127.0.0.1" */
	uint16_t port;					       /* 0: any free one */
	const char *certificate_pem, *key_pem, *client_ca_pem; /* texts; client_ca NULL: no mTLS */
	unsigned threads;				       /* 0: 4 */
	unsigned connections_max;			       /* 0: 1024 */
	unsigned connections_per_address;		       /* 0: 512 */
	const struct lf_http_door
		*doors; /* private ones beside address; at most LF_HTTP_DOORS_MAX */
	size_t n_doors;
	unsigned hurry; /* for tests: deadlines are so many times shorter; 0: 1 */
};
struct lf_http_server;
LF_MUST_CHECK int lf_http_server_open(const struct lf_http_server_opts *opts,
				      const struct lf_http_handler *handler,
				      struct lf_http_server **ret_server, struct lf_error *err);
uint16_t lf_http_server_port(const struct lf_http_server *server);
/* Of the i-th private door. */
uint16_t lf_http_server_door_port(const struct lf_http_server *server, size_t i);
/* Connections from now on see this certificate.  LF_EINVAL: the pair cannot be read. */
LF_MUST_CHECK int lf_http_server_renew(struct lf_http_server *server, const char *certificate_pem,
				       const char *key_pem, struct lf_error *err);
/* Stops accepting, ends what asks nothing, gives what is under way 5 s, cuts what is still sending
 * or reading then, waits for handlers that run to return, and frees. */
void lf_http_server_free(struct lf_http_server *server);

#endif
