/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbd/server/wire.h - what goes over an NBD connection, as far as a read-only
 * server needs it: fixed newstyle negotiation, structured replies, the context
 * "base:allocation".  All integers are big-endian.  Pure.
 *
 * The protocol: doc/proto.md of the NBD project.
 */
#ifndef LF_NBD_SERVER_WIRE_H
#define LF_NBD_SERVER_WIRE_H

#include "base/compiler.h"

#define LF_NBD_NAME_MAX 4096u /* of an export; the protocol's limit for texts */
#define LF_NBD_OPTION_MAX                                                                          \
	(64u << 10)		       /* bytes of an option; a client that sends more is cut off  \
					*/
#define LF_NBD_OPTIONS_MAX 256u	       /* of one negotiation */
#define LF_NBD_REQUEST_MAX (32u << 20) /* bytes that one request may read or bring */

#define LF_NBD_GREETING	    UINT64_C(0x4e42444d41474943) /* "NBDMAGIC" */
#define LF_NBD_OPTION_MAGIC UINT64_C(0x49484156454f5054) /* "IHAVEOPT" */
#define LF_NBD_REPLY_MAGIC  UINT64_C(0x0003e889045565a9) /* of an option */

/* Handshake: server and client have the same bits. */
#define LF_NBD_FIXED_NEWSTYLE 1u
#define LF_NBD_NO_ZEROES      2u

/* Options. */
enum {
	LF_NBD_OPT_EXPORT_NAME = 1,
	LF_NBD_OPT_ABORT = 2,
	LF_NBD_OPT_LIST = 3,
	LF_NBD_OPT_INFO = 6,
	LF_NBD_OPT_GO = 7,
	LF_NBD_OPT_STRUCTURED = 8,
	LF_NBD_OPT_LIST_CONTEXTS = 9,
	LF_NBD_OPT_SET_CONTEXTS = 10,
};
/* Replies to options. */
#define LF_NBD_REP_ACK	       1u
#define LF_NBD_REP_SERVER      2u
#define LF_NBD_REP_INFO	       3u
#define LF_NBD_REP_CONTEXT     4u
#define LF_NBD_REP_ERR_UNSUP   0x80000001u
#define LF_NBD_REP_ERR_INVALID 0x80000003u
#define LF_NBD_REP_ERR_UNKNOWN 0x80000006u
/* What INFO and GO tell. */
#define LF_NBD_INFO_EXPORT     0u
#define LF_NBD_INFO_NAME       1u
#define LF_NBD_INFO_BLOCK_SIZE 3u

/* Transmission flags. */
#define LF_NBD_HAS_FLAGS  1u
#define LF_NBD_READ_ONLY  2u
#define LF_NBD_SEND_DF	  128u
#define LF_NBD_MULTI_CONN 256u

/* Commands, and flags of commands. */
enum {
	LF_NBD_CMD_READ = 0,
	LF_NBD_CMD_WRITE = 1,
	LF_NBD_CMD_DISC = 2,
	LF_NBD_CMD_TRIM = 4,
	LF_NBD_CMD_WRITE_ZEROES = 6,
	LF_NBD_CMD_BLOCK_STATUS = 7,
};
#define LF_NBD_FLAG_FUA	    1u /* means nothing to a reader, and is allowed */
#define LF_NBD_FLAG_DF	    4u
#define LF_NBD_FLAG_REQ_ONE 8u

/* Replies to commands. */
#define LF_NBD_CHUNK_DONE   1u /* flag: the last of a reply */
#define LF_NBD_CHUNK_NONE   0u
#define LF_NBD_CHUNK_DATA   1u
#define LF_NBD_CHUNK_STATUS 5u
#define LF_NBD_CHUNK_ERROR  0x8001u

/* The one context there is, by name and by number; and its flags. */
#define LF_NBD_CONTEXT	  "base:allocation"
#define LF_NBD_CONTEXT_ID 1u
#define LF_NBD_HOLE	  3u /* not allocated, and reads as zeroes */

#define LF_NBD_OPTION_SIZE  16u
#define LF_NBD_REQUEST_SIZE 28u
#define LF_NBD_REP_SIZE	    20u
#define LF_NBD_SIMPLE_SIZE  16u
#define LF_NBD_CHUNK_SIZE   20u

struct lf_nbd_option {
	uint32_t type, len;
};
struct lf_nbd_request {
	uint16_t flags, type;
	uint64_t cookie, offset; /* cookie as it came */
	uint32_t len;
};
/* Of INFO and GO, and of LIST_CONTEXTS and SET_CONTEXTS. */
struct lf_nbd_ask {
	char name[LF_NBD_NAME_MAX + 1];
	bool wants_name, wants_block_size;
	bool wants_allocation; /* the context was asked for, by name or in one of its namespaces */
	uint32_t count;	       /* of things asked for */
};

/* false: not what the protocol allows here. */
bool lf_nbd_option_decode(const uint8_t bytes[static LF_NBD_OPTION_SIZE],
			  struct lf_nbd_option *ret_option);
bool lf_nbd_request_decode(const uint8_t bytes[static LF_NBD_REQUEST_SIZE],
			   struct lf_nbd_request *ret_request);
bool lf_nbd_info_decode(const uint8_t *data, size_t len, struct lf_nbd_ask *ret_ask);
/* whole: only a context's whole name counts (SET), not its namespace as well (LIST). */
bool lf_nbd_contexts_decode(const uint8_t *data, size_t len, bool whole,
			    struct lf_nbd_ask *ret_ask);

/* The heads; what follows each is the caller's. */
void lf_nbd_rep_encode(uint8_t out[static LF_NBD_REP_SIZE], uint32_t option, uint32_t type,
		       uint32_t len);
void lf_nbd_simple_encode(uint8_t out[static LF_NBD_SIMPLE_SIZE], uint32_t error, uint64_t cookie);
void lf_nbd_chunk_encode(uint8_t out[static LF_NBD_CHUNK_SIZE], uint16_t flags, uint16_t type,
			 uint64_t cookie, uint32_t len);

#endif
