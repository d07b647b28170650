/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json/json.h - documents: reading by path, building, parsing with limits.
 *
 * Documents are jansson's json_t; this adds the paths, the cleanup attribute
 * and the rules of Azure's wire (null is the same as absent, booleans may come
 * as strings, member names of requests are matched as published).
 *
 * A path is member names joined by dots: "properties.policyId".  A number as a
 * component indexes an array.  Threads: a document belongs to one thread.
 */
#ifndef LF_JSON_JSON_H
#define LF_JSON_JSON_H

#include <jansson.h>

#include "base/buf.h"

#define LF_JSON_DEPTH_MAX  64
#define LF_JSON_VALUES_MAX 100000 /* some 40 MB of them at most */

void lf_json_done(json_t **doc);
#define LF_AUTO_JSON LF_CLEANUP(lf_json_done) json_t

/* Duplicate members, trailing bytes and bad UTF-8 are LF_EINVAL "InvalidRequestContent" with the
 * line; more than LF_JSON_DEPTH_MAX levels or LF_JSON_VALUES_MAX values likewise, before any of
 * them takes memory. */
LF_MUST_CHECK int lf_json_parse(const char *text, size_t len, json_t **ret_doc,
				struct lf_error *err);
/* The same of what this program or its site wrote: as many values as there are. */
LF_MUST_CHECK int lf_json_parse_own(const char *text, size_t len, json_t **ret_doc,
				    struct lf_error *err);
/* Compact text, members in their order; free(). */
LF_MUST_CHECK int lf_json_dump(const json_t *doc, char **ret_text, struct lf_error *err);
/* Of a file of our own: as many values as there are. */
LF_MUST_CHECK int lf_json_read_file(const char *path, json_t **ret_doc, struct lf_error *err);
/* As one, durably, readable by us alone (lf_file_write_durable, 0600); doc NULL: LF_ENOMEM. */
LF_MUST_CHECK int lf_json_write_file(const char *path, const json_t *doc, struct lf_error *err);

/* What is at path; NULL when absent or null.  Borrowed. */
json_t *lf_json_at(const json_t *doc, const char *path);
/* Text at path; NULL when absent, null or not a string.  Borrowed. */
const char *lf_json_text(const json_t *doc, const char *path);
/* The same, or fallback. */
const char *lf_json_text_or(const json_t *doc, const char *path, const char *fallback);
/* A number, or digits in a string; fallback when absent or neither. */
int64_t lf_json_int_or(const json_t *doc, const char *path, int64_t fallback);
/* true/false, or "true"/"false" in any case; fallback when absent or neither. */
bool lf_json_bool_or(const json_t *doc, const char *path, bool fallback);

/* The first object of an array whose text at path is value, or is value in any case; NULL: there is
 * none.  Borrowed. */
json_t *lf_json_find(const json_t *array, const char *path, const char *value);
json_t *lf_json_find_nocase(const json_t *array, const char *path, const char *value);

/*
 * Put value at path, making the objects on the way.  Takes the reference, also
 * on failure; NULL value counts as out of memory.  0 or -1 (out of memory or a
 * non-object in the way).  The results of many calls may be or-ed together.
 */
int lf_json_set(json_t *doc, const char *path, json_t *value);
int lf_json_set_text(json_t *doc, const char *path, const char *text); /* NULL text: JSON null */
int lf_json_set_int(json_t *doc, const char *path, int64_t value);
int lf_json_set_bool(json_t *doc, const char *path, bool value);
int lf_json_set_time(json_t *doc, const char *path, int64_t time_ns); /* 7-digit ISO 8601 */
json_t *lf_json_time(int64_t time_ns); /* the same as a value; 0: JSON null */

/* Members of patch replace those of doc, objects recursively (RFC 7396 without deletion by null).
 */
LF_MUST_CHECK int lf_json_merge(json_t *doc, const json_t *patch, struct lf_error *err);

#endif
