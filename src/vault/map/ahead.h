/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/map/ahead.h - loads into the vault's cache what a disk's readers will ask
 * for next: what follows sequential readers, and what the last boot read.
 *
 * Only ever a help: what cannot be loaded is left for the reader to fail on.
 * Memory: a bounded queue and table; the chunks are the cache's.
 * Threads: any; loading is done by threads of its own.
 */
#ifndef LF_VAULT_MAP_AHEAD_H
#define LF_VAULT_MAP_AHEAD_H

#include "vault/map/map.h"

struct lf_ahead;
/*
 * For one disk; vault is borrowed.  trace (NULL: none): a file that names what
 * was read first the last time; what it names is loaded at once, and what is
 * read first this time takes its place.
 */
LF_MUST_CHECK int lf_ahead_new(struct lf_vault *vault, const struct lf_root *root, uint64_t size,
			       const char *trace, struct lf_ahead **ret_ahead,
			       struct lf_error *err);
void lf_ahead_free(struct lf_ahead *ahead);
/* A reader is about to read this range. */
void lf_ahead_note(struct lf_ahead *ahead, uint64_t offset, uint64_t len);
/* What was given so far has been loaded (for tests). */
void lf_ahead_settle(struct lf_ahead *ahead);

#endif
