/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/inventory.h - what agents say, checked before it is believed or
 * kept.
 *
 * Whatever an agent says goes on to clients, scripts and ids of resources, so
 * it is a copy of what is known here that goes on: names by base/names.h, texts
 * without control characters, numbers within bounds, lists of bounded length.
 * What is not known is left out.
 *
 * Pure; any thread.
 */
#ifndef LF_REPLICATION_INVENTORY_H
#define LF_REPLICATION_INVENTORY_H

#include "inflow/inflow.h"
#include "json/json.h"

#define LF_INVENTORY_BYTES_MAX	 (64u << 10)
#define LF_INVENTORY_DISKS_MAX	 256
#define LF_TRANSFERRED_BYTES_MAX (INT64_C(1) << 50)
#define LF_STATUS_ITEMS_MAX	 64

/* The inventory of a machine.  LF_EINVAL with the member as target; LF_ETOOLARGE. */
LF_MUST_CHECK int lf_inventory_check(const json_t *inventory, json_t **ret_checked,
				     struct lf_error *err);
/* Disks of a session: 1 to 64, each with an id of its own and a size.  LF_EINVAL. */
LF_MUST_CHECK int lf_session_disks_check(const json_t *disks, json_t **ret_checked,
					 struct lf_error *err);
/* The status of a poll, for people: what is no text is left out, what is too much is cut. */
LF_MUST_CHECK int lf_status_check(const json_t *status, json_t **ret_checked, struct lf_error *err);
/* What a commit says.  LF_EINVAL. */
LF_MUST_CHECK int lf_commit_check(const json_t *request, json_t **ret_checked,
				  struct lf_error *err);

#endif
