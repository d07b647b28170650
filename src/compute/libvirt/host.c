/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file of the driver needs of a host: the connection, machines' paths, documents and
 * domains, and what QEMU's user may reach.  Holds no state but struct lf_host's.
 */
#include <unistd.h>

#include "base/lock.h"
#include "compute/libvirt/internal.h"
#include "os/acl.h"
#include "os/file.h"

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
	LF_GUARD(&host->conn_mutex, lf_conn_lock);

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

void lf_own_vm_done(struct lf_own_vm *vm)
{
	lf_json_done(&vm->doc);
}

int lf_host_vm(const struct lf_host *host, const char *guid, struct lf_own_vm *ret_vm,
	       struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_host_path(host, guid, "vm.json");

	if (!path)
		return lf_fail_nomem(err);
	int rc = lf_json_read_file(path, &ret_vm->doc, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail(err, LF_ENOTFOUND, guid, "there is no machine %s here", guid);
	if (!rc && lf_vm_spec_read(ret_vm->doc, &ret_vm->spec, err)) {
		err->code = LF_ECORRUPT;
		rc = lf_error_wrap(err, "%s", path);
	}
	return rc;
}

/*
 * Whose way it is to open: DIR (data_dir is DIR/compute) and below is ours; so
 * is what lies under the system's directory for temporary files, where mktemp
 * makes everything private.  Anything else above DIR is for its owner to open.
 */
int lf_host_let_qemu_reach(const struct lf_host *host, const char *path, struct lf_error *err)
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

bool lf_host_has_mark(const struct lf_host *host, const char *guid, const char *name)
{
	LF_AUTO_FREE char *path = lf_host_path(host, guid, name);

	return path && access(path, F_OK) == 0;
}

int lf_host_set_mark(const struct lf_host *host, const char *guid, const char *name, bool on,
		     struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_host_path(host, guid, name);

	if (!path)
		return lf_fail_nomem(err);
	return on ? lf_file_write_durable(path, "", 0, 0600, err) : lf_file_remove(path, err);
}
