/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions are rows of a fixed table, those that are raised in front. 
 * Raising one again keeps its place and counts; the log hears of a condition
 * when it is new, when its text changes, and when it is over.  The table is
 * memory only: after a restart whoever still finds the trouble raises it
 * again.
 */
#include "base/health.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/machinetime.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/utf8.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
LF_LOCK_KIND(health_lock);
/* those raised come first */
static struct lf_health_condition conditions[LF_HEALTH_MAX] LF_GUARDED_BY(health_lock);
static atomic_size_t n_conditions; /* written under the lock */
static uint64_t n_dropped LF_GUARDED_BY(health_lock);

/* Whole characters that fit; '?' for what is none, and for controls. */
static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
	lf_utf8_clean(out);
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

/* n_conditions: none. */
LF_REQUIRES(health_lock)
static size_t find(const char *name, const char *subject)
{
	size_t i = 0;

	while (i < n_conditions && (strcmp(conditions[i].name, name) != 0 ||
				    strcmp(conditions[i].subject, subject) != 0))
		i++;
	return i;
}

/* Keep it; true: it is news that the log should have. */
static bool keep(const struct lf_health_condition *raised)
{
	LF_GUARD(&mutex, health_lock);
	size_t at = find(raised->name, raised->subject);

	if (at == LF_HEALTH_MAX) {
		n_dropped++;
		return false;
	}
	struct lf_health_condition *kept = &conditions[at];
	if (at == n_conditions) {
		*kept = *raised;
		n_conditions++;
		return true;
	}
	bool news = strcmp(kept->text, raised->text) != 0;
	kept->last_ns = raised->last_ns;
	kept->times++;
	memcpy(kept->text, raised->text, sizeof(raised->text));
	return news;
}

/* false: it is not raised. */
static bool drop(const char *name, const char *subject)
{
	LF_GUARD(&mutex, health_lock);
	size_t at = find(name, subject);

	if (at == n_conditions)
		return false;
	n_conditions--;
	memmove(&conditions[at], &conditions[at + 1], (n_conditions - at) * sizeof(conditions[0]));
	return true;
}

void lf_health_raise(const char *name, const char *subject, const char *fmt, ...)
{
	struct lf_health_condition raised = {.since_ns = lf_clock_machine_ns(), .times = 1};
	char text[sizeof(raised.text) * 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	raised.last_ns = raised.since_ns;
	copy_text(raised.name, sizeof(raised.name), name);
	copy_text(raised.subject, sizeof(raised.subject), subject ? subject : "");
	copy_text(raised.text, sizeof(raised.text), text);
	if (keep(&raised))
		lf_warn("health: %s%s%s: %s", raised.name, raised.subject[0] ? " " : "",
			raised.subject, raised.text);
}

void lf_health_clear(const char *name, const char *subject)
{
	struct lf_health_condition key;

	if (!n_conditions)
		return;
	copy_text(key.name, sizeof(key.name), name);
	copy_text(key.subject, sizeof(key.subject), subject ? subject : "");
	if (drop(key.name, key.subject))
		lf_info("health: %s%s%s: over", key.name, key.subject[0] ? " " : "", key.subject);
}

void lf_health_set(const char *name, const char *subject, int rc, const struct lf_error *err)
{
	if (rc)
		lf_health_raise(name, subject, "%s", err->message);
	else
		lf_health_clear(name, subject);
}

size_t lf_health_read(struct lf_health_condition *ret_conditions, size_t max, uint64_t *ret_dropped)
{
	LF_GUARD(&mutex, health_lock);
	size_t n = n_conditions < max ? n_conditions : max;

	memcpy(ret_conditions, conditions, n * sizeof(conditions[0]));
	if (ret_dropped)
		*ret_dropped = n_dropped;
	return n;
}

size_t lf_health_count(void)
{
	return n_conditions;
}
