/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/key.h - the keys of one deduplication domain.
 *
 * The id key names chunks (HMAC-SHA256 of plaintext, so nobody can confirm a
 * guess) and stays; a data key seals them (AES-256-GCM under a key derived for
 * each pack from its random salt; the nonce is the record's number, so no nonce
 * repeats), and gives way to the next when keys are rotated.  Threads:
 * immutable after load.
 */
#ifndef LF_VAULT_KEY_H
#define LF_VAULT_KEY_H

#include "base/error.h"

#define LF_EPOCHS_MAX 64u

struct lf_domain_key {
	uint8_t id_key[32];
	uint8_t data_key[32];		      /* of the present epoch: it seals */
	uint32_t epoch;			      /* the first is 1 */
	uint8_t older[LF_EPOCHS_MAX - 1][32]; /* of epochs 1 to epoch - 1: they only open */
};
/* The data key of an epoch; NULL: there is none (yet). */
const uint8_t *lf_domain_key_data(const struct lf_domain_key *key, uint32_t epoch);
void lf_domain_key_done(struct lf_domain_key *key); /* zeroes */

#endif
