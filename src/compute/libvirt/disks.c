/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disks of a machine: an overlay file each, and behind those that boot
 * from a point an NBD export of ours and a claim on the point.
 *
 * Order when made: claim, export, overlay.  So whatever names a point's bytes
 * has its claim already.  Order when let go: the overlay no longer names the
 * export (its header says so), export, claim.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compute/libvirt/internal.h"
#include "image/qcow2.h"
#include "nbd/export.h"
#include "os/file.h"
#include "vault/pack/crypt.h"
#include "os/process.h"
#include "vault/point/point.h"

#define TOOL_LIMIT_NS (60 * LF_NS_PER_S)

static bool is_point(const struct lf_vm_disk *disk)
{
	return disk->source.kind == LF_VM_SOURCE_POINT;
}

static char *export_dir(const struct lf_host *host, const struct lf_vm_spec *vm,
			const struct lf_vm_disk *disk)
{
	if (disk->file)
		return lf_printf_dup("%s/%s/e-%s", host->data_dir, vm->guid, disk->file);
	if (disk->lun == LF_VM_OS_LUN)
		return lf_printf_dup("%s/%s/e-os", host->data_dir, vm->guid);
	return lf_printf_dup("%s/%s/e-%d", host->data_dir, vm->guid, disk->lun);
}

/* Where what the boots of the disk read first is kept; "": nowhere.  free(). */
static char *trace_path(const struct lf_host *host, const struct lf_vm_disk *disk)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/traces", host->data_dir);
	const char *id = disk->source.point.disk;
	char name[LF_NAME_HASH_SIZE];
	struct lf_error ignored;

	/* without it boots are slower, not wrong */
	if (!dir || !id || lf_dir_make(dir, 0700, &ignored))
		return strdup("");
	lf_name_hash(id, name);
	return lf_printf_dup("%s/%s", dir, name);
}

/* The claim's name: one for each machine and point, however many disks. */
static void claim_name(const struct lf_vm_spec *vm, char out[static LF_GUID_SIZE + 8])
{
	snprintf(out, LF_GUID_SIZE + 8, "export:%s", vm->guid);
}

static int put_claim(struct lf_host *host, const struct lf_vm_spec *vm,
		     const struct lf_vm_disk *disk, struct lf_error *err)
{
	char claim[LF_GUID_SIZE + 8];
	struct lf_vault *vault;

	if (!host->regions)
		return lf_fail(err, LF_EUNSUPPORTED, "disks.source",
			       "this site holds no recovery points");
	claim_name(vm, claim);
	int rc = lf_regions_vault(host->regions, disk->source.point.region, &vault, err);
	return rc ? rc
		  : lf_claim_put(vault, disk->source.point.point, claim, LF_CLAIM_FOREVER, err);
}

static int start_export(struct lf_host *host, const struct lf_vm_spec *vm,
			const struct lf_vm_disk *disk, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = export_dir(host, vm, disk);
	LF_AUTO_FREE char *store = NULL;
	LF_AUTO_FREE char *key_file = NULL;
	LF_AUTO_FREE char *trace = trace_path(host, disk);

	if (!dir || !trace)
		return lf_fail_nomem(err);
	int rc = lf_regions_paths(host->regions, disk->source.point.region, &store, &key_file, err);
	if (rc)
		return rc;
	struct lf_export_spec spec = {
		.dir = dir,
		.store_dir = store,
		.key_file = key_file,
		.root = disk->source.point.root,
		.size_bytes = (uint64_t)disk->size_bytes,
		.trace = trace[0] ? trace : NULL,
		.socket_owner = geteuid() == 0 ? LF_QEMU_USER : NULL,
	};
	return lf_export_start(&spec, err);
}

/* How an overlay names its export; free(), NULL: no memory. */
static char *backing_uri(const struct lf_host *host, const struct lf_vm_spec *vm,
			 const struct lf_vm_disk *disk)
{
	LF_AUTO_FREE char *dir = export_dir(host, vm, disk);
	LF_AUTO_FREE char *socket = dir ? lf_export_socket(dir) : NULL;

	return socket ? lf_printf_dup("nbd+unix:///?socket=%s", socket) : NULL;
}

/* An overlay that is there is never made anew: it may hold what a guest wrote. */
static int make_overlay(struct lf_host *host, const struct lf_vm_spec *vm,
			const struct lf_vm_disk *disk, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	LF_AUTO_FREE char *path = dir ? lf_domain_disk_path(disk, dir) : NULL;
	LF_AUTO_FREE char *made = path ? lf_printf_dup("%s.new", path) : NULL;
	LF_AUTO_FREE char *backing = backing_uri(host, vm, disk);
	char size[32];

	if (!made || !backing)
		return lf_fail_nomem(err);
	if (access(path, F_OK) == 0)
		return 0;
	snprintf(size, sizeof(size), "%lld", (long long)disk->size_bytes);
	/* -u: the size is known, so QEMU need not connect to the export to ask */
	const char *const over[] = {"qemu-img", "create", "-q",	   "-u", "-f", "qcow2", "-F",
				    "raw",	"-b",	  backing, made, size, NULL};
	const char *const empty[] = {"qemu-img", "create", "-q", "-f", "qcow2", made, size, NULL};
	int rc = lf_process_run(is_point(disk) ? over : empty, TOOL_LIMIT_NS, NULL, err);
	return rc ? rc : lf_file_rename_durable(made, path, err);
}

static int make_disk(struct lf_host *host, const struct lf_vm_spec *vm,
		     const struct lf_vm_disk *disk, struct lf_error *err)
{
	int rc = 0;

	if (disk->source.kind == LF_VM_SOURCE_FILE) {
		const char *path = disk->source.path;
		if (access(path, R_OK | W_OK))
			return lf_fail_sys(err, errno, path, "cannot use %s", path);
		return lf_host_let_qemu_reach(host, path, err);
	}
	if (is_point(disk)) {
		bool hydrated = false;
		rc = lf_disk_hydrated(host, vm, disk, &hydrated, err);
		if (rc || hydrated)
			return rc;
		rc = put_claim(host, vm, disk, err);
		if (!rc)
			rc = start_export(host, vm, disk, err);
	}
	return rc ? rc : make_overlay(host, vm, disk, err);
}

int lf_disks_make(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &vm->disks[i];
		int rc = make_disk(host, vm, disk, err);
		if (rc) {
			lf_error_wrap(err, "disk %s", disk->name ? disk->name : "?");
			return rc;
		}
	}
	return 0;
}

int lf_disks_serve(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &vm->disks[i];
		bool hydrated = true;
		int rc = 0;
		if (is_point(disk))
			rc = lf_disk_hydrated(host, vm, disk, &hydrated, err);
		if (!rc && !hydrated)
			rc = start_export(host, vm, disk, err);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * QEMU takes the backing file's name out of the overlay's header once all of
 * it has been copied; that header is the truth, whether or not the guest runs.
 */
int lf_disk_hydrated(const struct lf_host *host, const struct lf_vm_spec *vm,
		     const struct lf_vm_disk *disk, bool *ret_hydrated, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	LF_AUTO_FREE char *path = dir ? lf_domain_disk_path(disk, dir) : NULL;
	bool reads_point = false;

	if (!path)
		return lf_fail_nomem(err);
	if (!is_point(disk)) {
		*ret_hydrated = true;
		return 0;
	}
	int rc = lf_qcow2_has_backing(path, &reads_point, err);
	if (rc && rc != LF_ENOTFOUND)
		return rc;
	*ret_hydrated = !rc && !reads_point;
	return 0;
}

static int drop_claim(struct lf_host *host, const struct lf_vm_spec *vm,
		      const struct lf_vm_disk *disk, struct lf_error *err)
{
	char claim[LF_GUID_SIZE + 8];
	struct lf_vault *vault;

	claim_name(vm, claim);
	int rc = lf_regions_vault(host->regions, disk->source.point.region, &vault, err);
	return rc ? rc : lf_claim_drop(vault, disk->source.point.point, claim, err);
}

/* Is the disk done with its export? */
static int check_done(struct lf_host *host, const struct lf_vm_spec *vm,
		      const struct lf_vm_disk *disk, bool all, bool *ret_done, struct lf_error *err)
{
	*ret_done = all || !is_point(disk);
	return *ret_done ? 0 : lf_disk_hydrated(host, vm, disk, ret_done, err);
}

/* Several disks may be of one point: its claim goes with the last of them. */
static int drop_claims(struct lf_host *host, const struct lf_vm_spec *vm, bool all,
		       struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &vm->disks[i];
		bool done;
		int rc = check_done(host, vm, disk, all, &done, err);
		if (rc || !done)
			return rc;
	}
	for (size_t i = 0; i < vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &vm->disks[i];
		int rc = is_point(disk) ? drop_claim(host, vm, disk, err) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* The export's directory goes last: while it is there, this is to be repeated. */
int lf_disks_release(struct lf_host *host, const struct lf_vm_spec *vm, bool all,
		     struct lf_error *err)
{
	int rc = drop_claims(host, vm, all, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &vm->disks[i];
		LF_AUTO_FREE char *dir = export_dir(host, vm, disk);
		bool done;
		if (!dir)
			return lf_fail_nomem(err);
		rc = check_done(host, vm, disk, all, &done, err);
		if (!rc && done && access(dir, F_OK) == 0)
			rc = lf_export_stop(dir, err);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * The header of an overlay may say "hydrated" while part of the overlay's map
 * was still in the memory of a QEMU that was killed: only the flush before the
 * release makes it true.  So an overlay that was not released is tied to its
 * export again, without being looked at: what was copied stays, and what was
 * not is read from the point.
 */
static int tie_overlay(struct lf_host *host, const struct lf_vm_spec *vm,
		       const struct lf_vm_disk *disk, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_host_path(host, vm->guid, NULL);
	LF_AUTO_FREE char *path = dir ? lf_domain_disk_path(disk, dir) : NULL;
	LF_AUTO_FREE char *backing = backing_uri(host, vm, disk);

	if (!path || !backing)
		return lf_fail_nomem(err);
	const char *const argv[] = {"qemu-img", "rebase", "-q", "-u",	 "-f", "qcow2",
				    "-F",	"raw",	  "-b", backing, path, NULL};
	int rc = put_claim(host, vm, disk, err);
	return rc ? rc : lf_process_run(argv, TOOL_LIMIT_NS, NULL, err);
}

int lf_disks_tie(struct lf_host *host, const struct lf_vm_spec *vm, struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &vm->disks[i];
		LF_AUTO_FREE char *dir = export_dir(host, vm, disk);
		bool hydrated = false;
		if (!dir)
			return lf_fail_nomem(err);
		if (!is_point(disk) || access(dir, F_OK))
			continue;
		int rc = lf_disk_hydrated(host, vm, disk, &hydrated, err);
		if (!rc && hydrated)
			rc = tie_overlay(host, vm, disk, err);
		if (rc)
			return rc;
	}
	return 0;
}

bool lf_disk_released(const struct lf_host *host, const struct lf_vm_spec *vm,
		      const struct lf_vm_disk *disk)
{
	LF_AUTO_FREE char *dir = export_dir(host, vm, disk);
	struct lf_error ignored;
	bool hydrated;

	return dir && access(dir, F_OK) != 0 &&
	       lf_disk_hydrated(host, vm, disk, &hydrated, &ignored) == 0 && hydrated;
}

bool lf_disks_exported(const struct lf_host *host, const struct lf_vm_spec *vm)
{
	for (size_t i = 0; i < vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &vm->disks[i];
		LF_AUTO_FREE char *dir = export_dir(host, vm, disk);
		if (dir && access(dir, F_OK) == 0)
			return true;
	}
	return false;
}
