/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit/audit.h - who did what, on which resource, and what came of it: an
 * append-only log that shows when somebody has changed it.
 *
 * DIR/audit/NUMBER.jsonl holds lines of JSON (docs/audit.md).  Each line ends in a keyed hash
 * (HMAC-SHA-256) over itself and the hash of the line before it, so a line that is changed, left
 * out, moved or put in is found by whoever has the key (DIR/keys/audit.key).  DIR/keys/audit.head
 * says how far the log had got, so that a cut at its end is found, too.
 *
 * A line is in the file when lf_audit_write() returns: a kill of the daemon loses none.  What must
 * survive a power cut before it is answered says so (durable), and shares its sync with others.
 *
 * Bounds: a line has at most LF_AUDIT_LINE_MAX bytes (longer texts are cut), the log at most
 * LF_AUDIT_SEGMENTS segments of LF_AUDIT_SEGMENT bytes: the oldest goes when one more begins.
 * Lines that nobody in particular causes (event.nobody) are counted rather than written when there
 * are too many of one address, or of all (audit.c), so that they do not push the others out.
 *
 * A log that cannot be written fails nobody's work: lf_audit_state() says so, and the number of
 * lost lines becomes a line as soon as there is room.
 *
 * Threads: any.  Never pass a secret, a token or a request body.
 */
#ifndef LF_AUDIT_AUDIT_H
#define LF_AUDIT_AUDIT_H

#include "base/clock.h"
#include "json/json.h"

#define LF_AUDIT_LINE_MAX 4096u
#define LF_AUDIT_SEGMENT  (UINT64_C(8) << 20)
#define LF_AUDIT_SEGMENTS 32u

enum lf_audit_outcome {
	LF_AUDIT_ALLOWED, /* and done, or begun as a job */
	LF_AUDIT_REFUSED, /* for who asks, or for what they asked: nothing was done */
	LF_AUDIT_FAILED,  /* it was allowed, and went wrong */
};

/* What happened.  Texts are borrowed, may be NULL, and may hold anything (bytes that are no UTF-8
 * and control characters are replaced). */
struct lf_audit_event {
	const char *action;   /* the ARM action, or "Landfall/signIn/action" and the like */
	const char *resource; /* resource id, or path without its query */
	enum lf_audit_outcome outcome;
	const char *code;		/* error.code; NULL when allowed */
	int status;			/* of HTTP; 0: none */
	const char *principal, *client; /* object id, client id */
	const char *fingerprint, *name; /* of the client's certificate: SHA-256, CN */
	const char *address;		/* where from, without the port */
	const char *correlation;	/* x-ms-correlation-request-id */
	const char *job;		/* what it started */
	const char *detail;		/* a few words more; no secrets */
	bool durable;			/* return when it survives a power cut */
	bool nobody; /* who asks is not known: may be counted instead of written */
	/* who asks has a part of the site's rights (a signature, an account's key, an agent, a
	 * peer): may be counted instead of written when it is much */
	bool guest;
};

struct lf_audit;
/*
 * Open (made when missing) the log of the site at data_dir, and look at its newest segment.  A
 * line that a kill cut is taken away, and said in the log.  Anything else that is not as it was
 * written is left where it is, a new segment begins, and lf_audit_state() says so.
 * LF_ENOTFOUND "AuditKeyMissing": there is a log and no key.
 */
LF_MUST_CHECK int lf_audit_open(const char *data_dir, struct lf_clock *clock,
				struct lf_audit **ret_audit, struct lf_error *err);
void lf_audit_free(struct lf_audit *audit);
/* A hash that names the key and does not tell it, in hex; "": there is no key. */
LF_MUST_CHECK int lf_audit_key_id(const char *data_dir, char ret_id[static 65],
				  struct lf_error *err);
/* The key is lost for good: what there is of a log goes to DIR/audit.lost (one that is there
 * already goes). */
LF_MUST_CHECK int lf_audit_give_up(const char *data_dir, struct lf_error *err);

/* Append.  audit NULL: nothing happens (tests of other parts). */
void lf_audit_write(struct lf_audit *audit, const struct lf_audit_event *event);
/* Sync what is not synced yet, say what was counted only: call it every few seconds. */
void lf_audit_tend(struct lf_audit *audit);

/* How it is. */
struct lf_audit_state {
	uint64_t lines;	   /* written by this process */
	uint64_t lost;	   /* that could not be written, and not yet said in the log */
	uint64_t counted;  /* counted instead of written */
	uint64_t seq;	   /* of the last line */
	char problem[384]; /* what is wrong now; "" nothing */
	char found[384];   /* what was wrong with the log when it was opened; "" nothing */
};
void lf_audit_state(struct lf_audit *audit, struct lf_audit_state *ret_state);

/* Look at a whole log.  fault is called for each thing that is wrong, one line of text. */
struct lf_audit_report {
	uint64_t segments, lines, faults;
	uint64_t first, last; /* sequence numbers */
	char head[65];	      /* hash of the last line, in hex */
};
typedef void lf_audit_fault_fn(void *context, const char *text);
/* upto: 0, or the last line to look at (a log that a daemon is writing).  0 also when there are
 * faults: see ret_report. */
LF_MUST_CHECK int lf_audit_verify(const char *data_dir, uint64_t upto, lf_audit_fault_fn *fault,
				  void *context, struct lf_audit_report *ret_report,
				  struct lf_error *err);
/* The same as a document: "segments", "lines", "first", "last", "head", "faultCount", and "faults"
 * with the texts of the first faults_max. */
LF_MUST_CHECK int lf_audit_verify_report(const char *data_dir, uint64_t upto, size_t faults_max,
					 json_t **ret_report, struct lf_error *err);

/* Lines in their order, each as the JSON object it is.  visit returns non-zero to stop. */
struct lf_audit_query {
	uint64_t after;		    /* only lines with a higher sequence number */
	int64_t since_ns, until_ns; /* 0: from the first, to the last */
	const char *principal;	    /* object id, client id or certificate's name; NULL: any */
	const char *resource;	    /* id, or the beginning of one at a '/'; NULL: any */
	const char *outcome;	    /* "allowed", "refused", "failed"; NULL: any */
	const char *correlation;    /* NULL: any */
};
typedef int lf_audit_visit_fn(void *context, const json_t *line, struct lf_error *err);
LF_MUST_CHECK int lf_audit_read(const char *data_dir, const struct lf_audit_query *query,
				lf_audit_visit_fn *visit, void *context, struct lf_error *err);

#endif
