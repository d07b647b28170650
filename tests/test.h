/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/test.h - cmocka, and a directory of its own for each test.
 */
#ifndef LF_TEST_H
#define LF_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "os/file.h"

/* The call succeeds, or the test fails showing the error. */
#define assert_lf_ok(call)                                                                         \
	do {                                                                                       \
		int lf_rc = (call);                                                                \
		if (lf_rc)                                                                         \
			fail_msg("%s: %s: %s", #call, lf_error_name(lf_rc), err.message);          \
	} while (0)

/* setup and teardown: *state is the path of a fresh directory. */
static inline int test_dir_setup(void **state)
{
	char path[] = "/tmp/landfall-test-XXXXXX";

	if (!mkdtemp(path))
		return -1;
	*state = strdup(path);
	return *state ? 0 : -1;
}

/* The same in memory, if there is such a place: a sync costs nothing. */
static inline int test_memory_dir_setup(void **state)
{
	char path[] = "/dev/shm/landfall-test-XXXXXX";

	if (!mkdtemp(path))
		return test_dir_setup(state);
	*state = strdup(path);
	return *state ? 0 : -1;
}

static inline int test_dir_teardown(void **state)
{
	struct lf_error err;
	int rc = lf_dir_remove(*state, &err);

	free(*state);
	return rc;
}

#endif
