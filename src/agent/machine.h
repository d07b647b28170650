/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/machine.h - what this machine is: from its configuration file, or
 * found out.
 *
 * The configuration is a JSON object; every member may be absent:
 *   {"name", "os", "firmware": "bios"|"uefi", "cores", "memoryMiB", "biosId",
 *    "disks": [{"path", "name", "os": bool}], "nics": [{"mac", "ips": [], "network"}],
 *    "freeze": [mount points besides those found], "freezeLimitMs": 10000,
 *    "appScripts": directory of scripts that hold applications still (source/quiesce.h),
 *    "appScriptLimitS": seconds that each may take,
 *    "shutdownCommand": program that shuts the machine down; "": it is not shut down from here,
 *    "bandwidthMiBps", "badSectors": "refuse"|"zero" (what cannot be read counts as zeroes)}
 * Threads: constant after load.
 */
#ifndef LF_AGENT_MACHINE_H
#define LF_AGENT_MACHINE_H

#include "json/json.h"

/*
 * config_path NULL: everything is found out.  *ret_machine: the configuration, completed; each disk
 * has "id" (a GUID that stays), "identity" (agent/identity.h), "path" (where it is now), "name",
 * "lun", "os".  state_dir: where ids are tied to identities; NULL: nowhere.
 */
LF_MUST_CHECK int lf_agent_machine_load(const char *config_path, const char *machine_id,
					const char *state_dir, json_t **ret_machine,
					struct lf_error *err);
/* What the server is told: the machine, sizes of its disks now, and the pre-flight checks. */
LF_MUST_CHECK int lf_agent_machine_inventory(const json_t *machine, const char *state_dir,
					     const char *machine_id, json_t **ret_inventory,
					     struct lf_error *err);

#endif
