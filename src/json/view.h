/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json/view.h - documents that are mostly copies and constants, as a table.
 *
 * One row a member, in the order of the answer; what has to be computed is put
 * by hand before or after, with the same builder.
 *
 *	enum { DISK, ROW };
 *	static const struct lf_view_row disk_rows[] = {
 *		{"capacityInBytes", LF_VIEW_INT, DISK, "sizeBytes", "0"},
 *		{"diskType", LF_VIEW_TEXT, ROW, "diskType", "\"Standard_LRS\""},
 *		{"seedBlobUri"},
 *	};
 *	const json_t *const sources[] = {[DISK] = disk, [ROW] = row};
 *	lf_view_put(&view, disk_rows, LF_N(disk_rows), sources);
 */
#ifndef LF_JSON_VIEW_H
#define LF_JSON_VIEW_H

#include "json/doc.h"

enum lf_view_kind {
	LF_VIEW_CONST, /* the fallback, always */
	LF_VIEW_ANY,   /* the value as it is, shared */
	LF_VIEW_TEXT,  /* a text that is not empty */
	LF_VIEW_INT,   /* a number, also one written as a text */
	LF_VIEW_WORD,  /* true or false as the text "true" or "false" */
};

struct lf_view_row {
	const char *name; /* a path in the view */
	enum lf_view_kind kind;
	unsigned from;	      /* which source */
	const char *path;     /* in it; a source may be NULL: it has nothing */
	const char *fallback; /* JSON text of what stands for an absent value; NULL: null */
};

/* Put the rows into view, whose error is sticky. */
void lf_view_put(struct lf_doc *view, const struct lf_view_row *rows, size_t n,
		 const json_t *const *sources);

#endif
