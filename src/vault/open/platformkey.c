/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform key: 32 bytes in a file, or a key that never leaves its token.
 */
#include "vault/open/platformkey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/text.h"
#include "crypto/pkcs11.h"
#include "os/file.h"

#define KEY_PREFIX "landfall-platform-key-1 "
#define URI_PREFIX "pkcs11:"

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

int lf_platform_key_get(const char *source, const uint8_t salt[static 32], bool make,
			uint8_t ret_key[static 32], struct lf_error *err)
{
	if (strncmp(source, URI_PREFIX, strlen(URI_PREFIX)) == 0)
		return lf_pkcs11_derive(source, salt, ret_key, err);
	int rc = read_platform_key(source, ret_key, err);
	if (rc != LF_ENOTFOUND || !make)
		return rc;
	rc = make_platform_key(source, err);
	return rc ? rc : read_platform_key(source, ret_key, err);
}
