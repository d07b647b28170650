/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/open/readme.h"

#include <string.h>

#include "base/text.h"
#include "vault/pack/crypt.h"

#define CHECK_PREFIX "sha256 of the lines above: "
#define CHECK_BYTES  (sizeof(CHECK_PREFIX) - 1 + 64 + 1) /* with its newline */

static const char words[] =
	"This directory is a Landfall vault: recovery points of disks, deduplicated and "
	"encrypted.\n"
	"\n"
	"vault.json  the vault's keys, wrapped by a platform key that is kept elsewhere\n"
	"packs/      the data: sealed chunks, each file with its own index at its end\n"
	"points/     recovery points: sealed lists of disks, each naming the root of a disk map\n"
	"claims/     who keeps a point, and until when\n"
	"sessions/   transfers under way\n"
	"index/      where each chunk is: a cache, made again from packs when it is missing\n"
	"prints/     what each disk's pages held: a cache that makes the next pass short\n"
	"tmp/, lock  work in progress of the one process that writes\n"
	"\n"
	"Do not change or remove single files.  A copy of the whole directory, with the platform\n"
	"key, is a whole backup.  The formats are written down in docs/formats of Landfall's "
	"source.\n"
	"  landfall vault list DIR --key FILE\n"
	"  landfall vault verify DIR --key FILE\n"
	"  landfall vault export DIR POINT DISK.raw --key FILE\n";

static void format_check(const char *text, size_t len, char out[static CHECK_BYTES + 1])
{
	uint8_t digest[32];

	lf_sha256(text, len, digest);
	memcpy(out, CHECK_PREFIX, sizeof(CHECK_PREFIX));
	lf_hex_encode(digest, 32, out + sizeof(CHECK_PREFIX) - 1);
	memcpy(out + CHECK_BYTES - 1, "\n", 2);
}

int lf_vault_readme(struct lf_buf *out, struct lf_error *err)
{
	char check[CHECK_BYTES + 1];

	format_check(words, strlen(words), check);
	lf_buf_puts(out, words);
	lf_buf_puts(out, check);
	return lf_buf_check(out, err);
}

/* The words of before there was a check. */
static bool is_first(const char *text, size_t len)
{
	static const char sum[] =
		"13a39676aee14d1ebd11a96eea00be2eb72481dfa4595d07ec20288dc8998f60";
	uint8_t digest[32];
	char hex[65];

	lf_sha256(text, len, digest);
	lf_hex_encode(digest, 32, hex);
	return strcmp(hex, sum) == 0;
}

bool lf_vault_readme_check(const char *text, size_t len)
{
	char check[CHECK_BYTES + 1];

	if (is_first(text, len))
		return true;
	if (len < CHECK_BYTES)
		return false;
	format_check(text, len - CHECK_BYTES, check);
	return memcmp(text + len - CHECK_BYTES, check, CHECK_BYTES) == 0;
}
