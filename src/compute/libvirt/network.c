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
 * Below networks/GUID/: network.json, written before anything is made, and for
 * each subnet LABEL/, the directory of its DHCP service (dhcp.c).
 */
#include <unistd.h>

#include "compute/libvirt/dhcp.h"
#include "compute/libvirt/internal.h"
#include "os/file.h"
#include "os/process.h"
#include "base/lock.h"

#define TOOL_LIMIT_NS (20 * LF_NS_PER_S)

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

/* The directory of the subnet that the NIC is in; free(). */
static char *nic_dir(const struct lf_host *host, const struct lf_vm_nic *nic)
{
	struct lf_net_names names;

	lf_net_names(nic->network, nic->subnet, &names);
	return subnet_dir(host, nic->network, &names);
}

/* network.json, and what its texts are borrowed from. */
static int read_network(const struct lf_host *host, const char *guid,
			struct lf_vm_network *ret_network, json_t **ret_doc, struct lf_error *err)
{
	LF_AUTO_FREE char *path =
		lf_printf_dup("%s/networks/%s/network.json", host->data_dir, guid);

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, ret_doc, err);
	if (!rc && lf_vm_network_read(*ret_doc, ret_network, err)) {
		err->code = LF_ECORRUPT;
		rc = lf_error_wrap(err, "%s", path);
	}
	return rc;
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

static int make_subnet(struct lf_host *host, virConnectPtr conn,
		       const struct lf_vm_network *network, const struct lf_vm_subnet *subnet,
		       struct lf_error *err)
{
	struct lf_subnet_plan plan;
	struct lf_net_names names;

	int rc = lf_subnet_plan(subnet->prefix, &plan, err);
	if (rc)
		return rc;
	lf_net_names(network->guid, subnet->name, &names);
	LF_AUTO_FREE char *dir = subnet_dir(host, network->guid, &names);
	if (!dir)
		return lf_fail_nomem(err);
	rc = lf_dir_make(dir, 0700, err);
	if (!rc)
		rc = make_bridge(conn, &names, err);
	if (!rc)
		rc = make_name_space(&names, &plan, err);
	return rc ? rc : lf_dhcp_start(dir, names.network, &plan, network->isolated, err);
}

int lf_network_up(struct lf_host *host, const struct lf_vm_network *network, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = network_dir(host, network->guid);
	LF_AUTO_FREE char *path = dir ? lf_printf_dup("%s/network.json", dir) : NULL;
	LF_AUTO_JSON *doc = lf_vm_network_doc(network);
	LF_AUTO_CONN conn = NULL;

	if (!path || !doc)
		return lf_fail_nomem(err);
	int rc = lf_host_connect(host, &conn, err);
	if (!rc)
		rc = lf_dir_make(dir, 0700, err);
	if (!rc)
		rc = lf_json_write_file(path, doc, err);
	for (size_t i = 0; !rc && i < network->n_subnets; i++)
		if ((rc = make_subnet(host, conn, network, &network->subnets[i], err)))
			return lf_error_wrap(err, "subnet %s", network->subnets[i].name);
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
	LF_AUTO_OWN_VM vm = {.doc = NULL};

	if (!lf_guid_valid(name) || lf_host_vm(search->host, name, &vm, err))
		return 0;
	for (size_t i = 0; i < vm.spec.n_nics; i++)
		if (lf_text_equal_nocase(vm.spec.nics[i].network, search->network))
			return lf_fail_arm(err, LF_ECONFLICT, "InUse", search->network, NULL,
					   "the network is used by machine %s",
					   vm.spec.name ? vm.spec.name : name);
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
			 const struct lf_vm_subnet *subnet, struct lf_error *err)
{
	struct lf_net_names names;

	lf_net_names(guid, subnet->name, &names);
	LF_AUTO_FREE char *dir = subnet_dir(host, guid, &names);
	if (!dir)
		return lf_fail_nomem(err);
	int rc = lf_dhcp_stop(dir, err);
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
	struct use_search search = {.host = host, .network = guid};
	struct lf_vm_network network;
	LF_AUTO_JSON *doc = NULL;
	LF_AUTO_CONN conn = NULL;

	if (!dir)
		return lf_fail_nomem(err);
	int rc = read_network(host, guid, &network, &doc, err);
	if (rc)
		return rc == LF_ENOTFOUND ? lf_dir_remove(dir, err) : rc;
	rc = lf_dir_list(host->data_dir, check_use, &search, err);
	if (!rc)
		rc = lf_host_connect(host, &conn, err);
	for (size_t i = 0; !rc && i < network.n_subnets; i++)
		rc = remove_subnet(host, conn, guid, &network.subnets[i], err);
	return rc ? rc : lf_dir_remove(dir, err);
}

static bool has_subnet(const struct lf_vm_network *network, const char *name)
{
	for (size_t i = 0; i < network->n_subnets; i++)
		if (lf_text_equal_nocase(network->subnets[i].name, name))
			return true;
	return false;
}

LF_REQUIRES(lf_network_lock)
static int serve_nic(struct lf_host *host, const struct lf_vm_nic *nic, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = nic_dir(host, nic);
	struct lf_vm_network network;
	LF_AUTO_JSON *doc = NULL;

	if (!dir)
		return lf_fail_nomem(err);
	int rc = read_network(host, nic->network, &network, &doc, err);
	if (rc == LF_ENOTFOUND || (!rc && !has_subnet(&network, nic->subnet)))
		return lf_fail(err, LF_ENOTFOUND, nic->network,
			       "there is no subnet %s of network %s here", nic->subnet,
			       nic->network);
	if (!rc)
		rc = lf_dhcp_fix(dir, nic, err);
	return rc ? rc : lf_network_up(host, &network, err);
}

int lf_network_serve(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	LF_GUARD(&host->network_mutex, lf_network_lock);
	for (size_t i = 0; i < vm->n_nics; i++) {
		int rc = serve_nic(host, &vm->nics[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

LF_REQUIRES(lf_network_lock)
static int forget_nic(struct lf_host *host, const struct lf_vm_nic *nic, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = nic_dir(host, nic);
	struct lf_vm_network network;
	LF_AUTO_JSON *doc = NULL;

	int rc = dir ? lf_dhcp_free(dir, nic, err) : lf_fail_nomem(err);
	if (!rc)
		rc = read_network(host, nic->network, &network, &doc, err);
	if (rc)
		return rc == LF_ENOTFOUND ? 0 : rc;
	return lf_network_up(host, &network, err); /* DHCP again, for the others */
}

int lf_network_forget(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	LF_GUARD(&host->network_mutex, lf_network_lock);
	for (size_t i = 0; i < vm->n_nics; i++) {
		int rc = forget_nic(host, &vm->nics[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

bool lf_network_lease(const struct lf_host *host, const struct lf_vm_nic *nic, char *out,
		      size_t out_size)
{
	LF_AUTO_FREE char *dir = nic_dir(host, nic);

	return dir && lf_dhcp_lease(dir, nic, out, out_size);
}
