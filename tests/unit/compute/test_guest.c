/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <time.h>

#include "base/lock.h"
#include "compute/libvirt/internal.h"
#include "os/file.h"

#define GUID "11111111-2222-8333-8444-555555555555"

/* An agent: what it has heard, and how it answers. */
static struct {
	int limit_s, freezes, thaws;
	bool refuses_freeze, there;
	int deaf_thaws; /* so many are not answered in time */
	bool frozen;
} agent;
static char mark[512];

int __wrap_virDomainAgentSetResponseTimeout(virDomainPtr domain, int timeout, unsigned flags);
int __wrap_virDomainFSFreeze(virDomainPtr domain, const char **mounts, unsigned n, unsigned flags);
int __wrap_virDomainFSThaw(virDomainPtr domain, const char **mounts, unsigned n, unsigned flags);

int __wrap_virDomainAgentSetResponseTimeout(virDomainPtr domain, int timeout, unsigned flags)
{
	(void)domain, (void)flags;
	agent.limit_s = timeout;
	return 0;
}

int __wrap_virDomainFSFreeze(virDomainPtr domain, const char **mounts, unsigned n, unsigned flags)
{
	(void)domain, (void)mounts, (void)n, (void)flags;
	/* whatever happens from here on, the mark is there */
	assert_int_equal(access(mark, F_OK), 0);
	agent.freezes++;
	if (!agent.there)
		return -1;
	agent.frozen = true;
	return agent.refuses_freeze ? -1 : 2;
}

int __wrap_virDomainFSThaw(virDomainPtr domain, const char **mounts, unsigned n, unsigned flags)
{
	(void)domain, (void)mounts, (void)n, (void)flags;
	agent.thaws++;
	if (!agent.there)
		return -1;
	if (agent.deaf_thaws-- > 0) {
		nanosleep(&(struct timespec){.tv_nsec = 400 * LF_NS_PER_MS}, NULL);
		return -1;
	}
	agent.frozen = false;
	return 2;
}

static struct lf_host *host_in(const char *dir)
{
	static struct lf_host host;
	LF_AUTO_FREE char *machine = lf_printf_dup("%s/" GUID, dir);
	struct lf_error err;

	host = (struct lf_host){.data_dir = (char *)(uintptr_t)dir};
	assert_int_equal(virInitialize(), 0);
	assert_lf_ok(lf_dir_make(machine, 0700, &err));
	snprintf(mark, sizeof(mark), "%s/frozen", machine);
	memset(&agent, 0, sizeof(agent));
	agent.there = true;
	return &host;
}

static void test_guest__has_a_mark_while_it_is_frozen(void **state)
{
	struct lf_host *host = host_in(*state);
	struct lf_error err;

	assert_true(lf_guest_freeze(host, NULL, GUID));
	assert_true(lf_guest_is_frozen(host, GUID));
	assert_in_range(agent.limit_s, 1, 30);
	assert_lf_ok(lf_guest_thaw(host, NULL, GUID, &err));
	assert_false(agent.frozen);
	assert_false(lf_guest_is_frozen(host, GUID));
	assert_lf_ok(lf_guest_thaw(host, NULL, GUID, &err));
	assert_int_equal(agent.thaws, 1);
}

static void test_guest__is_thawed_after_a_freeze_that_failed(void **state)
{
	struct lf_host *host = host_in(*state);

	agent.refuses_freeze = true;
	assert_false(lf_guest_freeze(host, NULL, GUID));
	assert_false(agent.frozen);
	assert_false(lf_guest_is_frozen(host, GUID));
}

static void test_guest__is_thawed_at_a_second_try(void **state)
{
	struct lf_host *host = host_in(*state);
	struct lf_error err;

	assert_true(lf_guest_freeze(host, NULL, GUID));
	agent.deaf_thaws = 1;
	assert_lf_ok(lf_guest_thaw(host, NULL, GUID, &err));
	assert_false(agent.frozen);
}

/* As after a kill: another process finds the mark. */
static void test_guest__that_does_not_answer_keeps_its_mark_for_later(void **state)
{
	struct lf_host *host = host_in(*state);
	struct lf_error err;

	assert_true(lf_guest_freeze(host, NULL, GUID));
	agent.deaf_thaws = 3;
	assert_true(lf_guest_thaw(host, NULL, GUID, &err) != 0);
	assert_true(lf_guest_is_frozen(host, GUID));
	assert_lf_ok(lf_guest_thaw(host, NULL, GUID, &err));
	assert_false(agent.frozen);
	assert_false(lf_guest_is_frozen(host, GUID));
}

static void test_guest__without_an_agent_is_not_waited_for(void **state)
{
	struct lf_host *host = host_in(*state);

	agent.there = false;
	assert_false(lf_guest_freeze(host, NULL, GUID));
	assert_false(lf_guest_is_frozen(host, GUID));
}

#define GUEST_TEST(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, test_memory_dir_setup, test_dir_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST_TEST(test_guest__has_a_mark_while_it_is_frozen),
		GUEST_TEST(test_guest__is_thawed_after_a_freeze_that_failed),
		GUEST_TEST(test_guest__is_thawed_at_a_second_try),
		GUEST_TEST(test_guest__that_does_not_answer_keeps_its_mark_for_later),
		GUEST_TEST(test_guest__without_an_agent_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
