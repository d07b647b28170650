/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one client: whole messages in and out, however the socket cuts them.
 */
#include "nbd/server/channel.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define SKIP_BYTES 4096u

bool lf_nbd_receive(const struct lf_nbd_session *session, void *data, size_t len)
{
	for (uint8_t *at = data; len;) {
		ssize_t n = read(session->in, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool lf_nbd_skip(const struct lf_nbd_session *session, size_t len)
{
	uint8_t block[SKIP_BYTES];

	for (size_t n; len; len -= n) {
		n = len < sizeof(block) ? len : sizeof(block);
		if (!lf_nbd_receive(session, block, n))
			return false;
	}
	return true;
}

bool lf_nbd_send(const struct lf_nbd_session *session, const void *head, size_t head_len,
		 const void *body, size_t body_len)
{
	struct iovec parts[] = {{(void *)(uintptr_t)head, head_len},
				{(void *)(uintptr_t)body, body_len}};
	struct iovec *part = parts, *end = parts + LF_N(parts);

	while (part < end) {
		ssize_t n = part->iov_len ? writev(session->out, part, (int)(end - part)) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		size_t done = (size_t)n;
		for (; part < end && done >= part->iov_len; part++)
			done -= part->iov_len;
		if (part < end) {
			part->iov_base = (uint8_t *)part->iov_base + done;
			part->iov_len -= done;
		}
	}
	return true;
}
