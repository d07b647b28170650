/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/root.h - the name of a disk map: of all that a disk holds.
 *
 * Plain values: copied freely, owned by nobody.  What a map is: vault/map/map.h.
 */
#ifndef LF_VAULT_ROOT_H
#define LF_VAULT_ROOT_H

#include "vault/pack/chunk.h"

#define LF_ROOT_HEIGHT_MAX 8u

/* Id of a map's root node, and the height; all zero: an empty disk. */
struct lf_root {
	struct lf_chunk_id node;
	uint8_t height; /* 0: the root is a leaf */
};
#define LF_ROOT_TEXT_SIZE 68 /* "hh-" + 64 hex digits + NUL */
void lf_root_format(const struct lf_root *root, char out[static LF_ROOT_TEXT_SIZE]);
LF_MUST_CHECK int lf_root_parse(const char *text, struct lf_root *ret_root, struct lf_error *err);
bool lf_root_equal(const struct lf_root *a, const struct lf_root *b);
bool lf_root_is_empty(const struct lf_root *root);

#endif
