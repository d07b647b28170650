/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is authenticated by what it brings: a bearer token, the signature of an account's key,
 * or a shared access signature; then its right is asked for, and last whether the account lets the
 * connection in, so that strangers learn nothing.  What a copy reads is asked for the same way.
 */
#include "blob/auth/authorize.h"

#include <string.h>

#include "blob/auth/sign.h"

static const char bearer[] = "Bearer ", shared[] = "SharedKey ";

static int check_token(const struct lf_blob_service *service, const char *token,
		       char principal[static LF_GUID_SIZE], struct lf_blob_access *access,
		       struct lf_error *err)
{
	/* a token for the management plane is none for data, as in Azure */
	const char *const audiences[] = {"https://storage.azure.com", NULL};
	LF_AUTO_JSON *claims = NULL;
	char issuer[128];

	snprintf(issuer, sizeof(issuer), LF_TOKEN_ISSUER_FORMAT, service->opts.tenant_id);
	int rc = lf_token_verify(service->opts.token_keys, token, issuer, audiences,
				 lf_clock_now_ns(service->opts.clock), &claims, err);
	if (rc)
		return rc;
	snprintf(principal, LF_GUID_SIZE, "%s", lf_json_text_or(claims, "oid", ""));
	access->principal = principal;
	return service->opts.authorize(service->opts.context, access, err);
}

static int check_sas(const struct lf_blob_service *service, const struct lf_blob_sas *sas,
		     struct lf_blob_access *access, struct lf_error *err)
{
	LF_AUTO_JSON *keys = NULL;

	if (!sas->signature[0])
		return lf_fail_arm(err, LF_EUNAUTHENTICATED, "NoAuthenticationInformation", NULL,
				   NULL,
				   "the request has no bearer token, shared key or shared access "
				   "signature");
	int rc = service->opts.keys(service->opts.context, access->account, &keys, err);
	return rc ? rc
		  : lf_blob_sas_check(sas, access, keys, lf_clock_now_ns(service->opts.clock), err);
}

static int check_key(const struct lf_blob_service *service, struct lf_http_exchange *x,
		     const char *shared_key, const struct lf_blob_access *access,
		     struct lf_error *err)
{
	LF_AUTO_JSON *keys = NULL;
	int rc = service->opts.keys(service->opts.context, access->account, &keys, err);

	return rc ? rc
		  : lf_blob_shared_key_check(x, shared_key, access->account, keys,
					     lf_clock_now_ns(service->opts.clock), err);
}

static int check_query(const struct lf_blob_service *service, const char *query,
		       struct lf_blob_access *access, struct lf_error *err)
{
	struct lf_blob_sas sas = {0};
	int rc = lf_blob_sas_parse(query, &sas, err);

	return rc ? rc : check_sas(service, &sas, access, err);
}

int lf_blob_authorize(struct lf_http_exchange *x, struct lf_blob_request *request,
		      struct lf_error *err)
{
	const char *header = lf_http_header(x, "Authorization");
	const struct lf_blob_service *service = request->service;
	struct lf_blob_access access = {.operation = request->operation,
					.account = request->target.account,
					.container = request->target.container,
					.blob = request->target.blob};

	int rc = lf_blob_exists(service->data_dir, &request->target, &access.exists, err);
	if (rc)
		return rc;
	bool by_key = header && lf_text_starts_nocase(header, shared);
	bool by_token = header && lf_text_starts_nocase(header, bearer);
	request->by = by_token ? "bearer token" : by_key ? "shared key" : "shared access signature";
	request->by_sas = !by_token && !by_key;
	if (by_token)
		rc = check_token(service, header + strlen(bearer), request->principal, &access,
				 err);
	else if (by_key)
		rc = check_key(service, x, header + strlen(shared), &access, err);
	else
		rc = check_query(service, lf_http_query(x), &access, err);
	if (!rc)
		rc = service->opts.admit(service->opts.context, &access, x, err);
	request->create_only = access.create_only;
	request->agent = access.agent;
	snprintf(request->tier, sizeof(request->tier), "%s", access.tier);
	snprintf(request->sku, sizeof(request->sku), "%s", access.sku);
	snprintf(request->kind, sizeof(request->kind), "%s", access.kind);
	return rc;
}

/* By the right that the request itself has: of a token, asked for again; a key may everything. */
static int check_own(const struct lf_blob_request *request, struct lf_blob_access *access,
		     struct lf_error *err)
{
	if (request->by_sas || strcmp(request->target.account, access->account) != 0)
		return lf_fail_arm(err, LF_EDENIED, "CannotVerifyCopySource", "x-ms-copy-source",
				   "put a shared access signature into the URL",
				   "the source has no right to read it with it");
	if (!request->principal[0])
		return 0;
	access->principal = request->principal;
	return request->service->opts.authorize(request->service->opts.context, access, err);
}

int lf_blob_authorize_source(struct lf_http_exchange *x, const struct lf_blob_request *request,
			     const struct lf_blob_target *source, const char *query,
			     struct lf_error *err)
{
	const char *header = lf_http_header(x, "x-ms-copy-source-authorization");
	const struct lf_blob_service *service = request->service;
	char principal[LF_GUID_SIZE], signature[8] = "";
	struct lf_blob_access access = {.operation = LF_BLOB_READ,
					.account = source->account,
					.container = source->container,
					.blob = source->blob,
					.exists = true};
	struct lf_error ignored;

	if (header && !lf_text_starts_nocase(header, bearer))
		return lf_fail_arm(err, LF_EINVAL, "InvalidHeaderValue",
				   "x-ms-copy-source-authorization", NULL,
				   "x-ms-copy-source-authorization: a bearer token is needed");
	bool signed_url = lf_blob_query_of(query, "sig", signature, sizeof(signature), &ignored) ||
			  signature[0]; /* too long for us is one, too */
	int rc;
	if (signed_url)
		rc = check_query(service, query, &access, err);
	else if (header)
		rc = check_token(service, header + strlen(bearer), principal, &access, err);
	else
		rc = check_own(request, &access, err);
	return rc ? rc : service->opts.admit(service->opts.context, &access, x, err);
}
