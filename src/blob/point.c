/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/point.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/text.h"
#include "blob/blob.h"
#include "image/vhd.h"
#include "os/file.h"
#include "vault/point.h"

#define PAGE 4096u
/* of a disk: far above what there is, and no sum of it wraps */
#define SIZE_MAX_BYTES (INT64_C(1) << 60)
#define GONE	       ".tmp-gone" /* hidden from lists: it is let go of */

static char *point_path(const char *data_dir, const char *account, const char *container,
			const char *blob, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	char *full;

	if (lf_blob_path(data_dir, account, container, blob, &path, err))
		return NULL;
	full = lf_printf_dup("%s" LF_BLOB_POINT_SUFFIX, path);
	if (!full)
		lf_fail_nomem(err);
	return full;
}

/* One claim for each file, whatever it is of. */
static void claim_name(const char *account, const char *container, const char *blob,
		       char out[static LF_GUID_SIZE + 8])
{
	LF_AUTO_FREE char *space = lf_printf_dup("%s/%s", account, container);
	char guid[LF_GUID_SIZE];

	lf_guid_derive(space ? space : "", blob, guid);
	snprintf(out, LF_GUID_SIZE + 8, "blob:%s", guid);
}

int lf_blob_put_point(const char *data_dir, struct lf_regions *regions, const char *account,
		      const char *container, const char *blob, const struct lf_blob_point *point,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *path = point_path(data_dir, account, container, blob, err);
	LF_AUTO_FREE char *text = NULL;
	char claim[LF_GUID_SIZE + 8];
	struct lf_vault *vault = NULL;

	if (!path)
		return err->code;
	claim_name(account, container, blob, claim);
	LF_AUTO_JSON *doc = json_pack("{s:s, s:s, s:s, s:I, s:s}", "region", point->region, "point",
				      point->point, "root", point->root, "sizeBytes",
				      (json_int_t)point->size_bytes, "claim", claim);
	int rc = doc ? lf_json_dump(doc, &text, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_regions_vault(regions, point->region, &vault, err);
	if (!rc)
		rc = lf_claim_put(vault, point->point, claim, LF_CLAIM_FOREVER, err);
	return rc ? rc : lf_file_write_durable(path, text, strlen(text), 0600, err);
}

int lf_blob_find_point(const char *data_dir, const char *account, const char *container,
		       const char *blob, json_t **ret_point, struct lf_error *err)
{
	LF_AUTO_FREE char *path = point_path(data_dir, account, container, blob, err);
	LF_AUTO_JSON *point = NULL;

	int rc = path ? lf_json_read_file(path, &point, err) : err->code;
	if (rc)
		return rc;
	json_int_t size = lf_json_int_or(point, "sizeBytes", -1);
	if (size < 0 || size > SIZE_MAX_BYTES)
		return lf_fail(err, LF_ECORRUPT, blob, "the disk of a blob has no size");
	*ret_point = lf_steal(&point);
	return 0;
}

static int drop_claim(struct lf_regions *regions, const json_t *doc, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	int rc = lf_regions_vault(regions, lf_json_text_or(doc, "region", ""), &vault, err);

	if (!rc)
		rc = lf_claim_drop(vault, lf_json_text_or(doc, "point", ""),
				   lf_json_text_or(doc, "claim", ""), err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

int lf_blob_remove_point(const char *data_dir, struct lf_regions *regions, const char *account,
			 const char *container, const char *blob, struct lf_error *err)
{
	LF_AUTO_FREE char *path = point_path(data_dir, account, container, blob, err);
	LF_AUTO_FREE char *gone = path ? lf_printf_dup("%s" GONE, path) : NULL;
	LF_AUTO_JSON *doc = NULL;

	if (!path)
		return err->code;
	int rc = gone ? lf_json_read_file(path, &doc, err) : lf_fail_nomem(err);
	/* nobody reads it any more, and it still says which claim is to go */
	if (!rc)
		rc = lf_file_rename_durable(path, gone, err);
	if (!rc)
		rc = drop_claim(regions, doc, err);
	return rc ? rc : lf_file_remove(gone, err);
}

struct releasing {
	struct lf_regions *regions;
	const char *dir;
};

static int release_point(void *context, const char *name, struct lf_error *err)
{
	const struct releasing *releasing = context;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", releasing->dir, name);
	LF_AUTO_JSON *doc = NULL;

	if (!path)
		return lf_fail_nomem(err);
	if (!strstr(name, LF_BLOB_POINT_SUFFIX) || lf_json_read_file(path, &doc, err) ||
	    !lf_json_text(doc, "claim"))
		return 0;
	int rc = drop_claim(releasing->regions, doc, err);
	return rc ? rc : lf_file_remove(path, err);
}

int lf_blob_release_points(const char *data_dir, struct lf_regions *regions, const char *account,
			   const char *container, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/accounts/%s/%s", data_dir, account, container);
	struct releasing releasing = {regions, dir};

	if (!dir)
		return lf_fail_nomem(err);
	int rc = lf_dir_list(dir, release_point, &releasing, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

static uint64_t disk_bytes(const json_t *point)
{
	return lf_vhd_disk_size((uint64_t)lf_json_int_or(point, "sizeBytes", 0));
}

uint64_t lf_blob_point_length(const json_t *point)
{
	return disk_bytes(point) + LF_VHD_FOOTER_SIZE;
}

struct lf_blob_point_reader {
	struct lf_vault *vault;
	struct lf_root root;
	uint64_t disk, from;
	uint8_t footer[LF_VHD_FOOTER_SIZE];
};

int lf_blob_point_reader_open(struct lf_regions *regions, const json_t *point, uint64_t from,
			      struct lf_blob_point_reader **ret_reader, struct lf_error *err)
{
	struct lf_blob_point_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return lf_fail_nomem(err);
	int rc = lf_regions_vault(regions, lf_json_text_or(point, "region", ""), &reader->vault,
				  err);
	if (!rc)
		rc = lf_root_parse(lf_json_text_or(point, "root", ""), &reader->root, err);
	if (rc) {
		free(reader);
		return rc;
	}
	reader->disk = disk_bytes(point);
	reader->from = from;
	/* the same disk has the same footer: its id is its root */
	lf_vhd_footer(reader->disk, reader->root.node.bytes, reader->footer);
	*ret_reader = reader;
	return 0;
}

int lf_blob_point_read(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	const struct lf_blob_point_reader *reader = context;
	uint64_t at;

	/* whoever asks: behind the footer is memory of others */
	if (!lf_checked_add(reader->from, offset, &at) ||
	    !lf_span_fits(at, len, reader->disk + LF_VHD_FOOTER_SIZE))
		return lf_fail(err, LF_EINVAL, NULL, "read beyond the end of a disk's blob");
	size_t of_disk = at >= reader->disk	   ? 0
			 : reader->disk - at < len ? (size_t)(reader->disk - at)
						   : len;

	int rc = of_disk ? lf_map_read(reader->vault, &reader->root, data, of_disk, at, err) : 0;
	if (!rc && of_disk < len)
		memcpy((uint8_t *)data + of_disk, reader->footer + (at + of_disk - reader->disk),
		       len - of_disk);
	return rc;
}

void lf_blob_point_reader_free(void *context)
{
	free(context);
}

struct walk {
	uint64_t first, last, from, to; /* from..to: the run so far; to 0: none */
	lf_blob_range_fn *visit;
	void *context;
};

static int end_run(struct walk *walk, struct lf_error *err)
{
	uint64_t from = walk->from < walk->first ? walk->first : walk->from;
	uint64_t to = walk->to > walk->last + 1 ? walk->last + 1 : walk->to;

	walk->to = 0;
	return from < to ? walk->visit(walk->context, from, to - 1, err) : 0;
}

static int add_run(struct walk *walk, uint64_t from, uint64_t to, struct lf_error *err)
{
	int rc = 0;

	if (walk->to && from != walk->to)
		rc = end_run(walk, err);
	if (!walk->to)
		walk->from = from;
	walk->to = to;
	return rc;
}

static int add_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	uint64_t from = extent->page * PAGE;

	return extent->hole ? 0
			    : add_run(context, from, from + (uint64_t)extent->pages * PAGE, err);
}

int lf_blob_point_ranges(struct lf_regions *regions, const json_t *point, uint64_t first,
			 uint64_t last, lf_blob_range_fn *visit, void *context,
			 struct lf_error *err)
{
	uint64_t disk = disk_bytes(point), length = disk + LF_VHD_FOOTER_SIZE;
	struct lf_vault *vault = NULL;
	struct lf_root root;

	if (first > last || first >= length)
		return 0;
	if (last >= length)
		last = length - 1;
	struct walk walk = {.first = first, .last = last, .visit = visit, .context = context};
	int rc = lf_regions_vault(regions, lf_json_text_or(point, "region", ""), &vault, err);
	if (!rc)
		rc = lf_root_parse(lf_json_text_or(point, "root", ""), &root, err);
	if (!rc && first < disk)
		rc = lf_map_walk(vault, &root, first / PAGE, last / PAGE - first / PAGE + 1,
				 add_extent, &walk, err);
	if (!rc && last >= disk)
		rc = add_run(&walk, disk, disk + LF_VHD_FOOTER_SIZE, err);
	return rc || !walk.to ? rc : end_run(&walk, err);
}
