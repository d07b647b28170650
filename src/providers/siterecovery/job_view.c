/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "providers/siterecovery/internal.h"

/* A sentence of an error: ARM's start with a capital and end with a stop. */
static json_t *sentence(const char *text)
{
	LF_AUTO_FREE char *copy = lf_printf_dup("%s%s", text, *text ? "." : "");

	if (!copy)
		return NULL;
	if (copy[0] >= 'a' && copy[0] <= 'z')
		copy[0] = (char)(copy[0] - 'a' + 'A');
	json_t *value = json_string(copy);
	return value ? value : json_string("");
}

static json_t *job_error(const struct lf_job *job, const char *level, const char *code,
			 const char *message, const char *advice, const char *task)
{
	return json_pack("{s:{s:s,s:o,s:s,s:o,s:s},s:n,s:s,s:o,s:s?}", "serviceErrorDetails",
			 "code", code, "message", sentence(message), "possibleCauses", "",
			 "recommendedAction", sentence(advice), "activityId", job->id,
			 "providerErrorDetails", "errorLevel", level, "creationTime",
			 lf_json_time(job->ended_ns ? job->ended_ns : job->changed_ns), "taskId",
			 task);
}

static json_t *errors_of(const struct lf_job *job, const char *task)
{
	json_t *errors = json_array();

	if (job->error.code)
		json_array_append_new(errors, job_error(job, "Error", lf_error_arm(&job->error),
							job->error.message, job->error.hint, task));
	if (lf_json_at(job->data, "information"))
		json_array_append_new(
			errors,
			job_error(job, "Information",
				  lf_json_text_or(job->data, "information.code", ""),
				  lf_json_text_or(job->data, "information.message", ""),
				  lf_json_text_or(job->data, "information.advice", ""), task));
	return errors;
}

static const char *state_description(const struct lf_job *job, enum lf_job_state state)
{
	if (state == LF_JOB_SUCCEEDED)
		return lf_json_at(job->data, "information") ? "CompletedWithInformation"
							    : "Completed";
	return lf_job_state_name(state);
}

/* A step of the engine is a task of the contract. */
static json_t *task_of(const struct lf_job *job, const struct lf_job_type *type, unsigned at)
{
	const struct lf_job_step_row *row = &job->steps[at];
	const struct lf_job_step *step = &type->steps[at];
	LF_AUTO_FREE char *skipped_path = lf_printf_dup("skipped.%s", step->name);
	const char *skipped = skipped_path ? lf_json_text(job->data, skipped_path) : NULL;
	char id[LF_GUID_SIZE], space[LF_GUID_SIZE + 16];
	bool failed = row->state == LF_JOB_FAILED;

	snprintf(space, sizeof(space), "task:%s", job->id);
	lf_guid_derive(space, step->name, id);
	json_t *details = json_pack(
		"{s:s,s:{s:s,s:s,s:s,s:s,s:s,s:s},s:s?,s:s?}", "instanceType",
		"VirtualMachineTaskDetails", "jobTask", "jobId", job->id, "jobFriendlyName",
		lf_json_text_or(job->doc, "friendlyName", ""), "targetObjectId",
		lf_json_text_or(job->doc, "targetObjectId", ""), "targetObjectName",
		lf_json_text_or(job->doc, "targetObjectName", ""), "targetInstanceType",
		lf_json_text_or(job->doc, "targetInstanceType", "Other"), "jobScenarioName",
		lf_json_text_or(job->doc, "scenario", ""), "skippedReason",
		skipped ? "NotApplicable" : NULL, "skippedReasonString", skipped);
	return json_pack(
		"{s:s,s:s,s:o,s:o,s:[],s:s,s:s,s:s,s:s,s:o,s:n,s:o}", "taskId", id, "name",
		step->name, "startTime", lf_json_time(row->start_ns), "endTime",
		lf_json_time(row->end_ns), "allowedActions", "friendlyName", step->friendly,
		"state", skipped && row->end_ns ? "Skipped" : lf_job_state_name(row->state),
		"stateDescription",
		row->state == LF_JOB_SUCCEEDED ? "Completed" : lf_job_state_name(row->state),
		"taskType", "TaskDetails", "customDetails", details, "groupTaskCustomDetails",
		"errors", failed ? errors_of(job, id) : json_array());
}

static json_t *custom_details(const struct lf_job *job)
{
	const char *scenario = lf_json_text_or(job->doc, "scenario", "");
	const char *test_vm = lf_json_text(job->data, "machine.name");
	bool test = strncmp(scenario, "TestFailover", 12) == 0;
	bool failover = strstr(scenario, "Failover") && !test;
	json_t *item =
		json_pack("{s:s,s:s,s:s?,s:s?,s:s,s:s?,s:s?,s:s?,s:s?}", "name",
			  lf_json_text_or(job->doc, "targetObjectId", ""), "friendlyName",
			  lf_json_text_or(job->doc, "targetObjectName", ""), "testVmName", test_vm,
			  "testVmFriendlyName", test_vm, "networkConnectionStatus",
			  lf_json_at(job->data, "machine.nics.0") ? "Connected" : "NotConnected",
			  "networkFriendlyName", lf_json_text(job->doc, "networkName"), "subnet",
			  lf_json_text(job->data, "machine.nics.0.subnet"), "recoveryPointId",
			  lf_json_text(job->data, "pointId"), "recoveryPointTime",
			  lf_json_text(job->data, "pointTime"));
	json_t *affected = json_pack(
		"{s:s,s:s,s:s}", "PrimaryVmId", lf_json_text_or(job->doc, "targetObjectId", ""),
		"PrimaryVmName", lf_json_text_or(job->doc, "targetObjectName", ""),
		"PrimaryFabricProviderId", "InMageRcmFabric");

	if (test)
		return json_pack("{s:s,s:s,s:s,s:s?,s:s?,s:s,s:[o],s:o}", "instanceType",
				 "TestFailoverJobDetails", "testFailoverStatus",
				 lf_job_state_name(job->state), "comments",
				 lf_json_text_or(job->doc, "comments", ""), "networkName",
				 lf_json_text(job->doc, "networkName"), "networkFriendlyName",
				 lf_json_text(job->doc, "networkName"), "networkType",
				 "VmNetworkAsInput", "protectedItemDetails", item,
				 "affectedObjectDetails", affected);
	if (failover)
		return json_pack("{s:s,s:[o],s:o}", "instanceType", "FailoverJobDetails",
				 "protectedItemDetails", item, "affectedObjectDetails", affected);
	json_decref(item);
	if (strcmp(scenario, "ExportJobs") == 0)
		return json_pack("{s:s,s:s?,s:n,s:o}", "instanceType", "ExportJobDetails",
				 "blobUri", lf_json_text(job->data, "blobUri"), "sasToken",
				 "affectedObjectDetails", affected);
	return json_pack("{s:s,s:o}", "instanceType", "AsrJobDetails", "affectedObjectDetails",
			 affected);
}

static json_t *allowed_actions(const struct lf_job *job, const struct lf_job_type *type)
{
	json_t *actions = json_array();

	if (!lf_job_state_is_final(job->state) && type && type->cancellable &&
	    !job->cancel_requested)
		json_array_append_new(actions, json_string("Cancel"));
	if (job->state == LF_JOB_FAILED)
		json_array_append_new(actions, json_string("Restart"));
	if (job->state == LF_JOB_SUSPENDED)
		json_array_append_new(actions, json_string("Resume"));
	return actions;
}

int lf_sr_job_view(struct lf_context *context, const struct lf_job *job, json_t **ret_doc,
		   struct lf_error *err)
{
	const struct lf_job_type *type = lf_jobs_type(context->jobs, job->type);
	LF_AUTO_FREE char *id = lf_id_child(job->scope, "replicationJobs", job->id);
	bool cancelling = job->cancel_requested && !lf_job_state_is_final(job->state);
	json_t *tasks = json_array();

	if (!id || !tasks) {
		json_decref(tasks);
		return lf_fail_nomem(err);
	}
	for (unsigned i = 0; type && i < type->n_steps; i++)
		json_array_append_new(tasks, task_of(job, type, i));
	return lf_document_wrap(
		id, LF_SR_TYPE_VAULT "/replicationJobs",
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:o}", "activityId",
			  job->id, "scenarioName", lf_json_text_or(job->doc, "scenario", job->type),
			  "friendlyName", lf_json_text_or(job->doc, "friendlyName", ""), "state",
			  cancelling ? "Cancelling" : lf_job_state_name(job->state),
			  "stateDescription",
			  cancelling ? "Cancelling" : state_description(job, job->state), "tasks",
			  tasks, "errors", errors_of(job, NULL), "startTime",
			  lf_json_time(job->started_ns ? job->started_ns : job->created_ns),
			  "endTime", lf_json_time(job->ended_ns), "allowedActions",
			  allowed_actions(job, type), "targetObjectId",
			  lf_json_text_or(job->doc, "targetObjectId", ""), "targetObjectName",
			  lf_json_text_or(job->doc, "targetObjectName", ""), "targetInstanceType",
			  lf_json_text_or(job->doc, "targetInstanceType", "Other"), "customDetails",
			  custom_details(job)),
		ret_doc, err);
}
