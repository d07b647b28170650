/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/names.h - what a name or a text from outside may hold.
 *
 * One table for every door: the names of resources follow Azure's rules, what
 * an agent says of its machine follows the rules here.  A name that passes any
 * kind but LF_NAME_TEXT holds no slash, backslash, quote, dollar, angle
 * bracket, percent sign or control character and no blank at an end, and is
 * never "." or "..": it can stand in a resource id, a file name or an
 * attribute.  What goes into a script must be plain (lf_name_plain).
 * Pure functions; threads: any.
 */
#ifndef LF_BASE_NAMES_H
#define LF_BASE_NAMES_H

#include "base/error.h"

/* A letter or digit is ASCII's unless it says otherwise. */
enum lf_name_kind {
	LF_NAME_ANY,	  /* resource of a type without a rule: 1-260, letters, digits, blanks and
			   * !()+,-.;=@_ */
	LF_NAME_GROUP,	  /* resource group: 1-90, letters and digits of any script, -_.(),
			   * not ending in '.' */
	LF_NAME_VM,	  /* virtual machine: 1-64, letters, digits, '-', '_' and '.', not
			   * beginning with '_', '-' or '.', not ending in '-' or '.' */
	LF_NAME_COMPUTER, /* host name inside a machine: 1-64, letters, digits, '-' and '.' */
	LF_NAME_COMPUTER_WINDOWS, /* the same for Windows: 1-15, letters, digits, '-', not digits
				   * alone */
	LF_NAME_RESOURCE,	  /* disk, snapshot, network, subnet, interface, ...: 1-80, letters,
				   * digits, '-', '_' and '.', beginning with a letter or digit, not
				   * ending in '-' or '.' */
	LF_NAME_VAULT,		  /* 2-50 letters, digits and '-', beginning with a letter */
	LF_NAME_ACCOUNT,	  /* storage account: 3-24 lower-case letters and digits */
	LF_NAME_BACKUP_POLICY, /* 3-150 letters, digits, '-', '_' and '!', beginning with a letter
				*/
	LF_NAME_BACKUP_ITEM, /* container or protected item: a group's characters and ';', 1-500 */
	LF_NAME_RECOVERY,    /* fabric, container, item, policy, plan of Site Recovery: as
			      * LF_NAME_RESOURCE, 1-150 */
	LF_NAME_RECORD,	  /* record set of a DNS zone: 1-253 letters, digits, '-', '_' and '.', or
			   * "@", the zone itself */
	LF_NAME_LOCATION, /* 1-64 letters, digits, blanks and '-', beginning with a letter or
			   * digit */
	LF_NAME_MACHINE,  /* what an agent calls its machine: 1-253, letters, digits, '-', '_'
			   * and '.', as LF_NAME_RESOURCE */
	LF_NAME_DISK,	  /* what an agent calls a disk, and its id: as LF_NAME_RESOURCE */
	LF_NAME_TEXT,	  /* text for people: at most 1024 bytes of UTF-8 without control or
			   * formatting characters; may be empty */
	LF_NAME_KINDS,
};

/*
 * LF_EINVAL "InvalidResourceName" ("AccountNameInvalid" for LF_NAME_ACCOUNT,
 * "InvalidParameter" for what is no resource's name) with target, and the rule
 * as the hint.  name may be any bytes, and NULL is refused; the message quotes it only where it is
 * printable.
 */
LF_MUST_CHECK int lf_name_check(enum lf_name_kind kind, const char *name, const char *target,
				struct lf_error *err);
/* The same as an answer. */
bool lf_name_good(enum lf_name_kind kind, const char *name);
/* A good name of an ASCII kind made of any bytes: '-' for what it cannot hold, cut to out; for what
 * has no letter or digit, "unnamed". */
void lf_name_make(enum lf_name_kind kind, const char *text, char *out, size_t size);

/*
 * Has it the form of a resource id?  "/SEGMENT/SEGMENT…", at most 2048 bytes; no segment is empty,
 * "." or "..", begins or ends with a blank, or holds what LF_NAME_ANY cannot hold.
 */
bool lf_id_good(const char *id);
/* May a resource be made with this id?  Its form, and its last segment by the rule of the type that
 * stands before it ("…/virtualMachines/NAME": LF_NAME_VM).  Errors as lf_name_check(). */
LF_MUST_CHECK int lf_id_check_new(const char *id, const char *target, struct lf_error *err);

/* 1-255 of [A-Za-z0-9._-], not beginning with '-' or '.': a word in any language, and no option. */
bool lf_name_plain(const char *text);

#endif
