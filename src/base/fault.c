/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"

#define FAULT_MAX 16

struct fault {
	char name[64];
	int error; /* 0: kill */
	unsigned at;
	unsigned passed;
};

bool lf_fault_active;
static pthread_mutex_t fault_mutex = PTHREAD_MUTEX_INITIALIZER;
LF_LOCK_KIND(fault_lock);
static struct fault faults[FAULT_MAX] LF_GUARDED_BY(fault_lock);
static size_t fault_count LF_GUARDED_BY(fault_lock);
static unsigned failed LF_GUARDED_BY(fault_lock); /* passes that were */

LF_REQUIRES(fault_lock)
static void add_fault(const char *item)
{
	struct fault fault = {.at = 1};
	char action[16];

	if (fault_count == FAULT_MAX ||
	    sscanf(item, "%63[^=]=%15[a-z]@%u", fault.name, action, &fault.at) < 2)
		return;
	if (strcmp(action, "enospc") == 0)
		fault.error = ENOSPC;
	else if (strcmp(action, "kill") != 0)
		fault.error = EIO;
	faults[fault_count++] = fault;
}

void lf_fault_set(const char *list)
{
	char copy[512], *save = NULL;

	LF_GUARD(&fault_mutex, fault_lock);
	fault_count = 0;
	failed = 0;
	snprintf(copy, sizeof(copy), "%s", list ? list : "");
	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save))
		add_fault(item);
	lf_fault_active = fault_count > 0;
}

__attribute__((constructor)) static void read_environment(void)
{
	lf_fault_set(getenv("LF_FAULT"));
}

int lf_fault_hit(const char *name)
{
	int error = 0;
	bool fatal = false;

	lf_lock(&fault_mutex, fault_lock);
	for (size_t i = 0; i < fault_count; i++) {
		struct fault *fault = &faults[i];
		if (strcmp(fault->name, name) != 0 || ++fault->passed < fault->at)
			continue;
		fatal = fatal || !fault->error;
		error = fault->error;
	}
	failed += error != 0;
	lf_unlock(&fault_mutex, fault_lock);
	if (fatal)
		kill(getpid(), SIGKILL);
	return error;
}

unsigned lf_fault_count(void)
{
	LF_GUARD(&fault_mutex, fault_lock);

	return failed;
}
