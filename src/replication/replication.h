/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replication/replication.h - replicas: what keeps a machine's recovery points
 * coming.
 *
 * A replica ties one protected item to one agent, its disks, a cache storage
 * account and a policy.  It is stored in the catalog as a resource of type
 * "Landfall/replicas" ("/landfall/replicas/" and a GUID derived from the item's
 * id), so it survives; agents talk to replication/intake.h, the Site Recovery
 * provider to this header.
 *
 * Threads: any.
 */
#ifndef LF_REPLICATION_REPLICATION_H
#define LF_REPLICATION_REPLICATION_H

#include "base/clock.h"
#include "catalog/catalog.h"
#include "vault/open/regions.h"

struct lf_replication_opts {
	struct lf_catalog *catalog;
	struct lf_clock *clock;
	struct lf_regions *regions;
	const char *data_dir;	      /* session journals: DIR/sessions */
	const char *const *base_url;  /* where agents reach us; read when a key is made */
	const char *ca_cert, *ca_key; /* PEM: signs agents' certificates */
	/* "region": all agents of a region have its keys; "machine": each has its own
	 * (docs/adr/0008).  Kept; NULL: as it was, at first "region". */
	const char *dedup;
	/* Called (any thread) after a replica changed: a point, progress, health; may be NULL. */
	void (*changed)(void *context, const char *item_id);
	void *context;
};
struct lf_replication;
LF_MUST_CHECK int lf_replication_open(const struct lf_replication_opts *opts,
				      struct lf_replication **ret_replication,
				      struct lf_error *err);
/* Start what makes points of sessions, beginning with those that a stop or a kill cut short. */
LF_MUST_CHECK int lf_replication_run(struct lf_replication *replication, struct lf_error *err);
/* End it: what is under way is cut short within a second and goes on at the next run.  Who waits
 * for it is told.  Stopped already is fine. */
void lf_replication_stop(struct lf_replication *replication);
/* Stops, too. */
void lf_replication_free(struct lf_replication *replication);

/*
 * spec: {"itemId", "agentId", "machineId" (discovered machine), "region",
 *  "cacheAccountId", "group" (of replicas whose points are to be of one instant), "disks": [{"id"
 * (agent's disk id), "included": true}], "policy": {"recoveryPointHistoryInMinutes",
 * "crashConsistentFrequencyInMinutes", "appConsistentFrequencyInMinutes"}} Idempotent by itemId.
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
 * final session), "finalToken", "canShutDown": bool, "shutDown": {"token", "error" (why it could
 * not)} of the last order that the agent has taken, "health":
 * [{"code","message","causes","action","severity":"Warning"|"Error","since"}]}
 */
LF_MUST_CHECK int lf_replica_get(struct lf_replication *replication, const char *item_id,
				 json_t **ret_replica, struct lf_error *err);
/* Array of
 * {"id","time","consistency":"CrashConsistent"|"ApplicationConsistent"|"FileSystemConsistent",
 *  "together": true (of one instant with points of all its group),
 *  "disks":[{"id","name","lun","sizeBytes","root","os"}]}, newest first. */
LF_MUST_CHECK int lf_replica_points(struct lf_replication *replication, const char *item_id,
				    json_t **ret_points, struct lf_error *err);
/*
 * Ask for one more session that starts after now ("Latest": final changes).  token names the
 * request (a job id): asking again is the same request.  Done when lf_replica_get() shows
 * finalToken == token and finalPointId.
 */
enum lf_replica_after {
	LF_REPLICA_GOES_ON,
	LF_REPLICA_STOPS,      /* the agent sends nothing more */
	LF_REPLICA_SHUTS_DOWN, /* and it is ordered to shut its machine down: see "shutDown" */
};
LF_MUST_CHECK int lf_replica_request_final(struct lf_replication *replication, const char *item_id,
					   const char *token, enum lf_replica_after after,
					   struct lf_error *err);
/* That request is made no more: an agent that has not begun with it does not.  Another's stays;
 * gone already is fine. */
LF_MUST_CHECK int lf_replica_withdraw_final(struct lf_replication *replication, const char *item_id,
					    const char *token, struct lf_error *err);
/* Let replication go on after a final session that stopped it, or that was to and has not come: it
 * is asked for no more, nor is the machine to be shut down. */
LF_MUST_CHECK int lf_replica_resume(struct lf_replication *replication, const char *item_id,
				    struct lf_error *err);
/* Stop, forget the replica, drop its points' retention claims.  Gone already is fine. */
LF_MUST_CHECK int lf_replica_remove(struct lf_replication *replication, const char *item_id,
				    struct lf_error *err);
/* Retention grid, expired sessions, health; the server calls it every clock minute. */
LF_MUST_CHECK int lf_replication_tend(struct lf_replication *replication, struct lf_error *err);

/*
 * Registration keys of a site (an appliance or server registers with one): random, stored
 * hashed, good for some days and for so many machines that were not known before (0: the
 * defaults below).  Returned once; free().
 */
#define LF_KEY_DAYS	    5
#define LF_KEY_DAYS_MAX	    30
#define LF_KEY_MACHINES	    25
#define LF_KEY_MACHINES_MAX 1000
LF_MUST_CHECK int lf_registration_key_new(struct lf_replication *replication, const char *site_id,
					  unsigned days, unsigned machines, char **ret_key,
					  int64_t *ret_expires_ns, struct lf_error *err);
/* Those that are good: array of {"name","createdOn","expiresOn","machines","used"}. */
LF_MUST_CHECK int lf_registration_keys_list(struct lf_replication *replication, const char *site_id,
					    json_t **ret_keys, struct lf_error *err);
/* End one (NULL: all of the site).  LF_ENOTFOUND. */
LF_MUST_CHECK int lf_registration_key_revoke(struct lf_replication *replication,
					     const char *site_id, const char *name,
					     struct lf_error *err);
/*
 * Lock an agent out at once (its certificates and its token are refused), or let it in again;
 * what it has protected stays.  LF_ENOTFOUND: the site has no such agent.
 */
LF_MUST_CHECK int lf_agent_bar(struct lf_replication *replication, const char *site_id,
			       const char *agent, bool barred, struct lf_error *err);
/* Forget an agent.  LF_ENOTFOUND; LF_ECONFLICT "MachineIsProtected". */
LF_MUST_CHECK int lf_agent_remove(struct lf_replication *replication, const char *site_id,
				  const char *agent, struct lf_error *err);
/* A site goes: its keys and agents with it, in the caller's transaction.  LF_ECONFLICT
 * "SiteHasProtectedMachines". */
LF_MUST_CHECK int lf_replication_forget_site(struct lf_replication *replication,
					     const char *site_id, struct lf_error *err);
/* The item that has a storage account (its name) as its cache, free(); NULL: none has. */
LF_MUST_CHECK int lf_replication_account_item(struct lf_replication *replication,
					      const char *account, char **ret_item,
					      struct lf_error *err);
/* Agents registered with a site: array of {"agentId","machineName","lastHeartbeat","connected",
 *  "version","os","firmware","bootType","ips","biosId","cores","memoryMiB",
 *  "registered","barred","certificate" (fingerprint of the newest),"certificateEnds",
 *  "disks":[{"id","name","path","sizeBytes","os","lun"}],"nics":[{"id","mac","ips","network"}],
 *  "preflight":[{"check","ok","reason","advice"}]}. */
LF_MUST_CHECK int lf_agents_list(struct lf_replication *replication, const char *site_id,
				 json_t **ret_agents, struct lf_error *err);

#endif
