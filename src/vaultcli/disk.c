/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of "landfall vault" that move disks.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "vaultcli/args.h"
#include "image/kind.h"
#include "json/doc.h"
#include "os/file.h"
#include "source/bad.h"
#include "vault/pack/crypt.h"

#define CHANGED_BYTES_MAX (1u << 30)

/* How many points had been made here when one was: their order, whatever the clock said. */
#define MADE "made"

/*
 * The disk's root in the point that has it and was made last; by time where points do not say.
 * exact: it has to be the last, and a damaged point might be; and what of it could not be read is
 * so until it is read again.
 */
static int newest_root(struct lf_vault *vault, const char *name, bool exact, struct lf_bad *bad,
		       struct lf_root *ret_root, struct lf_error *err)
{
	LF_AUTO_JSON *points = NULL, *damaged = NULL;
	const json_t *newest = NULL;
	int64_t made = -1;
	int rc = lf_point_list(vault, &points, &damaged, err);

	if (!rc && exact && json_array_size(damaged)) {
		const char *id = lf_json_text_or(json_array_get(damaged, 0), "id", "?");
		lf_fail(err, LF_ECORRUPT, id,
			"point %s is damaged and may be the disk's newest, which the list of "
			"changes is relative to",
			id);
		return lf_error_hint(err, "ingest without --changed, or drop the point");
	}

	for (size_t i = rc ? 0 : json_array_size(points); i-- > 0;) {
		const json_t *point = json_array_get(points, i);
		const json_t *disk = lf_vaultcli_find_disk(point, name);
		if (disk && lf_json_int_or(point, MADE, 0) > made) {
			made = lf_json_int_or(point, MADE, 0);
			newest = disk;
		}
	}
	if (newest && exact)
		lf_bad_recall(bad, lf_json_at(newest, "unreadable"));
	if (newest)
		return lf_root_parse(lf_json_text_or(newest, "root", ""), ret_root, err);
	return rc ? rc
		  : lf_fail(err, LF_ENOTFOUND, name, "no point has a disk %s to start from", name);
}

/* A disk's name may be anything; its file is named by a hash of it. */
static int make_prints_path(const char *dir, const char *disk, char **ret_path,
			    struct lf_error *err)
{
	LF_AUTO_FREE char *folder = lf_printf_dup("%s/prints", dir);
	char hex[LF_NAME_HASH_SIZE];

	if (!folder)
		return lf_fail_nomem(err);
	int rc = lf_dir_make(folder, 0700, err);
	if (rc)
		return rc;
	lf_name_hash(disk, hex);
	*ret_path = lf_printf_dup("%s/%s", folder, hex);
	return *ret_path ? 0 : lf_fail_nomem(err);
}

/* Where to start from, and what helps to find what changed since. */
static int prepare_ingest(struct lf_vault *vault, const struct lf_vaultcli_args *args,
			  struct lf_ingest_opts *opts, struct lf_root *base, char **ret_prints,
			  struct lf_error *err)
{
	int rc = newest_root(vault, args->disk, opts->changed != NULL, opts->bad, base, err);

	if (!rc)
		opts->base = base;
	if (rc == LF_ENOTFOUND && !opts->changed)
		rc = 0;
	if (!rc)
		rc = make_prints_path(args->words[0], args->disk, ret_prints, err);
	if (!rc)
		opts->prints = *ret_prints;
	return rc;
}

static int compare_pages(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int parse_pages(char *text, uint64_t **ret_pages, size_t *ret_count, struct lf_error *err)
{
	size_t count = 0, lines = 1;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	LF_AUTO_FREE uint64_t *pages = lf_alloc_array(lines, sizeof(*pages));
	if (!pages)
		return lf_fail_nomem(err);
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!line[0])
			continue;
		int rc = lf_parse_u64(line, 0, UINT64_MAX / LF_PAGE_SIZE, &pages[count++], err);
		if (rc)
			return lf_error_wrap(err, "the list of changed blocks");
	}
	qsort(pages, count, sizeof(*pages), compare_pages);
	*ret_pages = lf_steal(&pages);
	*ret_count = count;
	return 0;
}

static int read_changed(const char *path, uint64_t **ret_pages, size_t *ret_count,
			struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	int rc = lf_file_read(path, CHANGED_BYTES_MAX, &text, err);

	if (rc)
		return rc;
	if (!text.len)
		lf_buf_puts(&text, "");
	return text.data ? parse_pages(text.data, ret_pages, ret_count, err) : lf_fail_nomem(err);
}

static json_t *describe_transfer(const struct lf_vaultcli_args *args,
				 const struct lf_ingest_result *result)
{
	struct lf_doc doc = LF_DOC_INIT;

	lf_doc_text(&doc, "kind",
		    result->why_full ? "full"
		    : args->changed  ? "changes, as listed"
				     : "changes, found by page prints");
	lf_doc_text(&doc, "reason", result->why_full);
	lf_doc_int(&doc, "bytesRead", result->read_bytes);
	lf_doc_int(&doc, "bytesNew", result->new_bytes);
	lf_doc_int(&doc, "bytesStored", result->stored_bytes);
	return lf_doc_take(&doc);
}

static int next_made(struct lf_vault *vault, int64_t *ret_made, struct lf_error *err)
{
	LF_AUTO_JSON *points = NULL, *damaged = NULL;
	const json_t *point;
	size_t i;
	int rc = lf_point_list(vault, &points, &damaged, err);

	*ret_made = 1;
	json_array_foreach (points, i, point) {
		int64_t made = lf_json_int_or(point, MADE, 0);
		*ret_made = made >= *ret_made && made < INT64_MAX ? made + 1 : *ret_made;
	}
	return rc;
}

/* The point's manifest with the disk in it: a new one, or another disk of one that exists. */
static int make_point(struct lf_vault *vault, const struct lf_vaultcli_args *args,
		      const struct lf_ingest_result *result, struct lf_bad *bad, const char *id,
		      struct lf_error *err)
{
	LF_AUTO_JSON *manifest = NULL, *unreadable = lf_bad_doc(bad);
	char root[LF_ROOT_TEXT_SIZE], time[LF_TIME_SIZE];
	int rc = args->point ? lf_point_get(vault, id, &manifest, err) : LF_ENOTFOUND;

	if (rc && rc != LF_ENOTFOUND)
		return rc;
	int64_t made;
	rc = next_made(vault, &made, err);
	if (rc)
		return rc;
	lf_time_format(lf_vaultcli_now_ns(), time);
	lf_root_format(&result->root, root);
	if (!manifest) {
		struct lf_doc doc = LF_DOC_INIT;

		lf_doc_text(&doc, "id", id);
		lf_doc_text(&doc, "time", time);
		lf_doc_text(&doc, "consistency", "CrashConsistent");
		lf_doc_put(&doc, "machine", json_object());
		lf_doc_put(&doc, "disks", json_array());
		manifest = lf_doc_take(&doc);
	}
	json_t *disks = json_object_get(manifest, "disks");
	for (size_t i = json_array_size(disks); i-- > 0;)
		if (strcmp(lf_json_text_or(json_array_get(disks, i), "name", ""), args->disk) == 0)
			json_array_remove(disks, i);
	json_t *disk = json_pack("{s:s, s:s, s:I, s:s}", "id", args->disk, "name", args->disk,
				 "sizeBytes", (json_int_t)result->size_bytes, "root", root);
	if (result->sector_bytes > 512 &&
	    lf_json_set_int(disk, "sectorSizeInBytes", result->sector_bytes))
		return lf_fail_nomem(err);
	if (!unreadable ||
	    (json_array_size(unreadable) && json_object_set(disk, "unreadable", unreadable)) ||
	    json_array_append_new(disks, disk) || lf_json_set_int(manifest, MADE, made) ||
	    json_object_set_new(manifest, "transfer", describe_transfer(args, result)))
		return lf_fail_nomem(err);
	return lf_point_put(vault, id, manifest, "retention", LF_CLAIM_FOREVER, err);
}

static int print_result(const struct lf_vaultcli_args *args, const struct lf_ingest_result *result,
			const char *id, struct lf_error *err)
{
	char root[LF_ROOT_TEXT_SIZE];

	lf_vaultcli_end_progress();
	lf_root_format(&result->root, root);
	if (!args->json) {
		printf("point %s: %" PRIu64 " MiB disk, %" PRIu64 " bytes read, %" PRIu64
		       " new, %" PRIu64 " stored\n",
		       id, result->size_bytes >> 20, result->read_bytes, result->new_bytes,
		       result->stored_bytes);
		return 0;
	}
	struct lf_doc made = LF_DOC_INIT;

	lf_doc_text(&made, "point", id);
	lf_doc_text(&made, "disk", args->disk);
	lf_doc_text(&made, "root", root);
	lf_doc_int(&made, "sizeBytes", result->size_bytes);
	lf_doc_int(&made, "bytesRead", result->read_bytes);
	lf_doc_int(&made, "bytesNew", result->new_bytes);
	lf_doc_int(&made, "bytesStored", result->stored_bytes);
	lf_doc_int(&made, "chunks", result->chunks);
	LF_AUTO_JSON *doc = lf_doc_take(&made);
	return doc ? lf_vaultcli_print_json(doc, err) : lf_fail_nomem(err);
}

/* A regular file in another format than raw would be a disk that nothing reads.  *ret_bytes: of it
 * that are the disk; 0: all. */
static int check_image(const char *path, uint64_t *ret_bytes, struct lf_error *err)
{
	struct stat st;
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	/* an ingest pads the rest */
	uint64_t size = (uint64_t)st.st_size / LF_IMAGE_HEAD * LF_IMAGE_HEAD, bytes = 0;
	if (!S_ISREG(st.st_mode) || !size)
		return 0;
	int rc = lf_image_check_file(fd, size, path, &bytes, err);
	if (!rc && bytes != size)
		*ret_bytes = bytes;
	return rc;
}

int lf_vaultcli_ingest(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_ingest_opts opts = {.path = args->words[1],
				      .progress = lf_vaultcli_show_progress};
	struct lf_ingest_result result = {0};
	LF_AUTO_FREE uint64_t *pages = NULL;
	LF_AUTO_FREE char *prints = NULL;
	struct lf_vault *vault = NULL;
	struct lf_root base;
	char id[LF_GUID_SIZE];
	int rc;

	if (args->point && !lf_guid_valid(args->point))
		return lf_fail(err, LF_EINVAL, "--point", "a point is named by a GUID");
	lf_guid_random(id);
	if (args->point)
		memcpy(id, args->point, sizeof(id));
	rc = args->raw ? 0 : check_image(args->words[1], &opts.bytes, err);
	if (!rc)
		rc = lf_bad_new(args->zero_bad, &opts.bad, err);
	if (!rc && args->changed)
		rc = read_changed(args->changed, &pages, &opts.changed_count, err);
	opts.changed = pages;
	if (!rc)
		rc = lf_vaultcli_open(args, false, &vault, err);
	if (!rc)
		rc = prepare_ingest(vault, args, &opts, &base, &prints, err);
	if (!rc)
		rc = lf_ingest(vault, &opts, &result, err);
	if (!rc)
		rc = make_point(vault, args, &result, opts.bad, id, err);
	lf_vault_free(vault);
	lf_bad_free(opts.bad);
	return rc ? rc : print_result(args, &result, id, err);
}

static atomic_bool interrupted;

static void interrupt(int number)
{
	(void)number;
	atomic_store(&interrupted, true);
}

/* Once; the second signal ends the program as it does any.  What nohup wants ignored is. */
static void catch_interrupts(void)
{
	const struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
	struct sigaction hangup;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

int lf_vaultcli_export(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	const struct lf_export_opts opts = {.format = args->format,
					    .progress = lf_vaultcli_show_progress,
					    .stop = &interrupted};
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *manifest = NULL;
	const json_t *disk = NULL;
	struct lf_root root;
	uint64_t size = 0;

	catch_interrupts();
	int rc = lf_vaultcli_open(args, true, &vault, err);
	if (!rc)
		rc = lf_point_get(vault, args->words[1], &manifest, err);
	if (!rc)
		rc = lf_vaultcli_disk(args, manifest, &disk, &root, &size, err);
	if (!rc)
		rc = lf_export_file(vault, &root, size, args->words[2], &opts, err);
	lf_vault_free(vault);
	return rc;
}
