/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of "landfall vault" share: opening the vault that is asked for, finding a
 * disk, progress, the clock.
 */
#include "vaultcli/args.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static bool progress_shown;

char *lf_vaultcli_key(const struct lf_vaultcli_args *args)
{
	return args->key_file ? strdup(args->key_file)
			      : lf_printf_dup("%s/platform.key", args->words[0]);
}

int lf_vaultcli_open(const struct lf_vaultcli_args *args, bool read_only,
		     struct lf_vault **ret_vault, struct lf_error *err)
{
	LF_AUTO_FREE char *key_file = lf_vaultcli_key(args);
	struct lf_vault_opts opts = {.read_only = read_only};

	return key_file ? lf_vault_open(args->words[0], key_file, &opts, ret_vault, err)
			: lf_fail_nomem(err);
}

void lf_vaultcli_show_progress(void *context, uint64_t done, uint64_t total)
{
	static int64_t begun_ns;
	static int shown = -1;
	int percent = total ? (int)(done * 100 / total) : 100;
	int64_t now = lf_clock_monotonic_ns();

	(void)context;
	begun_ns = begun_ns ? begun_ns : now;
	if (!isatty(2) || percent == shown)
		return;
	shown = percent;
	progress_shown = true;
	int64_t left = percent ? (now - begun_ns) / percent * (100 - percent) / LF_NS_PER_S : 0;
	fprintf(stderr, "\r%3d %%  %" PRId64 " s left \033[K", percent, left);
}

void lf_vaultcli_end_progress(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

int lf_vaultcli_print_json(const json_t *doc, struct lf_error *err)
{
	lf_vaultcli_end_progress();
	if (json_dumpf(doc, stdout, JSON_INDENT(1)) || putchar('\n') == EOF || fflush(stdout))
		return lf_fail(err, LF_EIO, NULL, "cannot write to standard output");
	return 0;
}

const json_t *lf_vaultcli_find_disk(const json_t *manifest, const char *name)
{
	const json_t *disk;
	size_t i;

	json_array_foreach (lf_json_at(manifest, "disks"), i, disk)
		if (strcmp(lf_json_text_or(disk, "name", ""), name) == 0 ||
		    strcmp(lf_json_text_or(disk, "id", ""), name) == 0)
			return disk;
	return NULL;
}

int lf_vaultcli_disk(const struct lf_vaultcli_args *args, const json_t *manifest,
		     const json_t **ret_disk, struct lf_root *ret_root, uint64_t *ret_size,
		     struct lf_error *err)
{
	const json_t *disks = lf_json_at(manifest, "disks");
	const json_t *disk = args->disk ? lf_vaultcli_find_disk(manifest, args->disk)
			     : json_array_size(disks) == 1 ? json_array_get(disks, 0)
							   : NULL;

	if (!disk && args->disk)
		return lf_fail(err, LF_ENOTFOUND, args->disk, "the point has no disk %s",
			       args->disk);
	if (!disk)
		return lf_fail(err, LF_EINVAL, "--disk", "the point has %zu disks: name one",
			       json_array_size(disks));
	int rc = lf_root_parse(lf_json_text_or(disk, "root", ""), ret_root, err);
	if (rc)
		return rc;
	*ret_disk = disk;
	*ret_size = (uint64_t)lf_json_int_or(disk, "sizeBytes", 0);
	return 0;
}

int64_t lf_vaultcli_now_ns(void)
{
	struct lf_clock *clock = lf_clock_new_real(1);
	int64_t now = clock ? lf_clock_now_ns(clock) : 0;

	lf_clock_free(clock);
	return now;
}
