/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/common/scope.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void lf_scope_done(struct lf_scope *scope)
{
	for (unsigned i = 0; i < scope->n; i++)
		lf_resource_done(&scope->at[i]);
}

/* "Microsoft.X/vaults/fabrics" is two levels below its resource group. */
static unsigned levels_of(const char *type)
{
	unsigned levels = 0;

	for (const char *p = type; *p; p++)
		levels += *p == '/';
	return levels;
}

/* How long the id of the level is at the front of id; 0: id ends before. */
static size_t prefix_of(const char *id, unsigned level)
{
	const char *p = id;

	for (unsigned i = 0; i < 6 + 2 * level; i++) {
		if (*p != '/')
			return 0;
		p += 1 + strcspn(p + 1, "/");
	}
	return (size_t)(p - id);
}

int lf_scope_open(struct lf_arm_call *call, const char *type, struct lf_scope *ret_scope,
		  struct lf_error *err)
{
	const char *id = lf_arm_id(call, 0);
	size_t len;
	int rc = 0;

	LF_ASSERT(levels_of(type) <= LF_SCOPE_MAX);
	while (!rc && ret_scope->n < levels_of(type) && (len = prefix_of(id, ret_scope->n + 1))) {
		LF_AUTO_FREE char *above = strndup(id, len);
		if (!above)
			return lf_fail_nomem(err);
		rc = lf_catalog_get(lf_arm_context(call)->catalog, above,
				    &ret_scope->at[ret_scope->n], err);
		ret_scope->n += !rc;
	}
	return rc;
}

const struct lf_resource *lf_scope_last(const struct lf_scope *scope)
{
	return scope->n ? &scope->at[scope->n - 1] : NULL;
}

char *lf_id_child(const char *parent_id, const char *types, const char *name)
{
	return lf_printf_dup("%s/%s/%s", parent_id, types, name);
}

char *lf_id_above(const char *id, const char *type)
{
	size_t len = prefix_of(id, levels_of(type));

	return strndup(id, len ? len : strlen(id));
}
