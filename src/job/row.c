/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as a row, and what the rest of the engine asks of rows and types.
 *
 * The row holds the whole job, so that whoever reads it after a kill goes on
 * with the step that it names.  A row that names a state or a step that there
 * cannot be is damaged and starts nothing.
 */
#include "job/engine.h"
#include "job/row.h"

#include <string.h>

#include "catalog/jobrows.h"
#include "json/doc.h"

static const char *const state_names[] = {
	[LF_JOB_NOT_STARTED] = "NotStarted", [LF_JOB_IN_PROGRESS] = "InProgress",
	[LF_JOB_SUSPENDED] = "Suspended",    [LF_JOB_SUCCEEDED] = "Succeeded",
	[LF_JOB_FAILED] = "Failed",	     [LF_JOB_CANCELLED] = "Cancelled",
};

const char *lf_job_state_name(enum lf_job_state state)
{
	return state_names[state];
}

bool lf_job_state_is_final(enum lf_job_state state)
{
	return state >= LF_JOB_SUCCEEDED;
}

/* false: a state that there is not. */
static bool parse_state(const char *name, enum lf_job_state *ret_state)
{
	for (size_t i = 0; name && i < LF_N(state_names); i++)
		if (strcmp(state_names[i], name) == 0) {
			*ret_state = (enum lf_job_state)i;
			return true;
		}
	return false;
}

void lf_job_done(struct lf_job *job)
{
	free(job->type);
	free(job->scope);
	free(job->resource);
	json_decref(job->doc);
	json_decref(job->data);
	*job = LF_JOB_INIT;
}

void lf_job_list_done(struct lf_job_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		lf_job_done(&list->items[i]);
	free(list->items);
	*list = (struct lf_job_list){0};
}

static json_t *dump_error(const struct lf_error *err)
{
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_int(&doc, "code", err->code);
	lf_doc_int(&doc, "sys", err->sys);
	lf_doc_text(&doc, "arm", err->arm_code);
	lf_doc_text(&doc, "target", err->target);
	lf_doc_text(&doc, "message", err->message);
	lf_doc_text(&doc, "hint", err->hint);
	return lf_doc_take(&doc);
}

static void parse_error(const json_t *body, struct lf_error *err)
{
	err->code = (int)lf_json_int_or(body, "error.code", 0);
	/* negative numbers are integers, never digits in a string */
	err->sys = (int)lf_json_int_or(body, "error.sys", 0);
	snprintf(err->arm_code, sizeof(err->arm_code), "%s",
		 lf_json_text_or(body, "error.arm", ""));
	snprintf(err->target, sizeof(err->target), "%s", lf_json_text_or(body, "error.target", ""));
	snprintf(err->message, sizeof(err->message), "%s",
		 lf_json_text_or(body, "error.message", ""));
	snprintf(err->hint, sizeof(err->hint), "%s", lf_json_text_or(body, "error.hint", ""));
}

static json_t *dump_steps(const struct lf_job *job)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < LF_JOB_STEPS_MAX && job->steps[i].start_ns; i++)
		json_array_append_new(steps,
				      json_pack("[I,I,s]", (json_int_t)job->steps[i].start_ns,
						(json_int_t)job->steps[i].end_ns,
						state_names[job->steps[i].state]));
	return steps;
}

int lf_job_to_row(struct lf_catalog *catalog, const struct lf_job *job, struct lf_error *err)
{
	struct lf_doc made = LF_DOC_INIT;

	lf_doc_text(&made, "id", job->id);
	lf_doc_text(&made, "type", job->type);
	lf_doc_text(&made, "scope", job->scope);
	lf_doc_text(&made, "resource", job->resource);
	lf_doc_text(&made, "state", state_names[job->state]);
	lf_doc_text(&made, "ending", state_names[job->ending]);
	lf_doc_int(&made, "step", job->step);
	lf_doc_int(&made, "attempt", job->attempt);
	lf_doc_bool(&made, "cancel", job->cancel_requested);
	lf_doc_int(&made, "created", job->created_ns);
	lf_doc_int(&made, "started", job->started_ns);
	lf_doc_int(&made, "ended", job->ended_ns);
	lf_doc_int(&made, "changed", job->changed_ns);
	lf_doc_put(&made, "doc", json_incref(job->doc));
	lf_doc_put(&made, "data", json_incref(job->data));
	lf_doc_put(&made, "steps", dump_steps(job));
	lf_doc_put(&made, "error", job->error.code ? dump_error(&job->error) : json_null());
	LF_AUTO_JSON *body = lf_doc_take(&made);

	if (!body)
		return lf_fail_nomem(err);
	const struct lf_jobrow row = {.id = job->id,
				      .type = job->type,
				      .scope = job->scope,
				      .resource = job->resource,
				      .final = lf_job_state_is_final(job->state),
				      .created_ns = job->created_ns,
				      .body = body};
	return lf_jobrow_put(catalog, &row, err);
}

/* They are for people to look at: one that cannot be read is none. */
static void parse_steps(const json_t *steps, struct lf_job *job)
{
	for (size_t i = 0; i < json_array_size(steps) && i < LF_JOB_STEPS_MAX; i++) {
		const json_t *step = json_array_get(steps, i);
		if (!parse_state(json_string_value(json_array_get(step, 2)), &job->steps[i].state))
			return;
		job->steps[i].start_ns = json_integer_value(json_array_get(step, 0));
		job->steps[i].end_ns = json_integer_value(json_array_get(step, 1));
	}
}

int lf_job_from_body(const json_t *body, struct lf_job *ret_job, struct lf_error *err)
{
	LF_AUTO_JOB job = LF_JOB_INIT;

	snprintf(job.id, sizeof(job.id), "%s", lf_json_text_or(body, "id", ""));
	job.type = strdup(lf_json_text_or(body, "type", ""));
	job.scope = strdup(lf_json_text_or(body, "scope", ""));
	job.resource = strdup(lf_json_text_or(body, "resource", ""));
	/* copies: the data of a running step changes in place */
	json_t *doc = lf_json_at(body, "doc"), *data = lf_json_at(body, "data");
	job.doc = doc ? json_deep_copy(doc) : json_object();
	job.data = data ? json_deep_copy(data) : json_object();
	if (!job.type || !job.scope || !job.resource || !job.doc || !job.data)
		return lf_fail_nomem(err);
	int64_t step = lf_json_int_or(body, "step", 0);
	if (!lf_guid_valid(job.id) || !job.type[0] ||
	    !parse_state(lf_json_text(body, "state"), &job.state) ||
	    !parse_state(lf_json_text_or(body, "ending", "NotStarted"), &job.ending) || step < 0 ||
	    step > LF_JOB_STEPS_MAX)
		return lf_fail(err, LF_ECORRUPT, job.id, "the row of job %s is damaged", job.id);
	job.step = (unsigned)step;
	job.attempt = (unsigned)lf_json_int_or(body, "attempt", 0);
	job.cancel_requested = lf_json_bool_or(body, "cancel", false);
	job.created_ns = lf_json_int_or(body, "created", 0);
	job.started_ns = lf_json_int_or(body, "started", 0);
	job.ended_ns = lf_json_int_or(body, "ended", 0);
	job.changed_ns = lf_json_int_or(body, "changed", 0);
	parse_steps(lf_json_at(body, "steps"), &job);
	if (lf_json_at(body, "error"))
		parse_error(body, &job.error);
	*ret_job = job;
	job = LF_JOB_INIT;
	return 0;
}

int lf_jobs_get(struct lf_jobs *jobs, const char *id, struct lf_job *ret_job, struct lf_error *err)
{
	LF_AUTO_JSON *body = NULL;
	int rc = lf_jobrow_get(jobs->catalog, id, &body, err);

	return rc ? rc : lf_job_from_body(body, ret_job, err);
}

const struct lf_job_type *lf_jobs_type(const struct lf_jobs *jobs, const char *name)
{
	for (size_t i = 0; i < jobs->n_types; i++)
		if (strcmp(jobs->types[i]->name, name) == 0)
			return jobs->types[i];
	return NULL;
}
