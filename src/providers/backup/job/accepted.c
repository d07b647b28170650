/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"

#define RETRY_AFTER_S 2

int lf_backup_reply_operation(struct lf_arm_call *call, const char *status_below,
			      const char *result_below, const char *job, struct lf_error *err)
{
	LF_AUTO_FREE char *status = lf_printf_dup("%s/%s", status_below, job);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/%s", result_below, job);
	const struct lf_arm_async async = {.job = job,
					   .status_path = status,
					   .result_path = result,
					   .retry_after = RETRY_AFTER_S};

	return status && result ? lf_arm_reply_async(call, 202, &async, NULL, err)
				: lf_fail_nomem(err);
}

int lf_backup_reply_accepted(struct lf_arm_call *call, const char *item_id, const char *job,
			     struct lf_error *err)
{
	LF_AUTO_FREE char *status = lf_printf_dup("%s/operationsStatus", item_id);
	LF_AUTO_FREE char *result = lf_printf_dup("%s/operationResults", item_id);

	return status && result ? lf_backup_reply_operation(call, status, result, job, err)
				: lf_fail_nomem(err);
}
