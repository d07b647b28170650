/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/pack/pack_internal.h - what the vault itself does with packs, beyond
 * vault/pack/pack.h.
 */
#ifndef LF_VAULT_PACK_PACK_INTERNAL_H
#define LF_VAULT_PACK_PACK_INTERNAL_H

#include "vault/pack/crypt.h"
#include "vault/pack/footer.h"
#include "vault/pack/pack.h"

/* As lf_pack_writer_add() for any kind. */
LF_MUST_CHECK int lf_pack_writer_add_kind(struct lf_pack_writer *writer,
					  const struct lf_chunk_id *id, enum lf_chunk_kind kind,
					  const void *data, size_t len, struct lf_error *err);
/* From now on; a new writer is fast.  LF_EFFORT_BEST from the beginning on makes a dense pack. */
void lf_pack_writer_set_effort(struct lf_pack_writer *writer, enum lf_effort effort);
/* Append a chunk that is compressed already (garbage collection moves it). */
LF_MUST_CHECK int lf_pack_writer_add_coded(struct lf_pack_writer *writer,
					   const struct lf_pack_entry *like, const void *coded,
					   size_t len, struct lf_error *err);
/* The entry of id if this writer has it (its order may change at finish); else NULL. */
const struct lf_pack_entry *lf_pack_writer_find(const struct lf_pack_writer *writer,
						const struct lf_chunk_id *id);
/* A record's bytes before the pack is finished. */
LF_MUST_CHECK int lf_pack_writer_read(struct lf_pack_writer *writer, void *data, size_t len,
				      uint64_t offset, struct lf_error *err);
/* Is it of that owner (NULL: the domain's own)? */
bool lf_pack_writer_is_of(const struct lf_pack_writer *writer, const uint8_t *owner);
uint32_t lf_pack_writer_count(const struct lf_pack_writer *writer);
const uint8_t *lf_pack_writer_key(const struct lf_pack_writer *writer);
const char *lf_pack_writer_path(const struct lf_pack_writer *writer);
/* After finish: what was written; borrowed. */
const struct lf_pack_footer *lf_pack_writer_footer(const struct lf_pack_writer *writer);

/* Unseal and decompress a record into plain bytes at out. */
LF_MUST_CHECK int lf_record_open(struct lf_sealer *sealer, struct lf_codec *codec,
				 const struct lf_pack_entry *entry, const void *record,
				 void *scratch, void *out, struct lf_error *err);

#endif
