/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/vault/vault_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "vault/flow/prints.h"

static const struct lf_root some_root = {.node = {{1, 2, 3}}, .height = 1};

static char *prints_path(const struct fixture *fixture)
{
	return lf_printf_dup("%s/prints", fixture->dir);
}

static struct lf_prints *open_prints(const struct fixture *fixture)
{
	LF_AUTO_FREE char *path = prints_path(fixture);
	struct lf_prints *prints = NULL;
	struct lf_error err;

	assert_lf_ok(lf_prints_open(path, &prints, &err));
	return prints;
}

/* Prints of 1000 pages, of which 10 and 11 are not zero. */
static struct lf_prints *make_prints(const struct fixture *fixture)
{
	struct lf_prints *prints = open_prints(fixture);
	const uint64_t values[] = {42, UINT64_MAX};
	struct lf_error err;

	assert_lf_ok(lf_prints_begin(prints, false, &err));
	assert_lf_ok(lf_prints_write(prints, 10, 2, values, &err));
	assert_lf_ok(lf_prints_end(prints, 1000, &some_root, &err));
	return prints;
}

static void test_prints__are_there_when_opened_again(void **state)
{
	struct fixture *fixture = *state;
	uint64_t values[4];
	struct lf_error err;

	lf_prints_close(make_prints(fixture));
	struct lf_prints *prints = open_prints(fixture);
	assert_true(lf_prints_describe(prints, &some_root));
	assert_lf_ok(lf_prints_read(prints, 9, 4, values, &err));
	assert_int_equal(values[0], 0);
	assert_int_equal(values[1], 42);
	assert_int_equal(values[2], UINT64_MAX);
	assert_int_equal(values[3], 0);
	/* behind the end of the file as well */
	assert_lf_ok(lf_prints_read(prints, 999, 4, values, &err));
	assert_int_equal(values[0] | values[1] | values[2] | values[3], 0);
	assert_in_range(lf_prints_next(prints, 0), 0, 10);
	assert_int_equal(lf_prints_next(prints, 5000), UINT64_MAX);
	lf_prints_close(prints);
}

static void test_prints__describe_nothing_while_they_change(void **state)
{
	struct fixture *fixture = *state;
	struct lf_prints *prints = make_prints(fixture);
	uint64_t value = 0;
	struct lf_error err;

	assert_lf_ok(lf_prints_begin(prints, true, &err));
	assert_false(lf_prints_describe(prints, &some_root));
	lf_prints_close(prints); /* a kill here */
	prints = open_prints(fixture);
	assert_false(lf_prints_describe(prints, &some_root));
	assert_lf_ok(lf_prints_begin(prints, false, &err));
	assert_lf_ok(lf_prints_read(prints, 10, 1, &value, &err));
	assert_int_equal(value, 0);
	lf_prints_close(prints);
}

static void test_prints__with_a_damaged_header_describe_nothing(void **state)
{
	struct fixture *fixture = *state;
	LF_AUTO_FREE char *path = prints_path(fixture);

	for (off_t at = 0; at < 108; at++) {
		lf_prints_close(make_prints(fixture));
		int fd = open(path, O_RDWR | O_CLOEXEC);
		uint8_t byte = 0;
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		struct lf_prints *prints = open_prints(fixture);
		assert_false(lf_prints_describe(prints, &some_root));
		lf_prints_close(prints);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_prints__are_there_when_opened_again),
		TEST(test_prints__describe_nothing_while_they_change),
		TEST(test_prints__with_a_damaged_header_describe_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
