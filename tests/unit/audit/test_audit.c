/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "audit/internal.h"
#include "base/fault.h"
#include "base/text.h"

#define START_NS (INT64_C(1790000000) * LF_NS_PER_S)

struct fixture {
	char *dir;
	struct lf_clock *clock;
	struct lf_audit *audit;
};

static void reopen(struct fixture *f)
{
	struct lf_error err;

	lf_audit_free(f->audit);
	f->audit = NULL;
	assert_lf_ok(lf_audit_open(f->dir, f->clock, &f->audit, &err));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;
	struct lf_error err;

	if (!f || test_memory_dir_setup(&dir))
		return -1;
	f->dir = dir;
	f->clock = lf_clock_new_manual(START_NS);
	*state = f;
	return lf_audit_open(f->dir, f->clock, &f->audit, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_fault_set(NULL);
	lf_audit_free(f->audit);
	lf_clock_free(f->clock);
	free(f);
	return test_dir_teardown(&dir);
}

static void write_some(struct fixture *f, unsigned n)
{
	char id[64];

	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "/subscriptions/s/things/%u", i);
		lf_audit_write(f->audit, &(struct lf_audit_event){.action = "Things/write",
								  .resource = id,
								  .status = 200,
								  .principal = "me",
								  .durable = i % 3 == 0});
	}
}

static void keep_fault(void *context, const char *text)
{
	char *first = context;

	if (!first[0])
		snprintf(first, 256, "%s", text);
}

/* The first fault; "" none. */
static uint64_t verify(struct fixture *f, char first[static 256])
{
	struct lf_audit_report report = {0};
	struct lf_error err;

	first[0] = '\0';
	assert_lf_ok(lf_audit_verify(f->dir, 0, keep_fault, first, &report, &err));
	return report.faults;
}

static char *segment(const struct fixture *f, unsigned number)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/audit/%08u.jsonl", f->dir, number);
	return path;
}

static void read_segment(const struct fixture *f, unsigned number, struct lf_buf *text)
{
	struct lf_error err;

	assert_lf_ok(lf_file_read(segment(f, number), 64 << 20, text, &err));
}

static void replace(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

static int count_line(void *context, const json_t *line, struct lf_error *err)
{
	(void)line, (void)err;
	(*(unsigned *)context)++;
	return 0;
}

static unsigned count(struct fixture *f, const struct lf_audit_query *query)
{
	struct lf_error err;
	unsigned n = 0;

	assert_lf_ok(lf_audit_read(f->dir, query, count_line, &n, &err));
	return n;
}

static int keep_line(void *context, const json_t *line, struct lf_error *err)
{
	json_t **kept = context;

	(void)err;
	json_decref(*kept);
	*kept = json_deep_copy(line);
	return 0;
}

static json_t *last_line(struct fixture *f)
{
	const struct lf_audit_query all = {0};
	struct lf_error err;
	json_t *line = NULL;

	assert_lf_ok(lf_audit_read(f->dir, &all, keep_line, &line, &err));
	assert_non_null(line);
	return line;
}

static void test_audit__a_line_says_who_did_what_on_which_resource(void **state)
{
	struct fixture *f = *state;

	lf_audit_write(f->audit,
		       &(struct lf_audit_event){.action = "Things/delete",
						.resource = "/things/\"a\"\\\n\xff\xc3\xbc",
						.outcome = LF_AUDIT_REFUSED,
						.code = "AuthorizationFailed",
						.status = 403,
						.principal = "p",
						.client = "c",
						.fingerprint = "f",
						.name = "cn",
						.address = "192.0.2.1",
						.correlation = "x",
						.job = "j",
						.detail = "d"});
	LF_AUTO_JSON *line = last_line(f);
	static const char *const wanted[][2] = {{"action", "Things/delete"},
						{"resource", "/things/\"a\"\\??\xc3\xbc"},
						{"outcome", "refused"},
						{"code", "AuthorizationFailed"},
						{"principal", "p"},
						{"client", "c"},
						{"certificate", "f"},
						{"name", "cn"},
						{"address", "192.0.2.1"},
						{"correlation", "x"},
						{"job", "j"},
						{"detail", "d"},
						{"time", "2026-09-21T14:13:20.0000000Z"}};
	for (size_t i = 0; i < LF_N(wanted); i++)
		assert_string_equal(lf_json_text_or(line, wanted[i][0], ""), wanted[i][1]);
	assert_int_equal(lf_json_int_or(line, "status", 0), 403);
}

static void test_audit__a_line_is_bounded_and_stays_json(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;
	char *quotes = malloc(100001), *umlauts = malloc(100001);
	char first[256];

	memset(quotes, '"', 100000);
	for (size_t i = 0; i < 100000; i += 2)
		memcpy(umlauts + i, "\xc3\xbc", 2);
	quotes[100000] = umlauts[100000] = '\0';
	lf_audit_write(f->audit, &(struct lf_audit_event){.action = quotes,
							  .resource = quotes,
							  .code = umlauts,
							  .principal = quotes,
							  .client = quotes,
							  .fingerprint = quotes,
							  .name = umlauts,
							  .address = quotes,
							  .correlation = quotes,
							  .job = quotes,
							  .detail = umlauts});
	read_segment(f, 1, &text);
	const char *line = strchr(text.data, '\n') + 1;
	assert_true(strchr(line, '\n') - line < LF_AUDIT_LINE_MAX);
	json_decref(last_line(f));
	assert_int_equal(verify(f, first), 0);
	free(quotes);
	free(umlauts);
}

static void test_audit__a_log_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_state now;
	char first[256];

	write_some(f, 5);
	reopen(f);
	write_some(f, 5);
	lf_audit_state(f->audit, &now);
	assert_string_equal(now.found, "");
	assert_string_equal(now.problem, "");
	assert_int_equal(now.seq, 11); /* and the beginning of the segment */
	assert_int_equal(verify(f, first), 0);
	assert_int_equal(count(f, &(struct lf_audit_query){0}), 10);
}

static void test_audit__every_byte_that_is_changed_is_found(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;
	char first[256];

	write_some(f, 4);
	read_segment(f, 1, &text);
	for (size_t i = 0; i < text.len; i++) {
		char was = text.data[i];
		text.data[i] = (char)(was ^ (1 << i % 8));
		replace(segment(f, 1), text.data, text.len);
		if (!verify(f, first))
			fail_msg("byte %zu", i);
		text.data[i] = was;
	}
	replace(segment(f, 1), text.data, text.len);
	assert_int_equal(verify(f, first), 0);
}

static void test_audit__a_report_counts_all_faults_and_shows_the_first(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *good = NULL, *bad = NULL;
	struct lf_error err;

	write_some(f, 4);
	assert_lf_ok(lf_audit_verify_report(f->dir, 0, 1, &good, &err));
	assert_int_equal(lf_json_int_or(good, "lines", 0), 5);
	assert_int_equal(lf_json_int_or(good, "faultCount", -1), 0);
	assert_int_equal(json_array_size(json_object_get(good, "faults")), 0);
	read_segment(f, 1, &text);
	for (char *line = strchr(text.data, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
		line[1] = '!';
	replace(segment(f, 1), text.data, text.len);
	assert_lf_ok(lf_audit_verify_report(f->dir, 0, 1, &bad, &err));
	assert_true(lf_json_int_or(bad, "faultCount", 0) > 1);
	assert_int_equal(json_array_size(json_object_get(bad, "faults")), 1);
}

/* Where line number n (from 0) begins. */
static size_t line_at(const struct lf_buf *text, unsigned n)
{
	const char *p = text->data;

	while (n--)
		p = strchr(p, '\n') + 1;
	return (size_t)(p - text->data);
}

static void test_audit__lines_left_out_moved_or_doubled_are_found(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;
	char first[256];

	write_some(f, 5);
	lf_audit_tend(f->audit);
	read_segment(f, 1, &text);
	size_t two = line_at(&text, 2), three = line_at(&text, 3), four = line_at(&text, 4);
	LF_AUTO_BUF out = LF_BUF_INIT;
	lf_buf_append(&out, text.data, two);
	lf_buf_append(&out, text.data + three, text.len - three);
	replace(segment(f, 1), out.data, out.len);
	assert_true(verify(f, first) > 0);
	lf_buf_clear(&out);
	lf_buf_append(&out, text.data, two);
	lf_buf_append(&out, text.data + three, four - three);
	lf_buf_append(&out, text.data + two, three - two);
	lf_buf_append(&out, text.data + four, text.len - four);
	replace(segment(f, 1), out.data, out.len);
	assert_true(verify(f, first) > 0);
	lf_buf_clear(&out);
	lf_buf_append(&out, text.data, three);
	lf_buf_append(&out, text.data + two, text.len - two);
	replace(segment(f, 1), out.data, out.len);
	assert_true(verify(f, first) > 0);
}

static void test_audit__every_cut_of_the_end_is_found(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;
	char first[256];

	write_some(f, 4);
	lf_audit_tend(f->audit);
	read_segment(f, 1, &text);
	for (size_t len = 0; len < text.len; len++) {
		replace(segment(f, 1), text.data, len);
		if (!verify(f, first))
			fail_msg("cut to %zu", len);
	}
}

static void test_audit__a_line_that_a_kill_cut_is_taken_away_and_said(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;
	char first[256];

	write_some(f, 4);
	lf_audit_free(f->audit);
	f->audit = NULL;
	read_segment(f, 1, &text);
	lf_buf_puts(&text, "{\"seq\":6,\"time\":\"20");
	replace(segment(f, 1), text.data, text.len);
	reopen(f);
	LF_AUTO_JSON *line = last_line(f);
	assert_string_equal(lf_json_text_or(line, "action", ""), "Landfall/audit/repaired");
	assert_int_equal(verify(f, first), 0);
	write_some(f, 3);
	assert_int_equal(verify(f, first), 0);
}

/* Kill without the last sync: the file has lines that the head does not know yet. */
static void test_audit__lines_after_the_head_are_kept(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF head = LF_BUF_INIT;
	struct lf_audit_state now;
	char path[256], first[256];
	struct lf_error err;

	write_some(f, 4);
	snprintf(path, sizeof(path), "%s/keys/audit.head", f->dir);
	assert_lf_ok(lf_file_read(path, 65536, &head, &err));
	write_some(f, 3);
	lf_audit_free(f->audit);
	f->audit = NULL;
	replace(path, head.data, head.len);
	reopen(f);
	lf_audit_state(f->audit, &now);
	assert_string_equal(now.found, "");
	assert_int_equal(now.seq, 8);
	assert_int_equal(verify(f, first), 0);
}

static void damage_and_reopen(struct fixture *f, const struct lf_buf *text, size_t len)
{
	struct lf_audit_state now;
	char first[256];

	lf_audit_free(f->audit);
	f->audit = NULL;
	replace(segment(f, 1), text->data, len);
	reopen(f);
	lf_audit_state(f->audit, &now);
	assert_string_not_equal(now.found, "");
	LF_AUTO_JSON *line = last_line(f);
	assert_string_equal(lf_json_text_or(line, "action", ""), "Landfall/audit/damaged");
	/* what was found is left as it is, and the log goes on beside it */
	LF_AUTO_BUF kept = LF_BUF_INIT;
	read_segment(f, 1, &kept);
	assert_int_equal(kept.len, len);
	assert_memory_equal(kept.data, text->data, len);
	write_some(f, 2);
	assert_true(verify(f, first) > 0);
}

static void test_audit__a_changed_log_is_left_and_the_start_says_so(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;

	write_some(f, 4);
	read_segment(f, 1, &text);
	text.data[line_at(&text, 2) + 40] ^= 1;
	damage_and_reopen(f, &text, text.len);
}

static void test_audit__a_log_cut_at_its_end_is_left_and_the_start_says_so(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_BUF text = LF_BUF_INIT;

	write_some(f, 4);
	lf_audit_tend(f->audit);
	read_segment(f, 1, &text);
	damage_and_reopen(f, &text, line_at(&text, 3));
}

static void test_audit__a_missing_head_is_said(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_state now;
	char path[256];

	write_some(f, 4);
	lf_audit_free(f->audit);
	f->audit = NULL;
	snprintf(path, sizeof(path), "%s/keys/audit.head", f->dir);
	assert_int_equal(unlink(path), 0);
	reopen(f);
	lf_audit_state(f->audit, &now);
	assert_string_not_equal(now.found, "");
}

static void test_audit__a_missing_log_is_said(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_state now;

	write_some(f, 4);
	lf_audit_free(f->audit);
	f->audit = NULL;
	assert_int_equal(unlink(segment(f, 1)), 0);
	reopen(f);
	lf_audit_state(f->audit, &now);
	assert_string_not_equal(now.found, "");
	assert_true(now.seq > 5); /* numbers are not given twice */
}

static void test_audit__without_its_key_a_log_is_not_begun_anew(void **state)
{
	struct fixture *f = *state;
	struct lf_error err;
	char path[256];

	write_some(f, 4);
	lf_audit_free(f->audit);
	f->audit = NULL;
	snprintf(path, sizeof(path), "%s/keys/audit.key", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(lf_audit_open(f->dir, f->clock, &f->audit, &err), LF_ENOTFOUND);
	assert_string_equal(err.arm_code, "AuditKeyMissing");
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_audit__a_log_and_head_that_are_gone_are_missed(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_state now;
	struct lf_error err;
	char path[256];

	write_some(f, 4);
	lf_audit_free(f->audit);
	f->audit = NULL;
	snprintf(path, sizeof(path), "%s/audit", f->dir);
	assert_lf_ok(lf_dir_remove(path, &err));
	snprintf(path, sizeof(path), "%s/keys/audit.head", f->dir);
	assert_int_equal(unlink(path), 0);
	reopen(f);
	lf_audit_state(f->audit, &now);
	assert_string_not_equal(now.found, "");
}

static void test_audit__a_log_whose_key_is_given_up_is_kept_beside(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_state now;
	struct lf_error err;
	char path[256], first[256], id[65];

	write_some(f, 4);
	lf_audit_free(f->audit);
	f->audit = NULL;
	snprintf(path, sizeof(path), "%s/keys/audit.key", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_lf_ok(lf_audit_key_id(f->dir, id, &err));
	assert_string_equal(id, "");
	assert_lf_ok(lf_audit_give_up(f->dir, &err));
	reopen(f);
	write_some(f, 1);
	lf_audit_state(f->audit, &now);
	assert_string_equal(now.found, "");
	assert_int_equal(verify(f, first), 0);
	snprintf(path, sizeof(path), "%s/audit.lost/00000001.jsonl", f->dir);
	assert_int_equal(access(path, F_OK), 0);
	assert_lf_ok(lf_audit_key_id(f->dir, id, &err));
	assert_int_equal(strlen(id), 64);
}

static void test_audit__another_key_rewrites_nothing(void **state)
{
	struct fixture *f = *state;
	char path[256], first[256];

	write_some(f, 4);
	snprintf(path, sizeof(path), "%s/keys/audit.key", f->dir);
	replace(path, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64);
	assert_true(verify(f, first) > 4);
}

static void test_audit__segments_end_and_the_oldest_go(void **state)
{
	struct fixture *f = *state;
	char detail[512], first[256];
	struct stat st;

	memset(detail, 'x', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	f->audit->segment_bytes = 8192;
	unsigned n = (LF_AUDIT_SEGMENTS + 2) * 8192 / 620;
	for (unsigned i = 0; i < n; i++)
		lf_audit_write(f->audit, &(struct lf_audit_event){.action = "a", .detail = detail});
	lf_audit_tend(f->audit);
	assert_int_not_equal(stat(segment(f, 1), &st), 0);
	assert_int_equal(stat(segment(f, LF_AUDIT_SEGMENTS), &st), 0);
	assert_in_range(st.st_size, 8192, 8192 + LF_AUDIT_LINE_MAX);
	assert_int_equal(verify(f, first), 0);
	assert_string_equal(first, "");
	reopen(f);
	assert_int_equal(verify(f, first), 0);
	/* one more that goes is missed */
	unsigned oldest = 1;
	while (stat(segment(f, oldest), &st))
		oldest++;
	assert_int_equal(unlink(segment(f, oldest)), 0);
	assert_true(verify(f, first) > 0);
	struct lf_audit_state now;
	reopen(f);
	lf_audit_state(f->audit, &now);
	assert_string_not_equal(now.found, "");
}

static void test_audit__a_full_disk_fails_nobody_and_is_said(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_state now;
	char first[256];

	write_some(f, 2);
	lf_fault_set("audit-write=enospc");
	write_some(f, 5);
	lf_audit_state(f->audit, &now);
	assert_int_equal(now.lost, 5);
	assert_string_not_equal(now.problem, "");
	lf_fault_set(NULL);
	write_some(f, 1);
	lf_audit_state(f->audit, &now);
	assert_int_equal(now.lost, 0);
	assert_string_equal(now.problem, "");
	assert_int_equal(verify(f, first), 0);
	assert_int_equal(count(f, &(struct lf_audit_query){.outcome = "failed"}), 1);
	assert_int_equal(count(f, &(struct lf_audit_query){0}), 4);
}

static void test_audit__a_write_that_stops_half_way_leaves_no_half_line(void **state)
{
	struct fixture *f = *state;
	char first[256];

	write_some(f, 2);
	lf_fault_set("file-short=eio,file-write=eio@2");
	write_some(f, 1);
	lf_fault_set(NULL);
	write_some(f, 2);
	assert_int_equal(verify(f, first), 0);
	reopen(f);
	assert_int_equal(verify(f, first), 0);
}

static void test_audit__nobody_is_counted_when_there_is_too_much(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_event event = {.action = "Landfall/signIn/action",
				       .outcome = LF_AUDIT_REFUSED,
				       .address = "192.0.2.7",
				       .nobody = true};

	for (unsigned i = 0; i < 1000; i++)
		lf_audit_write(f->audit, &event);
	unsigned written = count(f, &(struct lf_audit_query){0});
	assert_in_range(written, 10, 30);
	event.address = "192.0.2.8"; /* others are not shut out by it */
	lf_audit_write(f->audit, &event);
	assert_int_equal(count(f, &(struct lf_audit_query){0}), written + 1);
	lf_clock_step(f->clock, 61 * LF_NS_PER_S);
	lf_audit_tend(f->audit);
	LF_AUTO_JSON *line = last_line(f);
	assert_string_equal(lf_json_text_or(line, "action", ""), "Landfall/audit/counted");
	assert_non_null(strstr(lf_json_text_or(line, "detail", ""), "980 lines"));
	assert_non_null(strstr(lf_json_text_or(line, "detail", ""), "192.0.2.7"));
	assert_int_equal(1000 - written, 980);
}

/* Who has a small right cannot push out what others did, either; nor does it share with nobody. */
static void test_audit__guests_are_counted_when_there_is_too_much(void **state)
{
	struct fixture *f = *state;
	struct lf_audit_event event = {
		.action = "Landfall/storage/blobs/write", .address = "192.0.2.7", .guest = true};

	for (unsigned i = 0; i < 5000; i++)
		lf_audit_write(f->audit, &event);
	assert_in_range(count(f, &(struct lf_audit_query){0}), 1000, 1010);
	event.guest = false;
	event.nobody = true;
	event.outcome = LF_AUDIT_REFUSED;
	lf_audit_write(f->audit, &event);
	assert_int_equal(count(f, &(struct lf_audit_query){.outcome = "refused"}), 1);
	event.nobody = false; /* the owner's are all written */
	for (unsigned i = 0; i < 50; i++)
		lf_audit_write(f->audit, &event);
	assert_int_equal(count(f, &(struct lf_audit_query){.outcome = "refused"}), 51);
}

static void test_audit__nobody_with_many_addresses_is_bounded_too(void **state)
{
	struct fixture *f = *state;
	char address[64];

	for (unsigned day = 0; day < 24; day++, lf_clock_step(f->clock, 3600 * LF_NS_PER_S))
		for (unsigned i = 0; i < 3000; i++) {
			snprintf(address, sizeof(address), "2001:db8:%x:%x::1", day, i);
			lf_audit_write(f->audit, &(struct lf_audit_event){.action = "x",
									  .address = address,
									  .nobody = true});
		}
	assert_true(count(f, &(struct lf_audit_query){0}) < 10000);
}

static void *write_many(void *context)
{
	write_some(context, 200);
	return NULL;
}

static void test_audit__threads_share_one_chain(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[6];
	char first[256];

	for (size_t i = 0; i < LF_N(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, f), 0);
	for (size_t i = 0; i < LF_N(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(count(f, &(struct lf_audit_query){0}), 1200);
	assert_int_equal(verify(f, first), 0);
}

static void test_audit__is_read_by_who_what_when_and_outcome(void **state)
{
	struct fixture *f = *state;

	lf_audit_write(f->audit, &(struct lf_audit_event){.action = "a",
							  .resource = "/subscriptions/s/x",
							  .principal = "one"});
	lf_clock_step(f->clock, 100 * LF_NS_PER_S);
	lf_audit_write(f->audit, &(struct lf_audit_event){.action = "b",
							  .resource = "/subscriptions/s/xy",
							  .client = "two",
							  .outcome = LF_AUDIT_REFUSED});
	assert_int_equal(count(f, &(struct lf_audit_query){.principal = "ONE"}), 1);
	assert_int_equal(count(f, &(struct lf_audit_query){.principal = "two"}), 1);
	assert_int_equal(count(f, &(struct lf_audit_query){.resource = "/subscriptions/S/X"}), 1);
	assert_int_equal(count(f, &(struct lf_audit_query){.resource = "/subscriptions/s"}), 2);
	assert_int_equal(count(f, &(struct lf_audit_query){.outcome = "refused"}), 1);
	assert_int_equal(
		count(f, &(struct lf_audit_query){.since_ns = START_NS + 50 * LF_NS_PER_S}), 1);
	assert_int_equal(
		count(f, &(struct lf_audit_query){.until_ns = START_NS + 50 * LF_NS_PER_S}), 1);
	assert_int_equal(count(f, &(struct lf_audit_query){.after = 2}), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_audit__a_line_says_who_did_what_on_which_resource),
		TEST(test_audit__a_line_is_bounded_and_stays_json),
		TEST(test_audit__a_log_goes_on_where_it_was),
		TEST(test_audit__every_byte_that_is_changed_is_found),
		TEST(test_audit__a_report_counts_all_faults_and_shows_the_first),
		TEST(test_audit__lines_left_out_moved_or_doubled_are_found),
		TEST(test_audit__every_cut_of_the_end_is_found),
		TEST(test_audit__a_line_that_a_kill_cut_is_taken_away_and_said),
		TEST(test_audit__lines_after_the_head_are_kept),
		TEST(test_audit__a_changed_log_is_left_and_the_start_says_so),
		TEST(test_audit__a_log_cut_at_its_end_is_left_and_the_start_says_so),
		TEST(test_audit__a_missing_head_is_said),
		TEST(test_audit__a_missing_log_is_said),
		TEST(test_audit__without_its_key_a_log_is_not_begun_anew),
		TEST(test_audit__a_log_and_head_that_are_gone_are_missed),
		TEST(test_audit__a_log_whose_key_is_given_up_is_kept_beside),
		TEST(test_audit__another_key_rewrites_nothing),
		TEST(test_audit__segments_end_and_the_oldest_go),
		TEST(test_audit__a_full_disk_fails_nobody_and_is_said),
		TEST(test_audit__a_write_that_stops_half_way_leaves_no_half_line),
		TEST(test_audit__nobody_is_counted_when_there_is_too_much),
		TEST(test_audit__guests_are_counted_when_there_is_too_much),
		TEST(test_audit__nobody_with_many_addresses_is_bounded_too),
		TEST(test_audit__threads_share_one_chain),
		TEST(test_audit__is_read_by_who_what_when_and_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
