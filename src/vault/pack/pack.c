/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer appends sealed records through a buffer, notes their entries, and
 * ends with the footer, whose digest is the name, and a sync.  A kill before
 * the end leaves a file under a temporary name, which nobody takes for a pack;
 * the owner of the directory sweeps it.
 */
#include "vault/pack/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"
#include "vault/pack/pack_internal.h"

#define BUFFER_BYTES  (1u << 20)
#define TABLE_INITIAL 1024u /* power of two */

struct lf_pack_writer {
	char *path;
	int fd;
	struct lf_sealer *sealer;
	struct lf_codec *codec;
	enum lf_effort effort;
	uint8_t key[32];
	uint8_t header[LF_PACK_HEADER_SIZE];
	uint8_t *scratch; /* one compressed chunk */
	uint8_t *buffer;  /* the file's bytes from flushed on */
	size_t used;
	uint64_t flushed;
	uint64_t plain;		      /* bytes that its chunks hold */
	struct lf_pack_footer footer; /* entries in writing order until finished */
	uint32_t room;
	uint32_t *table; /* id -> entry number + 1, open addressing */
	uint32_t table_size;
	bool finished;
	bool broken; /* a write failed: nothing more can be added */
};

void lf_pack_writer_free(struct lf_pack_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0) {
		close(writer->fd);
		if (!writer->finished)
			unlink(writer->path);
	}
	lf_sealer_free(writer->sealer);
	lf_codec_free(writer->codec);
	lf_pack_footer_done(&writer->footer);
	OPENSSL_cleanse(writer->key, sizeof(writer->key));
	free(writer->scratch);
	free(writer->buffer);
	free(writer->table);
	free(writer->path);
	free(writer);
}

static int writer_begin(struct lf_pack_writer *writer, const struct lf_domain_key *key,
			const char *path, struct lf_error *err)
{
	writer->path = strdup(path);
	writer->scratch = malloc(LF_CHUNK_BYTES_MAX);
	writer->buffer = malloc(BUFFER_BYTES);
	writer->table_size = TABLE_INITIAL;
	writer->table = calloc(TABLE_INITIAL, sizeof(*writer->table));
	if (!writer->path || !writer->scratch || !writer->buffer || !writer->table)
		return lf_fail_nomem(err);
	int rc = lf_sealer_new(&writer->sealer, err);
	if (!rc)
		rc = lf_codec_new(&writer->codec, err);
	if (rc)
		return rc;
	writer->footer.epoch = key->epoch;
	if (RAND_bytes(writer->footer.salt, LF_PACK_SALT_SIZE) != 1)
		return lf_fail(err, LF_EINTERNAL, NULL, "no random bytes to be had");
	if (key->owned) {
		writer->footer.flags = LF_PACK_OWNED;
		memcpy(writer->footer.salt + LF_PACK_SALT_SIZE - LF_OWNER_SIZE, key->owner,
		       LF_OWNER_SIZE);
	}
	rc = lf_pack_key(key, key->epoch, writer->footer.flags, writer->footer.salt, writer->key,
			 err);
	if (!rc)
		rc = lf_sealer_set_key(writer->sealer, writer->key, err);
	if (rc)
		return rc;
	lf_pack_header_encode(key->epoch, writer->footer.flags, writer->footer.salt,
			      writer->header);
	memcpy(writer->buffer, writer->header, LF_PACK_HEADER_SIZE);
	writer->used = LF_PACK_HEADER_SIZE;
	writer->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		return lf_fail_sys(err, errno, path, "cannot make %s", path);
	return 0;
}

int lf_pack_writer_new(const struct lf_domain_key *key, const char *path,
		       struct lf_pack_writer **ret_writer, struct lf_error *err)
{
	struct lf_pack_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return lf_fail_nomem(err);
	writer->fd = -1;
	int rc = writer_begin(writer, key, path, err);
	if (rc) {
		lf_pack_writer_free(writer);
		return rc;
	}
	*ret_writer = writer;
	return 0;
}

static int flush_buffer(struct lf_pack_writer *writer, struct lf_error *err)
{
	int rc = lf_file_pwrite_all(writer->fd, writer->buffer, writer->used, writer->flushed,
				    writer->path, err);
	if (rc) {
		writer->broken = true;
		return rc;
	}
	writer->flushed += writer->used;
	writer->used = 0;
	return 0;
}

static uint32_t *table_slot(const struct lf_pack_writer *writer, const struct lf_chunk_id *id)
{
	uint64_t hash;

	memcpy(&hash, id->bytes, sizeof(hash));
	for (uint32_t i = (uint32_t)hash & (writer->table_size - 1);;
	     i = (i + 1) & (writer->table_size - 1)) {
		uint32_t entry = writer->table[i];
		if (!entry ||
		    memcmp(writer->footer.entries[entry - 1].id.bytes, id->bytes, 32) == 0)
			return &writer->table[i];
	}
}

static int grow_table(struct lf_pack_writer *writer, struct lf_error *err)
{
	uint32_t *table = calloc((size_t)writer->table_size * 2, sizeof(*table));

	if (!table)
		return lf_fail_nomem(err);
	free(writer->table);
	writer->table = table;
	writer->table_size *= 2;
	for (uint32_t i = 0; i < writer->footer.count; i++)
		*table_slot(writer, &writer->footer.entries[i].id) = i + 1;
	return 0;
}

static int grow_entries(struct lf_pack_writer *writer, struct lf_error *err)
{
	struct lf_pack_footer *footer = &writer->footer;

	if (footer->count == LF_PACK_ENTRIES_MAX)
		return lf_fail(err, LF_ETOOLARGE, writer->path, "the pack is full");
	if (footer->count == writer->room) {
		uint32_t room = writer->room ? writer->room * 2 : 256;
		struct lf_pack_entry *entries =
			reallocarray(footer->entries, room, sizeof(*entries));
		if (!entries)
			return lf_fail_nomem(err);
		footer->entries = entries;
		writer->room = room;
	}
	return footer->count >= writer->table_size / 2 ? grow_table(writer, err) : 0;
}

int lf_pack_writer_add_coded(struct lf_pack_writer *writer, const struct lf_pack_entry *like,
			     const void *coded, size_t len, struct lf_error *err)
{
	struct lf_pack_footer *footer = &writer->footer;
	uint8_t aad[LF_RECORD_AAD_SIZE], nonce[12];
	size_t stored = len + LF_TAG_SIZE;

	if (writer->broken || writer->finished)
		return lf_fail(err, LF_EINVAL, writer->path, "the pack is closed");
	if (lf_pack_writer_size(writer) + stored + LF_PACK_ENTRY_SIZE > LF_PACK_BYTES_MAX)
		return lf_fail(err, LF_ETOOLARGE, writer->path, "the pack is full");
	int rc = grow_entries(writer, err);
	if (!rc && *table_slot(writer, &like->id))
		rc = lf_fail(err, LF_EEXISTS, writer->path, "the chunk is in the pack already");
	if (!rc && writer->used + stored > BUFFER_BYTES)
		rc = flush_buffer(writer, err);
	if (rc)
		return rc;
	struct lf_pack_entry *entry = &footer->entries[footer->count];
	*entry = *like;
	entry->offset = writer->flushed + writer->used;
	entry->stored = (uint32_t)stored;
	entry->record = footer->count;
	lf_record_aad(&entry->id, entry->plain, entry->coding, entry->kind, aad);
	lf_record_nonce(entry->record, nonce);
	uint8_t *out = writer->buffer + writer->used;
	rc = lf_seal(writer->sealer, nonce, aad, sizeof(aad), coded, len, out, err);
	if (rc)
		return rc;
	lf_record_hash(out, stored, entry->hash);
	writer->used += stored;
	writer->plain += entry->plain;
	footer->count++;
	*table_slot(writer, &like->id) = footer->count;
	return 0;
}

int lf_pack_writer_add_kind(struct lf_pack_writer *writer, const struct lf_chunk_id *id,
			    enum lf_chunk_kind kind, const void *data, size_t len,
			    struct lf_error *err)
{
	struct lf_pack_entry like = {.id = *id, .plain = (uint32_t)len, .kind = kind};

	if (len == 0 || len > LF_CHUNK_BYTES_MAX)
		return lf_fail(err, LF_EINVAL, NULL, "a chunk has 1 to %u bytes",
			       LF_CHUNK_BYTES_MAX);
	size_t n = lf_codec_pack(writer->codec, writer->effort, data, len, writer->scratch,
				 &like.coding);
	const void *coded = like.coding == LF_CODING_RAW ? data : writer->scratch;
	return lf_pack_writer_add_coded(writer, &like, coded, n, err);
}

int lf_pack_writer_add(struct lf_pack_writer *writer, const struct lf_chunk_id *id,
		       const void *data, size_t len, struct lf_error *err)
{
	return lf_pack_writer_add_kind(writer, id, LF_CHUNK_DATA, data, len, err);
}

uint64_t lf_pack_writer_size(const struct lf_pack_writer *writer)
{
	return writer->flushed + writer->used +
	       (uint64_t)writer->footer.count * LF_PACK_ENTRY_SIZE + LF_PACK_TRAILER_SIZE;
}

bool lf_pack_writer_is_full(const struct lf_pack_writer *writer)
{
	return lf_pack_writer_size(writer) >= LF_PACK_TARGET_BYTES ||
	       writer->plain >= LF_PACK_PLAIN_TARGET;
}

int lf_pack_writer_finish(struct lf_pack_writer *writer, char ret_name[static LF_PACK_NAME_SIZE],
			  struct lf_error *err)
{
	struct lf_pack_footer *footer = &writer->footer;
	LF_AUTO_BUF tail = LF_BUF_INIT;

	if (writer->broken || writer->finished)
		return lf_fail(err, LF_EINVAL, writer->path, "the pack is closed");
	int rc = flush_buffer(writer, err);
	if (rc)
		return rc;
	writer->broken = true; /* entries lose their order below: no second try */
	rc = lf_pack_footer_encode(writer->header, footer->entries, footer->count, writer->flushed,
				   &tail, footer->name, err);
	if (!rc)
		rc = lf_file_pwrite_all(writer->fd, tail.data, tail.len, writer->flushed,
					writer->path, err);
	LF_CRASH_POINT("vault-pack-written");
	if (!rc)
		rc = lf_file_sync(writer->fd, writer->path, err);
	if (rc)
		return rc;
	LF_CRASH_POINT("vault-pack-synced");
	writer->finished = true;
	footer->size = writer->flushed + tail.len;
	lf_hex_encode(footer->name, 32, ret_name);
	return 0;
}

const struct lf_pack_entry *lf_pack_writer_find(const struct lf_pack_writer *writer,
						const struct lf_chunk_id *id)
{
	uint32_t entry = writer->broken ? 0 : *table_slot(writer, id);

	return entry ? &writer->footer.entries[entry - 1] : NULL;
}

int lf_pack_writer_read(struct lf_pack_writer *writer, void *data, size_t len, uint64_t offset,
			struct lf_error *err)
{
	if (offset < writer->flushed) /* records never straddle: a flush ends with a record */
		return lf_file_pread_all(writer->fd, data, len, offset, writer->path, err);
	memcpy(data, writer->buffer + (offset - writer->flushed), len);
	return 0;
}

uint32_t lf_pack_writer_count(const struct lf_pack_writer *writer)
{
	return writer->footer.count;
}

const uint8_t *lf_pack_writer_key(const struct lf_pack_writer *writer)
{
	return writer->key;
}

const struct lf_pack_footer *lf_pack_writer_footer(const struct lf_pack_writer *writer)
{
	return &writer->footer;
}

int lf_record_open(struct lf_sealer *sealer, struct lf_codec *codec,
		   const struct lf_pack_entry *entry, const void *record, void *scratch, void *out,
		   struct lf_error *err)
{
	uint8_t aad[LF_RECORD_AAD_SIZE], nonce[12];
	bool raw = entry->coding == LF_CODING_RAW;

	if (raw && entry->stored != entry->plain + LF_TAG_SIZE)
		return lf_fail(err, LF_ECORRUPT, NULL, "a stored chunk has not its size");
	lf_record_aad(&entry->id, entry->plain, entry->coding, entry->kind, aad);
	lf_record_nonce(entry->record, nonce);
	int rc = lf_unseal(sealer, nonce, aad, sizeof(aad), record, entry->stored,
			   raw ? out : scratch, err);
	if (rc || raw)
		return rc;
	return lf_codec_unpack(codec, entry->coding, scratch, entry->stored - LF_TAG_SIZE, out,
			       entry->plain, err);
}

bool lf_pack_writer_is_of(const struct lf_pack_writer *writer, const uint8_t *owner)
{
	const uint8_t *own = lf_pack_owner(writer->footer.flags, writer->footer.salt);

	return own && owner ? memcmp(own, owner, LF_OWNER_SIZE) == 0 : own == owner;
}

const char *lf_pack_writer_path(const struct lf_pack_writer *writer)
{
	return writer->path;
}

void lf_pack_writer_set_effort(struct lf_pack_writer *writer, enum lf_effort effort)
{
	struct lf_pack_footer *footer = &writer->footer;

	writer->effort = effort;
	if (effort != LF_EFFORT_BEST || footer->count)
		return;
	footer->flags |= LF_PACK_DENSE;
	lf_pack_header_encode(footer->epoch, footer->flags, footer->salt, writer->header);
	memcpy(writer->buffer, writer->header, LF_PACK_HEADER_SIZE);
}
