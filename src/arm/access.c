/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls, by the token; whether roles give the right that the route asks for; then whether a
 * lock forbids it.  Nothing is written.
 */
#include <string.h>

#include "arm/call.h"

int lf_arm_authenticate(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_arm_opts *site = call->site;
	const char *header = lf_http_header(call->http, "Authorization");
	const char *const audiences[] = {call->base_url, *site->base_url,
					 "https://management.azure.com",
					 "https://management.core.windows.net", NULL};
	LF_AUTO_JSON *claims = NULL;
	char issuer[128];

	if (!header || !lf_text_starts_nocase(header, "Bearer "))
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "AuthenticationFailed", NULL,
				   "get a token from this site's token endpoint and send it as "
				   "'Authorization: Bearer'",
				   "authentication failed: the 'Authorization' header is missing");
	const char *token = header + strlen("Bearer ");
	token += strspn(token, " ");
	snprintf(issuer, sizeof(issuer), LF_TOKEN_ISSUER_FORMAT, site->tenant_id);
	int rc = lf_token_verify(site->token_keys, token, issuer, audiences,
				 lf_clock_now_ns(site->clock), &claims, err);
	if (rc)
		return rc;
	const char *oid = lf_json_text(claims, "oid");
	if (!oid)
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "InvalidAuthenticationToken", "oid",
				   "get a token of a service principal",
				   "the token names no principal");
	call->principal = strdup(oid);
	call->client = strdup(lf_json_text_or(claims, "appid", ""));
	return call->principal && call->client ? 0 : lf_fail_nomem(err);
}

static int ask(const struct lf_arm_call *call, const char *right, const char *scope, bool *ret_may,
	       struct lf_error *err)
{
	const struct lf_arm_opts *site = call->site;

	*ret_may = lf_text_equal_nocase(call->principal, site->owner_id);
	return site->rights ? site->rights->may(site->context, call->principal, right, scope,
						ret_may, err)
			    : 0;
}

bool lf_arm_may(const struct lf_arm_call *call, const char *action, const char *scope)
{
	struct lf_error ignored;
	bool may = false;

	return ask(call, action, scope, &may, &ignored) == 0 && may;
}

int lf_arm_authorize(struct lf_arm_call *call, struct lf_error *err)
{
	const struct lf_arm_opts *site = call->site;
	const char *right = call->match.right, *scope = lf_arm_id(call, 0);
	bool may = false;
	int rc = ask(call, right, scope, &may, err);

	if (rc)
		return rc;
	if (may)
		return site->rights ? site->rights->unlocked(site->context, right, scope, err) : 0;
	return lf_fail_arm(err, LF_EDENIED, "AuthorizationFailed", scope,
			   "ask an owner of the scope for a role that has this action (landfall "
			   "role assignment create)",
			   "the client '%s' with object id '%s' does not have authorization to "
			   "perform action '%s' over scope '%s' or the scope is invalid",
			   call->client, call->principal, right, scope);
}

static int check_link(const struct lf_arm_call *call, const char *id, struct lf_error *err)
{
	char type[LF_ARM_TYPE_SIZE];
	bool may = false;

	if (id[0] != '/' || !lf_arm_id_type(id, type, sizeof(type)))
		return 0;
	const char *right = call->site->rights->linked(type, lf_http_method(call->http));
	int rc = right ? ask(call, right, id, &may, err) : 0;
	return rc || !right || may
		       ? rc
		       : lf_fail_arm(err, LF_EDENIED, "LinkedAuthorizationFailed", id,
				     "ask an owner of the linked scope for a role that has this "
				     "action (landfall role assignment create)",
				     "the client '%s' with object id '%s' has permission to "
				     "perform action '%s' on scope '%s'; however, it does not have "
				     "permission to perform action '%s' on the linked scope '%s' "
				     "or the linked scope is invalid",
				     call->client, call->principal, call->match.right,
				     lf_arm_id(call, 0), right, id);
}

/* Depth is that of the body, which its parser bounds. */
static int check_links(const struct lf_arm_call *call, const json_t *value, struct lf_error *err)
{
	const char *name;
	json_t *member;
	size_t i;
	int rc = json_is_string(value) ? check_link(call, json_string_value(value), err) : 0;

	json_array_foreach (value, i, member)
		rc = rc ? rc : check_links(call, member, err);
	json_object_foreach ((json_t *)(uintptr_t)value, name, member)
		rc = rc ? rc : check_links(call, member, err);
	return rc;
}

/* Whoever may make a thing may not make it of another's: a machine of a disk, a disk of a point. */
int lf_arm_authorize_links(struct lf_arm_call *call, struct lf_error *err)
{
	return call->site->rights && call->principal ? check_links(call, call->body, err) : 0;
}

/* A day, then nothing or "-preview". */
static bool is_version(const char *text)
{
	struct lf_error ignored;
	int64_t day;
	char noon[24];

	for (size_t i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
			return false;
	if (text[10] && !lf_text_equal_nocase(text + 10, "-preview"))
		return false;
	snprintf(noon, sizeof(noon), "%.10sT12:00:00Z", text);
	return lf_time_parse(noon, &day, &ignored) == 0;
}

/* Clients pin versions that no list here can foresee, and the shapes only grow: of a published
 * contract each version between its first and its last is served. */
int lf_arm_check_version(const struct lf_arm_provider *provider, const char *version,
			 struct lf_error *err)
{
	const char *oldest = provider->oldest_version, *newest = provider->newest_version;

	if (!version)
		return lf_fail_arm(
			err, LF_EINVAL, "MissingApiVersionParameter", "api-version",
			"add '?api-version=' and a version to the URL",
			"the api-version query parameter (?api-version=) is required for "
			"all requests");
	if (!oldest || (is_version(version) && strncmp(version, oldest, 10) >= 0 &&
			strncmp(version, newest, 10) <= 0))
		return 0;
	char hint[96];
	snprintf(hint, sizeof(hint), "use a published version from %s to %s", oldest, newest);
	return lf_fail_arm(err, LF_EINVAL, "InvalidApiVersionParameter", "api-version", hint,
			   "the api-version '%.40s' is invalid", version);
}
