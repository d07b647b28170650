/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/utf8.h - is it text, and where may it be cut?
 *
 * What strangers send is bytes until somebody has looked: JSON, XML and
 * terminals take no others.  Requests are looked at when they come in
 * (http/server.c); texts that are copied into a place of fixed size are cut
 * between characters.  All functions are pure and thread-safe.
 */
#ifndef LF_BASE_UTF8_H
#define LF_BASE_UTF8_H

#include "base/compiler.h"

/* One character in its shortest form, no surrogate, at most U+10FFFF: its length in bytes, 1 to 4;
 * 0: there is none here.  The final NUL is a character of one byte. */
size_t lf_utf8_decode(const char *text, uint32_t *ret_character);
bool lf_utf8_valid(const char *text);
/* Printable ASCII alone, blank to tilde: what nearly all requests are made of. */
bool lf_ascii_plain(const char *text);
/* Make text UTF-8 in place: a character that was cut off at the end goes, each other byte that
 * belongs to none becomes '?'. */
void lf_utf8_clean(char *text);

#endif
