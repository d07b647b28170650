/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disks of a session: opened, with their fingerprints and watches; described
 * to the site; closed.
 */
#include "agent/session.h"
#include "agent/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "agent/identity.h"
#include "base/log.h"
#include "os/file.h"
#include "json/doc.h"

static const json_t *find_config(const json_t *machine, const char *id)
{
	size_t i;
	json_t *disk;

	json_array_foreach (lf_json_at(machine, "disks"), i, disk) {
		if (strcmp(lf_json_text_or(disk, "id", ""), id) == 0)
			return disk;
	}
	return NULL;
}

/* Devices may have changed places since the machine was looked at. */
static int check_identity(const json_t *config, struct lf_error *err)
{
	const char *path = lf_json_text_or(config, "path", "");
	const char *known = lf_json_text_or(config, "identity", "");
	char now[LF_IDENTITY_SIZE];

	lf_disk_identity(path, now);
	if (!known[0] || strcmp(known, now) == 0)
		return 0;
	lf_fail(err, LF_ECONFLICT, lf_json_text_or(config, "id", ""),
		"%s is another disk than before: %s, not %s", path, now[0] ? now : "without a mark",
		known);
	return lf_error_hint(err, "attach the protected disk again, or remove it from the "
				  "replication");
}

static char *bad_path(const struct transfer *t, const struct source_disk *d)
{
	return lf_printf_dup("%s/%s.unreadable", t->opts->state_dir, d->id);
}

/* With what was known of the point before: a delta reads there again. */
static int open_bad(const struct transfer *t, struct source_disk *d, struct lf_error *err)
{
	const char *word = lf_json_text_or(t->opts->machine, "badSectors", "refuse");
	bool zero = strcmp(word, "zero") == 0;
	LF_AUTO_FREE char *path = bad_path(t, d);
	LF_AUTO_JSON *known = NULL;

	if (!zero && strcmp(word, "refuse") != 0)
		return lf_fail(err, LF_EINVAL, "badSectors",
			       "badSectors is \"zero\" or \"refuse\", not \"%s\"", word);
	int rc = path ? lf_bad_new(zero, &d->bad, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	d->disk->bad = d->bad;
	rc = lf_json_read_file(path, &known, err);
	if (!rc)
		lf_bad_recall(d->bad, known);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

static int write_bad(const char *path, const json_t *ranges, struct lf_error *err)
{
	return json_array_size(ranges) ? lf_json_write_file(path, ranges, err)
				       : lf_file_remove(path, err);
}

int lf_disks_note_bad(const struct transfer *t, json_t **ret_list, struct lf_error *err)
{
	LF_AUTO_JSON *list = json_array();
	int rc = 0;

	for (size_t i = 0; !rc && i < t->n; i++) {
		LF_AUTO_FREE char *path = bad_path(t, &t->disks[i]);
		LF_AUTO_JSON *ranges = lf_bad_doc(t->disks[i].bad);
		size_t j;
		json_t *range;
		rc = path && ranges ? write_bad(path, ranges, err) : lf_fail_nomem(err);
		json_array_foreach (ranges, j, range) {
			LF_AUTO_JSON *entry = json_copy(range);
			if (!rc && (lf_json_set_text(entry, "disk", t->disks[i].id) ||
				    json_array_append(list, entry)))
				rc = lf_fail_nomem(err);
		}
	}
	if (!rc)
		*ret_list = lf_steal(&list);
	return rc;
}

static int open_disk(struct transfer *t, struct source_disk *d, const char *id,
		     struct lf_error *err)
{
	d->id = id;
	d->config = find_config(t->opts->machine, id);
	if (!d->config) {
		lf_fail(err, LF_ENOTFOUND, id, "a protected disk is not on this machine any more");
		return lf_error_hint(err,
				     "attach the disk again, or remove it from the replication");
	}
	int rc = check_identity(d->config, err);
	if (!rc)
		rc = lf_disk_open(lf_json_text_or(d->config, "path", ""), &d->disk, err);
	if (!rc)
		rc = lf_disk_size(d->disk, &d->size, err);
	if (!rc)
		rc = open_bad(t, d, err);
	if (rc)
		return rc;
	d->pages = (d->size + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
	d->watch = lf_watches_get(t->opts->watches, id, lf_json_text_or(d->config, "path", ""),
				  d->pages);
	if (d->watch) {
		rc = lf_watch_bits_new(lf_watch_words(d->watch), &d->todo, err);
		if (rc)
			return rc;
	}
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s.prints", t->opts->state_dir, id);
	rc = path ? lf_fingerprints_open(path, d->pages, &d->prints, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_fingerprints_recover(
			d->prints, lf_json_text_or(t->opts->assignment, "basePointId", ""), err);
	return rc;
}

int lf_disks_open(struct transfer *t, struct lf_error *err)
{
	size_t i;
	json_t *disk;

	json_array_foreach (lf_json_at(t->opts->assignment, "disks"), i, disk) {
		if (!lf_json_bool_or(disk, "included", true))
			continue;
		if (t->n == DISKS_MAX)
			return lf_fail(err, LF_EUNSUPPORTED, NULL, "more than %d disks", DISKS_MAX);
		int rc = open_disk(t, &t->disks[t->n++], lf_json_text_or(disk, "id", ""), err);
		if (rc)
			return rc;
	}
	return 0;
}

bool lf_disks_can_delta(const struct transfer *t)
{
	const char *base = lf_json_text_or(t->opts->assignment, "basePointId", "");

	for (size_t i = 0; i < t->n; i++)
		if (!base[0] || strcmp(lf_fingerprints_point(t->disks[i].prints), base) != 0)
			return false;
	return t->n > 0;
}

static json_t *describe(const struct source_disk *d)
{
	LF_AUTO_DOC disk = LF_DOC_INIT;

	lf_doc_text(&disk, "id", d->id);
	lf_doc_text(&disk, "name", lf_json_text_or(d->config, "name", ""));
	lf_doc_int(&disk, "sizeBytes", (int64_t)d->size);
	lf_doc_int(&disk, "sectorSizeInBytes", lf_disk_sector(d->disk));
	lf_doc_int(&disk, "lun", lf_json_int_or(d->config, "lun", 0));
	lf_doc_bool(&disk, "os", lf_json_bool_or(d->config, "os", false));
	return lf_doc_take(&disk);
}

json_t *lf_disks_describe(const struct transfer *t)
{
	json_t *disks = json_array();

	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(disks, describe(&t->disks[i]));
	return disks;
}

json_t *lf_disks_describe_resume(const struct transfer *t)
{
	json_t *upto = json_array();
	const char *session = t->n ? lf_fingerprints_session(t->disks[0].prints) : "";

	for (size_t i = 0; i < t->n; i++) {
		const struct lf_fingerprints *prints = t->disks[i].prints;
		if (strcmp(lf_fingerprints_session(prints), session) != 0)
			session = "";
		json_array_append_new(upto, json_integer((json_int_t)lf_fingerprints_upto(prints)));
	}
	return json_pack("{s:s,s:o}", "session", session, "upto", upto);
}

/* Of a delta: what the watch has seen since the point that the prints describe, and what could not
 * be read then: that it can be now, no write tells. */
static void recall_changes(struct source_disk *d)
{
	LF_AUTO_JSON *ranges = lf_bad_doc(d->bad);
	size_t i;
	json_t *range;

	if (!d->watch || !ranges || !lf_watch_covers(d->watch, lf_fingerprints_point(d->prints)))
		return;
	lf_watch_all(d->watch, d->todo);
	json_array_foreach (ranges, i, range) {
		uint64_t page = (uint64_t)lf_json_int_or(range, "offset", 0) / LF_PAGE_SIZE;
		uint64_t end = page + (uint64_t)lf_json_int_or(range, "length", 0) / LF_PAGE_SIZE;
		for (; page < end && page < d->pages; page++)
			d->todo[page / 64] |= UINT64_C(1) << page % 64;
	}
	d->known = true;
}

void lf_disks_recall(struct transfer *t)
{
	for (size_t i = 0; i < t->n; i++)
		recall_changes(&t->disks[i]);
}

void lf_disks_close(struct transfer *t)
{
	struct lf_error ignored;

	for (size_t i = 0; i < t->n; i++) {
		struct source_disk *d = &t->disks[i];
		if (t->start_over && d->prints && lf_fingerprints_void(d->prints, &ignored))
			lf_log_error("fingerprints", &ignored);
		if (d->todo)
			lf_watch_bits_free(d->todo, lf_watch_words(d->watch));
		lf_disk_close(d->disk);
		lf_bad_free(d->bad);
		lf_fingerprints_close(d->prints);
	}
}
