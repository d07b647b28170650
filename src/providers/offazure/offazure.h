/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/offazure/offazure.h - Microsoft.OffAzure: sites of VMware and of
 * physical servers, and the machines discovered in them.
 *
 * A discovered machine is an agent that has registered with the site: nothing
 * of it is stored here.
 */
#ifndef LF_PROVIDERS_OFFAZURE_H
#define LF_PROVIDERS_OFFAZURE_H

#include "arm/arm.h"
#include "providers/common/site.h"

#define LF_VMWARE_SITE_TYPE "Microsoft.OffAzure/VMwareSites"
#define LF_SERVER_SITE_TYPE "Microsoft.OffAzure/ServerSites"

extern const struct lf_arm_provider lf_offazure_provider;

/*
 * The machine that an agent (an element of lf_agents_list()) stands for:
 * id "{site}/machines/{agentId}", properties as the site's kind has them.
 * The caller's reference; NULL when out of memory.
 */
json_t *lf_offazure_machine(const char *site_id, const json_t *agent);

/* Who discovers machines and takes what they send: this host, by its name. */
void lf_offazure_appliance(char *out, size_t size);

/* LF_EINVAL "RunAsAccountNotFound" unless id is of a run-as account of the site. */
LF_MUST_CHECK int lf_offazure_account_check(struct lf_catalog *catalog, const char *site_id,
					    const char *id, const char *target,
					    struct lf_error *err);

#endif
