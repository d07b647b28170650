/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/session.h - what a transfer holds on to until a point has it.
 *
 * Threads: any.  Sessions are files of the vault: they outlive the process.
 */
#ifndef LF_VAULT_SESSION_H
#define LF_VAULT_SESSION_H

#include "vault/vault.h"

/*
 * A transfer in flight: chunks that lf_vault_have() reported present to it, and
 * packs adopted for it, are not collected while it lives, even after a crash
 * (sessions are files).  id: a GUID; beginning an existing one is fine.
 */
LF_MUST_CHECK int lf_session_begin(struct lf_vault *vault, const char *id, struct lf_error *err);
LF_MUST_CHECK int lf_session_end(struct lf_vault *vault, const char *id, struct lf_error *err);

#endif
