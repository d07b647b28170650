/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repair: what can still be read is copied out of damaged packs, what cannot is
 * fetched from a peer, and only then do damaged packs leave the store.  A map
 * node that comes back shows what is missing below it, so it goes round by
 * round until a round brings nothing more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "json/doc.h"
#include "os/file.h"
#include "vault/point/manifest.h"
#include "vault/care/verify.h"

#define ROUNDS_MAX 64

struct repair {
	struct lf_vault *vault, *peer;
	struct lf_pack_writer *writer;
	struct lf_opener *opener;
	uint8_t *plain;
	int64_t packs, moved, fetched, points, lost;
};

static int add_chunk(struct repair *repair, const struct lf_place *place, uint32_t len,
		     bool *ret_added, struct lf_error *err)
{
	const struct lf_chunk_id *id = &place->entry.id;
	int rc = lf_vault_open_pack(repair->vault,
				    lf_pack_owner(place->pack->flags, place->pack->salt),
				    &repair->writer, err);

	*ret_added = false;
	if (rc || lf_pack_writer_find(repair->writer, id))
		return rc;
	*ret_added = true;
	return lf_pack_writer_add_kind(repair->writer, id, place->entry.kind, repair->plain, len,
				       err);
}

/* No memory: nothing is known of what was to be read. */
static bool is_ours(const struct lf_error *bad)
{
	return bad->code == LF_ENOMEM;
}

/* A record of a damaged pack, as the index has it, if it can be read. */
static int move_record(void *context, const struct lf_place *place, struct lf_error *err)
{
	struct repair *repair = context;
	struct lf_error bad;
	bool added;

	if (lf_vault_read_place(repair->vault, repair->opener, place, repair->plain, &bad))
		return is_ours(&bad) ? lf_fail_nomem(err) : 0;
	int rc = add_chunk(repair, place, place->entry.plain, &added, err);
	repair->moved += added;
	return rc;
}

static int move_pack(struct repair *repair, const char *object, struct lf_error *err)
{
	struct lf_error bad;
	uint8_t name[32];

	if (lf_hex_decode(object + strlen("packs/"), name, 32, &bad))
		return 0; /* no pack's name: nothing in it is known */
	return lf_index_each_record(repair->vault->index, name, move_record, repair, err);
}

static int quarantine_pack(struct repair *repair, const char *object, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/quarantine", repair->vault->dir);
	LF_AUTO_FREE char *from = lf_printf_dup("%s/%s", repair->vault->dir, object);
	LF_AUTO_FREE char *to =
		lf_printf_dup("%s/quarantine/%s", repair->vault->dir, object + strlen("packs/"));

	if (!dir || !from || !to)
		return lf_fail_nomem(err);
	int rc = lf_dir_make(dir, 0700, err);
	if (!rc)
		rc = lf_file_rename_durable(from, to, err);
	if (!rc)
		rc = lf_file_sync_parent(from, err);
	repair->packs += !rc;
	LF_CRASH_POINT("vault-repair-quarantine");
	return rc == LF_ENOTFOUND ? 0 : rc;
}

/* The ids that a peer has are those of the same bytes; they are looked at all the same. */
static int fetch_chunk(struct repair *repair, const struct lf_chunk_id *id, struct lf_error *err)
{
	struct lf_place place;
	struct lf_error bad;
	uint32_t len = 0;
	bool added;

	if (!repair->peer || !lf_index_find(repair->peer->index, id, 0, &place))
		return 0;
	if (lf_vault_load_chunk(repair->peer, id, repair->plain, &len, &bad))
		return is_ours(&bad) ? lf_fail_nomem(err) : 0;
	if (lf_vault_check_id(repair->vault, lf_pack_owner(place.pack->flags, place.pack->salt), id,
			      repair->plain, len, &bad))
		return 0;
	int rc = add_chunk(repair, &place, len, &added, err);
	repair->fetched += added;
	return rc;
}

/* A manifest that cannot be opened, as the peer has it. */
static int fetch_manifest(struct repair *repair, const char *id, struct lf_error *err)
{
	LF_AUTO_JSON *manifest = NULL;
	LF_AUTO_JSON *mine = NULL;
	LF_AUTO_BUF file = LF_BUF_INIT;
	struct lf_error bad;
	char name[64];

	/* one that opens is not the fault; what its disks lack is */
	if (!repair->peer || !lf_guid_valid(id) || !lf_point_get(repair->vault, id, &mine, &bad))
		return 0;
	if (is_ours(&bad) || (lf_point_get(repair->peer, id, &manifest, &bad) && is_ours(&bad)))
		return lf_fail_nomem(err);
	if (!manifest)
		return 0;
	LF_AUTO_FREE char *text = json_dumps(manifest, JSON_COMPACT);
	if (!text)
		return lf_fail_nomem(err);
	snprintf(name, sizeof(name), "points/%s", id);
	int rc = lf_manifest_seal(&repair->vault->key, id, text, &file, err);
	if (!rc)
		rc = lf_store_put(repair->vault->store, name, file.data, file.len, err);
	repair->points += !rc;
	return rc;
}

static bool is_of(const json_t *fault, const char *folder)
{
	return strncmp(lf_json_text_or(fault, "object", ""), folder, strlen(folder)) == 0;
}

/* Everything that one verification showed; what is good is durable before what is bad goes. */
static int mend(struct repair *repair, const struct lf_verify *verify, struct lf_error *err)
{
	const json_t *fault;
	size_t i, dropped;
	int rc = 0;

	json_array_foreach (verify->faults, i, fault) {
		const char *object = lf_json_text_or(fault, "object", "");
		if (!rc && is_of(fault, "packs/"))
			rc = move_pack(repair, object, err);
		if (!rc && is_of(fault, "points/"))
			rc = fetch_manifest(repair, object + strlen("points/"), err);
	}
	for (i = 0; !rc && i < verify->bad.count; i++)
		rc = fetch_chunk(repair, &verify->bad.ids[i], err);
	if (!rc)
		rc = lf_vault_close_pack(repair->vault, &repair->writer, err);
	json_array_foreach (verify->faults, i, fault)
		if (!rc && is_of(fault, "packs/"))
			rc = quarantine_pack(repair, lf_json_text_or(fault, "object", ""), err);
	if (!rc)
		rc = lf_index_heal(repair->vault->index, &dropped, err);
	return rc ? rc : lf_index_refresh(repair->vault->index, err);
}

/* Verify, mend, and again, as long as that brings something. */
LF_REQUIRES(lf_collecting_lock)
static int go_round(struct repair *repair, const struct lf_verify_opts *opts, json_t **ret_faults,
		    struct lf_error *err)
{
	int rc = 0;

	for (int round = 0; !rc && round < ROUNDS_MAX; round++) {
		int64_t before = repair->packs + repair->moved + repair->fetched + repair->points;
		struct lf_verify verify;
		rc = lf_verify_begin(&verify, repair->vault, opts, err);
		if (!rc)
			rc = lf_verify_all(&verify, err);
		if (!rc)
			rc = mend(repair, &verify, err);
		repair->lost = (int64_t)verify.bad.count;
		lf_verify_done(&verify);
		json_decref(*ret_faults);
		*ret_faults = verify.faults;
		if (before == repair->packs + repair->moved + repair->fetched + repair->points)
			break;
	}
	return rc;
}

int lf_vault_repair(struct lf_vault *vault, struct lf_vault *peer, int64_t now_ns,
		    json_t **ret_report, struct lf_error *err)
{
	/* what a round before found whole is whole */
	const struct lf_verify_opts opts = {
		.now_ns = now_ns, .incremental = true, .older_than_ns = 1};
	struct repair repair = {.vault = vault, .peer = peer, .plain = malloc(LF_CHUNK_BYTES_MAX)};
	LF_AUTO_JSON *faults = NULL;
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = repair.plain ? lf_opener_get(vault, &repair.opener, err) : lf_fail_nomem(err);
	if (!rc) {
		LF_GUARD(&vault->collecting_mutex, lf_collecting_lock);
		rc = go_round(&repair, &opts, &faults, err);
	}
	lf_pack_writer_free(repair.writer);
	if (repair.opener)
		lf_opener_put(vault, repair.opener);
	free(repair.plain);
	if (rc)
		return rc;
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_int(&doc, "packs", repair.packs);
	lf_doc_int(&doc, "movedChunks", repair.moved);
	lf_doc_int(&doc, "peerChunks", repair.fetched);
	lf_doc_int(&doc, "peerPoints", repair.points);
	lf_doc_int(&doc, "lostChunks", repair.lost);
	lf_doc_put(&doc, "faults", json_incref(faults));
	*ret_report = lf_doc_take(&doc);
	return *ret_report ? 0 : lf_fail_nomem(err);
}
