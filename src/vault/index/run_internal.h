/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/index/run_internal.h - what run.c, runread.c and runmerge.c share.
 */
#ifndef LF_VAULT_INDEX_RUN_INTERNAL_H
#define LF_VAULT_INDEX_RUN_INTERNAL_H

#include <xxhash.h>

#include "vault/index/run.h"

#define LF_RUN_BUFFER_BYTES (256u << 10)

/* A run without content; number, packs and fd are the caller's to set.  NULL: out of memory. */
struct lf_run *lf_run_new(uint64_t count, uint32_t pack_count);
/* Of the header, the filter and the table of packs.  LF_ECORRUPT: no run is so large. */
LF_MUST_CHECK int lf_run_head_size(const struct lf_run *run, size_t *ret_len, struct lf_error *err);
/* Map the head of the file that run->fd is, whose counts run has. */
LF_MUST_CHECK int lf_run_map(struct lf_run *run, const char *path, struct lf_error *err);

uint64_t lf_run_block(const struct lf_run *run, const uint8_t *id);
void lf_run_filter_add(uint8_t block[static LF_RUN_BLOCK_SIZE], const uint8_t *id);
void lf_run_rank_put(uint8_t block[static LF_RUN_BLOCK_SIZE], uint64_t rank);
void lf_run_record_encode(const struct lf_pack_entry *entry, uint32_t pack, uint8_t *out);
void lf_run_record_decode(const struct lf_run *run, const uint8_t *record,
			  struct lf_place *ret_place);
void lf_run_header_encode(const struct lf_run *run, XXH128_hash_t head, XXH128_hash_t records,
			  uint8_t out[static LF_RUN_HEADER_SIZE]);
bool lf_run_digest_is(XXH128_hash_t hash, const uint8_t *stored);

/* The next record's bytes, until the next call; *ret_record NULL: no more. */
LF_MUST_CHECK int lf_run_reader_record(struct lf_run_reader *reader, const uint8_t **ret_record,
				       struct lf_error *err);

#endif
