/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/open/platformkey.h - what wraps a vault's keys: a key file, or a key in a
 * PKCS#11 token, of which only what it makes of the wrap's salt comes out.
 */
#ifndef LF_VAULT_OPEN_PLATFORMKEY_H
#define LF_VAULT_OPEN_PLATFORMKEY_H

#include "base/error.h"

/*
 * source: path of the file, or "pkcs11:..." (RFC 7512; crypto/pkcs11.h).  make: a file that is not
 * there is made.  LF_ENOTFOUND, LF_EDENIED: not a platform key, or the token refuses.
 */
LF_MUST_CHECK int lf_platform_key_get(const char *source, const uint8_t salt[static 32], bool make,
				      uint8_t ret_key[static 32], struct lf_error *err);

#endif
