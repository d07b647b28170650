/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reads ADDRESS REFERENCE SIZE COUNT SEED - COUNT reads of SIZE bytes at random
 * places, one at a time, of a disk at ADDRESS: a file, or nbd:SOCKET.  Places are
 * those where the file REFERENCE has data, and what was read has to be what is
 * there.  Prints milliseconds as JSON: the first, the median, p99, the longest.
 */
#include <errno.h>
#include <fcntl.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define COUNT_MAX 100000u

struct target {
	struct nbd_handle *nbd; /* NULL: fd is it */
	int fd;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "reads: %s: %s\n", what, why);
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void open_target(const char *address, struct target *target)
{
	target->nbd = NULL;
	target->fd = -1;
	if (strncmp(address, "nbd:", 4) == 0) {
		target->nbd = nbd_create();
		if (!target->nbd || nbd_connect_unix(target->nbd, address + 4) < 0)
			die(address, nbd_get_error());
		return;
	}
	target->fd = open(address, O_RDONLY | O_CLOEXEC);
	if (target->fd < 0)
		die(address, strerror(errno));
}

static void read_target(const struct target *target, void *data, size_t len, uint64_t at)
{
	if (target->nbd) {
		if (nbd_pread(target->nbd, data, len, at, 0) < 0)
			die("read", nbd_get_error());
	} else if (pread(target->fd, data, len, (off_t)at) != (ssize_t)len) {
		die("read", strerror(errno));
	}
}

static bool has_data(int fd, uint64_t at, uint64_t len)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA);

	return data >= 0 && (uint64_t)data < at + len;
}

static uint64_t next_random(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t x = *state;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static uint64_t number(const char *text, uint64_t max)
{
	struct lf_error err = LF_ERROR_NONE;
	uint64_t value = 0;

	if (lf_parse_u64(text, 1, max, &value, &err))
		die(text, err.message);
	return value;
}

int main(int argc, char **argv)
{
	static double took[COUNT_MAX];
	struct target target;
	struct stat st;

	if (argc != 6)
		die("usage", "reads ADDRESS REFERENCE SIZE COUNT SEED");
	uint64_t size = number(argv[3], 32u << 20), count = number(argv[4], COUNT_MAX);
	uint64_t state = number(argv[5], UINT64_MAX);
	int reference = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (reference < 0 || fstat(reference, &st) || (uint64_t)st.st_size < size)
		die(argv[2], "cannot be read, or is too short");
	uint8_t *data = malloc(size), *right = malloc(size);
	if (!data || !right)
		die("memory", "none");
	double total = now_ms(), first = 0;
	open_target(argv[1], &target);
	for (uint64_t i = 0; i < count;) {
		uint64_t at = next_random(&state) % ((uint64_t)st.st_size / size) * size;
		if (!has_data(reference, at, size))
			continue;
		double begin = now_ms();
		read_target(&target, data, size, at);
		took[i] = now_ms() - begin;
		first = i++ ? first : now_ms() - total;
		begin = now_ms();
		if (pread(reference, right, size, (off_t)at) != (ssize_t)size ||
		    memcmp(data, right, size) != 0)
			die("read", "the wrong bytes");
		total += now_ms() - begin; /* is not part of it */
	}
	total = now_ms() - total;
	qsort(took, count, sizeof(*took), compare_doubles);
	printf("{\"total_ms\": %.3f, \"first_ms\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
	       "\"max_ms\": %.3f}\n",
	       total, first, took[count / 2], took[count * 99 / 100], took[count - 1]);
	nbd_close(target.nbd);
	free(data);
	free(right);
	return 0;
}
