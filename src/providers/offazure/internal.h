/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/offazure/internal.h - what the files of this provider share.
 */
#ifndef LF_PROVIDERS_OFFAZURE_INTERNAL_H
#define LF_PROVIDERS_OFFAZURE_INTERNAL_H

#include "providers/common/document.h"
#include "providers/offazure/offazure.h"

/* accounts.c */
extern const struct lf_document lf_offazure_vmware_accounts, lf_offazure_server_accounts;
/* The subject is one of them. */
lf_arm_handler lf_offazure_list_accounts, lf_offazure_delete_account;
LF_MUST_CHECK int lf_offazure_count_accounts(struct lf_arm_call *call,
					     const struct lf_resource *site, json_int_t *ret_n,
					     struct lf_error *err);
/* Id of the account by which the site's machines are looked at; NULL: out of memory.  free(). */
char *lf_offazure_own_account(const char *site_id);

#endif
