/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbd/export.h - serve one disk of a point by NBD on a UNIX socket, or by TLS to who has a
 * certificate.
 *
 * An export is an nbdkit process with our plugin, in a session of its own: it
 * outlives the daemon, so that a running VM never loses its disk when the
 * daemon restarts.  Its directory (DIR: socket, pid, log, params) is all its
 * state; the caller holds the claim "export:NAME" on the point.
 *
 * The plugin is $LF_NBD_PLUGIN, or nbdkit-landfall-plugin.so beside this
 * program, or nbdkit's own "landfall"; its parameters:
 *   store=DIRECTORY key-file=FILE root=TEXT size=BYTES [trace=FILE]
 *
 * Threads: any; one thread at a time for one directory.
 */
#ifndef LF_NBD_EXPORT_H
#define LF_NBD_EXPORT_H

#include "vault/map/map.h"

/* Where others reach an export.  tls_dir: ca-cert.pem, server-cert.pem, server-key.pem; who
 * connects has a certificate of that CA. */
struct lf_export_net {
	const char *address;
	uint16_t port; /* a free one */
	const char *tls_dir;
};
struct lf_export_spec {
	const char *dir;       /* made; holds disk.sock, pid, log */
	const char *store_dir; /* the vault's directory */
	const char *key_file;
	const char *root; /* lf_root_format() text */
	uint64_t size_bytes;
	const char *trace; /* file of what a boot reads first (vault/map/ahead.h); NULL: none */
	const char *socket_owner;	 /* user that may connect ("libvirt-qemu"); NULL: us */
	const struct lf_export_net *net; /* instead of the socket; NULL: the socket */
};
/*
 * Start, or find it running; on return it answers.  Idempotent.
 *   LF_ECONFLICT  another root is served from this directory
 *   LF_EIO        nbdkit ended at once (the message is its last line)
 */
LF_MUST_CHECK int lf_export_start(const struct lf_export_spec *spec, struct lf_error *err);
/* The command line that serves spec, NULL-ended; a pure function.  free() the array and its texts:
 * lf_export_argv_free(). */
char **lf_export_argv(const struct lf_export_spec *spec, const char *plugin);
void lf_export_argv_free(char **argv);
/* Path of the socket; free(). */
char *lf_export_socket(const char *dir);
/* It answers with NBD's greeting. */
bool lf_export_alive(const char *dir);
/* Stop and remove the directory; absent is fine. */
LF_MUST_CHECK int lf_export_stop(const char *dir, struct lf_error *err);

#endif
