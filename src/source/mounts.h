/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source/mounts.h - which mounted file systems have their data on a disk.
 *
 * Follows what Linux stacks: partitions, device mapper, and loop devices over
 * a file or over another device.  Threads: any.
 */
#ifndef LF_SOURCE_MOUNTS_H
#define LF_SOURCE_MOUNTS_H

#include "json/json.h"

/* Array of mount points, each file system once, of those on the disk at path; innermost first. */
LF_MUST_CHECK int lf_mounts_of_disk(const char *path, json_t **ret_mounts, struct lf_error *err);
/*
 * One line of /proc/self/mountinfo: device number and mount point (unescaped into out).  false: not
 * a line of it.  Pure.
 */
bool lf_mountinfo_parse(const char *line, unsigned *ret_major, unsigned *ret_minor, char *out,
			size_t out_size);

#endif
