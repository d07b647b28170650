/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/replication/session_fixture.h - a site with a real vault and catalog, and an agent
 * that speaks to replication/ without a connection.
 */
#ifndef LF_TEST_SESSION_FIXTURE_H
#define LF_TEST_SESSION_FIXTURE_H

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

static inline void add_item(struct fixture *f, const char *item)
{
	LF_AUTO_JSON *spec = json_pack("{s:s,s:s,s:s,s:[{s:s}],s:{s:i}}", "itemId", item, "agentId",
				       AGENT, "region", "west", "disks", "id", "d0", "policy",
				       "recoveryPointHistoryInMinutes", 24 * 60);

	assert_lf_ok(lf_replica_start(f->replication, spec, &err));
}

static inline void note_change(void *context, const char *item)
{
	struct fixture *f = context;

	(void)item;
	sem_post(&f->changed);
}

static inline void open_site(struct fixture *f)
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

static inline void close_site(struct fixture *f)
{
	lf_replication_free(f->replication);
	lf_regions_free(f->regions);
	lf_catalog_free(f->catalog);
}

/* Another process tends the site, and dies at this point. */
static inline void tend_and_die(struct fixture *f, const char *fault)
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	close_site(f);
	lf_clock_free(f->clock);
	free(f);
	return test_dir_teardown(&dir);
}

static inline bool is_due(struct fixture *f)
{
	LF_AUTO_JSON *assignments = NULL;

	assert_lf_ok(lf_replication_assignments(f->replication, AGENT, &assignments, &err));
	return lf_json_bool_or(json_array_get(assignments, 0), "due", false);
}

/* The clock goes on until a point is due.  kind "full" or "delta"; base: of a delta; resume:
 * session to go on with, up to so many pages. */
static inline json_t *begin(struct fixture *f, const char *kind, const char *base,
			    const char *resume, int upto)
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

static inline const char *id_of(const json_t *answer)
{
	return lf_json_text_or(answer, "sessionId", "");
}

static inline int send_extents(struct fixture *f, const char *session, const char *disk,
			       uint64_t upto, const uint8_t *wire, size_t n)
{
	LF_AUTO_TRANSFER_SESSION opened = {0};
	int rc = lf_session_open(f->replication, AGENT, session, &opened, &err);

	return rc ? rc : lf_session_extents(&opened, disk, upto, wire, n, &err);
}

/* Put one page of this letter into the vault as an agent does, and tell of it. */
static inline void send_page(struct fixture *f, const char *session, uint64_t page, char letter,
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

static inline int commit(struct fixture *f, const char *session)
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
static inline void make_full(struct fixture *f, char letter, char id[static LF_GUID_SIZE])
{
	LF_AUTO_JSON *answer = begin(f, "full", NULL, NULL, 0);

	snprintf(id, LF_GUID_SIZE, "%s", id_of(answer));
	send_page(f, id, 3, letter, PAGES);
	assert_lf_ok(commit(f, id));
}

static inline json_t *points_of(struct fixture *f)
{
	json_t *points = NULL;

	assert_lf_ok(lf_replica_points(f->replication, ITEM, &points, &err));
	return points;
}

/* The letter of a page in the newest point. */
static inline char letter_of(struct fixture *f, uint64_t page)
{
	LF_AUTO_JSON *points = points_of(f);
	struct lf_root root;
	uint8_t data[LF_PAGE_SIZE];

	assert_lf_ok(lf_root_parse(lf_json_text_or(points, "0.disks.0.root", ""), &root, &err));
	assert_lf_ok(lf_map_read(f->vault, &root, data, sizeof(data), page * LF_PAGE_SIZE, &err));
	assert_memory_equal(data, data + 1, sizeof(data) - 1);
	return (char)data[0];
}

static inline size_t n_points(struct fixture *f)
{
	LF_AUTO_JSON *points = points_of(f);

	return json_array_size(points);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
