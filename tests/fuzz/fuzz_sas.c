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

/* Who was let in may be: this is asked in other words than sas.c's. */
static void check_admitted(const struct lf_blob_sas *sas, const struct lf_blob_access *access)
{
	bool reads = access->operation == LF_BLOB_READ || access->operation == LF_BLOB_LIST_PAGES ||
		     access->operation == LF_BLOB_GET_CONTAINER;
	bool removes = access->operation == LF_BLOB_REMOVE ||
		       access->operation == LF_BLOB_REMOVE_CONTAINER;
	bool lists = access->operation == LF_BLOB_LIST_BLOBS ||
		     access->operation == LF_BLOB_LIST_CONTAINERS;
	bool writes = !reads && !removes && !lists;
	struct lf_error err;
	int64_t end;

	LF_ASSERT(!reads || strchr(sas->permissions, 'r'));
	LF_ASSERT(!removes || strchr(sas->permissions, 'd'));
	LF_ASSERT(!lists || strchr(sas->permissions, 'l'));
	LF_ASSERT(!writes || strpbrk(sas->permissions, "cw"));
	if (writes && access->blob[0] && access->exists)
		LF_ASSERT(strchr(sas->permissions, 'w') && !access->create_only);
	LF_ASSERT(lf_time_parse(sas->expiry, &end, &err) == 0 && end > NOW);
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
