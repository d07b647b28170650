/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nbdkit-landfall-plugin: one disk of a recovery point, read-only, by NBD.
 *
 *   nbdkit landfall store=DIR key-file=FILE root=TEXT size=BYTES [cache=BYTES]
 *                   [trace=FILE]
 *
 * The vault is opened for reading, beside whoever writes to it.  All clients
 * share one cache; requests run in parallel; holes are told by block status.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#define THREAD_MODEL	   NBDKIT_THREAD_MODEL_PARALLEL
#include <nbdkit-plugin.h>

#include "base/text.h"
#include "vault/map/ahead.h"

#define EXTENTS_MAX 4096u /* in one answer; the client asks again for the rest */

static struct plugin {
	char *store, *key_file, *root_text, *trace;
	uint64_t size, cache_bytes;
	struct lf_root root;
	struct lf_vault *vault;
	struct lf_ahead *ahead;
} plugin;

static int plugin_errno(const struct lf_error *err)
{
	switch (err->code) {
	case LF_ENOMEM:
		return ENOMEM;
	case LF_EINVAL:
		return EINVAL;
	default:
		return EIO;
	}
}

static int report(const struct lf_error *err)
{
	nbdkit_error("%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
	nbdkit_set_error(plugin_errno(err));
	return -1;
}

static int set_number(const char *key, const char *value, uint64_t *ret_number)
{
	struct lf_error err;

	if (!lf_parse_u64(value, 0, INT64_MAX, ret_number, &err))
		return 0;
	nbdkit_error("%s is not a number of bytes: %s", key, value);
	return -1;
}

static int set_path(const char *value, char **ret_path)
{
	free(*ret_path);
	*ret_path = nbdkit_absolute_path(value);
	return *ret_path ? 0 : -1;
}

static int landfall_config(const char *key, const char *value)
{
	if (strcmp(key, "store") == 0)
		return set_path(value, &plugin.store);
	if (strcmp(key, "key-file") == 0 || strcmp(key, "key") == 0)
		return set_path(value, &plugin.key_file);
	if (strcmp(key, "trace") == 0)
		return value[0] ? set_path(value, &plugin.trace) : 0;
	if (strcmp(key, "size") == 0)
		return set_number(key, value, &plugin.size);
	if (strcmp(key, "cache") == 0)
		return set_number(key, value, &plugin.cache_bytes);
	if (strcmp(key, "root") == 0) {
		free(plugin.root_text);
		plugin.root_text = strdup(value);
		return plugin.root_text ? 0 : -1;
	}
	nbdkit_error("unknown parameter %s", key);
	return -1;
}

static int landfall_config_complete(void)
{
	struct lf_error err;

	if (!plugin.store || !plugin.key_file || !plugin.root_text || !plugin.size) {
		nbdkit_error("store, key-file, root and size are needed");
		return -1;
	}
	return lf_root_parse(plugin.root_text, &plugin.root, &err) ? report(&err) : 0;
}

/* Before nbdkit says it is ready, so that a wrong key is an error of its start. */
static int landfall_get_ready(void)
{
	struct lf_vault_opts opts = {.read_only = true, .cache_bytes = plugin.cache_bytes};
	struct lf_error err;
	char byte;

	if (lf_vault_open(plugin.store, plugin.key_file, &opts, &plugin.vault, &err))
		return report(&err);
	return lf_map_read(plugin.vault, &plugin.root, &byte, 1, 0, &err) ? report(&err) : 0;
}

/* Threads are made where they will run. */
static int landfall_after_fork(void)
{
	struct lf_error err;

	return lf_ahead_new(plugin.vault, &plugin.root, plugin.size, plugin.trace, &plugin.ahead,
			    &err)
		       ? report(&err)
		       : 0;
}

static void landfall_unload(void)
{
	lf_ahead_free(plugin.ahead);
	lf_vault_free(plugin.vault);
	free(plugin.store);
	free(plugin.key_file);
	free(plugin.root_text);
	free(plugin.trace);
}

static void *landfall_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t landfall_get_size(void *handle)
{
	(void)handle;
	return (int64_t)plugin.size;
}

static int say_yes(void *handle)
{
	(void)handle;
	return 1;
}

static int say_no(void *handle)
{
	(void)handle;
	return 0;
}

static int landfall_can_cache(void *handle)
{
	(void)handle;
	return NBDKIT_CACHE_EMULATE;
}

static int landfall_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
			       uint32_t *maximum)
{
	(void)handle;
	*minimum = 1;
	*preferred = LF_PAGE_SIZE;
	*maximum = 32u << 20;
	return 0;
}

static int landfall_pread(void *handle, void *data, uint32_t count, uint64_t offset, uint32_t flags)
{
	struct lf_error err;

	(void)handle, (void)flags;
	lf_ahead_note(plugin.ahead, offset, count);
	return lf_map_read(plugin.vault, &plugin.root, data, count, offset, &err) ? report(&err)
										  : 0;
}

struct answer {
	struct nbdkit_extents *extents;
	unsigned left;
	bool failed;
};

static int add_extent(void *context, const struct lf_extent *extent, struct lf_error *err)
{
	struct answer *answer = context;
	uint64_t offset = extent->page * LF_PAGE_SIZE;
	uint64_t len = (uint64_t)extent->pages * LF_PAGE_SIZE;
	uint32_t type = extent->hole ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0;

	if (offset >= plugin.size)
		return lf_fail(err, LF_ECANCELED, NULL, "enough");
	if (len > plugin.size - offset)
		len = plugin.size - offset;
	answer->failed = nbdkit_add_extent(answer->extents, offset, len, type) < 0;
	if (answer->failed || --answer->left == 0)
		return lf_fail(err, LF_ECANCELED, NULL, "enough");
	return 0;
}

static int landfall_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
			    struct nbdkit_extents *extents)
{
	struct answer answer = {extents, EXTENTS_MAX, false};
	uint64_t first = offset / LF_PAGE_SIZE;
	uint64_t last = (offset + count + LF_PAGE_SIZE - 1) / LF_PAGE_SIZE;
	struct lf_error err;

	(void)handle, (void)flags;
	int rc = lf_map_walk(plugin.vault, &plugin.root, first, last - first, add_extent, &answer,
			     &err);
	if (answer.failed)
		return -1;
	return rc && rc != LF_ECANCELED ? report(&err) : 0;
}

static struct nbdkit_plugin landfall_plugin = {
	.name = "landfall",
	.version = LF_VERSION,
	.longname = "Landfall recovery points",
	.description = "Serves one disk of a recovery point from a Landfall vault.",
	.unload = landfall_unload,
	.config = landfall_config,
	.config_complete = landfall_config_complete,
	.config_help = "store=DIR      the vault's directory\n"
		       "key-file=FILE  its platform key\n"
		       "root=TEXT      root of the disk's map\n"
		       "size=BYTES     size of the disk\n"
		       "trace=FILE     what is read first; loaded at once the next time",
	.get_ready = landfall_get_ready,
	.after_fork = landfall_after_fork,
	.open = landfall_open,
	.get_size = landfall_get_size,
	.can_write = say_no,
	.can_extents = say_yes,
	.can_multi_conn = say_yes,
	.can_cache = landfall_can_cache,
	.block_size = landfall_block_size,
	.pread = landfall_pread,
	.extents = landfall_extents,
};

/* what the macro defines; nbdkit's header does not declare it */
struct nbdkit_plugin *plugin_init(void);

NBDKIT_REGISTER_PLUGIN(landfall_plugin)
