/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto/pkcs11.h - an AES key in a PKCS#11 token (HSM, smart card, SoftHSM) as
 * a key-encryption key that never leaves it, through p11-kit.
 *
 * The token encrypts a salt, and the 32 bytes that come out are the key: AES in
 * CBC mode over two blocks, with a zero vector.  Whoever has the salt and not
 * the token has nothing.
 */
#ifndef LF_CRYPTO_PKCS11_H
#define LF_CRYPTO_PKCS11_H

#include "base/error.h"

/*
 * uri: RFC 7512, naming one secret key ("pkcs11:token=T;object=O;type=secret-key"); the PIN is in
 * the file that its pin-source names, or that $LANDFALL_PIN_FILE does.  A module-path is honoured.
 * LF_ENOTFOUND: no such key.  LF_EDENIED: the PIN is wrong, or the token refuses.
 */
LF_MUST_CHECK int lf_pkcs11_derive(const char *uri, const uint8_t salt[static 32],
				   uint8_t ret_key[static 32], struct lf_error *err);

#endif
