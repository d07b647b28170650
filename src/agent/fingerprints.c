/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways to change prints: a full pass writes them in place, and the header
 * says how far they hold; a delta collects changes, which a file of their own
 * holds until the site has made the point, and only then are they applied. 
 * What they promise is synced before the header that promises it, so that a
 * kill leaves prints that hold up to where the header says, or that describe
 * nothing.
 */
#include "agent/fingerprints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/vault.h"

#define PRINTS_MAGIC "LFPRINT2"

struct header { /* first LF_PAGE_SIZE bytes of the file */
	char magic[8];
	uint64_t pages;
	uint64_t upto;		      /* of the full pass of session */
	char point[LF_GUID_SIZE + 3]; /* "" while a full pass is under way */
	char session[LF_GUID_SIZE + 3];
};

struct change {
	uint64_t page; /* UINT64_MAX: free slot */
	uint64_t print;
};

struct lf_fingerprints {
	int fd;
	char *path, *pending_path;
	struct header *header;
	uint64_t *prints; /* after the header, in one mapping */
	size_t mapped;
	bool in_place;
	struct change *changes; /* open addressing, a power of two */
	size_t capacity, n;
};

static int map_file(struct lf_fingerprints *prints, uint64_t pages, struct lf_error *err)
{
	size_t len = LF_PAGE_SIZE + pages * sizeof(uint64_t);

	if (ftruncate(prints->fd, (off_t)len))
		return lf_fail_sys(err, errno, prints->path, "cannot size %s", prints->path);
	/* all the room now: a store into a mapping without room behind it kills us */
	if (fallocate(prints->fd, 0, 0, (off_t)len) && errno != EOPNOTSUPP)
		return lf_fail_sys(err, errno, prints->path, "no room for %s", prints->path);
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, prints->fd, 0);
	if (at == MAP_FAILED)
		return lf_fail_sys(err, errno, prints->path, "cannot map %s", prints->path);
	prints->header = at;
	prints->prints = (uint64_t *)(void *)((char *)at + LF_PAGE_SIZE);
	prints->mapped = len;
	return 0;
}

int lf_fingerprints_open(const char *path, uint64_t pages, struct lf_fingerprints **ret_prints,
			 struct lf_error *err)
{
	struct lf_fingerprints *prints = calloc(1, sizeof(*prints));
	int rc;

	if (!prints)
		return lf_fail_nomem(err);
	prints->fd = -1;
	prints->path = strdup(path);
	prints->pending_path = lf_printf_dup("%s.pending", path);
	if (!prints->path || !prints->pending_path) {
		lf_fingerprints_close(prints);
		return lf_fail_nomem(err);
	}
	prints->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	rc = prints->fd < 0 ? lf_fail_sys(err, errno, path, "cannot open %s", path)
			    : map_file(prints, pages, err);
	if (rc) {
		lf_fingerprints_close(prints);
		return rc;
	}
	/* new, of another version, or of another size: they describe nothing */
	if (memcmp(prints->header->magic, PRINTS_MAGIC, 8) != 0 || prints->header->pages != pages) {
		memset(prints->header, 0, sizeof(*prints->header));
		memcpy(prints->header->magic, PRINTS_MAGIC, 8);
		prints->header->pages = pages;
	}
	prints->header->point[LF_GUID_SIZE - 1] = '\0';
	prints->header->session[LF_GUID_SIZE - 1] = '\0';
	*ret_prints = prints;
	return 0;
}

void lf_fingerprints_close(struct lf_fingerprints *prints)
{
	if (!prints)
		return;
	if (prints->header)
		munmap(prints->header, prints->mapped);
	if (prints->fd >= 0)
		close(prints->fd);
	free(prints->changes);
	free(prints->path);
	free(prints->pending_path);
	free(prints);
}

const char *lf_fingerprints_point(const struct lf_fingerprints *prints)
{
	return prints->header->point;
}

const char *lf_fingerprints_session(const struct lf_fingerprints *prints)
{
	return prints->header->session;
}

uint64_t lf_fingerprints_upto(const struct lf_fingerprints *prints)
{
	return prints->header->upto;
}

void lf_fingerprints_full_done(struct lf_fingerprints *prints)
{
	prints->in_place = false;
}

static int sync_prints(struct lf_fingerprints *prints, struct lf_error *err)
{
	if (msync(prints->header, prints->mapped, MS_SYNC))
		return lf_fail_sys(err, errno, prints->path, "cannot sync %s", prints->path);
	return 0;
}

static void copy_guid(char *out, const char *guid)
{
	snprintf(out, LF_GUID_SIZE, "%s", guid);
}

void lf_fingerprints_forget(struct lf_fingerprints *prints)
{
	free(prints->changes);
	prints->changes = NULL;
	prints->capacity = prints->n = 0;
	prints->in_place = false;
}

int lf_fingerprints_restart(struct lf_fingerprints *prints, const char *session,
			    struct lf_error *err)
{
	bool resumed = strcmp(prints->header->session, session) == 0 && !prints->header->point[0];

	lf_fingerprints_forget(prints);
	prints->in_place = true;
	if (resumed) {
		/*
		 * Prints beyond upto were set before the cut-off and may have reached the
		 * disk.  The pass goes over zeroes without setting theirs, so none may stay.
		 */
		for (uint64_t page = prints->header->upto; page < prints->header->pages; page++)
			if (prints->prints[page])
				prints->prints[page] = 0;
		return 0;
	}
	/* cutting the file is the cheapest way to make every print zero */
	uint64_t pages = prints->header->pages;
	munmap(prints->header, prints->mapped);
	prints->header = NULL;
	if (ftruncate(prints->fd, 0))
		return lf_fail_sys(err, errno, prints->path, "cannot clear %s", prints->path);
	int rc = map_file(prints, pages, err);
	if (rc)
		return rc;
	memcpy(prints->header->magic, PRINTS_MAGIC, 8);
	prints->header->pages = pages;
	copy_guid(prints->header->session, session);
	return sync_prints(prints, err);
}

int lf_fingerprints_void(struct lf_fingerprints *prints, struct lf_error *err)
{
	lf_fingerprints_forget(prints);
	if (!prints->header)
		return 0; /* cleared already */
	copy_guid(prints->header->point, "");
	copy_guid(prints->header->session, "");
	return sync_prints(prints, err);
}

/* Slot of page, or the free one where it goes. */
static struct change *find_slot(const struct lf_fingerprints *prints, uint64_t page)
{
	size_t mask = prints->capacity - 1;
	size_t at = (size_t)(page * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;

	while (prints->changes[at].page != page && prints->changes[at].page != UINT64_MAX)
		at = (at + 1) & mask;
	return &prints->changes[at];
}

uint64_t lf_fingerprints_get(const struct lf_fingerprints *prints, uint64_t page)
{
	if (prints->n) {
		const struct change *slot = find_slot(prints, page);
		if (slot->page == page)
			return slot->print;
	}
	return page < prints->header->pages ? prints->prints[page] : 0;
}

static int grow(struct lf_fingerprints *prints, struct lf_error *err)
{
	struct change *old = prints->changes;
	size_t old_capacity = prints->capacity;

	prints->capacity = old_capacity ? 2 * old_capacity : 1024;
	prints->changes = malloc(prints->capacity * sizeof(*prints->changes));
	if (!prints->changes) {
		prints->changes = old;
		prints->capacity = old_capacity;
		return lf_fail_nomem(err);
	}
	memset(prints->changes, 0xff, prints->capacity * sizeof(*prints->changes));
	for (size_t i = 0; i < old_capacity; i++)
		if (old[i].page != UINT64_MAX)
			*find_slot(prints, old[i].page) = old[i];
	free(old);
	return 0;
}

int lf_fingerprints_set(struct lf_fingerprints *prints, uint64_t page, uint64_t print,
			struct lf_error *err)
{
	if (prints->in_place) {
		prints->prints[page] = print;
		return 0;
	}
	if (prints->n == LF_DELTA_PAGES_MAX)
		return lf_fail(err, LF_ENOSPACE, prints->path, "more than %u pages changed",
			       LF_DELTA_PAGES_MAX);
	if ((prints->n + 1) * 4 > prints->capacity * 3) {
		int rc = grow(prints, err);
		if (rc)
			return rc;
	}
	struct change *slot = find_slot(prints, page);
	prints->n += slot->page == UINT64_MAX;
	*slot = (struct change){page, print};
	return 0;
}

int lf_fingerprints_progress(struct lf_fingerprints *prints, uint64_t upto, struct lf_error *err)
{
	if (!prints->in_place)
		return 0;
	/* the prints first: upto promises that they are there */
	int rc = sync_prints(prints, err);
	if (rc)
		return rc;
	prints->header->upto = upto;
	return sync_prints(prints, err);
}

/* "LFPEND01", session (40 bytes), xxh3 of the changes, changes. */
#define PENDING_HEADER 56

int lf_fingerprints_prepare(struct lf_fingerprints *prints, const char *session,
			    struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	char header[PENDING_HEADER] = "LFPEND01";

	LF_ASSERT(!prints->in_place);
	/* the changes are to these very prints: a file made anew does not carry the session */
	copy_guid(prints->header->session, session);
	int rc = sync_prints(prints, err);
	if (rc)
		return rc;
	copy_guid(header + 8, session);
	lf_buf_append(&file, header, sizeof(header));
	for (size_t i = 0; i < prints->capacity; i++)
		if (prints->changes[i].page != UINT64_MAX)
			lf_buf_append(&file, &prints->changes[i], sizeof(struct change));
	rc = lf_buf_check(&file, err);
	if (rc)
		return rc;
	uint64_t sum = XXH3_64bits(file.data + PENDING_HEADER, file.len - PENDING_HEADER);
	memcpy(file.data + 48, &sum, sizeof(sum));
	return lf_file_write_durable(prints->pending_path, file.data, file.len, 0600, err);
}

/* Everything is in the file or in place: make it one, then drop the file. */
static int finish(struct lf_fingerprints *prints, const char *point, struct lf_error *err)
{
	copy_guid(prints->header->point, "");
	for (size_t i = 0; i < prints->capacity; i++)
		if (prints->changes[i].page < prints->header->pages)
			prints->prints[prints->changes[i].page] = prints->changes[i].print;
	int rc = sync_prints(prints, err);
	LF_CRASH_POINT("prints-before-point");
	if (rc)
		return rc;
	copy_guid(prints->header->point, point);
	copy_guid(prints->header->session, "");
	rc = sync_prints(prints, err);
	if (!rc)
		rc = lf_file_remove(prints->pending_path, err);
	lf_fingerprints_forget(prints);
	return rc;
}

int lf_fingerprints_commit(struct lf_fingerprints *prints, const char *point, struct lf_error *err)
{
	return finish(prints, point, err);
}

int lf_fingerprints_recover(struct lf_fingerprints *prints, const char *newest,
			    struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	size_t max = PENDING_HEADER + (size_t)LF_DELTA_PAGES_MAX * sizeof(struct change);
	uint64_t sum;

	int rc = lf_file_read(prints->pending_path, max, &file, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	if (file.len < PENDING_HEADER || memcmp(file.data, "LFPEND01", 8) != 0 ||
	    strncmp(file.data + 8, newest, LF_GUID_SIZE - 1) != 0 || !newest[0] ||
	    strcmp(prints->header->session, newest) != 0)
		return lf_file_remove(prints->pending_path, err);
	memcpy(&sum, file.data + 48, sizeof(sum));
	if (sum != XXH3_64bits(file.data + PENDING_HEADER, file.len - PENDING_HEADER))
		return lf_file_remove(prints->pending_path, err);
	lf_fingerprints_forget(prints);
	for (size_t at = PENDING_HEADER; !rc && at + sizeof(struct change) <= file.len;
	     at += sizeof(struct change)) {
		struct change change;
		memcpy(&change, file.data + at, sizeof(change));
		rc = lf_fingerprints_set(prints, change.page, change.print, err);
	}
	return rc ? rc : finish(prints, newest, err);
}
