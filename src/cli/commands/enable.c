/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication enable: from names to the one request that protects a machine.
 */
#include "cli/commands/enable.h"

#include <string.h>

#include "base/text.h"
#include "cli/find.h"
#include "cli/watch.h"
#include "json/doc.h"

#define DETAILS "properties.providerSpecificDetails"

/* The fabric with its details, which only a GET of one gives. */
static int open_fabric(struct lf_cli *cli, const struct lf_args *args, const char *vault,
		       json_t **ret_fabric, struct lf_error *err)
{
	LF_AUTO_JSON *listed = NULL;
	int rc = lf_cli_find(cli, &lf_kind_fabric, vault, lf_args_value(args, "--fabric"), &listed,
			     err);

	return rc ? rc : lf_cli_get(cli, lf_cli_id(listed), LF_API_RECOVERY, ret_fabric, err);
}

static int open_container(struct lf_cli *cli, const char *fabric, json_t **ret_container,
			  struct lf_error *err)
{
	LF_AUTO_JSON *all = NULL;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/replicationProtectionContainers", fabric);

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, LF_API_RECOVERY, &all, err);
	if (!rc && !json_array_size(all))
		rc = lf_fail(err, LF_ENOTFOUND, fabric, "the fabric has no protection container");
	if (!rc)
		*ret_container = json_incref(json_array_get(all, 0));
	return rc;
}

static bool has_id(const json_t *machine, const char *name)
{
	return lf_text_equal_nocase(lf_cli_name(machine), name) ||
	       lf_text_equal_nocase(lf_cli_id(machine), name);
}

/* The one that has this id, or this name alone: a machine says itself what it is called.
 * *ret_machine is borrowed; NULL: none. */
static int choose_machine(const json_t *machines, const char *name, json_t **ret_machine,
			  struct lf_error *err)
{
	json_t *machine, *named = NULL;
	size_t at;
	int n = 0;

	*ret_machine = NULL;
	json_array_foreach (machines, at, machine) {
		if (has_id(machine, name)) {
			*ret_machine = machine;
			return 0;
		}
		if (lf_text_equal_nocase(lf_json_text_or(machine, "properties.displayName", ""),
					 name)) {
			named = machine;
			n++;
		}
	}
	if (n > 1)
		return lf_fail(err, LF_ECONFLICT, name,
			       "%d machines are called '%s': give the agent's id", n, name);
	*ret_machine = named;
	return 0;
}

/* Among the machines of the fabric's sites. */
static int find_machine(struct lf_cli *cli, const json_t *fabric, const char *name,
			json_t **ret_machine, struct lf_error *err)
{
	static const char *const sites[] = {"properties.customDetails.physicalSiteId",
					    "properties.customDetails.vmwareSiteId"};

	for (size_t i = 0; i < LF_N(sites); i++) {
		const char *site = lf_json_text(fabric, sites[i]);
		LF_AUTO_JSON *machines = NULL;
		LF_AUTO_FREE char *path = lf_printf_dup("%s/machines", site && *site ? site : "");
		json_t *machine = NULL;
		if (!path)
			return lf_fail_nomem(err);
		if (!site || !*site)
			continue;
		int rc = lf_cli_list(cli, path, LF_API_OFFAZURE, &machines, err);
		if (!rc)
			rc = choose_machine(machines, name, &machine, err);
		if (rc)
			return rc;
		if (machine) {
			*ret_machine = json_incref(machine);
			return 0;
		}
	}
	lf_fail(err, LF_ENOTFOUND, name, "no site of the fabric has discovered %s", name);
	return lf_error_hint(err, "see landfall site machines SITE");
}

static bool is_wanted(const char *list, const char *id)
{
	size_t len = strlen(id);

	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strncasecmp(at, id, len) == 0 && (at[len] == ',' || !at[len]))
			return true;
	return !list;
}

/* disksToInclude: those of --disks, or all. */
static int add_disks(const struct lf_args *args, const json_t *machine, const char *cache,
		     json_t *details, struct lf_error *err)
{
	LF_AUTO_JSON *include = json_array();
	const json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(machine, "properties.disks"), i, disk) {
		const char *id = lf_json_text(disk, "uuid");
		if (!id)
			id = lf_json_text_or(disk, "diskId", lf_cli_id(disk));
		if (is_wanted(lf_args_value(args, "--disks"), id) &&
		    json_array_append_new(include, json_pack("{s:s,s:s,s:s}", "diskId", id,
							     "logStorageAccountId", cache,
							     "diskType", "Standard_LRS")))
			return lf_fail_nomem(err);
	}
	if (!json_array_size(include))
		return lf_fail(err, LF_EINVAL, "--disks",
			       "the selection matches no disk of the machine");
	return lf_json_set(details, "disksToInclude", lf_steal(&include)) ? lf_fail_nomem(err) : 0;
}

static int add_text(json_t *details, const char *name, const char *value, struct lf_error *err)
{
	return value && lf_json_set_text(details, name, value) ? lf_fail_nomem(err) : 0;
}

/* Id of the resource that an option names, as a member. */
static int add_found(struct lf_cli *cli, const struct lf_args *args, const char *option,
		     const struct lf_cli_kind *kind, json_t *details, const char *member,
		     struct lf_error *err)
{
	LF_AUTO_JSON *found = NULL;
	const char *name = lf_args_value(args, option);

	if (!name)
		return 0;
	int rc = lf_cli_find(cli, kind, NULL, name, &found, err);
	return rc ? rc : add_text(details, member, lf_cli_id(found), err);
}

int lf_cli_target_settings(struct lf_cli *cli, const struct lf_args *args, json_t *details,
			   struct lf_error *err)
{
	static const char *const texts[][2] = {{"--vm-name", "targetVmName"},
					       {"--vm-size", "targetVmSize"},
					       {"--subnet", "targetSubnetName"},
					       {"--test-subnet", "testSubnetName"}};
	const char *group = lf_args_value(args, "--target-group");
	LF_AUTO_FREE char *group_id = lf_cli_path(cli, "/resourceGroups/%s", group ? group : "");

	if (!group_id)
		return lf_fail_nomem(err);
	int rc = add_text(details, "targetResourceGroupId", group ? group_id : NULL, err);
	if (!rc)
		rc = add_found(cli, args, "--network", &lf_kind_network, details, "targetNetworkId",
			       err);
	if (!rc)
		rc = add_found(cli, args, "--test-network", &lf_kind_network, details,
			       "testNetworkId", err);
	for (size_t i = 0; !rc && i < LF_N(texts); i++)
		rc = add_text(details, texts[i][1], lf_args_value(args, texts[i][0]), err);
	return rc;
}

static int make_details(struct lf_cli *cli, const struct lf_args *args, const json_t *fabric,
			const json_t *machine, json_t **ret_details, struct lf_error *err)
{
	LF_AUTO_JSON *cache = NULL;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "instanceType", "InMageRcm");
	lf_doc_text(&doc, "fabricDiscoveryMachineId", lf_cli_id(machine));
	lf_doc_text(&doc, "processServerId",
		    lf_json_text_or(fabric, "properties.customDetails.processServers.0.id", ""));
	lf_doc_text(&doc, "licenseType", "NoLicenseType");
	lf_doc_text(&doc, "targetVmName",
		    lf_json_text_or(machine, "properties.displayName", lf_cli_name(machine)));
	LF_AUTO_JSON *details = lf_doc_take(&doc);

	if (!details)
		return lf_fail_nomem(err);
	int rc = lf_cli_find(cli, &lf_kind_storage, NULL, lf_args_value(args, "--cache"), &cache,
			     err);
	if (!rc)
		rc = add_disks(args, machine, lf_cli_id(cache), details, err);
	if (!rc)
		rc = lf_cli_target_settings(cli, args, details, err);
	if (!rc)
		rc = add_text(details, "multiVmGroupName", lf_args_value(args, "--multi-vm-group"),
			      err);
	if (!rc)
		*ret_details = lf_steal(&details);
	return rc;
}

/* The request's path and body. */
static int make_request(struct lf_cli *cli, const struct lf_args *args, char **ret_path,
			json_t **ret_body, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;
	LF_AUTO_JSON *policy = NULL;
	LF_AUTO_JSON *fabric = NULL;
	LF_AUTO_JSON *container = NULL;
	LF_AUTO_JSON *machine = NULL;
	LF_AUTO_JSON *details = NULL;
	int rc = lf_cli_find_vault(cli, args, &vault, err);

	if (!rc)
		rc = open_fabric(cli, args, vault, &fabric, err);
	if (!rc)
		rc = open_container(cli, lf_cli_id(fabric), &container, err);
	if (!rc)
		rc = find_machine(cli, fabric, args->words[0], &machine, err);
	if (!rc)
		rc = lf_cli_find(cli, &lf_kind_policy, vault, lf_args_value(args, "--policy"),
				 &policy, err);
	if (!rc)
		rc = make_details(cli, args, fabric, machine, &details, err);
	if (rc)
		return rc;
	*ret_path = lf_printf_dup("%s/replicationProtectedItems/%s", lf_cli_id(container),
				  lf_args_value_or(args, "--item", lf_cli_name(machine)));
	*ret_body = json_pack("{s:{s:s,s:s,s:O}}", "properties", "policyId", lf_cli_id(policy),
			      "protectableItemId", lf_cli_id(machine), "providerSpecificDetails",
			      details);
	return *ret_path && *ret_body ? 0 : lf_fail_nomem(err);
}

int lf_cli_enable(struct lf_cli *cli, const struct lf_args *args, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_JSON *body = NULL;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *item = NULL;
	int rc = make_request(cli, args, &path, &body, err);

	if (rc)
		return rc;
	struct lf_cli_watch watch = {.item_id = path};
	rc = lf_cli_change(cli, "PUT", path, LF_API_RECOVERY, body, lf_cli_watch_step, &watch, &doc,
			   err);
	if (!rc && cli->wait)
		rc = lf_cli_watch_until_protected(cli, &watch, &item, err);
	lf_cli_progress_end(cli, &watch.progress);
	if (rc)
		return rc;
	return lf_cli_say(cli, item ? item : doc, err, "%s", path);
}
