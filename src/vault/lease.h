/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/lease.h - what a transfer holds on to until a point has it.
 *
 * Threads: any.  Leases are files of the vault (sessions/): they outlive the process.
 */
#ifndef LF_VAULT_LEASE_H
#define LF_VAULT_LEASE_H

#include "vault/vault.h"

/*
 * While a lease lives, nothing is collected that lf_vault_have() reported present since it began,
 * nor of packs that were adopted since; a lease that nobody ends stops collection for good.
 * Whoever begins one writes down its id, a GUID, first, and ends it, whatever happens, after a
 * crash, too.  Beginning one that is there is fine, and so is ending one that is not.
 */
LF_MUST_CHECK int lf_lease_begin(struct lf_vault *vault, const char *id, struct lf_error *err);
LF_MUST_CHECK int lf_lease_end(struct lf_vault *vault, const char *id, struct lf_error *err);

#endif
