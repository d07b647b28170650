/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: find the device and its place on its disk, size the maps, load,
 * attach, and prove with a read of the device that its requests are seen.
 * The programs and maps live as long as this process: whoever starts again
 * knows nothing of what was written meanwhile.
 */
#include "source/track.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "os/file.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual" /* bpftool's */
#include "source/track.skel.h"
#pragma GCC diagnostic pop

#define SECTOR	    512u
#define BLOCK_WORDS 512u /* that one bit of the summary stands for; see track.bpf.c */
#define PAGES_MAX   (UINT64_C(1) << 36)

struct lf_track {
	struct track_bpf *bpf;
	uint64_t *pages[2], *blocks[2]; /* the kernel's maps */
	size_t n_words, n_blocks;	/* u64 of pages, of blocks */
	uint64_t n_pages;
};

/* Where a device lies: its whole disk, and which bytes of that. */
struct place {
	unsigned major, minor;
	uint64_t first, bytes;
};

/* A number in a file of the device's directory in sysfs; false: not there. */
static bool read_number(const struct place *device, const char *name, uint64_t *ret_value)
{
	char path[128];
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", device->major, device->minor, name);
	if (lf_file_read(path, 64, &text, &ignored))
		return false;
	return sscanf(lf_buf_text(&text), "%llu", (unsigned long long *)ret_value) == 1;
}

static int find_place(const char *path, struct place *ret_place, struct lf_error *err)
{
	struct stat st;
	uint64_t sectors = 0, first = 0;
	char parent[128];
	LF_AUTO_BUF numbers = LF_BUF_INIT;
	struct lf_error ignored;

	if (stat(path, &st))
		return lf_fail_sys(err, errno, path, "cannot find the disk %s", path);
	if (!S_ISBLK(st.st_mode))
		return lf_fail(err, LF_EUNSUPPORTED, path, "%s is no block device", path);
	*ret_place = (struct place){.major = major(st.st_rdev), .minor = minor(st.st_rdev)};
	if (!read_number(ret_place, "size", &sectors) || !sectors)
		return lf_fail(err, LF_EUNSUPPORTED, path,
			       "the kernel does not say how large %s is", path);
	ret_place->bytes = sectors * SECTOR;
	if (!read_number(ret_place, "start", &first))
		return 0; /* a whole disk */
	snprintf(parent, sizeof(parent), "/sys/dev/block/%u:%u/../dev", ret_place->major,
		 ret_place->minor);
	if (lf_file_read(parent, 64, &numbers, &ignored) ||
	    sscanf(lf_buf_text(&numbers), "%u:%u", &ret_place->major, &ret_place->minor) != 2)
		return lf_fail(err, LF_EUNSUPPORTED, path,
			       "the kernel does not say which disk the partition %s is of", path);
	ret_place->first = first * SECTOR;
	return 0;
}

static int log_bpf(enum libbpf_print_level level, const char *fmt, va_list args) LF_PRINTF(2, 0);
static int log_bpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char line[512];

	(void)level;
	vsnprintf(line, sizeof(line), fmt, args);
	lf_debug("tracking: %.*s", (int)strcspn(line, "\n"), line);
	return 0;
}

static int fail_kernel(struct lf_error *err, int sys, const char *what)
{
	lf_fail(err, LF_EUNSUPPORTED, NULL, "this kernel does not let writes be tracked: %s: %s",
		what, strerror(sys));
	return lf_error_hint(err, "run the agent as root on Linux 5.17 or newer with BTF "
				  "(/sys/kernel/btf/vmlinux); without it every pass reads the "
				  "whole disk");
}

static int size_maps(struct lf_track *track, struct lf_error *err)
{
	const struct {
		struct bpf_map *map;
		size_t n;
	} maps[] = {{track->bpf->maps.pages0, track->n_words},
		    {track->bpf->maps.pages1, track->n_words},
		    {track->bpf->maps.blocks0, track->n_blocks},
		    {track->bpf->maps.blocks1, track->n_blocks}};

	for (size_t i = 0; i < LF_N(maps); i++)
		if (bpf_map__set_max_entries(maps[i].map, (uint32_t)maps[i].n))
			return fail_kernel(err, errno, "sizing a map");
	return 0;
}

static int map_one(struct bpf_map *map, size_t n, uint64_t **ret_words, struct lf_error *err)
{
	void *at = mmap(NULL, n * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(map), 0);

	if (at == MAP_FAILED)
		return fail_kernel(err, errno, "mapping a map");
	*ret_words = at;
	return 0;
}

static int load(struct lf_track *track, const struct place *place, struct lf_error *err)
{
	libbpf_set_print(log_bpf);
	track->bpf = track_bpf__open();
	if (!track->bpf)
		return fail_kernel(err, errno, "opening the programs");
	track->bpf->rodata->disk_major = (int)place->major;
	track->bpf->rodata->disk_minor = (int)place->minor;
	track->bpf->rodata->first_byte = place->first;
	track->bpf->rodata->n_bytes = place->bytes;
	int rc = size_maps(track, err);
	if (rc)
		return rc;
	int sys = track_bpf__load(track->bpf);
	if (sys)
		return fail_kernel(err, -sys, "loading the programs");
	rc = map_one(track->bpf->maps.pages0, track->n_words, &track->pages[0], err);
	if (!rc)
		rc = map_one(track->bpf->maps.pages1, track->n_words, &track->pages[1], err);
	if (!rc)
		rc = map_one(track->bpf->maps.blocks0, track->n_blocks, &track->blocks[0], err);
	if (!rc)
		rc = map_one(track->bpf->maps.blocks1, track->n_blocks, &track->blocks[1], err);
	if (rc)
		return rc;
	sys = track_bpf__attach(track->bpf);
	return sys ? fail_kernel(err, -sys, "attaching the programs") : 0;
}

/* A read past the cache has to be seen: so will writes. */
static int send_canary(struct lf_track *track, const char *path, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	LF_AUTO_FREE void *page = aligned_alloc(LF_TRACK_PAGE_SIZE, LF_TRACK_PAGE_SIZE);

	if (!page)
		return lf_fail_nomem(err);
	if (fd < 0 || pread(fd, page, LF_TRACK_PAGE_SIZE, 0) <= 0)
		return lf_fail_sys(err, errno, path, "cannot read the disk %s", path);
	if (!__atomic_load_n(&track->bpf->bss->submitted, __ATOMIC_SEQ_CST))
		return lf_fail(err, LF_EUNSUPPORTED, path,
			       "requests to %s do not pass where they could be tracked", path);
	/* without the end of a write, one under way while its page is read would be missed */
	return __atomic_load_n(&track->bpf->bss->completed, __ATOMIC_SEQ_CST)
		       ? 0
		       : lf_fail(err, LF_EUNSUPPORTED, path,
				 "the kernel does not say when a write to %s has ended", path);
}

int lf_track_open(const char *path, struct lf_track **ret_track, struct lf_error *err)
{
	struct place place;
	int rc = find_place(path, &place, err);

	if (rc)
		return rc;
	struct lf_track *track = calloc(1, sizeof(*track));
	if (!track)
		return lf_fail_nomem(err);
	track->n_pages = (place.bytes + LF_TRACK_PAGE_SIZE - 1) / LF_TRACK_PAGE_SIZE;
	track->n_words = (size_t)(track->n_pages + 63) / 64;
	track->n_blocks = track->n_words / BLOCK_WORDS / 64 + 1;
	rc = track->n_pages > PAGES_MAX
		     ? lf_fail(err, LF_EUNSUPPORTED, path, "%s is too large to be tracked", path)
		     : load(track, &place, err);
	if (!rc)
		rc = send_canary(track, path, err);
	if (rc) {
		lf_track_close(track);
		return rc;
	}
	*ret_track = track;
	return 0;
}

void lf_track_close(struct lf_track *track)
{
	if (!track)
		return;
	for (int i = 0; i < 2; i++) {
		if (track->pages[i])
			munmap(track->pages[i], track->n_words * sizeof(uint64_t));
		if (track->blocks[i])
			munmap(track->blocks[i], track->n_blocks * sizeof(uint64_t));
	}
	track_bpf__destroy(track->bpf);
	free(track);
}

uint64_t lf_track_pages(const struct lf_track *track)
{
	return track->n_pages;
}

size_t lf_track_words(const struct lf_track *track)
{
	return track->n_words;
}

/* The words of one block of the map: into bits, and clean for the next turn. */
static void take_block(struct lf_track *track, uint64_t *pages, size_t block, uint64_t *bits)
{
	size_t from = block * BLOCK_WORDS;
	size_t to = from + BLOCK_WORDS < track->n_words ? from + BLOCK_WORDS : track->n_words;

	for (size_t i = from; i < to; i++) {
		if (!pages[i])
			continue;
		bits[i] |= pages[i];
		pages[i] = 0;
	}
}

void lf_track_take(struct lf_track *track, uint64_t *bits)
{
	uint32_t old = track->bpf->bss->live & 1;

	__atomic_store_n(&track->bpf->bss->live, !old, __ATOMIC_SEQ_CST);
	/* every program that saw the old value has ended after this */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (size_t i = 0; i < track->n_blocks; i++) {
		for (uint64_t set = track->blocks[old][i]; set; set &= set - 1)
			take_block(track, track->pages[old], i * 64 + (size_t)__builtin_ctzll(set),
				   bits);
		track->blocks[old][i] = 0;
	}
}
