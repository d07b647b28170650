/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record is read, completed by stores that lie there without being in it
 * (an earlier version, or a kill between a store and its record), and written
 * durably when a store was made.  A region is never taken out but by an
 * operator's word: a store that is away is missed, not forgotten.
 */
#include "vault/open/regionrecord.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "os/file.h"

#define RECORD_VERSION 1

void lf_region_record_done(struct lf_region_record *record)
{
	free(record->path);
	free(record->regions);
	json_decref(record->names);
	*record = (struct lf_region_record){0};
}

bool lf_region_record_has(const struct lf_region_record *record, const char *name)
{
	size_t i;
	json_t *known;

	json_array_foreach (record->names, i, known)
		if (strcmp(json_string_value(known), name) == 0)
			return true;
	return false;
}

bool lf_region_record_there(const struct lf_region_record *record, const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s/store/vault.json", record->regions, name);

	return path && access(path, F_OK) == 0;
}

int lf_region_record_save(struct lf_region_record *record, struct lf_error *err)
{
	if (!record->changed)
		return 0;
	LF_AUTO_JSON *doc = json_pack("{s:s, s:i, s:O}", "format", "landfall-regions", "version",
				      RECORD_VERSION, "regions", record->names);
	LF_AUTO_FREE char *text = NULL;

	int rc = doc ? lf_json_dump(doc, &text, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_file_write_durable(record->path, text, strlen(text), 0600, err);
	record->changed = rc != 0; /* the next one tries again */
	return rc;
}

static int add_name(struct lf_region_record *record, const char *name, struct lf_error *err)
{
	if (lf_region_record_has(record, name))
		return 0;
	if (json_array_append_new(record->names, json_string(name)))
		return lf_fail_nomem(err);
	record->changed = true;
	return 0;
}

int lf_region_record_add(struct lf_region_record *record, const char *name, struct lf_error *err)
{
	int rc = add_name(record, name, err);

	return rc ? rc : lf_region_record_save(record, err);
}

/* As vault/regions.c names directories. */
static bool is_region(const char *name)
{
	return name && name[0] &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static bool all_regions(const json_t *names)
{
	size_t i;
	json_t *name;

	json_array_foreach (names, i, name)
		if (!is_region(json_string_value(name)))
			return false;
	return json_is_array(names);
}

static int read_record(struct lf_region_record *record, struct lf_error *err)
{
	LF_AUTO_JSON *doc = NULL;

	int rc = access(record->path, F_OK) ? 0 : lf_json_read_file(record->path, &doc, err);
	if (rc == LF_EINVAL || (doc && !all_regions(lf_json_at(doc, "regions")))) {
		lf_fail(err, LF_ECORRUPT, record->path, "%s is damaged", record->path);
		return lf_error_hint(err, "remove it while every region's store is there: it is "
					  "made anew of what is there");
	}
	if (!rc && doc && lf_json_int_or(doc, "version", 0) > RECORD_VERSION)
		return lf_fail(err, LF_EUNSUPPORTED, record->path,
			       "%s was written by a newer version of Landfall", record->path);
	if (rc)
		return rc;
	record->names = doc ? json_incref(lf_json_at(doc, "regions")) : json_array();
	return record->names ? 0 : lf_fail_nomem(err);
}

/* For lf_dir_list(): stores of a time before the record, or of a kill before it was written. */
static int record_store(void *context, const char *name, struct lf_error *err)
{
	struct lf_region_record *record = context;

	return is_region(name) && lf_region_record_there(record, name) ? add_name(record, name, err)
								       : 0;
}

int lf_region_record_open(const char *data_dir, struct lf_region_record *ret_record,
			  struct lf_error *err)
{
	struct lf_region_record record = {.path = lf_printf_dup("%s/regions.json", data_dir),
					  .regions = lf_printf_dup("%s/regions", data_dir)};

	int rc = record.path && record.regions ? read_record(&record, err) : lf_fail_nomem(err);
	if (!rc && access(record.regions, F_OK) == 0)
		rc = lf_dir_list(record.regions, record_store, &record, err);
	if (rc) {
		lf_region_record_done(&record);
		return rc;
	}
	*ret_record = record;
	return 0;
}

int lf_region_record_forget(const char *data_dir, struct lf_error *err)
{
	struct lf_region_record record;

	int rc = lf_region_record_open(data_dir, &record, err);
	if (rc)
		return rc;
	for (size_t i = json_array_size(record.names); i-- > 0;) {
		const char *name = json_string_value(json_array_get(record.names, i));
		if (lf_region_record_there(&record, name))
			continue;
		lf_warn("the region %s is forgotten: its store is not there", name);
		record.changed |= json_array_remove(record.names, i) == 0;
	}
	rc = lf_region_record_save(&record, err);
	lf_region_record_done(&record);
	return rc;
}
