/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query as a shared access signature.  The first byte is the operation, the second whether the
 * blob is there; the rest is the query.  As it came it lets nobody in; signed with the key it lets
 * in what it says, and nothing beside it.
 */
#include "http_standin.h"
#include "fuzz.h"

#include "blob/auth/sign.h"

#define KEY                                                                                        \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
#define NOW INT64_C(1790000000000000000)

static int check(const struct lf_blob_sas *sas, struct lf_blob_access *access)
{
	static json_t *keys;
	struct lf_error err;

	if (!keys)
		keys = json_pack("[s]", KEY);
	int rc = lf_blob_sas_check(sas, access, keys, NOW, &err);
	LF_ASSERT(rc == 0 || rc == LF_EDENIED);
	return rc;
}

static void sign(struct lf_blob_sas *sas, const struct lf_blob_access *access)
{
	bool of_blob = strcmp(sas->resource, "b") == 0;
	LF_AUTO_FREE char *resource =
		lf_printf_dup("/blob/%s/%s%s%s", access->account, access->container,
			      of_blob ? "/" : "", of_blob ? access->blob : "");
	LF_AUTO_FREE char *text = lf_blob_sas_text(sas, access->account, resource);

	LF_ASSERT(text && lf_blob_hmac(KEY, text, sas->signature));
}

/* The letters of which one lets the operation in; NULL: none does.  In other words than sas.c's. */
static const char *letters_of(enum lf_blob_operation operation)
{
	switch (operation) {
	case LF_BLOB_LIST_CONTAINERS:
	case LF_BLOB_LIST_BLOBS:
		return "l";
	case LF_BLOB_GET_TAGS:
	case LF_BLOB_SET_TAGS:
		return "t";
	case LF_BLOB_GET_ACCOUNT: /* tells nothing: any right will do */
		return "racwdxltfi";
	case LF_BLOB_GET_ACL:
	case LF_BLOB_SET_ACL:
		return NULL;
	case LF_BLOB_LEASE:
	case LF_BLOB_LEASE_CONTAINER:
		return "wd";
	case LF_BLOB_REMOVE:
	case LF_BLOB_REMOVE_CONTAINER:
		return "d";
	case LF_BLOB_APPEND:
		return "aw";
	case LF_BLOB_COPY_ABORT:
	case LF_BLOB_WRITE_PAGES:
		return "w";
	default:
		break;
	}
	bool makes = operation == LF_BLOB_MAKE_CONTAINER ||
		     (operation >= LF_BLOB_PUT && operation < LF_BLOB_SET_PROPERTIES);
	return operation < LF_BLOB_READS ? "r" : makes ? "cw" : "w";
}

/* Who was let in may be. */
static void check_admitted(const struct lf_blob_sas *sas, const struct lf_blob_access *access)
{
	const char *letters = letters_of(access->operation);
	char expiry[64];
	struct lf_error err;
	int64_t end;

	LF_ASSERT(letters && strpbrk(sas->permissions, letters));
	if (strcmp(letters, "cw") == 0 && access->blob[0] && access->exists)
		LF_ASSERT(strchr(sas->permissions, 'w') && !access->create_only);
	/* a date, or with hours and minutes, is one to the second */
	size_t len = strlen(sas->expiry);
	snprintf(expiry, sizeof(expiry), "%.*s%s", (int)(len == 17 ? 16 : len), sas->expiry,
		 len == 10   ? "T00:00:00Z"
		 : len == 17 ? ":00Z"
			     : "");
	LF_ASSERT(lf_time_parse(expiry, &end, &err) == 0 && end > NOW);
	LF_ASSERT(!sas->policy[0] && !sas->delegation[0] && !sas->address[0]);
	LF_ASSERT(sas->services[0] || access->container[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_blob_access access = {.account = "acct", .container = "", .blob = ""};
	struct lf_blob_sas sas = {0};
	struct lf_error err;

	if (size < 2)
		return 0;
	LF_AUTO_FREE char *query = strndup((const char *)data + 2, size - 2);
	LF_ASSERT(query);
	struct lf_http_exchange x = {.method = "GET", .path = "/acct/box/x", .query = query};
	access.operation = data[0] % LF_BLOB_OPERATIONS;
	access.exists = data[1] & 1;
	if (access.operation != LF_BLOB_LIST_CONTAINERS)
		access.container = "box";
	if (access.operation >= LF_BLOB_READ)
		access.blob = "x";
	int rc = lf_blob_sas_parse(lf_http_query(&x), &sas, &err);
	LF_ASSERT(rc == 0 || rc == LF_EINVAL);
	if (rc)
		return 0;
	LF_ASSERT(check(&sas, &access) == LF_EDENIED);
	sign(&sas, &access);
	if (check(&sas, &access))
		return 0;
	check_admitted(&sas, &access);
	/* for another container, account or blob it is of no use */
	struct lf_blob_access other = access;
	other.account = "acct2";
	LF_ASSERT(check(&sas, &other));
	other = access;
	other.container = "box2";
	LF_ASSERT(sas.services[0] || check(&sas, &other));
	other = access;
	other.blob = "x2";
	LF_ASSERT(sas.services[0] || strcmp(sas.resource, "b") != 0 || check(&sas, &other));
	/* nor with a letter more */
	size_t n = strlen(sas.permissions);
	if (n + 1 < sizeof(sas.permissions)) {
		sas.permissions[n] = 'w';
		LF_ASSERT(check(&sas, &access));
	}
	return 0;
}
