/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbd/server/session.h - one client of the NBD server, from greeting to goodbye.
 */
#ifndef LF_NBD_SERVER_SESSION_H
#define LF_NBD_SERVER_SESSION_H

#include <pthread.h>

#include "nbd/server/server.h"

struct lf_nbd_session {
	const struct lf_nbd_disks *disks;
	int in, out;			      /* one socket; two files in tests */
	const struct lf_nbd_disk *disk;	      /* that the client chose */
	const struct lf_nbd_disk *allocation; /* the disk for which it chose the context */
	bool structured, no_zeroes;
	/* while requests are served */
	pthread_mutex_t receive, send; /* each held while a message goes in, or out */
	bool ended;		       /* under receive */
};

/* Serve the client at in and out until it or an error ends it; closes neither. */
void lf_nbd_session_run(const struct lf_nbd_disks *disks, int in, int out);

/* negotiate.c: true: a disk is chosen, and requests follow. */
bool lf_nbd_negotiate(struct lf_nbd_session *session);
/* transmit.c: until the end. */
void lf_nbd_transmit(struct lf_nbd_session *session);
/* What the client is told of the disk. */
uint16_t lf_nbd_transmission_flags(const struct lf_nbd_session *session);

/* All len bytes; false: the other side is gone, or says nothing for too long. */
bool lf_nbd_receive(const struct lf_nbd_session *session, void *data, size_t len);
bool lf_nbd_skip(const struct lf_nbd_session *session, size_t len);
/* head and body in one go. */
bool lf_nbd_send(const struct lf_nbd_session *session, const void *head, size_t head_len,
		 const void *body, size_t body_len);

#endif
