/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a 202 points at.  The operation's id is the job's name: PowerShell
 * takes the text between "operationresults/" and "?" for it.
 */
#include <string.h>

#include "providers/siterecovery/internal.h"

static int check_vault(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SCOPE scope = {0};
	LF_AUTO_JOB job = LF_JOB_INIT;
	int rc = lf_scope_open(call, LF_SR_TYPE_VAULT, &scope, err);

	if (!rc)
		rc = lf_jobs_get(lf_arm_context(call)->jobs, lf_arm_param(call, "operation"), &job,
				 err);
	if (!rc && !lf_arm_id_equal(job.scope, scope.at[LF_SR_VAULT].id))
		rc = lf_fail(err, LF_ENOTFOUND, lf_arm_id(call, 0),
			     "the vault has no such operation");
	return rc;
}

int lf_sr_operation_status(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = check_vault(call, err);

	return rc ? rc : lf_arm_reply_job_status(call, lf_arm_param(call, "operation"), err);
}

/* The item, or the plan, as it is now; 204 once it has gone. */
static int reply_resource(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = lf_document_get(call, lf_arm_subject(call), err);

	return rc == LF_ENOTFOUND ? lf_arm_reply(call, 204, NULL, err) : rc;
}

int lf_sr_operation_result(struct lf_arm_call *call, struct lf_error *err)
{
	int rc = check_vault(call, err);

	return rc ? rc
		  : lf_arm_reply_job_result(call, lf_arm_param(call, "operation"), reply_resource,
					    err);
}
