/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbd/server/server.h - disks of a vault, read-only, by NBD, from this process.
 *
 * For landfall-recover, which is one static file; the service's exports are
 * nbdkit processes (nbd/export.h), which outlive it.
 *
 * Newstyle fixed negotiation, structured replies, "base:allocation", any number
 * of connections to a disk up to the server's limit.  The disk of an empty name
 * is the first.  Whoever can connect can read: there is no TLS and no password.
 *
 * Memory: LF_NBD_CLIENTS_MAX clients with a few buffers of 256 KiB each.
 * Threads: four a client.  The program ignores SIGPIPE.
 */
#ifndef LF_NBD_SERVER_SERVER_H
#define LF_NBD_SERVER_SERVER_H

#include "nbd/server/channel.h"

#define LF_NBD_CLIENTS_MAX 32u /* more are turned away */

/*
 * A new socket at path that only this user can connect to; the caller closes
 * *ret_fd and removes path.  LF_EEXISTS: there is something.
 */
LF_MUST_CHECK int lf_nbd_listen_unix(const char *path, int *ret_fd, struct lf_error *err);
/* On 127.0.0.1, for every user of this host.  port 0: any; the one it is in *ret_port. */
LF_MUST_CHECK int lf_nbd_listen_port(uint16_t port, int *ret_fd, uint16_t *ret_port,
				     struct lf_error *err);

struct lf_nbd_server;
/* disks, with all in it, and listen_fd are borrowed until the server is stopped. */
LF_MUST_CHECK int lf_nbd_server_start(const struct lf_nbd_disks *disks, int listen_fd,
				      struct lf_nbd_server **ret_server, struct lf_error *err);
/* Ends all connections and frees it; no thread is left.  NULL is fine. */
void lf_nbd_server_stop(struct lf_nbd_server *server);

#endif
