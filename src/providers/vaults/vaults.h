/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/vaults/vaults.h - Microsoft.RecoveryServices/vaults themselves.  What is in a vault
 * belongs to the providers of replication and backup.
 */
#ifndef LF_PROVIDERS_VAULTS_H
#define LF_PROVIDERS_VAULTS_H

#include "arm/arm.h"

#define LF_VAULT_TYPE "Microsoft.RecoveryServices/vaults"

extern const struct lf_arm_provider lf_vaults_provider;
extern const struct lf_job_type *const lf_vaults_jobs[];
extern const size_t lf_vaults_n_jobs;

/* 2 to 50 letters, digits and hyphens, beginning with a letter. */
bool lf_vault_name_valid(const char *name);

#endif
