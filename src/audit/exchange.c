/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/exchange.h"

#include "base/counters.h"

void lf_audit_exchange(struct lf_audit *audit, const struct lf_http_exchange *x,
		       struct lf_audit_event *event, const struct lf_error *err)
{
	bool good = !err || !err->code;

	event->address = lf_http_client_address(x);
	event->fingerprint = lf_http_client_fingerprint(x);
	event->name = lf_http_client_name(x);
	event->status = good ? lf_http_answered(x) : lf_error_http(err->code);
	event->outcome = good		       ? LF_AUDIT_ALLOWED
			 : event->status < 500 ? LF_AUDIT_REFUSED
					       : LF_AUDIT_FAILED;
	event->code = good ? NULL : lf_error_arm(err);
	event->resource = event->resource ? event->resource : lf_http_path(x);
	event->action = event->action ? event->action : lf_http_method(x);
	event->nobody = event->outcome == LF_AUDIT_REFUSED &&
			(!event->principal || err->code == LF_EUNAUTHENTICATED ||
			 err->code == LF_EDENIED || err->code == LF_ETHROTTLED);
	if (!good)
		lf_count("requests_refused", event->code, 1);
	lf_audit_write(audit, event);
}
