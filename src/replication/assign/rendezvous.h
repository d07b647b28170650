/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/assign/rendezvous.h - points of several machines that are of one instant.
 *
 * Replicas that name the same group meet when one of them is due: each begins a session with the
 * rendezvous' token, says that it is ready, and, once all are, holds its disks still and says that.
 * The moment at which the last one says so is one at which all stand still: the time of all their
 * points.  They are marked as points of the group ("together") when the last of them is made.
 *
 * Who does not come in time costs the mark, never a point: the others are told, and go on alone.
 * A rendezvous is in memory only; a restart of the site is one that failed.
 *
 * Memory: one for each group, of LF_GROUP_MAX members.  Threads: any.
 */
#ifndef LF_REPLICATION_RENDEZVOUS_H
#define LF_REPLICATION_RENDEZVOUS_H

#include "replication/state.h"

#define LF_GROUP_MAX 16 /* machines of a group; a larger one never meets */

/*
 * The token with which the replica's next session is to begin, free(); NULL: it meets nobody.  due:
 * its next session is; then one is opened if all of its group can come: two at least, each with a
 * point, and with an agent that is connected and can.
 */
LF_MUST_CHECK int lf_rendezvous_token(struct lf_replication *replication,
				      const struct lf_replica *replica, bool due, char **ret_token,
				      struct lf_error *err);
/* Is the item's session to begin with this token (may be NULL)? */
bool lf_rendezvous_wants(struct lf_replication *replication, const char *item, const char *token);
/* A session of the item has begun, with this token or (NULL) without one. */
void lf_rendezvous_begun(struct lf_replication *replication, const char *item, const char *session,
			 const char *token);

enum lf_rendezvous_stage {
	LF_RENDEZVOUS_READY, /* little is left to read */
	LF_RENDEZVOUS_HELD,  /* nothing changes until the session is told to go on, or gives up */
};
struct lf_rendezvous_answer {
	bool go;   /* all have come as far */
	bool lost; /* they will not */
};
/* The session has come so far; asked again until it may go on. */
struct lf_rendezvous_answer lf_rendezvous_stage(struct lf_replication *replication,
						const char *session,
						enum lf_rendezvous_stage stage);
/* The common instant, if the session was held through it (its commit says so); 0: it was not, and
 * so none of the others'. */
int64_t lf_rendezvous_instant(struct lf_replication *replication, const char *session,
			      bool held_through);
/* The session's point is listed.  With the last one, all are marked, in one transaction. */
LF_MUST_CHECK int lf_rendezvous_made(struct lf_replication *replication, const char *session,
				     struct lf_error *err);
void lf_rendezvous_free_all(struct lf_replication *replication);

#endif
