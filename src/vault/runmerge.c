/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New runs: of one pack, and of other runs.  A merge goes once through sorted
 * inputs, so that its memory does not grow with the index: a file is allocated
 * first (no space is an error then, not a signal later) and written by mapping.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/bytes.h"
#include "vault/run_internal.h"

#define BITS_A_KEY 12u

static uint64_t filter_blocks(uint64_t count)
{
	return count ? (count * BITS_A_KEY + 511) / 512 : 0;
}

static struct lf_run *new_run(uint64_t count, uint32_t pack_count)
{
	struct lf_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->refs = 1;
	run->count = count;
	run->blocks = filter_blocks(count);
	run->pack_count = pack_count;
	run->packs = calloc((size_t)pack_count + 1, sizeof(struct lf_pack *));
	if (run->packs)
		return run;
	free(run);
	return NULL;
}

static int allocate_memory(struct lf_run *run, struct lf_error *err)
{
	size_t len = 0;
	int rc = lf_run_layout(run, &len, err);

	if (rc)
		return rc;
	run->map = calloc(1, len);
	if (!run->map)
		return lf_fail_nomem(err);
	run->map_len = len;
	lf_run_attach(run, run->map);
	return 0;
}

static void encode_pack(const struct lf_pack *pack, uint8_t *out)
{
	memcpy(out, pack->name, 32);
	memcpy(out + 32, pack->salt, 32);
	lf_put_u32(out + 64, pack->epoch);
	lf_put_u32(out + 68, pack->count);
	lf_put_u32(out + 72, pack->size);
	lf_put_u32(out + 76, pack->flags);
}

int lf_run_of_pack(struct lf_pack *pack, const struct lf_pack_footer *footer,
		   struct lf_run **ret_run, struct lf_error *err)
{
	struct lf_run *run = new_run(footer->count, 1);

	if (!run)
		return lf_fail_nomem(err);
	int rc = allocate_memory(run, err);
	if (rc) {
		lf_run_unref(run);
		return rc;
	}
	run->packs[0] = pack;
	uint8_t *filter = (uint8_t *)run->map + LF_RUN_HEADER_SIZE;
	uint8_t *out = filter + run->blocks * 64 + LF_RUN_PACK_SIZE;
	for (uint32_t i = 0; i < footer->count; i++, out += LF_RUN_RECORD_SIZE) {
		lf_run_record_encode(&footer->entries[i], 0, out);
		lf_run_filter_add(filter, run->blocks, out);
	}
	*ret_run = run;
	return 0;
}

/* One input of a merge. */
struct source {
	const struct lf_run *run;
	uint32_t *to; /* its pack numbers in the new run; UINT32_MAX: left out */
	uint64_t at;
};

static int compare_packs(const void *a, const void *b)
{
	return memcmp((*(struct lf_pack *const *)a)->name, (*(struct lf_pack *const *)b)->name, 32);
}

/* The packs that live, sorted, each once; which is decided here and once. */
static uint32_t gather_packs(struct lf_run *const *runs, size_t n, struct lf_pack **packs)
{
	uint32_t count = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < runs[i]->pack_count; j++)
			if (!atomic_load(&runs[i]->packs[j]->dead))
				packs[count++] = runs[i]->packs[j];
	qsort(packs, count, sizeof(struct lf_pack *), compare_packs);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || packs[kept - 1] != packs[i])
			packs[kept++] = packs[i];
	return kept;
}

static uint32_t pack_number(struct lf_pack *const *packs, uint32_t count,
			    const struct lf_pack *pack)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (memcmp(packs[middle]->name, pack->name, 32) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && packs[low] == pack ? low : UINT32_MAX;
}

static void free_sources(struct source *sources, size_t n)
{
	for (size_t i = 0; sources && i < n; i++)
		free(sources[i].to);
	free(sources);
}

/* Step to the next record that is kept. */
static void skip_dead(struct source *source)
{
	for (; source->at < source->run->count; source->at++) {
		uint32_t pack = lf_get_u32(lf_run_id(source->run, source->at) + 48);
		if (pack < source->run->pack_count && source->to[pack] != UINT32_MAX)
			return;
	}
}

static struct source *new_sources(struct lf_run *const *runs, size_t n, struct lf_pack **packs,
				  uint32_t count, bool *taken)
{
	struct source *sources = calloc(n, sizeof(*sources));

	for (size_t i = 0; sources && i < n; i++) {
		sources[i].run = runs[i];
		sources[i].to = lf_alloc_array((size_t)runs[i]->pack_count + 1, sizeof(uint32_t));
		if (!sources[i].to) {
			free_sources(sources, n);
			return NULL;
		}
		for (uint32_t j = 0; j < runs[i]->pack_count; j++) {
			uint32_t number = pack_number(packs, count, runs[i]->packs[j]);
			/* a pack in two runs (an interrupted merge) is taken from one */
			if (number != UINT32_MAX && taken[number])
				number = UINT32_MAX;
			sources[i].to[j] = number;
		}
		for (uint32_t j = 0; j < runs[i]->pack_count; j++)
			if (sources[i].to[j] != UINT32_MAX)
				taken[sources[i].to[j]] = true;
		skip_dead(&sources[i]);
	}
	return sources;
}

static struct source *least_source(struct source *sources, size_t n)
{
	struct source *least = NULL;

	for (size_t i = 0; i < n; i++) {
		struct source *source = &sources[i];
		if (source->at < source->run->count &&
		    (!least || memcmp(lf_run_id(source->run, source->at),
				      lf_run_id(least->run, least->at), 32) < 0))
			least = source;
	}
	return least;
}

static int write_body(struct lf_run *run, struct source *sources, size_t n, struct lf_error *err)
{
	uint8_t *filter = (uint8_t *)run->map + LF_RUN_HEADER_SIZE;
	uint8_t *table = filter + run->blocks * 64;
	uint8_t *out = table + (size_t)run->pack_count * LF_RUN_PACK_SIZE;
	uint64_t done = 0;

	for (uint32_t i = 0; i < run->pack_count; i++)
		encode_pack(run->packs[i], table + (size_t)i * LF_RUN_PACK_SIZE);
	for (struct source *source; (source = least_source(sources, n));) {
		const uint8_t *in = lf_run_id(source->run, source->at);
		if (done++ == run->count)
			break;
		memcpy(out, in, LF_RUN_RECORD_SIZE);
		lf_put_u32(out + 48, source->to[lf_get_u32(in + 48)]);
		lf_run_filter_add(filter, run->blocks, out);
		out += LF_RUN_RECORD_SIZE;
		source->at++;
		skip_dead(source);
	}
	if (done != run->count)
		return lf_fail(err, LF_ECORRUPT, NULL,
			       "runs of the index do not hold what their packs do");
	return 0;
}

static int make_file(struct lf_run *run, const char *path, int *ret_fd, struct lf_error *err)
{
	size_t len = 0;
	int rc = lf_run_layout(run, &len, err);

	if (rc)
		return rc;
	LF_AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make %s", path);
	int sys = LF_FAULT("vault-run-write");
	if (!sys)
		sys = posix_fallocate(fd, 0, (off_t)len);
	if (sys)
		return lf_fail_sys(err, sys, path, "no room for %s", path);
	rc = lf_run_map(run, fd, true, path, err);
	if (rc)
		return rc;
	run->number = UINT64_MAX;
	lf_run_attach(run, run->map);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Write beside path, sync, rename. */
static int write_file(struct lf_run *run, struct source *sources, size_t n, const char *path,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *temporary = lf_printf_dup("%s.tmp-merge", path);
	LF_AUTO_FD fd = -1;

	if (!temporary)
		return lf_fail_nomem(err);
	int rc = make_file(run, temporary, &fd, err);
	if (!rc)
		rc = write_body(run, sources, n, err);
	if (!rc) {
		lf_run_header_encode(run, run->map);
		LF_CRASH_POINT("vault-run-written");
		rc = lf_file_sync(fd, temporary, err);
	}
	if (!rc)
		rc = lf_file_rename_durable(temporary, path, err);
	if (rc)
		unlink(temporary);
	LF_CRASH_POINT("vault-run-renamed");
	return rc;
}

int lf_run_merge(struct lf_run *const *runs, size_t n, const char *path, struct lf_run **ret_run,
		 struct lf_error *err)
{
	size_t most = 0;
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		most += runs[i]->pack_count;
	LF_AUTO_FREE struct lf_pack **packs = calloc(most + 1, sizeof(struct lf_pack *));
	LF_AUTO_FREE bool *taken = calloc(most + 1, sizeof(bool));
	if (!packs || !taken)
		return lf_fail_nomem(err);
	uint32_t pack_count = gather_packs(runs, n, packs);
	for (uint32_t i = 0; i < pack_count; i++)
		count += packs[i]->count;
	struct lf_run *run = new_run(count, pack_count);
	struct source *sources = new_sources(runs, n, packs, pack_count, taken);
	int rc = run && sources ? 0 : lf_fail_nomem(err);
	if (!rc) {
		memcpy(run->packs, packs, pack_count * sizeof(struct lf_pack *));
		rc = path ? write_file(run, sources, n, path, err) : allocate_memory(run, err);
	}
	if (!rc && !path)
		rc = write_body(run, sources, n, err);
	free_sources(sources, n);
	if (rc) {
		lf_run_unref(run);
		return rc;
	}
	*ret_run = run;
	return 0;
}
