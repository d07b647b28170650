/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit/internal.h - shared by the files of audit/: keys, lines, segments, head.
 *
 * Locks: lf_audit.mutex guards everything in the struct; it is held while a line
 * goes into the page cache, not while the disk syncs.
 */
#ifndef LF_AUDIT_INTERNAL_H
#define LF_AUDIT_INTERNAL_H

#include <pthread.h>

#include "audit/audit.h"
#include "base/lock.h"
#include "base/text.h"
#include "http/sender.h"

#define MAC_SIZE     32
#define MAC_MARK     ",\"mac\":\"" /* what is hashed of a line ends before it */
#define MAC_TAIL     (strlen(MAC_MARK) + 2 * MAC_SIZE + 2) /* to the end, without the line break */
#define BEGIN_ACTION "Landfall/audit/segments/begin"	   /* first line of every segment */
#define ADDRESSES    256 /* counted apart; the one full for longest makes room */

/* Where a chain stands. */
struct audit_point {
	uint64_t seq;
	uint8_t mac[MAC_SIZE];
};

/* What the head file says: how far the log had got, and its oldest segment. */
struct audit_head {
	struct audit_point point;
	uint64_t first_segment;
	bool known; /* false: there is no head that holds */
};

/* How many lines of nobody are written: what fills a bucket is written, the rest is counted. */
struct audit_bucket {
	struct lf_sender sender;
	int64_t full_ns[2]; /* when it is full again: of nobody, of guests */
	uint64_t counted;
};
struct audit_limit {
	struct audit_bucket addresses[ADDRESSES];
	struct audit_bucket all;
	uint64_t counted; /* not said yet */
	int64_t said_ns;
};

LF_LOCK_KIND(lf_audit_lock);
struct lf_audit {
	struct lf_clock *clock;
	char *data_dir;
	uint8_t key[MAC_SIZE];
	pthread_mutex_t mutex;
	pthread_cond_t synced_more;
	int fd LF_GUARDED_BY(lf_audit_lock); /* of the newest segment; -1: it could not be made */
	uint64_t first_segment LF_GUARDED_BY(lf_audit_lock), segment LF_GUARDED_BY(lf_audit_lock);
	uint64_t length LF_GUARDED_BY(lf_audit_lock); /* of the newest segment */
	uint64_t segment_bytes;			      /* LF_AUDIT_SEGMENT, or less in tests */
	struct audit_point last LF_GUARDED_BY(lf_audit_lock);
	struct audit_point synced
		LF_GUARDED_BY(lf_audit_lock);	    /* up to here a power cut takes nothing */
	bool syncing LF_GUARDED_BY(lf_audit_lock);  /* a thread is at it */
	unsigned slot LF_GUARDED_BY(lf_audit_lock); /* of the head file, the next one */
	struct audit_limit limit LF_GUARDED_BY(lf_audit_lock);
	struct lf_audit_state state LF_GUARDED_BY(lf_audit_lock);
};

/* line.c */
LF_MUST_CHECK int lf_audit_key_read(const char *data_dir, uint8_t key[static MAC_SIZE],
				    struct lf_error *err);
LF_MUST_CHECK int lf_audit_key_write(const char *data_dir, const uint8_t key[static MAC_SIZE],
				     struct lf_error *err);
/* The members of a line but seq and mac: ',"time":...'. */
void lf_audit_line_members(struct lf_buf *out, const struct lf_audit_event *event, int64_t now_ns);
/* The whole line that comes after point, which becomes that of the line. */
void lf_audit_line_seal(struct lf_buf *out, const uint8_t key[static MAC_SIZE],
			struct audit_point *point, const char *members);
/* Is line (of len bytes, no line break) the one after prev?  Its own seq and mac, whether or not:
 * *ret_point; false also when it is no line at all (seq 0). */
bool lf_audit_line_holds(const char *line, size_t len, const uint8_t key[static MAC_SIZE],
			 const uint8_t prev[static MAC_SIZE], struct audit_point *ret_point);
/* The "prev" of a segment's first line. */
bool lf_audit_line_prev(const char *line, size_t len, uint8_t ret_prev[static MAC_SIZE]);

/* files.c */
char *lf_audit_segment_path(const char *data_dir, uint64_t segment);
/* Oldest and newest number there are; both 0: none. */
LF_MUST_CHECK int lf_audit_segments_find(const char *data_dir, uint64_t *ret_first,
					 uint64_t *ret_last, struct lf_error *err);
/* LF_ENOTFOUND, and all else that reading a file can be. */
LF_MUST_CHECK int lf_audit_segment_read(const char *data_dir, uint64_t segment, struct lf_buf *text,
					struct lf_error *err);
LF_MUST_CHECK int lf_audit_head_read(const char *data_dir, const uint8_t key[static MAC_SIZE],
				     struct audit_head *ret_head, struct lf_error *err);
/* slot: 0 or 1, in turn.  It need not be durable: what it says is behind the log, never ahead. */
LF_MUST_CHECK int lf_audit_head_write(const char *data_dir, const uint8_t key[static MAC_SIZE],
				      const struct audit_head *head, unsigned slot, bool durable,
				      struct lf_error *err);

/* limit.c: may this line of nobody be written?  Otherwise it is counted. */
bool lf_audit_limit_take(struct audit_limit *limit, const char *address, bool guest,
			 int64_t now_ns);
/* Text of what was counted since it was last said, once a minute; false: nothing. */
bool lf_audit_limit_say(struct audit_limit *limit, int64_t now_ns, char *text, size_t size);

#endif
