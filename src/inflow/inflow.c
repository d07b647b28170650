/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extents are checked and appended to the journal of their disk, which syncs them; only then is
 * the sender told.  A disk is built by walking its journal in the order in which extents came,
 * settling them into the order of pages, and editing the base's map with them.  A kill leaves the
 * journal as it was acknowledged, and of a map that was being built only chunks that the next
 * collection finds unused.
 */
#include "inflow/inflow.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "inflow/settle.h"
#include "os/file.h"
#include "vault/point/point.h"
#include "vault/lease.h"

#define JOURNAL_BYTES_MAX (UINT64_C(16) << 30) /* 64 TiB in pieces of 256 KiB, and some */
#define JOURNAL_SLACK	  (UINT64_C(1) << 20) /* records of a small disk that changes all the time */

static int journal_of(const struct lf_inflow *inflow, unsigned disk, char **ret_path,
		      struct lf_error *err)
{
	if (disk >= LF_INFLOW_DISKS_MAX)
		return lf_fail(err, LF_EINVAL, "disk", "there are at most %d disks",
			       LF_INFLOW_DISKS_MAX);
	*ret_path = lf_printf_dup("%s/%u.journal", inflow->dir, disk);
	return *ret_path ? 0 : lf_fail_nomem(err);
}

static int check_on_disk(const struct lf_extent *extent, uint64_t pages, struct lf_error *err)
{
	return lf_span_fits(extent->page, extent->pages, pages)
		       ? 0
		       : lf_fail(err, LF_EINVAL, "extents", "an extent is not on the disk");
}

static int check_extents(const uint8_t *records, size_t n, uint64_t pages, struct lf_error *err)
{
	struct lf_extent extent;
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		rc = lf_extent_decode(records + i * LF_EXTENT_WIRE_SIZE, &extent, err);
		if (!rc)
			rc = check_on_disk(&extent, pages, err);
	}
	return rc;
}

/* What a journal may hold: less than would fill a disk. */
static int check_room(const char *path, uint64_t pages, size_t n, struct lf_error *err)
{
	uint64_t most = (pages * 2 + JOURNAL_SLACK) * LF_EXTENT_WIRE_SIZE;
	struct stat st;

	most = most < JOURNAL_BYTES_MAX ? most : JOURNAL_BYTES_MAX;
	if (stat(path, &st))
		return errno == ENOENT ? 0
				       : lf_fail_sys(err, errno, path, "cannot look at %s", path);
	if ((uint64_t)st.st_size + n * LF_EXTENT_WIRE_SIZE <= most)
		return 0;
	return lf_fail_arm(err, LF_ETOOLARGE, "SessionTooLarge", "extents", "begin another session",
			   "a session has at most %llu bytes of extents for this disk",
			   (unsigned long long)most);
}

int lf_inflow_extents(const struct lf_inflow *inflow, unsigned disk, uint64_t pages, uint64_t upto,
		      const uint8_t *records, size_t n, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	int rc = journal_of(inflow, disk, &path, err);

	if (!rc)
		rc = check_extents(records, n, pages, err);
	if (!rc)
		rc = check_room(path, pages, n, err);
	return rc ? rc : lf_journal_append(path, records, n, upto, inflow->ends, err);
}

int lf_inflow_upto(const struct lf_inflow *inflow, unsigned disk, uint64_t *ret_upto,
		   struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	int rc = journal_of(inflow, disk, &path, err);

	return rc ? rc : lf_journal_upto(path, ret_upto, err);
}

int lf_inflow_cut(const struct lf_inflow *inflow, unsigned disk, uint64_t max_upto,
		  struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	int rc = journal_of(inflow, disk, &path, err);

	return rc ? rc : lf_journal_cut(path, max_upto, err);
}

/* A disk's map that is put together. */
struct build {
	const atomic_bool *stopping;
	struct lf_map_edit *edit;
	struct lf_settle *settle;
	uint64_t pages; /* of the disk */
};

static int put_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	const struct build *build = context;

	if (build->stopping && *build->stopping)
		return lf_fail(err, LF_ECANCELED, NULL, "the site is stopping");
	return lf_map_edit_put(build->edit, extent, err);
}

/* A site tells of holes as far as the larger disk reached that its base is of. */
static struct lf_extent cut_hole(const struct lf_extent *extent, uint64_t pages)
{
	struct lf_extent cut = *extent;
	uint64_t left = extent->page < pages ? pages - extent->page : 0;

	if (extent->hole && extent->pages > left)
		cut.pages = (uint32_t)left;
	return cut;
}

static int collect_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	const struct build *build = context;
	const struct lf_extent cut = cut_hole(extent, build->pages);
	int rc = cut.pages ? check_on_disk(&cut, build->pages, err) : 0;

	return rc || !cut.pages ? rc : lf_settle_add(build->settle, &cut, err);
}

static int apply_journal(struct build *build, const char *path, struct lf_error *err)
{
	int rc = lf_settle_new(put_extent, build, &build->settle, err);

	if (!rc)
		rc = lf_journal_walk(path, collect_extent, build, err);
	if (!rc)
		rc = lf_settle_flush(build->settle, err);
	lf_settle_free(build->settle);
	return rc;
}

int lf_inflow_build(const struct lf_inflow *inflow, unsigned disk, uint64_t pages,
		    const struct lf_root *base, struct lf_root *ret_root, struct lf_error *err)
{
	struct build build = {.stopping = inflow->stopping, .pages = pages};
	LF_AUTO_FREE char *path = NULL;
	int rc = journal_of(inflow, disk, &path, err);

	if (!rc)
		rc = lf_map_edit_begin(inflow->vault, lf_root_is_empty(base) ? NULL : base,
				       &build.edit, err);
	if (!rc)
		rc = apply_journal(&build, path, err);
	if (!rc)
		rc = lf_map_edit_truncate(build.edit, pages, err);
	if (!rc)
		rc = lf_map_edit_commit(build.edit, ret_root, err);
	lf_map_edit_free(build.edit);
	return rc;
}

int lf_inflow_end(const struct lf_inflow *inflow, const char *lease, struct lf_error *err)
{
	int rc = lf_lease_end(inflow->vault, lease, err);

	return rc ? rc : lf_dir_remove(inflow->dir, err);
}
