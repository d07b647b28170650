/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that carry packs to a peer, each over a connection of its own.  Whoever fills packs gives
 * a finished file and goes on; there is room for one that waits for each courier, so that files on
 * their way are bounded.  The first error ends all: what was given after it is removed, not sent.
 * A kill leaves files in DIR/outgoing, which the next start of the site removes.
 */
#include "peer/courier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"

LF_LOCK_KIND(couriers_lock);
struct lf_couriers {
	const struct lf_peer *peer;
	char point[LF_GUID_SIZE];
	pthread_t threads[LF_PEER_COURIERS];
	unsigned started;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	char *waiting[LF_PEER_COURIERS] LF_GUARDED_BY(couriers_lock); /* paths; the first n */
	unsigned n LF_GUARDED_BY(couriers_lock), under_way LF_GUARDED_BY(couriers_lock);
	bool ending LF_GUARDED_BY(couriers_lock);
	int rc LF_GUARDED_BY(couriers_lock);
	struct lf_error err LF_GUARDED_BY(couriers_lock);
};

static int carry(const struct lf_couriers *couriers, struct lf_http_client **client,
		 const char *path, struct lf_error *err)
{
	const struct lf_peer_call call = {
		.method = "POST", .point = couriers->point, .what = "/packs", .file = path};
	int rc = *client ? 0 : lf_peer_client(couriers->peer, client, err);

	return rc ? rc : lf_peer_call(couriers->peer, *client, &call, NULL, err);
}

static void *carry_packs(void *argument)
{
	struct lf_couriers *couriers = argument;
	struct lf_http_client *client = NULL;

	lf_lock(&couriers->mutex, couriers_lock);
	for (;;) {
		while (!couriers->n && !couriers->ending)
			pthread_cond_wait(&couriers->changed, &couriers->mutex);
		if (!couriers->n)
			break;
		LF_AUTO_FREE char *path = couriers->waiting[--couriers->n];
		struct lf_error err = LF_ERROR_NONE;
		bool wanted = !couriers->rc && !couriers->ending;
		couriers->under_way++;
		pthread_cond_broadcast(&couriers->changed);
		lf_unlock(&couriers->mutex, couriers_lock);
		int rc = wanted ? carry(couriers, &client, path, &err) : 0;
		unlink(path); /* arrived, or to be packed anew */
		lf_lock(&couriers->mutex, couriers_lock);
		couriers->under_way--;
		if (rc && !couriers->rc) {
			couriers->rc = rc;
			couriers->err = err;
		}
		pthread_cond_broadcast(&couriers->changed);
	}
	lf_unlock(&couriers->mutex, couriers_lock);
	lf_http_client_free(client);
	return NULL;
}

int lf_couriers_new(const struct lf_peer *peer, const char *point,
		    struct lf_couriers **ret_couriers, struct lf_error *err)
{
	struct lf_couriers *couriers = calloc(1, sizeof(*couriers));

	if (!couriers)
		return lf_fail_nomem(err);
	couriers->peer = peer;
	snprintf(couriers->point, sizeof(couriers->point), "%s", point);
	pthread_mutex_init(&couriers->mutex, NULL);
	pthread_cond_init(&couriers->changed, NULL);
	for (; couriers->started < LF_PEER_COURIERS; couriers->started++) {
		int sys = pthread_create(&couriers->threads[couriers->started], NULL, carry_packs,
					 couriers);
		if (sys) {
			lf_couriers_free(couriers);
			return lf_fail_sys(err, sys, NULL, "cannot start a thread");
		}
	}
	*ret_couriers = couriers;
	return 0;
}

LF_REQUIRES(couriers_lock)
static int outcome(const struct lf_couriers *couriers, struct lf_error *err)
{
	if (couriers->rc)
		*err = couriers->err;
	return couriers->rc;
}

int lf_couriers_give(struct lf_couriers *couriers, const char *path, struct lf_error *err)
{
	char *copy = strdup(path);

	if (!copy)
		return lf_fail_nomem(err);
	LF_GUARD(&couriers->mutex, couriers_lock);
	while (couriers->n == LF_PEER_COURIERS)
		pthread_cond_wait(&couriers->changed, &couriers->mutex);
	couriers->waiting[couriers->n++] = copy;
	pthread_cond_broadcast(&couriers->changed);
	return outcome(couriers, err);
}

int lf_couriers_wait(struct lf_couriers *couriers, struct lf_error *err)
{
	LF_GUARD(&couriers->mutex, couriers_lock);
	while (couriers->n || couriers->under_way)
		pthread_cond_wait(&couriers->changed, &couriers->mutex);
	return outcome(couriers, err);
}

void lf_couriers_free(struct lf_couriers *couriers)
{
	if (!couriers)
		return;
	lf_lock(&couriers->mutex, couriers_lock);
	couriers->ending = true;
	pthread_cond_broadcast(&couriers->changed);
	lf_unlock(&couriers->mutex, couriers_lock);
	while (couriers->started)
		pthread_join(couriers->threads[--couriers->started], NULL);
	pthread_cond_destroy(&couriers->changed);
	pthread_mutex_destroy(&couriers->mutex);
	free(couriers);
}
