/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight parts, each with its lock, a table by chunk id and a list in the order
 * of use.  A chunk in use is not in the list and is never dropped; when it is
 * released it becomes the newest, and the oldest go until the part is within
 * its share of the bytes.
 */
#include "vault/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/lock.h"

#define SHARDS	    8u
#define BUCKETS	    4096u
#define ENTRY_EXTRA 128u /* what an entry costs beside its bytes */

LF_LOCK_KIND(shard_lock);
struct entry {
	struct entry *chain LF_GUARDED_BY(shard_lock); /* of the bucket */
	struct entry *older LF_GUARDED_BY(shard_lock),
		*newer LF_GUARDED_BY(shard_lock); /* the order of use; only while unused */
	unsigned refs LF_GUARDED_BY(shard_lock);
	struct lf_cached chunk; /* last */
};

struct shard {
	pthread_mutex_t mutex;
	uint64_t bytes LF_GUARDED_BY(shard_lock), bytes_max;
	struct entry *oldest LF_GUARDED_BY(shard_lock), *newest LF_GUARDED_BY(shard_lock);
	struct entry *buckets[BUCKETS] LF_GUARDED_BY(shard_lock);
};

struct lf_cache {
	struct shard shards[SHARDS];
};

static struct shard *shard_of(struct lf_cache *cache, const struct lf_chunk_id *id)
{
	return &cache->shards[id->bytes[31] % SHARDS];
}

LF_REQUIRES(shard_lock)
static struct entry **bucket_of(struct shard *shard, const struct lf_chunk_id *id)
{
	return &shard->buckets[lf_get_u32(id->bytes) % BUCKETS];
}

static struct entry *entry_of(struct lf_cached *chunk)
{
	return (struct entry *)(void *)((char *)chunk - offsetof(struct entry, chunk));
}

int lf_cache_new(uint64_t bytes_max, struct lf_cache **ret_cache, struct lf_error *err)
{
	struct lf_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return lf_fail_nomem(err);
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&cache->shards[i].mutex, NULL);
		cache->shards[i].bytes_max = bytes_max / SHARDS;
	}
	*ret_cache = cache;
	return 0;
}

void lf_cache_free(struct lf_cache *cache)
{
	if (!cache)
		return;
	LF_ALONE(shard_lock);
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];
		for (size_t j = 0; j < BUCKETS; j++) {
			for (struct entry *entry = shard->buckets[j], *next; entry; entry = next) {
				next = entry->chain;
				free(entry);
			}
		}
		pthread_mutex_destroy(&shard->mutex);
	}
	free(cache);
}

LF_REQUIRES(shard_lock)
static void unlink_use(struct shard *shard, struct entry *entry)
{
	*(entry->older ? &entry->older->newer : &shard->oldest) = entry->newer;
	*(entry->newer ? &entry->newer->older : &shard->newest) = entry->older;
	entry->older = entry->newer = NULL;
}

LF_REQUIRES(shard_lock)
static struct entry *find(struct shard *shard, const struct lf_chunk_id *id)
{
	struct entry *entry = *bucket_of(shard, id);

	while (entry && memcmp(entry->chunk.id.bytes, id->bytes, 32) != 0)
		entry = entry->chain;
	if (entry && entry->refs++ == 0)
		unlink_use(shard, entry);
	return entry;
}

LF_REQUIRES(shard_lock)
static void drop_oldest(struct shard *shard)
{
	while (shard->bytes > shard->bytes_max && shard->oldest) {
		struct entry *entry = shard->oldest;
		struct entry **at = bucket_of(shard, &entry->chunk.id);
		unlink_use(shard, entry);
		while (*at != entry)
			at = &(*at)->chain;
		*at = entry->chain;
		shard->bytes -= entry->chunk.len + ENTRY_EXTRA;
		free(entry);
	}
}

struct lf_cached *lf_cache_get(struct lf_cache *cache, const struct lf_chunk_id *id)
{
	struct shard *shard = shard_of(cache, id);

	LF_GUARD(&shard->mutex, shard_lock);
	struct entry *entry = find(shard, id);
	return entry ? &entry->chunk : NULL;
}

struct lf_cached *lf_cache_put(struct lf_cache *cache, const struct lf_chunk_id *id,
			       const void *data, size_t len)
{
	struct shard *shard = shard_of(cache, id);
	struct entry *entry = malloc(sizeof(*entry) + len);

	if (!entry)
		return NULL;
	*entry = (struct entry){.refs = 1, .chunk = {.id = *id, .len = (uint32_t)len}};
	memcpy(entry->chunk.bytes, data, len);
	LF_GUARD(&shard->mutex, shard_lock);
	struct entry *before = find(shard, id);
	if (before) {
		free(entry);
		return &before->chunk;
	}
	struct entry **bucket = bucket_of(shard, id);
	entry->chain = *bucket;
	*bucket = entry;
	shard->bytes += len + ENTRY_EXTRA;
	drop_oldest(shard);
	return &entry->chunk;
}

void lf_cache_release(struct lf_cache *cache, struct lf_cached *chunk)
{
	if (!chunk)
		return;
	struct shard *shard = shard_of(cache, &chunk->id);
	struct entry *entry = entry_of(chunk);
	LF_GUARD(&shard->mutex, shard_lock);
	if (--entry->refs)
		return;
	entry->older = shard->newest;
	*(shard->newest ? &shard->newest->newer : &shard->oldest) = entry;
	shard->newest = entry;
	drop_oldest(shard);
}
