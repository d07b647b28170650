/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second half of a connection: requests.  A few threads take them in turn,
 * so that one may be read while another is decompressed; replies go out as
 * they are ready.  A read is answered in pieces, whose memory is bounded.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/buf.h"
#include "base/lock.h"
#include "nbd/server/session.h"
#include "nbd/server/wire.h"

#define WORKERS	    4u
#define PIECE_BYTES (256u << 10)
#define STATUS_MAX  4096u /* ranges in an answer; the client asks again for the rest */

static bool simple_reply(struct lf_nbd_session *session, const struct lf_nbd_request *request,
			 uint32_t error)
{
	uint8_t head[LF_NBD_SIMPLE_SIZE];

	LF_GUARD(&session->send);
	lf_nbd_simple_encode(head, error, request->cookie);
	return lf_nbd_send(session, head, sizeof(head), NULL, 0);
}

/* fixed is the fixed part of the chunk's payload, data the rest. */
static bool send_chunk(struct lf_nbd_session *session, const struct lf_nbd_request *request,
		       uint16_t type, bool done, const void *fixed, size_t fixed_len,
		       const void *data, size_t len)
{
	uint8_t head[LF_NBD_CHUNK_SIZE + sizeof(uint64_t)];

	LF_GUARD(&session->send);
	lf_nbd_chunk_encode(head, done ? LF_NBD_CHUNK_DONE : 0, type, request->cookie,
			    (uint32_t)(fixed_len + len));
	if (fixed_len)
		memcpy(head + LF_NBD_CHUNK_SIZE, fixed, fixed_len);
	return lf_nbd_send(session, head, LF_NBD_CHUNK_SIZE + fixed_len, data, len);
}

/* error is an errno: the protocol has those of Linux. */
static bool fail(struct lf_nbd_session *session, const struct lf_nbd_request *request,
		 uint32_t error, const char *why)
{
	uint8_t fixed[6];
	size_t len = strlen(why);

	if (!session->structured)
		return simple_reply(session, request, error);
	lf_put_be32(fixed, error);
	lf_put_be16(fixed + 4, (uint16_t)len);
	return send_chunk(session, request, LF_NBD_CHUNK_ERROR, true, fixed, sizeof(fixed), why,
			  len);
}

static bool fail_with(struct lf_nbd_session *session, const struct lf_nbd_request *request,
		      const struct lf_error *err)
{
	return fail(session, request, err->code == LF_ENOMEM ? ENOMEM : EIO, err->message);
}

static int read_piece(const struct lf_nbd_session *session, uint8_t *piece, uint64_t offset,
		      size_t len, struct lf_error *err)
{
	return lf_map_read(session->disks->vault, &session->disk->root, piece, len, offset, err);
}

/* An error behind the first piece cannot be told any more: the connection ends. */
static bool read_simple(struct lf_nbd_session *session, const struct lf_nbd_request *request,
			uint8_t *piece)
{
	size_t n = request->len < PIECE_BYTES ? request->len : PIECE_BYTES;
	uint8_t head[LF_NBD_SIMPLE_SIZE];
	struct lf_error err;

	if (read_piece(session, piece, request->offset, n, &err))
		return fail_with(session, request, &err);
	LF_GUARD(&session->send);
	lf_nbd_simple_encode(head, 0, request->cookie);
	bool sent = lf_nbd_send(session, head, sizeof(head), piece, n);
	for (size_t at = n; sent && at < request->len; at += n) {
		n = request->len - at < PIECE_BYTES ? request->len - at : PIECE_BYTES;
		sent = !read_piece(session, piece, request->offset + at, n, &err) &&
		       lf_nbd_send(session, piece, n, NULL, 0);
	}
	return sent;
}

static bool read_structured(struct lf_nbd_session *session, const struct lf_nbd_request *request,
			    uint8_t *piece)
{
	uint8_t offset[sizeof(uint64_t)];
	struct lf_error err;
	bool sent = true;

	for (size_t at = 0, n; sent && at < request->len; at += n) {
		n = request->len - at < PIECE_BYTES ? request->len - at : PIECE_BYTES;
		if (read_piece(session, piece, request->offset + at, n, &err))
			return fail_with(session, request, &err);
		lf_put_be64(offset, request->offset + at);
		sent = send_chunk(session, request, LF_NBD_CHUNK_DATA, at + n == request->len,
				  offset, sizeof(offset), piece, n);
	}
	return sent;
}

static bool answer_read(struct lf_nbd_session *session, const struct lf_nbd_request *request,
			uint8_t *piece)
{
	if (request->len > LF_NBD_REQUEST_MAX)
		return fail(session, request, EINVAL, "more than may be read at once");
	if (session->structured && request->flags & LF_NBD_FLAG_DF && request->len > PIECE_BYTES)
		return fail(session, request, EOVERFLOW, "more than goes in one piece");
	if (session->structured && !request->len)
		return send_chunk(session, request, LF_NBD_CHUNK_NONE, true, NULL, 0, NULL, 0);
	if (session->disk->ahead)
		lf_ahead_note(session->disk->ahead, request->offset, request->len);
	return session->structured ? read_structured(session, request, piece)
				   : read_simple(session, request, piece);
}

/* Ranges that are equal in kind are one; each is a length and flags. */
struct status {
	uint64_t offset, end; /* told up to offset */
	uint8_t *ranges;
	uint32_t count, limit;
	uint32_t len, flags; /* of the last range */
};

static int add_status(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct status *status = context;
	uint64_t to = (extent->page + extent->pages) * LF_PAGE_SIZE;
	uint32_t flags = extent->hole ? LF_NBD_HOLE : 0;

	to = to < status->end ? to : status->end;
	if (!status->count || flags != status->flags) {
		if (status->count == status->limit)
			return lf_fail(err, LF_ECANCELED, NULL, "enough");
		status->count++;
		status->len = 0;
		status->flags = flags;
	}
	status->len += (uint32_t)(to - status->offset);
	status->offset = to;
	uint8_t *range = status->ranges + (size_t)(status->count - 1) * 8;
	lf_put_be32(range, status->len);
	lf_put_be32(range + 4, flags);
	return 0;
}

static bool answer_status(struct lf_nbd_session *session, const struct lf_nbd_request *request,
			  uint8_t *piece)
{
	struct status status = {
		.offset = request->offset,
		.end = request->offset + request->len,
		.ranges = piece,
		.limit = request->flags & LF_NBD_FLAG_REQ_ONE ? 1 : STATUS_MAX,
	};
	uint64_t first = request->offset / LF_PAGE_SIZE;
	uint64_t last = (status.end + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
	uint8_t context[sizeof(uint32_t)];
	struct lf_error err;

	if (session->allocation != session->disk || !request->len)
		return fail(session, request, EINVAL, "no context was agreed on, or no length");
	int rc = lf_map_walk(session->disks->vault, &session->disk->root, first, last - first,
			     add_status, &status, &err);
	if (rc && rc != LF_ECANCELED)
		return fail_with(session, request, &err);
	lf_put_be32(context, LF_NBD_CONTEXT_ID);
	return send_chunk(session, request, LF_NBD_CHUNK_STATUS, true, context, sizeof(context),
			  piece, (size_t)status.count * 8);
}

static bool answer(struct lf_nbd_session *session, const struct lf_nbd_request *request,
		   uint8_t *piece)
{
	uint64_t size = session->disk->size;
	unsigned allowed = LF_NBD_FLAG_FUA;

	if (request->type == LF_NBD_CMD_READ && session->structured)
		allowed |= LF_NBD_FLAG_DF;
	if (request->type == LF_NBD_CMD_BLOCK_STATUS)
		allowed |= LF_NBD_FLAG_REQ_ONE;
	switch (request->type) {
	case LF_NBD_CMD_READ:
	case LF_NBD_CMD_BLOCK_STATUS:
		if (request->flags & ~allowed)
			return fail(session, request, EINVAL, "unknown flags");
		if (request->offset > size || request->len > size - request->offset)
			return fail(session, request, EINVAL, "beyond the end of the disk");
		return request->type == LF_NBD_CMD_READ ? answer_read(session, request, piece)
							: answer_status(session, request, piece);
	case LF_NBD_CMD_WRITE:
	case LF_NBD_CMD_TRIM:
	case LF_NBD_CMD_WRITE_ZEROES:
		return fail(session, request, EPERM, "the disk is read-only");
	default:
		return fail(session, request, EINVAL, "no such command here");
	}
}

/* Also what a write brings, which nobody wants.  With receive held; false: there are no more. */
static bool receive_request(const struct lf_nbd_session *session,
			    struct lf_nbd_request *ret_request)
{
	uint8_t bytes[LF_NBD_REQUEST_SIZE];

	if (!lf_nbd_receive(session, bytes, sizeof(bytes)) ||
	    !lf_nbd_request_decode(bytes, ret_request) || ret_request->type == LF_NBD_CMD_DISC)
		return false;
	return ret_request->type != LF_NBD_CMD_WRITE ||
	       (ret_request->len <= LF_NBD_REQUEST_MAX && lf_nbd_skip(session, ret_request->len));
}

static bool next_request(struct lf_nbd_session *session, struct lf_nbd_request *ret_request)
{
	LF_GUARD(&session->receive);

	session->ended = session->ended || !receive_request(session, ret_request);
	return !session->ended;
}

static void *work(void *argument)
{
	struct lf_nbd_session *session = argument;
	LF_AUTO_FREE uint8_t *piece = malloc(PIECE_BYTES);
	struct lf_nbd_request request;
	bool good = piece;

	_Static_assert(STATUS_MAX * 8 <= PIECE_BYTES, "an answer fits");
	while (good && next_request(session, &request))
		good = answer(session, &request, piece);
	if (!good) /* the others are to hear of it, also the one that waits for a request */
		shutdown(session->in, SHUT_RDWR);
	return NULL;
}

void lf_nbd_transmit(struct lf_nbd_session *session)
{
	pthread_t others[WORKERS - 1];
	unsigned started = 0;

	while (started < LF_N(others) && pthread_create(&others[started], NULL, work, session) == 0)
		started++;
	work(session);
	while (started > 0)
		pthread_join(others[--started], NULL);
}
