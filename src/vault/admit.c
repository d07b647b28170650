/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pack from outside, before it is taken: the footer's entries first (data
 * alone, whole pages, not too much), then every record is read, hashed, opened
 * and its id computed, by a few threads that take blocks of the file in turn. 
 * One fault refuses the pack as a whole; nothing of it is in the vault before
 * all was good.
 */
#include "vault/admit.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "os/workers.h"

#define BLOCK_BYTES  (1u << 20) /* of the file, read at once */
#define THREAD_BYTES (4u << 20) /* a thread more for so much of the file */

LF_LOCK_KIND(admission_lock);

struct admission {
	struct lf_vault *vault;
	int fd;
	struct lf_pack_entry *order; /* of the file */
	uint32_t count;
	uint8_t key[LF_KEY_SIZE];
	const uint8_t *owner; /* of the pack; NULL: the domain */
	atomic_bool failed;
	pthread_mutex_t mutex;
	uint32_t next LF_GUARDED_BY(admission_lock);
};

static int fail_record(const struct lf_pack_entry *entry, const char *what, struct lf_error *err)
{
	char hex[65];

	lf_hex_encode(entry->id.bytes, 32, hex);
	return lf_fail(err, LF_ECORRUPT, NULL, "chunk %s %s", hex, what);
}

/* Of what the footer says, what no sender may say. */
static int check_entry(const struct lf_pack_entry *entry, struct lf_error *err)
{
	/* maps are put together here, from extents: nobody sends nodes */
	if (entry->kind != LF_CHUNK_DATA)
		return fail_record(entry, "is a node of a disk map", err);
	if (entry->plain % LF_PAGE_SIZE)
		return fail_record(entry, "is not of whole pages", err);
	return 0;
}

static int check_record(const struct admission *admission, struct lf_opener *opener,
			const struct lf_pack_entry *entry, const uint8_t *record, uint8_t *plain,
			struct lf_error *err)
{
	uint8_t hash[16];

	lf_record_hash(record, entry->stored, hash);
	if (memcmp(hash, entry->hash, sizeof(hash)) != 0)
		return fail_record(entry, "has not its checksum", err);
	int rc = lf_record_open(opener->sealer, opener->codec, entry, record, opener->scratch,
				plain, err);
	return rc ? rc
		  : lf_vault_check_id(admission->vault, admission->owner, &entry->id, plain,
				      entry->plain, err);
}

/* Records that lie in one block of the file; false: no more. */
static bool next_block(struct admission *admission, uint32_t *ret_first, uint32_t *ret_last)
{
	LF_GUARD(&admission->mutex, admission_lock);
	uint32_t last = admission->next;

	if (atomic_load(&admission->failed) || last == admission->count)
		return false;
	uint64_t begin = admission->order[last].offset;
	while (last < admission->count &&
	       admission->order[last].offset + admission->order[last].stored - begin <= BLOCK_BYTES)
		last++;
	*ret_first = admission->next;
	*ret_last = admission->next = last;
	return true;
}

static int check_block(const struct admission *admission, struct lf_opener *opener, uint32_t first,
		       uint32_t last, uint8_t *block, uint8_t *plain, struct lf_error *err)
{
	const struct lf_pack_entry *order = admission->order;
	uint64_t begin = order[first].offset;
	uint64_t len = order[last - 1].offset + order[last - 1].stored - begin;
	int rc = lf_file_pread_all(admission->fd, block, len, begin, "pack", err);

	for (uint32_t i = first; !rc && i < last; i++)
		rc = check_record(admission, opener, &order[i], block + (order[i].offset - begin),
				  plain, err);
	return rc;
}

static int check_blocks(struct admission *admission, struct lf_opener *opener, struct lf_error *err)
{
	LF_AUTO_FREE uint8_t *block = malloc(BLOCK_BYTES);
	LF_AUTO_FREE uint8_t *plain = malloc(LF_CHUNK_BYTES_MAX);
	uint32_t first, last;

	if (!block || !plain)
		return lf_fail_nomem(err);
	opener->pack = NULL; /* it has this pack's key from here on */
	int rc = lf_sealer_set_key(opener->sealer, admission->key, err);
	while (!rc && next_block(admission, &first, &last))
		rc = check_block(admission, opener, first, last, block, plain, err);
	return rc;
}

static int run_checks(void *context, struct lf_error *err)
{
	struct admission *admission = context;
	struct lf_opener *opener = NULL;
	int rc = lf_opener_get(admission->vault, &opener, err);

	if (rc)
		return rc;
	rc = check_blocks(admission, opener, err);
	lf_opener_put(admission->vault, opener);
	return rc;
}

static int compare_offsets(const void *a, const void *b)
{
	const struct lf_pack_entry *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Processors are shared by the admissions under way; a small pack needs no second one. */
static unsigned threads_for(struct lf_vault *vault, uint64_t size)
{
	unsigned share = lf_processors() / atomic_load(&vault->admissions);
	uint64_t worth = 1 + size / THREAD_BYTES;

	return share > worth ? (unsigned)worth : share;
}

static int run_threads(struct admission *admission, uint64_t size, struct lf_error *err)
{
	struct lf_vault *vault = admission->vault;

	atomic_fetch_add(&vault->admissions, 1);
	int rc = lf_workers_run(threads_for(vault, size), run_checks, admission, &admission->failed,
				err);
	atomic_fetch_sub(&vault->admissions, 1);
	return rc;
}

int lf_pack_admit(struct lf_vault *vault, int fd, const struct lf_pack_footer *footer,
		  struct lf_error *err)
{
	LF_AUTO_FREE struct lf_pack_entry *order =
		lf_alloc_array(footer->count + 1, sizeof(*order));
	struct admission admission = {.vault = vault,
				      .fd = fd,
				      .order = order,
				      .count = footer->count,
				      .owner = lf_pack_owner(footer->flags, footer->salt)};
	uint64_t plain = 0;

	if (!order)
		return lf_fail_nomem(err);
	int rc = lf_pack_key(&vault->key, footer->epoch, footer->flags, footer->salt, admission.key,
			     err);
	for (uint32_t i = 0; !rc && i < footer->count; i++) {
		order[i] = footer->entries[i];
		plain += order[i].plain;
		rc = check_entry(&order[i], err);
	}
	if (!rc && plain > LF_PACK_PLAIN_MAX)
		rc = lf_fail(err, LF_ECORRUPT, NULL, "its chunks hold more than %llu GiB",
			     (unsigned long long)(LF_PACK_PLAIN_MAX >> 30));
	if (rc)
		return rc;
	qsort(order, footer->count, sizeof(*order), compare_offsets);
	pthread_mutex_init(&admission.mutex, NULL);
	rc = run_threads(&admission, footer->size, err);
	pthread_mutex_destroy(&admission.mutex);
	OPENSSL_cleanse(admission.key, sizeof(admission.key));
	return rc;
}
