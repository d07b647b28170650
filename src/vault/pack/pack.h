/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/pack/pack.h - writing packs: used by the vault and by agents.
 *
 * A pack is an immutable file of sealed chunks with a sorted footer, named by
 * the SHA-256 of its footer.  Format: docs/formats/pack.md
 *
 * Threads: a writer belongs to one thread at a time.
 */
#ifndef LF_VAULT_PACK_PACK_H
#define LF_VAULT_PACK_PACK_H

#include "vault/pack/chunk.h"

#define LF_PACK_TARGET_BYTES (16u << 20) /* close a pack when it is this long */
/* Of what its chunks hold when they are opened: writers close a pack at the first, and none from
 * outside is taken beyond the second.  Who has to look into it does so in a time that he knows. */
#define LF_PACK_PLAIN_TARGET (UINT64_C(1) << 30)
#define LF_PACK_PLAIN_MAX    (UINT64_C(4) << 30)
#define LF_PACK_NAME_SIZE    65 /* hex SHA-256 and NUL */

struct lf_pack_writer;
/* Writes to path (made, must not exist).  key is borrowed. */
LF_MUST_CHECK int lf_pack_writer_new(const struct lf_domain_key *key, const char *path,
				     struct lf_pack_writer **ret_writer, struct lf_error *err);
/* Compress (if it helps), seal and append one chunk.  The caller has checked for duplicates. */
LF_MUST_CHECK int lf_pack_writer_add(struct lf_pack_writer *writer, const struct lf_chunk_id *id,
				     const void *data, size_t len, struct lf_error *err);
/* Bytes so far, footer included. */
uint64_t lf_pack_writer_size(const struct lf_pack_writer *writer);
/* Time to close it: it is as long as a pack should be, or holds as much. */
bool lf_pack_writer_is_full(const struct lf_pack_writer *writer);
/* Footer, fsync, name.  The writer can only be freed after. */
LF_MUST_CHECK int lf_pack_writer_finish(struct lf_pack_writer *writer,
					char ret_name[static LF_PACK_NAME_SIZE],
					struct lf_error *err);
/* Frees; an unfinished file is removed. */
void lf_pack_writer_free(struct lf_pack_writer *writer);

#endif
