/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/term.h - text from outside on its way to a terminal or into a log.
 *
 * A terminal obeys what it is shown: control characters, their eight-bit
 * forms, and characters that turn text around or hide it.  Whatever prints
 * what a guest, an agent, a service or a file said passes it through here.
 * Pure functions; threads: any.
 */
#ifndef LF_BASE_TERM_H
#define LF_BASE_TERM_H

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

/* A control character, or one that changes how the text around it looks: direction marks, joiners,
 * line separators, tags, private ends. */
bool lf_term_hidden(uint32_t character);

/* In place, for one line: each byte or character that is not to be shown becomes '?'.  Never
 * longer. */
void lf_term_clean(char *text);
/* In place, for a whole text of len bytes, NULs among them: lines, tabs and printable characters
 * stay, escape sequences are taken out, other characters become '?'.  The new length; text ends in
 * a NUL after len, before and after. */
size_t lf_term_clean_lines(char *text, size_t len);
/* One line, cleaned, and its end.  LF_EIO is left to who flushes. */
void lf_term_print(FILE *to, const char *fmt, ...) LF_PRINTF(2, 3);
void lf_term_vprint(FILE *to, const char *fmt, va_list args) LF_PRINTF(2, 0);
/* The texts of an error, before it is printed. */
void lf_term_clean_error(struct lf_error *err);

#endif
