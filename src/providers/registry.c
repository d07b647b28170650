/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of providers: what they serve, and the jobs that they submit.
 */
#include "providers/registry.h"

#include "providers/authorization/authorization.h"
#include "providers/backup/backup.h"
#include "providers/compute/compute.h"
#include "providers/identity/identity.h"
#include "providers/network/network.h"
#include "providers/offazure/offazure.h"
#include "providers/overview/overview.h"
#include "providers/resources/resources.h"
#include "providers/siterecovery/siterecovery.h"
#include "providers/storage/storage.h"
#include "providers/vaults/vaults.h"

/* One a line, so that two additions do not meet. */
/* clang-format off */
static const struct lf_arm_provider *const providers[] = {
	&lf_identity_provider,
	&lf_principals_provider,
	&lf_authorization_provider,
	&lf_resources_provider,
	&lf_operations_provider,
	&lf_network_provider,
	&lf_storage_provider,
	&lf_compute_provider,
	&lf_offazure_provider,
	&lf_vaults_provider,
	&lf_siterecovery_provider,
	&lf_backup_provider,
	&lf_overview_provider,
};
/* clang-format on */

#define JOB_TYPES_MAX 64

const struct lf_arm_provider *const *lf_registry_providers(size_t *ret_n)
{
	*ret_n = LF_N(providers);
	return providers;
}

const struct lf_job_type *const *lf_registry_jobs(size_t *ret_n)
{
	static const struct lf_job_type *all[JOB_TYPES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < LF_N(providers); i++)
		for (size_t j = 0; providers[i]->jobs && providers[i]->jobs[j]; j++) {
			LF_ASSERT(n < JOB_TYPES_MAX);
			all[n++] = providers[i]->jobs[j];
		}
	*ret_n = n;
	return all;
}
