/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/fault.h - named places where a test can make the process die or an
 * operation fail.
 *
 * Off unless LF_FAULT is set in the environment: a comma-separated list of
 * NAME=ACTION[@N], ACTION one of kill (SIGKILL at the N-th pass, default 1),
 * enospc, eio (from the N-th pass on).  The cost when off is one load and a branch.
 *
 * Threads: any.
 */
#ifndef LF_BASE_FAULT_H
#define LF_BASE_FAULT_H

#include "base/compiler.h"

extern bool lf_fault_active;

/* 0: go on.  Otherwise an errno value to fail with.  May not return (kill). */
int lf_fault_hit(const char *name);

#define LF_FAULT(name)	     (LF_UNLIKELY(lf_fault_active) ? lf_fault_hit(name) : 0)
#define LF_CRASH_POINT(name) ((void)LF_FAULT(name))

/* Read the list again (tests); NULL switches all faults off. */
void lf_fault_set(const char *list);
/* How often something was made to fail since then. */
unsigned lf_fault_count(void);

#endif
