/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/agent/memory_site.h - a site in memory, which keeps sessions as
 * docs/agent-protocol.md says: its sink is outflow/memory_sink.h, its points are images.
 */
#ifndef LF_TEST_MEMORY_SITE_H
#define LF_TEST_MEMORY_SITE_H

#include "../outflow/memory_sink.h"

#include "agent/site.h"
#include "json/json.h"

struct memory_point_disk {
	char id[LF_GUID_SIZE];
	uint64_t pages;
	uint8_t *image; /* of the newest point */
};

struct memory_site {
	struct lf_site site;
	struct memory_sink sink;
	char base[LF_GUID_SIZE];    /* the newest point; "" none */
	char session[LF_GUID_SIZE]; /* that is open; "" none */
	bool full;
	size_t sessions, deltas, resumed, commits;   /* so many */
	int64_t said_sent;			     /* by the last commit */
	int64_t unreadable_bytes, unreadable_offset; /* of the last range, and of all */
	char unreadable_disk[LF_GUID_SIZE];
	bool said_together;
	char consistency[32], app_error[512], app_advice[512];
	size_t said_unheld; /* how many texts */
	/* of a group: answers until the others are as far (0: they never are), and what was asked
	 */
	size_t others_come, asked_ready, asked_held;
	bool lost;
	struct memory_point_disk disks[MEMORY_DISKS];
	size_t n;
};

/* Does the request arrive, does its answer? */
static inline bool memory_site_call(struct memory_site *m, bool *ret_arrives)
{
	memory_lock(&m->sink);
	bool answered = memory_call(&m->sink, ret_arrives);
	memory_unlock(&m->sink);
	return answered;
}

static inline void memory_site_drop(struct memory_site *m)
{
	for (size_t i = 0; i < m->sink.n_batches; i++)
		free(m->sink.batches[i].records);
	m->sink.n_batches = 0;
}

static inline uint64_t memory_site_upto(const struct memory_site *m, const char *disk)
{
	uint64_t upto = 0;

	for (size_t i = 0; i < m->sink.n_batches; i++)
		if (strcmp(m->sink.batches[i].disk, disk) == 0)
			upto = m->sink.batches[i].upto;
	return upto;
}

static inline json_t *memory_site_begin(struct memory_site *m, const json_t *request)
{
	const char *base = lf_json_text_or(request, "basePointId", "");
	const char *resume = lf_json_text_or(request, "resume.session", "");
	bool delta = strcmp(lf_json_text_or(request, "kind", ""), "delta") == 0 && m->base[0] &&
		     strcmp(base, m->base) == 0;
	bool resumed = !delta && m->full && m->session[0] && strcmp(resume, m->session) == 0;
	json_t *disks = json_array(), *disk;
	size_t i;

	m->sessions++;
	m->deltas += delta;
	m->resumed += resumed;
	if (!resumed) {
		memory_site_drop(m);
		lf_guid_random(m->session);
	}
	m->full = !delta;
	m->n = 0;
	json_array_foreach (lf_json_at(request, "disks"), i, disk) {
		const char *id = lf_json_text_or(disk, "id", "");
		uint64_t pages = ((uint64_t)lf_json_int_or(disk, "sizeBytes", 0) + 4095) / 4096;
		struct memory_point_disk *d = &m->disks[m->n++];
		uint64_t old = delta ? d->pages : 0;
		assert_true(m->n <= MEMORY_DISKS);
		snprintf(d->id, sizeof(d->id), "%s", id);
		if (d->pages != pages)
			d->image = realloc(d->image, pages * LF_PAGE_SIZE);
		if (pages > old)
			memset(d->image + old * LF_PAGE_SIZE, 0, (pages - old) * LF_PAGE_SIZE);
		d->pages = pages;
		if (resumed)
			memory_sink_cut(&m->sink, id,
					(uint64_t)json_integer_value(json_array_get(
						lf_json_at(request, "resume.upto"), i)));
		json_array_append_new(disks, json_pack("{s:s,s:I}", "id", id, "upto",
						       (json_int_t)memory_site_upto(m, id)));
	}
	return json_pack("{s:s,s:s,s:o}", "sessionId", m->session, "kind", delta ? "delta" : "full",
			 "disks", disks);
}

static inline json_t *memory_site_commit(struct memory_site *m, const char *session)
{
	if (strcmp(session, m->base) != 0) { /* else it is asked for again */
		assert_string_equal(session, m->session);
		for (size_t i = 0; i < m->n; i++)
			memory_sink_apply(&m->sink, m->disks[i].id, m->disks[i].image,
					  m->disks[i].pages);
		memory_site_drop(m);
		snprintf(m->base, sizeof(m->base), "%s", session);
		m->session[0] = '\0';
		m->commits++;
	}
	return json_pack("{s:s}", "pointId", m->base);
}

static inline json_t *memory_site_meet(struct memory_site *m, const json_t *request)
{
	bool held = strcmp(lf_json_text_or(request, "stage", ""), "held") == 0;
	size_t asked = held ? ++m->asked_held : ++m->asked_ready;

	assert_true(!held || m->asked_ready >= m->others_come);
	return json_pack("{s:b,s:b}", "go", m->others_come && asked >= m->others_come, "lost",
			 (int)m->lost);
}

static inline int memory_site_post(void *context, const char *path, const json_t *request,
				   json_t **ret_answer, struct lf_error *err)
{
	struct memory_site *m = context;
	char session[LF_GUID_SIZE] = "";
	json_t *answer = NULL;
	bool arrives;

	bool answered = memory_site_call(m, &arrives);
	bool meet = strlen(path) > 6 && strcmp(path + strlen(path) - 6, "/group") == 0;
	bool commit = strlen(path) > 9 && strcmp(path + strlen(path) - 7, "/commit") == 0;
	if (commit) {
		snprintf(session, sizeof(session), "%.36s", path + strlen("sessions/"));
		m->said_sent = lf_json_int_or(request, "bytesSent", 0);
		m->unreadable_bytes = 0;
		size_t at;
		json_t *range;
		json_array_foreach (lf_json_at(request, "unreadable"), at, range) {
			snprintf(m->unreadable_disk, sizeof(m->unreadable_disk), "%s",
				 lf_json_text_or(range, "disk", ""));
			m->unreadable_offset = lf_json_int_or(range, "offset", -1);
			m->unreadable_bytes += lf_json_int_or(range, "length", 0);
		}
		m->said_together = lf_json_bool_or(request, "together", false);
		m->said_unheld = json_array_size(lf_json_at(request, "unheld"));
		snprintf(m->consistency, sizeof(m->consistency), "%s",
			 lf_json_text_or(request, "consistency", ""));
		snprintf(m->app_error, sizeof(m->app_error), "%s",
			 lf_json_text_or(request, "appError", ""));
		snprintf(m->app_advice, sizeof(m->app_advice), "%s",
			 lf_json_text_or(request, "appAdvice", ""));
	}
	if (arrives)
		answer = meet	  ? memory_site_meet(m, request)
			 : commit ? memory_site_commit(m, session)
				  : memory_site_begin(m, request);
	if (answered) {
		*ret_answer = answer;
		return 0;
	}
	json_decref(answer);
	/* not "unreachable": a commit would be asked for again and again */
	return lf_fail(err, LF_EIO, NULL, "the memory is gone");
}

static inline int memory_site_sink(void *context, const char *session, const char *pack_path,
				   const struct lf_sink **ret_sink, struct lf_error *err)
{
	struct memory_site *m = context;

	(void)err;
	assert_string_equal(session, m->session);
	assert_string_equal(pack_path, "/account/packs/");
	m->sink.window = 0;
	*ret_sink = &m->sink.sink;
	return 0;
}

static inline void memory_site_end(void *context)
{
	(void)context;
}

static inline void memory_site_init(struct memory_site *m, const struct lf_domain_key *key)
{
	*m = (struct memory_site){.site = {memory_site_post, memory_site_sink, memory_site_end, m}};
	memory_sink_init(&m->sink, key);
}

static inline void memory_site_done(struct memory_site *m)
{
	for (size_t i = 0; i < MEMORY_DISKS; i++)
		free(m->disks[i].image);
	memory_sink_done(&m->sink);
}

#endif
