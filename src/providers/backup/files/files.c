/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session of item recovery: the point's row and a claim on the point come first, so that whatever
 * is made after them is ended by somebody; then directory, certificates, an export for each disk,
 * and the script last.  Ending goes the other way, and may be repeated.  After a kill the row says
 * until when the session lives, and the exports, processes of their own, go on.
 */
#include "providers/backup/files/files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "crypto/tls.h"
#include "json/field.h"
#include "nbd/export.h"
#include "os/file.h"
#include "providers/backup/internal.h"
#include "providers/backup/job/jobs.h"
#include "vault/point/point.h"

#define SESSION_NS    (12 * 3600 * LF_NS_PER_S) /* as the service's */
#define CLAIM	      "files"
#define SCRIPT_MAX    (256u << 10)
#define PORT_TRIES    5
#define STATE_EXPIRES "files.expires"

/* Sessions begin and end one after the other: two of one point would share a directory. */
static pthread_mutex_t sessions_mutex = PTHREAD_MUTEX_INITIALIZER;

/* A session that is being made. */
struct session {
	struct lf_context *context;
	struct lf_resource *point;
	const char *guid;
	char *dir, *tls_dir;
	char address[64]; /* that this site listens on */
	char *ca, *cert, *key;
	json_t *disks; /* [{"name", "port"}] */
};

static void session_done(struct session *session)
{
	if (session->key)
		explicit_bzero(session->key, strlen(session->key));
	free(session->dir);
	free(session->tls_dir);
	free(session->ca);
	free(session->cert);
	free(session->key);
	json_decref(session->disks);
}

/* "https://HOST:PORT", "https://[HOST]:PORT" */
static void host_of(const char *url, char *out, size_t size)
{
	const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
	bool bracketed = *host == '[';

	host += bracketed;
	snprintf(out, size, "%.*s", (int)strcspn(host, bracketed ? "]" : ":/"), host);
}

static char *session_dir(const struct lf_context *context, const char *guid)
{
	return lf_printf_dup("%s/files/%s", context->data_dir, guid);
}

static int write_in(const char *dir, const char *name, const char *text, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);

	return path && text ? lf_file_write_durable(path, text, strlen(text), 0600, err)
			    : lf_fail_nomem(err);
}

/* Nobody else's certificate opens this session, and this one opens nothing else. */
static int make_certificates(struct session *session, const char *host, struct lf_error *err)
{
	const char *const names[] = {host, session->address, NULL};
	int64_t now = lf_clock_now_ns(session->context->clock);
	LF_AUTO_FREE char *ca_key = NULL;
	LF_AUTO_FREE char *server = NULL;
	LF_AUTO_FREE char *server_key = NULL;
	LF_AUTO_FREE char *csr = NULL;

	int rc = lf_ca_new(session->guid, now, &session->ca, &ca_key, err);
	if (!rc)
		rc = lf_ca_issue_server(session->ca, ca_key, names, now, 1, &server, &server_key,
					err);
	if (!rc)
		rc = lf_csr_new("reader", &csr, &session->key, err);
	if (!rc)
		rc = lf_ca_sign_client(session->ca, ca_key, csr, "reader", now, 1, &session->cert,
				       err);
	if (!rc)
		rc = write_in(session->tls_dir, "ca-cert.pem", session->ca, err);
	if (!rc)
		rc = write_in(session->tls_dir, "server-cert.pem", server, err);
	if (!rc)
		rc = write_in(session->tls_dir, "server-key.pem", server_key, err);
	if (ca_key)
		explicit_bzero(ca_key, strlen(ca_key));
	return rc;
}

/* A port that nobody listens on now; whoever is faster makes us take another. */
static int free_port(const char *address, uint16_t *ret_port, struct lf_error *err)
{
	bool six = strchr(address, ':');
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr *any = six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = six ? sizeof(v6) : sizeof(v4);

	if (inet_pton(six ? AF_INET6 : AF_INET, address,
		      six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		return lf_fail(err, LF_EINVAL, address, "not an address to listen on");
	LF_AUTO_FD fd = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, any, len) || getsockname(fd, any, &len))
		return lf_fail_sys(err, errno, address, "no port is free at %s", address);
	*ret_port = ntohs(six ? v6.sin6_port : v4.sin_port);
	return 0;
}

static int start_export(struct session *session, const json_t *disk, struct lf_error *err)
{
	int64_t lun = lf_json_int_or(disk, "lun", -1);
	struct lf_export_net net = {.address = session->address, .tls_dir = session->tls_dir};
	LF_AUTO_FREE char *name = lun < 0 ? lf_printf_dup("os") : lf_printf_dup("lun%d", (int)lun);
	LF_AUTO_FREE char *dir = name ? lf_printf_dup("%s/%s", session->dir, name) : NULL;
	LF_AUTO_FREE char *store = NULL;
	LF_AUTO_FREE char *key_file = NULL;
	int rc = dir ? lf_regions_paths(session->context->regions,
					lf_json_text_or(session->point->state, "region", ""),
					&store, &key_file, err)
		     : lf_fail_nomem(err);
	const struct lf_export_spec spec = {.dir = dir,
					    .store_dir = store,
					    .key_file = key_file,
					    .root = lf_json_text_or(disk, "root", ""),
					    .size_bytes =
						    (uint64_t)lf_json_int_or(disk, "sizeBytes", 0),
					    .net = &net};

	if (rc)
		return rc;
	for (int tries = 0; tries < PORT_TRIES; tries++) {
		rc = free_port(session->address, &net.port, err);
		if (!rc)
			rc = lf_export_start(&spec, err);
		if (rc != LF_EIO)
			break;
	}
	if (!rc && json_array_append_new(session->disks,
					 json_pack("{s:s, s:i}", "name", name, "port", net.port)))
		rc = lf_fail_nomem(err);
	return rc;
}

static int write_script(const struct session *session, const char *host, const char *expires,
			struct lf_error *err)
{
	const struct lf_files_script script = {
		.time = lf_json_text_or(session->point->doc, "properties.recoveryPointTime", "?"),
		.expires = expires,
		.host = host,
		.ca = session->ca,
		.cert = session->cert,
		.key = session->key,
		.disks = session->disks};
	LF_AUTO_FREE char *text = NULL;
	int rc = lf_files_script(&script, &text, err);

	if (!rc)
		rc = write_in(session->dir, "client.sh", text, err);
	if (text)
		explicit_bzero(text, strlen(text));
	return rc;
}

static int note_session(struct lf_catalog *catalog, struct lf_resource *point, const char *expires,
			struct lf_error *err)
{
	int failed = expires ? lf_json_set_text(point->state, STATE_EXPIRES, expires)
			     : (json_object_del(point->state, "files"), 0);

	if (failed || lf_json_set_bool(point->doc, "properties.isInstantIlrSessionActive", expires))
		return lf_fail_nomem(err);
	return lf_backup_store(catalog, point, err);
}

/* The row and the claim first: whatever is made after, somebody ends. */
static int make_session(struct session *session, const char *host, struct lf_error *err)
{
	struct lf_context *context = session->context;
	LF_AUTO_FREE char *files = lf_printf_dup("%s/files", context->data_dir);
	int64_t until = lf_clock_now_ns(context->clock) + SESSION_NS;
	struct lf_vault *vault = NULL;
	char expires[LF_TIME_SIZE];
	const json_t *disk;
	size_t i;

	lf_time_format(until, expires);
	session->disks = json_array();
	session->dir = session_dir(context, session->guid);
	session->tls_dir = session->dir ? lf_printf_dup("%s/tls", session->dir) : NULL;
	if (!files || !session->tls_dir || !session->disks)
		return lf_fail_nomem(err);
	int rc = note_session(context->catalog, session->point, expires, err);
	if (!rc)
		rc = lf_regions_vault(context->regions,
				      lf_json_text_or(session->point->state, "region", ""), &vault,
				      err);
	if (!rc)
		rc = lf_claim_put(vault, session->guid, CLAIM, until, err);
	const char *const dirs[] = {files, session->dir, session->tls_dir};
	for (i = 0; !rc && i < LF_N(dirs); i++)
		rc = lf_dir_make(dirs[i], 0700, err);
	if (!rc)
		rc = make_certificates(session, host, err);
	json_array_foreach (lf_json_at(session->point->state, "disks"), i, disk)
		if (!rc)
			rc = start_export(session, disk, err);
	return rc ? rc : write_script(session, host, expires, err);
}

static int stop_export(void *context, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/%s", (const char *)context, name);

	if (!dir)
		return lf_fail_nomem(err);
	return strcmp(name, "os") == 0 || strncmp(name, "lun", 3) == 0 ? lf_export_stop(dir, err)
								       : 0;
}

static int end(struct lf_context *context, const struct lf_resource *point, struct lf_error *err)
{
	const char *guid = lf_json_text_or(point->state, "point", "");
	LF_AUTO_FREE char *dir = session_dir(context, guid);
	struct lf_vault *vault = NULL;

	if (!lf_json_text(point->state, STATE_EXPIRES))
		return 0;
	if (!dir)
		return lf_fail_nomem(err);
	int rc = lf_dir_list(dir, stop_export, dir, err);
	if (!rc || rc == LF_ENOTFOUND)
		rc = lf_dir_remove(dir, err);
	if (!rc)
		rc = lf_regions_vault(context->regions, lf_json_text_or(point->state, "region", ""),
				      &vault, err);
	return rc ? rc : lf_claim_drop(vault, guid, CLAIM, err);
}

int lf_backup_files_end(struct lf_context *context, const struct lf_resource *point,
			struct lf_error *err)
{
	LF_GUARD(&sessions_mutex);
	return end(context, point, err);
}

static int end_and_note(struct lf_context *context, struct lf_resource *point, struct lf_error *err)
{
	int rc = end(context, point, err);

	return rc || !lf_json_text(point->state, STATE_EXPIRES)
		       ? rc
		       : note_session(context->catalog, point, NULL, err);
}

int lf_backup_files_tend(struct lf_context *context, struct lf_resource *point,
			 struct lf_error *err)
{
	const char *expires = lf_json_text(point->state, STATE_EXPIRES);
	int64_t until;

	LF_GUARD(&sessions_mutex);
	int rc = expires ? lf_time_parse(expires, &until, err) : 0;

	return rc || !expires || until > lf_clock_now_ns(context->clock)
		       ? rc
		       : end_and_note(context, point, err);
}

/* The script of a point's session, as base64; *ret_text NULL: there is none (any more). */
static int read_script(struct lf_context *context, const char *point_id, char **ret_text,
		       struct lf_error *err)
{
	LF_AUTO_RESOURCE point = LF_RESOURCE_INIT;
	LF_AUTO_BUF text = LF_BUF_INIT;
	int rc = lf_catalog_get(context->catalog, point_id, &point, err);
	LF_AUTO_FREE char *path = rc ? NULL
				     : lf_printf_dup("%s/files/%s/client.sh", context->data_dir,
						     lf_json_text_or(point.state, "point", ""));

	*ret_text = NULL;
	if (!rc)
		rc = path ? lf_file_read(path, SCRIPT_MAX, &text, err) : lf_fail_nomem(err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	*ret_text = malloc(4 * ((text.len + 2) / 3) + 1);
	if (*ret_text)
		EVP_EncodeBlock((unsigned char *)*ret_text, (const unsigned char *)text.data,
				(int)text.len);
	explicit_bzero(text.data, text.len);
	return *ret_text ? 0 : lf_fail_nomem(err);
}

/* What the operation that began a session says: the script, while there is one. */
static json_t *extended_info(struct lf_context *context, const struct lf_job *job)
{
	LF_AUTO_DOC info = LF_DOC_INIT, row = LF_DOC_INIT;
	LF_AUTO_FREE char *script = NULL;
	struct lf_backup_input input;
	struct lf_error failed;

	if (lf_backup_input_read(job, &input, &failed) ||
	    read_script(context, input.point_id, &script, &failed))
		lf_log_error("the script of an item recovery", &failed);
	lf_doc_text(&info, "objectType", "OperationStatusProvisionILRExtendedInfo");
	lf_doc_put(&info, "recoveryTarget.clientScripts", json_array());
	if (!script)
		return lf_doc_take(&info);
	lf_doc_text(&row, "scriptContent", script);
	lf_doc_text(&row, "scriptExtension", ".sh");
	lf_doc_text(&row, "osType", "Linux");
	lf_doc_text(&row, "url", "");
	lf_doc_text(&row, "scriptNameSuffix", job->id);
	lf_doc_append(&info, "recoveryTarget.clientScripts", lf_doc_take(&row));
	return lf_doc_take(&info);
}

static const struct lf_backup_job_row files_row = {.done_at_once = true,
						   .extended_info = extended_info};
const struct lf_job_type lf_backup_files_job = {
	.name = LF_BACKUP_JOBS "files", LF_BACKUP_DONE_STEPS, .subject = &files_row};

static const char *const object_types[] = {"IaasVMILRRegistrationRequest", NULL};
static const struct lf_field provision_fields[] = {
	{"properties.objectType", LF_ENUM, LF_REQUIRED, 0, 0, object_types,
	 "IaasVMILRRegistrationRequest."},
	{"properties.recoveryPointId", LF_TEXT, 0, 0, 1024, NULL, "The point of the URL."},
	{"properties.virtualMachineId", LF_TEXT, 0, 0, 1024, NULL, "The protected machine."},
	{"properties.initiatorName", LF_TEXT, 0, 0, 1024, NULL, "Who reads: pure description."},
	{"properties.renewExistingRegistration", LF_BOOL, 0, 0, 0, NULL, "false."},
};

/* What it says of the point and the machine is so; a session is never made longer. */
static int check_provision(json_t *body, const struct lf_resource *item,
			   const struct lf_resource *point, struct lf_error *err)
{
	int rc = lf_document_check_request(body, provision_fields, LF_N(provision_fields), NULL,
					   err);
	const char *name = lf_json_text_or(body, "properties.recoveryPointId", "");
	const char *vm = lf_json_text_or(body, "properties.virtualMachineId", "");

	if (rc)
		return rc;
	if (name[0] && !lf_text_equal_nocase(lf_arm_id_last(name), lf_arm_id_last(point->id)))
		return lf_fail_arm(err, LF_EINVAL, "UserErrorRecoveryPointMismatch",
				   "properties.recoveryPointId",
				   "name the recovery point of the URL",
				   "the request names another recovery point than its URL");
	if (vm[0] && !lf_arm_id_equal(vm, lf_json_text_or(item->state, "vm", "")))
		return lf_fail_arm(err, LF_EINVAL, "UserErrorSourceResourceMismatch",
				   "properties.virtualMachineId", "name the protected machine",
				   "the request names another machine than the protected item");
	if (lf_json_bool_or(body, "properties.renewExistingRegistration", false))
		return lf_fail_arm(err, LF_EUNSUPPORTED, "UserErrorRenewNotSupported",
				   "properties.renewExistingRegistration",
				   "leave it out: a new session begins, with a new script",
				   "a session is not made longer");
	return 0;
}

int lf_backup_files_provision(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	struct session session = {.context = lf_arm_context(call), .point = &point};
	char host[256], job[LF_GUID_SIZE];
	struct lf_error ignored;

	LF_GUARD(&sessions_mutex);
	int rc = lf_backup_point(call, 1, &item, &point, err);
	if (!rc)
		rc = check_provision(lf_arm_body(call), &item, &point, err);
	if (!rc) /* what was there ends: its script may be in the wrong hands */
		rc = end_and_note(session.context, &point, err);
	if (rc)
		return rc;
	session.guid = lf_json_text_or(point.state, "point", "");
	host_of(session.context->base_url, session.address, sizeof(session.address));
	host_of(lf_arm_base_url(call), host, sizeof(host));
	rc = make_session(&session, host, err);
	if (!rc)
		rc = lf_backup_note_done(call, &lf_backup_files_job, &item, point.id,
					 "ProvisionItemRecovery", job, err);
	session_done(&session);
	if (rc && end_and_note(session.context, &point, &ignored))
		lf_log_error("an item recovery that did not begin", &ignored);
	return rc ? rc : lf_backup_reply_accepted(call, item.id, job, err);
}

/* The script once more, of the operation that began the session while that lasts. */
int lf_backup_files_result(struct lf_arm_call *call, struct lf_error *err)
{
	const char *id =
		lf_json_text_or(lf_arm_body(call), "provisionInstantItemRecoveryOperationId", "");
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	LF_AUTO_JOB job = LF_JOB_INIT;
	struct lf_backup_input input;

	int rc = lf_backup_point(call, 1, &item, &point, err);
	if (!rc)
		rc = lf_jobs_get(lf_arm_context(call)->jobs, id, &job, err);
	if (!rc)
		rc = lf_backup_input_read(&job, &input, err);
	if (rc == LF_ENOTFOUND || (!rc && (strcmp(job.type, lf_backup_files_job.name) != 0 ||
					   !lf_arm_id_equal(input.point_id, point.id))))
		return lf_fail_arm(err, LF_ENOTFOUND, "BMSUserErrorOperationNotFound",
				   "provisionInstantItemRecoveryOperationId",
				   "take the id that provisionInstantItemRecovery answered",
				   "no item recovery of this point began with '%.64s'", id);
	if (rc)
		return rc;
	LF_AUTO_JSON *info = extended_info(lf_arm_context(call), &job);
	return info ? lf_arm_reply(call, 200, lf_json_at(info, "recoveryTarget"), err)
		    : lf_fail_nomem(err);
}

int lf_backup_files_revoke(struct lf_arm_call *call, struct lf_error *err)
{
	LF_AUTO_RESOURCE item = LF_RESOURCE_INIT, point = LF_RESOURCE_INIT;
	char job[LF_GUID_SIZE];

	LF_GUARD(&sessions_mutex);
	int rc = lf_backup_point(call, 1, &item, &point, err);
	if (!rc)
		rc = end_and_note(lf_arm_context(call), &point, err);
	if (!rc)
		rc = lf_backup_note_done(call, &lf_backup_done_job, &item, point.id,
					 "RevokeItemRecovery", job, err);
	return rc ? rc : lf_backup_reply_accepted(call, item.id, job, err);
}
