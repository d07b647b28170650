/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/upload.h - one parcel at a time on its way to the site, on a thread of
 * its own, so that the next is packed meanwhile.
 *
 * A parcel is a pack and the extents that name its chunks: the site takes the
 * extents once it has the pack.  Parcels arrive in the order they were given;
 * after a failure none does, and every call says so.
 *
 * Threads: the functions one at a time.
 */
#ifndef LF_AGENT_UPLOAD_H
#define LF_AGENT_UPLOAD_H

#include "agent/pump.h"
#include "base/buf.h"
#include "base/text.h"

struct lf_parcel {
	const char *pack_file; /* "": no pack; removed when it is there */
	char name[LF_PACK_NAME_SIZE];
	uint64_t bytes; /* of the pack */
	struct lf_buf extents;
	char disk[LF_GUID_SIZE]; /* of the extents; "": there are none */
	uint64_t upto;		 /* a full pass covered the pages before this */
};

struct lf_upload;
/* What opts names is borrowed; the thread has a link of its own. */
LF_MUST_CHECK int lf_upload_new(const struct lf_pump_opts *opts, struct lf_upload **ret_upload,
				struct lf_error *err);
/* Waits for the parcel under way. */
void lf_upload_free(struct lf_upload *upload);
/* Waits until the one before has arrived; takes the extents out of parcel. */
LF_MUST_CHECK int lf_upload_give(struct lf_upload *upload, struct lf_parcel *parcel,
				 struct lf_error *err);
/* Everything given has arrived on 0. */
LF_MUST_CHECK int lf_upload_wait(struct lf_upload *upload, struct lf_error *err);
/* Of what has arrived: upto of the last parcel of disk (0: none yet); bytes of packs. */
uint64_t lf_upload_upto(struct lf_upload *upload, const char *disk);
uint64_t lf_upload_sent(struct lf_upload *upload);

#endif
