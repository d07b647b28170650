/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate to show is an atomic pointer: handshakes take what it points
 * to, and a new one takes its place at once.  Those that were shown stay in a
 * list until the server ends, since a handshake may still use one.
 */
#include "http/certificate.h"

#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* One that is, or was, shown. */
struct shown {
	gnutls_pcert_st certificate;
	gnutls_privkey_t key;
	struct shown *before;
};

struct lf_http_certificates {
	_Atomic(struct shown *) present;
};

static void shown_free(struct shown *shown)
{
	gnutls_pcert_deinit(&shown->certificate);
	gnutls_privkey_deinit(shown->key);
	free(shown);
}

static int read_pair(const char *certificate, const char *key, struct shown **ret_shown,
		     struct lf_error *err)
{
	struct shown *shown = calloc(1, sizeof(*shown));
	gnutls_datum_t text = {(unsigned char *)(uintptr_t)certificate,
			       (unsigned)strlen(certificate)};
	gnutls_datum_t key_text = {(unsigned char *)(uintptr_t)key, (unsigned)strlen(key)};

	if (!shown || gnutls_privkey_init(&shown->key)) {
		free(shown);
		return lf_fail_nomem(err);
	}
	int bad = gnutls_pcert_import_x509_raw(&shown->certificate, &text, GNUTLS_X509_FMT_PEM, 0);
	if (!bad)
		bad = gnutls_privkey_import_x509_raw(shown->key, &key_text, GNUTLS_X509_FMT_PEM,
						     NULL, 0);
	if (bad) {
		shown_free(shown);
		return lf_fail(err, LF_EINVAL, NULL, "cannot read the server's certificate: %s",
			       gnutls_strerror(bad));
	}
	*ret_shown = shown;
	return 0;
}

int lf_http_certificates_set(struct lf_http_certificates *certificates, const char *certificate,
			     const char *key, struct lf_error *err)
{
	struct shown *shown = NULL;
	int rc = read_pair(certificate, key, &shown, err);

	if (rc)
		return rc;
	shown->before = atomic_load(&certificates->present);
	while (!atomic_compare_exchange_weak(&certificates->present, &shown->before, shown))
		;
	return 0;
}

int lf_http_certificates_new(const char *certificate, const char *key,
			     struct lf_http_certificates **ret_certificates, struct lf_error *err)
{
	struct lf_http_certificates *certificates = calloc(1, sizeof(*certificates));

	if (!certificates)
		return lf_fail_nomem(err);
	int rc = lf_http_certificates_set(certificates, certificate, key, err);
	if (rc) {
		free(certificates);
		return rc;
	}
	*ret_certificates = certificates;
	return 0;
}

void lf_http_certificates_free(struct lf_http_certificates *certificates)
{
	if (!certificates)
		return;
	struct shown *shown = atomic_load(&certificates->present);
	while (shown) {
		struct shown *before = shown->before;
		shown_free(shown);
		shown = before;
	}
	free(certificates);
}

void lf_http_certificates_use(struct lf_http_certificates *certificates, gnutls_session_t session)
{
	gnutls_session_set_ptr(session, certificates);
}

int lf_http_certificates_give(gnutls_session_t session, const gnutls_datum_t *issuers,
			      int n_issuers, const gnutls_pk_algorithm_t *algorithms,
			      int n_algorithms, gnutls_pcert_st **ret_chain, unsigned *ret_n,
			      gnutls_privkey_t *ret_key)
{
	const struct lf_http_certificates *certificates = gnutls_session_get_ptr(session);
	struct shown *shown = atomic_load(&certificates->present);

	(void)issuers, (void)n_issuers, (void)algorithms, (void)n_algorithms;
	*ret_chain = &shown->certificate;
	*ret_n = 1;
	*ret_key = shown->key;
	return 0;
}

void lf_http_certificate_of(gnutls_session_t session, char fingerprint[static LF_FINGERPRINT_SIZE],
			    char *name, size_t name_size)
{
	gnutls_x509_crt_t cert = NULL;
	unsigned status = 1, n = 0;
	uint8_t digest[32];
	size_t digest_len = sizeof(digest);
	/* one authority signs servers too: theirs are no names of clients */
	static const char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st wanted = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
					.data = (unsigned char *)(uintptr_t)purpose};

	fingerprint[0] = name[0] = '\0';
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
	if (!chain || !n || gnutls_certificate_verify_peers(session, &wanted, 1, &status) ||
	    status || gnutls_x509_crt_init(&cert))
		return;
	if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
	    gnutls_x509_crt_get_fingerprint(cert, GNUTLS_DIG_SHA256, digest, &digest_len) == 0 &&
	    gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
					  &name_size) == 0)
		lf_hex_encode(digest, sizeof(digest), fingerprint);
	gnutls_x509_crt_deinit(cert);
}
