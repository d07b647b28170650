/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file first; what it leaves out is found in /sys and
 * /etc/os-release: whole disks that are not memory or made of others,
 * interfaces with a device.  Checks beside the inventory say what would keep a
 * disk from being protected.  Nothing is written.
 */
#include "agent/machine.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/identity.h"
#include "base/names.h"
#include "base/text.h"
#include "os/file.h"
#include "source/disk.h"
#include "source/mounts.h"

#define APP_SCRIPTS	"/etc/landfall-agent/app.d"
#define STATE_BYTES_MIN (64u << 20) /* room that packs need */

static void read_word(const char *path, char *out, size_t size)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;

	out[0] = '\0';
	if (!lf_file_read(path, 65536, &text, &ignored))
		snprintf(out, size, "%.*s", (int)strcspn(lf_buf_text(&text), "\n"),
			 lf_buf_text(&text));
}

/* Whole disks that are not memory, loops, or made of others. */
static bool is_real_disk(const char *name)
{
	static const char *const others[] = {"loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"};
	char path[512], word[64];

	for (size_t i = 0; i < LF_N(others); i++)
		if (strncmp(name, others[i], strlen(others[i])) == 0)
			return false;
	snprintf(path, sizeof(path), "/sys/block/%.200s/size", name);
	read_word(path, word, sizeof(word));
	return word[0] && strcmp(word, "0") != 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(json_string_value(json_object_get(*(json_t *const *)a, "name")),
		      json_string_value(json_object_get(*(json_t *const *)b, "name")));
}

/* Two ways to one disk (multipath) are one disk; only the device can say so. */
static bool is_there(const json_t *disks, const json_t *disk)
{
	char identity[LF_IDENTITY_SIZE], other[LF_IDENTITY_SIZE];
	size_t i;
	json_t *entry;

	lf_disk_identity(lf_json_text_or(disk, "path", ""), identity);
	if (strncmp(identity, "wwn:", 4) != 0)
		return false;
	json_array_foreach (disks, i, entry) {
		lf_disk_identity(lf_json_text_or(entry, "path", ""), other);
		if (strcmp(identity, other) == 0)
			return true;
	}
	return false;
}

static json_t *find_disks(void)
{
	json_t *found[256], *disks = json_array();
	size_t n = 0;
	DIR *dir = opendir("/sys/block");

	for (struct dirent *entry; dir && n < LF_N(found) && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' || !is_real_disk(entry->d_name))
			continue;
		char name[81]; /* "cciss!c0d0" is /dev/cciss/c0d0 */
		LF_AUTO_FREE char *path = lf_printf_dup("/dev/%s", entry->d_name);
		for (char *p = path; p && *p; p++)
			*p = *p == '!' ? '/' : *p;
		lf_name_make(LF_NAME_DISK, entry->d_name, name, sizeof(name));
		json_t *disk = json_pack("{s:s,s:s}", "path", path ? path : "", "name", name);
		if (disk)
			found[n++] = disk;
	}
	if (dir)
		closedir(dir);
	qsort(found, n, sizeof(*found), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (!is_there(disks, found[i]))
			json_array_append(disks, found[i]);
		json_decref(found[i]);
	}
	return disks;
}

static bool holds_root(const json_t *disk)
{
	const char *path = lf_json_text_or(disk, "path", "");
	LF_AUTO_JSON *mounts = NULL;
	struct lf_error ignored;
	json_t *mount;
	size_t i;

	if (lf_mounts_of(&path, 1, NULL, &mounts, &ignored))
		return false;
	json_array_foreach (mounts, i, mount)
		if (strcmp(json_string_value(mount), "/") == 0)
			return true;
	return false;
}

/* The disk that holds the root directory; the first one when that cannot be told. */
static void mark_os_disk(json_t *disks)
{
	size_t i, os = 0;
	json_t *disk;

	json_array_foreach (disks, i, disk) {
		if (lf_json_at(disk, "os"))
			return;
		if (holds_root(disk))
			os = i;
	}
	disk = json_array_get(disks, os);
	if (disk)
		json_object_set_new(disk, "os", json_true());
}

/*
 * How the machine is shut down when nothing is said of it: only the one whose system runs from the
 * protected disk.  An agent that protects images or other disks is on a machine that is to go on.
 */
static int choose_shutdown(json_t *machine, struct lf_error *err)
{
	const char *command = "";
	json_t *disk;
	size_t i;

	if (lf_json_at(machine, "shutdownCommand"))
		return 0;
	json_array_foreach (lf_json_at(machine, "disks"), i, disk)
		if (lf_json_bool_or(disk, "os", false) && holds_root(disk))
			command = "poweroff";
	return lf_json_set_text(machine, "shutdownCommand", command) ? lf_fail_nomem(err) : 0;
}

/* As the configuration orders them, whatever path each has today. */
static int order_disks(json_t *disks, const json_t *names)
{
	LF_AUTO_JSON *ordered = json_array();
	size_t i, j;
	json_t *name, *disk;

	json_array_foreach (names, i, name)
		json_array_foreach (disks, j, disk)
			if (json_equal(json_object_get(disk, "name"), name))
				json_array_append(ordered, disk);
	if (json_array_size(ordered) != json_array_size(disks))
		return 0;
	return json_array_clear(disks) | json_array_extend(disks, ordered);
}

/* Each has a name; *ret_names: of all, in order. */
static int name_disks(json_t *disks, json_t **ret_names, struct lf_error *err)
{
	LF_AUTO_JSON *names = json_array();
	size_t i;
	json_t *disk;

	json_array_foreach (disks, i, disk) {
		const char *path = lf_json_text_or(disk, "path", "");
		const char *slash = strrchr(path, '/');
		if (!slash)
			return lf_fail(err, LF_EINVAL, "disks",
				       "a disk needs an absolute path, not '%.200s'", path);
		if ((!lf_json_text(disk, "name") && lf_json_set_text(disk, "name", slash + 1)) ||
		    json_array_append(names, json_object_get(disk, "name")))
			return lf_fail_nomem(err);
	}
	*ret_names = lf_steal(&names);
	return i ? 0
		 : lf_fail_arm(err, LF_EINVAL, "NoDisks", "disks",
			       "name the disks in the configuration", "no disk was found");
}

/* LUN -1 is the disk of the operating system; the others count from 0. */
static int complete_disks(json_t *disks, const char *machine_id, const char *state_dir,
			  struct lf_error *err)
{
	LF_AUTO_JSON *names = NULL, *others = find_disks();
	size_t i;
	json_t *disk;
	int lun = 0;

	mark_os_disk(disks);
	int rc = name_disks(disks, &names, err);
	if (!rc)
		rc = lf_disks_identify(disks, others, machine_id, state_dir, err);
	if (!rc && order_disks(disks, names))
		rc = lf_fail_nomem(err);
	json_array_foreach (disks, i, disk) {
		bool os = lf_json_bool_or(disk, "os", false);
		if (!rc && (lf_json_set_bool(disk, "os", os) |
			    lf_json_set_int(disk, "lun", os ? -1 : lun)))
			rc = lf_fail_nomem(err);
		lun += !os;
	}
	return rc;
}

/* The interface that one belongs to, through bridges and bonds, has a device; into out. */
static bool find_device(const char *name, char out[static IF_NAMESIZE])
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/net/%.64s/device", name);
	if (access(path, F_OK) == 0) {
		snprintf(out, IF_NAMESIZE, "%.15s", name);
		return true;
	}
	/* a bridge, a bond or a VLAN is a name of what lies below it */
	snprintf(path, sizeof(path), "/sys/class/net/%.64s", name);
	DIR *dir = opendir(path);
	bool found = false;
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
		if (strncmp(entry->d_name, "lower_", 6) == 0 &&
		    strcmp(entry->d_name + 6, name) != 0)
			found = find_device(entry->d_name + 6, out);
	if (dir)
		closedir(dir);
	return found;
}

/* The machine's interface with that name; NULL: out of memory. */
static json_t *nic_of(json_t *nics, const char *name)
{
	char mac[64], path[128];
	size_t i;
	json_t *nic;

	json_array_foreach (nics, i, nic)
		if (strcmp(lf_json_text_or(nic, "network", ""), name) == 0)
			return nic;
	snprintf(path, sizeof(path), "/sys/class/net/%.64s/address", name);
	read_word(path, mac, sizeof(mac));
	nic = json_pack("{s:s,s:s,s:[]}", "mac", mac, "network", name, "ips");
	return json_array_append_new(nics, nic) ? NULL : nic;
}

/* Of one address of a real interface: IPv4 before IPv6, of which what only the link knows is none.
 */
static void add_address(json_t *nics, const struct ifaddrs *a)
{
	int family = a->ifa_addr ? a->ifa_addr->sa_family : AF_UNSPEC;
	char name[IF_NAMESIZE], host[NI_MAXHOST];
	socklen_t len =
		family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	if ((family != AF_INET && family != AF_INET6) || a->ifa_flags & IFF_LOOPBACK ||
	    !find_device(a->ifa_name, name) ||
	    getnameinfo(a->ifa_addr, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST) ||
	    (family == AF_INET6 && strncmp(host, "fe80", 4) == 0))
		return;
	json_t *ips = json_object_get(nic_of(nics, name), "ips");
	size_t at = json_array_size(ips);
	while (family == AF_INET && at &&
	       strchr(json_string_value(json_array_get(ips, at - 1)), ':'))
		at--;
	json_array_insert_new(ips, at, json_string(host));
}

/* Interfaces that have a device, each once, with all their addresses; what software makes (docker0,
 * tun, dummies) is no part of the machine that is made at a failover. */
static json_t *find_nics(void)
{
	struct ifaddrs *list = NULL;
	json_t *nics = json_array();

	if (getifaddrs(&list))
		return nics;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next)
		add_address(nics, a);
	freeifaddrs(list);
	return nics;
}

static void read_os_name(char *out, size_t size)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;
	const char *at;

	snprintf(out, size, "Linux");
	if (lf_file_read("/etc/os-release", 65536, &text, &ignored))
		return;
	at = strstr(lf_buf_text(&text), "PRETTY_NAME=\"");
	if (at) {
		at += strlen("PRETTY_NAME=\"");
		snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
	}
}

/* Fill name with value() where the configuration says nothing. */
static int set_default(json_t *machine, const char *name, json_t *value)
{
	if (!lf_json_at(machine, name))
		return json_object_set_new(machine, name, value);
	json_decref(value);
	return 0;
}

int lf_agent_machine_load(const char *config_path, const char *machine_id, const char *state_dir,
			  json_t **ret_machine, struct lf_error *err)
{
	LF_AUTO_JSON *machine = NULL;
	char text[256] = "localhost", host[256], os[128];
	int rc = 0;

	if (config_path)
		rc = lf_json_read_file(config_path, &machine, err);
	else if (!(machine = json_object()))
		rc = lf_fail_nomem(err);
	if (rc)
		return rc;
	gethostname(text, sizeof(text) - 1);
	lf_name_make(LF_NAME_MACHINE, text, host, sizeof(host));
	read_os_name(os, sizeof(os));
	int bad = set_default(machine, "name", json_string(host));
	bad |= set_default(machine, "os", json_string(os));
	bad |= set_default(machine, "firmware",
			   json_string(access("/sys/firmware/efi", F_OK) == 0 ? "uefi" : "bios"));
	bad |= set_default(machine, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	bad |= set_default(
		machine, "memoryMiB",
		json_integer(sysconf(_SC_PHYS_PAGES) / 256 * (sysconf(_SC_PAGESIZE) / 4096)));
	bad |= set_default(machine, "biosId", json_string(machine_id));
	bad |= set_default(machine, "disks", find_disks());
	bad |= set_default(machine, "nics", find_nics());
	bad |= set_default(machine, "appScripts", json_string(APP_SCRIPTS));
	if (bad)
		return lf_fail_nomem(err);
	rc = complete_disks(lf_json_at(machine, "disks"), machine_id, state_dir, err);
	if (!rc)
		rc = choose_shutdown(machine, err);
	if (!rc)
		*ret_machine = lf_steal(&machine);
	return rc;
}

static json_t *check(const char *name, bool ok, const char *reason, const char *advice)
{
	return json_pack("{s:s,s:b,s:s,s:s}", "check", name, "ok", ok, "reason", ok ? "" : reason,
			 "advice", ok ? "" : advice);
}

static json_t *check_disk(json_t *disk)
{
	struct lf_disk *opened = NULL;
	struct lf_error err = LF_ERROR_NONE;
	uint64_t size = 0;
	LF_AUTO_FREE void *page = aligned_alloc(LF_DISK_ALIGN, LF_DISK_ALIGN);

	int rc = lf_disk_open(lf_json_text_or(disk, "path", ""), &opened, &err);
	if (!rc)
		rc = lf_disk_size(opened, &size, &err);
	if (!rc && page)
		rc = lf_disk_read(opened, page, LF_DISK_ALIGN, 0, &err);
	if (!rc && (lf_json_set_int(disk, "sizeBytes", (int64_t)size) |
		    lf_json_set_int(disk, "sectorSizeInBytes", lf_disk_sector(opened))))
		rc = lf_fail_nomem(&err);
	lf_disk_close(opened);
	LF_AUTO_FREE char *name =
		lf_printf_dup("disk %s can be read", lf_json_text_or(disk, "name", ""));
	return check(name ? name : "disk", !rc && size, err.message,
		     "run the agent as root and check the path of the disk");
}

/* What fingerprints of the disks will take besides what they have already, and packs under way. */
static uint64_t bytes_needed(const char *state_dir, const json_t *disks)
{
	uint64_t bytes = STATE_BYTES_MIN;
	size_t i;
	json_t *disk;

	json_array_foreach ((json_t *)(uintptr_t)disks, i, disk) {
		LF_AUTO_FREE char *path =
			lf_printf_dup("%s/%s.prints", state_dir, lf_json_text_or(disk, "id", ""));
		uint64_t size = (uint64_t)lf_json_int_or(disk, "sizeBytes", 0);
		uint64_t prints = LF_DISK_ALIGN + size / LF_DISK_ALIGN * sizeof(uint64_t);
		struct stat st;
		uint64_t there = path && stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
		bytes += there < prints ? prints - there : 0;
	}
	return bytes;
}

static json_t *check_state_room(const char *state_dir, const json_t *disks)
{
	uint64_t needed = bytes_needed(state_dir, disks), free = 0;
	struct statvfs fs;
	char reason[128];

	if (statvfs(state_dir, &fs) == 0)
		free = (uint64_t)fs.f_bavail * fs.f_frsize;
	snprintf(reason, sizeof(reason),
		 "%llu MiB are free, and fingerprints of the disks and packs need %llu",
		 (unsigned long long)(free >> 20), (unsigned long long)(needed >> 20));
	return check("state directory has room", free >= needed, reason,
		     "free some space, or give --state on another file system");
}

int lf_agent_machine_inventory(const json_t *machine, const char *state_dir, const char *machine_id,
			       json_t **ret_inventory, struct lf_error *err)
{
	LF_AUTO_JSON *inventory = json_object();
	LF_AUTO_JSON *disks = json_deep_copy(lf_json_at(machine, "disks"));
	json_t *checks = json_array(), *nics = json_deep_copy(lf_json_at(machine, "nics"));
	size_t i;
	json_t *entry;

	json_array_foreach (disks, i, entry) {
		json_array_append_new(checks, check_disk(entry));
	}
	json_array_append_new(checks, check_state_room(state_dir, disks));
	json_array_foreach (nics, i, entry) {
		char guid[LF_GUID_SIZE];
		lf_guid_derive(machine_id, lf_json_text_or(entry, "mac", ""), guid);
		json_object_set_new(entry, "id", json_string(guid));
	}
	int bad = lf_json_set_text(inventory, "machineId", machine_id);
	bad |= lf_json_set_text(inventory, "machineName", lf_json_text(machine, "name"));
	bad |= lf_json_set_text(inventory, "version", LF_VERSION);
	bad |= lf_json_set_text(inventory, "os", lf_json_text(machine, "os"));
	bad |= lf_json_set_text(inventory, "firmware", lf_json_text(machine, "firmware"));
	bad |= lf_json_set_text(
		inventory, "bootType",
		strcmp(lf_json_text_or(machine, "firmware", ""), "uefi") == 0 ? "EFI" : "BIOS");
	bad |= lf_json_set_text(inventory, "biosId", lf_json_text(machine, "biosId"));
	bad |= lf_json_set_int(inventory, "cores", lf_json_int_or(machine, "cores", 1));
	bad |= lf_json_set_int(inventory, "memoryMiB", lf_json_int_or(machine, "memoryMiB", 1024));
	bad |= lf_json_set_bool(inventory, "canMeet", true);
	bad |= lf_json_set_bool(inventory, "canShutDown",
				*lf_json_text_or(machine, "shutdownCommand", ""));
	bad |= lf_json_set(inventory, "disks", lf_steal(&disks));
	bad |= lf_json_set(inventory, "nics", nics);
	bad |= lf_json_set(inventory, "preflight", checks);
	json_t *ips = json_array();
	json_array_foreach (nics, i, entry) {
		json_array_extend(ips, json_object_get(entry, "ips"));
	}
	bad |= lf_json_set(inventory, "ips", ips);
	if (bad)
		return lf_fail_nomem(err);
	*ret_inventory = lf_steal(&inventory);
	return 0;
}
