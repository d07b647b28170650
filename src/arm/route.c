/* SPDX-License-Identifier: Apache-2.0 */
#include "arm/route.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

static const char *verb_of(const char *method)
{
	static const struct {
		const char *method, *verb;
	} verbs[] = {{"GET", "read"},
		     {"PUT", "write"},
		     {"PATCH", "write"},
		     {"DELETE", "delete"},
		     {"POST", "action"}};

	for (size_t i = 0; i < LF_N(verbs); i++)
		if (strcmp(verbs[i].method, method) == 0)
			return verbs[i].verb;
	return NULL;
}

/* From the last namespace on; NULL: there is none in the path. */
static const char *find_namespace(const char *path)
{
	static const char mark[] = "/providers/";
	const char *found = NULL;

	for (const char *p = path; (p = strstr(p, mark)); p += strlen(mark) - 1)
		found = p + strlen(mark) - 1;
	return found;
}

static int derive(const struct lf_arm_route *route, struct lf_buf *right, struct lf_error *err)
{
	const char *space = find_namespace(route->path), *verb = verb_of(route->method);
	size_t len;

	if (!verb || (space && space[1] == '{'))
		return lf_fail(err, LF_EINTERNAL, route->path, "no right follows from %s %s",
			       route->method, route->path);
	if (!space)
		lf_buf_puts(right, "Microsoft.Resources");
	for (const char *p = space ? space : route->path; *p; p += len) {
		len = 1 + strcspn(p + 1, "/");
		if (p[1] != '{')
			lf_buf_append(right, p + (p == space), len - (p == space));
	}
	lf_buf_printf(right, "/%s", verb);
	return lf_buf_check(right, err);
}

int lf_route_right(const struct lf_arm_route *route, char **ret_right, struct lf_error *err)
{
	LF_AUTO_BUF right = LF_BUF_INIT;
	int rc = 0;

	if (route->flags & LF_ARM_OPEN) {
		*ret_right = NULL;
		return 0;
	}
	if (route->action)
		lf_buf_puts(&right, route->action);
	else
		rc = derive(route, &right, err);
	if (rc || (rc = lf_buf_check(&right, err)))
		return rc;
	*ret_right = lf_buf_take(&right);
	return 0;
}
