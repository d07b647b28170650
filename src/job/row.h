/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job/row.h - a job as the JSON body of its row, and back.
 *
 * Only job/ includes this.
 */
#ifndef LF_JOB_ROW_H
#define LF_JOB_ROW_H

#include "job/job.h"

/* Write the row, in the thread's transaction if it has one. */
LF_MUST_CHECK int lf_job_to_row(struct lf_catalog *catalog, const struct lf_job *job,
				struct lf_error *err);
/* LF_ECORRUPT: a state, a step or an id that there cannot be. */
LF_MUST_CHECK int lf_job_from_body(const json_t *body, struct lf_job *ret_job,
				   struct lf_error *err);

#endif
