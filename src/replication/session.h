/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/session.h - one transfer from an agent, from begin to point.
 *
 * A session becomes the recovery point of the same id.  Everything an agent is
 * told is durable first; every call may be repeated.
 *
 * Threads: calls for one session are serialised by the agent that owns it.
 */
#ifndef LF_REPLICATION_SESSION_H
#define LF_REPLICATION_SESSION_H

#include "inflow/inflow.h"
#include "replication/replication.h"
#include "vault/map/map.h"

/*
 * request: {"itemId", "kind": "full"|"delta", "basePointId": what the agent's fingerprints
 *  describe, "resume": {"session": the full pass
 *  that was cut short, "upto": [pages of each disk that the agent knows to be acknowledged]},
 * "token": of a final request, "group": of a meeting with other machines, "disks":
 * [{"id","name","sizeBytes","lun","os"}]} answer:
 * {"sessionId", "kind" (full when the base is not our newest point), "disks": [{"id","upto": pages
 * that a full pass need not send again}]}
 *
 * LF_ECONFLICT "SessionNotDue": no point is to be made now: the item has no open session, no point
 * is due by its policy, and token is not of a final request that is open; "CommitUnderWay".
 */
LF_MUST_CHECK int lf_replication_session_begin(struct lf_replication *replication,
					       const char *agent, const json_t *request,
					       json_t **ret_answer, struct lf_error *err);

/*
 * A session, opened for one request: its row, read, and what its disks are kept in.  All texts are
 * borrowed from the row.
 */
struct lf_session_disk {
	const char *id;
	int64_t size_bytes;
};
enum lf_session_kind { LF_SESSION_FULL, LF_SESSION_DELTA };
struct lf_transfer_session {
	struct lf_replication *replication;
	struct lf_resource row;
	const char *id, *item, *agent;
	const char *region, *account; /* account: ARM id of the cache storage account; "": none */
	const char *token;	      /* of the final request that it is for; NULL: of none */
	enum lf_session_kind kind;
	bool over;	 /* it is being dropped */
	int64_t seen_ns; /* of its last progress, within an hour */
	struct lf_session_disk disks[LF_INFLOW_DISKS_MAX];
	size_t n_disks;
	const json_t *disks_doc; /* as the agent described them */
	const json_t *commit;	 /* the request to commit it, once there is one; else NULL */
	char *dir;
	struct lf_inflow inflow;
};
void lf_transfer_session_done(struct lf_transfer_session *session);
#define LF_AUTO_TRANSFER_SESSION LF_CLEANUP(lf_transfer_session_done) struct lf_transfer_session

/* LF_ENOTFOUND: the agent has no such session, or it is over; LF_EINVAL: not a session's id. */
LF_MUST_CHECK int lf_session_open(struct lf_replication *replication, const char *agent,
				  const char *id, struct lf_transfer_session *ret_session,
				  struct lf_error *err);
/* The row alone, which is empty afterwards; neither vault nor directory. */
LF_MUST_CHECK int lf_session_read(struct lf_resource *row, struct lf_transfer_session *ret_session,
				  struct lf_error *err);
/* One member of the row, as it is now, and that it was seen now.  value: the reference is taken.
 * LF_ENOTFOUND: the session is gone, or over. */
LF_MUST_CHECK int lf_session_change(struct lf_replication *replication, const char *id,
				    const char *name, json_t *value, struct lf_error *err);
LF_MUST_CHECK int lf_session_have(const struct lf_transfer_session *session,
				  const struct lf_chunk_id *ids, size_t n, uint8_t *ret_bits,
				  struct lf_error *err);
/* Adopt a pack that lies at path.  LF_EINVAL "PackInvalid": it is damaged, and removed;
 * LF_ECONFLICT "CommitUnderWay". */
LF_MUST_CHECK int lf_session_adopt(const struct lf_transfer_session *session, const char *path,
				   struct lf_error *err);
/* n records (inflow/journal.h) of a disk; errors as lf_inflow_extents(), and "CommitUnderWay". */
LF_MUST_CHECK int lf_session_extents(struct lf_transfer_session *session, const char *disk,
				     uint64_t upto, const uint8_t *records, size_t n,
				     struct lf_error *err);
/*
 * request: {"consistency", "ageMs": since the instant the data is of, "freezeMs",
 *  "bytesRead","bytesSent", "unreadable": [{"disk","offset","length"}] of the disks as they are
 *  in the point, which count as zeroes, "together": it was held through the instant of its group};
 * answer: {"pointId"}.  Takes as long as the session has extents: LF_ECANCELED:
 * lf_replication_stop().
 */
LF_MUST_CHECK int lf_replication_session_commit(struct lf_replication *replication,
						const char *agent, const char *session,
						const json_t *request, json_t **ret_answer,
						struct lf_error *err);
/*
 * The same on a thread of its own: done is called once, by any thread, perhaps before this
 * returns; answer is NULL when err says what went wrong.  On an error of this function it is not
 * called.  One commit runs for a session: asking again joins it, and who waited is told
 * LF_ECONFLICT "CommitAskedAgain".  LF_EUNREACHABLE: the site stops; ask again when it is back.
 */
typedef void lf_commit_done_fn(void *context, const json_t *answer, const struct lf_error *err);
LF_MUST_CHECK int lf_replication_commit_later(struct lf_replication *replication, const char *agent,
					      const char *session, const json_t *request,
					      lf_commit_done_fn *done, void *context,
					      struct lf_error *err);
/*
 * What an agent should do now: array of {"itemId","disks":[ids],"phase","due": bool,"app": bool,
 *  "token","basePointId","key":{"id","data","epoch"},"packPath":"/ACCOUNT/landfall-packs-AGENT/",
 *  "group": token of the meeting that the session is for, "shutDown": token of the order to shut
 * the machine down}.
 */
LF_MUST_CHECK int lf_replication_assignments(struct lf_replication *replication, const char *agent,
					     json_t **ret_assignments, struct lf_error *err);
/*
 * The agent takes the order to shut its machine down, before it does: {"itemId", "token"}; with
 * "error" and "advice": it could not.  LF_ECONFLICT "ShutDownNotWanted": not any more, or never.
 */
LF_MUST_CHECK int lf_replication_shut_down(struct lf_replication *replication, const char *agent,
					   const json_t *request, struct lf_error *err);
/* Drop sessions without progress for a day, and journals that no session owns. */
LF_MUST_CHECK int lf_replication_session_sweep(struct lf_replication *replication,
					       struct lf_error *err);
/* Forget one session: its journals, its claim, its row. */
LF_MUST_CHECK int lf_replication_session_drop(struct lf_replication *replication,
					      const char *session, const char *region,
					      struct lf_error *err);

/*
 * The container of an agent's packs, in the cache account of each of its replicas: the site makes
 * it, the agent puts into it, the site takes out of it.
 */
#define LF_PACK_CONTAINER_SIZE 64
void lf_pack_container(const char *agent, char out[static LF_PACK_CONTAINER_SIZE]);
/*
 * May an agent put this blob?  A pack's name (64 hex digits) in its own container of the cache
 * account of one of its replicas; nothing else.  LF_EDENIED "AuthorizationPermissionMismatch";
 * LF_ENOTFOUND: no agent has this id.
 */
LF_MUST_CHECK int lf_agent_may_put_pack(struct lf_replication *replication, const char *agent,
					const char *account, const char *container,
					const char *blob, struct lf_error *err);

#endif
