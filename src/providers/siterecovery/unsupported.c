/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the contract has and this service does not: operations that are refused,
 * with what to do instead, and lists that are always empty.  Which they are is
 * said by the rows of provider.c.
 */
#include <string.h>

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

/* What a client without a type of its own for an input calls it by: "", or the base type's name. */
static bool is_untyped(const char *text)
{
	size_t len = strlen(text), end = strlen("Input");

	return !len || (len > end && strcmp(text + len - end, "Input") == 0);
}

int lf_sr_provider_check(const struct lf_sr_fields *fields, json_t *body, const char *input,
			 struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s.instanceType", input);

	if (!path)
		return lf_fail_nomem(err);
	const char *text = lf_json_text_or(body, path, "");
	int rc = is_untyped(text) ? 0 : lf_sr_check_instance(text, NULL, path, err);
	return rc ? rc : lf_sr_fields_check(fields, body, err);
}

int lf_sr_input_check(struct lf_arm_call *call, const struct lf_document *document,
		      const char *input, struct lf_error *err)
{
	const struct lf_sr_fields fields = {document->fields, document->n_fields};

	return lf_sr_provider_check(&fields, lf_arm_body(call), input, err);
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

int lf_sr_none(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SCOPE scope = {0};
	int rc = lf_scope_open(call, lf_arm_subject(call), &scope, err);

	return rc ? rc
		  : lf_fail_arm(err, LF_ENOTFOUND, "ResourceNotFound", lf_arm_id(call, 0),
				"list those that there are",
				"there is none of this kind with " LF_SR_INSTANCE);
}

int lf_sr_none_to_remove(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_SCOPE scope = {0};
	int rc = lf_scope_open(call, lf_arm_subject(call), &scope, err);

	return rc ? rc : lf_arm_reply(call, 204, NULL, err);
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
