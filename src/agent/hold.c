/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hold.h"

#include <stdlib.h>
#include <string.h>

#include "vault/vault.h"

struct entry {
	struct entry *next;
	struct lf_held run; /* data is what follows the entry */
};

struct lf_hold {
	struct entry *first, **last;
	size_t bytes;
};

int lf_hold_new(struct lf_hold **ret_hold, struct lf_error *err)
{
	struct lf_hold *hold = calloc(1, sizeof(*hold));

	if (!hold)
		return lf_fail_nomem(err);
	hold->last = &hold->first;
	*ret_hold = hold;
	return 0;
}

void lf_hold_free(struct lf_hold *hold)
{
	if (!hold)
		return;
	while (hold->first) {
		struct entry *next = hold->first->next;
		free(hold->first);
		hold->first = next;
	}
	free(hold);
}

int lf_hold_add(struct lf_hold *hold, const struct lf_held *run, struct lf_error *err)
{
	size_t len = run->data ? (size_t)run->pages * LF_PAGE_SIZE : 0;
	struct entry *entry = malloc(sizeof(*entry) + len);

	if (!entry)
		return lf_fail_nomem(err);
	*entry = (struct entry){.run = *run};
	if (run->data)
		entry->run.data = memcpy(entry + 1, run->data, len);
	*hold->last = entry;
	hold->last = &entry->next;
	hold->bytes += sizeof(*entry) + len;
	return 0;
}

bool lf_hold_is_full(const struct lf_hold *hold)
{
	return hold->bytes >= LF_HOLD_BYTES_MAX;
}

int lf_hold_each(const struct lf_hold *hold, lf_held_fn *each, void *context, struct lf_error *err)
{
	int rc = 0;

	for (const struct entry *entry = hold->first; !rc && entry; entry = entry->next)
		rc = each(context, &entry->run, err);
	return rc;
}
