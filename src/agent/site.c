/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "extent/wire.h"

struct lf_site {
	struct lf_site_opts opts;
	struct lf_sink sink;
	struct lf_link *asking, *carrying[LF_SINK_CARRIERS];
};

static int have(void *context, const struct lf_chunk_id *ids, size_t n, uint8_t *ret_have,
		struct lf_error *err)
{
	struct lf_site *site = context;
	LF_AUTO_BUF bits = LF_BUF_INIT;
	LF_AUTO_FREE char *path = lf_printf_dup("sessions/%s/have", site->opts.session);

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
	const struct lf_site *site = context;
	LF_AUTO_FREE char *blob = lf_printf_dup("%s%s", site->opts.pack_path, parcel->name);
	LF_AUTO_FREE char *token = site->opts.token(site->opts.context);

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
	const struct lf_site *site = context;
	struct lf_link *link = site->carrying[carrier];
	int rc = parcel->pack_file[0] ? adopt(link, site->opts.session, parcel, err) : 0;

	if (!rc && parcel->disk[0])
		rc = post_extents(link, site->opts.session, parcel, err);
	return rc;
}

int lf_site_new(const struct lf_site_opts *opts, struct lf_site **ret_site, struct lf_error *err)
{
	struct lf_site *site = calloc(1, sizeof(*site));

	if (!site)
		return lf_fail_nomem(err);
	site->opts = *opts;
	site->sink = (struct lf_sink){have, bring, take, site};
	int rc = lf_link_open(opts->state_dir, &site->asking, err);
	for (unsigned i = 0; !rc && i < LF_SINK_CARRIERS; i++)
		rc = lf_link_open(opts->state_dir, &site->carrying[i], err);
	if (rc) {
		lf_site_free(site);
		return rc;
	}
	*ret_site = site;
	return 0;
}

void lf_site_free(struct lf_site *site)
{
	if (!site)
		return;
	lf_link_close(site->asking);
	for (unsigned i = 0; i < LF_SINK_CARRIERS; i++)
		lf_link_close(site->carrying[i]);
	free(site);
}

const struct lf_sink *lf_site_sink(const struct lf_site *site)
{
	return &site->sink;
}
