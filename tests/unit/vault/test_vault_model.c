/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sequences of operations against arrays in memory.  LF_MODEL_STEPS
 * (default 20000), LF_MODEL_SECONDS (instead of steps) and LF_MODEL_SEED change
 * the run; the seed is printed.
 */
#include <fcntl.h>
#include <time.h>

#include "vault_fixture.h"

#include "base/clock.h"
#include "vault/care/care.h"
#include "vault/flow/ingest.h"
#include "vault/lease.h"

#define PAGES  1500u /* three leaves: an inner root */
#define POINTS 6u
#define PAGE   LF_PAGE_SIZE

/* A disk's pages by the seed of their content; 0: a hole. */
struct model {
	uint32_t pages[PAGES];
};

struct saved {
	bool used;
	char id[LF_GUID_SIZE];
	struct lf_root root;
	struct model model;
	int64_t lock_until; /* of a claim besides retention; 0: there is none */
};

/* A file that is ingested now and then, as it was the last time. */
struct image {
	char path[256], prints[256];
	struct model model; /* of the file now */
	uint32_t pages;	    /* it has now */
	struct lf_root root;
	struct model ingested;
	bool known; /* root is in the point id */
	char id[LF_GUID_SIZE];
	uint64_t changed[PAGES]; /* since then, sorted */
	bool is_changed[PAGES];
};

struct run {
	struct fixture *fixture;
	uint64_t random;
	struct model now;
	struct lf_root root; /* of the last commit */
	struct model committed;
	struct lf_map_edit *edit;
	struct saved points[POINTS];
	uint32_t content;
	char session[LF_GUID_SIZE]; /* "": none */
	int64_t now_ns;
	struct image image;
};

static uint32_t pick(struct run *run, uint32_t below)
{
	return (uint32_t)(next_random(&run->random) % below);
}

static void fill_page(uint8_t *page, uint32_t seed)
{
	if (!seed) {
		memset(page, 0, PAGE);
		return;
	}
	fill_noise(page, PAGE / 2, seed);
	memset(page + PAGE / 2, (int)(seed & 0xff), PAGE / 2); /* compresses */
}

static struct lf_map_edit *edit_of(struct run *run)
{
	struct lf_error err;

	if (!run->edit) {
		assert_lf_ok(lf_map_edit_begin(run->fixture->vault, &run->root, &run->edit, &err));
		run->now = run->committed;
	}
	return run->edit;
}

static void step_put(struct run *run)
{
	uint32_t pages = 1 + pick(run, pick(run, 4) ? 8 : LF_CHUNK_PAGES_MAX);
	uint32_t skip = pick(run, pages), at = pick(run, PAGES - pages);
	uint8_t *data = malloc((size_t)pages * PAGE);
	/* now and then content that has been before */
	uint32_t seed = pick(run, 4) ? (run->content += 64) : 64 + 64 * pick(run, 40);
	struct lf_extent extent = {.page = at, .pages = pages - skip, .chunk_page = skip};
	struct lf_error err;

	for (uint32_t i = 0; i < pages; i++)
		fill_page(data + (size_t)i * PAGE, seed + i);
	struct lf_map_edit *edit = edit_of(run);
	assert_lf_ok(
		lf_vault_put(run->fixture->vault, data, (size_t)pages * PAGE, &extent.chunk, &err));
	assert_lf_ok(lf_map_edit_put(edit, &extent, &err));
	for (uint32_t i = skip; i < pages; i++)
		run->now.pages[at + i - skip] = seed + i;
	free(data);
}

static void step_hole(struct run *run)
{
	uint32_t pages = 1 + pick(run, pick(run, 3) ? 20 : PAGES - 1);
	struct lf_extent extent = {
		.page = pick(run, PAGES - pages + 1), .pages = pages, .hole = true};
	struct lf_error err;

	assert_lf_ok(lf_map_edit_put(edit_of(run), &extent, &err));
	memset(&run->now.pages[extent.page], 0, pages * sizeof(uint32_t));
}

static void step_truncate(struct run *run)
{
	uint32_t page = pick(run, PAGES);
	struct lf_error err;

	assert_lf_ok(lf_map_edit_truncate(edit_of(run), page, &err));
	memset(&run->now.pages[page], 0, (PAGES - page) * sizeof(uint32_t));
}

static void step_commit(struct run *run)
{
	struct lf_error err;

	assert_lf_ok(lf_map_edit_commit(edit_of(run), &run->root, &err));
	run->committed = run->now;
	lf_map_edit_free(run->edit);
	run->edit = NULL;
}

static void make_point(struct run *run, struct saved *point)
{
	*point = (struct saved){.used = true, .root = run->root, .model = run->committed};
	lf_guid_random(point->id);
	put_point(run->fixture->vault, point->id, &run->root, (uint64_t)PAGES * PAGE);
}

static void step_point(struct run *run)
{
	struct saved *point = &run->points[pick(run, POINTS)];
	struct lf_error err;

	if (point->used) {
		assert_lf_ok(lf_claim_drop(run->fixture->vault, point->id, "retention", &err));
		point->used = false;
		return;
	}
	make_point(run, point);
}

static void check_range(struct run *run, const struct lf_root *root, const struct model *model)
{
	uint32_t pages = 1 + pick(run, 100), at = pick(run, PAGES - pages);
	uint32_t cut = pick(run, PAGE);
	size_t len = (size_t)pages * PAGE - cut - pick(run, PAGE - cut);
	uint8_t *data = malloc((size_t)pages * PAGE), page[PAGE];
	struct lf_error err;

	assert_lf_ok(
		lf_map_read(run->fixture->vault, root, data, len, (uint64_t)at * PAGE + cut, &err));
	for (size_t done = 0; done < len;) {
		size_t inside = (cut + done) % PAGE, n = PAGE - inside;
		n = n < len - done ? n : len - done;
		fill_page(page, model->pages[at + (cut + done) / PAGE]);
		assert_memory_equal(data + done, page + inside, n);
		done += n;
	}
	free(data);
}

/* Its points and edits go on from another's: a clone is a root. */
static void step_clone(struct run *run)
{
	const struct saved *point = &run->points[pick(run, POINTS)];

	if (!point->used || run->edit)
		return;
	run->root = point->root;
	run->committed = point->model;
}

static void collect_now(struct run *run)
{
	struct lf_collect_opts opts = {.now_ns = ++run->now_ns, .compact = !pick(run, 3)};
	LF_AUTO_JSON *report = NULL;
	struct lf_error err;

	assert_lf_ok(lf_vault_collect(run->fixture->vault, &opts, &report, &err));
}

/* The last commit may be in no point: it is kept by one made for it, and not by this one. */
static void keep_commit(struct run *run, const struct saved *not_by)
{
	struct saved *place = &run->points[&run->points[0] == not_by];
	struct lf_error err;

	if (run->edit)
		step_commit(run);
	for (unsigned i = 0; i < POINTS; i++) {
		const struct saved *point = &run->points[i];
		if (point->used && point != not_by && lf_root_equal(&point->root, &run->root))
			return;
	}
	if (place->used)
		assert_lf_ok(lf_claim_drop(run->fixture->vault, place->id, "retention", &err));
	make_point(run, place);
}

/* Its retention is dropped: does the lock decide? */
static void collect_point(struct run *run, struct saved *point)
{
	LF_AUTO_JSON *manifest = NULL;
	struct lf_error err;
	bool locked = point->lock_until > run->now_ns + 1;

	keep_commit(run, point);
	collect_now(run);
	int rc = lf_point_get(run->fixture->vault, point->id, &manifest, &err);
	assert_int_equal(rc, locked ? 0 : LF_ENOTFOUND);
	if (locked) {
		check_range(run, &point->root, &point->model);
		assert_lf_ok(lf_claim_put(run->fixture->vault, point->id, "retention",
					  LF_CLAIM_FOREVER, &err));
	} else {
		point->used = false;
		point->lock_until = 0;
	}
}

/* A lock keeps a point whose retention is gone, until it is past. */
static void step_claim(struct run *run)
{
	struct saved *point = &run->points[pick(run, POINTS)];
	struct lf_error err;

	if (!point->used)
		return;
	if (point->lock_until) { /* let go: a collection takes it when the lock is past */
		assert_lf_ok(lf_claim_drop(run->fixture->vault, point->id, "retention", &err));
		int64_t then = point->lock_until - 1 - pick(run, 2);
		run->now_ns = then > run->now_ns ? then : run->now_ns;
		collect_point(run, point);
		return;
	}
	point->lock_until = run->now_ns + 2 + pick(run, 50);
	assert_lf_ok(lf_claim_put(run->fixture->vault, point->id, "lock", point->lock_until, &err));
}

/* While a session lives, what it was told is present stays so. */
static void step_session(struct run *run)
{
	struct lf_vault *vault = run->fixture->vault;
	struct lf_error err;

	if (run->session[0]) {
		assert_lf_ok(lf_lease_end(vault, run->session, &err));
		run->session[0] = '\0';
		return;
	}
	lf_guid_random(run->session);
	assert_lf_ok(lf_lease_begin(vault, run->session, &err));
}

/* The file. */

static void change_image_page(struct run *run, uint32_t page, uint32_t seed)
{
	run->image.model.pages[page] = seed;
	run->image.is_changed[page] = true;
}

static void write_image(struct run *run)
{
	struct image *image = &run->image;
	uint8_t page[PAGE];
	int fd = open(image->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (uint32_t i = 0; i < PAGES; i++) {
		if (!image->is_changed[i] || i >= image->pages)
			continue;
		fill_page(page, image->model.pages[i]);
		assert_int_equal(pwrite(fd, page, PAGE, (off_t)i * PAGE), PAGE);
	}
	assert_int_equal(ftruncate(fd, (off_t)image->pages * PAGE), 0);
	close(fd);
}

static void change_image(struct run *run)
{
	struct image *image = &run->image;
	uint32_t changes = 1 + pick(run, 30);

	if (pick(run, 8) == 0) { /* another size; what is new reads as zeroes */
		uint32_t pages = 1 + pick(run, PAGES);
		for (uint32_t i = pages; i < image->pages; i++)
			change_image_page(run, i, 0);
		for (uint32_t i = image->pages; i < pages; i++)
			change_image_page(run, i, 0);
		image->pages = pages;
	}
	for (uint32_t i = 0; i < changes; i++) {
		uint32_t page = pick(run, image->pages), run_pages = 1 + pick(run, 6);
		for (uint32_t j = page; j < image->pages && j < page + run_pages; j++)
			change_image_page(run, j,
					  pick(run, 5) ? (run->content += 64) : 64 * pick(run, 9));
	}
	write_image(run);
}

/* A point keeps what is the base of the next one. */
static void keep_image(struct run *run, const struct lf_root *root)
{
	struct image *image = &run->image;
	struct lf_vault *vault = run->fixture->vault;
	char old[LF_GUID_SIZE];
	struct lf_error err;

	memcpy(old, image->id, sizeof(old));
	lf_guid_random(image->id);
	put_point(vault, image->id, root, (uint64_t)image->pages * PAGE);
	if (image->known)
		assert_lf_ok(lf_claim_drop(vault, old, "retention", &err));
	image->root = *root;
	image->ingested = image->model;
	image->known = true;
	memset(image->is_changed, 0, sizeof(image->is_changed));
}

static void step_ingest(struct run *run)
{
	struct image *image = &run->image;
	struct lf_ingest_result result;
	struct lf_ingest_opts opts = {.path = image->path, .threads = 1 + pick(run, 2)};
	struct lf_error err;

	change_image(run);
	if (image->known && pick(run, 4))
		opts.base = &image->root;
	if (pick(run, 4))
		opts.prints = image->prints;
	if (opts.base && pick(run, 2)) {
		opts.changed = image->changed;
		for (uint32_t i = 0; i < PAGES; i++)
			if (image->is_changed[i])
				image->changed[opts.changed_count++] = i;
	}
	assert_lf_ok(lf_ingest(run->fixture->vault, &opts, &result, &err));
	keep_image(run, &result.root);
}

static void step_read_image(struct run *run)
{
	if (run->image.known)
		check_range(run, &run->image.root, &run->image.ingested);
}

static void step_read(struct run *run)
{
	const struct saved *point = &run->points[pick(run, POINTS)];

	check_range(run, &run->root, &run->committed);
	if (point->used)
		check_range(run, &point->root, &point->model);
}

static int note_diff(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	bool *differs = context;

	(void)err;
	for (uint64_t i = 0; i < extent->pages && extent->page + i < PAGES; i++)
		differs[extent->page + i] = true;
	return 0;
}

static void step_diff(struct run *run)
{
	const struct saved *point = &run->points[pick(run, POINTS)];
	bool differs[PAGES] = {false};
	struct lf_error err;

	if (!point->used)
		return;
	assert_lf_ok(lf_map_diff(run->fixture->vault, &point->root, &run->root, note_diff, differs,
				 &err));
	for (uint32_t i = 0; i < PAGES; i++)
		if (point->model.pages[i] != run->committed.pages[i])
			assert_true(differs[i]);
	assert_true(!lf_root_equal(&point->root, &run->root) ||
		    memcmp(&point->model, &run->committed, sizeof(struct model)) == 0);
}

static void step_collect(struct run *run)
{
	keep_commit(run, NULL);
	collect_now(run);
}

static void step_reopen(struct run *run)
{
	if (run->edit)
		step_commit(run);
	fixture_reopen(run->fixture);
}

static void step_verify(struct run *run)
{
	assert_whole(run->fixture->vault);
}

static const struct {
	void (*step)(struct run *run);
	unsigned weight;
} steps[] = {
	{step_put, 600},   {step_hole, 60},  {step_truncate, 4},    {step_commit, 30},
	{step_point, 20},  {step_read, 200}, {step_diff, 40},	    {step_collect, 4},
	{step_reopen, 2},  {step_verify, 1}, {step_clone, 3},	    {step_claim, 4},
	{step_session, 3}, {step_ingest, 8}, {step_read_image, 40},
};

static uint64_t number_from(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);
	uint64_t number = fallback;
	struct lf_error err;

	if (text)
		assert_lf_ok(lf_parse_u64(text, 1, UINT64_MAX, &number, &err));
	return number;
}

static void run_steps(struct run *run, uint64_t count, uint64_t seconds)
{
	int64_t end_ns = lf_clock_monotonic_ns() + (int64_t)seconds * LF_NS_PER_S;
	uint64_t total = 0, taken = 0;

	for (size_t i = 0; i < LF_N(steps); i++)
		total += steps[i].weight;
	while (seconds ? lf_clock_monotonic_ns() < end_ns : taken < count) {
		uint32_t at = pick(run, (uint32_t)total);
		size_t i = 0;
		while (at >= steps[i].weight)
			at -= steps[i++].weight;
		steps[i].step(run);
		taken++;
	}
	print_message("%llu steps\n", (unsigned long long)taken);
}

static void test_vault__behaves_like_arrays_of_pages(void **state)
{
	struct run *run = calloc(1, sizeof(*run));
	struct fixture *fixture = *state;

	run->fixture = fixture;
	run->random = number_from("LF_MODEL_SEED", (uint64_t)time(NULL) * 2654435761u + 1);
	run->content = 1u << 20;
	run->now_ns = 1;
	run->image.pages = PAGES;
	snprintf(run->image.path, sizeof(run->image.path), "%s/image", fixture->dir);
	snprintf(run->image.prints, sizeof(run->image.prints), "%s/prints", fixture->dir);
	print_message("LF_MODEL_SEED=%llu\n", (unsigned long long)run->random);
	run_steps(run, number_from("LF_MODEL_STEPS", 20000), number_from("LF_MODEL_SECONDS", 0));
	if (run->edit)
		step_commit(run);
	fixture_reopen(fixture);
	step_verify(run);
	for (unsigned i = 0; i < 50; i++)
		step_read(run);
	lf_map_edit_free(run->edit);
	free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vault__behaves_like_arrays_of_pages,
						fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
