/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto/tls.h - the site's own certificate authority: ECDSA P-256 keys.
 *
 * All texts are PEM; outputs are the caller's (free()).  Threads: any.
 */
#ifndef LF_CRYPTO_TLS_H
#define LF_CRYPTO_TLS_H

#include "base/error.h"

/* A self-signed CA certificate and its key: for 10 years from now, and good since 2020, so that a
 * clock that is set back later does not make it one of the future. */
LF_MUST_CHECK int lf_ca_new(const char *name, int64_t now_ns, char **ret_cert, char **ret_key,
			    struct lf_error *err);
/* A server certificate for names (NULL-ended: DNS names and IP addresses), days long. */
LF_MUST_CHECK int lf_ca_issue_server(const char *ca_cert, const char *ca_key,
				     const char *const *names, int64_t now_ns, unsigned days,
				     char **ret_cert, char **ret_key, struct lf_error *err);
/* A new key and a request for it, on the client's side. */
LF_MUST_CHECK int lf_csr_new(const char *common_name, char **ret_csr, char **ret_key,
			     struct lf_error *err);
/* A request for a key that is there already. */
LF_MUST_CHECK int lf_csr_for_key(const char *common_name, const char *key, char **ret_csr,
				 struct lf_error *err);
/* Hex SHA-256 of a request's public key, whose owner has signed it.  Bad CSR: LF_EINVAL. */
LF_MUST_CHECK int lf_csr_key_fingerprint(const char *csr, char ret_hex[static 65],
					 struct lf_error *err);
/* Sign a client's request; the common name is ours, not the request's.  Bad CSR: LF_EINVAL. */
LF_MUST_CHECK int lf_ca_sign_client(const char *ca_cert, const char *ca_key, const char *csr,
				    const char *common_name, int64_t now_ns, unsigned days,
				    char **ret_cert, struct lf_error *err);
/*
 * Does a certificate's private key fit it, and is it signed by a CA (key, ca: NULL: not asked)?
 * LF_ECORRUPT says what does not.  From when to when it is good, whatever time it is now.
 */
LF_MUST_CHECK int lf_cert_check(const char *cert, const char *key, const char *ca,
				int64_t *ret_from_ns, int64_t *ret_to_ns, struct lf_error *err);
/* When a certificate ends. */
LF_MUST_CHECK int lf_cert_expiry(const char *cert, int64_t *ret_time_ns, struct lf_error *err);
/* Hex SHA-256 of its DER form. */
#define LF_FINGERPRINT_SIZE 65
LF_MUST_CHECK int lf_cert_fingerprint(const char *cert, char ret_hex[static LF_FINGERPRINT_SIZE],
				      struct lf_error *err);

#endif
