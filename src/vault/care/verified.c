/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/care/verified.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "vault/pack/crypt.h"

#define MAGIC	      "LFVERIF1"
#define HEADER_BYTES  40u /* the magic, and the SHA-256 of what follows */
#define ENTRY_BYTES   40u /* name 32, time 8 */
#define VERIFIED_NAME "verified"
#define FILE_MAX      (1u << 30)

void lf_verified_done(struct lf_verified *verified)
{
	lf_buf_done(&verified->entries);
}

int lf_verified_load(struct lf_store *store, struct lf_verified *ret_verified, struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	uint8_t digest[32];
	int rc = lf_store_get(store, VERIFIED_NAME, FILE_MAX, &file, err);

	*ret_verified = (struct lf_verified){.entries = LF_BUF_INIT};
	if (rc == LF_ENOMEM)
		return rc;
	if (rc || file.len < HEADER_BYTES || (file.len - HEADER_BYTES) % ENTRY_BYTES ||
	    memcmp(file.data, MAGIC, 8) != 0)
		return 0;
	lf_sha256(file.data + HEADER_BYTES, file.len - HEADER_BYTES, digest);
	if (memcmp(digest, file.data + 8, sizeof(digest)) != 0)
		return 0;
	lf_buf_append(&ret_verified->entries, file.data + HEADER_BYTES, file.len - HEADER_BYTES);
	return lf_buf_check(&ret_verified->entries, err);
}

static int compare_names(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

int64_t lf_verified_when(const struct lf_verified *verified, const uint8_t name[static 32])
{
	size_t count = verified->entries.len / ENTRY_BYTES;
	const uint8_t *found =
		count ? bsearch(name, verified->entries.data, count, ENTRY_BYTES, compare_names)
		      : NULL;

	return found ? (int64_t)lf_get_u64(found + 32) : 0;
}

void lf_verified_add(struct lf_verified *verified, const uint8_t name[static 32], int64_t time_ns)
{
	uint8_t entry[ENTRY_BYTES];

	memcpy(entry, name, 32);
	lf_put_u64(entry + 32, (uint64_t)time_ns);
	lf_buf_append(&verified->entries, entry, sizeof(entry));
}

int lf_verified_save(struct lf_store *store, struct lf_verified *verified, struct lf_error *err)
{
	struct lf_buf *entries = &verified->entries;
	LF_AUTO_BUF file = LF_BUF_INIT;
	uint8_t digest[32];
	int rc = lf_buf_check(entries, err);

	if (rc)
		return rc;
	if (entries->len)
		qsort(entries->data, entries->len / ENTRY_BYTES, ENTRY_BYTES, compare_names);
	lf_sha256(lf_buf_text(entries), entries->len, digest);
	lf_buf_append(&file, MAGIC, 8);
	lf_buf_append(&file, digest, sizeof(digest));
	lf_buf_append(&file, lf_buf_text(entries), entries->len);
	rc = lf_buf_check(&file, err);
	return rc ? rc : lf_store_put(store, VERIFIED_NAME, file.data, file.len, err);
}
