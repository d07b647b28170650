/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes over a disk.  A full pass sends all that is not zero, and sets prints
 * in place; a delta compares pages with their prints and sends those that
 * differ: all pages, or those that the watch has seen written.  Under a freeze
 * what differs is held in memory.
 */
#include "agent/session.h"

#include "os/reads.h"

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

/* One run of pages on its way, or on hold. */
int lf_pass_give(struct transfer *t, const struct source_disk *d, uint64_t page, uint32_t pages,
		 uint8_t *data, struct lf_error *err)
{
	const struct lf_held run = {(size_t)(d - t->disks), page, pages, data};

	return t->hold ? lf_hold_add(t->hold, &run, err)
		       : lf_outflow_run(t->outflow, page, pages, data, err);
}

/* The window's data may go; of a delta it is void if the session is resumed. */
int lf_pass_window_end(struct transfer *t, const struct source_disk *d, struct lf_error *err)
{
	return t->hold ? 0 : lf_outflow_window_end(t->outflow, d->pages + 1, err);
}

/* Send the pages [page, page + pages) of the disk, which stand at place at of the window; chunk by
 * chunk, and zero pages as holes. */
static int send_run(struct transfer *t, const struct source_disk *d, uint64_t page, uint32_t at,
		    uint32_t pages, struct lf_error *err)
{
	const uint64_t *prints = t->window_prints + at;
	int rc = 0;

	for (uint32_t from = 0, n = 0; !rc && from < pages; from += n) {
		uint8_t *data = t->window + (size_t)(at + from) * LF_PAGE_SIZE;
		bool hole;
		n = (uint32_t)lf_chunk_cut(prints + from, pages - from, true, &hole);
		rc = lf_pass_give(t, d, page + from, n, hole ? NULL : data, err);
	}
	return rc;
}

static void print_window(struct transfer *t, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		t->window_prints[i] =
			lf_page_print(t->hasher, t->window + (size_t)i * LF_PAGE_SIZE);
}

/* Fill the outflow's next window with the disk's pages from page on; *ret_pages: how many. */
static int read_window(struct transfer *t, const struct source_disk *d, uint64_t page,
		       uint32_t *ret_pages, struct lf_error *err)
{
	uint64_t left = d->pages - page;
	uint32_t pages = left < LF_WINDOW_PAGES ? (uint32_t)left : LF_WINDOW_PAGES;
	int rc = lf_outflow_window(t->outflow, &t->window, err);

	if (!rc && pages)
		rc = lf_disk_read(d->disk, t->window, (size_t)pages * LF_PAGE_SIZE,
				  page * LF_PAGE_SIZE, err);
	if (rc)
		return rc;
	print_window(t, pages);
	t->read_bytes += (uint64_t)pages * LF_PAGE_SIZE;
	*ret_pages = pages;
	return 0;
}

static int full_window(struct transfer *t, struct source_disk *d, uint64_t page, uint32_t pages,
		       struct lf_error *err)
{
	int rc = send_run(t, d, page, 0, pages, err);

	return rc ? rc : lf_fingerprints_set(d->prints, page, pages, t->window_prints, err);
}

/* The first page from this one on that has data; the disk's pages: none. */
static int next_data_page(const struct source_disk *d, uint64_t page, uint64_t *ret_page,
			  struct lf_error *err)
{
	uint64_t from = 0, to = 0;
	int rc = lf_disk_next_data(d->disk, page * LF_PAGE_SIZE, &from, &to, err);

	if (rc)
		return rc;
	uint64_t next = from < d->disk->size_bytes ? from / LF_PAGE_SIZE : d->pages;
	*ret_page = next > page ? next : page;
	return 0;
}

/* What the site has acknowledged since *acknowledged is durable here, too. */
static int note_acknowledged(const struct transfer *t, const struct source_disk *d,
			     uint64_t *acknowledged, struct lf_error *err)
{
	uint64_t now = lf_outflow_acknowledged(t->outflow);

	if (now <= *acknowledged)
		return 0;
	*acknowledged = now;
	return lf_fingerprints_progress(d->prints, now, err);
}

int lf_pass_full(struct transfer *t, struct source_disk *d, struct lf_error *err)
{
	uint64_t page = d->resume, acknowledged = page;
	int rc = lf_outflow_disk(t->outflow, d->id, page, err);

	if (rc)
		return rc;
	begin_reading(d, page);

	while (!rc && page < d->pages) {
		uint64_t next;
		rc = next_data_page(d, page, &next, err);
		if (rc)
			break;
		page = next;
		uint32_t pages = 0;
		if (page < d->pages)
			rc = read_window(t, d, page, &pages, err);
		if (!rc)
			rc = full_window(t, d, page, pages, err);
		page += pages;
		if (!rc)
			rc = lf_outflow_window_end(t->outflow, page, err);
		if (!rc)
			rc = note_acknowledged(t, d, &acknowledged, err);
		d->processed = page * LF_PAGE_SIZE < d->size ? page * LF_PAGE_SIZE : d->size;
		lf_transfer_tell(t, false);
		if (!rc)
			rc = lf_transfer_check_stop(t, err);
	}
	if (!rc)
		rc = lf_outflow_flush(t->outflow, err);
	struct lf_error own = LF_ERROR_NONE;
	/* of a pass that ends early, too: it goes on there */
	int noted = rc ? note_acknowledged(t, d, &acknowledged, &own)
		       : lf_fingerprints_progress(d->prints, d->pages, &own);
	if (!rc && noted) {
		*err = own;
		rc = noted;
	}
	lf_fingerprints_full_done(d->prints);
	d->known = !rc && d->watch;
	return rc;
}

/* Too many changes for a delta: the next session is a full pass. */
static int set_prints(struct transfer *t, const struct source_disk *d, uint64_t page,
		      uint32_t pages, const uint64_t *values, struct lf_error *err)
{
	int rc = lf_fingerprints_set(d->prints, page, pages, values, err);

	t->start_over = t->start_over || rc == LF_ENOSPACE;
	return rc;
}

/* The pages whose fingerprints differ, of those that stand at place at of the window, as runs. */
static int delta_window(struct transfer *t, struct source_disk *d, uint64_t page, uint32_t at,
			uint32_t pages, struct lf_error *err)
{
	const uint64_t *prints = t->window_prints + at, *known = t->known_prints;
	int rc = lf_fingerprints_get(d->prints, page, pages, t->known_prints, err);

	for (uint32_t from = 0, n = 0; !rc && from < pages; from += n ? n : 1) {
		for (n = 0; from + n < pages && prints[from + n] != known[from + n];)
			n++;
		if (!n)
			continue;
		t->round_pages += n;
		rc = set_prints(t, d, page + from, n, prints + from, err);
		if (!rc)
			rc = send_run(t, d, page + from, at + from, n, err);
	}
	return rc;
}

/* Of at most a window's pages, those that became a hole without our reading them, as runs. */
static int punch_window(struct transfer *t, struct source_disk *d, uint64_t page, uint32_t pages,
			struct lf_error *err)
{
	static const uint64_t zeroes[LF_WINDOW_PAGES];
	const uint64_t *known = t->known_prints;
	int rc = lf_fingerprints_get(d->prints, page, pages, t->known_prints, err);
	bool any = false;

	for (uint32_t from = 0, n = 0; !rc && from < pages; from += n ? n : 1) {
		for (n = 0; from + n < pages && known[from + n];)
			n++;
		if (!n)
			continue;
		any = true;
		t->round_pages += n;
		rc = set_prints(t, d, page + from, n, zeroes, err);
		if (!rc)
			rc = lf_pass_give(t, d, page + from, n, NULL, err);
	}
	return rc || !any ? rc : lf_pass_window_end(t, d, err);
}

static int punch_holes(struct transfer *t, struct source_disk *d, uint64_t from, uint64_t to,
		       struct lf_error *err)
{
	int rc = 0;

	for (uint64_t page = from; !rc && page < to; page += LF_WINDOW_PAGES) {
		uint64_t left = to - page;
		rc = punch_window(t, d, page,
				  left < LF_WINDOW_PAGES ? (uint32_t)left : LF_WINDOW_PAGES, err);
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
			rc = next_data_page(d, page, &next, err);
		if (rc)
			break;
		if (next > page)
			rc = punch_holes(t, d, page, next, err);
		page = next;
		uint32_t pages = 0;
		if (!rc)
			rc = read_window(t, d, page, &pages, err);
		if (!rc)
			rc = delta_window(t, d, page, 0, pages, err);
		page += pages;
		if (!rc)
			rc = lf_pass_window_end(t, d, err);
		lf_transfer_tell(t, false);
		if (!rc)
			rc = lf_transfer_check_stop(t, err);
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
	while (n < LF_READS_MAX && *ret_pages < LF_WINDOW_PAGES) {
		uint32_t pages = 0, room = LF_WINDOW_PAGES - *ret_pages;
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
	for (uint64_t page = 0;;) {
		if (!rc)
			rc = lf_outflow_window(t->outflow, &t->window, err);
		n = rc ? 0 : gather_runs(t, d, page, runs, &pages);
		if (!n)
			break;
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
			rc = lf_pass_window_end(t, d, err);
		lf_transfer_tell(t, false);
		if (!rc)
			rc = lf_transfer_check_stop(t, err);
	}
	return rc;
}

static int delta_pass(struct transfer *t, struct source_disk *d, struct lf_error *err)
{
	int rc = t->hold ? 0 : lf_outflow_disk(t->outflow, d->id, d->pages + 1, err);

	if (rc)
		return rc;
	return d->known ? marked_pass(t, d, err) : whole_pass(t, d, err);
}

/* One round over all disks; how many pages it found changed is in t->round_pages. */
int lf_pass_round(struct transfer *t, struct lf_error *err)
{
	int rc = 0;

	t->round_pages = 0;
	for (size_t i = 0; !rc && i < t->n; i++)
		rc = delta_pass(t, &t->disks[i], err);
	return rc;
}
