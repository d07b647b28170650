/* SPDX-License-Identifier: Apache-2.0 */
/* From begin to the last extent, with a real vault and catalog. */
#include "unit/replication/session_fixture.h"

static void test_full__then_delta_make_points(void **state)
{
	struct fixture *f = *state;
	char first[LF_GUID_SIZE];

	make_full(f, 'a', first);
	assert_int_equal(letter_of(f, 3), 'a');
	assert_int_equal(letter_of(f, 4), 0);
	LF_AUTO_JSON *answer = begin(f, "delta", first, NULL, 0);
	assert_string_equal(lf_json_text_or(answer, "kind", ""), "delta");
	send_page(f, id_of(answer), 4, 'b', PAGES + 1);
	send_page(f, id_of(answer), 5, 'x', PAGES + 1);
	send_page(f, id_of(answer), 5, 0, PAGES + 1); /* the later one wins */
	assert_lf_ok(commit(f, id_of(answer)));
	assert_int_equal(letter_of(f, 3), 'a');
	assert_int_equal(letter_of(f, 4), 'b');
	assert_int_equal(letter_of(f, 5), 0);
	assert_int_equal(n_points(f), 2);
}

static void test_point__is_due_in_time_and_after_the_clock_was_set_back(void **state)
{
	struct fixture *f = *state;
	char id[LF_GUID_SIZE];

	assert_true(is_due(f));
	make_full(f, 'a', id);
	assert_false(is_due(f));
	lf_clock_step(f->clock, 6 * MINUTE);
	assert_true(is_due(f));
	/* a clock that ran ahead begins at the present again after a restart */
	int64_t earlier = lf_clock_now_ns(f->clock) - 24 * 60 * MINUTE;
	close_site(f);
	lf_clock_free(f->clock);
	f->clock = lf_clock_new_manual(earlier);
	open_site(f);
	assert_true(is_due(f));
	make_full(f, 'b', id);
	assert_false(is_due(f));
}

/* Begin a full session with this token; what comes of it. */
static int try_begin(struct fixture *f, const char *token)
{
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:s?,s:[{s:s,s:i}]}", "itemId", ITEM, "kind", "full", "token",
			  token, "disks", "id", "d0", "sizeBytes", PAGES * LF_PAGE_SIZE);
	LF_AUTO_JSON *answer = NULL;
	int rc = lf_replication_session_begin(f->replication, AGENT, request, &answer, &err);

	if (!rc)
		assert_lf_ok(commit(f, id_of(answer)));
	return rc;
}

static void test_begin__makes_no_point_that_is_not_due(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(try_begin(f, NULL));
	assert_int_equal(try_begin(f, NULL), LF_ECONFLICT);
	assert_string_equal(err.arm_code, "SessionNotDue");
	lf_clock_step(f->clock, 5 * MINUTE);
	assert_lf_ok(try_begin(f, NULL));
	/* a final request is for one session, which says so */
	assert_lf_ok(
		lf_replica_request_final(f->replication, ITEM, "t1", LF_REPLICA_GOES_ON, &err));
	assert_int_equal(try_begin(f, NULL), LF_ECONFLICT);
	assert_int_equal(try_begin(f, "t0"), LF_ECONFLICT);
	assert_lf_ok(try_begin(f, "t1"));
	assert_int_equal(try_begin(f, "t1"), LF_ECONFLICT);
	assert_int_equal(n_points(f), 3);
	/* after a last one, none */
	assert_lf_ok(lf_replica_request_final(f->replication, ITEM, "t2", LF_REPLICA_STOPS, &err));
	assert_lf_ok(try_begin(f, "t2"));
	lf_clock_step(f->clock, 60 * MINUTE);
	assert_int_equal(try_begin(f, NULL), LF_ECONFLICT);
	assert_lf_ok(lf_replica_resume(f->replication, ITEM, &err));
	assert_lf_ok(try_begin(f, NULL));
}

static void test_begin__of_an_open_session_may_be_repeated(void **state)
{
	struct fixture *f = *state;
	char id[LF_GUID_SIZE];

	make_full(f, 'a', id);
	LF_AUTO_JSON *first = begin(f, "full", NULL, NULL, 0);
	send_page(f, id_of(first), 3, 'a', 10);
	LF_AUTO_JSON *again = begin(f, "full", NULL, id_of(first), 10);
	assert_string_equal(id_of(again), id_of(first));
	LF_AUTO_JSON *anew = begin(f, "full", NULL, NULL, 0);
	assert_string_not_equal(id_of(anew), id_of(first));
	assert_lf_ok(commit(f, id_of(anew)));
	assert_int_equal(n_points(f), 2);
}

static void test_delta__against_an_old_point_becomes_full(void **state)
{
	struct fixture *f = *state;
	char first[LF_GUID_SIZE], second[LF_GUID_SIZE];

	make_full(f, 'a', first);
	make_full(f, 'b', second);
	LF_AUTO_JSON *old = begin(f, "delta", first, NULL, 0);
	assert_string_equal(lf_json_text_or(old, "kind", ""), "full");
	LF_AUTO_JSON *none = begin(f, "delta", "", NULL, 0);
	assert_string_equal(lf_json_text_or(none, "kind", ""), "full");
	/* a full pass does not build on what was there */
	send_page(f, id_of(none), 4, 'c', PAGES);
	assert_lf_ok(commit(f, id_of(none)));
	assert_int_equal(letter_of(f, 3), 0);
	assert_int_equal(letter_of(f, 4), 'c');
}

static void test_resume__cuts_what_the_agent_does_not_know_of(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *first = begin(f, "full", NULL, NULL, 0);

	send_page(f, id_of(first), 3, 'a', 10);
	send_page(f, id_of(first), 12, 'b', 20);
	send_page(f, id_of(first), 5, 'd', PAGES + 1);
	LF_AUTO_JSON *second = begin(f, "full", NULL, id_of(first), 10);
	assert_string_equal(id_of(second), id_of(first));
	assert_int_equal(lf_json_int_or(second, "disks.0.upto", -1), 10);
	send_page(f, id_of(second), 13, 'c', PAGES);
	assert_lf_ok(commit(f, id_of(second)));
	assert_int_equal(letter_of(f, 3), 'a');
	assert_int_equal(letter_of(f, 5), 0);
	assert_int_equal(letter_of(f, 12), 0);
	assert_int_equal(letter_of(f, 13), 'c');
}

static void test_begin__drops_the_session_before(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *first = begin(f, "full", NULL, NULL, 0);

	send_page(f, id_of(first), 3, 'a', 10);
	LF_AUTO_JSON *second = begin(f, "full", NULL, OTHER, 10);
	assert_string_not_equal(id_of(second), id_of(first));
	assert_int_equal(lf_json_int_or(second, "disks.0.upto", -1), 0);
	assert_int_equal(commit(f, id_of(first)), LF_ENOTFOUND);
}

static void test_session__with_a_damaged_journal_makes_no_point_and_begins_anew(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *first = begin(f, "full", NULL, NULL, 0);

	send_page(f, id_of(first), 3, 'a', 10);
	send_page(f, id_of(first), 12, 'b', 20);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/sessions/%s/0.journal", f->dir, id_of(first));
	FILE *file = fopen(path, "r+");
	fseek(file, 40, SEEK_SET);
	fputc('!', file);
	fclose(file);
	assert_int_equal(commit(f, id_of(first)), LF_ECORRUPT);
	assert_int_equal(n_points(f), 0);
	LF_AUTO_JSON *second = begin(f, "full", NULL, id_of(first), 20);
	assert_string_not_equal(id_of(second), id_of(first));
	send_page(f, id_of(second), 3, 'a', PAGES);
	assert_lf_ok(commit(f, id_of(second)));
}

static void test_session__of_another_agent_is_not_found(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	uint8_t wire[LF_EXTENT_WIRE_SIZE] = {[8] = 1};
	LF_AUTO_TRANSFER_SESSION opened = {0};

	assert_int_equal(lf_session_open(f->replication, OTHER, id_of(session), &opened, &err),
			 LF_ENOTFOUND);
	assert_int_equal(send_extents(f, id_of(session), "d9", 1, wire, 1), LF_EINVAL);
}

static void test_begin__refuses_disks_without_sense(void **state)
{
	static const char *const bad[] = {
		"[]",
		"[{\"id\":\"d0\"}]",
		"[{\"id\":\"d0\",\"sizeBytes\":-1}]",
		"[{\"sizeBytes\":1}]",
		"[{\"id\":\"d0\",\"sizeBytes\":1},{\"id\":\"d0\",\"sizeBytes\":1}]",
		"[7]",
		"{}",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		LF_AUTO_JSON *request = json_pack("{s:s,s:s,s:o}", "itemId", ITEM, "kind", "full",
						  "disks", json_loads(bad[i], 0, NULL));
		LF_AUTO_JSON *answer = NULL;
		assert_int_equal(
			lf_replication_session_begin(f->replication, AGENT, request, &answer, &err),
			LF_EINVAL);
		assert_int_equal(
			lf_replication_session_begin(f->replication, OTHER, request, &answer, &err),
			LF_ENOTFOUND);
	}
}

static void test_session__that_is_over_stays_so_while_its_agent_sends(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *answer = begin(f, "full", NULL, NULL, 0);
	LF_AUTO_TRANSFER_SESSION session = {0};

	assert_lf_ok(lf_session_open(f->replication, AGENT, id_of(answer), &session, &err));
	assert_lf_ok(lf_session_change(f->replication, id_of(answer), "over", json_true(), &err));
	lf_clock_step(f->clock, 5 * 60 * MINUTE);
	assert_int_equal(lf_session_extents(&session, "d0", 1, NULL, 0, &err), LF_ENOTFOUND);
	assert_int_equal(commit(f, id_of(answer)), LF_ENOTFOUND);
}

static void test_sweep__keeps_sessions_that_make_progress(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);

	for (int hour = 0; hour < 100; hour += 5) {
		lf_clock_step(f->clock, 5 * 60 * MINUTE);
		send_page(f, id_of(session), (uint64_t)hour % PAGES, 'a', 1);
		assert_lf_ok(lf_replication_tend(f->replication, &err));
	}
	assert_lf_ok(commit(f, id_of(session)));
	LF_AUTO_JSON *idle = begin(f, "full", NULL, NULL, 0);
	send_page(f, id_of(idle), 1, 'a', 1);
	lf_clock_step(f->clock, 25 * 60 * MINUTE);
	assert_lf_ok(lf_replication_tend(f->replication, &err));
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/sessions/%s", f->dir, id_of(idle));
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(commit(f, id_of(idle)), LF_ENOTFOUND);
}

static void test_retention__keeps_what_it_lists(void **state)
{
	struct fixture *f = *state;
	char id[LF_GUID_SIZE];

	for (int i = 0; i < 30; i++) {
		make_full(f, (char)('a' + i % 20), id);
		lf_clock_step(f->clock, 20 * MINUTE);
		assert_lf_ok(lf_replication_tend(f->replication, &err));
	}
	LF_AUTO_JSON *points = points_of(f);
	assert_in_range(json_array_size(points), 13, 17);
	for (size_t i = 0; i < json_array_size(points); i++) {
		LF_AUTO_JSON *manifest = NULL;
		const json_t *point = json_array_get(points, i);
		assert_lf_ok(
			lf_point_get(f->vault, lf_json_text_or(point, "id", ""), &manifest, &err));
	}
	assert_string_equal(lf_json_text_or(points, "0.id", ""), id);
	assert_lf_ok(lf_replica_remove(f->replication, ITEM, &err));
	assert_lf_ok(lf_replica_remove(f->replication, ITEM, &err));
	assert_int_equal(commit(f, id), LF_ENOTFOUND);
}

/* With the vault alone at hand, the point itself has to say how its machine boots. */
static void test_point__says_what_machine_it_is_of(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *doc =
		json_pack("{s:s,s:{s:s,s:s,s:i,s:s}}", "siteId", "s", "inventory", "machineName",
			  "web1", "firmware", "uefi", "memoryMiB", 4096, "machineId", "m");
	LF_AUTO_JSON *manifest = NULL;
	char path[LF_ID_SIZE], id[LF_GUID_SIZE];

	lf_agent_path(AGENT, path);
	assert_lf_ok(
		lf_catalog_put(f->catalog, path, LF_AGENT_TYPE, LF_PUT_ANY, NULL, doc, NULL, &err));
	make_full(f, 'a', id);
	assert_lf_ok(lf_point_get(f->vault, id, &manifest, &err));
	assert_string_equal(lf_json_text_or(manifest, "machine.name", ""), "web1");
	assert_string_equal(lf_json_text_or(manifest, "machine.firmware", ""), "uefi");
	assert_int_equal(lf_json_int_or(manifest, "machine.memoryMiB", 0), 4096);
	assert_string_equal(lf_json_text_or(manifest, "machine.itemId", ""), ITEM);
	assert_null(lf_json_at(manifest, "machine.machineId"));
}

/* What the instant held, and what it did not, is in the vault with the point. */
static void test_point__that_is_not_consistent_says_so_and_why(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	LF_AUTO_JSON *request = json_pack("{s:s,s:[s],s:[s]}", "consistency", "Inconsistent",
					  "frozen", "/srv", "unheld", "a database on sdb");
	LF_AUTO_JSON *answer = NULL, *manifest = NULL;

	send_page(f, id_of(session), 3, 'a', PAGES);
	assert_lf_ok(lf_replication_session_commit(f->replication, AGENT, id_of(session), request,
						   &answer, &err));
	assert_lf_ok(lf_point_get(f->vault, id_of(session), &manifest, &err));
	assert_string_equal(lf_json_text_or(manifest, "consistency", ""), "Inconsistent");
	assert_string_equal(lf_json_text_or(manifest, "frozen.0", ""), "/srv");
	assert_string_equal(lf_json_text_or(manifest, "unheld.0", ""), "a database on sdb");
	LF_AUTO_JSON *points = points_of(f);
	assert_string_equal(lf_json_text_or(points, "0.consistency", ""), "Inconsistent");
}

static size_t count_in(struct fixture *f, const char *folder)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/regions/west/store/%s", f->dir, folder);
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_retention__lets_go_of_claims_that_a_kill_left(void **state)
{
	struct fixture *f = *state;
	char id[LF_GUID_SIZE];

	for (int i = 0; i < 8; i++) {
		make_full(f, (char)('a' + i), id);
		lf_clock_step(f->clock, MINUTE);
	}
	lf_clock_step(f->clock, 26 * 60 * MINUTE);
	make_full(f, 'z', id);
	tend_and_die(f, "retention-leaving=kill");
	assert_int_equal(count_in(f, "claims"), 9);
	assert_lf_ok(lf_replication_tend(f->replication, &err));
	LF_AUTO_JSON *points = points_of(f);
	assert_int_equal(json_array_size(points), 1);
	assert_int_equal(count_in(f, "claims"), 1);
}

static void test_sweep__ends_what_a_kill_left_of_a_session(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *idle = begin(f, "full", NULL, NULL, 0);

	send_page(f, id_of(idle), 1, 'a', 1);
	lf_clock_step(f->clock, 25 * 60 * MINUTE);
	tend_and_die(f, "session-drop=kill");
	assert_int_equal(count_in(f, "sessions"), 1);
	assert_int_equal(commit(f, id_of(idle)), LF_ENOTFOUND);
	assert_lf_ok(lf_replication_tend(f->replication, &err));
	assert_int_equal(count_in(f, "sessions"), 0);
}

static void test_extents__have_to_be_on_the_disk(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	static const struct {
		uint64_t page;
		uint32_t pages;
		int wanted;
	} cases[] = {{PAGES - 1, 1, 0},		 {0, PAGES, 0},
		     {PAGES, 1, LF_EINVAL},	 {PAGES - 1, 2, LF_EINVAL},
		     {UINT64_MAX, 1, LF_EINVAL}, {UINT64_MAX - 1, 64, LF_EINVAL},
		     {0, UINT32_MAX, LF_EINVAL}};

	for (size_t i = 0; i < LF_N(cases); i++) {
		struct lf_extent extent = {
			.page = cases[i].page, .pages = cases[i].pages, .hole = true};
		uint8_t wire[LF_EXTENT_WIRE_SIZE];
		lf_extent_encode(&extent, wire);
		assert_int_equal(send_extents(f, id_of(session), "d0", 1, wire, 1),
				 cases[i].wanted);
	}
}

static void test_journal__holds_the_disk_twice_and_some(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *session = begin(f, "full", NULL, NULL, 0);
	LF_AUTO_FREE uint8_t *wire = calloc(LF_BATCH_RECORDS_MAX, LF_EXTENT_WIRE_SIZE);
	struct lf_extent extent = {.page = 1, .pages = 1, .hole = true};
	int rc = 0, n = 0;

	for (size_t i = 0; i < LF_BATCH_RECORDS_MAX; i++)
		lf_extent_encode(&extent, wire + i * LF_EXTENT_WIRE_SIZE);
	for (; !rc && n < 20; n++)
		rc = send_extents(f, id_of(session), "d0", 1, wire, LF_BATCH_RECORDS_MAX);
	assert_int_equal(rc, LF_ETOOLARGE);
	assert_string_equal(err.arm_code, "SessionTooLarge");
	assert_in_range(n, 15, 17);
}

static const char *order(struct fixture *f, json_t **ret_assignments)
{
	assert_lf_ok(lf_replication_assignments(f->replication, AGENT, ret_assignments, &err));
	return lf_json_text(json_array_get(*ret_assignments, 0), "shutDown");
}

static void check_order(struct fixture *f, const char *token)
{
	LF_AUTO_JSON *assignments = NULL;
	const char *found = order(f, &assignments);

	assert_string_equal(found ? found : "none", token);
}

static int take_order(struct fixture *f, const char *agent, const char *token, const char *error)
{
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:s?}", "itemId", ITEM, "token", token, "error", error);

	return lf_replication_shut_down(f->replication, agent, request, &err);
}

static void test_shutdown__is_ordered_after_the_last_changes_and_once(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(try_begin(f, NULL));
	assert_int_equal(take_order(f, AGENT, "t1", NULL), LF_ECONFLICT);
	assert_lf_ok(
		lf_replica_request_final(f->replication, ITEM, "t1", LF_REPLICA_SHUTS_DOWN, &err));
	check_order(f, "none");
	assert_int_equal(take_order(f, AGENT, "t1", NULL), LF_ECONFLICT);
	assert_lf_ok(try_begin(f, "t1"));
	check_order(f, "t1");
	assert_int_equal(take_order(f, OTHER, "t1", NULL), LF_ENOTFOUND);
	assert_int_equal(take_order(f, AGENT, "t0", NULL), LF_ECONFLICT);
	assert_string_equal(err.arm_code, "ShutDownNotWanted");
	assert_lf_ok(take_order(f, AGENT, "t1", NULL));
	assert_lf_ok(take_order(f, AGENT, "t1", NULL)); /* its answer got lost */
	/* started again, it is not shut down again */
	check_order(f, "none");
	assert_lf_ok(take_order(f, AGENT, "t1", "it would not"));
	LF_AUTO_JSON *replica = NULL;
	assert_lf_ok(lf_replica_get(f->replication, ITEM, &replica, &err));
	assert_string_equal(lf_json_text(replica, "shutDown.token"), "t1");
	assert_string_equal(lf_json_text(replica, "shutDown.error"), "it would not");
	assert_int_equal(take_order(f, AGENT, "t1", "a\nb"), LF_EINVAL);
}

static void test_shutdown__of_a_failover_that_was_given_up_is_not_ordered(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(try_begin(f, NULL));
	assert_lf_ok(
		lf_replica_request_final(f->replication, ITEM, "t1", LF_REPLICA_SHUTS_DOWN, &err));
	assert_lf_ok(try_begin(f, "t1"));
	check_order(f, "t1");
	assert_lf_ok(
		lf_replica_request_final(f->replication, ITEM, "t2", LF_REPLICA_GOES_ON, &err));
	assert_lf_ok(lf_replica_resume(f->replication, ITEM, &err));
	check_order(f, "none");
	assert_int_equal(take_order(f, AGENT, "t1", NULL), LF_ECONFLICT);
}

/* Its agent was away when the failover asked, and comes back when it is cancelled. */
static void test_shutdown__that_nobody_heard_of_ends_with_its_failover(void **state)
{
	struct fixture *f = *state;

	assert_lf_ok(try_begin(f, NULL));
	assert_lf_ok(
		lf_replica_request_final(f->replication, ITEM, "t1", LF_REPLICA_SHUTS_DOWN, &err));
	assert_lf_ok(lf_replica_resume(f->replication, ITEM, &err));
	LF_AUTO_JSON *assignments = NULL;
	assert_null(order(f, &assignments));
	assert_null(lf_json_text(json_array_get(assignments, 0), "token"));
	assert_int_equal(try_begin(f, "t1"), LF_ECONFLICT);
	lf_clock_step(f->clock, 60 * MINUTE);
	assert_lf_ok(try_begin(f, "t1"));
	check_order(f, "none");
	assert_int_equal(take_order(f, AGENT, "t1", NULL), LF_ECONFLICT);
	LF_AUTO_JSON *replica = NULL;
	assert_lf_ok(lf_replica_get(f->replication, ITEM, &replica, &err));
	assert_string_equal(lf_json_text(replica, "phase"), "Delta");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_full__then_delta_make_points),
		TEST(test_point__is_due_in_time_and_after_the_clock_was_set_back),
		TEST(test_shutdown__is_ordered_after_the_last_changes_and_once),
		TEST(test_shutdown__of_a_failover_that_was_given_up_is_not_ordered),
		TEST(test_shutdown__that_nobody_heard_of_ends_with_its_failover),
		TEST(test_begin__makes_no_point_that_is_not_due),
		TEST(test_begin__of_an_open_session_may_be_repeated),
		TEST(test_delta__against_an_old_point_becomes_full),
		TEST(test_resume__cuts_what_the_agent_does_not_know_of),
		TEST(test_begin__drops_the_session_before),
		TEST(test_session__with_a_damaged_journal_makes_no_point_and_begins_anew),
		TEST(test_session__of_another_agent_is_not_found),
		TEST(test_begin__refuses_disks_without_sense),
		TEST(test_session__that_is_over_stays_so_while_its_agent_sends),
		TEST(test_sweep__keeps_sessions_that_make_progress),
		TEST(test_sweep__ends_what_a_kill_left_of_a_session),
		TEST(test_point__says_what_machine_it_is_of),
		TEST(test_point__that_is_not_consistent_says_so_and_why),
		TEST(test_retention__keeps_what_it_lists),
		TEST(test_retention__lets_go_of_claims_that_a_kill_left),
		TEST(test_extents__have_to_be_on_the_disk),
		TEST(test_journal__holds_the_disk_twice_and_some),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
