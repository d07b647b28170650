/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/siterecovery/failover/failover.h"

#include <string.h>

#include "providers/compute/machine.h"

int lf_sr_failover_choose(struct lf_job_run *run, const struct lf_resource *item,
			  const json_t *point, struct lf_error *err)
{
	const char *name = lf_json_text_or(point, "id", "");
	LF_AUTO_FREE char *id = lf_sr_child_id(item->id, "recoveryPoints", name);
	json_t *data = lf_job_run_data(run), *copy = json_deep_copy(point);

	if (!id ||
	    lf_json_set(data, "point", copy) | lf_json_set_text(data, "pointName", name) |
		    lf_json_set_text(data, "pointId", id) |
		    lf_json_set_text(data, "pointTime", lf_json_text(point, "time")) |
		    lf_json_set_text(data, "region", lf_json_text_or(item->state, "region", "")))
		return lf_fail_nomem(err);
	return 0;
}

static int plan_once(struct lf_job_run *run, struct lf_error *err)
{
	json_t *data = lf_job_run_data(run), *machine = NULL;
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	if (lf_json_at(data, "machine"))
		return 0;
	int rc = lf_sr_step_item(run, &item, err);
	if (rc)
		return rc;
	const struct lf_sr_plan plan = {.item = &item,
					.point = lf_json_at(data, "point"),
					.network_id =
						lf_json_text(item.doc, "details.targetNetworkId"),
					.job = lf_job_run_job(run)->id};
	rc = lf_sr_machine_plan(lf_job_run_context(run), &plan, &machine, err);
	if (!rc && lf_json_set(data, "machine", machine))
		rc = lf_fail_nomem(err);
	return rc ? rc : lf_job_save(run, err);
}

int lf_sr_failover_make(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *data = lf_job_run_data(run);

	int rc = lf_sr_point_hold(context, lf_json_text_or(data, "region", ""),
				  lf_json_text_or(data, "pointName", ""), lf_job_run_job(run)->id,
				  err);
	if (!rc)
		rc = plan_once(run, err);
	return rc ? rc : lf_machine_make(context, lf_json_at(data, "machine"), err);
}

int lf_sr_failover_unmake(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const json_t *data = lf_job_run_data(run);
	const char *vm = lf_json_text(data, "machine.id");
	const char *name = lf_json_text(data, "pointName");
	int rc = vm ? lf_sr_machine_remove_own(context, vm, lf_job_run_job(run)->id, err) : 0;

	if (!rc && name)
		rc = lf_sr_point_release(context, lf_json_text_or(data, "region", ""), name,
					 lf_job_run_job(run)->id, err);
	return rc;
}

/* Source disk id to the managed disk that was made of it: the point and the plan agree in order. */
static json_t *managed_disks(const json_t *data, const char *group_id)
{
	json_t *disks = json_object(), *disk;
	size_t i;

	json_array_foreach (lf_json_at(data, "point.disks"), i, disk) {
		const json_t *made = json_array_get(lf_json_at(data, "machine.disks"), i);
		LF_AUTO_FREE char *id = lf_printf_dup("%s/providers/Microsoft.Compute/disks/%s",
						      group_id, lf_json_text_or(made, "name", ""));
		json_object_set_new(disks, lf_json_text_or(disk, "id", ""),
				    id ? json_string(id) : NULL);
	}
	return disks;
}

int lf_sr_failover_start(struct lf_job_run *run, enum lf_sr_phase phase, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *job = lf_job_run_job(run)->id;
	const json_t *data = lf_job_run_data(run);
	const char *vm = lf_json_text(data, "machine.id");
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT;

	int rc = lf_machine_start(context, vm, err);
	if (!rc)
		rc = lf_sr_step_begin(run, &item, err);
	if (rc)
		return rc;
	if (lf_sr_item_set_phase(&item, phase) |
	    lf_json_set(item.state, "failover", json_object()) |
	    lf_json_set_text(item.state, "failover.job", job) |
	    lf_json_set_text(item.state, "failover.vm", vm) |
	    lf_json_set_text(item.state, "failover.point", lf_json_text(data, "pointName")) |
	    lf_json_set(item.state, "failover.disks",
			managed_disks(data, lf_json_text_or(item.doc,
							    "details.targetResourceGroupId", ""))) |
	    lf_json_set_time(item.state, "lastFailoverTime", lf_clock_now_ns(context->clock)))
		return lf_fail_nomem(err);
	rc = lf_sr_hydrate_submit(context, vm, lf_json_text_or(data, "region", ""),
				  lf_json_text_or(data, "pointName", ""), job, err);
	return rc ? rc : lf_sr_step_end(run, &item, err);
}
