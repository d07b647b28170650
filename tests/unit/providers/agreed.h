/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agreed.h - a table that the code makes is a file in the tree: a change of it is a change that
 * somebody reads.
 */
#ifndef LF_TESTS_AGREED_H
#define LF_TESTS_AGREED_H

#include "test.h"

#include "os/file.h"

/* beside: __FILE__ of the test; name: of the table beside it, without ".txt". */
static inline void assert_agreed(const char *beside, const char *name, const struct lf_buf *table)
{
	LF_AUTO_FREE char *path =
		lf_printf_dup("%.*s/%s.txt", (int)(strrchr(beside, '/') - beside), beside, name);
	LF_AUTO_FREE char *now = lf_printf_dup("%s.now.txt", name);
	LF_AUTO_BUF agreed = LF_BUF_INIT;
	struct lf_error err;

	assert_true(path && now);
	assert_int_equal(lf_file_read(path, 1 << 20, &agreed, &err), 0);
	if (strcmp(lf_buf_text(table), lf_buf_text(&agreed)) == 0)
		return;
	assert_int_equal(lf_file_write_durable(now, table->data, table->len, 0644, &err), 0);
	fail_msg("the table is not that of %s: the present one is in %s, to be compared and copied "
		 "there if it is meant",
		 path, now);
}

#endif
