/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking what an agent says by tables of members: each row is a name, its type and its bounds,
 * and a list has the table of its elements.  A copy is made of what a table knows; whatever it does
 * not know is left out, and what it knows and is wrong fails with the member's path as target.
 */
#include "replication/inventory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"

#define IPS_MAX	   256
#define NICS_MAX   128
#define CHECKS_MAX 512
#define HOLDS_MAX  1088 /* file systems of a machine, and who writes beside them */

#define UNREADABLE_MAX 16384 /* ranges of all disks: source/bad.h's of 64 */

enum kind {
	MEMBER_GUID,
	MEMBER_NAME,
	MEMBER_TEXT,
	MEMBER_WORD, /* one of words */
	MEMBER_MAC,
	MEMBER_INT,
	MEMBER_BOOL,
	MEMBER_IPS,
	MEMBER_TEXTS,
	MEMBER_LIST, /* of objects, by members */
};

struct member {
	const char *name;
	enum kind kind;
	bool needed;
	int64_t min, max; /* of numbers; of lists: how many */
	enum lf_name_kind names;
	const char *const *words; /* NULL-ended */
	const struct member *members;
	size_t n_members;
};

static const char *const firmwares[] = {"uefi", "bios", NULL};
static const char *const boot_types[] = {"EFI", "UEFI", "BIOS", NULL};

static const struct member disk_members[] = {
	{"id", MEMBER_NAME, true, .names = LF_NAME_DISK},
	{"name", MEMBER_NAME, .names = LF_NAME_DISK},
	{"path", MEMBER_TEXT},
	{"sizeBytes", MEMBER_INT, .max = LF_DISK_BYTES_MAX},
	{"sectorSizeInBytes", MEMBER_INT, .min = 512, .max = 4096},
	{"os", MEMBER_BOOL},
	{"lun", MEMBER_INT, .min = -1, .max = LF_INVENTORY_DISKS_MAX},
};
static const struct member nic_members[] = {
	{"id", MEMBER_GUID},
	{"mac", MEMBER_MAC},
	{"network", MEMBER_TEXT},
	{"ips", MEMBER_IPS},
};
static const struct member check_members[] = {
	{"check", MEMBER_TEXT},
	{"ok", MEMBER_BOOL},
	{"reason", MEMBER_TEXT},
	{"advice", MEMBER_TEXT},
};
#define LIST(name, most, of)                                                                       \
	{                                                                                          \
		name, MEMBER_LIST, .max = most, .members = of, .n_members = LF_N(of)               \
	}
static const struct member inventory_members[] = {
	{"machineId", MEMBER_GUID, true},
	{"machineName", MEMBER_NAME, true, .names = LF_NAME_MACHINE},
	{"hostName", MEMBER_NAME, .names = LF_NAME_MACHINE},
	{"fqdn", MEMBER_NAME, .names = LF_NAME_MACHINE},
	{"version", MEMBER_TEXT},
	{"os", MEMBER_TEXT},
	{"osVersion", MEMBER_TEXT},
	{"architecture", MEMBER_TEXT},
	{"firmware", MEMBER_WORD, .words = firmwares},
	{"bootType", MEMBER_WORD, .words = boot_types},
	{"biosId", MEMBER_TEXT},
	{"cores", MEMBER_INT, .min = 1, .max = 4096},
	{"memoryMiB", MEMBER_INT, .min = 1, .max = INT64_C(1) << 26},
	{"canShutDown", MEMBER_BOOL},
	{"canMeet", MEMBER_BOOL},
	{"ips", MEMBER_IPS},
	LIST("disks", LF_INVENTORY_DISKS_MAX, disk_members),
	LIST("nics", NICS_MAX, nic_members),
	LIST("preflight", CHECKS_MAX, check_members),
};

static bool is_word(const char *text, const char *const *words)
{
	while (*words && strcmp(text, *words) != 0)
		words++;
	return *words;
}

static bool is_mac(const char *text)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (!text[0]) /* of interfaces that have none */
		return true;
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !text[i] || !strchr(digits, text[i]))
			return false;
	return !text[17];
}

static bool is_address(const char *text)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static int fail_member(const char *target, const char *what, struct lf_error *err)
{
	return lf_fail(err, LF_EINVAL, target, "%s is not %s", target, what);
}

static int check_text(const struct member *member, const char *text, const char *target,
		      struct lf_error *err)
{
	switch (member->kind) {
	case MEMBER_GUID:
		return lf_guid_valid(text) ? 0 : fail_member(target, "a GUID", err);
	case MEMBER_NAME:
		return lf_name_check(member->names, text, target, err);
	case MEMBER_WORD:
		return is_word(text, member->words) ? 0 : fail_member(target, "a known word", err);
	case MEMBER_MAC:
		return is_mac(text) ? 0 : fail_member(target, "a MAC address", err);
	default:
		return lf_name_check(LF_NAME_TEXT, text, target, err);
	}
}

static int check_ips(const json_t *list, const char *target, struct lf_error *err)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(list) || json_array_size(list) > IPS_MAX)
		return fail_member(target, "a list of addresses", err);
	json_array_foreach (list, i, entry) {
		const char *text = json_string_value(entry);
		if (!text || !is_address(text))
			return fail_member(target, "a list of addresses", err);
	}
	return 0;
}

static int check_texts(const struct member *member, const json_t *list, const char *target,
		       struct lf_error *err)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(list) || json_array_size(list) > (size_t)member->max)
		return fail_member(target, "a list of texts", err);
	json_array_foreach (list, i, entry) {
		int rc =
			json_is_string(entry)
				? lf_name_check(LF_NAME_TEXT, json_string_value(entry), target, err)
				: fail_member(target, "a list of texts", err);
		if (rc)
			return rc;
	}
	return 0;
}

static int check_object(const json_t *doc, const struct member *members, size_t n,
			const char *where, json_t **ret_checked, struct lf_error *err);

static int check_list(const struct member *member, const json_t *list, const char *target,
		      json_t **ret_checked, struct lf_error *err)
{
	LF_AUTO_JSON *checked = json_array();
	size_t i;
	json_t *entry;

	if (!checked)
		return lf_fail_nomem(err);
	if (!json_is_array(list) || json_array_size(list) > (size_t)member->max)
		return lf_fail(err, LF_EINVAL, target, "%s is not a list of at most %lld", target,
			       (long long)member->max);
	json_array_foreach (list, i, entry) {
		json_t *one = NULL;
		int rc = check_object(entry, member->members, member->n_members, target, &one, err);
		if (rc)
			return rc;
		if (json_array_append_new(checked, one))
			return lf_fail_nomem(err);
	}
	*ret_checked = lf_steal(&checked);
	return 0;
}

/* Numbers and what is made of others; else text. */
static int check_value(const struct member *member, json_t *value, const char *target,
		       json_t **ret_checked, struct lf_error *err)
{
	int64_t number = json_integer_value(value);
	int rc = 0;

	switch (member->kind) {
	case MEMBER_INT:
		if (!json_is_integer(value) || number < member->min || number > member->max)
			rc = lf_fail(err, LF_EINVAL, target, "%s is not a number from %lld to %lld",
				     target, (long long)member->min, (long long)member->max);
		break;
	case MEMBER_BOOL:
		rc = json_is_boolean(value) ? 0 : fail_member(target, "true or false", err);
		break;
	case MEMBER_IPS:
		rc = check_ips(value, target, err);
		break;
	case MEMBER_TEXTS:
		rc = check_texts(member, value, target, err);
		break;
	case MEMBER_LIST:
		return check_list(member, value, target, ret_checked, err);
	default:
		rc = json_is_string(value)
			     ? check_text(member, json_string_value(value), target, err)
			     : fail_member(target, "a text", err);
	}
	if (!rc)
		*ret_checked = json_incref(value);
	return rc;
}

static int check_object(const json_t *doc, const struct member *members, size_t n,
			const char *where, json_t **ret_checked, struct lf_error *err)
{
	LF_AUTO_JSON *checked = json_object();

	if (!checked)
		return lf_fail_nomem(err);
	if (!json_is_object(doc))
		return fail_member(where, "an object", err);
	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(doc, members[i].name), *copy = NULL;
		char target[128];
		snprintf(target, sizeof(target), "%s.%s", where, members[i].name);
		if (!value || json_is_null(value)) {
			if (members[i].needed)
				return lf_fail(err, LF_EINVAL, target, "%s is missing", target);
			continue;
		}
		int rc = check_value(&members[i], value, target, &copy, err);
		if (rc)
			return rc;
		if (json_object_set_new(checked, members[i].name, copy))
			return lf_fail_nomem(err);
	}
	*ret_checked = lf_steal(&checked);
	return 0;
}

int lf_inventory_check(const json_t *inventory, json_t **ret_checked, struct lf_error *err)
{
	LF_AUTO_JSON *checked = NULL;
	int rc = check_object(inventory, inventory_members, LF_N(inventory_members), "inventory",
			      &checked, err);

	if (rc)
		return rc;
	if (json_dumpb(checked, NULL, 0, JSON_COMPACT) > LF_INVENTORY_BYTES_MAX)
		return lf_fail_arm(err, LF_ETOOLARGE, "", "inventory",
				   "name the disks that matter in the agent's configuration",
				   "the inventory is longer than %u KiB",
				   LF_INVENTORY_BYTES_MAX >> 10);
	*ret_checked = lf_steal(&checked);
	return 0;
}

static const struct member session_disk_members[] = {
	{"id", MEMBER_NAME, true, .names = LF_NAME_DISK},
	{"name", MEMBER_NAME, .names = LF_NAME_DISK},
	{"sizeBytes", MEMBER_INT, true, .min = 1, .max = LF_DISK_BYTES_MAX},
	{"sectorSizeInBytes", MEMBER_INT, .min = 512, .max = 4096},
	{"os", MEMBER_BOOL},
	{"lun", MEMBER_INT, .min = -1, .max = LF_INVENTORY_DISKS_MAX},
};

/* A disk without a size would make a point with nothing in it. */
int lf_session_disks_check(const json_t *disks, json_t **ret_checked, struct lf_error *err)
{
	static const struct member list = LIST("disks", LF_INFLOW_DISKS_MAX, session_disk_members);
	LF_AUTO_JSON *checked = NULL;
	int rc = check_list(&list, disks, "disks", &checked, err);

	if (rc)
		return rc;
	if (!json_array_size(checked))
		return lf_fail(err, LF_EINVAL, "disks", "a session has at least one disk");
	for (size_t i = 0; i < json_array_size(checked); i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(lf_json_text_or(json_array_get(checked, i), "id", ""),
				   lf_json_text_or(json_array_get(checked, j), "id", "")) == 0)
				return lf_fail(err, LF_EINVAL, "disks",
					       "two disks have the same id");
	*ret_checked = lf_steal(&checked);
	return 0;
}

static const char *const consistencies[] = {"CrashConsistent", "ApplicationConsistent",
					    "FileSystemConsistent", "Inconsistent", NULL};
static const struct member range_members[] = {
	{"disk", MEMBER_NAME, true, .names = LF_NAME_DISK},
	{"offset", MEMBER_INT, true, .max = LF_DISK_BYTES_MAX},
	{"length", MEMBER_INT, true, .max = LF_DISK_BYTES_MAX},
};
static const struct member commit_members[] = {
	{"consistency", MEMBER_WORD, .words = consistencies},
	{"ageMs", MEMBER_INT, .max = 86400000},
	{"freezeMs", MEMBER_INT, .max = 86400000},
	{"frozen", MEMBER_TEXTS, .max = HOLDS_MAX},
	{"unheld", MEMBER_TEXTS, .max = HOLDS_MAX},
	{"bytesRead", MEMBER_INT, .max = LF_TRANSFERRED_BYTES_MAX},
	{"bytesSent", MEMBER_INT, .max = LF_TRANSFERRED_BYTES_MAX},
	LIST("unreadable", UNREADABLE_MAX, range_members),
	{"together", MEMBER_BOOL},
	{"appError", MEMBER_TEXT},
	{"appAdvice", MEMBER_TEXT},
};

int lf_commit_check(const json_t *request, json_t **ret_checked, struct lf_error *err)
{
	return check_object(request, commit_members, LF_N(commit_members), "commit", ret_checked,
			    err);
}

/* Status: news for people, worth no refusal. */

static void copy_text(json_t *to, const json_t *from, const char *name)
{
	const char *text = lf_json_text(from, name);

	if (text && lf_name_good(LF_NAME_TEXT, text))
		json_object_set_new(to, name, json_string(text));
}

static void copy_bytes(json_t *to, const json_t *from, const char *name)
{
	int64_t bytes = lf_json_int_or(from, name, 0);

	bytes = bytes < 0 ? 0 : bytes;
	bytes = bytes > LF_TRANSFERRED_BYTES_MAX ? LF_TRANSFERRED_BYTES_MAX : bytes;
	if (bytes)
		json_object_set_new(to, name, json_integer(bytes));
}

static json_t *copy_disk(const json_t *from)
{
	static const char *const members[] = {"sizeBytes", "processedBytes", "sentBytes",
					      "pendingBytes"};
	json_t *disk = json_object();

	copy_text(disk, from, "id");
	for (size_t i = 0; i < LF_N(members); i++)
		copy_bytes(disk, from, members[i]);
	return disk;
}

static json_t *copy_status(const json_t *from)
{
	static const char *const texts[] = {"itemId", "error", "advice", "code"};
	const json_t *from_disks = lf_json_at(from, "disks");
	size_t n = json_array_size(from_disks);
	json_t *status = json_object(), *disks = json_array();

	for (size_t i = 0; i < LF_N(texts); i++)
		copy_text(status, from, texts[i]);
	copy_bytes(status, from, "bytesPerSecond");
	for (size_t i = 0; i < n && i < LF_INFLOW_DISKS_MAX; i++)
		json_array_append_new(disks, copy_disk(json_array_get(from_disks, i)));
	if (!status || json_object_set_new(status, "disks", disks)) {
		json_decref(status);
		return NULL;
	}
	return status;
}

int lf_status_check(const json_t *status, json_t **ret_checked, struct lf_error *err)
{
	LF_AUTO_JSON *checked = json_array();

	if (!checked)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < json_array_size(status) && i < LF_STATUS_ITEMS_MAX; i++)
		if (json_array_append_new(checked, copy_status(json_array_get(status, i))))
			return lf_fail_nomem(err);
	*ret_checked = lf_steal(&checked);
	return 0;
}
