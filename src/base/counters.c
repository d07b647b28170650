/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters live in a table that only grows: a counter that is there is found
 * without a lock and counted with an atomic addition; the mutex is for making
 * a new one.  When the table is full, what has no counter is counted as
 * "other". They are memory only: a restart begins from 0, as metrics expect.
 */
#include "base/counters.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"

struct counter {
	char name[48], kind[64];
	atomic_uint_fast64_t value;
	atomic_bool used; /* name and kind are there, and stay */
};

static struct counter counters[LF_COUNTERS_MAX];
static struct counter other = {.name = "other", .used = true};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of those who make a counter */

static bool is(const struct counter *counter, const char *name, const char *kind)
{
	return strncmp(counter->name, name, sizeof(counter->name) - 1) == 0 &&
	       strncmp(counter->kind, kind, sizeof(counter->kind) - 1) == 0;
}

/* The counter, or the free place where it would be; NULL: the table is full. */
static struct counter *find(const char *name, const char *kind)
{
	size_t hash = 14695981039346656037u;

	for (const char *p = name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	for (const char *p = kind; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	for (size_t i = 0; i < LF_COUNTERS_MAX; i++) {
		struct counter *counter = &counters[(hash + i) % LF_COUNTERS_MAX];
		if (!atomic_load(&counter->used) || is(counter, name, kind))
			return counter;
	}
	return NULL;
}

static struct counter *make(const char *name, const char *kind)
{
	LF_GUARD(&mutex);
	struct counter *counter = find(name, kind); /* another thread may have been first */

	if (!counter)
		return &other;
	if (!atomic_load(&counter->used)) {
		snprintf(counter->name, sizeof(counter->name), "%s", name);
		snprintf(counter->kind, sizeof(counter->kind), "%s", kind);
		atomic_store(&counter->used, true);
	}
	return counter;
}

void lf_count(const char *name, const char *kind, uint64_t n)
{
	const char *of = kind ? kind : "";
	struct counter *counter = find(name, of);

	if (!counter || !atomic_load(&counter->used))
		counter = make(name, of);
	atomic_fetch_add(&counter->value, n);
}

uint64_t lf_counted(const char *name, const char *kind)
{
	const struct counter *counter = find(name, kind ? kind : "");

	return counter ? atomic_load(&counter->value) : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct counter *const *one = a, *const *two = b;
	int order = strcmp((*one)->name, (*two)->name);

	return order ? order : strcmp((*one)->kind, (*two)->kind);
}

void lf_counters_each(lf_counter_visit_fn *visit, void *context)
{
	const struct counter *sorted[LF_COUNTERS_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < LF_COUNTERS_MAX; i++)
		if (atomic_load(&counters[i].used))
			sorted[n++] = &counters[i];
	if (atomic_load(&other.value))
		sorted[n++] = &other;
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++)
		visit(context, sorted[i]->name, sorted[i]->kind, atomic_load(&sorted[i]->value));
}

struct render {
	struct lf_buf *buf;
	const char *last; /* name whose type has been said */
};

static void render(void *context, const char *name, const char *kind, uint64_t value)
{
	struct render *state = context;

	if (!state->last || strcmp(state->last, name) != 0)
		lf_buf_printf(state->buf, "# TYPE landfall_%s_total counter\n", name);
	state->last = name;
	lf_buf_printf(state->buf, "landfall_%s_total", name);
	if (kind[0])
		lf_buf_printf(state->buf, "{kind=\"%s\"}", kind);
	lf_buf_printf(state->buf, " %llu\n", (unsigned long long)value);
}

void lf_counters_render(struct lf_buf *buf)
{
	struct render state = {buf, NULL};

	lf_counters_each(render, &state);
}
