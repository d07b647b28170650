/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/replication.h - replicas: what keeps a machine's recovery points
 * coming.
 *
 * A replica ties one protected item to one agent, its disks, a cache storage
 * account and a policy.  It is stored in the catalog as a resource of type
 * "Landfall/replicas" (id LF_REPLICA_ID_PREFIX + GUID derived from the item's
 * id), so it survives; agents talk to replication/intake.h, the Site Recovery
 * provider to this header.
 *
 * Threads: any.
 */
#ifndef LF_REPLICATION_REPLICATION_H
#define LF_REPLICATION_REPLICATION_H

#include "base/clock.h"
#include "catalog/catalog.h"
#include "vault/regions.h"

struct lf_replication_opts {
	struct lf_catalog *catalog;
	struct lf_clock *clock;
	struct lf_regions *regions;
	const char *data_dir;	      /* session journals: DIR/sessions */
	const char *const *base_url;  /* where agents reach us; read when a key is made */
	const char *ca_cert, *ca_key; /* PEM: signs agents' certificates */
	/* Called (any thread) after a replica changed: a point, progress, health; may be NULL. */
	void (*changed)(void *context, const char *item_id);
	void *context;
};
struct lf_replication;
LF_MUST_CHECK int lf_replication_open(const struct lf_replication_opts *opts,
				      struct lf_replication **ret_replication,
				      struct lf_error *err);
void lf_replication_free(struct lf_replication *replication);

/*
 * spec: {"itemId", "agentId", "machineId" (discovered machine), "region",
 *  "cacheAccountId", "disks": [{"id" (agent's disk id), "included": true}],
 *  "policy": {"recoveryPointHistoryInMinutes", "crashConsistentFrequencyInMinutes",
 *             "appConsistentFrequencyInMinutes"}}
 * Idempotent by itemId.
 */
LF_MUST_CHECK int lf_replica_start(struct lf_replication *replication, const json_t *spec,
				   struct lf_error *err);
LF_MUST_CHECK int lf_replica_set_policy(struct lf_replication *replication, const char *item_id,
					const json_t *policy, struct lf_error *err);
/*
 * {"itemId", "phase": "Initial"|"Delta"|"Final"|"Stopped", "agentId", "agentConnected": bool,
 *  "lastHeartbeat", "agentVersion", "sizeBytes", "processedBytes", "transferredBytes",
 * "percentage", "bytesPerSecond", "secondsLeft", "last15MinutesTransferredBytes", "disks":
 * [{"id","name","sizeBytes","processedBytes","transferredBytes","initialComplete": bool,
 *             "pendingBytes"}],
 *  "lastPointId", "lastPointTime", "rpoSeconds", "rpoCalculatedAt", "finalPointId" (of the last
 * final session), "finalToken", "health":
 * [{"code","message","causes","action","severity":"Warning"|"Error","since"}]}
 */
LF_MUST_CHECK int lf_replica_get(struct lf_replication *replication, const char *item_id,
				 json_t **ret_replica, struct lf_error *err);
/* Array of
 * {"id","time","consistency":"CrashConsistent"|"ApplicationConsistent"|"FileSystemConsistent",
 *  "disks":[{"id","name","lun","sizeBytes","root","os"}]}, newest first. */
LF_MUST_CHECK int lf_replica_points(struct lf_replication *replication, const char *item_id,
				    json_t **ret_points, struct lf_error *err);
/*
 * Ask for one more session that starts after now ("Latest": final changes).  token names the
 * request (a job id): asking again is the same request.  Done when lf_replica_get() shows
 * finalToken == token and finalPointId.  stop_after: the agent sends nothing more afterwards.
 */
LF_MUST_CHECK int lf_replica_request_final(struct lf_replication *replication, const char *item_id,
					   const char *token, bool stop_after,
					   struct lf_error *err);
/* Let replication go on after a final session with stop_after. */
LF_MUST_CHECK int lf_replica_resume(struct lf_replication *replication, const char *item_id,
				    struct lf_error *err);
/* Stop, forget the replica, drop its points' retention claims.  Gone already is fine. */
LF_MUST_CHECK int lf_replica_remove(struct lf_replication *replication, const char *item_id,
				    struct lf_error *err);
/* Retention grid, expired sessions, health; the server calls it every clock minute. */
LF_MUST_CHECK int lf_replication_tend(struct lf_replication *replication, struct lf_error *err);

/*
 * Registration keys of a site (an appliance or server registers with one): random, stored
 * hashed, valid five days, many uses.  Returned once; free().
 */
LF_MUST_CHECK int lf_registration_key_new(struct lf_replication *replication, const char *site_id,
					  char **ret_key, int64_t *ret_expires_ns,
					  struct lf_error *err);
/* Agents registered with a site: array of {"agentId","machineName","lastHeartbeat","connected",
 *  "version","os","firmware","bootType","ips","biosId","cores","memoryMiB",
 *  "disks":[{"id","name","path","sizeBytes","os","lun"}],"nics":[{"id","mac","ips","network"}],
 *  "preflight":[{"check","ok","reason","advice"}]}. */
LF_MUST_CHECK int lf_agents_list(struct lf_replication *replication, const char *site_id,
				 json_t **ret_agents, struct lf_error *err);

#endif
