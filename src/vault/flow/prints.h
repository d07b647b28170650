/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/flow/prints.h - a file of page fingerprints (lf_page_print()) of one disk:
 * what a pass without a change map compares with, so that it stores only the
 * pages that changed.
 *
 * A cache: it may be lost or refused at any time, and then a full pass makes
 * it anew.  A sealed name says what it describes: a disk map of a vault by its
 * root, what an agent has sent (agent/fingerprints.h), or, empty, nothing.
 * File: a header page, then a little-endian u64 for each page; holes are
 * zeroes, so that an empty disk takes no room.
 * Format: docs/formats/prints.md
 *
 * Threads: lf_prints_read() and lf_prints_write() from any thread, each for
 * pages of its own; the rest one at a time.
 */
#ifndef LF_VAULT_FLOW_PRINTS_H
#define LF_VAULT_FLOW_PRINTS_H

#include "vault/map/map.h"

#define LF_PRINTS_NAME_SIZE 68u /* with its NUL */

struct lf_prints;
/* Open or make; whatever is not such a file is made anew. */
LF_MUST_CHECK int lf_prints_open(const char *path, struct lf_prints **ret_prints,
				 struct lf_error *err);
void lf_prints_close(struct lf_prints *prints);
/* What they describe; "" nothing.  Borrowed until it changes. */
const char *lf_prints_name(const struct lf_prints *prints);
/* How many pages the file has room for. */
LF_MUST_CHECK int lf_prints_pages(const struct lf_prints *prints, uint64_t *ret_pages,
				  struct lf_error *err);
/* Do they describe this map? */
bool lf_prints_describe(const struct lf_prints *prints, const struct lf_root *root);

/* From now on they describe nothing; durable.  keep: what there is changes; else all are 0. */
LF_MUST_CHECK int lf_prints_begin(struct lf_prints *prints, bool keep, struct lf_error *err);
LF_MUST_CHECK int lf_prints_read(struct lf_prints *prints, uint64_t page, size_t count,
				 uint64_t *ret_prints, struct lf_error *err);
LF_MUST_CHECK int lf_prints_write(struct lf_prints *prints, uint64_t page, size_t count,
				  const uint64_t *values, struct lf_error *err);
/* Pages from this one on are zeroes, and there is room for so many: on the disk, too, where the
 * file system can promise it.  LF_ENOSPACE. */
LF_MUST_CHECK int lf_prints_clear(struct lf_prints *prints, uint64_t page, uint64_t pages,
				  struct lf_error *err);
/* The first page at or after this one whose print may not be 0; UINT64_MAX: none. */
uint64_t lf_prints_next(const struct lf_prints *prints, uint64_t page);
/* What is written describes this from now on.  Durable, the prints first. */
LF_MUST_CHECK int lf_prints_set_name(struct lf_prints *prints, const char *name,
				     struct lf_error *err);
/* The same, but that a power cut may leave the name before, whose prints must still hold then. */
LF_MUST_CHECK int lf_prints_note_name(struct lf_prints *prints, const char *name,
				      struct lf_error *err);
/* All is written: pages from this on are gone, the rest describes root.  Durable. */
LF_MUST_CHECK int lf_prints_end(struct lf_prints *prints, uint64_t pages,
				const struct lf_root *root, struct lf_error *err);

#endif
