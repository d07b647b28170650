/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landfalld check: the record of what the site has to have, then each thing in the order in which a
 * start would use it: keys, modes, catalog, audit log, stores, and the rest of the files.
 *
 * The catalog is read before the stores, and the points that its rows name are kept: a store that
 * opens is asked for each of its region's, by the names of its manifests.  What a store says of
 * itself (claims, with --deep every byte) comes after.  The site's lock is held shared: no daemon
 * runs, several checks may.  Nothing is written, so a kill leaves nothing.
 */
#include "server/check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/text.h"
#include "catalog/check.h"
#include "crypto/tls.h"
#include "crypto/token.h"
#include "os/file.h"
#include "inflow/journal.h"
#include "server/record.h"
#include "vault/care/care.h"
#include "vault/pack/crypt.h"
#include "vault/point/claim.h"
#include "vault/point/point.h"
#include "vault/open/regionrecord.h"

#define SECRET_MAX     65536
#define ROOM_LOW_BYTES (UINT64_C(64) << 20)
#define SOON_NS	       (30 * 24 * 3600 * LF_NS_PER_S)

struct check {
	const char *dir;
	const struct lf_check_opts *opts;
	json_t *findings;
	size_t faults;
	struct lf_site_record record;
	json_t *named;	    /* [{"id", "region", "point"}]: points that the catalog names */
	const char *region; /* being looked at */
	unsigned leftovers;
};

static char *path_of(const struct check *check, const char *name)
{
	return lf_printf_dup("%s/%s", check->dir, name);
}

/* A finding; state "fault" counts. */
static int say(struct check *check, const char *object, const char *state, const char *advice,
	       struct lf_error *err, const char *fmt, ...) LF_PRINTF(6, 7);
static int say(struct check *check, const char *object, const char *state, const char *advice,
	       struct lf_error *err, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	check->faults += strcmp(state, "fault") == 0;
	if (strcmp(state, "ok") == 0)
		advice = "";
	/* names of files may be any bytes */
	json_t *finding = json_pack("{s:s*, s:s, s:s*, s:s}", "object", object, "state", state,
				    "text", text, "advice", advice);
	if (!finding)
		finding = json_pack("{s:s, s:s, s:s, s:s}", "object", "a name that is not text",
				    "state", state, "text", "see the log", "advice", advice);
	return json_array_append_new(check->findings, finding) ? lf_fail_nomem(err) : 0;
}

static int say_error(struct check *check, const char *object, const struct lf_error *bad,
		     const char *advice, struct lf_error *err)
{
	if (bad->code == LF_ENOMEM)
		return lf_fail_nomem(err);
	return say(check, object, "fault", bad->hint[0] ? bad->hint : advice, err, "%s",
		   bad->message);
}

static int read_file(const struct check *check, const char *name, struct lf_buf *text,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(check, name);

	return path ? lf_file_read(path, SECRET_MAX, text, err) : lf_fail_nomem(err);
}

/* What the record asks for. */

static int check_record(struct check *check, struct lf_error *err)
{
	struct lf_error bad = LF_ERROR_NONE;
	unsigned missing = 0;
	int rc = lf_site_record_look(check->dir, &check->record, &missing, &bad);

	if (rc)
		return say_error(check, "site.json", &bad, "", err);
	if (!check->record.known)
		return say(check, "site.json", "note", "start landfalld to make one", err,
			   "there is no site here yet");
	rc = say(check, "site.json", check->record.doc ? "ok" : "note", "", err, "%s",
		 check->record.doc ? "says what the site has"
				   : "is not there yet: the next start writes it");
	for (unsigned i = 0; !rc && i < LF_PIECES; i++)
		if (missing & (1u << i))
			rc = say(check, lf_piece_file(i), "fault",
				 "mount or restore it (landfalld(8), LOSS)", err,
				 "is missing or empty; without it goes %s", lf_piece_loss(i));
	return rc;
}

/* Does a value fit the one in the record? */
static int compare(struct check *check, const char *object, const char *member, const char *value,
		   struct lf_error *err)
{
	const char *was = check->record.doc ? lf_json_text(check->record.doc, member) : NULL;

	return was && value && strcmp(was, value) != 0
		       ? say(check, object, "fault", "bring back its own (landfalld(8), LOSS)", err,
			     "is not the one of this site")
		       : 0;
}

/* Keys. */

/* PEM with a certificate and a private key; what it is signed with (NULL: not asked). */
static int check_pair(struct check *check, const char *name, const char *ca, const char *advice,
		      struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error bad = LF_ERROR_NONE;
	int64_t from = 0, to = 0, now = check->opts->now_ns;

	int rc = read_file(check, name, &text, &bad);
	if (rc == LF_ENOTFOUND)
		return 0; /* told already, or made at the next start */
	if (!rc)
		rc = lf_cert_check(lf_buf_text(&text), lf_buf_text(&text), ca, &from, &to, &bad);
	if (text.data)
		explicit_bzero(text.data, text.len);
	if (rc)
		return say_error(check, name, &bad, advice, err);
	if (from > now || to < now)
		return say(check, name, "fault", advice, err,
			   "the certificate is not good at this time by this machine's clock");
	return say(check, name, to - SOON_NS < now ? "note" : "ok", advice, err, "%s",
		   to - SOON_NS < now ? "ends within 30 days" : "key and certificate fit");
}

static int check_ca(struct check *check, struct lf_error *err)
{
	LF_AUTO_BUF ca = LF_BUF_INIT, copy = LF_BUF_INIT;
	struct lf_error bad;
	char print[LF_FINGERPRINT_SIZE], copy_print[LF_FINGERPRINT_SIZE];

	int rc = check_pair(check, "keys/ca.pem", NULL, "bring back the site's CA", err);
	if (rc || read_file(check, "keys/ca.pem", &ca, &bad) ||
	    lf_cert_fingerprint(lf_buf_text(&ca), print, &bad))
		return rc;
	rc = compare(check, "keys/ca.pem", "ca", print, err);
	if (!rc && (read_file(check, "ca.pem", &copy, &bad) ||
		    lf_cert_fingerprint(lf_buf_text(&copy), copy_print, &bad) ||
		    strcmp(print, copy_print) != 0))
		rc = say(check, "ca.pem", "note", "the next start writes it", err,
			 "is not the copy of keys/ca.pem that clients need");
	if (!rc)
		rc = check_pair(check, "keys/server.pem", lf_buf_text(&ca),
				"the next start makes it anew", err);
	explicit_bzero(ca.data, ca.len);
	return rc;
}

static int check_token_key(struct check *check, struct lf_error *err)
{
	LF_AUTO_BUF jwk = LF_BUF_INIT;
	LF_AUTO_JSON *jwks = NULL;
	struct lf_token_keys *keys = NULL;
	struct lf_error bad = LF_ERROR_NONE;

	int rc = read_file(check, "keys/token.jwk", &jwk, &bad);
	const char *const texts[] = {lf_buf_text(&jwk)};
	if (rc == LF_ENOTFOUND)
		return 0;
	if (!rc)
		rc = lf_token_keys_load(texts, 1, &keys, &bad);
	if (!rc)
		rc = lf_token_jwks(keys, &jwks, &bad);
	lf_token_keys_free(keys);
	if (jwk.data)
		explicit_bzero(jwk.data, jwk.len);
	if (rc)
		return say_error(check, "keys/token.jwk", &bad, "restore it from a copy", err);
	size_t before = check->faults;
	rc = compare(check, "keys/token.jwk", "tokenKey", lf_json_text(jwks, "keys.0.kid"), err);
	return rc || check->faults != before
		       ? rc
		       : say(check, "keys/token.jwk", "ok", "", err, "can be read");
}

static int check_peer_key(struct check *check, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *key = NULL;
	struct lf_error bad = LF_ERROR_NONE;
	uint8_t digest[32];
	char hex[65];

	int rc = read_file(check, "keys/peer.json", &text, &bad);
	if (rc == LF_ENOTFOUND)
		return 0;
	if (!rc)
		rc = lf_json_parse(lf_buf_text(&text), text.len, &key, &bad);
	const char *secret = lf_json_text_or(key, "secret", "");
	lf_sha256(secret, strlen(secret), digest);
	lf_hex_encode(digest, sizeof(digest), hex);
	if (text.data)
		explicit_bzero(text.data, text.len);
	if (rc || !secret[0])
		return say(check, "keys/peer.json", "fault", "restore it from a copy", err,
			   "holds no secret");
	size_t before = check->faults;
	rc = compare(check, "keys/peer.json", "peerKey", hex, err);
	return rc || check->faults != before
		       ? rc
		       : say(check, "keys/peer.json", "ok", "", err, "can be read");
}

/* What holds secrets is its owner's alone. */
static int check_mode(struct check *check, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(check, name);
	struct stat st;

	if (!path)
		return lf_fail_nomem(err);
	if (lstat(path, &st) || !(st.st_mode & 077))
		return 0;
	return say(check, name, "fault", "chmod go= it, and think of who may have read it", err,
		   "has mode %04o: others than its owner may use it", st.st_mode & 07777);
}

static int check_key_file(void *context, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("keys/%s", name);

	return path ? check_mode(context, path, err) : lf_fail_nomem(err);
}

static int check_modes(struct check *check, struct lf_error *err)
{
	static const char *const secret[] = {"keys", "client.env", "catalog.db", "regions",
					     "sessions"};
	LF_AUTO_FREE char *keys = path_of(check, "keys");
	struct stat st;
	size_t before = check->faults;
	int rc = 0;

	for (size_t i = 0; !rc && i < LF_N(secret); i++)
		rc = check_mode(check, secret[i], err);
	if (!rc && keys && access(keys, R_OK) == 0)
		rc = lf_dir_list(keys, check_key_file, check, err);
	if (!rc && stat(check->dir, &st) == 0 && st.st_mode & 022)
		rc = say(check, ".", "fault", "chmod go-w it", err,
			 "others than its owner may write to the directory");
	return rc || check->faults != before
		       ? rc
		       : say(check, "keys", "ok", "", err, "secret files are their owner's alone");
}

/* The catalog. */

static int row_fault(void *context, const char *object, const char *fault, struct lf_error *err)
{
	return say(context, object, "fault",
		   "a row is mended by writing the resource anew or deleting it; pages by a copy",
		   err, "%s", fault);
}

static int keep_point(void *context, const char *id, const char *region, const char *point,
		      struct lf_error *err)
{
	struct check *check = context;

	return json_array_append_new(check->named, json_pack("{s:s, s:s, s:s}", "id", id, "region",
							     region, "point", point))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int check_catalog(struct check *check, struct lf_error *err)
{
	LF_AUTO_FREE char *path = path_of(check, "catalog.db");
	LF_AUTO_FREE char *tenant = NULL;
	struct lf_catalog_counts counts = {0};
	size_t before = check->faults;

	if (!path)
		return lf_fail_nomem(err);
	if (access(path, F_OK))
		return 0;
	const struct lf_catalog_visitor visitor = {row_fault, keep_point, check};
	int rc = lf_catalog_check(path, &visitor, &counts, &tenant, err);
	if (!rc)
		rc = compare(check, "catalog.db", "tenantId", tenant ? tenant : "none", err);
	return rc || check->faults != before
		       ? rc
		       : say(check, "catalog.db", "ok", "", err,
			     "is whole: %llu resources, %llu jobs",
			     (unsigned long long)counts.resources, (unsigned long long)counts.jobs);
}

/* The audit log. */

struct audit_faults {
	struct check *check;
	struct lf_error *err;
	int rc;
};

static void audit_fault(void *context, const char *text)
{
	struct audit_faults *faults = context;

	if (!faults->rc)
		faults->rc = say(faults->check, "audit", "fault",
				 "compare with a copy: somebody may have changed it", faults->err,
				 "%s", text);
}

static int check_audit(struct check *check, struct lf_error *err)
{
	struct audit_faults faults = {check, err, 0};
	struct lf_audit_report report = {0};
	struct lf_error bad = LF_ERROR_NONE;

	if (!lf_site_record_id(&check->record, "auditKey")) /* of a version that kept none */
		return 0;
	if (lf_audit_verify(check->dir, 0, audit_fault, &faults, &report, &bad))
		return say_error(check, "audit", &bad, "restore it from a copy", err);
	if (faults.rc || report.faults)
		return faults.rc;
	return report.lines ? say(check, "audit", "ok", "", err, "is whole: %llu lines to %.16s",
				  (unsigned long long)report.lines, report.head)
			    : say(check, "audit", "fault", "restore it from a copy", err,
				  "the log of what was done is gone");
}

/* Stores. */

/* What nothing claims goes with the next collection: let go of, or its claim was lost. */
static int check_claims(struct check *check, const char *object, struct lf_vault *vault,
			const json_t *points, struct lf_error *err)
{
	size_t i, unclaimed = 0;
	const json_t *point;
	bool live;

	json_array_foreach (points, i, point) {
		int rc = lf_claims_live(vault, lf_json_text_or(point, "id", ""), NULL,
					check->opts->now_ns, &live, err);
		if (rc)
			return rc;
		unclaimed += !live;
	}
	return unclaimed ? say(check, object, "note",
			       "bring back the store's claims if they were not let go of", err,
			       "nothing claims %zu of %zu points: the next collection takes them",
			       unclaimed, json_array_size(points))
			 : 0;
}

/* Each point that the catalog names is in the store of its region, by name. */
static int check_named(struct check *check, const json_t *points, struct lf_error *err)
{
	LF_AUTO_JSON *there = json_object();
	const json_t *named, *point;
	size_t i;
	int rc = there ? 0 : lf_fail_nomem(err);

	json_array_foreach (points, i, point)
		if (!rc &&
		    json_object_set_new(there, lf_json_text_or(point, "id", ""), json_true()))
			rc = lf_fail_nomem(err);
	json_array_foreach (check->named, i, named) {
		const char *id = lf_json_text_or(named, "point", "");
		if (rc || json_object_get(there, id) ||
		    !lf_text_equal_nocase(lf_json_text_or(named, "region", ""), check->region))
			continue;
		rc = say(check, lf_json_text_or(named, "id", ""), "fault",
			 "restore the store from a copy, or delete what names the point", err,
			 "the store of %s has not its point %s", check->region, id);
	}
	return rc;
}

static int say_vault(struct check *check, const char *object, struct lf_vault *vault,
		     struct lf_error *err)
{
	const struct lf_verify_opts opts = {.now_ns = check->opts->now_ns};
	struct lf_error bad = LF_ERROR_NONE;
	LF_AUTO_JSON *points = NULL, *damaged = NULL, *faults = NULL;
	size_t i;
	json_t *fault;

	int rc = lf_point_list(vault, &points, &damaged, &bad);
	if (!rc && check->opts->deep)
		rc = lf_vault_verify(vault, &opts, &faults, &bad);
	if (rc)
		return say_error(check, object, &bad, "see landfall vault verify and repair", err);
	size_t before = check->faults;
	json_array_foreach (damaged, i, fault)
		if (!rc)
			rc = say(check, object, "fault",
				 "see landfall vault repair, or drop the point", err, "%s",
				 lf_json_text_or(fault, "damaged", ""));
	if (!rc && json_array_extend(points, damaged)) /* they are there */
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = check_named(check, points, err);
	if (!rc)
		rc = check_claims(check, object, vault, points, err);
	json_array_foreach (faults, i, fault)
		if (!rc)
			rc = say(check, object, "fault", "see landfall vault repair", err, "%s: %s",
				 lf_json_text_or(fault, "object", ""),
				 lf_json_text_or(fault, "fault", ""));
	return rc || check->faults != before
		       ? rc
		       : say(check, object, "ok", "", err,
			     "opens, and its %zu points can be read%s", json_array_size(points),
			     check->opts->deep ? "; every byte is as it was written" : "");
}

static int check_store(struct check *check, const char *region, struct lf_error *err)
{
	LF_AUTO_FREE char *object = lf_printf_dup("regions/%s/store", region);
	LF_AUTO_FREE char *dir = object ? path_of(check, object) : NULL;
	LF_AUTO_FREE char *key = path_of(check, "keys/platform.key");
	const struct lf_vault_opts opts = {.read_only = true};
	struct lf_error bad = LF_ERROR_NONE;
	struct lf_vault *vault = NULL;

	check->region = region;
	if (!dir || !key)
		return lf_fail_nomem(err);
	int rc = lf_vault_open(dir, key, &opts, &vault, &bad);
	if (rc == LF_EDENIED && strstr(bad.message, "were erased"))
		return say(check, object, "note", "", err, "its keys were erased");
	if (rc)
		return say_error(check, object, &bad,
				 "restore the platform key or the store's vault.json from a copy",
				 err);
	rc = say_vault(check, object, vault, err);
	lf_vault_free(vault);
	return rc;
}

static int check_stores(struct check *check, struct lf_error *err)
{
	struct lf_region_record regions;
	struct lf_error bad = LF_ERROR_NONE;
	size_t i;
	json_t *name;

	int rc = lf_region_record_open(check->dir, &regions, &bad);
	if (rc)
		return say_error(check, "regions.json", &bad, "", err);
	json_array_foreach (regions.names, i, name)
		if (!rc)
			rc = check_store(check, json_string_value(name), err);
	lf_region_record_done(&regions);
	return rc;
}

/* Sessions, leftovers, room. */

static int ignore_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	(void)context, (void)extent, (void)err;
	return 0;
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw);
static struct check *walking; /* nftw hands nothing on; the command has one thread */

static int look_at_file(struct check *check, const char *path, struct lf_error *err)
{
	const char *name = path + strlen(check->dir) + 1;
	size_t len = strlen(path);
	struct lf_error bad = LF_ERROR_NONE;

	check->leftovers += strstr(name, ".tmp-") != NULL;
	if (strncmp(name, "sessions/", 9) != 0 || len < 8 ||
	    strcmp(path + len - 8, ".journal") != 0)
		return 0;
	return lf_journal_walk(path, ignore_extent, NULL, &bad)
		       ? say_error(check, name, &bad,
				   "the session fails, and its agent begins anew", err)
		       : 0;
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct lf_error err;

	(void)st, (void)ftw;
	return type == FTW_F && look_at_file(walking, path, &err) ? 1 : 0;
}

static int check_files(struct check *check, struct lf_error *err)
{
	struct statvfs room;

	walking = check;
	int walked = nftw(check->dir, check_file, 16, FTW_PHYS | FTW_MOUNT);
	walking = NULL;
	if (walked)
		return walked > 0
			       ? lf_fail_nomem(err)
			       : lf_fail_sys(err, errno, check->dir, "cannot read %s", check->dir);
	int rc = check->leftovers
			 ? say(check, ".", "note",
			       "the next start or use of what they are of removes them", err,
			       "%u unfinished files (.tmp-) of a crash", check->leftovers)
			 : 0;
	if (rc || statvfs(check->dir, &room))
		return rc;
	uint64_t free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
	return say(check, ".", free_bytes < ROOM_LOW_BYTES ? "fault" : "ok",
		   free_bytes < ROOM_LOW_BYTES ? "make room" : "", err, "%llu MiB are free",
		   (unsigned long long)(free_bytes >> 20));
}

int lf_site_check(const char *dir, const struct lf_check_opts *opts, json_t **ret_findings,
		  size_t *ret_faults, struct lf_error *err)
{
	static int (*const looks[])(struct check * check, struct lf_error * err) = {
		check_record,  check_ca,    check_token_key, check_peer_key, check_modes,
		check_catalog, check_audit, check_stores,    check_files};
	struct check check = {.dir = dir, .opts = opts};
	LF_AUTO_FREE char *lock = lf_printf_dup("%s/lock", dir);

	if (access(dir, R_OK | X_OK))
		return lf_fail_sys(err, errno, dir, "cannot read %s", dir);
	LF_AUTO_FD fd = lock ? open(lock, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB)) {
		lf_fail(err, LF_ECONFLICT, dir, "a landfalld is running on %s", dir);
		return lf_error_hint(err, "stop it, or check a copy of the directory");
	}
	LF_AUTO_JSON *named = json_array();
	check.findings = json_array();
	check.named = named;
	int rc = lock && check.findings && named ? 0 : lf_fail_nomem(err);
	for (size_t i = 0; !rc && i < LF_N(looks); i++)
		rc = looks[i](&check, err);
	lf_site_record_done(&check.record);
	if (rc) {
		json_decref(check.findings);
		return rc;
	}
	*ret_findings = check.findings;
	*ret_faults = check.faults;
	return 0;
}
