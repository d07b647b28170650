/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/bad.h - what of a disk cannot be read: units of LF_BAD_UNIT bytes that
 * count as zeroes, where its owner wants that; else the first one ends the reading.
 *
 * At most LF_BAD_MAX units (1 MiB): a disk with more is not worth reading.
 * Threads: any.
 */
#ifndef LF_SOURCE_BAD_H
#define LF_SOURCE_BAD_H

#include "json/json.h"

#define LF_BAD_UNIT 4096u
#define LF_BAD_MAX  256u

struct lf_bad;
/* zeroes: go on with zeroes; else lf_bad_add() fails, with advice. */
LF_MUST_CHECK int lf_bad_new(bool zeroes, struct lf_bad **ret_bad, struct lf_error *err);
void lf_bad_free(struct lf_bad *bad);
/* The unit at offset of the disk cannot be read, as why says.  LF_EIO: and must not be left out. */
LF_MUST_CHECK int lf_bad_add(struct lf_bad *bad, const char *disk, uint64_t offset,
			     const struct lf_error *why, struct lf_error *err);
/* These bytes are being read again. */
void lf_bad_forget(struct lf_bad *bad, uint64_t offset, uint64_t len);
/* As [{"offset", "length"}], in order; an empty array: none.  NULL: no memory. */
json_t *lf_bad_doc(struct lf_bad *bad);
/* What such a document says is known to be so; what it cannot say is passed over. */
void lf_bad_recall(struct lf_bad *bad, const json_t *doc);

#endif
