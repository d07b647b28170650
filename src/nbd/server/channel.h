/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbd/server/channel.h - the disks that are served, one client's state, and its bytes.
 */
#ifndef LF_NBD_SERVER_CHANNEL_H
#define LF_NBD_SERVER_CHANNEL_H

#include <pthread.h>

#include "vault/map/ahead.h"

struct lf_nbd_disk {
	const char *name; /* the export's: at most LF_NBD_NAME_MAX bytes */
	struct lf_root root;
	uint64_t size;
	struct lf_ahead *ahead; /* NULL: nothing is read ahead */
};
struct lf_nbd_disks {
	struct lf_vault *vault;
	const struct lf_nbd_disk *items;
	size_t count;
};

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

/* All len bytes; false: the other side is gone, or says nothing for too long. */
bool lf_nbd_receive(const struct lf_nbd_session *session, void *data, size_t len);
bool lf_nbd_skip(const struct lf_nbd_session *session, size_t len);
/* head and body in one go. */
bool lf_nbd_send(const struct lf_nbd_session *session, const void *head, size_t head_len,
		 const void *body, size_t body_len);

#endif
