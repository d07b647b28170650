/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/sender.h - whom a limit counts: the part of an address that its sender
 * cannot change at will, which is an IPv4 address, or the first 64 bits of an
 * IPv6 one.  IPv4 that came to an IPv6 socket is the same sender.
 *
 * Pure; any thread.
 */
#ifndef LF_HTTP_SENDER_H
#define LF_HTTP_SENDER_H

#include <sys/socket.h>

#include "base/compiler.h"

#define LF_SENDER_SIZE 46 /* the text of one, with its end */

struct lf_sender {
	uint8_t bytes[16]; /* as an IPv6 address holds it; all zero: unknown */
};

/* from may be NULL: unknown, as is any address of another family. */
struct lf_sender lf_sender_of(const struct sockaddr *from);
/* The same of an address as text; NULL and what is none: unknown. */
struct lf_sender lf_sender_parse(const char *text);
bool lf_sender_same(const struct lf_sender *a, const struct lf_sender *b);
/* "192.0.2.1", or a network as "2001:db8::"; "::": unknown. */
void lf_sender_text(const struct lf_sender *sender, char ret_text[static LF_SENDER_SIZE]);

#endif
