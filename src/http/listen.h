/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/listen.h - the server's listening socket.
 *
 * Threads: any.
 */
#ifndef LF_HTTP_LISTEN_H
#define LF_HTTP_LISTEN_H

#include "base/error.h"

/* Listen on an IP address and a port (0: any), which *ret_port is; TCP_NODELAY from the first byte
 * of a handshake on.  early: the address may come to the host later.  LF_EINVAL: not an address.
 * *ret_fd: the caller's. */
LF_MUST_CHECK int lf_http_listen(const char *address, uint16_t port, bool early, uint16_t *ret_port,
				 int *ret_fd, struct lf_error *err);

#endif
