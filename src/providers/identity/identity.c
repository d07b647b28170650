/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/identity/identity.h"

#include <stdlib.h>
#include <string.h>

#include "arm/path.h"
#include "base/text.h"

#define TOKEN_SECONDS 3600

int lf_principal_put(struct lf_catalog *catalog, const char *client_id, const char *object_id,
		     const char *name, const char *secret, struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_printf_dup(LF_PRINCIPAL_ID_PREFIX "%s", client_id);
	LF_AUTO_FREE char *hash = NULL;

	if (!id)
		return lf_fail_nomem(err);
	int rc = lf_secret_hash(secret, &hash, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *doc = json_pack("{s:s,s:s,s:s}", "appId", client_id, "objectId", object_id,
				      "displayName", name);
	LF_AUTO_JSON *state = json_pack("{s:s}", "secretHash", hash);
	if (!doc || !state)
		return lf_fail_nomem(err);
	return lf_catalog_put(catalog, id, LF_PRINCIPAL_TYPE, LF_PUT_ANY, NULL, doc, state, err);
}

int lf_identity_token(const struct lf_context *context, const char *object_id,
		      const char *client_id, const char *audience, char **ret_token,
		      struct lf_error *err)
{
	json_int_t now = lf_clock_now_ns(context->clock) / LF_NS_PER_S;
	char issuer[128];

	snprintf(issuer, sizeof(issuer), LF_TOKEN_ISSUER_FORMAT, context->tenant_id);
	LF_AUTO_JSON *claims = json_pack(
		"{s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s}", "aud", audience, "iss", issuer,
		"iat", now, "nbf", now, "exp", now + TOKEN_SECONDS, "appid", client_id, "idtyp",
		"app", "oid", object_id, "sub", object_id, "tid", context->tenant_id, "ver", "1.0");
	return claims ? lf_token_sign(context->token_keys, claims, ret_token, err)
		      : lf_fail_nomem(err);
}

/* OAuth2 has an error body of its own. */
static int reply_oauth_error(struct lf_arm_call *call, int status, const char *error,
			     const char *description, struct lf_error *err)
{
	char date[LF_TIME_SIZE];

	lf_time_format(lf_clock_now_ns(lf_arm_context(call)->clock), date);
	LF_AUTO_JSON *body = json_pack(
		"{s:s,s:s,s:[i],s:s,s:s,s:s}", "error", error, "error_description", description,
		"error_codes", status == 401 ? 7000215 : 900144, "timestamp", date, "trace_id",
		lf_arm_request_id(call), "correlation_id", lf_arm_request_id(call));
	return body ? lf_arm_reply(call, status, body, err) : lf_fail_nomem(err);
}

static int find_principal(struct lf_arm_call *call, const char *client_id, const char *secret,
			  char ret_object_id[static LF_GUID_SIZE], struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_printf_dup(LF_PRINCIPAL_ID_PREFIX "%s", client_id);
	LF_AUTO_RESOURCE principal = LF_RESOURCE_INIT;

	if (!id)
		return lf_fail_nomem(err);
	int rc = lf_catalog_get(lf_arm_context(call)->catalog, id, &principal, err);
	if (rc)
		return rc;
	if (!lf_secret_matches(lf_json_text_or(principal.state, "secretHash", ""), secret))
		return lf_fail(err, LF_EUNAUTHENTICATED, NULL, "the secret does not match");
	snprintf(ret_object_id, LF_GUID_SIZE, "%s", lf_json_text_or(principal.doc, "objectId", ""));
	return 0;
}

/* "https://host//.default" asks for the audience "https://host/": what is before "/.default". */
static void cut_scope(char *scope)
{
	size_t len = strlen(scope), tail = strlen("/.default");

	scope[strcspn(scope, " ")] = '\0';
	len = strlen(scope);
	if (len > tail && lf_text_equal_nocase(scope + len - tail, "/.default"))
		scope[len - tail] = '\0';
}

static int reply_token(struct lf_arm_call *call, const char *client_id, const char *object_id,
		       const char *audience, struct lf_error *err)
{
	LF_AUTO_FREE char *token = NULL;
	int rc = lf_identity_token(lf_arm_context(call), object_id, client_id, audience, &token,
				   err);

	if (rc)
		return rc;
	LF_AUTO_JSON *body =
		json_pack("{s:s,s:i,s:i,s:s}", "token_type", "Bearer", "expires_in", TOKEN_SECONDS,
			  "ext_expires_in", TOKEN_SECONDS, "access_token", token);
	lf_http_set_header(lf_arm_http(call), "Cache-Control", "no-store");
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int issue_token(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *grant = NULL;
	LF_AUTO_FREE char *client_id = NULL;
	LF_AUTO_FREE char *secret = NULL;
	LF_AUTO_FREE char *scope = NULL;
	char object_id[LF_GUID_SIZE];
	size_t len;
	const char *form = lf_http_body(lf_arm_http(call), &len);

	int rc = lf_form_value(form, "grant_type", &grant, err);
	if (!rc)
		rc = lf_form_value(form, "client_id", &client_id, err);
	if (!rc)
		rc = lf_form_value(form, "client_secret", &secret, err);
	if (!rc)
		rc = lf_form_value(form, "scope", &scope, err);
	if (!rc && !scope)
		rc = lf_form_value(form, "resource", &scope, err);
	if (rc)
		return reply_oauth_error(call, 400, "invalid_request", err->message, err);
	if (!grant || strcmp(grant, "client_credentials") != 0)
		return reply_oauth_error(
			call, 400, "unsupported_grant_type",
			"AADSTS70003: The app requested an unsupported grant type. "
			"Use client_credentials.",
			err);
	if (!client_id || !secret || !scope)
		return reply_oauth_error(call, 400, "invalid_request",
					 "AADSTS900144: The request body must contain client_id, "
					 "client_secret and scope.",
					 err);
	rc = find_principal(call, client_id, secret, object_id, err);
	if (rc == LF_ENOTFOUND || rc == LF_EUNAUTHENTICATED)
		return reply_oauth_error(
			call, 401, "invalid_client",
			"AADSTS7000215: Invalid client secret provided. Ensure the "
			"secret being sent in the request is the client secret value.",
			err);
	if (rc)
		return rc;
	cut_scope(scope);
	return reply_token(call, client_id, object_id, scope, err);
}

/* The authority as the client addresses it: "https://host/TENANT" or "https://host/adfs". */
static int reply_configuration(struct lf_arm_call *call, const char *authority,
			       const char *token_path, struct lf_error *err)
{
	const char *base = lf_arm_base_url(call);
	const char *tenant = lf_arm_context(call)->tenant_id;
	LF_AUTO_FREE char *issuer = lf_printf_dup("%s/%s/v2.0", base, authority);
	LF_AUTO_FREE char *token = lf_printf_dup("%s/%s/%s", base, authority, token_path);
	LF_AUTO_FREE char *authorize =
		lf_printf_dup("%s/%s/oauth2/v2.0/authorize", base, authority);
	LF_AUTO_FREE char *keys = lf_printf_dup("%s/%s/discovery/v2.0/keys", base, tenant);

	if (!issuer || !token || !authorize || !keys)
		return lf_fail_nomem(err);
	LF_AUTO_JSON *body =
		json_pack("{s:s,s:s,s:s,s:s,s:[s],s:[s],s:[s],s:[s,s],s:s,s:s}", "issuer", issuer,
			  "authorization_endpoint", authorize, "token_endpoint", token, "jwks_uri",
			  keys, "response_types_supported", "code", "subject_types_supported",
			  "pairwise", "id_token_signing_alg_values_supported", "RS256",
			  "token_endpoint_auth_methods_supported", "client_secret_post",
			  "client_secret_basic", "tenant_region_scope", "LF", "cloud_instance_name",
			  base + strlen("https://"));
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

static int get_configuration(struct lf_arm_call *call, struct lf_error *err)
{
	return reply_configuration(call, lf_arm_param(call, "tenant"), "oauth2/v2.0/token", err);
}

static int get_adfs_configuration(struct lf_arm_call *call, struct lf_error *err)
{
	return reply_configuration(call, "adfs", "oauth2/token", err);
}

static int get_keys(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_JSON *jwks = NULL;
	int rc = lf_token_jwks(lf_arm_context(call)->token_keys, &jwks, err);

	return rc ? rc : lf_arm_reply(call, 200, jwks, err);
}

static int get_instance(struct lf_arm_call *call, struct lf_error *err)
{
	const char *base = lf_arm_base_url(call), *host = base + strlen("https://");
	LF_AUTO_FREE char *configuration =
		lf_printf_dup("%s/%s/v2.0/.well-known/openid-configuration", base,
			      lf_arm_context(call)->tenant_id);
	LF_AUTO_JSON *body =
		json_pack("{s:s,s:s,s:[{s:s,s:s,s:[s]}]}", "tenant_discovery_endpoint",
			  configuration ? configuration : "", "api-version", "1.1", "metadata",
			  "preferred_network", host, "preferred_cache", host, "aliases", host);

	return body && configuration ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

/* The cloud as clients of 2019 and later describe it. */
static json_t *describe_cloud(struct lf_arm_call *call)
{
	const char *base = lf_arm_base_url(call), *host = base + strlen("https://");
	LF_AUTO_FREE char *slash = lf_printf_dup("%s/", base);

	return json_pack(
		"{s:s,s:{s:s,s:[s,s],s:s,s:s},s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s,s:s,s:s}}",
		"name", "Landfall", "authentication", "loginEndpoint", base, "audiences", slash,
		base, "tenant", lf_arm_context(call)->tenant_id, "identityProvider", "AAD",
		"resourceManager", base, "media", base, "graphAudience", slash, "graph", base,
		"portal", base, "gallery", base, "microsoftGraphResourceId", slash, "suffixes",
		"storage", host, "keyVaultDns", host, "acrLoginServer", host, "sqlServerHostname",
		host);
}

static int get_endpoints(struct lf_arm_call *call, struct lf_error *err)
{
	const char *version = lf_arm_query(call, "api-version");
	const char *base = lf_arm_base_url(call);
	LF_AUTO_FREE char *slash = lf_printf_dup("%s/", base);
	LF_AUTO_JSON *body = NULL;

	if (!version || strncmp(version, "2019", 4) < 0) /* the old single object */
		body = json_pack("{s:s,s:s,s:s,s:{s:s,s:[s,s]}}", "galleryEndpoint", base,
				 "graphEndpoint", slash, "portalEndpoint", base, "authentication",
				 "loginEndpoint", base, "audiences", slash, base);
	else if (strncmp(version, "2022", 4) < 0)
		body = json_pack("[o]", describe_cloud(call));
	else
		body = describe_cloud(call);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

#define OPEN (LF_ARM_OPEN | LF_ARM_NO_VERSION)

static const struct lf_arm_route routes[] = {
	{"POST", "/{tenant}/oauth2/v2.0/token", NULL, issue_token, OPEN | LF_ARM_FORM, NULL, 0},
	{"POST", "/{tenant}/oauth2/token", NULL, issue_token, OPEN | LF_ARM_FORM, NULL, 0},
	{"POST", "/adfs/oauth2/token", NULL, issue_token, OPEN | LF_ARM_FORM, NULL, 0},
	{"GET", "/{tenant}/v2.0/.well-known/openid-configuration", NULL, get_configuration, OPEN,
	 NULL, 0},
	{"GET", "/{tenant}/.well-known/openid-configuration", NULL, get_configuration, OPEN, NULL,
	 0},
	{"GET", "/adfs/.well-known/openid-configuration", NULL, get_adfs_configuration, OPEN, NULL,
	 0},
	{"GET", "/{tenant}/discovery/v2.0/keys", NULL, get_keys, OPEN, NULL, 0},
	{"GET", "/{tenant}/discovery/keys", NULL, get_keys, OPEN, NULL, 0},
	{"GET", "/common/discovery/instance", NULL, get_instance, OPEN, NULL, 0},
	{"GET", "/metadata/endpoints", NULL, get_endpoints, OPEN, NULL, 0},
};

const struct lf_arm_provider lf_identity_provider = {
	.routes = routes,
	.n_routes = LF_N(routes),
};
