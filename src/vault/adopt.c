/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs that come in whole: our own, just written, and those of agents and peers.
 *
 * One from outside is first taken out of its writer's reach, into tmp/, then checked there, then
 * renamed to its name and added to the index.  A kill before the rename leaves a file in tmp/ that
 * the next open removes, and the sender sends it again; after it the pack is found by the next
 * look at the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/admit.h"
#include "vault/vault_internal.h"

static int read_fd_at(void *context, void *data, size_t len, uint64_t offset, struct lf_error *err)
{
	return lf_file_pread_all(*(int *)context, data, len, offset, "pack", err);
}

static int adopt_footer(struct lf_vault *vault, const struct lf_pack_footer *footer,
			const char *path, struct lf_error *err)
{
	char name[80] = "packs/";

	if (footer->count == 0 || lf_index_has_pack(vault->index, footer->name))
		return lf_file_remove(path, err);
	lf_hex_encode(footer->name, 32, name + 6);
	LF_CRASH_POINT("vault-adopt");
	int rc = lf_store_adopt(vault->store, name, path, err);
	LF_CRASH_POINT("vault-adopted");
	if (!rc)
		rc = lf_index_add(vault->index, footer, atomic_fetch_add(&vault->seq, 1) + 1, err);
	if (!rc) {
		atomic_fetch_add(&vault->adopted_bytes, footer->size);
		/* the pack is in: a merge that fails (no room) is tried again with the next one */
		struct lf_error ignored;
		(void)!lf_index_tidy(vault->index, false, &ignored);
	}
	return rc;
}

/* Out of reach of whoever brought it: what is checked is what is taken. */
static int take_file(struct lf_vault *vault, const char *path, char **ret_path,
		     struct lf_error *err)
{
	char name[64], guid[LF_GUID_SIZE];

	lf_guid_random(guid);
	snprintf(name, sizeof(name), "tmp/%s", guid);
	LF_AUTO_FREE char *taken = lf_printf_dup("%s/%s", vault->dir, name);
	if (!taken)
		return lf_fail_nomem(err);
	if (rename(path, taken)) {
		int rc = errno == EXDEV ? lf_store_adopt(vault->store, name, path, err)
					: lf_fail_sys(err, errno, path, "cannot take %s", path);
		if (rc)
			return rc;
	}
	*ret_path = lf_steal(&taken);
	return 0;
}

/* Is the file a whole pack, of what its records' ids say?  *ret_known: one of its name is here
 * already; what this one holds was not looked at. */
static int check_pack(struct lf_vault *vault, const char *path, struct lf_pack_footer *footer,
		      bool *ret_known, struct lf_error *err)
{
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open %s", path);
	int rc = lf_pack_footer_read(read_fd_at, &fd, (uint64_t)st.st_size, footer, err);
	if (rc)
		return rc;
	*ret_known = lf_index_has_pack(vault->index, footer->name);
	return *ret_known ? 0 : lf_pack_admit(vault, fd, footer, err);
}

/* The sender's fault, for good; what is wrong here may be better the next time. */
static bool is_bad_pack(int rc)
{
	return rc == LF_ECORRUPT || rc == LF_EUNSUPPORTED || rc == LF_EDENIED;
}

static int refuse_pack(const char *path, struct lf_error *err)
{
	const struct lf_error why = *err;
	struct lf_error ignored;

	(void)!lf_file_remove(path, &ignored);
	return lf_fail_arm(err, LF_EINVAL, "PackRefused", NULL,
			   "nothing of it was taken; read and pack the data again",
			   "the pack was refused: %s", why.message);
}

int lf_vault_adopt_pack(struct lf_vault *vault, const char *path, struct lf_error *err)
{
	struct lf_pack_footer footer = {0};
	LF_AUTO_FREE char *taken = NULL;
	bool known = false;
	int rc = lf_vault_writable(vault, err);

	if (!rc)
		rc = take_file(vault, path, &taken, err);
	if (rc)
		return rc;
	rc = check_pack(vault, taken, &footer, &known, err);
	if (!rc && known) /* also if it is collected just now: it is not the one that was checked */
		rc = lf_file_remove(taken, err);
	else if (!rc)
		rc = adopt_footer(vault, &footer, taken, err);
	else if (is_bad_pack(rc))
		rc = refuse_pack(taken, err);
	if (rc && access(taken, F_OK) == 0) /* to be tried again */
		(void)!rename(taken, path);
	lf_pack_footer_done(&footer);
	return rc;
}

int lf_vault_adopt_writer(struct lf_vault *vault, struct lf_pack_writer *writer,
			  struct lf_error *err)
{
	char name[LF_PACK_NAME_SIZE];
	int rc = lf_pack_writer_finish(writer, name, err);

	return rc ? rc
		  : adopt_footer(vault, lf_pack_writer_footer(writer), lf_pack_writer_path(writer),
				 err);
}
