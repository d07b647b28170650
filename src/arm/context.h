/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm/context.h - what every handler and job step may use: one struct, wired
 * by server/, alive as long as the daemon.
 *
 * Threads: the struct is constant after start; each member says its own.
 */
#ifndef LF_ARM_CONTEXT_H
#define LF_ARM_CONTEXT_H

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
	unsigned allow;		    /* of enum lf_allow */
	const char *data_dir;
	const char *base_url; /* "https://127.0.0.1:8443" */
	/* What the site is called, without ports, NULL-ended: a Host of one of these comes back in
	 * our URLs, and a token for it is a token for this site.  No other is. */
	const char *const *names;
	const char *tenant_id;
	const char *owner_id;	     /* object id of the bootstrap principal: Owner of everything */
	const char *subscription_id; /* the bootstrap one; others may be made */
	const char *ca_cert, *ca_key; /* PEM */
};

#endif
