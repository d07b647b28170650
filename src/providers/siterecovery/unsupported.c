/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the contract has and this service does not: operations that are refused,
 * with what to do instead, and lists that are always empty.  Which they are is
 * said by the rows of provider.c.
 */
#include "providers/common/page.h"
#include "providers/siterecovery/internal.h"

int lf_sr_check_instance(const char *text, const char *base, const char *target,
			 struct lf_error *err)
{
	if (!text)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredProperty", target,
				   "give \"instanceType\": \"" LF_SR_INSTANCE "\"",
				   "instanceType is missing");
	if (lf_text_equal_nocase(text, LF_SR_INSTANCE) ||
	    (base && lf_text_equal_nocase(text, base)))
		return 0;
	return lf_fail_arm(err, LF_EINVAL, "InstanceTypeNotSupported", target,
			   "this service protects machines by the replication provider "
			   "" LF_SR_INSTANCE,
			   "instanceType '%.100s' is not supported here", text);
}

int lf_sr_refuse(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_sr_refusal *refusal = lf_arm_subject(call);
	LF_AUTO_SCOPE scope = {0};
	int rc = refusal->scope ? lf_scope_open(call, refusal->scope, &scope, err) : 0;

	return rc ? rc
		  : lf_fail_arm(
			    err, LF_EUNSUPPORTED, refusal->code, lf_arm_id(call, 0), refusal->hint,
			    "this operation is not available for " LF_SR_INSTANCE " items here");
}

int lf_sr_remove(struct lf_arm_call *call, struct lf_error *err)
{
	return lf_document_delete(call, lf_arm_subject(call), 202, err);
}

int lf_sr_empty_list(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *values = json_array();
	LF_AUTO_FILTER *filter = NULL;
	LF_AUTO_SCOPE scope = {0};
	int rc = lf_scope_open(call, lf_arm_subject(call), &scope, err);

	if (!rc) /* there is nothing that could be named */
		rc = lf_filter_new(lf_arm_query(call, "filter"), NULL, 0, &filter, err);
	return rc ? rc : lf_page_reply(call, values, err);
}
