/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts as their owners write them, the good and the others. */
#include "test.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/file.h"
#include "os/process.h"
#include "source/freeze.h"
#include "source/quiesce.h"

#define LONG_NS	 (60 * LF_NS_PER_S)
#define SHORT_NS (300 * LF_NS_PER_MS)

static struct lf_error err;

/* DIR/app.d/NAME: a shell's script that has $dir, and says what it is asked in DIR/said. */
static void script(const char *dir, const char *name, const char *body)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/app.d/%s", dir, name);
	LF_AUTO_FREE char *text =
		lf_printf_dup("#!/bin/sh\ndir=%s\necho %s $1 >>$dir/said\n%s\n", dir, name, body);
	LF_AUTO_FREE char *folder = lf_printf_dup("%s/app.d", dir);

	mkdir(folder, 0755);
	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0755, &err));
}

static int begin(const char *dir, int64_t limit_ns, struct lf_quiesce **ret_quiesce)
{
	LF_AUTO_FREE char *folder = lf_printf_dup("%s/app.d", dir);
	LF_AUTO_FREE char *note = lf_printf_dup("%s/note", dir);

	err = LF_ERROR_NONE;
	return lf_quiesce_begin(folder, limit_ns, note, ret_quiesce, &err);
}

static void assert_said(const char *dir, const char *text)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/said", dir);
	LF_AUTO_BUF said = LF_BUF_INIT;

	assert_lf_ok(lf_file_read(path, 1 << 20, &said, &err));
	assert_string_equal(lf_buf_text(&said), text);
}

static bool has(const char *dir, const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);

	return access(path, F_OK) == 0;
}

/* The process whose number a script has written to DIR/pid. */
static pid_t pid_of(const char *dir)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/pid", dir);
	pid_t pid = 0;

	assert_lf_ok(lf_pid_read(path, &pid, &err));
	return pid;
}

/* Who was killed is gone at once, or nearly. */
static bool is_gone(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 10 * LF_NS_PER_MS};

	for (int i = 0; i < 500 && lf_process_is(pid, ""); i++)
		nanosleep(&pause, NULL);
	return !lf_process_is(pid, "");
}

static void test_quiesce__freezes_in_order_and_thaws_in_the_other(void **state)
{
	struct lf_quiesce *q = NULL;

	script(*state, "b_second", "");
	script(*state, "a-first", "[ -e $dir/note ]");
	script(*state, "c.dpkg-old", "exit 1");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	assert_said(*state, "a-first freeze\nb_second freeze\n");
	assert_lf_ok(lf_quiesce_end(q, &err));
	assert_said(*state, "a-first freeze\nb_second freeze\nb_second thaw\na-first thaw\n");
	assert_false(has(*state, "note"));
}

static void test_quiesce__a_script_has_a_clean_environment(void **state)
{
	struct lf_quiesce *q = NULL;

	setenv("LF_SECRET", "value", 1);
	signal(SIGPIPE, SIG_IGN);
	script(*state, "one",
	       "{ [ \"$LF_SECRET$HOME$USER\" ] && echo env; [ $PWD = / ] || echo $PWD; read -r x "
	       "&& "
	       "echo input; grep '^SigIgn' /proc/self/status | grep -v '0000000$'; ls "
	       "/proc/self/fd | "
	       "tail -n +5; } >$dir/wrong\n! [ -s $dir/wrong ] || { cat $dir/wrong; exit 1; }");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	assert_lf_ok(lf_quiesce_end(q, &err));
}

static void test_quiesce__one_that_fails_leaves_none_held(void **state)
{
	struct lf_quiesce *q = NULL;

	script(*state, "a", "");
	script(*state, "b", "[ $1 = thaw ] || { echo why; exit 3; }");
	script(*state, "c", "");
	assert_int_equal(begin(*state, LONG_NS, &q), LF_EIO);
	assert_non_null(strstr(err.message, "why"));
	assert_non_null(strstr(err.hint, "/b freeze'"));
	assert_said(*state, "a freeze\nb freeze\nb thaw\na thaw\n");
	assert_false(has(*state, "note"));
}

static void test_quiesce__a_thaw_that_fails_is_told_and_the_others_are_thawed(void **state)
{
	struct lf_quiesce *q = NULL;

	script(*state, "a", "");
	script(*state, "b", "[ $1 = freeze ] || { echo lost; exit 1; }");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	assert_int_equal(lf_quiesce_end(q, &err), LF_EIO);
	assert_non_null(strstr(err.message, "lost"));
	assert_said(*state, "a freeze\nb freeze\nb thaw\na thaw\n");
	assert_false(has(*state, "note"));
}

/* One that ignores SIGTERM, and its child that does, too. */
static void test_quiesce__what_takes_too_long_is_killed_with_its_group(void **state)
{
	struct lf_quiesce *q = NULL;

	script(*state, "a",
	       "[ $1 = thaw ] && exit\ntrap '' TERM\nsleep 1000 &\necho $! >$dir/pid\n"
	       "while :; do sleep 1; done");
	int64_t begun = lf_clock_monotonic_ns();
	assert_int_equal(begin(*state, SHORT_NS, &q), LF_ETIMEOUT);
	assert_true(lf_clock_monotonic_ns() - begun < 30 * LF_NS_PER_S);
	assert_true(is_gone(pid_of(*state)));
	assert_said(*state, "a freeze\na thaw\n");
}

/* Whether the script fails or takes too long: its child lets go of what it holds. */
static void test_quiesce__what_is_killed_is_asked_before(void **state)
{
	static const char *const ends[] = {"exit 1", "while :; do sleep 0.1; done"};
	struct lf_quiesce *q = NULL;

	for (size_t i = 0; i < LF_N(ends); i++) {
		LF_AUTO_FREE char *body = lf_printf_dup(
			"[ $1 = thaw ] && exit\nexport dir\n"
			"sh -c 'trap \"sleep 0.2; echo >$dir/gone; exit\" TERM; echo >$dir/on; "
			"while :; do sleep 0.01; done' &\n"
			"until [ -e $dir/on ]; do sleep 0.01; done\nrm $dir/on; %s",
			ends[i]);
		LF_AUTO_FREE char *gone = lf_printf_dup("%s/gone", (char *)*state);
		script(*state, "a", body);
		assert_int_not_equal(begin(*state, i ? 2 * SHORT_NS : LONG_NS, &q), 0);
		assert_true(has(*state, "gone"));
		assert_lf_ok(lf_file_remove(gone, &err));
	}
}

/* Who fails without leaving anybody is not waited for. */
static void test_quiesce__one_that_fails_alone_is_quick(void **state)
{
	struct lf_quiesce *q = NULL;
	int64_t begun = lf_clock_monotonic_ns();

	script(*state, "a", "exit 1");
	for (int i = 0; i < 4; i++)
		assert_int_equal(begin(*state, LONG_NS, &q), LF_EIO);
	assert_true(lf_clock_monotonic_ns() - begun < 4 * LF_NS_PER_S);
}

/* It holds the output open, and more: only its thaw's end ends it. */
static void test_quiesce__what_a_script_leaves_behind_lives_until_the_thaw(void **state)
{
	struct lf_quiesce *q = NULL;

	script(*state, "a", "[ $1 = thaw ] || { sleep 1000 & echo $! >$dir/pid; }");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	pid_t pid = pid_of(*state);
	assert_true(lf_process_is(pid, "")); /* the sleep, or the shell that becomes it */
	assert_lf_ok(lf_quiesce_end(q, &err));
	assert_true(is_gone(pid));
}

/* In a session of its own it is no longer ours: it is not waited for. */
static void test_quiesce__one_that_forks_away_holds_nobody_up(void **state)
{
	struct lf_quiesce *q = NULL;
	int64_t begun = lf_clock_monotonic_ns();

	script(*state, "a",
	       "[ $1 = thaw ] || { setsid sleep 1000 & sleep 0.1; echo $! >$dir/pid; }");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	assert_lf_ok(lf_quiesce_end(q, &err));
	assert_true(lf_clock_monotonic_ns() - begun < LONG_NS / 2);
	assert_lf_ok(lf_process_stop(pid_of(*state), "sleep 1000", LF_NS_PER_S, &err));
}

static void test_quiesce__a_flood_of_output_is_bounded(void **state)
{
	struct lf_quiesce *q = NULL;

	script(*state, "a", "[ $1 = thaw ] && exit\nhead -c 20000000 /dev/zero | tr '\\0' x");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	assert_lf_ok(lf_quiesce_end(q, &err));
	script(*state, "a", "[ $1 = thaw ] || exec yes");
	assert_int_equal(begin(*state, SHORT_NS, &q), LF_ETIMEOUT);
}

static void test_quiesce__without_scripts_says_what_to_do(void **state)
{
	struct lf_quiesce *q = NULL;

	assert_int_equal(begin(*state, LONG_NS, &q), LF_ENOTFOUND);
	script(*state, "not.one", "");
	assert_int_equal(begin(*state, LONG_NS, &q), LF_ENOTFOUND);
	assert_non_null(strstr(err.hint, "landfall-agent(8)"));
}

static void test_quiesce__what_others_could_change_is_not_run(void **state)
{
	static const struct {
		const char *path;
		mode_t mode;
		bool given_away;
	} rows[] = {
		{"app.d/a", 0775, false}, {"app.d/a", 0757, false}, {"app.d/a", 0644, false},
		{"app.d", 0777, false},	  {"app.d", 0775, false},   {"", 0777, false},
		{"app.d/a", 0755, true},  {"app.d", 0755, true},
	};
	struct lf_quiesce *q = NULL;

	for (size_t i = 0; i < LF_N(rows); i++) {
		LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", (char *)*state, rows[i].path);
		if (rows[i].given_away && geteuid() != 0)
			continue;
		script(*state, "a", "");
		assert_int_equal(chmod(path, rows[i].mode), 0);
		if (rows[i].given_away)
			assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
		assert_int_equal(begin(*state, LONG_NS, &q), LF_EDENIED);
		assert_non_null(strstr(err.hint, "chmod"));
		assert_false(has(*state, "said"));
		if (rows[i].given_away)
			assert_int_equal(chown(path, geteuid(), (gid_t)-1), 0);
		assert_int_equal(chmod(path, 0755), 0);
	}
	/* a link is as good as what it leads to */
	LF_AUTO_FREE char *to = lf_printf_dup("%s/elsewhere", (char *)*state);
	LF_AUTO_FREE char *from = lf_printf_dup("%s/app.d/b", (char *)*state);
	assert_lf_ok(lf_file_write_durable(to, "#!/bin/sh\n", 10, 0755, &err));
	assert_int_equal(chmod(to, 0777), 0);
	assert_int_equal(symlink(to, from), 0);
	assert_int_equal(begin(*state, LONG_NS, &q), LF_EDENIED);
	assert_int_equal(chmod(to, 0755), 0);
	assert_lf_ok(begin(*state, LONG_NS, &q));
	assert_lf_ok(lf_quiesce_end(q, &err));
}

static void make_link(const char *dir, const char *to, const char *from)
{
	LF_AUTO_FREE char *target = *to == '/' ? strdup(to) : lf_printf_dup("%s/%s", dir, to);
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, from);

	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

/* A link over what somebody else can change is as bad as what he would have it lead to. */
static void test_quiesce__each_link_on_the_way_is_roots_too(void **state)
{
	static const char *const roads[] = {"others/link", "others/dir/b", "sticky/link"};
	LF_AUTO_FREE char *others = lf_printf_dup("%s/others", (char *)*state);
	LF_AUTO_FREE char *sticky = lf_printf_dup("%s/sticky", (char *)*state);
	LF_AUTO_FREE char *theirs = lf_printf_dup("%s/sticky/link", (char *)*state);
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/dir", (char *)*state);
	struct lf_quiesce *q = NULL;

	script(*state, "../dir-b", "");
	assert_int_equal(mkdir(others, 0755) | mkdir(sticky, 0755) | mkdir(dir, 0755), 0);
	make_link(*state, "dir-b", "dir/b");
	make_link(*state, "dir-b", "others/link");
	make_link(*state, "dir-b", "sticky/link");
	make_link(*state, "dir", "others/dir");
	assert_int_equal(chmod(others, 0777) | chmod(sticky, 01777), 0);
	if (geteuid() == 0)
		assert_int_equal(lchown(theirs, 65534, (gid_t)-1), 0);
	for (size_t i = 0; i < LF_N(roads) - (geteuid() != 0); i++) {
		make_link(*state, roads[i], "app.d/b");
		assert_int_equal(begin(*state, LONG_NS, &q), LF_EDENIED);
		assert_non_null(strstr(err.hint, "chown"));
	}
	assert_int_equal(chmod(others, 0755), 0);
	make_link(*state, "others/dir/../dir/./b", "app.d/b");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	assert_lf_ok(lf_quiesce_end(q, &err));
	make_link(*state, "app.d/b", "app.d/b");
	assert_true(begin(*state, LONG_NS, &q) < 0);
}

/* What is thawed is what was frozen, wherever the link leads meanwhile; in the order of the links.
 */
static void test_quiesce__a_script_is_where_its_link_ended(void **state)
{
	struct lf_quiesce *q = NULL;

	script(*state, "../z", "");
	script(*state, "../y", "");
	make_link(*state, "z", "app.d/10-one");
	make_link(*state, "y", "app.d/20-two");
	assert_lf_ok(begin(*state, LONG_NS, &q));
	make_link(*state, "/bin/false", "app.d/10-one");
	assert_lf_ok(lf_quiesce_end(q, &err));
	assert_said(*state, "../z freeze\n../y freeze\n../y thaw\n../z thaw\n");
}

static void test_quiesce__a_relative_directory_is_refused(void **state)
{
	struct lf_quiesce *q = NULL;

	(void)state;
	assert_int_equal(lf_quiesce_begin("app.d", LONG_NS, NULL, &q, &err), LF_EINVAL);
	assert_string_equal(err.target, "appScripts");
	assert_int_equal(lf_quiesce_begin("", LONG_NS, NULL, &q, &err), LF_EINVAL);
}

static void test_quiesce__what_a_killed_run_has_left_is_thawed(void **state)
{
	LF_AUTO_FREE char *note = lf_printf_dup("%s/note", (char *)*state);
	struct lf_quiesce *q = NULL;

	script(*state, "a", "");
	script(*state, "b", "");
	pid_t child = fork();
	if (child == 0)
		_exit(begin(*state, LONG_NS, &q) ? 1 : (raise(SIGKILL), 0));
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_lf_ok(lf_quiesce_recover(note, LONG_NS, &err));
	assert_said(*state, "a freeze\nb freeze\nb thaw\na thaw\n");
	assert_false(has(*state, "note"));
	assert_lf_ok(lf_quiesce_recover(note, LONG_NS, &err));
	assert_said(*state, "a freeze\nb freeze\nb thaw\na thaw\n");
}

/* As long as it was let take then; an earlier version's note says nothing of it. */
static void test_quiesce__a_thaw_of_a_note_has_the_time_of_its_freeze(void **state)
{
	LF_AUTO_FREE char *note = lf_printf_dup("%s/note", (char *)*state);
	LF_AUTO_FREE char *old = lf_printf_dup("[\"%s/app.d/a\"]", (char *)*state);
	struct lf_quiesce *q = NULL;

	script(*state, "a", "[ $1 = freeze ] || { sleep 1; echo done >>$dir/said; }");
	pid_t child = fork();
	if (child == 0)
		_exit(begin(*state, LONG_NS, &q) ? 1 : (raise(SIGKILL), 0));
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_lf_ok(lf_quiesce_recover(note, SHORT_NS, &err));
	assert_said(*state, "a freeze\na thaw\ndone\n");
	assert_lf_ok(lf_file_write_durable(note, old, strlen(old), 0600, &err));
	assert_lf_ok(lf_quiesce_recover(note, SHORT_NS, &err));
	assert_said(*state, "a freeze\na thaw\ndone\na thaw\n");
}

static void test_quiesce__a_note_that_cannot_be_read_is_removed(void **state)
{
	static const char *const texts[] = {"", "[\"/", "{\"scripts\": 3}", "7", "[3, \"x\"]"};
	LF_AUTO_FREE char *note = lf_printf_dup("%s/note", (char *)*state);

	for (size_t i = 0; i < LF_N(texts); i++) {
		assert_lf_ok(lf_file_write_durable(note, texts[i], strlen(texts[i]), 0600, &err));
		assert_lf_ok(lf_quiesce_recover(note, LONG_NS, &err));
		assert_false(has(*state, "note"));
		/* that of a freeze, too */
		assert_lf_ok(lf_file_write_durable(note, texts[i], strlen(texts[i]), 0600, &err));
		assert_lf_ok(lf_freeze_recover(note, &err));
		assert_false(has(*state, "note"));
	}
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_quiesce__freezes_in_order_and_thaws_in_the_other),
		IN_DIR(test_quiesce__a_script_has_a_clean_environment),
		IN_DIR(test_quiesce__one_that_fails_leaves_none_held),
		IN_DIR(test_quiesce__a_thaw_that_fails_is_told_and_the_others_are_thawed),
		IN_DIR(test_quiesce__what_takes_too_long_is_killed_with_its_group),
		IN_DIR(test_quiesce__what_is_killed_is_asked_before),
		IN_DIR(test_quiesce__one_that_fails_alone_is_quick),
		IN_DIR(test_quiesce__what_a_script_leaves_behind_lives_until_the_thaw),
		IN_DIR(test_quiesce__one_that_forks_away_holds_nobody_up),
		IN_DIR(test_quiesce__a_flood_of_output_is_bounded),
		IN_DIR(test_quiesce__without_scripts_says_what_to_do),
		IN_DIR(test_quiesce__what_others_could_change_is_not_run),
		IN_DIR(test_quiesce__each_link_on_the_way_is_roots_too),
		IN_DIR(test_quiesce__a_script_is_where_its_link_ended),
		IN_DIR(test_quiesce__a_relative_directory_is_refused),
		IN_DIR(test_quiesce__what_a_killed_run_has_left_is_thawed),
		IN_DIR(test_quiesce__a_thaw_of_a_note_has_the_time_of_its_freeze),
		IN_DIR(test_quiesce__a_note_that_cannot_be_read_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
