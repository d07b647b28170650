/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/run_internal.h - what run.c and runmerge.c share.
 */
#ifndef LF_VAULT_RUN_INTERNAL_H
#define LF_VAULT_RUN_INTERNAL_H

#include "vault/run.h"

void lf_run_filter_add(uint8_t *filter, uint64_t blocks, const uint8_t *id);
void lf_run_record_encode(const struct lf_pack_entry *entry, uint32_t pack, uint8_t *out);
/* Length of the file that holds run's counts. */
LF_MUST_CHECK int lf_run_layout(struct lf_run *run, size_t *ret_len, struct lf_error *err);
void lf_run_attach(struct lf_run *run, uint8_t *base);
/* Last of all: covers the body. */
void lf_run_header_encode(struct lf_run *run, uint8_t *base);
LF_MUST_CHECK int lf_run_map(struct lf_run *run, int fd, bool writable, const char *path,
			     struct lf_error *err);

#endif
