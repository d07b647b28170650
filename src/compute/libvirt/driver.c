/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/driver.h"
#include "compute/libvirt/internal.h"
#include "os/acl.h"
#include "os/file.h"
#include "base/lock.h"

void lf_conn_done(virConnectPtr *conn)
{
	if (*conn)
		virConnectClose(*conn);
}

void lf_domain_done(virDomainPtr *domain)
{
	if (*domain)
		virDomainFree(*domain);
}

/* libvirt prints every error on standard error unless told not to. */
static void keep_quiet(void *context, virErrorPtr error)
{
	(void)context;
	(void)error;
}

int lf_fail_virt(struct lf_error *err, const char *target, const char *what)
{
	virErrorPtr last = virGetLastError();
	int code = LF_EIO;

	if (last && (last->code == VIR_ERR_NO_DOMAIN || last->code == VIR_ERR_NO_NETWORK))
		code = LF_ENOTFOUND;
	if (last && (last->code == VIR_ERR_NO_CONNECT || last->domain == VIR_FROM_RPC))
		code = LF_EUNREACHABLE;
	const char *said = last && last->message ? last->message : "unknown error";
	return lf_fail(err, code, target, "%s: %.*s", what, (int)strcspn(said, "\n"), said);
}

pthread_mutex_t *lf_host_lock(struct lf_host *host, const char *guid)
{
	unsigned hash = 0;

	for (const char *p = guid; *p; p++)
		hash = hash * 31 + (unsigned char)(*p | 0x20);
	return &host->vm_locks[hash % LF_HOST_LOCKS];
}

char *lf_host_path(const struct lf_host *host, const char *guid, const char *name)
{
	return name ? lf_printf_dup("%s/%s/%s", host->data_dir, guid, name)
		    : lf_printf_dup("%s/%s", host->data_dir, guid);
}

int lf_host_connect(struct lf_host *host, virConnectPtr *ret_conn, struct lf_error *err)
{
	LF_GUARD(&host->conn_mutex);

	/* libvirtd may have been restarted since: then the old connection is dead */
	if (host->conn && virConnectIsAlive(host->conn) != 1) {
		virConnectClose(host->conn);
		host->conn = NULL;
	}
	if (!host->conn)
		host->conn = virConnectOpen(host->uri);
	if (!host->conn) {
		lf_fail_virt(err, host->uri, "cannot connect to libvirt");
		err->code = LF_EUNREACHABLE;
		return lf_error_hint(err, "start libvirtd (tools/libvirt-up), and run as root or "
					  "a member of the group libvirt");
	}
	virConnectRef(host->conn);
	*ret_conn = host->conn;
	return 0;
}

int lf_host_domain(virConnectPtr conn, const char *guid, virDomainPtr *ret_domain,
		   struct lf_error *err)
{
	virDomainPtr domain = virDomainLookupByUUIDString(conn, guid);

	if (!domain) {
		int rc = lf_fail_virt(err, guid, "cannot look up the domain");
		if (rc != LF_ENOTFOUND)
			return rc;
	}
	*ret_domain = domain;
	return 0;
}

int lf_host_vm(const struct lf_host *host, const char *guid, json_t **ret_vm, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_host_path(host, guid, "vm.json");

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, ret_vm, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail(err, LF_ENOTFOUND, guid, "there is no machine %s here", guid);
	return rc;
}

/*
 * Whose way it is to open: DIR (data_dir is DIR/compute) and below is ours; so
 * is what lies under the system's directory for temporary files, where mktemp
 * makes everything private.  Anything else above DIR is for its owner to open.
 */
int lf_host_open_way(const struct lf_host *host, const char *path, struct lf_error *err)
{
	LF_AUTO_FREE char *top = strdup(host->data_dir);
	uid_t uid;
	gid_t gid;

	if (!top)
		return lf_fail_nomem(err);
	if (geteuid() != 0)
		return 0;
	int rc = lf_user_find(LF_QEMU_USER, &uid, &gid, err);
	if (rc)
		return lf_error_hint(err, "install libvirt-daemon-system");
	char *slash = strrchr(top, '/');
	if (slash && slash != top)
		*slash = '\0';
	char *inside = strncmp(top, "/tmp/", 5) == 0 ? strchr(top + 5, '/') : NULL;
	if (inside)
		*inside = '\0';
	return lf_acl_allow_reach(path, top, uid, gid, err);
}

static void free_host(void *context)
{
	struct lf_host *host = context;

	if (!host)
		return;
	lf_watch_free(host->watch);
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

static int ensure_network(void *context, const json_t *network, struct lf_error *err)
{
	struct lf_host *host = context;

	LF_GUARD(&host->network_mutex);
	return lf_network_up(host, network, err);
}

static int remove_network(void *context, const char *guid, struct lf_error *err)
{
	struct lf_host *host = context;

	LF_GUARD(&host->network_mutex);
	return lf_network_down(host, guid, err);
}

const struct lf_compute_driver lf_compute_libvirt = {
	.name = "libvirt",
	.open = open_host,
	.free = free_host,
	.network_ensure = ensure_network,
	.network_remove = remove_network,
	.vm_define = lf_libvirt_define,
	.vm_start = lf_libvirt_start,
	.vm_stop = lf_libvirt_stop,
	.vm_remove = lf_libvirt_remove,
	.vm_state = lf_libvirt_state,
	.vm_hydrate = lf_libvirt_hydrate,
	.vm_console = lf_libvirt_console,
	.vm_capture = lf_libvirt_capture,
};
