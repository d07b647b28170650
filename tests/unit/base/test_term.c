/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/term.h"

static void line(const char *in, const char *out)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", in);
	lf_term_clean(text);
	assert_string_equal(text, out);
}

static void lines(const char *in, size_t len, const char *out)
{
	char text[256];

	memcpy(text, in, len);
	text[len] = '\0';
	size_t n = lf_term_clean_lines(text, len);
	assert_int_equal(n, strlen(out));
	assert_string_equal(text, out);
}
#define LINES(in, out) lines(in, sizeof(in) - 1, out)

static void test_line__keeps_text_and_nothing_that_a_terminal_obeys(void **state)
{
	(void)state;
	line("", "");
	line("web1 \xc3\xbc \xe2\x80\x94 \xf0\x9f\x99\x82",
	     "web1 \xc3\xbc \xe2\x80\x94 \xf0\x9f\x99\x82");
	line("a\nb\tc\rd", "a?b?c?d");
	line("\x1b[2Jx\x7f", "?[2Jx?");
	line("\xc2\x9b"
	     "31mx",
	     "?31mx");
	line("\x9b"
	     "31mx",
	     "?31mx");
	line("a\xe2\x80\xaez\xe2\x81\xa6", "a?z?");
	line("cut \xc3", "cut ?");
	line("\xed\xa0\x80", "???");
}

static void test_lines__lose_their_control_sequences(void **state)
{
	(void)state;
	LINES("[    0.0] Linux\r\n\tok\n", "[    0.0] Linux\n\tok\n");
	LINES("\x1b[0;1;31mred\x1b[0m\x1b[2J\x1b[H.", "red.");
	LINES("\x1b]0;title\ax\x1b]52;c;YQ==\x1b\\y", "xy");
	LINES("\x1bPq#0\x1b\\z\x1b"
	      "c\x1b(B.",
	      "z.");
	LINES("a\0b", "a?b");
	LINES("\x1b", "");
	LINES("\x1b[", "");
	LINES("\x1b[31", "");
	LINES("\x1b]0;never ended\nnext", "\nnext");
	LINES("\x1b[3\x1b[31mx", "x");
	LINES("\x08\x08\x0e\x9b\xff", "?????");
}

static void test_lines__of_any_bytes_are_printable(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		char text[65];
		for (size_t i = 0; i < 64; i++) {
			static const char often[] = "\x1b\x1b[]P;\n\t0m\xc2\x9b\a\\";
			seed = seed * 1664525 + 1013904223;
			text[i] = seed >> 31 ? often[(seed >> 16) % (sizeof(often) - 1)]
					     : (char)(seed >> 20);
		}
		text[64] = '\0';
		size_t n = lf_term_clean_lines(text, 64);
		assert_true(n <= 64 && strlen(text) == n);
		for (size_t i = 0; i < n; i++)
			assert_true((unsigned char)text[i] >= ' ' || text[i] == '\n' ||
				    text[i] == '\t');
		char again[65];
		memcpy(again, text, n + 1);
		assert_int_equal(lf_term_clean_lines(again, n), n);
		assert_memory_equal(again, text, n);
	}
}

static void test_error__is_clean_in_all_its_texts(void **state)
{
	struct lf_error err = LF_ERROR_NONE;

	(void)state;
	lf_fail_arm(&err, LF_EINVAL, "Code\x1b", "a\nb", "c\x1b[m", "d\x7f");
	lf_term_clean_error(&err);
	assert_string_equal(err.arm_code, "Code?");
	assert_string_equal(err.target, "a?b");
	assert_string_equal(err.hint, "c?[m");
	assert_string_equal(err.message, "d?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line__keeps_text_and_nothing_that_a_terminal_obeys),
		cmocka_unit_test(test_lines__lose_their_control_sequences),
		cmocka_unit_test(test_lines__of_any_bytes_are_printable),
		cmocka_unit_test(test_error__is_clean_in_all_its_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
