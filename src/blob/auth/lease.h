/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob/auth/lease.h - leases of blobs and containers: who alone may change them, and until when.
 *
 * A lease is a member of a record: {"id": GUID, "duration": seconds (-1: for ever), "until": ns,
 * "breakUntil": ns, when it is being broken}.  Codes are those of "Lease Blob" and "Lease
 * Container"; all are 409 for what is asked of a lease, and 412 for what a lease forbids.
 *
 * Pure but for the answer's headers; any thread.
 */
#ifndef LF_BLOB_AUTH_LEASE_H
#define LF_BLOB_AUTH_LEASE_H

#include "http/exchange.h"
#include "json/json.h"

/* Is it leased now, so that who has not its id changes nothing? */
bool lf_blob_lease_active(const json_t *lease, int64_t now_ns);
/* "available", "leased", "expired", "breaking", "broken". */
const char *lf_blob_lease_state(const json_t *lease, int64_t now_ns);
/* x-ms-lease-status, -state and -duration. */
void lf_blob_lease_headers(struct lf_http_exchange *x, const json_t *lease, int64_t now_ns);
/*
 * May a request with this lease id (NULL: none) do what it asks?  changes: it takes the id of an
 * active lease.  what: "Blob" or "Container", as the codes have it.
 *   LF_EPRECONDITION "LeaseIdMissing", "LeaseIdMismatchWith<what>Operation",
 *                    "LeaseNotPresentWith<what>Operation", "LeaseLost"
 */
LF_MUST_CHECK int lf_blob_lease_check(const json_t *lease, const char *given, bool changes,
				      const char *what, int64_t now_ns, struct lf_error *err);
/* Do what x-ms-lease-action says: another lease in *ret_lease (json_decref(); NULL: none), and the
 * answer's status and headers.  LF_ECONFLICT, LF_EINVAL "InvalidHeaderValue". */
LF_MUST_CHECK int lf_blob_lease_act(const json_t *lease, struct lf_http_exchange *x, int64_t now_ns,
				    json_t **ret_lease, struct lf_error *err);

#endif
