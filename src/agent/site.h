/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/site.h - the site as a transfer sees it: requests, and a sink for the
 * disks of a session (docs/agent-protocol.md).  Over a link, or in a test's memory.
 *
 * Threads: one at a time, but for the sink's functions (outflow/sink.h), which run beside
 * post(), too.
 */
#ifndef LF_AGENT_SITE_H
#define LF_AGENT_SITE_H

#include "agent/link.h"
#include "agent/progress.h"
#include "outflow/sink.h"

struct lf_site {
	/* POST /agent/v1/PATH: as lf_link_post(). */
	int (*post)(void *context, const char *path, const json_t *request, json_t **ret_answer,
		    struct lf_error *err);
	/* The session's sink, whose packs go to pack_path ("/ACCOUNT/CONTAINER/"); borrowed until
	 * end(), as are the texts. */
	int (*begin)(void *context, const char *session, const char *pack_path,
		     const struct lf_sink **ret_sink, struct lf_error *err);
	void (*end)(void *context); /* also when nothing was begun */
	void *context;
};

/* Over link, whose thread is that of the transfer, and over links of its own for the sink.  Packs
 * are put with the token of progress.  All is borrowed. */
struct lf_link_site;
LF_MUST_CHECK int lf_link_site_new(struct lf_link *link, const char *state_dir,
				   struct lf_progress *progress, struct lf_link_site **ret_site,
				   struct lf_error *err);
void lf_link_site_free(struct lf_link_site *site);
const struct lf_site *lf_link_site_get(const struct lf_link_site *site);

#endif
