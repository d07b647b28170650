/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session in order: begin; a full pass when there is nothing to compare
 * with; delta rounds until little is left; a last round with the file systems
 * frozen; commit.  The fingerprints follow the site: they change for good only
 * after the site has what they describe.
 */
#include "agent/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define COMMIT_TRIES	30 /* while the site is not there */
#define COMMIT_WAIT_MAX 30 /* seconds between two */
#define TELL_EVERY_NS	(LF_NS_PER_S / 2)

char *lf_progress_token(struct lf_progress *progress)
{
	pthread_mutex_lock(&progress->mutex);
	char *token = strdup(progress->blob_token ? progress->blob_token : "");
	pthread_mutex_unlock(&progress->mutex);
	return token;
}

/* What failed before stays told until something succeeds: the next try alone mends nothing. */
static void keep_failure(json_t *status, const json_t *before)
{
	static const char *const members[] = {"code", "error", "advice"};

	if (lf_json_at(status, "error"))
		return;
	for (size_t i = 0; i < LF_N(members); i++)
		if (lf_json_at(before, members[i]))
			json_object_set(status, members[i], lf_json_at(before, members[i]));
}

/* The status of the item becomes this one (NULL: none); keep: with an earlier failure. */
static void replace_status(struct lf_progress *progress, const char *item, json_t *status,
			   bool keep)
{
	json_t *all = json_array();
	size_t i;
	json_t *entry;

	pthread_mutex_lock(&progress->mutex);
	json_array_foreach (progress->status, i, entry) {
		if (strcmp(lf_json_text_or(entry, "itemId", ""), item) != 0)
			json_array_append(all, entry);
		else if (keep)
			keep_failure(status, entry);
	}
	if (status)
		json_array_append_new(all, status);
	json_decref(progress->status);
	progress->status = all;
	pthread_mutex_unlock(&progress->mutex);
}

void lf_progress_set(struct lf_progress *progress, json_t *status)
{
	replace_status(progress, lf_json_text_or(status, "itemId", ""), status, true);
}

void lf_progress_succeeded(struct lf_progress *progress, const char *item)
{
	replace_status(progress, item, json_pack("{s:s}", "itemId", item), false);
}

/* Tell how far we are, at most twice a second. */
void lf_transfer_tell(struct transfer *t, bool now)
{
	int64_t time = lf_clock_monotonic_ns();
	json_t *disks;

	if (!now && time - t->told_ns < TELL_EVERY_NS)
		return;
	t->told_ns = time;
	disks = json_array();
	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(
			disks, json_pack("{s:s,s:I,s:I,s:I}", "id", t->disks[i].id, "sizeBytes",
					 (json_int_t)t->disks[i].size, "processedBytes",
					 (json_int_t)t->disks[i].processed, "sentBytes",
					 (json_int_t)(i		   ? 0
						      : t->outflow ? lf_outflow_sent(t->outflow)
								   : 0)));
	int64_t ms = (time - t->begun_ns) / LF_NS_PER_MS + 1;
	lf_progress_set(t->opts->progress,
			json_pack("{s:s,s:o,s:I}", "itemId", t->item, "disks", disks,
				  "bytesPerSecond",
				  (json_int_t)(t->read_bytes * 1000 / (uint64_t)ms)));
}

int lf_transfer_check_stop(const struct transfer *t, struct lf_error *err)
{
	return *t->opts->stopping ? lf_fail(err, LF_ECANCELED, NULL, "the agent is stopping") : 0;
}

/* Set-up. */

static const json_t *find_config(const json_t *machine, const char *id)
{
	size_t i;
	json_t *disk;

	json_array_foreach (lf_json_at(machine, "disks"), i, disk) {
		if (strcmp(lf_json_text_or(disk, "id", ""), id) == 0)
			return disk;
	}
	return NULL;
}

static int open_disk(struct transfer *t, struct source_disk *d, const char *id,
		     struct lf_error *err)
{
	d->id = id;
	d->config = find_config(t->opts->machine, id);
	if (!d->config) {
		lf_fail(err, LF_ENOTFOUND, id, "a protected disk is not on this machine any more");
		return lf_error_hint(err,
				     "attach the disk again, or remove it from the replication");
	}
	int rc = lf_disk_open(lf_json_text_or(d->config, "path", ""), &d->disk, err);
	if (!rc)
		rc = lf_disk_size(d->disk, &d->size, err);
	if (rc)
		return rc;
	d->pages = (d->size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
	d->watch = lf_watches_get(t->opts->watches, id, lf_json_text_or(d->config, "path", ""),
				  d->pages);
	if (d->watch) {
		rc = lf_watch_bits_new(lf_watch_words(d->watch), &d->todo, err);
		if (rc)
			return rc;
	}
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s.prints", t->opts->state_dir, id);
	rc = path ? lf_fingerprints_open(path, d->pages, &d->prints, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_fingerprints_recover(
			d->prints, lf_json_text_or(t->opts->assignment, "basePointId", ""), err);
	return rc;
}

static int open_disks(struct transfer *t, struct lf_error *err)
{
	size_t i;
	json_t *disk;

	json_array_foreach (lf_json_at(t->opts->assignment, "disks"), i, disk) {
		if (!lf_json_bool_or(disk, "included", true))
			continue;
		if (t->n == DISKS_MAX)
			return lf_fail(err, LF_EUNSUPPORTED, NULL, "more than %d disks", DISKS_MAX);
		int rc = open_disk(t, &t->disks[t->n++], lf_json_text_or(disk, "id", ""), err);
		if (rc)
			return rc;
	}
	return 0;
}

static int load_key(struct transfer *t, struct lf_error *err)
{
	const json_t *key = lf_json_at(t->opts->assignment, "key");
	int rc = lf_hex_decode(lf_json_text_or(key, "id", ""), t->key.id_key, 32, err);

	if (!rc)
		rc = lf_hex_decode(lf_json_text_or(key, "data", ""), t->key.data_key, 32, err);
	t->key.epoch = (uint32_t)lf_json_int_or(key, "epoch", 0);
	t->key.owned = lf_json_text(key, "owner");
	if (!rc && t->key.owned)
		rc = lf_hex_decode(lf_json_text_or(key, "owner", ""), t->key.owner, LF_OWNER_SIZE,
				   err);
	return rc;
}

/* All disks' fingerprints describe the site's newest point: a delta will do. */
static bool can_delta(const struct transfer *t)
{
	const char *base = lf_json_text_or(t->opts->assignment, "basePointId", "");

	for (size_t i = 0; i < t->n; i++)
		if (!base[0] || strcmp(lf_fingerprints_point(t->disks[i].prints), base) != 0)
			return false;
	return t->n > 0;
}

static json_t *describe_disks(const struct transfer *t)
{
	json_t *disks = json_array();

	for (size_t i = 0; i < t->n; i++) {
		const struct source_disk *d = &t->disks[i];
		json_array_append_new(
			disks, json_pack("{s:s,s:s,s:I,s:I,s:b}", "id", d->id, "name",
					 lf_json_text_or(d->config, "name", ""), "sizeBytes",
					 (json_int_t)d->size, "lun",
					 (json_int_t)lf_json_int_or(d->config, "lun", 0), "os",
					 (int)lf_json_bool_or(d->config, "os", false)));
	}
	return disks;
}

/* The full pass that every disk's fingerprints belong to, as the site is asked to go on with it. */
static json_t *describe_resume(const struct transfer *t)
{
	json_t *upto = json_array();
	const char *session = t->n ? lf_fingerprints_session(t->disks[0].prints) : "";

	for (size_t i = 0; i < t->n; i++) {
		const struct lf_fingerprints *prints = t->disks[i].prints;
		if (strcmp(lf_fingerprints_session(prints), session) != 0)
			session = "";
		json_array_append_new(upto, json_integer((json_int_t)lf_fingerprints_upto(prints)));
	}
	return json_pack("{s:s,s:o}", "session", session, "upto", upto);
}

static int note_resume(struct transfer *t, const json_t *answer, struct lf_error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct source_disk *d = &t->disks[i];
		LF_AUTO_FREE char *path = lf_printf_dup("disks.%zu.upto", i);
		int rc = lf_fingerprints_restart(d->prints, t->session, err);
		if (rc)
			return rc;
		d->resume = (uint64_t)lf_json_int_or(answer, path ? path : "", 0);
		t->start_over = d->resume != lf_fingerprints_upto(d->prints);
		if (t->start_over)
			return lf_fail(err, LF_ECORRUPT, d->id,
				       "the site and the agent disagree on where the full pass is");
	}
	return 0;
}

/* Of a delta: what the watch has seen since the point that the prints describe. */
static void recall_changes(struct source_disk *d)
{
	if (!d->watch || !lf_watch_covers(d->watch, lf_fingerprints_point(d->prints)))
		return;
	lf_watch_all(d->watch, d->todo);
	d->known = true;
}

static int begin_session(struct transfer *t, struct lf_error *err)
{
	const json_t *assignment = t->opts->assignment;
	bool delta = can_delta(t);
	LF_AUTO_JSON *answer = NULL;
	LF_AUTO_JSON *request = json_pack(
		"{s:s,s:s,s:s?,s:s?,s:o,s:o}", "itemId", t->item, "kind", delta ? "delta" : "full",
		"basePointId", delta ? lf_json_text(assignment, "basePointId") : NULL, "token",
		lf_json_text(assignment, "token"), "resume",
		delta ? json_object() : describe_resume(t), "disks", describe_disks(t));

	int rc = request ? lf_link_post(t->opts->link, "sessions", request, &answer, err)
			 : lf_fail_nomem(err);
	if (rc)
		return rc;
	snprintf(t->session, sizeof(t->session), "%s", lf_json_text_or(answer, "sessionId", ""));
	t->full = strcmp(lf_json_text_or(answer, "kind", ""), "delta") != 0;
	for (size_t i = 0; !t->full && i < t->n; i++)
		recall_changes(&t->disks[i]);
	return t->full ? note_resume(t, answer, err) : 0;
}

static char *get_token(void *context)
{
	return lf_progress_token(context);
}

static int open_outflow(struct transfer *t, struct lf_error *err)
{
	const struct lf_site_opts site_opts = {
		.state_dir = t->opts->state_dir,
		.session = t->session,
		.pack_path = lf_json_text_or(t->opts->assignment, "packPath", ""),
		.token = get_token,
		.context = t->opts->progress,
	};
	int rc = lf_site_new(&site_opts, &t->site, err);
	if (rc)
		return rc;
	const struct lf_outflow_opts opts = {
		.sink = lf_site_sink(t->site),
		.key = &t->key,
		.state_dir = t->opts->state_dir,
		.bytes_per_second = (uint64_t)lf_json_int_or(t->opts->machine, "bandwidthMiBps", 0)
				    << 20,
	};

	return lf_outflow_new(&opts, &t->outflow, err);
}

/*
 * A commit takes as long as the session has extents, and goes on when the site was restarted:
 * who asks again joins it.  An answer that did not come in time is no failure, then.
 */
static int ask_commit(struct transfer *t, const char *path, const json_t *request,
		      json_t **ret_answer, struct lf_error *err)
{
	int wait = 1, rc;

	for (int left = COMMIT_TRIES; left > 0; left--) {
		rc = lf_link_post(t->opts->link, path, request, ret_answer, err);
		if ((rc != LF_ETIMEOUT && rc != LF_EUNREACHABLE) || *t->opts->stopping)
			return rc;
		lf_log_error("a commit that is asked for again", err);
		for (int i = 0; i < wait * 10 && !*t->opts->stopping; i++)
			nanosleep(&(struct timespec){.tv_nsec = 100 * LF_NS_PER_MS}, NULL);
		wait = wait * 2 < COMMIT_WAIT_MAX ? wait * 2 : COMMIT_WAIT_MAX;
		if (rc == LF_ETIMEOUT) /* the site is there, and works */
			left = COMMIT_TRIES;
	}
	return rc;
}

static int commit_session(struct transfer *t, bool app, int64_t instant_ns, int64_t frozen_ns,
			  struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/commit", t->session);
	LF_AUTO_JSON *answer = NULL;
	LF_AUTO_JSON *request = json_pack(
		"{s:s,s:I,s:I,s:I,s:I}", "consistency",
		app ? "ApplicationConsistent" : "CrashConsistent", "ageMs",
		(json_int_t)((lf_clock_monotonic_ns() - instant_ns) / LF_NS_PER_MS), "freezeMs",
		(json_int_t)(frozen_ns / LF_NS_PER_MS), "bytesRead", (json_int_t)t->read_bytes,
		"bytesSent", (json_int_t)lf_outflow_sent(t->outflow));

	if (!path || !request)
		return lf_fail_nomem(err);
	int rc = lf_outflow_flush(t->outflow, err);
	for (size_t i = 0; !rc && i < t->n; i++)
		rc = lf_fingerprints_prepare(t->disks[i].prints, t->session, err);
	if (!rc)
		rc = ask_commit(t, path, request, &answer, err);
	if (rc)
		return rc;
	const char *point = lf_json_text_or(answer, "pointId", "");
	for (size_t i = 0; !rc && i < t->n; i++)
		rc = lf_fingerprints_commit(t->disks[i].prints, point, err);
	for (size_t i = 0; !rc && i < t->n; i++)
		if (t->disks[i].watch)
			lf_watch_committed(t->disks[i].watch, point);
	lf_info("recovery point %s: %llu MiB read, %llu KiB sent, frozen %lld ms", point,
		(unsigned long long)t->read_bytes >> 20,
		(unsigned long long)lf_outflow_sent(t->outflow) >> 10,
		(long long)(frozen_ns / LF_NS_PER_MS));
	return rc;
}

static int run(struct transfer *t, struct lf_error *err)
{
	bool app = lf_json_bool_or(t->opts->assignment, "app", false) &&
		   lf_json_text(t->opts->machine, "preScript");
	int64_t instant_ns = 0, frozen_ns = 0;
	int rc = load_key(t, err);

	if (!rc)
		rc = lf_chunk_hasher_new(&t->key, &t->hasher, err);
	if (!rc)
		rc = open_disks(t, err);
	if (!rc)
		rc = begin_session(t, err);
	if (!rc)
		rc = open_outflow(t, err);
	lf_transfer_tell(t, true);
	for (size_t i = 0; !rc && t->full && i < t->n; i++)
		rc = lf_pass_full(t, &t->disks[i], err);
	if (!rc)
		rc = lf_instant_make(t, app, &instant_ns, &frozen_ns, err);
	if (!rc)
		rc = commit_session(t, app, instant_ns, frozen_ns, err);
	lf_transfer_tell(t, true);
	return rc;
}

int lf_transfer_run(const struct lf_transfer_opts *opts, struct lf_error *err)
{
	struct transfer t = {.opts = opts,
			     .item = lf_json_text_or(opts->assignment, "itemId", ""),
			     .begun_ns = lf_clock_monotonic_ns()};

	int rc = run(&t, err);
	lf_outflow_free(t.outflow);
	lf_site_free(t.site);
	for (size_t i = 0; i < t.n; i++) {
		struct lf_error ignored;
		if (t.start_over && t.disks[i].prints &&
		    lf_fingerprints_void(t.disks[i].prints, &ignored))
			lf_log_error("fingerprints", &ignored);
		if (t.disks[i].todo)
			lf_watch_bits_free(t.disks[i].todo, lf_watch_words(t.disks[i].watch));
		lf_disk_close(t.disks[i].disk);
		lf_fingerprints_close(t.disks[i].prints);
	}
	lf_chunk_hasher_free(t.hasher);
	lf_domain_key_done(&t.key);
	return rc;
}
