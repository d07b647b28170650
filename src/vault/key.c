/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain key in DIR/vault.json, wrapped by the platform key.  Format:
 * docs/formats/vault.md.
 */
#include "vault/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/crypt.h"
#include "vault/vault_internal.h"

#define KEY_PREFIX     "landfall-platform-key-1 "
#define VAULT_FILE_MAX 4096
#define WRAP_INFO      "landfall domain key 1"

/* The members of vault.json as text; what is sealed and what seals it. */
struct wrapped {
	char id[LF_GUID_SIZE];
	uint32_t epoch;
	uint8_t salt[32];
	uint8_t sealed[64 + LF_TAG_SIZE];
};

void lf_domain_key_done(struct lf_domain_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

static int read_platform_key(const char *path, uint8_t ret_key[32], struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	uint8_t key[32];
	struct lf_error bad;
	int rc = lf_file_read(path, 256, &text, err);

	if (rc)
		return rc;
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	const char *line = lf_buf_text(&text);
	bool whole = strncmp(line, KEY_PREFIX, strlen(KEY_PREFIX)) == 0 &&
		     !lf_hex_decode(line + strlen(KEY_PREFIX), key, 32, &bad);
	OPENSSL_cleanse(text.data, text.len);
	if (!whole)
		return lf_fail(err, LF_EDENIED, path, "%s is not a platform key", path);
	memcpy(ret_key, key, 32);
	OPENSSL_cleanse(key, 32);
	return 0;
}

/* Two that make it at once end with one key: the name is given by link, which never replaces. */
static int make_platform_key(const char *path, struct lf_error *err)
{
	char guid[LF_GUID_SIZE], text[sizeof(KEY_PREFIX) + 66];
	uint8_t key[32];

	lf_guid_random(guid);
	LF_AUTO_FREE char *temporary = lf_printf_dup("%s.tmp-%s", path, guid);
	if (!temporary)
		return lf_fail_nomem(err);
	if (RAND_bytes(key, sizeof(key)) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "no random bytes to be had");
	memcpy(text, KEY_PREFIX, sizeof(KEY_PREFIX));
	lf_hex_encode(key, 32, text + strlen(KEY_PREFIX));
	memcpy(text + strlen(KEY_PREFIX) + 64, "\n", 2);
	OPENSSL_cleanse(key, sizeof(key));
	int rc = lf_file_write_durable(temporary, text, strlen(text), 0600, err);
	OPENSSL_cleanse(text, sizeof(text));
	if (rc)
		return rc;
	if (link(temporary, path) && errno != EEXIST)
		rc = lf_fail_sys(err, errno, path, "cannot make %s", path);
	unlink(temporary);
	return rc ? rc : lf_file_sync_parent(path, err);
}

static int platform_key(const char *path, uint8_t ret_key[32], struct lf_error *err)
{
	int rc = read_platform_key(path, ret_key, err);

	if (rc != LF_ENOTFOUND)
		return rc;
	rc = make_platform_key(path, err);
	return rc ? rc : read_platform_key(path, ret_key, err);
}

static char *format_wrapped(const struct wrapped *wrapped)
{
	char salt[65], sealed[161], check[65];
	uint8_t digest[32];

	lf_hex_encode(wrapped->salt, 32, salt);
	lf_hex_encode(wrapped->sealed, sizeof(wrapped->sealed), sealed);
	char *body = lf_printf_dup("{\"format\":\"landfall-vault\",\"version\":1,\"id\":\"%s\","
				   "\"epoch\":%u,\"salt\":\"%s\",\"sealed\":\"%s\"",
				   wrapped->id, wrapped->epoch, salt, sealed);
	if (!body)
		return NULL;
	lf_sha256(body, strlen(body), digest);
	lf_hex_encode(digest, 32, check);
	char *text = lf_printf_dup("%s,\"check\":\"%s\"}\n", body, check);
	free(body);
	return text;
}

static int seal_key(struct lf_sealer *sealer, struct wrapped *wrapped, const uint8_t platform[32],
		    uint8_t plain[64], bool open, struct lf_error *err)
{
	static const uint8_t nonce[12]; /* the salt makes a key that seals this once */
	uint8_t key[32];
	char aad[64];

	snprintf(aad, sizeof(aad), "landfall-vault 1 %s %u", wrapped->id, wrapped->epoch);
	lf_key_derive(platform, wrapped->salt, 32, WRAP_INFO, key);
	int rc = lf_sealer_set_key(sealer, key, err);
	OPENSSL_cleanse(key, sizeof(key));
	if (rc)
		return rc;
	if (open)
		return lf_unseal(sealer, nonce, aad, strlen(aad), wrapped->sealed,
				 sizeof(wrapped->sealed), plain, err);
	return lf_seal(sealer, nonce, aad, strlen(aad), plain, 64, wrapped->sealed, err);
}

static int write_vault_file(const char *dir, const struct wrapped *wrapped, struct lf_error *err)
{
	LF_AUTO_FREE char *text = format_wrapped(wrapped);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/vault.json", dir);

	if (!text || !path)
		return lf_fail_nomem(err);
	return lf_file_write_durable(path, text, strlen(text), 0600, err);
}

int lf_domain_key_make(const char *dir, const char *key_file, struct lf_error *err)
{
	struct wrapped wrapped = {.epoch = 1};
	struct lf_sealer *sealer = NULL;
	uint8_t platform[32], plain[64];
	int rc = platform_key(key_file, platform, err);

	if (rc)
		return rc;
	lf_guid_random(wrapped.id);
	if (RAND_bytes(wrapped.salt, 32) != 1 || RAND_bytes(plain, 64) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "no random bytes to be had");
	rc = lf_sealer_new(&sealer, err);
	if (!rc)
		rc = seal_key(sealer, &wrapped, platform, plain, false, err);
	lf_sealer_free(sealer);
	OPENSSL_cleanse(platform, sizeof(platform));
	OPENSSL_cleanse(plain, sizeof(plain));
	return rc ? rc : write_vault_file(dir, &wrapped, err);
}

static int fail_file(const char *path, struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, path, "%s is damaged", path);
}

/* Parsed, and byte for byte what we would write: no flipped bit goes unseen. */
static int read_vault_file(const char *dir, struct wrapped *ret_wrapped, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/vault.json", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *doc = NULL;
	struct wrapped wrapped = {0};
	struct lf_error bad;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, VAULT_FILE_MAX, &text, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail(err, LF_ENOTFOUND, dir, "no vault in %s", dir);
	if (rc)
		return rc;
	if (lf_json_parse(lf_buf_text(&text), text.len, &doc, &bad))
		return fail_file(path, err);
	if (lf_json_int_or(doc, "version", 1) != 1)
		return lf_fail(err, LF_EUNSUPPORTED, path, "%s has an unknown version", path);
	snprintf(wrapped.id, sizeof(wrapped.id), "%s", lf_json_text_or(doc, "id", ""));
	wrapped.epoch = (uint32_t)lf_json_int_or(doc, "epoch", 0);
	if (lf_hex_decode(lf_json_text_or(doc, "salt", ""), wrapped.salt, 32, &bad) ||
	    lf_hex_decode(lf_json_text_or(doc, "sealed", ""), wrapped.sealed,
			  sizeof(wrapped.sealed), &bad))
		return fail_file(path, err);
	LF_AUTO_FREE char *again = format_wrapped(&wrapped);
	if (!again)
		return lf_fail_nomem(err);
	if (strcmp(again, lf_buf_text(&text)) != 0)
		return fail_file(path, err);
	*ret_wrapped = wrapped;
	return 0;
}

int lf_domain_key_check(const char *dir, struct lf_error *err)
{
	struct wrapped wrapped;

	return read_vault_file(dir, &wrapped, err);
}

int lf_domain_key_load(const char *dir, const char *key_file, struct lf_domain_key *ret_key,
		       struct lf_error *err)
{
	struct wrapped wrapped;
	struct lf_sealer *sealer = NULL;
	uint8_t platform[32], plain[64];
	int rc = read_vault_file(dir, &wrapped, err);

	if (!rc)
		rc = read_platform_key(key_file, platform, err);
	if (rc)
		return rc;
	rc = lf_sealer_new(&sealer, err);
	if (!rc)
		rc = seal_key(sealer, &wrapped, platform, plain, true, err);
	lf_sealer_free(sealer);
	OPENSSL_cleanse(platform, sizeof(platform));
	if (rc == LF_ECORRUPT)
		return lf_fail(err, LF_EDENIED, key_file, "%s does not open the vault in %s",
			       key_file, dir);
	if (rc)
		return rc;
	memcpy(ret_key->id_key, plain, 32);
	memcpy(ret_key->data_key, plain + 32, 32);
	ret_key->epoch = wrapped.epoch;
	OPENSSL_cleanse(plain, sizeof(plain));
	return 0;
}
