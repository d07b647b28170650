/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a log: is it as it was written, and what does it say. */
#include <stdlib.h>
#include <string.h>

#include "audit/internal.h"
#include "json/doc.h"

struct verify {
	uint8_t key[MAC_SIZE];
	struct audit_head head;
	uint64_t upto;
	struct audit_point last;
	lf_audit_fault_fn *fault;
	void *context;
	struct lf_audit_report report;
};

static void say(struct verify *verify, const char *fmt, ...) LF_PRINTF(2, 3);
static void say(struct verify *verify, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	verify->report.faults++;
	if (verify->fault)
		verify->fault(verify->context, text);
}

/* One line; number: in its segment, from 1. */
static void verify_line(struct verify *verify, const char *line, size_t len, uint64_t segment,
			uint64_t number)
{
	unsigned long long at = segment, which = number;
	uint8_t prev[MAC_SIZE];
	struct audit_point point;

	memcpy(prev, verify->last.mac, MAC_SIZE);
	if (number == 1 && !lf_audit_line_prev(line, len, prev))
		say(verify, "segment %llu does not say what it follows", at);
	bool holds = lf_audit_line_holds(line, len, verify->key, prev, &point);
	if (verify->upto && point.seq > verify->upto)
		return;
	bool first = verify->report.lines == 0;
	verify->report.lines++;
	if (!holds)
		say(verify, "line %llu of segment %llu is not as it was written", which, at);
	else if (!first && point.seq != verify->last.seq + 1)
		say(verify, "lines %llu to %llu are missing before line %llu of segment %llu",
		    (unsigned long long)verify->last.seq + 1, (unsigned long long)point.seq - 1,
		    which, at);
	else if (!first && memcmp(prev, verify->last.mac, MAC_SIZE) != 0)
		say(verify, "segment %llu does not follow the one before it", at);
	if (verify->head.known && point.seq == verify->head.point.seq &&
	    memcmp(point.mac, verify->head.point.mac, MAC_SIZE) != 0)
		say(verify, "line %llu of segment %llu is not the one that the head names", which,
		    at);
	if (first)
		verify->report.first = point.seq;
	/* what follows is looked at beside what this line says of itself */
	if (holds || point.seq == verify->last.seq + 1)
		verify->last = point;
}

static int verify_segment(struct verify *verify, const char *data_dir, uint64_t segment,
			  struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	uint64_t number = 0;

	int rc = lf_audit_segment_read(data_dir, segment, &text, err);
	if (rc == LF_ENOTFOUND) {
		say(verify, "segment %llu is missing", (unsigned long long)segment);
		return 0;
	}
	verify->report.segments++;
	for (const char *p = text.data, *end; !rc && p < text.data + text.len; p = end + 1) {
		end = memchr(p, '\n', (size_t)(text.data + text.len - p));
		if (!end && !verify->upto)
			say(verify, "the last line of segment %llu is cut",
			    (unsigned long long)segment);
		if (!end)
			break;
		verify_line(verify, p, (size_t)(end - p), segment, ++number);
	}
	return rc;
}

int lf_audit_verify(const char *data_dir, uint64_t upto, lf_audit_fault_fn *fault, void *context,
		    struct lf_audit_report *ret_report, struct lf_error *err)
{
	struct verify verify = {.upto = upto, .fault = fault, .context = context};
	uint64_t first, last;

	int rc = lf_audit_key_read(data_dir, verify.key, err);
	if (!rc)
		rc = lf_audit_head_read(data_dir, verify.key, &verify.head, err);
	if (!rc)
		rc = lf_audit_segments_find(data_dir, &first, &last, err);
	if (rc)
		return rc;
	if (!verify.head.known)
		say(&verify, "the head (keys/audit.head) is missing or is not as it was written");
	else if (first > verify.head.first_segment)
		say(&verify, "the log begins with segment %llu, and had %llu",
		    (unsigned long long)first, (unsigned long long)verify.head.first_segment);
	else
		first = verify.head.first_segment;
	for (uint64_t i = first; !rc && i && i <= last; i++)
		rc = verify_segment(&verify, data_dir, i, err);
	if (rc)
		return rc;
	if (verify.head.known && verify.last.seq < verify.head.point.seq)
		say(&verify, "lines are missing after %llu: the log had %llu",
		    (unsigned long long)verify.last.seq, (unsigned long long)verify.head.point.seq);
	verify.report.last = verify.last.seq;
	lf_hex_encode(verify.last.mac, MAC_SIZE, verify.report.head);
	*ret_report = verify.report;
	return 0;
}

/* Reading. */

struct read {
	const struct lf_audit_query *query;
	char since[LF_TIME_SIZE], until[LF_TIME_SIZE];
	lf_audit_visit_fn *visit;
	void *context;
};

static bool is_one_of(const json_t *line, const char *wanted)
{
	static const char *const names[] = {"principal", "client", "name"};
	bool found = false;

	for (size_t i = 0; i < LF_N(names); i++)
		found |= lf_text_equal_nocase(lf_json_text_or(line, names[i], ""), wanted);
	return found;
}

static bool is_below(const char *id, const char *of)
{
	size_t len = strlen(of);

	return lf_text_starts_nocase(id, of) && (!id[len] || id[len] == '/' || of[len - 1] == '/');
}

static bool wanted(const struct read *read, const json_t *line)
{
	const struct lf_audit_query *query = read->query;
	const char *time = lf_json_text_or(line, "time", "");

	if (strcmp(lf_json_text_or(line, "action", ""), BEGIN_ACTION) == 0 ||
	    lf_json_int_or(line, "seq", 0) <= (int64_t)query->after ||
	    (query->since_ns && strcmp(time, read->since) < 0) ||
	    (query->until_ns && strcmp(time, read->until) > 0) ||
	    (query->principal && !is_one_of(line, query->principal)) ||
	    (query->outcome && strcmp(lf_json_text_or(line, "outcome", ""), query->outcome) != 0))
		return false;
	if (query->correlation &&
	    !lf_text_equal_nocase(lf_json_text_or(line, "correlation", ""), query->correlation))
		return false;
	return !query->resource || !query->resource[0] ||
	       is_below(lf_json_text_or(line, "resource", ""), query->resource);
}

/* Lines that are no JSON are passed over: lf_audit_verify() is for those. */
static int read_segment(const struct read *read, const struct lf_buf *text, struct lf_error *err)
{
	int rc = 0;

	for (const char *p = text->data, *end; !rc && p < text->data + text->len; p = end + 1) {
		LF_AUTO_JSON *line = NULL;
		struct lf_error ignored;
		end = memchr(p, '\n', (size_t)(text->data + text->len - p));
		if (!end)
			return 0;
		if (!lf_json_parse(p, (size_t)(end - p), &line, &ignored) && wanted(read, line))
			rc = read->visit(read->context, line, err);
	}
	return rc;
}

/* The first sequence number of a segment; UINT64_MAX: it is not there. */
static uint64_t first_seq(const char *data_dir, uint64_t segment)
{
	LF_AUTO_FREE char *path = lf_audit_segment_path(data_dir, segment);
	FILE *file = path ? fopen(path, "re") : NULL;
	unsigned long long seq = UINT64_MAX;

	if (file && fscanf(file, "{\"seq\":%20llu", &seq) != 1)
		seq = UINT64_MAX;
	if (file)
		fclose(file);
	return seq;
}

int lf_audit_read(const char *data_dir, const struct lf_audit_query *query,
		  lf_audit_visit_fn *visit, void *context, struct lf_error *err)
{
	struct read read = {.query = query, .visit = visit, .context = context};
	uint64_t first, last;

	lf_time_format(query->since_ns, read.since);
	lf_time_format(query->until_ns, read.until);
	int rc = lf_audit_segments_find(data_dir, &first, &last, err);
	for (uint64_t i = first; !rc && i && i <= last; i++) {
		LF_AUTO_BUF text = LF_BUF_INIT;
		/* nothing of this one is wanted where the next begins with what has been seen */
		if (i < last && first_seq(data_dir, i + 1) <= query->after)
			continue;
		rc = lf_audit_segment_read(data_dir, i, &text, err);
		if (rc == LF_ENOTFOUND) /* it went while we were reading */
			rc = 0;
		else if (!rc)
			rc = read_segment(&read, &text, err);
	}
	return rc;
}

struct texts {
	json_t *array;
	size_t max;
};

static void take_text(void *context, const char *text)
{
	const struct texts *texts = context;

	if (json_array_size(texts->array) < texts->max)
		json_array_append_new(texts->array, json_string(text));
}

int lf_audit_verify_report(const char *data_dir, uint64_t upto, size_t faults_max,
			   json_t **ret_report, struct lf_error *err)
{
	LF_AUTO_JSON *faults = json_array();
	struct texts texts = {faults, faults_max};
	struct lf_audit_report found = {0};
	LF_AUTO_DOC doc = LF_DOC_INIT;

	int rc = faults ? lf_audit_verify(data_dir, upto, take_text, &texts, &found, err)
			: lf_fail_nomem(err);
	if (rc)
		return rc;
	lf_doc_int(&doc, "segments", (int64_t)found.segments);
	lf_doc_int(&doc, "lines", (int64_t)found.lines);
	lf_doc_int(&doc, "first", (int64_t)found.first);
	lf_doc_int(&doc, "last", (int64_t)found.last);
	lf_doc_text(&doc, "head", found.head);
	lf_doc_int(&doc, "faultCount", (int64_t)found.faults);
	lf_doc_share(&doc, "faults", faults);
	return lf_doc_end(&doc, ret_report, err);
}
