/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verifying finds: faults as it reports them, and the chunks that cannot be had.
 */
#include <stdlib.h>
#include <string.h>

#include "vault/care/verify.h"

/* A file that is not ours may have any name; JSON takes UTF-8 only. */
static json_t *text_of(const char *text)
{
	json_t *as_it_is = json_string(text);
	char plain[1024];
	size_t n = 0;

	if (as_it_is)
		return as_it_is;
	for (; text[n] && n < sizeof(plain) - 1; n++)
		plain[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	plain[n] = '\0';
	return json_string(plain);
}

int lf_verify_fault(struct lf_verify *verify, const char *object, const char *fault,
		    const char *point, struct lf_error *err)
{
	json_t *entry = json_pack("{s:o, s:o, s:[]}", "object", text_of(object), "fault",
				  text_of(fault), "points");

	if (!entry ||
	    (point && json_array_append_new(json_object_get(entry, "points"), text_of(point)))) {
		json_decref(entry);
		return lf_fail_nomem(err);
	}
	return json_array_append_new(verify->faults, entry) ? lf_fail_nomem(err) : 0;
}

void lf_badset_done(struct lf_badset *set)
{
	free(set->ids);
	*set = (struct lf_badset){0};
}

/* Kept sorted: there are few, or the store is lost anyway. */
static size_t badset_at(const struct lf_badset *set, const struct lf_chunk_id *id)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(set->ids[middle].bytes, id->bytes, 32) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool lf_badset_has(const struct lf_badset *set, const struct lf_chunk_id *id)
{
	size_t at = badset_at(set, id);

	return at < set->count && memcmp(set->ids[at].bytes, id->bytes, 32) == 0;
}

int lf_badset_add(struct lf_badset *set, const struct lf_chunk_id *id, struct lf_error *err)
{
	if (lf_badset_has(set, id))
		return 0;
	size_t at = badset_at(set, id);
	struct lf_chunk_id *ids = set->ids;
	if ((set->count & (set->count - 1)) == 0)
		ids = reallocarray(ids, set->count ? set->count * 2 : 1, sizeof(*ids));
	if (!ids)
		return lf_fail_nomem(err);
	set->ids = ids;
	memmove(&ids[at + 1], &ids[at], (set->count - at) * sizeof(*ids));
	ids[at] = *id;
	set->count++;
	return 0;
}
