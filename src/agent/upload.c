/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upload.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"

struct lf_upload {
	struct lf_pump_opts opts;
	struct lf_link *link;
	int64_t begun_ns;
	pthread_t thread;
	bool started;
	pthread_mutex_t mutex; /* what follows */
	pthread_cond_t changed;
	bool ending;
	bool under_way; /* parcel is the thread's */
	struct lf_parcel parcel;
	char disk[LF_GUID_SIZE]; /* of the last that arrived */
	uint64_t upto, sent;
	int rc;
	struct lf_error err;
};

static int put_pack(struct lf_upload *upload, const struct lf_parcel *parcel, struct lf_error *err)
{
	const struct lf_pump_opts *opts = &upload->opts;
	LF_AUTO_FREE char *blob = lf_printf_dup("%s%s", opts->pack_path, parcel->name);
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/packs", opts->session);
	LF_AUTO_FREE char *token = opts->token(opts->context);

	if (!parcel->pack_file[0])
		return 0;
	if (!blob || !path || !token)
		return lf_fail_nomem(err);
	int rc = lf_link_put_blob(upload->link, blob, token, parcel->pack_file, err);
	explicit_bzero(token, strlen(token));
	if (!rc)
		rc = lf_link_post_bytes(upload->link, path, parcel->name, strlen(parcel->name),
					NULL, err);
	return rc ? rc : lf_file_remove(parcel->pack_file, err);
}

static int post_extents(struct lf_upload *upload, const struct lf_parcel *parcel,
			struct lf_error *err)
{
	LF_AUTO_FREE char *path =
		lf_printf_dup("sessions/%s/extents?disk=%s&upto=%llu", upload->opts.session,
			      parcel->disk, (unsigned long long)parcel->upto);

	if (!parcel->disk[0])
		return 0;
	return path ? lf_link_post_bytes(upload->link, path, lf_buf_text(&parcel->extents),
					 parcel->extents.len, NULL, err)
		    : lf_fail_nomem(err);
}

/* Hold back so that the mean rate of the session stays under the limit. */
static void keep_rate(const struct lf_upload *upload, uint64_t sent)
{
	uint64_t rate = upload->opts.bytes_per_second;
	int64_t due_ns = rate ? (int64_t)((double)sent * (double)LF_NS_PER_S / (double)rate) : 0;
	int64_t left_ns = upload->begun_ns + due_ns - lf_clock_monotonic_ns();

	if (left_ns > 0)
		nanosleep(&(struct timespec){left_ns / LF_NS_PER_S, left_ns % LF_NS_PER_S}, NULL);
}

static void *send_parcels(void *argument)
{
	struct lf_upload *upload = argument;

	LF_GUARD(&upload->mutex);
	for (;;) {
		while (!upload->under_way && !upload->ending)
			pthread_cond_wait(&upload->changed, &upload->mutex);
		if (!upload->under_way)
			return NULL;
		struct lf_parcel *parcel = &upload->parcel;
		struct lf_error err = LF_ERROR_NONE;
		uint64_t sent = upload->sent + parcel->bytes;
		pthread_mutex_unlock(&upload->mutex);
		int rc = put_pack(upload, parcel, &err);
		if (!rc)
			rc = post_extents(upload, parcel, &err);
		if (!rc)
			keep_rate(upload, sent);
		pthread_mutex_lock(&upload->mutex);
		if (rc) {
			upload->rc = rc;
			upload->err = err;
		} else {
			upload->sent = sent;
			upload->upto = parcel->upto;
			memcpy(upload->disk, parcel->disk, sizeof(upload->disk));
		}
		lf_buf_clear(&parcel->extents);
		upload->under_way = false;
		pthread_cond_broadcast(&upload->changed);
	}
}

void lf_upload_free(struct lf_upload *upload)
{
	if (!upload)
		return;
	pthread_mutex_lock(&upload->mutex);
	upload->ending = true;
	pthread_cond_broadcast(&upload->changed);
	pthread_mutex_unlock(&upload->mutex);
	if (upload->started)
		pthread_join(upload->thread, NULL);
	lf_buf_done(&upload->parcel.extents);
	lf_link_close(upload->link);
	pthread_cond_destroy(&upload->changed);
	pthread_mutex_destroy(&upload->mutex);
	free(upload);
}

int lf_upload_new(const struct lf_pump_opts *opts, struct lf_upload **ret_upload,
		  struct lf_error *err)
{
	struct lf_upload *upload = calloc(1, sizeof(*upload));

	if (!upload)
		return lf_fail_nomem(err);
	upload->opts = *opts;
	upload->begun_ns = lf_clock_monotonic_ns();
	pthread_mutex_init(&upload->mutex, NULL);
	pthread_cond_init(&upload->changed, NULL);
	int rc = lf_link_open(opts->state_dir, &upload->link, err);
	int sys = rc ? 0 : pthread_create(&upload->thread, NULL, send_parcels, upload);
	upload->started = !rc && !sys;
	if (sys)
		rc = lf_fail_sys(err, sys, NULL, "cannot start a thread");
	if (rc) {
		lf_upload_free(upload);
		return rc;
	}
	*ret_upload = upload;
	return 0;
}

/* With the mutex held. */
static int wait_arrived(struct lf_upload *upload, struct lf_error *err)
{
	while (upload->under_way)
		pthread_cond_wait(&upload->changed, &upload->mutex);
	if (upload->rc)
		*err = upload->err;
	return upload->rc;
}

int lf_upload_give(struct lf_upload *upload, struct lf_parcel *parcel, struct lf_error *err)
{
	LF_GUARD(&upload->mutex);
	int rc = wait_arrived(upload, err);

	if (rc)
		return rc;
	/* the buffers change places, so that neither is made again */
	struct lf_buf empty = upload->parcel.extents;
	upload->parcel = *parcel;
	parcel->extents = empty;
	upload->under_way = true;
	pthread_cond_broadcast(&upload->changed);
	return 0;
}

int lf_upload_wait(struct lf_upload *upload, struct lf_error *err)
{
	LF_GUARD(&upload->mutex);

	return wait_arrived(upload, err);
}

uint64_t lf_upload_upto(struct lf_upload *upload, const char *disk)
{
	LF_GUARD(&upload->mutex);

	return strcmp(upload->disk, disk) == 0 ? upload->upto : 0;
}

uint64_t lf_upload_sent(struct lf_upload *upload)
{
	LF_GUARD(&upload->mutex);

	return upload->sent;
}
