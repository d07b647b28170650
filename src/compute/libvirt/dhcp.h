/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/libvirt/dhcp.h - the DHCP service of a subnet: fixed addresses, leases, a dnsmasq.
 *
 * dir is the subnet's directory, in which all of it lies; see dhcp.c.
 * Threads: under struct lf_host's network_mutex, but lf_dhcp_lease().
 */
#ifndef LF_COMPUTE_LIBVIRT_DHCP_H
#define LF_COMPUTE_LIBVIRT_DHCP_H

#include "compute/libvirt/network_plan.h"

/* Let it run, in the name space, with the addresses that are fixed by now; runs so already: fine.
 */
LF_MUST_CHECK int lf_dhcp_start(const char *dir, const char *space,
				const struct lf_subnet_plan *plan, bool isolated,
				struct lf_error *err);
LF_MUST_CHECK int lf_dhcp_stop(const char *dir, struct lf_error *err);
/* The NIC's address, if it has one, is its own; takes effect by lf_dhcp_start(). */
LF_MUST_CHECK int lf_dhcp_fix(const char *dir, const struct lf_vm_nic *nic, struct lf_error *err);
/* The NIC's address is free again; the service has to be started again then. */
LF_MUST_CHECK int lf_dhcp_free(const char *dir, const struct lf_vm_nic *nic, struct lf_error *err);
/* The address that the NIC has leased, into out; false: none. */
bool lf_dhcp_lease(const char *dir, const struct lf_vm_nic *nic, char *out, size_t out_size);

#endif
