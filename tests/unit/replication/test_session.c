/* SPDX-License-Identifier: Apache-2.0 */
/* From begin to point, with a real vault and catalog. */
#include "test.h"

#include <dirent.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/text.h"
#include "replication/inventory.h"
#include "inflow/journal.h"
#include "replication/session.h"
#include "replication/state.h"
#include "vault/pack/pack.h"

#define AGENT  "aaaaaaaa-0000-4000-8000-000000000001"
#define OTHER  "bbbbbbbb-0000-4000-8000-000000000002"
#define ITEM   "/subscriptions/s/items/one"
#define MINUTE (60 * LF_NS_PER_S)
#define PAGES  64

static struct lf_error err;

struct fixture {
	sem_t changed; /* a replica did */
	char *dir;
	struct lf_clock *clock;
	struct lf_catalog *catalog;
	struct lf_regions *regions;
	struct lf_replication *replication;
	struct lf_vault *vault;
};

static void add_item(struct fixture *f, const char *item)
{
	LF_AUTO_JSON *spec = json_pack("{s:s,s:s,s:s,s:[{s:s}],s:{s:i}}", "itemId", item, "agentId",
				       AGENT, "region", "west", "disks", "id", "d0", "policy",
				       "recoveryPointHistoryInMinutes", 24 * 60);

	assert_lf_ok(lf_replica_start(f->replication, spec, &err));
}

static void note_change(void *context, const char *item)
{
	struct fixture *f = context;

	(void)item;
	sem_post(&f->changed);
}

static void open_site(struct fixture *f)
{
	LF_AUTO_FREE char *db = lf_printf_dup("%s/catalog.db", f->dir);

	assert_lf_ok(lf_catalog_open(db, f->clock, &f->catalog, &err));
	assert_lf_ok(lf_regions_open(f->dir, &f->regions, &err));
	const struct lf_replication_opts opts = {.catalog = f->catalog,
						 .clock = f->clock,
						 .regions = f->regions,
						 .data_dir = f->dir,
						 .changed = note_change,
						 .context = f};
	assert_lf_ok(lf_replication_open(&opts, &f->replication, &err));
	assert_lf_ok(lf_regions_vault(f->regions, "west", &f->vault, &err));
}

static void close_site(struct fixture *f)
{
	lf_replication_free(f->replication);
	lf_regions_free(f->regions);
	lf_catalog_free(f->catalog);
}

/* Another process tends the site, and dies at this point. */
static void tend_and_die(struct fixture *f, const char *fault)
{
	int status;

	close_site(f);
	pid_t pid = fork();
	if (pid == 0) {
		open_site(f);
		lf_fault_set(fault);
		_exit(lf_replication_tend(f->replication, &err) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	open_site(f);
	assert_true(WIFSIGNALED(status));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;

	assert_int_equal(test_dir_setup(&dir), 0);
	f->dir = dir;
	sem_init(&f->changed, 0, 0);
	f->clock = lf_clock_new_manual(INT64_C(1800000000) * LF_NS_PER_S);
	open_site(f);
	add_item(f, ITEM);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	close_site(f);
	lf_clock_free(f->clock);
	free(f);
	return test_dir_teardown(&dir);
}

static bool is_due(struct fixture *f)
{
	LF_AUTO_JSON *assignments = NULL;

	assert_lf_ok(lf_replication_assignments(f->replication, AGENT, &assignments, &err));
	return lf_json_bool_or(json_array_get(assignments, 0), "due", false);
}

/* The clock goes on until a point is due.  kind "full" or "delta"; base: of a delta; resume:
 * session to go on with, up to so many pages. */
static json_t *begin(struct fixture *f, const char *kind, const char *base, const char *resume,
		     int upto)
{
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:s?,s:{s:s?,s:[i]},s:[{s:s,s:i}]}", "itemId", ITEM, "kind",
			  kind, "basePointId", base, "resume", "session", resume, "upto", upto,
			  "disks", "id", "d0", "sizeBytes", PAGES * LF_PAGE_SIZE);
	json_t *answer = NULL;

	while (!is_due(f))
		lf_clock_step(f->clock, MINUTE);
	assert_lf_ok(lf_replication_session_begin(f->replication, AGENT, request, &answer, &err));
	return answer;
}

static const char *id_of(const json_t *answer)
{
	return lf_json_text_or(answer, "sessionId", "");
}

static int send_extents(struct fixture *f, const char *session, const char *disk, uint64_t upto,
			const uint8_t *wire, size_t n)
{
	LF_AUTO_TRANSFER_SESSION opened = {0};
	int rc = lf_session_open(f->replication, AGENT, session, &opened, &err);

	return rc ? rc : lf_session_extents(&opened, disk, upto, wire, n, &err);
}

/* Put one page of this letter into the vault as an agent does, and tell of it. */
static void send_page(struct fixture *f, const char *session, uint64_t page, char letter,
		      uint64_t upto)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/pack", f->dir);
	struct lf_extent extent = {.page = page, .pages = 1, .hole = !letter};
	uint8_t data[LF_PAGE_SIZE], wire[LF_EXTENT_WIRE_SIZE];
	char name[LF_PACK_NAME_SIZE];
	struct lf_chunk_hasher *hasher = NULL;
	struct lf_pack_writer *writer = NULL;
	LF_AUTO_TRANSFER_SESSION opened = {0};
	const struct lf_domain_key *key = lf_vault_key(f->vault);

	memset(data, letter, sizeof(data));
	if (letter) {
		assert_lf_ok(lf_chunk_hasher_new(key, &hasher, &err));
		assert_lf_ok(lf_chunk_id_of(hasher, data, sizeof(data), &extent.chunk, &err));
		assert_lf_ok(lf_pack_writer_new(key, path, &writer, &err));
		assert_lf_ok(lf_pack_writer_add(writer, &extent.chunk, data, sizeof(data), &err));
		assert_lf_ok(lf_pack_writer_finish(writer, name, &err));
		assert_lf_ok(lf_session_open(f->replication, AGENT, session, &opened, &err));
		assert_lf_ok(lf_session_adopt(&opened, path, &err));
		lf_pack_writer_free(writer);
		lf_chunk_hasher_free(hasher);
		assert_lf_ok(lf_file_remove(path, &err));
	}
	lf_extent_encode(&extent, wire);
	assert_lf_ok(send_extents(f, session, "d0", upto, wire, 1));
}

static int commit(struct fixture *f, const char *session)
{
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:i}", "consistency", "CrashConsistent", "ageMs", 0);
	LF_AUTO_JSON *answer = NULL;

	int rc = lf_replication_session_commit(f->replication, AGENT, session, request, &answer,
					       &err);
	if (!rc)
		assert_string_equal(lf_json_text_or(answer, "pointId", ""), session);
	return rc;
}

/* A full pass with this letter in page 3. */
static void make_full(struct fixture *f, char letter, char id[static LF_GUID_SIZE])
{
	LF_AUTO_JSON *answer = begin(f, "full", NULL, NULL, 0);

	snprintf(id, LF_GUID_SIZE, "%s", id_of(answer));
	send_page(f, id, 3, letter, PAGES);
	assert_lf_ok(commit(f, id));
}

static json_t *points_of(struct fixture *f)
{
	json_t *points = NULL;

	assert_lf_ok(lf_replica_points(f->replication, ITEM, &points, &err));
	return points;
}

/* The letter of a page in the newest point. */
static char letter_of(struct fixture *f, uint64_t page)
{
	LF_AUTO_JSON *points = points_of(f);
	struct lf_root root;
	uint8_t data[LF_PAGE_SIZE];

	assert_lf_ok(lf_root_parse(lf_json_text_or(points, "0.disks.0.root", ""), &root, &err));
	assert_lf_ok(lf_map_read(f->vault, &root, data, sizeof(data), page * LF_PAGE_SIZE, &err));
	assert_memory_equal(data, data + 1, sizeof(data) - 1);
	return (char)data[0];
}

static size_t n_points(struct fixture *f)
{
	LF_AUTO_JSON *points = points_of(f);

	return json_array_size(points);
}

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
	assert_lf_ok(lf_replica_request_final(f->replication, ITEM, "t1", false, &err));
	assert_int_equal(try_begin(f, NULL), LF_ECONFLICT);
	assert_int_equal(try_begin(f, "t0"), LF_ECONFLICT);
	assert_lf_ok(try_begin(f, "t1"));
	assert_int_equal(try_begin(f, "t1"), LF_ECONFLICT);
	assert_int_equal(n_points(f), 3);
	/* after a last one, none */
	assert_lf_ok(lf_replica_request_final(f->replication, ITEM, "t2", true, &err));
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_full__then_delta_make_points),
		TEST(test_point__is_due_in_time_and_after_the_clock_was_set_back),
		TEST(test_begin__makes_no_point_that_is_not_due),
		TEST(test_begin__of_an_open_session_may_be_repeated),
		TEST(test_commit__twice_gives_the_same_point),
		TEST(test_commit__after_a_kill_that_left_the_session_adds_no_second_point),
		TEST(test_delta__against_an_old_point_becomes_full),
		TEST(test_resume__cuts_what_the_agent_does_not_know_of),
		TEST(test_begin__drops_the_session_before),
		TEST(test_session__with_a_damaged_journal_makes_no_point_and_begins_anew),
		TEST(test_session__of_another_agent_is_not_found),
		TEST(test_begin__refuses_disks_without_sense),
		TEST(test_sweep__keeps_sessions_that_make_progress),
		TEST(test_sweep__ends_what_a_kill_left_of_a_session),
		TEST(test_point__says_what_machine_it_is_of),
		TEST(test_retention__keeps_what_it_lists),
		TEST(test_retention__lets_go_of_claims_that_a_kill_left),
		TEST(test_extents__have_to_be_on_the_disk),
		TEST(test_journal__holds_the_disk_twice_and_some),
		TEST(test_commit__costs_what_changes_in_whatever_order_it_came),
		TEST(test_commit__runs_once_for_a_session_and_answers_the_latest),
		TEST(test_commit__is_cut_short_by_a_stop_and_loses_nothing),
		TEST(test_commit__goes_on_after_a_kill_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
