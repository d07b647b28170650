/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairing keys are files, DIR/keys/peer.json and DIR/keys/peers/NAME.json, read at each check, so
 * that a key that is made or revoked counts at once, without a restart.  A key is written under
 * another name, synced and renamed; a kill leaves it there or not there.
 */
#include "peer/pairing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/text.h"
#include "crypto/token.h"
#include "os/file.h"

#define KEY_BYTES_MAX 65536
#define CA_BYTES_MAX  65536
#define FIRST	      "peer" /* the one that every site has */

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < LF_PAIRING_NAME_SIZE && name[0] != '-' &&
	       !name[strspn(name, name_letters)];
}

static char *file_of(const char *data_dir, const char *name)
{
	return strcmp(name, FIRST) == 0 ? lf_printf_dup("%s/keys/peer.json", data_dir)
					: lf_printf_dup("%s/keys/peers/%s.json", data_dir, name);
}

static int read_pairing(const char *data_dir, const char *name, json_t **ret_key,
			struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(data_dir, name);
	LF_AUTO_BUF text = LF_BUF_INIT;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, KEY_BYTES_MAX, &text, err);
	if (!rc)
		rc = lf_json_parse(lf_buf_text(&text), text.len, ret_key, err);
	if (text.data)
		explicit_bzero(text.data, text.len);
	return rc;
}

typedef int visit_fn(void *context, const char *name, json_t *key, struct lf_error *err);
struct visit {
	const char *data_dir;
	visit_fn *visit;
	void *context;
};

/* One that cannot be read is good for nothing, and keeps the others from nothing. */
static int visit_name(const struct visit *visit, const char *name, struct lf_error *err)
{
	LF_AUTO_JSON *key = NULL;
	struct lf_error ignored;

	if (read_pairing(visit->data_dir, name, &key, &ignored) || !lf_json_text(key, "secret"))
		return 0;
	return visit->visit(visit->context, name, key, err);
}

static int visit_file(void *context, const char *file, struct lf_error *err)
{
	size_t len = strspn(file, name_letters);
	char name[LF_PAIRING_NAME_SIZE];

	if (strcmp(file + len, ".json") != 0 || len >= sizeof(name))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len, file);
	return is_name(name) && strcmp(name, FIRST) != 0 ? visit_name(context, name, err) : 0;
}

static int each_pairing(const char *data_dir, visit_fn *fn, void *context, struct lf_error *err)
{
	struct visit visit = {data_dir, fn, context};
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/keys/peers", data_dir);

	if (!dir)
		return lf_fail_nomem(err);
	int rc = visit_name(&visit, FIRST, err);
	if (!rc)
		rc = lf_dir_list_if(dir, visit_file, &visit, err);
	return rc;
}

struct search {
	const char *secret;
	char name[LF_PAIRING_NAME_SIZE], region[65];
};

/* All are looked at: how long it takes says nothing of which was nearly right. */
static int compare_secret(void *context, const char *name, json_t *key, struct lf_error *err)
{
	struct search *search = context;
	const char *secret = lf_json_text_or(key, "secret", "");
	size_t len = strlen(secret);

	(void)err;
	if (len && strlen(search->secret) == len &&
	    CRYPTO_memcmp(secret, search->secret, len) == 0) {
		snprintf(search->name, sizeof(search->name), "%s", name);
		snprintf(search->region, sizeof(search->region), "%s",
			 lf_json_text_or(key, "region", ""));
	}
	return 0;
}

static int stop_at_any(void *context, const char *name, struct lf_error *err)
{
	(void)name, (void)err;
	*(bool *)context = true;
	return 0;
}

/* What was received before says what the first key is for; nothing yet: whatever comes. */
static int first_may(const char *data_dir, const char *region, bool *ret_may, struct lf_error *err)
{
	LF_AUTO_FREE char *inbox = lf_printf_dup("%s/inbox", data_dir);
	LF_AUTO_FREE char *of_region = lf_printf_dup("%s/inbox/%s", data_dir, region);
	bool any = false;

	if (!inbox || !of_region)
		return lf_fail_nomem(err);
	int rc = lf_dir_list(inbox, stop_at_any, &any, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	*ret_may = !any || access(of_region, F_OK) == 0;
	return 0;
}

int lf_pairing_check(const char *data_dir, const char *secret, const char *region,
		     char ret_name[static LF_PAIRING_NAME_SIZE], struct lf_error *err)
{
	struct search search = {.secret = secret};
	bool may = false;
	int rc = each_pairing(data_dir, compare_secret, &search, err);

	if (!rc && !search.name[0])
		return lf_fail(err, LF_EUNAUTHENTICATED, NULL,
			       "the secret of a pairing key of this site is needed");
	memcpy(ret_name, search.name, sizeof(search.name));
	may = strcmp(search.region, region) == 0;
	if (!rc && !search.region[0])
		rc = first_may(data_dir, region, &may, err);
	if (rc)
		return rc;
	if (!may)
		return lf_fail_arm(err, LF_EDENIED, "RegionNotPaired", region,
				   "make a pairing key for it here: landfall peer create",
				   "the pairing key %s is not for region %s", search.name, region);
	return 0;
}

static int count_pairing(void *context, const char *name, json_t *key, struct lf_error *err)
{
	(void)name, (void)key, (void)err;
	++*(unsigned *)context;
	return 0;
}

static int check_new(const char *data_dir, const char *name, const char *region,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(data_dir, name);
	unsigned count = 0;

	if (!path)
		return lf_fail_nomem(err);
	if (!is_name(name) || strcmp(name, FIRST) == 0)
		return lf_fail(err, LF_EINVAL, name,
			       "a pairing is called by at most %d letters a-z, digits and -",
			       LF_PAIRING_NAME_SIZE - 1);
	if (!region[0] || strlen(region) > 64 || region[strspn(region, name_letters)])
		return lf_fail(err, LF_EINVAL, region, "not the name of a region");
	if (access(path, F_OK) == 0)
		return lf_fail(err, LF_EEXISTS, name, "there is a pairing called %s", name);
	int rc = each_pairing(data_dir, count_pairing, &count, err);
	return rc || count < LF_PAIRINGS_MAX
		       ? rc
		       : lf_fail(err, LF_ECONFLICT, NULL, "there are %u pairings already", count);
}

static int write_pairing(const char *data_dir, const char *name, const json_t *key, char **ret_path,
			 struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/keys/peers", data_dir);
	LF_AUTO_FREE char *path = file_of(data_dir, name);
	LF_AUTO_FREE char *text = NULL;
	int rc = dir && path ? lf_json_dump(key, &text, err) : lf_fail_nomem(err);

	if (!rc)
		rc = lf_dir_make(dir, 0700, err);
	if (!rc)
		rc = lf_file_write_durable(path, text, strlen(text), 0600, err);
	if (text)
		explicit_bzero(text, strlen(text));
	if (!rc)
		*ret_path = lf_steal(&path);
	return rc;
}

int lf_pairing_create(const char *data_dir, const char *name, const char *region, const char *url,
		      char **ret_path, struct lf_error *err)
{
	LF_AUTO_FREE char *ca_file = lf_printf_dup("%s/ca.pem", data_dir);
	LF_AUTO_FREE char *secret = lf_secret_text_new();
	LF_AUTO_BUF ca = LF_BUF_INIT;

	int rc = ca_file && secret ? check_new(data_dir, name, region, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_file_read(ca_file, CA_BYTES_MAX, &ca, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *key = json_pack("{s:s, s:s, s:s, s:s}", "url", url, "ca", lf_buf_text(&ca),
				      "secret", secret, "region", region);
	explicit_bzero(secret, strlen(secret));
	return key ? write_pairing(data_dir, name, key, ret_path, err) : lf_fail_nomem(err);
}

struct listing {
	const char *data_dir;
	json_t *pairings;
};

static int list_pairing(void *context, const char *name, json_t *key, struct lf_error *err)
{
	const struct listing *listing = context;
	LF_AUTO_FREE char *path = file_of(listing->data_dir, name);

	if (!path || json_array_append_new(listing->pairings,
					   json_pack("{s:s, s:s*, s:s}", "name", name, "region",
						     lf_json_text(key, "region"), "file", path)))
		return lf_fail_nomem(err);
	return 0;
}

int lf_pairing_list(const char *data_dir, json_t **ret_pairings, struct lf_error *err)
{
	LF_AUTO_JSON *pairings = json_array();
	struct listing listing = {data_dir, pairings};
	int rc =
		pairings ? each_pairing(data_dir, list_pairing, &listing, err) : lf_fail_nomem(err);

	if (!rc)
		*ret_pairings = lf_steal(&pairings);
	return rc;
}

/* The one that every site has stays, with another secret. */
static int renew_first(const char *path, const char *data_dir, struct lf_error *err)
{
	LF_AUTO_FREE char *secret = lf_secret_text_new();
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_JSON *key = NULL;
	int rc = secret ? read_pairing(data_dir, FIRST, &key, err) : lf_fail_nomem(err);

	if (!rc && lf_json_set_text(key, "secret", secret))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_json_dump(key, &text, err);
	if (!rc)
		rc = lf_file_write_durable(path, text, strlen(text), 0600, err);
	if (secret)
		explicit_bzero(secret, strlen(secret));
	if (text)
		explicit_bzero(text, strlen(text));
	return rc;
}

int lf_pairing_revoke(const char *data_dir, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = is_name(name) ? file_of(data_dir, name) : NULL;

	if (!is_name(name) || !path || access(path, F_OK))
		return lf_fail(err, LF_ENOTFOUND, name, "there is no pairing called %.40s", name);
	if (strcmp(name, FIRST) == 0)
		return renew_first(path, data_dir, err);
	int rc = lf_file_remove(path, err);
	return rc ? rc : lf_file_sync_parent(path, err);
}
