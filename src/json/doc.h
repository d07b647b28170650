/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json/doc.h - building a document, a pair a line.
 *
 *	LF_AUTO_DOC doc = LF_DOC_INIT;
 *
 *	lf_doc_text(&doc, "name", disk->name);
 *	lf_doc_int(&doc, "properties.diskSizeBytes", disk->size_bytes);
 *	lf_doc_put(&doc, "properties.parts", parts_of(disk));
 *	return lf_doc_end(&doc, ret_doc, err);
 *
 * The sister of base/buf.h: its error is sticky, so put freely and ask once, with lf_doc_check(),
 * lf_doc_end() or the NULL of lf_doc_take().  The compiler checks the type of every value, which it
 * cannot do with json_pack()'s format.
 *
 * A path is one of json/json.h: objects on the way are made, in the order of first mention.  For an
 * array of objects build each with a builder of its own and lf_doc_append() what lf_doc_take()
 * answers: of a builder that failed this is NULL, which fails this one, too.
 *
 * A document fails for want of memory, or by a text that is not UTF-8, or where an object would
 * have to be made below something that is none; all three are reported as LF_ENOMEM.
 *
 * Threads: one at a time.
 */
#ifndef LF_JSON_DOC_H
#define LF_JSON_DOC_H

#include "json/json.h"

struct lf_doc {
	json_t *root; /* NULL: nothing was put yet, or it failed */
	bool failed;
};

#define LF_DOC_INIT ((struct lf_doc){0})
#define LF_AUTO_DOC LF_CLEANUP(lf_doc_done) struct lf_doc

void lf_doc_done(struct lf_doc *doc);
/* Go on with an object: takes the reference.  NULL, or not an object: a builder that failed. */
struct lf_doc lf_doc_from(json_t *object);

void lf_doc_text(struct lf_doc *doc, const char *path, const char *text);    /* NULL: JSON null */
void lf_doc_text_if(struct lf_doc *doc, const char *path, const char *text); /* NULL: left out */
void lf_doc_printf(struct lf_doc *doc, const char *path, const char *fmt, ...) LF_PRINTF(3, 4);
void lf_doc_int(struct lf_doc *doc, const char *path, int64_t value);
void lf_doc_bool(struct lf_doc *doc, const char *path, bool value);
void lf_doc_time(struct lf_doc *doc, const char *path, int64_t time_ns); /* 0: JSON null */
void lf_doc_null(struct lf_doc *doc, const char *path);
/* A value: takes the reference.  NULL is the failure of whoever made it: the document fails. */
void lf_doc_put(struct lf_doc *doc, const char *path, json_t *value);
/* A value that somebody else has as well; not to be changed through either. */
void lf_doc_share(struct lf_doc *doc, const char *path, const json_t *value); /* NULL: JSON null */
void lf_doc_share_if(struct lf_doc *doc, const char *path,
		     const json_t *value); /* NULL: left out */
/* At the end of the array at path, which is made when it is not there.  As lf_doc_put(). */
void lf_doc_append(struct lf_doc *doc, const char *path, json_t *value);

/* 0, or LF_ENOMEM when anything failed. */
LF_MUST_CHECK int lf_doc_check(const struct lf_doc *doc, struct lf_error *err);
/* Hand the document (of nothing: {}) to the caller, json_decref(); the builder is empty after.
 * NULL if it failed. */
json_t *lf_doc_take(struct lf_doc *doc);
/* Both in one. */
LF_MUST_CHECK int lf_doc_end(struct lf_doc *doc, json_t **ret_doc, struct lf_error *err);

#endif
