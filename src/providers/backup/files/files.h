/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/files/files.h - the files of a recovery point (instant item recovery).
 *
 * Each disk of the point is exported by NBD over TLS (nbd/export.h), read only, to who holds a
 * certificate that is made for this session and ends with it.  The client gets it inside a shell
 * script that mounts the disks.  DIR/files/POINT holds the exports, the session's certificates, and
 * that script; the point's row says {"files": {"expires": time}}; a claim "files" keeps the point.
 *
 * Threads: any; one thread at a time for one point.
 */
#ifndef LF_PROVIDERS_BACKUP_FILES_H
#define LF_PROVIDERS_BACKUP_FILES_H

#include "providers/backup/point/point.h"

/* End a session, if there is one: exports, certificates, claim; in no transaction. */
lf_backup_point_releaser lf_backup_files_end;
/* The same once its time is over; the row says so. */
LF_MUST_CHECK int lf_backup_files_tend(struct lf_context *context, struct lf_resource *point,
				       struct lf_error *err);
/* Of the call that begins a session: its operation's status carries the script (base64), while
 * there is one. */
extern const struct lf_job_type lf_backup_files_job;

struct lf_files_script {
	const char *time, *expires;  /* for the reader */
	const char *host;	     /* where the client reaches the exports */
	const char *ca, *cert, *key; /* PEM */
	const json_t *disks;	     /* [{"name", "port"}] */
};
/* Root runs the text: LF_EINTERNAL unless each value is of the few characters that its kind takes.
 * A pure function; free(). */
LF_MUST_CHECK int lf_files_script(const struct lf_files_script *script, char **ret_text,
				  struct lf_error *err);

#endif
