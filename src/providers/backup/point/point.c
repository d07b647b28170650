/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a recovery point, as a step of a job: its names are chosen and saved; the machine's disks
 * are captured under a lease of the vault, which keeps what is written; the manifest is put with
 * the backup's claim, and the lease ends; the point's row and the item's are one transaction.  A
 * step that was cut short begins again with the same names, and is done when the row is there.
 *
 * A machine with an agent sends its point itself: the step asks for it, waits, and claims it.
 */
#include "providers/backup/point/point.h"

#include <stdatomic.h>
#include <string.h>

#include "providers/backup/point/documents.h"
#include "providers/backup/policy/policy.h"
#include "providers/backup/policy/retention.h"
#include "providers/backup/scope.h"
#include "providers/backup/item/server.h"
#include "providers/common/point_make.h"
#include "providers/compute/machine.h"
#include "providers/compute/ids.h"
#include "vault/lease.h"

int lf_backup_points(struct lf_catalog *catalog, const char *item_id,
		     struct lf_resource_list *ret_list, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_BACKUP_POINT_TYPE, .below = item_id};

	return lf_catalog_list(catalog, &query, ret_list, err);
}

int lf_backup_point_name(struct lf_context *context, const char *item_id, char out[static 24],
			 struct lf_error *err)
{
	LF_AUTO_RESOURCE_LIST list = {0};
	int64_t name = lf_clock_now_ns(context->clock) / 1000;
	int rc = lf_backup_points(context->catalog, item_id, &list, err);

	if (!rc && list.n) {
		const char *last = lf_arm_id_last(list.items[list.n - 1].id);
		struct lf_error ignored;
		uint64_t before = 0;
		if (lf_parse_u64(last, 0, 9999999999999998, &before, &ignored) == 0 &&
		    (int64_t)before >= name)
			name = (int64_t)before + 1;
	}
	snprintf(out, 24, "%016lld", (long long)name);
	return rc;
}

/* Its name, its GUID and where it is: chosen once, and kept by the job, which the item may not
 * outlive. */
static int choose_names(struct lf_job_run *run, const struct lf_resource *item,
			struct lf_error *err)
{
	json_t *data = lf_job_run_data(run);
	char guid[LF_GUID_SIZE], name[24];

	if (lf_json_text(data, "point"))
		return 0;
	lf_guid_random(guid);
	int rc = lf_backup_point_name(lf_job_run_context(run), item->id, name, err);
	if (rc)
		return rc;
	return lf_json_set_text(data, "point", guid) || lf_json_set_text(data, "name", name) ||
			       lf_json_set_text(data, "region",
						lf_json_text_or(item->state, "region", ""))
		       ? lf_fail_nomem(err)
		       : lf_job_save(run, err);
}

struct progress {
	struct lf_job_run *run;
	atomic_bool stop;
	size_t disks, disk;
	uint64_t before;
};

/* Disk after disk: a smaller figure than the last is the next disk's. */
static void note_progress(void *context, uint64_t done, uint64_t total)
{
	struct progress *progress = context;
	json_t *data = lf_job_run_data(progress->run);
	struct lf_context *own = lf_job_run_context(progress->run);
	struct lf_error ignored;
	int failed = 0;

	if (lf_job_run_cancelled(progress->run))
		atomic_store(&progress->stop, true);
	progress->disk += done < progress->before && progress->disk + 1 < progress->disks;
	progress->before = done;
	double part = ((double)progress->disk + (total ? (double)done / (double)total : 1)) /
		      (double)(progress->disks ? progress->disks : 1);
	int64_t percent = part < 0.99 ? (int64_t)(part * 100) : 99;
	if (!lf_json_at(data, "snapshotAt"))
		failed = lf_json_set_time(data, "snapshotAt", lf_clock_now_ns(own->clock));
	else if (percent <= lf_json_int_or(data, "percent", 0))
		return;
	if (failed || lf_json_set_int(data, "percent", percent) ||
	    lf_job_save(progress->run, &ignored))
		return; /* the next one may */
}

static bool is_listed(const json_t *luns, int64_t lun)
{
	const json_t *row;
	size_t i;

	json_array_foreach (luns, i, row)
		if (json_integer_value(row) == lun)
			return true;
	return false;
}

/* LUNs of the data disks that the item leaves out: those that it lists, or all others. */
static json_t *excluded_luns(const struct lf_resource *item, const struct lf_resource *vm)
{
	const json_t *exclusion = lf_json_at(item->doc, LF_BACKUP_EXCLUSION), *disk;
	const json_t *luns = lf_json_at(exclusion, "diskLunList");
	bool inclusion = lf_json_bool_or(exclusion, "isInclusionList", false);
	json_t *excluded = json_array();
	size_t i;

	json_array_foreach (lf_json_at(vm->doc, "properties.storageProfile.dataDisks"), i, disk) {
		int64_t lun = lf_json_int_or(disk, "lun", -1);
		if (is_listed(luns, lun) != inclusion)
			json_array_append_new(excluded, json_integer(lun));
	}
	return excluded;
}

static int capture(struct lf_job_run *run, const struct lf_resource *item,
		   const struct lf_resource *vm, json_t **ret_capture, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE_LIST list = {0};
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
	char guid[LF_GUID_SIZE];
	bool there = false;
	struct progress progress = {
		.run = run,
		.disks = 1 + json_array_size(
				     lf_json_at(vm->doc, "properties.storageProfile.dataDisks"))};

	int rc = lf_backup_points(context->catalog, item->id, &list, err);
	if (!rc)
		rc = lf_backup_policy_of(context->catalog, item, &policy, &there, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *excluded = excluded_luns(item, vm);
	const char *consistency =
		lf_json_text_or(policy.doc, "properties.snapshotConsistencyType", "");
	lf_machine_host_guid(context, vm->id, guid);
	/* the newest shares most with what is to come */
	const struct lf_capture_opts opts = {
		.region = lf_json_text(item->state, "region"),
		.base = list.n ? lf_json_at(list.items[list.n - 1].state, "disks") : NULL,
		.excluded = excluded,
		.crash_consistent = lf_text_equal_nocase(consistency, "OnlyCrashConsistent"),
		.progress = note_progress,
		.context = &progress,
		.stop = &progress.stop,
	};
	LF_AUTO_CAPTURE captured = {.disks = NULL};
	rc = lf_compute_vm_capture(context->compute, guid, &opts, &captured, err);
	if (rc)
		return rc;
	LF_AUTO_DOC doc = LF_DOC_INIT;
	lf_doc_text(&doc, "consistency", lf_capture_consistency(&captured));
	lf_doc_int(&doc, "bytesStored", (int64_t)captured.bytes_stored);
	lf_doc_share(&doc, "disks", captured.disks);
	return lf_doc_end(&doc, ret_capture, err);
}

/* Until when a point of that time is kept: asked, or what the item's policy says of it. */
static int choose_expiry(struct lf_catalog *catalog, const struct lf_resource *item,
			 const char *asked, const char *time, char out[static LF_TIME_SIZE],
			 struct lf_error *err)
{
	LF_AUTO_RESOURCE policy = LF_RESOURCE_INIT;
	int64_t at, until;
	bool there;

	int rc = lf_time_parse(time, &at, err);
	if (!rc && asked)
		rc = lf_time_parse(asked, &until, err);
	if (!rc && !asked)
		rc = lf_backup_policy_of(catalog, item, &policy, &there, err);
	if (rc)
		return rc;
	lf_time_format(asked ? until
			     : lf_policy_keep_until(lf_json_at(policy.doc, "properties"), at),
		       out);
	return 0;
}

/* A point on its way from the machine's disks. */
struct taking {
	struct lf_job_run *run;
	const struct lf_resource *item, *vm;
	const char *asked; /* until when it is kept; NULL: as the policy says */
	const char *guid;  /* of the point */
	json_t *capture;   /* what came of it; whoever takes the point frees it */
	char time[LF_TIME_SIZE], expires[LF_TIME_SIZE];
};

static int fill_point(void *context, struct lf_vault *vault, json_t **ret_manifest,
		      struct lf_error *err)
{
	struct taking *taking = context;
	struct lf_context *site = lf_job_run_context(taking->run);

	(void)vault;
	/* the instant is that of the capture's beginning */
	lf_time_format(lf_clock_now_ns(site->clock), taking->time);
	int rc = capture(taking->run, taking->item, taking->vm, &taking->capture, err);
	if (rc == LF_ECONFLICT)
		return LF_STEP_AGAIN; /* when its disks have been copied here */
	if (!rc)
		rc = choose_expiry(site->catalog, taking->item, taking->asked, taking->time,
				   taking->expires, err);
	if (rc)
		return rc;
	*ret_manifest = lf_backup_manifest(
		taking->guid, taking->time,
		lf_json_text_or(taking->capture, "consistency", "CrashConsistent"),
		lf_json_text_or(taking->vm->doc, "properties.vmId", ""),
		lf_json_at(taking->capture, "disks"));
	return *ret_manifest ? 0 : lf_fail_nomem(err);
}

/* The item says when it was last backed up: as it is now, which may be stopped, not as it was when
 * the capture began. */
static int note_item(struct lf_resource *item, void *argument, struct lf_error *err)
{
	static const struct {
		const char *path, *value;
	} words[] = {{"properties.protectionStatus", "Healthy"},
		     {"properties.healthStatus", "Passed"},
		     {"properties.lastBackupStatus", "Completed"}};
	const char *time = argument;
	int failed = lf_json_set_text(item->doc, "properties.lastBackupTime", time) |
		     lf_json_set_text(item->doc, "properties.lastRecoveryPoint", time);

	if (!lf_backup_is_stopped(item))
		failed |= lf_json_set_text(item->doc, "properties.protectionState", "Protected");
	for (size_t i = 0; i < LF_N(words); i++)
		failed |= lf_json_set_text(item->doc, words[i].path, words[i].value);
	return failed ? lf_fail_nomem(err) : 0;
}

/* From here on the point is there, and a cancel comes too late. */
static int put_row(struct lf_job_run *run, const char *id, struct lf_resource *item,
		   const struct lf_backup_taken *taken, struct lf_error *err)
{
	struct lf_catalog *catalog = ((struct lf_context *)lf_job_run_context(run))->catalog;
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *state = NULL;

	if (lf_job_run_cancelled(run))
		return lf_fail(err, LF_ECANCELED, item->id, "the backup was cancelled");
	int rc = lf_backup_taken_doc(taken, &doc, err);
	if (!rc)
		rc = lf_backup_taken_state(taken, item, &state, err);
	if (!rc)
		rc = lf_transaction_begin(&tx, catalog, err);
	if (!rc)
		rc = lf_catalog_put(catalog, id, LF_BACKUP_POINT_TYPE, LF_PUT_NEW, NULL, doc, state,
				    err);
	if (!rc)
		rc = lf_catalog_change(catalog, item->id, note_item, (void *)(uintptr_t)taken->time,
				       err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

static int note_sizes(struct lf_job_run *run, const struct lf_backup_taken *taken,
		      struct lf_error *err)
{
	LF_AUTO_DOC bag = LF_DOC_INIT;

	lf_doc_text(&bag, "VM Name",
		    lf_json_text_or(taken->vm->doc, "name", lf_arm_id_last(taken->vm->id)));
	lf_doc_printf(&bag, "Backup Size", "%lld MB",
		      (long long)(lf_json_int_or(taken->capture, "bytesStored", 0) >> 20));
	return lf_json_set(lf_job_run_data(run), "propertyBag", lf_doc_take(&bag)) ||
			       lf_json_set_int(lf_job_run_data(run), "percent", 100)
		       ? lf_fail_nomem(err)
		       : 0;
}

static int take(struct lf_job_run *run, const char *id, struct lf_resource *item,
		const struct lf_resource *vm, const char *asked, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_JSON *captured = NULL;
	const char *guid = lf_json_text_or(lf_job_run_data(run), "point", "");
	struct taking taking = {.run = run, .item = item, .vm = vm, .asked = asked, .guid = guid};
	const struct lf_point_making making = {.region = lf_json_text_or(item->state, "region", ""),
					       .lease = guid,
					       .point = guid,
					       .claim = LF_BACKUP_CLAIM,
					       .fill = fill_point,
					       .context = &taking};

	int rc = lf_point_make(lf_stores(context), &making, err);
	captured = taking.capture;
	const struct lf_backup_taken taken = {.guid = guid,
					      .time = taking.time,
					      .expires = taking.expires,
					      .by_policy = !asked,
					      .vm = vm,
					      .capture = captured};
	if (!rc)
		rc = put_row(run, id, item, &taken, err);
	return rc ? rc : note_sizes(run, &taken, err);
}

/* Claim a point that an agent has sent.  Whoever undoes this knows which claim to drop. */
static int claim_sent(struct lf_job_run *run, const struct lf_resource *item,
		      const struct lf_backup_taken *taken, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	json_t *data = lf_job_run_data(run);
	struct lf_vault *vault = NULL;

	int rc = lf_json_set_text(data, "point", taken->guid) ||
				 lf_json_set_text(data, "snapshotAt", taken->time)
			 ? lf_fail_nomem(err)
			 : lf_job_save(run, err);
	if (!rc)
		rc = lf_regions_vault(context->regions, lf_json_text_or(item->state, "region", ""),
				      &vault, err);
	return rc ? rc : lf_claim_put(vault, taken->guid, LF_BACKUP_CLAIM, LF_CLAIM_FOREVER, err);
}

/* The same of a machine with an agent: when the point that was asked of it is there, it is claimed.
 */
static int take_server(struct lf_job_run *run, const char *id, struct lf_resource *item,
		       const struct lf_resource *vm, const char *asked, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_JSON *result = NULL;
	char expires[LF_TIME_SIZE];
	int64_t percent = 0;

	int rc = lf_backup_server_capture(context, item, lf_job_run_job(run)->id, &result, &percent,
					  err);
	if (!rc && !result)
		return lf_json_set_int(lf_job_run_data(run), "percent", percent < 99 ? percent : 99)
			       ? lf_fail_nomem(err)
			       : LF_STEP_AGAIN;
	const struct lf_backup_taken taken = {.guid = lf_json_text_or(result, "point", ""),
					      .time = lf_json_text_or(result, "time", ""),
					      .expires = expires,
					      .by_policy = !asked,
					      .vm = vm,
					      .capture = result};
	if (!rc)
		rc = claim_sent(run, item, &taken, err);
	if (!rc)
		rc = choose_expiry(context->catalog, item, asked, taken.time, expires, err);
	if (!rc)
		rc = put_row(run, id, item, &taken, err);
	return rc ? rc : note_sizes(run, &taken, err);
}

int lf_backup_point_take(struct lf_job_run *run, const char *item_id, const char *expires,
			 struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, vm = LF_RESOURCE_INIT, there = LF_RESOURCE_INIT;

	int rc = lf_catalog_get(context->catalog, item_id, &item, err);
	if (!rc)
		rc = choose_names(run, &item, err);
	LF_AUTO_FREE char *id = lf_printf_dup("%s/recoveryPoints/%s", item_id,
					      lf_json_text_or(lf_job_run_data(run), "name", ""));
	if (!rc && !id)
		rc = lf_fail_nomem(err);
	if (!rc && lf_catalog_get(context->catalog, id, &there, err) == 0)
		return 0; /* made by an earlier run of the step */
	const char *machine = lf_json_text_or(item.state, "vm", "");
	bool server = lf_backup_is_server(machine);
	if (!rc)
		rc = server ? lf_backup_server_get(context, machine,
						   lf_json_text_or(item.state, "region", ""), &vm,
						   err)
			    : lf_catalog_get(context->catalog, machine, &vm, err);
	if (rc == LF_ENOTFOUND && item.id)
		return lf_fail_arm(err, LF_ENOTFOUND, "UserErrorVmNotFound", item_id,
				   "stop the protection, or restore the machine",
				   "the protected machine is not there any more");
	return rc ? rc : (server ? take_server : take)(run, id, &item, &vm, expires, err);
}

int lf_backup_claim_drop(struct lf_context *context, const char *region, const char *guid,
			 struct lf_error *err)
{
	struct lf_vault *vault = NULL;

	if (!region || !guid)
		return 0;
	int rc = lf_regions_vault(context->regions, region, &vault, err);
	return rc ? rc : lf_claim_drop(vault, guid, LF_BACKUP_CLAIM, err);
}

int lf_backup_point_release(struct lf_context *context, const struct lf_resource *point,
			    struct lf_error *err)
{
	return lf_backup_claim_drop(context, lf_json_text(point->state, "region"),
				    lf_json_text(point->state, "point"), err);
}

/* Where the point of a job is that an older version has begun. */
static const char *region_of(const struct lf_job_run *run, const struct lf_resource *item)
{
	return lf_json_text_or(lf_job_run_job(run)->data, "region",
			       lf_json_text_or(item->state, "region", ""));
}

int lf_backup_point_untake(struct lf_job_run *run, const char *item_id, struct lf_error *err)
{
	struct lf_context *context = lf_job_run_context(run);
	const char *guid = lf_json_text(lf_job_run_data(run), "point");
	LF_AUTO_FREE char *id = lf_printf_dup("%s/recoveryPoints/%s", item_id,
					      lf_json_text_or(lf_job_run_data(run), "name", ""));
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, row = LF_RESOURCE_INIT;
	struct lf_vault *vault = NULL;
	bool known = false, there = false;

	int rc = lf_catalog_find(context->catalog, item_id, &item, &known, err);
	if (!rc && (!known || lf_backup_is_server(lf_json_text_or(item.state, "vm", ""))))
		rc = lf_replica_withdraw_final(context->replication, item_id,
					       lf_job_run_job(run)->id, err);
	const char *region = region_of(run, &item);
	if (rc || !guid || !*region)
		return rc;
	rc = id ? lf_catalog_find(context->catalog, id, &row, &there, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_regions_vault(context->regions, region, &vault, err);
	if (!rc)
		rc = lf_lease_end(vault, guid, err);
	return rc || there ? rc : lf_backup_claim_drop(context, region, guid, err);
}
