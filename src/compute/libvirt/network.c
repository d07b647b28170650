/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks of machines.  For each subnet: a libvirt network that is a bridge
 * and nothing else, and a network name space with one port on it, where the
 * gateway's address and a DHCP service live.
 *
 * The host has no address on the bridge and no route to it, so a test network
 * is really alone, a subnet that the host uses itself is no obstacle, and two
 * networks may have the same prefix, as Azure's may.
 *
 * Everything is made so that making it again completes or repairs it.
 * Below networks/GUID/: network.json, and for each subnet LABEL/ with
 * hosts.json (the fixed addresses), dnsmasq.conf, leases, pid, log.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/libvirt/internal.h"
#include "compute/libvirt/network_plan.h"
#include "os/file.h"
#include "os/process.h"
#include "base/lock.h"

#define TOOL_LIMIT_NS (20 * LF_NS_PER_S)
#define STOP_GRACE_NS (2 * LF_NS_PER_S)

static int run_ip(const char *const *argv, struct lf_error *err)
{
	return lf_process_run(argv, TOOL_LIMIT_NS, NULL, err);
}
#define RUN_IP(err, ...) run_ip((const char *const[]){"ip", __VA_ARGS__, NULL}, err)

static char *network_dir(const struct lf_host *host, const char *guid)
{
	return lf_printf_dup("%s/networks/%s", host->data_dir, guid);
}

static char *subnet_dir(const struct lf_host *host, const char *guid,
			const struct lf_net_names *names)
{
	return lf_printf_dup("%s/networks/%s/%.8s", host->data_dir, guid, names->uuid);
}

/* The bridge, by libvirt, so that domains can name the network. */
static int make_bridge(virConnectPtr conn, const struct lf_net_names *names, struct lf_error *err)
{
	virNetworkPtr network = virNetworkLookupByName(conn, names->network);
	int rc = 0;

	if (!network) {
		LF_AUTO_FREE char *xml = lf_network_xml(names);
		if (!xml)
			return lf_fail_nomem(err);
		network = virNetworkDefineXML(conn, xml);
	}
	if (!network)
		return lf_fail_virt(err, names->network, "cannot define the network");
	if (virNetworkIsActive(network) != 1 && virNetworkCreate(network))
		rc = lf_fail_virt(err, names->network, "cannot start the network");
	virNetworkFree(network);
	return rc;
}

static bool has_name_space(const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("/run/netns/%s", name);

	return path && access(path, F_OK) == 0;
}

static bool has_interface(const char *name)
{
	LF_AUTO_FREE char *path = lf_printf_dup("/sys/class/net/%s", name);

	return path && access(path, F_OK) == 0;
}

/* The name space, its port on the bridge and its address. */
static int make_name_space(const struct lf_net_names *names, const struct lf_subnet_plan *plan,
			   struct lf_error *err)
{
	LF_AUTO_FREE char *address = lf_printf_dup("%s/%u", plan->gateway, plan->length);
	const char *space = names->network;
	int rc = 0;

	if (!address)
		return lf_fail_nomem(err);
	if (!has_name_space(space))
		rc = RUN_IP(err, "netns", "add", space);
	if (!rc && !has_interface(names->port))
		rc = RUN_IP(err, "link", "add", names->port, "type", "veth", "peer", "name", "lan0",
			    "netns", space);
	if (!rc)
		rc = RUN_IP(err, "link", "set", names->port, "master", names->bridge, "up");
	if (!rc)
		rc = RUN_IP(err, "-n", space, "address", "replace", address, "dev", "lan0");
	if (!rc)
		rc = RUN_IP(err, "-n", space, "link", "set", "lan0", "up");
	return rc ? rc : RUN_IP(err, "-n", space, "link", "set", "lo", "up");
}

static int stop_dhcp(const char *dir, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/pid", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	uint64_t pid;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, 64, &text, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	rc = lf_parse_u64(lf_buf_text(&text), 1, INT32_MAX, &pid, err);
	if (!rc)
		rc = lf_process_stop((pid_t)pid, dir, STOP_GRACE_NS, err);
	return rc ? rc : lf_file_remove(path, err);
}

static bool dhcp_runs(const char *dir)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/pid", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error err;
	uint64_t pid;

	if (!path || lf_file_read(path, 64, &text, &err))
		return false;
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return lf_parse_u64(lf_buf_text(&text), 1, INT32_MAX, &pid, &err) == 0 &&
	       lf_process_is((pid_t)pid, dir);
}

/*
 * dnsmasq reads its file before it gives up root, and never again; so a new
 * address is a new process.  Leases are in a file and survive that.
 */
static int start_dhcp(const char *dir, const char *space, const struct lf_subnet_plan *plan,
		      bool isolated, struct lf_error *err)
{
	LF_AUTO_FREE char *hosts_path = lf_printf_dup("%s/hosts.json", dir);
	LF_AUTO_FREE char *conf_path = lf_printf_dup("%s/dnsmasq.conf", dir);
	LF_AUTO_FREE char *conf_option = lf_printf_dup("--conf-file=%s", conf_path);
	LF_AUTO_JSON *hosts = NULL;

	if (!hosts_path || !conf_path || !conf_option)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(hosts_path, &hosts, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	LF_AUTO_FREE char *conf = lf_dhcp_config(plan, dir, hosts, isolated);
	LF_AUTO_BUF before = LF_BUF_INIT;
	if (!conf)
		return lf_fail_nomem(err);
	if (lf_file_read(conf_path, 1 << 20, &before, err))
		lf_buf_clear(&before);
	if (strcmp(lf_buf_text(&before), conf) == 0 && dhcp_runs(dir))
		return 0;
	rc = stop_dhcp(dir, err);
	if (!rc)
		rc = lf_file_write_durable(conf_path, conf, strlen(conf), 0600, err);
	return rc ? rc : RUN_IP(err, "netns", "exec", space, "dnsmasq", conf_option);
}

static int make_subnet(struct lf_host *host, virConnectPtr conn, const json_t *network,
		       const json_t *subnet, struct lf_error *err)
{
	const char *guid = lf_json_text_or(network, "guid", "");
	struct lf_subnet_plan plan;
	struct lf_net_names names;

	int rc = lf_subnet_plan(lf_json_text_or(subnet, "prefix", ""), &plan, err);
	if (rc)
		return rc;
	lf_net_names(guid, lf_json_text_or(subnet, "name", ""), &names);
	LF_AUTO_FREE char *dir = subnet_dir(host, guid, &names);
	if (!dir)
		return lf_fail_nomem(err);
	rc = lf_dir_make(dir, 0700, err);
	if (!rc)
		rc = make_bridge(conn, &names, err);
	if (!rc)
		rc = make_name_space(&names, &plan, err);
	return rc ? rc
		  : start_dhcp(dir, names.network, &plan,
			       lf_json_bool_or(network, "isolated", true), err);
}

static int write_json(const char *path, const json_t *doc, struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	int rc = lf_json_dump(doc, &text, err);

	return rc ? rc : lf_file_write_durable(path, text, strlen(text), 0600, err);
}

int lf_network_up(struct lf_host *host, const json_t *network, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = network_dir(host, lf_json_text_or(network, "guid", ""));
	LF_AUTO_FREE char *path = dir ? lf_printf_dup("%s/network.json", dir) : NULL;
	LF_AUTO_CONN conn = NULL;
	json_t *subnet;
	size_t i;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_dir_make(dir, 0700, err);
	if (!rc)
		rc = write_json(path, network, err);
	json_array_foreach (lf_json_at(network, "subnets"), i, subnet) {
		if (!rc)
			rc = make_subnet(host, conn, network, subnet, err);
		if (rc)
			return lf_error_wrap(err, "subnet %s", lf_json_text_or(subnet, "name", ""));
	}
	return rc;
}

/* LF_ECONFLICT when a machine of ours has a NIC on the network. */
struct use_search {
	const struct lf_host *host;
	const char *network;
};

static int check_use(void *context, const char *name, struct lf_error *err)
{
	struct use_search *search = context;
	LF_AUTO_JSON *vm = NULL;
	json_t *nic;
	size_t i;

	if (!lf_guid_valid(name) || lf_host_vm(search->host, name, &vm, err))
		return 0;
	json_array_foreach (lf_json_at(vm, "nics"), i, nic)
		if (lf_text_equal_nocase(lf_json_text_or(nic, "network", ""), search->network))
			return lf_fail_arm(err, LF_ECONFLICT, "InUse", search->network, NULL,
					   "the network is used by machine %s",
					   lf_json_text_or(vm, "name", name));
	return 0;
}

static int remove_bridge(virConnectPtr conn, const struct lf_net_names *names, struct lf_error *err)
{
	virNetworkPtr network = virNetworkLookupByName(conn, names->network);
	int rc = 0;

	if (!network)
		return 0;
	if (virNetworkIsActive(network) == 1 && virNetworkDestroy(network))
		rc = lf_fail_virt(err, names->network, "cannot stop the network");
	if (!rc && virNetworkUndefine(network))
		rc = lf_fail_virt(err, names->network, "cannot remove the network");
	virNetworkFree(network);
	return rc;
}

static int remove_subnet(struct lf_host *host, virConnectPtr conn, const char *guid,
			 const json_t *subnet, struct lf_error *err)
{
	struct lf_net_names names;

	lf_net_names(guid, lf_json_text_or(subnet, "name", ""), &names);
	LF_AUTO_FREE char *dir = subnet_dir(host, guid, &names);
	if (!dir)
		return lf_fail_nomem(err);
	int rc = stop_dhcp(dir, err);
	/* the port goes with its peer, but only some time after the name space: so by itself */
	if (!rc && has_interface(names.port))
		rc = RUN_IP(err, "link", "delete", names.port);
	if (!rc && has_name_space(names.network))
		rc = RUN_IP(err, "netns", "delete", names.network);
	return rc ? rc : remove_bridge(conn, &names, err);
}

int lf_network_down(struct lf_host *host, const char *guid, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = network_dir(host, guid);
	LF_AUTO_FREE char *path = dir ? lf_printf_dup("%s/network.json", dir) : NULL;
	struct use_search search = {.host = host, .network = guid};
	LF_AUTO_JSON *network = NULL;
	LF_AUTO_CONN conn = NULL;
	json_t *subnet;
	size_t i;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, &network, err);
	if (rc == LF_ENOTFOUND)
		return lf_dir_remove(dir, err);
	if (!rc)
		rc = lf_dir_list(host->data_dir, check_use, &search, err);
	if (!rc)
		rc = lf_host_connect(host, &conn, err);
	json_array_foreach (lf_json_at(network, "subnets"), i, subnet) {
		if (!rc)
			rc = remove_subnet(host, conn, guid, subnet, err);
		if (rc)
			return rc;
	}
	return rc ? rc : lf_dir_remove(dir, err);
}

/* Fixed addresses of the subnet: nic GUID to {"mac", "address"}. */
static int note_address(struct lf_host *host, const json_t *nic, struct lf_error *err)
{
	const char *guid = lf_json_text_or(nic, "network", "");
	const char *address = lf_json_text(nic, "address"), *mac = lf_json_text(nic, "mac");
	struct lf_net_names names;
	LF_AUTO_JSON *hosts = NULL;

	if (!address || !mac)
		return 0;
	lf_net_names(guid, lf_json_text_or(nic, "subnet", ""), &names);
	LF_AUTO_FREE char *dir = subnet_dir(host, guid, &names);
	LF_AUTO_FREE char *path = dir ? lf_printf_dup("%s/hosts.json", dir) : NULL;
	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, &hosts, err);
	if (rc == LF_ENOTFOUND)
		hosts = json_object();
	else if (rc)
		return rc;
	json_t *entry = json_pack("{s:s, s:s}", "mac", mac, "address", address);
	const char *nic_guid = lf_json_text_or(nic, "guid", "");
	if (json_equal(json_object_get(hosts, nic_guid), entry)) {
		json_decref(entry);
		return 0;
	}
	if (json_object_set_new(hosts, nic_guid, entry))
		return lf_fail_nomem(err);
	return write_json(path, hosts, err);
}

static bool has_subnet(const json_t *network, const char *name)
{
	json_t *subnet;
	size_t i;

	json_array_foreach (lf_json_at(network, "subnets"), i, subnet)
		if (lf_text_equal_nocase(lf_json_text_or(subnet, "name", ""), name))
			return true;
	return false;
}

static int serve_nic(struct lf_host *host, const json_t *nic, struct lf_error *err)
{
	const char *guid = lf_json_text_or(nic, "network", "");
	const char *subnet = lf_json_text_or(nic, "subnet", "");
	LF_AUTO_FREE char *path =
		lf_printf_dup("%s/networks/%s/network.json", host->data_dir, guid);
	LF_AUTO_JSON *network = NULL;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, &network, err);
	if (rc == LF_ENOTFOUND || (!rc && !has_subnet(network, subnet)))
		return lf_fail(err, LF_ENOTFOUND, guid, "there is no subnet %s of network %s here",
			       subnet, guid);
	if (!rc)
		rc = note_address(host, nic, err);
	return rc ? rc : lf_network_up(host, network, err);
}

int lf_network_serve(struct lf_host *host, const json_t *vm, struct lf_error *err)
{
	json_t *nic;
	size_t i;

	LF_GUARD(&host->network_mutex);
	json_array_foreach (lf_json_at(vm, "nics"), i, nic) {
		int rc = serve_nic(host, nic, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Take the lines with mac out of the leases, so that the address is free at once. */
static int drop_lease(const char *dir, const char *mac, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/leases", dir);
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_BUF kept = LF_BUF_INIT;

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_file_read(path, 1 << 20, &text, err);
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

static int forget_nic(struct lf_host *host, const json_t *nic, struct lf_error *err)
{
	const char *guid = lf_json_text_or(nic, "network", "");
	struct lf_net_names names;
	LF_AUTO_JSON *hosts = NULL;

	lf_net_names(guid, lf_json_text_or(nic, "subnet", ""), &names);
	LF_AUTO_FREE char *dir = subnet_dir(host, guid, &names);
	LF_AUTO_FREE char *path = dir ? lf_printf_dup("%s/hosts.json", dir) : NULL;
	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, &hosts, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	if (json_object_del(hosts, lf_json_text_or(nic, "guid", "")))
		return 0;
	rc = write_json(path, hosts, err);
	if (!rc)
		rc = stop_dhcp(dir, err);
	return rc ? rc : drop_lease(dir, lf_json_text_or(nic, "mac", "?"), err);
}

int lf_network_forget(struct lf_host *host, const json_t *vm, struct lf_error *err)
{
	json_t *nic;
	size_t i;

	LF_GUARD(&host->network_mutex);
	json_array_foreach (lf_json_at(vm, "nics"), i, nic) {
		const char *guid = lf_json_text_or(nic, "network", "");
		LF_AUTO_FREE char *path =
			lf_printf_dup("%s/networks/%s/network.json", host->data_dir, guid);
		LF_AUTO_JSON *network = NULL;
		if (!path)
			return lf_fail_nomem(err);
		int rc = forget_nic(host, nic, err);
		if (!rc)
			rc = lf_json_read_file(path, &network, err);
		if (rc == LF_ENOTFOUND)
			continue;
		if (!rc)
			rc = lf_network_up(host, network, err); /* DHCP again, for the others */
		if (rc)
			return rc;
	}
	return 0;
}

/* A line of the leases: expiry MAC address name client-id. */
bool lf_network_lease(const struct lf_host *host, const json_t *nic, char *out, size_t out_size)
{
	const char *guid = lf_json_text_or(nic, "network", "");
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_net_names names;
	struct lf_error err;

	lf_net_names(guid, lf_json_text_or(nic, "subnet", ""), &names);
	LF_AUTO_FREE char *dir = subnet_dir(host, guid, &names);
	LF_AUTO_FREE char *path = dir ? lf_printf_dup("%s/leases", dir) : NULL;
	LF_AUTO_FREE char *mac = lf_text_lower_dup(lf_json_text_or(nic, "mac", "?"));
	LF_AUTO_FREE char *wanted = mac ? lf_printf_dup(" %s ", mac) : NULL;
	if (!path || !wanted || lf_file_read(path, 1 << 20, &text, &err))
		return false;
	const char *found = strstr(lf_buf_text(&text), wanted);
	if (!found)
		return false;
	found += strlen(wanted);
	snprintf(out, out_size, "%.*s", (int)strcspn(found, " \n"), found);
	return true;
}
