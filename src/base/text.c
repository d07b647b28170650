/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, hex digits, GUIDs and times, read strictly: a text is all of what
 * it should be, or it is refused.  GUIDs are random (getrandom), or made of
 * names; times are ISO 8601 with a zone, and always UTC inside.
 */
#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/sha.h>

int lf_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
		 struct lf_error *err)
{
	uint64_t value = 0;

	if (!*text)
		return lf_fail(err, LF_EINVAL, text, "a number is missing");
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return lf_fail(err, LF_EINVAL, text, "'%.40s' is not a number", text);
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return lf_fail(err, LF_EINVAL, text, "'%.40s' is too large", text);
	}
	if (value < min || value > max)
		return lf_fail(err, LF_EINVAL, text, "%.40s is not between %llu and %llu", text,
			       (unsigned long long)min, (unsigned long long)max);
	*ret_value = value;
	return 0;
}

void lf_hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int lf_hex_decode(const char *text, void *out, size_t len, struct lf_error *err)
{
	uint8_t *bytes = out;

	if (strlen(text) != 2 * len)
		return lf_fail(err, LF_EINVAL, text, "expected %zu hex digits", 2 * len);
	for (size_t i = 0; i < 2 * len; i++)
		if (hex_digit(text[i]) < 0)
			return lf_fail(err, LF_EINVAL, text, "'%c' is not a hex digit", text[i]);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return 0;
}

static void format_guid(const uint8_t b[static 16], char out[static LF_GUID_SIZE])
{
	static const uint8_t ends[] = {0, 4, 6, 8, 10, 16};

	for (size_t i = 0; i + 1 < LF_N(ends); i++) {
		lf_hex_encode(b + ends[i], ends[i + 1] - ends[i], out);
		out += 2 * (ends[i + 1] - ends[i]);
		*out++ = i + 2 < LF_N(ends) ? '-' : '\0';
	}
}

void lf_guid_random(char out[static LF_GUID_SIZE])
{
	uint8_t bytes[16];

	/* up to 256 bytes are never short and never interrupted, see getrandom(2) */
	LF_ASSERT(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	format_guid(bytes, out);
}

static unsigned __int128 fnv1a(unsigned __int128 hash, const char *text)
{
	const unsigned __int128 prime = ((unsigned __int128)1 << 88) + 0x13b;

	for (const char *p = text; *p; p++)
		hash = (hash ^ (uint8_t)*p) * prime;
	return hash * prime; /* ends the field, so that "a","bc" and "ab","c" differ */
}

void lf_guid_derive(const char *space, const char *name, char out[static LF_GUID_SIZE])
{
	unsigned __int128 hash = (unsigned __int128)0x6c62272e07bb0142 << 64 | 0x62b821756295c58d;
	uint8_t bytes[16];

	hash = fnv1a(fnv1a(hash, space), name);
	memcpy(bytes, &hash, sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	format_guid(bytes, out);
}

void lf_guid_hash(const char *space, const char *name, char out[static LF_GUID_SIZE])
{
	uint8_t parts[64], digest[32];

	/* two levels: no pair of names runs into another one */
	SHA256((const uint8_t *)space, strlen(space), parts);
	SHA256((const uint8_t *)name, strlen(name), parts + 32);
	SHA256(parts, sizeof(parts), digest);
	digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80);
	digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
	format_guid(digest, out);
}

bool lf_guid_valid(const char *text)
{
	if (strlen(text) != LF_GUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < LF_GUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? text[i] != '-' : hex_digit(text[i]) < 0)
			return false;
	}
	return true;
}

static struct tm split_time(int64_t time_ns, long *ret_ns)
{
	int64_t seconds = time_ns / LF_NS_PER_S, rest = time_ns % LF_NS_PER_S;
	struct tm tm;

	if (rest < 0) {
		rest += LF_NS_PER_S;
		seconds--;
	}
	time_t t = (time_t)seconds;
	gmtime_r(&t, &tm);
	*ret_ns = (long)rest;
	return tm;
}

void lf_time_format(int64_t time_ns, char out[static LF_TIME_SIZE])
{
	long ns;
	struct tm tm = split_time(time_ns, &ns);
	char date[24];

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, LF_TIME_SIZE, "%s.%07ldZ", date, ns / 100);
}

void lf_time_format_http(int64_t time_ns, char out[static LF_TIME_SIZE])
{
	long ns;
	struct tm tm = split_time(time_ns, &ns);

	strftime(out, LF_TIME_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* "[.fff][Z|+hh:mm|-hh:mm]": the nanoseconds to add to the time before it. */
static int parse_time_tail(const char *tail, int64_t *ret_add_ns)
{
	int64_t add = 0, unit = LF_NS_PER_S / 10;
	int hours, minutes, used = 0;

	if (*tail == '.')
		for (tail++; *tail >= '0' && *tail <= '9'; tail++, unit /= 10)
			add += (*tail - '0') * unit;
	if (sscanf(tail, "%*1[+-]%2d:%2d%n", &hours, &minutes, &used) == 2 && !tail[used])
		add -= (*tail == '-' ? -1 : 1) * (hours * 60 + minutes) * 60 * LF_NS_PER_S;
	else if (*tail && strcasecmp(tail, "Z") != 0)
		return -1;
	*ret_add_ns = add;
	return 0;
}

int lf_time_parse(const char *text, int64_t *ret_time_ns, struct lf_error *err)
{
	struct tm tm = {0};
	int64_t add, ns;
	const char *tail = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!tail || parse_time_tail(tail, &add))
		return lf_fail(err, LF_EINVAL, text, "'%.40s' is not an ISO 8601 time", text);
	if (__builtin_mul_overflow((int64_t)timegm(&tm), LF_NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, add, &ns))
		return lf_fail(err, LF_EINVAL, text, "'%.40s' is out of range", text);
	*ret_time_ns = ns;
	return 0;
}

int lf_time_parse_http(const char *text, int64_t *ret_time_ns, struct lf_error *err)
{
	struct tm tm = {0};
	int64_t ns;
	const char *tail = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

	if (!tail || *tail || __builtin_mul_overflow((int64_t)timegm(&tm), LF_NS_PER_S, &ns))
		return lf_fail(err, LF_EINVAL, text, "'%.40s' is not a date of HTTP", text);
	*ret_time_ns = ns;
	return 0;
}

void lf_duration_format(int64_t duration_ns, char out[static LF_TIME_SIZE])
{
	int64_t d = duration_ns < 0 ? 0 : duration_ns;
	int64_t hours = d / (3600 * LF_NS_PER_S), minutes = d / (60 * LF_NS_PER_S) % 60;
	double seconds = (double)(d % (60 * LF_NS_PER_S)) / 1e9;
	int used = snprintf(out, LF_TIME_SIZE, "PT");

	if (hours)
		used += snprintf(out + used, LF_TIME_SIZE - (size_t)used, "%lldH",
				 (long long)hours);
	if (minutes)
		used += snprintf(out + used, LF_TIME_SIZE - (size_t)used, "%lldM",
				 (long long)minutes);
	snprintf(out + used, LF_TIME_SIZE - (size_t)used, "%.3fS", seconds);
}

bool lf_text_equal_nocase(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

bool lf_text_starts_nocase(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

char *lf_text_lower_dup(const char *text)
{
	char *lower = strdup(text);

	for (char *p = lower; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return lower;
}
