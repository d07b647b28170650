/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "providers/backup/files/files.h"

#define PEM(what) "-----BEGIN " what "-----\nAbc+/=\n-----END " what "-----\n"

static const char *const hostile[] = {
	"",	   "web1\nid > /tmp/PWNED\n#",
	"a'b",	   "a\"b",
	"$(id)",   "`id`",
	"a b",	   "a;b",
	"a\\",	   "a\rb",
	"\xff",	   "a/b",
	"a*",	   "a%s",
	"a\tb",	   "a#",
	"a\x1b[m", "~root",
	"a{b,c}",  NULL,
};

static struct lf_files_script good_script(json_t *disks)
{
	return (struct lf_files_script){.time = "2026-11-23T05:04:03.1234567Z",
					.expires = "2026-11-23T17:04:03.1234567Z",
					.host = "backup.example.org",
					.ca = PEM("CERTIFICATE"),
					.cert = PEM("CERTIFICATE"),
					.key = PEM("PRIVATE KEY"),
					.disks = disks};
}

static void expect_refused(const struct lf_files_script *script, const char *what)
{
	struct lf_error err = LF_ERROR_NONE;
	char *text = NULL;

	if (lf_files_script(script, &text, &err) != LF_EINTERNAL || text)
		fail_msg("a script with %s was written", what);
}

static void test_script__holds_only_words_and_certificates(void **state)
{
	LF_AUTO_JSON *disks = json_pack("[{s:s, s:i}]", "name", "lun0", "port", 1);

	(void)state;
	for (size_t i = 0; i < LF_N(hostile); i++) {
		struct lf_files_script bad = good_script(disks);
		bad.time = hostile[i];
		expect_refused(&bad, "that time");
		bad = good_script(disks);
		bad.expires = hostile[i];
		expect_refused(&bad, "that end");
		bad = good_script(disks);
		bad.host = hostile[i];
		expect_refused(&bad, "that host");
		bad = good_script(disks);
		bad.ca = hostile[i];
		expect_refused(&bad, "that CA");
		bad = good_script(disks);
		bad.key = hostile[i];
		expect_refused(&bad, "that key");
	}
	struct lf_files_script bad = good_script(disks);
	bad.cert = PEM("CERTIFICATE") "PEM\nid\n";
	expect_refused(&bad, "a certificate that ends its document");
}

static void test_script__names_disks_by_words_and_ports(void **state)
{
	static const int ports[] = {0, -1, 65536};

	(void)state;
	for (size_t i = 0; hostile[i]; i++) {
		if (strchr(hostile[i], '\xff'))
			continue; /* no document holds it */
		LF_AUTO_JSON *disks = json_pack("[{s:s, s:i}]", "name", hostile[i], "port", 1);
		struct lf_files_script bad = good_script(disks);
		expect_refused(&bad, "that disk");
	}
	for (size_t i = 0; i < LF_N(ports); i++) {
		LF_AUTO_JSON *disks = json_pack("[{s:s, s:i}]", "name", "os", "port", ports[i]);
		struct lf_files_script bad = good_script(disks);
		expect_refused(&bad, "that port");
	}
	LF_AUTO_JSON *option = json_pack("[{s:s, s:i}]", "name", "-x", "port", 1);
	struct lf_files_script bad = good_script(option);
	expect_refused(&bad, "a disk that is an option");
}

static void test_script__runs_no_program_of_the_machine(void **state)
{
	LF_AUTO_JSON *disks = json_pack("[{s:s, s:i}, {s:s, s:i}]", "name", "os", "port", 10809,
					"name", "lun0", "port", 65535);
	struct lf_files_script script = good_script(disks);
	struct lf_error err = LF_ERROR_NONE;
	LF_AUTO_FREE char *text = NULL;
	size_t mounts = 0;

	(void)state;
	assert_lf_ok(lf_files_script(&script, &text, &err));
	for (const char *at = text; (at = strstr(at, "mount -o ")); at++, mounts++)
		assert_int_equal(strncmp(at, "mount -o \"ro,nosuid,nodev,noexec", 32), 0);
	assert_int_equal(mounts, 1);
	assert_non_null(strstr(text, "\n\tdisk os 10809\n\tdisk lun0 65535\n}\n"));
	assert_non_null(strstr(text, "\numask 077\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script__holds_only_words_and_certificates),
		cmocka_unit_test(test_script__names_disks_by_words_and_ports),
		cmocka_unit_test(test_script__runs_no_program_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
