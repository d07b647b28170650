/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.json of any bytes, and a platform key.  Where the first byte is 1 the
 * checksum is put right.  Accepted is only what is byte for byte as it is written.
 */
#include "fuzz.h"

#include "vault/open/domainkey.h"

static void put_check_right(char *text, size_t size)
{
	char *at = size ? memmem(text, size, ",\"check\":\"", 10) : NULL;
	uint8_t digest[32];
	char hex[65];

	if (!at || (size_t)(text + size - at) < 10 + 64)
		return;
	lf_sha256(text, (size_t)(at - text), digest);
	lf_hex_encode(digest, 32, hex);
	memcpy(at + 10, hex, 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *dir, *key_path, *file_path;
	struct lf_domain_key key, other;
	struct lf_error err;

	if (!dir) {
		dir = fuzz_path("vault");
		lf_vault_free(fuzz_vault(dir));
		key_path = fuzz_path("platform-key");
		file_path = lf_printf_dup("%s/vault.json", dir);
		LF_ASSERT(file_path && lf_domain_key_load(dir, key_path, &key, &err) == 0);
	}
	if (!size)
		return 0;
	char *text = malloc(size);
	LF_ASSERT(text);
	memcpy(text, data + 1, size - 1);
	if (data[0] == 1)
		put_check_right(text, size - 1);
	fuzz_write(file_path, text, size - 1);
	int rc = lf_domain_key_check(dir, &err);
	LF_ASSERT(rc == 0 || rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED || rc == LF_ETOOLARGE ||
		  (rc == LF_EDENIED && memmem(text, size - 1, "erased", 6)));
	if (rc == 0)
		LF_ASSERT(size > 300 && text[size - 2] == '\n');
	/* no key of ours sealed it */
	rc = lf_domain_key_load(dir, key_path, &key, &err);
	LF_ASSERT(rc == LF_EDENIED || rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED ||
		  rc == LF_ETOOLARGE);
	/* the same bytes as a platform key */
	char *odd_key = fuzz_path("odd-key");
	fuzz_write(odd_key, text, size - 1);
	rc = lf_domain_key_load(dir, odd_key, &other, &err);
	LF_ASSERT(rc != 0);
	unlink(odd_key);
	free(odd_key);
	free(text);
	return 0;
}
