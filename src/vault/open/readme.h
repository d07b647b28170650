/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/open/readme.h - what a store's own README says to whoever finds it.  Its last
 * line is a checksum of the others, so that a later version's words are no fault.
 */
#ifndef LF_VAULT_OPEN_README_H
#define LF_VAULT_OPEN_README_H

#include "base/buf.h"

LF_MUST_CHECK int lf_vault_readme(struct lf_buf *out, struct lf_error *err);
/* Is it as some version wrote it? */
bool lf_vault_readme_check(const char *text, size_t len);

#endif
