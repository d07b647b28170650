/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/intake.h - what agents talk to: HTTPS under /agent/v1/.
 *
 * The protocol is docs/agent-protocol.md.  Everything but the CA and the
 * registration needs a client certificate of this site that the agent of its
 * common name goes by; who asks is decided before a body is read.  Threads: those of the HTTPS
 * server, and of http/later.h.
 */
#ifndef LF_REPLICATION_INTAKE_H
#define LF_REPLICATION_INTAKE_H

#include "audit/audit.h"
#include "http/later.h"
#include "http/server.h"
#include "replication/replication.h"

struct lf_intake_opts {
	struct lf_replication *replication;
	struct lf_audit *audit;
	struct lf_later *later; /* where packs are looked into; NULL (tests): where they come */
	const char *ca_cert;
	/* File of a blob of an account (ARM id); free().  The storage layer is above us. */
	int (*blob_path)(void *context, const char *account_id, const char *container,
			 const char *blob, char **ret_path, struct lf_error *err);
	/* A session begins: its agent's container is there, and empty (what an earlier session
	 * left in it will be sent again). */
	int (*blob_container)(void *context, const char *account_id, const char *container,
			      struct lf_error *err);
	/* A short-lived token with which an agent may put its packs; free(). */
	int (*blob_token)(void *context, const char *agent, char **ret_token, struct lf_error *err);
	void *context;
};
struct lf_intake;
LF_MUST_CHECK int lf_intake_open(const struct lf_intake_opts *opts, struct lf_intake **ret_intake,
				 struct lf_error *err);
void lf_intake_free(struct lf_intake *intake);
bool lf_intake_matches(void *intake, const struct lf_http_exchange *x);
const struct lf_http_handler *lf_intake_http_handler(struct lf_intake *intake);

#endif
