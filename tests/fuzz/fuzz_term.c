/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's console and foreign lines: what is left is text, and cleaning it again changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/term.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t len, bool lines)
{
	uint32_t c;

	LF_ASSERT(strlen(text) == len && lf_utf8_valid(text));
	for (size_t i = 0, n; i < len; i += n) {
		n = lf_utf8_decode(text + i, &c);
		LF_ASSERT(n && (!lf_term_hidden(c) || (lines && (c == '\n' || c == '\t'))));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *again = malloc(size + 1), *line = malloc(size + 1);

	LF_ASSERT(text && again && line);
	memcpy(text, data, size);
	memcpy(line, data, size);
	text[size] = line[size] = '\0';
	size_t len = lf_term_clean_lines(text, size);
	LF_ASSERT(len <= size);
	check(text, len, true);
	memcpy(again, text, len + 1);
	LF_ASSERT(lf_term_clean_lines(again, len) == len && memcmp(again, text, len) == 0);
	lf_term_clean(line);
	check(line, strlen(line), false);
	/* names and ids: whatever is good is clean, and what is made is good */
	char made[81];
	lf_name_make(LF_NAME_RESOURCE, line, made, sizeof(made));
	LF_ASSERT(lf_name_good(LF_NAME_RESOURCE, made));
	memcpy(line, data, size);
	for (int kind = 0; kind < LF_NAME_KINDS; kind++)
		if (lf_name_good((enum lf_name_kind)kind, line)) {
			check(line, strlen(line), false);
			LF_ASSERT(kind == LF_NAME_TEXT || !strpbrk(line, "/\\'\"`$<>&|*?\n"));
		}
	if (lf_id_good(line))
		LF_ASSERT(!strstr(line, "//") && !strstr(line, "/../") &&
			  !strpbrk(line, "\\'\"`$<>%?#"));
	free(text);
	free(again);
	free(line);
	return 0;
}
