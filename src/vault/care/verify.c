/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verify: every byte of every file is compared with something.
 *
 * First the packs (checksums, seals, ids), which gives the set of chunks that
 * cannot be had; then index, key, claims, leases; then every point's maps.
 * Only when something is wrong are points gone through one by one to say which
 * are affected.  Beside a running daemon files come and go: what is missing
 * counts only if it is missing after a second look.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/map/map.h"
#include "vault/open/domainkey.h"
#include "vault/point/claim_internal.h"
#include "vault/point/manifest.h"
#include "vault/open/readme.h"
#include "vault/care/mark.h"
#include "vault/map/node.h"
#include "vault/point/point.h"
#include "vault/care/verify.h"

/* What could not be read for want of memory is no fault. */
static int tell(struct lf_verify *verify, const char *object, const struct lf_error *bad,
		const char *point, struct lf_error *err)
{
	return bad->code == LF_ENOMEM ? lf_fail_nomem(err)
				      : lf_verify_fault(verify, object, bad->message, point, err);
}

static int check_text(struct lf_verify *verify, const char *name, const char *expected,
		      struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error bad;
	int rc = lf_store_get(verify->vault->store, name, 65536, &text, &bad);

	if (rc == LF_ENOTFOUND && strchr(name, '/'))
		return 0; /* a lease that ended */
	if (!rc && text.len == strlen(expected) &&
	    memcmp(lf_buf_text(&text), expected, text.len) == 0)
		return 0;
	if (!rc)
		rc = lf_fail(&bad, LF_ECORRUPT, name, "its text is not as it was written");
	return tell(verify, name, &bad, NULL, err);
}

static int check_readme(struct lf_verify *verify, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error bad;
	int rc = lf_store_get(verify->vault->store, "README", 65536, &text, &bad);

	if (!rc && lf_vault_readme_check(lf_buf_text(&text), text.len))
		return 0;
	if (!rc)
		rc = lf_fail(&bad, LF_ECORRUPT, NULL, "its text is not as it was written");
	return tell(verify, "README", &bad, NULL, err);
}

static int check_lease(void *context, const char *id, struct lf_error *err)
{
	char name[64];

	if (!lf_guid_valid(id))
		return 0; /* not ours */
	snprintf(name, sizeof(name), "sessions/%s", id);
	return check_text(context, name, "landfall-session 1\n", err);
}

static int check_claim(void *context, const char *claim, struct lf_error *err)
{
	struct lf_verify *verify = context;
	char name[256];
	struct lf_error bad;
	int64_t until_ns;
	int rc = lf_claim_read(verify->vault, verify->point, claim, &until_ns, &bad);

	if (!rc || rc == LF_ENOTFOUND || bad.sys == EISDIR)
		return 0;
	snprintf(name, sizeof(name), "claims/%s/%.128s", verify->point, claim);
	return tell(verify, name, &bad, verify->point, err);
}

static int check_claims(void *context, const char *point, struct lf_error *err)
{
	struct lf_verify *verify = context;
	char folder[64];

	if (!lf_guid_valid(point))
		return 0; /* not ours */
	snprintf(folder, sizeof(folder), "claims/%s", point);
	verify->point = point;
	return lf_store_list(verify->vault->store, folder, check_claim, verify, err);
}

static int check_small_files(struct lf_verify *verify, struct lf_error *err)
{
	struct lf_vault *vault = verify->vault;
	struct lf_error bad;
	int rc = check_readme(verify, err);

	if (!rc && lf_domain_key_check(vault->dir, &bad))
		rc = tell(verify, "vault.json", &bad, NULL, err);
	if (!rc)
		rc = lf_store_list(vault->store, "sessions", check_lease, verify, err);
	if (!rc)
		rc = lf_store_list(vault->store, "claims", check_claims, verify, err);
	return rc;
}

static int check_run(void *context, const char *name, struct lf_error *err)
{
	struct lf_verify *verify = context;
	char path[96];
	struct lf_error bad;
	const char *end = strrchr(name, '.');

	if (!end || strcmp(end, ".run") != 0)
		return 0; /* not ours */
	snprintf(path, sizeof(path), "index/%.64s", name);
	int rc = lf_run_check_file(verify->vault->dir, path, &bad);
	/* merged into another meanwhile; or another version's, which is not used */
	if (!rc || rc == LF_ENOTFOUND || rc == LF_EUNSUPPORTED)
		return 0;
	return tell(verify, path, &bad, NULL, err);
}

/* A map names a chunk that the index does not have. */
static int note_missing(void *context, const struct lf_chunk_id *id, struct lf_error *err)
{
	struct lf_verify *verify = context;

	return lf_badset_add(&verify->bad, id, err);
}

static int note_short(struct lf_verify *verify, const struct lf_chunk_id *id, uint32_t need,
		      struct lf_error *err)
{
	struct lf_place place;

	if (!lf_index_find(verify->vault->index, id, 0, &place) || place.entry.plain >= need)
		return 0;
	return lf_badset_add(&verify->bad, id, err);
}

/* Goes through a map, and says whether it can be read whole. */
struct tour {
	struct lf_verify *verify;
	uint64_t pages; /* of the disk */
	bool affected;
};

static int tour_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct tour *tour = context;

	if (extent->hole)
		return 0;
	int rc = note_short(tour->verify, &extent->chunk,
			    (extent->chunk_page + extent->pages) * LF_PAGE_SIZE, err);
	tour->affected = tour->affected || lf_badset_has(&tour->verify->bad, &extent->chunk) ||
			 (tour->pages && extent->page + extent->pages > tour->pages);
	return rc;
}

static int tour_disk(void *context, const struct lf_root *root, uint64_t size, struct lf_error *err)
{
	struct tour *tour = context;
	struct lf_error bad;

	tour->pages = (size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
	if (lf_root_is_empty(root))
		return 0;
	int rc = lf_map_walk(tour->verify->vault, root, 0, lf_node_span(root->height), tour_extent,
			     tour, &bad);
	if (rc == LF_ENOMEM)
		return lf_fail_nomem(err);
	tour->affected = tour->affected || rc;
	return 0;
}

/* Second look at one point: is it there, and whole? */
static int judge_point(void *context, const char *id, struct lf_error *err)
{
	struct lf_verify *verify = context;
	struct tour tour = {.verify = verify};
	LF_AUTO_JSON *manifest = NULL;
	struct lf_error bad;
	char name[64];
	int rc = lf_guid_valid(id) ? lf_point_get(verify->vault, id, &manifest, &bad)
				   : LF_ENOTFOUND; /* not ours */

	if (rc == LF_ENOTFOUND)
		return 0;
	snprintf(name, sizeof(name), "points/%.40s", id);
	if (rc)
		return tell(verify, name, &bad, id, err);
	if (lf_manifest_roots(manifest, tour_disk, &tour, &bad))
		return tell(verify, name, &bad, id, err);
	if (!tour.affected)
		return 0;
	/* dropped and collected while we read? */
	json_decref(lf_steal(&manifest));
	if (lf_point_get(verify->vault, id, &manifest, &bad) == LF_ENOTFOUND)
		return 0;
	return lf_verify_fault(verify, name, "not all of its disks can be read", id, err);
}

static int check_point_quickly(void *context, const struct lf_root *root, uint64_t size,
			       struct lf_error *err)
{
	struct lf_verify *verify = context;

	(void)size;
	return lf_mark_root(&verify->mark, root, err);
}

/* All maps once; anything odd, and every point is looked at by itself. */
static int check_points(struct lf_verify *verify, struct lf_error *err)
{
	LF_AUTO_JSON *points = NULL;
	struct lf_error bad;
	const json_t *manifest;
	size_t i;
	int rc = lf_point_list(verify->vault, &points, NULL, &bad);

	if (rc == LF_ENOMEM)
		return lf_fail_nomem(err);
	json_array_foreach (points, i, manifest)
		if (!rc)
			rc = lf_manifest_roots(manifest, check_point_quickly, verify, &bad);
	if (!rc && !verify->bad.count)
		return 0;
	return lf_store_list(verify->vault->store, "points", judge_point, verify, err);
}

/* Without keys: is a manifest's file as it was written? */
static int check_manifest(void *context, const char *id, struct lf_error *err)
{
	struct lf_verify *verify = context;
	LF_AUTO_BUF file = LF_BUF_INIT;
	struct lf_error bad;
	char name[64];

	if (!lf_guid_valid(id))
		return 0; /* not ours */
	snprintf(name, sizeof(name), "points/%.40s", id);
	int rc = lf_store_get(verify->vault->store, name, 2 * LF_POINT_BYTES_MAX, &file, &bad);
	if (rc == LF_ENOTFOUND)
		return 0; /* collected meanwhile */
	if (!rc)
		rc = lf_manifest_check(id, lf_buf_text(&file), file.len, &bad);
	return rc ? tell(verify, name, &bad, id, err) : 0;
}

LF_REQUIRES(lf_collecting_lock)
static int check_maps(struct lf_verify *verify, struct lf_error *err)
{
	int rc = lf_mark_begin(&verify->mark, verify->vault, err);

	verify->mark.missing = note_missing;
	verify->mark.context = verify;
	if (!rc)
		rc = check_points(verify, err);
	lf_mark_end(&verify->mark);
	return rc;
}

int lf_verify_all(struct lf_verify *verify, struct lf_error *err)
{
	struct lf_vault *vault = verify->vault;
	struct lf_error ignored;
	int rc = check_small_files(verify, err);

	if (!rc)
		rc = lf_index_refresh(vault->index, err);
	if (!rc)
		rc = lf_store_list(vault->store, "index", check_run, verify, err);
	if (!rc)
		rc = lf_verify_packs(verify, err);
	if (!rc)
		rc = vault->keyless
			     ? lf_store_list(vault->store, "points", check_manifest, verify, err)
			     : check_maps(verify, err);
	/* without the note the next one takes longer; a store that is only read has none */
	if (!rc && !vault->keyless && lf_verified_save(vault->store, &verify->found, &ignored))
		return 0;
	return rc;
}

int lf_verify_begin(struct lf_verify *verify, struct lf_vault *vault,
		    const struct lf_verify_opts *opts, struct lf_error *err)
{
	static const struct lf_verify_opts everything;

	*verify = (struct lf_verify){.vault = vault, .faults = json_array(), .opts = opts};
	if (!opts)
		verify->opts = &everything;
	if (!verify->faults)
		return lf_fail_nomem(err);
	return lf_verified_load(vault->store, &verify->known, err);
}

void lf_verify_done(struct lf_verify *verify)
{
	lf_badset_done(&verify->bad);
	lf_verified_done(&verify->known);
	lf_verified_done(&verify->found);
}

int lf_vault_verify(struct lf_vault *vault, const struct lf_verify_opts *opts, json_t **ret_faults,
		    struct lf_error *err)
{
	struct lf_verify verify;
	int rc = lf_verify_begin(&verify, vault, opts, err);

	if (!rc) {
		LF_GUARD(&vault->collecting_mutex, lf_collecting_lock);
		rc = lf_verify_all(&verify, err);
	}
	lf_verify_done(&verify);
	if (rc) {
		json_decref(verify.faults);
		return rc;
	}
	*ret_faults = verify.faults;
	return 0;
}
