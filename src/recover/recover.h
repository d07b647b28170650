/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover/recover.h - what the commands of landfall-recover share that serve a
 * point: its disks by NBD, programs that use them, and signals.
 */
#ifndef LF_RECOVER_RECOVER_H
#define LF_RECOVER_RECOVER_H

#include <sys/types.h>

#include "vaultcli/args.h"
#include "nbd/server/server.h"

#define LF_RECOVER_DISKS_MAX 64u

struct lf_recover_args {
	struct lf_vaultcli_args vault; /* DIR POINT, and what else the command takes */
	bool has_port;
	uint16_t port;
	uint64_t memory_mib; /* 0: as the point says */
	const char *firmware, *bus;
	char *const *rest; /* behind "--", NULL-ended */
};

/* A point that is served. */
struct lf_served {
	json_t *manifest;
	char *names[LF_RECOVER_DISKS_MAX]; /* of the disks in the manifest */
	struct lf_nbd_disk items[LF_RECOVER_DISKS_MAX];
	uint32_t sector_bytes; /* logical sectors of the first disk; 0: the point does not say */
	struct lf_nbd_disks disks;
	char *socket; /* removed at the end; NULL: a port */
	uint16_t port;
	int listen_fd;
	struct lf_nbd_server *server;
};
#define LF_SERVED_INIT ((struct lf_served){.listen_fd = -1})

/*
 * Open the vault and find the point's disks, the one the machine boots from
 * first; --disk: only that one.  Nothing is served yet.  lf_served_done().
 */
LF_MUST_CHECK int lf_served_open(struct lf_served *served, const struct lf_recover_args *args,
				 struct lf_error *err);
/* At a socket (taken over: free()d) or, if it is NULL, at a port of the loopback. */
LF_MUST_CHECK int lf_served_start(struct lf_served *served, char *socket, uint16_t port,
				  struct lf_error *err);
/* "nbd+unix:///NAME?socket=PATH" or "nbd://127.0.0.1:PORT/NAME"; free(). */
char *lf_served_uri(const struct lf_served *served, size_t disk);
void lf_served_done(struct lf_served *served);

/* The words of a command line.  The error is sticky: add freely, lf_argv_check() once. */
struct lf_argv {
	char **words; /* NULL-ended */
	size_t count;
	bool failed;
};
void lf_argv_add(struct lf_argv *argv, const char *fmt, ...) LF_PRINTF(2, 3);
LF_MUST_CHECK int lf_argv_check(const struct lf_argv *argv, struct lf_error *err);
void lf_argv_done(struct lf_argv *argv);

/* From here on, signals that end us, and ended children, are told by lf_signal_wait(). */
LF_MUST_CHECK int lf_signals_catch(struct lf_error *err);
/* The next signal's number; 0: none within ms (-1: for ever). */
int lf_signal_wait(int ms);

/* A program with our terminal, that ends when we do.  LF_ENOTFOUND: it is not installed. */
LF_MUST_CHECK int lf_child_start(const struct lf_argv *argv, pid_t *ret_pid, struct lf_error *err);
/*
 * Until the child ends, which a signal asks it to.  ready (may be NULL) is
 * called now and then until it returns true.  LF_EIO: it failed by itself.
 */
LF_MUST_CHECK int lf_child_wait(pid_t pid, const char *name, bool (*ready)(void *context),
				void *context, struct lf_error *err);

/* A new directory of ours for sockets and overlays, in $TMPDIR or /var/tmp; free(). */
LF_MUST_CHECK int lf_scratch_make(char **ret_dir, struct lf_error *err);
/* Remove it with all in it; NULL is fine. */
void lf_scratch_remove(char *dir);

LF_MUST_CHECK int lf_recover_serve(const struct lf_recover_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_recover_boot(const struct lf_recover_args *args, struct lf_error *err);
LF_MUST_CHECK int lf_recover_mount(const struct lf_recover_args *args, struct lf_error *err);

#endif
