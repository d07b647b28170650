/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a failover the machine runs on overlays over its recovery point.  This
 * job copies the rest of the disks behind it and then lets the point go.  It
 * belongs to no item: the item may be disabled long before the copy has ended.
 */
#include <string.h>

#include "json/field.h"
#include "providers/compute/machine.h"
#include "providers/siterecovery/internal.h"

#define RECHECK_NS (5 * LF_NS_PER_S)
#define RECHECK_SLOW_NS                                                                            \
	(60 * LF_NS_PER_S) /* once it has taken PATIENCE_NS: a machine that is off, say */
#define PATIENCE_NS (3600 * LF_NS_PER_S)

/* The job's input. */
struct input {
	const char *vm, *region, *point, *holder;
};
static const struct lf_field input_rows[] = {
	LF_TEXT_AT(struct input, vm, "vm", LF_REQUIRED),
	LF_TEXT_AT(struct input, region, "region", LF_REQUIRED),
	LF_TEXT_AT(struct input, point, "point", LF_REQUIRED),
	LF_TEXT_AT(struct input, holder, "holder", LF_REQUIRED),
};

static int read_input(struct lf_job_run *run, struct input *ret_input, struct lf_error *err)
{
	return lf_fields_read(input_rows, LF_N(input_rows), lf_job_run_job(run)->doc, "", ret_input,
			      err);
}

int lf_sr_hydrate_submit(struct lf_context *context, const char *vm_id, const char *region,
			 const char *point, const char *holder, struct lf_error *err)
{
	const struct input input = {vm_id, region, point, holder};
	LF_AUTO_FREE char *resource = lf_printf_dup("%s/hydration/%s", vm_id, holder);
	LF_AUTO_DOC made = LF_DOC_INIT;
	LF_AUTO_JSON *doc = NULL;
	char id[LF_GUID_SIZE];

	lf_fields_write(input_rows, LF_N(input_rows), &input, &made);
	int rc = resource ? lf_doc_end(&made, &doc, err) : lf_fail_nomem(err);
	lf_guid_derive("siterecovery-hydrate", holder, id);
	const struct lf_job_request request = {.id = id,
					       .type = lf_sr_hydrate_job.name,
					       .scope = vm_id,
					       .resource = resource,
					       .doc = doc};
	return rc ? rc : lf_jobs_submit(context->jobs, &request, id, err);
}

static int run_begin(struct lf_job_run *run, struct lf_error *err)
{
	struct input input;
	int rc = read_input(run, &input, err);

	if (!rc)
		rc = lf_machine_hydrate(lf_job_run_context(run), input.vm, err);
	return rc == LF_ENOTFOUND ? 0 : rc; /* removed by its user: nothing to copy */
}

static int run_wait(struct lf_job_run *run, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_VM_STATE state = {0};
	struct input input;

	int rc = read_input(run, &input, err);
	if (rc)
		return rc;
	rc = lf_machine_state(context, input.vm, &state, err);
	if (rc == LF_ENOTFOUND || (!rc && lf_vm_state_hydrated(&state)))
		return LF_STEP_DONE;
	if (!rc) /* a restarted host or an export that came back: asking again is harmless */
		rc = lf_machine_hydrate(context, input.vm, err);
	(void)rc; /* the claim must outlive every trouble: wait, never give up */
	int64_t now = lf_clock_now_ns(context->clock);
	bool slow = now - lf_job_run_job(run)->started_ns > PATIENCE_NS;
	lf_job_again_at(run, now + (slow ? RECHECK_SLOW_NS : RECHECK_NS));
	return LF_STEP_AGAIN;
}

static int run_release(struct lf_job_run *run, struct lf_error *err)
{
	struct input input;
	int rc = read_input(run, &input, err);

	return rc ? rc
		  : lf_sr_point_release(lf_job_run_context(run), input.region, input.point,
					input.holder, err);
}

static const struct lf_job_step hydrate_steps[] = {
	{"BeginHydration", "Begin to copy the disks", run_begin, NULL},
	{"WaitForHydration", "Copy the disks behind the machine", run_wait, NULL},
	{"ReleaseRecoveryPoint", "Release the recovery point", run_release, NULL},
};
const struct lf_job_type lf_sr_hydrate_job = {.name = "siterecovery.hydrate",
					      .steps = hydrate_steps,
					      .n_steps = LF_N(hydrate_steps),
					      .attempts_max = 1000};
