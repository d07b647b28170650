/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/session.h - the inside of a transfer, shared by transfer.c (the order
 * of a session), disks.c (what it is of), pass.c (reading and comparing), instant.c (the
 * freeze) and tell.c (how far it is, and whether it is to stop).
 */
#ifndef LF_AGENT_SESSION_H
#define LF_AGENT_SESSION_H

#include "agent/fingerprints.h"
#include "agent/hold.h"
#include "agent/watch.h"
#include "base/text.h"
#include "outflow/outflow.h"
#include "source/bad.h"
#include "source/disk.h"

#define DISKS_MAX 64

struct lf_transfer_opts;

struct source_disk {
	const json_t *config;
	const char *id;
	struct lf_disk *disk;
	struct lf_bad *bad; /* what of it cannot be read */
	struct lf_fingerprints *prints;
	uint64_t size, pages, processed, resume;
	struct lf_watch *watch; /* NULL: each pass reads the whole disk */
	uint64_t *todo;		/* with a watch: pages that may not be as their prints say */
	bool known;		/* no others may */
};

struct transfer {
	const struct lf_transfer_opts *opts;
	const char *item;
	struct lf_domain_key key;
	struct source_disk disks[DISKS_MAX];
	size_t n;
	struct lf_outflow *outflow; /* to the site */
	char session[LF_GUID_SIZE];
	bool full;
	struct lf_chunk_hasher *hasher;
	uint8_t *window; /* the outflow's present one */
	uint64_t window_prints[LF_WINDOW_PAGES], known_prints[LF_WINDOW_PAGES];
	uint64_t read_bytes, round_pages;
	struct lf_hold *hold; /* under a freeze: where changes go; NULL: to the outflow */
	const char *group;    /* token of the meeting that the point is to be of; NULL: of none */
	bool together;	      /* it is: held through the instant of all its members */
	json_t *frozen,
		*unheld; /* texts: what the instant's freeze held, and what is in use beside */
	bool torn;	 /* something of unheld was written meanwhile */
	bool app;	 /* the point is to be application-consistent */
	bool app_failed; /* it is not, as app_fault says */
	struct lf_error app_fault;
	struct lf_quiesce *quiesce; /* applications that stand still; NULL: none do */
	bool start_over; /* the fingerprints do not help: the next session is a full pass */
	int64_t begun_ns, told_ns;
};

/* Open all that the assignment includes. */
LF_MUST_CHECK int lf_disks_open(struct transfer *t, struct lf_error *err);
void lf_disks_close(struct transfer *t);
/* All disks' fingerprints describe the site's newest point: a delta will do. */
bool lf_disks_can_delta(const struct transfer *t);
/* As the site is told of them, and of the full pass that all their fingerprints belong to. */
json_t *lf_disks_describe(const struct transfer *t);
json_t *lf_disks_describe_resume(const struct transfer *t);
/* What of the disks' present state could not be read and counts as zeroes, as the commit says it
 * ([{"disk", "offset", "length"}]); the next session knows it, too. */
LF_MUST_CHECK int lf_disks_note_bad(const struct transfer *t, json_t **ret_list,
				    struct lf_error *err);
/* Of a delta: what the watches have seen since the point that the fingerprints describe, and what
 * could not be read then. */
void lf_disks_recall(struct transfer *t);

/* POST /agent/v1/PATH. */
LF_MUST_CHECK int lf_transfer_post(const struct transfer *t, const char *path,
				   const json_t *request, json_t **ret_answer,
				   struct lf_error *err);
/* Tell the site how far we are: at most twice a second, unless now. */
void lf_transfer_tell(struct transfer *t, bool now);
/* LF_ECANCELED: the agent is stopping. */
LF_MUST_CHECK int lf_transfer_check_stop(const struct transfer *t, struct lf_error *err);

/* Everything of the disk, from where an earlier run was acknowledged. */
LF_MUST_CHECK int lf_pass_full(struct transfer *t, struct source_disk *d, struct lf_error *err);
/* One delta over all disks; how many pages it found changed is in t->round_pages. */
LF_MUST_CHECK int lf_pass_round(struct transfer *t, struct lf_error *err);
/* One run of pages (data NULL: a hole) on its way, or on hold. */
LF_MUST_CHECK int lf_pass_give(struct transfer *t, const struct source_disk *d, uint64_t page,
			       uint32_t pages, uint8_t *data, struct lf_error *err);
/* The window's data may go; of a delta it is void if the session is resumed. */
LF_MUST_CHECK int lf_pass_window_end(struct transfer *t, const struct source_disk *d,
				     struct lf_error *err);

/*
 * Rounds until the disks are known as of one instant, with the machine's scripts around it if
 * t->app; where these fail, without, and t->app_failed.
 * *ret_instant_ns: when it was, by the monotonic clock; *ret_frozen_ns: how long the freeze lasted.
 */
LF_MUST_CHECK int lf_instant_make(struct transfer *t, int64_t *ret_instant_ns,
				  int64_t *ret_frozen_ns, struct lf_error *err);

#endif
