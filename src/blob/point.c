/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A point's blob is a file, and a claim on the point: the claim comes before
 * the file and goes after it.  What is replaced or removed gets a second name,
 * ".NAME.gone", until its claim is dropped; settle() goes on with such files
 * after a kill.  A mutex keeps changes one after another, since a name's claim
 * goes by what its file says.
 */
#include "blob/point.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/lock.h"
#include "base/text.h"
#include "blob/internal.h"
#include "image/vhd.h"
#include "json/doc.h"
#include "os/file.h"
#include "vault/map/map.h"
#include "vault/point/point.h"

#define PAGE 4096u
/* of a disk: far above what there is, and no sum of it wraps */
#define SIZE_MAX_BYTES (INT64_C(1) << 60)
#define GONE	       ".gone" /* behind a dot and the blob's name */

/* Making and letting go of such blobs, one at a time: a name's claim goes by what file it has. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

/* The files of one blob, and its claim. */
struct names {
	char *path; /* the blob's */
	char *gone; /* while it is let go of */
	char claim[LF_GUID_SIZE + 8];
	char old_claim[LF_GUID_SIZE + 8]; /* as an earlier version called it */
};

static void names_done(struct names *names)
{
	free(names->path);
	free(names->gone);
}
#define LF_AUTO_NAMES LF_CLEANUP(names_done) struct names

static int find_names(const char *data_dir, const char *account, const char *container,
		      const char *blob, struct names *ret_names, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_FREE char *space = lf_printf_dup("%s/%s", account, container);
	char guid[LF_GUID_SIZE];
	int rc = lf_blob_path(data_dir, account, container, blob, &path, err);

	if (rc)
		return rc;
	const char *file = strrchr(path, '/') + 1;
	*ret_names = (struct names){
		.path = lf_printf_dup("%s" LF_BLOB_POINT_SUFFIX, path),
		.gone = lf_printf_dup("%.*s.%s" GONE, (int)(file - path), path, file)};
	if (!space || !ret_names->path || !ret_names->gone)
		return lf_fail_nomem(err);
	lf_guid_hash(space, blob, guid);
	snprintf(ret_names->claim, sizeof(ret_names->claim), "blob:%s", guid);
	lf_guid_derive(space, blob, guid);
	snprintf(ret_names->old_claim, sizeof(ret_names->old_claim), "blob:%s", guid);
	return 0;
}

static bool same_point(const json_t *a, const json_t *b)
{
	return strcmp(lf_json_text_or(a, "region", ""), lf_json_text_or(b, "region", "")) == 0 &&
	       strcmp(lf_json_text_or(a, "point", ""), lf_json_text_or(b, "point", "")) == 0;
}

/* What a file says may be wrong: then there is nothing to drop.  What may be right later, when a
 * store is back, is an error. */
static int drop_claim(struct lf_regions *regions, const json_t *doc, const char *claim,
		      struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	int rc = lf_regions_find(regions, lf_json_text_or(doc, "region", ""), &vault, err);

	if (!rc)
		rc = lf_claim_drop(vault, lf_json_text_or(doc, "point", ""), claim, err);
	return rc == LF_ENOTFOUND || rc == LF_EINVAL ? 0 : rc;
}

/* Drop the claim of a file that is let go of, unless the blob has it again; then the file goes. */
static int settle(struct lf_regions *regions, const struct names *names, const char *gone,
		  struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_JSON *now = NULL;
	int rc = lf_json_read_file(gone, &doc, err);

	if (rc == LF_ENOTFOUND)
		return 0;
	if (rc && rc != LF_EINVAL && rc != LF_ECORRUPT)
		return rc;
	struct lf_error ignored;
	bool again = lf_json_read_file(names->path, &now, &ignored) == 0 && same_point(doc, now);
	bool old = strcmp(lf_json_text_or(doc, "claim", ""), names->old_claim) == 0;
	if (again)
		old = old && strcmp(lf_json_text_or(now, "claim", ""), names->old_claim) != 0;
	rc = doc && !again ? drop_claim(regions, doc, names->claim, err) : 0;
	if (!rc && old)
		rc = drop_claim(regions, doc, names->old_claim, err);
	return rc ? rc : lf_file_remove(gone, err);
}

/* A second name for what is replaced, so that its claim is not forgotten. */
static int keep_old(const struct names *names, struct lf_error *err)
{
	if (link(names->path, names->gone) && errno != ENOENT && errno != EEXIST)
		return lf_fail_sys(err, errno, names->path, "cannot keep what is replaced");
	return 0;
}

int lf_blob_put_point(const char *data_dir, struct lf_regions *regions, const char *account,
		      const char *container, const char *blob, const struct lf_blob_point *point,
		      struct lf_error *err)
{
	LF_AUTO_NAMES names = {0};
	LF_AUTO_FREE char *text = NULL;
	struct lf_vault *vault = NULL;

	int rc = find_names(data_dir, account, container, blob, &names, err);
	if (rc)
		return rc;
	struct lf_doc made = LF_DOC_INIT;

	lf_doc_text(&made, "region", point->region);
	lf_doc_text(&made, "point", point->point);
	lf_doc_text(&made, "root", point->root);
	lf_doc_int(&made, "sizeBytes", point->size_bytes);
	lf_doc_text(&made, "claim", names.claim);
	LF_AUTO_JSON *doc = lf_doc_take(&made);
	rc = doc ? lf_json_dump(doc, &text, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_regions_find(regions, point->region, &vault, err);
	if (rc)
		return rc;
	LF_GUARD(&changing);
	rc = settle(regions, &names, names.gone, err);
	if (!rc)
		rc = keep_old(&names, err);
	if (!rc)
		rc = lf_claim_put(vault, point->point, names.claim, LF_CLAIM_FOREVER, err);
	if (!rc)
		rc = lf_blob_write(data_dir, account, names.path, text, strlen(text), err);
	return rc ? rc : settle(regions, &names, names.gone, err);
}

int lf_blob_find_point(const char *data_dir, const char *account, const char *container,
		       const char *blob, json_t **ret_point, struct lf_error *err)
{
	LF_AUTO_NAMES names = {0};
	LF_AUTO_JSON *point = NULL;

	int rc = find_names(data_dir, account, container, blob, &names, err);
	if (!rc)
		rc = lf_json_read_file(names.path, &point, err);
	if (rc)
		return rc;
	json_int_t size = lf_json_int_or(point, "sizeBytes", -1);
	if (size < 0 || size > SIZE_MAX_BYTES)
		return lf_fail(err, LF_ECORRUPT, blob, "the disk of a blob has no size");
	*ret_point = lf_steal(&point);
	return 0;
}

int lf_blob_describe_point(const char *data_dir, const char *account, const char *container,
			   const char *blob, const json_t *record, struct lf_error *err)
{
	LF_AUTO_NAMES names = {0};
	LF_AUTO_FREE char *text = NULL;
	LF_AUTO_JSON *point = NULL;

	int rc = find_names(data_dir, account, container, blob, &names, err);
	if (rc)
		return rc;
	LF_GUARD(&changing);
	rc = lf_json_read_file(names.path, &point, err);
	if (!rc && lf_json_set(point, "record", json_deep_copy(record)))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_json_dump(point, &text, err);
	return rc ? rc : lf_blob_write(data_dir, account, names.path, text, strlen(text), err);
}

int lf_blob_remove_point(const char *data_dir, struct lf_regions *regions, const char *account,
			 const char *container, const char *blob, struct lf_error *err)
{
	LF_AUTO_NAMES names = {0};

	int rc = find_names(data_dir, account, container, blob, &names, err);
	if (rc)
		return rc;
	LF_GUARD(&changing);
	if (access(names.path, F_OK))
		return lf_fail(err, LF_ENOTFOUND, blob, "there is no such blob");
	rc = settle(regions, &names, names.gone, err);
	/* nobody reads it any more, and it still says where its claim is */
	if (!rc)
		rc = lf_file_rename_durable(names.path, names.gone, err);
	return rc ? rc : settle(regions, &names, names.gone, err);
}

struct releasing {
	const char *data_dir;
	struct lf_regions *regions;
	const char *account, *container, *dir;
	bool all; /* or those alone that are half gone */
};

static bool ends_with(const char *text, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && memcmp(text + len - n, suffix, n) == 0;
}

/* Is a file in a container one of ours, and of which blob: *ret_name letters of NAME. */
static bool ours(const char *file, const char **ret_name, size_t *ret_len, bool *ret_gone)
{
	static const char before[] = LF_BLOB_POINT_SUFFIX ".tmp-gone"; /* of the first version */
	size_t len = strlen(file);
	bool dotted = file[0] == '.';

	*ret_name = file + dotted;
	if (dotted && ends_with(file, len, GONE))
		*ret_len = len - 1 - strlen(GONE);
	else if (!dotted && ends_with(file, len, LF_BLOB_POINT_SUFFIX))
		*ret_len = len - strlen(LF_BLOB_POINT_SUFFIX);
	else if (!dotted && ends_with(file, len, before))
		*ret_len = len - strlen(before);
	else
		return false;
	*ret_gone = dotted || !ends_with(file, len, LF_BLOB_POINT_SUFFIX);
	return *ret_len > 0;
}

/* A blob of a client's may have a name as the first version gave to files of its own.  What such a
 * file says is taken for true where it names the claim of its own path, which then nothing has. */
static bool is_old(const char *path, const struct names *names)
{
	LF_AUTO_JSON *doc = NULL;
	struct lf_error ignored;

	return lf_json_read_file(path, &doc, &ignored) == 0 &&
	       strcmp(lf_json_text_or(doc, "claim", ""), names->old_claim) == 0 &&
	       access(names->path, F_OK) != 0;
}

static int release_point(void *context, const char *file, struct lf_error *err)
{
	const struct releasing *releasing = context;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", releasing->dir, file);
	char blob[LF_BLOB_QUERY_SIZE];
	LF_AUTO_NAMES names = {0};
	const char *name;
	size_t len;
	bool gone;

	if (!path)
		return lf_fail_nomem(err);
	if (!ours(file, &name, &len, &gone) || (!gone && !releasing->all))
		return 0;
	lf_blob_name_of(name, len, blob, sizeof(blob));
	int rc = find_names(releasing->data_dir, releasing->account, releasing->container, blob,
			    &names, err);
	if (rc == LF_EINVAL) /* no blob has such a name: none of ours */
		return 0;
	if (rc || !gone)
		return rc ? rc
			  : lf_blob_remove_point(releasing->data_dir, releasing->regions,
						 releasing->account, releasing->container, blob,
						 err);
	if (file[0] != '.' && !is_old(path, &names))
		return 0;
	LF_GUARD(&changing);
	return settle(releasing->regions, &names, path, err);
}

static int release(struct releasing *releasing, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = NULL;
	int rc = lf_blob_container_dir(releasing->data_dir, releasing->account,
				       releasing->container, &dir, err);

	releasing->dir = dir;
	if (!rc)
		rc = lf_dir_list(dir, release_point, releasing, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

int lf_blob_release_points(const char *data_dir, struct lf_regions *regions, const char *account,
			   const char *container, struct lf_error *err)
{
	struct releasing all = {data_dir, regions, account, container, NULL, true};

	return release(&all, err);
}

int lf_blob_settle_points(const char *data_dir, struct lf_regions *regions, const char *account,
			  const char *container, struct lf_error *err)
{
	struct releasing halves = {data_dir, regions, account, container, NULL, false};

	return release(&halves, err);
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
	int rc =
		lf_regions_find(regions, lf_json_text_or(point, "region", ""), &reader->vault, err);
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
	int rc = lf_regions_find(regions, lf_json_text_or(point, "region", ""), &vault, err);
	if (!rc)
		rc = lf_root_parse(lf_json_text_or(point, "root", ""), &root, err);
	if (!rc && first < disk)
		rc = lf_map_walk(vault, &root, first / PAGE, last / PAGE - first / PAGE + 1,
				 add_extent, &walk, err);
	if (!rc && last >= disk)
		rc = add_run(&walk, disk, disk + LF_VHD_FOOTER_SIZE, err);
	return rc || !walk.to ? rc : end_run(&walk, err);
}
