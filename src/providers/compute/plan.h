/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/compute/plan.h - what a machine becomes on its host.  Writes nothing but its NICs'
 * addresses.
 */
#ifndef LF_PROVIDERS_COMPUTE_PLAN_H
#define LF_PROVIDERS_COMPUTE_PLAN_H

#include "providers/compute/ids.h"

/*
 * The host's part: lf_vm_spec_doc() as "vm", documents of lf_vm_network_read() as "networks", and
 * "nics", of which lf_machine_nic_doc() makes the resources.
 * Every NIC has an address afterwards: its own if it is free in the subnet, else the next that is.
 * In the transaction that writes the resources, so that a plan that fails keeps no address.
 */
LF_MUST_CHECK int lf_machine_plan(struct lf_context *context, const json_t *machine,
				  json_t **ret_plan, struct lf_error *err);

#endif
