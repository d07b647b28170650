/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json/field.h - what a document may hold, as a table.
 *
 * One row a field, in the order of the documents.  The rows check a document,
 * redact it for logs and answers, and document it (docs/contract.md).  A check
 * lets through what no row names; lf_fields_stray() finds it, so that who stores
 * a document can refuse what would have no effect.  null counts as absent.
 *
 * A row with the column "at" also says where in a struct the field's value is:
 * such rows read a document into a struct and write one from it.
 *
 *	struct part {
 *		char guid[LF_GUID_SIZE];
 *		const char *name;
 *		int64_t size_bytes;
 *	};
 *	static const struct lf_field part_fields[] = {
 *		LF_GUID_AT(struct part, guid, "guid", LF_REQUIRED),
 *		LF_TEXT_AT(struct part, name, "name", 0),
 *		LF_INT_AT(struct part, size_bytes, "sizeBytes", LF_REQUIRED, 1, INT64_MAX),
 *	};
 */
#ifndef LF_JSON_FIELD_H
#define LF_JSON_FIELD_H

#include <stddef.h>

#include "base/text.h"
#include "json/doc.h"

enum lf_field_type {
	LF_TEXT, /* string */
	LF_INT,	 /* integer, or digits in a string; min..max */
	LF_BOOL, /* boolean, or "true"/"false" */
	LF_OBJECT,
	LF_ARRAY, /* at most max elements, if max > 0 */
	LF_ENUM,  /* one of values, any case; rewritten to the published case.  An optional "" is
		   * absent in a document, and dropped */
	LF_ID,	  /* ARM resource id by its form (lf_id_good); "" allowed unless required */
	LF_GUID,  /* lf_guid_valid() */
};

enum lf_field_flags {
	LF_REQUIRED = 1,    /* absent: LF_EINVAL with the path as target */
	LF_READ_ONLY = 2,   /* accepted and dropped */
	LF_CREATE_ONLY = 4, /* another value on update: LF_ECONFLICT "PropertyChangeNotAllowed" */
	LF_SECRET = 8,	    /* never echoed, never logged */
};

/* Where a struct has a field's value.  By the macros below, which check the member's type. */
struct lf_field_at {
	size_t offset;		     /* of the member */
	size_t size;		     /* of the member, or of one element; 0: no struct has it */
	size_t n_offset;	     /* LF_ARRAY: of the number of elements */
	const struct lf_field *rows; /* LF_OBJECT, LF_ARRAY: of the member, or of one element */
	size_t n_rows;
};

struct lf_field {
	const char *path; /* inside the document; "*" as a component means each array element;
			   * as the last one, of texts or numbers, which are only checked */
	enum lf_field_type type;
	unsigned flags;
	int64_t min, max;	   /* LF_INT: range; LF_ARRAY, LF_TEXT: max length when > 0 */
	const char *const *values; /* LF_ENUM: NULL-ended */
	const char *doc;	   /* one sentence */
	/* JSON text of what stands where the field is absent ("\"Hot\"", "[]", "false"); the path
	 * has no "*".  NULL: nothing does. */
	const char *fallback;
	struct lf_field_at at;
};

/*
 * Check doc against the rows; drops read-only fields and normalises enums in
 * place.  before: the stored document on update, else NULL.
 * LF_EINVAL "InvalidParameter"/"MissingRequiredProperty" with the path as
 * target and what is allowed as hint.
 */
LF_MUST_CHECK int lf_fields_check(const struct lf_field *fields, size_t n, json_t *doc,
				  const json_t *before, struct lf_error *err);
#define LF_FIELD_PATH_SIZE 256
/*
 * Is there a member that no row names?  Its path, with indexes, goes to ret_path.  A row speaks for
 * all below its path, unless rows go on from there or it has a table of its own.  No member: what
 * asks for nothing (null, false, "", and what holds nothing else), and what repeats shown, the
 * document as its client was told it (NULL: none), so that what was read can be changed and sent
 * back.
 */
bool lf_fields_stray(const struct lf_field *fields, size_t n, const json_t *doc,
		     const json_t *shown, char ret_path[static LF_FIELD_PATH_SIZE]);
/* Put the fallbacks where their fields are absent, in place. */
LF_MUST_CHECK int lf_fields_complete(const struct lf_field *fields, size_t n, json_t *doc,
				     struct lf_error *err);
/* Remove secret fields in place, before a document is answered or logged. */
void lf_fields_redact(const struct lf_field *fields, size_t n, json_t *doc);

/*
 * Read doc into a struct by the rows that have the column "at".  Nothing is allocated, and there is
 * nothing to free: texts and JSON values are borrowed from doc, which has to outlive them; GUIDs
 * are copied; arrays are members of the struct, and as many elements as fit are the most that are
 * taken.  What is optional and absent leaves its member as it is, so that a default is what the
 * caller initialised the member with; elements of arrays begin as zeroes.
 *
 * LF_EINVAL as lf_fields_check(); the target is the whole path ("disks[1].source.root"), prefix
 * first when it is not "".  The struct then holds what was read before.
 */
LF_MUST_CHECK int lf_fields_read(const struct lf_field *fields, size_t n, const json_t *doc,
				 const char *prefix, void *ret_struct, struct lf_error *err);
/*
 * Put a struct's members into a document.  Left out: texts and JSON values that are NULL, GUIDs
 * that are "", and objects in which nothing is.  JSON values are shared, everything else is copied.
 */
void lf_fields_write(const struct lf_field *fields, size_t n, const void *from, struct lf_doc *doc);

/* The size of a member, for rows; does not compile when the member has another type. */
#define LF_FIELD_MEMBER(struct_type, member) (((struct_type *)0)->member)
#define LF_FIELD_SIZE(struct_type, member, good)                                                   \
	(sizeof(LF_FIELD_MEMBER(struct_type, member)) * sizeof(char[(good) ? 1 : -1]))
#define LF_FIELD_IS(struct_type, member, wanted)                                                   \
	_Generic(LF_FIELD_MEMBER(struct_type, member), wanted : 1, default : 0)
#define LF_FIELD_AT(struct_type, member, good)                                                     \
	.offset = offsetof(struct_type, member), .size = LF_FIELD_SIZE(struct_type, member, good)

/* const char *, borrowed from the document */
#define LF_TEXT_AT(struct_type, member, name, flags_)                                              \
	{                                                                                          \
		.path = (name), .type = LF_TEXT, .flags = (flags_),                                \
		.at = {LF_FIELD_AT(struct_type, member,                                            \
				   LF_FIELD_IS(struct_type, member, const char *))},               \
	}
/* char[LF_GUID_SIZE] */
#define LF_GUID_AT(struct_type, member, name, flags_)                                              \
	{                                                                                          \
		.path = (name), .type = LF_GUID, .flags = (flags_),                                \
		.at = {LF_FIELD_AT(struct_type, member,                                            \
				   sizeof(LF_FIELD_MEMBER(struct_type, member)) == LF_GUID_SIZE)}, \
	}
/* int, unsigned, int64_t or uint64_t, all of whose values from min to max the member can hold */
#define LF_INT_AT(struct_type, member, name, flags_, min_, max_)                                   \
	{                                                                                          \
		.path = (name), .type = LF_INT, .flags = (flags_), .min = (min_), .max = (max_),   \
		.at = {LF_FIELD_AT(struct_type, member,                                            \
				   LF_FIELD_IS(struct_type, member, int) ||                        \
					   LF_FIELD_IS(struct_type, member, unsigned) ||           \
					   LF_FIELD_IS(struct_type, member, int64_t) ||            \
					   LF_FIELD_IS(struct_type, member, uint64_t))},           \
	}
#define LF_BOOL_AT(struct_type, member, name, flags_)                                              \
	{                                                                                          \
		.path = (name), .type = LF_BOOL, .flags = (flags_),                                \
		.at = {LF_FIELD_AT(struct_type, member, LF_FIELD_IS(struct_type, member, bool))},  \
	}
/* An enum whose constants are the indexes of names: in any case when read, as listed when written
 */
#define LF_ENUM_AT(struct_type, member, name, flags_, names)                                       \
	{                                                                                          \
		.path = (name), .type = LF_ENUM, .flags = (flags_), .values = (names),             \
		.at = {LF_FIELD_AT(struct_type, member,                                            \
				   sizeof(LF_FIELD_MEMBER(struct_type, member)) == sizeof(int))},  \
	}
/* A struct, by the table of rows that its members have. */
#define LF_OBJECT_AT(struct_type, member, name, flags_, table)                                     \
	{                                                                                          \
		.path = (name), .type = LF_OBJECT, .flags = (flags_),                              \
		.at = {LF_FIELD_AT(struct_type, member, true), .rows = (table),                    \
		       .n_rows = LF_N(table)},                                                     \
	}
/* An array of structs, n_member of which (a size_t) are there. */
#define LF_ARRAY_AT(struct_type, member, n_member, name, flags_, table)                            \
	{                                                                                          \
		.path = (name), .type = LF_ARRAY, .flags = (flags_),                               \
		.max = LF_N(LF_FIELD_MEMBER(struct_type, member)),                                 \
		.at = {.offset = offsetof(struct_type, member),                                    \
		       .size = sizeof(LF_FIELD_MEMBER(struct_type, member)[0]),                    \
		       .n_offset = offsetof(struct_type, n_member) +                               \
				   0 * LF_FIELD_SIZE(struct_type, n_member,                        \
						     LF_FIELD_IS(struct_type, n_member, size_t)),  \
		       .rows = (table),                                                            \
		       .n_rows = LF_N(table)},                                                     \
	}
/* The only row of a table of elements that are no objects. */
#define LF_INT_ELEMENT(min_, max_)                                                                 \
	{                                                                                          \
		.path = "", .type = LF_INT, .min = (min_), .max = (max_),                          \
		.at = {.size = sizeof(int)},                                                       \
	}
#define LF_TEXT_ELEMENT                                                                            \
	{                                                                                          \
		.path = "", .type = LF_TEXT, .at = {.size = sizeof(const char *)},                 \
	}
/* const json_t *, borrowed from the document: an LF_OBJECT or an LF_ARRAY that stays JSON */
#define LF_JSON_AT(struct_type, member, name, flags_, type_)                                       \
	{                                                                                          \
		.path = (name), .type = (type_), .flags = (flags_),                                \
		.at = {LF_FIELD_AT(struct_type, member,                                            \
				   LF_FIELD_IS(struct_type, member, const json_t *))},             \
	}

#endif
