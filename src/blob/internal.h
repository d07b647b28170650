/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/internal.h - what the files of the blob service share.
 *
 * On disk: DIR/accounts/ACCOUNT/CONTAINER/ holds "NAME" (the bytes) or
 * "NAME.page" (a page blob's) or "NAME.point" (a vault's disk: blob/point.h).
 * NAME is percent-encoded: it leaves no container, has no dot in front and does
 * not end like the two.  What has a dot in front is the service's own, never a
 * client's: ".uploads" in an account (blob/write.c), ".NAME.gone" in a
 * container (blob/point.c).
 */
#ifndef LF_BLOB_INTERNAL_H
#define LF_BLOB_INTERNAL_H

#include <pthread.h>

#include "base/lock.h"
#include "base/text.h"
#include "blob/blob.h"
#include "json/doc.h"

#define LF_BLOB_QUERY_SIZE 1100 /* of a value in a query: a blob's name, at most */
#define LF_BLOB_LOCKS	   64
#define LF_BLOB_UPLOADS	   ".uploads"

/* Behind a dot and a blob's name: its directory (blob/entry.h), and blocks that wait
 * (blob/blocks.h).  In a container: what is said of it. */
#define LF_BLOB_DIR_SUFFIX	 ".blob"
#define LF_BLOB_STAGE_SUFFIX	 ".blocks"
#define LF_BLOB_CONTAINER_RECORD ".container.json"

/* What the audit log has been told of lately (blob/serve/told.c): of reads by shared access
 * signatures and of page writes one line of a blob in LF_BLOB_TOLD_S seconds is enough. */
#define LF_BLOB_TOLD   256
#define LF_BLOB_TOLD_S 600
LF_LOCK_KIND(lf_blob_told_lock);
struct lf_blob_told {
	pthread_mutex_t mutex;
	struct {
		uint64_t what;
		int64_t until_ns;
	} rows[LF_BLOB_TOLD] LF_GUARDED_BY(lf_blob_told_lock);
};

struct lf_blob_service {
	struct lf_blob_opts opts;
	char *data_dir;
	struct lf_http_handler handler;
	/* Held while a blob's name gets other bytes, or none: by a hash of the name. */
	pthread_mutex_t locks[LF_BLOB_LOCKS];
	struct lf_blob_told told;
};

/* Account, container and blob of a request's path, decoded; container and blob may be "". */
struct lf_blob_target {
	char account[32];
	char container[80];
	char *blob; /* "" when none; free() */
};
void lf_blob_target_done(struct lf_blob_target *target);
#define LF_AUTO_BLOB_TARGET LF_CLEANUP(lf_blob_target_done) struct lf_blob_target
LF_MUST_CHECK int lf_blob_target_parse(const char *path, struct lf_blob_target *ret_target,
				       struct lf_error *err);

/* The files of a blob, whatever form it has; free with lf_blob_names_done(). */
struct lf_blob_names {
	char *raw, *pages, *point, *dir, *staged;
};
void lf_blob_names_done(struct lf_blob_names *names);
LF_MUST_CHECK int lf_blob_names(const char *data_dir, const struct lf_blob_target *target,
				struct lf_blob_names *ret_names, struct lf_error *err);
/* LF_ENOTFOUND "ContainerNotFound". */
LF_MUST_CHECK int lf_blob_container_check(const char *data_dir, const struct lf_blob_target *target,
					  struct lf_error *err);

struct lf_blob_upload;
/* A request that begin has let in.  complete goes by this alone: what is asked again may have
 * another answer by then. */
struct lf_blob_request {
	struct lf_blob_service *service;
	struct lf_blob_target target;
	enum lf_blob_operation operation;
	bool create_only; /* as in struct lf_blob_access */
	int account;	  /* the account's directory, held open: the one that was asked for */
	struct lf_blob_upload *upload;	  /* bytes as they come */
	struct lf_http_exchange *x;	  /* of one that is served by another thread */
	const atomic_bool *stopping;	  /* what takes long ends; NULL: served at once */
	char tier[16], sku[32], kind[24]; /* as in struct lf_blob_access */
	/* for the audit log */
	char principal[LF_GUID_SIZE]; /* of a token; "" none */
	const char *by;		      /* "bearer token" and the like; NULL: nothing */
	bool by_sas;		      /* by a shared access signature */
	bool agent;		      /* as in struct lf_blob_access */
};

/* A line of the audit log, where it is worth one.  request: what is known of it. */
void lf_blob_audit(struct lf_blob_request *request, const struct lf_http_exchange *x,
		   const struct lf_error *err);
/* Decode percent escapes in place; false: broken, or a NUL. */
bool lf_blob_decode(char *text);

/* Directory of an account, or of a container; free(). */
LF_MUST_CHECK int lf_blob_account_dir(const char *data_dir, const char *account, char **ret_dir,
				      struct lf_error *err);
LF_MUST_CHECK int lf_blob_container_dir(const char *data_dir, const char *account,
					const char *container, char **ret_dir,
					struct lf_error *err);

/* Is there what a target names: a blob of any kind, a container, an account? */
LF_MUST_CHECK int lf_blob_exists(const char *data_dir, const struct lf_blob_target *target,
				 bool *ret_exists, struct lf_error *err);
/* A name for a file on its way into a container of the account, in a place that is no container;
 * free(). */
LF_MUST_CHECK int lf_blob_temporary(const char *data_dir, const char *account, char **ret_path,
				    struct lf_error *err);
/* Held while a blob's name gets other bytes or another record, or goes. */
pthread_mutex_t *lf_blob_lock_of(struct lf_blob_service *service,
				 const struct lf_blob_target *target);
/* Let a file with bytes alone take the name; LF_ENOTFOUND "ContainerNotFound".  The name's lock is
 * held. */
LF_MUST_CHECK int lf_blob_place_raw(const struct lf_blob_service *service,
				    const struct lf_blob_target *target, const char *temporary,
				    struct lf_error *err);
/* Of the blobs of a name, those that have no directory go: another one has taken it.  The name's
 * lock is held. */
LF_MUST_CHECK int lf_blob_remove_others(const struct lf_blob_service *service,
					const struct lf_blob_target *target, struct lf_error *err);
/* The same for a point that has taken it. */
LF_MUST_CHECK int lf_blob_remove_but_point(const struct lf_blob_service *service,
					   const struct lf_blob_target *target,
					   struct lf_error *err);
/* Remove a blob of any form, durably.  The name's lock is held. */
LF_MUST_CHECK int lf_blob_remove(const struct lf_blob_service *service,
				 const struct lf_blob_target *target, struct lf_error *err);
/* Write a file of ours in the account, or write it again, all or nothing, durable. */
LF_MUST_CHECK int lf_blob_write(const char *data_dir, const char *account, const char *path,
				const void *data, size_t len, struct lf_error *err);
/* End in all accounts what a kill has cut: uploads go, blobs half removed are let go of, and
 * blocks that nobody will commit.  Nothing else may be under way. */
LF_MUST_CHECK int lf_blob_sweep(const char *data_dir, struct lf_regions *regions, int64_t now_ns,
				struct lf_error *err);
/* The name of the blob that a file is named for, as lf_blob_path() names it; file is len letters.
 */
void lf_blob_name_of(const char *file, size_t len, char *out, size_t size);

/*
 * What is said of a container: {"created": ns, "modified": ns, "metadata": {}, "lease": {}}, in a
 * file of its own, ".container.json"; of one without it, what its directory says.  json_decref().
 * LF_ENOTFOUND "ContainerNotFound".
 */
LF_MUST_CHECK int lf_blob_container_record(const char *data_dir, const char *account,
					   const char *container, json_t **ret_record,
					   struct lf_error *err);
/* Another one, durable. */
LF_MUST_CHECK int lf_blob_container_save(const char *data_dir, const char *account,
					 const char *container, const json_t *record,
					 struct lf_error *err);

/* Bytes that a client sends (serve/upload.c): what they are for, and each block of them. */
LF_MUST_CHECK int lf_blob_upload_begin(struct lf_blob_request *request,
				       const struct lf_http_exchange *x, struct lf_error *err);
int lf_blob_upload_take(void *context, const void *data, size_t len, struct lf_error *err);
void lf_blob_upload_free(struct lf_blob_upload *upload);

/* XML answers (serve/answer.c). */
void lf_blob_answer_error(struct lf_http_exchange *x, const struct lf_error *err);
void lf_blob_answer_xml(struct lf_http_exchange *x, int status, struct lf_buf *xml); /* takes it */
/* Value of a query field, decoded, into out; absent: "".  LF_EINVAL "InvalidQueryParameterValue":
 * it cannot be read, or is longer than out: never cut. */
LF_MUST_CHECK int lf_blob_query(const struct lf_http_exchange *x, const char *name, char *out,
				size_t size, struct lf_error *err);
/* The same of a query's text. */
LF_MUST_CHECK int lf_blob_query_of(const char *query, const char *name, char *out, size_t size,
				   struct lf_error *err);
/* The same for a number; absent: *value stays.  LF_EINVAL "OutOfRangeQueryParameterValue". */
LF_MUST_CHECK int lf_blob_query_number(const struct lf_http_exchange *x, const char *name,
				       uint64_t min, uint64_t *value, struct lf_error *err);

#endif
