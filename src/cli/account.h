/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/account.h - where the service is and who we are: LF_* settings.
 */
#ifndef LF_CLI_ACCOUNT_H
#define LF_CLI_ACCOUNT_H

#include "base/buf.h"

/*
 * A setting by name: from text ("NAME=VALUE" or "export NAME=VALUE" lines,
 * values bare or quoted) when it is not NULL and has it, else from the
 * environment.  free(); NULL: nowhere, or out of memory.
 */
char *lf_account_setting(const char *text, const char *name);
/* text as a value of a form; NULL: out of memory.  free(). */
char *lf_form_encode(const char *text);

#endif
