/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/reserve.h - DIR/reserve: room that is kept back, so that a site whose
 * disk is full can still start, be read, and let things be deleted.
 *
 * The file holds nothing.  When the disk is nearly full it is given up, and the
 * health condition "disk-full" says so; with room again it is made again.  Its
 * size: 16 MiB, or the 64th part of a smaller file system.
 */
#ifndef LF_SERVER_RESERVE_H
#define LF_SERVER_RESERVE_H

#include "base/error.h"

/* At start before the catalog is opened, and every minute.  Never fails: there is a reserve or not.
 */
void lf_reserve_tend(const char *dir);

#endif
