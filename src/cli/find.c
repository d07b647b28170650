/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name is looked up in the list of its kind, or in the index of all
 * resources where there may be thousands; none, or more than one, is an error
 * that says so.
 */
#include "cli/find.h"

#include <stdlib.h>
#include <string.h>

#include "arm/path.h"
#include "base/names.h"
#include "base/text.h"

#define SUBSCRIPTION_KIND(name, word, collection, api)                                             \
	const struct lf_cli_kind lf_kind_##name = {word, "/providers/" collection, api}

SUBSCRIPTION_KIND(vault, "recovery vault", "Microsoft.RecoveryServices/vaults", LF_API_VAULTS);
SUBSCRIPTION_KIND(network, "network", "Microsoft.Network/virtualNetworks", LF_API_NETWORK);
SUBSCRIPTION_KIND(storage, "storage account", "Microsoft.Storage/storageAccounts", LF_API_STORAGE);
SUBSCRIPTION_KIND(vm, "virtual machine", "Microsoft.Compute/virtualMachines", LF_API_COMPUTE);
SUBSCRIPTION_KIND(server_site, "site", "Microsoft.OffAzure/serverSites", LF_API_OFFAZURE);
SUBSCRIPTION_KIND(vmware_site, "site", "Microsoft.OffAzure/vmwareSites", LF_API_OFFAZURE);
const struct lf_cli_kind lf_kind_policy = {"policy", "/replicationPolicies", LF_API_RECOVERY};
const struct lf_cli_kind lf_kind_fabric = {"fabric", "/replicationFabrics", LF_API_RECOVERY};
const struct lf_cli_kind lf_kind_item = {"protected item", "/replicationProtectedItems",
					 LF_API_RECOVERY};

const char *lf_cli_id(const json_t *doc)
{
	return lf_json_text_or(doc, "id", "");
}

const char *lf_cli_name(const json_t *doc)
{
	return lf_json_text_or(doc, "name", "");
}

static bool has_name(const json_t *doc, const char *name)
{
	return lf_text_equal_nocase(lf_cli_name(doc), name) ||
	       lf_text_equal_nocase(lf_json_text_or(doc, "properties.friendlyName", ""), name);
}

/* The one that matches; name NULL matches all. */
static int pick(const struct lf_cli_kind *kind, const json_t *items, const char *name,
		json_t **ret_doc, struct lf_error *err)
{
	json_t *item, *found = NULL;
	size_t i, n = 0;

	json_array_foreach (items, i, item)
		if (!name || has_name(item, name)) {
			found = item;
			n++;
		}
	if (n == 1) {
		*ret_doc = json_incref(found);
		return 0;
	}
	if (!n && name)
		return lf_fail(err, LF_ENOTFOUND, name, "there is no %s %s", kind->word, name);
	if (!n)
		return lf_fail(err, LF_ENOTFOUND, NULL, "there is no %s", kind->word);
	lf_fail(err, LF_EINVAL, name, "there are %zu of the kind %s%s%s", n, kind->word,
		name ? " with the name " : "", name ? name : "");
	return lf_error_hint(err, "give its %s", name ? "whole id" : "name or id");
}

/* By the index of all resources, so that thousands of others are not fetched. */
static int find_by_name(struct lf_cli *cli, const struct lf_cli_kind *kind, const char *name,
			json_t **ret_doc, struct lf_error *err)
{
	const char *type = kind->collection + strlen("/providers/");
	LF_AUTO_JSON *items = NULL, *found = NULL;

	if (!lf_name_good(LF_NAME_ANY, name)) /* nothing is called so, and no filter can hold it */
		return lf_fail(err, LF_ENOTFOUND, name, "there is no %s %s", kind->word, name);
	LF_AUTO_FREE char *filter =
		lf_printf_dup("resourceType eq '%s' and name eq '%s'", type, name);
	LF_AUTO_FREE char *encoded = filter ? lf_url_encode(filter) : NULL;
	LF_AUTO_FREE char *path =
		encoded ? lf_cli_path(cli, "/resources?$filter=%s", encoded) : NULL;
	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, LF_API_RESOURCES, &items, err);
	if (!rc)
		rc = pick(kind, items, name, &found, err);
	return rc ? rc : lf_cli_get(cli, lf_cli_id(found), kind->api, ret_doc, err);
}

int lf_cli_find(struct lf_cli *cli, const struct lf_cli_kind *kind, const char *parent,
		const char *name, json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_JSON *items = NULL;

	if (name && name[0] == '/')
		return lf_cli_get(cli, name, kind->api, ret_doc, err);
	if (name && !parent)
		return find_by_name(cli, kind, name, ret_doc, err);
	LF_AUTO_FREE char *path = parent ? lf_printf_dup("%s%s", parent, kind->collection)
					 : lf_cli_path(cli, "%s", kind->collection);
	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_cli_list(cli, path, kind->api, &items, err);
	return rc ? rc : pick(kind, items, name, ret_doc, err);
}

int lf_cli_find_vault(struct lf_cli *cli, const struct lf_args *args, char **ret_id,
		      struct lf_error *err)
{
	LF_AUTO_JSON *vault = NULL;
	const char *name = lf_args_value(args, "--vault");
	int rc = lf_cli_find(cli, &lf_kind_vault, NULL, name ? name : getenv("LF_VAULT"), &vault,
			     err);

	if (rc)
		return rc;
	*ret_id = strdup(lf_cli_id(vault));
	return *ret_id ? 0 : lf_fail_nomem(err);
}

int lf_cli_find_item(struct lf_cli *cli, const struct lf_args *args, const char *name,
		     json_t **ret_item, struct lf_error *err)
{
	LF_AUTO_FREE char *vault = NULL;

	if (name[0] == '/')
		return lf_cli_get(cli, name, LF_API_RECOVERY, ret_item, err);
	int rc = lf_cli_find_vault(cli, args, &vault, err);
	return rc ? rc : lf_cli_find(cli, &lf_kind_item, vault, name, ret_item, err);
}

int lf_cli_find_site(struct lf_cli *cli, const char *name, json_t **ret_site, struct lf_error *err)
{
	if (name && name[0] == '/')
		return lf_cli_get(cli, name, LF_API_OFFAZURE, ret_site, err);
	int rc = lf_cli_find(cli, &lf_kind_server_site, NULL, name, ret_site, err);
	if (rc == LF_ENOTFOUND)
		rc = lf_cli_find(cli, &lf_kind_vmware_site, NULL, name, ret_site, err);
	return rc;
}
