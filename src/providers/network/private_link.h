/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/network/private_link.h - private endpoints' connections to what they lead to.
 *
 * A connection is a row below its target, "{vault or account}/privateEndpointConnections/{name}":
 * its owner approves, rejects or removes it there, and the endpoint shows what he decided.  Its
 * state holds the addresses of the endpoint: {"addresses": ["10.0.0.4"]}.
 *
 * All functions work in the caller's transaction, or in one of their own.  Threads: any.
 */
#ifndef LF_PROVIDERS_NETWORK_PRIVATE_LINK_H
#define LF_PROVIDERS_NETWORK_PRIVATE_LINK_H

#include "providers/common/document.h"

#define LF_PRIVATE_LINK_TYPES "privateEndpointConnections"
/* Approved ones; those that ask, or were rejected, have a bound of their own, so that who may only
 * ask takes nobody's place. */
#define LF_PRIVATE_LINKS_OF_VAULT_MAX	12
#define LF_PRIVATE_LINKS_OF_ACCOUNT_MAX 200
#define LF_PRIVATE_LINKS_ASKING_MAX	25

/* Their routes are the targets' providers'. */
extern const struct lf_document lf_private_link_vault_document, lf_private_link_account_document;

struct lf_private_link_request {
	const struct lf_resource *target;
	const char *endpoint_id, *group;
	const char *message; /* to the owner; NULL: none */
	bool approved;
	const json_t *addresses; /* of the endpoint, texts */
};
/* Write a new connection; *ret_id: free().  LF_ECONFLICT "PrivateEndpointLimitReached". */
LF_MUST_CHECK int lf_private_link_open(struct lf_catalog *catalog,
				       const struct lf_private_link_request *request, char **ret_id,
				       struct lf_error *err);
/* {"status", "description", "actionsRequired"} as the endpoint shows it; Disconnected when the
 * owner removed the connection. */
LF_MUST_CHECK int lf_private_link_state(struct lf_catalog *catalog, const char *connection_id,
					json_t **ret_state, struct lf_error *err);
/* A target's connections, as it shows them among its properties; the caller's reference. */
LF_MUST_CHECK int lf_private_link_list(struct lf_arm_call *call, const struct lf_document *document,
				       const char *target_id, json_t **ret_array,
				       struct lf_error *err);
/*
 * May this request reach the target (of group; NULL: of any)?  What came by a private door may if
 * the door's address is one of an approved endpoint that leads there; all others may if the target
 * is open.
 */
LF_MUST_CHECK int lf_private_link_admit(struct lf_catalog *catalog, const char *target_id,
					const char *group, bool open,
					const struct lf_http_exchange *x, bool *ret_may,
					struct lf_error *err);

#endif
