/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers, readers and the collector at once on one vault: every point is
 * whole whenever it is looked at, and so is the vault at the end.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "vault/care/care.h"
#include "vault/map/map.h"
#include "vault/lease.h"
#include "vault_fixture.h"

#define WRITERS 3u
#define POINTS	25u
#define PAGES	80u

struct shared {
	struct fixture *fixture;
	_Atomic unsigned writing;
	_Atomic unsigned failures;
	char first_failure[512];
};

struct writer {
	struct shared *shared;
	unsigned number;
};

static void note_failure(struct shared *shared, const char *what, const struct lf_error *err)
{
	if (atomic_fetch_add(&shared->failures, 1) == 0)
		snprintf(shared->first_failure, sizeof(shared->first_failure), "%s: %s", what,
			 err->message);
}

/* Few different pages among all writers, so that they meet in the same chunks. */
static uint64_t page_seed(unsigned writer, unsigned point, unsigned page)
{
	return 1 + (writer * 7 + point * 3 + page) % 200;
}

static int write_point(struct lf_vault *vault, const struct writer *writer, unsigned point,
		       struct lf_root *root, struct lf_error *err)
{
	struct lf_map_edit *edit = NULL;
	uint8_t data[LF_PAGE_SIZE];
	int rc = lf_map_edit_begin(vault, NULL, &edit, err);

	for (unsigned i = 0; !rc && i < PAGES; i++) {
		struct lf_extent extent = {.page = i, .pages = 1};
		fill_noise(data, sizeof(data), page_seed(writer->number, point, i));
		rc = lf_vault_put(vault, data, sizeof(data), &extent.chunk, err);
		if (!rc)
			rc = lf_map_edit_put(edit, &extent, err);
	}
	if (!rc)
		rc = lf_map_edit_commit(edit, root, err);
	lf_map_edit_free(edit);
	return rc;
}

static int read_point(struct lf_vault *vault, const struct writer *writer, unsigned point,
		      const struct lf_root *root, struct lf_error *err)
{
	uint8_t expected[LF_PAGE_SIZE], data[LF_PAGE_SIZE];
	int rc = 0;

	for (unsigned i = 0; !rc && i < PAGES; i++) {
		fill_noise(expected, sizeof(expected), page_seed(writer->number, point, i));
		rc = lf_map_read(vault, root, data, sizeof(data), (uint64_t)i * LF_PAGE_SIZE, err);
		if (!rc && memcmp(data, expected, sizeof(data)) != 0)
			rc = lf_fail(err, LF_ECORRUPT, NULL, "wrong bytes");
	}
	return rc;
}

static int transfer(const struct writer *writer, unsigned point, char id[static LF_GUID_SIZE],
		    struct lf_root *root, struct lf_error *err)
{
	struct lf_vault *vault = writer->shared->fixture->vault;
	char session[LF_GUID_SIZE];

	lf_guid_random(session);
	lf_guid_random(id);
	int rc = lf_lease_begin(vault, session, err);
	if (!rc)
		rc = write_point(vault, writer, point, root, err);
	if (!rc) {
		LF_AUTO_JSON *manifest = one_disk(id, root, (uint64_t)PAGES * LF_PAGE_SIZE);
		rc = lf_point_put(vault, id, manifest, "retention", LF_CLAIM_FOREVER, err);
	}
	return rc ? rc : lf_lease_end(vault, session, err);
}

static void *write_points(void *argument)
{
	const struct writer *writer = argument;
	struct lf_vault *vault = writer->shared->fixture->vault;
	char ids[POINTS][LF_GUID_SIZE];
	struct lf_root roots[POINTS];
	struct lf_error err;

	for (unsigned i = 0; i < POINTS; i++) {
		if (transfer(writer, i, ids[i], &roots[i], &err)) {
			note_failure(writer->shared, "transfer", &err);
			break;
		}
		if (i < 2)
			continue;
		if (read_point(vault, writer, i - 1, &roots[i - 1], &err))
			note_failure(writer->shared, "read", &err);
		if (lf_claim_drop(vault, ids[i - 2], "retention", &err))
			note_failure(writer->shared, "drop", &err);
	}
	atomic_fetch_sub(&writer->shared->writing, 1);
	return NULL;
}

static void *collect_always(void *argument)
{
	struct shared *shared = argument;
	struct lf_error err;

	while (atomic_load(&shared->writing)) {
		LF_AUTO_JSON *report = NULL;
		LF_AUTO_JSON *faults = NULL;
		if (lf_vault_collect(shared->fixture->vault, &(struct lf_collect_opts){.now_ns = 1},
				     &report, &err))
			note_failure(shared, "collect", &err);
		if (lf_vault_verify(shared->fixture->vault, NULL, &faults, &err))
			note_failure(shared, "verify", &err);
		if (json_array_size(faults)) {
			lf_fail(&err, LF_ECORRUPT, NULL, "%s",
				lf_json_text_or(faults, "0.fault", "?"));
			note_failure(shared, "verify", &err);
		}
	}
	return NULL;
}

static void test_vault__collects_beside_transfers_and_readers(void **state)
{
	struct shared shared = {.fixture = *state, .writing = WRITERS};
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS + 1];

	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){&shared, i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_points, &writers[i]), 0);
	}
	assert_int_equal(pthread_create(&threads[WRITERS], NULL, collect_always, &shared), 0);
	for (unsigned i = 0; i <= WRITERS; i++)
		pthread_join(threads[i], NULL);
	if (shared.failures)
		fail_msg("%u failures; %s", shared.failures, shared.first_failure);
	assert_whole(shared.fixture->vault);
	fixture_reopen(shared.fixture);
	assert_whole(shared.fixture->vault);
}

#define ENDERS 8u
#define ROUNDS 10000u
#define LEASE  "11111111-1111-4111-8111-111111111111"

struct enders {
	struct lf_vault *vault;
	pthread_barrier_t barrier;
	atomic_uint failures;
};

static void *end_leases(void *argument)
{
	struct enders *enders = argument;
	struct lf_error err;

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (pthread_barrier_wait(&enders->barrier) == PTHREAD_BARRIER_SERIAL_THREAD &&
		    lf_lease_begin(enders->vault, LEASE, &err))
			atomic_fetch_add(&enders->failures, 1);
		pthread_barrier_wait(&enders->barrier);
		if (lf_lease_end(enders->vault, LEASE, &err))
			atomic_fetch_add(&enders->failures, 1);
	}
	return NULL;
}

/* As a sweep does beside whoever begins again. */
static void test_lease__is_ended_by_several_at_once(void **state)
{
	struct enders enders = {.vault = ((struct fixture *)*state)->vault};
	pthread_t threads[ENDERS];

	pthread_barrier_init(&enders.barrier, NULL, ENDERS);
	for (unsigned i = 0; i < ENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, end_leases, &enders), 0);
	for (unsigned i = 0; i < ENDERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&enders.barrier);
	assert_int_equal(enders.failures, 0);
	assert_whole(enders.vault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vault__collects_beside_transfers_and_readers,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_lease__is_ended_by_several_at_once,
						fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
