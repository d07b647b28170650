/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/open/domainkey.h - a domain's keys in DIR/vault.json, wrapped by the platform key.
 *
 * Format: docs/formats/vault.md.  Threads: any; of changes, one at a time.
 */
#ifndef LF_VAULT_OPEN_DOMAINKEY_H
#define LF_VAULT_OPEN_DOMAINKEY_H

#include "vault/pack/key.h"

LF_MUST_CHECK int lf_domain_key_load(const char *dir, const char *key_file,
				     struct lf_domain_key *ret_key, struct lf_error *err);
/* id_key (NULL: a new one): of a domain, so that chunks have the same ids. */
LF_MUST_CHECK int lf_domain_key_make(const char *dir, const char *key_file, const uint8_t *id_key,
				     struct lf_error *err);
/* Is DIR/vault.json byte for byte what it should be? */
LF_MUST_CHECK int lf_domain_key_check(const char *dir, struct lf_error *err);

#endif
