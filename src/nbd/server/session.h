/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbd/server/session.h - one client of the NBD server, from greeting to goodbye.
 */
#ifndef LF_NBD_SERVER_SESSION_H
#define LF_NBD_SERVER_SESSION_H

#include "nbd/server/channel.h"

/* Serve the client at in and out until it or an error ends it; closes neither. */
void lf_nbd_session_run(const struct lf_nbd_disks *disks, int in, int out);

/* negotiate.c: true: a disk is chosen, and requests follow. */
bool lf_nbd_negotiate(struct lf_nbd_session *session);
/* transmit.c: until the end. */
void lf_nbd_transmit(struct lf_nbd_session *session);
/* What the client is told of the disk. */
uint16_t lf_nbd_transmission_flags(const struct lf_nbd_session *session);

#endif
