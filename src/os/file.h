/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/file.h - files and directories, with durability said in the name.
 *
 * "durable" means: after 0 the bytes and the name survive a power cut.
 * Every write goes through fault points ("file-write", "file-sync",
 * "file-rename"), so that tests can fail or kill there.
 * Threads: any.
 */
#ifndef LF_OS_FILE_H
#define LF_OS_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Close *fd if it is open (>= 0), for LF_CLEANUP. */
void lf_fd_done(int *fd);
#define LF_AUTO_FD LF_CLEANUP(lf_fd_done) int

/* All of it, or an error; short reads are LF_ECORRUPT ("ends early"). */
LF_MUST_CHECK int lf_file_pread_all(int fd, void *data, size_t len, uint64_t offset,
				    const char *name, struct lf_error *err);
LF_MUST_CHECK int lf_file_pwrite_all(int fd, const void *data, size_t len, uint64_t offset,
				     const char *name, struct lf_error *err);

/* Whole file into buf (appended); over max bytes is LF_ETOOLARGE; missing is LF_ENOTFOUND. */
LF_MUST_CHECK int lf_file_read(const char *path, size_t max, struct lf_buf *buf,
			       struct lf_error *err);
/* Replace or make path, all or nothing, durable. */
LF_MUST_CHECK int lf_file_write_durable(const char *path, const void *data, size_t len, mode_t mode,
					struct lf_error *err);
/* fsync the directory that holds path. */
LF_MUST_CHECK int lf_file_sync_parent(const char *path, struct lf_error *err);
/* rename + fsync of the target's directory. */
LF_MUST_CHECK int lf_file_rename_durable(const char *from, const char *to, struct lf_error *err);
/* The same, to a name that nothing has.  LF_EEXISTS. */
LF_MUST_CHECK int lf_file_rename_new(const char *from, const char *to, struct lf_error *err);
/* Room on the disk for these bytes, which the file has from then on; where a file system cannot
 * promise it, nothing is done.  LF_ENOSPACE. */
LF_MUST_CHECK int lf_file_reserve(int fd, uint64_t offset, uint64_t len, const char *name,
				  struct lf_error *err);
LF_MUST_CHECK int lf_file_sync(int fd, const char *name, struct lf_error *err);
/* All that the file system of fd holds, at once: for many files. */
LF_MUST_CHECK int lf_file_sync_system(int fd, const char *name, struct lf_error *err);

/* mkdir -p, durable; an existing directory is fine. */
LF_MUST_CHECK int lf_dir_make(const char *path, mode_t mode, struct lf_error *err);
/* fsync path and all that is in it (files and directories). */
LF_MUST_CHECK int lf_dir_sync(const char *path, struct lf_error *err);
/* rm -r; a missing path is fine.  Does not follow links. */
LF_MUST_CHECK int lf_dir_remove(const char *path, struct lf_error *err);
/* unlink; a missing file is fine. */
LF_MUST_CHECK int lf_file_remove(const char *path, struct lf_error *err);

/* Call visit for each entry but . and ..; stops at the first non-zero and returns it. */
typedef int lf_dir_visit_fn(void *context, const char *name, struct lf_error *err);
LF_MUST_CHECK int lf_dir_list(const char *path, lf_dir_visit_fn *visit, void *context,
			      struct lf_error *err);
/* The same, but a directory that is not there has no entries. */
LF_MUST_CHECK int lf_dir_list_if(const char *path, lf_dir_visit_fn *visit, void *context,
				 struct lf_error *err);

#endif
