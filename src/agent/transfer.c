/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session in order: begin; a full pass when there is nothing to compare
 * with; delta rounds until little is left; a last round with the file systems
 * frozen; commit.  The fingerprints follow the site: they change for good only
 * after the site has what they describe.
 */
#include "agent/session.h"
#include "agent/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "json/doc.h"

#define COMMIT_TRIES	30 /* while the site is not there */
#define COMMIT_WAIT_MAX 30 /* seconds between two */

static int load_key(struct transfer *t, struct lf_error *err)
{
	const json_t *key = lf_json_at(t->opts->assignment, "key");
	int rc = lf_hex_decode(lf_json_text_or(key, "id", ""), t->key.id_key, 32, err);

	if (!rc)
		rc = lf_hex_decode(lf_json_text_or(key, "data", ""), t->key.data_key, 32, err);
	t->key.epoch = (uint32_t)lf_json_int_or(key, "epoch", 0);
	t->key.owned = lf_json_text(key, "owner");
	if (!rc && t->key.owned)
		rc = lf_hex_decode(lf_json_text_or(key, "owner", ""), t->key.owner, LF_OWNER_SIZE,
				   err);
	return rc;
}

static int note_resume(struct transfer *t, const json_t *answer, struct lf_error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		struct source_disk *d = &t->disks[i];
		LF_AUTO_FREE char *path = lf_printf_dup("disks.%zu.upto", i);
		int rc = lf_fingerprints_restart(d->prints, t->session, err);
		if (rc)
			return rc;
		d->resume = (uint64_t)lf_json_int_or(answer, path ? path : "", 0);
		t->start_over = d->resume != lf_fingerprints_upto(d->prints);
		if (t->start_over)
			return lf_fail(err, LF_ECORRUPT, d->id,
				       "the site and the agent disagree on where the full pass is");
	}
	return 0;
}

static int begin_session(struct transfer *t, struct lf_error *err)
{
	const json_t *assignment = t->opts->assignment;
	bool delta = lf_disks_can_delta(t);
	LF_AUTO_JSON *answer = NULL;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "itemId", t->item);
	lf_doc_text(&doc, "kind", delta ? "delta" : "full");
	lf_doc_text(&doc, "basePointId", delta ? lf_json_text(assignment, "basePointId") : NULL);
	lf_doc_text(&doc, "token", lf_json_text(assignment, "token"));
	lf_doc_put(&doc, "resume", delta ? json_object() : lf_disks_describe_resume(t));
	lf_doc_put(&doc, "disks", lf_disks_describe(t));
	LF_AUTO_JSON *request = lf_doc_take(&doc);

	if (request && t->group && lf_json_set_text(request, "group", t->group))
		return lf_fail_nomem(err);
	int rc = request ? lf_transfer_post(t, "sessions", request, &answer, err)
			 : lf_fail_nomem(err);
	if (rc)
		return rc;
	snprintf(t->session, sizeof(t->session), "%s", lf_json_text_or(answer, "sessionId", ""));
	t->full = strcmp(lf_json_text_or(answer, "kind", ""), "delta") != 0;
	if (t->full)
		return note_resume(t, answer, err);
	lf_disks_recall(t);
	return 0;
}

static int open_outflow(struct transfer *t, struct lf_error *err)
{
	const struct lf_site *site = t->opts->site;
	const struct lf_sink *sink = NULL;
	int rc = site->begin(site->context, t->session,
			     lf_json_text_or(t->opts->assignment, "packPath", ""), &sink, err);

	if (rc)
		return rc;
	const struct lf_outflow_opts opts = {
		.sink = sink,
		.key = &t->key,
		.state_dir = t->opts->state_dir,
		.bytes_per_second = (uint64_t)lf_json_int_or(t->opts->machine, "bandwidthMiBps", 0)
				    << 20,
		.stop = t->opts->stopping,
	};

	return lf_outflow_new(&opts, &t->outflow, err);
}

/*
 * A commit takes as long as the session has extents, and goes on when the site was restarted:
 * who asks again joins it.  An answer that did not come in time is no failure, then.
 */
static int ask_commit(struct transfer *t, const char *path, const json_t *request,
		      json_t **ret_answer, struct lf_error *err)
{
	int wait = 1, rc;

	for (int left = COMMIT_TRIES; left > 0; left--) {
		rc = lf_transfer_post(t, path, request, ret_answer, err);
		if ((rc != LF_ETIMEOUT && rc != LF_EUNREACHABLE) || *t->opts->stopping)
			return rc;
		lf_log_error("a commit that is asked for again", err);
		for (int i = 0; i < wait * 10 && !*t->opts->stopping; i++)
			nanosleep(&(struct timespec){.tv_nsec = 100 * LF_NS_PER_MS}, NULL);
		wait = wait * 2 < COMMIT_WAIT_MAX ? wait * 2 : COMMIT_WAIT_MAX;
		if (rc == LF_ETIMEOUT) /* the site is there, and works */
			left = COMMIT_TRIES;
	}
	return rc;
}

/* What the point is, and why it is not more. */
static void describe_consistency(const struct transfer *t, struct lf_doc *doc)
{
	bool app = t->app && !t->app_failed;

	lf_doc_text(doc, "consistency",
		    t->torn ? "Inconsistent"
		    : app   ? "ApplicationConsistent"
			    : "CrashConsistent");
	lf_doc_share_if(doc, "frozen", t->frozen);
	lf_doc_share_if(doc, "unheld", t->unheld);
	if (t->app_failed) {
		lf_doc_text(doc, "appError", t->app_fault.message);
		lf_doc_text(doc, "appAdvice", t->app_fault.hint);
	}
}

static int commit_session(struct transfer *t, int64_t instant_ns, int64_t frozen_ns,
			  struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/commit", t->session);
	LF_AUTO_JSON *answer = NULL, *unreadable = NULL;
	int rc = lf_outflow_flush(t->outflow, err);

	if (!rc)
		rc = lf_disks_note_bad(t, &unreadable, err);
	if (rc)
		return rc;
	/* after the flush, which sends the last pack and takes its time */
	struct lf_doc doc = LF_DOC_INIT;

	describe_consistency(t, &doc);
	lf_doc_int(&doc, "ageMs", (lf_clock_monotonic_ns() - instant_ns) / LF_NS_PER_MS);
	lf_doc_int(&doc, "freezeMs", frozen_ns / LF_NS_PER_MS);
	lf_doc_int(&doc, "bytesRead", t->read_bytes);
	lf_doc_int(&doc, "bytesSent", lf_outflow_sent(t->outflow));
	LF_AUTO_JSON *request = lf_doc_take(&doc);

	if (!path || !request || json_object_set(request, "unreadable", unreadable) ||
	    (t->together && lf_json_set_bool(request, "together", true)))
		return lf_fail_nomem(err);
	for (size_t i = 0; !rc && i < t->n; i++)
		rc = lf_fingerprints_prepare(t->disks[i].prints, t->session, err);
	if (!rc)
		rc = ask_commit(t, path, request, &answer, err);
	if (rc)
		return rc;
	const char *point = lf_json_text_or(answer, "pointId", "");
	for (size_t i = 0; !rc && i < t->n; i++)
		rc = lf_fingerprints_commit(t->disks[i].prints, point, err);
	for (size_t i = 0; !rc && i < t->n; i++)
		if (t->disks[i].watch)
			lf_watch_committed(t->disks[i].watch, point);
	lf_info("recovery point %s: %llu MiB read, %llu KiB sent, frozen %lld ms", point,
		(unsigned long long)t->read_bytes >> 20,
		(unsigned long long)lf_outflow_sent(t->outflow) >> 10,
		(long long)(frozen_ns / LF_NS_PER_MS));
	return rc;
}

static int run(struct transfer *t, struct lf_error *err)
{
	int64_t instant_ns = 0, frozen_ns = 0;
	int rc = load_key(t, err);

	if (!rc)
		rc = lf_chunk_hasher_new(&t->key, &t->hasher, err);
	if (!rc)
		rc = lf_disks_open(t, err);
	if (!rc)
		rc = begin_session(t, err);
	if (!rc)
		rc = open_outflow(t, err);
	lf_transfer_tell(t, true);
	for (size_t i = 0; !rc && t->full && i < t->n; i++)
		rc = lf_pass_full(t, &t->disks[i], err);
	if (!rc)
		rc = lf_instant_make(t, &instant_ns, &frozen_ns, err);
	if (!rc)
		rc = commit_session(t, instant_ns, frozen_ns, err);
	lf_transfer_tell(t, true);
	return rc;
}

int lf_transfer_run(const struct lf_transfer_opts *opts, struct lf_error *err)
{
	struct transfer t = {.opts = opts,
			     .item = lf_json_text_or(opts->assignment, "itemId", ""),
			     .group = lf_json_text(opts->assignment, "group"),
			     .app = lf_json_bool_or(opts->assignment, "app", false),
			     .begun_ns = lf_clock_monotonic_ns()};

	int rc = run(&t, err);
	lf_outflow_free(t.outflow);
	opts->site->end(opts->site->context);
	lf_disks_close(&t);
	json_decref(t.frozen);
	json_decref(t.unheld);
	lf_chunk_hasher_free(t.hasher);
	lf_domain_key_done(&t.key);
	return rc;
}
