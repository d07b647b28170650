/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order: find and check the scripts, note, freeze each, (the caller's freeze of
 * the file systems and its thaw), thaw each in the other order, end what their
 * groups still hold, remove the note.  Whoever is killed in between: the note
 * has the next start thaw the scripts.
 */
#include "source/quiesce.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/term.h"
#include "base/text.h"
#include "json/json.h"
#include "os/file.h"
#include "os/process.h"

#define LINKS_MAX 40 /* as the kernel has it */
#define NOTE_MAX  (LF_QUIESCE_SCRIPTS_MAX * (PATH_MAX + 8) + 64)

struct script {
	char *name;  /* in the directory, by which they are sorted; of a note: NULL */
	char *path;  /* what is run */
	pid_t group; /* of its freeze; 0: none is left */
};

struct lf_quiesce {
	struct script scripts[LF_QUIESCE_SCRIPTS_MAX];
	size_t n;
	const char *dir; /* while they are found */
	int64_t limit_ns;
	char *note;
};

static void quiesce_free(struct lf_quiesce *q)
{
	for (size_t i = 0; i < q->n; i++) {
		free(q->scripts[i].name);
		free(q->scripts[i].path);
	}
	free(q->note);
	free(q);
}

/* Whoever can write to one of them chooses what runs as root. */
static int check_owner(const char *path, struct lf_error *err)
{
	struct stat st;

	if (stat(path, &st))
		return lf_fail_sys(err, errno, path, "cannot look at %s", path);
	bool others = st.st_mode & (S_IWGRP | S_IWOTH);
	/* of a sticky directory, others cannot rename what is not theirs */
	if (S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX)
		others = false;
	if (!others && (st.st_uid == 0 || st.st_uid == geteuid()))
		return 0;
	lf_fail(err, LF_EDENIED, path, "%s could be changed by others than root", path);
	return lf_error_hint(err, "chown root %s, and chmod go-w %s", path, path);
}

/* On the way to a file: where we are, after all links, and what of the path is left. */
struct way {
	char at[PATH_MAX];
	char *rest;
	unsigned links;
};

static void go_up(struct way *way)
{
	char *slash = strrchr(way->at, '/');

	slash[slash == way->at] = '\0';
}

/* Whoever owns a link chooses where it leads to, also in a sticky directory. */
static int follow_link(struct way *way, const char *link, uid_t owner, const char *behind,
		       struct lf_error *err)
{
	char to[PATH_MAX];
	ssize_t len = readlink(link, to, sizeof(to) - 1);

	if (len < 0 || ++way->links > LINKS_MAX)
		return lf_fail_sys(err, len < 0 ? errno : ELOOP, link, "cannot follow %s", link);
	to[len] = '\0';
	if (owner != 0 && owner != geteuid()) {
		lf_fail(err, LF_EDENIED, link, "%s could be changed by others than root", link);
		return lf_error_hint(err, "chown -h root %s", link);
	}
	char *rest = lf_printf_dup("%s/%s", to, behind);
	if (!rest)
		return lf_fail_nomem(err);
	free(way->rest);
	way->rest = rest;
	if (to[0] == '/')
		snprintf(way->at, sizeof(way->at), "/");
	return 0;
}

/* One name further. */
static int take_step(struct way *way, struct lf_error *err)
{
	char *name = way->rest + strspn(way->rest, "/"), next[PATH_MAX];
	char *behind = name + strcspn(name, "/");
	int len = (int)(behind - name), rc = check_owner(way->at, err);
	struct stat st = {0};

	if (rc)
		return rc;
	const char *slash = way->at[1] ? "/" : "";
	int n = snprintf(next, sizeof(next), "%s%s%.*s", way->at, slash, len, name);
	if (n >= (int)sizeof(next) || lstat(next, &st))
		return lf_fail_sys(err, n < (int)sizeof(next) ? errno : ENAMETOOLONG, next,
				   "cannot look at %s", next);
	if (S_ISLNK(st.st_mode))
		return follow_link(way, next, st.st_uid, behind, err);
	if (len == 2 && strncmp(name, "..", 2) == 0)
		go_up(way);
	else if (len && (len > 1 || *name != '.'))
		snprintf(way->at, sizeof(way->at), "%s", next);
	memmove(way->rest, behind, strlen(behind) + 1);
	return 0;
}

/* Where path, from the root on, leads to.  Nobody else can change the file, nor a directory or a
 * link on the way. */
static int resolve(const char *path, char **ret_real, struct lf_error *err)
{
	struct way way = {.at = "/", .rest = strdup(path)};
	int rc = way.rest ? 0 : lf_fail_nomem(err);

	while (!rc && way.rest[strspn(way.rest, "/")])
		rc = take_step(&way, err);
	free(way.rest);
	if (!rc)
		rc = check_owner(way.at, err);
	if (!rc && !(*ret_real = strdup(way.at)))
		rc = lf_fail_nomem(err);
	return rc;
}

/* *ret_real: what is run, where no link can be exchanged any more. */
static int check_script(const char *path, char **ret_real, struct lf_error *err)
{
	LF_AUTO_FREE char *real = NULL;
	struct stat st;
	int rc = resolve(path, &real, err);

	if (rc)
		return rc;
	if (stat(real, &st))
		return lf_fail_sys(err, errno, real, "cannot look at %s", real);
	if (!S_ISREG(st.st_mode) || access(real, X_OK)) {
		lf_fail(err, LF_EDENIED, real, "%s is no program that can be run", real);
		return lf_error_hint(err, "chmod +x %s, or remove it", real);
	}
	*ret_real = lf_steal(&real);
	return 0;
}

static int visit(void *context, const char *name, struct lf_error *err)
{
	struct lf_quiesce *q = context;

	if (name[strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")]) {
		lf_debug("%s of %s is not run: its name has other characters than a script's", name,
			 q->dir);
		return 0;
	}
	if (q->n == LF_QUIESCE_SCRIPTS_MAX)
		return lf_fail(err, LF_EUNSUPPORTED, q->dir, "%s holds more than %d scripts",
			       q->dir, LF_QUIESCE_SCRIPTS_MAX);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", q->dir, name), *real = NULL;
	int rc = path ? check_script(path, &real, err) : lf_fail_nomem(err);
	if (!rc)
		q->scripts[q->n++] =
			(struct script){.name = lf_steal(&path), .path = lf_steal(&real)};
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct script *)a)->name, ((const struct script *)b)->name);
}

static int find_scripts(struct lf_quiesce *q, struct lf_error *err)
{
	if (q->dir[0] != '/') {
		lf_fail(err, LF_EINVAL, "appScripts", "appScripts is not a path from / on: '%s'",
			q->dir);
		return lf_error_hint(err, "a directory as /etc/landfall-agent/app.d");
	}
	int rc = lf_dir_list_if(q->dir, visit, q, err);
	if (rc)
		return rc;
	qsort(q->scripts, q->n, sizeof(q->scripts[0]), by_name);
	if (q->n)
		return 0;
	lf_fail(err, LF_ENOTFOUND, q->dir, "%s holds no script that holds an application still",
		q->dir);
	return lf_error_hint(err,
			     "put one there (landfall-agent(8), APPLICATION-CONSISTENT POINTS), or "
			     "set appConsistentFrequencyInMinutes of the policy to 0");
}

static int write_note(const struct lf_quiesce *q, struct lf_error *err)
{
	LF_AUTO_JSON *note = json_pack("{s:I,s:[]}", "limitNs", (json_int_t)q->limit_ns, "scripts");
	json_t *paths = lf_json_at(note, "scripts");
	LF_AUTO_FREE char *text = NULL;

	for (size_t i = 0; i < q->n; i++)
		if (json_array_append_new(paths, json_string(q->scripts[i].path)))
			return lf_fail(err, LF_EINVAL, q->scripts[i].path,
				       "a script's path is no UTF-8");
	int rc = q->note ? lf_json_dump(note, &text, err) : 0;
	return rc || !text ? rc : lf_file_write_durable(q->note, text, strlen(text), 0600, err);
}

static void log_output(const char *path, struct lf_buf *output)
{
	char *rest = output->len ? (char *)output->data : NULL, *text;

	for (int i = 0; i < LF_QUIESCE_LINES_MAX && (text = strsep(&rest, "\n")); i++)
		if (*text) {
			lf_term_clean(text);
			lf_info("%s: %s", path, text);
		}
}

static int run(const struct script *script, const char *what, int64_t limit_ns, pid_t *ret_group,
	       struct lf_error *err)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C.UTF-8", NULL};
	const char *const argv[] = {script->path, what, NULL};
	LF_AUTO_BUF output = LF_BUF_INIT;
	int rc = lf_group_run(argv, env, limit_ns, &output, LF_QUIESCE_OUTPUT_MAX, ret_group, err);

	log_output(script->path, &output);
	if (!rc)
		return 0;
	lf_term_clean_error(err);
	return lf_error_hint(err, "run '%s %s' by hand; the agent's log has what it printed",
			     script->path, what);
}

/* Thaw the first n, the last of them first; the first failure is told, all are thawed. */
static int thaw(struct lf_quiesce *q, size_t n, struct lf_error *err)
{
	int rc = 0;

	while (n-- > 0) {
		struct script *script = &q->scripts[n];
		struct lf_error why = LF_ERROR_NONE;
		pid_t group = 0;
		int failed = run(script, "thaw", q->limit_ns, &group, &why);
		if (group)
			lf_group_end(group);
		if (script->group)
			lf_group_end(script->group);
		script->group = 0;
		if (failed)
			lf_log_error("an application is thawed", &why);
		if (failed && !rc) {
			*err = why;
			rc = failed;
		}
	}
	return rc;
}

static void remove_note(const struct lf_quiesce *q)
{
	struct lf_error err = LF_ERROR_NONE;

	if (q->note && lf_file_remove(q->note, &err))
		lf_log_error("the note of what is held", &err);
}

/* All are held, or none is. */
static int freeze(struct lf_quiesce *q, struct lf_error *err)
{
	struct lf_error ignored;
	int rc = write_note(q, err);

	for (size_t i = 0; !rc && i < q->n; i++) {
		rc = run(&q->scripts[i], "freeze", q->limit_ns, &q->scripts[i].group, err);
		if (!rc)
			continue;
		/* what it had begun before it failed is its thaw's to end */
		(void)!thaw(q, i + 1, &ignored);
		remove_note(q);
	}
	return rc;
}

static struct lf_quiesce *quiesce_new(const char *note, int64_t limit_ns)
{
	struct lf_quiesce *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->limit_ns = limit_ns;
	q->note = note ? strdup(note) : NULL;
	if (note && !q->note) {
		free(q);
		return NULL;
	}
	return q;
}

int lf_quiesce_begin(const char *dir, int64_t limit_ns, const char *note,
		     struct lf_quiesce **ret_quiesce, struct lf_error *err)
{
	struct lf_quiesce *q = quiesce_new(note, limit_ns);

	if (!q)
		return lf_fail_nomem(err);
	q->dir = dir;
	int rc = find_scripts(q, err);
	if (!rc)
		rc = freeze(q, err);
	if (rc) {
		quiesce_free(q);
		return rc;
	}
	*ret_quiesce = q;
	return 0;
}

int lf_quiesce_end(struct lf_quiesce *quiesce, struct lf_error *err)
{
	int rc = thaw(quiesce, quiesce->n, err);

	remove_note(quiesce);
	quiesce_free(quiesce);
	return rc;
}

/* What a note names; an earlier version's is the list alone. */
static void take_note(struct lf_quiesce *q, const json_t *note)
{
	const json_t *paths = json_is_array(note) ? note : lf_json_at(note, "scripts");
	struct lf_error ignored;
	size_t i;
	json_t *path;

	q->limit_ns = lf_json_int_or(note, "limitNs", q->limit_ns);
	json_array_foreach ((json_t *)(uintptr_t)paths, i, path) {
		const char *name = json_string_value(path);
		/* a script that was removed meanwhile has nothing to say */
		if (!name || name[0] != '/' || q->n == LF_QUIESCE_SCRIPTS_MAX ||
		    check_script(name, &q->scripts[q->n].path, &ignored))
			continue;
		q->n++;
		lf_warn("%s: an earlier run has not thawed it", name);
	}
}

int lf_quiesce_recover(const char *note, int64_t limit_ns, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *said = NULL;
	struct lf_error ignored;

	int rc = lf_file_read(note, NOTE_MAX, &text, err);
	if (rc == LF_ENOTFOUND)
		return 0;
	if (!rc)
		rc = lf_json_parse(lf_buf_text(&text), text.len, &said, err);
	if (rc == LF_ENOMEM)
		return rc;
	if (rc) /* it will not get better: whoever starts may not fail each time */
		lf_log_error("the note of what is held", err);
	struct lf_quiesce *q = quiesce_new(note, limit_ns);
	if (!q)
		return lf_fail_nomem(err);
	take_note(q, said);
	(void)!thaw(q, q->n, &ignored); /* logged; what had been held is the script's to find */
	remove_note(q);
	quiesce_free(q);
	return 0;
}
