/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/backup/restore/restore.h - how a recovery point becomes disks, blobs or a machine.
 *
 * A restore is a job whose input says everything, names included, so that every step may be
 * repeated.  From its first step until its last it holds a claim on the point, "restore:JOB".
 *
 * Threads: a call's, or a job's.
 */
#ifndef LF_PROVIDERS_BACKUP_RESTORE_H
#define LF_PROVIDERS_BACKUP_RESTORE_H

#include "arm/arm.h"
#include "providers/common/site.h"

extern const struct lf_job_type lf_backup_restore_disks_job, lf_backup_restore_machine_job,
	lf_backup_replace_disks_job;
/* A validation: what it found is in its input. */
extern const struct lf_job_type lf_backup_validate_job;

#define LF_RESTORE_DISKS_MAX 128u

struct lf_restore_disk {
	int lun;	       /* -1: the OS disk */
	const char *id, *root; /* of the point's */
	int64_t size_bytes;
	const char *disk_name; /* the new disk's */
};
/* The input; texts that a kind of restore has no use for are "". */
struct lf_restore {
	const char *kind; /* "RestoreDisks", "AlternateLocation", "OriginalLocation" */
	const char *item, *point_id;
	const char *region, *point; /* where it is read, and its GUID there */
	const char *location, *vm_name;
	const json_t *machine; /* the VM's document at the time of the point */
	const char *firmware;  /* of the machine then: "bios", "uefi" */
	struct lf_restore_disk disks[LF_RESTORE_DISKS_MAX];
	size_t n_disks;
	const char *account, *container, *config_blob, *template_blob; /* names */
	const char *group, *vm, *network;			       /* ids */
	const char *subnet, *nic;				       /* names */
	bool secondary;						       /* from the pair's region */
};
#define LF_RESTORE_INIT                                                                            \
	((struct lf_restore){                                                                      \
		.firmware = "bios",                                                                \
		.account = "",                                                                     \
		.container = "",                                                                   \
		.config_blob = "",                                                                 \
		.template_blob = "",                                                               \
		.group = "",                                                                       \
		.vm = "",                                                                          \
		.network = "",                                                                     \
		.subnet = "",                                                                      \
		.nic = "",                                                                         \
	})
/* Texts are borrowed from the job. */
LF_MUST_CHECK int lf_restore_read(const struct lf_job *job, struct lf_restore *ret_restore,
				  struct lf_error *err);
LF_MUST_CHECK int lf_restore_write(const struct lf_restore *restore, json_t **ret_doc,
				   struct lf_error *err);

/* The member of a request that says what to restore: {"properties": {...}}, the older
 * {"parameters": {"parameters": {...}}}, or bare; NULL: none does. */
json_t *lf_restore_request(json_t *body);
/* What is asked for. */
struct lf_restore_ask {
	struct lf_arm_call *call;
	json_t *request; /* the member that says what; NULL: none does */
	const struct lf_resource *item, *point;
	const char *region; /* of the vault to read from, normal */
	bool secondary;	    /* that of the pair, where fewer kinds are to be had */
};
/* Check a request against its recovery point, and submit the job. */
LF_MUST_CHECK int lf_restore_submit(const struct lf_restore_ask *ask,
				    char ret_job[static LF_GUID_SIZE], struct lf_error *err);
/* The same checks, and nothing submitted. */
LF_MUST_CHECK int lf_restore_check(const struct lf_restore_ask *ask, struct lf_error *err);

/* What is written beside the disks, of which disks says "name", "lun" and "uri" or "id"; NULL: out
 * of memory.  The VM as it was, with keys as the service flattens them; and a template that makes
 * it again.  free(). */
char *lf_restore_config(const struct lf_restore *restore, const json_t *disks);
char *lf_restore_template(const struct lf_restore *restore, const json_t *disks);

#endif
