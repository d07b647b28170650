/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbd/reader.h - a disk that some NBD server exports, as an ingest reads it.
 *
 * Connections are made as threads need them, and kept.  A server that has not
 * answered a request in LF_NBD_LIMIT_NS is given up: LF_ETIMEOUT.
 * Threads: the disk's functions from any.
 */
#ifndef LF_NBD_READER_H
#define LF_NBD_READER_H

#include "base/text.h"
#include "source/disk.h"

#define LF_NBD_LIMIT_NS (120 * LF_NS_PER_S) /* for a connection, or for 8 MiB */

struct lf_nbd_reader;
/*
 * uri: "nbd+unix:///NAME?socket=PATH".  bitmap: a context that says what may differ from the base
 * ("qemu:dirty-bitmap:NAME"); NULL, or not served: the disk does not know.  Connects once;
 * LF_EUNREACHABLE.  limit_ns: LF_NBD_LIMIT_NS, but for tests.
 */
LF_MUST_CHECK int lf_nbd_reader_open(const char *uri, const char *bitmap, int64_t limit_ns,
				     struct lf_nbd_reader **ret_reader, struct lf_error *err);
void lf_nbd_reader_close(struct lf_nbd_reader *reader);
/* Borrowed until the reader is closed.  LF_EIO: the server failed a request. */
const struct lf_disk *lf_nbd_reader_disk(struct lf_nbd_reader *reader);

#endif
