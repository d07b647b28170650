/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/find.h - names that people type, made into resources.
 *
 * A name, or a whole id; names are looked for in the whole subscription (in a
 * vault for what a vault holds) and must be the only one of their kind.
 */
#ifndef LF_CLI_FIND_H
#define LF_CLI_FIND_H

#include "cli/command.h"

struct lf_cli_kind {
	const char *word;	/* "network" */
	const char *collection; /* below the subscription, or the vault */
	const char *api;
};
extern const struct lf_cli_kind lf_kind_vault, lf_kind_network, lf_kind_storage, lf_kind_vm,
	lf_kind_server_site, lf_kind_vmware_site, lf_kind_policy, lf_kind_fabric, lf_kind_item;

/* parent NULL: the subscription.  name NULL: the only one there is. */
LF_MUST_CHECK int lf_cli_find(struct lf_cli *cli, const struct lf_cli_kind *kind,
			      const char *parent, const char *name, json_t **ret_doc,
			      struct lf_error *err);
/* The vault of --vault; free(). */
LF_MUST_CHECK int lf_cli_find_vault(struct lf_cli *cli, const struct lf_args *args, char **ret_id,
				    struct lf_error *err);
/* A protected item of that vault, by name or friendly name. */
LF_MUST_CHECK int lf_cli_find_item(struct lf_cli *cli, const struct lf_args *args, const char *name,
				   json_t **ret_item, struct lf_error *err);
/* A site of either kind. */
LF_MUST_CHECK int lf_cli_find_site(struct lf_cli *cli, const char *name, json_t **ret_site,
				   struct lf_error *err);
/* "id" of a document; "" if it has none. */
const char *lf_cli_id(const json_t *doc);
const char *lf_cli_name(const json_t *doc);

#endif
