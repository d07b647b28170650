/* SPDX-License-Identifier: Apache-2.0 */
#include "http/certificate.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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
