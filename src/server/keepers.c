/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four threads, each with its own rhythm by the site's clock: every minute what
 * expires, every five seconds what backups are due, every two the audit log and
 * the machine's time, and every day the collection of each region's vault.
 *
 * One duty in trouble is named in the site's health while it lasts, is tried
 * again, and keeps no other from being done.  When the clock was seen last and
 * when was collected last stand in the catalog, so that a site that restarts
 * daily collects; a kill loses nothing else.
 */
#include "server/keepers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "providers/backup/backup.h"
#include "providers/compute/access.h"
#include "server/reserve.h"
#include "vault/care/care.h"

#define TEND_EVERY_NS	 (60 * LF_NS_PER_S)
#define COLLECT_EVERY_NS (24 * 3600 * LF_NS_PER_S)
#define SEEN_AT		 "clockSeenAt" /* setting: a time */
#define SEEN_EVERY_NS	 (600 * LF_NS_PER_S)
#define COLLECTED_AT	 "collectedAt" /* setting: a time */
#define COMPACT_RATE	 (8u << 20)    /* bytes a second: a tenth of a processor */
#define BACKUP_EVERY_NS	 (5 * LF_NS_PER_S)
#define CLOCK_LEAP_NS	 (5 * LF_NS_PER_S) /* less is the work of NTP */
#define AUDIT_EVERY_NS	 (2 * LF_NS_PER_S)
#define KEEPERS		 4

struct lf_keepers {
	struct lf_keepers_opts opts;
	struct lf_context *context; /* of opts */
	pthread_t threads[KEEPERS];
	unsigned n; /* that run */
	atomic_bool stopping;
};

static int collect_garbage(void *context, const char *region, struct lf_error *err)
{
	struct lf_keepers *keepers = context;
	const struct lf_collect_opts opts = {.now_ns = lf_clock_expiry_ns(keepers->context->clock),
					     .compact = true,
					     .threads = 1,
					     .bytes_per_second = COMPACT_RATE,
					     .stop = &keepers->stopping};
	struct lf_vault *vault;
	LF_AUTO_JSON *report = NULL;

	int rc = lf_regions_find(keepers->context->regions, region, &vault, err);
	if (rc == LF_ENOTFOUND || rc == LF_EINVAL)
		return 0; /* what lies there is no region */
	if (!rc)
		rc = lf_vault_collect(vault, &opts, &report, err);
	if (!rc && lf_json_int_or(report, "bytes", 0))
		lf_info("%s: %lld bytes freed, %lld points removed", region,
			(long long)lf_json_int_or(report, "bytes", 0),
			(long long)lf_json_int_or(report, "points", 0));
	if (!rc && json_array_size(lf_json_at(report, "damaged"))) {
		rc = lf_fail(err, LF_ECORRUPT, region,
			     "what point %s needs is not known, for it is damaged: all data stays",
			     lf_json_text_or(report, "damaged.0", ""));
		lf_error_hint(err, "see landfall vault verify, and repair or drop");
	} else if (!rc && lf_json_int_or(report, "bytesLeft", 0)) {
		rc = lf_fail(err, LF_ENOSPACE, region,
			     "there is no room to rewrite packs of %lld MiB that hold garbage",
			     (long long)lf_json_int_or(report, "bytesLeft", 0) >> 20);
		lf_error_hint(err, "make some room on the file system of the store");
	}
	/* a region in trouble is no reason to leave the others */
	if (!keepers->stopping)
		lf_health_set("collection", region, rc, err);
	return 0;
}

/* Wait until the clock shows until_ns; false: the keepers are stopped. */
static bool wait_until(struct lf_keepers *keepers, int64_t until_ns)
{
	while (!keepers->stopping &&
	       lf_clock_wait(keepers->context->clock, until_ns, LF_NS_PER_S / 2) < until_ns)
		;
	return !keepers->stopping;
}

/* One part of the housekeeping in trouble: named while it lasts, tried again, and no other's. */
static void tended(const char *what, int rc, const struct lf_error *err)
{
	lf_health_set("housekeeping", what, rc, err);
}

/* Clients that connect from now on see the new certificate; the CA is the same. */
static int renew_certificate(struct lf_keepers *keepers, struct lf_error *err)
{
	bool renewed = false;
	int rc = lf_site_renew(keepers->opts.site, keepers->context->clock, keepers->opts.names,
			       &renewed, err);

	if (rc || !renewed)
		return rc;
	lf_info("the daemon's certificate has been renewed");
	return lf_http_server_renew(keepers->opts.http, keepers->opts.site->server_cert,
				    keepers->opts.site->server_key, err);
}

/* The catalog remembers when the clock was seen last, to know a leap from one run to the next. */
static int look_at_clock(struct lf_keepers *keepers, bool first, struct lf_error *err)
{
	struct lf_clock *clock = keepers->context->clock;
	LF_AUTO_FREE char *text = NULL;
	char time[LF_TIME_SIZE];
	int64_t last = 0;

	int rc = lf_catalog_setting_get(keepers->context->catalog, SEEN_AT, &text, err);
	if (!rc && !lf_time_parse(text, &last, err) && first)
		lf_clock_seen(clock, last);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	int64_t now = lf_clock_expiry_ns(clock);
	if (now >= last && now - last < SEEN_EVERY_NS)
		return 0;
	lf_time_format(now, time);
	return lf_catalog_setting_put(keepers->context->catalog, SEEN_AT, time, err);
}

static void *tend_replicas(void *context)
{
	struct lf_keepers *keepers = context;
	struct lf_clock *clock = keepers->context->clock;

	do {
		struct lf_error err = LF_ERROR_NONE;
		lf_reserve_tend(keepers->context->data_dir);
		tended("clock", look_at_clock(keepers, false, &err), &err);
		tended("replicas", lf_replication_tend(keepers->context->replication, &err), &err);
		tended("expiring disk access", lf_disk_access_tend(keepers->context, &err), &err);
		tended("expiring unfinished peer transfers",
		       lf_receive_sweep(keepers->opts.receive, &err), &err);
		tended("the daemon's certificate", renew_certificate(keepers, &err), &err);
	} while (wait_until(keepers, lf_clock_now_ns(clock) + TEND_EVERY_NS));
	return NULL;
}

static void *tend_backups(void *context)
{
	struct lf_keepers *keepers = context;

	do {
		struct lf_error err = LF_ERROR_NONE;
		tended("backups", lf_backup_tend(keepers->context, &err), &err);
	} while (wait_until(keepers, lf_clock_now_ns(keepers->context->clock) + BACKUP_EVERY_NS));
	return NULL;
}

/*
 * When the collection is due: a day after the last one, which the catalog knows, so that a keepers
 * that is restarted daily collects.  A time of the future (the clock was ahead) counts as now.
 */
static int64_t collection_due(struct lf_keepers *keepers)
{
	int64_t now = lf_clock_now_ns(keepers->context->clock), last = now;
	LF_AUTO_FREE char *text = NULL;
	struct lf_error err;

	int rc = lf_catalog_setting_get(keepers->context->catalog, COLLECTED_AT, &text, &err);
	if (!rc)
		rc = lf_time_parse(text, &last, &err);
	return (!rc && last < now ? last : now) + COLLECT_EVERY_NS;
}

static int note_collection(struct lf_keepers *keepers, struct lf_error *err)
{
	char time[LF_TIME_SIZE];

	lf_time_format(lf_clock_now_ns(keepers->context->clock), time);
	return lf_catalog_setting_put(keepers->context->catalog, COLLECTED_AT, time, err);
}

static int collect_once(struct lf_keepers *keepers, struct lf_error *err)
{
	LF_AUTO_FREE char *regions = lf_printf_dup("%s/regions", keepers->context->data_dir);
	int rc = regions ? lf_dir_list_if(regions, collect_garbage, keepers, err)
			 : lf_fail_nomem(err);

	if (!rc)
		rc = lf_jobs_expire(keepers->context->jobs,
				    lf_clock_expiry_ns(keepers->context->clock), err);
	return rc || keepers->stopping ? rc : note_collection(keepers, err);
}

static void *collect_vaults(void *context)
{
	struct lf_keepers *keepers = context;
	struct lf_error err = LF_ERROR_NONE;
	int64_t due = collection_due(keepers);
	LF_AUTO_FREE char *noted = NULL;

	/* the first day is counted from the first start */
	if (lf_catalog_setting_get(keepers->context->catalog, COLLECTED_AT, &noted, &err) ==
	    LF_ENOTFOUND)
		tended("collection", note_collection(keepers, &err), &err);
	while (wait_until(keepers, due)) {
		tended("collection", collect_once(keepers, &err), &err);
		due = lf_clock_now_ns(keepers->context->clock) + COLLECT_EVERY_NS;
	}
	return NULL;
}

/* The machine's time beside what has passed: set by somebody, or the machine slept. */
static void watch_time(struct lf_keepers *keepers, int64_t *ahead_ns)
{
	int64_t now_ahead_ns = lf_clock_machine_ns() - lf_clock_monotonic_ns();
	int64_t leap_ns = now_ahead_ns - *ahead_ns;
	char detail[96];

	*ahead_ns = now_ahead_ns;
	if (leap_ns > -CLOCK_LEAP_NS && leap_ns < CLOCK_LEAP_NS)
		return;
	snprintf(detail, sizeof(detail), "the machine's time moved by %lld s at once",
		 (long long)(leap_ns / LF_NS_PER_S));
	lf_warn("%s", detail);
	lf_audit_write(keepers->context->audit,
		       &(struct lf_audit_event){.action = "Landfall/clock/leap", .detail = detail});
}

static void *tend_audit(void *context)
{
	struct lf_keepers *keepers = context;
	int64_t ahead_ns = lf_clock_machine_ns() - lf_clock_monotonic_ns();

	do {
		watch_time(keepers, &ahead_ns);
		lf_audit_tend(keepers->context->audit);
	} while (wait_until(keepers, lf_clock_now_ns(keepers->context->clock) + AUDIT_EVERY_NS));
	return NULL;
}

int lf_keepers_start(const struct lf_keepers_opts *opts, struct lf_keepers **ret_keepers,
		     struct lf_error *err)
{
	static void *(*const duties[KEEPERS])(void *) = {tend_replicas, tend_backups,
							 collect_vaults, tend_audit};
	struct lf_keepers *keepers = calloc(1, sizeof(*keepers));
	struct lf_error seen = LF_ERROR_NONE;

	if (!keepers)
		return lf_fail_nomem(err);
	keepers->opts = *opts;
	keepers->context = opts->context;
	/* before anything expires */
	tended("clock", look_at_clock(keepers, true, &seen), &seen);
	for (; keepers->n < KEEPERS; keepers->n++) {
		int sys = pthread_create(&keepers->threads[keepers->n], NULL, duties[keepers->n],
					 keepers);
		if (sys) {
			lf_keepers_stop(keepers);
			return lf_fail_sys(err, sys, NULL, "cannot start a thread");
		}
	}
	*ret_keepers = keepers;
	return 0;
}

void lf_keepers_stop(struct lf_keepers *keepers)
{
	if (!keepers)
		return;
	keepers->stopping = true;
	lf_clock_wake(keepers->context->clock);
	while (keepers->n)
		pthread_join(keepers->threads[--keepers->n], NULL);
	free(keepers);
}
