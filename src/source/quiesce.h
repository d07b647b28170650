/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/quiesce.h - applications that are held still around a freeze of their file systems, by
 * scripts of the machine's owner.
 *
 * A script is an executable of a directory, whose name has letters, digits, '-' and '_' alone
 * (other names are passed over).  It is run as "SCRIPT freeze" before the freeze, in the order of
 * the names, and as "SCRIPT thaw" after it, in the other order, with a clean environment (PATH and
 * LC_ALL), in "/", without input.  A thaw follows whatever happened: also for the script that
 * failed, and, by the note, at the next start of an agent that was killed in between.  So it has
 * to bear being asked without a freeze.  A thaw that fails says that the application was not held.
 *
 * A process that a freeze leaves behind in its process group (one that holds a lock) lives until
 * the thaw has ended.
 *
 * Only root, or the user that we are, may be able to change a script, the directory, those above
 * it, and what a link leads over; what runs is where the links end.  Threads: one at a time.
 */
#ifndef LF_SOURCE_QUIESCE_H
#define LF_SOURCE_QUIESCE_H

#include "base/error.h"

#define LF_QUIESCE_SCRIPTS_MAX 32
#define LF_QUIESCE_OUTPUT_MAX  (4u << 10) /* of a script, its last, logged in LINES_MAX lines */
#define LF_QUIESCE_LINES_MAX   50

struct lf_quiesce;
/*
 * Run the scripts of dir, an absolute path; each may take limit_ns.  note: a file that names them
 * until their thaw (NULL: none), on a file system that is not frozen.  On failure nothing is held:
 * LF_EINVAL (no absolute path), LF_ENOTFOUND (no directory, or no script in it), LF_EDENIED
 * (somebody else could change a script), LF_ETIMEOUT, LF_EIO (a script's exit status); the hint
 * says what to do.
 */
LF_MUST_CHECK int lf_quiesce_begin(const char *dir, int64_t limit_ns, const char *note,
				   struct lf_quiesce **ret_quiesce, struct lf_error *err);
/* Thaw all and free; the first failure: the application may not have been held still. */
LF_MUST_CHECK int lf_quiesce_end(struct lf_quiesce *quiesce, struct lf_error *err);
/* Thaw what note names, which a run that was killed has left, and remove it; no note: nothing; one
 * that cannot be read: said in the log.  Each script may take what it was given then; limit_ns:
 * where the note does not say. */
LF_MUST_CHECK int lf_quiesce_recover(const char *note, int64_t limit_ns, struct lf_error *err);

#endif
