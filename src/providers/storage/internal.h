/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/storage/internal.h - shared by the files of this provider.
 */
#ifndef LF_PROVIDERS_STORAGE_INTERNAL_H
#define LF_PROVIDERS_STORAGE_INTERNAL_H

#include "providers/common/document.h"
#include "providers/storage/storage.h"

extern const struct lf_document lf_storage_document;

#define LF_STORAGE_KEYS 2

/* Make the n-th key of an account's state (again); the time is that of now. */
LF_MUST_CHECK int lf_storage_key_new(struct lf_context *context, json_t *state, size_t n,
				     struct lf_error *err);

/* What a body asks of the account's security that is not kept here, or cannot be read.
 * LF_EUNSUPPORTED "...NotSupported", LF_EINVAL. */
LF_MUST_CHECK int lf_storage_security_check(const json_t *doc, struct lf_error *err);

lf_arm_handler lf_storage_list_keys, lf_storage_regenerate_key;
/* services.c */
lf_arm_handler lf_storage_service_get, lf_storage_service_list, lf_storage_service_put,
	lf_storage_container_get, lf_storage_container_list, lf_storage_container_put,
	lf_storage_container_patch, lf_storage_container_delete;

#endif
