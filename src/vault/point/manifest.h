/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/point/manifest.h - a manifest as the bytes of its file.  Pure.
 */
#ifndef LF_VAULT_POINT_MANIFEST_H
#define LF_VAULT_POINT_MANIFEST_H

#include "vault/vault_internal.h"

LF_MUST_CHECK int lf_manifest_seal(const struct lf_domain_key *key, const char *id,
				   const char *text, struct lf_buf *out, struct lf_error *err);
/* What can be checked without keys. */
LF_MUST_CHECK int lf_manifest_check(const char *id, const void *data, size_t len,
				    struct lf_error *err);
LF_MUST_CHECK int lf_manifest_open(const struct lf_domain_key *key, const char *id,
				   const void *data, size_t len, json_t **ret_manifest,
				   struct lf_error *err);

#endif
