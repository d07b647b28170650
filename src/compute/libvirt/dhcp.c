/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subnet's dnsmasq, and what lies in the subnet's directory:
 *   hosts.json     fixed addresses: NIC's GUID to {"mac", "address"}; written first
 *   dnsmasq.conf   made of it; when it differs from what is to be, the service is started again
 *   leases, log    dnsmasq's own; leases survive the start of another process
 *   pid            of the process
 * A kill between two of these is made good by the next start, which compares and completes.
 */
#include "compute/libvirt/dhcp.h"

#include "os/file.h"
#include "os/process.h"

#define START_LIMIT_NS (20 * LF_NS_PER_S)
#define STOP_GRACE_NS  (2 * LF_NS_PER_S)
#define FILE_MAX       (1 << 20)

static int read_pid(const char *dir, pid_t *ret_pid, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/pid", dir);

	return path ? lf_pid_read(path, ret_pid, err) : lf_fail_nomem(err);
}

static bool is_running(const char *dir)
{
	struct lf_error ignored;
	pid_t pid;

	return read_pid(dir, &pid, &ignored) == 0 && lf_process_is(pid, dir);
}

int lf_dhcp_stop(const char *dir, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/pid", dir);
	pid_t pid;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_pid_read(path, &pid, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	rc = lf_process_stop(pid, dir, STOP_GRACE_NS, err);
	return rc ? rc : lf_file_remove(path, err);
}

/* hosts.json, and its path, free(); none yet: {}. */
static int read_hosts(const char *dir, char **ret_path, json_t **ret_hosts, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/hosts.json", dir);
	LF_AUTO_JSON *hosts = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, &hosts, err);
	if (rc == LF_ENOTFOUND)
		rc = (hosts = json_object()) ? 0 : lf_fail_nomem(err);
	if (rc)
		return rc;
	*ret_path = lf_steal(&path);
	*ret_hosts = lf_steal(&hosts);
	return 0;
}

static bool has_text(const char *path, const char *text)
{
	LF_AUTO_BUF there = LF_BUF_INIT;
	struct lf_error ignored;

	return lf_file_read(path, FILE_MAX, &there, &ignored) == 0 &&
	       strcmp(lf_buf_text(&there), text) == 0;
}

/*
 * dnsmasq reads its file before it gives up root, and never again; so a new
 * address is a new process.  Leases are in a file and survive that.
 */
int lf_dhcp_start(const char *dir, const char *space, const struct lf_subnet_plan *plan,
		  bool isolated, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/dnsmasq.conf", dir);
	LF_AUTO_FREE char *option = path ? lf_printf_dup("--conf-file=%s", path) : NULL;
	LF_AUTO_FREE char *hosts_path = NULL;
	LF_AUTO_JSON *hosts = NULL;

	int rc = option ? read_hosts(dir, &hosts_path, &hosts, err) : lf_fail_nomem(err);
	if (rc)
		return rc;
	LF_AUTO_FREE char *conf = lf_dhcp_config(plan, dir, hosts, isolated);
	if (!conf)
		return lf_fail_nomem(err);
	if (has_text(path, conf) && is_running(dir))
		return 0;
	rc = lf_dhcp_stop(dir, err);
	if (!rc)
		rc = lf_file_write_durable(path, conf, strlen(conf), 0600, err);
	const char *const argv[] = {"ip", "netns", "exec", space, "dnsmasq", option, NULL};
	return rc ? rc : lf_process_run(argv, START_LIMIT_NS, NULL, err);
}

int lf_dhcp_fix(const char *dir, const struct lf_vm_nic *nic, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_JSON *hosts = NULL;

	if (!nic->address || !nic->mac)
		return 0;
	int rc = read_hosts(dir, &path, &hosts, err);
	if (rc)
		return rc;
	LF_AUTO_JSON *entry = json_pack("{s:s, s:s}", "mac", nic->mac, "address", nic->address);
	if (entry && json_equal(json_object_get(hosts, nic->guid), entry))
		return 0;
	if (json_object_set(hosts, nic->guid, entry))
		return lf_fail_nomem(err);
	return lf_json_write_file(path, hosts, err);
}

/* Take the lines with mac out of the leases, so that the address is free at once. */
static int drop_lease(const char *dir, const char *mac, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/leases", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_BUF kept = LF_BUF_INIT;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, FILE_MAX, &text, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	for (const char *line = lf_buf_text(&text); *line;) {
		size_t len = strcspn(line, "\n");
		LF_AUTO_FREE char *copy = strndup(line, len);
		if (!copy)
			return lf_fail_nomem(err);
		if (!strcasestr(copy, mac))
			lf_buf_printf(&kept, "%s\n", copy);
		line += len + (line[len] != '\0');
	}
	rc = lf_buf_check(&kept, err);
	return rc ? rc : lf_file_write_durable(path, lf_buf_text(&kept), kept.len, 0600, err);
}

int lf_dhcp_free(const char *dir, const struct lf_vm_nic *nic, struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL;
	LF_AUTO_JSON *hosts = NULL;

	int rc = read_hosts(dir, &path, &hosts, err);
	if (rc || json_object_del(hosts, nic->guid))
		return rc;
	rc = lf_json_write_file(path, hosts, err);
	if (!rc)
		rc = lf_dhcp_stop(dir, err);
	return rc ? rc : drop_lease(dir, nic->mac ? nic->mac : "?", err);
}

/* A line of the leases: expiry MAC address name client-id. */
bool lf_dhcp_lease(const char *dir, const struct lf_vm_nic *nic, char *out, size_t out_size)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/leases", dir);
	LF_AUTO_FREE char *mac = lf_text_lower_dup(nic->mac ? nic->mac : "?");
	LF_AUTO_FREE char *wanted = mac ? lf_printf_dup(" %s ", mac) : NULL;
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;

	if (!path || !wanted || lf_file_read(path, FILE_MAX, &text, &ignored))
		return false;
	const char *found = strstr(lf_buf_text(&text), wanted);
	if (!found)
		return false;
	found += strlen(wanted);
	snprintf(out, out_size, "%.*s", (int)strcspn(found, " \n"), found);
	return true;
}
