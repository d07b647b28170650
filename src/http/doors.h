/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/doors.h - private doors: addresses that a server listens on beside its own.
 *
 * A thread accepts there and hands the connections to the server, whose limits hold for them as
 * for all others.  An address need not be on the host yet: who comes to it is served once it is.
 * Threads: lf_http_doors_private() any; the others the server's own.
 */
#ifndef LF_HTTP_DOORS_H
#define LF_HTTP_DOORS_H

#include "base/error.h"

#define LF_HTTP_DOORS_MAX 16

/* "0.0.0.0" is every address of the host, at a port that the server and other doors do not have. */
struct lf_http_door {
	char address[64];
	uint16_t port; /* 0: any free one */
};
struct lf_http_doors;
struct MHD_Daemon;
/* Listen, and accept for nobody yet.  A port that is taken: the error's hint. */
LF_MUST_CHECK int lf_http_doors_open(const struct lf_http_door *doors, size_t n,
				     struct lf_http_doors **ret_doors, struct lf_error *err);
/* Accept for daemon, until stopped or freed. */
LF_MUST_CHECK int lf_http_doors_start(struct lf_http_doors *doors, struct MHD_Daemon *daemon,
				      struct lf_error *err);
uint16_t lf_http_doors_port(const struct lf_http_doors *doors, size_t i);
/* Accepts nothing more; what came goes on.  doors may be NULL. */
void lf_http_doors_stop(struct lf_http_doors *doors);
void lf_http_doors_free(struct lf_http_doors *doors);
/* Did the connection come by a door?  Its address then, as text; "" if not.  Where there are doors
 * and nothing says, "?", which is no address and leads nowhere.  doors may be NULL. */
void lf_http_doors_private(const struct lf_http_doors *doors, int fd, char *out, size_t out_size);

#endif
