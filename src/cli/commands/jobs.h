/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/commands/jobs.h - a job's tasks as a line of progress.
 */
#ifndef LF_CLI_COMMANDS_JOBS_H
#define LF_CLI_COMMANDS_JOBS_H

#include "cli/output.h"

void lf_cli_job_progress(const struct lf_cli *cli, struct lf_cli_progress *progress,
			 const json_t *job);

#endif
