/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of a request, as the storage service has them: each that is given has to hold; of a
 * read, one that fails because nothing has changed is a 304.
 */
#include "blob/auth/conditions.h"

#include <string.h>

#include "base/text.h"
#include "blob/entry.h"

static const char *header(const struct lf_http_exchange *x, enum lf_blob_asking asking,
			  const char *plain, const char *source)
{
	return lf_http_header(x, asking == LF_BLOB_ASKS_SOURCE ? source : plain);
}

/* Is the tag in a list of them?  Quotes may be left out, as clients do. */
static bool has_tag(const char *list, const char *tag)
{
	size_t len = strlen(tag) - 2;

	for (const char *p = list; *p;) {
		p += strspn(p, " \t,");
		size_t n = strcspn(p, ",");
		size_t quoted = n;
		while (quoted && (p[quoted - 1] == ' ' || p[quoted - 1] == '\t'))
			quoted--;
		const char *at = p;
		if (quoted > 1 && at[0] == '"' && at[quoted - 1] == '"') {
			at++;
			quoted -= 2;
		}
		if (quoted == len && strncmp(at, tag + 1, len) == 0)
			return true;
		p += n;
	}
	return false;
}

static int fail_condition(enum lf_blob_asking asking, struct lf_error *err)
{
	bool source = asking == LF_BLOB_ASKS_SOURCE;

	return lf_fail_arm(err, LF_EPRECONDITION,
			   source ? "SourceConditionNotMet" : "ConditionNotMet", NULL, NULL,
			   "the condition specified using HTTP conditional header(s) is not met");
}

static int parse_date(const char *text, int64_t *ret_ns, struct lf_error *err)
{
	return text && lf_time_parse_http(text, ret_ns, err)
		       ? lf_fail_arm(err, LF_EINVAL, "InvalidHeaderValue", NULL,
				     "give a date as Sun, 06 Nov 1994 08:49:37 GMT",
				     "the date of a condition cannot be read")
		       : 0;
}

/* "*" or a list that has the tag. */
static bool matches(const char *list, bool exists, const char *tag)
{
	return exists && (strcmp(list, "*") == 0 || has_tag(list, tag));
}

static int check_none_match(const char *none, enum lf_blob_asking asking, bool exists,
			    const char *tag, bool *ret_same, struct lf_error *err)
{
	if (!none || !matches(none, exists, tag))
		return 0;
	if (asking == LF_BLOB_ASKS_READ) {
		*ret_same = true;
		return 0;
	}
	if (asking == LF_BLOB_ASKS_MAKE && strcmp(none, "*") == 0)
		return lf_fail_arm(err, LF_ECONFLICT, "BlobAlreadyExists", NULL, NULL,
				   "the specified blob already exists");
	return fail_condition(asking, err);
}

int lf_blob_conditions(const struct lf_http_exchange *x, enum lf_blob_asking asking, bool exists,
		       int64_t modified_ns, bool *ret_same, struct lf_error *err)
{
	const char *match = header(x, asking, "If-Match", "x-ms-source-if-match");
	const char *none = header(x, asking, "If-None-Match", "x-ms-source-if-none-match");
	const char *since = header(x, asking, "If-Modified-Since", "x-ms-source-if-modified-since");
	const char *until =
		header(x, asking, "If-Unmodified-Since", "x-ms-source-if-unmodified-since");
	int64_t since_ns = 0, until_ns = 0, whole = modified_ns - modified_ns % LF_NS_PER_S;
	bool same = false;
	char tag[24];

	lf_blob_etag(modified_ns, tag);
	int rc = parse_date(since, &since_ns, err);
	if (!rc)
		rc = parse_date(until, &until_ns, err);
	if (rc)
		return rc;
	if (match && !matches(match, exists, tag))
		return fail_condition(asking, err);
	rc = check_none_match(none, asking, exists, tag, &same, err);
	if (rc)
		return rc;
	if (until && exists && whole > until_ns)
		return fail_condition(asking, err);
	if (since && exists && whole <= since_ns) {
		if (asking != LF_BLOB_ASKS_READ)
			return fail_condition(asking, err);
		same = same || !none; /* what has another tag has changed */
	}
	*ret_same = same;
	return 0;
}
