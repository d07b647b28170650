/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/certificate.h - the certificate that a server shows, which may change
 * while it runs.
 *
 * A handshake may be using a certificate when another takes its place, and does
 * not say when it has done with it: all that were ever shown are kept to the
 * end, which is one a year.  Threads: any.
 */
#ifndef LF_HTTP_CERTIFICATE_H
#define LF_HTTP_CERTIFICATE_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "base/error.h"
#include "crypto/tls.h"

struct lf_http_certificates;
/* PEM.  LF_EINVAL: not a certificate and its key. */
LF_MUST_CHECK int lf_http_certificates_new(const char *certificate, const char *key,
					   struct lf_http_certificates **ret_certificates,
					   struct lf_error *err);
void lf_http_certificates_free(struct lf_http_certificates *certificates);
/* Handshakes from now on show this one. */
LF_MUST_CHECK int lf_http_certificates_set(struct lf_http_certificates *certificates,
					   const char *certificate, const char *key,
					   struct lf_error *err);
/* The session, before its handshake, shows one of these; they outlive it. */
void lf_http_certificates_use(struct lf_http_certificates *certificates, gnutls_session_t session);
/* GnuTLS asks (gnutls_certificate_retrieve_function2): the present one of those of the session. */
int lf_http_certificates_give(gnutls_session_t session, const gnutls_datum_t *issuers,
			      int n_issuers, const gnutls_pk_algorithm_t *algorithms,
			      int n_algorithms, gnutls_pcert_st **ret_chain, unsigned *ret_n,
			      gnutls_privkey_t *ret_key);

/* The client's: SHA-256 in hex and CN of one that the session's CA signed for clients and that is
 * valid now; fingerprint "": there is none. */
void lf_http_certificate_of(gnutls_session_t session, char fingerprint[static LF_FINGERPRINT_SIZE],
			    char *name, size_t name_size);

#endif
