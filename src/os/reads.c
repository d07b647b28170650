/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of reads under way: by io_uring where the kernel lets us, else a begun
 * read is a hint to read ahead and awaiting it reads.  A read that comes back
 * short or not at all is done again plainly when it is awaited, so that errors
 * have one path.
 */
#include "os/reads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <liburing.h>

#include "base/fault.h"
#include "os/file.h"

struct read_slot {
	uint8_t *data;
	size_t len;
	uint64_t offset;
	bool under_way;
	int result; /* bytes, or -errno; once not under way */
};

struct lf_reads {
	int fd;
	const char *name;
	bool ring_made;
	unsigned slots;
	struct io_uring ring;
	struct read_slot slot[LF_READS_MAX];
};

int lf_reads_new(int fd, const char *name, unsigned slots, struct lf_reads **ret_reads,
		 struct lf_error *err)
{
	struct lf_reads *reads = calloc(1, sizeof(*reads));

	if (!reads)
		return lf_fail_nomem(err);
	LF_ASSERT(slots > 0 && slots <= LF_READS_MAX);
	reads->fd = fd;
	reads->name = name;
	reads->slots = slots;
	/* none in an old kernel, and not allowed in many a container */
	reads->ring_made =
		!LF_FAULT("uring-make") && io_uring_queue_init(slots, &reads->ring, 0) == 0;
	*ret_reads = reads;
	return 0;
}

/* Take in one completion. */
static int take_one(struct lf_reads *reads, struct lf_error *err)
{
	struct io_uring_cqe *cqe;
	int rc;

	do
		rc = io_uring_wait_cqe(&reads->ring, &cqe);
	while (rc == -EINTR);
	if (rc)
		return lf_fail_sys(err, -rc, reads->name, "cannot wait for reads of %s",
				   reads->name);
	struct read_slot *slot = io_uring_cqe_get_data(cqe);
	if (slot) {
		slot->result = cqe->res;
		slot->under_way = false;
	}
	io_uring_cqe_seen(&reads->ring, cqe);
	return 0;
}

void lf_reads_free(struct lf_reads *reads)
{
	struct lf_error ignored;

	if (!reads)
		return;
	for (unsigned i = 0; i < reads->slots; i++)
		while (reads->slot[i].under_way && !take_one(reads, &ignored))
			;
	if (reads->ring_made)
		io_uring_queue_exit(&reads->ring);
	free(reads);
}

int lf_reads_begin(struct lf_reads *reads, unsigned number, void *data, size_t len, uint64_t offset,
		   struct lf_error *err)
{
	struct read_slot *slot = &reads->slot[number];

	(void)err;
	LF_ASSERT(number < reads->slots && !slot->under_way);
	*slot = (struct read_slot){.data = data, .len = len, .offset = offset};
	struct io_uring_sqe *sqe = reads->ring_made ? io_uring_get_sqe(&reads->ring) : NULL;
	if (!sqe) {
		(void)posix_fadvise(reads->fd, (off_t)offset, (off_t)len, POSIX_FADV_WILLNEED);
		return 0;
	}
	io_uring_prep_read(sqe, reads->fd, data, (unsigned)len, offset);
	io_uring_sqe_set_data(sqe, slot);
	slot->under_way = !LF_FAULT("uring-submit") && io_uring_submit(&reads->ring) > 0;
	if (!slot->under_way) {
		/* it is in the ring and goes with a later one: not to where data was by then */
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, NULL);
	}
	return 0;
}

int lf_reads_await(struct lf_reads *reads, unsigned number, struct lf_error *err)
{
	struct read_slot *slot = &reads->slot[number];
	int rc = 0;

	while (!rc && slot->under_way)
		rc = take_one(reads, err);
	if (rc)
		return rc;
	if (slot->result < 0 && slot->result != -EINTR && slot->result != -EAGAIN)
		return lf_fail_sys(err, -slot->result, reads->name, "cannot read %s", reads->name);
	int fault = LF_FAULT("file-read");
	if (fault)
		return lf_fail_sys(err, fault, reads->name, "cannot read %s", reads->name);
	/* nothing was begun, or it came back short: the rest by ourselves */
	size_t have = slot->result > 0 ? (size_t)slot->result : 0;
	if (LF_FAULT("file-short"))
		have /= 2;
	if (have >= slot->len)
		return 0;
	return lf_file_pread_all(reads->fd, slot->data + have, slot->len - have,
				 slot->offset + have, reads->name, err);
}
