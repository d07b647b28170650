/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mark the chunks of points and of edits' bases, by a bit a record with their
 * packs: each map is entered where its node was not marked before, so that
 * what maps share is walked once.  The bits are memory; they are dropped at
 * the end, and a kill leaves nothing of them.
 */
#include "vault/care/mark.h"

#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "vault/map/node.h"
#include "vault/point/point.h"

int lf_mark_begin(struct lf_mark *mark, struct lf_vault *vault, struct lf_error *err)
{
	*mark = (struct lf_mark){.vault = vault, .points = json_object()};
	/* what could not be read once is looked at again: all that there is is wanted */
	return mark->points ? lf_index_refresh(vault->index, err) : lf_fail_nomem(err);
}

static void forget_marked(struct lf_pack *pack)
{
	free(pack->marked);
	pack->marked = NULL;
}

void lf_mark_end(struct lf_mark *mark)
{
	/* takes no memory: a mark that stayed would pass for one of the next time's */
	if (mark->vault)
		lf_index_each_pack(mark->vault->index, forget_marked);
	json_decref(mark->points);
	*mark = (struct lf_mark){0};
}

/* Set the chunk's bit; *ret_first: it was not set.  It has to have need bytes. */
static int mark_chunk(struct lf_mark *mark, const struct lf_chunk_id *id, uint32_t need,
		      bool *ret_first, struct lf_error *err)
{
	struct lf_place place;

	*ret_first = false;
	if (!lf_index_find(mark->vault->index, id, 0, &place) ||
	    place.entry.record >= place.pack->count || place.entry.plain < need)
		return mark->missing
			       ? mark->missing(mark->context, id, err)
			       : lf_index_fail_absent(mark->vault->index, id, LF_ECORRUPT, err);
	struct lf_pack *pack = place.pack;
	if (!pack->marked) {
		pack->marked = calloc(1, (pack->count + 7) / 8);
		if (!pack->marked)
			return lf_fail_nomem(err);
	}
	uint8_t *byte = &pack->marked[place.entry.record / 8];
	uint8_t bit = (uint8_t)(1u << (place.entry.record % 8));
	*ret_first = !(*byte & bit);
	*byte |= bit;
	if (*ret_first && mark->marked)
		mark->marked(mark->marked_context, &place);
	return 0;
}

static int mark_node(struct lf_mark *mark, const struct lf_chunk_id *id, unsigned height,
		     struct lf_error *err)
{
	struct lf_leaf_extent extents[LF_LEAF_PAGES];
	bool first = false;
	size_t n = 0;
	int rc = mark_chunk(mark, id, 1, &first, err);

	if (rc || !first)
		return rc;
	if (height) {
		struct lf_inner inner;
		rc = lf_inner_load(mark->vault, id, height, &inner, err);
		for (unsigned i = 0; !rc && i < LF_INNER_CHILDREN; i++)
			if (inner.present >> i & 1)
				rc = mark_node(mark, &inner.children[i], height - 1, err);
		return rc;
	}
	rc = lf_leaf_load(mark->vault, id, extents, &n, err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = mark_chunk(mark, &extents[i].chunk,
				(uint32_t)(extents[i].chunk_page + extents[i].pages) * LF_PAGE_SIZE,
				&first, err);
	return rc;
}

int lf_mark_root(struct lf_mark *mark, const struct lf_root *root, struct lf_error *err)
{
	return lf_root_is_empty(root) ? 0 : mark_node(mark, &root->node, root->height, err);
}

int lf_manifest_roots(const json_t *manifest, lf_root_visit_fn *visit, void *context,
		      struct lf_error *err)
{
	const json_t *disks = lf_json_at(manifest, "disks");
	const json_t *disk;
	size_t i;
	int rc = 0;

	json_array_foreach (disks, i, disk) {
		const char *text = lf_json_text(disk, "root");
		struct lf_root root;
		if (!text)
			continue;
		rc = lf_root_parse(text, &root, err);
		if (!rc)
			rc = visit(context, &root, (uint64_t)lf_json_int_or(disk, "sizeBytes", 0),
				   err);
		if (rc)
			break;
	}
	return rc;
}

static int mark_disk(void *context, const struct lf_root *root, uint64_t size, struct lf_error *err)
{
	(void)size;
	return lf_mark_root(context, root, err);
}

static int mark_point(void *context, const char *id, struct lf_error *err)
{
	struct lf_mark *mark = context;
	LF_AUTO_JSON *manifest = NULL;

	if (!lf_guid_valid(id) || json_object_get(mark->points, id))
		return 0;
	int rc = lf_point_get(mark->vault, id, &manifest, err);
	if (rc == LF_ENOTFOUND)
		return 0;
	if (!rc)
		rc = lf_manifest_roots(manifest, mark_disk, mark, err);
	if (rc && mark->damaged && lf_point_is_damage(rc)) {
		lf_warn("point %s: %s", id, err->message);
		rc = json_array_append_new(mark->damaged, json_string(id)) ? lf_fail_nomem(err) : 0;
	}
	if (rc)
		return lf_error_wrap(err, "point %s", id);
	return json_object_set_new(mark->points, id, json_true()) ? lf_fail_nomem(err) : 0;
}

/* Bases of edits under way, copied out, so that no lock is held while reading. */
static int mark_bases(struct lf_mark *mark, struct lf_error *err)
{
	struct lf_vault *vault = mark->vault;
	size_t count = 0, n = 0;

	lf_lock(&vault->holders_mutex, lf_holders_lock);
	for (const struct lf_holder *holder = vault->holders; holder; holder = holder->next)
		count++;
	LF_AUTO_FREE struct lf_root *bases = calloc(count + 1, sizeof(*bases));
	for (const struct lf_holder *holder = vault->holders; bases && holder;
	     holder = holder->next)
		bases[n++] = holder->base;
	lf_unlock(&vault->holders_mutex, lf_holders_lock);
	if (!bases)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		int rc = lf_mark_root(mark, &bases[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

int lf_mark_points(struct lf_mark *mark, struct lf_error *err)
{
	int rc = lf_store_list(mark->vault->store, "points", mark_point, mark, err);

	return rc ? rc : mark_bases(mark, err);
}
