/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/site.h - what handlers and job steps may use: one struct, wired by
 * server/, alive as long as the daemon.
 *
 * A function that touches a part of it takes that part: the catalog alone, or one
 * of the groups below, by value.  No private key is among it but those that sign
 * tokens.
 *
 * Threads: the struct is constant after start; each member says its own.
 */
#ifndef LF_PROVIDERS_COMMON_SITE_H
#define LF_PROVIDERS_COMMON_SITE_H

#include "audit/audit.h"
#include "base/clock.h"
#include "catalog/catalog.h"
#include "compute/compute.h"
#include "crypto/token.h"
#include "job/job.h"
#include "peer/peer.h"
#include "replication/replication.h"
#include "vault/open/regions.h"

/* What an emulator is let do, and the service refuses: landfalld --allow. */
enum lf_allow {
	LF_ALLOW_SOFT_DELETE_OFF = 1, /* vaults without soft delete */
	LF_ALLOW_OVER_LIMITS = 2, /* more restore points, and faster, than the service's limits */
};

struct lf_arm_provider;
struct lf_context {
	struct lf_clock *clock;
	struct lf_catalog *catalog;
	struct lf_jobs *jobs;
	struct lf_regions *regions;
	struct lf_peers *peers;
	struct lf_compute *compute;
	struct lf_replication *replication;
	struct lf_token_keys *token_keys;
	struct lf_audit *audit;
	struct lf_sign_in *sign_in; /* providers/identity/signin.h */
	struct lf_rights *rights;   /* providers/authorization/authorization.h */
	unsigned allow;		    /* of enum lf_allow */
	const char *data_dir;
	const char *plan_scripts; /* what recovery plans may run; NULL: nothing */
	const char *base_url;	  /* "https://127.0.0.1:8443" */
	const char *tenant_id;
	const char *owner_id;	     /* object id of the first principal, which keeps its roles */
	const char *subscription_id; /* the bootstrap one; others may be made */
	const char *ca_cert;	     /* PEM */
	const struct lf_arm_provider *const *providers; /* all that are served */
	size_t n_providers;
};

/* What is written down, and by which clock. */
struct lf_rows {
	struct lf_clock *clock;
	struct lf_catalog *catalog;
	struct lf_jobs *jobs;
};
static inline struct lf_rows lf_rows(const struct lf_context *context)
{
	return (struct lf_rows){context->clock, context->catalog, context->jobs};
}

/* Where the bytes of points and disks lie: regions of this site, and sites that keep others. */
struct lf_stores {
	struct lf_regions *regions;
	struct lf_peers *peers;
};
static inline struct lf_stores lf_stores(const struct lf_context *context)
{
	return (struct lf_stores){context->regions, context->peers};
}

/* What runs here, and what is kept ready to run. */
struct lf_machines {
	struct lf_compute *compute;
	struct lf_replication *replication;
};
static inline struct lf_machines lf_machines(const struct lf_context *context)
{
	return (struct lf_machines){context->compute, context->replication};
}

#endif
