/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "e2e/machine/machine_vault.h"
#include "os/file.h"
#include "vault/pack/pack.h"
#include "vault/flow/ingest.h"
#include "vault/point/point.h"

#define CHUNK_PAGES 16u
#define KEEP	    "retention"

static struct lf_error err;
static char *store;
static struct {
	char path[4096], root[LF_ROOT_TEXT_SIZE];
} taken[4];

static void must(int rc, const char *what)
{
	if (rc) {
		lf_log_error(what, &err);
		exit(1);
	}
}

struct lf_regions *machine_regions_open(const char *dir, const char *os)
{
	struct lf_regions *regions = NULL;
	struct lf_vault *vault;
	char *key = NULL;
	LF_AUTO_JSON *manifest = json_pack("{s:s, s:[]}", "id", MACHINE_POINT, "disks");

	(void)os;
	must(lf_regions_open(dir, &regions, &err), "regions");
	must(lf_regions_vault(regions, "r", &vault, &err), "vault");
	must(lf_regions_paths(regions, "r", &store, &key, &err), "paths");
	free(key);
	must(lf_point_put(vault, MACHINE_POINT, manifest, KEEP, LF_CLAIM_FOREVER, &err), "point");
	return regions;
}

void machine_regions_free(struct lf_regions *regions)
{
	lf_regions_free(regions);
	free(store);
}

static bool is_zero(const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len; at += LF_PAGE_SIZE)
		if (!lf_page_is_zero(data + at))
			return false;
	return true;
}

static void take_in(struct lf_vault *vault, const char *path, struct lf_root *ret_root)
{
	struct lf_map_edit *edit = NULL;
	uint8_t data[CHUNK_PAGES * LF_PAGE_SIZE];
	ssize_t len;

	must(lf_map_edit_begin(vault, NULL, &edit, &err), "edit");
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	/* from one run of data to the next: a TiB of holes takes no time */
	for (off_t at = 0; (at = lseek(fd, at, SEEK_DATA)) >= 0; at += len) {
		at -= at % LF_PAGE_SIZE;
		if ((len = pread(fd, data, sizeof(data), at)) <= 0)
			break;
		struct lf_extent extent = {.page = (uint64_t)at / LF_PAGE_SIZE,
					   .pages = (uint32_t)len / LF_PAGE_SIZE};
		if (is_zero(data, (size_t)len))
			continue;
		must(lf_vault_put(vault, data, (size_t)len, &extent.chunk, &err), "put");
		must(lf_map_edit_put(edit, &extent, &err), "extent");
	}
	must(lf_vault_flush(vault, &err), "flush");
	must(lf_map_edit_commit(edit, ret_root, &err), "commit");
	lf_map_edit_free(edit);
}

char *machine_root(struct lf_regions *regions, const char *path)
{
	struct lf_vault *vault;
	struct lf_root root;
	size_t i = 0;

	must(lf_regions_vault(regions, "r", &vault, &err), "vault");
	while (taken[i].path[0] && strcmp(taken[i].path, path) != 0)
		i++;
	if (!taken[i].path[0]) {
		take_in(vault, path, &root);
		snprintf(taken[i].path, sizeof(taken[i].path), "%s", path);
		lf_root_format(&root, taken[i].root);
	}
	return strdup(taken[i].root);
}

void machine_export(struct lf_regions *regions, const char *root, uint64_t size, const char *path)
{
	struct lf_vault *vault;
	struct lf_root parsed;

	must(lf_regions_vault(regions, "r", &vault, &err), "vault");
	must(lf_root_parse(root, &parsed, &err), "root");
	must(lf_export_file(vault, &parsed, size, path, &(struct lf_export_opts){0}, &err),
	     "export");
}

/* Claims are files that hold their name, below the store. */
bool machine_claimed(struct lf_regions *regions)
{
	LF_AUTO_FREE char *command = lf_printf_dup("ls -R %s | grep -q '^export:'", store);

	(void)regions;
	return system(command) == 0;
}
