/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A buffer grows to twice its size and stays terminated by a NUL.  The first
 * append that finds no memory marks it as failed, and every one after it does
 * nothing, so that whoever fills it asks once, at the end.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_CAPACITY 64

void lf_buf_done(struct lf_buf *buf)
{
	free(buf->data);
	*buf = LF_BUF_INIT;
}

void lf_buf_clear(struct lf_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

void *lf_buf_reserve(struct lf_buf *buf, size_t len)
{
	size_t need, capacity;

	if (buf->failed)
		return NULL;
	if (__builtin_add_overflow(buf->len, len, &need) ||
	    __builtin_add_overflow(need, 1, &need)) {
		buf->failed = true;
		return NULL;
	}
	if (need > buf->capacity) {
		capacity = buf->capacity ? buf->capacity : BUF_FIRST_CAPACITY;
		while (capacity < need && !__builtin_mul_overflow(capacity, 2, &capacity))
			;
		char *data = capacity < need ? NULL : realloc(buf->data, capacity);
		if (!data) {
			buf->failed = true;
			return NULL;
		}
		buf->data = data;
		buf->capacity = capacity;
	}
	return buf->data + buf->len;
}

void lf_buf_append(struct lf_buf *buf, const void *data, size_t len)
{
	void *room = lf_buf_reserve(buf, len);

	if (!room)
		return;
	if (len)
		memcpy(room, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void lf_buf_puts(struct lf_buf *buf, const char *text)
{
	lf_buf_append(buf, text, strlen(text));
}

void lf_buf_printf(struct lf_buf *buf, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		buf->failed = true;
	char *room = len < 0 ? NULL : lf_buf_reserve(buf, (size_t)len);
	if (room) {
		vsnprintf(room, (size_t)len + 1, fmt, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

int lf_buf_check(const struct lf_buf *buf, struct lf_error *err)
{
	return buf->failed ? lf_fail_nomem(err) : 0;
}

const char *lf_buf_text(const struct lf_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *lf_buf_take(struct lf_buf *buf)
{
	if (!buf->failed && !buf->data)
		lf_buf_append(buf, "", 0);
	if (buf->failed) {
		lf_buf_done(buf);
		return NULL;
	}
	char *data = buf->data;
	*buf = LF_BUF_INIT;
	return data;
}

void lf_free_ptr(void *ptr_to_pointer)
{
	void **pointer = ptr_to_pointer;

	free(*pointer);
	*pointer = NULL;
}

void *lf_alloc_array(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return calloc(1, bytes ? bytes : 1);
}

char *lf_printf_dup(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

void lf_secret_done(struct lf_secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}
