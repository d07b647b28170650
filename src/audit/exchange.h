/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit/exchange.h - a request and its answer as a line of the audit log.
 */
#ifndef LF_AUDIT_EXCHANGE_H
#define LF_AUDIT_EXCHANGE_H

#include "audit/audit.h"
#include "http/server.h"

/*
 * Fill in what the exchange says - address, certificate, outcome, code and status; the path where
 * event names no resource, the method where it names no action - and write the line.  err: why it
 * was refused or failed; NULL or no code: it was allowed.  Who asks is known by event->principal; a
 * refusal of anybody else, and whatever was refused for lack of a right, may be counted only
 * (event->nobody), so that no agent and no token fills the log.  Refusals are counted by their
 * code, too.
 */
void lf_audit_exchange(struct lf_audit *audit, const struct lf_http_exchange *x,
		       struct lf_audit_event *event, const struct lf_error *err);

#endif
