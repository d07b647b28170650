/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A carrier takes the next parcel, brings its pack, waits until all parcels
 * before it were taken, has it taken, holds back for the rate, and removes the
 * pack's file.  So one pack is on the wire while the one before is looked into
 * by the sink.  A kill leaves pack files, which the next outflow removes; what
 * the sink took, it has.
 */
#include "outflow/carriage.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"
#include "os/file.h"

#define RATE_STEP_NS (100 * LF_NS_PER_MS) /* so soon it looks whether it is to end */

LF_LOCK_KIND(carriage_lock);

struct carrier {
	struct lf_carriage *carriage;
	unsigned number;
	pthread_t thread;
	struct lf_parcel parcel;
};

struct lf_carriage {
	const struct lf_sink *sink;
	uint64_t bytes_per_second;
	const atomic_bool *stop;
	atomic_bool hurry; /* it is being freed */
	int64_t begun_ns;
	unsigned started;
	struct carrier carriers[LF_SINK_CARRIERS];
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ending LF_GUARDED_BY(carriage_lock);
	/* parcels; one is its carrier's from the first to the second */
	uint64_t given LF_GUARDED_BY(carriage_lock);
	uint64_t arrived LF_GUARDED_BY(carriage_lock);
	/* of the last that arrived */
	char disk[LF_GUID_SIZE] LF_GUARDED_BY(carriage_lock);
	uint64_t upto LF_GUARDED_BY(carriage_lock);
	uint64_t window LF_GUARDED_BY(carriage_lock);
	uint64_t sent LF_GUARDED_BY(carriage_lock); /* bytes of all packs */
	int rc LF_GUARDED_BY(carriage_lock);
	struct lf_error err LF_GUARDED_BY(carriage_lock);
};

/* Hold back so that the mean rate stays under the limit, unless it is to end. */
static void keep_rate(const struct lf_carriage *carriage, uint64_t sent)
{
	uint64_t rate = carriage->bytes_per_second;
	int64_t due_ns = rate ? (int64_t)((double)sent * (double)LF_NS_PER_S / (double)rate) : 0;

	for (;;) {
		int64_t left_ns = carriage->begun_ns + due_ns - lf_clock_monotonic_ns();
		if (left_ns <= 0 || atomic_load(&carriage->hurry) ||
		    (carriage->stop && atomic_load(carriage->stop)))
			return;
		int64_t ns = left_ns < RATE_STEP_NS ? left_ns : RATE_STEP_NS;
		nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
	}
}

/* Lets the lock go while it waits for the sink. */
static int carry(struct lf_carriage *carriage, struct carrier *carrier, uint64_t turn,
		 struct lf_error *err) LF_REQUIRES(carriage_lock);
static int carry(struct lf_carriage *carriage, struct carrier *carrier, uint64_t turn,
		 struct lf_error *err)
{
	const struct lf_sink *sink = carriage->sink;
	const struct lf_parcel *parcel = &carrier->parcel;
	int rc = 0;

	lf_unlock(&carriage->mutex, carriage_lock);
	if (parcel->pack_file[0])
		rc = sink->bring(sink->context, carrier->number, parcel, err);
	lf_lock(&carriage->mutex, carriage_lock);
	while (carriage->arrived < turn && !carriage->rc)
		pthread_cond_wait(&carriage->changed, &carriage->mutex);
	if (rc || carriage->rc)
		return rc;
	uint64_t sent = carriage->sent + parcel->bytes;
	lf_unlock(&carriage->mutex, carriage_lock);
	rc = sink->take(sink->context, carrier->number, parcel, err);
	if (!rc && parcel->pack_file[0])
		rc = lf_file_remove(parcel->pack_file, err);
	if (!rc)
		keep_rate(carriage, sent);
	lf_lock(&carriage->mutex, carriage_lock);
	return rc;
}

static void *run_carrier(void *argument)
{
	struct carrier *carrier = argument;
	struct lf_carriage *carriage = carrier->carriage;

	LF_GUARD(&carriage->mutex, carriage_lock);
	for (uint64_t turn = carrier->number;; turn += LF_SINK_CARRIERS) {
		while (carriage->given <= turn && !carriage->ending)
			pthread_cond_wait(&carriage->changed, &carriage->mutex);
		if (carriage->given <= turn)
			return NULL;
		struct lf_error err = LF_ERROR_NONE;
		int rc = carry(carriage, carrier, turn, &err);
		if (rc && !carriage->rc) {
			carriage->rc = rc;
			carriage->err = err;
		} else if (!carriage->rc) {
			const struct lf_parcel *parcel = &carrier->parcel;
			carriage->sent += parcel->bytes;
			carriage->upto = parcel->upto;
			carriage->window = parcel->window;
			memcpy(carriage->disk, parcel->disk, sizeof(carriage->disk));
		}
		lf_buf_clear(&carrier->parcel.extents);
		carriage->arrived++; /* or will not: whoever waits looks at rc first */
		pthread_cond_broadcast(&carriage->changed);
	}
}

void lf_carriage_free(struct lf_carriage *carriage)
{
	if (!carriage)
		return;
	atomic_store(&carriage->hurry, true);
	lf_lock(&carriage->mutex, carriage_lock);
	carriage->ending = true;
	pthread_cond_broadcast(&carriage->changed);
	lf_unlock(&carriage->mutex, carriage_lock);
	for (unsigned i = 0; i < carriage->started; i++)
		pthread_join(carriage->carriers[i].thread, NULL);
	for (unsigned i = 0; i < LF_SINK_CARRIERS; i++)
		lf_buf_done(&carriage->carriers[i].parcel.extents);
	pthread_cond_destroy(&carriage->changed);
	pthread_mutex_destroy(&carriage->mutex);
	free(carriage);
}

int lf_carriage_new(const struct lf_sink *sink, uint64_t bytes_per_second, const atomic_bool *stop,
		    struct lf_carriage **ret_carriage, struct lf_error *err)
{
	struct lf_carriage *carriage = calloc(1, sizeof(*carriage));
	int sys = 0;

	if (!carriage)
		return lf_fail_nomem(err);
	carriage->sink = sink;
	carriage->bytes_per_second = bytes_per_second;
	carriage->stop = stop;
	carriage->begun_ns = lf_clock_monotonic_ns();
	pthread_mutex_init(&carriage->mutex, NULL);
	pthread_cond_init(&carriage->changed, NULL);
	for (unsigned i = 0; !sys && i < LF_SINK_CARRIERS; i++) {
		struct carrier *carrier = &carriage->carriers[i];
		carrier->carriage = carriage;
		carrier->number = i;
		sys = pthread_create(&carrier->thread, NULL, run_carrier, carrier);
		carriage->started += !sys;
	}
	if (sys) {
		lf_carriage_free(carriage);
		return lf_fail_sys(err, sys, NULL, "cannot start a thread");
	}
	*ret_carriage = carriage;
	return 0;
}

/* Wait until at most so many are under way. */
static int wait_for(struct lf_carriage *carriage, uint64_t under_way, struct lf_error *err)
	LF_REQUIRES(carriage_lock);
static int wait_for(struct lf_carriage *carriage, uint64_t under_way, struct lf_error *err)
{
	while (carriage->given - carriage->arrived > under_way)
		pthread_cond_wait(&carriage->changed, &carriage->mutex);
	if (carriage->rc)
		*err = carriage->err;
	return carriage->rc;
}

int lf_carriage_give(struct lf_carriage *carriage, struct lf_parcel *parcel, struct lf_error *err)
{
	LF_GUARD(&carriage->mutex, carriage_lock);
	int rc = wait_for(carriage, LF_SINK_CARRIERS - 1, err);
	struct lf_parcel *place = &carriage->carriers[carriage->given % LF_SINK_CARRIERS].parcel;

	if (rc)
		return rc;
	/* the buffers change places, so that neither is made again */
	struct lf_buf empty = place->extents;
	*place = *parcel;
	parcel->extents = empty;
	carriage->given++;
	pthread_cond_broadcast(&carriage->changed);
	return 0;
}

int lf_carriage_wait(struct lf_carriage *carriage, struct lf_error *err)
{
	LF_GUARD(&carriage->mutex, carriage_lock);

	return wait_for(carriage, 0, err);
}

uint64_t lf_carriage_upto(struct lf_carriage *carriage, const char *disk)
{
	LF_GUARD(&carriage->mutex, carriage_lock);

	return strcmp(carriage->disk, disk) == 0 ? carriage->upto : 0;
}

uint64_t lf_carriage_sent(struct lf_carriage *carriage)
{
	LF_GUARD(&carriage->mutex, carriage_lock);

	return carriage->sent;
}

uint64_t lf_carriage_window(struct lf_carriage *carriage)
{
	LF_GUARD(&carriage->mutex, carriage_lock);

	return carriage->window;
}
