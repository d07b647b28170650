/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks: a file each, from Put Block to the blob that is made of them.
 *
 * Staging renames a file that is whole into the stage, whose directory is made with the first one
 * and says in which run of the machine.  Committing links files into a draft, syncs them, and
 * writes their list (many are synced together: a sync each would take the disk a flush each); the
 * draft then takes the blob's name (entry.c), and the stage goes.  A kill
 * leaves staged blocks, and a draft that nobody names; the blob is the old or the new one.
 */
#include "blob/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "json/json.h"
#include "os/file.h"

#define LIST	     "blocks"
#define LIST_MAX     ((size_t)LF_BLOB_BLOCKS_MAX * 140)
#define BOOT	     ".boot"
#define BOOT_ID	     "/proc/sys/kernel/random/boot_id"
#define STAGED_DAYS  7
#define ID_BYTES_MAX 64
#define SYNCED_APART 32 /* blocks at most */

void lf_blob_blocks_done(struct lf_blob_blocks *blocks)
{
	free(blocks->items);
	free(blocks->text);
	*blocks = (struct lf_blob_blocks){0};
}

static int fail_list(struct lf_error *err)
{
	return lf_fail(err, LF_ECORRUPT, LIST, "the list of a blob's blocks cannot be read");
}

/* "SIZE FILE ID\n"; the id is ended in place. */
static int parse_line(struct lf_blob_blocks *blocks, char **at, struct lf_error *err)
{
	char *line = *at, *end = strchr(line, '\n'), *file, *id;
	uint64_t before = blocks->n ? blocks->items[blocks->n - 1].end : 0, size, number;
	struct lf_blob_block *block = &blocks->items[blocks->n];
	struct lf_error ignored;

	if (!end || !(file = memchr(line, ' ', (size_t)(end - line))) ||
	    !(id = memchr(file + 1, ' ', (size_t)(end - file - 1))))
		return fail_list(err);
	*file = *id = *end = '\0';
	if (lf_parse_u64(line, 0, UINT64_MAX, &size, &ignored) ||
	    lf_parse_u64(file + 1, 0, UINT32_MAX, &number, &ignored) ||
	    !lf_checked_add(before, size, &block->end))
		return fail_list(err);
	block->file = (uint32_t)number;
	block->id = (uint32_t)(id + 1 - blocks->text);
	blocks->n++;
	*at = end + 1;
	return 0;
}

int lf_blob_blocks_read(int dir, struct lf_blob_blocks *ret_blocks, struct lf_error *err)
{
	LF_AUTO_BLOB_BLOCKS blocks = {0};
	LF_AUTO_BUF text = LF_BUF_INIT;
	char path[64];
	size_t lines = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/" LIST, dir);
	int rc = lf_file_read(path, LIST_MAX, &text, err);
	if (rc)
		return rc;
	for (const char *p = lf_buf_text(&text); *p; p++)
		lines += *p == '\n';
	blocks.items = lf_alloc_array(lines + 1, sizeof(*blocks.items));
	if (!blocks.items || (text.len && !(blocks.text = lf_buf_take(&text))))
		return lf_fail_nomem(err);
	for (char *at = blocks.text; !rc && at && *at;)
		rc = parse_line(&blocks, &at, err);
	if (rc)
		return rc;
	*ret_blocks = blocks;
	blocks = (struct lf_blob_blocks){0};
	return 0;
}

bool lf_blob_block_hex(const char *id, char out[static 129])
{
	unsigned char bytes[ID_BYTES_MAX + 8], again[LF_BLOB_BLOCK_ID_SIZE + 8];
	size_t len = strlen(id);

	if (!len || len % 4 || len >= LF_BLOB_BLOCK_ID_SIZE)
		return false;
	int n = EVP_DecodeBlock(bytes, (const unsigned char *)id, (int)len);
	for (size_t i = len; n > 0 && i > len - 2 && id[i - 1] == '='; i--)
		n--;
	if (n < 1 || n > ID_BYTES_MAX)
		return false;
	EVP_EncodeBlock(again, bytes, n);
	if (strcmp((const char *)again, id) != 0)
		return false;
	lf_hex_encode(bytes, (size_t)n, out);
	return true;
}

static bool block_id(const char *hex, char out[static LF_BLOB_BLOCK_ID_SIZE])
{
	unsigned char bytes[ID_BYTES_MAX];
	size_t len = strlen(hex) / 2;
	struct lf_error ignored;

	if (len < 1 || len > sizeof(bytes) || lf_hex_decode(hex, bytes, len, &ignored))
		return false;
	EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
	return true;
}

/* Staging. */

static int make_stage(const char *stage, struct lf_error *err)
{
	LF_AUTO_FREE char *mark = lf_printf_dup("%s/" BOOT, stage);
	LF_AUTO_BUF boot = LF_BUF_INIT;

	if (!mark)
		return lf_fail_nomem(err);
	if (mkdir(stage, 0700))
		return errno == EEXIST ? 0
		       : errno == ENOENT
			       ? lf_fail_arm(err, LF_ENOTFOUND, "ContainerNotFound", NULL, NULL,
					     "the specified container does not exist")
			       : lf_fail_sys(err, errno, stage, "cannot make a place for blocks");
	int rc = lf_file_read(BOOT_ID, 64, &boot, err);
	if (rc)
		return rc;
	LF_AUTO_FD fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? lf_fail_sys(err, errno, mark, "cannot make a file")
		      : lf_file_pwrite_all(fd, boot.data, boot.len, 0, BOOT, err);
}

struct comparing {
	size_t len;
};

/* The first one that is there says how long all ids are. */
static int compare_length(void *context, const char *name, struct lf_error *err)
{
	const struct comparing *comparing = context;

	if (name[0] == '.')
		return 0;
	return strlen(name) == comparing->len
		       ? LF_ECANCELED
		       : lf_fail_arm(err, LF_EINVAL, "InvalidBlobOrBlock", "blockid",
				     "give all blocks of a blob ids of one length",
				     "the id is not as long as those of the blocks that wait");
}

int lf_blob_block_stage(const char *data_dir, const struct lf_blob_target *target, const char *id,
			const char *temporary, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	LF_AUTO_FREE char *path = NULL;
	char hex[129];
	struct comparing comparing;

	if (!lf_blob_block_hex(id, hex))
		return lf_fail_arm(err, LF_EINVAL, "InvalidQueryParameterValue", "blockid",
				   "give base64 of 1 to 64 bytes", "the block's id cannot be read");
	comparing.len = strlen(hex);
	int rc = lf_blob_names(data_dir, target, &names, err);
	if (!rc)
		rc = make_stage(names.staged, err);
	if (!rc)
		rc = lf_dir_list(names.staged, compare_length, &comparing, err);
	if (rc && rc != LF_ECANCELED)
		return rc;
	path = lf_printf_dup("%s/%s", names.staged, hex);
	if (!path)
		return lf_fail_nomem(err);
	return rename(temporary, path) ? lf_fail_sys(err, errno, path, "cannot keep a block") : 0;
}

struct staged {
	const char *dir;
	lf_blob_staged_fn *visit;
	void *context;
};

static int visit_staged(void *context, const char *name, struct lf_error *err)
{
	const struct staged *staged = context;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", staged->dir, name);
	char id[LF_BLOB_BLOCK_ID_SIZE];
	struct stat st;

	if (!path)
		return lf_fail_nomem(err);
	return block_id(name, id) && stat(path, &st) == 0
		       ? staged->visit(staged->context, id, (uint64_t)st.st_size, err)
		       : 0;
}

int lf_blob_blocks_staged(const char *data_dir, const struct lf_blob_target *target,
			  lf_blob_staged_fn *visit, void *context, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(data_dir, target, &names, err);
	struct staged staged = {names.staged, visit, context};

	if (!rc)
		rc = lf_dir_list(names.staged, visit_staged, &staged, err);
	return rc == LF_ENOTFOUND ? 0 : rc;
}

/* Committing. */

struct committing {
	const struct lf_blob_names *names;
	const char *draft;
	struct lf_blob_blocks before; /* of the blob that is there */
	json_t *by_id;		      /* its ids: which block */
	int dir;
	bool together; /* they are synced when all are there */
	struct lf_buf list;
	uint64_t size;
};

static void committing_done(struct committing *c)
{
	lf_blob_blocks_done(&c->before);
	json_decref(c->by_id);
	lf_buf_done(&c->list);
}

static int read_before(struct committing *c, struct lf_error *err)
{
	c->by_id = json_object();
	if (!c->by_id)
		return lf_fail_nomem(err);
	int rc = c->dir < 0 ? 0 : lf_blob_blocks_read(c->dir, &c->before, err);
	for (size_t i = 0; !rc && i < c->before.n; i++)
		if (json_object_set_new(c->by_id, lf_blob_block_id(&c->before, i),
					json_integer((json_int_t)i)))
			rc = lf_fail_nomem(err);
	return rc;
}

/* Links the picked block's file to path; errno ENOENT: it is not there. */
static bool link_pick(const struct committing *c, const struct lf_blob_pick *pick, const char *path)
{
	char hex[129], file[24];

	errno = ENOENT;
	if (!lf_blob_block_hex(pick->id, hex))
		return false;
	LF_AUTO_FREE char *staged = lf_printf_dup("%s/%s", c->names->staged, hex);
	if (!staged)
		return false;
	if (pick->from != LF_BLOB_PICK_COMMITTED && link(staged, path) == 0)
		return true;
	const json_t *at = json_object_get(c->by_id, pick->id);
	if (pick->from == LF_BLOB_PICK_STAGED || !at)
		return false;
	snprintf(file, sizeof(file), "%u", c->before.items[json_integer_value(at)].file);
	return linkat(c->dir, file, AT_FDCWD, path, 0) == 0;
}

/* Together: what is known to be wrong with this one's bytes is told here, and nothing is flushed.
 */
static int sync_block(const struct committing *c, int fd, struct lf_error *err)
{
	const unsigned all =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

	if (!c->together)
		return lf_file_sync(fd, "block", err);
	return sync_file_range(fd, 0, 0, all) && (errno == EIO || errno == ENOSPC)
		       ? lf_fail_sys(err, errno, "block", "cannot write a block")
		       : 0;
}

static int add_pick(struct committing *c, const struct lf_blob_pick *pick, size_t i,
		    struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%zu", c->draft, i);
	struct stat st;

	if (!path)
		return lf_fail_nomem(err);
	if (!link_pick(c, pick, path))
		return errno != ENOENT ? lf_fail_sys(err, errno, path, "cannot link a block")
				       : lf_fail_arm(err, LF_EINVAL, "InvalidBlockList", NULL, NULL,
						     "the specified block list is invalid: block "
						     "%s is not there",
						     pick->id);
	LF_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return lf_fail_sys(err, errno, path, "cannot open a block");
	if (!lf_checked_add(c->size, (uint64_t)st.st_size, &c->size))
		return lf_fail(err, LF_EINVAL, NULL, "the blob would be too long");
	lf_buf_printf(&c->list, "%llu %zu %s\n", (unsigned long long)st.st_size, i, pick->id);
	return sync_block(c, fd, err);
}

static int write_list(const struct committing *c, struct lf_error *err)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/" LIST, c->draft);
	int rc = path ? lf_buf_check(&c->list, err) : lf_fail_nomem(err);

	if (rc)
		return rc;
	LF_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make a file");
	rc = lf_file_pwrite_all(fd, lf_buf_text(&c->list), c->list.len, 0, LIST, err);
	if (rc)
		return rc;
	return c->together ? lf_file_sync_system(fd, "blocks", err) : lf_file_sync(fd, LIST, err);
}

int lf_blob_blocks_commit(const char *data_dir, const struct lf_blob_target *target, int dir,
			  const struct lf_blob_pick *picks, size_t n, const char *draft,
			  uint64_t *ret_size, struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	LF_CLEANUP(committing_done)
	struct committing c = {.names = &names,
			       .draft = draft,
			       .dir = dir,
			       .together = n > SYNCED_APART,
			       .list = LF_BUF_INIT};

	int rc = lf_blob_names(data_dir, target, &names, err);
	if (!rc)
		rc = read_before(&c, err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = add_pick(&c, &picks[i], i, err);
	if (!rc)
		rc = write_list(&c, err);
	if (!rc)
		*ret_size = c.size;
	return rc;
}

int lf_blob_blocks_drop(const char *data_dir, const struct lf_blob_target *target,
			struct lf_error *err)
{
	struct lf_blob_names names LF_CLEANUP(lf_blob_names_done) = {0};
	int rc = lf_blob_names(data_dir, target, &names, err);

	return rc ? rc : lf_dir_remove(names.staged, err);
}

int lf_blob_blocks_sweep(const char *path, int64_t now_ns, struct lf_error *err)
{
	LF_AUTO_FREE char *mark = lf_printf_dup("%s/" BOOT, path);
	LF_AUTO_BUF then = LF_BUF_INIT;
	LF_AUTO_BUF now = LF_BUF_INIT;
	struct lf_error ignored;
	struct stat st;

	if (!mark)
		return lf_fail_nomem(err);
	if (stat(path, &st) == 0 && lf_file_read(mark, 64, &then, &ignored) == 0 &&
	    lf_file_read(BOOT_ID, 64, &now, &ignored) == 0 &&
	    strcmp(lf_buf_text(&then), lf_buf_text(&now)) == 0 &&
	    now_ns - st.st_mtim.tv_sec * LF_NS_PER_S < STAGED_DAYS * 86400 * LF_NS_PER_S)
		return 0;
	return lf_dir_remove(path, err);
}
