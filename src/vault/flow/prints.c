/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While prints change, the header describes nothing: it is cleared and synced
 * first, prints are written in place, and the new name is sealed into it last,
 * after the prints are synced.  A kill in between leaves a file that describes
 * nothing, and the next pass reads the disk as if it were the first.  The
 * agent's names say more: up to where a pass has come, or whose changes are
 * being written.
 */
#include "vault/flow/prints.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/file.h"
#include "vault/pack/crypt.h"
#include "vault/pack/chunk.h"

#define PRINTS_MAGIC "LFPRNT01"

/* The first bytes of the file. */
struct header {
	char magic[8];
	char name[LF_PRINTS_NAME_SIZE]; /* "": they describe nothing */
	uint8_t check[32];		/* SHA-256 of what is before */
};
_Static_assert(LF_ROOT_TEXT_SIZE <= LF_PRINTS_NAME_SIZE, "a root is a name");

struct lf_prints {
	char *path;
	int fd;
	char name[LF_PRINTS_NAME_SIZE];
};

static void header_seal(struct header *header)
{
	lf_sha256(header, offsetof(struct header, check), header->check);
}

static int write_header(struct lf_prints *prints, const char *name, struct lf_error *err)
{
	struct header header = {.magic = PRINTS_MAGIC};

	LF_ASSERT(strlen(name) < sizeof(header.name));
	memcpy(header.name, name, strlen(name));
	header_seal(&header);
	int rc = lf_file_pwrite_all(prints->fd, &header, sizeof(header), 0, prints->path, err);
	memset(prints->name, 0, sizeof(prints->name));
	if (!rc)
		memcpy(prints->name, header.name, sizeof(prints->name));
	return rc;
}

static void read_header(struct lf_prints *prints)
{
	struct header header, again;

	if (pread(prints->fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return;
	again = header;
	header_seal(&again);
	if (memcmp(&header, &again, sizeof(header)) == 0 &&
	    memcmp(header.magic, PRINTS_MAGIC, sizeof(header.magic)) == 0 &&
	    memchr(header.name, 0, sizeof(header.name)))
		memcpy(prints->name, header.name, sizeof(header.name));
}

int lf_prints_open(const char *path, struct lf_prints **ret_prints, struct lf_error *err)
{
	struct lf_prints *prints = calloc(1, sizeof(*prints));

	if (!prints)
		return lf_fail_nomem(err);
	prints->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	prints->path = strdup(path);
	int rc = prints->fd < 0	 ? lf_fail_sys(err, errno, path, "cannot open %s", path)
		 : !prints->path ? lf_fail_nomem(err)
				 : 0;
	if (rc) {
		lf_prints_close(prints);
		return rc;
	}
	read_header(prints);
	*ret_prints = prints;
	return 0;
}

void lf_prints_close(struct lf_prints *prints)
{
	if (!prints)
		return;
	lf_fd_done(&prints->fd);
	free(prints->path);
	free(prints);
}

const char *lf_prints_name(const struct lf_prints *prints)
{
	return prints->name;
}

int lf_prints_pages(const struct lf_prints *prints, uint64_t *ret_pages, struct lf_error *err)
{
	struct stat st;

	if (fstat(prints->fd, &st))
		return lf_fail_sys(err, errno, prints->path, "cannot look at %s", prints->path);
	uint64_t bytes = (uint64_t)st.st_size;
	*ret_pages = bytes < LF_PAGE_SIZE ? 0 : (bytes - LF_PAGE_SIZE) / sizeof(uint64_t);
	return 0;
}

bool lf_prints_describe(const struct lf_prints *prints, const struct lf_root *root)
{
	char text[LF_ROOT_TEXT_SIZE];

	lf_root_format(root, text);
	return strcmp(text, prints->name) == 0;
}

static int truncate_at(struct lf_prints *prints, uint64_t size, struct lf_error *err)
{
	if (ftruncate(prints->fd, (off_t)size))
		return lf_fail_sys(err, errno, prints->path, "cannot cut %s", prints->path);
	return 0;
}

int lf_prints_begin(struct lf_prints *prints, bool keep, struct lf_error *err)
{
	int rc = keep ? 0 : truncate_at(prints, 0, err);

	if (!rc)
		rc = write_header(prints, "", err);
	return rc ? rc : lf_file_sync(prints->fd, prints->path, err);
}

static uint64_t place_of(uint64_t page)
{
	return LF_PAGE_SIZE + page * sizeof(uint64_t);
}

int lf_prints_read(struct lf_prints *prints, uint64_t page, size_t count, uint64_t *ret_prints,
		   struct lf_error *err)
{
	uint8_t *out = (uint8_t *)ret_prints;
	size_t have = 0, len = count * sizeof(*ret_prints);

	while (have < len) {
		ssize_t n = (errno = LF_FAULT("file-read"))
				    ? -1
				    : pread(prints->fd, out + have, len - have,
					    (off_t)(place_of(page) + have));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lf_fail_sys(err, errno, prints->path, "cannot read %s",
					   prints->path);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	memset(out + have, 0, len - have); /* what was never written is 0 */
	for (size_t i = 0; i < count; i++)
		ret_prints[i] = le64toh(ret_prints[i]);
	return 0;
}

int lf_prints_write(struct lf_prints *prints, uint64_t page, size_t count, const uint64_t *values,
		    struct lf_error *err)
{
	uint64_t encoded[512];
	int rc = 0;

	for (size_t at = 0, n; !rc && at < count; at += n) {
		n = count - at < LF_N(encoded) ? count - at : LF_N(encoded);
		for (size_t i = 0; i < n; i++)
			encoded[i] = htole64(values[at + i]);
		rc = lf_file_pwrite_all(prints->fd, encoded, n * sizeof(*encoded),
					place_of(page + at), prints->path, err);
	}
	return rc;
}

uint64_t lf_prints_next(const struct lf_prints *prints, uint64_t page)
{
	off_t at = lseek(prints->fd, (off_t)place_of(page), SEEK_DATA);

	if (at < 0)
		return errno == ENXIO ? UINT64_MAX : page;
	uint64_t next = ((uint64_t)at - LF_PAGE_SIZE) / sizeof(uint64_t);
	return next > page ? next : page;
}

int lf_prints_clear(struct lf_prints *prints, uint64_t page, uint64_t pages, struct lf_error *err)
{
	uint64_t from = place_of(page), to = place_of(pages);
	int rc = truncate_at(prints, from < to ? from : to, err);

	if (!rc)
		rc = truncate_at(prints, to, err);
	/* asked for at a pass's begin, not found missing in its middle; a file system that cannot
	 * promise it says so at the write, then */
	return rc ? rc : lf_file_reserve(prints->fd, 0, to, prints->path, err);
}

int lf_prints_note_name(struct lf_prints *prints, const char *name, struct lf_error *err)
{
	/* the prints first: the name promises that they are there */
	int rc = lf_file_sync(prints->fd, prints->path, err);

	return rc ? rc : write_header(prints, name, err);
}

int lf_prints_set_name(struct lf_prints *prints, const char *name, struct lf_error *err)
{
	int rc = lf_prints_note_name(prints, name, err);

	return rc ? rc : lf_file_sync(prints->fd, prints->path, err);
}

int lf_prints_end(struct lf_prints *prints, uint64_t pages, const struct lf_root *root,
		  struct lf_error *err)
{
	char text[LF_ROOT_TEXT_SIZE];
	int rc = truncate_at(prints, place_of(pages), err);

	lf_root_format(root, text);
	return rc ? rc : lf_prints_set_name(prints, text, err);
}
