/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's file systems, frozen through its agent for the moment in which a
 * backup begins.
 *
 * Order: the mark GUID/frozen, freeze, (the caller's moment), thaw, the mark goes.
 * Whoever finds the mark thaws first: the next capture, and whoever tends the
 * machine after this process was killed.  An agent that does not answer within its
 * limit leaves the mark, since it may still freeze.
 */
#include "base/lock.h"
#include "base/log.h"
#include "compute/libvirt/internal.h"

#define MARK	       "frozen"
#define ANSWER_LIMIT_S 10
#define THAW_TRIES     3
#define AT_ONCE_NS     LF_NS_PER_S /* so fast only an agent that is not there fails */

static bool thaw(virDomainPtr domain)
{
	for (int i = 0; i < THAW_TRIES; i++)
		if (virDomainFSThaw(domain, NULL, 0, 0) >= 0)
			return true;
	return false;
}

int lf_guest_thaw(struct lf_host *host, virDomainPtr domain, const char *guid, struct lf_error *err)
{
	if (!lf_host_has_mark(host, guid, MARK))
		return 0;
	int64_t begun = lf_clock_monotonic_ns();
	(void)virDomainAgentSetResponseTimeout(domain, ANSWER_LIMIT_S, 0);
	/* no agent: nobody holds anything */
	if (!thaw(domain) && lf_clock_monotonic_ns() - begun > AT_ONCE_NS)
		return lf_fail_virt(err, guid, "cannot thaw the machine's file systems");
	return lf_host_set_mark(host, guid, MARK, false, err);
}

bool lf_guest_is_frozen(const struct lf_host *host, const char *guid)
{
	return lf_host_has_mark(host, guid, MARK);
}

bool lf_guest_freeze(struct lf_host *host, virDomainPtr domain, const char *guid)
{
	struct lf_error err = LF_ERROR_NONE;

	if (lf_host_set_mark(host, guid, MARK, true, &err)) {
		lf_log_error("the machine is not frozen", &err);
		return false;
	}
	(void)virDomainAgentSetResponseTimeout(domain, ANSWER_LIMIT_S, 0);
	if (virDomainFSFreeze(domain, NULL, 0, 0) >= 0)
		return true;
	const virError *why = virGetLastError();
	lf_info("machine %s is captured without a freeze: %s", guid,
		why && why->message ? why->message : "its agent does not answer");
	/* of a freeze that failed half-way, or comes late */
	if (lf_guest_thaw(host, domain, guid, &err))
		lf_log_error("it will be tried again", &err);
	return false;
}
