/* SPDX-License-Identifier: Apache-2.0 */
#include "base/machinetime.h"

#include "base/text.h"

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * LF_NS_PER_S + ts.tv_nsec;
}

int64_t lf_clock_boot_ns(void)
{
	return read_ns(CLOCK_BOOTTIME);
}

int64_t lf_clock_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

struct timespec lf_clock_monotonic_after(int64_t delay_ns)
{
	int64_t at = lf_clock_monotonic_ns() + delay_ns;

	return (struct timespec){.tv_sec = at / LF_NS_PER_S, .tv_nsec = at % LF_NS_PER_S};
}

int64_t lf_clock_machine_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}
