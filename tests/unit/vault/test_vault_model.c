/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sequences of operations against arrays in memory.  LF_MODEL_STEPS
 * (default 20000) and LF_MODEL_SEED change the run; the seed is printed.
 */
#include <time.h>

#include "vault_fixture.h"

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
	char session[LF_GUID_SIZE];
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

static void step_point(struct run *run)
{
	struct saved *point = &run->points[pick(run, POINTS)];
	struct lf_error err;

	if (point->used) {
		assert_lf_ok(lf_claim_drop(run->fixture->vault, point->id, "retention", &err));
		point->used = false;
		return;
	}
	lf_guid_random(point->id);
	point->root = run->root;
	point->model = run->committed;
	point->used = true;
	put_point(run->fixture->vault, point->id, &run->root, (uint64_t)PAGES * PAGE);
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

/* The last commit is in no point: it is kept only by a point made for it. */
static void step_collect(struct run *run)
{
	if (run->edit)
		step_commit(run);
	for (unsigned i = 0; i < POINTS; i++) {
		struct saved *point = &run->points[i];
		if (point->used && lf_root_equal(&point->root, &run->root)) {
			collect(run->fixture->vault, "bytes");
			return;
		}
	}
	struct lf_error err;
	if (run->points[0].used)
		assert_lf_ok(
			lf_claim_drop(run->fixture->vault, run->points[0].id, "retention", &err));
	run->points[0] = (struct saved){true, "", run->root, run->committed};
	lf_guid_random(run->points[0].id);
	put_point(run->fixture->vault, run->points[0].id, &run->root, (uint64_t)PAGES * PAGE);
	collect(run->fixture->vault, "bytes");
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
	{step_put, 600},  {step_hole, 60}, {step_truncate, 4}, {step_commit, 30}, {step_point, 20},
	{step_read, 200}, {step_diff, 40}, {step_collect, 4},  {step_reopen, 2},  {step_verify, 1},
};

static void test_vault__behaves_like_arrays_of_pages(void **state)
{
	const char *seed = getenv("LF_MODEL_SEED"), *count = getenv("LF_MODEL_STEPS");
	struct run *run = calloc(1, sizeof(*run));
	uint64_t steps_left = 20000, total = 0;
	struct lf_error err;

	run->fixture = *state;
	run->random = (uint64_t)time(NULL) * 2654435761u + 1;
	if (seed)
		assert_lf_ok(lf_parse_u64(seed, 1, UINT64_MAX, &run->random, &err));
	if (count)
		assert_lf_ok(lf_parse_u64(count, 1, UINT64_MAX, &steps_left, &err));
	print_message("LF_MODEL_SEED=%llu\n", (unsigned long long)run->random);
	run->content = 1u << 20;
	for (size_t i = 0; i < LF_N(steps); i++)
		total += steps[i].weight;
	while (steps_left-- > 0) {
		uint32_t at = pick(run, (uint32_t)total);
		size_t i = 0;
		while (at >= steps[i].weight)
			at -= steps[i++].weight;
		steps[i].step(run);
	}
	if (run->edit)
		step_commit(run);
	fixture_reopen(run->fixture);
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
