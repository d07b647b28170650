/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines with an agent.  What such a machine is, the agent says; a backup of it is a replica that
 * sends nothing by itself: each backup asks for one more session, by the job's id, and waits for
 * the point that this becomes.  A replica whose disks have changed is removed and begun again;
 * after a kill the same question finds the same session.
 */
#include "providers/backup/item/server.h"

#include <string.h>

#include "blob/blob.h"
#include "providers/backup/internal.h"
#include "providers/compute/ids.h"
#include "providers/offazure/offazure.h"
#include "vault/point/point.h"

#define MACHINES "/machines/"
/* An account that no client can make: agents put packs there, for no longer than a session. */
#define CACHE_ACCOUNT "agent-cache"
#define CACHE_ID      "/providers/Landfall/storageAccounts/" CACHE_ACCOUNT
/* Points come when they are asked for; what the replica keeps by itself only serves the next. */
#define HISTORY_MINUTES 60
#define NEVER_MINUTES	(365 * 24 * 60)
#define GIB		((int64_t)1 << 30)

bool lf_backup_is_server(const char *id)
{
	return strcasestr(id, "/providers/Microsoft.OffAzure/") && strcasestr(id, MACHINES);
}

static int find_agent(struct lf_context *context, const char *id, json_t **ret_agent,
		      struct lf_error *err)
{
	const char *name = strcasestr(id, MACHINES);
	LF_AUTO_FREE char *site = name ? strndup(id, (size_t)(name - id)) : NULL;
	LF_AUTO_JSON *agents = NULL;
	const json_t *agent;
	size_t i;

	if (!site)
		return lf_fail_nomem(err);
	int rc = lf_agents_list(context->replication, site, &agents, err);
	json_array_foreach (agents, i, agent)
		if (lf_text_equal_nocase(lf_json_text_or(agent, "agentId", ""),
					 name + strlen(MACHINES))) {
			*ret_agent = json_deep_copy(agent);
			return *ret_agent ? 0 : lf_fail_nomem(err);
		}
	return rc ? rc
		  : lf_fail_arm(err, LF_ENOTFOUND, "UserErrorVmNotFound", id,
				"GET {site}/machines lists what was discovered",
				"there is no discovered machine '%.200s'", id);
}

/* The disks but the OS disk, and that one apart. */
static json_t *storage_profile(const json_t *agent)
{
	LF_AUTO_DOC profile = LF_DOC_INIT;
	const json_t *disk;
	size_t i;

	lf_doc_text(&profile, "osDisk.osType", "Linux");
	lf_doc_text(&profile, "osDisk.name", "os");
	lf_doc_put(&profile, "dataDisks", json_array());
	json_array_foreach (lf_json_at(agent, "disks"), i, disk) {
		int64_t lun = lf_json_int_or(disk, "lun", (int64_t)i);
		int64_t gib = (lf_json_int_or(disk, "sizeBytes", 0) + GIB - 1) / GIB;
		const char *name = lf_json_text_or(disk, "name", "disk");
		LF_AUTO_DOC row = LF_DOC_INIT;
		if (lf_json_bool_or(disk, "os", lun < 0)) {
			lf_doc_text(&profile, "osDisk.name", name);
			lf_doc_int(&profile, "osDisk.diskSizeGB", gib);
			continue;
		}
		lf_doc_text(&row, "name", name);
		lf_doc_int(&row, "diskSizeGB", gib);
		lf_doc_int(&row, "lun", lun);
		lf_doc_append(&profile, "dataDisks", lf_doc_take(&row));
	}
	return lf_doc_take(&profile);
}

static json_t *machine_doc(const json_t *agent, const char *location)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	char size[64];

	lf_compute_size_for(lf_json_int_or(agent, "cores", 1),
			    lf_json_int_or(agent, "memoryMiB", 1024), size, sizeof(size));
	lf_doc_text(&doc, "name", lf_json_text_or(agent, "machineName", "machine"));
	lf_doc_text(&doc, "location", location);
	lf_doc_text(&doc, "properties.vmId", lf_json_text_or(agent, "agentId", ""));
	lf_doc_text(&doc, "properties.hardwareProfile.vmSize", size);
	lf_doc_put(&doc, "properties.storageProfile", storage_profile(agent));
	return lf_doc_take(&doc);
}

int lf_backup_server_get(struct lf_context *context, const char *id, const char *location,
			 struct lf_resource *ret_vm, struct lf_error *err)
{
	LF_AUTO_JSON *agent = NULL;
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;

	int rc = find_agent(context, id, &agent, err);
	if (rc)
		return rc;
	bool uefi = lf_text_equal_nocase(lf_json_text_or(agent, "firmware", ""), "uefi");
	vm.id = strdup(id);
	vm.type = strdup(LF_VM_TYPE);
	vm.doc = machine_doc(agent, location);
	vm.state = json_pack("{s:{s:s}}", "machine", "firmware", uefi ? "uefi" : "bios");
	if (!vm.id || !vm.type || !vm.doc || !vm.state)
		return lf_fail_nomem(err);
	*ret_vm = vm;
	vm = LF_RESOURCE_INIT;
	return 0;
}

static int add_servers(struct lf_context *context, const char *type, json_t *servers,
		       struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	LF_AUTO_RESOURCE_LIST sites = {0};
	int rc = lf_catalog_list(context->catalog, &query, &sites, err);

	for (size_t i = 0; !rc && i < sites.n; i++) {
		LF_AUTO_JSON *agents = NULL;
		const json_t *agent;
		size_t k;
		rc = lf_agents_list(context->replication, sites.items[i].id, &agents, err);
		json_array_foreach (agents, k, agent) {
			LF_AUTO_FREE char *id =
				lf_printf_dup("%s" MACHINES "%s", sites.items[i].id,
					      lf_json_text_or(agent, "agentId", ""));
			if (!id ||
			    json_array_append_new(
				    servers, json_pack("{s:s, s:s}", "id", id, "name",
						       lf_json_text_or(agent, "machineName", ""))))
				return lf_fail_nomem(err);
		}
	}
	return rc;
}

int lf_backup_server_list(struct lf_context *context, json_t **ret_servers, struct lf_error *err)
{
	LF_AUTO_JSON *servers = json_array();
	int rc = add_servers(context, LF_SERVER_SITE_TYPE, servers, err);

	if (!rc)
		rc = add_servers(context, LF_VMWARE_SITE_TYPE, servers, err);
	if (!rc)
		*ret_servers = lf_steal(&servers);
	return rc;
}

static json_t *replica_spec(const struct lf_resource *item, const json_t *agent)
{
	LF_AUTO_DOC spec = LF_DOC_INIT;
	const json_t *disk;
	size_t i;

	lf_doc_text(&spec, "itemId", item->id);
	lf_doc_text(&spec, "agentId", lf_json_text_or(agent, "agentId", ""));
	lf_doc_text(&spec, "machineId", lf_json_text_or(item->state, "vm", ""));
	lf_doc_text(&spec, "region", lf_json_text_or(item->state, "region", ""));
	lf_doc_text(&spec, "cacheAccountId", CACHE_ID);
	lf_doc_put(&spec, "disks", json_array());
	json_array_foreach (lf_json_at(agent, "disks"), i, disk)
		lf_doc_append(&spec, "disks",
			      json_pack("{s:s, s:b}", "id", lf_json_text_or(disk, "id", ""),
					"included", 1));
	lf_doc_int(&spec, "policy.recoveryPointHistoryInMinutes", HISTORY_MINUTES);
	lf_doc_int(&spec, "policy.crashConsistentFrequencyInMinutes", NEVER_MINUTES);
	lf_doc_int(&spec, "policy.appConsistentFrequencyInMinutes", 0);
	return lf_doc_take(&spec);
}

/* A replica is of the disks that it began with: with others attached, or some gone, it begins anew.
 * What it sent stays, by the claims of its backups. */
static int follow_disks(struct lf_context *context, const struct lf_resource *item,
			const json_t *agent, struct lf_error *err)
{
	const json_t *has = lf_json_at(agent, "disks"), *disk;
	LF_AUTO_JSON *replica = NULL;
	size_t i;
	int rc = lf_replica_get(context->replication, item->id, &replica, err);

	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	const json_t *sent = lf_json_at(replica, "disks");
	bool same = json_array_size(has) == json_array_size(sent);
	json_array_foreach (has, i, disk)
		same = same && lf_json_find(sent, "id", lf_json_text_or(disk, "id", ""));
	return same ? 0 : lf_replica_remove(context->replication, item->id, err);
}

static int ask_agent(struct lf_context *context, const struct lf_resource *item, const char *token,
		     struct lf_error *err)
{
	LF_AUTO_JSON *agent = NULL;
	int rc = find_agent(context, lf_json_text_or(item->state, "vm", ""), &agent, err);

	if (!rc && !lf_json_bool_or(agent, "connected", false))
		rc = lf_fail_arm(err, LF_EUNREACHABLE, "UserErrorVmNotReachable", item->id,
				 "check that landfall-agent runs on the machine and reaches this "
				 "site; the backup is tried again",
				 "the agent of the machine has not been heard of for more than 90 "
				 "seconds");
	if (!rc)
		rc = lf_blob_account_make(context->data_dir, CACHE_ACCOUNT, err);
	if (!rc)
		rc = follow_disks(context, item, agent, err);
	LF_AUTO_JSON *spec = rc ? NULL : replica_spec(item, agent);
	if (!rc)
		rc = spec ? lf_replica_start(context->replication, spec, err) : lf_fail_nomem(err);
	return rc ? rc
		  : lf_replica_request_final(context->replication, item->id, token,
					     LF_REPLICA_GOES_ON, err);
}

int lf_backup_server_capture(struct lf_context *context, const struct lf_resource *item,
			     const char *token, json_t **ret_capture, int64_t *ret_percent,
			     struct lf_error *err)
{
	LF_AUTO_JSON *replica = NULL;
	LF_AUTO_JSON *manifest = NULL;
	struct lf_vault *vault = NULL;

	*ret_capture = NULL;
	int rc = ask_agent(context, item, token, err);
	if (!rc)
		rc = lf_replica_get(context->replication, item->id, &replica, err);
	if (rc)
		return rc;
	*ret_percent = lf_json_int_or(replica, "percentage", 0);
	const char *point = lf_json_text_or(replica, "finalPointId", "");
	if (strcmp(lf_json_text_or(replica, "finalToken", ""), token) != 0 || !point[0])
		return 0;
	rc = lf_regions_vault(context->regions, lf_json_text_or(item->state, "region", ""), &vault,
			      err);
	if (!rc)
		rc = lf_point_get(vault, point, &manifest, err);
	if (!rc && lf_json_set_text(manifest, "point", point))
		rc = lf_fail_nomem(err);
	if (!rc)
		*ret_capture = lf_steal(&manifest);
	return rc;
}

int lf_backup_server_stop(struct lf_context *context, const struct lf_resource *item,
			  struct lf_error *err)
{
	return lf_backup_is_server(lf_json_text_or(item->state, "vm", ""))
		       ? lf_replica_remove(context->replication, item->id, err)
		       : 0;
}
