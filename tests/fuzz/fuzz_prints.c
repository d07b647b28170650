/* SPDX-License-Identifier: Apache-2.0 */
/* A file of page prints of any bytes: what it describes it has, and it can be used again. */
#include "fuzz.h"

#include "vault/pack/crypt.h"
#include "vault/flow/prints.h"

#define HEADER_SIZE 108u /* the last 32 are the SHA-256 of what is before */
#define PAGES	    600u

static struct lf_prints *open_prints(const char *path)
{
	struct lf_prints *prints = NULL;
	struct lf_error err;

	LF_ASSERT(lf_prints_open(path, &prints, &err) == 0);
	return prints;
}

/* What is in the file, and zeroes behind it. */
static void check_pages(struct lf_prints *prints, const uint8_t *data, size_t size)
{
	uint64_t pages[PAGES], next = lf_prints_next(prints, 0);
	struct lf_error err;

	LF_ASSERT(lf_prints_read(prints, 0, PAGES, pages, &err) == 0);
	for (size_t i = 0; i < PAGES; i++) {
		size_t at = LF_PAGE_SIZE + i * 8;
		uint8_t bytes[8] = {0};
		if (at < size)
			memcpy(bytes, data + at, size - at < 8 ? size - at : 8);
		LF_ASSERT(pages[i] == lf_get_u64(bytes));
		LF_ASSERT(!pages[i] || i >= next);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *path;
	const struct lf_root root = {.node = {{1}}, .height = 2};
	char text[LF_ROOT_TEXT_SIZE] = "";
	struct lf_root named;
	struct lf_error err;
	uint64_t value = 7;

	if (!path)
		path = fuzz_path("prints");
	uint8_t *file = malloc(size + 1);
	LF_ASSERT(file);
	if (size)
		memcpy(file, data, size);
	if (size >= HEADER_SIZE && file[size - 1] & 1)
		lf_sha256(file, HEADER_SIZE - 32, file + HEADER_SIZE - 32);
	fuzz_write(path, file, size);
	struct lf_prints *prints = open_prints(path);
	if (size >= HEADER_SIZE)
		memcpy(text, file + 8, sizeof(text) - 1);
	bool parsed = !lf_root_parse(text, &named, &err);
	bool described = parsed && lf_prints_describe(prints, &named);
	if (described)
		LF_ASSERT(memcmp(file, "LFPRNT01", 8) == 0);
	check_pages(prints, file, size);
	LF_ASSERT(lf_prints_begin(prints, described, &err) == 0);
	LF_ASSERT(!parsed || !lf_prints_describe(prints, &named));
	LF_ASSERT(lf_prints_write(prints, 3, 1, &value, &err) == 0);
	LF_ASSERT(lf_prints_end(prints, 5, &root, &err) == 0);
	lf_prints_close(prints);
	prints = open_prints(path);
	LF_ASSERT(lf_prints_describe(prints, &root));
	value = 0;
	LF_ASSERT(lf_prints_read(prints, 3, 1, &value, &err) == 0 && value == 7);
	LF_ASSERT(lf_prints_read(prints, 5, 1, &value, &err) == 0 && value == 0);
	lf_prints_close(prints);
	free(file);
	return 0;
}
