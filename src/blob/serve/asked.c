/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables: which operation a request is, and which headers are obeyed with which operations.  A
 * header or query parameter that the storage service documents and that is not obeyed here is
 * refused by name, before anything is done: so is one that a later version of the service may bring
 * in a family that changes meanings.
 */
#include "blob/serve/asked.h"

#include <stdlib.h>
#include <string.h>

/* Method, level, comp and restype of each operation; a blob's x-ms-blob-type where it counts. */
static const struct {
	const char *method, *comp, *restype, *type;
	char level; /* s(ervice), c(ontainer), b(lob) */
	enum lf_blob_operation operation;
} operations[] = {
	{"GET", "list", "", NULL, 's', LF_BLOB_LIST_CONTAINERS},
	{"GET", "properties", "service", NULL, 's', LF_BLOB_GET_SERVICE},
	{"PUT", "properties", "service", NULL, 's', LF_BLOB_SET_SERVICE},
	{"GET", "properties", "account", NULL, 's', LF_BLOB_GET_ACCOUNT},
	{"HEAD", "properties", "account", NULL, 's', LF_BLOB_GET_ACCOUNT},
	{"GET", "properties", "account", NULL, 'c', LF_BLOB_GET_ACCOUNT},
	{"HEAD", "properties", "account", NULL, 'c', LF_BLOB_GET_ACCOUNT},
	{"GET", "properties", "account", NULL, 'b', LF_BLOB_GET_ACCOUNT},
	{"HEAD", "properties", "account", NULL, 'b', LF_BLOB_GET_ACCOUNT},
	{"GET", "list", "container", NULL, 'c', LF_BLOB_LIST_BLOBS},
	{"GET", "", "container", NULL, 'c', LF_BLOB_GET_CONTAINER},
	{"HEAD", "", "container", NULL, 'c', LF_BLOB_GET_CONTAINER},
	{"GET", "metadata", "container", NULL, 'c', LF_BLOB_GET_CONTAINER},
	{"HEAD", "metadata", "container", NULL, 'c', LF_BLOB_GET_CONTAINER},
	{"PUT", "", "container", NULL, 'c', LF_BLOB_MAKE_CONTAINER},
	{"PUT", "metadata", "container", NULL, 'c', LF_BLOB_SET_CONTAINER},
	{"GET", "acl", "container", NULL, 'c', LF_BLOB_GET_ACL},
	{"HEAD", "acl", "container", NULL, 'c', LF_BLOB_GET_ACL},
	{"PUT", "acl", "container", NULL, 'c', LF_BLOB_SET_ACL},
	{"PUT", "lease", "container", NULL, 'c', LF_BLOB_LEASE_CONTAINER},
	{"DELETE", "", "container", NULL, 'c', LF_BLOB_REMOVE_CONTAINER},
	{"GET", "", "", NULL, 'b', LF_BLOB_READ},
	{"HEAD", "", "", NULL, 'b', LF_BLOB_READ},
	{"GET", "metadata", "", NULL, 'b', LF_BLOB_READ},
	{"HEAD", "metadata", "", NULL, 'b', LF_BLOB_READ},
	{"GET", "pagelist", "", NULL, 'b', LF_BLOB_LIST_PAGES},
	{"GET", "blocklist", "", NULL, 'b', LF_BLOB_LIST_BLOCKS},
	{"GET", "tags", "", NULL, 'b', LF_BLOB_GET_TAGS},
	{"PUT", "", "", "BlockBlob", 'b', LF_BLOB_PUT},
	{"PUT", "", "", "PageBlob", 'b', LF_BLOB_MAKE_PAGES},
	{"PUT", "", "", "AppendBlob", 'b', LF_BLOB_MAKE_APPEND},
	{"PUT", "block", "", NULL, 'b', LF_BLOB_PUT_BLOCK},
	{"PUT", "blocklist", "", NULL, 'b', LF_BLOB_COMMIT},
	{"PUT", "page", "", NULL, 'b', LF_BLOB_WRITE_PAGES},
	{"PUT", "appendblock", "", NULL, 'b', LF_BLOB_APPEND},
	{"PUT", "copy", "", NULL, 'b', LF_BLOB_COPY_ABORT},
	{"PUT", "properties", "", NULL, 'b', LF_BLOB_SET_PROPERTIES},
	{"PUT", "metadata", "", NULL, 'b', LF_BLOB_SET_METADATA},
	{"PUT", "tier", "", NULL, 'b', LF_BLOB_SET_TIER},
	{"PUT", "tags", "", NULL, 'b', LF_BLOB_SET_TAGS},
	{"PUT", "lease", "", NULL, 'b', LF_BLOB_LEASE},
	{"DELETE", "", "", NULL, 'b', LF_BLOB_REMOVE},
};

#define OP(name) (UINT64_C(1) << LF_BLOB_##name)
#define MAKES	 (OP(PUT) | OP(COMMIT) | OP(PUT_URL) | OP(COPY) | OP(MAKE_PAGES) | OP(MAKE_APPEND))
#define OF_CONTAINER                                                                               \
	(OP(GET_CONTAINER) | OP(SET_CONTAINER) | OP(LEASE_CONTAINER) | OP(REMOVE_CONTAINER) |      \
	 OP(GET_ACL) | OP(SET_ACL))
#define CHANGES	   (OP(WRITE_PAGES) | OP(APPEND) | OP(SET_PROPERTIES) | OP(SET_METADATA) | OP(REMOVE))
#define CONDITIONS (MAKES | CHANGES | OP(READ) | OP(LIST_PAGES) | OP(LEASE))
#define LEASED                                                                                     \
	(MAKES | CHANGES | OP(READ) | OP(LIST_PAGES) | OP(LIST_BLOCKS) | OP(PUT_BLOCK) |           \
	 OP(SET_TIER) | OP(SET_TAGS) | OP(LEASE) | OF_CONTAINER)
#define COPIES (OP(PUT_URL) | OP(COPY))
#define BODIES (OP(PUT) | OP(PUT_BLOCK) | OP(COMMIT) | OP(WRITE_PAGES) | OP(APPEND))

/* With which operations a header is obeyed. */
static const struct {
	const char *name;
	uint64_t operations;
} headers[] = {
	{"If-Match", CONDITIONS},
	{"If-None-Match", CONDITIONS},
	{"If-Modified-Since", CONDITIONS | OF_CONTAINER},
	{"If-Unmodified-Since", CONDITIONS | OF_CONTAINER},
	{"Range", OP(READ) | OP(LIST_PAGES) | OP(WRITE_PAGES)},
	{"x-ms-range", OP(READ) | OP(LIST_PAGES) | OP(WRITE_PAGES)},
	{"x-ms-range-get-content-md5", OP(READ)},
	{"x-ms-range-get-content-crc64", OP(READ)},
	{"x-ms-lease-id", LEASED},
	{"x-ms-lease-action", OP(LEASE) | OP(LEASE_CONTAINER)},
	{"x-ms-lease-duration", OP(LEASE) | OP(LEASE_CONTAINER)},
	{"x-ms-lease-break-period", OP(LEASE) | OP(LEASE_CONTAINER)},
	{"x-ms-proposed-lease-id", OP(LEASE) | OP(LEASE_CONTAINER)},
	{"x-ms-blob-public-access", OP(MAKE_CONTAINER) | OP(SET_ACL)}, /* and refused there */
	{"x-ms-blob-type", UINT64_MAX}, /* idle but where a blob is put */
	{"x-ms-blob-content-type", MAKES | OP(SET_PROPERTIES)},
	{"x-ms-blob-content-encoding", MAKES | OP(SET_PROPERTIES)},
	{"x-ms-blob-content-language", MAKES | OP(SET_PROPERTIES)},
	{"x-ms-blob-content-disposition", MAKES | OP(SET_PROPERTIES)},
	{"x-ms-blob-cache-control", MAKES | OP(SET_PROPERTIES)},
	{"x-ms-blob-content-md5", (MAKES & ~OP(PUT_URL)) | OP(SET_PROPERTIES)},
	{"x-ms-blob-content-length", OP(MAKE_PAGES) | OP(SET_PROPERTIES)},
	{"x-ms-blob-sequence-number", OP(MAKE_PAGES) | OP(SET_PROPERTIES)},
	{"x-ms-sequence-number-action", OP(SET_PROPERTIES)},
	{"x-ms-if-sequence-number-le", OP(WRITE_PAGES)},
	{"x-ms-if-sequence-number-lt", OP(WRITE_PAGES)},
	{"x-ms-if-sequence-number-eq", OP(WRITE_PAGES)},
	{"x-ms-page-write", OP(WRITE_PAGES)},
	{"x-ms-blob-condition-appendpos", OP(APPEND)},
	{"x-ms-blob-condition-maxsize", OP(APPEND)},
	{"x-ms-access-tier", MAKES | OP(SET_TIER)},
	{"x-ms-rehydrate-priority", OP(SET_TIER) | OP(COPY)}, /* nothing is archived */
	{"x-ms-tags", MAKES},
	{"x-ms-delete-snapshots", OP(REMOVE)},
	{"Content-MD5", BODIES | OP(SET_ACL)},
	{"x-ms-content-crc64", BODIES},
	{"x-ms-copy-source", COPIES},
	{"x-ms-copy-source-authorization", COPIES},
	{"x-ms-copy-source-tag-option", COPIES},
	{"x-ms-copy-source-blob-properties", OP(PUT_URL)},
	{"x-ms-requires-sync", OP(COPY)},
	{"x-ms-copy-action", OP(COPY_ABORT)},
	{"x-ms-source-if-match", COPIES},
	{"x-ms-source-if-none-match", COPIES},
	{"x-ms-source-if-modified-since", COPIES},
	{"x-ms-source-if-unmodified-since", COPIES},
	{"x-ms-if-tags", 0},
	{"x-ms-seal-blob", 0},
	{"x-ms-expiry-option", 0},
	{"x-ms-expiry-time", 0},
	{"x-ms-default-encryption-scope", 0},
	{"x-ms-deny-encryption-scope-override", 0},
	{"x-ms-file-request-intent", 0},
	{"x-ms-previous-snapshot-url", 0},
	{"x-ms-upn", 0},
};

/* Families: one of them that is not above changes what a request means. */
static const char *const families[] = {"x-ms-encryption-", "x-ms-immutability-", "x-ms-legal-hold",
				       "x-ms-lease-",	   "x-ms-source-",	 "x-ms-copy-",
				       "x-ms-structured-", "x-ms-if-",		 "x-ms-blob-",
				       "x-ms-content-",	   "x-ms-range-"};

struct checking {
	enum lf_blob_operation operation;
	const char *found;
};

static void check_header(void *context, const char *name, const char *value)
{
	struct checking *checking = context;

	(void)value;
	for (size_t i = 0; i < LF_N(headers); i++)
		if (lf_text_equal_nocase(headers[i].name, name)) {
			if (!(headers[i].operations >> checking->operation & 1))
				checking->found = name;
			return;
		}
	for (size_t i = 0; i < LF_N(families); i++)
		if (lf_text_starts_nocase(name, families[i]))
			checking->found = name;
}

static int check_headers(const struct lf_http_exchange *x, enum lf_blob_operation operation,
			 struct lf_error *err)
{
	struct checking checking = {operation, NULL};

	lf_http_headers_each(x, "", check_header, &checking);
	return checking.found
		       ? lf_fail_arm(
				 err, LF_EUNSUPPORTED, "UnsupportedHeader", checking.found,
				 "leave it out",
				 "this site does not serve the header %.100s with this operation",
				 checking.found)
		       : 0;
}

/* Query parameters that are obeyed with some operations alone. */
static int check_queries(const struct lf_http_exchange *x, enum lf_blob_operation operation,
			 struct lf_error *err)
{
	static const struct {
		const char *name;
		uint64_t operations;
	} queries[] = {
		{"deletetype", 0},
		{"prevsnapshot", 0},
		{"where", 0},
		{"showonly", 0},
		{"startFrom", 0},
		{"delimiter", OP(LIST_BLOBS)},
		{"include", OP(LIST_BLOBS) | OP(LIST_CONTAINERS)},
		{"prefix", OP(LIST_BLOBS) | OP(LIST_CONTAINERS)},
		{"marker", OP(LIST_BLOBS) | OP(LIST_CONTAINERS) | OP(LIST_PAGES)},
		{"maxresults", OP(LIST_BLOBS) | OP(LIST_CONTAINERS) | OP(LIST_PAGES)},
		{"blockid", OP(PUT_BLOCK)},
		{"blocklisttype", OP(LIST_BLOCKS)},
		{"copyid", OP(COPY_ABORT)},
	};
	char value[LF_BLOB_QUERY_SIZE];

	for (size_t i = 0; i < LF_N(queries); i++) {
		if (queries[i].operations >> operation & 1)
			continue;
		int rc = lf_blob_query(x, queries[i].name, value, sizeof(value), err);
		if (rc)
			return rc;
		if (value[0])
			return lf_fail_arm(err, LF_EUNSUPPORTED, "UnsupportedQueryParameter",
					   queries[i].name, "leave it out",
					   "this site does not serve %s with this operation",
					   queries[i].name);
	}
	return 0;
}

/* A version or snapshot is another blob than the one that the URL names, and there are none: it is
 * not found, and nothing that is put can be one.  To delete one must not delete the blob. */
static int check_versions(const struct lf_http_exchange *x, struct lf_error *err)
{
	static const char *const names[] = {"snapshot", "versionid"};
	bool puts = strcmp(lf_http_method(x), "PUT") == 0;

	for (size_t i = 0; i < LF_N(names); i++) {
		char value[64];
		int rc = lf_blob_query(x, names[i], value, sizeof(value), err);
		if (rc)
			return rc;
		if (!value[0])
			continue;
		if (puts || lf_http_header(x, "x-ms-delete-snapshots"))
			return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameterValue", names[i],
					   "leave it out", "%s cannot be given with this request",
					   names[i]);
		return lf_fail_arm(err, LF_ENOTFOUND, "BlobNotFound", names[i], NULL,
				   "this site keeps no snapshots and versions of blobs");
	}
	return 0;
}

static int fail_operation(const struct lf_http_exchange *x, const char *comp, const char *restype,
			  struct lf_error *err)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "POST"};
	bool known = false;

	for (size_t i = 0; i < LF_N(methods); i++)
		known |= strcmp(methods[i], lf_http_method(x)) == 0;
	if (!known)
		return lf_fail_arm(err, LF_EMETHOD, "UnsupportedHttpVerb", NULL, NULL,
				   "the method is not served on blobs");
	return lf_fail_arm(err, LF_EUNSUPPORTED, "UnsupportedQueryParameter", "comp", NULL,
			   "this site does not serve %s with comp '%s' and restype '%s' here",
			   lf_http_method(x), comp, restype);
}

/* A blob is put: of which type, or as a copy? */
static int parse_put(const struct lf_http_exchange *x, enum lf_blob_operation *ret_operation,
		     struct lf_error *err)
{
	const char *type = lf_http_header(x, "x-ms-blob-type");
	bool copies = lf_http_header(x, "x-ms-copy-source");

	if (!type && !copies)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredHeader", "x-ms-blob-type", NULL,
				   "the header x-ms-blob-type is needed");
	if (!type) {
		*ret_operation = LF_BLOB_COPY;
		return 0;
	}
	for (size_t i = 0; i < LF_N(operations); i++)
		if (operations[i].type && strcmp(operations[i].type, type) == 0) {
			*ret_operation = operations[i].operation;
			if (copies && *ret_operation == LF_BLOB_PUT)
				*ret_operation = LF_BLOB_PUT_URL;
			return 0;
		}
	return lf_fail_arm(err, LF_EINVAL, "InvalidHeaderValue", "x-ms-blob-type", NULL,
			   "x-ms-blob-type: BlockBlob, PageBlob or AppendBlob");
}

static int find_operation(const struct lf_http_exchange *x, const struct lf_blob_target *target,
			  enum lf_blob_operation *ret_operation, struct lf_error *err)
{
	char level = target->blob[0] ? 'b' : target->container[0] ? 'c' : 's';
	char comp[32], restype[32];

	int rc = lf_blob_query(x, "comp", comp, sizeof(comp), err);
	if (!rc)
		rc = lf_blob_query(x, "restype", restype, sizeof(restype), err);
	if (rc)
		return rc;
	if (level == 'b' && strcmp(lf_http_method(x), "PUT") == 0 && !comp[0] && !restype[0])
		return parse_put(x, ret_operation, err);
	/* without it a container's URL is that of a blob in $root, which is not served */
	for (size_t i = 0; i < LF_N(operations); i++)
		if (operations[i].level == level && !operations[i].type &&
		    strcmp(operations[i].method, lf_http_method(x)) == 0 &&
		    strcmp(operations[i].comp, comp) == 0 &&
		    strcmp(operations[i].restype, restype) == 0) {
			*ret_operation = operations[i].operation;
			return 0;
		}
	return fail_operation(x, comp, restype, err);
}

int lf_blob_parse_operation(const struct lf_http_exchange *x, const struct lf_blob_target *target,
			    enum lf_blob_operation *ret_operation, struct lf_error *err)
{
	enum lf_blob_operation operation = LF_BLOB_OPERATIONS;
	int rc = find_operation(x, target, &operation, err);

	if (!rc && target->blob[0])
		rc = check_versions(x, err);
	if (!rc)
		rc = check_headers(x, operation, err);
	if (!rc)
		rc = check_queries(x, operation, err);
	if (!rc)
		*ret_operation = operation;
	return rc;
}
