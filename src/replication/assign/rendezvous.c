/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meetings of groups, in this order: one is opened with all members of its group, who each
 * begin a session, are ready, are held, and make a point.  It is over when all points are marked,
 * or as soon as one member does something else: then it leaves the list, and whoever asks for it
 * is told that it is lost.  A kill loses the list: points that are not yet marked stay unmarked.
 *
 * Lock: rendezvous_mutex guards the list; not held across I/O.
 */
#include "replication/assign/rendezvous.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replication/agents.h"

#define PATIENCE_NS (600 * LF_NS_PER_S) /* from the opening to the last point */

struct member {
	char *item;
	char session[LF_GUID_SIZE]; /* "": not begun */
	bool ready, held, made;
};
struct lf_rendezvous {
	char token[LF_GUID_SIZE];
	char *group;
	int64_t opened_ns, instant_ns; /* instant: 0: not yet */
	struct member members[LF_GROUP_MAX];
	size_t n;
	struct lf_rendezvous *next;
};

static void rendezvous_free(struct lf_rendezvous *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->members[i].item);
	free(r->group);
	free(r);
}
static void rendezvous_auto(struct lf_rendezvous **r)
{
	rendezvous_free(*r);
}
#define AUTO_RENDEZVOUS LF_CLEANUP(rendezvous_auto) struct lf_rendezvous

static struct member *member_of(struct lf_rendezvous *r, const char *item)
{
	for (size_t i = 0; i < r->n; i++)
		if (lf_text_equal_nocase(r->members[i].item, item))
			return &r->members[i];
	return NULL;
}

static struct member *member_with(struct lf_rendezvous *r, const char *session)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->members[i].session, session) == 0)
			return &r->members[i];
	return NULL;
}

/* The one of the item, or (item NULL) of the session; those that took too long go. */
LF_REQUIRES(lf_rendezvous_lock)
static struct lf_rendezvous *find(struct lf_replication *replication, const char *item,
				  const char *session, struct member **ret_member)
{
	int64_t now = lf_clock_now_ns(replication->opts.clock);
	struct lf_rendezvous **link = &replication->rendezvous, *r;

	while ((r = *link)) {
		if (now - r->opened_ns > PATIENCE_NS || now < r->opened_ns) {
			*link = r->next;
			rendezvous_free(r);
			continue;
		}
		*ret_member = item ? member_of(r, item) : member_with(r, session);
		if (*ret_member)
			return r;
		link = &r->next;
	}
	return NULL;
}

LF_REQUIRES(lf_rendezvous_lock)
static void unlink_one(struct lf_replication *replication, struct lf_rendezvous *r)
{
	struct lf_rendezvous **link = &replication->rendezvous;

	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
}

/* Somebody does not come: who asks is told, the marks are not made. */
LF_REQUIRES(lf_rendezvous_lock)
static void lose(struct lf_replication *replication, struct lf_rendezvous *r)
{
	lf_info("the machines of %s do not make a common point this time", r->group);
	unlink_one(replication, r);
	rendezvous_free(r);
}

/* Opening. */

static bool is_free(const struct lf_replica *replica)
{
	return strcmp(replica->phase, "Delta") == 0 && replica->last_point && !replica->session;
}

static int can_come(struct lf_replication *replication, const struct lf_replica *replica,
		    bool *ret_can, struct lf_error *err)
{
	int64_t heard;

	json_decref(lf_report_get(replication, replica->agent, NULL, &heard));
	*ret_can = false;
	if (!is_free(replica) || !heard ||
	    lf_clock_now_ns(replication->opts.clock) - heard > LF_AGENT_GONE_NS)
		return 0;
	return lf_agent_can(replication, replica->agent, "canMeet", ret_can, err);
}

/* One more of the group; *ret_can: it can come. */
static int add_member(struct lf_replication *replication, struct lf_rendezvous *r, const char *item,
		      bool *ret_can, struct lf_error *err)
{
	LF_AUTO_REPLICA replica = {0};
	int rc = lf_replica_load(replication, item, &replica, err);

	if (rc == LF_ENOTFOUND) /* removed meanwhile */
		return 0;
	if (!rc)
		rc = can_come(replication, &replica, ret_can, err);
	if (rc || !*ret_can)
		return rc;
	*ret_can = r->n < LF_GROUP_MAX;
	if (!*ret_can)
		return 0;
	r->members[r->n].item = strdup(item);
	return r->members[r->n++].item ? 0 : lf_fail_nomem(err);
}

/* All of the group, or nobody (*ret_r NULL). */
static int gather(struct lf_replication *replication, const char *group,
		  struct lf_rendezvous **ret_r, struct lf_error *err)
{
	const struct lf_list_query query = {.type = LF_AGENT_REPLICA_TYPE};
	AUTO_RENDEZVOUS *r = calloc(1, sizeof(*r));
	LF_AUTO_RESOURCE_LIST list = {0};
	bool can = true;

	if (!r || !(r->group = strdup(group)))
		return lf_fail_nomem(err);
	int rc = lf_catalog_list(replication->opts.catalog, &query, &list, err);
	for (size_t i = 0; !rc && can && i < list.n; i++)
		if (lf_text_equal_nocase(lf_json_text_or(list.items[i].doc, "group", ""), group))
			rc = add_member(replication, r,
					lf_json_text_or(list.items[i].doc, "itemId", ""), &can,
					err);
	if (rc)
		return rc;
	*ret_r = can && r->n > 1 ? lf_steal(&r) : NULL;
	return 0;
}

static char *open_one(struct lf_replication *replication, struct lf_rendezvous *r, const char *item)
{
	LF_GUARD(&replication->rendezvous_mutex, lf_rendezvous_lock);
	struct member *member;
	struct lf_rendezvous *other = find(replication, item, NULL, &member);

	if (other) { /* another poll was faster */
		rendezvous_free(r);
		return member->session[0] ? NULL : strdup(other->token);
	}
	lf_guid_random(r->token);
	r->opened_ns = lf_clock_now_ns(replication->opts.clock);
	r->next = replication->rendezvous;
	replication->rendezvous = r;
	return strdup(r->token);
}

/* true: the item's rendezvous is known, and *ret_token is what it is to begin with, if it has not.
 */
static bool look_up(struct lf_replication *replication, const char *item, char **ret_token)
{
	LF_GUARD(&replication->rendezvous_mutex, lf_rendezvous_lock);
	struct member *member;
	const struct lf_rendezvous *r = find(replication, item, NULL, &member);

	if (r && !member->session[0])
		*ret_token = strdup(r->token);
	return r;
}

int lf_rendezvous_token(struct lf_replication *replication, const struct lf_replica *replica,
			bool due, char **ret_token, struct lf_error *err)
{
	struct lf_rendezvous *r = NULL;

	*ret_token = NULL;
	if (!*replica->group || look_up(replication, replica->item, ret_token) || !due ||
	    !is_free(replica))
		return 0;
	int rc = gather(replication, replica->group, &r, err);
	if (!rc && r)
		*ret_token = open_one(replication, r, replica->item);
	return rc;
}

/* Meeting. */

bool lf_rendezvous_wants(struct lf_replication *replication, const char *item, const char *token)
{
	LF_GUARD(&replication->rendezvous_mutex, lf_rendezvous_lock);
	struct member *member;
	const struct lf_rendezvous *r = token ? find(replication, item, NULL, &member) : NULL;

	return r && !member->session[0] && strcmp(r->token, token) == 0;
}

void lf_rendezvous_begun(struct lf_replication *replication, const char *item, const char *session,
			 const char *token)
{
	LF_GUARD(&replication->rendezvous_mutex, lf_rendezvous_lock);
	struct member *member;
	struct lf_rendezvous *r = find(replication, item, NULL, &member);

	if (!r)
		return;
	if (token && strcmp(token, r->token) == 0 && !member->session[0])
		snprintf(member->session, sizeof(member->session), "%s", session);
	else
		lose(replication, r);
}

struct lf_rendezvous_answer lf_rendezvous_stage(struct lf_replication *replication,
						const char *session, enum lf_rendezvous_stage stage)
{
	LF_GUARD(&replication->rendezvous_mutex, lf_rendezvous_lock);
	struct member *member;
	struct lf_rendezvous *r = find(replication, NULL, session, &member);
	bool ready = true, held = true;

	if (!r)
		return (struct lf_rendezvous_answer){.lost = true};
	member->ready = true;
	member->held = member->held || stage == LF_RENDEZVOUS_HELD;
	for (size_t i = 0; i < r->n; i++) {
		ready = ready && r->members[i].ready;
		held = held && r->members[i].held;
	}
	if (held && !r->instant_ns)
		r->instant_ns = lf_clock_now_ns(replication->opts.clock);
	return (struct lf_rendezvous_answer){.go = stage == LF_RENDEZVOUS_HELD ? held : ready};
}

int64_t lf_rendezvous_instant(struct lf_replication *replication, const char *session,
			      bool held_through)
{
	LF_GUARD(&replication->rendezvous_mutex, lf_rendezvous_lock);
	struct member *member;
	struct lf_rendezvous *r = find(replication, NULL, session, &member);

	if (r && held_through && r->instant_ns)
		return r->instant_ns;
	if (r)
		lose(replication, r);
	return 0;
}

/* Marking. */

static int mark(const struct lf_replica *replica, struct lf_doc *doc, void *argument,
		struct lf_error *err)
{
	json_t *points = replica->points ? json_deep_copy(replica->points) : NULL;
	json_t *point = lf_json_find(points, "id", argument);

	if (points && point && lf_json_set_bool(point, "together", true)) {
		json_decref(points);
		return lf_fail_nomem(err);
	}
	if (points)
		lf_doc_put(doc, "points", points);
	return 0;
}

static int mark_all(struct lf_replication *replication, struct lf_rendezvous *r,
		    struct lf_error *err)
{
	LF_AUTO_TRANSACTION tx = LF_TRANSACTION_INIT;
	int rc = lf_transaction_begin(&tx, replication->opts.catalog, err);

	for (size_t i = 0; !rc && i < r->n; i++)
		rc = lf_replica_change(replication, r->members[i].item, mark, r->members[i].session,
				       err);
	return rc ? rc : lf_transaction_commit(&tx, err);
}

/* The session's meeting, once all of its points are made; else NULL. */
static struct lf_rendezvous *take_complete(struct lf_replication *replication, const char *session)
{
	LF_GUARD(&replication->rendezvous_mutex, lf_rendezvous_lock);
	struct member *member;
	struct lf_rendezvous *r = find(replication, NULL, session, &member);
	bool made = r;

	if (r)
		member->made = true;
	for (size_t i = 0; r && i < r->n; i++)
		made = made && r->members[i].made;
	if (made)
		unlink_one(replication, r);
	return made ? r : NULL;
}

int lf_rendezvous_made(struct lf_replication *replication, const char *session,
		       struct lf_error *err)
{
	AUTO_RENDEZVOUS *r = take_complete(replication, session);
	int rc = r ? mark_all(replication, r, err) : 0;

	for (size_t i = 0; !rc && r && replication->opts.changed && i < r->n; i++)
		replication->opts.changed(replication->opts.context, r->members[i].item);
	return rc == LF_ENOTFOUND ? 0
				  : rc; /* one was removed meanwhile: nobody's points are marked */
}

void lf_rendezvous_free_all(struct lf_replication *replication)
{
	LF_ALONE(lf_rendezvous_lock);
	while (replication->rendezvous) {
		struct lf_rendezvous *r = replication->rendezvous;
		replication->rendezvous = r->next;
		rendezvous_free(r);
	}
}
