/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/pair/pair.h - copies of recovery points in the paired region, which this site
 * serves or a peer.  Threads: as jobs are.
 */
#ifndef LF_PROVIDERS_BACKUP_PAIR_H
#define LF_PROVIDERS_BACKUP_PAIR_H

#include "providers/backup/point/point.h"

/* Copies the point "recoveryPoint" of its input to "region". */
extern const struct lf_job_type lf_backup_copy_job;
/* The copy of a point, if it has one, is let go of. */
lf_backup_point_releaser lf_backup_pair_release;

#endif
