/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PATCH of a protected item: checked at once (update_check.c), applied by a job
 * in one transaction, which takes only what the request named.
 */
#include <string.h>

#include "providers/siterecovery/internal.h"

#define DETAILS "properties.providerSpecificDetails."

/* The row of an interface's settings; NULL: out of memory. */
static json_t *nic_row(struct lf_resource *item, const char *id)
{
	json_t *stored = lf_json_at(item->doc, "nics"), *row;
	size_t i;

	json_array_foreach (stored, i, row)
		if (lf_text_equal_nocase(lf_json_text_or(row, "nicId", ""), id))
			return row;
	row = json_pack("{s:s}", "nicId", id);
	return row && !json_array_append_new(stored, row) ? row : NULL;
}

/* One interface is the first: every other is said not to be. */
static int make_primary(struct lf_resource *item, const char *id, struct lf_error *err)
{
	size_t i;
	json_t *nic;

	json_array_foreach (lf_json_at(item->state, "machine.nics"), i, nic) {
		const char *its = lf_json_text_or(nic, "id", lf_json_text_or(nic, "mac", ""));
		json_t *row = nic_row(item, its);
		if (!row || lf_json_set_text(row, "isPrimaryNic",
					     lf_text_equal_nocase(id, its) ? "true" : "false"))
			return lf_fail_nomem(err);
	}
	return 0;
}

static int apply_nic(struct lf_resource *item, const json_t *nic, struct lf_error *err)
{
	static const char *const members[] = {"isPrimaryNic",	  "isSelectedForFailover",
					      "targetSubnetName", "targetStaticIPAddress",
					      "testSubnetName",	  "testStaticIPAddress",
					      "targetNicName"};
	const char *id = lf_sr_nic_id(item, lf_json_text_or(nic, "nicId", ""));
	json_t *row = id ? nic_row(item, id) : NULL;
	/* the guide says isSelectedForMigration, the description isSelectedForFailover */
	json_t *migration = lf_json_at(nic, "isSelectedForMigration");

	if (!id)
		return 0;
	for (size_t i = 0; row && i < LF_N(members); i++) {
		json_t *value = lf_json_at(nic, members[i]);
		if (value && json_object_set(row, members[i], value))
			return lf_fail_nomem(err);
	}
	if (!row || (migration && json_object_set(row, "isSelectedForFailover", migration)))
		return lf_fail_nomem(err);
	return lf_json_bool_or(nic, "isPrimaryNic", false) ? make_primary(item, id, err) : 0;
}

/* Of a disk the name alone can change. */
static int apply_disk(struct lf_resource *item, const json_t *disk, struct lf_error *err)
{
	json_t *row = lf_sr_disk_row(item, lf_json_text_or(disk, "diskId", ""));
	json_t *name = lf_json_at(disk, "targetDiskName");

	return row && name && json_object_set(row, "targetDiskName", name) ? lf_fail_nomem(err) : 0;
}

/* A member of the details that is stored as it is given. */
static const char *plain_member(const struct lf_field *field)
{
	const char *name = field->path + strlen(DETAILS);

	return lf_text_starts_nocase(field->path, DETAILS) && !strchr(name, '.') &&
			       strcmp(name, "instanceType") != 0 && strcmp(name, "vmNics") != 0 &&
			       strcmp(name, "vmDisks") != 0
		       ? name
		       : NULL;
}

static int apply(struct lf_resource *item, const json_t *input, struct lf_error *err)
{
	json_t *details = lf_json_at(item->doc, "details"), *each;
	size_t i;
	int rc = 0;

	for (i = 0; i < lf_sr_update_fields.n; i++) {
		const char *name = plain_member(&lf_sr_update_fields.rows[i]);
		json_t *value = name ? lf_json_at(input, name) : NULL;
		if (value && json_object_set(details, name, value))
			return lf_fail_nomem(err);
	}
	json_array_foreach (lf_json_at(input, "vmNics"), i, each)
		if (!rc)
			rc = apply_nic(item, each, err);
	json_array_foreach (lf_json_at(input, "vmDisks"), i, each)
		if (!rc)
			rc = apply_disk(item, each, err);
	return rc;
}

static int run_update(struct lf_job_run *run, struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_sr_step_begin(run, &tx, &item, err);
	if (!rc)
		rc = apply(&item, lf_json_at(lf_job_run_job(run)->doc, "update"), err);
	return rc ? rc : lf_sr_step_end(run, &tx, &item, err);
}

static const struct lf_job_step update_steps[] = {
	{"UpdateVmProperties", "Updating the virtual machine's properties", run_update, NULL},
};
const struct lf_job_type lf_sr_update_job = {.name = "siterecovery.update",
					     .steps = update_steps,
					     .n_steps = LF_N(update_steps),
					     .ended = lf_sr_job_ended};
const struct lf_sr_start lf_sr_update = {.action = LF_SR_UPDATE,
					 .job = &lf_sr_update_job,
					 .scenario = "UpdateVmProperties",
					 .friendly = "Update the virtual machine",
					 .fields = &lf_sr_update_fields,
					 .input = lf_sr_update_input};
