/* SPDX-License-Identifier: Apache-2.0 */
/* What agents should do now: the answer to a poll, and whether a session may begin. */
#include <stdlib.h>
#include <string.h>

#include "base/health.h"
#include "base/names.h"
#include "replication/assign/rendezvous.h"
#include "replication/session.h"
#include "replication/state.h"

#define APP_AGAIN_MINUTES 5

/* Minutes since then are over; so they are when the clock was set back, or nothing would come for
 * long. */
static bool is_past(int64_t now_ns, int64_t then_ns, int64_t minutes)
{
	return now_ns < then_ns || now_ns >= then_ns + minutes * 60 * LF_NS_PER_S;
}

/* The token of a final session that is asked for and not made; NULL: none is. */
static const char *wanted_token(const struct lf_replica *replica)
{
	bool made = replica->wanted.token && replica->final_token &&
		    strcmp(replica->wanted.token, replica->final_token) == 0;

	return made ? NULL : replica->wanted.token;
}

/* By the policy's frequency; what failed is tried again sooner, but not with each point: its
 * scripts may take their time. */
bool lf_replica_app_due(const struct lf_replica *replica, int64_t now_ns)
{
	int64_t minutes = replica->policy.app_minutes;
	int64_t again = minutes < APP_AGAIN_MINUTES ? minutes : APP_AGAIN_MINUTES;

	return minutes > 0 && is_past(now_ns, replica->last_app_ns, minutes) &&
	       is_past(now_ns, replica->app_tried_ns, again);
}

/* token: of the final session that would begin; NULL: it would be another. */
static bool is_due(const struct lf_replica *replica, const char *token, int64_t now_ns)
{
	int64_t minutes = replica->policy.crash_minutes;
	const char *wanted = wanted_token(replica);

	if (strcmp(replica->phase, "Stopped") == 0)
		return false;
	if (!replica->last_point || replica->session)
		return true;
	if (wanted && token && strcmp(wanted, token) == 0)
		return true;
	return is_past(now_ns, replica->last_point_ns, minutes > 0 ? minutes : 1) ||
	       lf_replica_app_due(replica, now_ns);
}

int lf_replica_check_due(struct lf_replication *replication, const struct lf_replica *replica,
			 const char *token, struct lf_error *err)
{
	return is_due(replica, token, lf_clock_now_ns(replication->opts.clock))
		       ? 0
		       : lf_fail_arm(
				 err, LF_ECONFLICT, "SessionNotDue", replica->item,
				 "poll, and begin a session when the assignment says it is due, "
				 "with its token",
				 "no session of the item is due");
}

static void view_key(struct lf_doc *view, const struct lf_domain_key *key)
{
	char id_hex[65], data_hex[65], owner_hex[2 * LF_OWNER_SIZE + 1];

	lf_hex_encode(key->id_key, 32, id_hex);
	lf_hex_encode(key->data_key, 32, data_hex);
	lf_hex_encode(key->owner, LF_OWNER_SIZE, owner_hex);
	lf_doc_text(view, "key.id", id_hex);
	lf_doc_text(view, "key.data", data_hex);
	lf_doc_int(view, "key.epoch", key->epoch);
	lf_doc_text_if(view, "key.owner", key->owned ? owner_hex : NULL);
	explicit_bzero(id_hex, sizeof(id_hex));
	explicit_bzero(data_hex, sizeof(data_hex));
}

/* group: token of the meeting that the session is to begin with; NULL: it is alone. */
static json_t *view_assignment(struct lf_replication *replication, const struct lf_replica *replica,
			       const struct lf_domain_key *key, const char *group)
{
	int64_t now = lf_clock_now_ns(replication->opts.clock);
	const char *wanted = wanted_token(replica), *account = strrchr(replica->account, '/');
	char container[LF_PACK_CONTAINER_SIZE];
	LF_AUTO_DOC view = LF_DOC_INIT;

	lf_pack_container(replica->agent, container);
	lf_doc_text(&view, "itemId", replica->item);
	lf_doc_share(&view, "disks", replica->disks);
	lf_doc_text(&view, "phase", replica->phase);
	lf_doc_bool(&view, "due", group || is_due(replica, wanted, now));
	lf_doc_text_if(&view, "group", group);
	lf_doc_bool(&view, "app", lf_replica_app_due(replica, now));
	lf_doc_text(&view, "token", wanted);
	lf_doc_text(&view, "basePointId", replica->last_point);
	view_key(&view, key);
	lf_doc_text_if(&view, "shutDown", lf_replica_shut_down_order(replica));
	lf_doc_printf(&view, "packPath", "/%s/%s/", account ? account + 1 : "", container);
	return lf_doc_take(&view);
}

/* The keys that the agent seals with. */
static void key_for(const struct lf_replication *replication, const struct lf_vault *vault,
		    const char *agent, struct lf_domain_key *ret_key)
{
	uint8_t owner[LF_OWNER_SIZE];

	*ret_key = *lf_vault_key(vault);
	if (!replication->own_keys)
		return;
	lf_owner_of(agent, owner);
	lf_domain_key_for_owner(lf_vault_key(vault), owner, ret_key);
}

static int add_assignment(struct lf_replication *replication, const struct lf_replica *replica,
			  void *argument, struct lf_error *err)
{
	struct lf_domain_key key = {0};
	LF_AUTO_FREE char *group = NULL;
	struct lf_vault *vault;

	/* a store that cannot be opened keeps its own machines waiting, no others */
	if (lf_regions_vault(replication->opts.regions, replica->region, &vault, err)) {
		lf_health_raise("replica", replica->item, "%s", err->message);
		return 0;
	}
	/* final changes are one machine's alone */
	bool due = !wanted_token(replica) &&
		   is_due(replica, NULL, lf_clock_now_ns(replication->opts.clock));
	int rc = lf_rendezvous_token(replication, replica, due, &group, err);
	key_for(replication, vault, replica->agent, &key);
	if (!rc &&
	    json_array_append_new(argument, view_assignment(replication, replica, &key, group)))
		rc = lf_fail_nomem(err);
	lf_domain_key_done(&key);
	return rc;
}

int lf_replication_assignments(struct lf_replication *replication, const char *agent,
			       json_t **ret_assignments, struct lf_error *err)
{
	LF_AUTO_JSON *assignments = json_array();
	int rc = assignments ? lf_replicas_of(replication, agent, add_assignment, assignments, err)
			     : lf_fail_nomem(err);

	if (!rc)
		*ret_assignments = lf_steal(&assignments);
	return rc;
}

/* Shutting the machine down. */

const char *lf_replica_shut_down_order(const struct lf_replica *replica)
{
	const char *token = replica->wanted.token, *taken = replica->shut_down_token;

	/* after the last changes, and once: the machine may be started again */
	return replica->wanted.shut_down && token && !wanted_token(replica) &&
			       strcmp(replica->phase, "Stopped") == 0 &&
			       !(taken && strcmp(taken, token) == 0)
		       ? token
		       : NULL;
}

struct shut_down {
	const char *token, *error, *advice; /* error NULL: it is going to */
};

/* Not what was asked for and is not any more: a failover that was given up shuts nothing down. */
static int take_order(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
		      struct lf_error *err)
{
	const char *order = lf_replica_shut_down_order(replica), *taken = replica->shut_down_token;
	const struct shut_down *said = argument;
	bool again = taken && replica->wanted.token && replica->wanted.shut_down &&
		     strcmp(replica->wanted.token, taken) == 0;

	order = order ? order : again ? taken : NULL;
	if (!order || strcmp(said->token, order) != 0)
		return lf_fail_arm(err, LF_ECONFLICT, "ShutDownNotWanted", replica->item,
				   "let the machine run, and poll again",
				   "the machine is not to be shut down");
	lf_doc_put(doc, "shutDown", json_object());
	lf_doc_text(doc, "shutDown.token", said->token);
	lf_doc_text_if(doc, "shutDown.error", said->error);
	lf_doc_text_if(doc, "shutDown.advice", said->advice);
	return 0;
}

int lf_replication_shut_down(struct lf_replication *replication, const char *agent,
			     const json_t *request, struct lf_error *err)
{
	const char *item = lf_json_text_or(request, "itemId", "");
	struct shut_down said = {.token = lf_json_text_or(request, "token", ""),
				 .error = lf_json_text(request, "error"),
				 .advice = lf_json_text(request, "advice")};
	LF_AUTO_REPLICA replica = {0};

	int rc = said.error ? lf_name_check(LF_NAME_TEXT, said.error, "error", err) : 0;
	if (!rc && said.advice)
		rc = lf_name_check(LF_NAME_TEXT, said.advice, "advice", err);
	if (!rc)
		rc = lf_replica_load(replication, item, &replica, err);
	if (!rc && strcmp(replica.agent, agent) != 0)
		rc = lf_fail(err, LF_ENOTFOUND, "itemId",
			     "the item is not replicated by this agent");
	return rc ? rc : lf_replica_change(replication, item, take_order, &said, err);
}
