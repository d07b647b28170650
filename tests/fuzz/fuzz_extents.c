/* SPDX-License-Identifier: Apache-2.0 */
/* Extents off the wire, and a journal of any bytes: what is accepted can be appended to. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"
#include "inflow/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	(void)err;
	LF_ASSERT(extent->pages > 0);
	++*(size_t *)context;
	return 0;
}

static void try_extents(const uint8_t *data, size_t size)
{
	uint8_t again[LF_EXTENT_WIRE_SIZE];
	struct lf_extent extent;
	struct lf_error err;

	for (; size >= LF_EXTENT_WIRE_SIZE; data += LF_EXTENT_WIRE_SIZE, size -= sizeof(again)) {
		if (lf_extent_decode(data, &extent, &err))
			continue;
		lf_extent_encode(&extent, again);
		LF_ASSERT(memcmp(again, data, sizeof(again)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	uint8_t wire[LF_EXTENT_WIRE_SIZE] = {[8] = 1};
	size_t before = 0, after = 0;
	uint64_t upto;
	struct lf_error err;

	try_extents(data, size);
	if (!path[0])
		snprintf(path, sizeof(path), "/tmp/landfall-fuzz-journal-%d", (int)getpid());
	LF_ASSERT(lf_file_write_durable(path, data, size, 0600, &err) == 0);
	int rc = lf_journal_walk(path, count, &before, &err);
	LF_ASSERT(rc == 0 || rc == LF_ECORRUPT || rc == LF_EINVAL);
	LF_ASSERT(rc || lf_journal_upto(path, &upto, &err) == 0);
	if (rc == 0) {
		LF_ASSERT(lf_journal_append(path, wire, 1, 7, NULL, &err) == 0);
		LF_ASSERT(lf_journal_walk(path, count, &after, &err) == 0);
		LF_ASSERT(after == before + 1);
		LF_ASSERT(lf_journal_upto(path, &upto, &err) == 0 && upto == 7);
	}
	unlink(path);
	return 0;
}
