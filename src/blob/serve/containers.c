/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers as clients make, describe, lease and remove them, and the settings of the service.
 *
 * A container is made apart, with its record, and takes its name by one rename; another record
 * replaces the old one by a rename.  A kill leaves the old one or the new one.  Public access,
 * stored access policies, and settings of the service that would have an effect are refused: there
 * are none here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock.h"
#include "blob/auth/lease.h"
#include "blob/serve/serve.h"
#include "blob/xml.h"
#include "os/file.h"

static int read_record(const struct lf_blob_request *request, json_t **ret_record,
		       struct lf_error *err)
{
	return lf_blob_container_record(request->service->data_dir, request->target.account,
					request->target.container, ret_record, err);
}

static int check_public(const struct lf_http_exchange *x, struct lf_error *err)
{
	return lf_http_header(x, "x-ms-blob-public-access")
		       ? lf_fail_arm(err, LF_ECONFLICT, "PublicAccessNotPermitted",
				     "x-ms-blob-public-access", "leave it out",
				     "public access is not permitted on this storage account")
		       : 0;
}

/* A directory with its record takes the name. */
static int place(const struct lf_blob_request *request, const char *draft, const json_t *record,
		 struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/" LF_BLOB_CONTAINER_RECORD, draft);
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_FREE char *dir = NULL;

	int rc = path ? lf_blob_container_dir(request->service->data_dir, request->target.account,
					      request->target.container, &dir, err)
		      : lf_fail_nomem(err);
	if (!rc)
		rc = lf_json_dump(record, &text, err);
	if (!rc)
		rc = lf_file_write_durable(path, text, strlen(text), 0600, err);
	if (rc)
		return rc;
	rc = lf_file_rename_new(draft, dir, err);
	return rc == LF_EEXISTS ? lf_fail_arm(err, LF_ECONFLICT, "ContainerAlreadyExists", NULL,
					      NULL, "the specified container already exists")
				: rc;
}

int lf_blob_container_create(struct lf_blob_request *request, struct lf_http_exchange *x,
			     struct lf_error *err)
{
	LF_AUTO_BLOB_DRAFT draft = NULL;
	LF_AUTO_JSON *record = json_object();
	int64_t now_ns = lf_blob_now(request);

	int rc = lf_json_set_int(record, "created", now_ns) |
				 lf_json_set_int(record, "modified", now_ns)
			 ? lf_fail_nomem(err)
			 : check_public(x, err);
	if (!rc)
		rc = lf_blob_take_metadata(x, record, err);
	if (!rc)
		rc = lf_blob_draft_make(request->service->data_dir, request->target.account, &draft,
					err);
	if (!rc)
		rc = place(request, draft, record, err);
	if (rc)
		return rc;
	lf_blob_describe_change(x, now_ns);
	lf_http_status(x, 201);
	return 0;
}

/* The record of a container whose conditions and lease allow it; changes: its lease has to be
 * given. */
static int open_record(const struct lf_blob_request *request, const struct lf_http_exchange *x,
		       bool changes, json_t **ret_record, struct lf_error *err)
{
	bool ignored;
	int rc = read_record(request, ret_record, err);

	if (!rc)
		rc = lf_blob_conditions(x, LF_BLOB_ASKS_CHANGE, true,
					lf_json_int_or(*ret_record, "modified", 0), &ignored, err);
	return rc ? rc
		  : lf_blob_lease_check(lf_json_at(*ret_record, "lease"),
					lf_http_header(x, "x-ms-lease-id"), changes, "Container",
					lf_blob_now(request), err);
}

int lf_blob_container_delete(struct lf_blob_request *request, struct lf_http_exchange *x,
			     struct lf_error *err)
{
	const struct lf_blob_service *service = request->service;
	LF_AUTO_JSON *record = NULL;

	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = open_record(request, x, true, &record, err);
	if (!rc)
		rc = lf_blob_container_remove(service->data_dir, service->opts.regions,
					      request->target.account, request->target.container,
					      err);
	lf_http_status(x, 202);
	return rc;
}

int lf_blob_container_get(struct lf_blob_request *request, struct lf_http_exchange *x,
			  struct lf_error *err)
{
	LF_AUTO_JSON *record = NULL;
	int rc = open_record(request, x, false, &record, err);
	if (rc)
		return rc;
	lf_blob_describe_change(x, lf_json_int_or(record, "modified", 0));
	lf_blob_lease_headers(x, lf_json_at(record, "lease"), lf_blob_now(request));
	lf_blob_put_metadata(x, lf_json_at(record, "metadata"));
	lf_http_set_header(x, "x-ms-has-immutability-policy", "false");
	lf_http_set_header(x, "x-ms-has-legal-hold", "false");
	lf_http_set_header(x, "x-ms-immutable-storage-with-versioning-enabled", "false");
	lf_http_set_header(x, "x-ms-default-encryption-scope", "$account-encryption-key");
	lf_http_set_header(x, "x-ms-deny-encryption-scope-override", "false");
	lf_http_status(x, 200);
	return 0;
}

static int save(const struct lf_blob_request *request, struct lf_http_exchange *x, json_t *record,
		bool touch, struct lf_error *err)
{
	int64_t modified_ns = lf_json_int_or(record, "modified", 0), now_ns = lf_blob_now(request);

	if (touch)
		modified_ns = now_ns > modified_ns ? now_ns : modified_ns + 1;
	if (lf_json_set_int(record, "modified", modified_ns))
		return lf_fail_nomem(err);
	int rc = lf_blob_container_save(request->service->data_dir, request->target.account,
					request->target.container, record, err);
	if (!rc)
		lf_blob_describe_change(x, modified_ns);
	return rc;
}

int lf_blob_container_metadata(struct lf_blob_request *request, struct lf_http_exchange *x,
			       struct lf_error *err)
{
	LF_AUTO_JSON *record = NULL;

	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = open_record(request, x, false, &record, err);
	if (!rc)
		rc = lf_blob_take_metadata(x, record, err);
	lf_http_status(x, 200);
	return rc ? rc : save(request, x, record, true, err);
}

int lf_blob_container_lease(struct lf_blob_request *request, struct lf_http_exchange *x,
			    struct lf_error *err)
{
	LF_AUTO_JSON *record = NULL;
	json_t *lease = NULL;
	bool ignored;

	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = read_record(request, &record, err);
	if (!rc)
		rc = lf_blob_conditions(x, LF_BLOB_ASKS_CHANGE, true,
					lf_json_int_or(record, "modified", 0), &ignored, err);
	if (!rc)
		rc = lf_blob_lease_act(lf_json_at(record, "lease"), x, lf_blob_now(request), &lease,
				       err);
	if (rc)
		return rc;
	if (lease ? json_object_set_new(record, "lease", lease)
		  : (json_object_del(record, "lease"), 0))
		return lf_fail_nomem(err);
	return save(request, x, record, false, err);
}

int lf_blob_container_get_acl(struct lf_blob_request *request, struct lf_http_exchange *x,
			      struct lf_error *err)
{
	LF_AUTO_JSON *record = NULL;
	LF_AUTO_BUF xml = LF_BUF_INIT;
	int rc = open_record(request, x, false, &record, err);
	if (rc)
		return rc;
	lf_blob_describe_change(x, lf_json_int_or(record, "modified", 0));
	lf_buf_puts(&xml, "<?xml version=\"1.0\" encoding=\"utf-8\"?><SignedIdentifiers/>");
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}

/* Of none, or of one that is refused. */
static int take_identifier(void *context, const char *path, const char *text, struct lf_error *err)
{
	(void)context, (void)text;
	return strcmp(path, "SignedIdentifiers") == 0
		       ? 0
		       : lf_fail_arm(err, LF_EINVAL, "UnsupportedXmlNode", path,
				     "put times and permissions into the signature",
				     "this site keeps no stored access policies");
}

int lf_blob_container_set_acl(struct lf_blob_request *request, struct lf_http_exchange *x,
			      struct lf_error *err)
{
	LF_AUTO_JSON *record = NULL;
	size_t len;
	const char *body = lf_http_body(x, &len);

	int rc = check_public(x, err);
	if (!rc)
		rc = lf_blob_check_body(x, err);
	if (!rc)
		rc = lf_blob_xml_read(body, len, take_identifier, NULL, err);
	if (rc)
		return rc;
	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	rc = open_record(request, x, false, &record, err);
	lf_http_status(x, 200);
	return rc ? rc : save(request, x, record, true, err);
}

/* The service and its account. */

int lf_blob_get_service(struct lf_blob_request *request, struct lf_http_exchange *x,
			struct lf_error *err)
{
	static const char metrics[] = "<Version>1.0</Version><Enabled>false</Enabled>"
				      "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>";
	LF_AUTO_BUF xml = LF_BUF_INIT;

	(void)request, (void)err;
	lf_buf_printf(&xml,
		      "<?xml version=\"1.0\" encoding=\"utf-8\"?><StorageServiceProperties>"
		      "<Logging><Version>1.0</Version><Read>false</Read><Write>false</Write>"
		      "<Delete>false</Delete><RetentionPolicy><Enabled>false</Enabled>"
		      "</RetentionPolicy></Logging><HourMetrics>%s</HourMetrics>"
		      "<MinuteMetrics>%s</MinuteMetrics><Cors/>"
		      "<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>"
		      "<StaticWebsite><Enabled>false</Enabled></StaticWebsite>"
		      "</StorageServiceProperties>",
		      metrics, metrics);
	lf_blob_answer_xml(x, 200, &xml);
	return 0;
}

/* What is as it is; anything else would have no effect. */
static int take_setting(void *context, const char *path, const char *text, struct lf_error *err)
{
	static const char *const switches[] = {"Enabled", "Read",	 "Write",
					       "Delete",  "IncludeAPIs", "AllowPermanentDelete"};
	const char *name = strrchr(path, '/');

	(void)context;
	name = name ? name + 1 : path;
	if (strcmp(name, "Version") == 0 || strcmp(path, "StorageServiceProperties/Cors") == 0 ||
	    strcmp(path, "StorageServiceProperties") == 0)
		return 0;
	for (size_t i = 0; i < LF_N(switches); i++)
		if (strcmp(name, switches[i]) == 0 && lf_text_equal_nocase(text, "false"))
			return 0;
	return lf_fail_arm(err, LF_EINVAL, "UnsupportedXmlNode", path, "leave it out, or false",
			   "this site does not serve %s", path);
}

int lf_blob_set_service(struct lf_blob_request *request, struct lf_http_exchange *x,
			struct lf_error *err)
{
	size_t len;
	const char *body = lf_http_body(x, &len);
	int rc = len ? lf_blob_xml_read(body, len, take_setting, NULL, err)
		     : lf_fail_arm(err, LF_EINVAL, "InvalidXmlDocument", NULL, NULL,
				   "the request has no properties");

	(void)request;
	lf_http_status(x, 202);
	return rc;
}

int lf_blob_get_account(struct lf_blob_request *request, struct lf_http_exchange *x,
			struct lf_error *err)
{
	(void)err;
	lf_http_set_header(x, "x-ms-sku-name", request->sku[0] ? request->sku : "Standard_LRS");
	lf_http_set_header(x, "x-ms-account-kind", request->kind[0] ? request->kind : "StorageV2");
	lf_http_set_header(x, "x-ms-is-hns-enabled", "false");
	lf_http_status(x, 200);
	return 0;
}
