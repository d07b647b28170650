/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is in the record is found by its identity, wherever it is now.  One that is not gets
 * the id that its name gives, as long as that id was never another disk's; else one that its
 * identity gives: so a disk that came in another's place is never taken for it, and the one that
 * went is missed.  The record is written when something in it changes, as a whole; without it (a
 * kill before the first write) names decide once more.
 */
#include "agent/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/text.h"
#include "image/partition.h"
#include "os/file.h"
#include "source/disk.h"

#define GPT_GUID_AT 56
#define MBR_ID_AT   440

/* One line of a file of the device's in sysfs, its blanks as underscores; false: none. */
static bool read_attribute(dev_t device, const char *name, char *out, size_t size)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;
	LF_AUTO_FREE char *path =
		lf_printf_dup("/sys/dev/block/%u:%u/%s", major(device), minor(device), name);

	if (!path || lf_file_read(path, 4096, &text, &ignored))
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(lf_buf_text(&text), "\n"), lf_buf_text(&text));
	for (size_t n = strlen(out); n && out[n - 1] == ' '; n--)
		out[n - 1] = '\0';
	for (char *p = out; *p; p++)
		*p = (unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f ? '_' : *p;
	return out[0];
}

static bool identify_device(const char *path, char out[static LF_IDENTITY_SIZE])
{
	static const char *const names[][2] = {{"wwid", "wwn"},
					       {"device/wwid", "wwn"},
					       {"serial", "serial"},
					       {"device/serial", "serial"}};
	char value[LF_IDENTITY_SIZE - 16];
	struct stat st;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return false;
	for (size_t i = 0; i < LF_N(names); i++)
		if (read_attribute(st.st_rdev, names[i][0], value, sizeof(value))) {
			snprintf(out, LF_IDENTITY_SIZE, "%s:%s", names[i][1], value);
			return true;
		}
	return false;
}

static void identify_table(const uint8_t *head, char out[static LF_IDENTITY_SIZE])
{
	uint32_t sector = lf_partitions_sector(head, LF_PARTITION_HEAD);
	char hex[33];

	if (sector) {
		lf_hex_encode(head + sector + GPT_GUID_AT, 16, hex);
		snprintf(out, LF_IDENTITY_SIZE, "gpt:%s", hex);
	} else if (head[510] == 0x55 && head[511] == 0xaa && lf_get_u32(head + MBR_ID_AT)) {
		snprintf(out, LF_IDENTITY_SIZE, "mbr:%08x", lf_get_u32(head + MBR_ID_AT));
	}
}

void lf_disk_identity(const char *path, char out[static LF_IDENTITY_SIZE])
{
	struct lf_disk *disk = NULL;
	struct lf_error ignored;
	LF_AUTO_FREE uint8_t *head = aligned_alloc(LF_DISK_ALIGN, LF_PARTITION_HEAD);

	out[0] = '\0';
	if (identify_device(path, out) || !head || lf_disk_open(path, &disk, &ignored))
		return;
	if (!lf_disk_read(disk, head, LF_PARTITION_HEAD, 0, &ignored))
		identify_table(head, out);
	lf_disk_close(disk);
}

static int read_record(const char *path, json_t **ret_record, struct lf_error *err)
{
	int rc = path ? lf_json_read_file(path, ret_record, err) : LF_ENOTFOUND;

	if (!rc && json_is_array(*ret_record))
		return 0;
	if (rc && rc != LF_ENOTFOUND && rc != LF_EINVAL && rc != LF_ECORRUPT)
		return rc;
	json_decref(*ret_record);
	*ret_record = json_array();
	return *ret_record ? 0 : lf_fail_nomem(err);
}

static bool is_set(const json_t *row, const char *name, const char *value)
{
	return strcmp(lf_json_text_or(row, name, ""), value) == 0;
}

/* The row whose member is so; NULL: none, or the value is empty. */
static json_t *find_row(const json_t *record, const char *name, const char *value)
{
	size_t i;
	json_t *row;

	json_array_foreach (record, i, row)
		if (value[0] && is_set(row, name, value))
			return row;
	return NULL;
}

/* Is what was recorded still where it was, and something else than what is at path?  Then path's is
 * a copy of it.  Not so with what a device says of itself: that are two ways to one disk. */
static bool is_copy(const json_t *row, const char *identity, const char *path)
{
	const char *place = lf_json_text_or(row, "path", "");
	char there[LF_IDENTITY_SIZE];
	struct stat a, b;

	if (strncmp(identity, "wwn:", 4) == 0 || stat(place, &a) || stat(path, &b))
		return false;
	if (S_ISBLK(a.st_mode) && S_ISBLK(b.st_mode) ? a.st_rdev == b.st_rdev
						     : a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return false;
	lf_disk_identity(place, there);
	return strcmp(there, identity) == 0;
}

/* The row of a disk of this run: with two of one identity, copies or ways to one disk, the path
 * tells. */
static json_t *find_disk(const json_t *record, const char *identity, const char *path)
{
	json_t *found = NULL, *row;
	size_t i;

	json_array_foreach (record, i, row) {
		if (!identity[0] || !is_set(row, "identity", identity) ||
		    lf_json_bool_or(row, "seen", false))
			continue;
		if (is_set(row, "path", path))
			return row;
		if (!found && !is_copy(row, identity, path))
			found = row;
	}
	return found;
}

/* Of a disk with the same identity under another path: it is the recorded one, renamed. */
static int take_role(json_t *disk, const json_t *row)
{
	lf_info("the disk %s is %s now", lf_json_text_or(row, "path", ""),
		lf_json_text_or(disk, "path", ""));
	return lf_json_set_text(disk, "name", lf_json_text_or(row, "name", "")) |
	       lf_json_set_bool(disk, "os", lf_json_bool_or(row, "os", false));
}

/* Another disk has the path, and it is none that we know: where is ours? */
static int look_elsewhere(json_t *disk, const json_t *row, const json_t *others,
			  char identity[static LF_IDENTITY_SIZE])
{
	char found[LF_IDENTITY_SIZE];
	size_t i;
	json_t *other;

	json_array_foreach (others, i, other) {
		const char *path = lf_json_text_or(other, "path", "");
		lf_disk_identity(path, found);
		if (!is_set(row, "identity", found))
			continue;
		memcpy(identity, found, LF_IDENTITY_SIZE);
		return lf_json_set_text(disk, "path", path);
	}
	return 0;
}

static int identify(json_t *disk, const json_t *others, const char *machine_id, json_t *record)
{
	char identity[LF_IDENTITY_SIZE], id[LF_GUID_SIZE];
	LF_AUTO_FREE char *path = strdup(lf_json_text_or(disk, "path", ""));
	const json_t *had = find_row(record, "path", path ? path : "");
	int bad = !path;

	if (bad)
		return bad;
	lf_disk_identity(path, identity);
	if (had && lf_json_text_or(had, "identity", "")[0] && !is_set(had, "identity", identity) &&
	    !find_row(record, "identity", identity))
		bad |= look_elsewhere(disk, had, others, identity);
	json_t *row = find_disk(record, identity, lf_json_text_or(disk, "path", ""));
	if (row && !is_set(row, "path", lf_json_text_or(disk, "path", "")))
		bad |= take_role(disk, row);
	if (!row) {
		lf_guid_derive(machine_id, lf_json_text_or(disk, "name", ""), id);
		row = find_row(record, "id", id);
		/* what had none may have got a partition table meanwhile */
		if (row && (lf_json_bool_or(row, "seen", false) ||
			    lf_json_text_or(row, "identity", "")[0])) {
			LF_AUTO_FREE char *both =
				lf_printf_dup("%s/%s", lf_json_text_or(disk, "name", ""), identity);
			lf_guid_derive(machine_id, both ? both : identity, id);
			row = find_row(record, "id", id);
		}
		if (!row) {
			row = json_object();
			bad |= lf_json_set_text(row, "id", id) ||
			       json_array_append_new(record, row);
		}
	}
	bad |= lf_json_set_text(row, "identity", identity) | lf_json_set_bool(row, "seen", true) |
	       lf_json_set_text(row, "path", lf_json_text_or(disk, "path", "")) |
	       lf_json_set_text(row, "name", lf_json_text_or(disk, "name", "")) |
	       lf_json_set_bool(row, "os", lf_json_bool_or(disk, "os", false));
	return bad | lf_json_set_text(disk, "id", lf_json_text_or(row, "id", "")) |
	       lf_json_set_text(disk, "identity", identity);
}

/* Without what is only of this run. */
static json_t *settled(const json_t *record)
{
	json_t *copy = json_deep_copy(record), *row;
	size_t i;

	json_array_foreach (copy, i, row)
		json_object_del(row, "seen");
	return copy;
}

int lf_disks_identify(json_t *disks, const json_t *others, const char *machine_id,
		      const char *state_dir, struct lf_error *err)
{
	LF_AUTO_FREE char *path = state_dir ? lf_printf_dup("%s/disks.json", state_dir) : NULL;
	LF_AUTO_JSON *record = NULL;
	size_t i;
	json_t *disk;
	int bad = 0;

	int rc = read_record(path, &record, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *before = json_deep_copy(record);
	json_array_foreach (disks, i, disk)
		bad |= identify(disk, others, machine_id, record);
	LF_AUTO_JSON *after = settled(record);
	if (bad || !before || !after)
		return lf_fail_nomem(err);
	return !path || json_equal(before, after) ? 0 : lf_json_write_file(path, after, err);
}
