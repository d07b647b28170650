/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/health.h"
#include "catalog/jobrows.h"
#include "job/engine.h"

/* A world of counters that the steps below change. */
struct world {
	char *dir;
	struct lf_clock *clock;
	struct lf_catalog *catalog;
	struct lf_jobs *jobs;
	int first, second, undone, ended, fail_code, fail_times, again, lost_commits, suspends;
	bool cancels; /* somebody cancels the job while its second step runs */
};

static struct world *world_of(struct lf_job_run *run)
{
	return lf_job_run_context(run);
}

static int run_first(struct lf_job_run *run, struct lf_error *err)
{
	world_of(run)->first++;
	return lf_json_set_text(lf_job_run_data(run), "first", "done") ? lf_fail_nomem(err) : 0;
}

/* Store the step's end with what it changed, and lose both. */
static int lose_commit(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;

	assert_int_equal(lf_transaction_begin(&tx, world_of(run)->catalog, err), 0);
	assert_int_equal(lf_job_step_commit(run, err), 0);
	return lf_fail(err, LF_EIO, "catalog", "the commit fails");
}

static int run_second(struct lf_job_run *run, struct lf_error *err)
{
	struct world *w = world_of(run);

	w->second++;
	if (w->lost_commits-- > 0)
		return lose_commit(run, err);
	if (w->fail_times-- > 0)
		return lf_fail(err, w->fail_code, "thing", "the second step fails");
	if (w->again-- > 0)
		return LF_STEP_AGAIN;
	if (w->cancels)
		assert_int_equal(lf_jobs_cancel(w->jobs, lf_job_run_job(run)->id, err), 0);
	if (w->suspends-- > 0)
		return LF_STEP_SUSPEND;
	assert_string_equal(lf_json_text(lf_job_run_data(run), "first"), "done");
	return LF_STEP_DONE;
}

static int undo_first(struct lf_job_run *run, struct lf_error *err)
{
	(void)err;
	world_of(run)->undone++;
	return 0;
}

static int count_end(struct lf_job_run *run, enum lf_job_state state, struct lf_error *err)
{
	(void)state, (void)err;
	world_of(run)->ended++;
	return 0;
}

static const struct lf_job_step steps[] = {
	{"First", "First thing", run_first, undo_first},
	{"Second", "Second thing", run_second, NULL},
};
static const struct lf_job_type two_steps = {
	"test.two", steps, LF_N(steps), .cancellable = true, .attempts_max = 3, .ended = count_end};
static const struct lf_job_type *const types[] = {&two_steps};

static void open_engine(struct world *w)
{
	struct lf_error err = LF_ERROR_NONE;

	assert_lf_ok(lf_jobs_open(w->catalog, w->clock, types, LF_N(types), w, &w->jobs, &err));
}

static int setup(void **state)
{
	struct lf_error err = LF_ERROR_NONE;
	struct world *w = calloc(1, sizeof(*w));
	void *dir = NULL;

	if (!w || test_dir_setup(&dir))
		return -1;
	w->dir = dir;
	w->clock = lf_clock_new_manual(LF_NS_PER_S);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/db", w->dir);
	assert_lf_ok(lf_catalog_open(path, w->clock, &w->catalog, &err));
	open_engine(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *dir = w->dir;

	lf_jobs_free(w->jobs);
	lf_catalog_free(w->catalog);
	lf_clock_free(w->clock);
	free(w);
	return test_dir_teardown(&dir);
}

static int submit(struct world *w, const char *id, char out[static LF_GUID_SIZE],
		  struct lf_error *err)
{
	const struct lf_job_request request = {
		.id = id, .type = "test.two", .scope = "/vault", .resource = "/vault/item"};

	return lf_jobs_submit(w->jobs, &request, out, err);
}

static enum lf_job_state state_of(struct world *w, const char *id, struct lf_error *why)
{
	LF_AUTO_JOB job = LF_JOB_INIT;
	struct lf_error err = LF_ERROR_NONE;

	assert_lf_ok(lf_jobs_get(w->jobs, id, &job, &err));
	*why = job.error;
	return job.state;
}

/* Run the job's steps here, as a worker would, until there is nothing to do now. */
static void drive(struct world *w, const char *id)
{
	struct lf_error err = LF_ERROR_NONE;
	bool finished = false;

	for (int i = 0; i < 50 && !finished; i++) {
		LF_AUTO_JOB job = LF_JOB_INIT;
		int64_t wake = 0;
		assert_lf_ok(lf_jobs_get(w->jobs, id, &job, &err));
		assert_lf_ok(lf_job_step_run(w->jobs, &job, &wake, &finished, &err));
		if (wake > lf_clock_now_ns(w->clock))
			lf_clock_step(w->clock, wake - lf_clock_now_ns(w->clock));
	}
	assert_true(finished);
}

static void test_job__runs_its_steps_in_order_and_ends_once(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE];

	w->again = 2;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_SUCCEEDED);
	assert_int_equal(w->first, 1);
	assert_int_equal(w->second, 3);
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->undone, 0);
}

static void test_job__goes_on_after_the_engine_died_between_steps(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE];
	LF_AUTO_JOB job = LF_JOB_INIT;
	int64_t wake;
	bool finished;

	assert_lf_ok(submit(w, NULL, id, &err));
	assert_lf_ok(lf_jobs_get(w->jobs, id, &job, &err));
	assert_lf_ok(lf_job_step_run(w->jobs, &job, &wake, &finished, &err));
	lf_jobs_free(w->jobs);
	open_engine(w);
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_SUCCEEDED);
	assert_int_equal(w->first, 1);
}

static void test_job__tries_again_what_may_pass_and_gives_up_after_its_attempts(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE];

	w->fail_code = LF_EUNREACHABLE;
	w->fail_times = 2;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_SUCCEEDED);
	assert_int_equal(w->second, 3);
	w->fail_times = 10;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_FAILED);
	assert_int_equal(why.code, LF_EUNREACHABLE);
	assert_int_equal(w->second, 6);
	assert_int_equal(w->undone, 1);
}

static void test_job__runs_a_step_again_whose_commit_was_lost(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE];

	w->lost_commits = 2;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_SUCCEEDED);
	assert_int_equal(w->second, 3);
	w->lost_commits = 10;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_FAILED);
	assert_int_equal(w->second, 6);
}

static void test_job__that_fails_for_good_takes_its_steps_back(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE];

	w->fail_code = LF_EINVAL;
	w->fail_times = 1;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_FAILED);
	assert_string_equal(why.message, "the second step fails");
	assert_int_equal(w->undone, 1);
	assert_int_equal(w->ended, 1);
	assert_lf_ok(lf_jobs_restart(w->jobs, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_SUCCEEDED);
}

static void test_submit__refuses_a_second_job_and_knows_its_own_id_again(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE;
	char id[LF_GUID_SIZE], other[LF_GUID_SIZE], again[LF_GUID_SIZE];

	assert_lf_ok(submit(w, NULL, id, &err));
	assert_int_equal(submit(w, NULL, other, &err), LF_ECONFLICT);
	assert_string_equal(lf_error_arm(&err), "AnotherOperationInProgress");
	assert_lf_ok(submit(w, id, again, &err));
	assert_string_equal(id, again);
	drive(w, id);
	assert_lf_ok(submit(w, NULL, other, &err));
}

static void test_restart__is_refused_while_another_job_works_on_the_resource(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE], other[LF_GUID_SIZE];

	w->fail_code = LF_EINVAL;
	w->fail_times = 1;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_lf_ok(submit(w, NULL, other, &err));
	assert_int_equal(lf_jobs_restart(w->jobs, id, &err), LF_ECONFLICT);
	assert_string_equal(lf_error_arm(&err), "AnotherOperationInProgress");
	assert_int_equal(state_of(w, id, &why), LF_JOB_FAILED);
	drive(w, other);
	assert_lf_ok(lf_jobs_restart(w->jobs, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_SUCCEEDED);
}

static void test_cancel__takes_back_and_is_refused_once_final(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE];
	LF_AUTO_JOB job = LF_JOB_INIT;
	int64_t wake;
	bool finished;

	assert_lf_ok(submit(w, NULL, id, &err));
	assert_lf_ok(lf_jobs_get(w->jobs, id, &job, &err));
	assert_lf_ok(lf_job_step_run(w->jobs, &job, &wake, &finished, &err));
	assert_lf_ok(lf_jobs_cancel(w->jobs, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_CANCELLED);
	assert_int_equal(w->undone, 1);
	assert_int_equal(lf_jobs_cancel(w->jobs, id, &err), LF_ECONFLICT);
}

static void test_cancel__of_a_step_that_then_waits_for_a_person_is_not_lost(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char id[LF_GUID_SIZE];

	w->suspends = 1;
	assert_lf_ok(submit(w, NULL, id, &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_SUSPENDED);
	w->suspends = 1;
	w->cancels = true;
	assert_lf_ok(lf_jobs_resume(w->jobs, id, "go on", &err));
	drive(w, id);
	assert_int_equal(state_of(w, id, &why), LF_JOB_CANCELLED);
	assert_int_equal(w->undone, 1);
}

static void test_workers__finish_many_jobs(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE, why;
	char ids[20][LF_GUID_SIZE], resource[32];

	assert_lf_ok(lf_jobs_run(w->jobs, 1, &err));
	for (size_t i = 0; i < LF_N(ids); i++) {
		snprintf(resource, sizeof(resource), "/vault/item%zu", i);
		const struct lf_job_request request = {
			.type = "test.two", .scope = "/vault", .resource = resource};
		assert_lf_ok(lf_jobs_submit(w->jobs, &request, ids[i], &err));
	}
	for (size_t i = 0; i < LF_N(ids); i++)
		while (!lf_job_state_is_final(state_of(w, ids[i], &why)))
			lf_clock_wait(w->clock, INT64_MAX, LF_NS_PER_MS);
	LF_AUTO_JOB_LIST list = {0};
	assert_lf_ok(lf_jobs_list(w->jobs, "/VAULT", "test.", NULL, &list, &err));
	assert_int_equal(list.n, LF_N(ids));
	lf_jobs_free(w->jobs);
	assert_int_equal(w->ended, LF_N(ids));
	open_engine(w);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* A row that is no job: its neighbours run, and nothing is said to have succeeded. */
static void test_job__whose_row_is_damaged_harms_itself_only(void **state)
{
	static const char *const bodies[] = {
		"\"type\":\"test.two\",\"state\":\"Perhaps\"}",
		"\"type\":\"test.two\",\"state\":\"InProgress\",\"step\":4000000000}",
		"\"type\":\"test.two\",\"state\":\"InProgress\",\"step\":-1}",
		"\"type\":\"test.two\",\"state\":7}",
		"\"state\":\"NotStarted\"}",
	};
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE;
	char id[LF_GUID_SIZE], text[256], good[LF_GUID_SIZE];

	for (size_t i = 0; i < LF_N(bodies); i++) {
		LF_AUTO_JSON *body = NULL;
		lf_guid_random(id);
		snprintf(text, sizeof(text), "{\"id\":\"%s\",%s", id, bodies[i]);
		assert_lf_ok(lf_json_parse(text, strlen(text), &body, &err));
		const struct lf_jobrow row = {.id = id,
					      .type = "test.two",
					      .scope = "/vault",
					      .resource = "/vault/other",
					      .created_ns = 1,
					      .body = body};
		assert_lf_ok(lf_jobrow_put(w->catalog, &row, &err));
	}
	assert_lf_ok(submit(w, NULL, good, &err));
	assert_lf_ok(lf_jobs_run(w->jobs, 2, &err));
	while (state_of(w, good, &err) != LF_JOB_SUCCEEDED)
		lf_clock_step(w->clock, LF_NS_PER_S);
	LF_AUTO_JOB_LIST list = {0};
	assert_lf_ok(lf_jobs_list(w->jobs, "/vault", NULL, NULL, &list, &err));
	assert_int_equal(list.n, 1);
	assert_string_equal(list.items[0].id, good);
	assert_int_equal(w->ended, 1);
	assert_int_equal(lf_health_count(), LF_N(bodies));
}

static void test_expire__takes_finished_jobs_past_their_days_and_no_others(void **state)
{
	struct world *w = *state;
	struct lf_error err = LF_ERROR_NONE;
	char old[LF_GUID_SIZE], young[LF_GUID_SIZE];
	LF_AUTO_JOB job = LF_JOB_INIT;

	assert_lf_ok(submit(w, NULL, old, &err));
	assert_lf_ok(lf_jobs_run(w->jobs, 1, &err));
	while (state_of(w, old, &err) != LF_JOB_SUCCEEDED)
		lf_clock_step(w->clock, LF_NS_PER_S);
	lf_clock_step(w->clock, LF_JOB_KEEP_NS - 3600 * LF_NS_PER_S);
	w->again = 1000000; /* never ends */
	assert_lf_ok(submit(w, NULL, young, &err));
	assert_lf_ok(lf_jobs_expire(w->jobs, lf_clock_now_ns(w->clock), &err));
	assert_int_equal(state_of(w, old, &err), LF_JOB_SUCCEEDED);
	lf_clock_step(w->clock, 2 * LF_JOB_KEEP_NS);
	assert_lf_ok(lf_jobs_expire(w->jobs, lf_clock_now_ns(w->clock), &err));
	assert_int_equal(lf_jobs_get(w->jobs, old, &job, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_jobs_get(w->jobs, young, &job, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_job__runs_its_steps_in_order_and_ends_once),
		WITH_WORLD(test_job__goes_on_after_the_engine_died_between_steps),
		WITH_WORLD(test_job__tries_again_what_may_pass_and_gives_up_after_its_attempts),
		WITH_WORLD(test_job__runs_a_step_again_whose_commit_was_lost),
		WITH_WORLD(test_job__that_fails_for_good_takes_its_steps_back),
		WITH_WORLD(test_submit__refuses_a_second_job_and_knows_its_own_id_again),
		WITH_WORLD(test_cancel__takes_back_and_is_refused_once_final),
		WITH_WORLD(test_cancel__of_a_step_that_then_waits_for_a_person_is_not_lost),
		WITH_WORLD(test_restart__is_refused_while_another_job_works_on_the_resource),
		WITH_WORLD(test_workers__finish_many_jobs),
		WITH_WORLD(test_job__whose_row_is_damaged_harms_itself_only),
		WITH_WORLD(test_expire__takes_finished_jobs_past_their_days_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
