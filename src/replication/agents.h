/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/agents.h - agents: how they register, and what they say of
 * themselves.
 *
 * Threads: any.
 */
#ifndef LF_REPLICATION_AGENTS_H
#define LF_REPLICATION_AGENTS_H

#include "replication/replication.h"

/*
 * Register a machine: secret is the one inside a registration key.  The
 * inventory's "machineId" (made by the agent, kept in its state) makes it
 * idempotent: the same machine gets the same agent id and a new certificate.
 * LF_EUNAUTHENTICATED: unknown or expired key.
 */
LF_MUST_CHECK int lf_agent_register(struct lf_replication *replication, const char *secret,
				    const char *csr, const json_t *inventory, char **ret_agent,
				    char **ret_certificate, struct lf_error *err);
/* Store an agent's inventory if it differs from what is stored.  LF_ENOTFOUND: no such agent. */
LF_MUST_CHECK int lf_agent_update(struct lf_replication *replication, const char *agent,
				  const json_t *inventory, struct lf_error *err);

#endif
