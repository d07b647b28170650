/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways to change prints: a full pass writes them in place, and the file's
 * name says how far they hold; a delta collects changes, which a file of their
 * own holds until the site has made the point, and only then are they applied.
 * The name of the prints (docs/formats/prints.md) is one of
 *
 *   "point POINT"         they describe it
 *   "full SESSION UPTO"   a full pass under way; they hold before page UPTO
 *   "commit SESSION"      being made those of SESSION's point, by the changes
 *                         that wait for it; after a kill, they are written again
 *   ""                    nothing, as of any file that is not ours
 *
 * What a name promises is synced before it, so that a kill leaves prints that
 * hold up to where the name says, or that describe nothing.
 */
#include "agent/fingerprints.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/flow/prints.h"
#include "vault/pack/crypt.h"

#define GUID_LEN (LF_GUID_SIZE - 1)

struct change {
	uint64_t page; /* UINT64_MAX: free slot */
	uint64_t print;
};

struct lf_fingerprints {
	struct lf_prints *file;
	char *pending_path;
	uint64_t pages;
	/* of the file's name; "" what it does not say */
	char point[LF_GUID_SIZE], session[LF_GUID_SIZE], committing[LF_GUID_SIZE];
	uint64_t upto;
	bool in_place;
	struct change *changes; /* open addressing, a power of two */
	size_t capacity, n;
};

/* --- the name --- */

/* The guid that follows word in the name, and *ret_rest, what follows it. */
static bool take_guid(const char *name, const char *word, char out[static LF_GUID_SIZE],
		      const char **ret_rest)
{
	size_t len = strlen(word);

	if (strncmp(name, word, len) != 0 || strlen(name) < len + GUID_LEN)
		return false;
	memcpy(out, name + len, GUID_LEN);
	out[GUID_LEN] = '\0';
	*ret_rest = name + len + GUID_LEN;
	return true;
}

static void read_name(struct lf_fingerprints *prints)
{
	const char *name = lf_prints_name(prints->file), *rest = "";
	struct lf_error ignored;
	char guid[LF_GUID_SIZE];
	uint64_t upto = 0;

	prints->point[0] = prints->session[0] = prints->committing[0] = '\0';
	prints->upto = 0;
	if (take_guid(name, "point ", guid, &rest) && !*rest) {
		memcpy(prints->point, guid, sizeof(guid));
	} else if (take_guid(name, "commit ", guid, &rest) && !*rest) {
		memcpy(prints->committing, guid, sizeof(guid));
	} else if (take_guid(name, "full ", guid, &rest) && *rest == ' ' &&
		   lf_parse_u64(rest + 1, 0, prints->pages, &upto, &ignored) == 0) {
		memcpy(prints->session, guid, sizeof(guid));
		prints->upto = upto;
	}
}

static int set_name(struct lf_fingerprints *prints, const char *name, struct lf_error *err)
{
	int rc = lf_prints_set_name(prints->file, name, err);

	read_name(prints);
	return rc;
}

/* After a power cut a pass may go on from where it was noted before. */
static int note_full(struct lf_fingerprints *prints, const char *session, uint64_t upto,
		     struct lf_error *err)
{
	char name[LF_PRINTS_NAME_SIZE];

	snprintf(name, sizeof(name), "full %.36s %llu", session, (unsigned long long)upto);
	int rc = lf_prints_note_name(prints->file, name, err);
	read_name(prints);
	return rc;
}

static int set_guid(struct lf_fingerprints *prints, const char *word, const char *guid,
		    struct lf_error *err)
{
	char name[LF_PRINTS_NAME_SIZE];

	snprintf(name, sizeof(name), "%s %.36s", word, guid);
	return set_name(prints, name, err);
}

/* --- opening --- */

static int open_file(struct lf_fingerprints *prints, const char *path, struct lf_error *err)
{
	uint64_t pages = 0;
	int rc = lf_prints_open(path, &prints->file, err);

	if (!rc)
		rc = lf_prints_pages(prints->file, &pages, err);
	/* of another size they describe nothing */
	if (!rc && pages == prints->pages)
		read_name(prints);
	return rc;
}

int lf_fingerprints_open(const char *path, uint64_t pages, struct lf_fingerprints **ret_prints,
			 struct lf_error *err)
{
	struct lf_fingerprints *prints = calloc(1, sizeof(*prints));

	if (!prints)
		return lf_fail_nomem(err);
	prints->pages = pages;
	prints->pending_path = lf_printf_dup("%s.pending", path);
	int rc = prints->pending_path ? open_file(prints, path, err) : lf_fail_nomem(err);
	if (rc) {
		lf_fingerprints_close(prints);
		return rc;
	}
	*ret_prints = prints;
	return 0;
}

void lf_fingerprints_close(struct lf_fingerprints *prints)
{
	if (!prints)
		return;
	lf_prints_close(prints->file);
	free(prints->changes);
	free(prints->pending_path);
	free(prints);
}

const char *lf_fingerprints_point(const struct lf_fingerprints *prints)
{
	return prints->point;
}

const char *lf_fingerprints_session(const struct lf_fingerprints *prints)
{
	return prints->session;
}

uint64_t lf_fingerprints_upto(const struct lf_fingerprints *prints)
{
	return prints->upto;
}

/* --- a full pass --- */

void lf_fingerprints_full_done(struct lf_fingerprints *prints)
{
	prints->in_place = false;
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
	bool resumed = strcmp(prints->session, session) == 0;

	lf_fingerprints_forget(prints);
	int rc = resumed ? 0 : lf_fingerprints_void(prints, err);
	/*
	 * Prints beyond upto were set before the cut-off and may have reached the disk.
	 * The pass goes over zeroes without setting theirs, so none may stay.
	 */
	if (!rc)
		rc = lf_prints_clear(prints->file, prints->upto, prints->pages, err);
	if (!rc && !resumed)
		rc = note_full(prints, session, 0, err);
	prints->in_place = !rc;
	return rc;
}

int lf_fingerprints_void(struct lf_fingerprints *prints, struct lf_error *err)
{
	lf_fingerprints_forget(prints);
	return set_name(prints, "", err);
}

int lf_fingerprints_progress(struct lf_fingerprints *prints, uint64_t upto, struct lf_error *err)
{
	char session[LF_GUID_SIZE];

	if (!prints->in_place)
		return 0;
	memcpy(session, prints->session, sizeof(session));
	return note_full(prints, session, upto, err);
}

/* --- pages --- */

/* Slot of page, or the free one where it goes. */
static struct change *find_slot(const struct lf_fingerprints *prints, uint64_t page)
{
	size_t mask = prints->capacity - 1;
	size_t at = (size_t)(page * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;

	while (prints->changes[at].page != page && prints->changes[at].page != UINT64_MAX)
		at = (at + 1) & mask;
	return &prints->changes[at];
}

int lf_fingerprints_get(const struct lf_fingerprints *prints, uint64_t page, size_t count,
			uint64_t *ret_values, struct lf_error *err)
{
	int rc = lf_prints_read(prints->file, page, count, ret_values, err);

	for (size_t i = 0; !rc && prints->n && i < count; i++) {
		const struct change *slot = find_slot(prints, page + i);
		if (slot->page == page + i)
			ret_values[i] = slot->print;
	}
	return rc;
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

static int set_change(struct lf_fingerprints *prints, uint64_t page, uint64_t print,
		      struct lf_error *err)
{
	if (prints->n == LF_DELTA_PAGES_MAX)
		return lf_fail(err, LF_ENOSPACE, prints->pending_path, "more than %u pages changed",
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

int lf_fingerprints_set(struct lf_fingerprints *prints, uint64_t page, size_t count,
			const uint64_t *values, struct lf_error *err)
{
	int rc = 0;

	if (prints->in_place)
		return lf_prints_write(prints->file, page, count, values, err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = set_change(prints, page + i, values[i], err);
	return rc;
}

/* --- from prepare to the point --- */

/* Of the file of pending changes (docs/formats/prints.md). */
#define PENDING_MAGIC	"LFPEND02"
#define PENDING_SESSION (8 + LF_PRINTS_NAME_SIZE)
#define PENDING_CHECK	(PENDING_SESSION + GUID_LEN)
#define PENDING_HEADER	(PENDING_CHECK + 32)
#define PENDING_CHANGE	16

static int compare_changes(const void *a, const void *b)
{
	uint64_t x = ((const struct change *)a)->page, y = ((const struct change *)b)->page;

	return x < y ? -1 : x > y;
}

/* The changes in the order of pages, free slots left out; free(). */
static struct change *sort_changes(const struct lf_fingerprints *prints)
{
	struct change *sorted = malloc((prints->n + 1) * sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; sorted && i < prints->capacity; i++)
		if (prints->changes[i].page != UINT64_MAX)
			sorted[n++] = prints->changes[i];
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), compare_changes);
	return sorted;
}

/* The seal of a file of pending changes, which covers all of it but itself. */
static void seal_pending(struct lf_buf *file, uint8_t out[static 32])
{
	memset(file->data + PENDING_CHECK, 0, 32);
	lf_sha256(file->data, file->len, out);
}

int lf_fingerprints_prepare(struct lf_fingerprints *prints, const char *session,
			    struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	LF_AUTO_FREE struct change *sorted = sort_changes(prints);
	char header[PENDING_HEADER] = PENDING_MAGIC;
	uint8_t check[32];

	LF_ASSERT(!prints->in_place);
	if (!sorted)
		return lf_fail_nomem(err);
	/* the changes are to these very prints, by their name */
	snprintf(header + 8, LF_PRINTS_NAME_SIZE, "%s", lf_prints_name(prints->file));
	memcpy(header + PENDING_SESSION, session, strnlen(session, GUID_LEN));
	lf_buf_append(&file, header, sizeof(header));
	for (size_t i = 0; i < prints->n; i++) {
		uint8_t change[PENDING_CHANGE];
		lf_put_u64(change, sorted[i].page);
		lf_put_u64(change + 8, sorted[i].print);
		lf_buf_append(&file, change, sizeof(change));
	}
	int rc = lf_buf_check(&file, err);
	if (rc)
		return rc;
	seal_pending(&file, check);
	memcpy(file.data + PENDING_CHECK, check, sizeof(check));
	return lf_file_write_durable(prints->pending_path, file.data, file.len, 0600, err);
}

/* What waited, into the file of prints, pages in a row at once. */
static int write_changes(struct lf_fingerprints *prints, struct lf_error *err)
{
	LF_AUTO_FREE struct change *sorted = sort_changes(prints);
	uint64_t run[512];
	int rc = sorted ? 0 : lf_fail_nomem(err);

	for (size_t i = 0, n; !rc && i < prints->n && sorted[i].page < prints->pages; i += n) {
		for (n = 0;
		     n < LF_N(run) && i + n < prints->n && sorted[i + n].page == sorted[i].page + n;
		     n++)
			run[n] = sorted[i + n].print;
		rc = lf_prints_write(prints->file, sorted[i].page, n, run, err);
	}
	return rc;
}

/* The pending file says it all: the prints become those of its point, then the file goes. */
int lf_fingerprints_commit(struct lf_fingerprints *prints, const char *point, struct lf_error *err)
{
	int rc = set_guid(prints, "commit", point, err);

	if (!rc)
		rc = write_changes(prints, err);
	LF_CRASH_POINT("prints-before-point");
	if (!rc)
		rc = set_guid(prints, "point", point, err);
	if (!rc)
		rc = lf_file_remove(prints->pending_path, err);
	lf_fingerprints_forget(prints);
	return rc;
}

/* Are these the whole changes from what the prints are now to the point newest? */
static bool pending_fits(const struct lf_fingerprints *prints, struct lf_buf *file,
			 const char *newest)
{
	const char *name = lf_prints_name(prints->file);
	bool described = prints->point[0] || prints->session[0];
	uint8_t check[32], sealed[32];

	if (file->len < PENDING_HEADER || (file->len - PENDING_HEADER) % PENDING_CHANGE ||
	    memcmp(file->data, PENDING_MAGIC, 8) != 0)
		return false;
	memcpy(sealed, file->data + PENDING_CHECK, sizeof(sealed));
	seal_pending(file, check);
	if (memcmp(check, sealed, sizeof(check)) != 0 || strlen(newest) != GUID_LEN ||
	    memcmp(file->data + PENDING_SESSION, newest, GUID_LEN) != 0)
		return false;
	return strcmp(prints->committing, newest) == 0 ||
	       (described && strncmp(file->data + 8, name, LF_PRINTS_NAME_SIZE) == 0);
}

int lf_fingerprints_recover(struct lf_fingerprints *prints, const char *newest,
			    struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	size_t max = PENDING_HEADER + (size_t)LF_DELTA_PAGES_MAX * PENDING_CHANGE;

	int rc = lf_file_read(prints->pending_path, max, &file, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	if (!pending_fits(prints, &file, newest))
		return lf_file_remove(prints->pending_path, err);
	lf_fingerprints_forget(prints);
	for (size_t at = PENDING_HEADER; !rc && at < file.len; at += PENDING_CHANGE) {
		const uint8_t *change = (const uint8_t *)file.data + at;
		rc = set_change(prints, lf_get_u64(change), lf_get_u64(change + 8), err);
	}
	return rc ? rc : lf_fingerprints_commit(prints, newest, err);
}
