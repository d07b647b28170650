/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/mounts.h - which mounted file systems have their data on a disk.
 *
 * Follows what Linux stacks: partitions, device mapper, md, loop devices over a
 * file or over another device, and file systems over several devices (btrfs).
 * Threads: any.
 */
#ifndef LF_SOURCE_MOUNTS_H
#define LF_SOURCE_MOUNTS_H

#include "json/json.h"

/*
 * Array of mount points of the file systems that have data on any of the n disks (paths), and of
 * those that extra (array of paths; NULL: none) names: each file system once, innermost first;
 * those that only a container has mounted as /proc/PID/root/... LF_ENOTFOUND: a disk or an extra
 * path is not there.
 */
LF_MUST_CHECK int lf_mounts_of(const char *const *disks, size_t n, const json_t *extra,
			       json_t **ret_mounts, struct lf_error *err);

/*
 * Who has a device on any of the disks open for writing (databases, virtual machines), which no
 * freeze holds: array of texts like "/dev/dm-3 by postgres", at most 64.  Not this process.
 */
LF_MUST_CHECK int lf_raw_writers(const char *const *disks, size_t n, json_t **ret_writers,
				 struct lf_error *err);

/* One line of /proc/self/mountinfo, unescaped.  major 0: the file system has no one device. */
struct lf_mount {
	unsigned id, major, minor;
	char point[4096];
	char source[4096]; /* "" when the line does not say */
};
/* false: not a line of it, or a mount point too long to keep whole.  Pure. */
bool lf_mountinfo_parse(const char *line, struct lf_mount *ret_mount);

#endif
