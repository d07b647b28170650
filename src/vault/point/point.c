/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: sealed JSON, one file a point.  Format: docs/formats/point.md
 *
 *   "LFPOINT1" | version u32 | key epoch u32 | nonce 12 | ciphertext and tag |
 *   SHA-256 of all before
 */
#include "vault/point/point.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "vault/point/claim_internal.h"
#include "vault/point/manifest.h"

#define POINT_MAGIC   "LFPOINT1"
#define POINT_HEADER  28u
#define POINT_TRAILER 32u
#define POINT_VERSION 1u

int lf_manifest_seal(const struct lf_domain_key *key, const char *id, const char *text,
		     struct lf_buf *out, struct lf_error *err)
{
	size_t len = strlen(text);
	uint8_t point_key[32], aad[POINT_HEADER + 36];
	struct lf_sealer *sealer = NULL;

	if (len > LF_POINT_BYTES_MAX)
		return lf_fail(err, LF_ETOOLARGE, id, "the manifest is over %u bytes",
			       LF_POINT_BYTES_MAX);
	uint8_t *file = lf_buf_reserve(out, POINT_HEADER + len + LF_TAG_SIZE + POINT_TRAILER);
	if (!file)
		return lf_fail_nomem(err);
	memcpy(file, POINT_MAGIC, 8);
	lf_put_u32(file + 8, POINT_VERSION);
	lf_put_u32(file + 12, key->epoch);
	if (RAND_bytes(file + 16, 12) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "no random bytes to be had");
	memcpy(aad, file, POINT_HEADER);
	memcpy(aad + POINT_HEADER, id, 36);
	lf_key_derive(key->data_key, NULL, 0, "landfall point 1", point_key);
	int rc = lf_sealer_new(&sealer, err);
	if (!rc)
		rc = lf_sealer_set_key(sealer, point_key, err);
	if (!rc)
		rc = lf_seal(sealer, file + 16, aad, sizeof(aad), text, len, file + POINT_HEADER,
			     err);
	lf_sealer_free(sealer);
	OPENSSL_cleanse(point_key, sizeof(point_key));
	if (rc)
		return rc;
	size_t body = POINT_HEADER + len + LF_TAG_SIZE;
	lf_sha256(file, body, file + body);
	out->len += body + POINT_TRAILER;
	return 0;
}

static int fail_point(const char *id, const char *what, struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, id, "the manifest of point %s is damaged: %s", id, what);
}

static int unseal_text(const struct lf_domain_key *key, const char *id, const uint8_t *file,
		       size_t body, char *text, struct lf_error *err)
{
	uint8_t point_key[32], aad[POINT_HEADER + 36];
	struct lf_sealer *sealer = NULL;

	memcpy(aad, file, POINT_HEADER);
	memcpy(aad + POINT_HEADER, id, 36);
	const uint8_t *data_key = lf_domain_key_data(key, lf_get_u32(file + 12));
	if (!data_key)
		return lf_fail(err, LF_EDENIED, id,
			       "point %s is sealed with a key that is not known", id);
	lf_key_derive(data_key, NULL, 0, "landfall point 1", point_key);
	int rc = lf_sealer_new(&sealer, err);
	if (!rc)
		rc = lf_sealer_set_key(sealer, point_key, err);
	if (!rc)
		rc = lf_unseal(sealer, file + 16, aad, sizeof(aad), file + POINT_HEADER,
			       body - POINT_HEADER, text, err);
	lf_sealer_free(sealer);
	OPENSSL_cleanse(point_key, sizeof(point_key));
	return rc;
}

int lf_manifest_check(const char *id, const void *data, size_t len, struct lf_error *err)
{
	const uint8_t *file = data;
	uint8_t digest[32];

	if (len < POINT_HEADER + LF_TAG_SIZE + POINT_TRAILER || memcmp(file, POINT_MAGIC, 8) != 0 ||
	    strlen(id) != 36)
		return fail_point(id, "not a manifest", err);
	size_t body = len - POINT_TRAILER;
	lf_sha256(file, body, digest);
	if (memcmp(digest, file + body, 32) != 0)
		return fail_point(id, "its checksum does not match", err);
	if (lf_get_u32(file + 8) != POINT_VERSION)
		return lf_fail(err, LF_EUNSUPPORTED, id, "point %s has format version %u", id,
			       lf_get_u32(file + 8));
	return 0;
}

int lf_manifest_open(const struct lf_domain_key *key, const char *id, const void *data, size_t len,
		     json_t **ret_manifest, struct lf_error *err)
{
	const uint8_t *file = data;
	int rc = lf_manifest_check(id, data, len, err);

	if (rc)
		return rc;
	size_t body = len - POINT_TRAILER;
	size_t text_len = body - POINT_HEADER - LF_TAG_SIZE;
	LF_AUTO_FREE char *text = malloc(text_len + 1);
	if (!text)
		return lf_fail_nomem(err);
	rc = unseal_text(key, id, file, body, text, err);
	if (!rc)
		rc = lf_json_parse_own(text, text_len, ret_manifest, err);
	return rc == LF_ECORRUPT || rc == LF_EINVAL ? fail_point(id, "its seal is broken", err)
						    : rc;
}

static int point_name(const char *id, char out[static 64], struct lf_error *err)
{
	if (!lf_guid_valid(id))
		return lf_fail(err, LF_EINVAL, id, "a point is named by a GUID");
	snprintf(out, 64, "points/%s", id);
	return 0;
}

int lf_point_put(struct lf_vault *vault, const char *id, const json_t *manifest, const char *claim,
		 int64_t until_ns, struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	LF_AUTO_FREE char *text = NULL;
	char name[64];
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = point_name(id, name, err);
	if (!rc)
		rc = lf_json_dump(manifest, &text, err);
	if (!rc)
		rc = lf_manifest_seal(&vault->key, id, text, &file, err);
	if (rc)
		return rc;
	LF_GUARD(&vault->points_mutex, lf_points_lock);
	rc = lf_claim_write(vault, id, claim, until_ns, err);
	LF_CRASH_POINT("vault-point-claimed");
	if (!rc)
		rc = lf_store_put(vault->store, name, file.data, file.len, err);
	LF_CRASH_POINT("vault-point-put");
	return rc;
}

int lf_point_get(struct lf_vault *vault, const char *id, json_t **ret_manifest,
		 struct lf_error *err)
{
	LF_AUTO_BUF file = LF_BUF_INIT;
	char name[64];
	int rc = point_name(id, name, err);

	if (!rc)
		rc = lf_store_get(vault->store, name, LF_POINT_BYTES_MAX + 1024, &file, err);
	if (rc == LF_ENOTFOUND)
		return lf_fail(err, LF_ENOTFOUND, id, "no point %s", id);
	if (rc == LF_ETOOLARGE)
		return fail_point(id, "its length", err);
	return rc ? rc : lf_manifest_open(&vault->key, id, file.data, file.len, ret_manifest, err);
}

struct listed {
	int64_t time_ns;
	json_t *manifest;
};

struct listing {
	struct lf_vault *vault;
	struct listed *items;
	size_t count;
	json_t *damaged; /* NULL: the first damaged one ends it */
};

bool lf_point_is_damage(int rc)
{
	return rc == LF_ECORRUPT || rc == LF_EIO || rc == LF_EDENIED || rc == LF_EUNSUPPORTED;
}

static int list_damaged(struct listing *listing, const char *id, int rc, struct lf_error *err)
{
	if (!listing->damaged || !lf_point_is_damage(rc))
		return rc;
	return json_array_append_new(listing->damaged,
				     json_pack("{s:s, s:s}", "id", id, "damaged", err->message))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int list_point(void *context, const char *name, struct lf_error *err)
{
	struct listing *listing = context;
	json_t *manifest = NULL;
	struct lf_error bad;

	if (!lf_guid_valid(name))
		return 0;
	int rc = lf_point_get(listing->vault, name, &manifest, err);
	if (rc) /* dropped while we looked is none */
		return rc == LF_ENOTFOUND ? 0 : list_damaged(listing, name, rc, err);
	struct listed *items = reallocarray(listing->items, listing->count + 1, sizeof(*items));
	if (!items) {
		json_decref(manifest);
		return lf_fail_nomem(err);
	}
	listing->items = items;
	struct listed *item = &items[listing->count++];
	*item = (struct listed){.manifest = manifest};
	if (lf_time_parse(lf_json_text_or(manifest, "time", ""), &item->time_ns, &bad))
		item->time_ns = 0;
	return 0;
}

static int compare_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return strcmp(lf_json_text_or(x->manifest, "id", ""),
		      lf_json_text_or(y->manifest, "id", ""));
}

int lf_point_list(struct lf_vault *vault, json_t **ret_points, json_t **ret_damaged,
		  struct lf_error *err)
{
	LF_AUTO_JSON *points = json_array(), *damaged = json_array();
	struct listing listing = {.vault = vault, .damaged = ret_damaged ? damaged : NULL};
	int rc = points && damaged
			 ? lf_store_list(vault->store, "points", list_point, &listing, err)
			 : lf_fail_nomem(err);

	if (listing.count)
		qsort(listing.items, listing.count, sizeof(*listing.items), compare_listed);
	for (size_t i = 0; i < listing.count; i++)
		if (json_array_append_new(points, listing.items[i].manifest) && !rc)
			rc = lf_fail_nomem(err);
	free(listing.items);
	if (rc)
		return rc;
	*ret_points = lf_steal(&points);
	if (ret_damaged)
		*ret_damaged = lf_steal(&damaged);
	return 0;
}
