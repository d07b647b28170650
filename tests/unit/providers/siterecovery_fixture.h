/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/providers/siterecovery_fixture.h - Site Recovery without a network,
 * a host or an agent: the catalog, the job engine, the vault and the machines
 * (their fake driver) are real; the requests and the replication are played.
 *
 * A request goes through the provider's own route table.
 */
#ifndef LF_SITERECOVERY_FIXTURE_H
#define LF_SITERECOVERY_FIXTURE_H

#include "providers/siterecovery/internal.h"
#include "providers/siterecovery/siterecovery.h"

#define SUB    "/subscriptions/11111111-1111-1111-1111-111111111111"
#define RG     SUB "/resourceGroups/rg"
#define TRG    SUB "/resourceGroups/target"
#define VAULT  RG "/providers/Microsoft.RecoveryServices/vaults/v1"
#define FABRIC VAULT "/replicationFabrics/f"
#define BOX    FABRIC "/replicationProtectionContainers/c"
#define ITEM   BOX "/replicationProtectedItems/i"
#define ITEM2  BOX "/replicationProtectedItems/i2"
#define POLICY VAULT "/replicationPolicies/p"
#define SITE   RG "/providers/Microsoft.OffAzure/ServerSites/s"
#define AGENT  "aaaaaaaa-0000-0000-0000-000000000001"
#define AGENT2 "aaaaaaaa-0000-0000-0000-000000000002"
#define NET    TRG "/providers/Microsoft.Network/virtualNetworks/net"
#define TEST   TRG "/providers/Microsoft.Network/virtualNetworks/test"
#define CACHE  TRG "/providers/Microsoft.Storage/storageAccounts/cache"
#define VMS    TRG "/providers/Microsoft.Compute/virtualMachines"

struct reply {
	int status; /* of the error's code, when there was one */
	json_t *body;
	char job[LF_GUID_SIZE]; /* of a 202 */
	char status_path[1024], result_path[1024];
	struct lf_error error;
};

/* What the played replication holds and was asked. */
struct played {
	bool started, connected, resumed, removed;
	enum lf_replica_after final_after;
	bool can_shut_down, stays_on; /* stays_on: the order is taken, and the machine runs on */
	int64_t shut_down_at;	      /* when the agent took the order; 0: not yet */
	const char *shut_down_error;  /* why it could not */
	const char *fault;	      /* of the replica's health; NULL: healthy */
	struct lf_clock *clock;
	bool holds_back;      /* requested final sessions do not come */
	char token[64];	      /* of the final session wanted */
	char final_point[64]; /* that it made */
	json_t *points;	      /* newest first */
	const char *os;	      /* of the machine; NULL: Debian */
	bool two_nics;
	bool two_machines;
};
extern struct played played;

struct world {
	char *dir;
	struct lf_context context;
};

int world_setup(void **state);
int world_teardown(void **state);

/* Whose routes are asked; NULL: Site Recovery's. */
extern const struct lf_arm_provider *asked;
/* One request; body is taken and may be NULL.  A query has one member. */
struct reply request(struct world *w, const char *method, const char *path, json_t *body);
void reply_done(struct reply *reply);
#define AUTO_REPLY LF_CLEANUP(reply_done) struct reply

/* Run all jobs, stepping the clock where they wait, until none is left or they wait for good. */
void drive(struct world *w);
/* A new recovery point, in the vault and in the played replica; its name into out. */
void make_point(struct world *w, char out[static LF_GUID_SIZE]);
/* The body of a good enable request. */
json_t *enable_body(void);
/* Enable, drive, one point: the item is Protected. */
void protect(struct world *w);
/* The same for a second machine, db01, whose item is ITEM2. */
void protect_second(struct world *w);
/* GET that must answer 200; the caller's. */
json_t *get(struct world *w, const char *path);
void put_doc(struct world *w, const char *id, const char *type, json_t *doc);

/* Of an item that GET answered. */
const char *state_of(const json_t *item);
bool allows(const json_t *item, const char *name);
/* POST an action that must be accepted, and let it run to success. */
void act(struct world *w, const char *action, json_t *body);
/* The request is answered with this status and code, a target and advice. */
void assert_refused(struct world *w, const char *method, const char *path, json_t *body, int status,
		    const char *code);
json_t *test_body(const char *point);
json_t *failover_body(const char *point, const char *shutdown);

#endif
