/* SPDX-License-Identifier: Apache-2.0 */
/* From session to recovery point: what a commit costs, and what survives a stop or a kill. */
#include "unit/replication/session_fixture.h"

static void test_commit__twice_gives_the_same_point(void **state)
{
	struct fixture *f = *state;
	char id[LF_GUID_SIZE];

	make_full(f, 'a', id);
	assert_lf_ok(commit(f, id));
	assert_int_equal(n_points(f), 1);
	/* nobody else's, and nothing that never was */
	LF_AUTO_JSON *request = json_object();
	LF_AUTO_JSON *answer = NULL;
	assert_int_equal(
		lf_replication_session_commit(f->replication, OTHER, id, request, &answer, &err),
		LF_ENOTFOUND);
	assert_int_equal(commit(f, OTHER), LF_ENOTFOUND);
	assert_int_equal(commit(f, "../../etc/passwd"), LF_EINVAL);
}

/* What the agent could not read is in the point, and a warning until a point has nothing such. */
static void test_commit__lists_what_could_not_be_read(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *request =
		json_pack("{s:[{s:s,s:i,s:i},{s:s,s:i,s:i}]}", "unreadable", "disk", "d0", "offset",
			  8192, "length", 4096, "disk", "other", "offset", 0, "length", 4096);
	LF_AUTO_JSON *answer = NULL, *sick = NULL, *well = NULL;
	char id[LF_GUID_SIZE];

	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	snprintf(id, sizeof(id), "%s", id_of(session));
	send_page(f, id, 3, 'a', PAGES);
	assert_lf_ok(
		lf_replication_session_commit(f->replication, AGENT, id, request, &answer, &err));
	assert_lf_ok(lf_replica_get(f->replication, ITEM, &sick, &err));
	LF_AUTO_JSON *range = json_pack("[{s:i,s:i}]", "offset", 8192, "length", 4096);
	LF_AUTO_JSON *points = points_of(f);
	assert_true(json_equal(lf_json_at(points, "0.disks.0.unreadable"), range));
	const json_t *warning =
		lf_json_find(lf_json_at(sick, "health"), "code", "SourceDiskUnreadable");
	assert_string_equal(lf_json_text_or(warning, "severity", ""), "Warning");
	assert_non_null(strstr(lf_json_text_or(warning, "message", ""), "4096 bytes"));
	make_full(f, 'b', id);
	assert_lf_ok(lf_replica_get(f->replication, ITEM, &well, &err));
	assert_null(lf_json_find(lf_json_at(well, "health"), "code", "SourceDiskUnreadable"));
}

static bool app_is_asked_for(struct fixture *f)
{
	LF_AUTO_JSON *assignments = NULL;

	assert_lf_ok(lf_replication_assignments(f->replication, AGENT, &assignments, &err));
	return lf_json_bool_or(json_array_get(assignments, 0), "app", false);
}

/* A full session whose commit says so; error NULL: none. */
static void commit_as(struct fixture *f, const char *consistency, const char *error)
{
	LF_AUTO_JSON *request = json_pack("{s:s,s:s?,s:s?}", "consistency", consistency, "appError",
					  error, "appAdvice", error ? "do this" : NULL);
	LF_AUTO_JSON *checked = NULL, *answer = NULL;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);

	if (!error) {
		json_object_del(request, "appError");
		json_object_del(request, "appAdvice");
	}
	send_page(f, id_of(session), 3, 'a', PAGES);
	assert_lf_ok(lf_commit_check(request, &checked, &err));
	assert_lf_ok(lf_replication_session_commit(f->replication, AGENT, id_of(session), checked,
						   &answer, &err));
}

static json_t *app_warning(struct fixture *f)
{
	LF_AUTO_JSON *replica = NULL;

	assert_lf_ok(lf_replica_get(f->replication, ITEM, &replica, &err));
	return json_incref(lf_json_find(lf_json_at(replica, "health"), "code",
					"ApplicationConsistencyFailed"));
}

/* The policy says when; what fails is a warning, tried again after five minutes. */
static void test_commit__application_consistency_is_asked_for_as_the_policy_says(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *policy = json_pack("{s:i,s:i,s:i}", "recoveryPointHistoryInMinutes", 1440,
					 "crashConsistentFrequencyInMinutes", 60,
					 "appConsistentFrequencyInMinutes", 20);

	commit_as(f, "CrashConsistent", NULL);
	assert_false(app_is_asked_for(f));
	assert_false(is_due(f));
	assert_lf_ok(lf_replica_set_policy(f->replication, ITEM, policy, &err));
	/* more often than others: it is due by itself */
	assert_true(app_is_asked_for(f) && is_due(f));
	commit_as(f, "CrashConsistent", "the lock was lost");
	assert_false(app_is_asked_for(f) || is_due(f));
	LF_AUTO_JSON *warning = app_warning(f);
	assert_string_equal(lf_json_text_or(warning, "severity", ""), "Warning");
	assert_non_null(strstr(lf_json_text_or(warning, "message", ""), "the lock was lost"));
	assert_string_equal(lf_json_text_or(warning, "action", ""), "do this");
	lf_clock_step(f->clock, 5 * MINUTE);
	assert_true(app_is_asked_for(f));
	commit_as(f, "CrashConsistent", "again");
	LF_AUTO_JSON *still = app_warning(f);
	assert_string_equal(lf_json_text_or(still, "since", "1"),
			    lf_json_text_or(warning, "since", "2"));
	lf_clock_step(f->clock, 5 * MINUTE);
	commit_as(f, "ApplicationConsistent", NULL);
	LF_AUTO_JSON *well = app_warning(f);
	assert_null(well);
	LF_AUTO_JSON *points = points_of(f);
	assert_string_equal(lf_json_text_or(points, "0.consistency", ""), "ApplicationConsistent");
	lf_clock_step(f->clock, 19 * MINUTE);
	assert_false(app_is_asked_for(f) || is_due(f));
	lf_clock_step(f->clock, MINUTE);
	assert_true(app_is_asked_for(f) && is_due(f));
	/* an agent that cannot say is not asked all the time, and what is not asked for is no fault
	 */
	commit_as(f, "CrashConsistent", NULL);
	assert_false(app_is_asked_for(f) || is_due(f));
	lf_clock_step(f->clock, 5 * MINUTE);
	commit_as(f, "CrashConsistent", "once more");
	json_object_set_new(policy, "appConsistentFrequencyInMinutes", json_integer(0));
	assert_lf_ok(lf_replica_set_policy(f->replication, ITEM, policy, &err));
	LF_AUTO_JSON *off = app_warning(f);
	assert_null(off);
	assert_false(app_is_asked_for(f));
}

static void test_commit__after_a_kill_that_left_the_session_adds_no_second_point(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	LF_AUTO_JSON *answer = begin(f, "full", NULL, NULL, 0);
	char path[LF_ID_SIZE];

	send_page(f, id_of(answer), 3, 'a', PAGES);
	lf_session_path(id_of(answer), path);
	assert_lf_ok(lf_catalog_get(f->catalog, path, &row, &err));
	assert_lf_ok(commit(f, id_of(answer)));
	/* as if killed before the session was dropped: its journals may be gone, too */
	assert_lf_ok(lf_catalog_put(f->catalog, path, LF_SESSION_TYPE, LF_PUT_NEW, NULL, row.doc,
				    NULL, &err));
	assert_lf_ok(commit(f, id_of(answer)));
	assert_int_equal(n_points(f), 1);
	assert_int_equal(letter_of(f, 3), 'a');
	lf_resource_done(&row);
	row = LF_RESOURCE_INIT;
	assert_int_equal(lf_catalog_get(f->catalog, path, &row, &err), LF_ENOTFOUND);
}

/* Bytes of the region's packs. */
static uint64_t store_bytes(struct fixture *f)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/regions/west/store/packs", f->dir);
	uint64_t sum = 0;
	DIR *dir = opendir(path);
	struct stat st;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, 0), 0);
		sum += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	}
	closedir(dir);
	return sum;
}

/* Pages, each in a leaf of its own, of the largest disk there is; in this order; what it costs. */
static uint64_t cost_of(struct fixture *f, const char *item, uint64_t first, const uint32_t *order,
			size_t n)
{
	const uint64_t stride = (uint64_t)(LF_DISK_BYTES_MAX / LF_PAGE_SIZE) / n;
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:[{s:s,s:I}]}", "itemId", item, "kind", "full", "disks", "id",
			  "d0", "sizeBytes", (json_int_t)LF_DISK_BYTES_MAX);
	LF_AUTO_JSON *session = NULL;
	LF_AUTO_FREE uint8_t *wire = calloc(n, LF_EXTENT_WIRE_SIZE);
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_extent extent = {.pages = 1};
	uint8_t data[LF_PAGE_SIZE];

	assert_lf_ok(lf_replication_session_begin(f->replication, AGENT, request, &session, &err));
	send_page(f, id_of(session), 0, 'a', 1); /* its chunk */
	memset(data, 'a', sizeof(data));
	assert_lf_ok(lf_chunk_hasher_new(lf_vault_key(f->vault), &hasher, &err));
	assert_lf_ok(lf_chunk_id_of(hasher, data, sizeof(data), &extent.chunk, &err));
	lf_chunk_hasher_free(hasher);
	for (size_t i = 0; i < n; i++) {
		extent.page = order[i] * stride + first;
		lf_extent_encode(&extent, wire + i * LF_EXTENT_WIRE_SIZE);
	}
	assert_lf_ok(send_extents(f, id_of(session), "d0", 1, wire, n));
	uint64_t before = store_bytes(f);
	assert_lf_ok(commit(f, id_of(session)));
	return store_bytes(f) - before;
}

static void test_commit__costs_what_changes_in_whatever_order_it_came(void **state)
{
	struct fixture *f = *state;
	enum { N = 20000 };
	static uint32_t order[N];

	for (uint32_t i = 0; i < N; i++)
		order[i] = i;
	uint64_t sorted = cost_of(f, ITEM, 1, order, N);
	for (uint32_t i = N - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(((uint64_t)i * 2654435761u) % (i + 1)), keep = order[i];
		order[i] = order[j];
		order[j] = keep;
	}
	/* other pages, so that no node is there already */
	add_item(f, ITEM "2");
	uint64_t shuffled = cost_of(f, ITEM "2", 2, order, N);
	printf("# %llu bytes for an extent in order, %llu in any order\n",
	       (unsigned long long)sorted / N, (unsigned long long)shuffled / N);
	assert_in_range(sorted / N, 1, 1000);
	assert_true(shuffled <= sorted + sorted / 10);
}

/* Who waits for a commit. */
struct waiter {
	sem_t ended;
	char point[LF_GUID_SIZE];
	struct lf_error err;
};

static void commit_ended(void *context, const json_t *answer, const struct lf_error *commit_err)
{
	struct waiter *waiter = context;

	snprintf(waiter->point, sizeof(waiter->point), "%s",
		 lf_json_text_or(answer, "pointId", ""));
	waiter->err = *commit_err;
	sem_post(&waiter->ended);
}

static int ask_commit(struct fixture *f, const char *session, struct waiter *waiter)
{
	LF_AUTO_JSON *request = json_pack("{s:s}", "consistency", "CrashConsistent");

	sem_init(&waiter->ended, 0, 0);
	return lf_replication_commit_later(f->replication, AGENT, session, request, commit_ended,
					   waiter, &err);
}

static void test_commit__runs_once_for_a_session_and_answers_the_latest(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	struct waiter waiters[3];

	send_page(f, id_of(session), 3, 'a', PAGES);
	for (size_t i = 0; i < LF_N(waiters); i++)
		assert_lf_ok(ask_commit(f, id_of(session), &waiters[i]));
	for (size_t i = 0; i < 2; i++) {
		sem_wait(&waiters[i].ended);
		assert_string_equal(waiters[i].err.arm_code, "CommitAskedAgain");
	}
	/* meanwhile nothing of the session changes, nor is it replaced */
	LF_AUTO_JSON *request = json_pack("{s:s,s:s,s:[{s:s,s:i}]}", "itemId", ITEM, "kind", "full",
					  "disks", "id", "d0", "sizeBytes", PAGES * LF_PAGE_SIZE);
	LF_AUTO_JSON *answer = NULL;
	uint8_t wire[LF_EXTENT_WIRE_SIZE] = {[8] = 1};
	assert_int_equal(
		lf_replication_session_begin(f->replication, AGENT, request, &answer, &err),
		LF_ECONFLICT);
	assert_string_equal(err.arm_code, "CommitUnderWay");
	assert_int_equal(send_extents(f, id_of(session), "d0", 1, wire, 1), LF_ECONFLICT);
	assert_lf_ok(lf_replication_run(f->replication, &err));
	sem_wait(&waiters[2].ended);
	assert_string_equal(waiters[2].point, id_of(session));
	assert_int_equal(n_points(f), 1);
	/* and once more, when it is a point already */
	assert_lf_ok(ask_commit(f, id_of(session), &waiters[0]));
	sem_wait(&waiters[0].ended);
	assert_string_equal(waiters[0].point, id_of(session));
	assert_int_equal(ask_commit(f, OTHER, &waiters[0]), LF_ENOTFOUND);
	assert_int_equal(n_points(f), 1);
}

static void test_commit__is_cut_short_by_a_stop_and_loses_nothing(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	struct waiter waiter;

	send_page(f, id_of(session), 3, 'a', PAGES);
	f->replication->stopping = true;
	assert_int_equal(commit(f, id_of(session)), LF_ECANCELED);
	assert_int_equal(ask_commit(f, id_of(session), &waiter), LF_EUNREACHABLE);
	f->replication->stopping = false;
	/* asked for, and stopped before it began: whoever waits is told */
	assert_lf_ok(ask_commit(f, id_of(session), &waiter));
	lf_replication_stop(f->replication);
	sem_wait(&waiter.ended);
	assert_int_equal(waiter.err.code, LF_EUNREACHABLE);
	close_site(f);
	open_site(f);
	assert_lf_ok(commit(f, id_of(session)));
	assert_int_equal(letter_of(f, 3), 'a');
}

static void test_commit__goes_on_after_a_kill_by_itself(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	int status;

	send_page(f, id_of(session), 3, 'a', PAGES);
	close_site(f);
	pid_t pid = fork();
	if (pid == 0) {
		struct waiter waiter;
		open_site(f);
		lf_fault_set("commit-after-maps=kill");
		if (lf_replication_run(f->replication, &err) ||
		    ask_commit(f, id_of(session), &waiter))
			_exit(1);
		sem_wait(&waiter.ended);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	open_site(f);
	while (sem_trywait(&f->changed) == 0)
		; /* of what was before */
	assert_lf_ok(lf_replication_run(f->replication, &err));
	sem_wait(&f->changed);
	assert_int_equal(n_points(f), 1);
	assert_int_equal(letter_of(f, 3), 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit__twice_gives_the_same_point),
		TEST(test_commit__application_consistency_is_asked_for_as_the_policy_says),
		TEST(test_commit__lists_what_could_not_be_read),
		TEST(test_commit__after_a_kill_that_left_the_session_adds_no_second_point),
		TEST(test_commit__costs_what_changes_in_whatever_order_it_came),
		TEST(test_commit__runs_once_for_a_session_and_answers_the_latest),
		TEST(test_commit__is_cut_short_by_a_stop_and_loses_nothing),
		TEST(test_commit__goes_on_after_a_kill_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
