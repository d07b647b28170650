/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's table, and the opening of its host: directory, locks, and the thread that tends
 * machines (watch.c).  What all files of the driver need of a host is in host.c.
 */
#include <errno.h>
#include <sys/stat.h>

#include "compute/compute.h"
#include "compute/driver.h"
#include "compute/libvirt/internal.h"
#include "os/file.h"
#include "base/lock.h"

/* libvirt prints every error on standard error unless told not to. */
static void keep_quiet(void *context, virErrorPtr error)
{
	(void)context;
	(void)error;
}

static void free_host(void *context)
{
	struct lf_host *host = context;

	if (!host)
		return;
	lf_watch_free(host->watch);
	LF_ALONE(lf_conn_lock);
	LF_ALONE(lf_probe_lock);
	if (host->conn)
		virConnectClose(host->conn);
	for (size_t i = 0; i < LF_HOST_LOCKS; i++)
		pthread_mutex_destroy(&host->vm_locks[i]);
	pthread_mutex_destroy(&host->conn_mutex);
	pthread_mutex_destroy(&host->network_mutex);
	pthread_mutex_destroy(&host->probe_mutex);
	json_decref(host->accelerator);
	lf_clock_free(host->clock);
	free(host->data_dir);
	free(host->uri);
	free(host);
}

/* libvirt itself is asked at first use: the daemon replicates without it. */
static int open_host(const struct lf_compute_opts *opts, void **ret_host, struct lf_error *err)
{
	struct lf_host *host = calloc(1, sizeof(*host));

	if (!host)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < LF_HOST_LOCKS; i++)
		pthread_mutex_init(&host->vm_locks[i], NULL);
	pthread_mutex_init(&host->conn_mutex, NULL);
	pthread_mutex_init(&host->network_mutex, NULL);
	pthread_mutex_init(&host->probe_mutex, NULL);
	host->regions = opts->regions;
	host->uri = strdup(opts->uri ? opts->uri : "qemu:///system");
	host->clock = lf_clock_new_real(1);
	int rc = lf_dir_make(opts->data_dir, 0711, err);
	/* absolute: libvirt and nbdkit have working directories of their own */
	if (!rc)
		host->data_dir = realpath(opts->data_dir, NULL);
	if (!rc && (!host->uri || !host->clock || !host->data_dir))
		rc = lf_fail_nomem(err);
	if (!rc && chmod(host->data_dir, 0711))
		rc = lf_fail_sys(err, errno, host->data_dir, "cannot change the mode of %s",
				 host->data_dir);
	if (!rc) {
		virInitialize();
		virSetErrorFunc(NULL, keep_quiet);
		rc = lf_watch_open(host, &host->watch, err);
	}
	if (rc) {
		free_host(host);
		return rc;
	}
	*ret_host = host;
	return 0;
}

static int ensure_network(void *context, const struct lf_vm_network *network, struct lf_error *err)
{
	struct lf_host *host = context;

	LF_GUARD(&host->network_mutex, lf_network_lock);
	return lf_network_up(host, network, err);
}

static int remove_network(void *context, const char *guid, struct lf_error *err)
{
	struct lf_host *host = context;

	LF_GUARD(&host->network_mutex, lf_network_lock);
	return lf_network_down(host, guid, err);
}

const struct lf_compute_driver lf_compute_libvirt = {
	.name = "libvirt",
	.open = open_host,
	.free = free_host,
	.network_ensure = ensure_network,
	.network_remove = remove_network,
	.vm_define = lf_libvirt_define,
	.vm_change = lf_libvirt_change,
	.file_remove = lf_libvirt_file_remove,
	.vm_start = lf_libvirt_start,
	.vm_stop = lf_libvirt_stop,
	.vm_remove = lf_libvirt_remove,
	.vm_state = lf_libvirt_state,
	.vm_hydrate = lf_libvirt_hydrate,
	.vm_console = lf_libvirt_console,
	.vm_capture = lf_libvirt_capture,
};
