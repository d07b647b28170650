/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/source/fake_disk.h - a disk in memory, which knows its data and what was written by
 * whole pages.
 */
#ifndef LF_TEST_FAKE_DISK_H
#define LF_TEST_FAKE_DISK_H

#include "test.h"

#include "source/disk.h"

struct fake_disk {
	struct lf_disk disk;
	uint8_t *bytes;
	uint8_t *marked; /* a byte for each: not 0 where something was written */
};

static inline int fake_read(void *context, void *data, size_t len, uint64_t offset,
			    struct lf_error *err)
{
	const struct fake_disk *fake = context;

	(void)err;
	assert_true(offset + len <= fake->disk.size_bytes);
	memcpy(data, fake->bytes + offset, len);
	return 0;
}

/* The next run of bytes of pages that hold something in map. */
static inline void fake_next(const struct fake_disk *fake, const uint8_t *map, uint64_t offset,
			     uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t size = fake->disk.size_bytes, at = offset;

	while (at < size && !map[at])
		at++;
	*ret_from = at;
	while (at < size && map[at])
		at++;
	*ret_to = at;
}

static inline int fake_next_data(void *context, uint64_t offset, uint64_t *ret_from,
				 uint64_t *ret_to, struct lf_error *err)
{
	const struct fake_disk *fake = context;

	(void)err;
	fake_next(fake, fake->bytes, offset, ret_from, ret_to);
	return 0;
}

static inline int fake_next_dirty(void *context, uint64_t offset, uint64_t *ret_from,
				  uint64_t *ret_to, struct lf_error *err)
{
	const struct fake_disk *fake = context;

	(void)err;
	fake_next(fake, fake->marked, offset, ret_from, ret_to);
	return 0;
}

/* All zeroes, nothing marked. */
static inline void fake_disk_init(struct fake_disk *fake, uint64_t size)
{
	*fake = (struct fake_disk){.bytes = calloc(1, size), .marked = calloc(1, size)};
	fake->disk = (struct lf_disk){.name = "fake",
				      .size_bytes = size,
				      .read = fake_read,
				      .next_data = fake_next_data,
				      .next_dirty = fake_next_dirty,
				      .context = fake};
}

static inline void fake_disk_done(struct fake_disk *fake)
{
	free(fake->bytes);
	free(fake->marked);
}

#endif
