/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <string.h>

/* What a first byte announces; 0: no character begins so. */
static size_t announced(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}

size_t lf_utf8_decode(const char *text, uint32_t *ret_character)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *b = (const uint8_t *)text;
	size_t len = announced(b[0]);
	uint32_t c = len < 2 ? b[0] : b[0] & (0x7fu >> len);

	for (size_t i = 1; i < len; i++) {
		if ((b[i] & 0xc0) != 0x80) /* the final NUL, too */
			return 0;
		c = c << 6 | (b[i] & 0x3f);
	}
	if (!len || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret_character = c;
	return len;
}

/* No early way out: the compiler makes one step of sixteen bytes. */
bool lf_ascii_plain(const char *text)
{
	size_t len = strlen(text);
	bool plain = true;

	for (size_t i = 0; i < len; i++)
		plain &= (uint8_t)((uint8_t)text[i] - ' ') <= '~' - ' ';
	return plain;
}

bool lf_utf8_valid(const char *text)
{
	uint32_t c;
	size_t len = 1;

	if (lf_ascii_plain(text))
		return true;

	for (; *text && len; text += len)
		len = lf_utf8_decode(text, &c);
	return len;
}

/* Is all that is left the beginning of a character? */
static bool cut_off(const char *text)
{
	size_t len = strlen(text);

	if (len >= announced((uint8_t)text[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return false;
	return true;
}

void lf_utf8_clean(char *text)
{
	uint32_t c;

	for (char *p = text; *p;) {
		size_t len = lf_utf8_decode(p, &c);
		if (!len && cut_off(p))
			*p = '\0';
		else if (!len)
			*p++ = '?';
		else
			p += len;
	}
}
