/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/authorization/internal.h - what the files of the provider share.
 */
#ifndef LF_PROVIDERS_AUTHORIZATION_INTERNAL_H
#define LF_PROVIDERS_AUTHORIZATION_INTERNAL_H

#include "providers/authorization/authorization.h"
#include "providers/authorization/roles.h"

#define LF_AUTHORIZATION "/providers/Microsoft.Authorization"

/* The front of an id that is before its last "/providers/Microsoft.Authorization"; "" is the site.
 * NULL: out of memory.  free(). */
char *lf_rights_scope_of(const char *id);
/* Is id the scope, or below it?  In any case. */
bool lf_rights_is_within(const char *id, const char *scope);
/* The scope of the request's path, as first written.  LF_ENOTFOUND: nothing is there. */
LF_MUST_CHECK int lf_rights_open_scope(struct lf_arm_call *call, char **ret_scope,
				       struct lf_error *err);

/*
 * A $filter of these lists: terms with " and " between them, each "atScope()", "assignedTo('ID')"
 * or "NAME eq 'VALUE'" (a value without blanks may go without quotes).
 */
struct lf_rights_filter {
	bool at_scope;
	char assigned_to[64], principal[64], role_name[96], type[32]; /* "": not asked for */
};
/* known: the terms that the list has, NULL-ended ("atScope()", "principalId").  LF_EINVAL
 * "UnsupportedQuery". */
LF_MUST_CHECK int lf_rights_filter_parse(const char *text, const char *const *known,
					 struct lf_rights_filter *ret_filter, struct lf_error *err);

/* What a list is asked for and of: the request's filter and scope (free()), and all rows of the
 * type.  known: as lf_rights_filter_parse() has it. */
LF_MUST_CHECK int lf_rights_open_list(struct lf_arm_call *call, const char *type,
				      const char *const *known, struct lf_rights_filter *ret_filter,
				      char **ret_scope, struct lf_resource_list *ret_list,
				      struct lf_error *err);

/* What a principal's roles give at a scope: the body of permissions. */
LF_MUST_CHECK int lf_rights_permissions(struct lf_rights *rights, const char *principal,
					const char *scope, json_t **ret_values,
					struct lf_error *err);
lf_arm_handler lf_assignment_get, lf_assignment_put, lf_assignment_delete, lf_assignment_list;
lf_arm_handler lf_definition_get, lf_definition_list, lf_permissions_list;
lf_arm_handler lf_lock_get, lf_lock_put, lf_lock_delete, lf_lock_list;

#endif
