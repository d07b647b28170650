/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/pack/key.h"

#include <string.h>

#include <openssl/crypto.h>

#include "vault/pack/crypt.h"

#define ID_INFO	  "landfall machine id key 1"
#define DATA_INFO "landfall machine data key 1"

void lf_domain_key_done(struct lf_domain_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

const uint8_t *lf_domain_key_data(const struct lf_domain_key *key, uint32_t epoch)
{
	if (epoch == key->epoch)
		return key->data_key;
	return epoch > 0 && epoch < key->epoch ? key->older[epoch - 1] : NULL;
}

void lf_owner_of(const char *agent, uint8_t ret_owner[static LF_OWNER_SIZE])
{
	uint8_t digest[32];

	lf_sha256(agent, strlen(agent), digest);
	memcpy(ret_owner, digest, LF_OWNER_SIZE);
}

void lf_domain_key_for_owner(const struct lf_domain_key *key,
			     const uint8_t owner[static LF_OWNER_SIZE],
			     struct lf_domain_key *ret_key)
{
	*ret_key = (struct lf_domain_key){.epoch = key->epoch, .owned = true};
	memcpy(ret_key->owner, owner, LF_OWNER_SIZE);
	lf_key_derive(key->id_key, owner, LF_OWNER_SIZE, ID_INFO, ret_key->id_key);
	lf_key_derive(key->data_key, owner, LF_OWNER_SIZE, DATA_INFO, ret_key->data_key);
	for (uint32_t i = 0; i + 1 < key->epoch; i++)
		lf_key_derive(key->older[i], owner, LF_OWNER_SIZE, DATA_INFO, ret_key->older[i]);
}
