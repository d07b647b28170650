/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/vault_internal.h - the vault's struct and what its files share.
 *
 * Locks, in the order in which they are taken: collecting, points, pending,
 * then the index's and the cache's own.
 */
#ifndef LF_VAULT_VAULT_INTERNAL_H
#define LF_VAULT_VAULT_INTERNAL_H

#include <pthread.h>

#include "base/lock.h"
#include "store/store.h"
#include "vault/cache.h"
#include "vault/index/index.h"
#include "vault/pack/pack_internal.h"
#include "vault/root.h"
#include "vault/vault.h"

#define LF_POINT_BYTES_MAX (4u << 20)

/* What a thread needs to open records; kept for the next one. */
struct lf_opener {
	struct lf_opener *next;
	struct lf_sealer *sealer;
	struct lf_codec *codec;
	const struct lf_pack *pack; /* whose key is set */
	unsigned heals;		    /* of the index, when it was */
	uint8_t *record;	    /* LF_CHUNK_BYTES_MAX + tag */
	uint8_t *scratch;	    /* LF_CHUNK_BYTES_MAX */
};

/* A lease, or an edit under way, since when it keeps what it found. */
struct lf_holder {
	struct lf_holder *next;
	uint64_t seq;
	char id[40];	     /* of a lease; "": an edit */
	struct lf_root base; /* of an edit */
};

/* A machine whose packs are here under keys of its own. */
struct lf_owner {
	struct lf_owner *next;
	uint8_t owner[LF_OWNER_SIZE];
	struct lf_chunk_hasher *hasher;
};

LF_LOCK_KIND(lf_owners_lock);
LF_LOCK_KIND(lf_pending_lock);
LF_LOCK_KIND(lf_openers_lock);
LF_LOCK_KIND(lf_points_lock);
LF_LOCK_KIND(lf_holders_lock);
LF_LOCK_KIND(lf_collecting_lock);
struct lf_vault {
	char *dir;
	bool read_only;
	bool keyless;
	int lock_fd;
	struct lf_domain_key key;
	struct lf_store *store;
	struct lf_index *index;
	struct lf_cache *cache;
	struct lf_chunk_hasher *hasher; /* only read: shared by all threads */
	pthread_mutex_t owners_mutex;
	struct lf_owner *owners LF_GUARDED_BY(lf_owners_lock); /* their hashers, 250 bytes each */
	_Atomic uint64_t seq;
	_Atomic uint64_t adopted_bytes; /* of all packs taken in since we opened */
	atomic_uint admissions;		/* packs from outside being checked (vault/admit.h) */

	pthread_mutex_t pending_mutex;
	/* the open pack of lf_vault_put(); NULL: none */
	struct lf_pack_writer *pending LF_GUARDED_BY(lf_pending_lock);
	_Atomic uint64_t lost; /* times that an open pack was lost by a failed write */

	pthread_mutex_t openers_mutex;
	struct lf_opener *openers LF_GUARDED_BY(lf_openers_lock);

	pthread_mutex_t points_mutex; /* claims and manifests of the one writer */
	pthread_mutex_t holders_mutex;
	struct lf_holder *holders LF_GUARDED_BY(lf_holders_lock);

	pthread_mutex_t collecting_mutex;
	uint64_t condemned_seq LF_GUARDED_BY(
		lf_collecting_lock); /* when the condemned bits were set; 0: there are none */
};

/* LF_EUNSUPPORTED: it is open for reading. */
LF_MUST_CHECK static inline int lf_vault_writable(const struct lf_vault *vault,
						  struct lf_error *err)
{
	if (vault->read_only)
		return lf_fail(err, LF_EUNSUPPORTED, vault->dir, "the vault is open for reading");
	return 0;
}

/* adopt.c */
/* Take over what writer wrote; the writer is finished and remains to be freed. */
LF_MUST_CHECK int lf_vault_adopt_writer(struct lf_vault *vault, struct lf_pack_writer *writer,
					struct lf_error *err);

/* put.c */
/* A pack in the making, where there is none yet; owner (NULL: the domain's own): whose keys. */
LF_MUST_CHECK int lf_vault_begin_pack(struct lf_vault *vault, const uint8_t *owner,
				      struct lf_pack_writer **writer, struct lf_error *err);
/* The same; one that is full, or another's, is closed first. */
LF_MUST_CHECK int lf_vault_open_pack(struct lf_vault *vault, const uint8_t *owner,
				     struct lf_pack_writer **writer, struct lf_error *err);
/* Take over what it holds, durable; *writer is NULL in any case. */
LF_MUST_CHECK int lf_vault_close_pack(struct lf_vault *vault, struct lf_pack_writer **writer,
				      struct lf_error *err);
LF_MUST_CHECK int lf_vault_put_kind(struct lf_vault *vault, enum lf_chunk_kind kind,
				    const void *data, size_t len, struct lf_chunk_id *ret_id,
				    struct lf_error *err);
/* Present (also in the open pack), and kept: its plain size.  False: absent. */
bool lf_vault_hold(struct lf_vault *vault, const struct lf_chunk_id *id, uint32_t *ret_plain);

/* read.c */
LF_MUST_CHECK int lf_opener_get(struct lf_vault *vault, struct lf_opener **ret_opener,
				struct lf_error *err);
void lf_opener_put(struct lf_vault *vault, struct lf_opener *opener);
void lf_openers_free(struct lf_vault *vault);
void lf_owners_free(struct lf_vault *vault);
/* LF_ECORRUPT: the bytes have another id, by the keys of owner (NULL: the domain's own). */
LF_MUST_CHECK int lf_vault_check_id(struct lf_vault *vault, const uint8_t *owner,
				    const struct lf_chunk_id *id, const void *data, size_t len,
				    struct lf_error *err);
/* One copy: read, check, unseal into out (LF_CHUNK_BYTES_MAX of room).  The id is computed where
 * the pack is not known to be what it says: one of an earlier version, or found by its footer. */
LF_MUST_CHECK int lf_vault_read_place(struct lf_vault *vault, struct lf_opener *opener,
				      const struct lf_place *place, void *out,
				      struct lf_error *err);
/* The chunk's plain bytes into out (LF_CHUNK_BYTES_MAX of room), past the cache. */
LF_MUST_CHECK int lf_vault_load_chunk(struct lf_vault *vault, const struct lf_chunk_id *id,
				      void *out, uint32_t *ret_len, struct lf_error *err);
/* The chunk's plain bytes, cached; release with lf_cache_release(). */
LF_MUST_CHECK int lf_vault_get_chunk(struct lf_vault *vault, const struct lf_chunk_id *id,
				     struct lf_cached **ret_chunk, struct lf_error *err);

/* lease.c */
LF_MUST_CHECK int lf_holder_begin(struct lf_vault *vault, const char *id,
				  const struct lf_root *base, struct lf_holder **ret_holder,
				  struct lf_error *err);
void lf_holder_end(struct lf_vault *vault, struct lf_holder *holder);
/* Does any live since seq or before? */
bool lf_holder_lives(struct lf_vault *vault, uint64_t seq);
LF_MUST_CHECK int lf_leases_load(struct lf_vault *vault, struct lf_error *err);

#endif
