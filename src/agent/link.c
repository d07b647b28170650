/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this agent is, in files of its state directory, and its calls.
 *
 * Registering: the CA is believed by the fingerprint in the registration key;
 * the private key is in a file before the site hears of it; certificate and
 * key are one file; agent.json comes last, and says that all the rest is
 * there.  A kill before it leaves a registration that is repeated with the
 * same machine id and key.  A certificate that nears its end is renewed by
 * whichever link comes first; the others take up the file.
 */
#include "agent/link.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/machine.h"
#include "base/text.h"
#include "crypto/tls.h"
#include "http/json.h"
#include "os/file.h"

#define BLOB_VERSION "2025-01-05"

#define KEY_BEGIN "-----BEGIN PRIVATE KEY-----"

struct lf_link {
	char *dir, *url, *machine_id;
	struct lf_http_client *client;
	struct timespec certificate; /* when the file was written that the client has read */
	atomic_flag busy;	     /* with a call */
};

static char *path_in(const char *dir, const char *name)
{
	return lf_printf_dup("%s/%s", dir, name);
}

static int decode_key(const char *key, json_t **ret_key, struct lf_error *err)
{
	size_t len = strlen(key);
	LF_AUTO_FREE unsigned char *text = malloc(len + 1);

	if (!text)
		return lf_fail_nomem(err);
	int n = EVP_DecodeBlock(text, (const unsigned char *)key, (int)len);
	while (n > 0 && !text[n - 1])
		n--; /* what padding stood for */
	if (n <= 0 || lf_json_parse((char *)text, (size_t)n, ret_key, err)) {
		lf_fail(err, LF_EINVAL, "key", "this is not a registration key");
		return lf_error_hint(err, "copy the whole key, from 'landfall site key'");
	}
	return 0;
}

/* The site's CA over a connection that nobody vouches for yet: the key's fingerprint does. */
static int fetch_ca(const char *url, const char *fingerprint, char **ret_ca, struct lf_error *err)
{
	const struct lf_http_client_opts opts = {.insecure = true};
	struct lf_http_client *client = NULL;
	LF_AUTO_HTTP_ANSWER answer = {0};
	LF_AUTO_FREE char *at = lf_printf_dup("%s/agent/v1/ca", url);
	const struct lf_http_call call = {.method = "GET", .url = at, .answer_max = 65536};
	char hex[LF_FINGERPRINT_SIZE];

	int rc = at ? lf_http_client_new(&opts, &client, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_http_client_call(client, &call, &answer, err);
	lf_http_client_free(client);
	if (!rc)
		rc = lf_http_answer_check(&answer, "ca", err);
	if (!rc)
		rc = lf_cert_fingerprint(lf_buf_text(&answer.body), hex, err);
	if (rc)
		return rc;
	/* the fingerprint is of the first certificate: a second one would be believed unseen */
	const char *first = strstr(lf_buf_text(&answer.body), "-----BEGIN ");
	if (strcmp(hex, fingerprint) != 0 || !first || strstr(first + 1, "-----BEGIN "))
		return lf_fail(err, LF_EUNAUTHENTICATED, url,
			       "the site at %s is not the one that made the key", url);
	*ret_ca = lf_buf_take(&answer.body);
	return *ret_ca ? 0 : lf_fail_nomem(err);
}

static int write_file(const char *dir, const char *name, const char *text, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_in(dir, name);

	return path ? lf_file_write_durable(path, text, strlen(text), 0600, err)
		    : lf_fail_nomem(err);
}

/* The machine's own id: made once, so that registering again is the same machine. */
static int load_machine_id(const char *dir, char out[static LF_GUID_SIZE], struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_in(dir, "machine-id");
	LF_AUTO_BUF text = LF_BUF_INIT;

	int rc = path ? lf_file_read(path, 64, &text, err) : lf_fail_nomem(err);
	if (!rc && lf_guid_valid(lf_buf_text(&text))) {
		memcpy(out, text.data, LF_GUID_SIZE);
		return 0;
	}
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	lf_guid_random(out);
	return write_file(dir, "machine-id", out, err);
}

/*
 * The agent's private key, made when there is none.  It is in a file before the site knows it:
 * one who registers again, because an answer got lost or a certificate has ended, proves by it
 * who he is.
 */
static int load_private_key(const char *dir, char **ret_key, struct lf_error *err)
{
	static const char *const files[] = {"agent.pem", "agent.key"};

	for (size_t i = 0; i < LF_N(files); i++) {
		LF_AUTO_FREE char *path = path_in(dir, files[i]);
		LF_AUTO_BUF text = LF_BUF_INIT;
		int rc = path ? lf_file_read(path, 65536, &text, err) : lf_fail_nomem(err);
		const char *key = rc ? NULL : strstr(lf_buf_text(&text), KEY_BEGIN);
		if (rc && rc != LF_ENOTFOUND)
			return rc;
		if (!key)
			continue;
		*ret_key = strdup(key);
		return *ret_key ? 0 : lf_fail_nomem(err);
	}
	LF_AUTO_FREE char *csr = NULL;
	LF_AUTO_FREE char *key = NULL;
	int rc = lf_csr_new("agent", &csr, &key, err);
	if (!rc)
		rc = write_file(dir, "agent.key", key, err);
	if (!rc)
		*ret_key = lf_steal(&key);
	return rc;
}

/* Certificate and key are one file, so that nothing can separate them. */
static int write_pair(const char *dir, const char *certificate, const char *key,
		      struct lf_error *err)
{
	LF_AUTO_BUF both = LF_BUF_INIT;

	lf_buf_puts(&both, certificate);
	lf_buf_puts(&both, key);
	int rc = lf_buf_check(&both, err);
	if (!rc)
		rc = write_file(dir, "agent.pem", lf_buf_text(&both), err);
	if (both.data)
		explicit_bzero(both.data, both.len);
	return rc;
}

static int ask_certificate(const char *dir, const json_t *key, const json_t *request,
			   json_t **ret_answer, struct lf_error *err)
{
	LF_AUTO_FREE char *ca_file = path_in(dir, "ca.pem");
	LF_AUTO_FREE char *url =
		lf_printf_dup("%s/agent/v1/register", lf_json_text_or(key, "url", ""));
	LF_AUTO_FREE char *body = NULL;
	const struct lf_http_client_opts opts = {.ca_file = ca_file};
	struct lf_http_client *client = NULL;
	LF_AUTO_HTTP_ANSWER answer = {0};

	int rc = url && ca_file ? lf_json_dump(request, &body, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_http_client_new(&opts, &client, err);
	if (rc)
		return rc;
	const struct lf_http_call call = {
		.method = "POST", .url = url, .body = body, .body_len = strlen(body)};
	rc = lf_http_client_call(client, &call, &answer, err);
	lf_http_client_free(client);
	if (!rc)
		rc = lf_http_answer_check(&answer, "register", err);
	return rc ? rc : lf_json_parse(lf_buf_text(&answer.body), answer.body.len, ret_answer, err);
}

int lf_link_register(const char *dir, const char *key_text, const char *config_path,
		     struct lf_error *err)
{
	LF_AUTO_JSON *key = NULL;
	LF_AUTO_JSON *machine = NULL;
	LF_AUTO_JSON *inventory = NULL;
	LF_AUTO_JSON *answer = NULL;
	LF_AUTO_FREE char *ca = NULL;
	LF_AUTO_FREE char *csr = NULL;
	LF_AUTO_FREE char *private_key = NULL;
	LF_AUTO_FREE char *identity_text = NULL;
	char machine_id[LF_GUID_SIZE];

	int rc = lf_dir_make(dir, 0700, err);
	if (!rc)
		rc = decode_key(key_text, &key, err);
	if (!rc)
		rc = fetch_ca(lf_json_text_or(key, "url", ""), lf_json_text_or(key, "ca", ""), &ca,
			      err);
	if (!rc)
		rc = write_file(dir, "ca.pem", ca, err);
	if (!rc)
		rc = load_machine_id(dir, machine_id, err);
	if (!rc)
		rc = lf_agent_machine_load(config_path, machine_id, dir, &machine, err);
	if (!rc)
		rc = lf_agent_machine_inventory(machine, dir, machine_id, &inventory, err);
	if (!rc)
		rc = load_private_key(dir, &private_key, err);
	if (!rc)
		rc = lf_csr_for_key(machine_id, private_key, &csr, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *request =
		json_pack("{s:s,s:s,s:O}", "secret", lf_json_text_or(key, "secret", ""), "csr", csr,
			  "inventory", inventory);
	if (!request)
		return lf_fail_nomem(err);
	rc = ask_certificate(dir, key, request, &answer, err);
	if (!rc)
		rc = write_pair(dir, lf_json_text_or(answer, "certificate", ""), private_key, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *identity =
		json_pack("{s:s,s:s,s:s}", "url", lf_json_text_or(key, "url", ""), "agentId",
			  lf_json_text_or(answer, "agentId", ""), "machineId", machine_id);
	rc = identity ? lf_json_dump(identity, &identity_text, err) : lf_fail_nomem(err);
	/* last: its presence says that everything else is there */
	return rc ? rc : write_file(dir, "agent.json", identity_text, err);
}

/* An agent of a version before has its key in a file of its own. */
static int key_file(const char *dir, const char *pair, char **ret_path, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	int rc = lf_file_read(pair, 65536, &text, err);

	if (rc)
		return rc;
	*ret_path =
		strstr(lf_buf_text(&text), KEY_BEGIN) ? strdup(pair) : path_in(dir, "agent.key");
	return *ret_path ? 0 : lf_fail_nomem(err);
}

/* A client with the certificate that is there now: another link may have renewed it. */
static int open_client(struct lf_link *link, struct lf_error *err)
{
	LF_AUTO_FREE char *ca = path_in(link->dir, "ca.pem");
	LF_AUTO_FREE char *pair = path_in(link->dir, "agent.pem");
	LF_AUTO_FREE char *key = NULL;
	struct lf_http_client *client = NULL;
	struct stat st;

	if (!ca || !pair)
		return lf_fail_nomem(err);
	bool same = stat(pair, &st) == 0 && st.st_mtim.tv_sec == link->certificate.tv_sec &&
		    st.st_mtim.tv_nsec == link->certificate.tv_nsec;
	if (link->client && same)
		return 0;
	int rc = key_file(link->dir, pair, &key, err);
	const struct lf_http_client_opts opts = {
		.ca_file = ca, .cert_file = pair, .key_file = key, .timeout_ns = 300 * LF_NS_PER_S};
	if (!rc)
		rc = lf_http_client_new(&opts, &client, err);
	if (rc)
		return rc;
	lf_http_client_free(link->client);
	link->client = client;
	link->certificate = st.st_mtim;
	return 0;
}

int lf_link_open(const char *dir, struct lf_link **ret_link, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_in(dir, "agent.json");
	LF_AUTO_JSON *identity = NULL;

	int rc = path ? lf_json_read_file(path, &identity, err) : lf_fail_nomem(err);
	if (rc == LF_ENOTFOUND) {
		lf_fail(err, LF_ENOTFOUND, dir, "this machine is not registered");
		return lf_error_hint(
			err, "run 'landfall-agent register --key KEY --state %s' first", dir);
	}
	if (rc)
		return rc;
	struct lf_link *link = calloc(1, sizeof(*link));
	if (!link)
		return lf_fail_nomem(err);
	link->dir = strdup(dir);
	link->url = strdup(lf_json_text_or(identity, "url", ""));
	link->machine_id = strdup(lf_json_text_or(identity, "machineId", ""));
	rc = link->dir && link->url && link->machine_id ? open_client(link, err)
							: lf_fail_nomem(err);
	if (rc) {
		lf_link_close(link);
		return rc;
	}
	*ret_link = link;
	return 0;
}

void lf_link_close(struct lf_link *link)
{
	if (!link)
		return;
	lf_http_client_free(link->client);
	free(link->dir);
	free(link->url);
	free(link->machine_id);
	free(link);
}

const char *lf_link_machine_id(const struct lf_link *link)
{
	return link->machine_id;
}

/* Two calls at once would use one connection, and open_client() may free it: better an end than
 * that. */
static int call_site(struct lf_link *link, const struct lf_http_call *call,
		     struct lf_http_answer *answer, struct lf_error *err)
{
	bool was_busy = atomic_flag_test_and_set(&link->busy);

	LF_ASSERT(!was_busy);
	int rc = open_client(link, err);
	if (!rc)
		rc = lf_http_client_call(link->client, call, answer, err);
	atomic_flag_clear(&link->busy);
	return rc;
}

int lf_link_post_bytes(struct lf_link *link, const char *path, const void *data, size_t len,
		       struct lf_buf *out, struct lf_error *err)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s/agent/v1/%s", link->url, path);
	LF_AUTO_HTTP_ANSWER answer = {0};
	const struct lf_http_call call = {
		.method = "POST", .url = url, .body = data, .body_len = len};

	int rc = url ? call_site(link, &call, &answer, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_http_answer_check(&answer, path, err);
	if (!rc && out) {
		lf_buf_append(out, lf_buf_text(&answer.body), answer.body.len);
		rc = lf_buf_check(out, err);
	}
	return rc;
}

int lf_link_post(struct lf_link *link, const char *path, const json_t *doc, json_t **ret_answer,
		 struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_BUF answer = LF_BUF_INIT;

	int rc = lf_json_dump(doc, &text, err);
	if (!rc)
		rc = lf_link_post_bytes(link, path, text, strlen(text), &answer, err);
	return rc ? rc : lf_json_parse(lf_buf_text(&answer), answer.len, ret_answer, err);
}

int lf_link_put_blob(struct lf_link *link, const char *blob_path, const char *token,
		     const char *path, struct lf_error *err)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s%s", link->url, blob_path);
	LF_AUTO_FREE char *bearer = lf_printf_dup("Authorization: Bearer %s", token);
	const char *const headers[] = {bearer, "x-ms-blob-type: BlockBlob",
				       "x-ms-version: " BLOB_VERSION,
				       "Content-Type: application/octet-stream", NULL};
	LF_AUTO_HTTP_ANSWER answer = {0};
	const struct lf_http_call call = {
		.method = "PUT", .url = url, .headers = headers, .body_file = path};

	int rc = url && bearer ? call_site(link, &call, &answer, err) : lf_fail_nomem(err);
	if (bearer)
		explicit_bzero(bearer, strlen(bearer));
	if (rc)
		return rc;
	/* a name says what is in the pack: the one that is there came when an answer got lost */
	char code[64];
	if (answer.status == 409 &&
	    lf_http_answer_header(&answer, "x-ms-error-code", code, sizeof(code)) &&
	    strcmp(code, "BlobAlreadyExists") == 0)
		return 0;
	return lf_http_answer_check(&answer, blob_path, err);
}

int lf_link_renew(struct lf_link *link, struct lf_error *err)
{
	LF_AUTO_FREE char *csr = NULL;
	LF_AUTO_FREE char *key = NULL;
	LF_AUTO_JSON *answer = NULL;

	int rc = lf_csr_new(link->machine_id, &csr, &key, err);
	LF_AUTO_JSON *request = rc ? NULL : json_pack("{s:s}", "csr", csr);
	if (!rc && !request)
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_link_post(link, "renew", request, &answer, err);
	if (!rc)
		rc = write_pair(link->dir, lf_json_text_or(answer, "certificate", ""), key, err);
	if (key)
		explicit_bzero(key, strlen(key));
	return rc;
}
