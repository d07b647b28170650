/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index against the files: what is in the store and what runs say of it.
 * A pack that no run covers is read from its own footer, so that a
 * crash between the pack and the index costs nothing but that.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/index/index_internal.h"
#include "vault/pack/pack_internal.h"

#define RUN_NAME_LEN 20u /* 16 hex digits and the suffix */

static int list_pack(void *context, const char *name, struct lf_error *err)
{
	struct lf_index *index = context;
	struct lf_error ignored;
	uint8_t binary[32];

	if (lf_hex_decode(name, binary, 32, &ignored))
		return 0; /* not ours */
	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	struct lf_pack *pack = lf_index_pack_or_new(index, binary);
	if (pack)
		pack->listed = true;
	return pack ? 0 : lf_fail_nomem(err);
}

struct numbers {
	uint64_t *items;
	size_t count;
};

static int list_run(void *context, const char *name, struct lf_error *err)
{
	struct numbers *numbers = context;
	struct lf_error ignored;
	uint8_t binary[8];
	char digits[17];
	uint64_t number;

	if (strlen(name) != RUN_NAME_LEN || strcmp(name + 16, LF_INDEX_RUN_SUFFIX) != 0)
		return 0;
	memcpy(digits, name, 16);
	digits[16] = '\0';
	if (lf_hex_decode(digits, binary, 8, &ignored))
		return 0;
	memcpy(&number, binary, 8);
	uint64_t *items = reallocarray(numbers->items, numbers->count + 1, sizeof(*items));
	if (!items)
		return lf_fail_nomem(err);
	items[numbers->count++] = be64toh(number);
	numbers->items = items;
	return 0;
}

/* An entry of a run's table of packs.  Called by lf_run_open(), under the lock of open_run(). */
static struct lf_pack *take_table_entry(void *context, const uint8_t *entry)
{
	struct lf_index *index = context;
	LF_HELD(lf_index_lock);
	struct lf_pack *pack = lf_index_pack_or_new(index, entry);

	if (!pack || pack->covered)
		return pack;
	memcpy(pack->salt, entry + 32, 32);
	pack->epoch = lf_get_u32(entry + 64);
	pack->count = lf_get_u32(entry + 68);
	pack->size = lf_get_u32(entry + 72);
	pack->flags = lf_get_u32(entry + 76) & ~LF_RUN_PACK_CHECKED;
	if (lf_get_u32(entry + 76) & LF_RUN_PACK_CHECKED)
		atomic_store(&pack->checked, true);
	pack->covered = true;
	return pack;
}

LF_REQUIRES(lf_index_changing)
LF_REQUIRES(lf_index_lock)
static bool run_is_open_locked(const struct lf_index *index, uint64_t number)
{
	if (index->making && number == index->making)
		return true;
	for (size_t i = 0; i < index->leaving_count; i++)
		if (index->leaving[i]->number == number)
			return true;
	for (size_t i = 0; i < index->run_count; i++)
		if (index->runs[i]->number == number)
			return true;
	for (size_t i = 0; i < index->bad_count; i++)
		if (index->bad[i] == number)
			return true;
	return false;
}

/* Open, or known not to be worth it. */
LF_REQUIRES(lf_index_changing)
static bool run_is_open(struct lf_index *index, uint64_t number)
{
	LF_READ_GUARD(&index->lock, lf_index_lock);

	return run_is_open_locked(index, number);
}

/* Read the head of a run's file, whose packs are covered by it then. */
static int push_file(struct lf_index *index, const char *path, uint64_t number,
		     struct lf_error *err)
{
	struct lf_run *run = NULL;
	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	int rc = lf_run_open(path, take_table_entry, index, &run, err);

	if (rc)
		return rc;
	run->number = number;
	rc = lf_index_push_run(index, run, err);
	if (rc)
		lf_run_unref(run);
	return rc;
}

/* A damaged run, or one of another version, is as good as none. */
LF_REQUIRES(lf_index_changing)
static int open_run(struct lf_index *index, uint64_t number, struct lf_error *err)
{
	if (number > index->last_number)
		index->last_number = number;
	if (run_is_open(index, number))
		return 0;
	LF_AUTO_FREE char *path = lf_index_run_path(index, number);
	if (!path)
		return lf_fail_nomem(err);
	int rc = push_file(index, path, number, err);
	if ((rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED) && !index->read_only)
		return lf_file_remove(path, err);
	return rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED || rc == LF_ENOTFOUND ? 0 : rc;
}

struct pack_reader {
	struct lf_store *store;
	char name[80];
};

static int read_pack_at(void *context, void *data, size_t len, uint64_t offset,
			struct lf_error *err)
{
	struct pack_reader *reader = context;

	return lf_store_read(reader->store, reader->name, data, len, offset, err);
}

int lf_pack_footer_load(struct lf_store *store, const uint8_t name[static 32],
			struct lf_pack_footer *ret_footer, struct lf_error *err)
{
	struct pack_reader reader = {.store = store, .name = "packs/"};
	struct lf_pack_footer footer = {0};
	uint64_t size = 0;

	lf_hex_encode(name, 32, reader.name + 6);
	int rc = lf_store_size(store, reader.name, &size, err);
	if (!rc)
		rc = lf_pack_footer_read(read_pack_at, &reader, size, &footer, err);
	if (!rc && memcmp(footer.name, name, 32) != 0) {
		lf_pack_footer_done(&footer);
		rc = lf_fail(err, LF_ECORRUPT, reader.name, "the pack's name is not its content's");
	}
	if (rc)
		return lf_error_wrap(err, "%s", reader.name);
	*ret_footer = footer;
	return 0;
}

static void set_damaged(struct lf_index *index, struct lf_pack *pack, int code)
{
	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	pack->damaged = code; /* verify tells; other packs are not to suffer */
}

/* Packs that no run covers. */
static int load_footer(struct lf_index *index, struct lf_pack *pack, struct lf_error *err)
{
	struct lf_pack_footer footer = {0};
	int rc = lf_pack_footer_load(index->store, pack->name, &footer, err);

	if (rc == LF_ENOTFOUND)
		return 0; /* collected meanwhile */
	bool damaged = rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED || rc == LF_EIO;
	if (rc && !damaged)
		return rc;
	set_damaged(index, pack, rc);
	if (damaged)
		return 0;
	rc = lf_index_add(index, &footer, 0, err);
	lf_pack_footer_done(&footer);
	return rc;
}

/* Settle which packs live; collects those to be loaded. */
static int settle_packs(struct lf_index *index, struct lf_pack ***ret_missing, size_t *ret_count,
			struct lf_error *err)
{
	size_t count = 0;

	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	struct lf_pack **missing = calloc(index->pack_count + 1, sizeof(struct lf_pack *));
	for (size_t i = 0; missing && i < index->table_size; i++) {
		for (struct lf_pack *pack = index->table[i]; pack; pack = pack->next) {
			if (!pack->killed && (index->read_only || pack->seq == 0))
				atomic_store(&pack->dead, !pack->listed);
			if (pack->listed && !pack->covered)
				missing[count++] = pack;
		}
	}
	if (!missing)
		return lf_fail_nomem(err);
	*ret_missing = missing;
	*ret_count = count;
	return 0;
}

static void forget_listing(struct lf_index *index)
{
	LF_WRITE_GUARD(&index->lock, lf_index_lock);

	for (size_t i = 0; i < index->table_size; i++)
		for (struct lf_pack *pack = index->table[i]; pack; pack = pack->next)
			pack->listed = false;
}

LF_REQUIRES(lf_index_changing)
static int refresh_locked(struct lf_index *index, struct lf_error *err)
{
	struct numbers numbers = {0};
	LF_AUTO_FREE struct lf_pack **missing = NULL;
	size_t count = 0;

	forget_listing(index);
	/* runs first: a pack that came later than the listing of runs is read by itself */
	int rc = lf_store_list(index->store, "index", list_run, &numbers, err);
	for (size_t i = 0; !rc && i < numbers.count; i++)
		rc = open_run(index, numbers.items[i], err);
	free(numbers.items);
	if (!rc)
		rc = lf_store_list(index->store, "packs", list_pack, index, err);
	if (!rc)
		rc = settle_packs(index, &missing, &count, err);
	for (size_t i = 0; !rc && i < count; i++) {
		rc = load_footer(index, missing[i], err);
		/* a whole index may have to be made anew; no room for it is not the packs' fault */
		struct lf_error ignored;
		if (!rc)
			(void)!lf_index_tidy_locked(index, false, &ignored);
	}
	return rc;
}

static void uncover(struct lf_index *index, struct lf_run *run)
{
	LF_WRITE_GUARD(&index->lock, lf_index_lock);
	lf_index_uncover(index, run);
}

LF_REQUIRES(lf_index_changing)
static int drop_run(struct lf_index *index, struct lf_run *run, struct lf_error *err)
{
	uint64_t number = run->number;
	LF_AUTO_FREE char *path = lf_index_run_path(index, number);

	uncover(index, run);
	if (index->read_only && index->bad_count < LF_INDEX_BAD_MAX)
		index->bad[index->bad_count++] = number;
	if (index->read_only)
		return 0;
	return path ? lf_file_remove(path, err) : lf_fail_nomem(err);
}

LF_REQUIRES(lf_index_changing)
static int heal_locked(struct lf_index *index, size_t *ret_dropped, struct lf_error *err)
{
	struct lf_run **runs = NULL;
	size_t n = 0;
	int rc = lf_index_runs(index, &runs, &n, err);

	index->ailing = false;
	for (size_t i = 0; !rc && i < n; i++) {
		struct lf_error damage;
		int bad = lf_run_check(runs[i], &damage);
		if (!bad)
			atomic_store(&runs[i]->unread, false);
		if (!bad || bad == LF_ENOMEM)
			continue;
		++*ret_dropped;
		rc = drop_run(index, runs[i], err);
		atomic_fetch_add(&index->heals, 1);
	}
	for (size_t i = 0; i < n; i++)
		lf_run_unref(runs[i]);
	free(runs);
	return rc ? rc : refresh_locked(index, err);
}

/* Drop what a merge found damaged. */
LF_REQUIRES(lf_index_changing)
static int heal_ailing(struct lf_index *index, struct lf_error *err)
{
	size_t dropped = 0;

	return index->ailing ? heal_locked(index, &dropped, err) : 0;
}

int lf_index_refresh(struct lf_index *index, struct lf_error *err)
{
	LF_GUARD(&index->changing, lf_index_changing);
	int rc = refresh_locked(index, err);

	return rc ? rc : heal_ailing(index, err);
}

int lf_index_tidy(struct lf_index *index, bool all, struct lf_error *err)
{
	if (pthread_mutex_trylock(&index->changing))
		return 0;
	LF_HELD(lf_index_changing);
	int rc = heal_ailing(index, err); /* of the merge behind */
	if (!rc)
		rc = lf_index_tidy_locked(index, all, err);
	if (!rc)
		rc = heal_ailing(index, err);
	lf_unlock(&index->changing, lf_index_changing);
	return rc;
}

int lf_index_heal(struct lf_index *index, size_t *ret_dropped, struct lf_error *err)
{
	LF_GUARD(&index->changing, lf_index_changing);

	return heal_locked(index, ret_dropped, err);
}

unsigned lf_index_heals(const struct lf_index *index)
{
	return atomic_load(&index->heals);
}
