/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/pack/footer.h - what a pack says about itself.  Format: docs/formats/pack.md
 *
 *   header   "LFPACK01" | version u32 | key epoch u32 | salt 32 | flags u32 | zero 12
 *   records  ciphertext and tag, one after another
 *   entries  sorted by id, 72 bytes each
 *   trailer  count u32 | zero u32 | offset of the entries u64 | SHA-256 | "LFPKEND1"
 *
 * The SHA-256 is of SHA-256(header) and SHA-256(entries and the first 16 bytes
 * of the trailer); it is the pack's name.  Pure; a footer belongs to who read
 * it.
 */
#ifndef LF_VAULT_PACK_FOOTER_H
#define LF_VAULT_PACK_FOOTER_H

#include "base/buf.h"
#include "vault/pack/codec.h"
#include "vault/pack/chunk.h"

#define LF_PACK_BYTES_MAX     (64u << 20) /* no pack is longer */
#define LF_PACK_VERSION	      1u
#define LF_PACK_VERSION_OWNED 2u
#define LF_PACK_HEADER_SIZE   64u
#define LF_PACK_ENTRY_SIZE    72u
#define LF_PACK_TRAILER_SIZE  56u
#define LF_PACK_SALT_SIZE     32u
#define LF_CHUNK_BYTES_MAX    (LF_CHUNK_PAGES_MAX * LF_PAGE_SIZE)
#define LF_PACK_ENTRIES_MAX   (1u << 19) /* a 64 MiB pack of the smallest chunks */
#define LF_RECORD_AAD_SIZE    40u

enum lf_chunk_kind { LF_CHUNK_DATA = 0, LF_CHUNK_NODE = 1 };

struct lf_pack_entry {
	struct lf_chunk_id id;
	uint64_t offset;  /* of the record in the file */
	uint32_t stored;  /* bytes of the record, tag included */
	uint32_t plain;	  /* bytes of the chunk */
	uint8_t hash[16]; /* XXH3-128 of the record, big-endian (canonical) */
	uint32_t record;  /* its number in writing order: the nonce */
	enum lf_coding coding;
	enum lf_chunk_kind kind;
};

/* All its records are compressed as well as it gets. */
#define LF_PACK_DENSE 1u
/* Sealed with one machine's keys (vault/pack/key.h); the end of the salt says whose.  Version 2. */
#define LF_PACK_OWNED 2u
/* Whose it is; NULL: the domain's own.  In salt. */
const uint8_t *lf_pack_owner(uint32_t flags, const uint8_t salt[static LF_PACK_SALT_SIZE]);

struct lf_pack_footer {
	uint8_t name[32];
	uint8_t salt[LF_PACK_SALT_SIZE];
	uint32_t epoch;
	uint32_t flags; /* LF_PACK_... */
	uint32_t count;
	uint64_t size; /* of the file */
	struct lf_pack_entry *entries;
};
void lf_pack_footer_done(struct lf_pack_footer *footer);

void lf_pack_header_encode(uint32_t epoch, uint32_t flags,
			   const uint8_t salt[static LF_PACK_SALT_SIZE],
			   uint8_t out[static LF_PACK_HEADER_SIZE]);
/* Sorts entries; appends entries and trailer to out, and returns the name. */
LF_MUST_CHECK int lf_pack_footer_encode(const uint8_t header[static LF_PACK_HEADER_SIZE],
					struct lf_pack_entry *entries, uint32_t count,
					uint64_t offset, struct lf_buf *out, uint8_t ret_name[32],
					struct lf_error *err);

/* Reads len bytes at offset of some file. */
typedef int lf_read_at_fn(void *context, void *data, size_t len, uint64_t offset,
			  struct lf_error *err);
/* Read and check a pack's header and footer; records are not touched.  LF_ECORRUPT. */
LF_MUST_CHECK int lf_pack_footer_read(lf_read_at_fn *read_at, void *context, uint64_t size,
				      struct lf_pack_footer *ret_footer, struct lf_error *err);

void lf_record_hash(const void *record, size_t len, uint8_t ret_hash[static 16]);
void lf_record_aad(const struct lf_chunk_id *id, uint32_t plain, enum lf_coding coding,
		   enum lf_chunk_kind kind, uint8_t out[static LF_RECORD_AAD_SIZE]);
void lf_record_nonce(uint32_t record, uint8_t out[static 12]);
/* Of a pack of that epoch.  LF_EDENIED: we have no such data key (yet), or it is another
 * machine's. */
LF_MUST_CHECK int lf_pack_key(const struct lf_domain_key *key, uint32_t epoch, uint32_t flags,
			      const uint8_t salt[static LF_PACK_SALT_SIZE],
			      uint8_t ret_key[static 32], struct lf_error *err);

#endif
