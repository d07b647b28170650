/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of the protocol to structs and back, with every length checked before
 * it is used: the server acts on structs alone.
 */
#include "nbd/server/wire.h"

#include <string.h>

#include "base/bytes.h"

#define REQUEST_MAGIC 0x25609513u
#define SIMPLE_MAGIC  0x67446698u
#define CHUNK_MAGIC   0x668e33efu

/* What is left of an option's payload. */
struct cursor {
	const uint8_t *data;
	size_t len;
};

static const uint8_t *take(struct cursor *cursor, size_t n)
{
	const uint8_t *at = cursor->data;

	if (cursor->len < n)
		return NULL;
	cursor->data += n;
	cursor->len -= n;
	return at;
}

static bool take_u32(struct cursor *cursor, uint32_t *ret_n)
{
	const uint8_t *at = take(cursor, sizeof(*ret_n));

	if (at)
		*ret_n = lf_get_be32(at);
	return at;
}

/* A length and so many bytes. */
static bool take_text(struct cursor *cursor, const uint8_t **ret_text, uint32_t *ret_len)
{
	if (!take_u32(cursor, ret_len) || *ret_len > LF_NBD_NAME_MAX)
		return false;
	*ret_text = take(cursor, *ret_len);
	return *ret_text;
}

static bool take_name(struct cursor *cursor, struct lf_nbd_ask *ask)
{
	const uint8_t *text;
	uint32_t len;

	if (!take_text(cursor, &text, &len) || memchr(text, '\0', len))
		return false;
	memcpy(ask->name, text, len);
	ask->name[len] = '\0';
	return true;
}

bool lf_nbd_option_decode(const uint8_t bytes[static LF_NBD_OPTION_SIZE],
			  struct lf_nbd_option *ret_option)
{
	ret_option->type = lf_get_be32(bytes + 8);
	ret_option->len = lf_get_be32(bytes + 12);
	return lf_get_be64(bytes) == LF_NBD_OPTION_MAGIC && ret_option->len <= LF_NBD_OPTION_MAX;
}

bool lf_nbd_request_decode(const uint8_t bytes[static LF_NBD_REQUEST_SIZE],
			   struct lf_nbd_request *ret_request)
{
	ret_request->flags = lf_get_be16(bytes + 4);
	ret_request->type = lf_get_be16(bytes + 6);
	memcpy(&ret_request->cookie, bytes + 8, sizeof(ret_request->cookie));
	ret_request->offset = lf_get_be64(bytes + 16);
	ret_request->len = lf_get_be32(bytes + 24);
	return lf_get_be32(bytes) == REQUEST_MAGIC;
}

bool lf_nbd_info_decode(const uint8_t *data, size_t len, struct lf_nbd_ask *ret_ask)
{
	struct cursor cursor = {data, len};

	ret_ask->wants_name = ret_ask->wants_block_size = false;
	if (!take_name(&cursor, ret_ask))
		return false;
	const uint8_t *count = take(&cursor, sizeof(uint16_t));
	if (!count || cursor.len != (size_t)lf_get_be16(count) * sizeof(uint16_t))
		return false;
	ret_ask->count = lf_get_be16(count);
	for (uint32_t i = 0; i < ret_ask->count; i++) {
		uint16_t info = lf_get_be16(cursor.data + (size_t)i * sizeof(info));
		ret_ask->wants_name |= info == LF_NBD_INFO_NAME;
		ret_ask->wants_block_size |= info == LF_NBD_INFO_BLOCK_SIZE;
	}
	return true;
}

static bool is_text(const uint8_t *data, uint32_t len, const char *text)
{
	return len == strlen(text) && memcmp(data, text, len) == 0;
}

bool lf_nbd_contexts_decode(const uint8_t *data, size_t len, bool whole, struct lf_nbd_ask *ret_ask)
{
	struct cursor cursor = {data, len};
	const uint8_t *query;
	uint32_t query_len;

	ret_ask->wants_allocation = false;
	if (!take_name(&cursor, ret_ask) || !take_u32(&cursor, &ret_ask->count))
		return false;
	for (uint32_t i = 0; i < ret_ask->count; i++) {
		if (!take_text(&cursor, &query, &query_len))
			return false;
		if (is_text(query, query_len, LF_NBD_CONTEXT) ||
		    (!whole && is_text(query, query_len, "base:")))
			ret_ask->wants_allocation = true;
	}
	return cursor.len == 0;
}

void lf_nbd_rep_encode(uint8_t out[static LF_NBD_REP_SIZE], uint32_t option, uint32_t type,
		       uint32_t len)
{
	lf_put_be64(out, LF_NBD_REPLY_MAGIC);
	lf_put_be32(out + 8, option);
	lf_put_be32(out + 12, type);
	lf_put_be32(out + 16, len);
}

void lf_nbd_simple_encode(uint8_t out[static LF_NBD_SIMPLE_SIZE], uint32_t error, uint64_t cookie)
{
	lf_put_be32(out, SIMPLE_MAGIC);
	lf_put_be32(out + 4, error);
	memcpy(out + 8, &cookie, sizeof(cookie));
}

void lf_nbd_chunk_encode(uint8_t out[static LF_NBD_CHUNK_SIZE], uint16_t flags, uint16_t type,
			 uint64_t cookie, uint32_t len)
{
	lf_put_be32(out, CHUNK_MAGIC);
	lf_put_be16(out + 4, flags);
	lf_put_be16(out + 6, type);
	memcpy(out + 8, &cookie, sizeof(cookie));
	lf_put_be32(out + 16, len);
}
