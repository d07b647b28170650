/* SPDX-License-Identifier: Apache-2.0 */
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

int lf_arm_authorize(const struct lf_arm_opts *site, const char *principal, const char *action,
		     const char *scope, struct lf_error *err)
{
	if (lf_text_equal_nocase(principal, site->owner_id))
		return 0;
	return lf_fail_arm(err, LF_EDENIED, "AuthorizationFailed", scope,
			   "ask an owner of the scope for a role that has this action; a token got "
			   "before the role was given has to be renewed",
			   "the client '%s' with object id '%s' does not have authorization to "
			   "perform action '%s' over scope '%s' or the scope is invalid",
			   principal, principal, action, scope);
}

/* YYYY-MM-DD, then nothing or "-preview" and the like. */
static bool is_version(const char *text)
{
	for (size_t i = 0; i < 10; i++) {
		bool dash = i == 4 || i == 7;
		if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
			return false;
	}
	return !text[10] || strcmp(text + 10, "-preview") == 0 ||
	       strcmp(text + 10, "-privatepreview") == 0 || strcmp(text + 10, "-alpha") == 0 ||
	       strcmp(text + 10, "-beta") == 0;
}

static int fail_version(const struct lf_arm_provider *provider, const char *version,
			struct lf_error *err)
{
	char hint[256] = "use one of";
	size_t used = strlen(hint);

	for (const char *const *v = provider->api_versions; v && *v && used < sizeof(hint); v++)
		used += (size_t)snprintf(hint + used, sizeof(hint) - used, " %s", *v);
	return lf_fail_arm(err, LF_EINVAL, "InvalidApiVersionParameter", "api-version", hint,
			   "the api-version '%.40s' is invalid", version);
}

int lf_arm_check_version(const struct lf_arm_provider *provider, const char *version,
			 struct lf_error *err)
{
	const char *oldest = "~";

	if (!version)
		return lf_fail_arm(
			err, LF_EINVAL, "MissingApiVersionParameter", "api-version",
			"add '?api-version=' and a version to the URL",
			"the api-version query parameter (?api-version=) is required for "
			"all requests");
	for (const char *const *v = provider->api_versions; v && *v; v++) {
		if (lf_text_equal_nocase(*v, version))
			return 0;
		oldest = strcmp(*v, oldest) < 0 ? *v : oldest;
	}
	/* clients pin versions that no list here can foresee, and the shapes only grow */
	if (is_version(version) && strncmp(version, oldest, 10) >= 0)
		return 0;
	return fail_version(provider, version, err);
}
