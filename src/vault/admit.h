/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault/admit.h - a pack from outside is believed by its content.
 *
 * Agents and peers have the keys that seal packs, so a seal proves nobody in
 * particular, and a record's id is no more than a name that its writer gave.
 * Before such a pack is taken, every record is opened and its id computed.
 *
 * Threads: any; an admission uses as many as there are processors, shared
 * with others under way.  Memory: 1.8 MiB for each of them.
 */
#ifndef LF_VAULT_ADMIT_H
#define LF_VAULT_ADMIT_H

#include "vault/vault_internal.h"

/*
 * Check all records of the pack in fd, whose footer has been read: checksum,
 * seal, compression, and that they are what their ids say, data of whole pages.
 * LF_ECORRUPT: one is not, or they hold more than LF_PACK_PLAIN_MAX.  LF_EDENIED: sealed with a key
 * that is not known.
 */
LF_MUST_CHECK int lf_pack_admit(struct lf_vault *vault, int fd, const struct lf_pack_footer *footer,
				struct lf_error *err);

#endif
