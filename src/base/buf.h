/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/buf.h - a growable byte buffer and a zeroed secret.
 *
 * A buffer is always NUL-terminated (data is never NULL after the first
 * append).  Its error is sticky: append freely, ask lf_buf_check() once.
 * Threads: one at a time.
 */
#ifndef LF_BASE_BUF_H
#define LF_BASE_BUF_H

#include "base/error.h"

struct lf_buf {
	char *data;
	size_t len;
	size_t capacity;
	bool failed; /* an allocation failed; later appends do nothing */
};

#define LF_BUF_INIT ((struct lf_buf){0})
#define LF_AUTO_BUF LF_CLEANUP(lf_buf_done) struct lf_buf

void lf_buf_done(struct lf_buf *buf);
void lf_buf_clear(struct lf_buf *buf); /* keeps the memory and clears the error */
void lf_buf_append(struct lf_buf *buf, const void *data, size_t len);
void lf_buf_puts(struct lf_buf *buf, const char *text);
void lf_buf_printf(struct lf_buf *buf, const char *fmt, ...) LF_PRINTF(2, 3);
/* Make room for len more bytes and return where they go; NULL when out of memory. */
void *lf_buf_reserve(struct lf_buf *buf, size_t len);
/* 0, or LF_ENOMEM when any append failed. */
LF_MUST_CHECK int lf_buf_check(const struct lf_buf *buf, struct lf_error *err);
/* The text ("" when empty); borrowed until the next append. */
const char *lf_buf_text(const struct lf_buf *buf);
/* Hand the memory to the caller (free()); the buffer is empty after.  NULL if it failed. */
char *lf_buf_take(struct lf_buf *buf);

/* free() for LF_CLEANUP on char *, void *, uint8_t * variables. */
void lf_free_ptr(void *ptr_to_pointer);
#define LF_AUTO_FREE LF_CLEANUP(lf_free_ptr)

/* malloc(n * size) with the product checked; NULL when out of memory. */
void *lf_alloc_array(size_t n, size_t size);
/* asprintf that reports by NULL only. */
char *lf_printf_dup(const char *fmt, ...) LF_PRINTF(1, 2);

/* A secret: no formatter exists for it, zeroed when freed. */
#define LF_SECRET_MAX 64
struct lf_secret {
	uint8_t bytes[LF_SECRET_MAX];
	size_t len;
};
void lf_secret_done(struct lf_secret *secret);
#define LF_AUTO_SECRET LF_CLEANUP(lf_secret_done) struct lf_secret

#endif
