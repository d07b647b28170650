/* SPDX-License-Identifier: Apache-2.0 */
/* Which scope a request names, and its $filter. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "providers/authorization/internal.h"

int lf_rights_open_scope(struct lf_arm_call *call, char **ret_scope, struct lf_error *err)
{
	LF_AUTO_FREE char *scope = lf_rights_scope_of(lf_arm_id(call, 0));
	LF_AUTO_RESOURCE found = LF_RESOURCE_INIT;

	if (!scope)
		return lf_fail_nomem(err);
	int rc = scope[0] ? lf_catalog_get(lf_arm_context(call)->catalog, scope, &found, err) : 0;
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_ENOTFOUND, "ResourceNotFound", scope,
				   "make the resource first", "there is nothing at the scope '%s'",
				   scope);
	if (rc)
		return rc;
	*ret_scope = scope[0] ? strdup(found.id) : strdup("");
	return *ret_scope ? 0 : lf_fail_nomem(err);
}

static int fail_filter(const char *text, const char *const *known, struct lf_error *err)
{
	LF_AUTO_BUF hint = LF_BUF_INIT;

	lf_buf_puts(&hint, "the list can be filtered by:");
	for (; *known; known++)
		lf_buf_printf(&hint, " %s", *known);
	return lf_fail_arm(err, LF_EINVAL, "UnsupportedQuery", "$filter", lf_buf_text(&hint),
			   "the filter '%.100s' is not supported", text);
}

/* "'a value'", or a value without quotes to the next blank or bracket. */
static bool read_value(const char **at, char *out, size_t size)
{
	bool quoted = **at == '\'';
	const char *from = *at + quoted;
	size_t len = strcspn(from, quoted ? "'" : " )");

	if (!len || len >= size || (quoted && from[len] != '\''))
		return false;
	snprintf(out, size, "%.*s", (int)len, from);
	*at = from + len + quoted;
	return true;
}

static bool is_known(const char *const *known, const char *term)
{
	while (*known && strcasecmp(*known, term) != 0)
		known++;
	return *known;
}

/* One term; *at is behind it after. */
static bool read_term(const char **at, const char *const *known, struct lf_rights_filter *filter)
{
	const struct {
		const char *name;
		char *out;
		size_t size;
	} values[] = {{"principalId", filter->principal, sizeof(filter->principal)},
		      {"roleName", filter->role_name, sizeof(filter->role_name)},
		      {"type", filter->type, sizeof(filter->type)}};
	static const char function[] = "assignedTo(";

	if (lf_text_starts_nocase(*at, "atScope()") && is_known(known, "atScope()")) {
		*at += strlen("atScope()");
		return filter->at_scope = true;
	}
	if (lf_text_starts_nocase(*at, function) && is_known(known, "assignedTo()") &&
	    !filter->assigned_to[0]) {
		*at += strlen(function);
		return read_value(at, filter->assigned_to, sizeof(filter->assigned_to)) &&
		       *(*at)++ == ')';
	}
	for (size_t i = 0; i < LF_N(values); i++) {
		size_t len = strlen(values[i].name);
		if (!is_known(known, values[i].name) ||
		    !lf_text_starts_nocase(*at, values[i].name) ||
		    !lf_text_starts_nocase(*at + len, " eq ") || values[i].out[0])
			continue;
		*at += len + strlen(" eq ");
		return read_value(at, values[i].out, values[i].size);
	}
	return false;
}

int lf_rights_filter_parse(const char *text, const char *const *known,
			   struct lf_rights_filter *ret_filter, struct lf_error *err)
{
	const char *at = text;

	*ret_filter = (struct lf_rights_filter){0};
	while (at && *at) {
		at += strspn(at, " ");
		if (!read_term(&at, known, ret_filter))
			return fail_filter(text, known, err);
		at += strspn(at, " ");
		if (!*at)
			break;
		if (!lf_text_starts_nocase(at, "and ") || !at[strlen("and ")])
			return fail_filter(text, known, err);
		at += strlen("and ");
	}
	return 0;
}

int lf_rights_open_list(struct lf_arm_call *call, const char *type, const char *const *known,
			struct lf_rights_filter *ret_filter, char **ret_scope,
			struct lf_resource_list *ret_list, struct lf_error *err)
{
	const struct lf_list_query query = {.type = type};
	int rc = lf_rights_filter_parse(lf_arm_query(call, "filter"), known, ret_filter, err);

	if (!rc)
		rc = lf_rights_open_scope(call, ret_scope, err);
	return rc ? rc : lf_catalog_list(lf_arm_context(call)->catalog, &query, ret_list, err);
}
