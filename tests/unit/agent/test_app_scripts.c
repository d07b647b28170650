/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts that come with the agent: servers that fail and die, and processes that are none. */
#include "test.h"

#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "os/process.h"
#include "source/quiesce.h"

#define LIMIT_NS (60 * LF_NS_PER_S)

static struct lf_error err;

static void write_program(const char *dir, const char *name, const char *body)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);
	LF_AUTO_FREE char *text = lf_printf_dup("#!/bin/sh\ndir=%s\n%s\n", dir, body);

	assert_lf_ok(lf_file_write_durable(path, text, strlen(text), 0755, &err));
}

static char *text_of(const char *dir, const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;

	return strdup(lf_file_read(path, 1 << 20, &text, &ignored) ? "" : lf_buf_text(&text));
}

static bool has(const char *dir, const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);

	return access(path, F_OK) == 0;
}

/* Programs that say who asks whom, in DIR/asked, which all may write to.  The server of a socket
 * whose name has "bad" lets nobody in. */
static void make_programs(const char *dir)
{
	mode_t before = umask(0);

	assert_int_equal(chmod(dir, 0755), 0);
	write_program(dir, "mariadb",
		      "echo \"$(id -u) $*\" >>$dir/asked\n"
		      "case \"$*\" in *bad*) echo access denied; exit 1 ;; esac\n"
		      "while read -r line; do case $line in\n"
		      "*held*) echo held; echo $$ >$dir/client ;;\n"
		      "*released*) echo released ;;\nquit) exit ;;\nesac; done");
	write_program(dir, "psql", "echo \"$(id -u) $*\" >>$dir/asked");
	LF_AUTO_FREE char *asked = lf_printf_dup("%s/asked", dir);
	LF_AUTO_FREE char *client = lf_printf_dup("%s/client", dir);
	assert_lf_ok(lf_file_write_durable(asked, "", 0, 0666, &err));
	assert_lf_ok(lf_file_write_durable(client, "", 0, 0666, &err));
	umask(before);
}

/* The script of that name with the programs above before all others, and settings. */
static void link_script(const char *dir, const char *name, const char *settings)
{
	LF_AUTO_FREE char *folder = lf_printf_dup("%s/app.d", dir);
	LF_AUTO_FREE char *body = lf_printf_dup(
		"PATH=$dir:$PATH MARIADB_STATE=$dir/state %s exec " LF_SCRIPTS_DIR "/%s \"$@\"",
		settings, name);

	mkdir(folder, 0755);
	write_program(folder, name, "");
	LF_AUTO_FREE char *path = lf_printf_dup("app.d/%s", name);
	write_program(dir, path, body);
}

static int begin(const char *dir, struct lf_quiesce **ret_quiesce)
{
	LF_AUTO_FREE char *folder = lf_printf_dup("%s/app.d", dir);

	err = LF_ERROR_NONE;
	return lf_quiesce_begin(folder, LIMIT_NS, NULL, ret_quiesce, &err);
}

/* Before the state that is no more: nobody waits for what a killed process would say. */
static void assert_quick(int64_t begun_ns)
{
	assert_true(lf_clock_monotonic_ns() - begun_ns < LIMIT_NS / 3);
}

static void test_app_scripts__mariadb_holds_until_the_thaw(void **state)
{
	struct lf_quiesce *q = NULL;

	make_programs(*state);
	link_script(*state, "mariadb", "MARIADB_SOCKET='/run/one /run/two'");
	assert_lf_ok(begin(*state, &q));
	assert_true(has(*state, "state/2/said"));
	assert_lf_ok(lf_quiesce_end(q, &err));
	assert_false(has(*state, "state"));
}

static void test_app_scripts__a_second_mariadb_that_fails_leaves_none_held(void **state)
{
	struct lf_quiesce *q = NULL;
	int64_t begun = lf_clock_monotonic_ns();

	make_programs(*state);
	link_script(*state, "mariadb", "MARIADB_SOCKET='/run/good /run/bad'");
	assert_int_equal(begin(*state, &q), LF_EIO);
	assert_non_null(strstr(err.message, "/run/bad does not hold"));
	assert_false(has(*state, "state"));
	assert_quick(begun);
	link_script(*state, "mariadb", "MARIADB_SOCKET=/run/good");
	assert_lf_ok(begin(*state, &q));
	assert_lf_ok(lf_quiesce_end(q, &err));
}

static void test_app_scripts__a_mariadb_client_that_was_killed_is_not_waited_for(void **state)
{
	struct lf_quiesce *q = NULL;
	int64_t begun = lf_clock_monotonic_ns();

	make_programs(*state);
	/* the whole group, as when a freeze takes too long: nobody is left to say "ended" */
	link_script(*state, "mariadb", "MARIADB_SOCKET=/run/good");
	assert_lf_ok(begin(*state, &q));
	LF_AUTO_FREE char *client = text_of(*state, "state/1/pid");
	assert_int_equal(kill(-getpgid(atoi(client)), SIGKILL), 0);
	assert_int_equal(lf_quiesce_end(q, &err), LF_EIO);
	assert_non_null(strstr(err.message, "stopped to hold"));
	assert_false(has(*state, "state"));
	assert_lf_ok(begin(*state, &q));
	assert_lf_ok(lf_quiesce_end(q, &err));
	assert_quick(begun);
}

/* Processes of another user with the names of servers, in a space of their own, where the script
 * is asked to freeze; its output in ret_output. */
static int freeze_among(const char *dir, const char *name, const char *make,
			struct lf_buf *ret_output)
{
	write_program(dir, "among", make);
	LF_AUTO_FREE char *text = lf_printf_dup("cd %s && sh -e ./among && cd / && sleep 0.3 && "
						"PATH=%s:$PATH MARIADB_STATE=%s/state timeout 20 "
						"%s/%s freeze",
						dir, dir, dir, LF_SCRIPTS_DIR, name);
	const char *const argv[] = {"unshare",	    "--pid", "--fork", "--kill-child", "--mount",
				    "--mount-proc", "sh",    "-c",     text,	       NULL};

	err = LF_ERROR_NONE;
	return lf_process_run(argv, LIMIT_NS, ret_output, &err);
}

#define AS_NOBODY "setpriv --reuid 65534 --regid 65534 --clear-groups "

static void test_app_scripts__what_is_called_mariadbd_gets_nothing_that_is_not_its_own(void **state)
{
	LF_AUTO_BUF output = LF_BUF_INIT;

	if (geteuid() != 0)
		skip();
	make_programs(*state);
	int rc = freeze_among(
		*state, "mariadb",
		"install -d -o 65534 own && cp /usr/bin/perl mariadbd\n" AS_NOBODY
		"$dir/mariadbd -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0);"
		"bind(S, sockaddr_un($ARGV[0])) && listen(S, 1) or die; sleep' $dir/own/socket &",
		&output);
	LF_AUTO_FREE char *asked = text_of(*state, "asked");
	if (rc || !*asked)
		fail_msg("nobody was asked: %s", lf_buf_text(&output));
	assert_int_equal(strncmp(asked, "65534 --no-defaults --local-infile=0 ", 37), 0);
	assert_non_null(strstr(asked, "own/socket"));
	assert_null(strchr(asked, '\n')[1] ? asked : NULL);
}

static void test_app_scripts__what_is_called_postgres_has_root_read_and_run_nothing(void **state)
{
	static const struct {
		const char *make;
		const char *asked; /* NULL: nobody is */
	} rows[] = {
		/* a server of its own */
		{"printf '%s\\n' $! own 0 5433 /sock >own/postmaster.pid", "65534 "},
		/* what is not its own to read, behind its number */
		{"{ echo $!; seq 2; echo 5433; echo /secret; } >secret; chmod 600 secret; "
		 "ln -s $dir/secret own/postmaster.pid",
		 NULL},
		{"mkfifo own/postmaster.pid", NULL},
		{"ln -s /dev/zero own/postmaster.pid", NULL},
		/* in a directory that is root's */
		{"chown 0 own; printf '%s\\n' $! own 0 5433 /sock >own/postmaster.pid", NULL},
	};

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < LF_N(rows); i++) {
		LF_AUTO_BUF output = LF_BUF_INIT;
		LF_AUTO_FREE char *make = lf_printf_dup(
			"rm -rf own secret && install -d -o 65534 own && cp /bin/sleep postgres\n"
			"(cd own && exec " AS_NOBODY "$dir/postgres 1000) &\n%s\n"
			"[ -f secret ] || chmod -R o+rX own",
			rows[i].make);
		make_programs(*state);
		int rc = freeze_among(*state, "postgresql", make, &output);
		LF_AUTO_FREE char *asked = text_of(*state, "asked");
		if (rows[i].asked && (rc || strncmp(asked, rows[i].asked, 6) != 0))
			fail_msg("row %zu: %s, and asked '%s'", i, err.message, asked);
		if (!rows[i].asked && (!rc || *asked))
			fail_msg("row %zu: no failure, and asked '%s'", i, asked);
	}
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, test_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_app_scripts__mariadb_holds_until_the_thaw),
		IN_DIR(test_app_scripts__a_second_mariadb_that_fails_leaves_none_held),
		IN_DIR(test_app_scripts__a_mariadb_client_that_was_killed_is_not_waited_for),
		IN_DIR(test_app_scripts__what_is_called_mariadbd_gets_nothing_that_is_not_its_own),
		IN_DIR(test_app_scripts__what_is_called_postgres_has_root_read_and_run_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
