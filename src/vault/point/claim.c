/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims: claims/POINT/NAME holds "landfall-claim 1 UNTIL CHECK\n", UNTIL in
 * nanoseconds since 1970 (or "forever"), CHECK the first 16 hex digits of the
 * SHA-256 of what is before it, the point and the name.
 */
#include "vault/point/claim_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"

#define CLAIM_NAME_MAX 128u
#define CLAIM_FILE_MAX 256u

static int claim_name(const char *point, const char *claim, char out[static 256],
		      struct lf_error *err)
{
	if (!lf_guid_valid(point))
		return lf_fail(err, LF_EINVAL, point, "a point is named by a GUID");
	if (!claim[0] || claim[0] == '.' || strlen(claim) > CLAIM_NAME_MAX ||
	    claim[strspn(claim, LF_STORE_LETTERS)])
		return lf_fail(err, LF_EINVAL, claim, "not the name of a claim");
	snprintf(out, 256, "claims/%s/%s", point, claim);
	return 0;
}

static void format_claim(const char *name, int64_t until_ns, char out[static CLAIM_FILE_MAX])
{
	char until[32] = "forever", text[CLAIM_FILE_MAX + 256], check[17];
	uint8_t digest[32];

	if (until_ns != LF_CLAIM_FOREVER)
		snprintf(until, sizeof(until), "%" PRId64, until_ns);
	snprintf(text, sizeof(text), "landfall-claim 1 %s %s", until, name);
	lf_sha256(text, strlen(text), digest);
	lf_hex_encode(digest, 8, check);
	snprintf(out, CLAIM_FILE_MAX, "landfall-claim 1 %s %s\n", until, check);
}

int lf_claim_write(struct lf_vault *vault, const char *point, const char *claim, int64_t until_ns,
		   struct lf_error *err)
{
	char name[256], text[CLAIM_FILE_MAX];
	int rc = claim_name(point, claim, name, err);

	if (rc)
		return rc;
	format_claim(name, until_ns, text);
	return lf_store_put(vault->store, name, text, strlen(text), err);
}

int lf_claim_read(struct lf_vault *vault, const char *point, const char *claim,
		  int64_t *ret_until_ns, struct lf_error *err)
{
	char name[256], text[CLAIM_FILE_MAX];
	LF_AUTO_BUF file = LF_BUF_INIT;
	int64_t until_ns = LF_CLAIM_FOREVER;
	int rc = claim_name(point, claim, name, err);

	if (!rc)
		rc = lf_store_get(vault->store, name, CLAIM_FILE_MAX, &file, err);
	if (rc)
		return rc;
	/* a number or nothing; the text is compared as a whole below */
	(void)sscanf(lf_buf_text(&file), "landfall-claim 1 %" SCNd64, &until_ns);
	format_claim(name, until_ns, text);
	if (file.len != strlen(text) || memcmp(text, lf_buf_text(&file), file.len) != 0)
		return lf_fail(err, LF_ECORRUPT, name, "claim %s is damaged", name);
	*ret_until_ns = until_ns;
	return 0;
}

int lf_claim_put(struct lf_vault *vault, const char *point, const char *claim, int64_t until_ns,
		 struct lf_error *err)
{
	char name[64];
	uint64_t size;
	int rc = lf_vault_writable(vault, err);

	if (rc)
		return rc;
	if (!lf_guid_valid(point))
		return lf_fail(err, LF_EINVAL, point, "a point is named by a GUID");
	snprintf(name, sizeof(name), "points/%s", point);
	LF_GUARD(&vault->points_mutex, lf_points_lock);
	rc = lf_store_size(vault->store, name, &size, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail(err, LF_ENOTFOUND, point, "no point %s", point);
	if (!rc)
		rc = lf_claim_write(vault, point, claim, until_ns, err);
	LF_CRASH_POINT("vault-claim-put");
	return rc;
}

int lf_claim_drop(struct lf_vault *vault, const char *point, const char *claim,
		  struct lf_error *err)
{
	char name[256], folder[64];
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = claim_name(point, claim, name, err);
	if (rc)
		return rc;
	snprintf(folder, sizeof(folder), "claims/%s", point);
	LF_GUARD(&vault->points_mutex);
	rc = lf_store_delete(vault->store, name, err);
	if (!rc)
		rc = lf_store_sync(vault->store, folder, err);
	if (!rc)
		rc = lf_store_sync(vault->store, "claims", err);
	LF_CRASH_POINT("vault-claim-dropped");
	return rc;
}

struct looking {
	struct lf_vault *vault;
	const char *point, *except;
	int64_t now_ns;
	bool live;
};

static int look_at_claim(void *context, const char *name, struct lf_error *err)
{
	struct looking *looking = context;
	int64_t until_ns = 0;

	if (looking->except && strncmp(name, looking->except, strlen(looking->except)) == 0)
		return 0;
	int rc = lf_claim_read(looking->vault, looking->point, name, &until_ns, err);

	if (rc == LF_ENOTFOUND || (rc && err->sys == EISDIR))
		return 0; /* gone meanwhile, or not ours */
	/* when in doubt, keep: what cannot be read is this point's trouble alone */
	if (rc == LF_ENOMEM)
		return rc;
	if (rc)
		until_ns = LF_CLAIM_FOREVER;
	looking->live = looking->live || until_ns > looking->now_ns;
	return 0;
}

int lf_claims_live(struct lf_vault *vault, const char *point, const char *except, int64_t now_ns,
		   bool *ret_live, struct lf_error *err)
{
	struct looking looking = {vault, point, except, now_ns, false};
	char folder[64];

	snprintf(folder, sizeof(folder), "claims/%s", point);
	int rc = lf_store_list(vault->store, folder, look_at_claim, &looking, err);
	if (!rc)
		*ret_live = looking.live;
	return rc;
}

static int remove_claim(void *context, const char *claim, struct lf_error *err)
{
	const struct looking *looking = context;
	char name[256];
	struct lf_error odd;

	if (claim_name(looking->point, claim, name, &odd))
		return 0;
	int rc = lf_store_delete(looking->vault->store, name, err);
	return rc && err->sys == EISDIR ? 0 : rc;
}

int lf_claims_remove(struct lf_vault *vault, const char *point, struct lf_error *err)
{
	struct looking looking = {.vault = vault, .point = point};
	char folder[64];

	snprintf(folder, sizeof(folder), "claims/%s", point);
	return lf_store_list(vault->store, folder, remove_claim, &looking, err);
}

int lf_claim_until(struct lf_vault *vault, const char *point, const char *claim,
		   int64_t *ret_until_ns, struct lf_error *err)
{
	LF_GUARD(&vault->points_mutex);

	return lf_claim_read(vault, point, claim, ret_until_ns, err);
}
