/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shared access signature: its fields are read from the query, put into the
 * text that is signed as its version has it, and then asked for time, resource
 * and rights.  What cannot be checked is not let through.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "blob/internal.h"
#include "blob/auth/sign.h"

int lf_blob_sas_parse(const char *query, struct lf_blob_sas *ret_sas, struct lf_error *err)
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
		int rc =
			lf_blob_query_of(query, fields[i].name, fields[i].out, fields[i].size, err);
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

/* The forms that the service takes: a date; with hours and minutes; with seconds, and up to seven
 * digits of a fraction; all in UTC. */
static bool parse_time(const char *text, int64_t *ret_ns)
{
	static const char *const forms[] = {"dddd-dd-dd", "dddd-dd-ddTdd:ddZ",
					    "dddd-dd-ddTdd:dd:ddZ", "dddd-dd-ddTdd:dd:dd.fZ"};
	static const char *const tails[] = {"T00:00:00Z", ":00Z", "", ""};
	struct lf_error ignored;
	char whole[64];

	for (size_t i = 0; i < LF_N(forms); i++) {
		const char *p = text;
		bool good = true;
		for (const char *f = forms[i]; good && *f; f++) {
			size_t digits = *f == 'f' ? strspn(p, "0123456789") : 1;
			good = *f == 'f'   ? digits >= 1 && digits <= 7
			       : *f == 'd' ? *p >= '0' && *p <= '9'
					   : *p == *f;
			p += good ? digits : 0;
		}
		if (!good || *p)
			continue;
		size_t keep = i == 1 ? strlen(text) - 1 : strlen(text);
		snprintf(whole, sizeof(whole), "%.*s%s", (int)keep, text, tails[i]);
		return lf_time_parse(whole, ret_ns, &ignored) == 0;
	}
	return false;
}

static int check_times(const struct lf_blob_sas *sas, int64_t now_ns, struct lf_error *err)
{
	static const char code[] = "AuthenticationFailed";
	int64_t time;

	if (!sas->expiry[0])
		return fail_sas(code, "has no expiry", err);
	if (!parse_time(sas->expiry, &time))
		return fail_sas(code,
				"has an expiry that cannot be read: give 2030-01-31, "
				"2030-01-31T12:00Z or 2030-01-31T12:00:00Z",
				err);
	if (now_ns >= time)
		return fail_sas(code, "has expired", err);
	if (sas->start[0] && !parse_time(sas->start, &time))
		return fail_sas(code,
				"has a start that cannot be read: give 2030-01-31, "
				"2030-01-31T12:00Z or 2030-01-31T12:00:00Z",
				err);
	if (sas->start[0] && now_ns < time)
		return fail_sas(code, "is not valid yet", err);
	if (sas->protocol[0] && !strstr(sas->protocol, "https"))
		return fail_sas("AuthorizationProtocolMismatch", "is not for HTTPS", err);
	/* what cannot be checked is not let through */
	if (sas->address[0] || sas->policy[0] || sas->delegation[0] || sas->snapshot[0] ||
	    sas->scope[0])
		return fail_sas(code,
				"has an address range, stored policy, delegation key, snapshot or "
				"encryption scope, which this site does not serve",
				err);
	return 0;
}

/* The letters of which one has to be there. */
static const char *const letters[LF_BLOB_OPERATIONS] = {
	[LF_BLOB_LIST_CONTAINERS] = "l",
	[LF_BLOB_LIST_BLOBS] = "l",
	[LF_BLOB_GET_CONTAINER] = "r",
	[LF_BLOB_GET_ACL] = "", /* by a key or token alone */
	[LF_BLOB_GET_SERVICE] = "r",
	[LF_BLOB_GET_ACCOUNT] = "racwdxltfi",
	[LF_BLOB_READ] = "r",
	[LF_BLOB_LIST_PAGES] = "r",
	[LF_BLOB_LIST_BLOCKS] = "r",
	[LF_BLOB_GET_TAGS] = "t",
	[LF_BLOB_READS] = "",
	[LF_BLOB_SET_SERVICE] = "w",
	[LF_BLOB_MAKE_CONTAINER] = "cw",
	[LF_BLOB_SET_CONTAINER] = "w",
	[LF_BLOB_SET_ACL] = "",
	[LF_BLOB_LEASE_CONTAINER] = "wd",
	[LF_BLOB_REMOVE_CONTAINER] = "d",
	[LF_BLOB_PUT] = "cw",
	[LF_BLOB_PUT_BLOCK] = "cw",
	[LF_BLOB_COMMIT] = "cw",
	[LF_BLOB_PUT_URL] = "cw",
	[LF_BLOB_COPY] = "cw",
	[LF_BLOB_COPY_ABORT] = "w",
	[LF_BLOB_MAKE_PAGES] = "cw",
	[LF_BLOB_WRITE_PAGES] = "w",
	[LF_BLOB_MAKE_APPEND] = "cw",
	[LF_BLOB_APPEND] = "aw",
	[LF_BLOB_SET_PROPERTIES] = "w",
	[LF_BLOB_SET_METADATA] = "w",
	[LF_BLOB_SET_TIER] = "w",
	[LF_BLOB_SET_TAGS] = "t",
	[LF_BLOB_LEASE] = "wd",
	[LF_BLOB_REMOVE] = "d",
};

/* Of one blob, or of a container: its blobs, and their list. */
static bool covers(const struct lf_blob_sas *sas, const struct lf_blob_access *access)
{
	if (strcmp(sas->resource, "b") == 0)
		return access->blob[0];
	return strcmp(sas->resource, "c") == 0 &&
	       (access->blob[0] || access->operation == LF_BLOB_LIST_BLOBS ||
		access->operation == LF_BLOB_GET_ACCOUNT);
}

static int check_rights(const struct lf_blob_sas *sas, struct lf_blob_access *access,
			struct lf_error *err)
{
	const char *level = access->blob[0] ? "o" : access->container[0] ? "c" : "s";
	const char *wanted = letters[access->operation];

	if (!strpbrk(sas->permissions, wanted))
		return fail_sas("AuthorizationPermissionMismatch", "does not allow this", err);
	/* "c" makes what is not there; to replace takes "w" */
	access->create_only = strncmp(wanted, "cw", 2) == 0 && !strchr(sas->permissions, 'w');
	if (access->create_only && access->exists && access->blob[0])
		return fail_sas("AuthorizationPermissionMismatch",
				"allows to make a blob, not to replace one", err);
	if (!sas->services[0])
		return covers(sas, access) ? 0
					   : fail_sas("AuthorizationResourceTypeMismatch",
						      "is of another resource", err);
	if (!strchr(sas->services, 'b'))
		return fail_sas("AuthorizationServiceMismatch", "is not for blobs", err);
	return strstr(sas->types, level) ? 0
					 : fail_sas("AuthorizationResourceTypeMismatch",
						    "is not for resources of this kind", err);
}

int lf_blob_sas_check(const struct lf_blob_sas *sas, struct lf_blob_access *access,
		      const json_t *keys, int64_t now_ns, struct lf_error *err)
{
	bool of_blob = strcmp(sas->resource, "b") == 0;
	LF_AUTO_FREE char *resource =
		lf_printf_dup("/blob/%s/%s%s%s", access->account, access->container,
			      of_blob ? "/" : "", of_blob ? access->blob : "");
	LF_AUTO_FREE char *text =
		resource ? lf_blob_sas_text(sas, access->account, resource) : NULL;
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
	return rc ? rc : check_rights(sas, access, err);
}
