/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "arm/call.h"
#include "base/names.h"

/* The next segment that is not empty, at or after *at; moves *at behind it.  0: there is none. */
static size_t next_segment(const char **at, const char **ret_segment)
{
	*at += strspn(*at, "/");
	*ret_segment = *at;
	size_t len = strcspn(*at, "/");
	*at += len;
	return len;
}

bool lf_arm_id_segment(const char *id, const char *name, char *out, size_t out_size)
{
	size_t name_len = strlen(name), len, value_len;
	const char *at = id, *key, *value;

	/* pairs: a resource group may well have a type's name for its own */
	while ((len = next_segment(&at, &key)) && (value_len = next_segment(&at, &value))) {
		if (len != name_len || strncasecmp(key, name, len) != 0)
			continue;
		if (value_len >= out_size)
			return false;
		memcpy(out, value, value_len);
		out[value_len] = '\0';
		return true;
	}
	return false;
}

const char *lf_arm_id_last(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash ? slash + 1 : id;
}

bool lf_arm_id_equal(const char *a, const char *b)
{
	return lf_text_equal_nocase(a, b);
}

bool lf_arm_id_type(const char *id, char *out, size_t out_size)
{
	LF_AUTO_PATH path = {0};
	struct lf_error ignored;
	size_t at = 0;

	if (id[0] != '/' || lf_path_parse(id, &path, &ignored))
		return false;
	for (size_t i = 0; i < path.n; i++)
		if (lf_text_equal_nocase(path.segments[i], "providers"))
			at = i + 1;
	if (!at) { /* a resource group or subscription */
		snprintf(out, out_size, "%s",
			 path.n == 4 ? "Microsoft.Resources/resourceGroups"
				     : "Microsoft.Resources/subscriptions");
		return (path.n == 2 || path.n == 4) &&
		       lf_text_equal_nocase(path.segments[0], "subscriptions") &&
		       (path.n == 2 || lf_text_equal_nocase(path.segments[2], "resourceGroups"));
	}
	if (at >= path.n || (path.n - at) % 2 == 0)
		return false;
	snprintf(out, out_size, "%s", path.segments[at]);
	for (size_t i = at + 1; i < path.n; i += 2) {
		size_t used = strlen(out);
		snprintf(out + used, out_size - used, "/%s", path.segments[i]);
	}
	return true;
}

int lf_arm_id_check(const char *id, const char *type, const char *target, struct lf_error *err)
{
	char hint[256], found[LF_ARM_TYPE_SIZE];

	if (lf_id_good(id) && lf_arm_id_type(id, found, sizeof(found)) &&
	    lf_text_equal_nocase(found, type))
		return 0;
	snprintf(hint, sizeof(hint), "give the full id of a %s", type);
	return lf_fail_arm(err, LF_EINVAL, "LinkedInvalidPropertyId", target, hint,
			   "'%.200s' is not the id of a %s", id, type);
}

int lf_arm_envelope(json_t *doc, const char *id, const char *type, struct lf_error *err)
{
	if (lf_json_set_text(doc, "id", id) | lf_json_set_text(doc, "name", lf_arm_id_last(id)) |
	    lf_json_set_text(doc, "type", type))
		return lf_fail_nomem(err);
	return 0;
}
