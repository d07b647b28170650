/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets of units in order, in an array of fixed size: added when a read has
 * failed, taken out when the place is about to be read again, told as ranges.
 * Nothing is on disk here: whoever makes a point writes the ranges beside it.
 */
#include "source/bad.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "json/doc.h"

LF_LOCK_KIND(bad_lock);
struct lf_bad {
	bool zeroes;
	pthread_mutex_t mutex;
	uint64_t units[LF_BAD_MAX] LF_GUARDED_BY(bad_lock); /* offsets, in order */
	size_t n LF_GUARDED_BY(bad_lock);
};

int lf_bad_new(bool zeroes, struct lf_bad **ret_bad, struct lf_error *err)
{
	struct lf_bad *bad = calloc(1, sizeof(*bad));

	if (!bad)
		return lf_fail_nomem(err);
	bad->zeroes = zeroes;
	pthread_mutex_init(&bad->mutex, NULL);
	*ret_bad = bad;
	return 0;
}

void lf_bad_free(struct lf_bad *bad)
{
	if (!bad)
		return;
	pthread_mutex_destroy(&bad->mutex);
	free(bad);
}

/* Put the unit where it belongs; false: there is no room. */
static bool insert(struct lf_bad *bad, uint64_t offset) LF_REQUIRES(bad_lock);
static bool insert(struct lf_bad *bad, uint64_t offset)
{
	size_t at = bad->n;

	while (at > 0 && bad->units[at - 1] >= offset)
		at--;
	if (at < bad->n && bad->units[at] == offset)
		return true;
	if (bad->n == LF_BAD_MAX)
		return false;
	memmove(&bad->units[at + 1], &bad->units[at], (bad->n - at) * sizeof(*bad->units));
	bad->units[at] = offset;
	bad->n++;
	return true;
}

int lf_bad_add(struct lf_bad *bad, const char *disk, uint64_t offset, const struct lf_error *why,
	       struct lf_error *err)
{
	LF_GUARD(&bad->mutex, bad_lock);

	if (bad->zeroes && insert(bad, offset))
		return 0;
	if (bad->zeroes)
		return lf_fail(err, LF_EIO, disk, "more than %u pages of %s cannot be read: %s",
			       LF_BAD_MAX, disk, why->message);
	lf_fail(err, LF_EIO, disk, "%s cannot be read at byte %llu: %s", disk,
		(unsigned long long)offset, why->message);
	return lf_error_hint(err, "replace the disk; or have what it cannot read count as zeroes: "
				  "\"badSectors\": \"zero\" in the agent's configuration, "
				  "--bad-sectors zero of landfall vault ingest");
}

void lf_bad_forget(struct lf_bad *bad, uint64_t offset, uint64_t len)
{
	LF_GUARD(&bad->mutex, bad_lock);
	size_t kept = 0;

	for (size_t i = 0; i < bad->n; i++)
		if (bad->units[i] < offset || bad->units[i] >= offset + len)
			bad->units[kept++] = bad->units[i];
	bad->n = kept;
}

json_t *lf_bad_doc(struct lf_bad *bad)
{
	LF_AUTO_JSON *doc = json_array();

	LF_GUARD(&bad->mutex, bad_lock);
	for (size_t i = 0, n; i < bad->n; i += n) {
		LF_AUTO_DOC range = LF_DOC_INIT;
		for (n = 1; i + n < bad->n && bad->units[i + n] == bad->units[i] + n * LF_BAD_UNIT;)
			n++;
		lf_doc_int(&range, "offset", (int64_t)bad->units[i]);
		lf_doc_int(&range, "length", (int64_t)(n * LF_BAD_UNIT));
		if (json_array_append_new(doc, lf_doc_take(&range)))
			return NULL;
	}
	return lf_steal(&doc);
}

void lf_bad_recall(struct lf_bad *bad, const json_t *doc)
{
	size_t i;
	json_t *range;

	LF_GUARD(&bad->mutex, bad_lock);
	json_array_foreach ((json_t *)(uintptr_t)doc, i, range) {
		int64_t offset = lf_json_int_or(range, "offset", -1);
		int64_t length = lf_json_int_or(range, "length", 0);
		bool room = offset >= 0 && offset % LF_BAD_UNIT == 0;
		for (int64_t at = 0; room && at < length; at += LF_BAD_UNIT)
			room = insert(bad, (uint64_t)(offset + at));
	}
}
