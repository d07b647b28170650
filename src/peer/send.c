/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending a point: begin exchanges keys, then for each disk the map is walked (vault/flow/copy.h):
 * extents are named in batches, the peer answers which chunks it has, and the others go into a pack
 * that is sealed with the peer's key, and to the couriers when it is full.  The commit closes the
 * last pack, waits for the couriers, and sends the manifest and the rows.  Whatever is cut short is
 * begun again: the peer has the chunks that came, so little is sent twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/json.h"
#include "peer/courier.h"
#include "extent/wire.h"
#include "vault/vault_internal.h"

#define SENT_SLOTS 65536u /* 2 MiB: what packs on their way hold, and more */

struct lf_peer_session {
	const struct lf_peer *peer;
	struct lf_vault *from;
	struct lf_http_client *client;
	struct lf_couriers *couriers;
	char point[LF_GUID_SIZE];
	const char *outgoing;
	struct lf_domain_key key; /* the peer's */
	bool base;
	unsigned disk, packs;
	struct lf_pack_writer *writer;
	char *path;		  /* of the writer's file */
	struct lf_chunk_id *sent; /* by its first bytes; one that is not there is sent again */
	uint8_t *wire;
};

void lf_peer_end(struct lf_peer_session *session)
{
	if (!session)
		return;
	lf_pack_writer_free(session->writer);
	lf_couriers_free(session->couriers);
	lf_http_client_free(session->client);
	lf_domain_key_done(&session->key);
	free(session->path);
	free(session->sent);
	free(session->wire);
	free(session);
}

bool lf_peer_has_base(const struct lf_peer_session *session)
{
	return session->base;
}

static int post(struct lf_peer_session *session, const char *what, const void *body, size_t len,
		struct lf_buf *answer, struct lf_error *err)
{
	const struct lf_peer_call call = {
		.method = "POST", .point = session->point, .what = what, .body = body, .len = len};

	return lf_peer_call(session->peer, session->client, &call, answer, err);
}

static int post_json(struct lf_peer_session *session, const char *what, const json_t *doc,
		     struct lf_buf *answer, struct lf_error *err)
{
	LF_AUTO_FREE char *text = NULL;
	int rc = lf_json_dump(doc, &text, err);

	if (!rc)
		rc = post(session, what, text, strlen(text), answer, err);
	if (text)
		explicit_bzero(text, strlen(text));
	return rc;
}

/* Our domain there, the peer's key here. */
static int exchange_keys(struct lf_peer_session *session, const char *base_point,
			 struct lf_error *err)
{
	const struct lf_domain_key *own = lf_vault_key(session->from);
	LF_AUTO_BUF answer = LF_BUF_INIT;
	LF_AUTO_JSON *key = NULL;
	char hex[65];

	lf_hex_encode(own->id_key, 32, hex);
	LF_AUTO_JSON *request = json_pack("{s:s, s:s?}", "idKey", hex, "basePoint", base_point);
	explicit_bzero(hex, sizeof(hex));
	int rc = request ? post_json(session, "/begin", request, &answer, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_json_parse(lf_buf_text(&answer), answer.len, &key, err);
	if (!rc)
		rc = lf_hex_decode(lf_json_text_or(key, "dataKey", ""), session->key.data_key, 32,
				   err);
	if (answer.data)
		explicit_bzero(answer.data, answer.len);
	if (rc)
		return rc;
	memcpy(session->key.id_key, own->id_key, 32);
	session->key.epoch = (uint32_t)lf_json_int_or(key, "epoch", 0);
	session->base = lf_json_bool_or(key, "base", false);
	return 0;
}

int lf_peer_begin(struct lf_peers *peers, const char *region, struct lf_vault *from,
		  const char *point, const char *base_point, struct lf_peer_session **ret_session,
		  struct lf_error *err)
{
	struct lf_peer_session *session = calloc(1, sizeof(*session));
	const struct lf_peer *peer = lf_peers_find(peers, region);

	if (!session)
		return lf_fail_nomem(err);
	session->peer = peer;
	session->from = from;
	session->outgoing = peers->outgoing;
	snprintf(session->point, sizeof(session->point), "%s", point);
	session->sent = calloc(SENT_SLOTS, sizeof(*session->sent));
	session->wire = malloc((size_t)LF_COPY_BATCH * LF_EXTENT_WIRE_SIZE);
	int rc = session->sent && session->wire ? 0 : lf_fail_nomem(err);
	if (!rc && !peer)
		rc = lf_fail(err, LF_ENOTFOUND, region, "no peer serves region %s", region);
	if (!rc)
		rc = lf_peer_client(peer, &session->client, err);
	if (!rc)
		rc = exchange_keys(session, base_point, err);
	if (!rc)
		rc = lf_couriers_new(peer, point, &session->couriers, err);
	if (rc) {
		lf_peer_end(session);
		return rc;
	}
	*ret_session = session;
	return 0;
}

static int name_extents(void *context, const struct lf_extent *extents, size_t n, uint8_t *ret_have,
			struct lf_error *err)
{
	struct lf_peer_session *session = context;
	LF_AUTO_BUF bits = LF_BUF_INIT;
	char what[40];

	snprintf(what, sizeof(what), "/extents?disk=%u", session->disk);
	for (size_t i = 0; i < n; i++)
		lf_extent_encode(&extents[i], session->wire + i * LF_EXTENT_WIRE_SIZE);
	int rc = post(session, what, session->wire, n * LF_EXTENT_WIRE_SIZE, &bits, err);
	if (rc)
		return rc;
	if (bits.len != lf_have_bytes(n))
		return lf_fail(err, LF_EUNREACHABLE, session->peer->url,
			       "the peer answers %zu bytes to %zu extents", bits.len, n);
	memcpy(ret_have, lf_buf_text(&bits), bits.len);
	return 0;
}

static struct lf_chunk_id *sent_slot(const struct lf_peer_session *session,
				     const struct lf_chunk_id *id)
{
	uint32_t hash;

	memcpy(&hash, id->bytes, sizeof(hash));
	return &session->sent[hash % SENT_SLOTS];
}

static bool was_sent(void *context, const struct lf_chunk_id *id)
{
	struct lf_chunk_id *slot = sent_slot(context, id);

	if (memcmp(slot->bytes, id->bytes, sizeof(id->bytes)) == 0)
		return true;
	*slot = *id; /* it is asked about in order to be sent */
	return false;
}

static int close_pack(struct lf_peer_session *session, struct lf_error *err)
{
	char name[LF_PACK_NAME_SIZE];

	if (!session->writer)
		return 0;
	int rc = lf_pack_writer_finish(session->writer, name, err);
	lf_pack_writer_free(lf_steal(&session->writer));
	return rc ? rc : lf_couriers_give(session->couriers, session->path, err);
}

static int new_writer(struct lf_peer_session *session, const uint8_t *owner, struct lf_error *err)
{
	struct lf_domain_key key;

	if (!owner)
		return lf_pack_writer_new(&session->key, session->path, &session->writer, err);
	lf_domain_key_for_owner(&session->key, owner, &key);
	int rc = lf_pack_writer_new(&key, session->path, &session->writer, err);
	lf_domain_key_done(&key);
	return rc;
}

static int open_pack(void *context, const uint8_t *owner, struct lf_pack_writer **ret_writer,
		     struct lf_error *err)
{
	struct lf_peer_session *session = context;
	bool done = session->writer && (lf_pack_writer_is_full(session->writer) ||
					!lf_pack_writer_is_of(session->writer, owner));
	int rc = done ? close_pack(session, err) : 0;

	if (!rc && !session->writer) {
		free(session->path);
		session->path = lf_printf_dup("%s/%s-%u", session->outgoing, session->point,
					      session->packs++);
		rc = session->path ? new_writer(session, owner, err) : lf_fail_nomem(err);
	}
	if (!rc)
		*ret_writer = session->writer;
	return rc;
}

int lf_peer_send_disk(struct lf_peer_session *session, unsigned index, const struct lf_root *root,
		      const struct lf_copy_opts *opts, struct lf_copy_result *ret_result,
		      struct lf_error *err)
{
	const struct lf_copy_sink sink = {
		.name = name_extents, .sent = was_sent, .pack = open_pack, .context = session};

	session->disk = index;
	int rc = lf_vault_send_disk(session->from, root, opts, &sink, ret_result, err);
	if (!rc)
		ret_result->root = *root;
	return rc;
}

int lf_peer_commit(struct lf_peer_session *session, const json_t *body, struct lf_error *err)
{
	int rc = close_pack(session, err);

	if (!rc)
		rc = lf_couriers_wait(session->couriers, err);
	return rc ? rc : post_json(session, "/commit", body, NULL, err);
}
