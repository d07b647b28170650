/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a URL to a file: account, container and blob, decoded once and refused
 * where a name could leave its container or pass for a file of the service's
 * own.  Nothing is written here.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob/page.h"
#include "blob/internal.h"
#include "blob/point.h"

#define BLOB_NAME_MAX 1024 /* as Azure has it */
#define FILE_NAME_MAX 210  /* of an encoded name: a file name with room for what is ours */

void lf_blob_target_done(struct lf_blob_target *target)
{
	free(target->blob);
	target->blob = NULL;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

bool lf_blob_decode(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		char c = *p;
		if (c == '%') {
			if (hex_value(p[1]) < 0 || hex_value(p[2]) < 0)
				return false;
			c = (char)(hex_value(p[1]) << 4 | hex_value(p[2]));
			p += 2;
		}
		if (!c)
			return false;
		*out++ = c;
	}
	*out = '\0';
	return true;
}

static bool plain_name(const char *name, size_t min, size_t max)
{
	size_t len = strlen(name);

	return len >= min && len <= max &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-$")] && name[0] != '-';
}

int lf_blob_target_parse(const char *path, struct lf_blob_target *ret_target, struct lf_error *err)
{
	LF_AUTO_BLOB_TARGET target = {0};
	LF_AUTO_FREE char *copy = strdup(path + (*path == '/'));

	if (!copy)
		return lf_fail_nomem(err);
	char *container = strchr(copy, '/');
	if (container)
		*container++ = '\0';
	char *blob = container ? strchr(container, '/') : NULL;
	if (blob)
		*blob++ = '\0';
	/* cut short, it would be another one's name */
	if (strlen(copy) >= sizeof(target.account) ||
	    (container && strlen(container) >= sizeof(target.container)))
		return lf_fail_arm(err, LF_EINVAL, "OutOfRangeInput", NULL, NULL,
				   "the name of the account or container is too long");
	snprintf(target.account, sizeof(target.account), "%s", copy);
	snprintf(target.container, sizeof(target.container), "%s", container ? container : "");
	target.blob = strdup(blob ? blob : "");
	if (!target.blob)
		return lf_fail_nomem(err);
	if (!lf_blob_decode(target.blob) || strlen(target.blob) > BLOB_NAME_MAX)
		return lf_fail_arm(err, LF_EINVAL, "InvalidUri", NULL, NULL,
				   "the name of the blob cannot be read");
	size_t len = strlen(target.container);
	if (len && (len < 3 || len > 63))
		return lf_fail_arm(err, LF_EINVAL, "OutOfRangeInput", NULL, NULL,
				   "a container's name has 3 to 63 letters");
	if (len && !plain_name(target.container, 3, 63))
		return lf_fail_arm(err, LF_EINVAL, "InvalidResourceName", NULL, NULL,
				   "the container's name has characters that are not allowed");
	*ret_target = target;
	target.blob = NULL;
	return 0;
}

int lf_blob_account_dir(const char *data_dir, const char *account, char **ret_dir,
			struct lf_error *err)
{
	if (!plain_name(account, 3, 24))
		return lf_fail(err, LF_EINVAL, account, "not the name of a storage account");
	*ret_dir = lf_printf_dup("%s/accounts/%s", data_dir, account);
	return *ret_dir ? 0 : lf_fail_nomem(err);
}

int lf_blob_container_dir(const char *data_dir, const char *account, const char *container,
			  char **ret_dir, struct lf_error *err)
{
	if (!plain_name(account, 3, 24) || !plain_name(container, 3, 63))
		return lf_fail_arm(err, LF_EINVAL, "InvalidResourceName", NULL, NULL,
				   "not the name of an account and container");
	*ret_dir = lf_printf_dup("%s/accounts/%s/%s", data_dir, account, container);
	return *ret_dir ? 0 : lf_fail_nomem(err);
}

int lf_blob_path(const char *data_dir, const char *account, const char *container, const char *blob,
		 char **ret_path, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	LF_AUTO_BUF path = LF_BUF_INIT;
	int rc = lf_blob_container_dir(data_dir, account, container, &dir, err);

	if (rc)
		return rc;
	lf_buf_printf(&path, "%s/", dir);
	size_t before = path.len;
	for (const char *p = blob; *p; p++)
		if (isalnum((unsigned char)*p) || *p == '-' || *p == '_' ||
		    (*p == '.' && path.len > before))
			lf_buf_append(&path, p, 1);
		else
			lf_buf_printf(&path, "%%%02X", (unsigned char)*p);
	if (path.len == before || path.len - before > FILE_NAME_MAX)
		return lf_fail_arm(err, LF_EINVAL, "InvalidResourceName", blob, NULL,
				   "the blob's name is empty or too long for this site");
	/* these endings are ours */
	static const char *const endings[] = {LF_BLOB_POINT_SUFFIX, LF_BLOB_PAGE_SUFFIX};
	for (size_t i = 0; i < LF_N(endings); i++) {
		size_t len = strlen(endings[i]);
		if (path.len - before <= len || strcmp(path.data + path.len - len, endings[i]) != 0)
			continue;
		path.len -= len;
		lf_buf_printf(&path, "%%2E%s", endings[i] + 1);
	}
	rc = lf_buf_check(&path, err);
	if (!rc)
		*ret_path = lf_buf_take(&path);
	return rc;
}

void lf_blob_names_done(struct lf_blob_names *names)
{
	free(names->raw);
	free(names->pages);
	free(names->point);
	free(names->dir);
	free(names->staged);
	*names = (struct lf_blob_names){0};
}

int lf_blob_names(const char *data_dir, const struct lf_blob_target *target,
		  struct lf_blob_names *ret_names, struct lf_error *err)
{
	LF_AUTO_FREE char *raw = NULL;
	int rc =
		lf_blob_path(data_dir, target->account, target->container, target->blob, &raw, err);

	if (rc)
		return rc;
	const char *file = strrchr(raw, '/') + 1;
	int dir = (int)(file - raw);
	*ret_names = (struct lf_blob_names){
		.pages = lf_printf_dup("%s" LF_BLOB_PAGE_SUFFIX, raw),
		.point = lf_printf_dup("%s" LF_BLOB_POINT_SUFFIX, raw),
		.dir = lf_printf_dup("%.*s.%s" LF_BLOB_DIR_SUFFIX, dir, raw, file),
		.staged = lf_printf_dup("%.*s.%s" LF_BLOB_STAGE_SUFFIX, dir, raw, file)};
	ret_names->raw = lf_steal(&raw);
	if (!ret_names->pages || !ret_names->point || !ret_names->dir || !ret_names->staged) {
		lf_blob_names_done(ret_names);
		return lf_fail_nomem(err);
	}
	return 0;
}

int lf_blob_container_check(const char *data_dir, const struct lf_blob_target *target,
			    struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(data_dir, target->account, target->container, &dir, err);

	return rc || access(dir, F_OK) == 0
		       ? rc
		       : lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
				     "the specified container does not exist");
}

void lf_blob_name_of(const char *file, size_t len, char *out, size_t size)
{
	const char *end = file + len;
	size_t used = 0;

	for (const char *p = file; p < end && used + 1 < size; p++)
		if (*p == '%' && end - p > 2 && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
			out[used++] = (char)(hex_value(p[1]) << 4 | hex_value(p[2]));
			p += 2;
		} else {
			out[used++] = *p;
		}
	out[used] = '\0';
}

int lf_blob_query_of(const char *query, const char *name, char *out, size_t size,
		     struct lf_error *err)
{
	size_t name_len = strlen(name);

	out[0] = '\0';
	for (const char *p = query; *p;) {
		size_t len = strcspn(p, "&");
		if (len > name_len && p[name_len] == '=' && strncmp(p, name, name_len) == 0) {
			LF_AUTO_FREE char *value = strndup(p + name_len + 1, len - name_len - 1);
			if (!value)
				return lf_fail_nomem(err);
			if (!lf_blob_decode(value) || strlen(value) >= size)
				return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameterValue",
						   name, NULL, "the value of %s cannot be read",
						   name);
			snprintf(out, size, "%s", value);
			return 0;
		}
		p += len + (p[len] == '&');
	}
	return 0;
}

int lf_blob_query(const struct lf_http_exchange *x, const char *name, char *out, size_t size,
		  struct lf_error *err)
{
	return lf_blob_query_of(lf_http_query(x), name, out, size, err);
}

int lf_blob_query_number(const struct lf_http_exchange *x, const char *name, uint64_t min,
			 uint64_t *value, struct lf_error *err)
{
	char text[24];
	uint64_t given;

	int rc = lf_blob_query(x, name, text, sizeof(text), err);
	if (rc || !text[0])
		return rc;
	if (lf_parse_u64(text, min, UINT64_MAX, &given, err))
		return lf_fail_arm(err, LF_EINVAL, "OutOfRangeQueryParameterValue", name, NULL,
				   "%s is no number from %llu on", name, (unsigned long long)min);
	*value = given;
	return 0;
}
