/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine's disks into a vault, agentless and as one instant.
 *
 * Running: libvirt begins a backup, in which QEMU shows every disk as it was at
 * that moment on a socket while the guest goes on (what it overwrites goes to
 * scratch files first).  With a guest agent its file systems are frozen for that
 * moment.  QEMU's bitmaps since the last capture say what need not be read at all
 * (checkpoint.c).  Off: qemu-nbd shows the files.  Either way the disks are read by
 * NBD, and page prints of the last capture find what changed.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "compute/libvirt/checkpoint.h"
#include "nbd/reader.h"
#include "os/acl.h"
#include "os/file.h"
#include "os/process.h"
#include "vault/flow/ingest.h"
#include "vault/point/point.h"

#define TOOL_LIMIT_NS (60 * LF_NS_PER_S)
#define GRACE_NS      (2 * LF_NS_PER_S)
#define SOCKET	      "/b.sock" /* of a backup, in our directory */

struct capture {
	struct lf_host *host;
	const struct lf_capture_opts *opts;
	const struct lf_vm_spec *vm;
	struct lf_vault *vault;
	char *dir;	     /* of sockets and scratch files; ours and QEMU's user's */
	virDomainPtr domain; /* running, with a backup under way; NULL: off */
	char *xml;	     /* of a domain that is off; NULL: there is none */
	char since[LF_CHECKPOINT_SIZE], checkpoint[LF_CHECKPOINT_SIZE]; /* ""; or that began it */
	struct lf_capture result;
};

static bool is_excluded(const struct capture *capture, const struct lf_vm_disk *disk)
{
	return lf_capture_excludes(capture->opts, disk->lun);
}

static void end_server(const char *pid_file)
{
	struct lf_error err;
	pid_t pid;

	int rc = lf_pid_read(pid_file, &pid, &err);
	if (!rc)
		rc = lf_process_stop(pid, "qemu-nbd", GRACE_NS, &err);
	if (rc && rc != LF_ENOTFOUND)
		lf_log_error("qemu-nbd", &err);
}

static int end_leftover(void *context, const char *name, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", (const char *)context, name);
	size_t len = strlen(name);

	if (!path)
		return lf_fail_nomem(err);
	if (len > 4 && strcmp(name + len - 4, ".pid") == 0)
		end_server(path);
	return 0;
}

static int make_dir(struct capture *capture, struct lf_error *err)
{
	uid_t uid;
	gid_t gid;

	capture->dir = lf_host_path(capture->host, capture->vm->guid, "backup");
	if (!capture->dir)
		return lf_fail_nomem(err);
	/* what a killed process left there */
	int rc = access(capture->dir, F_OK) == 0
			 ? lf_dir_list(capture->dir, end_leftover, capture->dir, err)
			 : 0;
	if (!rc)
		rc = lf_dir_remove(capture->dir, err);
	if (!rc)
		rc = lf_dir_make(capture->dir, 0700, err);
	if (!rc)
		rc = lf_host_let_qemu_reach(capture->host, capture->dir, err);
	if (!rc && geteuid() == 0) {
		rc = lf_user_find(LF_QEMU_USER, &uid, &gid, err);
		if (!rc && chown(capture->dir, uid, gid))
			rc = lf_fail(err, LF_EIO, capture->dir, "cannot give %s to QEMU's user",
				     capture->dir);
	}
	return rc;
}

/* A checkpoint of the same disks, at the same instant. */
static char *checkpoint_xml(const struct capture *capture)
{
	LF_AUTO_BUF xml = LF_BUF_INIT;
	struct lf_error ignored;

	lf_buf_printf(&xml, "<domaincheckpoint><name>%s</name><disks>", capture->checkpoint);
	for (size_t i = 0; i < capture->vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &capture->vm->disks[i];
		char target[8];
		lf_domain_disk_target(capture->vm, i, target);
		lf_buf_printf(&xml, "<disk name='%s' checkpoint='%s'/>", target,
			      is_excluded(capture, disk) ? "no" : "bitmap");
	}
	lf_buf_puts(&xml, "</disks></domaincheckpoint>");
	return lf_buf_check(&xml, &ignored) ? NULL : lf_steal(&xml.data);
}

static char *backup_xml(const struct capture *capture)
{
	LF_AUTO_BUF xml = LF_BUF_INIT;
	struct lf_error ignored;

	lf_buf_puts(&xml, "<domainbackup mode='pull'>");
	if (capture->since[0])
		lf_buf_printf(&xml, "<incremental>%s</incremental>", capture->since);
	lf_buf_puts(&xml, "<server transport='unix' socket='");
	lf_xml_puts(&xml, capture->dir);
	lf_buf_puts(&xml, SOCKET "'/><disks>");
	for (size_t i = 0; i < capture->vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &capture->vm->disks[i];
		char target[8];
		lf_domain_disk_target(capture->vm, i, target);
		if (is_excluded(capture, disk)) {
			lf_buf_printf(&xml, "<disk name='%s' backup='no'/>", target);
			continue;
		}
		lf_buf_printf(&xml, "<disk name='%s' backup='yes' type='file'><scratch file='",
			      target);
		lf_xml_puts(&xml, capture->dir);
		lf_buf_printf(&xml, "/scratch-%s'/></disk>", target);
	}
	lf_buf_puts(&xml, "</disks></domainbackup>");
	return lf_buf_check(&xml, &ignored) ? NULL : lf_steal(&xml.data);
}

/* What QEMU does with the disk's blocks now.  A backup that has been told to end ends a little
 * later: that is waited for. */
static int find_block_job(virDomainPtr domain, const char *target, bool *ret_backup)
{
	const struct timespec pause = {.tv_nsec = 20 * LF_NS_PER_MS};
	int64_t end_ns = lf_clock_monotonic_ns() + GRACE_NS;
	virDomainBlockJobInfo info = {0};
	int jobs;

	while ((jobs = virDomainGetBlockJobInfo(domain, target, &info, 0)) > 0 &&
	       info.type == VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP && lf_clock_monotonic_ns() < end_ns)
		nanosleep(&pause, NULL);
	*ret_backup = info.type == VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP;
	return jobs;
}

int lf_capture_refuse_busy(virDomainPtr domain, const struct lf_vm_spec *vm, struct lf_error *err)
{
	for (size_t i = 0; i < vm->n_disks; i++) {
		bool backup = false;
		char target[8];
		lf_domain_disk_target(vm, i, target);
		if (find_block_job(domain, target, &backup) > 0)
			return lf_fail(
				err, LF_ECONFLICT, target,
				backup ? "another backup of the machine is under way"
				       : "the machine's disks are being copied to this host");
	}
	return 0;
}

/* Ours is the one that shows its disks on our socket. */
int lf_capture_abort(virDomainPtr domain, const char *dir)
{
	LF_AUTO_FREE char *xml = virDomainBackupGetXMLDesc(domain, 0);
	LF_AUTO_BUF socket = LF_BUF_INIT;
	struct lf_error ignored;

	lf_xml_puts(&socket, dir);
	lf_buf_puts(&socket, SOCKET);
	if (!xml || lf_buf_check(&socket, &ignored) || !strstr(xml, lf_buf_text(&socket)))
		return -1;
	return virDomainAbortJob(domain);
}

static int try_backup(struct capture *capture, struct lf_error *err)
{
	LF_AUTO_FREE char *backup = backup_xml(capture);
	LF_AUTO_FREE char *checkpoint = checkpoint_xml(capture);

	if (!backup || !checkpoint)
		return lf_fail_nomem(err);
	return virDomainBackupBegin(capture->domain, backup,
				    capture->checkpoint[0] ? checkpoint : NULL, 0)
		       ? lf_fail_virt(err, "backup", "cannot begin a backup of the machine")
		       : 0;
}

/* What changed since the last capture; if that cannot be told, all; if nothing can mark what
 * changes from now on (a raw image), without that. */
static int begin_some_backup(struct capture *capture, struct lf_error *err)
{
	int rc = try_backup(capture, err);

	if (rc && capture->since[0]) {
		lf_log_error("reading everything: what changed is not known", err);
		capture->since[0] = '\0';
		rc = try_backup(capture, err);
	}
	if (rc && rc != LF_ENOMEM) {
		lf_log_error("without a checkpoint", err);
		capture->checkpoint[0] = '\0';
		rc = try_backup(capture, err);
	}
	return rc;
}

/* The guest's file systems stand still while the backup begins, if its agent can do that. */
static int begin_backup(struct capture *capture, struct lf_error *err)
{
	const char *guid = capture->vm->guid;

	/* of a process that was killed meanwhile */
	(void)lf_capture_abort(capture->domain, capture->dir);
	int rc = lf_capture_refuse_busy(capture->domain, capture->vm, err);
	if (rc)
		return rc;
	lf_checkpoint_find(capture->host, capture->domain, capture->vm, capture->opts,
			   capture->since);
	lf_checkpoint_name(capture->checkpoint);
	rc = lf_guest_thaw(capture->host, capture->domain, guid, err);
	bool frozen = !rc && !capture->opts->crash_consistent &&
		      lf_guest_freeze(capture->host, capture->domain, guid);
	if (!rc)
		rc = begin_some_backup(capture, err);
	struct lf_error late = LF_ERROR_NONE;
	int thawed = frozen ? lf_guest_thaw(capture->host, capture->domain, guid, &late) : 0;
	if (thawed && !rc) {
		*err = late;
		rc = thawed;
	}
	capture->result.file_system_consistent = frozen;
	return rc;
}

/* What the domain says is the disk's image: somebody may have made a snapshot behind our back, and
 * ours is its backing file then. */
static int find_image(const struct capture *capture, const struct lf_vm_disk *disk,
		      const char *target, char **ret_path, char **ret_format, struct lf_error *err)
{
	LF_AUTO_FREE char *dir = lf_host_path(capture->host, capture->vm->guid, NULL);
	LF_AUTO_FREE char *ours = dir ? lf_domain_disk_path(disk, dir) : NULL;
	LF_AUTO_FREE char *format = strdup(lf_domain_disk_format(disk));
	LF_AUTO_FREE char *active = NULL;

	if (!ours || !format)
		return lf_fail_nomem(err);
	if (capture->xml && !lf_domain_xml_image(capture->xml, target, &active, &format))
		return lf_fail(err, LF_EUNSUPPORTED, target,
			       "the domain's disk %s is not a file on this host", target);
	if (active && strcmp(active, ours) != 0)
		lf_info("disk %s of %s is read through %s, which lies over its own image", target,
			capture->vm->guid, active);
	*ret_path = lf_steal(active ? &active : &ours);
	*ret_format = lf_steal(&format);
	return 0;
}

/* Of a machine that is off: its file, served by qemu-nbd, whose pid is beside the socket. */
static int serve_file(const struct capture *capture, const struct lf_vm_disk *disk,
		      const char *target, const char *socket, const char *pid_file,
		      struct lf_error *err)
{
	LF_AUTO_FREE char *path = NULL, *format = NULL;
	int rc = find_image(capture, disk, target, &path, &format, err);
	const char *const argv[] = {"qemu-nbd",	  "--fork", "--read-only", "--persistent",
				    "--shared",	  "4",	    "--socket",	   socket,
				    "--pid-file", pid_file, "--format",	   format,
				    path,	  NULL};

	return rc ? rc : lf_process_run(argv, TOOL_LIMIT_NS, NULL, err);
}

static int add_result(struct capture *capture, const struct lf_vm_disk *disk,
		      const struct lf_ingest_result *result, struct lf_error *err)
{
	char root[LF_ROOT_TEXT_SIZE];

	lf_root_format(&result->root, root);
	capture->result.bytes_read += result->read_bytes;
	capture->result.bytes_stored += result->stored_bytes;
	return json_array_append_new(
		       capture->result.disks,
		       lf_capture_disk(capture->vm->guid, disk, result->size_bytes, root))
		       ? lf_fail_nomem(err)
		       : 0;
}

/* bitmap: NBD context of what changed; NULL: none. */
static int read_disk(struct capture *capture, const struct lf_vm_disk *disk, const char *uri,
		     const char *bitmap, struct lf_error *err)
{
	char name[32];
	struct lf_nbd_reader *reader = NULL;
	struct lf_ingest_result result;
	struct lf_root base;

	snprintf(name, sizeof(name), "prints-%d", disk->lun);
	LF_AUTO_FREE char *prints = lf_host_path(capture->host, capture->vm->guid, name);
	int rc = prints ? lf_nbd_reader_open(uri, bitmap, LF_NBD_LIMIT_NS, &reader, err)
			: lf_fail_nomem(err);
	if (rc)
		return rc;
	const char *earlier = lf_capture_base_root(capture->opts, disk->lun);
	struct lf_error ignored;
	const struct lf_ingest_opts opts = {
		.path = disk->name ? disk->name : "",
		.disk = lf_nbd_reader_disk(reader),
		.base = earlier && !lf_root_parse(earlier, &base, &ignored) ? &base : NULL,
		.prints = prints,
		.progress = capture->opts->progress,
		.context = capture->opts->context,
		.stop = capture->opts->stop,
	};
	rc = lf_ingest(capture->vault, &opts, &result, err);
	lf_nbd_reader_close(reader);
	return rc ? rc : add_result(capture, disk, &result, err);
}

/* One after another: each is read by all processors. */
static int read_disks(struct capture *capture, struct lf_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < capture->vm->n_disks; i++) {
		const struct lf_vm_disk *disk = &capture->vm->disks[i];
		char target[8], bitmap[48];
		if (is_excluded(capture, disk))
			continue;
		lf_domain_disk_target(capture->vm, i, target);
		snprintf(bitmap, sizeof(bitmap), "qemu:dirty-bitmap:backup-%s", target);
		/* no longer than the socket of an export: what boots can be backed up */
		LF_AUTO_FREE char *socket =
			lf_printf_dup("%s/%s", capture->dir, capture->domain ? "b.sock" : target);
		LF_AUTO_FREE char *pid_file = lf_printf_dup("%s/%s.pid", capture->dir, target);
		LF_AUTO_FREE char *uri =
			lf_printf_dup("nbd+unix:///%s?socket=%s", capture->domain ? target : "",
				      socket ? socket : "");
		rc = uri && pid_file ? 0 : lf_fail_nomem(err);
		if (!rc && !capture->domain)
			rc = serve_file(capture, disk, target, socket, pid_file, err);
		if (!rc)
			rc = read_disk(capture, disk, uri, capture->since[0] ? bitmap : NULL, err);
		if (!capture->domain && pid_file)
			end_server(pid_file);
		if (rc)
			return lf_error_wrap(err, "disk %s", disk->name ? disk->name : "?");
	}
	return 0;
}

/* From now on the next capture can ask what changed; a checkpoint that is of no use goes. */
static void settle_checkpoint(const struct capture *capture, int rc)
{
	const char *guid = capture->vm->guid;
	struct lf_error err;

	if (!capture->domain || !capture->checkpoint[0])
		return;
	if (!rc && !lf_checkpoint_note(capture->host, guid, capture->checkpoint,
				       capture->result.disks, &err)) {
		lf_checkpoint_forget_others(capture->domain, capture->checkpoint);
		return;
	}
	if (!rc)
		lf_log_error("the next capture reads everything", &err);
	lf_checkpoint_forget(capture->domain, capture->checkpoint);
}

LF_REQUIRES(lf_machine_lock)
static int run_capture(struct capture *capture, virConnectPtr conn, struct lf_error *err)
{
	const char *guid = capture->vm->guid;
	LF_AUTO_DOMAIN domain = NULL;
	int rc = lf_host_domain(conn, guid, &domain, err);

	if (!rc)
		rc = lf_disks_serve(capture->host, capture->vm, err);
	if (!rc)
		rc = make_dir(capture, err);
	if (rc)
		return rc;
	if (domain && virDomainIsActive(domain) == 1) {
		capture->domain = domain;
		rc = begin_backup(capture, err);
	} else if (domain && !(capture->xml = virDomainGetXMLDesc(domain, 0))) {
		rc = lf_fail_virt(err, guid, "cannot read the domain's description");
	}
	if (!rc)
		rc = read_disks(capture, err);
	if (capture->domain && lf_capture_abort(capture->domain, capture->dir) && !rc)
		rc = lf_fail_virt(err, guid, "cannot end the backup");
	settle_checkpoint(capture, rc);
	if (!rc)
		lf_info("captured %s: %llu KiB read, %s", guid,
			(unsigned long long)capture->result.bytes_read >> 10,
			capture->since[0] ? "what changed" : "everything");
	struct lf_error ignored;
	if (lf_dir_remove(capture->dir, &ignored))
		lf_log_error("backup directory", &ignored);
	return rc;
}

int lf_libvirt_capture(void *context, const char *guid, const struct lf_capture_opts *opts,
		       struct lf_capture *ret_capture, struct lf_error *err)
{
	struct lf_host *host = context;
	LF_AUTO_CONN conn = NULL;
	LF_AUTO_OWN_VM vm = {.doc = NULL};
	LF_AUTO_JSON *disks = json_array();
	struct capture capture = {
		.host = host, .opts = opts, .vm = &vm.spec, .result = {.disks = disks}};

	if (!host->regions)
		return lf_fail(err, LF_EUNSUPPORTED, "region",
			       "this site holds no recovery points");
	int rc = disks ? lf_host_vm(host, guid, &vm, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_regions_vault(host->regions, opts->region, &capture.vault, err);
	if (!rc)
		rc = lf_host_connect(host, &conn, err);
	if (rc)
		return rc;
	LF_GUARD(lf_host_lock(host, guid), lf_machine_lock);
	rc = run_capture(&capture, conn, err);
	free(capture.dir);
	free(capture.xml);
	if (rc)
		return rc;
	*ret_capture = capture.result;
	ret_capture->disks = lf_steal(&disks);
	return 0;
}
