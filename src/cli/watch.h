/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/watch.h - following a protected item: percentage, bytes, time left.
 */
#ifndef LF_CLI_WATCH_H
#define LF_CLI_WATCH_H

#include "cli/output.h"

struct lf_cli_watch {
	const char *item_id; /* borrowed */
	struct lf_cli_progress progress;
	int64_t first_ns; /* when the first progress was seen */
	int64_t first_bytes;
};

/* One look, one line; an lf_cli_progress_fn whose context is a struct lf_cli_watch. */
LF_MUST_CHECK int lf_cli_watch_step(struct lf_cli *cli, void *watch, struct lf_error *err);
/* Until the item is Protected and has a point; a state that ends in Failed is an error. */
LF_MUST_CHECK int lf_cli_watch_until_protected(struct lf_cli *cli, struct lf_cli_watch *watch,
					       json_t **ret_item, struct lf_error *err);

#endif
