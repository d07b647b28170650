/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoint and what clients discover before it.  A client's secret
 * goes to the queue of signin.c, which answers from what it remembers or
 * resumes the request when it has looked; the answer is a token or an OAuth
 * error, and a line of the audit log.  Principals are rows, with a hash of the
 * secret.
 */
#include "providers/identity/identity.h"

#include <stdlib.h>
#include <string.h>

#include "arm/path.h"
#include "audit/exchange.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/text.h"
#include "base/utf8.h"
#include "json/doc.h"
#include "providers/identity/signin.h"

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
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "aud", audience);
	lf_doc_text(&doc, "iss", issuer);
	lf_doc_int(&doc, "iat", now);
	lf_doc_int(&doc, "nbf", now);
	lf_doc_int(&doc, "exp", now + TOKEN_SECONDS);
	lf_doc_text(&doc, "appid", client_id);
	lf_doc_text(&doc, "idtyp", "app");
	lf_doc_text(&doc, "oid", object_id);
	lf_doc_text(&doc, "sub", object_id);
	lf_doc_text(&doc, "tid", context->tenant_id);
	lf_doc_text(&doc, "ver", "1.0");
	LF_AUTO_JSON *claims = lf_doc_take(&doc);
	return claims ? lf_token_sign(context->token_keys, claims, ret_token, err)
		      : lf_fail_nomem(err);
}

/* OAuth2 has an error body of its own.  text: "AADSTS70003: ...". */
static int reply_oauth_error(struct lf_arm_call *call, int status, const char *error,
			     const char *text, struct lf_error *err)
{
	char date[LF_TIME_SIZE];
	unsigned number = 0;

	(void)sscanf(text, "AADSTS%8u", &number);
	lf_time_format(lf_clock_now_ns(lf_arm_context(call)->clock), date);
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "error", error);
	lf_doc_text(&doc, "error_description", text);
	lf_doc_append(&doc, "error_codes", json_integer(number));
	lf_doc_text(&doc, "timestamp", date);
	lf_doc_text(&doc, "trace_id", lf_arm_request_id(call));
	lf_doc_text(&doc, "correlation_id", lf_arm_request_id(call));
	return lf_arm_reply_doc(call, status, &doc, err);
}

/* The hash of the client's secret and its object id; both "": there is no such client. */
static int find_principal(struct lf_arm_call *call, const char *client_id, char **ret_hash,
			  char ret_object_id[static LF_GUID_SIZE], struct lf_error *err)
{
	LF_AUTO_FREE char *id = lf_printf_dup(LF_PRINCIPAL_ID_PREFIX "%s", client_id);
	LF_AUTO_RESOURCE principal = LF_RESOURCE_INIT;

	int rc = id ? lf_catalog_get(lf_arm_context(call)->catalog, id, &principal, err)
		    : lf_fail_nomem(err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	snprintf(ret_object_id, LF_GUID_SIZE, "%s",
		 rc ? "" : lf_json_text_or(principal.doc, "objectId", ""));
	*ret_hash = strdup(rc ? "" : lf_json_text_or(principal.state, "secretHash", ""));
	return *ret_hash ? 0 : lf_fail_nomem(err);
}

/* "https://host//.default" asks for the audience "https://host/": what is before "/.default". */
static void cut_scope(char *scope)
{
	scope[strcspn(scope, " ")] = '\0';
	size_t len = strlen(scope), tail = strlen("/.default");
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

/* A client that signs in: its form, and who it would be. */
struct sign_in {
	struct lf_arm_call *call;
	char *client_id, *secret, *scope, *stored;
	char object_id[LF_GUID_SIZE];
};

static void sign_in_free(struct sign_in *sign_in)
{
	if (!sign_in)
		return;
	if (sign_in->secret)
		explicit_bzero(sign_in->secret, strlen(sign_in->secret));
	free(sign_in->client_id);
	free(sign_in->secret);
	free(sign_in->scope);
	free(sign_in->stored);
	free(sign_in);
}

static void audit_sign_in(const struct sign_in *sign_in, const struct lf_error *why)
{
	struct lf_audit_event event = {.action = "Landfall/signIn/action",
				       .client = sign_in->client_id,
				       .principal = why->code ? NULL : sign_in->object_id,
				       .correlation = lf_arm_correlation_id(sign_in->call),
				       .durable = !why->code};

	lf_count("sign_ins", why->code ? lf_error_arm(why) : "granted", 1);
	lf_audit_exchange(lf_arm_context(sign_in->call)->audit, lf_arm_http(sign_in->call), &event,
			  why);
}

static int refuse_sign_in(const struct sign_in *sign_in, enum lf_sign_in_result result,
			  unsigned retry_s, struct lf_error *err)
{
	struct lf_arm_call *call = sign_in->call;
	char seconds[16];

	if (result == LF_SIGN_IN_WRONG)
		return reply_oauth_error(
			call, 401, "invalid_client",
			"AADSTS7000215: Invalid client secret provided. Ensure the "
			"secret being sent in the request is the client secret value.",
			err);
	snprintf(seconds, sizeof(seconds), "%u", retry_s);
	lf_http_set_header(lf_arm_http(call), "Retry-After", seconds);
	return result == LF_SIGN_IN_DELAYED
		       ? reply_oauth_error(
				 call, 429, "temporarily_unavailable",
				 "AADSTS50053: Too many sign-ins with a wrong secret came "
				 "from this address. Try again later.",
				 err)
		       : reply_oauth_error(call, 503, "temporarily_unavailable",
					   "AADSTS90033: A transient error has occurred: too many "
					   "sign-ins at once. Try again later.",
					   err);
}

static int answer_sign_in(const struct sign_in *sign_in, enum lf_sign_in_result result,
			  unsigned retry_s, struct lf_error *err)
{
	static const struct lf_error reasons[] = {
		[LF_SIGN_IN_WRONG] = {.code = LF_EUNAUTHENTICATED,
				      .arm_code = "InvalidClientSecret"},
		[LF_SIGN_IN_DELAYED] = {.code = LF_ETHROTTLED, .arm_code = "TooManyWrongSecrets"},
		[LF_SIGN_IN_BUSY] = {.code = LF_EUNREACHABLE, .arm_code = "TooManySignIns"},
	};

	int rc = result == LF_SIGN_IN_RIGHT ? reply_token(sign_in->call, sign_in->client_id,
							  sign_in->object_id, sign_in->scope, err)
					    : refuse_sign_in(sign_in, result, retry_s, err);
	audit_sign_in(sign_in, rc ? err : &reasons[result]);
	return rc;
}

/* On the thread of the queue. */
static void sign_in_checked(void *context, enum lf_sign_in_result result, unsigned retry_s)
{
	struct sign_in *sign_in = context;
	struct lf_http_exchange *x = lf_arm_http(sign_in->call);
	struct lf_error err = LF_ERROR_NONE;

	if (answer_sign_in(sign_in, result, retry_s, &err)) {
		lf_log_error("a sign-in", &err);
		lf_arm_reply_error(sign_in->call, &err);
	}
	sign_in_free(sign_in);
	lf_http_resume(x);
}

static void sign_in_waits(void *context)
{
	const struct sign_in *sign_in = context;

	lf_http_suspend(lf_arm_http(sign_in->call));
}

static int read_form(struct lf_arm_call *call, struct sign_in *sign_in, char **ret_grant,
		     struct lf_error *err)
{
	size_t len;
	const char *form = lf_http_body(lf_arm_http(call), &len);

	int rc = lf_form_value(form, "grant_type", ret_grant, err);
	if (!rc)
		rc = lf_form_value(form, "client_id", &sign_in->client_id, err);
	if (!rc)
		rc = lf_form_value(form, "client_secret", &sign_in->secret, err);
	if (!rc)
		rc = lf_form_value(form, "scope", &sign_in->scope, err);
	return rc || sign_in->scope ? rc : lf_form_value(form, "resource", &sign_in->scope, err);
}

/* Takes sign_in. */
static int check_secret(struct sign_in *sign_in, struct lf_error *err)
{
	struct lf_sign_in_try attempt = {.client_id = sign_in->client_id,
					 .secret = sign_in->secret,
					 .stored = sign_in->stored,
					 .done = sign_in_checked,
					 .context = sign_in};
	enum lf_sign_in_result result;
	unsigned retry_s = 0;

	snprintf(attempt.address, sizeof(attempt.address), "%s",
		 lf_http_client_address(lf_arm_http(sign_in->call)));
	cut_scope(sign_in->scope);
	if (!lf_sign_in_check(lf_arm_context(sign_in->call)->sign_in, &attempt, sign_in_waits,
			      &result, &retry_s))
		return LF_ARM_LATER;
	int rc = answer_sign_in(sign_in, result, retry_s, err);
	sign_in_free(sign_in);
	return rc;
}

static int issue_adfs_token(struct lf_arm_call *call, struct lf_error *err)
{
	struct sign_in *sign_in = calloc(1, sizeof(*sign_in));
	LF_AUTO_FREE char *grant = NULL;

	if (!sign_in)
		return lf_fail_nomem(err);
	sign_in->call = call;
	int rc = read_form(call, sign_in, &grant, err);
	if (rc)
		rc = reply_oauth_error(call, 400, "invalid_request", err->message, err);
	else if (!grant || strcmp(grant, "client_credentials") != 0)
		rc = reply_oauth_error(call, 400, "unsupported_grant_type",
				       "AADSTS70003: The app requested an unsupported grant type. "
				       "Use client_credentials.",
				       err);
	else if (!sign_in->client_id || !sign_in->secret || !sign_in->scope)
		rc = reply_oauth_error(call, 400, "invalid_request",
				       "AADSTS900144: The request body must contain client_id, "
				       "client_secret and scope.",
				       err);
	else {
		rc = find_principal(call, sign_in->client_id, &sign_in->stored, sign_in->object_id,
				    err);
		if (!rc)
			return check_secret(sign_in, err);
	}
	sign_in_free(sign_in);
	return rc;
}

/* The tenant of the URL is this site's, by its id or by a name that stands for the client's own. */
static bool is_our_tenant(struct lf_arm_call *call)
{
	const char *tenant = lf_arm_param(call, "tenant");

	return lf_text_equal_nocase(tenant, lf_arm_context(call)->tenant_id) ||
	       lf_text_equal_nocase(tenant, "common") ||
	       lf_text_equal_nocase(tenant, "organizations");
}

static int refuse_tenant(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_FREE char *text = lf_printf_dup(
		"AADSTS90002: Tenant '%.64s' not found. Check to make sure you have the correct "
		"tenant ID and are signing into the correct cloud.",
		lf_arm_param(call, "tenant"));

	if (!text)
		return lf_fail_nomem(err);
	lf_utf8_clean(text); /* it may have been cut */
	return reply_oauth_error(call, 400, "invalid_request", text, err);
}

static int issue_token(struct lf_arm_call *call, struct lf_error *err)
{
	return is_our_tenant(call) ? issue_adfs_token(call, err) : refuse_tenant(call, err);
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
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "issuer", issuer);
	lf_doc_text(&doc, "authorization_endpoint", authorize);
	lf_doc_text(&doc, "token_endpoint", token);
	lf_doc_text(&doc, "jwks_uri", keys);
	lf_doc_append(&doc, "response_types_supported", json_string("code"));
	lf_doc_append(&doc, "subject_types_supported", json_string("pairwise"));
	lf_doc_append(&doc, "id_token_signing_alg_values_supported", json_string("RS256"));
	lf_doc_append(&doc, "token_endpoint_auth_methods_supported",
		      json_string("client_secret_post"));
	lf_doc_append(&doc, "token_endpoint_auth_methods_supported",
		      json_string("client_secret_basic"));
	lf_doc_text(&doc, "tenant_region_scope", "LF");
	lf_doc_text(&doc, "cloud_instance_name", base + strlen("https://"));
	return lf_arm_reply_doc(call, 200, &doc, err);
}

static int get_configuration(struct lf_arm_call *call, struct lf_error *err)
{
	return is_our_tenant(call) ? reply_configuration(call, lf_arm_param(call, "tenant"),
							 "oauth2/v2.0/token", err)
				   : refuse_tenant(call, err);
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
	struct lf_doc doc = LF_DOC_INIT, metadata = LF_DOC_INIT;

	lf_doc_text(&doc, "tenant_discovery_endpoint", configuration ? configuration : "");
	lf_doc_text(&doc, "api-version", "1.1");
	lf_doc_text(&metadata, "preferred_network", host);
	lf_doc_text(&metadata, "preferred_cache", host);
	lf_doc_append(&metadata, "aliases", json_string(host));
	lf_doc_append(&doc, "metadata", lf_doc_take(&metadata));
	LF_AUTO_JSON *body = lf_doc_take(&doc);

	return body && configuration ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

/* The cloud as clients of 2019 and later describe it.  Terraform takes one whose tenant is not
 * "common" for Azure Stack, and refuses it. */
static json_t *describe_cloud(struct lf_arm_call *call)
{
	const char *base = lf_arm_base_url(call), *host = base + strlen("https://");
	LF_AUTO_FREE char *slash = lf_printf_dup("%s/", base);

	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "name", "Landfall");
	lf_doc_text(&doc, "authentication.loginEndpoint", base);
	lf_doc_append(&doc, "authentication.audiences", json_string(slash));
	lf_doc_append(&doc, "authentication.audiences", json_string(base));
	lf_doc_text(&doc, "authentication.tenant", "common");
	lf_doc_text(&doc, "authentication.identityProvider", "AAD");
	lf_doc_text(&doc, "resourceManager", base);
	lf_doc_text(&doc, "media", base);
	lf_doc_text(&doc, "graphAudience", slash);
	lf_doc_text(&doc, "graph", base);
	lf_doc_text(&doc, "portal", base);
	lf_doc_text(&doc, "gallery", base);
	lf_doc_text(&doc, "microsoftGraphResourceId", slash);
	lf_doc_text(&doc, "suffixes.storage", host);
	lf_doc_text(&doc, "suffixes.keyVaultDns", host);
	lf_doc_text(&doc, "suffixes.acrLoginServer", host);
	lf_doc_text(&doc, "suffixes.sqlServerHostname", host);
	return lf_doc_take(&doc);
}

/* What was served before there were lists of clouds. */
static json_t *describe_old_cloud(struct lf_arm_call *call)
{
	const char *base = lf_arm_base_url(call);
	LF_AUTO_FREE char *slash = lf_printf_dup("%s/", base);
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "galleryEndpoint", base);
	lf_doc_text(&doc, "graphEndpoint", slash);
	lf_doc_text(&doc, "portalEndpoint", base);
	lf_doc_text(&doc, "authentication.loginEndpoint", base);
	lf_doc_append(&doc, "authentication.audiences", json_string(slash));
	lf_doc_append(&doc, "authentication.audiences", json_string(base));
	return lf_doc_take(&doc);
}

static int get_endpoints(struct lf_arm_call *call, struct lf_error *err)
{
	const char *version = lf_arm_query(call, "api-version");
	LF_AUTO_JSON *body = NULL;

	if (!version || strncmp(version, "2019", 4) < 0)
		body = describe_old_cloud(call);
	else if (strncmp(version, "2022", 4) < 0)
		body = json_pack("[o]", describe_cloud(call));
	else
		body = describe_cloud(call);
	return body ? lf_arm_reply(call, 200, body, err) : lf_fail_nomem(err);
}

#define OPEN (LF_ARM_OPEN | LF_ARM_NO_VERSION)

static const struct lf_arm_route routes[] = {
	LF_POST("/{tenant}/oauth2/v2.0/token", issue_token, .flags = OPEN | LF_ARM_FORM),
	LF_POST("/{tenant}/oauth2/token", issue_token, .flags = OPEN | LF_ARM_FORM),
	LF_POST("/adfs/oauth2/token", issue_adfs_token, .flags = OPEN | LF_ARM_FORM),
	LF_GET("/{tenant}/v2.0/.well-known/openid-configuration", get_configuration, .flags = OPEN),
	LF_GET("/{tenant}/.well-known/openid-configuration", get_configuration, .flags = OPEN),
	LF_GET("/adfs/.well-known/openid-configuration", get_adfs_configuration, .flags = OPEN),
	LF_GET("/{tenant}/discovery/v2.0/keys", get_keys, .flags = OPEN),
	LF_GET("/{tenant}/discovery/keys", get_keys, .flags = OPEN),
	LF_GET("/common/discovery/instance", get_instance, .flags = OPEN),
	LF_GET("/metadata/endpoints", get_endpoints, .flags = OPEN),
};

const struct lf_arm_provider lf_identity_provider = {
	.routes = routes,
	.n_routes = LF_N(routes),
};
