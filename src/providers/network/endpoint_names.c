/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The groups are a table: a pattern for the public name, for the private zone and for the name in
 * it, and the members that fill it.  Names follow from the target's id, so that nothing is kept.
 */
#include "providers/network/endpoint_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/doc.h"
#include "providers/common/types.h"
#include "providers/resources/locations.h"

/* {id}: of the target, {geo}: the code of its region, {part}: of the member's name. */
static const struct group {
	const char *type, *group, *resource;
	const char *prefix; /* of the members' names */
	const char *parts[9];
	const char *fqdn, *zone, *record;
} groups[] = {
	{LF_STORAGE_TYPE,
	 "blob",
	 "blob",
	 "",
	 {"blob"},
	 "{id}.blob.core.windows.net",
	 "privatelink.blob.core.windows.net",
	 "{id}"},
	{LF_VAULT_TYPE,
	 "AzureSiteRecovery",
	 "siteRecoveryResource",
	 "siteRecovery-",
	 {"rcm1", "prot2", "tel1", "srs1", "id1"},
	 "{id}-asr-pod01-{part}-.{geo}.siterecovery.windowsazure.com",
	 "privatelink.siterecovery.windowsazure.com",
	 "{id}-asr-pod01-{part}-.{geo}"},
	{LF_VAULT_TYPE,
	 "AzureBackup",
	 "backupResource",
	 "backup-",
	 {"fab1", "rec2", "prot1", "ecs1", "tel1", "wbcm1", "fc1", "id1"},
	 "{id}.{part}.privatelink.{geo}.backup.windowsazure.com",
	 "privatelink.{geo}.backup.windowsazure.com",
	 "{id}.{part}"},
};

struct words {
	const char *id, *geo, *part;
};

/* The pattern with its words; NULL: out of memory. */
static char *fill(const char *pattern, const struct words *words)
{
	const struct {
		const char *name, *value;
	} all[] = {{"{id}", words->id}, {"{geo}", words->geo}, {"{part}", words->part}};
	LF_AUTO_BUF out = LF_BUF_INIT;

	while (*pattern) {
		size_t i = 0;
		while (i < LF_N(all) && strncmp(pattern, all[i].name, strlen(all[i].name)) != 0)
			i++;
		if (i < LF_N(all)) {
			lf_buf_puts(&out, all[i].value);
			pattern += strlen(all[i].name);
		} else {
			lf_buf_printf(&out, "%c", *pattern++);
		}
	}
	return lf_buf_take(&out);
}

/* A vault is called by an id of its own, an account by its name. */
static void name_target(const struct lf_resource *target, char out[static LF_GUID_SIZE])
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(target->id);

	if (lf_text_equal_nocase(target->type, LF_VAULT_TYPE))
		lf_guid_hash("landfall private link", lower ? lower : "", out);
	else
		snprintf(out, LF_GUID_SIZE, "%s", lf_arm_id_last(target->id));
}

static json_t *view_member(const struct group *group, const struct words *words)
{
	LF_AUTO_FREE char *fqdn = fill(group->fqdn, words);
	LF_AUTO_FREE char *zone = fill(group->zone, words);
	LF_AUTO_FREE char *record = fill(group->record, words);
	LF_AUTO_DOC member = LF_DOC_INIT;

	lf_doc_printf(&member, "member", "%s%s", group->prefix, words->part);
	lf_doc_text(&member, "fqdn", fqdn);
	lf_doc_text(&member, "zone", zone);
	lf_doc_text(&member, "record", record);
	return fqdn && zone && record ? lf_doc_take(&member) : NULL;
}

static int members_of(const struct lf_resource *target, const struct group *group,
		      json_t **ret_members, struct lf_error *err)
{
	LF_AUTO_JSON *members = json_array();
	char id[LF_GUID_SIZE];
	struct words words = {id, lf_location_code(lf_json_text_or(target->doc, "location", "")),
			      NULL};

	name_target(target, id);
	for (size_t i = 0; i < LF_N(group->parts) && group->parts[i]; i++) {
		words.part = group->parts[i];
		if (json_array_append_new(members, view_member(group, &words)))
			return lf_fail_nomem(err);
	}
	*ret_members = lf_steal(&members);
	return 0;
}

int lf_endpoint_members(const struct lf_resource *target, const char *group, json_t **ret_members,
			struct lf_error *err)
{
	for (size_t i = 0; i < LF_N(groups); i++)
		if (lf_text_equal_nocase(groups[i].type, target->type) &&
		    lf_text_equal_nocase(groups[i].group, group))
			return members_of(target, &groups[i], ret_members, err);
	return lf_fail_arm(err, LF_EINVAL, "PrivateEndpointGroupIdNotSupported",
			   "properties.privateLinkServiceConnections.groupIds",
			   "GET {resource}/privateLinkResources names the groups",
			   "'%s' has no group '%.64s' that a private endpoint leads to", target->id,
			   group);
}

/* As privateLinkResources shows it. */
static json_t *view_group(const struct lf_resource *target, const struct group *group,
			  const json_t *members)
{
	LF_AUTO_DOC doc = LF_DOC_INIT;
	const json_t *member;
	size_t i;

	lf_doc_printf(&doc, "id", "%s/privateLinkResources/%s", target->id, group->resource);
	lf_doc_text(&doc, "name", group->resource);
	lf_doc_printf(&doc, "type", "%s/privateLinkResources", target->type);
	lf_doc_text(&doc, "properties.groupId", group->group);
	json_array_foreach (members, i, member)
		lf_doc_append(&doc, "properties.requiredMembers",
			      json_string(lf_json_text(member, "member")));
	lf_doc_append(&doc, "properties.requiredZoneNames",
		      json_string(lf_json_text(json_array_get(members, 0), "zone")));
	return lf_doc_take(&doc);
}

/* name NULL: all of them. */
static int add_groups(struct lf_arm_call *call, unsigned levels_up, const char *name,
		      json_t *values, struct lf_error *err)
{
	LF_AUTO_RESOURCE target = LF_RESOURCE_INIT;
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, lf_arm_id(call, levels_up), &target,
				err);

	for (size_t i = 0; !rc && i < LF_N(groups); i++) {
		LF_AUTO_JSON *members = NULL;
		if (!lf_text_equal_nocase(groups[i].type, target.type) ||
		    (name && !lf_text_equal_nocase(groups[i].resource, name)))
			continue;
		rc = members_of(&target, &groups[i], &members, err);
		if (!rc && json_array_append_new(values, view_group(&target, &groups[i], members)))
			rc = lf_fail_nomem(err);
	}
	return rc;
}

int lf_private_link_resources_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	int rc = values ? add_groups(call, 1, NULL, values, err) : lf_fail_nomem(err);

	return rc ? rc : lf_arm_reply_list(call, values, NULL, err);
}

int lf_private_link_resources_get(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	int rc = values ? add_groups(call, 2, lf_arm_param(call, "child"), values, err)
			: lf_fail_nomem(err);

	if (!rc && !json_array_size(values))
		rc = lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0), "there is no such group");
	return rc ? rc : lf_arm_reply(call, 200, json_array_get(values, 0), err);
}
