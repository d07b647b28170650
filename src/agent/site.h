/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/site.h - the site as the sink of a session's disks (docs/agent-protocol.md).
 *
 * Packs are PUT to the agent's container and adopted; connections: one for "have", one for
 * each carrier.
 */
#ifndef LF_AGENT_SITE_H
#define LF_AGENT_SITE_H

#include "agent/link.h"
#include "outflow/sink.h"

struct lf_site_opts {
	const char *state_dir;
	const char *session;
	const char *pack_path; /* "/ACCOUNT/landfall-packs/" */
	/* The bearer token of the moment; free(). */
	char *(*token)(void *context);
	void *context;
};
struct lf_site;
/* What opts names is borrowed. */
LF_MUST_CHECK int lf_site_new(const struct lf_site_opts *opts, struct lf_site **ret_site,
			      struct lf_error *err);
void lf_site_free(struct lf_site *site);
/* Lives as long as the site. */
const struct lf_sink *lf_site_sink(const struct lf_site *site);

#endif
