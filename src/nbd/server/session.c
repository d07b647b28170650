/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client: it chooses a disk within a time, and is served until it leaves.
 */
#include "nbd/server/session.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define NEGOTIATION_S 30 /* without a word, until a disk is chosen */

static void limit_waiting(int fd, time_t seconds)
{
	const struct timeval limit = {.tv_sec = seconds};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

void lf_nbd_session_run(const struct lf_nbd_disks *disks, int in, int out)
{
	struct lf_nbd_session session = {.disks = disks, .in = in, .out = out};

	limit_waiting(in, NEGOTIATION_S);
	if (!lf_nbd_negotiate(&session))
		return;
	limit_waiting(in, 0); /* a machine may be quiet for as long as it likes */
	pthread_mutex_init(&session.receive, NULL);
	pthread_mutex_init(&session.send, NULL);
	lf_nbd_transmit(&session);
	pthread_mutex_destroy(&session.receive);
	pthread_mutex_destroy(&session.send);
}
