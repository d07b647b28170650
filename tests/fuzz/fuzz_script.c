/* SPDX-License-Identifier: Apache-2.0 */
/* The script that root runs: refused, or the same as an honest one but for words of a safe set. */
#include <string.h>

#include "providers/backup/files/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXTS	8
#define WORD	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
#define PEM	"-----BEGIN X-----\nYQ==\n-----END X-----\n"
#define PEM_SET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= -"

/* The honest script's text is passed over; *at stands behind it. */
static void literal(const char **at, const char *text)
{
	LF_ASSERT(strncmp(*at, text, strlen(text)) == 0);
	*at += strlen(text);
}

static void word(const char **at, const char *text)
{
	LF_ASSERT(*text && !text[strspn(text, WORD)]);
	literal(at, text);
}

/* Whole lines up to "PEM", each of the set. */
static void document(const char **at, const char *text)
{
	literal(at, text);
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		LF_ASSERT(line[len] == '\n' && strspn(line, PEM_SET) == len);
		LF_ASSERT(!(len == 3 && strncmp(line, "PEM", 3) == 0));
		line += len + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char texts[TEXTS][256];
	size_t k = 0;
	LF_AUTO_FREE char *text = NULL;
	struct lf_error err;

	memset(texts, 0, sizeof(texts));
	for (size_t i = 1, n = 0; i < size && k < TEXTS; i++) {
		if (!data[i] || n == sizeof(texts[0]) - 1) {
			k++;
			n = 0;
		} else {
			texts[k][n++] = (char)data[i];
		}
	}
	/* a bit each: hostile, or honest, so that one hostile text is reached behind others */
	unsigned bad = size ? data[0] : 0;
	LF_AUTO_JSON *disks = json_pack("[{s:s, s:i}]", "name", bad & 64 ? texts[6] : "os", "port",
					bad & 128 ? size : 1);
	if (!disks)
		return 0;
	const struct lf_files_script script = {.time = bad & 1 ? texts[0] : "t",
					       .expires = bad & 2 ? texts[1] : "e",
					       .host = bad & 4 ? texts[2] : "h",
					       .ca = bad & 8 ? texts[3] : PEM,
					       .cert = bad & 16 ? texts[4] : PEM,
					       .key = bad & 32 ? texts[5] : PEM,
					       .disks = disks};
	if (lf_files_script(&script, &text, &err))
		return 0;
	const char *at = text;
	literal(&at, "#!/bin/sh\n# The files of a machine as they were at ");
	word(&at, script.time);
	literal(&at, "; read only, until ");
	word(&at, script.expires);
	literal(&at, ".\n");
	at = strstr(at, "\nhost='");
	LF_ASSERT(at);
	literal(&at, "\nhost='");
	word(&at, script.host);
	literal(&at, "'\ncertificates() {\n\tcat >\"$tls/ca-cert.pem\" <<'PEM'\n");
	document(&at, script.ca);
	literal(&at, "PEM\n\tcat >\"$tls/client-cert.pem\" <<'PEM'\n");
	document(&at, script.cert);
	literal(&at, "PEM\n\tcat >\"$tls/client-key.pem\" <<'PEM'\n");
	document(&at, script.key);
	literal(&at, "PEM\n}\ndisks() {\n\tdisk ");
	word(&at, lf_json_text(json_array_get(disks, 0), "name"));
	literal(&at, " ");
	at += strspn(at, "0123456789");
	literal(&at, "\n}\ndown() {\n");
	return 0;
}
