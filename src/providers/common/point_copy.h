/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/common/point_copy.h - a point's disks to another region, as a step of a job.
 *
 * Threads: the job's.
 */
#ifndef LF_PROVIDERS_POINT_COPY_H
#define LF_PROVIDERS_POINT_COPY_H

#include "providers/common/site.h"
#include "peer/peer.h"

struct lf_point_copy {
	const char *from_region, *from_point; /* where it is */
	const char *to_region;
	const char *holder;  /* a GUID: names the claim that keeps from_point meanwhile */
	const json_t *disks; /* those of its manifest */
	/* Disks of an earlier copy of the same machine in to_region, which both regions have: what
	 * they share is not compared.  NULL: none. */
	const json_t *base;
	struct lf_peer_session *peer; /* to_region is that peer's; NULL: served here */
};
/*
 * Copy what the target lacks; durable there, kept only by the caller's session in the target (a
 * peer's: durable once that is committed).
 * Percent done of each disk in the job's data, "percent.ID", never back; 100 is not written here.
 * Idempotent: a copy that was cut short goes on.
 */
LF_MUST_CHECK int lf_point_copy(struct lf_job_run *run, const struct lf_point_copy *copy,
				struct lf_error *err);

#endif
