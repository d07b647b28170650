/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session in order: begin; a full pass when there is nothing to compare
 * with; delta rounds until little is left; a last round with the file systems
 * frozen; commit.  The fingerprints follow the site: they change for good only
 * after the site has what they describe.
 */
#include "agent/transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/fingerprints.h"
#include "agent/hold.h"
#include "agent/pump.h"
#include "agent/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "os/reads.h"
#include "source/disk.h"
#include "source/freeze.h"
#include "source/mounts.h"
#include "vault/crypt.h"

#define WINDOW_PAGES	    1024u /* 4 MiB */
#define DISKS_MAX	    64
#define ROUNDS_MAX	    5
#define CALM_PAGES	    (4u << 8)  /* 4 MiB: little enough to freeze for */
#define CALM_WHOLE_PAGES    (16u << 8) /* where a round reads whole disks */
#define FREEZE_LIMIT_MS	    10000
#define SCRIPT_LIMIT_NS	    (60 * LF_NS_PER_S)
#define COMMIT_TRIES	    30 /* while the site is not there */
#define COMMIT_WAIT_MAX	    30 /* seconds between two */
#define CLOCK_TICKS_PER_SET (LF_NS_PER_S / 2)

struct source_disk {
	const json_t *config;
	const char *id;
	struct lf_disk *disk;
	struct lf_fingerprints *prints;
	uint64_t size, pages, processed, resume;
	struct lf_watch *watch; /* NULL: each pass reads the whole disk */
	uint64_t *todo;		/* with a watch: pages that may not be as their prints say */
	bool known;		/* no others may */
};

struct transfer {
	const struct lf_transfer_opts *opts;
	const char *item;
	struct lf_domain_key key;
	struct source_disk disks[DISKS_MAX];
	size_t n;
	struct lf_pump *pump;
	char session[LF_GUID_SIZE];
	bool full;
	struct lf_chunk_hasher *hasher;
	uint8_t *window;
	uint64_t window_prints[WINDOW_PAGES];
	uint64_t read_bytes, round_pages;
	struct lf_hold *hold; /* under a freeze: where changes go; NULL: to the pump */
	bool start_over;      /* the fingerprints do not help: the next session is a full pass */
	int64_t begun_ns, told_ns;
};

char *lf_progress_token(struct lf_progress *progress)
{
	pthread_mutex_lock(&progress->mutex);
	char *token = strdup(progress->blob_token ? progress->blob_token : "");
	pthread_mutex_unlock(&progress->mutex);
	return token;
}

void lf_progress_set(struct lf_progress *progress, json_t *status)
{
	const char *item = lf_json_text_or(status, "itemId", "");
	json_t *all = json_array();
	size_t i;
	json_t *entry;

	pthread_mutex_lock(&progress->mutex);
	json_array_foreach (progress->status, i, entry) {
		if (strcmp(lf_json_text_or(entry, "itemId", ""), item) != 0)
			json_array_append(all, entry);
	}
	json_array_append_new(all, status);
	json_decref(progress->status);
	progress->status = all;
	pthread_mutex_unlock(&progress->mutex);
}

/* Tell how far we are, at most twice a second. */
static void tell(struct transfer *t, bool now)
{
	int64_t time = lf_clock_monotonic_ns();
	json_t *disks;

	if (!now && time - t->told_ns < CLOCK_TICKS_PER_SET)
		return;
	t->told_ns = time;
	disks = json_array();
	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(
			disks, json_pack("{s:s,s:I,s:I,s:I}", "id", t->disks[i].id, "sizeBytes",
					 (json_int_t)t->disks[i].size, "processedBytes",
					 (json_int_t)t->disks[i].processed, "sentBytes",
					 (json_int_t)(i		? 0
						      : t->pump ? lf_pump_sent(t->pump)
								: 0)));
	int64_t ms = (time - t->begun_ns) / LF_NS_PER_MS + 1;
	lf_progress_set(t->opts->progress,
			json_pack("{s:s,s:o,s:I}", "itemId", t->item, "disks", disks,
				  "bytesPerSecond",
				  (json_int_t)(t->read_bytes * 1000 / (uint64_t)ms)));
}

static int check_stop(const struct transfer *t, struct lf_error *err)
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

/* The disk is about to be read from page on: only what is written from now on matters there. */
static void begin_reading(struct source_disk *d, uint64_t page)
{
	size_t words = d->watch ? lf_watch_words(d->watch) : 0;

	if (!d->watch)
		return;
	lf_watch_all(d->watch, d->todo);
	lf_watch_bits_clear(d->todo, words);
	for (uint64_t before = 0; before < page; before++) /* an earlier run read these */
		d->todo[before / 64] |= UINT64_C(1) << before % 64;
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

static int open_pump(struct transfer *t, struct lf_error *err)
{
	const struct lf_pump_opts opts = {
		.link = t->opts->link,
		.key = &t->key,
		.state_dir = t->opts->state_dir,
		.session = t->session,
		.pack_path = lf_json_text_or(t->opts->assignment, "packPath", ""),
		.token = get_token,
		.context = t->opts->progress,
		.bytes_per_second = (uint64_t)lf_json_int_or(t->opts->machine, "bandwidthMiBps", 0)
				    << 20,
	};

	return lf_pump_new(&opts, &t->pump, err);
}

/* Passes. */

/* One run of pages on its way, or on hold. */
static int give_run(struct transfer *t, const struct source_disk *d, uint64_t page, uint32_t pages,
		    const uint8_t *data, struct lf_error *err)
{
	const struct lf_held run = {(size_t)(d - t->disks), page, pages, data};

	return t->hold ? lf_hold_add(t->hold, &run, err)
		       : lf_pump_run(t->pump, page, pages, data, err);
}

/* The window's data may go; of a delta it is void if the session is resumed. */
static int end_delta_window(struct transfer *t, const struct source_disk *d, struct lf_error *err)
{
	return t->hold ? 0 : lf_pump_window_end(t->pump, d->pages + 1, err);
}

/* Send pages of the disk that stand at place at of the window, as chunks; zero pages are holes. */
static int send_run(struct transfer *t, const struct source_disk *d, uint64_t page, uint32_t at,
		    uint32_t pages, struct lf_error *err)
{
	const uint64_t *prints = t->window_prints + at;
	int rc = 0;

	for (uint32_t from = 0, n = 0; !rc && from < pages; from += n) {
		const uint8_t *data = t->window + (size_t)(at + from) * LF_PAGE_SIZE;
		for (n = 0; from + n < pages && !prints[from + n];)
			n++;
		if (n) {
			rc = give_run(t, d, page + from, n, NULL, err);
			continue;
		}
		n = (uint32_t)lf_chunk_border(prints + from, pages - from, true);
		rc = give_run(t, d, page + from, n, data, err);
	}
	return rc;
}

static void print_window(struct transfer *t, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		t->window_prints[i] =
			lf_page_print(t->hasher, t->window + (size_t)i * LF_PAGE_SIZE);
}

static int full_window(struct transfer *t, struct source_disk *d, uint64_t page, uint32_t pages,
		       struct lf_error *err)
{
	print_window(t, pages);
	int rc = send_run(t, d, page, 0, pages, err);
	for (uint32_t i = 0; !rc && i < pages; i++)
		if (t->window_prints[i])
			rc = lf_fingerprints_set(d->prints, page + i, t->window_prints[i], err);
	return rc;
}

static int full_pass(struct transfer *t, struct source_disk *d, struct lf_error *err)
{
	uint64_t page = d->resume, acknowledged = page;
	int rc = lf_pump_disk(t->pump, d->id, page, err);

	begin_reading(d, page);

	while (!rc && page < d->pages) {
		uint64_t next;
		rc = lf_disk_next_data(d->disk, page * LF_PAGE_SIZE, &next, err);
		if (rc)
			break;
		page = next / LF_PAGE_SIZE > page ? next / LF_PAGE_SIZE : page;
		uint32_t pages =
			(uint32_t)(d->pages - page < WINDOW_PAGES ? d->pages - page : WINDOW_PAGES);
		if (page < d->pages) {
			rc = lf_disk_read(d->disk, t->window, (size_t)pages * LF_PAGE_SIZE,
					  page * LF_PAGE_SIZE, err);
			t->read_bytes += (uint64_t)pages * LF_PAGE_SIZE;
			if (!rc)
				rc = full_window(t, d, page, pages, err);
			page += pages;
		}
		if (!rc)
			rc = lf_pump_window_end(t->pump, page, err);
		if (!rc && lf_pump_acknowledged(t->pump) > acknowledged) {
			acknowledged = lf_pump_acknowledged(t->pump);
			rc = lf_fingerprints_progress(d->prints, acknowledged, err);
		}
		d->processed = page * LF_PAGE_SIZE < d->size ? page * LF_PAGE_SIZE : d->size;
		tell(t, false);
		if (!rc)
			rc = check_stop(t, err);
	}
	if (!rc)
		rc = lf_pump_flush(t->pump, err);
	if (!rc)
		rc = lf_fingerprints_progress(d->prints, d->pages, err);
	lf_fingerprints_full_done(d->prints);
	d->known = !rc && d->watch;
	return rc;
}

/* Too many changes for a delta: the next session is a full pass. */
static int set_print(struct transfer *t, const struct source_disk *d, uint64_t page, uint64_t print,
		     struct lf_error *err)
{
	int rc = lf_fingerprints_set(d->prints, page, print, err);

	t->start_over = t->start_over || rc == LF_ENOSPACE;
	return rc;
}

/* The pages whose fingerprints differ, of those that stand at place at of the window, as runs. */
static int delta_window(struct transfer *t, struct source_disk *d, uint64_t page, uint32_t at,
			uint32_t pages, struct lf_error *err)
{
	const uint64_t *prints = t->window_prints + at;
	uint32_t start = UINT32_MAX;
	int rc = 0;

	for (uint32_t i = 0; !rc && i <= pages; i++) {
		bool changed = i < pages && prints[i] != lf_fingerprints_get(d->prints, page + i);
		if (changed) {
			start = start == UINT32_MAX ? i : start;
			t->round_pages++;
			rc = set_print(t, d, page + i, prints[i], err);
		} else if (start != UINT32_MAX) {
			rc = send_run(t, d, page + start, at + start, i - start, err);
			start = UINT32_MAX;
		}
	}
	return rc;
}

/* Pages that became a hole without our reading them, as runs. */
static int punch_holes(struct transfer *t, struct source_disk *d, uint64_t from, uint64_t to,
		       struct lf_error *err)
{
	uint32_t run = 0;
	int rc = 0;

	for (uint64_t page = from; !rc && page <= to; page++) {
		if (page < to && run < WINDOW_PAGES && lf_fingerprints_get(d->prints, page)) {
			rc = set_print(t, d, page, 0, err);
			run++;
			continue;
		}
		if (run) {
			rc = give_run(t, d, page - run, run, NULL, err);
			if (!rc)
				rc = end_delta_window(t, d, err);
			t->round_pages += run;
			run = 0;
			page--; /* not looked at itself */
		}
	}
	return rc;
}

static int check_hold(const struct transfer *t, struct lf_error *err)
{
	return t->hold && lf_hold_is_full(t->hold)
		       ? lf_fail(err, LF_ETIMEOUT, NULL,
				 "too much changed to hold it in memory under a freeze")
		       : 0;
}

/* All of the disk is read. */
static int whole_pass(struct transfer *t, struct source_disk *d, struct lf_error *err)
{
	uint64_t page = 0;
	int rc = 0;

	begin_reading(d, 0);
	while (!rc && page < d->pages) {
		uint64_t next;
		rc = check_hold(t, err);
		if (!rc)
			rc = lf_disk_next_data(d->disk, page * LF_PAGE_SIZE, &next, err);
		if (rc)
			break;
		next = (next + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
		next = next < d->pages ? next : d->pages;
		if (next > page)
			rc = punch_holes(t, d, page, next, err);
		page = next > page ? next : page;
		uint32_t pages =
			(uint32_t)(d->pages - page < WINDOW_PAGES ? d->pages - page : WINDOW_PAGES);
		if (!rc && pages)
			rc = lf_disk_read(d->disk, t->window, (size_t)pages * LF_PAGE_SIZE,
					  page * LF_PAGE_SIZE, err);
		print_window(t, pages);
		if (!rc)
			rc = delta_window(t, d, page, 0, pages, err);
		t->read_bytes += (uint64_t)pages * LF_PAGE_SIZE;
		page += pages;
		if (!rc)
			rc = end_delta_window(t, d, err);
		tell(t, false);
		if (!rc)
			rc = check_stop(t, err);
	}
	d->known = !rc && d->watch;
	return rc;
}

/* Some runs of pages that are to be read, as many as fit into the window; their number. */
static size_t gather_runs(const struct transfer *t, const struct source_disk *d, uint64_t page,
			  struct lf_disk_run *ret_runs, uint32_t *ret_pages)
{
	size_t n = 0, words = lf_watch_words(d->watch);

	*ret_pages = 0;
	while (n < LF_READS_MAX && *ret_pages < WINDOW_PAGES) {
		uint32_t pages = 0, room = WINDOW_PAGES - *ret_pages;
		page = lf_watch_bits_next(d->todo, words, page);
		if (page >= d->pages)
			break;
		while (pages < room &&
		       lf_watch_bits_next(d->todo, words, page + pages) == page + pages)
			pages++;
		ret_runs[n++] =
			(struct lf_disk_run){t->window + (size_t)*ret_pages * LF_PAGE_SIZE,
					     (size_t)pages * LF_PAGE_SIZE, page * LF_PAGE_SIZE};
		*ret_pages += pages;
		page += pages;
	}
	return n;
}

/* Compare what was read, which stands in the window run after run. */
static int compare_runs(struct transfer *t, struct source_disk *d, const struct lf_disk_run *runs,
			size_t n, struct lf_error *err)
{
	uint32_t at = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		uint64_t page = runs[i].offset / LF_PAGE_SIZE;
		uint32_t pages = (uint32_t)(runs[i].len / LF_PAGE_SIZE);
		rc = delta_window(t, d, page, at, pages, err);
		for (uint32_t done = 0; !rc && done < pages; done++)
			d->todo[(page + done) / 64] &= ~(UINT64_C(1) << (page + done) % 64);
		at += pages;
	}
	return rc;
}

/* Only what the watch has seen is read. */
static int marked_pass(struct transfer *t, struct source_disk *d, struct lf_error *err)
{
	struct lf_disk_run runs[LF_READS_MAX];
	uint32_t pages;
	size_t n;
	int rc = 0;

	lf_watch_more(d->watch, d->todo);
	for (uint64_t page = 0; !rc && (n = gather_runs(t, d, page, runs, &pages));) {
		page = (runs[n - 1].offset + runs[n - 1].len) / LF_PAGE_SIZE;
		rc = check_hold(t, err);
		if (!rc)
			rc = lf_disk_read_runs(d->disk, runs, n, err);
		if (rc)
			break;
		print_window(t, pages);
		rc = compare_runs(t, d, runs, n, err);
		t->read_bytes += (uint64_t)pages * LF_PAGE_SIZE;
		if (!rc)
			rc = end_delta_window(t, d, err);
		tell(t, false);
		if (!rc)
			rc = check_stop(t, err);
	}
	return rc;
}

static int delta_pass(struct transfer *t, struct source_disk *d, struct lf_error *err)
{
	int rc = t->hold ? 0 : lf_pump_disk(t->pump, d->id, d->pages + 1, err);

	if (rc)
		return rc;
	return d->known ? marked_pass(t, d, err) : whole_pass(t, d, err);
}

/* One round over all disks; how many pages it found changed is in t->round_pages. */
static int delta_round(struct transfer *t, struct lf_error *err)
{
	int rc = 0;

	t->round_pages = 0;
	for (size_t i = 0; !rc && i < t->n; i++)
		rc = delta_pass(t, &t->disks[i], err);
	return rc;
}

/* The consistent round. */

static int collect_mounts(const struct transfer *t, json_t **ret_mounts, struct lf_error *err)
{
	const char *paths[DISKS_MAX];

	for (size_t i = 0; i < t->n; i++)
		paths[i] = lf_json_text_or(t->disks[i].config, "path", "");
	return lf_mounts_of(paths, t->n, lf_json_at(t->opts->machine, "freeze"), ret_mounts, err);
}

/* Memory of the machine that a restart of the agent outlives and one of the machine does not, as
 * does a freeze. */
char *lf_transfer_freeze_note(const char *state_dir)
{
	LF_AUTO_FREE char *real = realpath(state_dir, NULL);
	char hash[LF_NAME_HASH_SIZE];

	lf_name_hash(real ? real : state_dir, hash);
	return access("/run", W_OK) == 0 ? lf_printf_dup("/run/landfall-frozen-%s", hash)
					 : lf_printf_dup("%s/frozen", state_dir);
}

static int run_script(const struct transfer *t, const char *which, struct lf_error *err)
{
	const char *script = lf_json_text(t->opts->machine, which);
	const char *const argv[] = {script, NULL};

	return script ? lf_process_run(argv, SCRIPT_LIMIT_NS, NULL, err) : 0;
}

/* Held runs on their way, as windows of some size. */
struct release {
	struct transfer *t;
	uint32_t pages;
};

static int send_held(void *context, const struct lf_held *run, struct lf_error *err)
{
	struct release *release = context;
	struct transfer *t = release->t;
	const struct source_disk *d = &t->disks[run->disk];
	int rc = lf_pump_disk(t->pump, d->id, d->pages + 1, err);

	if (!rc)
		rc = give_run(t, d, run->page, run->pages, run->data, err);
	release->pages += run->data ? run->pages : 0;
	if (rc || release->pages < WINDOW_PAGES)
		return rc;
	release->pages = 0;
	return end_delta_window(t, d, err);
}

static int release_hold(struct transfer *t, const struct lf_hold *hold, struct lf_error *err)
{
	struct release release = {t, 0};
	int rc = lf_hold_each(hold, send_held, &release, err);

	if (!rc)
		rc = lf_pump_flush(t->pump, err);
	/* a slow network is no slow freeze */
	if (rc == LF_ETIMEOUT)
		rc = err->code = LF_EUNREACHABLE;
	return rc;
}

static void log_unheld(const struct lf_freeze *freeze)
{
	size_t i;
	json_t *mount;

	json_array_foreach (lf_freeze_unheld(freeze), i, mount)
		lf_debug("%s has no freezing and goes on", json_string_value(mount));
}

/* Read what changed while the file systems stand still; nothing leaves the machine. */
static int read_frozen(struct transfer *t, const json_t *mounts, struct lf_hold *hold,
		       int64_t *ret_instant_ns, int64_t *ret_frozen_ns, struct lf_error *err)
{
	struct lf_freeze *freeze = NULL;
	struct lf_error thaw_err = LF_ERROR_NONE;
	int64_t limit = lf_json_int_or(t->opts->machine, "freezeLimitMs", FREEZE_LIMIT_MS);

	LF_AUTO_FREE char *note = lf_transfer_freeze_note(t->opts->state_dir);
	if (!note)
		return lf_fail_nomem(err);
	int rc = lf_freeze_begin(mounts, limit * LF_NS_PER_MS, note, &freeze, err);
	if (rc)
		return rc;
	log_unheld(freeze);
	*ret_instant_ns = lf_clock_monotonic_ns();
	t->hold = hold;
	rc = delta_round(t, err);
	t->hold = NULL;
	int thawed = lf_freeze_end(freeze, ret_frozen_ns, &thaw_err);
	if (!rc && thawed) {
		*err = thaw_err;
		rc = thawed;
	}
	return rc;
}

/* A round under a freeze; LF_ETIMEOUT: it took too long, what was read is of no single instant. */
static int frozen_round(struct transfer *t, const json_t *mounts, int64_t *ret_instant_ns,
			int64_t *ret_frozen_ns, struct lf_error *err)
{
	struct lf_hold *hold = NULL;
	struct lf_error send_err = LF_ERROR_NONE;
	int rc = lf_hold_new(&hold, err);

	if (!rc)
		rc = read_frozen(t, mounts, hold, ret_instant_ns, ret_frozen_ns, err);
	/* of one instant or not, the fingerprints say that it was sent */
	int sent = !rc || rc == LF_ETIMEOUT ? release_hold(t, hold, &send_err) : 0;
	if (sent) {
		*err = send_err;
		rc = sent;
	}
	lf_hold_free(hold);
	return rc;
}

/* Without a file system to freeze, a round that finds nothing changed has seen one instant. */
static int stable_round(struct transfer *t, int64_t *ret_instant_ns, struct lf_error *err)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		*ret_instant_ns = lf_clock_monotonic_ns();
		int rc = delta_round(t, err);
		if (rc || !t->round_pages)
			return rc;
	}
	lf_fail(err, LF_ECONFLICT, NULL,
		"the disk changes all the time and holds no mounted file system to freeze");
	return lf_error_hint(err, "name the mount points under 'freeze' in the configuration");
}

/* What programs have written goes to the disks now: under the freeze that would be waited for. */
static void flush_mounts(const json_t *mounts)
{
	size_t i;
	json_t *mount;

	json_array_foreach (mounts, i, mount) {
		LF_AUTO_FD fd = open(json_string_value(mount), O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && syncfs(fd))
			lf_debug("cannot flush %s", json_string_value(mount));
	}
}

/* Rounds that bring down what is left to read under the freeze. */
static int settle(struct transfer *t, const json_t *mounts, struct lf_error *err)
{
	size_t watched = 0;
	int rc = 0;

	for (size_t i = 0; i < t->n; i++)
		watched += t->disks[i].watch != NULL;
	uint64_t calm = watched == t->n ? CALM_PAGES : CALM_WHOLE_PAGES, last = UINT64_MAX;
	/* a delta that reads whole disks reads them once: under the freeze */
	for (int i = 0; !rc && (t->full || watched) && i < ROUNDS_MAX; i++) {
		flush_mounts(mounts);
		rc = delta_round(t, err);
		if (t->round_pages < calm || t->round_pages > last / 2)
			break;
		last = t->round_pages;
	}
	return rc;
}

static int consistent_round(struct transfer *t, bool app, int64_t *ret_instant_ns,
			    int64_t *ret_frozen_ns, struct lf_error *err)
{
	LF_AUTO_JSON *mounts = NULL;
	struct lf_error ignored;
	int rc = collect_mounts(t, &mounts, err);

	if (!rc)
		rc = settle(t, mounts, err);
	if (rc)
		return rc;
	if (!json_array_size(mounts) && !app)
		return stable_round(t, ret_instant_ns, err);
	for (int attempt = 0;; attempt++) {
		rc = app ? run_script(t, "preScript", err) : 0;
		if (!rc)
			rc = frozen_round(t, mounts, ret_instant_ns, ret_frozen_ns, err);
		if (rc == LF_EUNSUPPORTED && !app) /* nothing of it can be held still */
			return stable_round(t, ret_instant_ns, err);
		/* whatever happened, the application goes on */
		if (app && run_script(t, "postScript", &ignored))
			lf_log_error("post script", &ignored);
		if (rc != LF_ETIMEOUT || attempt == 2)
			break;
		/* another unfrozen round leaves less to read under the next freeze */
		rc = delta_round(t, err);
		if (rc)
			return rc;
	}
	if (rc == LF_ETIMEOUT)
		lf_error_hint(
			err, "raise freezeLimitMs in the configuration, or protect a quieter disk");
	return rc;
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
		"bytesSent", (json_int_t)lf_pump_sent(t->pump));

	if (!path || !request)
		return lf_fail_nomem(err);
	int rc = lf_pump_flush(t->pump, err);
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
		(unsigned long long)lf_pump_sent(t->pump) >> 10,
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
		rc = open_pump(t, err);
	tell(t, true);
	for (size_t i = 0; !rc && t->full && i < t->n; i++)
		rc = full_pass(t, &t->disks[i], err);
	if (!rc)
		rc = consistent_round(t, app, &instant_ns, &frozen_ns, err);
	if (!rc)
		rc = commit_session(t, app, instant_ns, frozen_ns, err);
	tell(t, true);
	return rc;
}

int lf_transfer_run(const struct lf_transfer_opts *opts, struct lf_error *err)
{
	struct transfer t = {.opts = opts,
			     .item = lf_json_text_or(opts->assignment, "itemId", ""),
			     .begun_ns = lf_clock_monotonic_ns()};

	t.window = aligned_alloc(LF_DISK_ALIGN, (size_t)WINDOW_PAGES * LF_PAGE_SIZE);
	int rc = t.window ? run(&t, err) : lf_fail_nomem(err);
	lf_pump_free(t.pump);
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
	free(t.window);
	lf_chunk_hasher_free(t.hasher);
	lf_domain_key_done(&t.key);
	return rc;
}
