/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A point is begun by making its directory, writing down who sends it and what its lease is
 * called, and beginning the lease; what came before of the same point goes.  Extents and packs
 * come in any order.  The commit builds a map of each disk, compares its root with the sender's,
 * has the point kept (opts->keep), and ends the transfer.
 *
 * A kill before the point is kept leaves the directory: the sender begins again, or the sweep ends
 * it after a week.  A kill after it leaves it, too, and the sender, who was not told, begins
 * again: the point that is there is the same.
 */
#include "peer/inbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/health.h"
#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "inflow/inflow.h"
#include "vault/pack/key.h"
#include "vault/point/point.h"
#include "vault/lease.h"

#define BASE_CLAIM_NS (7 * 24 * 3600 * LF_NS_PER_S)
#define PAGES_MAX     ((uint64_t)LF_DISK_BYTES_MAX / LF_PAGE_SIZE)

static char *point_dir(const struct lf_inbox_point *at)
{
	return lf_printf_dup("%s/inbox/%s/%s", at->opts->data_dir, at->region, at->point);
}

static int make_dirs(const struct lf_inbox_point *at, struct lf_error *err)
{
	LF_AUTO_FREE char *inbox = lf_printf_dup("%s/inbox", at->opts->data_dir);
	LF_AUTO_FREE char *region = lf_printf_dup("%s/inbox/%s", at->opts->data_dir, at->region);
	LF_AUTO_FREE char *dir = point_dir(at);

	if (!inbox || !region || !dir)
		return lf_fail_nomem(err);
	int rc = lf_dir_make(inbox, 0700, err);
	if (!rc)
		rc = lf_dir_make(region, 0700, err);
	return rc ? rc : lf_dir_make(dir, 0700, err);
}

/* A file that says something of the point. */
static char *file_of(const struct lf_inbox_point *at, const char *name)
{
	return lf_printf_dup("%s/inbox/%s/%s/%s", at->opts->data_dir, at->region, at->point, name);
}

/*
 * Who began a point goes on with it: another pairing, which is told neither its id nor that it is
 * there, does not.  LF_ENOTFOUND: not begun, or by another.
 */
static int check_own(const struct lf_inbox_point *at, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = point_dir(at);
	LF_AUTO_FREE char *path = file_of(at, "pairing");
	LF_AUTO_BUF pairing = LF_BUF_INIT;

	if (!dir || !path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, LF_PAIRING_NAME_SIZE, &pairing, err);
	if (rc == LF_ENOTFOUND && access(dir, F_OK) == 0)
		return 0; /* begun by an earlier version, or not quite */
	if (!rc && strcmp(lf_buf_text(&pairing), at->pairing) == 0)
		return 0;
	return rc && rc != LF_ENOTFOUND
		       ? rc
		       : lf_fail(err, LF_ENOTFOUND, at->point, "the point was not begun");
}

static int note_pairing(const struct lf_inbox_point *at, struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(at, "pairing");

	return path ? lf_file_write_durable(path, at->pairing, strlen(at->pairing), 0600, err)
		    : lf_fail_nomem(err);
}

/* A point under way, for one call. */
struct transfer {
	char *dir;
	struct lf_inflow inflow;
};

static void transfer_done(struct transfer *transfer)
{
	free(transfer->dir);
}
#define AUTO_TRANSFER LF_CLEANUP(transfer_done) struct transfer

static int use_vault(const struct lf_inbox_point *at, struct lf_vault *vault,
		     struct transfer *transfer, struct lf_error *err)
{
	transfer->dir = point_dir(at);
	transfer->inflow = (struct lf_inflow){
		.vault = vault, .dir = transfer->dir, .ends = at->ends, .stopping = at->stopping};
	return transfer->dir ? 0 : lf_fail_nomem(err);
}

/* One that was begun, by whoever asks. */
static int find_begun(const struct lf_inbox_point *at, struct transfer *transfer,
		      struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	int rc = check_own(at, err);

	if (!rc)
		rc = lf_regions_vault(at->opts->regions, at->region, &vault, err);
	return rc ? rc : use_vault(at, vault, transfer, err);
}

/*
 * The vault's lease has a name of its own: one called as the point could be another's, of an agent
 * whose session becomes the point of its id.  It is written down before it begins.
 */
static int begin_lease(const struct lf_inbox_point *at, struct lf_vault *vault,
		       struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(at, "session");
	char lease[LF_GUID_SIZE];

	lf_guid_random(lease);
	int rc = path ? lf_file_write_durable(path, lease, strlen(lease), 0600, err)
		      : lf_fail_nomem(err);
	return rc ? rc : lf_lease_begin(vault, lease, err);
}

static int end(const struct lf_inbox_point *at, const struct lf_inflow *inflow,
	       struct lf_error *err)
{
	LF_AUTO_FREE char *path = file_of(at, "session");
	LF_AUTO_BUF lease = LF_BUF_INIT;
	int rc = path ? lf_file_read(path, LF_GUID_SIZE, &lease, err) : lf_fail_nomem(err);

	if (rc == LF_ENOTFOUND) /* begun by an earlier version, or not quite */
		return lf_inflow_end(inflow, at->point, err);
	return rc ? rc : lf_inflow_end(inflow, lf_buf_text(&lease), err);
}

/* Did the pairing that asks send this point? */
static int is_sent(const struct lf_inbox_point *at, const char *point, struct lf_error *err)
{
	const struct lf_received what = {at->pairing, at->region, point};

	return at->opts->sent(at->opts->context, &what, err);
}

static int claim_base(const struct lf_inbox_point *at, struct lf_vault *vault,
		      const char *base_point, bool *ret_base, struct lf_error *err)
{
	char claim[LF_GUID_SIZE + 8];
	struct lf_error ignored;

	*ret_base = false;
	if (!base_point)
		return 0;
	if (!lf_guid_valid(base_point))
		return lf_fail(err, LF_EINVAL, "basePoint", "not the id of a point");
	if (is_sent(at, base_point, &ignored))
		return 0; /* nothing is begun from others' points */
	snprintf(claim, sizeof(claim), "peer:%s", at->point);
	int rc = lf_claim_put(vault, base_point, claim,
			      lf_clock_now_ns(at->opts->clock) + BASE_CLAIM_NS, err);
	*ret_base = !rc;
	return rc == LF_ENOTFOUND ? 0 : rc;
}

struct count {
	struct lf_inbox_point at;
	unsigned n;
};

/* Each pairing has room of its own: none fills another's. */
static int count_point(void *context, const char *name, struct lf_error *err)
{
	struct count *count = context;

	snprintf(count->at.point, sizeof(count->at.point), "%s", name);
	int rc = check_own(&count->at, err);
	count->n += rc == 0;
	return rc == LF_ENOTFOUND ? 0 : rc;
}

static int check_room(const struct lf_inbox_point *at, struct lf_error *err)
{
	LF_AUTO_FREE char *region = lf_printf_dup("%s/inbox/%s", at->opts->data_dir, at->region);
	struct count count = {.at = *at};

	if (!region)
		return lf_fail_nomem(err);
	int rc = lf_dir_list_if(region, count_point, &count, err);
	if (rc)
		return rc;
	return count.n < LF_INBOX_POINTS_MAX
		       ? 0
		       : lf_fail(err, LF_ETHROTTLED, at->region,
				 "%u points of region %s are on their way already", count.n,
				 at->region);
}

/* What was begun before is forgotten, its lease with it. */
static int begin_anew(const struct lf_inbox_point *at, struct lf_vault *vault, struct lf_error *err)
{
	AUTO_TRANSFER before = {0};
	int rc = use_vault(at, vault, &before, err);

	if (!rc)
		rc = access(before.dir, F_OK) ? check_room(at, err) : check_own(at, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail_arm(err, LF_ECONFLICT, "PointIsNotAReplica", at->point, NULL,
				   "another sender sends a point of that id");
	if (!rc && access(before.dir, F_OK) == 0)
		rc = end(at, &before.inflow, err);
	/* the directory first: by it the sweep finds the lease, which keeps all garbage */
	if (!rc)
		rc = make_dirs(at, err);
	if (!rc)
		rc = note_pairing(at, err);
	LF_CRASH_POINT("inbox-begun");
	return rc ? rc : begin_lease(at, vault, err);
}

int lf_inbox_begin(const struct lf_inbox_point *at, const uint8_t id_key[static 32],
		   const char *base_point, struct lf_domain_key *ret_key, bool *ret_base,
		   struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	int rc = lf_regions_join(at->opts->regions, at->region, id_key, &vault, err);

	if (!rc)
		rc = is_sent(at, at->point, err);
	if (!rc || rc == LF_ENOTFOUND)
		rc = begin_anew(at, vault, err);
	if (!rc)
		rc = claim_base(at, vault, base_point, ret_base, err);
	if (!rc)
		*ret_key = *lf_vault_key(vault);
	return rc;
}

/* The chunks that the records name; zero for a hole, which is nobody's name. */
static int ids_of(const uint8_t *records, size_t n, struct lf_chunk_id *ids, struct lf_error *err)
{
	struct lf_extent extent;
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		rc = lf_extent_decode(records + i * LF_EXTENT_WIRE_SIZE, &extent, err);
		if (!rc && !extent.hole)
			ids[i] = extent.chunk;
	}
	return rc;
}

/* How large the disk is, its commit says: until then it is as large as any. */
int lf_inbox_extents(const struct lf_inbox_point *at, unsigned disk, const uint8_t *records,
		     size_t n, uint8_t *ret_have, struct lf_error *err)
{
	LF_AUTO_FREE struct lf_chunk_id *ids = calloc(n + 1, sizeof(*ids));
	AUTO_TRANSFER transfer = {0};
	int rc = ids ? find_begun(at, &transfer, err) : lf_fail_nomem(err);

	if (!rc)
		rc = ids_of(records, n, ids, err);
	if (!rc)
		rc = lf_inflow_extents(&transfer.inflow, disk, PAGES_MAX, 0, records, n, err);
	if (!rc)
		utimensat(AT_FDCWD, transfer.dir, NULL, 0); /* it is not forgotten */
	return rc ? rc : lf_vault_have(transfer.inflow.vault, ids, n, ret_have, err);
}

int lf_inbox_pack_path(const struct lf_inbox_point *at, char **ret_path, struct lf_error *err)
{
	char guid[LF_GUID_SIZE];
	int rc = check_own(at, err);

	if (rc)
		return rc;
	lf_guid_random(guid);
	*ret_path = lf_printf_dup("%s/inbox/%s/%s/%s.pack", at->opts->data_dir, at->region,
				  at->point, guid);
	return *ret_path ? 0 : lf_fail_nomem(err);
}

int lf_inbox_adopt(const struct lf_inbox_point *at, const char *path, struct lf_error *err)
{
	AUTO_TRANSFER transfer = {0};
	int rc = find_begun(at, &transfer, err);

	return rc ? rc : lf_vault_adopt_pack(transfer.inflow.vault, path, err);
}

/* A base is a disk of the point that was claimed. */
static int base_root(const struct lf_inbox_point *at, struct lf_vault *vault, const json_t *body,
		     const char *text, struct lf_root *ret_root, struct lf_error *err)
{
	const char *base_point = lf_json_text_or(body, "basePoint", "");
	LF_AUTO_JSON *manifest = NULL;
	const json_t *disk;
	size_t i;
	int rc = is_sent(at, base_point, err);

	if (!rc)
		rc = lf_point_get(vault, base_point, &manifest, err);
	if (rc)
		return rc;
	json_array_foreach (lf_json_at(manifest, "disks"), i, disk)
		if (strcmp(lf_json_text_or(disk, "root", ""), text) == 0)
			return lf_root_parse(text, ret_root, err);
	return lf_fail(err, LF_EINVAL, "disks", "the base of a disk is not in the base point");
}

/* The map of a disk, put together here, is the sender's or it is refused. */
static int build_disk(const struct lf_inbox_point *at, const struct lf_inflow *inflow,
		      const json_t *body, unsigned index, struct lf_error *err)
{
	const json_t *disk = json_array_get(lf_json_at(body, "manifest.disks"), index);
	const char *base = json_string_value(json_array_get(lf_json_at(body, "bases"), index));
	int64_t size = lf_json_int_or(disk, "sizeBytes", 0);
	struct lf_root root = {0}, wanted, built;
	int rc = lf_root_parse(lf_json_text_or(disk, "root", ""), &wanted, err);

	if (!rc && (size <= 0 || size > LF_DISK_BYTES_MAX))
		rc = lf_fail(err, LF_EINVAL, "disks", "a disk has 1 to %lld bytes",
			     (long long)LF_DISK_BYTES_MAX);
	if (!rc && base && base[0])
		rc = base_root(at, inflow->vault, body, base, &root, err);
	if (!rc)
		rc = lf_inflow_build(inflow, index, lf_pages_of((uint64_t)size), &root, &built,
				     err);
	if (rc == LF_ECANCELED)
		return lf_fail(err, LF_EUNREACHABLE, NULL, "the site is stopping");
	if (!rc && !lf_root_equal(&built, &wanted))
		rc = lf_fail(err, LF_EINVAL, "disks", "the disk's map differs from the sender's");
	return rc;
}

int lf_inbox_commit(const struct lf_inbox_point *at, const json_t *body, struct lf_error *err)
{
	const struct lf_received what = {at->pairing, at->region, at->point};
	size_t n = json_array_size(lf_json_at(body, "manifest.disks"));
	const char *base_point = lf_json_text(body, "basePoint");
	AUTO_TRANSFER transfer = {0};
	char claim[LF_GUID_SIZE + 8];

	int rc = n && n <= LF_INFLOW_DISKS_MAX
			 ? find_begun(at, &transfer, err)
			 : lf_fail(err, LF_EINVAL, "disks", "a point has 1 to %d disks",
				   LF_INFLOW_DISKS_MAX);
	for (unsigned i = 0; !rc && i < n; i++)
		rc = build_disk(at, &transfer.inflow, body, i, err);
	if (!rc)
		rc = at->opts->keep(at->opts->context, &what, body, err);
	LF_CRASH_POINT("inbox-kept");
	snprintf(claim, sizeof(claim), "peer:%s", at->point);
	if (!rc && base_point)
		rc = lf_claim_drop(transfer.inflow.vault, base_point, claim, err);
	return rc ? rc : end(at, &transfer.inflow, err);
}

int lf_inbox_forget(const struct lf_inbox_point *at, struct lf_error *err)
{
	const struct lf_received what = {at->pairing, at->region, at->point};
	AUTO_TRANSFER transfer = {0};
	int rc = find_begun(at, &transfer, err);

	if (!rc)
		rc = end(at, &transfer.inflow, err);
	else if (rc == LF_ENOTFOUND)
		rc = 0;
	return rc ? rc : at->opts->forget(at->opts->context, &what, err);
}

/* The sweep: what lies in a region, and its points. */
struct sweep {
	struct lf_inbox_point at;
	int64_t before_s;
};

static int sweep_point(void *context, const char *name, struct lf_error *err)
{
	struct sweep *sweep = context;
	AUTO_TRANSFER transfer = {0};
	struct lf_vault *vault = NULL;
	struct stat st;

	if (!lf_guid_valid(name))
		return 0;
	snprintf(sweep->at.point, sizeof(sweep->at.point), "%s", name);
	LF_AUTO_FREE char *dir = point_dir(&sweep->at);
	if (!dir)
		return lf_fail_nomem(err);
	if (stat(dir, &st) || st.st_mtim.tv_sec >= sweep->before_s)
		return 0;
	int rc = lf_regions_vault(sweep->at.opts->regions, sweep->at.region, &vault, err);
	if (!rc)
		rc = use_vault(&sweep->at, vault, &transfer, err);
	if (!rc)
		rc = end(&sweep->at, &transfer.inflow, err);
	lf_health_set("inbox", name, rc, err); /* no other's trouble */
	return 0;
}

static int sweep_region(void *context, const char *name, struct lf_error *err)
{
	struct sweep *sweep = context;
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/inbox/%s", sweep->at.opts->data_dir, name);

	snprintf(sweep->at.region, sizeof(sweep->at.region), "%s", name);
	return dir ? lf_dir_list(dir, sweep_point, sweep, err) : lf_fail_nomem(err);
}

int lf_inbox_sweep(const struct lf_receive_opts *opts, int64_t before_s, struct lf_error *err)
{
	struct sweep sweep = {.at = {.opts = opts}, .before_s = before_s};
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/inbox", opts->data_dir);

	return dir ? lf_dir_list_if(dir, sweep_region, &sweep, err) : lf_fail_nomem(err);
}
