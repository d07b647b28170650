/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/vault.h - one region's deduplicating encrypted store of disks.
 *
 * A vault is a directory: packs (sealed chunks), runs (the index), points
 * (manifests) and claims.  Formats: docs/formats/.  Everything that holds a
 * disk's bytes is a disk map, named by its root (vault/map/map.h).
 *
 * Owns: the directory while open for writing (one process), readers are many.
 * Threads: every function of this header may be called from any thread.
 * Memory: at most opts.cache_bytes plus 2 bytes a chunk, plus one open pack.
 */
#ifndef LF_VAULT_VAULT_H
#define LF_VAULT_VAULT_H

#include "base/buf.h"
#include "json/json.h"
#include "vault/pack/chunk.h"

/* How much is done of all there is; may be called from any thread, one at a time. */
typedef void lf_progress_fn(void *context, uint64_t done, uint64_t total);

struct lf_vault;

struct lf_vault_opts {
	bool read_only;	      /* no lock taken; for export and recovery beside a running daemon */
	bool keyless;	      /* without keys, for reading: only lf_vault_verify() works */
	uint64_t cache_bytes; /* plaintext chunk and node cache; 0: 64 MiB */
};

/* Make the directory and a new domain key, wrapped by the platform key in key_file (made if
 * missing), or in a token ("pkcs11:...", vault/open/platformkey.h). */
LF_MUST_CHECK int lf_vault_init(const char *dir, const char *key_file, struct lf_error *err);
/* The same in a deduplication domain that is there already (32 bytes; NULL: a new one): disks can
 * be copied between its vaults. */
LF_MUST_CHECK int lf_vault_init_like(const char *dir, const char *key_file, const uint8_t *id_key,
				     struct lf_error *err);
/*
 * Open; the caller owns *ret_vault: lf_vault_free().
 *   LF_ENOTFOUND no vault there    LF_EDENIED wrong key    LF_ECORRUPT a file fails its checksum
 *   LF_ECONFLICT another process has it open for writing
 */
LF_MUST_CHECK int lf_vault_open(const char *dir, const char *key_file,
				const struct lf_vault_opts *opts, struct lf_vault **ret_vault,
				struct lf_error *err);
void lf_vault_free(struct lf_vault *vault);

/*
 * Keys.  The vault is open for writing, and nobody else uses it meanwhile.
 * Rekey: another platform key (made if missing) wraps the keys from now on; nothing else changes.
 * Rotate: what is written from now on is sealed with a new data key; compaction
 * (vault/point/point.h) seals the rest with it.  Agents get the new key when they ask for work.
 * Erase: the keys are gone for good, and with them all that the vault holds.
 * All or nothing, and durable on return.
 */
LF_MUST_CHECK int lf_vault_rekey(struct lf_vault *vault, const char *new_key_file,
				 struct lf_error *err);
LF_MUST_CHECK int lf_vault_rotate(struct lf_vault *vault, const char *key_file,
				  struct lf_error *err);
LF_MUST_CHECK int lf_vault_erase(struct lf_vault *vault, int64_t now_ns, struct lf_error *err);

/* The key that agents seal with; borrowed until lf_vault_free(). */
const struct lf_domain_key *lf_vault_key(const struct lf_vault *vault);

/*
 * Which of n ids are present: bit i of ret_bits (n bits, LSB first) set = present.
 * A present chunk stays present while the lease (vault/lease.h) of the asker lives.
 */
LF_MUST_CHECK int lf_vault_have(struct lf_vault *vault, const struct lf_chunk_id *ids, size_t n,
				uint8_t *ret_bits, struct lf_error *err);

/*
 * Take a finished pack file, written by vault/pack/pack.h elsewhere (an agent, a
 * peer), into the vault by rename: no copy.  It is believed by its content:
 * every record is opened and its id computed first, and it holds data only,
 * no nodes of disk maps (vault/admit.h).  Durable on return; the same pack
 * again is fine.
 *   LF_EINVAL "PackRefused"  not such a pack: nothing of it was taken, the file is gone
 *   other errors             the file is where it was
 */
LF_MUST_CHECK int lf_vault_adopt_pack(struct lf_vault *vault, const char *path,
				      struct lf_error *err);

/* Store one chunk from here (not from an agent); durable after lf_vault_flush(). */
LF_MUST_CHECK int lf_vault_put(struct lf_vault *vault, const void *data, size_t len,
			       struct lf_chunk_id *ret_id, struct lf_error *err);
LF_MUST_CHECK int lf_vault_flush(struct lf_vault *vault, struct lf_error *err);

/* Plaintext of a chunk appended to buf.  LF_ENOTFOUND, LF_ECORRUPT. */
LF_MUST_CHECK int lf_vault_read_chunk(struct lf_vault *vault, const struct lf_chunk_id *id,
				      struct lf_buf *buf, struct lf_error *err);

/* {"packs":n,"chunks":n,"storedBytes":n,"plainBytes":n,"points":n,"nodes":n,...} */
LF_MUST_CHECK int lf_vault_stats(struct lf_vault *vault, json_t **ret_stats, struct lf_error *err);

#endif
