/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims and sessions of any name and text: name, zero byte, text.  A claim that
 * is read is one that we would write; one that is not keeps its point.  A session
 * whose name is none of ours is somebody else's file, and no fault.
 */
#include "fuzz.h"

#include "vault/care/care.h"
#include "vault/point/claim_internal.h"
#include "vault/point/point.h"

#define POINT "00000000-0000-4000-8000-000000000000"

static struct lf_vault *vault;
static char *dir;

static void try_claim(const char *name, const void *text, size_t size)
{
	LF_AUTO_FREE char *folder = lf_printf_dup("%s/claims/" POINT, dir);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", folder, name);
	LF_AUTO_BUF again = LF_BUF_INIT;
	struct lf_error err;
	int64_t until = 0;
	bool live = false;

	LF_ASSERT(lf_dir_make(folder, 0700, &err) == 0);
	fuzz_write(path, text, size);
	int rc = lf_claim_read(vault, POINT, name, &until, &err);
	LF_ASSERT(rc == 0 || rc == LF_ECORRUPT || rc == LF_EINVAL || rc == LF_ETOOLARGE);
	LF_ASSERT(lf_claims_live(vault, POINT, NULL, 1000, &live, &err) == 0);
	/* what can be no claim's name is somebody else's file */
	bool foreign = name[strspn(name, LF_STORE_LETTERS)] != '\0';
	if (name[0] != '.' && !strstr(name, ".tmp-") && !foreign)
		LF_ASSERT(live == (rc || until > 1000));
	if (rc == 0) {
		LF_ASSERT(lf_claim_write(vault, POINT, name, until, &err) == 0);
		LF_ASSERT(lf_file_read(path, 1024, &again, &err) == 0);
		LF_ASSERT(again.len == size && memcmp(again.data, text, size) == 0);
	}
	unlink(path);
}

static void try_session(const char *name, const void *text, size_t size)
{
	static const char right[] = "landfall-session 1\n";
	LF_AUTO_FREE char *path = lf_printf_dup("%s/sessions/%s", dir, name);
	bool fine =
		!lf_guid_valid(name) || (size == strlen(right) && memcmp(text, right, size) == 0);
	LF_AUTO_JSON *faults = NULL;
	struct lf_error err;

	fuzz_write(path, text, size);
	LF_ASSERT(lf_leases_load(vault, &err) == 0);
	while (vault->holders)
		lf_holder_end(vault, vault->holders);
	LF_ASSERT(lf_vault_verify(vault, NULL, &faults, &err) == 0);
	LF_ASSERT((json_array_size(faults) == 0) == fine);
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[256] = "";

	if (!vault) {
		dir = fuzz_path("vault");
		vault = fuzz_vault(dir);
	}
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t len = end ? (size_t)(end - data) : 0;
	if (!len || len >= sizeof(name) || memchr(data, '/', len))
		return 0;
	memcpy(name, data, len);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	try_claim(name, end + 1, size - len - 1);
	try_session(name, end + 1, size - len - 1);
	return 0;
}
