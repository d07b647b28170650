/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a machine of a recovery point, in steps of a job: choose, hold, plan,
 * make.  The choice and the plan are stored before they have an effect; a step
 * that is repeated after a kill holds and makes the same again.
 */
#include <string.h>

#include "json/field.h"
#include "providers/siterecovery/failover/failover.h"

#define DETAILS "properties.providerSpecificDetails"

const char *const lf_sr_directions[] = {"PrimaryToRecovery", NULL};

int lf_sr_check_details(const json_t *body, struct lf_error *err)
{
	const json_t *details = lf_json_at(body, DETAILS);

	return details ? lf_sr_check_instance(lf_json_text(details, "instanceType"), NULL,
					      DETAILS ".instanceType", err)
		       : 0;
}

/* A machine of that name is somebody's: it is better known now than when the job has failed. */
static int check_name_free(struct lf_catalog *catalog, const struct lf_resource *item, bool test,
			   struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_sr_vm_id(item, test);
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	bool taken = false;
	int rc = id ? lf_catalog_find(catalog, id, &vm, &taken, err) : lf_fail_nomem(err);

	return rc || !taken
		       ? rc
		       : lf_fail_arm(
				 err, LF_ECONFLICT, "VirtualMachineExists", id,
				 "remove it, or set another targetVmName by a PATCH of the item",
				 "there is a virtual machine %s", lf_arm_id_last(id));
}

int lf_sr_check_point_request(struct lf_arm_call *call, const struct lf_resource *item,
			      enum lf_sr_action action, const char *wanted, struct lf_error *err)
{
	LF_AUTO_JSON *point = NULL;
	int rc = lf_sr_check_details(lf_arm_body(call), err);

	if (!rc)
		rc = lf_sr_item_check(item, action, err);
	if (rc || lf_sr_item_busy(item))
		return rc;
	rc = lf_sr_point_find(lf_arm_context(call), item, wanted, &point, err);
	if (!rc && action != LF_SR_CHANGE_PIT) /* which has a machine, and makes it anew */
		rc = check_name_free(lf_arm_context(call)->catalog, item,
				     action == LF_SR_TEST_FAILOVER, err);
	return rc;
}

int lf_sr_check_upgrade(const char *version, struct lf_error *err)
{
	return *version ? lf_fail_arm(
				  err, LF_EINVAL, "OSUpgradeNotSupported",
				  DETAILS ".osUpgradeVersion",
				  "leave it out, and upgrade the machine that was made",
				  "the operating system cannot be upgraded to '%.100s' on the way",
				  version)
			: 0;
}

int lf_sr_making(struct lf_job_run *run, struct lf_sr_making *ret_making, struct lf_error *err)
{
	static const struct lf_field rows[] = {
		LF_TEXT_AT(struct lf_sr_making, region, "region", 0),
		LF_TEXT_AT(struct lf_sr_making, point, "pointName", 0),
		LF_TEXT_AT(struct lf_sr_making, token, "token", 0),
		LF_TEXT_AT(struct lf_sr_making, vm, "machine.id", 0),
		LF_JSON_AT(struct lf_sr_making, chosen, "point", 0, LF_OBJECT),
		LF_JSON_AT(struct lf_sr_making, machine, "machine", 0, LF_OBJECT),
	};

	*ret_making = (struct lf_sr_making){.region = "", .point = "", .token = "", .vm = ""};
	return lf_fields_read(rows, LF_N(rows), lf_job_run_data(run), "", ret_making, err);
}

int lf_sr_making_choose(struct lf_job_run *run, const struct lf_resource *item, const json_t *point,
			struct lf_error *err)
{
	LF_AUTO_DOC data = lf_doc_from(json_incref(lf_job_run_data(run)));
	const char *name = lf_json_text_or(point, "id", "");

	lf_doc_put(&data, "point", json_deep_copy(point));
	lf_doc_text(&data, "pointName", name);
	lf_doc_printf(&data, "pointId", "%s/recoveryPoints/%s", item->id, name);
	lf_doc_text(&data, "pointTime", lf_json_text(point, "time"));
	lf_doc_text(&data, "region", lf_json_text_or(item->state, "region", ""));
	return lf_doc_check(&data, err);
}

int lf_sr_making_hold(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_sr_making making;
	int rc = lf_sr_making(run, &making, err);

	return rc ? rc
		  : lf_sr_point_hold(lf_job_run_context(run), making.region, making.point,
				     lf_job_run_job(run)->id, err);
}

int lf_sr_making_release(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_sr_making making;
	int rc = lf_sr_making(run, &making, err);

	return rc || !*making.point
		       ? rc
		       : lf_sr_point_release(lf_job_run_context(run), making.region, making.point,
					     lf_job_run_job(run)->id, err);
}

static int remark_address(struct lf_job_run *run, const json_t *wanted, const char *got,
			  struct lf_error *err)
{
	char message[256];

	snprintf(message, sizeof(message), "%.80s has the address %s: %s is taken, or of no subnet",
		 lf_json_text_or(wanted, "name", ""), got, lf_json_text_or(wanted, "address", ""));
	return lf_sr_job_inform(run, "StaticAddressNotAvailable", message,
				"free the address, or set another one by a PATCH of the item")
		       ? lf_fail_nomem(err)
		       : 0;
}

/* Licences that clients send for any machine, and that mean nothing for this one. */
static int remark_licences(struct lf_job_run *run, const struct lf_resource *item,
			   const json_t *machine, struct lf_error *err)
{
	const char *sql = lf_json_text_or(item->doc, "details.sqlServerLicenseType", "");
	bool bad = false;

	if (lf_text_equal_nocase(lf_json_text_or(item->doc, "details.licenseType", ""),
				 "WindowsServer") &&
	    !lf_json_text(machine, "licenseType"))
		bad = lf_sr_job_inform(run, "LicenseNotApplied",
				       "licenseType WindowsServer has no effect on a machine that "
				       "does not run Windows",
				       "set it to NoLicenseType by a PATCH of the item");
	if (lf_text_equal_nocase(sql, "AHUB") || lf_text_equal_nocase(sql, "PAYG"))
		bad = lf_sr_job_inform(run, "SqlServerLicenseNotApplied",
				       "sqlServerLicenseType has no effect: there are no SQL "
				       "virtual machines here whose licence it could be",
				       "set it to NoLicenseType by a PATCH of the item") ||
		      bad;
	return bad ? lf_fail_nomem(err) : 0;
}

/* What the item asks for and the machine has not is told: an address that gave way to another. */
static int make_and_tell(struct lf_job_run *run, const struct lf_resource *item,
			 const json_t *machine, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE vm = LF_RESOURCE_INIT;
	const json_t *nic;
	size_t i;

	int rc = lf_machine_make(context, machine, err);
	if (!rc)
		rc = lf_catalog_get(context->catalog, lf_json_text_or(machine, "id", ""), &vm, err);
	json_array_foreach (lf_json_at(machine, "nics"), i, nic) {
		const json_t *made = json_array_get(lf_json_at(vm.state, "plan.nics"), i);
		const char *got = lf_json_text_or(made, "address", "");
		if (!rc && lf_json_bool_or(nic, "asked", false) &&
		    strcmp(got, lf_json_text_or(nic, "address", "")) != 0)
			rc = remark_address(run, nic, got, err);
	}
	return rc ? rc : remark_licences(run, item, machine, err);
}

int lf_sr_making_make(struct lf_job_run *run, const struct lf_resource *item,
		      const char *network_id, bool test, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_JSON *machine = NULL;
	struct lf_sr_making making;

	int rc = lf_sr_making(run, &making, err);
	if (rc || making.machine)
		return rc ? rc : make_and_tell(run, item, making.machine, err);
	const struct lf_sr_plan plan = {.item = item,
					.point = making.chosen,
					.network_id = network_id,
					.job = lf_job_run_job(run)->id,
					.test = test};
	rc = lf_sr_machine_plan(context, &plan, &machine, err);
	if (!rc && lf_json_set(lf_job_run_data(run), "machine", json_incref(machine)))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_job_save(run, err);
	return rc ? rc : make_and_tell(run, item, machine, err);
}

int lf_sr_making_unmake(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_sr_making making;
	int rc = lf_sr_making(run, &making, err);

	return rc || !*making.vm ? rc
				 : lf_sr_machine_remove_own(lf_job_run_context(run), making.vm,
							    lf_job_run_job(run)->id, err);
}
