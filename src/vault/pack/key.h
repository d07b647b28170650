/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/pack/key.h - the keys of one deduplication domain.
 *
 * The id key names chunks (HMAC-SHA256 of plaintext, so nobody can confirm a
 * guess) and stays; a data key seals them (AES-256-GCM under a key derived for
 * each pack from its random salt; the nonce is the record's number, so no nonce
 * repeats), and gives way to the next when keys are rotated.  Threads:
 * immutable after load.
 */
#ifndef LF_VAULT_PACK_KEY_H
#define LF_VAULT_PACK_KEY_H

#include "base/error.h"

#define LF_EPOCHS_MAX 64u
#define LF_OWNER_SIZE 12u

struct lf_domain_key {
	uint8_t id_key[32];
	uint8_t data_key[32];		      /* of the present epoch: it seals */
	uint32_t epoch;			      /* the first is 1 */
	uint8_t older[LF_EPOCHS_MAX - 1][32]; /* of epochs 1 to epoch - 1: they only open */
	bool owned;			      /* these are one machine's */
	uint8_t owner[LF_OWNER_SIZE];
};
/* The data key of an epoch; NULL: there is none (yet). */
const uint8_t *lf_domain_key_data(const struct lf_domain_key *key, uint32_t epoch);
void lf_domain_key_done(struct lf_domain_key *key); /* zeroes */

/*
 * Keys of one machine, for a site that wants them apart (docs/adr/0008): made
 * of the domain's, which open all that is sealed with them; they say nothing of
 * the domain's or another machine's.  A chunk has another id for each machine.
 */
void lf_owner_of(const char *agent, uint8_t ret_owner[static LF_OWNER_SIZE]);
void lf_domain_key_for_owner(const struct lf_domain_key *key,
			     const uint8_t owner[static LF_OWNER_SIZE],
			     struct lf_domain_key *ret_key);

#endif
