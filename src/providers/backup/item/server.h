/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/item/server.h - machines with landfall-agent as what is backed up.
 *
 * Such a machine is a discovered one (providers/offazure): it has no row of a virtual machine, and
 * its recovery points are those that its agent sends (replication/replication.h).  The protected
 * item is the replica's item; a backup asks for one more session, and claims the point that it
 * becomes.
 *
 * Threads: as jobs are.
 */
#ifndef LF_PROVIDERS_BACKUP_SERVER_H
#define LF_PROVIDERS_BACKUP_SERVER_H

#include "providers/common/site.h"

/* Is it the id of a discovered machine? */
bool lf_backup_is_server(const char *id);
/* As a virtual machine's resource, made up from what the agent says: name, size, disks.
 * LF_ENOTFOUND: no agent of that name. */
LF_MUST_CHECK int lf_backup_server_get(struct lf_context *context, const char *id,
				       const char *location, struct lf_resource *ret_vm,
				       struct lf_error *err);
/* Ids of all discovered machines, with "friendlyName": [{"id", "name"}]. */
LF_MUST_CHECK int lf_backup_server_list(struct lf_context *context, json_t **ret_servers,
					struct lf_error *err);
/*
 * Ask the agent for a point, once for each token (a job's id).  *ret_capture: its disks, "time",
 * "consistency", "point": GUID, claimed by nobody but the replica; NULL: not there yet, and
 * *ret_percent of it is.
 *   LF_EUNREACHABLE  the agent has not been heard of for a while
 */
LF_MUST_CHECK int lf_backup_server_capture(struct lf_context *context,
					   const struct lf_resource *item, const char *token,
					   json_t **ret_capture, int64_t *ret_percent,
					   struct lf_error *err);
/* The agent sends nothing more for the item; never begun is fine. */
LF_MUST_CHECK int lf_backup_server_stop(struct lf_context *context, const struct lf_resource *item,
					struct lf_error *err);

#endif
