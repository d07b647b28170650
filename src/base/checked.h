/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/checked.h - arithmetic on numbers that somebody else chose.
 *
 * Lengths, offsets, counts, times and sizes from a request, an agent, a peer or
 * a file are added, subtracted, multiplied and narrowed by these alone.  The
 * operands may be of any integer types, of different ones too: the result is
 * right, or it does not fit *ret, which then stays as it was.
 *
 * Pure; any thread.  Operands are evaluated once.
 */
#ifndef LF_BASE_CHECKED_H
#define LF_BASE_CHECKED_H

#include "base/compiler.h"

/* So that nobody forgets to ask. */
static inline LF_MUST_CHECK bool lf_checked_ok(bool ok)
{
	return ok;
}

#define LF_CHECKED(builtin, a, b, ret)                                                             \
	lf_checked_ok(({                                                                           \
		__typeof__(ret) lf_to = (ret);                                                     \
		__typeof__(*lf_to) lf_result;                                                      \
		bool lf_fits = !builtin((a), (b), &lf_result);                                     \
		if (lf_fits)                                                                       \
			*lf_to = lf_result;                                                        \
		lf_fits;                                                                           \
	}))

/* *ret = a + b, a - b, a * b; false: the true result is no value of *ret's type. */
#define lf_checked_add(a, b, ret) LF_CHECKED(__builtin_add_overflow, a, b, ret)
#define lf_checked_sub(a, b, ret) LF_CHECKED(__builtin_sub_overflow, a, b, ret)
#define lf_checked_mul(a, b, ret) LF_CHECKED(__builtin_mul_overflow, a, b, ret)
/* *ret = value, of another type; false: *ret's type has no such value. */
#define lf_checked_to(value, ret) lf_checked_add(value, 0, ret)

/* Do len items from offset on lie within the first size? */
static inline bool lf_span_fits(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

#endif
