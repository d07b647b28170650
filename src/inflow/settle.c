/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extents are collected in the order in which they came.  If that was the order of pages, without
 * overlaps, they go on as they are.  Else they are sorted by their first page, and a sweep from
 * left to right keeps those that reach the page at hand in a heap, the latest on top: at each page
 * the latest has it, and neighbouring pages of one extent go on as one piece.
 */
#include "inflow/settle.h"

#include <stdlib.h>

struct lf_settle {
	lf_extent_visit_fn *visit;
	void *context;
	struct lf_extent *extents; /* as they came: a later one has a higher number */
	uint32_t *order;	   /* their numbers by first page, then as they came */
	uint32_t *heap;		   /* numbers of those at hand, the latest on top */
	size_t n, n_heap;
	bool sorted; /* so far they came in order, without overlaps */
	uint64_t end;
	struct lf_extent piece; /* what goes on next, unless it grows; pages 0: none */
	uint32_t of;		/* its extent */
};

int lf_settle_new(lf_extent_visit_fn *visit, void *context, struct lf_settle **ret_settle,
		  struct lf_error *err)
{
	struct lf_settle *settle = calloc(1, sizeof(*settle));

	if (!settle)
		return lf_fail_nomem(err);
	*settle = (struct lf_settle){.visit = visit, .context = context, .sorted = true};
	settle->extents = lf_alloc_array(LF_SETTLE_MAX, sizeof(*settle->extents));
	settle->order = lf_alloc_array(LF_SETTLE_MAX, sizeof(*settle->order));
	settle->heap = lf_alloc_array(LF_SETTLE_MAX, sizeof(*settle->heap));
	if (!settle->extents || !settle->order || !settle->heap) {
		lf_settle_free(settle);
		return lf_fail_nomem(err);
	}
	*ret_settle = settle;
	return 0;
}

void lf_settle_free(struct lf_settle *settle)
{
	if (!settle)
		return;
	free(settle->extents);
	free(settle->order);
	free(settle->heap);
	free(settle);
}

static uint64_t end_of(const struct lf_settle *settle, uint32_t number)
{
	return settle->extents[number].page + settle->extents[number].pages;
}

static int compare(const void *a, const void *b, void *context)
{
	const struct lf_settle *settle = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	uint64_t left_page = settle->extents[left].page, right_page = settle->extents[right].page;

	if (left_page != right_page)
		return left_page < right_page ? -1 : 1;
	return left < right ? -1 : left > right;
}

static void push(struct lf_settle *settle, uint32_t number)
{
	size_t at = settle->n_heap++;

	for (; at && settle->heap[(at - 1) / 2] < number; at = (at - 1) / 2)
		settle->heap[at] = settle->heap[(at - 1) / 2];
	settle->heap[at] = number;
}

static void pop(struct lf_settle *settle)
{
	uint32_t last = settle->heap[--settle->n_heap];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < settle->n_heap) {
		if (child + 1 < settle->n_heap && settle->heap[child + 1] > settle->heap[child])
			child++;
		if (settle->heap[child] <= last)
			break;
		settle->heap[at] = settle->heap[child];
		at = child;
	}
	settle->heap[at] = last;
}

static int give_piece(struct lf_settle *settle, struct lf_error *err)
{
	struct lf_extent piece = settle->piece;

	settle->piece.pages = 0;
	return piece.pages ? settle->visit(settle->context, &piece, err) : 0;
}

/* Pages [from, to) are this extent's. */
static int give(struct lf_settle *settle, uint32_t number, uint64_t from, uint64_t to,
		struct lf_error *err)
{
	const struct lf_extent *extent = &settle->extents[number];
	struct lf_extent *piece = &settle->piece;

	if (piece->pages && settle->of == number && piece->page + piece->pages == from) {
		piece->pages += (uint32_t)(to - from);
		return 0;
	}
	int rc = give_piece(settle, err);
	*piece = *extent;
	piece->page = from;
	piece->pages = (uint32_t)(to - from);
	if (!extent->hole)
		piece->chunk_page += (uint32_t)(from - extent->page);
	settle->of = number;
	return rc;
}

/* From left to right: at each page the latest of those that have it. */
static int sweep(struct lf_settle *settle, struct lf_error *err)
{
	uint64_t at = 0;
	size_t next = 0;
	int rc = 0;

	while (!rc && (next < settle->n || settle->n_heap)) {
		if (!settle->n_heap)
			at = settle->extents[settle->order[next]].page;
		while (next < settle->n && settle->extents[settle->order[next]].page == at)
			push(settle, settle->order[next++]);
		while (settle->n_heap && end_of(settle, settle->heap[0]) <= at)
			pop(settle);
		if (!settle->n_heap)
			continue;
		uint64_t end = end_of(settle, settle->heap[0]);
		if (next < settle->n && settle->extents[settle->order[next]].page < end)
			end = settle->extents[settle->order[next]].page;
		rc = give(settle, settle->heap[0], at, end, err);
		at = end;
	}
	return rc ? rc : give_piece(settle, err);
}

int lf_settle_flush(struct lf_settle *settle, struct lf_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && settle->sorted && i < settle->n; i++)
		rc = settle->visit(settle->context, &settle->extents[i], err);
	if (!settle->sorted) {
		for (size_t i = 0; i < settle->n; i++)
			settle->order[i] = (uint32_t)i;
		qsort_r(settle->order, settle->n, sizeof(*settle->order), compare, settle);
		rc = sweep(settle, err);
	}
	settle->n = settle->n_heap = 0;
	settle->end = 0;
	settle->sorted = true;
	return rc;
}

int lf_settle_add(struct lf_settle *settle, const struct lf_extent *extent, struct lf_error *err)
{
	int rc = settle->n == LF_SETTLE_MAX ? lf_settle_flush(settle, err) : 0;

	if (rc || !extent->pages)
		return rc;
	settle->sorted = settle->sorted && extent->page >= settle->end;
	settle->end = extent->page + extent->pages;
	settle->extents[settle->n++] = *extent;
	return 0;
}
