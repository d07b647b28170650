/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/link.h - the agent's identity, and its calls to the site.
 *
 * State directory: agent.json (site URL, agent id, machine id), ca.pem,
 * agent.pem (certificate and its key, 0600), agent.key (the key before there is
 * a certificate).  Keys are made here and never sent.  A link takes up a
 * certificate that another one has renewed.
 * Threads: one at a time, which each call asserts.
 */
#ifndef LF_AGENT_LINK_H
#define LF_AGENT_LINK_H

#include "http/client.h"
#include "json/json.h"

struct lf_link;
/* Use a registration key: fetch the CA (checked against the key), make a key pair, register. */
LF_MUST_CHECK int lf_link_register(const char *state_dir, const char *key, const char *config_path,
				   struct lf_error *err);
/* LF_ENOTFOUND: not registered yet. */
LF_MUST_CHECK int lf_link_open(const char *state_dir, struct lf_link **ret_link,
			       struct lf_error *err);
void lf_link_close(struct lf_link *link);
const char *lf_link_machine_id(const struct lf_link *link);

/* POST /agent/v1/PATH.  An answer other than 2xx is an error with the site's code and advice. */
LF_MUST_CHECK int lf_link_post(struct lf_link *link, const char *path, const json_t *doc,
			       json_t **ret_answer, struct lf_error *err);
LF_MUST_CHECK int lf_link_post_bytes(struct lf_link *link, const char *path, const void *data,
				     size_t len, struct lf_buf *answer, struct lf_error *err);
/* A new key and a certificate for it, in place of the present ones. */
LF_MUST_CHECK int lf_link_renew(struct lf_link *link, struct lf_error *err);
/* Put Blob: the file at path to URL path blob_path, with a bearer token;
 * there already is fine. */
LF_MUST_CHECK int lf_link_put_blob(struct lf_link *link, const char *blob_path, const char *token,
				   const char *path, struct lf_error *err);

#endif
