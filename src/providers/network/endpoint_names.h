/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/network/endpoint_names.h - what a private endpoint can lead to: the
 * groups of a vault or an account, and the names by which their parts are called.
 *
 * Pure functions.  Threads: any.
 */
#ifndef LF_PROVIDERS_NETWORK_ENDPOINT_NAMES_H
#define LF_PROVIDERS_NETWORK_ENDPOINT_NAMES_H

#include "providers/common/document.h"

/*
 * The members of a group of the target, each with an address of its own: an array of {"member",
 * "fqdn", "zone" (the private zone that holds it), "record" (its name there)}.  LF_EINVAL
 * "PrivateEndpointGroupIdNotSupported": the target has no such group.
 */
LF_MUST_CHECK int lf_endpoint_members(const struct lf_resource *target, const char *group,
				      json_t **ret_members, struct lf_error *err);
/* GET {target}/privateLinkResources, and one of them (the path's {child}): the groups. */
lf_arm_handler lf_private_link_resources_list, lf_private_link_resources_get;

#endif
