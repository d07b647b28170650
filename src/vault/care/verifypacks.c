/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs of a vault, each read once from end to end, by as many threads as
 * there are processors (few: this runs beside other work).
 */
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/text.h"
#include "os/workers.h"
#include "vault/care/verify.h"

#define THREADS_MAX 4u

static struct lf_pack *any_pack(void *context, const uint8_t *entry)
{
	(void)entry;
	return context;
}

int lf_run_check_file(const char *dir, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);
	struct lf_pack nobody = {0};
	struct lf_run *run = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_run_open(path, any_pack, &nobody, &run, err);
	if (!rc)
		rc = lf_run_check(run, err);
	lf_run_unref(run);
	return rc;
}

LF_LOCK_KIND(work_lock);

/* The threads' common work. */
struct work {
	struct lf_vault *vault;
	const struct lf_verify_opts *opts;
	const struct lf_verified *known;
	char (*names)[80];
	size_t count;
	atomic_bool failed;
	pthread_mutex_t mutex;
	size_t next LF_GUARDED_BY(work_lock);
	struct lf_verify *verify LF_GUARDED_BY(work_lock); /* its faults and what is bad */
};

/* One thread's. */
struct checker {
	struct work *work;
	struct lf_opener *opener;
	uint8_t *plain;
	uint8_t *file; /* a whole pack */
	size_t room;
	bool faulty; /* something was told of the present pack */
};

static int tell(struct checker *checker, const char *object, const char *fault,
		const struct lf_chunk_id *bad, struct lf_error *err)
{
	struct work *work = checker->work;
	checker->faulty = true;
	LF_GUARD(&work->mutex, work_lock);
	int rc = object ? lf_verify_fault(work->verify, object, fault, NULL, err) : 0;

	if (!rc && bad)
		rc = lf_badset_add(&work->verify->bad, bad, err);
	return rc;
}

static int read_memory(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	const struct checker *checker = context;

	(void)err;
	memcpy(data, checker->file + offset, len);
	return 0;
}

/* Seal, compression and id; the checksum too, which is what a store without keys can check. */
static int check_record(struct checker *checker, const uint8_t *owner,
			const struct lf_pack_entry *entry, struct lf_error *err)
{
	const uint8_t *record = checker->file + entry->offset;
	uint8_t hash[16];

	lf_record_hash(record, entry->stored, hash);
	if (memcmp(hash, entry->hash, 16) != 0)
		return lf_fail(err, LF_ECORRUPT, NULL, "the checksum of a record does not match");
	struct lf_vault *vault = checker->work->vault;
	if (vault->keyless)
		return 0;
	int rc = lf_record_open(checker->opener->sealer, checker->opener->codec, entry, record,
				checker->opener->scratch, checker->plain, err);
	return rc ? rc
		  : lf_vault_check_id(vault, owner, &entry->id, checker->plain, entry->plain, err);
}

static bool index_agrees(struct lf_index *index, const uint8_t *name,
			 const struct lf_pack_entry *entry)
{
	struct lf_place place;

	for (unsigned nth = 0; lf_index_find(index, &entry->id, nth, &place); nth++)
		if (memcmp(place.pack->name, name, 32) == 0)
			return place.entry.offset == entry->offset &&
			       place.entry.stored == entry->stored &&
			       place.entry.plain == entry->plain &&
			       place.entry.record == entry->record &&
			       place.entry.coding == entry->coding &&
			       place.entry.kind == entry->kind;
	return false;
}

static int check_entries(struct checker *checker, const char *name,
			 const struct lf_pack_footer *footer, struct lf_error *err)
{
	struct lf_vault *vault = checker->work->vault;
	struct lf_error bad;
	uint8_t key[32];
	uint64_t size;
	const uint8_t *owner = lf_pack_owner(footer->flags, footer->salt);
	bool lost = false;

	int rc = vault->keyless ? 0
				: lf_pack_key(&vault->key, footer->epoch, footer->flags,
					      footer->salt, key, err);
	checker->opener->pack = NULL;
	if (!rc && !vault->keyless)
		rc = lf_sealer_set_key(checker->opener->sealer, key, err);
	for (uint32_t i = 0; !rc && i < footer->count; i++) {
		const struct lf_pack_entry *entry = &footer->entries[i];
		int wrong = check_record(checker, owner, entry, &bad);
		if (wrong == LF_ECORRUPT)
			rc = tell(checker, name, bad.message, &entry->id, err);
		else if (wrong)
			rc = lf_fail(err, wrong, name, "%s", bad.message);
		lost = lost || !index_agrees(vault->index, footer->name, entry);
	}
	/* collected while we read: then the index is right not to know it */
	if (!rc && lost && !lf_store_size(vault->store, name, &size, &bad)) {
		rc = lf_index_refresh(vault->index, err);
		lost = false;
		for (uint32_t i = 0; !rc && i < footer->count; i++)
			lost = lost ||
			       !index_agrees(vault->index, footer->name, &footer->entries[i]);
		if (!rc && lost && !lf_store_size(vault->store, name, &size, &bad))
			rc = tell(checker, name, "the index does not agree with the pack", NULL,
				  err);
	}
	return rc;
}

static int load_file(struct checker *checker, const char *name, uint64_t *ret_size,
		     struct lf_error *err)
{
	struct lf_store *store = checker->work->vault->store;
	uint64_t size = 0;
	int rc = lf_store_size(store, name, &size, err);

	if (!rc && size > LF_PACK_BYTES_MAX)
		rc = lf_fail(err, LF_ECORRUPT, name, "longer than a pack can be");
	if (!rc && size > checker->room) {
		free(checker->file);
		checker->room = size;
		checker->file = malloc(size);
		if (!checker->file) {
			checker->room = 0;
			return lf_fail_nomem(err);
		}
	}
	if (!rc)
		rc = lf_store_read(store, name, checker->file, size, 0, err);
	if (!rc)
		*ret_size = size;
	return rc;
}

static int check_place(void *context, const struct lf_place *place, struct lf_error *err)
{
	struct checker *checker = context;
	struct lf_error bad;

	if (!lf_vault_read_place(checker->work->vault, checker->opener, place, checker->plain,
				 &bad))
		return 0;
	return bad.code == LF_ENOMEM ? lf_fail_nomem(err)
				     : tell(checker, NULL, NULL, &place->entry.id, err);
}

/* The footer is gone: what the index still knows of the pack is tried record by record. */
static int check_by_index(struct checker *checker, const uint8_t *name, struct lf_error *err)
{
	int rc = lf_index_each_record(checker->work->vault->index, name, check_place, checker, err);

	return rc == LF_ECORRUPT ? 0 : rc; /* of the run: said by itself */
}

static int check_whole_pack(struct checker *checker, const char *name, const uint8_t *binary,
			    struct lf_error *err)
{
	struct lf_pack_footer footer = {0};
	struct lf_error bad;
	uint64_t size = 0;
	int rc = load_file(checker, name, &size, &bad);
	if (rc == LF_ENOTFOUND)
		return 0; /* collected meanwhile */
	if (!rc)
		rc = lf_pack_footer_read(read_memory, checker, size, &footer, &bad);
	if (!rc && memcmp(footer.name, binary, 32) != 0)
		rc = lf_fail(&bad, LF_ECORRUPT, name, "the pack's name is not its content's");
	if (rc == LF_ENOMEM)
		return lf_fail_nomem(err);
	if (rc) {
		lf_pack_footer_done(&footer);
		rc = tell(checker, name, bad.message, NULL, err);
		return rc ? rc : check_by_index(checker, binary, err);
	}
	rc = check_entries(checker, name, &footer, err);
	lf_pack_footer_done(&footer);
	return rc;
}

static int check_pack(struct checker *checker, const char *name, struct lf_error *err)
{
	struct work *work = checker->work;
	const struct lf_verify_opts *opts = work->opts;
	struct lf_error bad;
	uint8_t binary[32];

	if (lf_hex_decode(name + 6, binary, 32, &bad))
		return tell(checker, name, "not the name of a pack", NULL, err);
	int64_t when = lf_verified_when(work->known, binary);
	bool known = opts->incremental && when &&
		     (!opts->older_than_ns || when > opts->now_ns - opts->older_than_ns);
	checker->faulty = false;
	int rc = known ? 0 : check_whole_pack(checker, name, binary, err);
	LF_GUARD(&work->mutex, work_lock);
	if (!rc && !checker->faulty)
		lf_verified_add(&work->verify->found, binary, known ? when : opts->now_ns + 1);
	return rc;
}

static const char *next_pack(struct work *work)
{
	const struct lf_verify_opts *opts = work->opts;
	LF_GUARD(&work->mutex, work_lock);

	if (opts->progress)
		opts->progress(opts->context, work->next, work->count);
	return atomic_load(&work->failed) || work->next == work->count ? NULL
								       : work->names[work->next++];
}

static int check_packs(void *context, struct lf_error *err)
{
	struct work *work = context;
	struct checker checker = {.work = work, .plain = malloc(LF_CHUNK_BYTES_MAX)};
	int rc = checker.plain ? lf_opener_get(work->vault, &checker.opener, err)
			       : lf_fail_nomem(err);

	for (const char *name; !rc && (name = next_pack(work));)
		rc = check_pack(&checker, name, err);
	if (checker.opener)
		lf_opener_put(work->vault, checker.opener);
	free(checker.plain);
	free(checker.file);
	return rc;
}

static int list_name(void *context, const char *name, struct lf_error *err)
{
	struct work *work = context;
	char(*names)[80] = work->names;
	struct lf_error ignored;
	uint8_t binary[32];

	if (lf_hex_decode(name, binary, sizeof(binary), &ignored))
		return 0; /* not ours */

	if ((work->count & (work->count - 1)) == 0)
		names = reallocarray(names, work->count ? work->count * 2 : 1, sizeof(*names));
	if (!names)
		return lf_fail_nomem(err);
	work->names = names;
	snprintf(names[work->count++], sizeof(*names), "packs/%.73s", name);
	return 0;
}

/* A chunk is lost only when no copy of it is good. */
static int forgive_copies(struct lf_verify *verify, struct lf_error *err)
{
	struct lf_opener *opener = NULL;
	LF_AUTO_FREE uint8_t *plain = malloc(LF_CHUNK_BYTES_MAX);
	size_t kept = 0;
	int rc = plain ? lf_opener_get(verify->vault, &opener, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	for (size_t i = 0; i < verify->bad.count; i++) {
		struct lf_place place;
		struct lf_error bad;
		bool good = false;
		for (unsigned nth = 0;
		     !good && lf_index_find(verify->vault->index, &verify->bad.ids[i], nth, &place);
		     nth++)
			good = !lf_vault_read_place(verify->vault, opener, &place, plain, &bad);
		if (!good)
			verify->bad.ids[kept++] = verify->bad.ids[i];
	}
	/* the room stays: the set's count only ever passes a power of two again by growing */
	verify->bad.count = kept;
	lf_opener_put(verify->vault, opener);
	return 0;
}

int lf_verify_packs(struct lf_verify *verify, struct lf_error *err)
{
	struct work work = {.vault = verify->vault,
			    .opts = verify->opts,
			    .known = &verify->known,
			    .mutex = PTHREAD_MUTEX_INITIALIZER,
			    .verify = verify};
	unsigned threads = lf_processors() < THREADS_MAX ? lf_processors() : THREADS_MAX;
	int rc = lf_store_list(verify->vault->store, "packs", list_name, &work, err);

	if (!rc)
		rc = lf_workers_run(threads, check_packs, &work, &work.failed, err);
	pthread_mutex_destroy(&work.mutex);
	free(work.names);
	return rc || !verify->bad.count ? rc : forgive_copies(verify, err);
}
