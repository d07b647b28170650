/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "vault/point/point.h"
#include "vault/vault_internal.h"

struct totals {
	int64_t chunks, nodes, stored, plain, older;
};

static int add_record(void *context, const struct lf_place *place, struct lf_error *err)
{
	struct totals *totals = context;

	(void)err;
	totals->chunks += place->entry.kind == LF_CHUNK_DATA;
	totals->nodes += place->entry.kind == LF_CHUNK_NODE;
	totals->plain += place->entry.plain;
	return 0;
}

static int count_name(void *context, const char *name, struct lf_error *err)
{
	(void)err;
	*(int64_t *)context += lf_guid_valid(name);
	return 0;
}

int lf_vault_stats(struct lf_vault *vault, json_t **ret_stats, struct lf_error *err)
{
	struct totals totals = {0};
	struct lf_pack **packs = NULL;
	size_t pack_count = 0;
	int64_t points = 0, sessions = 0;
	int rc = lf_index_each_record(vault->index, NULL, add_record, &totals, err);

	if (!rc)
		rc = lf_index_packs(vault->index, &packs, &pack_count, err);
	for (size_t i = 0; !rc && i < pack_count; i++) {
		totals.stored += (int64_t)packs[i]->size;
		if (packs[i]->epoch != vault->key.epoch)
			totals.older += (int64_t)packs[i]->size;
	}
	free(packs);
	if (!rc)
		rc = lf_store_list(vault->store, "points", count_name, &points, err);
	if (!rc)
		rc = lf_store_list(vault->store, "sessions", count_name, &sessions, err);
	if (rc)
		return rc;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_int(&doc, "keyEpoch", vault->key.epoch);
	lf_doc_int(&doc, "olderKeyBytes", totals.older);
	lf_doc_int(&doc, "packs", pack_count);
	lf_doc_int(&doc, "chunks", totals.chunks);
	lf_doc_int(&doc, "nodes", totals.nodes);
	lf_doc_int(&doc, "storedBytes", totals.stored);
	lf_doc_int(&doc, "plainBytes", totals.plain);
	lf_doc_int(&doc, "points", points);
	lf_doc_int(&doc, "sessions", sessions);
	lf_doc_int(&doc, "indexRuns", (int64_t)lf_index_run_count(vault->index));
	json_t *stats = lf_doc_take(&doc);
	if (!stats)
		return lf_fail_nomem(err);
	*ret_stats = stats;
	return 0;
}
