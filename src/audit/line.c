/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line: {"seq":7,"time":"...","action":"...",...,"mac":"..."}.  The mac is
 * HMAC-SHA-256 of the mac before (32 bytes) and the line's text up to its own.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "audit/internal.h"
#include "base/utf8.h"
#include "os/file.h"

#define TEXT_MAX     160 /* bytes of most texts in a line */
#define RESOURCE_MAX 1024
#define DETAIL_MAX   512

static char *key_path(const char *data_dir)
{
	return lf_printf_dup("%s/keys/audit.key", data_dir);
}

int lf_audit_key_read(const char *data_dir, uint8_t key[static MAC_SIZE], struct lf_error *err)
{
	LF_AUTO_FREE char *path = key_path(data_dir);
	LF_AUTO_BUF text = LF_BUF_INIT;

	int rc = path ? lf_file_read(path, 4096, &text, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	text.data[strcspn(text.data, "\n")] = '\0';
	rc = lf_hex_decode(text.data, key, MAC_SIZE, err);
	OPENSSL_cleanse(text.data, text.len);
	return rc ? lf_fail(err, LF_ECORRUPT, path, "%s is no key of an audit log", path) : 0;
}

int lf_audit_key_write(const char *data_dir, const uint8_t key[static MAC_SIZE],
		       struct lf_error *err)
{
	LF_AUTO_FREE char *path = key_path(data_dir);
	char hex[2 * MAC_SIZE + 1];

	if (!path)
		return lf_fail_nomem(err);
	lf_hex_encode(key, MAC_SIZE, hex);
	int rc = lf_file_write_durable(path, hex, strlen(hex), 0600, err);
	OPENSSL_cleanse(hex, sizeof(hex));
	return rc;
}

int lf_audit_key_id(const char *data_dir, char ret_id[static 65], struct lf_error *err)
{
	static const unsigned char what[] = "landfall audit key";
	uint8_t key[MAC_SIZE], mac[MAC_SIZE];
	unsigned size = MAC_SIZE;

	int rc = lf_audit_key_read(data_dir, key, err);
	if (rc == LF_ENOTFOUND) {
		ret_id[0] = '\0';
		return 0;
	}
	if (rc)
		return rc;
	bool good = HMAC(EVP_sha256(), key, MAC_SIZE, what, strlen((const char *)what), mac, &size);
	OPENSSL_cleanse(key, sizeof(key));
	lf_hex_encode(mac, MAC_SIZE, ret_id);
	return good ? 0 : lf_fail(err, LF_EINTERNAL, NULL, "cannot hash the key of the audit log");
}

/* ,"name":"text", of text at most max bytes; what is no character of a text becomes '?'. */
static void put_text(struct lf_buf *out, const char *name, const char *text, size_t max)
{
	const char *p = text;
	uint32_t character;

	if (!text || !text[0])
		return;
	lf_buf_printf(out, ",\"%s\":\"", name);
	for (size_t used = 0; *p;) {
		size_t len = lf_utf8_decode(p, &character);
		bool escaped = *p == '"' || *p == '\\';
		bool bad = !len || character < ' ' || (character >= 0x7f && character < 0xa0);
		size_t need = bad ? 1 : len + escaped;
		if (used + need > max)
			break;
		if (escaped)
			lf_buf_puts(out, "\\");
		lf_buf_append(out, bad ? "?" : p, bad ? 1 : len);
		used += need;
		p += bad ? 1 : len;
	}
	lf_buf_puts(out, "\"");
}

void lf_audit_line_members(struct lf_buf *out, const struct lf_audit_event *event, int64_t now_ns)
{
	static const char *const outcomes[] = {"allowed", "refused", "failed"};
	char time[LF_TIME_SIZE];

	lf_time_format(now_ns, time);
	put_text(out, "time", time, TEXT_MAX);
	put_text(out, "action", event->action, TEXT_MAX);
	put_text(out, "outcome", outcomes[event->outcome], TEXT_MAX);
	put_text(out, "code", event->code, TEXT_MAX);
	if (event->status)
		lf_buf_printf(out, ",\"status\":%d", event->status);
	put_text(out, "resource", event->resource, RESOURCE_MAX);
	put_text(out, "principal", event->principal, TEXT_MAX);
	put_text(out, "client", event->client, TEXT_MAX);
	put_text(out, "certificate", event->fingerprint, TEXT_MAX);
	put_text(out, "name", event->name, TEXT_MAX);
	put_text(out, "address", event->address, TEXT_MAX);
	put_text(out, "correlation", event->correlation, TEXT_MAX);
	put_text(out, "job", event->job, TEXT_MAX);
	put_text(out, "detail", event->detail, DETAIL_MAX);
}

static bool make_mac(const uint8_t key[static MAC_SIZE], const uint8_t prev[static MAC_SIZE],
		     const char *text, size_t len, uint8_t ret_mac[static MAC_SIZE])
{
	LF_AUTO_BUF both = LF_BUF_INIT;
	unsigned size = MAC_SIZE;

	lf_buf_append(&both, prev, MAC_SIZE);
	lf_buf_append(&both, text, len);
	return !both.failed && HMAC(EVP_sha256(), key, MAC_SIZE, (const unsigned char *)both.data,
				    both.len, ret_mac, &size);
}

void lf_audit_line_seal(struct lf_buf *out, const uint8_t key[static MAC_SIZE],
			struct audit_point *point, const char *members)
{
	uint8_t mac[MAC_SIZE];
	char hex[2 * MAC_SIZE + 1];

	lf_buf_printf(out, "{\"seq\":%llu%s", (unsigned long long)point->seq + 1, members);
	if (out->failed || !make_mac(key, point->mac, out->data, out->len, mac)) {
		out->failed = true;
		return;
	}
	lf_hex_encode(mac, MAC_SIZE, hex);
	lf_buf_printf(out, MAC_MARK "%s\"}\n", hex);
	if (out->failed)
		return;
	point->seq++;
	memcpy(point->mac, mac, MAC_SIZE);
}

static bool decode_mac(const char *hex, uint8_t ret_mac[static MAC_SIZE])
{
	char text[2 * MAC_SIZE + 1];
	struct lf_error ignored;

	snprintf(text, sizeof(text), "%.*s", 2 * MAC_SIZE, hex);
	return !lf_hex_decode(text, ret_mac, MAC_SIZE, &ignored);
}

bool lf_audit_line_holds(const char *line, size_t len, const uint8_t key[static MAC_SIZE],
			 const uint8_t prev[static MAC_SIZE], struct audit_point *ret_point)
{
	static const char begin[] = "{\"seq\":";
	uint8_t mac[MAC_SIZE];

	*ret_point = (struct audit_point){0};
	if (len < strlen(begin) + 1 + MAC_TAIL || memcmp(line, begin, strlen(begin)) != 0)
		return false;
	const char *tail = line + len - MAC_TAIL;
	if (memcmp(tail, MAC_MARK, strlen(MAC_MARK)) != 0 ||
	    memcmp(line + len - 2, "\"}", 2) != 0 ||
	    !decode_mac(tail + strlen(MAC_MARK), ret_point->mac))
		return false;
	for (const char *p = line + strlen(begin); *p >= '0' && *p <= '9'; p++)
		ret_point->seq = ret_point->seq * 10 + (uint64_t)(*p - '0');
	/* hex that is written in another way is another line, too */
	for (const char *p = tail + strlen(MAC_MARK); p < line + len - 2; p++)
		if (*p >= 'A' && *p <= 'F')
			return false;
	return make_mac(key, prev, line, len - MAC_TAIL, mac) &&
	       CRYPTO_memcmp(mac, ret_point->mac, MAC_SIZE) == 0;
}

bool lf_audit_line_prev(const char *line, size_t len, uint8_t ret_prev[static MAC_SIZE])
{
	static const char mark[] = "\"prev\":\"";
	const char *at = memmem(line, len, mark, strlen(mark));

	return at && (size_t)(line + len - at) > strlen(mark) + 2 * MAC_SIZE &&
	       decode_mac(at + strlen(mark), ret_prev);
}
