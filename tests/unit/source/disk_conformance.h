/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/source/disk_conformance.h - what every struct lf_disk does, whatever is
 * behind it.  A new kind of source is looked at by this, with the bytes that it holds.
 */
#ifndef LF_TEST_DISK_CONFORMANCE_H
#define LF_TEST_DISK_CONFORMANCE_H

#include "test.h"

#include "source/disk.h"

/* Reads of many places and lengths, also past the end, are the bytes and then zeroes. */
static inline void conform_reads(const struct lf_disk *disk, const uint8_t *bytes, uint64_t align)
{
	static const uint64_t lengths[] = {1, 2, 16, 33};
	uint64_t size = disk->size_bytes, step = (size / 7 / align + 1) * align;
	uint8_t *data = aligned_alloc(LF_DISK_ALIGN, 40 * LF_DISK_ALIGN);
	struct lf_error err;

	for (uint64_t at = 0; at < size + 3 * align; at += step)
		for (size_t l = 0; l < LF_N(lengths); l++) {
			size_t len = (size_t)(lengths[l] * align);
			size_t have = at >= size ? 0 : size - at < len ? (size_t)(size - at) : len;
			memset(data, 0xa5, len);
			assert_lf_ok(lf_disk_read(disk, data, len, at, &err));
			if (have)
				assert_memory_equal(data, bytes + at, have);
			for (size_t i = have; i < len; i++)
				assert_int_equal(data[i], 0);
		}
	free(data);
}

/* Several runs at once, one of them over the end. */
static inline void conform_runs(struct lf_disk *disk, const uint8_t *bytes)
{
	uint64_t size = disk->size_bytes, last = size / LF_DISK_ALIGN * LF_DISK_ALIGN;
	uint8_t *data = aligned_alloc(LF_DISK_ALIGN, 4 * LF_DISK_ALIGN);
	const struct lf_disk_run runs[] = {
		{data, LF_DISK_ALIGN, 0},
		{data + LF_DISK_ALIGN, LF_DISK_ALIGN, LF_DISK_ALIGN},
		{data + 2 * LF_DISK_ALIGN, 2 * LF_DISK_ALIGN, last - LF_DISK_ALIGN},
	};
	struct lf_error err;

	memset(data, 0xa5, 4 * LF_DISK_ALIGN);
	assert_lf_ok(lf_disk_read_runs(disk, runs, LF_N(runs), &err));
	assert_memory_equal(data, bytes, 2 * LF_DISK_ALIGN);
	assert_memory_equal(data + 2 * LF_DISK_ALIGN, bytes + last - LF_DISK_ALIGN,
			    LF_DISK_ALIGN + (size - last));
	for (size_t i = 3 * LF_DISK_ALIGN + (size_t)(size - last); i < 4 * LF_DISK_ALIGN; i++)
		assert_int_equal(data[i], 0);
	free(data);
}

typedef int conform_next_fn(const struct lf_disk *disk, uint64_t offset, uint64_t *ret_from,
			    uint64_t *ret_to, struct lf_error *err);

/*
 * Runs go forward, end behind their begin and within the disk, and stop at its end.  What they
 * pass over has marked (NULL: holds) nothing.
 */
static inline void conform_next(const struct lf_disk *disk, conform_next_fn *next,
				const uint8_t *bytes)
{
	uint64_t at = 0, from = 1, to = 1;
	struct lf_error err;

	for (unsigned runs = 0; at < disk->size_bytes; runs++) {
		assert_true(runs < 100000);
		assert_lf_ok(next(disk, at, &from, &to, &err));
		assert_true(from >= at && from <= disk->size_bytes && to <= disk->size_bytes);
		for (uint64_t i = at; bytes && i < from; i++)
			assert_int_equal(bytes[i], 0);
		if (from == disk->size_bytes)
			break;
		assert_true(to > from);
		at = to;
	}
	assert_lf_ok(next(disk, disk->size_bytes, &from, &to, &err));
	assert_int_equal(from, disk->size_bytes);
}

/* bytes: what the disk holds, of at least three pages; aligned: it reads whole pages only.  When
 * it knows what is dirty, marked says where (a byte that is not 0 for each); NULL: it does not. */
static inline void conform_disk(struct lf_disk *disk, const uint8_t *bytes, uint64_t size,
				bool aligned, const uint8_t *marked)
{
	uint32_t sector = lf_disk_sector(disk);
	uint64_t now = 0;
	struct lf_error err;

	assert_non_null(disk->name);
	assert_int_equal(disk->size_bytes, size);
	assert_lf_ok(lf_disk_size(disk, &now, &err));
	assert_int_equal(now, size);
	assert_true(sector >= 512 && sector <= 65536 && (sector & (sector - 1)) == 0);
	conform_reads(disk, bytes, LF_DISK_ALIGN);
	if (!aligned)
		conform_reads(disk, bytes, 1);
	conform_runs(disk, bytes);
	conform_next(disk, lf_disk_next_data, bytes);
	assert_int_equal(disk->next_dirty != NULL, marked != NULL);
	conform_next(disk, lf_disk_next_dirty, marked);
}

#endif
