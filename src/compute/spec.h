/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/spec.h - what machines and their networks are made of, and what a machine does.
 *
 * The structs that compute/compute.h speaks, and the doors between them and JSON: a plan in the
 * catalog, a driver's own files, the view of a client.  Their members have the same names there,
 * in camel case.
 *
 * Memory: reading allocates nothing.  Texts are borrowed from the document that was read, or from
 * whoever filled the struct, and have to outlive it; struct lf_vm_state owns its own.
 *
 * Threads: a struct belongs to one thread.
 */
#ifndef LF_COMPUTE_SPEC_H
#define LF_COMPUTE_SPEC_H

#include "json/field.h"

#define LF_VM_DISKS_MAX	  65 /* the OS disk and 64 data disks: the most an Azure size takes */
#define LF_VM_NICS_MAX	  8
#define LF_VM_SUBNETS_MAX 1024
#define LF_VM_OS_LUN	  (-1) /* of the OS disk; data disks have 0 to LF_VM_DISKS_MAX - 2 */

/* A disk of a recovery point. */
struct lf_point_ref {
	const char *region, *point;
	const char *root; /* as text: vault/map.h */
	const char
		*disk; /* what it is a copy of: its boots' reads are loaded ahead; NULL: unknown */
};

enum lf_vm_source_kind {
	LF_VM_SOURCE_POINT, /* booted on a local overlay over an export of the point: no copy */
	LF_VM_SOURCE_FILE,  /* a volume file that is already local */
	LF_VM_SOURCE_EMPTY,
};

/* Where the bytes of a disk come from.  {"kind", "region", "point", "root", "disk", "path",
 * "format"}: as many of them as the kind has. */
struct lf_vm_source {
	enum lf_vm_source_kind kind;
	struct lf_point_ref point; /* LF_VM_SOURCE_POINT */
	const char *path, *format; /* LF_VM_SOURCE_FILE; format NULL: "raw" */
};

struct lf_vm_disk {
	int lun;
	const char *name; /* NULL: none */
	/* Of one that was attached later: what its file and export are called in the machine's
	 * directory (NULL: by its LUN), and which of the machine's places it has, from 1 (0: as
	 * many as it is in the list). */
	const char *file;
	int slot;
	int64_t size_bytes;
	int64_t sector_bytes; /* logical; 0: 512.  Found by the driver where the point says it. */
	struct lf_vm_source source;
};

struct lf_vm_nic {
	char guid[LF_GUID_SIZE];
	char network[LF_GUID_SIZE];
	const char *subnet;
	const char *mac;     /* NULL: derived from the GUID */
	const char *address; /* fixed by DHCP; NULL: any of the subnet */
};

enum lf_vm_firmware {
	LF_VM_BIOS,
	LF_VM_UEFI,
};

struct lf_vm_spec {
	char guid[LF_GUID_SIZE];
	const char *id, *name; /* for people; NULL: none */
	unsigned vcpus, memory_mib;
	enum lf_vm_firmware firmware;
	bool secure_boot;			  /* of UEFI */
	bool tpm;				  /* version 2.0, of UEFI */
	struct lf_vm_disk disks[LF_VM_DISKS_MAX]; /* by LUN, so the OS disk first */
	size_t n_disks;
	struct lf_vm_nic nics[LF_VM_NICS_MAX];
	size_t n_nics;
};

struct lf_vm_subnet {
	const char *name;
	const char *prefix; /* "10.1.0.0/24" */
};

struct lf_vm_network {
	char guid[LF_GUID_SIZE];
	const char *name;
	bool isolated; /* no uplink, and no default route is offered */
	struct lf_vm_subnet subnets[LF_VM_SUBNETS_MAX];
	size_t n_subnets;
};

/*
 * By the form alone: types, ranges, GUIDs, what is required; disks are put in their order.
 * lf_compute_vm_define() says whether it makes a machine.  LF_EINVAL, with the path as target.
 */
LF_MUST_CHECK int lf_vm_spec_read(const json_t *doc, struct lf_vm_spec *ret_vm,
				  struct lf_error *err);
LF_MUST_CHECK int lf_vm_network_read(const json_t *doc, struct lf_vm_network *ret_network,
				     struct lf_error *err);
LF_MUST_CHECK int lf_vm_source_read(const json_t *doc, struct lf_vm_source *ret_source,
				    struct lf_error *err);
/* The array of a machine's disks alone, into vm. */
LF_MUST_CHECK int lf_vm_disks_read(const json_t *array, struct lf_vm_spec *vm,
				   struct lf_error *err);
/* The documents, the caller's references; NULL: out of memory. */
json_t *lf_vm_spec_doc(const struct lf_vm_spec *vm);
json_t *lf_vm_network_doc(const struct lf_vm_network *network);
json_t *lf_vm_source_doc(const struct lf_vm_source *source);
/* That of a source of kind LF_VM_SOURCE_POINT. */
json_t *lf_point_ref_doc(const struct lf_point_ref *point);
/* Are the disks of both the same bytes, in the same order? */
bool lf_vm_same_disks(const struct lf_vm_spec *a, const struct lf_vm_spec *b);
bool lf_vm_source_equal(const struct lf_vm_source *a, const struct lf_vm_source *b);

enum lf_vm_power {
	LF_VM_STOPPED,
	LF_VM_RUNNING,
	LF_VM_PAUSED,
};

struct lf_vm_disk_state {
	int lun;
	char *path;    /* of its file on the host */
	bool hydrated; /* nothing of it is read from a point any more */
	int64_t hydrated_bytes, total_bytes;
};

struct lf_vm_state {
	enum lf_vm_power power;
	char *reason;	    /* why it is so, or what is wrong with it; "" */
	int64_t started_ns; /* 0: it never was */
	/* from the start to the guest's first output and the kernel's first line; 0: not seen */
	int64_t first_output_ms, first_kernel_ms;
	char *addresses[LF_VM_NICS_MAX];
	size_t n_addresses;
	char *console; /* path of the serial console's file */
	struct lf_vm_disk_state disks[LF_VM_DISKS_MAX];
	size_t n_disks;
};
void lf_vm_state_done(struct lf_vm_state *state);
#define LF_AUTO_VM_STATE LF_CLEANUP(lf_vm_state_done) struct lf_vm_state
/* All disks, and there is one. */
bool lf_vm_state_hydrated(const struct lf_vm_state *state);
/* The disk with that LUN; NULL: none. */
const struct lf_vm_disk_state *lf_vm_state_disk(const struct lf_vm_state *state, int64_t lun);
/* For a client: {"power": "running" | "stopped" | "paused", ...}; NULL: out of memory. */
json_t *lf_vm_state_doc(const struct lf_vm_state *state);

#endif
