/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease is a small document and the time: what it is now follows from both, and each action makes
 * another document of it.  Whoever keeps the document writes it before the answer; a kill leaves
 * the lease as it was, or as it became.
 */
#include "blob/auth/lease.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "json/doc.h"

#define FOREVER (-1)

enum state { AVAILABLE, LEASED, EXPIRED, BREAKING, BROKEN };

static enum state state_of(const json_t *lease, int64_t now_ns)
{
	int64_t broken = lf_json_int_or(lease, "breakUntil", 0);

	if (!lf_json_text(lease, "id"))
		return AVAILABLE;
	if (broken)
		return now_ns >= broken ? BROKEN : BREAKING;
	if (lf_json_int_or(lease, "duration", FOREVER) == FOREVER)
		return LEASED;
	return now_ns >= lf_json_int_or(lease, "until", 0) ? EXPIRED : LEASED;
}

bool lf_blob_lease_active(const json_t *lease, int64_t now_ns)
{
	enum state state = state_of(lease, now_ns);

	return state == LEASED || state == BREAKING;
}

const char *lf_blob_lease_state(const json_t *lease, int64_t now_ns)
{
	static const char *const names[] = {"available", "leased", "expired", "breaking", "broken"};

	return names[state_of(lease, now_ns)];
}

void lf_blob_lease_headers(struct lf_http_exchange *x, const json_t *lease, int64_t now_ns)
{
	lf_http_set_header(x, "x-ms-lease-status",
			   lf_blob_lease_active(lease, now_ns) ? "locked" : "unlocked");
	lf_http_set_header(x, "x-ms-lease-state", lf_blob_lease_state(lease, now_ns));
	if (state_of(lease, now_ns) == LEASED)
		lf_http_set_header(x, "x-ms-lease-duration",
				   lf_json_int_or(lease, "duration", FOREVER) == FOREVER
					   ? "infinite"
					   : "fixed");
}

static bool has_id(const json_t *lease, const char *id)
{
	return lf_text_equal_nocase(lf_json_text_or(lease, "id", ""), id);
}

static int fail_check(const char *what, const char *format, const char *message,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *code = lf_printf_dup("%s%s%s", format, what, *what ? "Operation" : "");

	return code ? lf_fail_arm(err, LF_EPRECONDITION, code, "x-ms-lease-id", NULL, "%s", message)
		    : lf_fail_nomem(err);
}

int lf_blob_lease_check(const json_t *lease, const char *given, bool changes, const char *what,
			int64_t now_ns, struct lf_error *err)
{
	enum state state = state_of(lease, now_ns);
	bool active = state == LEASED || state == BREAKING;

	if (!given)
		return active && changes
			       ? fail_check("", "LeaseIdMissing",
					    "there is currently a lease and no lease id was "
					    "specified in the request",
					    err)
			       : 0;
	if (state == AVAILABLE)
		return fail_check(what, "LeaseNotPresentWith", "there is currently no lease", err);
	if (!has_id(lease, given))
		return fail_check(what, "LeaseIdMismatchWith",
				  "the lease id does not match that of the lease", err);
	return active ? 0
		      : fail_check("", "LeaseLost",
				   "the lease id was specified, but the lease has expired", err);
}

static int fail_act(const char *code, const char *message, struct lf_error *err)
{
	return lf_fail_arm(err, LF_ECONFLICT, code, "x-ms-lease-id", NULL, "%s", message);
}

static int fail_header(const char *name, const char *what, struct lf_error *err)
{
	return lf_fail_arm(err, LF_EINVAL, "InvalidHeaderValue", name, NULL, "%s: %s", name, what);
}

static int make_lease(const char *id, int64_t duration, int64_t now_ns, json_t **ret_lease,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *lower = lf_text_lower_dup(id);
	LF_AUTO_DOC lease = LF_DOC_INIT;

	lf_doc_text(&lease, "id", lower);
	lf_doc_int(&lease, "duration", duration);
	if (duration != FOREVER)
		lf_doc_int(&lease, "until", now_ns + duration * LF_NS_PER_S);
	return lower ? lf_doc_end(&lease, ret_lease, err) : lf_fail_nomem(err);
}

/* The GUID of a header; out holds it, or a new one where it is absent and may be. */
static int take_id(const struct lf_http_exchange *x, const char *name, bool may_be_absent,
		   char out[static LF_GUID_SIZE], struct lf_error *err)
{
	const char *text = lf_http_header(x, name);

	if (!text && may_be_absent) {
		lf_guid_random(out);
		return 0;
	}
	if (!text)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredHeader", name, NULL,
				   "the header %s is needed", name);
	if (!lf_guid_valid(text))
		return fail_header(name, "a GUID is needed", err);
	snprintf(out, LF_GUID_SIZE, "%s", text);
	return 0;
}

static int acquire(const json_t *lease, struct lf_http_exchange *x, int64_t now_ns,
		   json_t **ret_lease, struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-lease-duration");
	enum state state = state_of(lease, now_ns);
	char id[LF_GUID_SIZE];
	uint64_t seconds = 0;
	struct lf_error ignored;

	int rc = take_id(x, "x-ms-proposed-lease-id", true, id, err);
	if (rc)
		return rc;
	bool forever = text && strcmp(text, "-1") == 0;
	if (!text || (!forever && lf_parse_u64(text, 15, 60, &seconds, &ignored)))
		return fail_header("x-ms-lease-duration", "give -1, or 15 to 60 seconds", err);
	if (state == BREAKING && has_id(lease, id))
		return fail_act("LeaseIsBreakingAndCannotBeAcquired",
				"the lease is breaking and cannot be acquired until it is broken",
				err);
	if ((state == LEASED || state == BREAKING) && !has_id(lease, id))
		return fail_act("LeaseAlreadyPresent", "there is already a lease present", err);
	rc = make_lease(id, forever ? FOREVER : (int64_t)seconds, now_ns, ret_lease, err);
	lf_http_set_header(x, "x-ms-lease-id", id);
	lf_http_status(x, 201);
	return rc;
}

static int check_id(const json_t *lease, const char *id, struct lf_error *err)
{
	return has_id(lease, id) ? 0
				 : fail_act("LeaseIdMismatchWithLeaseOperation",
					    "the lease id does not match that of the lease", err);
}

static int renew(const json_t *lease, struct lf_http_exchange *x, int64_t now_ns,
		 json_t **ret_lease, struct lf_error *err)
{
	enum state state = state_of(lease, now_ns);
	char id[LF_GUID_SIZE];

	int rc = take_id(x, "x-ms-lease-id", false, id, err);
	if (!rc)
		rc = check_id(lease, id, err);
	if (rc)
		return rc;
	if (state == BREAKING || state == BROKEN)
		return fail_act("LeaseIsBrokenAndCannotBeRenewed",
				"the lease was broken and cannot be renewed", err);
	lf_http_set_header(x, "x-ms-lease-id", id);
	lf_http_status(x, 200);
	return make_lease(id, lf_json_int_or(lease, "duration", FOREVER), now_ns, ret_lease, err);
}

static int change(const json_t *lease, struct lf_http_exchange *x, int64_t now_ns,
		  json_t **ret_lease, struct lf_error *err)
{
	enum state state = state_of(lease, now_ns);
	char id[LF_GUID_SIZE], next[LF_GUID_SIZE];

	int rc = take_id(x, "x-ms-lease-id", false, id, err);
	if (!rc)
		rc = take_id(x, "x-ms-proposed-lease-id", false, next, err);
	if (rc)
		return rc;
	if (state == BREAKING)
		return fail_act("LeaseIsBreakingAndCannotBeChanged",
				"the lease is breaking and cannot be changed", err);
	if (state != LEASED)
		return fail_act("LeaseNotPresentWithLeaseOperation", "there is currently no lease",
				err);
	rc = has_id(lease, next) ? 0 : check_id(lease, id, err);
	if (rc)
		return rc;
	lf_http_set_header(x, "x-ms-lease-id", next);
	lf_http_status(x, 200);
	*ret_lease = json_deep_copy(lease);
	return lf_json_set_text(*ret_lease, "id", next) ? lf_fail_nomem(err) : 0;
}

static int let_go(const json_t *lease, struct lf_http_exchange *x, json_t **ret_lease,
		  struct lf_error *err)
{
	char id[LF_GUID_SIZE];
	int rc = take_id(x, "x-ms-lease-id", false, id, err);

	if (!rc)
		rc = check_id(lease, id, err);
	if (rc)
		return rc;
	lf_http_status(x, 200);
	*ret_lease = NULL;
	return 0;
}

/* When a lease is broken: at its own end, or earlier. */
static int64_t break_time(const json_t *lease, enum state state, bool asked, int64_t seconds,
			  int64_t now_ns)
{
	int64_t until = now_ns + seconds * LF_NS_PER_S, end = INT64_MAX;

	if (state == BROKEN || state == EXPIRED)
		return now_ns;
	if (state == BREAKING)
		end = lf_json_int_or(lease, "breakUntil", now_ns);
	else if (lf_json_int_or(lease, "duration", FOREVER) != FOREVER)
		end = lf_json_int_or(lease, "until", now_ns);
	if (!asked)
		return end == INT64_MAX ? now_ns : end;
	return until < end ? until : end;
}

static int break_it(const json_t *lease, struct lf_http_exchange *x, int64_t now_ns,
		    json_t **ret_lease, struct lf_error *err)
{
	const char *text = lf_http_header(x, "x-ms-lease-break-period");
	enum state state = state_of(lease, now_ns);
	struct lf_error ignored;
	uint64_t seconds = 0;
	char rest[24];

	if (text && lf_parse_u64(text, 0, 60, &seconds, &ignored))
		return fail_header("x-ms-lease-break-period", "give 0 to 60 seconds", err);
	if (state == AVAILABLE)
		return fail_act("LeaseNotPresentWithLeaseOperation", "there is currently no lease",
				err);
	int64_t until = break_time(lease, state, text != NULL, (int64_t)seconds, now_ns);
	*ret_lease = json_deep_copy(lease);
	snprintf(rest, sizeof(rest), "%lld",
		 (long long)((until - now_ns + LF_NS_PER_S - 1) / LF_NS_PER_S));
	lf_http_set_header(x, "x-ms-lease-time", rest);
	lf_http_status(x, 202);
	return lf_json_set_int(*ret_lease, "breakUntil", until) ? lf_fail_nomem(err) : 0;
}

int lf_blob_lease_act(const json_t *lease, struct lf_http_exchange *x, int64_t now_ns,
		      json_t **ret_lease, struct lf_error *err)
{
	const char *action = lf_http_header(x, "x-ms-lease-action");

	*ret_lease = NULL;
	if (!action)
		return lf_fail_arm(err, LF_EINVAL, "MissingRequiredHeader", "x-ms-lease-action",
				   NULL, "the header x-ms-lease-action is needed");
	if (lf_text_equal_nocase(action, "acquire"))
		return acquire(lease, x, now_ns, ret_lease, err);
	if (lf_text_equal_nocase(action, "renew"))
		return renew(lease, x, now_ns, ret_lease, err);
	if (lf_text_equal_nocase(action, "change"))
		return change(lease, x, now_ns, ret_lease, err);
	if (lf_text_equal_nocase(action, "release"))
		return let_go(lease, x, ret_lease, err);
	if (lf_text_equal_nocase(action, "break"))
		return break_it(lease, x, now_ns, ret_lease, err);
	return fail_header("x-ms-lease-action", "acquire, renew, change, release or break", err);
}
