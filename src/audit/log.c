/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines into the newest segment, one chained to the other.
 *
 * A line goes into the page cache under the mutex; who needs it durable waits
 * for one sync that serves all who wait, after which the head follows.  A
 * segment that is full is synced before the next begins, which comes whole
 * with its first line; then the head, then the oldest segment goes.
 *
 * A kill leaves a line that is cut short: it is cut off at the next start, and
 * a line says so.  What is otherwise not as it was written stays as it is,
 * raises a health condition, and the log goes on in a new segment after it. 
 * Lines that cannot be written are counted, and one line says how many were
 * lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/internal.h"
#include "base/counters.h"
#include "base/fault.h"
#include "base/health.h"
#include "base/lock.h"
#include "os/file.h"

/* Where the newest segment stands, and whether it is as it was written. */
struct look {
	struct audit_point last;
	uint64_t good; /* bytes of lines that hold */
	uint64_t cut;  /* bytes of a line that was not finished, after them */
	bool changed;
};

static void look_at(const struct lf_buf *text, const struct audit_head *head,
		    const uint8_t key[static MAC_SIZE], struct look *look)
{
	uint8_t prev[MAC_SIZE] = {0};
	struct audit_point point;

	while (look->good < text->len) {
		const char *line = text->data + look->good;
		size_t left = text->len - look->good;
		const char *end = memchr(line, '\n', left);
		if (!end) {
			look->cut = left;
			return;
		}
		size_t len = (size_t)(end - line);
		if (!look->good && !lf_audit_line_prev(line, len, prev))
			break;
		if (!lf_audit_line_holds(line, len, key, prev, &point) ||
		    (look->good && point.seq != look->last.seq + 1) ||
		    (head->known && point.seq == head->point.seq &&
		     memcmp(point.mac, head->point.mac, MAC_SIZE) != 0))
			break;
		look->last = point;
		look->good += len + 1;
		memcpy(prev, point.mac, MAC_SIZE);
	}
	look->changed = look->good < text->len;
}

/* A new segment after the one there is, whole with its first line before it has its name. */
LF_REQUIRES(lf_audit_lock)
static int begin_segment(struct lf_audit *audit, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_audit_segment_path(audit->data_dir, audit->segment + 1);
	const struct lf_audit_event event = {.action = BEGIN_ACTION};
	struct audit_point point = audit->last;
	LF_AUTO_BUF members = LF_BUF_INIT;
	LF_AUTO_BUF line = LF_BUF_INIT;
	char prev[2 * MAC_SIZE + 1];

	lf_hex_encode(point.mac, MAC_SIZE, prev);
	lf_audit_line_members(&members, &event, lf_clock_now_ns(audit->clock));
	lf_buf_printf(&members, ",\"segment\":%llu,\"prev\":\"%s\"",
		      (unsigned long long)audit->segment + 1, prev);
	lf_audit_line_seal(&line, audit->key, &point, lf_buf_text(&members));
	if (!path || members.failed || line.failed)
		return lf_fail_nomem(err);
	int fault = LF_FAULT("audit-write");
	int rc = fault ? lf_fail_sys(err, fault, path, "cannot write %s", path)
		       : lf_file_write_durable(path, line.data, line.len, 0600, err);
	if (rc)
		return rc;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	/* room is kept for the whole segment, so that a full disk leaves it some */
	(void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)LF_AUDIT_SEGMENT);
	if (audit->fd >= 0)
		close(audit->fd);
	audit->fd = fd;
	audit->segment++;
	audit->length = line.len;
	audit->last = point;
	audit->synced = point;
	return 0;
}

LF_REQUIRES(lf_audit_lock)
static int write_head(struct lf_audit *audit, bool durable, struct lf_error *err)
{
	const struct audit_head head = {.point = audit->synced,
					.first_segment = audit->first_segment};

	audit->slot = !audit->slot;
	return lf_audit_head_write(audit->data_dir, audit->key, &head, audit->slot, durable, err);
}

/* The oldest goes: the head says first that it is no longer missed. */
LF_REQUIRES(lf_audit_lock)
static int drop_oldest(struct lf_audit *audit, struct lf_error *err)
{
	int rc = 0;

	while (!rc && audit->segment - audit->first_segment >= LF_AUDIT_SEGMENTS) {
		LF_AUTO_FREE char *path =
			lf_audit_segment_path(audit->data_dir, audit->first_segment);
		audit->first_segment++;
		rc = path ? write_head(audit, true, err) : lf_fail_nomem(err);
		if (!rc)
			rc = lf_file_remove(path, err);
	}
	return rc;
}

/* Nobody syncs the segment that is left. */
LF_REQUIRES(lf_audit_lock)
static int rotate(struct lf_audit *audit, struct lf_error *err)
{
	while (audit->syncing)
		pthread_cond_wait(&audit->synced_more, &audit->mutex);
	int rc = audit->fd >= 0 ? lf_file_sync(audit->fd, "audit", err) : 0;

	if (!rc)
		rc = begin_segment(audit, err);
	if (!rc)
		rc = write_head(audit, false, err);
	return rc ? rc : drop_oldest(audit, err);
}

LF_REQUIRES(lf_audit_lock)
static int append(struct lf_audit *audit, const char *members, struct lf_error *err)
{
	LF_AUTO_BUF line = LF_BUF_INIT;
	int rc = audit->fd < 0 || audit->length >= audit->segment_bytes ? rotate(audit, err) : 0;

	if (rc)
		return rc;
	struct audit_point point = audit->last;
	lf_audit_line_seal(&line, audit->key, &point, members);
	if (line.failed)
		return lf_fail_nomem(err);
	int fault = LF_FAULT("audit-write");
	rc = fault ? lf_fail_sys(err, fault, "audit", "cannot write the audit log")
		   : lf_file_pwrite_all(audit->fd, line.data, line.len, audit->length, "audit",
					err);
	if (rc) { /* what is there of the line is written over by the next one */
		(void)!ftruncate(audit->fd, (off_t)audit->length);
		return rc;
	}
	audit->length += line.len;
	audit->last = point;
	audit->state.lines++;
	return 0;
}

LF_REQUIRES(lf_audit_lock)
static void note(struct lf_audit *audit, int rc, const struct lf_error *err)
{
	audit->state.problem[0] = '\0';
	if (!rc) {
		lf_health_clear("audit-log", NULL);
		return;
	}
	lf_health_raise("audit-log", NULL, "the audit log cannot be written: %s", err->message);
	snprintf(audit->state.problem, sizeof(audit->state.problem), "%.380s", err->message);
	lf_count("audit_errors", NULL, 1);
}

/* Lines that were lost come first, as one. */
LF_REQUIRES(lf_audit_lock)
static int append_lost(struct lf_audit *audit, struct lf_error *err)
{
	LF_AUTO_BUF members = LF_BUF_INIT;
	char detail[96];
	const struct lf_audit_event event = {
		.action = "Landfall/audit/lost", .outcome = LF_AUDIT_FAILED, .detail = detail};

	snprintf(detail, sizeof(detail), "%llu lines could not be written",
		 (unsigned long long)audit->state.lost);
	lf_audit_line_members(&members, &event, lf_clock_now_ns(audit->clock));
	int rc = members.failed ? lf_fail_nomem(err) : append(audit, members.data, err);
	if (!rc)
		audit->state.lost = 0;
	return rc;
}

/* Everything up to seq survives a power cut after this; one thread syncs for all that wait. */
LF_REQUIRES(lf_audit_lock)
static int sync_to(struct lf_audit *audit, uint64_t seq, struct lf_error *err)
{
	int rc = 0;

	while (!rc && audit->synced.seq < seq) {
		if (audit->syncing) {
			pthread_cond_wait(&audit->synced_more, &audit->mutex);
			continue;
		}
		struct audit_point upto = audit->last;
		int fd = audit->fd; /* rotate() leaves it alone while somebody syncs */
		audit->syncing = true;
		lf_unlock(&audit->mutex, lf_audit_lock);
		rc = lf_file_sync(fd, "audit", err);
		lf_lock(&audit->mutex, lf_audit_lock);
		audit->syncing = false;
		if (!rc) {
			audit->synced = upto;
			rc = write_head(audit, false, err);
		}
		pthread_cond_broadcast(&audit->synced_more);
	}
	return rc;
}

LF_REQUIRES(lf_audit_lock)
static void write_members(struct lf_audit *audit, const struct lf_buf *members, bool durable)
{
	struct lf_error err = LF_ERROR_NONE;
	int rc = members->failed ? lf_fail_nomem(&err) : 0;

	if (!rc && audit->state.lost)
		rc = append_lost(audit, &err);
	if (!rc)
		rc = append(audit, members->data, &err);
	if (rc) {
		audit->state.lost++;
		lf_count("audit_lines_lost", NULL, 1);
	}
	if (!rc && durable)
		rc = sync_to(audit, audit->last.seq, &err);
	note(audit, rc, &err);
}

static const char *outcome_text(enum lf_audit_outcome outcome)
{
	static const char *const texts[] = {"allowed", "refused", "failed"};

	return texts[outcome];
}

void lf_audit_write(struct lf_audit *audit, const struct lf_audit_event *event)
{
	LF_AUTO_BUF members = LF_BUF_INIT;

	if (!audit)
		return;
	lf_count("audit_events", outcome_text(event->outcome), 1);
	int64_t now_ns = lf_clock_now_ns(audit->clock);
	lf_audit_line_members(&members, event, now_ns);
	LF_GUARD(&audit->mutex, lf_audit_lock);
	if ((event->nobody || event->guest) &&
	    !lf_audit_limit_take(&audit->limit, event->address, !event->nobody, now_ns)) {
		audit->state.counted++;
		return;
	}
	write_members(audit, &members, event->durable);
}

void lf_audit_tend(struct lf_audit *audit)
{
	LF_AUTO_BUF members = LF_BUF_INIT;
	struct lf_error err = LF_ERROR_NONE;
	char detail[160];
	const struct lf_audit_event event = {
		.action = "Landfall/audit/counted", .outcome = LF_AUDIT_REFUSED, .detail = detail};

	if (!audit)
		return;
	int64_t now_ns = lf_clock_now_ns(audit->clock);
	LF_GUARD(&audit->mutex, lf_audit_lock);
	if (lf_audit_limit_say(&audit->limit, now_ns, detail, sizeof(detail))) {
		lf_audit_line_members(&members, &event, now_ns);
		write_members(audit, &members, false);
	}
	if (audit->synced.seq < audit->last.seq)
		note(audit, sync_to(audit, audit->last.seq, &err), &err);
}

void lf_audit_state(struct lf_audit *audit, struct lf_audit_state *ret_state)
{
	LF_GUARD(&audit->mutex, lf_audit_lock);
	*ret_state = audit->state;
	ret_state->seq = audit->last.seq;
}

/* Opening. */

/* The head is there before the key: who has a key misses a head that is not there. */
LF_REQUIRES(lf_audit_lock)
static int begin_log(struct lf_audit *audit, struct lf_error *err)
{
	LF_AUTO_FREE char *keys = lf_printf_dup("%s/keys", audit->data_dir);

	audit->first_segment = 1;
	if (!keys)
		return lf_fail_nomem(err);
	int rc = RAND_bytes(audit->key, MAC_SIZE) == 1
			 ? lf_dir_make(keys, 0700, err)
			 : lf_fail(err, LF_EINTERNAL, NULL, "there are no random numbers");
	if (!rc)
		rc = write_head(audit, true, err);
	return rc ? rc : lf_audit_key_write(audit->data_dir, audit->key, err);
}

LF_REQUIRES(lf_audit_lock)
static int load_key(struct lf_audit *audit, bool has_log, struct lf_error *err)
{
	int rc = lf_audit_key_read(audit->data_dir, audit->key, err);

	if (rc != LF_ENOTFOUND)
		return rc;
	return has_log ? lf_fail_arm(err, LF_ENOTFOUND, "AuditKeyMissing", "keys/audit.key",
				     "put keys/audit.key back from a copy; if it is lost for good, "
				     "move the directory audit away: then a new log begins",
				     "there is an audit log, but not the key that it is kept with")
		       : begin_log(audit, err);
}

/* Go on after the newest segment; or, where it is not as it was written, after what the head says.
 */
LF_REQUIRES(lf_audit_lock)
static int continue_log(struct lf_audit *audit, const struct audit_head *head,
			const struct look *look, struct lf_error *err)
{
	char *found = audit->state.found;
	size_t size = sizeof(audit->state.found);
	LF_AUTO_FREE char *path = lf_audit_segment_path(audit->data_dir, audit->segment);

	audit->last = look->last;
	audit->length = look->good;
	if (!head->known)
		snprintf(found, size,
			 "the head of the audit log (keys/audit.head) is missing or "
			 "is not as it was written");
	else if (look->changed)
		snprintf(found, size, "the audit log is not as it was written after line %llu",
			 (unsigned long long)look->last.seq);
	else if (audit->segment && audit->first_segment > head->first_segment)
		snprintf(found, size, "the audit log begins with segment %llu, and had %llu",
			 (unsigned long long)audit->first_segment,
			 (unsigned long long)head->first_segment);
	else if (look->last.seq < head->point.seq)
		snprintf(found, size, "lines of the audit log are missing after %llu: it had %llu",
			 (unsigned long long)look->last.seq, (unsigned long long)head->point.seq);
	if (head->known && head->point.seq > audit->last.seq)
		audit->last = head->point;
	audit->synced = audit->last;
	if (!path)
		return lf_fail_nomem(err);
	if (found[0] || !audit->segment) /* what was found stays as it is */
		return 0;
	audit->fd = open(path, O_WRONLY | O_CLOEXEC);
	if (audit->fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	if (look->cut && ftruncate(audit->fd, (off_t)look->good))
		return lf_fail_sys(err, errno, path, "cannot repair %s", path);
	return 0;
}

LF_REQUIRES(lf_audit_lock)
static void say_opened(struct lf_audit *audit, const struct look *look)
{
	char detail[96];

	snprintf(detail, sizeof(detail), "%llu bytes of a line that was cut were taken away",
		 (unsigned long long)look->cut);
	if (audit->state.found[0])
		lf_health_raise("audit-damaged", NULL, "%s", audit->state.found);
	if (audit->state.found[0])
		lf_audit_write(audit, &(struct lf_audit_event){.action = "Landfall/audit/damaged",
							       .outcome = LF_AUDIT_FAILED,
							       .detail = audit->state.found,
							       .durable = true});
	else if (look->cut)
		lf_audit_write(audit, &(struct lf_audit_event){.action = "Landfall/audit/repaired",
							       .detail = detail,
							       .durable = true});
}

/* Segments that a kill left after the head had let go of them. */
LF_REQUIRES(lf_audit_lock)
static int forget_dropped(struct lf_audit *audit, uint64_t first, struct lf_error *err)
{
	int rc = 0;

	for (uint64_t i = audit->first_segment; !rc && i && i < first; i++) {
		LF_AUTO_FREE char *path = lf_audit_segment_path(audit->data_dir, i);
		rc = path ? lf_file_remove(path, err) : lf_fail_nomem(err);
	}
	audit->first_segment = first;
	return rc;
}

LF_REQUIRES(lf_audit_lock)
static int open_log(struct lf_audit *audit, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/audit", audit->data_dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct audit_head head;
	struct look look = {0};

	int rc = dir ? lf_dir_make(dir, 0700, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_audit_segments_find(audit->data_dir, &audit->first_segment, &audit->segment,
					    err);
	if (!rc)
		rc = load_key(audit, audit->segment != 0, err);
	if (!rc)
		rc = lf_audit_head_read(audit->data_dir, audit->key, &head, err);
	if (!rc && audit->segment)
		rc = lf_audit_segment_read(audit->data_dir, audit->segment, &text, err);
	if (rc)
		return rc;
	look_at(&text, &head, audit->key, &look);
	rc = continue_log(audit, &head, &look, err);
	if (!rc && head.known)
		rc = forget_dropped(audit, head.first_segment, err);
	if (!rc)
		say_opened(audit, &look);
	return rc;
}

int lf_audit_open(const char *data_dir, struct lf_clock *clock, struct lf_audit **ret_audit,
		  struct lf_error *err)
{
	struct lf_audit *audit = calloc(1, sizeof(*audit));

	if (!audit)
		return lf_fail_nomem(err);
	LF_ALONE(lf_audit_lock);
	audit->clock = clock;
	audit->segment_bytes = LF_AUDIT_SEGMENT;
	audit->fd = -1;
	pthread_mutex_init(&audit->mutex, NULL);
	pthread_cond_init(&audit->synced_more, NULL);
	audit->data_dir = strdup(data_dir);
	int rc = audit->data_dir ? open_log(audit, err) : lf_fail_nomem(err);
	if (rc) {
		lf_audit_free(audit);
		return rc;
	}
	*ret_audit = audit;
	return 0;
}

int lf_audit_give_up(const char *data_dir, struct lf_error *err)
{
	LF_AUTO_FREE char *log = lf_printf_dup("%s/audit", data_dir);
	LF_AUTO_FREE char *lost = lf_printf_dup("%s/audit.lost", data_dir);
	LF_AUTO_FREE char *head = lf_printf_dup("%s/keys/audit.head", data_dir);

	if (!log || !lost || !head)
		return lf_fail_nomem(err);
	int rc = access(log, F_OK) ? 0 : lf_dir_remove(lost, err);
	if (!rc && access(log, F_OK) == 0)
		rc = lf_file_rename_durable(log, lost, err);
	return rc ? rc : lf_file_remove(head, err);
}

void lf_audit_free(struct lf_audit *audit)
{
	struct lf_error ignored;

	if (!audit)
		return;
	lf_lock(&audit->mutex, lf_audit_lock);
	if (audit->fd >= 0) {
		note(audit, sync_to(audit, audit->last.seq, &ignored), &ignored);
		close(audit->fd);
	}
	lf_unlock(&audit->mutex, lf_audit_lock);
	OPENSSL_cleanse(audit->key, sizeof(audit->key));
	pthread_mutex_destroy(&audit->mutex);
	pthread_cond_destroy(&audit->synced_more);
	free(audit->data_dir);
	free(audit);
}
