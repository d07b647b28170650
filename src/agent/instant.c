/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instant of a point: rounds until little is left, then one with the file
 * systems frozen, whose pages are sent after the thaw.
 */
#include "agent/session.h"
#include "agent/transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/hold.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/term.h"
#include "base/text.h"
#include "os/file.h"
#include "source/freeze.h"
#include "source/mounts.h"
#include "source/quiesce.h"
#include "vault/pack/crypt.h"

#define ROUNDS_MAX	   5
#define QUIET_ROUNDS	   3	      /* under a freeze, for what it does not hold */
#define CALM_PAGES	   (4u << 8)  /* 4 MiB: little enough to freeze for */
#define CALM_WHOLE_PAGES   (16u << 8) /* where a round reads whole disks */
#define TEXTS_MAX	   256 /* that the site is told of what was held, and as many of what was not */
#define FREEZE_LIMIT_MS	   10000
#define ATTEMPTS	   3 /* at a freeze that is short enough */
#define SCRIPT_LIMIT_S	   60
#define SCRIPT_LIMIT_MAX_S 3600
/* for the others of a group: while nothing is held, and while it is */
#define READY_LIMIT_NS (30 * LF_NS_PER_S)
#define READY_ASK_NS   (100 * LF_NS_PER_MS)
#define HELD_LIMIT_NS  (2 * LF_NS_PER_S)
#define HELD_ASK_NS    (10 * LF_NS_PER_MS)

static int collect_mounts(const struct transfer *t, json_t **ret_mounts, struct lf_error *err)
{
	const char *paths[DISKS_MAX];

	for (size_t i = 0; i < t->n; i++)
		paths[i] = lf_json_text_or(t->disks[i].config, "path", "");
	return lf_mounts_of(paths, t->n, lf_json_at(t->opts->machine, "freeze"), ret_mounts, err);
}

/* Memory of the machine that a restart of the agent outlives and one of the machine does not, as
 * does a freeze. */
char *lf_transfer_note(const char *state_dir, const char *what)
{
	LF_AUTO_FREE char *real = realpath(state_dir, NULL);
	char hash[LF_NAME_HASH_SIZE];

	lf_name_hash(real ? real : state_dir, hash);
	return access("/run", W_OK) == 0 ? lf_printf_dup("/run/landfall-%s-%s", what, hash)
					 : lf_printf_dup("%s/%s", state_dir, what);
}

static int script_limit(const json_t *machine, int64_t *ret_ns, struct lf_error *err)
{
	const json_t *said = lf_json_at(machine, "appScriptLimitS");
	int64_t seconds = lf_json_int_or(machine, "appScriptLimitS", said ? 0 : SCRIPT_LIMIT_S);

	if (seconds < 1 || seconds > SCRIPT_LIMIT_MAX_S) {
		lf_fail(err, LF_EINVAL, "appScriptLimitS",
			"appScriptLimitS in the agent's configuration is not a number of 1 to %d",
			SCRIPT_LIMIT_MAX_S);
		return lf_error_hint(err, "leave it out for %d seconds", SCRIPT_LIMIT_S);
	}
	*ret_ns = seconds * LF_NS_PER_S;
	return 0;
}

int lf_transfer_recover(const char *state_dir, struct lf_error *err)
{
	LF_AUTO_FREE char *frozen = lf_transfer_note(state_dir, "frozen");
	LF_AUTO_FREE char *quiesced = lf_transfer_note(state_dir, "quiesced");
	int rc = frozen && quiesced ? lf_freeze_recover(frozen, err) : lf_fail_nomem(err);

	return rc ? rc : lf_quiesce_recover(quiesced, SCRIPT_LIMIT_S * LF_NS_PER_S, err);
}

/* The applications were not held through the instant: the point is made without that. */
static void give_up_app(struct transfer *t, const struct lf_error *why)
{
	lf_log_error("the point is not application-consistent", why);
	if (!t->app_failed)
		t->app_fault = *why;
	lf_term_clean_error(&t->app_fault); /* a site takes nothing else, and the point is to be */
	t->app_failed = true;
}

/* The way of earlier versions, which nobody may take for done. */
static int refuse_old_scripts(const json_t *machine, struct lf_error *err)
{
	static const char *const names[] = {"preScript", "postScript"};

	for (size_t i = 0; i < LF_N(names); i++)
		if (lf_json_at(machine, names[i])) {
			lf_fail(err, LF_EINVAL, names[i],
				"the agent's configuration has a %s, which is not run any more",
				names[i]);
			return lf_error_hint(err, "put a script for both into %s, and take %s out",
					     lf_json_text_or(machine, "appScripts", ""), names[i]);
		}
	return 0;
}

/* Have the applications stand still; what keeps that from being is told with the point. */
static void hold_apps(struct transfer *t)
{
	const json_t *machine = t->opts->machine;
	LF_AUTO_FREE char *note = lf_transfer_note(t->opts->state_dir, "quiesced");
	struct lf_error why = LF_ERROR_NONE;
	int64_t limit_ns = 0;
	int rc = note ? refuse_old_scripts(machine, &why) : lf_fail_nomem(&why);

	if (!rc)
		rc = script_limit(machine, &limit_ns, &why);
	if (!rc)
		rc = lf_quiesce_begin(lf_json_text_or(machine, "appScripts", ""), limit_ns, note,
				      &t->quiesce, &why);
	if (rc)
		give_up_app(t, &why);
}

/* Whatever happened, the applications go on. */
static void let_apps_go(struct transfer *t)
{
	struct lf_error why = LF_ERROR_NONE;

	if (t->quiesce && lf_quiesce_end(t->quiesce, &why))
		give_up_app(t, &why);
	t->quiesce = NULL;
}

/*
 * Say how far we are until the others of the group have come as far.  Who waits too long, or hears
 * that it is in vain, goes on alone.
 */
static bool meet(struct transfer *t, const char *stage, int64_t limit_ns, int64_t ask_ns)
{
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/group", t->session);
	LF_AUTO_JSON *request = json_pack("{s:s}", "stage", stage);
	const struct timespec pause = {.tv_nsec = ask_ns};
	int64_t until = lf_clock_monotonic_ns() + limit_ns;
	struct lf_error err = LF_ERROR_NONE;
	bool go = false, lost = !path || !request;

	while (!go && !lost && lf_clock_monotonic_ns() < until && !*t->opts->stopping) {
		LF_AUTO_JSON *answer = NULL;
		/* no word of it in the log, whose file system may stand still */
		lost = lf_transfer_post(t, path, request, &answer, &err);
		go = lf_json_bool_or(answer, "go", false);
		lost = lost || lf_json_bool_or(answer, "lost", false);
		if (!go && !lost)
			nanosleep(&pause, NULL);
	}
	return go;
}

/* Nothing changes here from now on until the others have been seen to stand still, too; once. */
static void hold_together(struct transfer *t, int64_t freeze_limit_ns)
{
	int64_t limit = freeze_limit_ns / 4 < HELD_LIMIT_NS ? freeze_limit_ns / 4 : HELD_LIMIT_NS;

	t->together = t->group && meet(t, "held", limit, HELD_ASK_NS);
	t->group = NULL;
}

/* Held runs on their way. */
struct release {
	struct transfer *t;
	const struct source_disk *disk; /* of the last run */
	uint32_t pages;			/* in the window; a hole takes the room of one */
};

static int send_held(void *context, const struct lf_held *run, struct lf_error *err)
{
	struct release *release = context;
	struct transfer *t = release->t;
	const struct source_disk *d = &t->disks[run->disk];
	uint32_t pages = run->data ? run->pages : 1;
	uint8_t *data = NULL;
	int rc = 0;

	if (release->pages + pages > LF_WINDOW_PAGES || (release->disk && release->disk != d)) {
		rc = lf_pass_window_end(t, release->disk, err);
		release->pages = 0;
	}
	if (!rc && release->disk != d)
		rc = lf_outflow_disk(t->outflow, d->id, d->pages + 1, err);
	if (!rc)
		rc = lf_outflow_window(t->outflow, &t->window, err);
	if (rc)
		return rc;
	if (run->data) {
		data = t->window + (size_t)release->pages * LF_PAGE_SIZE;
		memcpy(data, run->data, (size_t)pages * LF_PAGE_SIZE);
	}
	release->disk = d;
	release->pages += pages;
	return lf_pass_give(t, d, run->page, run->pages, data, err);
}

static int release_hold(struct transfer *t, const struct lf_hold *hold, struct lf_error *err)
{
	struct release release = {.t = t};
	int rc = lf_hold_each(hold, send_held, &release, err);

	if (!rc)
		rc = lf_outflow_flush(t->outflow, err);
	/* a slow network is no slow freeze */
	if (rc == LF_ETIMEOUT)
		rc = err->code = LF_EUNREACHABLE;
	return rc;
}

static bool is_watched(const struct transfer *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!t->disks[i].watch)
			return false;
	return true;
}

/* It looks at all that is open on the machine. */
static int find_writers(const struct transfer *t, json_t **ret_writers, struct lf_error *err)
{
	const char *paths[DISKS_MAX];

	for (size_t i = 0; i < t->n; i++)
		paths[i] = lf_json_text_or(t->disks[i].config, "path", "");
	return lf_raw_writers(paths, t->n, ret_writers, err);
}

/* Some of the texts, as the site takes them: of one line, and not too long. */
static int add_texts(json_t *list, const json_t *texts, struct lf_error *err)
{
	size_t i;
	json_t *text;

	json_array_foreach ((json_t *)(uintptr_t)texts, i, text) {
		char shown[256];
		snprintf(shown, sizeof(shown), "%s", json_string_value(text));
		lf_term_clean(shown);
		if (json_array_size(list) == TEXTS_MAX)
			break;
		if (json_array_append_new(list, json_string(shown)))
			return lf_fail_nomem(err);
	}
	return 0;
}

/* What the freeze holds, and what is in use on the disks and goes on: file systems without
 * freezing, and who writes to a device itself. */
static int note_holds(struct transfer *t, const json_t *mounts, const struct lf_freeze *freeze,
		      const json_t *writers, struct lf_error *err)
{
	LF_AUTO_JSON *held = json_array(), *frozen = json_array(), *unheld = json_array();
	size_t i, j;
	json_t *mount, *loose;

	json_array_foreach (mounts, i, mount) {
		bool is_loose = false;
		json_array_foreach (lf_freeze_unheld(freeze), j, loose)
			is_loose = is_loose || json_equal(mount, loose);
		if (!is_loose)
			json_array_append(held, mount);
	}
	int rc = frozen && unheld ? add_texts(frozen, held, err) : lf_fail_nomem(err);
	if (!rc)
		rc = add_texts(unheld, writers, err);
	if (!rc)
		rc = add_texts(unheld, lf_freeze_unheld(freeze), err);
	json_decref(t->frozen);
	json_decref(t->unheld);
	t->frozen = lf_steal(&frozen);
	t->unheld = lf_steal(&unheld);
	return rc;
}

/*
 * What is not held may have been written while it was read.  Where writes are tracked another round
 * tells: one that finds nothing has seen one instant.  Where they are not, a file system that
 * cannot be frozen is taken for quiet (an EFI system partition is), and who writes to a device is
 * not.
 */
static int read_until_quiet(struct transfer *t, bool raw, struct lf_error *err)
{
	int rc = lf_pass_round(t, err);

	t->torn = raw && !is_watched(t);
	/* quiet now, perhaps; at the group's instant, nobody knows */
	t->together = t->together && !raw;
	for (int i = 0; !rc && json_array_size(t->unheld) && is_watched(t) && i < QUIET_ROUNDS;
	     i++) {
		rc = lf_pass_round(t, err);
		t->torn = t->round_pages > 0;
		t->together = t->together && !t->torn;
		if (!t->torn)
			break;
	}
	return rc;
}

static void warn_torn(const struct transfer *t)
{
	size_t i;
	json_t *text;

	json_array_foreach (t->unheld, i, text)
		if (t->torn)
			lf_warn("%s was not held still: the point is not called consistent",
				json_string_value(text));
		else
			lf_debug("%s cannot be held still, and was quiet", json_string_value(text));
}

/* Read what changed while the file systems stand still; nothing leaves the machine. */
static int read_frozen(struct transfer *t, const json_t *mounts, const json_t *writers,
		       struct lf_hold *hold, int64_t *ret_instant_ns, int64_t *ret_frozen_ns,
		       struct lf_error *err)
{
	struct lf_freeze *freeze = NULL;
	struct lf_error thaw_err = LF_ERROR_NONE;
	int64_t limit = lf_json_int_or(t->opts->machine, "freezeLimitMs", FREEZE_LIMIT_MS);

	LF_AUTO_FREE char *note = lf_transfer_note(t->opts->state_dir, "frozen");
	int rc = note ? lf_freeze_begin(mounts, limit * LF_NS_PER_MS, note, &freeze, err)
		      : lf_fail_nomem(err);
	if (rc)
		return rc;
	hold_together(t, limit * LF_NS_PER_MS);
	*ret_instant_ns = lf_clock_monotonic_ns();
	t->hold = hold;
	rc = note_holds(t, mounts, freeze, writers, err);
	if (!rc)
		rc = read_until_quiet(t, json_array_size(writers) > 0, err);
	t->hold = NULL;
	int thawed = lf_freeze_end(freeze, ret_frozen_ns, &thaw_err);
	let_apps_go(t);
	if (!rc && thawed) {
		*err = thaw_err;
		rc = thawed;
	}
	t->together = t->together && !rc;
	warn_torn(t);
	return rc;
}

/* A round under a freeze; LF_ETIMEOUT: it took too long, what was read is of no single instant. */
static int frozen_round(struct transfer *t, const json_t *mounts, const json_t *writers,
			int64_t *ret_instant_ns, int64_t *ret_frozen_ns, struct lf_error *err)
{
	struct lf_hold *hold = NULL;
	struct lf_error send_err = LF_ERROR_NONE;
	int rc = lf_hold_new(&hold, err);

	if (!rc)
		rc = read_frozen(t, mounts, writers, hold, ret_instant_ns, ret_frozen_ns, err);
	/* of one instant or not, the fingerprints say that it was sent */
	int sent = !rc || rc == LF_ETIMEOUT ? release_hold(t, hold, &send_err) : 0;
	if (sent) {
		*err = send_err;
		rc = sent;
	}
	lf_hold_free(hold);
	return rc;
}

/* Without a file system to freeze, a round that finds nothing changed has seen one instant.  That
 * of a group is between two such rounds. */
static int stable_round(struct transfer *t, int64_t *ret_instant_ns, struct lf_error *err)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		*ret_instant_ns = lf_clock_monotonic_ns();
		int rc = lf_pass_round(t, err);
		t->together = t->together && !t->round_pages;
		if (rc || (!t->round_pages && (!t->group || i + 1 == ROUNDS_MAX)))
			return rc;
		if (t->round_pages)
			continue;
		rc = lf_outflow_flush(t->outflow, err);
		if (rc)
			return rc;
		hold_together(t, FREEZE_LIMIT_MS * LF_NS_PER_MS);
	}
	lf_fail(err, LF_ECONFLICT, NULL,
		"the disk changes all the time and holds no mounted file system to freeze");
	return lf_error_hint(err, "name the mount points under 'freeze' in the configuration");
}

/* What programs have written goes to the disks now: under the freeze that would be waited for. */
static void flush_mounts(const json_t *mounts)
{
	size_t i;
	json_t *mount;

	json_array_foreach (mounts, i, mount) {
		LF_AUTO_FD fd = open(json_string_value(mount), O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && syncfs(fd))
			lf_debug("cannot flush %s", json_string_value(mount));
	}
}

/* Rounds that bring down what is left to read under the freeze. */
static int settle(struct transfer *t, const json_t *mounts, struct lf_error *err)
{
	size_t watched = 0;
	int rc = 0;

	for (size_t i = 0; i < t->n; i++)
		watched += t->disks[i].watch != NULL;
	uint64_t calm = watched == t->n ? CALM_PAGES : CALM_WHOLE_PAGES, last = UINT64_MAX;
	/* a delta that reads whole disks reads them once: under the freeze */
	for (int i = 0; !rc && (t->full || watched) && i < ROUNDS_MAX; i++) {
		flush_mounts(mounts);
		rc = lf_pass_round(t, err);
		if (t->round_pages < calm || t->round_pages > last / 2)
			break;
		last = t->round_pages;
	}
	return rc;
}

/* What takes long, before anything stands still: a free window may take the network to come. */
static int make_ready(struct transfer *t, json_t **ret_writers, struct lf_error *err)
{
	int rc = lf_outflow_window(t->outflow, &t->window, err);

	return rc ? rc : find_writers(t, ret_writers, err);
}

/* An instant by a freeze, and one more try where that took too long: an unfrozen round leaves less
 * to read under the next. */
static int held_instant(struct transfer *t, const json_t *mounts, int64_t *ret_instant_ns,
			int64_t *ret_frozen_ns, struct lf_error *err)
{
	int rc = 0;

	for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
		LF_AUTO_JSON *writers = NULL;
		bool app = t->app && !t->app_failed;
		if (json_array_size(mounts) || app)
			rc = make_ready(t, &writers, err);
		if (rc)
			return rc;
		if (app)
			hold_apps(t);
		/* nothing stands still by anybody's doing */
		if (!json_array_size(mounts) && !t->quiesce)
			return stable_round(t, ret_instant_ns, err);
		rc = frozen_round(t, mounts, writers, ret_instant_ns, ret_frozen_ns, err);
		let_apps_go(t);
		if (rc != LF_ETIMEOUT || attempt == ATTEMPTS)
			break;
		rc = lf_pass_round(t, err);
		if (rc)
			break;
	}
	return rc;
}

int lf_instant_make(struct transfer *t, int64_t *ret_instant_ns, int64_t *ret_frozen_ns,
		    struct lf_error *err)
{
	LF_AUTO_JSON *mounts = NULL;
	int rc = collect_mounts(t, &mounts, err);

	if (!rc)
		rc = settle(t, mounts, err);
	if (rc)
		return rc;
	if (t->group) /* the way to the site is free, too */
		rc = lf_outflow_flush(t->outflow, err);
	if (rc)
		return rc;
	if (t->group && !meet(t, "ready", READY_LIMIT_NS, READY_ASK_NS))
		t->group = NULL;
	rc = held_instant(t, mounts, ret_instant_ns, ret_frozen_ns, err);
	if (rc == LF_ETIMEOUT && t->app && !t->app_failed) {
		/* what the scripts have written is too much for the freeze */
		give_up_app(t, err);
		rc = held_instant(t, mounts, ret_instant_ns, ret_frozen_ns, err);
	}
	if (rc == LF_EUNSUPPORTED) { /* nothing of it can be held still */
		if (t->app && !t->app_failed)
			give_up_app(t, err);
		return stable_round(t, ret_instant_ns, err);
	}
	if (rc == LF_ETIMEOUT)
		lf_error_hint(
			err, "raise freezeLimitMs in the configuration, or protect a quieter disk");
	return rc;
}
