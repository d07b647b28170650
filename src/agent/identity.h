/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/identity.h - what a disk is, whatever its name is today.
 *
 * Names of devices change places when the machine starts again, so a disk's id comes from what it
 * is: "wwn:..." or "serial:..." of the device, else "gpt:..." or "mbr:..." of its partition table.
 * STATE/disks.json ties ids to identities.  Threads: one at a time.
 */
#ifndef LF_AGENT_IDENTITY_H
#define LF_AGENT_IDENTITY_H

#include "json/json.h"

#define LF_IDENTITY_SIZE 160

/* "": nothing tells, or it cannot be read. */
void lf_disk_identity(const char *path, char out[static LF_IDENTITY_SIZE]);
/*
 * Give each disk of a configuration ({"path", "name", "os"}) its "id" and "identity".  One that was
 * known under another path keeps its id, name and role; one whose path another disk has now, which
 * was not known, is looked for among others (array of objects with "path").  state_dir NULL:
 * nothing is known, and nothing is noted.
 */
LF_MUST_CHECK int lf_disks_identify(json_t *disks, const json_t *others, const char *machine_id,
				    const char *state_dir, struct lf_error *err);

#endif
