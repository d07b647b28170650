/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A point's disks behind an NBD server of this program: the disk that the
 * machine boots from comes first, and names that are there twice get a
 * number.  The store is open for reading alone.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nbd/server/wire.h"
#include "os/file.h"
#include "recover/recover.h"

/* The name in the manifest, else the id; a name twice is made unique by its number. */
static char *name_disk(const struct lf_served *served, const json_t *disk)
{
	const char *name = lf_json_text_or(disk, "name", lf_json_text_or(disk, "id", ""));

	for (size_t i = 0; i < served->disks.count; i++)
		if (strcmp(served->names[i], name) == 0)
			return lf_printf_dup("%.*s-%zu", (int)LF_NBD_NAME_MAX - 8, name,
					     served->disks.count);
	return lf_printf_dup("%.*s", (int)LF_NBD_NAME_MAX, name);
}

static int add_disk(struct lf_served *served, const json_t *disk, struct lf_error *err)
{
	size_t at = served->disks.count;
	int64_t size = lf_json_int_or(disk, "sizeBytes", 0);
	struct lf_nbd_disk *item = &served->items[at];

	if (at == LF_RECOVER_DISKS_MAX)
		return lf_fail(err, LF_ETOOLARGE, NULL, "the point has more than %u disks",
			       LF_RECOVER_DISKS_MAX);
	int rc = lf_root_parse(lf_json_text_or(disk, "root", ""), &item->root, err);
	if (rc)
		return rc;
	served->names[at] = name_disk(served, disk);
	if (!served->names[at])
		return lf_fail_nomem(err);
	item->name = served->names[at];
	item->size = size > 0 ? (uint64_t)size : 0;
	if (at == 0)
		served->sector_bytes = (uint32_t)lf_json_int_or(disk, "sectorSizeInBytes", 0);
	served->disks.count++;
	return 0;
}

/* Pass 0 takes the disk that the machine boots from, pass 1 the others. */
static int add_disks(struct lf_served *served, struct lf_error *err)
{
	const json_t *disk;
	size_t i;
	int rc = 0;

	for (int pass = 0; pass < 2; pass++)
		json_array_foreach (lf_json_at(served->manifest, "disks"), i, disk)
			if (!rc && lf_json_bool_or(disk, "os", false) == (pass == 0))
				rc = add_disk(served, disk, err);
	if (!rc && !served->disks.count)
		rc = lf_fail(err, LF_ENOTFOUND, NULL, "the point has no disks");
	return rc;
}

int lf_served_open(struct lf_served *served, const struct lf_recover_args *args,
		   struct lf_error *err)
{
	const json_t *disk = NULL;
	struct lf_root root;
	uint64_t size;
	int rc = lf_vaultcli_open(&args->vault, true, &served->disks.vault, err);

	served->disks.items = served->items;
	if (!rc)
		rc = lf_point_get(served->disks.vault, args->vault.words[1], &served->manifest,
				  err);
	if (rc)
		return rc;
	if (!args->vault.disk)
		return add_disks(served, err);
	rc = lf_vaultcli_disk(&args->vault, served->manifest, &disk, &root, &size, err);
	return rc ? rc : add_disk(served, disk, err);
}

int lf_served_start(struct lf_served *served, char *socket, uint16_t port, struct lf_error *err)
{
	int rc = 0;

	if (socket) {
		LF_AUTO_FREE char *path = socket;
		rc = lf_nbd_listen_unix(path, &served->listen_fd, err);
		if (!rc)
			served->socket = lf_steal(&path); /* it is ours to remove */
	} else {
		rc = lf_nbd_listen_port(port, &served->listen_fd, &served->port, err);
	}
	for (size_t i = 0; !rc && i < served->disks.count; i++)
		rc = lf_ahead_new(served->disks.vault, &served->items[i].root,
				  served->items[i].size, NULL, &served->items[i].ahead, err);
	return rc ? rc
		  : lf_nbd_server_start(&served->disks, served->listen_fd, &served->server, err);
}

static void put_escaped(struct lf_buf *uri, const char *text)
{
	for (; *text; text++)
		lf_buf_printf(uri,
			      isalnum((unsigned char)*text) || strchr("-._~/", *text) ? "%c"
										      : "%%%02X",
			      (unsigned char)*text);
}

char *lf_served_uri(const struct lf_served *served, size_t disk)
{
	LF_AUTO_BUF uri = LF_BUF_INIT;

	if (served->socket)
		lf_buf_puts(&uri, "nbd+unix:///");
	else
		lf_buf_printf(&uri, "nbd://127.0.0.1:%u/", served->port);
	put_escaped(&uri, served->items[disk].name);
	if (served->socket) {
		lf_buf_puts(&uri, "?socket=");
		put_escaped(&uri, served->socket);
	}
	return lf_buf_take(&uri);
}

void lf_served_done(struct lf_served *served)
{
	lf_nbd_server_stop(served->server);
	lf_fd_done(&served->listen_fd);
	if (served->socket)
		unlink(served->socket);
	free(served->socket);
	for (size_t i = 0; i < served->disks.count; i++) {
		lf_ahead_free(served->items[i].ahead);
		free(served->names[i]);
	}
	json_decref(served->manifest);
	lf_vault_free(served->disks.vault);
}
