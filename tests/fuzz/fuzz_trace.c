/* SPDX-License-Identifier: Apache-2.0 */
/* A trace of a boot of any bytes, and notes from anywhere: nothing worse than nothing happens. */
#include "fuzz.h"

#include "vault/map/ahead.h"

#define CHUNKS 20u

static struct lf_vault *vault;
static struct lf_root root;

static void make_disk(void)
{
	char *dir = fuzz_path("vault");
	struct lf_map_edit *edit = NULL;
	uint8_t chunk[LF_PAGE_SIZE];
	struct lf_error err;

	vault = fuzz_vault(dir);
	LF_ASSERT(lf_map_edit_begin(vault, NULL, &edit, &err) == 0);
	for (uint64_t i = 0; i < CHUNKS; i++) {
		struct lf_extent extent = {.page = i * 40, .pages = 1};
		memset(chunk, (int)('a' + i), sizeof(chunk));
		LF_ASSERT(lf_vault_put(vault, chunk, sizeof(chunk), &extent.chunk, &err) == 0);
		LF_ASSERT(lf_map_edit_put(edit, &extent, &err) == 0);
	}
	LF_ASSERT(lf_map_edit_commit(edit, &root, &err) == 0);
	lf_map_edit_free(edit);
	free(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	struct lf_ahead *ahead = NULL;
	LF_AUTO_BUF trace = LF_BUF_INIT;
	struct lf_error err;
	uint64_t bytes = UINT64_C(4096) * 40 * CHUNKS;

	if (!vault)
		make_disk();
	if (!path)
		path = fuzz_path("trace");
	fuzz_write(path, data, size);
	if (size && data[size - 1] & 1) /* a disk as large as there can be */
		bytes = UINT64_MAX / 2;
	LF_ASSERT(lf_ahead_new(vault, &root, bytes, path, &ahead, &err) == 0);
	lf_ahead_settle(ahead);
	for (size_t at = 8; at + 12 <= size && at < 8 + 12 * 64; at += 12)
		lf_ahead_note(ahead, lf_get_u64(data + at), lf_get_u32(data + at + 8));
	lf_ahead_settle(ahead);
	lf_ahead_free(ahead);
	/* what it leaves is a trace, or what was there */
	LF_ASSERT(lf_file_read(path, 1 << 20, &trace, &err) == 0);
	LF_ASSERT((trace.len == size && (!size || memcmp(trace.data, data, size) == 0)) ||
		  (trace.len % 8 == 0 && memcmp(trace.data, "LFTRACE1", 8) == 0));
	unlink(path);
	return 0;
}
