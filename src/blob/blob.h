/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/blob.h - the data plane of storage accounts: containers and blobs under
 * https://HOST/ACCOUNT/CONTAINER/BLOB.
 *
 * Blobs are files: DIR/accounts/ACCOUNT/CONTAINER/..., written whole and
 * durable before the answer.  The vault adopts an agent's pack from its cache
 * account by rename (lf_blob_path), without a copy.
 *
 * Threads: any.
 */
#ifndef LF_BLOB_BLOB_H
#define LF_BLOB_BLOB_H

#include "audit/audit.h"
#include "base/clock.h"
#include "crypto/token.h"
#include "http/later.h"
#include "http/server.h"

/* What a request does. */
enum lf_blob_operation {
	LF_BLOB_LIST_CONTAINERS,
	LF_BLOB_LIST_BLOBS,
	LF_BLOB_GET_CONTAINER, /* its properties */
	LF_BLOB_GET_ACL,       /* its stored access policies, of which there are none */
	LF_BLOB_GET_SERVICE,   /* settings of the service */
	LF_BLOB_GET_ACCOUNT,   /* kind and SKU */
	LF_BLOB_READ,	       /* bytes, or properties alone */
	LF_BLOB_LIST_PAGES,
	LF_BLOB_LIST_BLOCKS,
	LF_BLOB_GET_TAGS,
	LF_BLOB_READS, /* those before this one read, those behind it write */
	LF_BLOB_SET_SERVICE,
	LF_BLOB_MAKE_CONTAINER,
	LF_BLOB_SET_CONTAINER, /* its metadata */
	LF_BLOB_SET_ACL,
	LF_BLOB_LEASE_CONTAINER,
	LF_BLOB_REMOVE_CONTAINER,
	LF_BLOB_PUT,	   /* a block blob */
	LF_BLOB_PUT_BLOCK, /* a block that waits */
	LF_BLOB_COMMIT,	   /* a block blob of blocks */
	LF_BLOB_PUT_URL,   /* a block blob of another blob's bytes */
	LF_BLOB_COPY,
	LF_BLOB_COPY_ABORT,
	LF_BLOB_MAKE_PAGES, /* a page blob of zeroes */
	LF_BLOB_WRITE_PAGES,
	LF_BLOB_MAKE_APPEND, /* an append blob of nothing */
	LF_BLOB_APPEND,
	LF_BLOB_SET_PROPERTIES,
	LF_BLOB_SET_METADATA,
	LF_BLOB_SET_TIER,
	LF_BLOB_SET_TAGS,
	LF_BLOB_LEASE,
	LF_BLOB_REMOVE,
	LF_BLOB_OPERATIONS, /* how many there are */
};

/* A request with a good bearer token, before anything of it is done. */
struct lf_blob_access {
	const char *principal; /* object id of the token */
	enum lf_blob_operation operation;
	const char *account, *container, *blob; /* decoded; "" where the request names none */
	bool exists;				/* what it names is there, a blob of any kind */
	/* Set by whoever decides: the right is to make, not to replace.  Then a blob that is there
	 * when the bytes have come stays, and the request is refused. */
	bool create_only;
	/* Set, too: it is an agent that puts its packs, which nobody wants to read of, each of
	 * LF_PACK_BYTES_MAX at most. */
	bool agent;
	/* Set by whoever admits: what the account is, for those who ask; "": the default. */
	char tier[16], sku[32], kind[24];
};

struct lf_blob_opts {
	struct lf_clock *clock;
	struct lf_token_keys *token_keys;
	struct lf_regions *regions;
	struct lf_audit *audit;
	struct lf_later *later; /* what takes long is done there; NULL (tests): at once */
	const char *data_dir, *tenant_id;
	const char *const *base_url;
	/* May the principal do this?  Asked once for a request, before its body.  LF_EDENIED
	 * "AuthorizationPermissionMismatch". */
	int (*authorize)(void *context, struct lf_blob_access *access, struct lf_error *err);
	/* Does the account let the connection in, whoever it is (access->principal and agent are
	 * set for a bearer)?  Asked after the right, so that strangers learn nothing.  LF_EDENIED
	 * "AuthorizationFailure", LF_EINVAL "TlsVersionNotPermitted". */
	int (*admit)(void *context, struct lf_blob_access *access, const struct lf_http_exchange *x,
		     struct lf_error *err);
	/* The account's access keys, an array of base64 texts.  LF_EDENIED
	 * "KeyBasedAuthenticationNotPermitted": they are not to be used. */
	int (*keys)(void *context, const char *account, json_t **ret_keys, struct lf_error *err);
	void *context;
};
struct lf_blob_service;
LF_MUST_CHECK int lf_blob_open(const struct lf_blob_opts *opts,
			       struct lf_blob_service **ret_service, struct lf_error *err);
void lf_blob_free(struct lf_blob_service *service);
/* First path segment is the name of a storage account (its directory is there).  Asked once for a
 * request, at its head. */
bool lf_blob_matches(void *service, const struct lf_http_exchange *x);
const struct lf_http_handler *lf_blob_http_handler(struct lf_blob_service *service);

/* Make an account's (data_dir) directory, or remove it with all it holds. */
LF_MUST_CHECK int lf_blob_account_make(const char *data_dir, const char *account,
				       struct lf_error *err);
LF_MUST_CHECK int lf_blob_account_remove(const char *data_dir, struct lf_regions *regions,
					 const char *account, struct lf_error *err);
/* Make a container; there already is fine.  Remove it with all it holds; gone already is fine. */
LF_MUST_CHECK int lf_blob_container_make(const char *data_dir, const char *account,
					 const char *container, struct lf_error *err);
LF_MUST_CHECK int lf_blob_container_remove(const char *data_dir, struct lf_regions *regions,
					   const char *account, const char *container,
					   struct lf_error *err);
/* A container of block blobs, such as the packs of an agent: how many there are (none without the
 * container); and without them all, made where it is not there. */
LF_MUST_CHECK int lf_blob_container_count(const char *data_dir, const char *account,
					  const char *container, size_t *ret_n,
					  struct lf_error *err);
LF_MUST_CHECK int lf_blob_container_clear(const char *data_dir, const char *account,
					  const char *container, struct lf_error *err);
/* A block blob of these bytes; durable. */
LF_MUST_CHECK int lf_blob_put_bytes(const char *data_dir, const char *account,
				    const char *container, const char *blob, const void *data,
				    size_t len, struct lf_error *err);
/* File that holds a blob's bytes (whether or not it exists); free().  Names are checked: no way out
 * of the container. */
LF_MUST_CHECK int lf_blob_path(const char *data_dir, const char *account, const char *container,
			       const char *blob, char **ret_path, struct lf_error *err);

#endif
