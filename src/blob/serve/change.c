/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every change of a blob goes through, under the lock of its name: look at what is there; ask
 * its conditions, its lease and the right to replace it; then a draft takes the name, or another
 * record the old one's place (entry.c says what a kill leaves).
 */
#include <stdlib.h>

#include "base/lock.h"
#include "blob/auth/lease.h"
#include "blob/blocks.h"
#include "blob/serve/serve.h"

int lf_blob_check_change(const struct lf_blob_request *request, const struct lf_http_exchange *x,
			 const struct lf_blob_entry *entry, enum lf_blob_asking asking,
			 struct lf_error *err)
{
	bool ignored;
	int rc = lf_blob_conditions(x, asking, entry->form != LF_BLOB_NONE, entry->modified_ns,
				    &ignored, err);

	if (!rc)
		rc = lf_blob_lease_check(entry->form ? lf_json_at(entry->record, "lease") : NULL,
					 lf_http_header(x, "x-ms-lease-id"), true, "Blob",
					 lf_blob_now(request), err);
	if (!rc && request->create_only && entry->form)
		rc = lf_fail_arm(err, LF_EDENIED, "AuthorizationPermissionMismatch", NULL, NULL,
				 "the right is to make a blob, not to replace one");
	return rc;
}

int lf_blob_keep_lease(const struct lf_blob_request *request, const struct lf_blob_entry *before,
		       json_t *record, struct lf_error *err)
{
	json_t *lease = before->form ? lf_json_at(before->record, "lease") : NULL;

	if (lf_blob_lease_active(lease, lf_blob_now(request)))
		return lf_json_set(record, "lease", json_incref(lease)) ? lf_fail_nomem(err) : 0;
	json_object_del(record, "lease");
	return 0;
}

int lf_blob_become(struct lf_blob_request *request, struct lf_http_exchange *x,
		   const struct lf_blob_entry *before, json_t *record, char **draft,
		   struct lf_error *err)
{
	int64_t modified_ns = lf_blob_change_time(request->service, before);
	int64_t created_ns =
		before->form ? lf_json_int_or(before->record, "created", modified_ns) : modified_ns;

	if (lf_json_set_int(record, "created", created_ns) |
	    lf_json_set_int(record, "modified", modified_ns))
		return lf_fail_nomem(err);
	int rc = lf_blob_keep_lease(request, before, record, err);
	if (!rc)
		rc = lf_blob_draft_seal(*draft, record, err);
	if (!rc)
		rc = lf_blob_draft_place(request->service, &request->target, draft, err);
	if (!rc)
		rc = lf_blob_blocks_drop(request->service->data_dir, &request->target, err);
	if (rc)
		return rc;
	lf_blob_describe_change(x, modified_ns);
	lf_http_set_header(x, "x-ms-request-server-encrypted", "true");
	lf_http_status(x, 201);
	return 0;
}

int lf_blob_make(struct lf_blob_request *request, struct lf_http_exchange *x, json_t *record,
		 char **draft, struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY before = LF_BLOB_ENTRY_INIT;

	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = lf_blob_entry_open(request->service->data_dir, &request->target, &before, err);
	if (!rc)
		rc = lf_blob_container_check(request->service->data_dir, &request->target, err);
	if (!rc)
		rc = lf_blob_check_change(request, x, &before, LF_BLOB_ASKS_MAKE, err);
	return rc ? rc : lf_blob_become(request, x, &before, record, draft, err);
}

static int apply(struct lf_blob_request *request, struct lf_http_exchange *x,
		 const struct lf_blob_entry *entry, enum lf_blob_touch touch,
		 lf_blob_change_fn *change, struct lf_error *err)
{
	LF_AUTO_JSON *record = json_deep_copy(entry->record);
	int64_t modified_ns = entry->modified_ns;

	if (!record)
		return lf_fail_nomem(err);
	int rc = change(request, x, entry, record, err);
	if (!rc && touch == LF_BLOB_TOUCHES) {
		modified_ns = lf_blob_change_time(request->service, entry);
		rc = lf_json_set_int(record, "modified", modified_ns)
			     ? lf_fail_nomem(err)
			     : lf_blob_keep_lease(request, entry, record, err);
	}
	if (!rc)
		rc = lf_blob_entry_save(request->service, &request->target, entry, record, err);
	if (!rc)
		lf_blob_describe_change(x, modified_ns);
	return rc;
}

int lf_blob_change(struct lf_blob_request *request, struct lf_http_exchange *x,
		   enum lf_blob_touch touch, lf_blob_change_fn *change, struct lf_error *err)
{
	LF_AUTO_BLOB_ENTRY entry = LF_BLOB_ENTRY_INIT;
	bool ignored;

	LF_GUARD(lf_blob_lock_of(request->service, &request->target));
	int rc = lf_blob_entry_find(request->service->data_dir, &request->target, &entry, err);
	if (!rc && touch == LF_BLOB_TOUCHES)
		rc = lf_blob_check_change(request, x, &entry, LF_BLOB_ASKS_CHANGE, err);
	else if (!rc)
		rc = lf_blob_conditions(x, LF_BLOB_ASKS_CHANGE, true, entry.modified_ns, &ignored,
					err);
	if (!rc && touch == LF_BLOB_LEAVES && request->operation != LF_BLOB_LEASE)
		rc = lf_blob_lease_check(lf_json_at(entry.record, "lease"),
					 lf_http_header(x, "x-ms-lease-id"), false, "Blob",
					 lf_blob_now(request), err);
	return rc ? rc : apply(request, x, &entry, touch, change, err);
}
