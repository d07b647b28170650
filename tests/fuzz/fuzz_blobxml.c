/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML of clients of the blob service: what is read is UTF-8, below names that are, and what is
 * written of it is read as the same again.
 */
#include "fuzz.h"

#include "base/utf8.h"
#include "blob/xml.h"

struct seen {
	struct lf_buf again;
	size_t n;
};

static int visit(void *context, const char *path, const char *text, struct lf_error *err)
{
	struct seen *seen = context;

	(void)err;
	LF_ASSERT(path[0] && lf_utf8_valid(path) && lf_utf8_valid(text));
	if (seen->n++ == 0)
		lf_blob_xml_element(&seen->again, "a", text);
	return 0;
}

struct expected {
	size_t n;
};

static int visit_again(void *context, const char *path, const char *text, struct lf_error *err)
{
	struct expected *expected = context;

	(void)text, (void)err;
	LF_ASSERT(strcmp(path, "a") == 0);
	expected->n++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = {.again = LF_BUF_INIT};
	struct expected expected = {0};
	struct lf_error err = LF_ERROR_NONE;

	int rc = lf_blob_xml_read((const char *)data, size, visit, &seen, &err);
	LF_ASSERT(rc == 0 || rc == LF_EINVAL);
	if (seen.n) {
		rc = lf_blob_xml_read(lf_buf_text(&seen.again), seen.again.len, visit_again,
				      &expected, &err);
		LF_ASSERT(rc == 0 && expected.n == 1);
	}
	lf_buf_done(&seen.again);
	return 0;
}
