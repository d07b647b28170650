/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections are made as threads ask and kept when they worked.  What the
 * server says of holes and of dirty blocks is asked in pieces and believed
 * only where it makes one order of runs.  Each request is begun and then
 * awaited for so long; the connection of one that was not answered is closed.
 */
#include "nbd/reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#include "base/clock.h"
#include "base/lock.h"

#define CONNECTIONS_MAX 8u
#define REQUEST_MAX	(8u << 20)
#define STATUS_BYTES	(UINT64_C(1) << 30) /* asked about at once */
#define HOLE_AND_ZERO	3u		    /* base:allocation: both flags */
#define DIRTY		1u		    /* qemu:dirty-bitmap */

LF_LOCK_KIND(reader_lock);
struct lf_nbd_reader {
	char *uri, *bitmap; /* bitmap NULL: none */
	int64_t limit_ns;   /* for each request */
	struct lf_disk disk;
	pthread_mutex_t mutex;
	struct nbd_handle *idle[CONNECTIONS_MAX] LF_GUARDED_BY(reader_lock);
	size_t idle_count LF_GUARDED_BY(reader_lock);
};

static int fail_nbd(const struct lf_nbd_reader *reader, int code, struct lf_error *err)
{
	return lf_fail(err, code, reader->uri, "NBD: %s", nbd_get_error());
}

/* One step: until something happens on the connection; LF_ETIMEOUT when it is too late. */
static int wait_step(const struct lf_nbd_reader *reader, struct nbd_handle *nbd, int64_t end_ns,
		     int failed, struct lf_error *err)
{
	int64_t left_ns = end_ns - lf_clock_monotonic_ns();

	if (left_ns <= 0)
		return lf_fail(err, LF_ETIMEOUT, reader->uri, "NBD: no answer in %lld seconds",
			       (long long)(reader->limit_ns / LF_NS_PER_S));
	return nbd_poll(nbd, (int)(left_ns / LF_NS_PER_MS + 1)) < 0 ? fail_nbd(reader, failed, err)
								    : 0;
}

/* Until the request that was begun is answered; cookie < 0: it could not be. */
static int await_request(const struct lf_nbd_reader *reader, struct nbd_handle *nbd, int64_t cookie,
			 struct lf_error *err)
{
	int64_t end_ns = lf_clock_monotonic_ns() + reader->limit_ns;
	int rc = 0, done = 0;

	if (cookie < 0)
		return fail_nbd(reader, LF_EIO, err);
	while (!rc && !(done = nbd_aio_command_completed(nbd, (uint64_t)cookie)))
		rc = wait_step(reader, nbd, end_ns, LF_EIO, err);
	return !rc && done < 0 ? fail_nbd(reader, LF_EIO, err) : rc;
}

static int await_connection(const struct lf_nbd_reader *reader, struct nbd_handle *nbd,
			    struct lf_error *err)
{
	int64_t end_ns = lf_clock_monotonic_ns() + reader->limit_ns;
	int rc = 0;

	while (!rc && nbd_aio_is_connecting(nbd))
		rc = wait_step(reader, nbd, end_ns, LF_EUNREACHABLE, err);
	return !rc && !nbd_aio_is_ready(nbd)
		       ? lf_fail(err, LF_EUNREACHABLE, reader->uri, "NBD: no connection")
		       : rc;
}

static int connect_handle(const struct lf_nbd_reader *reader, struct nbd_handle **ret_nbd,
			  struct lf_error *err)
{
	struct nbd_handle *nbd = nbd_create();

	if (!nbd)
		return lf_fail_nomem(err);
	int rc = nbd_add_meta_context(nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) ||
				 (reader->bitmap && nbd_add_meta_context(nbd, reader->bitmap)) ||
				 nbd_aio_connect_uri(nbd, reader->uri)
			 ? fail_nbd(reader, LF_EUNREACHABLE, err)
			 : await_connection(reader, nbd, err);
	if (rc)
		nbd_close(nbd);
	else
		*ret_nbd = nbd;
	return rc;
}

/* A connection that nobody uses; NULL: there is none. */
static struct nbd_handle *take_idle(struct lf_nbd_reader *reader)
{
	LF_GUARD(&reader->mutex, reader_lock);

	return reader->idle_count ? reader->idle[--reader->idle_count] : NULL;
}

static bool keep_idle(struct lf_nbd_reader *reader, struct nbd_handle *nbd)
{
	LF_GUARD(&reader->mutex, reader_lock);

	if (reader->idle_count == CONNECTIONS_MAX)
		return false;
	reader->idle[reader->idle_count++] = nbd;
	return true;
}

/* A connection of the caller's for a while. */
static int take_handle(struct lf_nbd_reader *reader, struct nbd_handle **ret_nbd,
		       struct lf_error *err)
{
	*ret_nbd = take_idle(reader);
	return *ret_nbd ? 0 : connect_handle(reader, ret_nbd, err);
}

static void give_back(struct lf_nbd_reader *reader, struct nbd_handle *nbd, bool good)
{
	if (!good || !keep_idle(reader, nbd))
		nbd_close(nbd);
}

static int read_nbd(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	struct lf_nbd_reader *reader = context;
	struct nbd_handle *nbd;
	int rc = take_handle(reader, &nbd, err);

	if (rc)
		return rc;
	for (size_t done = 0, n; !rc && done < len; done += n) {
		n = len - done < REQUEST_MAX ? len - done : REQUEST_MAX;
		rc = await_request(reader, nbd,
				   nbd_aio_pread(nbd, (char *)data + done, n, offset + done,
						 NBD_NULL_COMPLETION, 0),
				   err);
	}
	give_back(reader, nbd, !rc);
	return rc;
}

/* The first run that is wanted, of what one answer tells: data, or what is dirty. */
struct status {
	const char *context;
	bool dirty;
	uint64_t at, from, to;
	bool found, told;
};

/* A server that tells of one context twice, or of a run without length, is refused: what it says of
 * the disk cannot be one order of runs. */
static int take_status(void *context, const char *name, uint64_t offset, uint32_t *entries,
		       size_t n, int *error)
{
	struct status *status = context;

	if (strcmp(name, status->context) != 0)
		return 0;
	*error = EPROTO;
	if (status->told)
		return -1;
	status->told = true;
	uint64_t at = offset;
	for (size_t i = 0; i + 1 < n; i += 2) {
		if (!entries[i])
			return -1;
		bool zero = status->dirty ? !(entries[i + 1] & DIRTY)
					  : (entries[i + 1] & HOLE_AND_ZERO) == HOLE_AND_ZERO;
		if (zero && status->found)
			break;
		if (!zero && !status->found) {
			status->found = true;
			status->from = at;
		}
		at += entries[i];
		if (status->found)
			status->to = at;
	}
	status->at = at;
	*error = 0;
	return 0;
}

static int next_run(struct lf_nbd_reader *reader, const char *context, uint64_t offset,
		    uint64_t *ret_from, uint64_t *ret_to, struct lf_error *err)
{
	uint64_t size = reader->disk.size_bytes;
	struct status status = {.context = context,
				.dirty = context == reader->bitmap,
				.at = offset,
				.from = size,
				.to = size};
	struct nbd_handle *nbd;
	int rc = take_handle(reader, &nbd, err);

	if (rc)
		return rc;
	if (!rc && offset < size && nbd_can_meta_context(nbd, context) != 1) {
		status.found = true; /* the server does not tell: all is wanted */
		status.from = offset;
	}
	while (!rc && !status.found && status.at < size) {
		uint64_t begun = status.at;
		uint64_t len = size - begun < STATUS_BYTES ? size - begun : STATUS_BYTES;
		nbd_extent_callback callback = {.callback = take_status, .user_data = &status};
		status.told = false;
		rc = await_request(
			reader, nbd,
			nbd_aio_block_status(nbd, len, begun, callback, NBD_NULL_COMPLETION, 0),
			err);
		if (!rc && status.at == begun)
			rc = lf_fail(err, LF_EIO, reader->uri, "NBD: an empty block status");
	}
	give_back(reader, nbd, !rc);
	*ret_from = status.from;
	*ret_to = status.to < size ? status.to : size;
	return rc;
}

static int next_data_nbd(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
			 struct lf_error *err)
{
	return next_run(context, LIBNBD_CONTEXT_BASE_ALLOCATION, offset, ret_from, ret_to, err);
}

static int next_dirty_nbd(void *context, uint64_t offset, uint64_t *ret_from, uint64_t *ret_to,
			  struct lf_error *err)
{
	struct lf_nbd_reader *reader = context;

	return next_run(reader, reader->bitmap, offset, ret_from, ret_to, err);
}

int lf_nbd_reader_open(const char *uri, const char *bitmap, int64_t limit_ns,
		       struct lf_nbd_reader **ret_reader, struct lf_error *err)
{
	struct lf_nbd_reader *reader = calloc(1, sizeof(*reader));
	struct nbd_handle *nbd = NULL;

	if (!reader)
		return lf_fail_nomem(err);
	pthread_mutex_init(&reader->mutex, NULL);
	reader->limit_ns = limit_ns;
	reader->uri = strdup(uri);
	reader->bitmap = bitmap ? strdup(bitmap) : NULL;
	int rc = reader->uri && (reader->bitmap || !bitmap) ? connect_handle(reader, &nbd, err)
							    : lf_fail_nomem(err);
	int64_t size = rc ? 0 : nbd_get_size(nbd);
	if (size < 0)
		rc = fail_nbd(reader, LF_EIO, err);
	bool knows = !rc && reader->bitmap && nbd_can_meta_context(nbd, reader->bitmap) == 1;
	if (nbd)
		give_back(reader, nbd, !rc);
	if (rc) {
		lf_nbd_reader_close(reader);
		return rc;
	}
	reader->disk = (struct lf_disk){.name = reader->uri,
					.size_bytes = (uint64_t)size,
					.read = read_nbd,
					.next_data = next_data_nbd,
					.next_dirty = knows ? next_dirty_nbd : NULL,
					.context = reader};
	*ret_reader = reader;
	return 0;
}

void lf_nbd_reader_close(struct lf_nbd_reader *reader)
{
	if (!reader)
		return;
	LF_ALONE(reader_lock);
	while (reader->idle_count)
		nbd_close(reader->idle[--reader->idle_count]);
	pthread_mutex_destroy(&reader->mutex);
	free(reader->uri);
	free(reader->bitmap);
	free(reader);
}

const struct lf_disk *lf_nbd_reader_disk(struct lf_nbd_reader *reader)
{
	return &reader->disk;
}
