/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/agents.h - agents: how they register, who speaks for them, what
 * they say of themselves, and how an operator ends it.
 *
 * The name in a certificate proves nothing: an agent's row holds the
 * fingerprints of the certificates that speak for it, and their public keys.
 * There are two while one takes the other's place.
 *
 * Threads: any.
 */
#ifndef LF_REPLICATION_AGENTS_H
#define LF_REPLICATION_AGENTS_H

#include "replication/replication.h"

/*
 * Register a machine: secret is the one inside a registration key.  The
 * inventory's "machineId" (made by the agent, kept in its state) says which
 * machine it is.  A machine that is known is registered again only with proof:
 * a request that is signed with the key of a certificate that speaks for it.
 * LF_EUNAUTHENTICATED "RegistrationKeyInvalid", "RegistrationKeyExpired",
 * "RegistrationKeyUsedUp"; LF_ECONFLICT "AgentExists": known, and no proof;
 * LF_EDENIED "AgentBarred"; LF_EINVAL: the inventory or the request.
 */
LF_MUST_CHECK int lf_agent_register(struct lf_replication *replication, const char *secret,
				    const char *csr, const json_t *inventory, char **ret_agent,
				    char **ret_certificate, struct lf_error *err);
/*
 * May the holder of the certificate with this fingerprint speak for the agent?
 * LF_EUNAUTHENTICATED "AgentNotRegistered", "CertificateReplaced"; LF_EDENIED "AgentBarred".
 * The first use of a renewed certificate ends the one before, ten minutes later.
 */
LF_MUST_CHECK int lf_agent_admit(struct lf_replication *replication, const char *agent,
				 const char *fingerprint, struct lf_error *err);
/* A new certificate for an agent that was admitted with this one. */
LF_MUST_CHECK int lf_agent_renew(struct lf_replication *replication, const char *agent,
				 const char *fingerprint, const char *csr, char **ret_certificate,
				 struct lf_error *err);
/* Should the agent renew the certificate with this fingerprint now? */
LF_MUST_CHECK int lf_agent_renewal_due(struct lf_replication *replication, const char *agent,
				       const char *fingerprint, bool *ret_due,
				       struct lf_error *err);
/* Store an agent's inventory if it differs from what is stored.  LF_ENOTFOUND: no such agent;
 * LF_EINVAL: see inventory.h. */
LF_MUST_CHECK int lf_agent_update(struct lf_replication *replication, const char *agent,
				  const json_t *inventory, struct lf_error *err);
/* Does the agent say of itself that it can do this (a member of its inventory)?  One that is not
 * there cannot, nor one of a version that does not know of it. */
LF_MUST_CHECK int lf_agent_can(struct lf_replication *replication, const char *agent,
			       const char *what, bool *ret_can, struct lf_error *err);
/* Warn in the health of certificates that end within 30 days. */
LF_MUST_CHECK int lf_agents_tend(struct lf_replication *replication, struct lf_error *err);
/* Registration keys that ended 30 days ago go; until then who uses one is told that it has ended.
 */
LF_MUST_CHECK int lf_registration_keys_tend(struct lf_replication *replication,
					    struct lf_error *err);

/*
 * Which site a registration key's secret is of.  Errors as of lf_agent_register().  use: count a
 * registration; in the caller's transaction.
 */
LF_MUST_CHECK int lf_registration_key_check(struct lf_replication *replication, const char *secret,
					    bool use, char **ret_site, struct lf_error *err);

#endif
