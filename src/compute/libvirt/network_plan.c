/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/libvirt/network_plan.h"

#include <arpa/inet.h>

#define RESERVED 4 /* Azure keeps the network's address, the gateway and two more */

static void format_address(uint32_t address, char out[static LF_ADDRESS_SIZE])
{
	struct in_addr in = {.s_addr = htonl(address)};

	inet_ntop(AF_INET, &in, out, LF_ADDRESS_SIZE);
}

int lf_subnet_plan(const char *prefix, struct lf_subnet_plan *ret_plan, struct lf_error *err)
{
	const char *slash = strchr(prefix, '/');
	struct in_addr in;
	uint64_t length;

	LF_AUTO_FREE char *base = slash ? strndup(prefix, (size_t)(slash - prefix)) : NULL;
	if (!base || inet_pton(AF_INET, base, &in) != 1 ||
	    lf_parse_u64(slash + 1, 8, 29, &length, err))
		return lf_fail(err, LF_EINVAL, "subnets.prefix",
			       "%.64s is not an IPv4 prefix of 8 to 29 bits", prefix);
	uint32_t first = ntohl(in.s_addr), mask = UINT32_MAX << (32 - length);
	if (first & ~mask)
		return lf_fail(err, LF_EINVAL, "subnets.prefix", "%.64s has bits after its prefix",
			       prefix);
	ret_plan->length = (unsigned)length;
	format_address(mask, ret_plan->mask);
	format_address(first + 1, ret_plan->gateway);
	format_address(first + RESERVED, ret_plan->first);
	format_address((first | ~mask) - 1, ret_plan->last);
	return 0;
}

char *lf_network_xml(const struct lf_net_names *names)
{
	return lf_printf_dup("<network>\n  <name>%s</name>\n  <uuid>%s</uuid>\n"
			     "  <bridge name='%s' stp='off' delay='0'/>\n"
			     "  <dns enable='no'/>\n</network>\n",
			     names->network, names->uuid, names->bridge);
}

/* dnsmasq reads its file line by line: nothing that could end a line may come in. */
static bool is_plain(const char *text)
{
	return text && text[0] && !text[strspn(text, "0123456789abcdefABCDEF:.")];
}

char *lf_dhcp_config(const struct lf_subnet_plan *plan, const char *dir, const json_t *hosts,
		     bool isolated)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	const char *guid;
	json_t *host;

	lf_buf_printf(&text,
		      "port=0\ninterface=lan0\nbind-interfaces\nno-resolv\nno-hosts\n"
		      "user=nobody\ngroup=nogroup\nlog-facility=%s/log\n"
		      "pid-file=%s/pid\ndhcp-leasefile=%s/leases\n"
		      "dhcp-authoritative\ndhcp-no-override\n"
		      "dhcp-range=%s,%s,%s,infinite\n",
		      dir, dir, dir, plan->first, plan->last, plan->mask);
	if (isolated)
		lf_buf_puts(&text, "dhcp-option=option:router\n");
	json_object_foreach ((json_t *)(uintptr_t)hosts, guid, host) {
		const char *mac = lf_json_text(host, "mac"),
			   *address = lf_json_text(host, "address");
		if (is_plain(mac) && is_plain(address))
			lf_buf_printf(&text, "dhcp-host=%s,%s,infinite\n", mac, address);
	}
	return lf_buf_take(&text);
}
