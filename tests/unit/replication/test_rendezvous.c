/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of machines: their points are marked when all are of one instant, and made in any case. */
#include "unit/replication/session_fixture.h"

#include "replication/assign/rendezvous.h"

#define ITEM_B ITEM "-b"
#define GROUP  "vault/shop"

static void add_agent(struct fixture *f, const char *agent, bool can)
{
	LF_AUTO_JSON *doc = json_pack("{s:{s:b}}", "inventory", "canMeet", (int)can);
	char path[LF_ID_SIZE];

	lf_agent_path(agent, path);
	assert_lf_ok(
		lf_catalog_put(f->catalog, path, LF_AGENT_TYPE, LF_PUT_ANY, NULL, doc, NULL, &err));
	lf_report_put(f->replication, agent, json_array());
}

static void add_member(struct fixture *f, const char *item, const char *agent)
{
	LF_AUTO_JSON *spec =
		json_pack("{s:s,s:s,s:s,s:s,s:[{s:s}]}", "itemId", item, "agentId", agent, "region",
			  "west", "group", GROUP, "disks", "id", "d0");

	assert_lf_ok(lf_replica_remove(f->replication, item, &err));
	assert_lf_ok(lf_replica_start(f->replication, spec, &err));
	add_agent(f, agent, true);
}

struct assigned {
	bool due;
	char group[LF_GUID_SIZE]; /* "": alone */
};

static struct assigned poll_of(struct fixture *f, const char *agent)
{
	struct assigned assigned = {0};
	LF_AUTO_JSON *list = NULL;

	lf_report_put(f->replication, agent, json_array());
	assert_lf_ok(lf_replication_assignments(f->replication, agent, &list, &err));
	assigned.due = lf_json_bool_or(json_array_get(list, 0), "due", false);
	snprintf(assigned.group, sizeof(assigned.group), "%s",
		 lf_json_text_or(json_array_get(list, 0), "group", ""));
	return assigned;
}

static void begin_member(struct fixture *f, const char *item, const char *agent, const char *group,
			 char id[static LF_GUID_SIZE])
{
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:s?,s:[{s:s,s:i}]}", "itemId", item, "kind", "full", "group",
			  group, "disks", "id", "d0", "sizeBytes", PAGES * LF_PAGE_SIZE);
	LF_AUTO_JSON *answer = NULL;

	assert_lf_ok(lf_replication_session_begin(f->replication, agent, request, &answer, &err));
	snprintf(id, LF_GUID_SIZE, "%s", id_of(answer));
}

static void commit_as(struct fixture *f, const char *agent, const char *id, bool together,
		      const char *consistency)
{
	LF_AUTO_JSON *request = json_pack("{s:s,s:i,s:b}", "consistency", consistency, "ageMs", 0,
					  "together", (int)together);
	LF_AUTO_JSON *answer = NULL;

	assert_lf_ok(
		lf_replication_session_commit(f->replication, agent, id, request, &answer, &err));
}

static void commit_member(struct fixture *f, const char *agent, const char *id, bool together)
{
	commit_as(f, agent, id, together, "CrashConsistent");
}

/* The newest point of the item; *ret_time is "" when it is not marked. */
static void newest(struct fixture *f, const char *item, char ret_time[static LF_TIME_SIZE])
{
	LF_AUTO_JSON *points = NULL;

	assert_lf_ok(lf_replica_points(f->replication, item, &points, &err));
	const json_t *point = json_array_get(points, 0);
	snprintf(ret_time, LF_TIME_SIZE, "%s",
		 lf_json_bool_or(point, "together", false) ? lf_json_text_or(point, "time", "")
							   : "");
}

static int setup_group(void **state)
{
	char id[LF_GUID_SIZE];

	assert_int_equal(setup(state), 0);
	struct fixture *f = *state;
	add_member(f, ITEM, AGENT);
	add_member(f, ITEM_B, OTHER);
	/* the first points are each machine's own */
	assert_string_equal(poll_of(f, AGENT).group, "");
	begin_member(f, ITEM, AGENT, NULL, id);
	commit_member(f, AGENT, id, false);
	begin_member(f, ITEM_B, OTHER, NULL, id);
	commit_member(f, OTHER, id, false);
	assert_false(poll_of(f, AGENT).due);
	lf_clock_step(f->clock, 5 * MINUTE);
	lf_report_put(f->replication, OTHER, json_array());
	return 0;
}

static struct lf_rendezvous_answer say(struct fixture *f, const char *session,
				       enum lf_rendezvous_stage stage)
{
	return lf_rendezvous_stage(f->replication, session, stage);
}

static void test_group__points_of_one_instant_are_marked_and_have_its_time(void **state)
{
	struct fixture *f = *state;
	char a[LF_GUID_SIZE], b[LF_GUID_SIZE], time_a[LF_TIME_SIZE], time_b[LF_TIME_SIZE];
	struct assigned first = poll_of(f, AGENT);

	assert_true(first.due && first.group[0]);
	begin_member(f, ITEM, AGENT, first.group, a);
	assert_false(say(f, a, LF_RENDEZVOUS_READY).go);
	/* the other is due because this one is */
	struct assigned second = poll_of(f, OTHER);
	assert_true(second.due);
	assert_string_equal(second.group, first.group);
	begin_member(f, ITEM_B, OTHER, second.group, b);
	assert_true(say(f, b, LF_RENDEZVOUS_READY).go);
	assert_true(say(f, a, LF_RENDEZVOUS_READY).go);
	assert_false(say(f, a, LF_RENDEZVOUS_HELD).go);
	lf_clock_step(f->clock, LF_NS_PER_S);
	assert_true(say(f, b, LF_RENDEZVOUS_HELD).go);
	assert_true(say(f, a, LF_RENDEZVOUS_HELD).go);
	lf_clock_step(f->clock, 3 * LF_NS_PER_S);
	commit_member(f, AGENT, a, true);
	newest(f, ITEM, time_a);
	assert_string_equal(time_a, ""); /* the other may still fail */
	lf_clock_step(f->clock, 3 * LF_NS_PER_S);
	commit_member(f, OTHER, b, true);
	newest(f, ITEM, time_a);
	newest(f, ITEM_B, time_b);
	assert_true(time_a[0]);
	assert_string_equal(time_a, time_b);
	/* and the next time again */
	lf_clock_step(f->clock, 5 * MINUTE);
	assert_true(poll_of(f, OTHER).due);
	assert_true(poll_of(f, AGENT).group[0]);
}

static void test_group__a_member_that_did_not_hold_costs_the_mark_and_no_point(void **state)
{
	struct fixture *f = *state;
	char a[LF_GUID_SIZE], b[LF_GUID_SIZE], time[LF_TIME_SIZE];
	struct assigned first = poll_of(f, AGENT);

	begin_member(f, ITEM, AGENT, first.group, a);
	begin_member(f, ITEM_B, OTHER, poll_of(f, OTHER).group, b);
	assert_false(say(f, a, LF_RENDEZVOUS_HELD).go);
	assert_true(say(f, b, LF_RENDEZVOUS_HELD).go);
	commit_member(f, AGENT, a, true);
	commit_member(f, OTHER, b, false); /* its freeze ended before */
	newest(f, ITEM, time);
	assert_string_equal(time, "");
	newest(f, ITEM_B, time);
	assert_string_equal(time, "");
	assert_false(poll_of(f, AGENT).due);
}

static void test_group__a_member_that_begins_alone_frees_the_others(void **state)
{
	struct fixture *f = *state;
	char a[LF_GUID_SIZE], b[LF_GUID_SIZE];
	struct assigned first = poll_of(f, AGENT);

	begin_member(f, ITEM, AGENT, first.group, a);
	assert_false(say(f, a, LF_RENDEZVOUS_READY).lost);
	begin_member(f, ITEM_B, OTHER, NULL, b);
	assert_true(say(f, a, LF_RENDEZVOUS_READY).lost);
	commit_member(f, AGENT, a, false);
}

static void test_group__does_not_meet_without_all_of_it(void **state)
{
	struct fixture *f = *state;
	struct assigned alone;

	/* an agent of a version that does not know how */
	add_agent(f, OTHER, false);
	alone = poll_of(f, AGENT);
	assert_true(alone.due && !alone.group[0]);
	/* one that is away */
	add_agent(f, OTHER, true);
	lf_clock_step(f->clock, 2 * MINUTE);
	alone = poll_of(f, AGENT);
	assert_true(alone.due && !alone.group[0]);
	/* all there */
	lf_report_put(f->replication, OTHER, json_array());
	assert_true(poll_of(f, AGENT).group[0]);
	/* a meeting that nobody comes to is forgotten */
	lf_clock_step(f->clock, 11 * MINUTE);
	alone = poll_of(f, AGENT);
	assert_true(alone.due && !alone.group[0]);
}

static void test_group__a_token_that_is_nobodys_begins_nothing(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *answer = NULL;
	char id[LF_GUID_SIZE];

	assert_true(poll_of(f, AGENT).due);
	begin_member(f, ITEM, AGENT, NULL, id);
	commit_member(f, AGENT, id, true); /* it says so, and nobody else does */
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:s,s:[{s:s,s:i}]}", "itemId", ITEM, "kind", "full", "group",
			  AGENT, "disks", "id", "d0", "sizeBytes", PAGES * LF_PAGE_SIZE);
	assert_int_equal(
		lf_replication_session_begin(f->replication, AGENT, request, &answer, &err),
		LF_ECONFLICT);
	assert_true(say(f, AGENT, LF_RENDEZVOUS_HELD).lost);
}

static void test_group__marks_no_points_when_one_is_inconsistent(void **state)
{
	struct fixture *f = *state;
	char a[LF_GUID_SIZE], b[LF_GUID_SIZE], time[LF_TIME_SIZE];
	struct assigned first = poll_of(f, AGENT);

	begin_member(f, ITEM, AGENT, first.group, a);
	begin_member(f, ITEM_B, OTHER, first.group, b);
	say(f, a, LF_RENDEZVOUS_HELD);
	assert_true(say(f, b, LF_RENDEZVOUS_HELD).go);
	commit_member(f, AGENT, a, true);
	commit_as(f, OTHER, b, true, "Inconsistent");
	newest(f, ITEM, time);
	assert_string_equal(time, "");
	newest(f, ITEM_B, time);
	assert_string_equal(time, "");
}

int main(void)
{
#define G(name) cmocka_unit_test_setup_teardown(name, setup_group, teardown)
	const struct CMUnitTest tests[] = {
		G(test_group__points_of_one_instant_are_marked_and_have_its_time),
		G(test_group__a_member_that_did_not_hold_costs_the_mark_and_no_point),
		G(test_group__marks_no_points_when_one_is_inconsistent),
		G(test_group__a_member_that_begins_alone_frees_the_others),
		G(test_group__does_not_meet_without_all_of_it),
		G(test_group__a_token_that_is_nobodys_begins_nothing),
	};
#undef G
	return cmocka_run_group_tests(tests, NULL, NULL);
}
