/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/registry.h - all resource providers of this build.  A new
 * provider is a line in registry.c.
 */
#ifndef LF_PROVIDERS_REGISTRY_H
#define LF_PROVIDERS_REGISTRY_H

#include "arm/arm.h"

/* Constant arrays; valid for ever. */
const struct lf_arm_provider *const *lf_registry_providers(size_t *ret_n);
/* The job types of all of them. */
const struct lf_job_type *const *lf_registry_jobs(size_t *ret_n);

#endif
