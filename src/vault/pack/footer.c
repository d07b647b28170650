/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding and decoding of everything in a pack but the records.  A footer is
 * believed when its digest is right, its entries are sorted, and the records
 * that it names fill the file from the header to the footer without a gap: a
 * pack's name, which is the digest, then says all that is in it.
 */
#include "vault/pack/footer.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/bytes.h"
#include "vault/pack/crypt.h"

#define HEAD_MAGIC "LFPACK01"
#define TAIL_MAGIC "LFPKEND1"

void lf_pack_footer_done(struct lf_pack_footer *footer)
{
	free(footer->entries);
	*footer = (struct lf_pack_footer){0};
}

void lf_record_hash(const void *record, size_t len, uint8_t ret_hash[static 16])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(record, len));
	memcpy(ret_hash, canonical.digest, 16);
}

void lf_record_aad(const struct lf_chunk_id *id, uint32_t plain, enum lf_coding coding,
		   enum lf_chunk_kind kind, uint8_t out[static LF_RECORD_AAD_SIZE])
{
	memcpy(out, id->bytes, 32);
	lf_put_u32(out + 32, plain);
	out[36] = (uint8_t)coding;
	out[37] = (uint8_t)kind;
	out[38] = out[39] = 0;
}

void lf_record_nonce(uint32_t record, uint8_t out[static 12])
{
	memset(out, 0, 12);
	lf_put_u32(out, record);
}

const uint8_t *lf_pack_owner(uint32_t flags, const uint8_t salt[static LF_PACK_SALT_SIZE])
{
	return flags & LF_PACK_OWNED ? salt + LF_PACK_SALT_SIZE - LF_OWNER_SIZE : NULL;
}

int lf_pack_key(const struct lf_domain_key *key, uint32_t epoch, uint32_t flags,
		const uint8_t salt[static LF_PACK_SALT_SIZE], uint8_t ret_key[static 32],
		struct lf_error *err)
{
	const uint8_t *owner = lf_pack_owner(flags, salt);
	const uint8_t *data_key = lf_domain_key_data(key, epoch);
	struct lf_domain_key own;

	if (!data_key)
		return lf_fail(err, LF_EDENIED, NULL,
			       "the pack is sealed with data key %u, which is not known", epoch);
	if (key->owned && (!owner || memcmp(owner, key->owner, LF_OWNER_SIZE) != 0))
		return lf_fail(err, LF_EDENIED, NULL, "the pack is another machine's");
	if (!owner || key->owned) {
		lf_key_derive(data_key, salt, LF_PACK_SALT_SIZE, "landfall pack 1", ret_key);
		return 0;
	}
	lf_domain_key_for_owner(key, owner, &own);
	lf_key_derive(lf_domain_key_data(&own, epoch), salt, LF_PACK_SALT_SIZE, "landfall pack 1",
		      ret_key);
	lf_domain_key_done(&own);
	return 0;
}

void lf_pack_header_encode(uint32_t epoch, uint32_t flags,
			   const uint8_t salt[static LF_PACK_SALT_SIZE],
			   uint8_t out[static LF_PACK_HEADER_SIZE])
{
	memset(out, 0, LF_PACK_HEADER_SIZE);
	memcpy(out, HEAD_MAGIC, 8);
	lf_put_u32(out + 8, flags & LF_PACK_OWNED ? LF_PACK_VERSION_OWNED : LF_PACK_VERSION);
	lf_put_u32(out + 12, epoch);
	memcpy(out + 16, salt, LF_PACK_SALT_SIZE);
	lf_put_u32(out + 48, flags);
}

static void entry_encode(const struct lf_pack_entry *entry, uint8_t *out)
{
	memcpy(out, entry->id.bytes, 32);
	lf_put_u64(out + 32, entry->offset);
	lf_put_u32(out + 40, entry->stored);
	lf_put_u32(out + 44, entry->plain);
	memcpy(out + 48, entry->hash, 16);
	lf_put_u32(out + 64, entry->record);
	out[68] = (uint8_t)entry->coding;
	out[69] = (uint8_t)entry->kind;
	out[70] = out[71] = 0;
}

static void entry_decode(const uint8_t *in, struct lf_pack_entry *entry)
{
	memcpy(entry->id.bytes, in, 32);
	entry->offset = lf_get_u64(in + 32);
	entry->stored = lf_get_u32(in + 40);
	entry->plain = lf_get_u32(in + 44);
	memcpy(entry->hash, in + 48, 16);
	entry->record = lf_get_u32(in + 64);
	entry->coding = in[68];
	entry->kind = in[69];
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(((const struct lf_pack_entry *)a)->id.bytes,
		      ((const struct lf_pack_entry *)b)->id.bytes, 32);
}

/* SHA-256 over header, entries and the head of the trailer. */
static void digest_footer(const uint8_t *header, const uint8_t *tail, size_t len,
			  uint8_t ret_digest[static 32])
{
	uint8_t parts[64];

	/* two levels, so that no copy of the entries is needed */
	lf_sha256(header, LF_PACK_HEADER_SIZE, parts);
	lf_sha256(tail, len, parts + 32);
	lf_sha256(parts, sizeof(parts), ret_digest);
}

int lf_pack_footer_encode(const uint8_t header[static LF_PACK_HEADER_SIZE],
			  struct lf_pack_entry *entries, uint32_t count, uint64_t offset,
			  struct lf_buf *out, uint8_t ret_name[32], struct lf_error *err)
{
	size_t body = (size_t)count * LF_PACK_ENTRY_SIZE;
	uint8_t *tail = lf_buf_reserve(out, body + LF_PACK_TRAILER_SIZE);

	if (!tail)
		return lf_fail_nomem(err);
	qsort(entries, count, sizeof(*entries), compare_entries);
	for (uint32_t i = 0; i < count; i++)
		entry_encode(&entries[i], tail + (size_t)i * LF_PACK_ENTRY_SIZE);
	lf_put_u32(tail + body, count);
	lf_put_u32(tail + body + 4, 0);
	lf_put_u64(tail + body + 8, offset);
	digest_footer(header, tail, body + 16, tail + body + 16);
	memcpy(tail + body + 48, TAIL_MAGIC, 8);
	memcpy(ret_name, tail + body + 16, 32);
	out->len += body + LF_PACK_TRAILER_SIZE;
	return 0;
}

static int fail_footer(const char *what, struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, NULL, "not a whole pack: %s", what);
}

static int check_entry(const struct lf_pack_entry *entry, uint32_t count, struct lf_error *err)
{
	if (entry->plain == 0 || entry->plain > LF_CHUNK_BYTES_MAX || entry->stored < LF_TAG_SIZE ||
	    entry->stored > entry->plain + LF_TAG_SIZE)
		return fail_footer("a size is out of range", err);
	if (entry->coding > LF_CODING_LZ4 || entry->kind > LF_CHUNK_NODE || entry->record >= count)
		return fail_footer("an entry is malformed", err);
	return 0;
}

/* The records, in their order, fill the file from the header to the footer. */
static int check_layout(const struct lf_pack_footer *footer, uint64_t end, struct lf_error *err)
{
	LF_AUTO_FREE const struct lf_pack_entry **order = calloc(footer->count + 1, sizeof(*order));
	uint64_t at = LF_PACK_HEADER_SIZE;

	if (!order)
		return lf_fail_nomem(err);
	for (uint32_t i = 0; i < footer->count; i++) {
		const struct lf_pack_entry *entry = &footer->entries[i];
		int rc = check_entry(entry, footer->count, err);
		if (rc)
			return rc;
		if (i && memcmp(entry[-1].id.bytes, entry->id.bytes, 32) >= 0)
			return fail_footer("ids are not in order", err);
		if (order[entry->record])
			return fail_footer("a record is named twice", err);
		order[entry->record] = entry;
	}
	for (uint32_t i = 0; i < footer->count; i++) {
		if (order[i]->offset != at)
			return fail_footer("records do not follow each other", err);
		at += order[i]->stored;
	}
	return at == end ? 0 : fail_footer("records do not end at the footer", err);
}

static int decode_entries(const uint8_t *tail, struct lf_pack_footer *footer, uint64_t end,
			  struct lf_error *err)
{
	footer->entries = calloc(footer->count + 1, sizeof(*footer->entries));
	if (!footer->entries)
		return lf_fail_nomem(err);
	for (uint32_t i = 0; i < footer->count; i++) {
		const uint8_t *in = tail + (size_t)i * LF_PACK_ENTRY_SIZE;
		entry_decode(in, &footer->entries[i]);
		if (in[70] || in[71])
			return fail_footer("reserved bytes are in use", err);
	}
	return check_layout(footer, end, err);
}

static int decode_footer(const uint8_t *header, const uint8_t *tail, uint64_t end,
			 struct lf_pack_footer *footer, struct lf_error *err)
{
	size_t body = (size_t)footer->count * LF_PACK_ENTRY_SIZE;
	static const uint8_t zero[12];

	if (memcmp(header, HEAD_MAGIC, 8) != 0 || memcmp(header + 52, zero, 12) != 0)
		return fail_footer("its header is not a pack's", err);
	bool owned = lf_get_u32(header + 48) & LF_PACK_OWNED;
	if (lf_get_u32(header + 8) != (owned ? LF_PACK_VERSION_OWNED : LF_PACK_VERSION))
		return lf_fail(err, LF_EUNSUPPORTED, NULL, "the pack has format version %u",
			       lf_get_u32(header + 8));
	digest_footer(header, tail, body + 16, footer->name);
	if (memcmp(footer->name, tail + body + 16, 32) != 0)
		return fail_footer("its checksum does not match", err);
	footer->epoch = lf_get_u32(header + 12);
	footer->flags = lf_get_u32(header + 48);
	memcpy(footer->salt, header + 16, LF_PACK_SALT_SIZE);
	return decode_entries(tail, footer, end, err);
}

int lf_pack_footer_read(lf_read_at_fn *read_at, void *context, uint64_t size,
			struct lf_pack_footer *ret_footer, struct lf_error *err)
{
	uint8_t header[LF_PACK_HEADER_SIZE], trailer[LF_PACK_TRAILER_SIZE];
	struct lf_pack_footer footer = {.size = size};

	if (size < LF_PACK_HEADER_SIZE + LF_PACK_TRAILER_SIZE || size > LF_PACK_BYTES_MAX)
		return fail_footer("its length is out of range", err);
	int rc = read_at(context, trailer, sizeof(trailer), size - sizeof(trailer), err);
	if (!rc)
		rc = read_at(context, header, sizeof(header), 0, err);
	if (rc)
		return rc;
	footer.count = lf_get_u32(trailer);
	uint64_t end = lf_get_u64(trailer + 8);
	if (memcmp(trailer + 48, TAIL_MAGIC, 8) != 0 || footer.count > LF_PACK_ENTRIES_MAX ||
	    end < LF_PACK_HEADER_SIZE || end > size ||
	    size - end != (uint64_t)footer.count * LF_PACK_ENTRY_SIZE + LF_PACK_TRAILER_SIZE)
		return fail_footer("its trailer does not fit", err);
	LF_AUTO_FREE uint8_t *tail = malloc(size - end);
	if (!tail)
		return lf_fail_nomem(err);
	rc = read_at(context, tail, size - end, end, err);
	if (!rc)
		rc = decode_footer(header, tail, end, &footer, err);
	if (rc) {
		lf_pack_footer_done(&footer);
		return rc;
	}
	*ret_footer = footer;
	return 0;
}
