/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/state.h - what the files of replication/ share: where things are
 * in the catalog, and how they are changed.
 *
 * Agents, replicas, sessions and registration keys are catalog resources below
 * "/landfall/".  An agent's latest report (heartbeat, progress) is kept in
 * memory only: it is news, not truth, and a poll every few seconds must not
 * cost a disk write.
 *
 * Locks: replication->mutex guards the reports, committer.mutex the commits,
 * rendezvous_mutex the meetings of groups; never two, never held across I/O.
 */
#ifndef LF_REPLICATION_STATE_H
#define LF_REPLICATION_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "base/text.h"
#include "inflow/inflow.h"
#include "json/field.h"
#include "replication/replication.h"
#include "vault/point/point.h"

#define LF_AGENT_TYPE	"Landfall/agents"
#define LF_REPLICA_TYPE "Landfall/replicas"
#define LF_SESSION_TYPE "Landfall/sessions"
#define LF_KEY_TYPE	"Landfall/registrationKeys"
#define LF_ID_SIZE	128
/*
 * A row below an agent's for each of its replicas, "/landfall/agents/AGENT/replicas/REPLICA":
 * {"itemId", "account" (the name of its cache account), "group"}: so that what an agent may do is
 * found without looking at replicas, whose rows hold all of their points.
 */
#define LF_AGENT_REPLICA_TYPE "Landfall/agentReplicas"

#define LF_AGENT_GONE_NS (90 * LF_NS_PER_S) /* without a poll for so long: not connected */

LF_LOCK_KIND(lf_reports_lock);
struct lf_report { /* the last poll of one agent */
	char agent[LF_GUID_SIZE];
	int64_t heard_ns LF_GUARDED_BY(lf_reports_lock);
	json_t *status
		LF_GUARDED_BY(lf_reports_lock); /* what it said of its replicas; may be NULL */
	struct lf_report *next LF_GUARDED_BY(lf_reports_lock);
};

#define LF_COMMIT_THREADS 2
LF_LOCK_KIND(lf_committer_lock);
struct lf_committer { /* committer.c */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct lf_commit_job *jobs LF_GUARDED_BY(lf_committer_lock);
	pthread_t threads[LF_COMMIT_THREADS];
	unsigned n_threads;
};

LF_LOCK_KIND(lf_rendezvous_lock);

struct lf_replication {
	struct lf_replication_opts opts;
	bool own_keys; /* each agent has keys of its own */
	char *data_dir;
	pthread_mutex_t mutex;
	struct lf_report *reports LF_GUARDED_BY(lf_reports_lock);
	struct lf_committer committer;
	pthread_mutex_t rendezvous_mutex;
	struct lf_rendezvous *rendezvous LF_GUARDED_BY(lf_rendezvous_lock); /* assign/ */
	struct lf_journal_ends *ends;
	atomic_bool stopping; /* what takes long ends with LF_ECANCELED */
};

/* Is a commit of the session under way, or waiting?  Then LF_ECONFLICT "CommitUnderWay". */
bool lf_session_is_committing(struct lf_replication *replication, const char *session);
LF_MUST_CHECK int lf_session_check_open(struct lf_replication *replication, const char *session,
					struct lf_error *err);
/* Is it a session of this agent's, or a point that was one?  LF_ENOTFOUND. */
LF_MUST_CHECK int lf_session_check_owner(struct lf_replication *replication, const char *agent,
					 const char *session, struct lf_error *err);

/* "/landfall/agents/GUID" and so on, into out. */
void lf_agent_path(const char *agent, char out[static LF_ID_SIZE]);
void lf_session_path(const char *session, char out[static LF_ID_SIZE]);
/* The replica of an item: its name is derived, so that asking twice is asking for the same. */
void lf_replica_path(const char *item_id, char out[static LF_ID_SIZE]);

/* LF_ENOTFOUND "AgentNotFound". */
LF_MUST_CHECK int lf_agent_row(struct lf_replication *replication, const char *agent,
			       struct lf_resource *ret_row, struct lf_error *err);
/* Read, change and write an agent's row in one transaction. */
typedef int lf_agent_change_fn(json_t *doc, void *argument, struct lf_error *err);
LF_MUST_CHECK int lf_agent_change(struct lf_replication *replication, const char *agent,
				  lf_agent_change_fn *change, void *argument, struct lf_error *err);
/* A row of ours by its table: LF_ECORRUPT when it makes no sense. */
LF_MUST_CHECK int lf_row_read(const struct lf_field *fields, size_t n,
			      const struct lf_resource *row, void *ret_struct,
			      struct lf_error *err);
/* A replica's row, read.  Texts that are not there are NULL; all of it is borrowed from the row. */
struct lf_replica {
	struct lf_resource row;
	const char *item, *agent, *region, *account; /* account: ARM id of the cache; "": none */
	const char *group;	     /* of machines whose points go together; "": none */
	const char *phase, *session; /* session: the open one, or the last one */
	const char *last_point, *last_point_time;
	const char *final_token; /* of the last final session that was made */
	struct {
		const char *token; /* of the one that is asked for; made when it is final_token */
		bool stop_after, shut_down;
	} wanted;
	const char *shut_down_token;	    /* of the last order to shut down that the agent took */
	int64_t last_point_ns, last_app_ns; /* 0: never */
	int64_t app_tried_ns;		    /* a point that was to be application-consistent */
	const json_t *app_fault; /* {"message", "advice", "since"}: why it was not; NULL: it was */
	struct {
		int64_t history_minutes, crash_minutes, app_minutes; /* app: 0: never */
	} policy;
	int64_t initial_sent_bytes;			 /* -1: not yet known */
	const json_t *disks, *points, *leaving, *health; /* points: newest first */
};
void lf_replica_done(struct lf_replica *replica);
#define LF_AUTO_REPLICA LF_CLEANUP(lf_replica_done) struct lf_replica

/* LF_ENOTFOUND; LF_ECORRUPT: its row makes no sense. */
LF_MUST_CHECK int lf_replica_load(struct lf_replication *replication, const char *item_id,
				  struct lf_replica *ret_replica, struct lf_error *err);
/* The same from a row, which is empty afterwards. */
LF_MUST_CHECK int lf_replica_read(struct lf_resource *row, struct lf_replica *ret_replica,
				  struct lf_error *err);
/* A point's manifest, or a replica's entry of it. */
bool lf_point_is_app(const json_t *point);
bool lf_replica_lists_point(const struct lf_replica *replica, const char *point);

typedef int lf_replica_fn(struct lf_replication *replication, const struct lf_replica *replica,
			  void *argument, struct lf_error *err);
/* Every replica of an agent; one that is removed meanwhile is passed over, and a row that cannot
 * be read harms itself only. */
LF_MUST_CHECK int lf_replicas_of(struct lf_replication *replication, const char *agent,
				 lf_replica_fn *visit, void *argument, struct lf_error *err);
/* Write or remove the row that names a replica below its agent's. */
LF_MUST_CHECK int lf_replica_index(struct lf_replication *replication,
				   const struct lf_replica *replica, bool present,
				   struct lf_error *err);
/* Is the account (its name) the cache of one of the agent's replicas? */
LF_MUST_CHECK int lf_agent_uses_account(struct lf_replication *replication, const char *agent,
					const char *account, bool *ret_uses, struct lf_error *err);
/* Read, change and write a replica in one transaction, then tell opts.changed.  What change puts
 * into doc is what changes; texts of the replica last as long as the call. */
typedef int lf_replica_change_fn(const struct lf_replica *replica, struct lf_doc *doc,
				 void *argument, struct lf_error *err);
LF_MUST_CHECK int lf_replica_change(struct lf_replication *replication, const char *item_id,
				    lf_replica_change_fn *change, void *argument,
				    struct lf_error *err);
/* Add or (code present) replace a health error; message NULL removes it. */
LF_MUST_CHECK int lf_replica_health(struct lf_replication *replication,
				    const struct lf_replica *replica, const char *code,
				    const char *message, const char *action, struct lf_error *err);
/* May a session begin that makes a new point?  token: of the final request that it is for, or NULL.
 * LF_ECONFLICT "SessionNotDue". */
LF_MUST_CHECK int lf_replica_check_due(struct lf_replication *replication,
				       const struct lf_replica *replica, const char *token,
				       struct lf_error *err);
/* Is the next point to be application-consistent? */
bool lf_replica_app_due(const struct lf_replica *replica, int64_t now_ns);
/* The token of an order to shut the machine down that its agent has not taken; NULL: there is none.
 */
const char *lf_replica_shut_down_order(const struct lf_replica *replica);
/* Remember an agent's poll; takes the status reference. */
void lf_report_put(struct lf_replication *replication, const char *agent, json_t *status);
/* Copy of what the agent last said of an item; NULL: nothing.  ret_heard_ns: 0 if never heard. */
json_t *lf_report_get(struct lf_replication *replication, const char *agent, const char *item_id,
		      int64_t *ret_heard_ns);

/* Which points of a list (times, newest first, and whether they are application-consistent; NULL:
 * none is) the retention grid keeps.  Pure. */
void lf_retention_grid(const int64_t *times_ns, const bool *app, size_t n, int64_t now_ns,
		       int64_t history_minutes, bool *ret_keep);

#endif
