/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/compiler.h - what we use of gcc's and clang's own language.
 *
 * Owns nothing.  Included by every header, directly or through base/error.h.
 */
#ifndef LF_BASE_COMPILER_H
#define LF_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LF_MUST_CHECK		   __attribute__((warn_unused_result))
#define LF_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define LF_CLEANUP(fn)		   __attribute__((cleanup(fn)))
#define LF_UNUSED		   __attribute__((unused))
#define LF_NORETURN		   __attribute__((noreturn))
#define LF_LIKELY(x)		   __builtin_expect(!!(x), 1)
#define LF_UNLIKELY(x)		   __builtin_expect(!!(x), 0)

/* Number of elements of an array (not of a pointer). */
#define LF_N(array) (sizeof(array) / sizeof((array)[0]))

/* Take the pointer out of a variable that has a cleanup attribute. */
#define lf_steal(ptr)                                                                              \
	({                                                                                         \
		__typeof__(*(ptr)) lf_taken = *(ptr);                                              \
		*(ptr) = NULL;                                                                     \
		lf_taken;                                                                          \
	})

/*
 * A programming mistake: says where and aborts, in release builds too.
 * Never for bad input or a failing disk.
 */
LF_NORETURN void lf_assert_failed(const char *expression, const char *file, int line);
#define LF_ASSERT(x) ((x) ? (void)0 : lf_assert_failed(#x, __FILE__, __LINE__))

#endif
