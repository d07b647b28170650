/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of hostile texts as libvirt's XML: refused, or each text reads back as it was given. */
#include <string.h>

#include "base/names.h"
#include "compute/libvirt/domain_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXTS 6

/* What stands between before and the next end, with the five escapes undone. */
static char *read_back(const char *xml, const char *before, char end)
{
	static const struct {
		const char *escaped;
		char sign;
	} escapes[] = {
		{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&apos;", '\''}, {"&quot;", '"'}};
	const char *at = strstr(xml, before);

	LF_ASSERT(at);
	at += strlen(before);
	char *out = strndup(at, strcspn(at, (char[]){end, '\0'})), *to = out;
	LF_ASSERT(out && !strpbrk(out, "<>"));
	for (const char *from = out; *from;) {
		size_t len = 1;
		char sign = *from;
		for (size_t i = 0; *from == '&' && i < LF_N(escapes); i++)
			if (strncmp(from, escapes[i].escaped, strlen(escapes[i].escaped)) == 0) {
				len = strlen(escapes[i].escaped);
				sign = escapes[i].sign;
			}
		LF_ASSERT(*from != '&' || len > 1); /* no other entity */
		*to++ = sign;
		from += len;
	}
	*to = '\0';
	return out;
}

static void expect(const char *xml, const char *before, char end, const char *text)
{
	LF_AUTO_FREE char *read = read_back(xml, before, end);

	LF_ASSERT(strcmp(read, text) == 0);
}

/* Elements open and close in order, and attributes end where they should. */
static void check_form(const char *xml)
{
	const char *open[32];
	size_t lens[32], depth = 0;

	for (const char *p = strchr(xml, '<'); p; p = strchr(p, '<')) {
		bool closing = p[1] == '/';
		const char *name = p + 1 + closing;
		size_t len = strcspn(name, " />"), quotes = 0;
		const char *end = name;
		for (; *end && (*end != '>' || quotes % 2); end++)
			quotes += *end == '\'';
		LF_ASSERT(*end == '>');
		if (closing) {
			depth--;
			LF_ASSERT(depth < 32 && lens[depth] == len &&
				  strncmp(open[depth], name, len) == 0);
		} else if (end[-1] != '/') {
			LF_ASSERT(depth < 32);
			open[depth] = name;
			lens[depth++] = len;
		}
		p = end;
	}
	LF_ASSERT(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lf_domain_env env = {.dir = "/data/m", .kvm = size & 1};
	char texts[TEXTS][512];
	struct lf_error err;
	LF_AUTO_FREE char *xml = NULL;

	memset(texts, 0, sizeof(texts));
	for (size_t i = 0, k = 0, n = 0; i < size && k < TEXTS; i++) {
		if (!data[i] || n == sizeof(texts[0]) - 1) {
			k++;
			n = 0;
		} else {
			texts[k][n++] = (char)data[i];
		}
	}
	const struct lf_vm_spec vm = {
		.guid = "11111111-2222-8333-8444-555555555555",
		.id = texts[0],
		.name = texts[1],
		.firmware = size & 2 ? LF_VM_UEFI : LF_VM_BIOS,
		.disks = {{.lun = LF_VM_OS_LUN,
			   .name = texts[2],
			   .source = {.kind = LF_VM_SOURCE_FILE,
				      .path = texts[3],
				      .format = texts[4]}}},
		.n_disks = 1,
		.nics = {{.network = "11111111-2222-8333-8444-777777777777",
			  .subnet = "s",
			  .mac = texts[5]}},
		.n_nics = 1,
	};
	if (lf_domain_xml(&vm, &env, &xml, &err))
		return 0;
	check_form(xml);
	expect(xml, "<lf:machine xmlns:lf='urn:landfall:machine'>", '<', texts[0]);
	expect(xml, "<title>", '<', texts[1]);
	expect(xml, "<driver name='qemu' type='", '\'', texts[4]);
	expect(xml, "<source file='", '\'', texts[3]);
	expect(xml, "<mac address='", '\'', texts[5]);
	return 0;
}
