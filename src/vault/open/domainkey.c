/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The domain's keys in DIR/vault.json, wrapped by the platform key.  Format:
 * docs/formats/vault.md.
 */
#include "vault/open/domainkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/pack/crypt.h"
#include "vault/open/platformkey.h"
#include "vault/vault_internal.h"

#define VAULT_FILE_MAX	 16384
#define WRAP_INFO	 "landfall domain key 1"
#define VERSION_ONE_KEY	 1 /* one epoch; what every vault begins with */
#define VERSION_MANY	 2
#define PLAIN_BYTES(n)	 (32u * (1u + (n))) /* the id key, and a data key for each epoch */
#define PLAIN_BYTES_MAX	 PLAIN_BYTES(LF_EPOCHS_MAX)
#define SEALED_BYTES_MAX (PLAIN_BYTES_MAX + LF_TAG_SIZE)

/* The members of vault.json as text; what is sealed and what seals it. */
struct wrapped {
	char id[LF_GUID_SIZE];
	uint32_t epoch;
	uint8_t salt[32];
	uint8_t sealed[SEALED_BYTES_MAX];
};

static size_t sealed_bytes(uint32_t epoch)
{
	return PLAIN_BYTES(epoch) + LF_TAG_SIZE;
}

static int version_of(uint32_t epoch)
{
	return epoch == 1 ? VERSION_ONE_KEY : VERSION_MANY;
}

static char *format_wrapped(const struct wrapped *wrapped)
{
	char salt[65], sealed[2 * SEALED_BYTES_MAX + 1], check[65];
	uint8_t digest[32];

	lf_hex_encode(wrapped->salt, 32, salt);
	lf_hex_encode(wrapped->sealed, sealed_bytes(wrapped->epoch), sealed);
	char *body = lf_printf_dup("{\"format\":\"landfall-vault\",\"version\":%d,\"id\":\"%s\","
				   "\"epoch\":%u,\"salt\":\"%s\",\"sealed\":\"%s\"",
				   version_of(wrapped->epoch), wrapped->id, wrapped->epoch, salt,
				   sealed);
	if (!body)
		return NULL;
	lf_sha256(body, strlen(body), digest);
	lf_hex_encode(digest, 32, check);
	char *text = lf_printf_dup("%s,\"check\":\"%s\"}\n", body, check);
	free(body);
	return text;
}

/* Open or seal plain, under what the platform key and the salt make. */
static int seal_keys(struct wrapped *wrapped, const uint8_t platform[32], uint8_t *plain, bool open,
		     struct lf_error *err)
{
	static const uint8_t nonce[12]; /* the salt makes a key that seals this once */
	struct lf_sealer *sealer = NULL;
	uint8_t key[32];
	char aad[64];

	snprintf(aad, sizeof(aad), "landfall-vault %d %s %u", version_of(wrapped->epoch),
		 wrapped->id, wrapped->epoch);
	lf_key_derive(platform, wrapped->salt, 32, WRAP_INFO, key);
	int rc = lf_sealer_new(&sealer, err);
	if (!rc)
		rc = lf_sealer_set_key(sealer, key, err);
	OPENSSL_cleanse(key, sizeof(key));
	if (!rc && open)
		rc = lf_unseal(sealer, nonce, aad, strlen(aad), wrapped->sealed,
			       sealed_bytes(wrapped->epoch), plain, err);
	else if (!rc)
		rc = lf_seal(sealer, nonce, aad, strlen(aad), plain, PLAIN_BYTES(wrapped->epoch),
			     wrapped->sealed, err);
	lf_sealer_free(sealer);
	return rc;
}

static int write_vault_file(const char *dir, const struct wrapped *wrapped, struct lf_error *err)
{
	LF_AUTO_FREE char *text = format_wrapped(wrapped);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/vault.json", dir);

	if (!text || !path)
		return lf_fail_nomem(err);
	return lf_file_write_durable(path, text, strlen(text), 0600, err);
}

static int random_bytes(void *out, int len, struct lf_error *err)
{
	return RAND_bytes(out, len) == 1
		       ? 0
		       : lf_fail(err, LF_EINTERNAL, NULL, "no random bytes to be had");
}

/* Wrap the keys anew, all or nothing: with the salt, no key seals twice. */
static int write_keys(const char *dir, const char *id, const char *key_file,
		      const struct lf_domain_key *key, struct lf_error *err)
{
	struct wrapped wrapped = {.epoch = key->epoch};
	uint8_t platform[32], plain[PLAIN_BYTES_MAX];

	memcpy(wrapped.id, id, sizeof(wrapped.id));
	int rc = random_bytes(wrapped.salt, sizeof(wrapped.salt), err);
	if (!rc)
		rc = lf_platform_key_get(key_file, wrapped.salt, true, platform, err);
	if (rc)
		return rc;
	memcpy(plain, key->id_key, 32);
	for (uint32_t epoch = 1; epoch <= key->epoch; epoch++)
		memcpy(plain + 32 * epoch, lf_domain_key_data(key, epoch), 32);
	rc = seal_keys(&wrapped, platform, plain, false, err);
	OPENSSL_cleanse(platform, sizeof(platform));
	OPENSSL_cleanse(plain, sizeof(plain));
	return rc ? rc : write_vault_file(dir, &wrapped, err);
}

int lf_domain_key_make(const char *dir, const char *key_file, const uint8_t *id_key,
		       struct lf_error *err)
{
	struct lf_domain_key key = {.epoch = 1};
	char id[LF_GUID_SIZE];
	int rc = random_bytes(key.data_key, 32, err);

	if (!rc && !id_key)
		rc = random_bytes(key.id_key, 32, err);
	if (id_key)
		memcpy(key.id_key, id_key, 32);
	lf_guid_random(id);
	if (!rc)
		rc = write_keys(dir, id, key_file, &key, err);
	lf_domain_key_done(&key);
	return rc;
}

static int fail_file(const char *path, struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, path, "%s is damaged", path);
}

static int fail_erased(const char *dir, const char *when, struct lf_error *err)
{
	lf_fail(err, LF_EDENIED, dir, "the keys of the vault in %s were erased at %.40s", dir,
		when);
	return lf_error_hint(err, "nothing in it can be read again");
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
	rc = lf_json_parse(lf_buf_text(&text), text.len, &doc, &bad);
	if (rc)
		return rc == LF_ENOMEM ? lf_fail_nomem(err) : fail_file(path, err);
	if (lf_json_text(doc, "erased"))
		return fail_erased(dir, lf_json_text_or(doc, "erased", ""), err);
	int64_t version = lf_json_int_or(doc, "version", VERSION_ONE_KEY);
	if (version != VERSION_ONE_KEY && version != VERSION_MANY)
		return lf_fail(err, LF_EUNSUPPORTED, path, "%s has an unknown version", path);
	snprintf(wrapped.id, sizeof(wrapped.id), "%s", lf_json_text_or(doc, "id", ""));
	wrapped.epoch = (uint32_t)lf_json_int_or(doc, "epoch", 0);
	if (wrapped.epoch < 1 || wrapped.epoch > LF_EPOCHS_MAX ||
	    lf_hex_decode(lf_json_text_or(doc, "salt", ""), wrapped.salt, 32, &bad) ||
	    lf_hex_decode(lf_json_text_or(doc, "sealed", ""), wrapped.sealed,
			  sealed_bytes(wrapped.epoch), &bad))
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
	uint8_t platform[32], plain[PLAIN_BYTES_MAX];
	int rc = read_vault_file(dir, &wrapped, err);

	if (rc)
		return rc;
	rc = lf_platform_key_get(key_file, wrapped.salt, false, platform, err);
	/* the vault is there: only its key is not */
	if (rc == LF_ENOTFOUND)
		return lf_fail(err, LF_EDENIED, key_file,
			       "the platform key %s of the vault in %s is missing", key_file, dir);
	if (rc)
		return rc;
	rc = seal_keys(&wrapped, platform, plain, true, err);
	OPENSSL_cleanse(platform, sizeof(platform));
	if (rc == LF_ECORRUPT)
		return lf_fail(err, LF_EDENIED, key_file, "%s does not open the vault in %s",
			       key_file, dir);
	if (rc)
		return rc;
	*ret_key = (struct lf_domain_key){.epoch = wrapped.epoch};
	memcpy(ret_key->id_key, plain, 32);
	for (uint32_t epoch = 1; epoch < wrapped.epoch; epoch++)
		memcpy(ret_key->older[epoch - 1], plain + 32 * epoch, 32);
	memcpy(ret_key->data_key, plain + 32 * wrapped.epoch, 32);
	OPENSSL_cleanse(plain, sizeof(plain));
	return 0;
}

int lf_vault_rekey(struct lf_vault *vault, const char *new_key_file, struct lf_error *err)
{
	struct wrapped wrapped;
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = read_vault_file(vault->dir, &wrapped, err);
	return rc ? rc : write_keys(vault->dir, wrapped.id, new_key_file, &vault->key, err);
}

int lf_vault_rotate(struct lf_vault *vault, const char *key_file, struct lf_error *err)
{
	struct lf_domain_key key = vault->key;
	struct wrapped wrapped;
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = read_vault_file(vault->dir, &wrapped, err);
	if (!rc && key.epoch == LF_EPOCHS_MAX)
		rc = lf_fail(err, LF_EUNSUPPORTED, vault->dir,
			     "a vault has at most %u data keys in its life", LF_EPOCHS_MAX);
	if (!rc)
		rc = random_bytes(key.data_key, 32, err);
	if (!rc) {
		memcpy(key.older[key.epoch - 1], vault->key.data_key, 32);
		key.epoch++;
		rc = write_keys(vault->dir, wrapped.id, key_file, &key, err);
	}
	if (!rc)
		vault->key = key;
	lf_domain_key_done(&key);
	return rc;
}

/* The old bytes first, where they lie; on media that move what is written, that is all one can do.
 */
static int overwrite_file(const char *path, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t noise[4096];
	struct stat st;
	int rc = 0;

	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	for (off_t at = 0; !rc && at < st.st_size; at += (off_t)sizeof(noise)) {
		size_t left = (size_t)(st.st_size - at);
		rc = random_bytes(noise, sizeof(noise), err);
		if (!rc)
			rc = lf_file_pwrite_all(fd, noise,
						left < sizeof(noise) ? left : sizeof(noise),
						(uint64_t)at, path, err);
	}
	return rc ? rc : lf_file_sync(fd, path, err);
}

int lf_vault_erase(struct lf_vault *vault, int64_t now_ns, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/vault.json", vault->dir);
	char time[LF_TIME_SIZE], text[128];
	int rc = path ? lf_vault_writable(vault, err) : lf_fail_nomem(err);

	if (!rc)
		rc = overwrite_file(path, err);
	LF_CRASH_POINT("vault-erase");
	if (rc)
		return rc;
	lf_time_format(now_ns, time);
	snprintf(text, sizeof(text), "{\"format\":\"landfall-vault\",\"erased\":\"%s\"}\n", time);
	return lf_file_write_durable(path, text, strlen(text), 0600, err);
}
