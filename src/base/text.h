/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/text.h - numbers, hex, GUIDs and times as text.
 *
 * The only place where text from outside becomes a number.  All functions are
 * pure and thread-safe.
 */
#ifndef LF_BASE_TEXT_H
#define LF_BASE_TEXT_H

#include "base/error.h"

/* Decimal digits only, the whole text, min..max.  LF_EINVAL otherwise (target: the text). */
LF_MUST_CHECK int lf_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
			       struct lf_error *err);

/* Lower-case hex; out holds 2 * len + 1 bytes. */
void lf_hex_encode(const void *data, size_t len, char *out);
/* Exactly len bytes from 2 * len digits and nothing after them. */
LF_MUST_CHECK int lf_hex_decode(const char *text, void *out, size_t len, struct lf_error *err);

/* Random GUID in lower case, 36 characters and NUL. */
#define LF_GUID_SIZE 37
void lf_guid_random(char out[static LF_GUID_SIZE]);
/*
 * Name-based GUIDs, version 8: the same names give the same GUID.  Of lf_guid_hash() (SHA-256)
 * nobody finds other names that give it; it is for whatever decides whose something is.  The other
 * (FNV-1a, whose collisions can be computed) stays for what clients, hosts and agents know already
 * by such an id, and to find what earlier versions made with it.
 */
void lf_guid_hash(const char *space, const char *name, char out[static LF_GUID_SIZE]);
void lf_guid_derive(const char *space, const char *name, char out[static LF_GUID_SIZE]);
bool lf_guid_valid(const char *text);

/* 2026-11-23T05:04:03.0000000Z: seven digits as Azure writes them. */
#define LF_TIME_SIZE 32
void lf_time_format(int64_t time_ns, char out[static LF_TIME_SIZE]);
/* RFC 1123 date for HTTP headers, 29 characters. */
void lf_time_format_http(int64_t time_ns, char out[static LF_TIME_SIZE]);
/* ISO 8601 with optional fraction, Z or an offset. */
LF_MUST_CHECK int lf_time_parse(const char *text, int64_t *ret_time_ns, struct lf_error *err);
/* The same date back, and nothing after it. */
LF_MUST_CHECK int lf_time_parse_http(const char *text, int64_t *ret_time_ns, struct lf_error *err);
/* ISO 8601 duration, "PT1M3.5S". */
void lf_duration_format(int64_t duration_ns, char out[static LF_TIME_SIZE]);

/* ASCII case-insensitive; ARM ids and names are compared with these alone. */
bool lf_text_equal_nocase(const char *a, const char *b);
bool lf_text_starts_nocase(const char *text, const char *prefix);
/* Lower-case ASCII copy (free()); NULL when out of memory. */
char *lf_text_lower_dup(const char *text);

#define LF_NS_PER_S  INT64_C(1000000000)
#define LF_NS_PER_MS INT64_C(1000000)

#endif
