/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file, in clusters: header, first-level table, then data and second-level
 * tables as they come, then reference counts (all 1) and their table.
 */
#include "image/qcow2.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/lock.h"
#include "os/file.h"

#define MAGIC                                                                                      \
	{                                                                                          \
		'Q', 'F', 'I', (char)0xfb                                                          \
	}
#define CLUSTER		LF_QCOW2_CLUSTER
#define CLUSTER_BITS	16u
#define TABLE_ENTRIES	(CLUSTER / 8)	    /* of a table, u64 each */
#define COUNTS		(CLUSTER / 2)	    /* of a block of reference counts, u16 each */
#define COUNT_ORDER	4u		    /* 2^4 bits each */
#define ONLY_ONE	(UINT64_C(1) << 63) /* nobody else refers to this cluster */
#define ENTRIES_AT_ONCE 64u
#define L1_ENTRIES_MAX	(UINT64_C(4) << 20) /* QEMU reads no more */
#define SECTOR		512u

/* All integers are big-endian. */
struct header {
	char magic[4];
	uint32_t version;
	uint64_t backing_offset;
	uint32_t backing_size, cluster_bits;
	uint64_t size;
	uint32_t crypt, l1_entries;
	uint64_t l1_offset, counts_offset;
	uint32_t counts_clusters, snapshots;
	uint64_t snapshots_offset, incompatible, compatible, autoclear;
	uint32_t count_order, header_size;
	uint64_t no_more_extensions;
};
#define HEADER_SIZE 104u
_Static_assert(offsetof(struct header, no_more_extensions) == HEADER_SIZE, "nothing is padded");

LF_LOCK_KIND(qcow2_lock);
struct lf_qcow2 {
	int fd;
	const char *name;
	uint64_t size;
	uint64_t l1_entries;
	pthread_mutex_t mutex;			 /* never held across I/O */
	uint64_t next LF_GUARDED_BY(qcow2_lock); /* cluster of the file */
	uint64_t *l1 LF_GUARDED_BY(qcow2_lock);	 /* as in the file */
};

static uint64_t divide_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

static int write_at(const struct lf_qcow2 *image, const void *data, size_t len, uint64_t offset,
		    struct lf_error *err)
{
	return lf_file_pwrite_all(image->fd, data, len, offset, image->name, err);
}

int lf_qcow2_new(int fd, const char *name, uint64_t size, struct lf_qcow2 **ret_image,
		 struct lf_error *err)
{
	uint64_t entries = divide_up(size, CLUSTER * TABLE_ENTRIES);

	if (entries > L1_ENTRIES_MAX)
		return lf_fail(err, LF_ETOOLARGE, name, "the disk is too large for qcow2");
	struct lf_qcow2 *image = calloc(1, sizeof(*image));
	if (!image)
		return lf_fail_nomem(err);
	LF_ALONE(qcow2_lock);
	pthread_mutex_init(&image->mutex, NULL);
	image->fd = fd;
	image->name = name;
	image->size = divide_up(size, SECTOR) * SECTOR;
	image->l1_entries = entries;
	image->next = 1 + divide_up(entries, TABLE_ENTRIES);
	image->l1 = calloc(entries + 1, sizeof(*image->l1));
	if (!image->l1) {
		lf_qcow2_free(image);
		return lf_fail_nomem(err);
	}
	*ret_image = image;
	return 0;
}

void lf_qcow2_free(struct lf_qcow2 *image)
{
	if (!image)
		return;
	LF_ALONE(qcow2_lock);
	pthread_mutex_destroy(&image->mutex);
	free(image->l1);
	free(image);
}

/* Offset of the second-level table; a new one reads as zeroes, which nobody has written. */
static uint64_t table_at(struct lf_qcow2 *image, uint64_t index)
{
	LF_GUARD(&image->mutex, qcow2_lock);

	if (!image->l1[index])
		image->l1[index] = htobe64(image->next++ * CLUSTER | ONLY_ONE);
	return be64toh(image->l1[index]) & ~ONLY_ONE;
}

static uint64_t take_clusters(struct lf_qcow2 *image, uint64_t n)
{
	LF_GUARD(&image->mutex, qcow2_lock);

	image->next += n;
	return image->next - n;
}

int lf_qcow2_place(struct lf_qcow2 *image, uint64_t offset, uint64_t len, uint64_t *ret_place,
		   struct lf_error *err)
{
	uint64_t cluster = offset / CLUSTER, end = cluster + len / CLUSTER;
	uint64_t entries[ENTRIES_AT_ONCE];

	LF_ASSERT(offset % CLUSTER == 0 && len % CLUSTER == 0);
	LF_ASSERT(end <= divide_up(image->size, CLUSTER));
	uint64_t first = take_clusters(image, len / CLUSTER), place = first;
	while (cluster < end) {
		uint64_t table = table_at(image, cluster / TABLE_ENTRIES);
		uint64_t at = table + cluster % TABLE_ENTRIES * 8;
		size_t n = 0;
		do {
			entries[n++] = htobe64(place++ * CLUSTER | ONLY_ONE);
			cluster++;
		} while (n < ENTRIES_AT_ONCE && cluster < end && cluster % TABLE_ENTRIES);
		int rc = write_at(image, entries, n * 8, at, err);
		if (rc)
			return rc;
	}
	*ret_place = first * CLUSTER;
	return 0;
}

/* Every cluster from 0 to end, counts included, is referred to once. */
LF_REQUIRES(qcow2_lock)
static int write_counts(struct lf_qcow2 *image, uint64_t blocks, uint64_t end, struct lf_error *err)
{
	LF_AUTO_FREE uint16_t *counts = malloc(CLUSTER);
	LF_AUTO_FREE uint64_t *table = lf_alloc_array(blocks, sizeof(*table));
	int rc = counts && table ? 0 : lf_fail_nomem(err);

	for (uint64_t i = 0; !rc && i < blocks; i++) {
		for (uint64_t j = 0; j < COUNTS; j++)
			counts[j] = htobe16(i * COUNTS + j < end);
		table[i] = htobe64((image->next + i) * CLUSTER);
		rc = write_at(image, counts, CLUSTER, (image->next + i) * CLUSTER, err);
	}
	return rc ? rc : write_at(image, table, blocks * 8, (image->next + blocks) * CLUSTER, err);
}

int lf_qcow2_finish(struct lf_qcow2 *image, struct lf_error *err)
{
	uint64_t blocks = 0, tables = 0, end;

	LF_ALONE(qcow2_lock); /* nobody places clusters any more */
	do {
		blocks++;
		tables = divide_up(blocks, TABLE_ENTRIES);
		end = image->next + blocks + tables;
	} while (blocks * COUNTS < end);
	struct header header = {
		.magic = MAGIC,
		.version = htobe32(3),
		.cluster_bits = htobe32(CLUSTER_BITS),
		.size = htobe64(image->size),
		.l1_entries = htobe32((uint32_t)image->l1_entries),
		.l1_offset = htobe64(CLUSTER),
		.counts_offset = htobe64((image->next + blocks) * CLUSTER),
		.counts_clusters = htobe32((uint32_t)tables),
		.count_order = htobe32(COUNT_ORDER),
		.header_size = htobe32(HEADER_SIZE),
	};
	int rc = write_counts(image, blocks, end, err);
	if (!rc)
		rc = write_at(image, image->l1, image->l1_entries * 8, CLUSTER, err);
	if (!rc && ftruncate(image->fd, (off_t)(end * CLUSTER)))
		rc = lf_fail_sys(err, errno, image->name, "cannot size %s", image->name);
	return rc ? rc : write_at(image, &header, sizeof(header), 0, err);
}

int lf_qcow2_has_backing(const char *path, bool *ret_has, struct lf_error *err)
{
	struct header header;

	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	int rc =
		lf_file_pread_all(fd, &header, offsetof(struct header, backing_size), 0, path, err);
	if (rc)
		return rc;
	if (memcmp(header.magic, (const char[])MAGIC, sizeof(header.magic)) != 0)
		return lf_fail(err, LF_ECORRUPT, path, "%s is not a qcow2 image", path);
	*ret_has = header.backing_offset != 0;
	return 0;
}
