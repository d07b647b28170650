/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds on to what is not (yet) in a point: leases, which are files and
 * outlive us, and edits under way.  Each has the vault's count when it began;
 * the collector removes only what it condemned after all of them began.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/lock.h"
#include "base/text.h"
#include "vault/point/point.h"
#include "vault/lease.h"
#include "vault/vault_internal.h"

#define LEASE_TEXT "landfall-session 1\n"

/* NULL: none of this id. */
LF_REQUIRES(lf_holders_lock)
static struct lf_holder *find_lease(struct lf_vault *vault, const char *id)
{
	for (struct lf_holder *holder = vault->holders; holder; holder = holder->next)
		if (holder->id[0] && strcmp(holder->id, id) == 0)
			return holder;
	return NULL;
}

static bool has_lease(struct lf_vault *vault, const char *id)
{
	LF_GUARD(&vault->holders_mutex, lf_holders_lock);

	return find_lease(vault, id) != NULL;
}

int lf_holder_begin(struct lf_vault *vault, const char *id, const struct lf_root *base,
		    struct lf_holder **ret_holder, struct lf_error *err)
{
	struct lf_holder *holder = calloc(1, sizeof(*holder));

	if (!holder)
		return lf_fail_nomem(err);
	snprintf(holder->id, sizeof(holder->id), "%s", id);
	if (base)
		holder->base = *base;
	LF_GUARD(&vault->holders_mutex, lf_holders_lock);
	holder->seq = atomic_fetch_add(&vault->seq, 1) + 1;
	holder->next = vault->holders;
	vault->holders = holder;
	*ret_holder = holder;
	return 0;
}

LF_REQUIRES(lf_holders_lock)
static void unlink_holder(struct lf_vault *vault, const struct lf_holder *holder)
{
	struct lf_holder **at = &vault->holders;

	while (*at != holder)
		at = &(*at)->next;
	*at = holder->next;
}

void lf_holder_end(struct lf_vault *vault, struct lf_holder *holder)
{
	if (!holder)
		return;
	LF_GUARD(&vault->holders_mutex, lf_holders_lock);
	unlink_holder(vault, holder);
	free(holder);
}

bool lf_holder_lives(struct lf_vault *vault, uint64_t seq)
{
	LF_GUARD(&vault->holders_mutex, lf_holders_lock);

	for (const struct lf_holder *holder = vault->holders; holder; holder = holder->next)
		if (holder->seq <= seq)
			return true;
	return false;
}

static int load_lease(void *context, const char *name, struct lf_error *err)
{
	struct lf_vault *vault = context;
	struct lf_holder *holder = NULL;

	if (!lf_guid_valid(name))
		return 0; /* not a lease */
	return lf_holder_begin(vault, name, NULL, &holder, err);
}

int lf_leases_load(struct lf_vault *vault, struct lf_error *err)
{
	return lf_store_list(vault->store, "sessions", load_lease, vault, err);
}

static int lease_name(const char *id, char out[static 64], struct lf_error *err)
{
	if (!lf_guid_valid(id))
		return lf_fail(err, LF_EINVAL, id, "a lease is named by a GUID");
	snprintf(out, 64, "sessions/%s", id);
	return 0;
}

int lf_lease_begin(struct lf_vault *vault, const char *id, struct lf_error *err)
{
	struct lf_holder *holder = NULL;
	char name[64];
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = lease_name(id, name, err);
	if (rc)
		return rc;
	if (has_lease(vault, id))
		return 0;
	rc = lf_holder_begin(vault, id, NULL, &holder, err);
	if (rc)
		return rc;
	rc = lf_store_put(vault->store, name, LEASE_TEXT, strlen(LEASE_TEXT), err);
	if (rc)
		lf_holder_end(vault, holder);
	LF_CRASH_POINT("vault-lease-begun");
	return rc;
}

int lf_lease_end(struct lf_vault *vault, const char *id, struct lf_error *err)
{
	char name[64];
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = lease_name(id, name, err);
	if (!rc)
		rc = lf_store_delete(vault->store, name, err);
	if (!rc) /* who began it forgets it now: it must not come back */
		rc = lf_store_sync(vault->store, "sessions", err);
	if (rc)
		return rc;
	LF_GUARD(&vault->holders_mutex, lf_holders_lock);
	struct lf_holder *holder = find_lease(vault, id);
	if (holder) /* else another was faster */
		unlink_holder(vault, holder);
	free(holder);
	return 0;
}
