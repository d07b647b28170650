/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm/route.h - a row of a provider's table, and the words it is written with.
 *
 *     LF_GET(DISK, lf_disk_get),
 *     LF_PUT(DISK, lf_disk_put, LF_FIELDS(disk_fields), LF_SUBJECT(&lf_disk_document)),
 *     LF_POST(DISK "/endGetAccess", lf_disk_revoke),
 *     LF_POST_BODY(DISK "/beginGetAccess", lf_disk_grant),
 *     LF_GET(NETWORK "/CheckIPAddressAvailability", check_address, LF_RIGHT(LF_NETWORK_TYPE
 * "/read")),
 *
 * The right that a caller needs follows from method and path and is not typed:
 * the namespace after the last "/providers/" (without one: Microsoft.Resources),
 * the segments after it that are no parameters, and read (GET), write (PUT,
 * PATCH), delete (DELETE) or action (POST).  Where the published right is another
 * one the row says so with LF_RIGHT.  tests/unit/providers/rights.txt is the whole
 * table as it is, compared with the rows by a test.
 *
 * Rows are constants.  Threads: any.
 */
#ifndef LF_ARM_ROUTE_H
#define LF_ARM_ROUTE_H

#include "base/error.h"

struct lf_arm_call;
struct lf_field;
/*
 * 0 with a reply made, or an error; or LF_ARM_LATER after lf_http_suspend(): another thread answers
 * with lf_arm_reply() or lf_arm_reply_error(), and lf_http_resume().
 */
typedef int lf_arm_handler(struct lf_arm_call *call, struct lf_error *err);
#define LF_ARM_LATER 1

enum lf_arm_route_flags {
	LF_ARM_OPEN = 1,       /* no token and no right (identity endpoints) */
	LF_ARM_NO_VERSION = 2, /* api-version not required */
	LF_ARM_BODY = 4,       /* a JSON object is required */
	LF_ARM_FORM = 8,       /* the body is a form, not JSON */
};

struct lf_arm_route {
	const char *method;
	/* "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.X/things/{name}"
	 */
	const char *path;
	const char *action; /* the right, where it does not follow from method and path; or NULL */
	lf_arm_handler *handler;
	unsigned flags; /* of enum lf_arm_route_flags */
	const struct lf_field *fields;
	size_t n_fields;
	const void *subject; /* for handlers that serve several rows: lf_arm_subject() */
	const char *refused; /* the code that each request gets, for lists of what is served; NULL:
			      * the row does what its path says */
};

/* After the handler: LF_RIGHT, LF_FIELDS, LF_SUBJECT, LF_REFUSED, and .flags where the word sets
 * none. */
#define LF_ROUTE(verb, where, on, ...)                                                             \
	{                                                                                          \
		.method = verb, .path = where, .handler = on, ##__VA_ARGS__                        \
	}
#define LF_GET(path, handler, ...)    LF_ROUTE("GET", path, handler, ##__VA_ARGS__)
#define LF_DELETE(path, handler, ...) LF_ROUTE("DELETE", path, handler, ##__VA_ARGS__)
#define LF_POST(path, handler, ...)   LF_ROUTE("POST", path, handler, ##__VA_ARGS__)
/* Those that have a body. */
#define LF_PUT(path, handler, ...)                                                                 \
	LF_ROUTE("PUT", path, handler, .flags = LF_ARM_BODY, ##__VA_ARGS__)
#define LF_PATCH(path, handler, ...)                                                               \
	LF_ROUTE("PATCH", path, handler, .flags = LF_ARM_BODY, ##__VA_ARGS__)
#define LF_POST_BODY(path, handler, ...)                                                           \
	LF_ROUTE("POST", path, handler, .flags = LF_ARM_BODY, ##__VA_ARGS__)

#define LF_RIGHT(text)	     .action = text
#define LF_FIELDS(array)     .fields = array, .n_fields = LF_N(array)
#define LF_SUBJECT(document) .subject = document
#define LF_REFUSED(code)     .refused = code

/* The first segments of a path, and the types of what they name. */
#define LF_SUBSCRIPTION_PATH "/subscriptions/{subscription}"
#define LF_GROUP_PATH	     LF_SUBSCRIPTION_PATH "/resourceGroups/{group}"
#define LF_SUBSCRIPTION_TYPE "Microsoft.Resources/subscriptions"
#define LF_GROUP_TYPE	     "Microsoft.Resources/resourceGroups"

/*
 * The right that a row asks for; free().  NULL: it is open.  LF_EINTERNAL: its namespace is a
 * parameter and it has no LF_RIGHT, or its method has no verb.
 */
LF_MUST_CHECK int lf_route_right(const struct lf_arm_route *route, char **ret_right,
				 struct lf_error *err);

#endif
