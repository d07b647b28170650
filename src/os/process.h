/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/process.h - other programs: run to the end, or started to outlive us.
 *
 * No shell is ever involved.  Threads: any.
 */
#ifndef LF_OS_PROCESS_H
#define LF_OS_PROCESS_H

#include <sys/types.h>

#include "base/buf.h"

/*
 * Run argv (argv[0] found on PATH) with no input, to its end.
 * stdout and stderr together are appended to output (NULL: discarded).
 * Exit status != 0 is LF_EIO with the last output line in the message; longer
 * than timeout_ns is LF_ETIMEOUT (the process is killed).
 */
LF_MUST_CHECK int lf_process_run(const char *const *argv, int64_t timeout_ns, struct lf_buf *output,
				 struct lf_error *err);

/*
 * Run argv (argv[0] is a path) to its end in a session and process group of its own, in "/", with
 * the environment env and nothing of ours, no descriptor either.  What ends is argv itself: a
 * process that it leaves behind, even one that holds its output open, is not waited for, and stays
 * in *ret_group for lf_group_end().  stdout and stderr together are appended to output, of which
 * the last output_max bytes are kept.
 *
 * LF_EIO, LF_ETIMEOUT as lf_process_run(); the group has SIGTERM, a second to end, SIGKILL then,
 * and *ret_group is left alone.
 */
LF_MUST_CHECK int lf_group_run(const char *const *argv, const char *const *env, int64_t timeout_ns,
			       struct lf_buf *output, size_t output_max, pid_t *ret_group,
			       struct lf_error *err);
/* SIGKILL for what is left of the group, whose number is nobody else's until then.  Waits for argv
 * a second at most: what the kernel does not let go of is left to end when it can. */
void lf_group_end(pid_t group);

/*
 * Start argv in a session of its own, so that it survives us; output appended
 * to log_path.  The child is reaped by a detached thread.
 */
LF_MUST_CHECK int lf_process_start_detached(const char *const *argv, const char *log_path,
					    pid_t *ret_pid, struct lf_error *err);

/* The pid that a file holds, with or without the newline after it; LF_ENOTFOUND: no file. */
LF_MUST_CHECK int lf_pid_read(const char *path, pid_t *ret_pid, struct lf_error *err);
/* Is pid alive, and does its command line contain marker?  Guards against a reused pid. */
bool lf_process_is(pid_t pid, const char *marker);
/* SIGTERM, then SIGKILL after grace_ns; only if lf_process_is(pid, marker).  Gone already is fine.
 */
LF_MUST_CHECK int lf_process_stop(pid_t pid, const char *marker, int64_t grace_ns,
				  struct lf_error *err);

/* Let this process have up to max open files, as far as its hard limit goes; how many it may have
 * from now on. */
unsigned lf_descriptors_raise(unsigned max);

#endif
