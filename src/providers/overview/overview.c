/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site itself: lines of the audit log by pages, its verification (one at a
 * time, since it reads all of it), conditions, and numbers of this moment. 
 * Nothing is changed by any of it.
 */
#include "providers/overview/overview.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/health.h"
#include "base/text.h"
#include "crypto/tls.h"
#include "json/doc.h"
#include "os/file.h"

#define PAGE	   500
#define FAULTS_MAX 100

/* The audit log. */

struct page {
	json_t *lines;
	uint64_t last;
	bool more;
};

static int take_line(void *context, const json_t *line, struct lf_error *err)
{
	struct page *page = context;

	if (json_array_size(page->lines) == PAGE) {
		page->more = true;
		return 1;
	}
	page->last = (uint64_t)lf_json_int_or(line, "seq", 0);
	return json_array_append_new(page->lines, json_deep_copy(line)) ? lf_fail_nomem(err) : 0;
}

static int read_time(struct lf_arm_call *call, const char *name, int64_t *ret_ns,
		     struct lf_error *err)
{
	const char *text = lf_arm_query(call, name);

	return text ? lf_time_parse(text, ret_ns, err) : 0;
}

static int read_query(struct lf_arm_call *call, struct lf_audit_query *query, struct lf_error *err)
{
	const char *after = lf_arm_query(call, "skiptoken");

	if (!after)
		after = lf_arm_query(call, "after");
	int rc = after ? lf_parse_u64(after, 0, INT64_MAX, &query->after, err) : 0;
	if (!rc)
		rc = read_time(call, "since", &query->since_ns, err);
	if (!rc)
		rc = read_time(call, "until", &query->until_ns, err);
	query->principal = lf_arm_query(call, "principal");
	query->resource = lf_arm_query(call, "resource");
	query->outcome = lf_arm_query(call, "outcome");
	query->correlation = lf_arm_query(call, "correlation");
	return rc;
}

static int list_audit(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *lines = json_array();
	struct page page = {.lines = lines};
	struct lf_audit_query query = {0};
	char token[24];

	int rc = lines ? read_query(call, &query, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_audit_read(lf_arm_context(call)->data_dir, &query, take_line, &page, err);
	if (rc < 0)
		return rc;
	snprintf(token, sizeof(token), "%llu", (unsigned long long)page.last);
	return lf_arm_reply_list(call, lines, page.more ? token : NULL, err);
}

static int verify_audit(struct lf_arm_call *call, struct lf_error *err)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	const struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *report = NULL;
	struct lf_audit_state now;

	if (pthread_mutex_trylock(&one))
		return lf_fail_arm(err, LF_ECONFLICT, "AnotherOperationInProgress", NULL,
				   "wait until it has ended",
				   "the audit log is being looked at already");
	lf_audit_tend(context->audit);
	lf_audit_state(context->audit, &now);
	int rc = lf_audit_verify_report(context->data_dir, now.seq, FAULTS_MAX, &report, err);
	pthread_mutex_unlock(&one);
	return rc ? rc : lf_arm_reply(call, 200, report, err);
}

/* Numbers of this moment. */

struct process {
	uint64_t resident_bytes, descriptors;
};

static int count_entry(void *context, const char *name, struct lf_error *err)
{
	(void)name, (void)err;
	(*(uint64_t *)context)++;
	return 0;
}

static void look_at_process(struct process *process)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;
	struct lf_error ignored;

	*process = (struct process){0};
	if (file && fscanf(file, "%*s %20llu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	process->resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	(void)!lf_dir_list("/proc/self/fd", count_entry, &process->descriptors, &ignored);
	process->descriptors -= process->descriptors > 0; /* the one of the list itself */
}

static int put_gauges(const struct lf_context *context, json_t *gauges, struct lf_error *err)
{
	const struct lf_list_query agents = {.type = "Landfall/agents"};
	LF_AUTO_RESOURCE_LIST list = {0};
	struct lf_audit_state audit;
	struct process process;

	int rc = lf_catalog_list(context->catalog, &agents, &list, err);
	if (rc)
		return rc;
	lf_audit_state(context->audit, &audit);
	look_at_process(&process);
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
		{"resident_bytes", process.resident_bytes},
		{"open_descriptors", process.descriptors},
		{"agents", list.n},
		{"jobs_unfinished", lf_jobs_unfinished(context->jobs)},
		{"health_conditions", lf_health_count()},
		{"audit_last_line", audit.seq},
		{"audit_lines_unwritten", audit.lost},
	};
	for (size_t i = 0; i < LF_N(values); i++)
		if (json_object_set_new(gauges, values[i].name,
					json_integer((json_int_t)values[i].value)))
			return lf_fail_nomem(err);
	return 0;
}

static int get_metrics(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *gauges = json_object();
	LF_AUTO_BUF text = LF_BUF_INIT;
	const char *name;
	json_t *value;

	int rc = gauges ? put_gauges(lf_arm_context(call), gauges, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	json_object_foreach (gauges, name, value)
		lf_buf_printf(&text, "# TYPE landfall_%s gauge\nlandfall_%s %lld\n", name, name,
			      (long long)json_integer_value(value));
	lf_counters_render(&text);
	rc = lf_buf_check(&text, err);
	if (rc)
		return rc;
	lf_http_answer_copy(lf_arm_http(call), "text/plain; version=0.0.4; charset=utf-8",
			    lf_buf_text(&text));
	return lf_arm_reply(call, 200, NULL, err);
}

static json_t *conditions(void)
{
	struct lf_health_condition *list = calloc(LF_HEALTH_MAX, sizeof(*list));
	size_t n = list ? lf_health_read(list, LF_HEALTH_MAX, NULL) : 0;
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		struct lf_doc doc = LF_DOC_INIT;

		lf_doc_text(&doc, "name", list[i].name);
		lf_doc_text(&doc, "subject", list[i].subject);
		lf_doc_text(&doc, "text", list[i].text);
		lf_doc_time(&doc, "since", list[i].since_ns);
		lf_doc_time(&doc, "last", list[i].last_ns);
		lf_doc_int(&doc, "times", list[i].times);
		json_array_append_new(array, lf_doc_take(&doc));
	}
	free(list);
	return array;
}

static void put_counter(void *context, const char *name, const char *kind, uint64_t value)
{
	char full[128];

	snprintf(full, sizeof(full), "%s%s%s", name, kind[0] ? "." : "", kind);
	json_object_set_new(context, full, json_integer((json_int_t)value));
}

static int get_health(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_context *context = lf_arm_context(call);
	LF_AUTO_JSON *gauges = json_object();
	LF_AUTO_JSON *counters = json_object();
	LF_AUTO_JSON *found = conditions();
	struct lf_audit_state audit;
	int64_t ca_end = 0;

	int rc =
		gauges && counters && found ? put_gauges(context, gauges, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_cert_expiry(context->ca_cert, &ca_end, err);
	if (rc)
		return rc;
	lf_counters_each(put_counter, counters);
	lf_audit_state(context->audit, &audit);
	bool well = json_array_size(found) == 0 && !audit.found[0] && !audit.problem[0];
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "status", well ? "Healthy" : "Degraded");
	lf_doc_text(&doc, "version", LF_VERSION);
	lf_doc_time(&doc, "time", lf_clock_now_ns(context->clock));
	lf_doc_time(&doc, "caCertificateEnd", ca_end);
	lf_doc_put(&doc, "conditions", json_incref(found));
	lf_doc_int(&doc, "audit.lastLine", audit.seq);
	lf_doc_int(&doc, "audit.unwritten", audit.lost);
	lf_doc_text(&doc, "audit.problem", audit.problem);
	lf_doc_text(&doc, "audit.foundAtStart", audit.found);
	lf_doc_put(&doc, "gauges", json_incref(gauges));
	lf_doc_put(&doc, "counters", json_incref(counters));
	return lf_arm_reply_doc(call, 200, &doc, err);
}

static const struct lf_arm_route routes[] = {
	LF_GET("/landfall/audit", list_audit, LF_RIGHT("Landfall/audit/read"),
	       .flags = LF_ARM_NO_VERSION),
	LF_POST("/landfall/audit/verify", verify_audit, LF_RIGHT("Landfall/audit/verify/action"),
		.flags = LF_ARM_NO_VERSION),
	LF_GET("/landfall/health", get_health, LF_RIGHT("Landfall/health/read"),
	       .flags = LF_ARM_NO_VERSION),
	LF_GET("/metrics", get_metrics, LF_RIGHT("Landfall/metrics/read"),
	       .flags = LF_ARM_NO_VERSION),
};

const struct lf_arm_provider lf_overview_provider = {
	.routes = routes,
	.n_routes = LF_N(routes),
};
