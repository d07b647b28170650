/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/libvirt/internal.h - what the files of the libvirt driver share.
 *
 * On disk, below data_dir:
 *   accelerator.json          the KVM probe's answer, with the kernel it was for
 *   GUID/vm.json              a machine, as it was defined; written before anything else
 *   GUID/disk-os.qcow2, disk-LUN.qcow2   overlays: what the guest wrote, and what was hydrated
 *   GUID/e-os/, e-LUN/        NBD exports (nbd/export.h) behind the overlays
 *   GUID/disk-NAME.qcow2, e-NAME/   the same of disks that were attached later
 *   GUID/console.log          the serial console, all boots (virtlogd writes it)
 *   GUID/prints-LUN, GUID/checkpoint.json   page prints, and roots, of the last capture
 *   GUID/boot.json            when this boot began, and when it first spoke
 *   GUID/hydrate              present: the disks are to be copied here
 *   GUID/frozen               present: the guest's file systems may be frozen, by us
 *   GUID/flushing             present: we paused the guest, to flush, and must resume it
 *   networks/GUID/network.json, LABEL/   a network, and a subnet of it (network.c, dhcp.c)
 *
 * Locks: lf_host_lock() serialises what changes one machine; it is held across
 * I/O on purpose, and only one is held at a time.  conn_mutex guards the
 * connection, probe_mutex the probe, network_mutex the networks; they nest in
 * the order machine, network, connection.
 */
#ifndef LF_COMPUTE_LIBVIRT_INTERNAL_H
#define LF_COMPUTE_LIBVIRT_INTERNAL_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "compute/compute.h"
#include "compute/libvirt/domain_xml.h"

#define LF_HOST_LOCKS 64
#define LF_QEMU_USER  "libvirt-qemu" /* whom Debian's libvirt runs QEMU as */

struct lf_boot_watch;

LF_LOCK_KIND(lf_machine_lock); /* that of the machine meant: lf_host_lock() */
LF_LOCK_KIND(lf_conn_lock);
LF_LOCK_KIND(lf_network_lock); /* their directories, and what runs for them */
LF_LOCK_KIND(lf_probe_lock);

struct lf_host {
	char *data_dir, *uri;
	struct lf_regions *regions;
	struct lf_clock *clock;
	struct lf_boot_watch *watch;
	pthread_mutex_t vm_locks[LF_HOST_LOCKS];
	pthread_mutex_t conn_mutex;
	virConnectPtr conn LF_GUARDED_BY(lf_conn_lock);
	pthread_mutex_t network_mutex;
	pthread_mutex_t probe_mutex;
	json_t *accelerator LF_GUARDED_BY(lf_probe_lock); /* NULL: not asked yet */
};

/* host.c */
pthread_mutex_t *lf_host_lock(struct lf_host *host, const char *guid);
/* data_dir/guid/name; name NULL: the directory.  free(). */
char *lf_host_path(const struct lf_host *host, const char *guid, const char *name);
/* A connection of the caller's own: virConnectClose().  LF_EUNREACHABLE. */
LF_MUST_CHECK int lf_host_connect(struct lf_host *host, virConnectPtr *ret_conn,
				  struct lf_error *err);
/* err from libvirt's last error of this thread; "no such domain" is LF_ENOTFOUND. */
int lf_fail_virt(struct lf_error *err, const char *target, const char *what);
void lf_conn_done(virConnectPtr *conn);
void lf_domain_done(virDomainPtr *domain);
#define LF_AUTO_CONN   LF_CLEANUP(lf_conn_done) virConnectPtr
#define LF_AUTO_DOMAIN LF_CLEANUP(lf_domain_done) virDomainPtr
/* The domain of a machine, or *ret_domain NULL when there is none. */
LF_MUST_CHECK int lf_host_domain(virConnectPtr conn, const char *guid, virDomainPtr *ret_domain,
				 struct lf_error *err);
/* vm.json, and what its texts are borrowed from. */
struct lf_own_vm {
	struct lf_vm_spec spec;
	json_t *doc;
};
void lf_own_vm_done(struct lf_own_vm *vm);
#define LF_AUTO_OWN_VM LF_CLEANUP(lf_own_vm_done) struct lf_own_vm
/* ret_vm->doc is NULL before; LF_ENOTFOUND; LF_ECORRUPT when it is no machine's. */
LF_MUST_CHECK int lf_host_vm(const struct lf_host *host, const char *guid, struct lf_own_vm *ret_vm,
			     struct lf_error *err);
/* Let QEMU's user pass through the directories above path and use what is there; see os/acl.h. */
LF_MUST_CHECK int lf_host_let_qemu_reach(const struct lf_host *host, const char *path,
					 struct lf_error *err);

/* host.c: files GUID/NAME that say what was begun and is to be ended. */
LF_MUST_CHECK int lf_host_set_mark(const struct lf_host *host, const char *guid, const char *name,
				   bool on, struct lf_error *err);
bool lf_host_has_mark(const struct lf_host *host, const char *guid, const char *name);

/* capture.c; the machine's lock is held. */
/* End the backup that shows its disks in dir; nobody else's, and no other job of the domain: an
 * administrator's save, dump or migration goes on.  -1: there is none, or libvirt's error. */
int lf_capture_abort(virDomainPtr domain, const char *dir);
/* LF_ECONFLICT, saying what it is: QEMU makes no backup of a disk that it is copying. */
LF_MUST_CHECK int lf_capture_refuse_busy(virDomainPtr domain, const struct lf_vm_spec *vm,
					 struct lf_error *err);

/* guest.c; the machine's lock is held. */
/* Freeze the running guest's file systems through its agent, within seconds; false: not. */
bool lf_guest_freeze(struct lf_host *host, virDomainPtr domain, const char *guid);
/* Thaw what this or an earlier process has frozen; nothing: 0. */
LF_MUST_CHECK int lf_guest_thaw(struct lf_host *host, virDomainPtr domain, const char *guid,
				struct lf_error *err);
/* Is there something to be thawed? */
bool lf_guest_is_frozen(const struct lf_host *host, const char *guid);

/* probe.c */
/* Is KVM usable?  Asks once a kernel. */
LF_MUST_CHECK int lf_host_kvm(struct lf_host *host, bool *ret_kvm, struct lf_error *err);

/* disks.c */
LF_MUST_CHECK int lf_disks_make(struct lf_host *host, const struct lf_vm_spec *vm,
				struct lf_error *err) LF_REQUIRES(lf_machine_lock);
/* Exports of the disks that still read from one, started again if they died. */
LF_MUST_CHECK int lf_disks_serve(struct lf_host *host, const struct lf_vm_spec *vm,
				 struct lf_error *err) LF_REQUIRES(lf_machine_lock);
/* Nothing is read from an export any more (from the overlay's own header). */
LF_MUST_CHECK int lf_disk_hydrated(const struct lf_host *host, const struct lf_vm_spec *vm,
				   const struct lf_vm_disk *disk, bool *ret_hydrated,
				   struct lf_error *err);
/* Hydrated, flushed and let go of: nothing needs the point any more. */
bool lf_disk_released(const struct lf_host *host, const struct lf_vm_spec *vm,
		      const struct lf_vm_disk *disk);
/* Before a start: overlays that were not released read from their exports again. */
LF_MUST_CHECK int lf_disks_tie(struct lf_host *host, const struct lf_vm_spec *vm,
			       struct lf_error *err) LF_REQUIRES(lf_machine_lock);
/* End the exports of hydrated disks (all: of every disk), and drop claims no disk needs. */
LF_MUST_CHECK int lf_disks_release(struct lf_host *host, const struct lf_vm_spec *vm, bool all,
				   struct lf_error *err) LF_REQUIRES(lf_machine_lock);

/* Has any disk an export yet? */
bool lf_disks_exported(const struct lf_host *host, const struct lf_vm_spec *vm);

/* network.c */
LF_MUST_CHECK int lf_network_up(struct lf_host *host, const struct lf_vm_network *network,
				struct lf_error *err) LF_REQUIRES(lf_network_lock);
LF_MUST_CHECK int lf_network_down(struct lf_host *host, const char *guid, struct lf_error *err)
	LF_REQUIRES(lf_network_lock);
/* The networks of a machine's NICs run, and their DHCP knows its addresses. */
LF_MUST_CHECK int lf_network_serve(struct lf_host *host, const struct lf_vm_spec *vm,
				   struct lf_error *err);
/* Its addresses are free again. */
LF_MUST_CHECK int lf_network_forget(struct lf_host *host, const struct lf_vm_spec *vm,
				    struct lf_error *err);
/* The address that a NIC has leased, into out; false: none. */
bool lf_network_lease(const struct lf_host *host, const struct lf_vm_nic *nic, char *out,
		      size_t out_size);

/* domain.c, state.c */
LF_MUST_CHECK int lf_libvirt_define(void *host, const struct lf_vm_spec *vm, struct lf_error *err);
LF_MUST_CHECK int lf_libvirt_start(void *host, const char *guid, struct lf_error *err);
LF_MUST_CHECK int lf_libvirt_stop(void *host, const char *guid, bool graceful,
				  struct lf_error *err);
LF_MUST_CHECK int lf_libvirt_remove(void *host, const char *guid, bool keep_disks,
				    struct lf_error *err);
LF_MUST_CHECK int lf_libvirt_state(void *host, const char *guid, struct lf_vm_state *ret_state,
				   struct lf_error *err);
LF_MUST_CHECK int lf_libvirt_hydrate(void *host, const char *guid, struct lf_error *err);
LF_MUST_CHECK int lf_libvirt_console(void *host, const char *guid, size_t max, struct lf_buf *buf,
				     struct lf_error *err);
/* change.c */
LF_MUST_CHECK int lf_libvirt_change(void *host, const struct lf_vm_spec *vm, struct lf_error *err);
LF_MUST_CHECK int lf_libvirt_file_remove(void *host, const char *guid, const char *path,
					 struct lf_error *err);
/* domain.c: what defining a machine has in common with changing it: vm with every MAC, which lie in
 * macs; the sectors of its disks; the domain. */
#define LF_MAC_SIZE 18
LF_MUST_CHECK int lf_domain_complete_nics(struct lf_vm_spec *vm,
					  char macs[static LF_VM_NICS_MAX][LF_MAC_SIZE],
					  struct lf_error *err);
LF_MUST_CHECK int lf_domain_complete_sectors(struct lf_host *host, struct lf_vm_spec *vm,
					     struct lf_error *err);
LF_MUST_CHECK int lf_domain_define(struct lf_host *host, const struct lf_vm_spec *vm,
				   struct lf_error *err);
/* capture.c */
LF_MUST_CHECK int lf_libvirt_capture(void *host, const char *guid,
				     const struct lf_capture_opts *opts,
				     struct lf_capture *ret_capture, struct lf_error *err);

/* Exports alive, paused guests resumed, hydration going on and ended. */
LF_MUST_CHECK int lf_libvirt_tend(struct lf_host *host, const char *guid, struct lf_error *err)
	LF_REQUIRES(lf_machine_lock);

/* watch.c: one thread that tends machines and times their first output. */
LF_MUST_CHECK int lf_watch_open(struct lf_host *host, struct lf_boot_watch **ret_watch,
				struct lf_error *err);
void lf_watch_free(struct lf_boot_watch *watch);
/* A boot is about to begin: note when, and from where on the console is its own. */
LF_MUST_CHECK int lf_watch_boot(struct lf_boot_watch *watch, const char *guid,
				struct lf_error *err);

#endif
