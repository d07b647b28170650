/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <string.h>

#include "blob/sign.h"

int lf_blob_sas_parse(const struct lf_http_exchange *x, struct lf_blob_sas *ret_sas,
		      struct lf_error *err)
{
	struct lf_blob_sas sas = {0};
	struct {
		const char *name;
		char *out;
		size_t size;
	} fields[] = {
		{"sv", sas.version, sizeof(sas.version)},
		{"sp", sas.permissions, sizeof(sas.permissions)},
		{"st", sas.start, sizeof(sas.start)},
		{"se", sas.expiry, sizeof(sas.expiry)},
		{"sr", sas.resource, sizeof(sas.resource)},
		{"ss", sas.services, sizeof(sas.services)},
		{"srt", sas.types, sizeof(sas.types)},
		{"si", sas.policy, sizeof(sas.policy)},
		{"sip", sas.address, sizeof(sas.address)},
		{"spr", sas.protocol, sizeof(sas.protocol)},
		{"snapshot", sas.snapshot, sizeof(sas.snapshot)},
		{"ses", sas.scope, sizeof(sas.scope)},
		{"skoid", sas.delegation, sizeof(sas.delegation)},
		{"sig", sas.signature, sizeof(sas.signature)},
		{"rscc", sas.disposition[0], sizeof(sas.disposition[0])},
		{"rscd", sas.disposition[1], sizeof(sas.disposition[1])},
		{"rsce", sas.disposition[2], sizeof(sas.disposition[2])},
		{"rscl", sas.disposition[3], sizeof(sas.disposition[3])},
		{"rsct", sas.disposition[4], sizeof(sas.disposition[4])},
	};

	for (size_t i = 0; i < LF_N(fields); i++) {
		int rc = lf_blob_query(x, fields[i].name, fields[i].out, fields[i].size, err);
		if (rc)
			return rc;
	}
	*ret_sas = sas;
	return 0;
}

/* Lines that signatures of that version have: versions are dates. */
static bool since(const struct lf_blob_sas *sas, const char *version)
{
	return strcmp(sas->version, version) >= 0;
}

char *lf_blob_sas_text(const struct lf_blob_sas *sas, const char *account, const char *resource)
{
	LF_AUTO_BUF text = LF_BUF_INIT;

	if (sas->services[0]) { /* of an account */
		lf_buf_printf(&text, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", account,
			      sas->permissions, sas->services, sas->types, sas->start, sas->expiry,
			      sas->address, sas->protocol, sas->version);
		if (since(sas, "2020-12-06"))
			lf_buf_printf(&text, "%s\n", sas->scope);
		return lf_buf_take(&text);
	}
	lf_buf_printf(&text, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", sas->permissions, sas->start,
		      sas->expiry, resource, sas->policy, sas->address, sas->protocol,
		      sas->version);
	if (since(sas, "2018-11-09"))
		lf_buf_printf(&text, "%s\n%s\n", sas->resource, sas->snapshot);
	if (since(sas, "2020-12-06"))
		lf_buf_printf(&text, "%s\n", sas->scope);
	for (size_t i = 0; i < LF_N(sas->disposition); i++)
		lf_buf_printf(&text, "%s%s", sas->disposition[i],
			      i + 1 < LF_N(sas->disposition) ? "\n" : "");
	return lf_buf_take(&text);
}

static int fail_sas(const char *code, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EDENIED, code, "sig", "ask for another shared access signature",
			   "the shared access signature %s", what);
}

static int check_times(const struct lf_blob_sas *sas, int64_t now_ns, struct lf_error *err)
{
	static const char code[] = "AuthenticationFailed";
	int64_t time;

	if (lf_time_parse(sas->expiry, &time, err))
		return fail_sas(code, "has no expiry", err);
	if (now_ns >= time)
		return fail_sas(code, "has expired", err);
	if (sas->start[0] && (lf_time_parse(sas->start, &time, err) || now_ns < time))
		return fail_sas(code, "is not valid yet", err);
	if (sas->protocol[0] && !strstr(sas->protocol, "https"))
		return fail_sas("AuthorizationProtocolMismatch", "is not for HTTPS", err);
	/* what cannot be checked is not let through */
	if (sas->address[0] || sas->policy[0] || sas->delegation[0] || sas->snapshot[0])
		return fail_sas(code,
				"has an address range, stored policy, delegation key or snapshot, "
				"which this site does not serve",
				err);
	return 0;
}

/* The letters that allow the request: one of them has to be there. */
static const char *letters_for(const struct lf_http_exchange *x,
			       const struct lf_blob_target *target)
{
	const char *method = lf_http_method(x);
	struct lf_error err;
	char comp[32];

	if (lf_blob_query(x, "comp", comp, sizeof(comp), &err))
		return "";
	if (strcmp(method, "DELETE") == 0)
		return "d";
	if (strcmp(method, "PUT") == 0)
		return target->blob[0] && !comp[0] ? "wc" : "w";
	return strcmp(comp, "list") == 0 ? "l" : "r";
}

static int check_rights(const struct lf_blob_sas *sas, const struct lf_http_exchange *x,
			const struct lf_blob_target *target, struct lf_error *err)
{
	const char *level = target->blob[0] ? "o" : target->container[0] ? "c" : "s";
	bool lists = strcmp(letters_for(x, target), "l") == 0;

	if (!strpbrk(sas->permissions, letters_for(x, target)))
		return fail_sas("AuthorizationPermissionMismatch", "does not allow this", err);
	if (!sas->services[0]) {
		bool of_blob = strcmp(sas->resource, "b") == 0;
		bool covers = of_blob ? target->blob[0] : target->blob[0] || lists;
		if (!covers || (!of_blob && strcmp(sas->resource, "c") != 0))
			return fail_sas("AuthorizationResourceTypeMismatch",
					"is of another resource", err);
		return 0;
	}
	if (!strchr(sas->services, 'b'))
		return fail_sas("AuthorizationServiceMismatch", "is not for blobs", err);
	return strstr(sas->types, level) ? 0
					 : fail_sas("AuthorizationResourceTypeMismatch",
						    "is not for resources of this kind", err);
}

int lf_blob_sas_check(const struct lf_blob_sas *sas, const struct lf_http_exchange *x,
		      const struct lf_blob_target *target, const json_t *keys, int64_t now_ns,
		      struct lf_error *err)
{
	bool of_blob = strcmp(sas->resource, "b") == 0;
	LF_AUTO_FREE char *resource =
		lf_printf_dup("/blob/%s/%s%s%s", target->account, target->container,
			      of_blob ? "/" : "", of_blob ? target->blob : "");
	LF_AUTO_FREE char *text =
		resource ? lf_blob_sas_text(sas, target->account, resource) : NULL;
	const json_t *key;
	char signature[48];
	bool good = false;
	size_t i;

	if (!text)
		return lf_fail_nomem(err);
	json_array_foreach (keys, i, key)
		good |= lf_blob_hmac(json_string_value(key), text, signature) &&
			strlen(sas->signature) == strlen(signature) &&
			CRYPTO_memcmp(signature, sas->signature, strlen(signature)) == 0;
	if (!good)
		return fail_sas("AuthenticationFailed", "was not made with a key of the account",
				err);
	int rc = check_times(sas, now_ns, err);
	return rc ? rc : check_rights(sas, x, target, err);
}
