/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * track.bpf.c - marks the pages of one disk that are written, in the kernel.
 *
 * A write is marked when it is handed to the block layer and again when the
 * device has done it.  Either alone loses writes across a swap of the maps:
 * what was marked at its submission may be read before the device has it, and
 * its second mark, in the map that is live by then, has it read again.
 *
 * The few members of the kernel's structures that are used are declared here,
 * by name; libbpf finds where they are in the running kernel (CO-RE).  The kernel
 * lets only programs of a licence compatible with its own look into them.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

enum { BPF_MAP_TYPE_ARRAY = 2 };
enum { BPF_F_MMAPABLE = 1024 };

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct gendisk {
	int major, first_minor;
};
struct block_device {
	struct gendisk *bd_disk;
};
struct bvec_iter {
	__u64 bi_sector;
	unsigned int bi_size;
};
struct bio {
	struct block_device *bi_bdev;
	__u32 bi_opf;
	struct bvec_iter bi_iter;
};
struct request_queue {
	struct gendisk *disk;
};
struct request {
	struct request_queue *q;
	__u32 cmd_flags;
	unsigned int __data_len;
	__u64 __sector;
};
#pragma clang attribute pop

#define OP_MASK		  0xffu /* of bi_opf and cmd_flags */
#define PAGE_SHIFT	  12
#define BLOCK_WORDS_SHIFT 9 /* words of a map that one bit of the summary stands for */

/* The disk, and which of its bytes: a partition's are some of its disk's. */
const volatile int disk_major, disk_minor;
const volatile __u64 first_byte, n_bytes;

__u32 live;		    /* which pair of maps is written */
__u64 submitted, completed; /* what was seen of this disk, reads included */

struct map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* resized before it is loaded */
	__type(key, __u32);
	__type(value, __u64);
};
struct map pages0 SEC(".maps"), pages1 SEC(".maps");
/* A bit for each 512 words of pages: what need not be looked at. */
struct map blocks0 SEC(".maps"), blocks1 SEC(".maps");

static __always_inline void set_bits(__u64 *word, __u64 mask)
{
	if (word && (*(volatile __u64 *)word & mask) != mask)
		__sync_fetch_and_or(word, mask);
}

static __always_inline void set(__u32 which, __u32 index, __u64 mask)
{
	__u32 block = index >> BLOCK_WORDS_SHIFT, entry = block >> 6;

	if (which) {
		set_bits(bpf_map_lookup_elem(&pages1, &index), mask);
		set_bits(bpf_map_lookup_elem(&blocks1, &entry), 1ULL << (block & 63));
	} else {
		set_bits(bpf_map_lookup_elem(&pages0, &index), mask);
		set_bits(bpf_map_lookup_elem(&blocks0, &entry), 1ULL << (block & 63));
	}
}

struct words {
	__u64 last_mask;
	__u32 first, last, which;
};

static long set_word(__u32 i, void *context)
{
	struct words *w = context;
	__u32 index = w->first + 1 + i;

	set(w->which, index, index == w->last ? w->last_mask : ~0ULL);
	return 0;
}

static __always_inline void mark(__u64 sector, __u64 bytes)
{
	__u64 from = sector << 9, to = from + bytes;

	/* the part of it that lies in the disk or partition */
	from = from > first_byte ? from - first_byte : 0;
	to = to > first_byte ? to - first_byte : 0;
	to = to < n_bytes ? to : n_bytes;
	if (from >= to)
		return;
	__u64 page = from >> PAGE_SHIFT, end = (to - 1) >> PAGE_SHIFT;
	struct words w = {.last_mask = ~0ULL >> (63 - (end & 63)),
			  .first = (__u32)(page >> 6),
			  .last = (__u32)(end >> 6),
			  .which = live & 1};
	__u64 mask = ~0ULL << (page & 63);
	if (w.first == w.last) {
		set(w.which, w.first, mask & w.last_mask);
		return;
	}
	set(w.which, w.first, mask);
	bpf_loop(w.last - w.first, set_word, &w, 0);
}

static __always_inline bool is_ours(struct gendisk *disk)
{
	return disk && disk->major == disk_major && disk->first_minor == disk_minor;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(on_submit, struct bio *bio)
{
	struct block_device *device = bio->bi_bdev;

	if (!device || !is_ours(device->bd_disk))
		return 0;
	submitted++;
	/* writes, zeroes, discards: odd numbers, as the kernel's op_is_write() has it */
	if (bio->bi_opf & OP_MASK & 1)
		mark(bio->bi_iter.bi_sector, bio->bi_iter.bi_size);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(on_complete, struct request *rq, __u8 status, unsigned int bytes)
{
	if (!is_ours(rq->q->disk))
		return 0;
	completed++;
	if (rq->cmd_flags & OP_MASK & 1)
		mark(rq->__sector, bytes);
	return 0;
}

char track_license[] SEC("license") = "Dual BSD/GPL";
