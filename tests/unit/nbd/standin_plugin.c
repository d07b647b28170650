/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for our NBD plugin where a test has no vault: the same
 * parameters, but root names a file in store.
 */
#define NBDKIT_API_VERSION 2
#include <fcntl.h>
#include <nbdkit-plugin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static char *store, *root;
static int64_t size_bytes;
static int fd = -1;

static int standin_config(const char *key, const char *value)
{
	if (strcmp(key, "store") == 0)
		store = nbdkit_realpath(value);
	else if (strcmp(key, "root") == 0)
		root = strdup(value);
	else if (strcmp(key, "size") == 0)
		size_bytes = nbdkit_parse_size(value);
	else if (strcmp(key, "key-file") != 0 && strcmp(key, "trace") != 0) {
		nbdkit_error("unknown parameter %s", key);
		return -1;
	}
	return 0;
}

static int standin_get_ready(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", store, root);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		nbdkit_error("cannot open %s: %m", path);
	return fd < 0 ? -1 : 0;
}

static void *standin_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t standin_get_size(void *handle)
{
	(void)handle;
	return size_bytes;
}

static int standin_can_multi_conn(void *handle)
{
	(void)handle;
	return 1;
}

static int standin_pread(void *handle, void *data, uint32_t count, uint64_t offset, uint32_t flags)
{
	ssize_t n = pread(fd, data, count, (off_t)offset);

	(void)handle;
	(void)flags;
	if (n < 0)
		return -1;
	memset((char *)data + n, 0, count - (size_t)n);
	return 0;
}

static int standin_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
			   struct nbdkit_extents *extents)
{
	uint64_t at = offset, end = offset + count;

	(void)handle;
	(void)flags;
	while (at < end) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		uint64_t next = data < 0 || (uint64_t)data > end ? end : (uint64_t)data;
		bool hole = next > at;
		if (!hole) {
			off_t gap = lseek(fd, (off_t)at, SEEK_HOLE);
			next = gap < 0 || (uint64_t)gap > end ? end : (uint64_t)gap;
		}
		if (nbdkit_add_extent(extents, at, next - at,
				      hole ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0))
			return -1;
		at = next;
	}
	return 0;
}

static struct nbdkit_plugin plugin = {
	.name = "standin",
	.config = standin_config,
	.get_ready = standin_get_ready,
	.open = standin_open,
	.get_size = standin_get_size,
	.can_multi_conn = standin_can_multi_conn,
	.pread = standin_pread,
	.extents = standin_extents,
};

NBDKIT_REGISTER_PLUGIN(plugin)
