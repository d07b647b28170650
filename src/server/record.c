/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of what a site has.  It is written as incomplete before anything
 * is made and completed when all is there, so that a kill in between is known
 * from a loss.  A later start compares what lies there with what the record
 * names and refuses what is missing, until an operator accepts the loss by
 * name.
 */
#include "server/record.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "os/file.h"
#include "vault/open/regionrecord.h"

#define RECORD_VERSION 1
#define CLIENT_MAX     65536 /* bytes of client.env */

static const struct {
	const char *name, *file, *loss;
} pieces[LF_PIECES] = {
	[LF_PIECE_CATALOG] = {"catalog", "catalog.db",
			      "every resource, job and policy; what the stores hold stays there, "
			      "and nothing lists it"},
	[LF_PIECE_CA] = {"ca", "keys/ca.pem",
			 "the trust of every agent, peer and client: agents register anew, clients "
			 "and peers are given the new ca.pem"},
	[LF_PIECE_TOKEN_KEY] = {"token-key", "keys/token.jwk",
				"tokens that were given out: clients sign in again"},
	[LF_PIECE_PEER_KEY] = {"peer-key", "keys/peer.json",
			       "the pairing: sites that send to this one are given the new key"},
	[LF_PIECE_AUDIT] = {"audit-key", "keys/audit.key",
			    "the proof that the audit log is as it was written: it is moved to "
			    "audit.lost, and a new one begins"},
	[LF_PIECE_CLIENT] = {"client-secret", "client.env",
			     "the first principal's secret: a new one is made, the old one no "
			     "longer signs in"},
	[LF_PIECE_REGIONS] = {"regions", "regions",
			      "every recovery point in stores that are not there"},
};

const char *lf_piece_file(enum lf_piece piece)
{
	return pieces[piece].file;
}

const char *lf_piece_loss(enum lf_piece piece)
{
	return pieces[piece].loss;
}

int lf_pieces_take(void *accepted, const char *words, struct lf_error *err)
{
	unsigned found = 0;

	for (const char *at = words; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		size_t len = strcspn(at, ","), i = 0;
		while (i < LF_PIECES &&
		       (strlen(pieces[i].name) != len || strncmp(pieces[i].name, at, len) != 0))
			i++;
		if (i == LF_PIECES)
			return lf_fail(err, LF_EINVAL, words,
				       "takes catalog, ca, token-key, peer-key, "
				       "audit-key, client-secret or regions");
		found |= 1u << i;
	}
	*(unsigned *)accepted |= found;
	return 0;
}

void lf_site_record_done(struct lf_site_record *record)
{
	free(record->path);
	json_decref(record->doc);
	*record = (struct lf_site_record){0};
}

/* A file of nothing is no piece: a crash or a bad copy leaves such. */
static bool has_bytes(const char *dir, const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static bool has_client_secret(const char *dir)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/client.env", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error err;

	bool found = path && lf_file_read(path, CLIENT_MAX, &text, &err) == 0 &&
		     strstr(lf_buf_text(&text), "LF_CLIENT_SECRET=");
	if (text.data)
		explicit_bzero(text.data, text.len);
	return found;
}

static int found_entry(void *context, const char *name, struct lf_error *err)
{
	(void)context, (void)name, (void)err;
	return 1;
}

static bool has_entries(const char *dir, const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", dir, name);
	struct lf_error err;

	return path && lf_dir_list(path, found_entry, NULL, &err) == 1;
}

/* Stores that were made and are not there; *ret_any: some were made. */
static int stores_missing(const char *dir, bool *ret_any, bool *ret_missing, struct lf_error *err)
{
	struct lf_region_record regions;
	size_t i;
	json_t *name;

	int rc = lf_region_record_open(dir, &regions, err);
	if (rc)
		return rc;
	*ret_any = json_array_size(regions.names) > 0;
	*ret_missing = false;
	json_array_foreach (regions.names, i, name)
		*ret_missing |= !lf_region_record_there(&regions, json_string_value(name));
	lf_region_record_done(&regions);
	return 0;
}

static int read_doc(struct lf_site_record *record, struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;

	if (access(record->path, F_OK))
		return 0;
	int rc = lf_json_read_file(record->path, &doc, err);
	if (rc == LF_EINVAL ||
	    (!rc && strcmp(lf_json_text_or(doc, "format", ""), "landfall-site") != 0)) {
		lf_fail(err, LF_ECORRUPT, record->path, "%s is damaged", record->path);
		return lf_error_hint(err, "remove it if everything else is there: it is made anew "
					  "of what is there");
	}
	if (!rc && lf_json_int_or(doc, "version", 0) > RECORD_VERSION)
		return lf_fail(err, LF_EUNSUPPORTED, record->path,
			       "%s was written by a newer version of Landfall", record->path);
	if (!rc)
		record->doc = lf_steal(&doc);
	return rc;
}

/* Which pieces the site had.  Of a time before the record: all, the pairing key if it was used. */
static unsigned had_pieces(const char *dir, const struct lf_site_record *record)
{
	unsigned all = (1u << LF_PIECE_CATALOG) | (1u << LF_PIECE_CA) | (1u << LF_PIECE_TOKEN_KEY) |
		       (1u << LF_PIECE_CLIENT);

	if (record->doc || has_entries(dir, "inbox"))
		all |= 1u << LF_PIECE_PEER_KEY;
	if (lf_json_text(record->doc, "auditKey"))
		all |= 1u << LF_PIECE_AUDIT;
	return all;
}

int lf_site_record_look(const char *dir, struct lf_site_record *ret_record, unsigned *ret_missing,
			struct lf_error *err)
{
	struct lf_site_record record = {.path = lf_printf_dup("%s/site.json", dir)};
	bool any_store = false, store_missing = false;
	unsigned there = 0;

	int rc = record.path ? read_doc(&record, err) : lf_fail_nomem(err);
	if (!rc)
		rc = stores_missing(dir, &any_store, &store_missing, err);
	if (rc) {
		lf_site_record_done(&record);
		return rc;
	}
	for (unsigned i = 0; i < LF_PIECE_CLIENT; i++)
		there |= has_bytes(dir, pieces[i].file) ? 1u << i : 0;
	there |= has_client_secret(dir) ? 1u << LF_PIECE_CLIENT : 0;
	record.known = record.doc ? lf_json_bool_or(record.doc, "complete", false)
				  : there || any_store || has_entries(dir, "accounts") ||
					    has_entries(dir, "sessions");
	*ret_missing = record.known ? had_pieces(dir, &record) & ~there : 0;
	if (store_missing)
		*ret_missing |= 1u << LF_PIECE_REGIONS;
	*ret_record = record;
	return 0;
}

static int fail_missing(const char *dir, unsigned missing, struct lf_error *err)
{
	LF_AUTO_BUF files = LF_BUF_INIT, names = LF_BUF_INIT;

	for (unsigned i = 0; i < LF_PIECES; i++) {
		if (!(missing & (1u << i)))
			continue;
		lf_buf_printf(&files, "%s%s", files.len ? ", " : "", pieces[i].file);
		lf_buf_printf(&names, "%s%s", names.len ? "," : "", pieces[i].name);
	}
	lf_fail_arm(err, LF_EPRECONDITION, "SitePieceMissing", dir, NULL,
		    "%s has been a site, and %s is missing (or empty)", dir, lf_buf_text(&files));
	return lf_error_hint(err,
			     "mount or restore it; if it is lost for good, start once with "
			     "--accept-loss %s: landfalld(8), LOSS, says what goes with it",
			     lf_buf_text(&names));
}

static int write_doc(struct lf_site_record *record, json_t *doc, struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;

	int rc = doc ? lf_json_dump(doc, &text, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_file_write_durable(record->path, text, strlen(text), 0600, err);
	if (rc) {
		json_decref(doc);
		return rc;
	}
	json_decref(record->doc);
	record->doc = doc;
	return 0;
}

static int settle(const char *dir, unsigned missing, struct lf_site_record *record,
		  struct lf_error *err)
{
	/* a region whose store is away harms itself only: vault/open/regions.h */
	unsigned refused = missing & ~record->accepted & ~(1u << LF_PIECE_REGIONS);
	unsigned gone = missing & record->accepted;

	if (refused)
		return fail_missing(dir, refused, err);
	for (unsigned i = 0; i < LF_PIECES; i++)
		if (gone & (1u << i))
			lf_warn("%s is given up: with it goes %s", pieces[i].file, pieces[i].loss);
	if (gone & (1u << LF_PIECE_REGIONS))
		return lf_region_record_forget(dir, err);
	if (record->known || record->doc)
		return 0;
	return write_doc(record,
			 json_pack("{s:s, s:i, s:b}", "format", "landfall-site", "version",
				   RECORD_VERSION, "complete", 0),
			 err);
}

int lf_site_record_open(const char *dir, unsigned accepted, struct lf_site_record *ret_record,
			struct lf_error *err)
{
	struct lf_site_record record;
	unsigned missing;

	int rc = lf_site_record_look(dir, &record, &missing, err);
	if (rc)
		return rc;
	record.accepted = accepted;
	rc = settle(dir, missing, &record, err);
	if (rc) {
		lf_site_record_done(&record);
		return rc;
	}
	*ret_record = record;
	return 0;
}

const char *lf_site_record_id(const struct lf_site_record *record, const char *name)
{
	return lf_json_text(record->doc, name);
}

/* Members of the record, and the piece that each is of. */
struct member {
	const char *name, *value;
	enum lf_piece piece;
};
#define MEMBERS 8
static void list_members(const struct lf_identity *identity, struct member out[static MEMBERS])
{
	const struct member members[MEMBERS] = {
		{"tenantId", identity->tenant_id, LF_PIECE_CATALOG},
		{"subscriptionId", identity->subscription_id, LF_PIECE_CATALOG},
		{"ownerClientId", identity->client_id, LF_PIECE_CATALOG},
		{"ownerObjectId", identity->owner_id, LF_PIECE_CATALOG},
		{"ca", identity->ca_fingerprint, LF_PIECE_CA},
		{"tokenKey", identity->token_key, LF_PIECE_TOKEN_KEY},
		{"peerKey", identity->peer_key, LF_PIECE_PEER_KEY},
		{"auditKey", identity->audit_key, LF_PIECE_AUDIT},
	};

	memcpy(out, members, sizeof(members));
}

int lf_site_record_check(const struct lf_site_record *record, const struct lf_identity *identity,
			 struct lf_error *err)
{
	struct member members[MEMBERS];

	list_members(identity, members);
	for (size_t i = 0; i < MEMBERS; i++) {
		const char *was = lf_json_text(record->doc, members[i].name);
		if (!was || strcmp(was, members[i].value) == 0 ||
		    record->accepted & (1u << members[i].piece))
			continue;
		lf_fail_arm(err, LF_EPRECONDITION, "SitePieceOther", pieces[members[i].piece].file,
			    NULL, "%s is not the one of this site (%s)",
			    pieces[members[i].piece].file, record->path);
		return lf_error_hint(err,
				     "bring back its own; if that is lost for good, start once "
				     "with --accept-loss %s: landfalld(8), LOSS, says what goes "
				     "with it",
				     pieces[members[i].piece].name);
	}
	return 0;
}

int lf_site_record_complete(struct lf_site_record *record, const struct lf_identity *identity,
			    struct lf_error *err)
{
	struct member members[MEMBERS];
	LF_AUTO_JSON *doc = json_pack("{s:s, s:i, s:b}", "format", "landfall-site", "version",
				      RECORD_VERSION, "complete", 1);

	list_members(identity, members);
	for (size_t i = 0; i < MEMBERS; i++)
		if (lf_json_set_text(doc, members[i].name, members[i].value))
			return lf_fail_nomem(err);
	if (record->doc && json_equal(record->doc, doc))
		return 0;
	return write_doc(record, lf_steal(&doc), err);
}
