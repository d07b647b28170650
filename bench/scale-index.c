/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scale-index make|ask|merge DIR CHUNKS - the index of a vault of so many
 * chunks, of synthetic ids, in DIR: made by packs that come one after another,
 * asked, and merged into one file.  Each prints a JSON object.  Only the index is
 * real: packs are empty files, as an index that covers them does not look inside.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "os/file.h"
#include "store/store.h"
#include "vault/index/index.h"

#define PER_PACK 512u /* 16 MiB of chunks of 64 KiB, halved by compression */
#define UNSAVED                                                                                    \
	(17u * PER_PACK) /* the last packs: read from their footers, and these have none           \
			  */
#define ASKED 4000000u
#define BATCH 4096u

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds of this process: what counts on a machine that is shared. */
static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static struct lf_chunk_id synthetic_id(uint64_t number)
{
	struct lf_chunk_id id;
	uint64_t words[4];

	for (unsigned i = 0; i < 4; i++)
		words[i] = mix(number * 4 + i);
	memcpy(id.bytes, words, sizeof(words));
	return id;
}

static void die(const struct lf_error *err)
{
	fprintf(stderr, "scale-index: %s\n", err->message);
	exit(1);
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lf_chunk_id));
}

static void fill_pack(uint64_t pack, uint64_t first, uint32_t count, struct lf_pack_footer *footer)
{
	struct lf_chunk_id name = synthetic_id(UINT64_C(1) << 60 | pack);
	struct lf_pack_entry *entries = footer->entries;

	memcpy(footer->name, name.bytes, 32);
	footer->epoch = 1;
	footer->count = count;
	footer->size = 16u << 20;
	for (uint32_t i = 0; i < count; i++)
		entries[i] = (struct lf_pack_entry){.id = synthetic_id(first + i),
						    .offset = 64 + i * 32768,
						    .stored = 32768,
						    .plain = 65536,
						    .record = i,
						    .coding = LF_CODING_ZSTD};
	qsort(entries, count, sizeof(*entries), compare_entries);
}

static double longest; /* that one pack waited */

/* As the vault takes packs in: one after another, merging when it is due. */
static void add_packs(struct lf_index *index, const char *dir, uint64_t chunks)
{
	struct lf_pack_entry entries[PER_PACK];
	struct lf_pack_footer footer = {.entries = entries};
	struct lf_error err = LF_ERROR_NONE;
	char path[4096], name[65];

	for (uint64_t first = 0, pack = 0; first < chunks; first += footer.count, pack++) {
		uint64_t left = chunks - first;
		fill_pack(pack, first, left < PER_PACK ? (uint32_t)left : PER_PACK, &footer);
		lf_hex_encode(footer.name, 32, name);
		snprintf(path, sizeof(path), "%s/packs/%s", dir, name);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		double start = now();
		if (fd < 0 || close(fd) || lf_index_add(index, &footer, pack + 1, &err) ||
		    lf_index_tidy(index, false, &err))
			die(&err);
		longest = now() - start > longest ? now() - start : longest;
	}
}

static long status_kib(const char *key)
{
	char line[256];
	long value = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			(void)!sscanf(line + strlen(key) + 1, "%ld", &value);
	if (f)
		fclose(f);
	return value;
}

struct disk_use {
	const char *dir;
	unsigned files;
	double bytes;
};

/* Counted, and put out of the page cache. */
static int use_file(void *context, const char *name, struct lf_error *err)
{
	struct disk_use *use = context;
	char path[4096];
	struct stat st;

	(void)err;
	snprintf(path, sizeof(path), "%s/%s", use->dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		use->files++;
		use->bytes += (double)st.st_size;
		fsync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

struct rate {
	double wall, cpu; /* answers a second */
};

static void check(bool right)
{
	if (right)
		return;
	fputs("scale-index: a wrong answer\n", stderr);
	exit(1);
}

/* Every answer must be `present`. */
static struct rate ask(struct lf_index *index, uint64_t first, uint64_t range, bool present,
		       bool many)
{
	static struct lf_chunk_id ids[BATCH];
	static uint64_t salt;
	uint8_t bits[BATCH / 8];
	double spent = 0, wall = 0;

	salt += ASKED;
	for (uint64_t asked = 0; asked < ASKED; asked += BATCH) {
		for (unsigned i = 0; i < BATCH; i++)
			ids[i] = synthetic_id(first + mix(salt + asked + i) % range);
		memset(bits, 0, sizeof(bits));
		double start = cpu(), begin = now();
		if (many)
			lf_index_hold_many(index, ids, BATCH, bits);
		else
			for (unsigned i = 0; i < BATCH; i++)
				check(lf_index_hold(index, &ids[i], NULL) == present);
		spent += cpu() - start;
		wall += now() - begin;
		for (unsigned i = 0; many && i < BATCH; i++)
			check((bits[i / 8] >> (i % 8) & 1) == present);
	}
	return (struct rate){.wall = ASKED / wall, .cpu = ASKED / spent};
}

static struct lf_index *open_index(struct lf_store *store, const char *dir, bool read_only)
{
	struct lf_index *index = NULL;
	struct lf_error err = LF_ERROR_NONE;

	if (lf_index_open(store, dir, read_only, &index, &err))
		die(&err);
	return index;
}

static void make(struct lf_store *store, const char *dir, uint64_t chunks)
{
	struct lf_index *index = open_index(store, dir, false);
	struct lf_error err = LF_ERROR_NONE;
	double start = now(), start_cpu = cpu();

	longest = 0;
	add_packs(index, dir, chunks);
	double taken = now() - start;
	lf_index_wait(index);
	if (lf_index_tidy(index, false, &err)) /* what became due meanwhile */
		die(&err);
	lf_index_wait(index);
	printf("{\"make_s\": %.3f, \"settled_s\": %.3f, \"make_cpu_s\": %.3f, "
	       "\"longest_wait_ms\": %.1f, \"make_peak_kib\": %ld}\n",
	       taken, now() - start, cpu() - start_cpu, longest * 1e3, status_kib("VmHWM"));
	lf_index_free(index);
}

static void print_memory(const char *when, long anon, long file)
{
	printf("\"%s_anon_kib\": %ld, \"%s_file_kib\": %ld, ", when, status_kib("RssAnon") - anon,
	       when, status_kib("RssFile") - file);
}

static void print_rate(const char *what, struct rate rate)
{
	printf("\"%s_per_s\": %.0f, \"%s_per_cpu_s\": %.0f, ", what, rate.wall, what, rate.cpu);
}

static void look(struct lf_store *store, const char *dir, uint64_t chunks)
{
	char runs[4096];
	struct lf_error err = LF_ERROR_NONE;

	snprintf(runs, sizeof(runs), "%s/index", dir);
	struct disk_use use = {.dir = runs};
	if (lf_dir_list(runs, use_file, &use, &err))
		die(&err);
	printf("{\"files\": %u, \"disk_bytes\": %.0f, ", use.files, use.bytes);
	long anon = status_kib("RssAnon"), file = status_kib("RssFile");
	double start = now();
	struct lf_index *index = open_index(store, dir, true);
	printf("\"open_cold_s\": %.4f, ", now() - start);
	print_memory("open", anon, file);
	print_rate("absent_first", ask(index, UINT64_C(1) << 50, UINT64_C(1) << 40, false, false));
	print_rate("absent", ask(index, UINT64_C(1) << 50, UINT64_C(1) << 40, false, false));
	print_rate("absent_many", ask(index, UINT64_C(1) << 50, UINT64_C(1) << 40, false, true));
	print_memory("absent", anon, file);
	print_rate("present_first", ask(index, 0, chunks - UNSAVED, true, false));
	print_rate("present", ask(index, 0, chunks - UNSAVED, true, false));
	print_memory("present", anon, file);
	lf_index_free(index);
	start = now();
	lf_index_free(open_index(store, dir, true));
	printf("\"open_warm_s\": %.4f}\n", now() - start);
}

/* All runs into one file beside them. */
static void merge(struct lf_store *store, const char *dir)
{
	struct lf_index *index = open_index(store, dir, true);
	struct lf_run **runs = NULL, *merged = NULL;
	struct lf_error err = LF_ERROR_NONE;
	char path[4096];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/merged", dir);
	if (lf_index_runs(index, &runs, &n, &err))
		die(&err);
	double start = now(), start_cpu = cpu();
	if (lf_run_merge(runs, n, path, &merged, &err))
		die(&err);
	printf("{\"merged\": %llu, \"merge_s\": %.3f, \"merge_cpu_s\": %.3f, "
	       "\"merge_peak_kib\": %ld}\n",
	       (unsigned long long)merged->count, now() - start, cpu() - start_cpu,
	       status_kib("VmHWM"));
	for (size_t i = 0; i < n; i++)
		lf_run_unref(runs[i]);
	free(runs);
	lf_run_unref(merged);
	lf_index_free(index);
	(void)!lf_file_remove(path, &err);
}

int main(int argc, char **argv)
{
	struct lf_store *store = NULL;
	struct lf_error err = LF_ERROR_NONE;
	uint64_t chunks = 0;
	char packs[4096];

	if (argc != 4 || lf_parse_u64(argv[3], UNSAVED + 1, UINT64_C(1) << 32, &chunks, &err)) {
		fputs("usage: scale-index make|ask|merge DIR CHUNKS\n", stderr);
		return 2;
	}
	snprintf(packs, sizeof(packs), "%s/packs", argv[2]);
	if (lf_dir_make(argv[2], 0700, &err) || lf_dir_make(packs, 0700, &err) ||
	    lf_store_open_directory(argv[2], &store, &err))
		die(&err);
	/* each a process of its own, so that none counts another's memory */
	if (strcmp(argv[1], "make") == 0)
		make(store, argv[2], chunks);
	else if (strcmp(argv[1], "ask") == 0)
		look(store, argv[2], chunks);
	else
		merge(store, argv[2]);
	lf_store_free(store);
	return 0;
}
