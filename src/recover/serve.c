/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recover/recover.h"

static int print_uris(const struct lf_served *served, struct lf_error *err)
{
	for (size_t i = 0; i < served->disks.count; i++) {
		LF_AUTO_FREE char *uri = lf_served_uri(served, i);
		if (!uri)
			return lf_fail_nomem(err);
		puts(uri);
	}
	return fflush(stdout) ? lf_fail(err, LF_EIO, NULL, "cannot write to standard output") : 0;
}

static int serve(struct lf_served *served, const struct lf_recover_args *args, struct lf_error *err)
{
	char *socket = args->has_port ? NULL : strdup(args->vault.socket);
	int rc = lf_served_open(served, args, err);

	if (!rc && !socket && !args->has_port)
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = lf_signals_catch(err);
	if (rc) {
		free(socket);
		return rc;
	}
	rc = lf_served_start(served, socket, args->port, err);
	if (!rc)
		rc = print_uris(served, err);
	while (!rc && lf_signal_wait(-1) == SIGCHLD)
		;
	return rc;
}

int lf_recover_serve(const struct lf_recover_args *args, struct lf_error *err)
{
	struct lf_served served = LF_SERVED_INIT;

	if (args->has_port == (args->vault.socket != NULL))
		return lf_fail(err, LF_EINVAL, "--socket",
			       "name a socket with --socket, or a port with --port");
	int rc = serve(&served, args, err);
	lf_served_done(&served);
	return rc;
}
