/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm/call.h - the inside of a call, shared by the files of arm/.
 */
#ifndef LF_ARM_CALL_H
#define LF_ARM_CALL_H

#include "arm/arm.h"
#include "arm/router.h"
#include <stdlib.h>

#include "base/text.h"

struct lf_arm_call {
	const struct lf_arm_opts *site;
	struct lf_http_exchange *http;
	struct lf_path path;
	struct lf_route_match match;
	json_t *body;
	char *base_url;
	char *api_version;
	char *ids[LF_PATH_SEGMENTS_MAX]; /* answers of lf_arm_id() by levels_up, once asked for */
	struct {
		const char *name; /* borrowed */
		char *value;	  /* NULL: absent, or empty */
	} queries[16];		  /* the parameters that the handler looked at */
	size_t n_queries;
	char *principal, *client;
	char request_id[LF_GUID_SIZE];
	char correlation_id[LF_GUID_SIZE];
	char job[LF_GUID_SIZE]; /* that was started; "" none */
	bool begun;		/* past the front: an error is its provider's */
	bool replied;
	const char *flaw; /* what the handler got wrong about its route; NULL: nothing */
};

/* Who is calling: LF_EUNAUTHENTICATED, or call->principal is set. */
LF_MUST_CHECK int lf_arm_authenticate(struct lf_arm_call *call, struct lf_error *err);
/* May who is calling do what the call asks for?  LF_EDENIED "AuthorizationFailed", LF_ECONFLICT
 * "ScopeLocked". */
LF_MUST_CHECK int lf_arm_authorize(struct lf_arm_call *call, struct lf_error *err);
/* May who is calling use what the body names?  LF_EDENIED "LinkedAuthorizationFailed". */
LF_MUST_CHECK int lf_arm_authorize_links(struct lf_arm_call *call, struct lf_error *err);
/* The api-version rules of a provider. */
LF_MUST_CHECK int lf_arm_check_version(const struct lf_arm_provider *provider, const char *version,
				       struct lf_error *err);
/* ARM's error envelope and status for err, in place of an answer that was set before; cannot fail:
 * without memory it is lf_http_answer_sorry(). */
void lf_arm_reply_error(struct lf_arm_call *call, const struct lf_error *err);
/* {"code","message","target","details","additionalInfo"}, with what a tenant may be told; NULL when
 * out of memory. */
json_t *lf_arm_error_body(const struct lf_error *err);
/* The routes of the monitor URLs, for every namespace. */
extern const struct lf_arm_provider lf_arm_monitor_provider;

#endif
