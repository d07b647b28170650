/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first half of a connection: options until a disk is chosen.  What is
 * wrong with an option is told, and the client may try another; what breaks
 * the framing ends the connection.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/buf.h"
#include "nbd/server/session.h"
#include "nbd/server/wire.h"

#define EXPORT_NAME_ZEROES 124u

enum verdict {
	GONE, /* no more is to be said */
	MORE, /* options */
	CHOSEN,
};

static const struct lf_nbd_disk *find_disk(const struct lf_nbd_disks *disks, const char *name)
{
	if (!name[0] && disks->count)
		return &disks->items[0];
	for (size_t i = 0; i < disks->count; i++)
		if (strcmp(disks->items[i].name, name) == 0)
			return &disks->items[i];
	return NULL;
}

uint16_t lf_nbd_transmission_flags(const struct lf_nbd_session *session)
{
	return LF_NBD_HAS_FLAGS | LF_NBD_READ_ONLY | LF_NBD_MULTI_CONN |
	       (session->structured ? LF_NBD_SEND_DF : 0);
}

static enum verdict reply(const struct lf_nbd_session *session, uint32_t option, uint32_t type,
			  const void *data, size_t len)
{
	uint8_t head[LF_NBD_REP_SIZE];

	lf_nbd_rep_encode(head, option, type, (uint32_t)len);
	return lf_nbd_send(session, head, sizeof(head), data, len) ? MORE : GONE;
}

static enum verdict refuse(const struct lf_nbd_session *session, uint32_t option, uint32_t type,
			   const char *why)
{
	return reply(session, option, type, why, strlen(why));
}

static enum verdict list_disks(const struct lf_nbd_session *session, uint32_t len)
{
	uint8_t item[sizeof(uint32_t) + LF_NBD_NAME_MAX];
	enum verdict verdict = MORE;

	if (len)
		return refuse(session, LF_NBD_OPT_LIST, LF_NBD_REP_ERR_INVALID, "LIST has no data");
	for (size_t i = 0; verdict == MORE && i < session->disks->count; i++) {
		size_t name_len = strlen(session->disks->items[i].name);
		lf_put_be32(item, (uint32_t)name_len);
		memcpy(item + sizeof(uint32_t), session->disks->items[i].name, name_len);
		verdict = reply(session, LF_NBD_OPT_LIST, LF_NBD_REP_SERVER, item,
				sizeof(uint32_t) + name_len);
	}
	return verdict == MORE ? reply(session, LF_NBD_OPT_LIST, LF_NBD_REP_ACK, NULL, 0) : GONE;
}

/* The option of old clients: no way to refuse but to hang up. */
static enum verdict choose_by_name(struct lf_nbd_session *session, const uint8_t *data, size_t len)
{
	uint8_t answer[sizeof(uint64_t) + sizeof(uint16_t) + EXPORT_NAME_ZEROES] = {0};
	char name[LF_NBD_NAME_MAX + 1];
	size_t answer_len = sizeof(answer) - (session->no_zeroes ? EXPORT_NAME_ZEROES : 0);

	if (len > LF_NBD_NAME_MAX || memchr(data, '\0', len))
		return GONE;
	memcpy(name, data, len);
	name[len] = '\0';
	session->disk = find_disk(session->disks, name);
	if (!session->disk)
		return GONE;
	lf_put_be64(answer, session->disk->size);
	lf_put_be16(answer + sizeof(uint64_t), lf_nbd_transmission_flags(session));
	return lf_nbd_send(session, answer, answer_len, NULL, 0) ? CHOSEN : GONE;
}

static enum verdict tell_info(const struct lf_nbd_session *session, uint32_t option,
			      const struct lf_nbd_disk *disk, const struct lf_nbd_ask *ask)
{
	uint8_t info[sizeof(uint16_t) + LF_NBD_NAME_MAX];
	size_t name_len = strlen(disk->name);

	lf_put_be16(info, LF_NBD_INFO_EXPORT);
	lf_put_be64(info + 2, disk->size);
	lf_put_be16(info + 10, lf_nbd_transmission_flags(session));
	enum verdict verdict = reply(session, option, LF_NBD_REP_INFO, info, 12);
	if (verdict == MORE && ask->wants_block_size) {
		lf_put_be16(info, LF_NBD_INFO_BLOCK_SIZE);
		lf_put_be32(info + 2, 1);
		lf_put_be32(info + 6, LF_PAGE_SIZE);
		lf_put_be32(info + 10, LF_NBD_REQUEST_MAX);
		verdict = reply(session, option, LF_NBD_REP_INFO, info, 14);
	}
	if (verdict == MORE && ask->wants_name) {
		lf_put_be16(info, LF_NBD_INFO_NAME);
		memcpy(info + 2, disk->name, name_len);
		verdict = reply(session, option, LF_NBD_REP_INFO, info, 2 + name_len);
	}
	return verdict == MORE ? reply(session, option, LF_NBD_REP_ACK, NULL, 0) : GONE;
}

static enum verdict inform(struct lf_nbd_session *session, uint32_t option, const uint8_t *data,
			   size_t len)
{
	struct lf_nbd_ask ask;

	if (!lf_nbd_info_decode(data, len, &ask))
		return refuse(session, option, LF_NBD_REP_ERR_INVALID, "malformed");
	const struct lf_nbd_disk *disk = find_disk(session->disks, ask.name);
	if (!disk)
		return refuse(session, option, LF_NBD_REP_ERR_UNKNOWN,
			      "the point has no such disk");
	enum verdict verdict = tell_info(session, option, disk, &ask);
	if (verdict != MORE || option != LF_NBD_OPT_GO)
		return verdict;
	session->disk = disk;
	return CHOSEN;
}

static enum verdict take_contexts(struct lf_nbd_session *session, uint32_t option,
				  const uint8_t *data, size_t len)
{
	uint8_t context[sizeof(uint32_t) + sizeof(LF_NBD_CONTEXT) - 1];
	bool set = option == LF_NBD_OPT_SET_CONTEXTS;
	struct lf_nbd_ask ask;

	if (set)
		session->allocation = NULL;
	if (!session->structured)
		return refuse(session, option, LF_NBD_REP_ERR_INVALID,
			      "structured replies come first");
	if (!lf_nbd_contexts_decode(data, len, set, &ask))
		return refuse(session, option, LF_NBD_REP_ERR_INVALID, "malformed");
	const struct lf_nbd_disk *disk = find_disk(session->disks, ask.name);
	if (!disk)
		return refuse(session, option, LF_NBD_REP_ERR_UNKNOWN,
			      "the point has no such disk");
	if (ask.wants_allocation || (!set && !ask.count)) {
		lf_put_be32(context, set ? LF_NBD_CONTEXT_ID : 0);
		memcpy(context + sizeof(uint32_t), LF_NBD_CONTEXT, sizeof(LF_NBD_CONTEXT) - 1);
		if (reply(session, option, LF_NBD_REP_CONTEXT, context, sizeof(context)) == GONE)
			return GONE;
		if (set)
			session->allocation = disk;
	}
	return reply(session, option, LF_NBD_REP_ACK, NULL, 0);
}

static enum verdict take_option(struct lf_nbd_session *session, const struct lf_nbd_option *option,
				const uint8_t *data)
{
	switch (option->type) {
	case LF_NBD_OPT_EXPORT_NAME:
		return choose_by_name(session, data, option->len);
	case LF_NBD_OPT_ABORT:
		(void)reply(session, option->type, LF_NBD_REP_ACK, NULL, 0);
		return GONE;
	case LF_NBD_OPT_LIST:
		return list_disks(session, option->len);
	case LF_NBD_OPT_INFO:
	case LF_NBD_OPT_GO:
		return inform(session, option->type, data, option->len);
	case LF_NBD_OPT_STRUCTURED:
		if (option->len)
			return refuse(session, option->type, LF_NBD_REP_ERR_INVALID,
				      "STRUCTURED_REPLY has no data");
		session->structured = true;
		return reply(session, option->type, LF_NBD_REP_ACK, NULL, 0);
	case LF_NBD_OPT_LIST_CONTEXTS:
	case LF_NBD_OPT_SET_CONTEXTS:
		return take_contexts(session, option->type, data, option->len);
	default:
		return refuse(session, option->type, LF_NBD_REP_ERR_UNSUP, "not supported");
	}
}

static bool greet(struct lf_nbd_session *session)
{
	uint8_t greeting[18], answer[4];
	uint32_t flags;

	lf_put_be64(greeting, LF_NBD_GREETING);
	lf_put_be64(greeting + 8, LF_NBD_OPTION_MAGIC);
	lf_put_be16(greeting + 16, LF_NBD_FIXED_NEWSTYLE | LF_NBD_NO_ZEROES);
	if (!lf_nbd_send(session, greeting, sizeof(greeting), NULL, 0) ||
	    !lf_nbd_receive(session, answer, sizeof(answer)))
		return false;
	flags = lf_get_be32(answer);
	session->no_zeroes = flags & LF_NBD_NO_ZEROES;
	return !(flags & ~(LF_NBD_FIXED_NEWSTYLE | LF_NBD_NO_ZEROES));
}

bool lf_nbd_negotiate(struct lf_nbd_session *session)
{
	LF_AUTO_FREE uint8_t *data = malloc(LF_NBD_OPTION_MAX);
	uint8_t head[LF_NBD_OPTION_SIZE];
	enum verdict verdict = data && greet(session) ? MORE : GONE;
	struct lf_nbd_option option;

	for (unsigned i = 0; verdict == MORE && i < LF_NBD_OPTIONS_MAX; i++) {
		if (!lf_nbd_receive(session, head, sizeof(head)) ||
		    !lf_nbd_option_decode(head, &option) ||
		    !lf_nbd_receive(session, data, option.len))
			return false;
		verdict = take_option(session, &option, data);
	}
	return verdict == CHOSEN;
}
