/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compute/driver.h - what a kind of host must do to run target machines.
 *
 * Callers use compute/compute.h, which checks what a machine is made of before a
 * slot is called; the slots' contracts are those of the functions there.  Every
 * slot is idempotent, may be called from any thread (one at a time for one
 * guid), and finds everything again after the process was killed.
 */
#ifndef LF_COMPUTE_DRIVER_H
#define LF_COMPUTE_DRIVER_H

#include "compute/capture.h"

struct lf_compute_opts;
struct lf_compute_driver {
	const char *name;
	/* opts outlives the call only; the driver copies what it keeps. */
	int (*open)(const struct lf_compute_opts *opts, void **ret_host, struct lf_error *err);
	void (*free)(void *host);
	int (*network_ensure)(void *host, const struct lf_vm_network *network,
			      struct lf_error *err);
	int (*network_remove)(void *host, const char *guid, struct lf_error *err);
	int (*vm_define)(void *host, const struct lf_vm_spec *vm, struct lf_error *err);
	int (*vm_change)(void *host, const struct lf_vm_spec *vm, struct lf_error *err);
	int (*file_remove)(void *host, const char *guid, const char *path, struct lf_error *err);
	int (*vm_start)(void *host, const char *guid, struct lf_error *err);
	int (*vm_stop)(void *host, const char *guid, bool graceful, struct lf_error *err);
	int (*vm_remove)(void *host, const char *guid, bool keep_disks, struct lf_error *err);
	/* *ret_state is empty; what is in it after a failure, the caller frees. */
	int (*vm_state)(void *host, const char *guid, struct lf_vm_state *ret_state,
			struct lf_error *err);
	int (*vm_hydrate)(void *host, const char *guid, struct lf_error *err);
	int (*vm_console)(void *host, const char *guid, size_t max, struct lf_buf *buf,
			  struct lf_error *err);
	int (*vm_capture)(void *host, const char *guid, const struct lf_capture_opts *opts,
			  struct lf_capture *ret_capture, struct lf_error *err);
};

extern const struct lf_compute_driver lf_compute_libvirt;
extern const struct lf_compute_driver lf_compute_fake;

#endif
