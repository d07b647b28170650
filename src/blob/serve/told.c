/* SPDX-License-Identifier: Apache-2.0 */
/* What of the blobs' service the audit log is told. */
#include <string.h>

#include "audit/exchange.h"
#include "blob/internal.h"
#include "base/lock.h"

static const char *const actions[LF_BLOB_OPERATIONS] = {
	[LF_BLOB_LIST_CONTAINERS] = "containers/list",
	[LF_BLOB_LIST_BLOBS] = "blobs/list",
	[LF_BLOB_GET_CONTAINER] = "containers/read",
	[LF_BLOB_GET_ACL] = "containers/read",
	[LF_BLOB_GET_SERVICE] = "service/read",
	[LF_BLOB_GET_ACCOUNT] = "service/read",
	[LF_BLOB_READ] = "blobs/read",
	[LF_BLOB_LIST_PAGES] = "blobs/pages/read",
	[LF_BLOB_LIST_BLOCKS] = "blobs/read",
	[LF_BLOB_GET_TAGS] = "blobs/tags/read",
	[LF_BLOB_READS] = "",
	[LF_BLOB_SET_SERVICE] = "service/write",
	[LF_BLOB_MAKE_CONTAINER] = "containers/write",
	[LF_BLOB_SET_CONTAINER] = "containers/write",
	[LF_BLOB_SET_ACL] = "containers/write",
	[LF_BLOB_LEASE_CONTAINER] = "containers/lease",
	[LF_BLOB_REMOVE_CONTAINER] = "containers/delete",
	[LF_BLOB_PUT] = "blobs/write",
	[LF_BLOB_PUT_BLOCK] = "blobs/blocks/write",
	[LF_BLOB_COMMIT] = "blobs/write",
	[LF_BLOB_PUT_URL] = "blobs/write",
	[LF_BLOB_COPY] = "blobs/write",
	[LF_BLOB_COPY_ABORT] = "blobs/write",
	[LF_BLOB_MAKE_PAGES] = "blobs/write",
	[LF_BLOB_WRITE_PAGES] = "blobs/pages/write",
	[LF_BLOB_MAKE_APPEND] = "blobs/write",
	[LF_BLOB_APPEND] = "blobs/blocks/write",
	[LF_BLOB_SET_PROPERTIES] = "blobs/properties/write",
	[LF_BLOB_SET_METADATA] = "blobs/properties/write",
	[LF_BLOB_SET_TIER] = "blobs/properties/write",
	[LF_BLOB_SET_TAGS] = "blobs/tags/write",
	[LF_BLOB_LEASE] = "blobs/lease",
	[LF_BLOB_REMOVE] = "blobs/delete",
};

static uint64_t mix(uint64_t hash, const char *text)
{
	for (const char *p = text; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return (hash ^ 0xff) * UINT64_C(1099511628211);
}

/* Has the log been told of this lately?  From now on it has. */
static bool was_told(struct lf_blob_service *service, const struct lf_blob_request *request,
		     const struct lf_http_exchange *x)
{
	struct lf_blob_told *told = &service->told;
	int64_t now_ns = lf_clock_now_ns(service->opts.clock);
	uint64_t what = mix(UINT64_C(14695981039346656037), lf_http_path(x));
	size_t oldest = 0;

	what = mix(mix(what, request->principal), lf_http_client_address(x));
	what = mix(what, actions[request->operation]);
	LF_GUARD(&told->mutex, lf_blob_told_lock);
	for (size_t i = 0; i < LF_BLOB_TOLD; i++) {
		if (told->rows[i].what == what && told->rows[i].until_ns > now_ns)
			return true;
		if (told->rows[i].until_ns < told->rows[oldest].until_ns)
			oldest = i;
	}
	told->rows[oldest].what = what;
	told->rows[oldest].until_ns = now_ns + LF_BLOB_TOLD_S * LF_NS_PER_S;
	return false;
}

/* What went well and is told: all changes but an agent's packs, and what is read of a disk or a
 * blob by a signature that was given away. */
static bool is_told(struct lf_blob_request *request, const struct lf_http_exchange *x)
{
	switch (request->operation) {
	case LF_BLOB_PUT:
		return !request->agent;
	case LF_BLOB_PUT_BLOCK:
	case LF_BLOB_APPEND:
	case LF_BLOB_WRITE_PAGES:
	case LF_BLOB_LEASE: /* which clients renew */
	case LF_BLOB_LEASE_CONTAINER:
		return !was_told(request->service, request, x);
	case LF_BLOB_READ:
	case LF_BLOB_LIST_PAGES:
		return !request->principal[0] && !was_told(request->service, request, x);
	default:
		return request->operation > LF_BLOB_READS;
	}
}

static bool is_refused(const struct lf_error *err)
{
	return err->code == LF_EUNAUTHENTICATED || err->code == LF_EDENIED;
}

void lf_blob_audit(struct lf_blob_request *request, const struct lf_http_exchange *x,
		   const struct lf_error *err)
{
	char action[64];
	struct lf_audit_event event = {
		.action = action,
		.principal = request->principal[0] ? request->principal : NULL,
		.detail = request->by,
		.guest = !request->principal[0] || request->agent,
		.durable = !err->code && (request->operation == LF_BLOB_REMOVE ||
					  request->operation == LF_BLOB_REMOVE_CONTAINER)};
	bool reads = request->operation < LF_BLOB_READS;

	if (err->code ? reads && !is_refused(err) : !is_told(request, x))
		return;
	snprintf(action, sizeof(action), "Landfall/storage/%s", actions[request->operation]);
	lf_audit_exchange(request->service->opts.audit, x, &event, err);
}
