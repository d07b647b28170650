/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens need modules that a static program cannot load.
 */
#include "crypto/pkcs11.h"

int lf_pkcs11_derive(const char *uri, const uint8_t salt[static 32], uint8_t ret_key[static 32],
		     struct lf_error *err)
{
	(void)salt, (void)ret_key;
	lf_fail(err, LF_EUNSUPPORTED, uri, "landfall-recover cannot use keys in tokens");
	return lf_error_hint(err, "use landfall vault, or rekey the vault to a key file first");
}
