/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the audit log: segments by number, and the head.
 *
 * The head says how far the log had got and which segment is the oldest.  It
 * has two slots in one file that are written in turn, each under a MAC of its
 * own, so that a write that is cut short leaves the other: the newest that
 * holds counts. A head may lag behind the log, and is never ahead of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/internal.h"
#include "os/file.h"

#define SUFFIX	  ".jsonl"
#define SLOT_SIZE 256 /* the head file is two of them, written in turn: one is always whole */

char *lf_audit_segment_path(const char *data_dir, uint64_t segment)
{
	return lf_printf_dup("%s/audit/%08llu" SUFFIX, data_dir, (unsigned long long)segment);
}

struct range {
	uint64_t first, last;
};

static int note_segment(void *context, const char *name, struct lf_error *err)
{
	struct range *range = context;
	char digits[24];
	struct lf_error ignored;
	uint64_t number;

	(void)err;
	snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(name, "."), name);
	if (strcmp(name + strcspn(name, "."), SUFFIX) != 0 ||
	    lf_parse_u64(digits, 1, UINT64_MAX, &number, &ignored))
		return 0;
	range->first = !range->first || number < range->first ? number : range->first;
	range->last = number > range->last ? number : range->last;
	return 0;
}

int lf_audit_segments_find(const char *data_dir, uint64_t *ret_first, uint64_t *ret_last,
			   struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/audit", data_dir);
	struct range range = {0};

	int rc = dir ? lf_dir_list(dir, note_segment, &range, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	*ret_first = range.first;
	*ret_last = range.last;
	return 0;
}

int lf_audit_segment_read(const char *data_dir, uint64_t segment, struct lf_buf *text,
			  struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_audit_segment_path(data_dir, segment);

	return path ? lf_file_read(path, 2 * LF_AUDIT_SEGMENT, text, err) : lf_fail_nomem(err);
}

/* "SEQ SEGMENT MAC HMAC", the HMAC over what is before it. */
static bool seal_head(const uint8_t key[static MAC_SIZE], const char *text, size_t len,
		      char ret_hex[static 2 * MAC_SIZE + 1])
{
	uint8_t mac[MAC_SIZE];
	unsigned size = MAC_SIZE;

	if (!HMAC(EVP_sha256(), key, MAC_SIZE, (const unsigned char *)text, len, mac, &size))
		return false;
	lf_hex_encode(mac, MAC_SIZE, ret_hex);
	return true;
}

static bool parse_head(const char *slot, const uint8_t key[static MAC_SIZE],
		       struct audit_head *ret_head)
{
	unsigned long long seq, segment;
	char mac[2 * MAC_SIZE + 1], given[2 * MAC_SIZE + 1], wanted[2 * MAC_SIZE + 1];
	struct lf_error ignored;
	int signed_len = 0;

	if (sscanf(slot, "%20llu %20llu %64[0-9a-f]%n %64[0-9a-f]", &seq, &segment, mac,
		   &signed_len, given) != 4 ||
	    strlen(given) != 2 * MAC_SIZE || !seal_head(key, slot, (size_t)signed_len, wanted) ||
	    CRYPTO_memcmp(given, wanted, 2 * MAC_SIZE) != 0 ||
	    lf_hex_decode(mac, ret_head->point.mac, MAC_SIZE, &ignored))
		return false;
	ret_head->point.seq = seq;
	ret_head->first_segment = segment;
	ret_head->known = true;
	return true;
}

static char *head_path(const char *data_dir)
{
	return lf_printf_dup("%s/keys/audit.head", data_dir);
}

int lf_audit_head_read(const char *data_dir, const uint8_t key[static MAC_SIZE],
		       struct audit_head *ret_head, struct lf_error *err)
{
	LF_AUTO_FREE char *path = head_path(data_dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	char slot[SLOT_SIZE + 1];

	*ret_head = (struct audit_head){0};
	int rc = path ? lf_file_read(path, 65536, &text, err) : lf_fail_nomem(err);
	if (rc == LF_ENOTFOUND)
		return 0;
	if (rc)
		return rc;
	for (size_t at = 0; at < text.len && at < 2 * SLOT_SIZE; at += SLOT_SIZE) {
		struct audit_head head = {0};
		size_t left = text.len - at;
		memcpy(slot, text.data + at, left < SLOT_SIZE ? left : SLOT_SIZE);
		slot[left < SLOT_SIZE ? left : SLOT_SIZE] = '\0';
		if (parse_head(slot, key, &head) &&
		    (!ret_head->known || head.point.seq >= ret_head->point.seq))
			*ret_head = head;
	}
	return 0;
}

int lf_audit_head_write(const char *data_dir, const uint8_t key[static MAC_SIZE],
			const struct audit_head *head, unsigned slot, bool durable,
			struct lf_error *err)
{
	LF_AUTO_FREE char *path = head_path(data_dir);
	char text[SLOT_SIZE + 1], mac[2 * MAC_SIZE + 1], hex[2 * MAC_SIZE + 1];

	if (!path)
		return lf_fail_nomem(err);
	lf_hex_encode(head->point.mac, MAC_SIZE, mac);
	memset(text, ' ', sizeof(text));
	int len = snprintf(text, sizeof(text), "%llu %llu %s", (unsigned long long)head->point.seq,
			   (unsigned long long)head->first_segment, mac);
	if (!seal_head(key, text, (size_t)len, hex))
		return lf_fail(err, LF_EINTERNAL, path, "cannot hash the head of the audit log");
	int end = len + snprintf(text + len, sizeof(text) - (size_t)len, " %s", hex);
	text[end] = ' ';
	text[SLOT_SIZE - 1] = '\n';
	LF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	int rc = lf_file_pwrite_all(fd, text, SLOT_SIZE, (uint64_t)slot * SLOT_SIZE, path, err);
	if (!rc && durable)
		rc = lf_file_sync(fd, path, err);
	return rc || !durable ? rc : lf_file_sync_parent(path, err);
}
