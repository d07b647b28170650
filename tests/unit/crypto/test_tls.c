/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "crypto/tls.h"

#define NOW (INT64_C(1800000000) * LF_NS_PER_S)
#define DAY (86400 * LF_NS_PER_S)

static struct lf_error err;
static char *ca, *ca_key, *foreign_ca, *foreign_key;

static int group_setup(void **state)
{
	(void)state;
	assert_lf_ok(lf_ca_new("Landfall test", NOW, &ca, &ca_key, &err));
	assert_lf_ok(lf_ca_new("Landfall test", NOW, &foreign_ca, &foreign_key, &err));
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	free(ca);
	free(ca_key);
	free(foreign_ca);
	free(foreign_key);
	return 0;
}

static X509 *read_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

static bool chain_holds(const char *pem, const char *ca_pem, int purpose, int64_t now_ns)
{
	X509 *cert = read_cert(pem), *root = read_cert(ca_pem);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();

	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(context, store, cert, NULL);
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context),
				   (time_t)(now_ns / LF_NS_PER_S));
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_purpose(context, purpose);
	bool holds = X509_verify_cert(context) == 1;
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	X509_free(cert);
	X509_free(root);
	return holds;
}

static void test_server_certificate__is_of_the_authority(void **state)
{
	static const char *const names[] = {"site.example", "127.0.0.1", "::1", NULL};
	LF_AUTO_FREE char *cert = NULL, *key = NULL;
	int64_t expiry = 0;

	(void)state;
	assert_lf_ok(lf_ca_issue_server(ca, ca_key, names, NOW, 30, &cert, &key, &err));
	assert_true(chain_holds(cert, ca, X509_PURPOSE_SSL_SERVER, NOW));
	assert_false(chain_holds(cert, foreign_ca, X509_PURPOSE_SSL_SERVER, NOW));
	assert_false(chain_holds(cert, ca, X509_PURPOSE_SSL_CLIENT, NOW));
	assert_false(chain_holds(cert, ca, X509_PURPOSE_SSL_SERVER, NOW + 31 * DAY));
	assert_lf_ok(lf_cert_expiry(cert, &expiry, &err));
	assert_true(expiry == NOW + 30 * DAY);
	X509 *x509 = read_cert(cert);
	assert_int_equal(X509_check_host(x509, "site.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x509, "other.example", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(x509, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x509, "::1", 0), 1);
	X509_free(x509);
}

static void test_client_certificate__has_our_name_and_is_no_authority(void **state)
{
	LF_AUTO_FREE char *csr = NULL, *key = NULL, *cert = NULL, *below = NULL;
	LF_AUTO_FREE char *csr2 = NULL, *key2 = NULL;
	char name[64] = "";

	(void)state;
	assert_lf_ok(lf_csr_new("admin", &csr, &key, &err));
	assert_lf_ok(lf_ca_sign_client(ca, ca_key, csr, "agent-1", NOW, 30, &cert, &err));
	assert_true(chain_holds(cert, ca, X509_PURPOSE_SSL_CLIENT, NOW));
	assert_false(chain_holds(cert, ca, X509_PURPOSE_SSL_SERVER, NOW));
	assert_false(chain_holds(cert, foreign_ca, X509_PURPOSE_SSL_CLIENT, NOW));
	X509 *x509 = read_cert(cert);
	X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, name, sizeof(name));
	assert_string_equal(name, "agent-1");
	X509_free(x509);
	/* what a client signs with its own key is worth nothing */
	assert_lf_ok(lf_csr_new("x", &csr2, &key2, &err));
	assert_lf_ok(lf_ca_sign_client(cert, key, csr2, "agent-2", NOW, 30, &below, &err));
	assert_false(chain_holds(below, cert, X509_PURPOSE_SSL_CLIENT, NOW));
}

static void test_csr__that_is_not_valid_is_refused(void **state)
{
	LF_AUTO_FREE char *csr = NULL, *key = NULL, *cert = NULL;
	size_t refusals = 0;

	(void)state;
	assert_int_equal(lf_ca_sign_client(ca, ca_key, "", "a", NOW, 1, &cert, &err), LF_EINVAL);
	assert_int_equal(lf_ca_sign_client(ca, ca_key, ca, "a", NOW, 1, &cert, &err), LF_EINVAL);
	assert_lf_ok(lf_csr_new("agent", &csr, &key, &err));
	/* changed anywhere between its first and last lines */
	char *from = strchr(csr, '\n') + 1, *to = strstr(csr, "-----END");
	for (char *p = from; p < to; p++) {
		char kept = *p;
		if (kept == '\n' || kept == '=' || p[1] == '=' || p[1] == '\n')
			continue;
		*p = kept == 'A' ? 'B' : 'A';
		assert_int_equal(lf_ca_sign_client(ca, ca_key, csr, "a", NOW, 1, &cert, &err),
				 LF_EINVAL);
		*p = kept;
		refusals++;
	}
	assert_true(refusals > 100);
	assert_null(cert);
}

static void test_fingerprint__tells_certificates_apart(void **state)
{
	char a[LF_FINGERPRINT_SIZE], b[LF_FINGERPRINT_SIZE];
	int64_t expiry;

	(void)state;
	assert_lf_ok(lf_cert_fingerprint(ca, a, &err));
	assert_lf_ok(lf_cert_fingerprint(foreign_ca, b, &err));
	assert_int_equal(strlen(a), 64);
	assert_string_not_equal(a, b);
	assert_int_not_equal(lf_cert_fingerprint("not a certificate", a, &err), 0);
	assert_int_not_equal(lf_cert_expiry("not a certificate", &expiry, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_certificate__is_of_the_authority),
		cmocka_unit_test(test_client_certificate__has_our_name_and_is_no_authority),
		cmocka_unit_test(test_csr__that_is_not_valid_is_refused),
		cmocka_unit_test(test_fingerprint__tells_certificates_apart),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
