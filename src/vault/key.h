/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/key.h - the keys of one deduplication domain.
 *
 * The id key names chunks (HMAC-SHA256 of plaintext, so nobody can confirm a
 * guess); the data key seals them (AES-256-GCM under a key derived for each
 * pack from its random salt; the nonce is the record's number, so no nonce
 * repeats).  Threads: immutable after load.
 */
#ifndef LF_VAULT_KEY_H
#define LF_VAULT_KEY_H

#include "base/buf.h"

struct lf_domain_key {
	uint8_t id_key[32];
	uint8_t data_key[32];
	uint32_t epoch; /* which data key a pack was sealed with */
};
void lf_domain_key_done(struct lf_domain_key *key); /* zeroes */

#endif
