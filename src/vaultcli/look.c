/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of "landfall vault" that look: diff, verify, serve.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/term.h"
#include "base/text.h"
#include "vaultcli/args.h"
#include "os/file.h"
#include "vault/care/care.h"

struct difference {
	json_t *ranges;
	uint64_t from, to; /* the range that is growing, in bytes; equal: none */
	uint64_t bytes;
};

static int end_range(struct difference *difference, struct lf_error *err)
{
	uint64_t len = difference->to - difference->from;

	if (!len)
		return 0;
	difference->bytes += len;
	return json_array_append_new(difference->ranges,
				     json_pack("{s:I, s:I}", "offset", (json_int_t)difference->from,
					       "length", (json_int_t)len))
		       ? lf_fail_nomem(err)
		       : 0;
}

static int add_range(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct difference *difference = context;
	uint64_t from = extent->page * LF_PAGE_SIZE;
	int rc = 0;

	if (from != difference->to) {
		rc = end_range(difference, err);
		difference->from = from;
	}
	difference->to = from + (uint64_t)extent->pages * LF_PAGE_SIZE;
	return rc;
}

static int find_root(struct lf_vault *vault, const struct lf_vaultcli_args *args, const char *point,
		     struct lf_root *ret_root, struct lf_error *err)
{
	LF_AUTO_JSON *manifest = NULL;
	const json_t *disk;
	uint64_t size;
	int rc = lf_point_get(vault, point, &manifest, err);

	return rc ? rc : lf_vaultcli_disk(args, manifest, &disk, ret_root, &size, err);
}

static int print_difference(const struct lf_vaultcli_args *args,
			    const struct difference *difference, struct lf_error *err)
{
	const json_t *range;
	size_t i;

	if (args->json) {
		LF_AUTO_JSON *doc = json_pack("{s:I, s:O}", "bytes", (json_int_t)difference->bytes,
					      "ranges", difference->ranges);
		return doc ? lf_vaultcli_print_json(doc, err) : lf_fail_nomem(err);
	}
	json_array_foreach (difference->ranges, i, range)
		printf("%" PRId64 " %" PRId64 "\n", lf_json_int_or(range, "offset", 0),
		       lf_json_int_or(range, "length", 0));
	return 0;
}

int lf_vaultcli_diff(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *ranges = json_array();
	struct difference difference = {.ranges = ranges};
	struct lf_vault *vault = NULL;
	struct lf_root from, to;
	int rc = ranges ? lf_vaultcli_open(args, true, &vault, err) : lf_fail_nomem(err);

	if (!rc)
		rc = find_root(vault, args, args->words[1], &from, err);
	if (!rc)
		rc = find_root(vault, args, args->words[2], &to, err);
	if (!rc)
		rc = lf_map_diff(vault, &from, &to, add_range, &difference, err);
	if (!rc)
		rc = end_range(&difference, err);
	lf_vault_free(vault);
	return rc ? rc : print_difference(args, &difference, err);
}

/* One store; its faults are appended. */
static int verify_store(const struct lf_vaultcli_args *args, const char *dir, const char *key_file,
			json_t *all, struct lf_error *err)
{
	struct lf_vault_opts opts = {.read_only = true, .keyless = args->ciphertext};
	const struct lf_verify_opts how = {
		.now_ns = lf_vaultcli_now_ns(),
		.incremental = args->incremental || args->older_than_days,
		.older_than_ns = args->older_than_days * (24 * 3600 * LF_NS_PER_S),
		.progress = lf_vaultcli_show_progress};
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *faults = NULL;
	json_t *fault;
	size_t i;
	int rc = lf_vault_open(dir, key_file, &opts, &vault, err);

	if (!rc)
		rc = lf_vault_verify(vault, &how, &faults, err);
	lf_vault_free(vault);
	if (rc)
		return lf_error_wrap(err, "%s", dir);
	json_array_foreach (faults, i, fault) {
		if (lf_json_set_text(fault, "store", dir) || json_array_append(all, fault))
			return lf_fail_nomem(err);
	}
	return 0;
}

struct regions {
	const struct lf_vaultcli_args *args;
	const char *data_dir;
	json_t *faults;
	unsigned count;
};

static int verify_region(void *context, const char *region, struct lf_error *err)
{
	struct regions *regions = context;
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/regions/%s/store", regions->data_dir, region);
	LF_AUTO_FREE char *key_file = lf_printf_dup("%s/keys/platform.key", regions->data_dir);

	if (!dir || !key_file)
		return lf_fail_nomem(err);
	int rc = verify_store(regions->args, dir, key_file, regions->faults, err);
	/* a region that nobody has used yet has no store, and what is no region has none */
	if (rc && access(dir, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	regions->count += !rc;
	return rc;
}

static int verify_data(const struct lf_vaultcli_args *args, json_t *faults, unsigned *ret_count,
		       struct lf_error *err)
{
	const char *data_dir = args->data_dir;
	struct regions regions = {.args = args, .data_dir = data_dir, .faults = faults};
	LF_AUTO_FREE char *path = lf_printf_dup("%s/regions", data_dir);

	if (!path)
		return lf_fail_nomem(err);
	if (access(data_dir, F_OK))
		return lf_fail_sys(err, errno, data_dir, "cannot open %s", data_dir);
	int rc = access(path, F_OK) && errno == ENOENT
			 ? 0
			 : lf_dir_list(path, verify_region, &regions, err);
	*ret_count = regions.count;
	return rc;
}

static void print_fault(const json_t *fault)
{
	const json_t *point;
	size_t i;

	lf_term_print(stdout, "%s/%s: %s", lf_json_text_or(fault, "store", ""),
		      lf_json_text_or(fault, "object", "?"), lf_json_text_or(fault, "fault", "?"));
	json_array_foreach (lf_json_at(fault, "points"), i, point)
		lf_term_print(stdout, "  affects point %s", json_string_value(point));
}

static int tell_faults(const struct lf_vaultcli_args *args, const json_t *faults,
		       struct lf_error *err)
{
	const json_t *fault;
	size_t i;

	json_array_foreach (faults, i, fault)
		if (!args->json)
			print_fault(fault);
	return json_array_size(faults)
		       ? lf_fail(err, LF_ECORRUPT, NULL, "%zu faults", json_array_size(faults))
		       : 0;
}

int lf_vaultcli_verify(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	LF_AUTO_JSON *faults = json_array();
	unsigned count = 1;
	int rc;

	if (!faults)
		return lf_fail_nomem(err);
	if (!args->data_dir == !args->words[0])
		return lf_fail(err, LF_EINVAL, "--data", "give either DIR or --data DIR");
	if (args->data_dir) {
		rc = verify_data(args, faults, &count, err);
	} else {
		LF_AUTO_FREE char *key_file = lf_vaultcli_key(args);
		rc = key_file ? verify_store(args, args->words[0], key_file, faults, err)
			      : lf_fail_nomem(err);
	}
	if (!rc && args->json)
		rc = lf_vaultcli_print_json(faults, err);
	lf_vaultcli_end_progress();
	if (rc)
		return rc;
	rc = tell_faults(args, faults, err);
	if (!rc && !args->json)
		printf("%u vault%s verified, no faults\n", count, count == 1 ? "" : "s");
	return rc;
}

/* The peer's key is that of the vault, or its own beside it. */
static int open_peer(const struct lf_vaultcli_args *args, struct lf_vault **ret_peer,
		     struct lf_error *err)
{
	const struct lf_vault_opts opts = {.read_only = true};
	LF_AUTO_FREE char *beside = NULL;

	if (!args->from)
		return 0;
	beside = lf_printf_dup("%s/platform.key", args->from);
	if (!beside)
		return lf_fail_nomem(err);
	const char *key = args->from_key   ? args->from_key
			  : args->key_file ? args->key_file
					   : beside;
	int rc = lf_vault_open(args->from, key, &opts, ret_peer, err);
	return rc ? lf_error_wrap(err, "the peer") : 0;
}

int lf_vaultcli_repair(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL, *peer = NULL;
	LF_AUTO_JSON *report = NULL;
	int rc = lf_vaultcli_open(args, false, &vault, err);

	if (!rc)
		rc = open_peer(args, &peer, err);
	if (!rc)
		rc = lf_vault_repair(vault, peer, lf_vaultcli_now_ns(), &report, err);
	lf_vault_free(peer);
	lf_vault_free(vault);
	if (!rc && args->json)
		rc = lf_vaultcli_print_json(report, err);
	if (rc)
		return rc;
	if (!args->json)
		printf("%" PRId64 " packs quarantined; %" PRId64 " chunks moved, %" PRId64
		       " chunks and %" PRId64 " points from the peer; %" PRId64 " chunks lost\n",
		       lf_json_int_or(report, "packs", 0), lf_json_int_or(report, "movedChunks", 0),
		       lf_json_int_or(report, "peerChunks", 0),
		       lf_json_int_or(report, "peerPoints", 0),
		       lf_json_int_or(report, "lostChunks", 0));
	return tell_faults(args, lf_json_at(report, "faults"), err);
}

/* Beside this program, or where nbdkit looks. */
static char *plugin_path(void)
{
	const char *given = getenv("LF_NBD_PLUGIN");
	char program[4096];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (given && given[0])
		return strdup(given);
	if (len > 0) {
		program[len] = '\0';
		char *slash = strrchr(program, '/');
		LF_AUTO_FREE char *beside = slash ? lf_printf_dup("%.*s/nbdkit-landfall-plugin.so",
								  (int)(slash - program), program)
						  : NULL;
		if (beside && access(beside, R_OK) == 0)
			return lf_steal(&beside);
	}
	return strdup("landfall");
}

/* Becomes nbdkit: interrupting it ends the export. */
static int run_nbdkit(const struct lf_vaultcli_args *args, const struct lf_root *root,
		      uint64_t size, struct lf_error *err)
{
	char root_text[LF_ROOT_TEXT_SIZE];

	lf_root_format(root, root_text);
	LF_AUTO_FREE char *plugin = plugin_path();
	LF_AUTO_FREE char *key_file = lf_vaultcli_key(args);
	LF_AUTO_FREE char *store = lf_printf_dup("store=%s", args->words[0]);
	LF_AUTO_FREE char *key = key_file ? lf_printf_dup("key-file=%s", key_file) : NULL;
	LF_AUTO_FREE char *root_word = lf_printf_dup("root=%s", root_text);
	LF_AUTO_FREE char *size_word = lf_printf_dup("size=%" PRIu64, size);
	LF_AUTO_FREE char *socket = strdup(args->socket);
	if (!plugin || !store || !key || !root_word || !size_word || !socket)
		return lf_fail_nomem(err);
	char words[5][16] = {"nbdkit", "--foreground", "--readonly", "--unix"};
	char *const argv[] = {words[0], words[1], words[2],  words[3],	socket, plugin,
			      store,	key,	  root_word, size_word, NULL};
	execvp("nbdkit", argv);
	return lf_fail_sys(err, errno, "nbdkit", "cannot run nbdkit");
}

int lf_vaultcli_serve(const struct lf_vaultcli_args *args, struct lf_error *err)
{
	struct lf_vault *vault = NULL;
	LF_AUTO_JSON *manifest = NULL;
	const json_t *disk = NULL;
	struct lf_root root;
	uint64_t size = 0;
	int rc = lf_vaultcli_open(args, true, &vault, err);
	if (!rc)
		rc = lf_point_get(vault, args->words[1], &manifest, err);
	if (!rc)
		rc = lf_vaultcli_disk(args, manifest, &disk, &root, &size, err);
	lf_vault_free(vault);
	return rc ? rc : run_nbdkit(args, &root, size, err);
}
