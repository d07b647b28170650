/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sites that serve other regions, by their pairing keys, and single calls to them.  The table
 * is read at the start; a call is one request with the key's secret, and an answer that is an error
 * comes back as the error it was there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/json.h"
#include "os/file.h"
#include "peer/link.h"

#define KEY_BYTES_MAX 65536
/* A pack over a slow line, or a map of millions of extents being put together. */
#define CALL_TIMEOUT_NS (3600 * LF_NS_PER_S)

void lf_peers_free(struct lf_peers *peers)
{
	if (!peers)
		return;
	for (size_t i = 0; i < peers->n; i++) {
		struct lf_peer *peer = &peers->items[i];
		if (peer->bearer)
			explicit_bzero(peer->bearer, strlen(peer->bearer));
		free(peer->region);
		free(peer->url);
		free(peer->ca_file);
		free(peer->bearer);
	}
	free(peers->items);
	free(peers->outgoing);
	free(peers);
}

static int read_key(const char *path, json_t **ret_key, struct lf_error *err)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *key = NULL;

	int rc = lf_file_read(path, KEY_BYTES_MAX, &text, err);
	if (!rc)
		rc = lf_json_parse(lf_buf_text(&text), text.len, &key, err);
	if (text.data)
		explicit_bzero(text.data, text.len);
	if (!rc && (!lf_json_text(key, "url") || !lf_json_text(key, "ca") ||
		    !lf_json_text(key, "secret"))) {
		lf_fail(err, LF_EINVAL, path, "%s is not a pairing key", path);
		return lf_error_hint(err, "copy keys/peer.json of the other site's data directory");
	}
	if (!rc)
		*ret_key = lf_steal(&key);
	return rc;
}

static int load_peer(struct lf_peers *peers, const char *dir, const char *spec,
		     struct lf_peer *peer, struct lf_error *err)
{
	const char *equals = strchr(spec, '=');
	LF_AUTO_JSON *key = NULL;

	if (!equals || equals == spec || strchr(spec, '/') < equals)
		return lf_fail(err, LF_EINVAL, spec, "a peer is given as REGION=FILE");
	int rc = read_key(equals + 1, &key, err);
	if (rc)
		return rc;
	const char *ca = lf_json_text_or(key, "ca", "");
	peers->n++;
	peer->region = strndup(spec, (size_t)(equals - spec));
	peer->url = strdup(lf_json_text_or(key, "url", ""));
	peer->bearer =
		lf_printf_dup("Authorization: Bearer %s", lf_json_text_or(key, "secret", ""));
	peer->ca_file = peer->region ? lf_printf_dup("%s/%s.ca", dir, peer->region) : NULL;
	if (!peer->url || !peer->bearer || !peer->ca_file)
		return lf_fail_nomem(err);
	return lf_file_write_durable(peer->ca_file, ca, strlen(ca), 0600, err);
}

int lf_peers_open(const char *data_dir, const char *const *specs, size_t n,
		  struct lf_peers **ret_peers, struct lf_error *err)
{
	struct lf_peers *peers = calloc(1, sizeof(*peers));
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/peers", data_dir);

	if (!peers)
		return lf_fail_nomem(err);
	peers->items = calloc(n + 1, sizeof(*peers->items));
	peers->outgoing = lf_printf_dup("%s/outgoing", data_dir);
	int rc = peers->items && peers->outgoing && dir ? 0 : lf_fail_nomem(err);
	/* what a kill left on its way is packed anew */
	if (!rc)
		rc = lf_dir_remove(peers->outgoing, err);
	if (!rc && n)
		rc = lf_dir_make(peers->outgoing, 0700, err);
	if (!rc && n)
		rc = lf_dir_make(dir, 0700, err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = load_peer(peers, dir, specs[i], &peers->items[i], err);
	if (rc) {
		lf_peers_free(peers);
		return rc;
	}
	*ret_peers = peers;
	return 0;
}

const struct lf_peer *lf_peers_find(const struct lf_peers *peers, const char *region)
{
	for (size_t i = 0; region && i < peers->n; i++)
		if (lf_text_equal_nocase(peers->items[i].region, region))
			return &peers->items[i];
	return NULL;
}

const char *lf_peers_url(const struct lf_peers *peers, const char *region)
{
	const struct lf_peer *peer = lf_peers_find(peers, region);

	return peer ? peer->url : NULL;
}

int lf_peer_client(const struct lf_peer *peer, struct lf_http_client **ret_client,
		   struct lf_error *err)
{
	const struct lf_http_client_opts opts = {.ca_file = peer->ca_file,
						 .timeout_ns = CALL_TIMEOUT_NS};

	return lf_http_client_new(&opts, ret_client, err);
}

int lf_peer_call(const struct lf_peer *peer, struct lf_http_client *client,
		 const struct lf_peer_call *call, struct lf_buf *out, struct lf_error *err)
{
	LF_AUTO_FREE char *url = lf_printf_dup("%s" LF_PEER_ROOT "%s/%s%s", peer->url, peer->region,
					       call->point, call->what);
	const char *const headers[] = {peer->bearer, "Content-Type: application/octet-stream",
				       NULL};
	LF_AUTO_HTTP_ANSWER answer = {0};
	const struct lf_http_call request = {.method = call->method,
					     .url = url,
					     .headers = headers,
					     .body = call->body,
					     .body_len = call->len,
					     .body_file = call->file};

	int rc = url ? lf_http_client_call(client, &request, &answer, err) : lf_fail_nomem(err);
	if (!rc)
		rc = lf_http_answer_check(&answer, peer->url, err);
	if (!rc && out) {
		lf_buf_append(out, lf_buf_text(&answer.body), answer.body.len);
		rc = lf_buf_check(out, err);
	}
	return rc;
}

int lf_peer_forget(struct lf_peers *peers, const char *region, const char *point,
		   struct lf_error *err)
{
	const struct lf_peer *peer = lf_peers_find(peers, region);
	const struct lf_peer_call call = {.method = "DELETE", .point = point, .what = ""};
	struct lf_http_client *client = NULL;

	if (!peer)
		return lf_fail(err, LF_ENOTFOUND, region, "no peer serves region %s", region);
	int rc = lf_peer_client(peer, &client, err);
	if (!rc)
		rc = lf_peer_call(peer, client, &call, NULL, err);
	lf_http_client_free(client);
	/* what is there under the point's id, if anything, is not ours: one of the peer's own
	 * restores may still read it */
	bool none_of_ours = rc == LF_ENOTFOUND ||
			    (rc == LF_EINVAL && strcmp(err->arm_code, "PointIsNotAReplica") == 0);
	return none_of_ours ? 0 : rc;
}
