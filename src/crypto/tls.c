/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, certificates and requests over OpenSSL, as PEM texts in memory.  A
 * request is believed by its signature alone: its sender has the key; what
 * else it asks for is not taken over.  Nothing is written here: files are
 * their owners'.
 */
#include "crypto/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define CA_DAYS	       3650
#define CA_FROM	       1577836800 /* 2020-01-01 */
#define LEAF_BACK_DAYS 180

static void key_done(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}
static void cert_done(X509 **cert)
{
	X509_free(*cert);
}
static void request_done(X509_REQ **request)
{
	X509_REQ_free(*request);
}
static void bio_done(BIO **bio)
{
	BIO_free(*bio);
}
#define AUTO_KEY     LF_CLEANUP(key_done) EVP_PKEY
#define AUTO_CERT    LF_CLEANUP(cert_done) X509
#define AUTO_REQUEST LF_CLEANUP(request_done) X509_REQ
#define AUTO_BIO     LF_CLEANUP(bio_done) BIO

static int fail_ssl(struct lf_error *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return lf_fail(err, LF_EINTERNAL, NULL, "%s: %s", what,
		       reason ? reason : "no reason given");
}

static char *bio_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return len < 0 ? NULL : strndup(data, (size_t)len);
}

static char *cert_text(X509 *cert)
{
	AUTO_BIO *bio = BIO_new(BIO_s_mem());

	return bio && PEM_write_bio_X509(bio, cert) ? bio_text(bio) : NULL;
}

static char *key_text(EVP_PKEY *key)
{
	AUTO_BIO *bio = BIO_new(BIO_s_secmem());

	return bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
		       ? bio_text(bio)
		       : NULL;
}

static X509 *read_cert(const char *text)
{
	AUTO_BIO *bio = BIO_new_mem_buf(text, -1);

	return bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

static EVP_PKEY *read_key(const char *text)
{
	AUTO_BIO *bio = BIO_new_mem_buf(text, -1);

	return bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool good = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return good;
}

/*
 * An authority begins an hour back, since clocks of machines differ.  What it signs begins half a
 * year back, but not before the authority: a certificate that is renewed is taken by a machine
 * whose clock is behind, and none is longer than clients bear (825 days).
 */
static bool set_begin(X509 *cert, const X509 *issuer, time_t now)
{
	time_t half_a_year_ago = now - (time_t)LEAF_BACK_DAYS * 86400;

	if (issuer && X509_cmp_time(X509_get0_notBefore(issuer), &half_a_year_ago) > 0)
		return X509_set1_notBefore(cert, X509_get0_notBefore(issuer));
	return X509_time_adj_ex(X509_getm_notBefore(cert), issuer ? -LEAF_BACK_DAYS : 0,
				issuer ? 0 : -3600, &now) != NULL;
}

/* A certificate with everything but extensions and signature. */
static X509 *new_cert(const char *name, EVP_PKEY *key, X509 *issuer, int64_t now_ns, unsigned days)
{
	AUTO_CERT *cert = X509_new();
	unsigned char serial[16];
	time_t now = (time_t)(now_ns / LF_NS_PER_S);

	if (!cert || RAND_bytes(serial, sizeof(serial)) != 1)
		return NULL;
	serial[0] &= 0x7f; /* positive */
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	X509_NAME *subject = X509_get_subject_name(cert);
	bool good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
		    X509_set_version(cert, X509_VERSION_3) && X509_set_pubkey(cert, key) &&
		    set_begin(cert, issuer, now) &&
		    X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, &now) &&
		    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					       (const unsigned char *)name, -1, -1, 0) &&
		    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
	BN_free(number);
	return good ? lf_steal(&cert) : NULL;
}

static int give_pair(X509 *cert, EVP_PKEY *key, char **ret_cert, char **ret_key,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *cert_pem = cert_text(cert);
	LF_AUTO_FREE char *key_pem = key_text(key);

	if (!cert_pem || !key_pem)
		return lf_fail_nomem(err);
	*ret_cert = lf_steal(&cert_pem);
	*ret_key = lf_steal(&key_pem);
	return 0;
}

int lf_ca_new(const char *name, int64_t now_ns, char **ret_cert, char **ret_key,
	      struct lf_error *err)
{
	AUTO_KEY *key = EVP_EC_gen("P-256");
	AUTO_CERT *cert = key ? new_cert(name, key, NULL, now_ns, CA_DAYS) : NULL;

	if (!cert || !ASN1_TIME_set(X509_getm_notBefore(cert), CA_FROM) ||
	    !add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_extension(cert, cert, NID_subject_key_identifier, "hash") ||
	    !X509_sign(cert, key, EVP_sha256()))
		return fail_ssl(err, "cannot make the certificate authority");
	return give_pair(cert, key, ret_cert, ret_key, err);
}

static bool is_address(const char *name)
{
	unsigned char address[16];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

int lf_ca_issue_server(const char *ca_cert, const char *ca_key, const char *const *names,
		       int64_t now_ns, unsigned days, char **ret_cert, char **ret_key,
		       struct lf_error *err)
{
	AUTO_CERT *issuer = read_cert(ca_cert);
	AUTO_KEY *issuer_key = read_key(ca_key);
	AUTO_KEY *key = EVP_EC_gen("P-256");
	AUTO_CERT *cert =
		issuer && issuer_key && key ? new_cert(names[0], key, issuer, now_ns, days) : NULL;
	LF_AUTO_BUF alternatives = LF_BUF_INIT;

	for (size_t i = 0; names[i]; i++)
		lf_buf_printf(&alternatives, "%s%s:%s", i ? "," : "",
			      is_address(names[i]) ? "IP" : "DNS", names[i]);
	if (lf_buf_check(&alternatives, err))
		return err->code;
	if (!cert || !add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(cert, issuer, NID_ext_key_usage, "serverAuth") ||
	    !add_extension(cert, issuer, NID_subject_key_identifier, "hash") ||
	    !add_extension(cert, issuer, NID_authority_key_identifier, "keyid") ||
	    !add_extension(cert, issuer, NID_subject_alt_name, lf_buf_text(&alternatives)) ||
	    !X509_sign(cert, issuer_key, EVP_sha256()))
		return fail_ssl(err, "cannot issue the server's certificate");
	return give_pair(cert, key, ret_cert, ret_key, err);
}

static int make_csr(const char *common_name, EVP_PKEY *key, char **ret_csr, struct lf_error *err)
{
	AUTO_REQUEST *request = X509_REQ_new();
	AUTO_BIO *bio = BIO_new(BIO_s_mem());

	if (!key || !request || !bio ||
	    !X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
					(const unsigned char *)common_name, -1, -1, 0) ||
	    !X509_REQ_set_pubkey(request, key) || !X509_REQ_sign(request, key, EVP_sha256()) ||
	    !PEM_write_bio_X509_REQ(bio, request))
		return fail_ssl(err, "cannot make a certificate request");
	char *csr = bio_text(bio);
	if (!csr)
		return lf_fail_nomem(err);
	*ret_csr = csr;
	return 0;
}

int lf_csr_new(const char *common_name, char **ret_csr, char **ret_key, struct lf_error *err)
{
	AUTO_KEY *key = EVP_EC_gen("P-256");
	LF_AUTO_FREE char *csr = NULL;
	int rc = make_csr(common_name, key, &csr, err);

	if (rc)
		return rc;
	char *pem = key_text(key);
	if (!pem)
		return lf_fail_nomem(err);
	*ret_csr = lf_steal(&csr);
	*ret_key = pem;
	return 0;
}

int lf_csr_for_key(const char *common_name, const char *key_pem, char **ret_csr,
		   struct lf_error *err)
{
	AUTO_KEY *key = read_key(key_pem);

	return make_csr(common_name, key, ret_csr, err);
}

/* The key of a request whose signature proves that the sender has it; NULL: not valid. */
static EVP_PKEY *read_request_key(const char *csr)
{
	AUTO_BIO *bio = BIO_new_mem_buf(csr, -1);
	AUTO_REQUEST *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	AUTO_KEY *key = request ? X509_REQ_get_pubkey(request) : NULL;

	if (key && X509_REQ_verify(request, key) == 1)
		return lf_steal(&key);
	ERR_clear_error();
	return NULL;
}

static int fail_request(struct lf_error *err)
{
	return lf_fail(err, LF_EINVAL, "csr", "the certificate request is not valid");
}

int lf_csr_key_fingerprint(const char *csr, char ret_hex[static 65], struct lf_error *err)
{
	AUTO_KEY *key = read_request_key(csr);
	unsigned char *der = NULL, digest[32];

	if (!key)
		return fail_request(err);
	int len = i2d_PUBKEY(key, &der);
	bool good =
		len > 0 && EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)len, digest, NULL) == 1;
	OPENSSL_free(der);
	if (!good)
		return fail_ssl(err, "cannot read a certificate request's key");
	lf_hex_encode(digest, sizeof(digest), ret_hex);
	return 0;
}

int lf_ca_sign_client(const char *ca_cert, const char *ca_key, const char *csr,
		      const char *common_name, int64_t now_ns, unsigned days, char **ret_cert,
		      struct lf_error *err)
{
	AUTO_KEY *public_key = read_request_key(csr);

	if (!public_key)
		return fail_request(err);
	AUTO_CERT *issuer = read_cert(ca_cert);
	AUTO_KEY *issuer_key = read_key(ca_key);
	AUTO_CERT *cert = issuer && issuer_key
				  ? new_cert(common_name, public_key, issuer, now_ns, days)
				  : NULL;
	if (!cert || !add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(cert, issuer, NID_ext_key_usage, "clientAuth") ||
	    !add_extension(cert, issuer, NID_subject_key_identifier, "hash") ||
	    !add_extension(cert, issuer, NID_authority_key_identifier, "keyid") ||
	    !X509_sign(cert, issuer_key, EVP_sha256()))
		return fail_ssl(err, "cannot sign the client's certificate");
	char *pem = cert_text(cert);
	if (!pem)
		return lf_fail_nomem(err);
	*ret_cert = pem;
	return 0;
}

static bool cert_time(const ASN1_TIME *time, int64_t *ret_ns)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(time, &tm))
		return false;
	*ret_ns = (int64_t)timegm(&tm) * LF_NS_PER_S;
	return true;
}

int lf_cert_check(const char *cert_pem, const char *key_pem, const char *ca_pem,
		  int64_t *ret_from_ns, int64_t *ret_to_ns, struct lf_error *err)
{
	AUTO_CERT *cert = read_cert(cert_pem);
	AUTO_CERT *ca = ca_pem ? read_cert(ca_pem) : NULL;
	AUTO_KEY *key = key_pem ? read_key(key_pem) : NULL;
	int64_t from, to;
	const char *fault = NULL;

	if (!cert || !cert_time(X509_get0_notBefore(cert), &from) ||
	    !cert_time(X509_get0_notAfter(cert), &to))
		fault = "the certificate cannot be read";
	else if (key_pem && (!key || X509_check_private_key(cert, key) != 1))
		fault = "the private key does not fit the certificate";
	else if (ca_pem && (!ca || X509_verify(cert, X509_get0_pubkey(ca)) != 1))
		fault = "the certificate is not signed by the site's CA";
	ERR_clear_error();
	if (fault)
		return lf_fail(err, LF_ECORRUPT, NULL, "%s", fault);
	*ret_from_ns = from;
	*ret_to_ns = to;
	return 0;
}

int lf_cert_expiry(const char *cert_pem, int64_t *ret_time_ns, struct lf_error *err)
{
	AUTO_CERT *cert = read_cert(cert_pem);
	struct tm tm;

	if (!cert || !ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		return fail_ssl(err, "cannot read a certificate");
	*ret_time_ns = (int64_t)timegm(&tm) * LF_NS_PER_S;
	return 0;
}

int lf_cert_fingerprint(const char *cert_pem, char ret_hex[static LF_FINGERPRINT_SIZE],
			struct lf_error *err)
{
	AUTO_CERT *cert = read_cert(cert_pem);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!cert || !X509_digest(cert, EVP_sha256(), digest, &len) || len != 32)
		return fail_ssl(err, "cannot read a certificate");
	lf_hex_encode(digest, len, ret_hex);
	return 0;
}
