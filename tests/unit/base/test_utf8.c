/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/utf8.h"

static void test_valid__takes_whole_characters_in_their_shortest_form(void **state)
{
	static const char *const good[] = {"",
					   "abc",
					   "\303\274",
					   "\342\202\254",
					   "\360\237\230\200",
					   "\355\237\277",
					   "\356\200\200",
					   "\364\217\277\277"};
	static const char *const bad[] = {"\377",
					  "\200",
					  "a\303",
					  "\303(",
					  "\300\257", /* '/' in two bytes */
					  "\340\200\257",
					  "\355\240\200",     /* half of a pair */
					  "\364\220\200\200", /* past the end */
					  "\365\200\200\200",
					  "\342\202",
					  "\360\237\230"};

	(void)state;
	for (size_t i = 0; i < LF_N(good); i++)
		assert_true(lf_utf8_valid(good[i]));
	for (size_t i = 0; i < LF_N(bad); i++)
		assert_false(lf_utf8_valid(bad[i]));
}

static void test_plain__is_printable_ascii(void **state)
{
	(void)state;
	assert_true(lf_ascii_plain(""));
	assert_true(lf_ascii_plain(" azAZ09~ and more than one step of the loop"));
	assert_false(lf_ascii_plain("more than one step of the loop\t"));
	assert_false(lf_ascii_plain("\x7f"));
	assert_false(lf_ascii_plain("\x1f"));
	assert_false(lf_ascii_plain("sixteen letters \303\274"));
}

static void cleaned(const char *text, const char *expected)
{
	char copy[32];

	snprintf(copy, sizeof(copy), "%s", text);
	lf_utf8_clean(copy);
	assert_string_equal(copy, expected);
}

static void test_clean__drops_a_cut_character_and_shows_what_is_none(void **state)
{
	(void)state;
	cleaned("", "");
	cleaned("\303\274x\342\202\254", "\303\274x\342\202\254");
	cleaned("x\303", "x");
	cleaned("x\342\202", "x");
	cleaned("\360\237\230", "");
	cleaned("a\377b\303(", "a?b?(");
	cleaned("\355\240\200", "???");
	cleaned("\377", "?");
}

/* Every way of putting four bytes together: the result is text, and text is left alone. */
static void test_clean__makes_text_of_anything(void **state)
{
	static const uint8_t bytes[] = {'a',  0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xe2, 0xed,
					0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff, 0x9f, 0xa0};

	(void)state;
	for (unsigned n = 0; n < 65536; n++) {
		char text[5] = "", before[5];
		for (unsigned i = 0; i < 4; i++)
			text[i] = (char)bytes[n >> (4 * i) & 15];
		memcpy(before, text, sizeof(text));
		bool valid = lf_utf8_valid(text);
		lf_utf8_clean(text);
		assert_true(lf_utf8_valid(text));
		assert_true(strlen(text) <= 4);
		if (valid)
			assert_string_equal(text, before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid__takes_whole_characters_in_their_shortest_form),
		cmocka_unit_test(test_plain__is_printable_ascii),
		cmocka_unit_test(test_clean__drops_a_cut_character_and_shows_what_is_none),
		cmocka_unit_test(test_clean__makes_text_of_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
