/* SPDX-License-Identifier: Apache-2.0 */
#include "http/sender.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define NETWORK_BYTES 8	 /* of an IPv6 address */
#define V4_AT	      12 /* where IPv6 keeps an IPv4 address */

static struct lf_sender of_v4(const struct in_addr *v4)
{
	struct lf_sender sender = {{[10] = 0xff, [11] = 0xff}};

	memcpy(sender.bytes + V4_AT, v4, sizeof(*v4));
	return sender;
}

static struct lf_sender of_v6(const struct in6_addr *v6)
{
	struct lf_sender sender = {0};

	memcpy(sender.bytes, v6, IN6_IS_ADDR_V4MAPPED(v6) ? sizeof(*v6) : NETWORK_BYTES);
	return sender;
}

struct lf_sender lf_sender_of(const struct sockaddr *from)
{
	if (from && from->sa_family == AF_INET)
		return of_v4(&((const struct sockaddr_in *)(const void *)from)->sin_addr);
	if (from && from->sa_family == AF_INET6)
		return of_v6(&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr);
	return (struct lf_sender){0};
}

struct lf_sender lf_sender_parse(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (text && inet_pton(AF_INET, text, &v4) == 1)
		return of_v4(&v4);
	if (text && inet_pton(AF_INET6, text, &v6) == 1)
		return of_v6(&v6);
	return (struct lf_sender){0};
}

bool lf_sender_same(const struct lf_sender *a, const struct lf_sender *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void lf_sender_text(const struct lf_sender *sender, char ret_text[static LF_SENDER_SIZE])
{
	struct in6_addr v6;

	memcpy(&v6, sender->bytes, sizeof(v6));
	bool v4 = IN6_IS_ADDR_V4MAPPED(&v6);
	inet_ntop(v4 ? AF_INET : AF_INET6, sender->bytes + (v4 ? V4_AT : 0), ret_text,
		  LF_SENDER_SIZE);
}
