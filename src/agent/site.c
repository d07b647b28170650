/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site over links: one for requests and one for each carrier of the sink. 
 * A parcel goes in this order: its pack as a blob, the word that adopts it,
 * then the extents that name its chunks; each may be repeated after a break.
 */
#include "agent/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "extent/wire.h"

struct lf_link_site {
	struct lf_site site;
	struct lf_sink sink;
	struct lf_link *link;
	const char *state_dir;
	struct lf_progress *progress;
	const char *session, *pack_path;
	/* of a session: have()'s, and the carriers' */
	struct lf_link *asking, *carrying[LF_SINK_CARRIERS];
};

static int post(void *context, const char *path, const json_t *request, json_t **ret_answer,
		struct lf_error *err)
{
	const struct lf_link_site *site = context;

	return lf_link_post(site->link, path, request, ret_answer, err);
}

static int have(void *context, const struct lf_chunk_id *ids, size_t n, uint8_t *ret_have,
		struct lf_error *err)
{
	struct lf_link_site *site = context;
	LF_AUTO_BUF bits = LF_BUF_INIT;
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/have", site->session);

	int rc = path ? lf_link_post_bytes(site->asking, path, ids, n * sizeof(*ids), &bits, err)
		      : lf_fail_nomem(err);
	if (!rc && bits.len != lf_have_bytes(n))
		rc = lf_fail(err, LF_ECORRUPT, path, "the site's answer has the wrong length");
	if (!rc)
		memcpy(ret_have, lf_buf_text(&bits), bits.len);
	return rc;
}

static int bring(void *context, unsigned carrier, const struct lf_parcel *parcel,
		 struct lf_error *err)
{
	const struct lf_link_site *site = context;
	LF_AUTO_FREE char *blob = lf_printf_dup("%s%s", site->pack_path, parcel->name);
	LF_AUTO_FREE char *token = lf_progress_token(site->progress);

	if (!blob || !token)
		return lf_fail_nomem(err);
	int rc = lf_link_put_blob(site->carrying[carrier], blob, token, parcel->pack_file, err);
	explicit_bzero(token, strlen(token));
	return rc;
}

static int adopt(struct lf_link *link, const char *session, const struct lf_parcel *parcel,
		 struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/packs", session);

	return path ? lf_link_post_bytes(link, path, parcel->name, strlen(parcel->name), NULL, err)
		    : lf_fail_nomem(err);
}

static int post_extents(struct lf_link *link, const char *session, const struct lf_parcel *parcel,
			struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/extents?disk=%s&upto=%llu", session,
						parcel->disk, (unsigned long long)parcel->upto);

	return path ? lf_link_post_bytes(link, path, lf_buf_text(&parcel->extents),
					 parcel->extents.len, NULL, err)
		    : lf_fail_nomem(err);
}

static int take(void *context, unsigned carrier, const struct lf_parcel *parcel,
		struct lf_error *err)
{
	const struct lf_link_site *site = context;
	struct lf_link *link = site->carrying[carrier];
	int rc = parcel->pack_file[0] ? adopt(link, site->session, parcel, err) : 0;

	if (!rc && parcel->disk[0])
		rc = post_extents(link, site->session, parcel, err);
	return rc;
}

static int begin(void *context, const char *session, const char *pack_path,
		 const struct lf_sink **ret_sink, struct lf_error *err)
{
	struct lf_link_site *site = context;
	int rc = lf_link_open(site->state_dir, &site->asking, err);

	site->session = session;
	site->pack_path = pack_path;
	for (unsigned i = 0; !rc && i < LF_SINK_CARRIERS; i++)
		rc = lf_link_open(site->state_dir, &site->carrying[i], err);
	if (!rc)
		*ret_sink = &site->sink;
	return rc;
}

static void end(void *context)
{
	struct lf_link_site *site = context;

	lf_link_close(lf_steal(&site->asking));
	for (unsigned i = 0; i < LF_SINK_CARRIERS; i++)
		lf_link_close(lf_steal(&site->carrying[i]));
}

int lf_link_site_new(struct lf_link *link, const char *state_dir, struct lf_progress *progress,
		     struct lf_link_site **ret_site, struct lf_error *err)
{
	struct lf_link_site *site = calloc(1, sizeof(*site));

	if (!site)
		return lf_fail_nomem(err);
	site->site = (struct lf_site){post, begin, end, site};
	site->sink = (struct lf_sink){have, bring, take, site};
	site->link = link;
	site->state_dir = state_dir;
	site->progress = progress;
	*ret_site = site;
	return 0;
}

void lf_link_site_free(struct lf_link_site *site)
{
	if (site)
		end(site);
	free(site);
}

const struct lf_site *lf_link_site_get(const struct lf_link_site *site)
{
	return &site->site;
}
