/* SPDX-License-Identifier: Apache-2.0 */
#include "outflow/seen.h"

#include <stdlib.h>
#include <string.h>

struct entry { /* window 0: a free slot */
	struct lf_chunk_id id;
	uint64_t window;
};

struct lf_seen {
	struct entry *entries; /* open addressing */
	size_t n;
};

int lf_seen_new(struct lf_seen **ret_seen, struct lf_error *err)
{
	struct lf_seen *seen = calloc(1, sizeof(*seen));

	if (seen)
		seen->entries = calloc(LF_SEEN_SLOTS, sizeof(*seen->entries));
	if (!seen || !seen->entries) {
		free(seen);
		return lf_fail_nomem(err);
	}
	*ret_seen = seen;
	return 0;
}

void lf_seen_free(struct lf_seen *seen)
{
	if (!seen)
		return;
	free(seen->entries);
	free(seen);
}

/* Where the chunk is, or belongs. */
static struct entry *find_slot(const struct lf_seen *seen, const struct lf_chunk_id *id)
{
	uint64_t hash;

	memcpy(&hash, id->bytes, sizeof(hash));
	size_t at = hash % LF_SEEN_SLOTS;
	while (seen->entries[at].window && memcmp(&seen->entries[at].id, id, sizeof(*id)) != 0)
		at = (at + 1) % LF_SEEN_SLOTS;
	return &seen->entries[at];
}

/* Keep what windows after arrived held.  Without memory to do it in place, nothing is forgotten. */
static void forget(struct lf_seen *seen, uint64_t arrived)
{
	struct entry *old = seen->entries;
	struct entry *entries = calloc(LF_SEEN_SLOTS, sizeof(*entries));

	if (!entries)
		return;
	seen->entries = entries;
	seen->n = 0;
	for (size_t i = 0; i < LF_SEEN_SLOTS; i++)
		if (old[i].window > arrived) {
			*find_slot(seen, &old[i].id) = old[i];
			seen->n++;
		}
	free(old);
}

bool lf_seen_before(struct lf_seen *seen, const struct lf_chunk_id *id, uint64_t window,
		    uint64_t arrived)
{
	if (seen->n >= LF_SEEN_SLOTS - LF_SEEN_SLOTS / 4)
		forget(seen, arrived);
	LF_ASSERT(seen->n < LF_SEEN_SLOTS - 1);
	struct entry *slot = find_slot(seen, id);
	if (slot->window)
		return true;
	*slot = (struct entry){*id, window};
	seen->n++;
	return false;
}
