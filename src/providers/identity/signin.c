/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A try, in this order: is its secret known to be right, has it to wait for
 * earlier wrong ones, is there room in the queue; then the one thread checks
 * it, and remembers right and wrong ones by keyed digests.  All of it is
 * memory: after a restart nothing is known, and nobody has to wait.
 */
#include "providers/identity/signin.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/counters.h"
#include "base/lock.h"
#include "base/text.h"
#include "crypto/token.h"
#include "http/sender.h"

#define KNOWN	 128 /* secrets that were right; the oldest makes room */
#define FAILURES 512 /* senders and their client ids; the oldest makes room */
#define KEY_SIZE 32  /* bytes */

/* Of no secret: what is checked where there is no such client id. */
static const char nobody[] = "scrypt$00000000000000000000000000000000$"
			     "0000000000000000000000000000000000000000000000000000000000000000";

struct known { /* a secret that was right */
	uint8_t digest[KEY_SIZE];
	int64_t until_ns;
};

struct failure { /* wrong secrets of a client id from an address, or of an address */
	uint8_t key[KEY_SIZE];
	unsigned times;
	int64_t last_ns;
};

LF_LOCK_KIND(sign_in_lock);
struct lf_sign_in {
	const struct lf_clock *clock;
	uint8_t key[KEY_SIZE]; /* of this process: of all digests here */
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct lf_sign_in_try queue[LF_SIGN_IN_QUEUE] LF_GUARDED_BY(sign_in_lock); /* a ring */
	unsigned first LF_GUARDED_BY(sign_in_lock), waiting LF_GUARDED_BY(sign_in_lock);
	bool stopping LF_GUARDED_BY(sign_in_lock), running;
	pthread_t thread;
	struct known known[KNOWN] LF_GUARDED_BY(sign_in_lock);
	struct failure failures[FAILURES] LF_GUARDED_BY(sign_in_lock);
};

/* HMAC of texts, the length of each before it. */
static void digest(const struct lf_sign_in *sign_in, const char *const *texts, size_t n,
		   uint8_t ret_digest[static KEY_SIZE])
{
	LF_AUTO_BUF all = LF_BUF_INIT;
	unsigned size = KEY_SIZE;

	for (size_t i = 0; i < n; i++)
		lf_buf_printf(&all, "%zu:%s", strlen(texts[i]), texts[i]);
	/* without memory it is a digest that nothing has */
	if (all.failed || !HMAC(EVP_sha256(), sign_in->key, KEY_SIZE,
				(const unsigned char *)all.data, all.len, ret_digest, &size))
		(void)!RAND_bytes(ret_digest, KEY_SIZE);
	if (all.data)
		OPENSSL_cleanse(all.data, all.len);
}

static void digest_secret(const struct lf_sign_in *sign_in, const struct lf_sign_in_try *attempt,
			  uint8_t ret_digest[static KEY_SIZE])
{
	const char *const texts[] = {attempt->client_id, attempt->secret, attempt->stored};

	digest(sign_in, texts, LF_N(texts), ret_digest);
}

static void digest_failures(const struct lf_sign_in *sign_in, const struct lf_sign_in_try *attempt,
			    uint8_t ret_client[static KEY_SIZE],
			    uint8_t ret_address[static KEY_SIZE])
{
	struct lf_sender sender = lf_sender_parse(attempt->address);
	char from[LF_SENDER_SIZE], client[64];

	lf_sender_text(&sender, from);
	/* ids are found in either case; no id is longer */
	snprintf(client, sizeof(client), "%s", attempt->client_id);
	for (char *p = client; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	const char *const texts[] = {from, client};
	digest(sign_in, texts, 2, ret_client);
	digest(sign_in, texts, 1, ret_address);
}

LF_REQUIRES(sign_in_lock)
static bool is_known(struct lf_sign_in *sign_in, const uint8_t wanted[static KEY_SIZE])
{
	int64_t now_ns = lf_clock_now_ns(sign_in->clock);

	for (size_t i = 0; i < KNOWN; i++) {
		struct known *known = &sign_in->known[i];
		if (known->until_ns <= now_ns ||
		    CRYPTO_memcmp(known->digest, wanted, KEY_SIZE) != 0)
			continue;
		known->until_ns = now_ns + LF_SIGN_IN_KNOWN_S * LF_NS_PER_S;
		return true;
	}
	return false;
}

LF_REQUIRES(sign_in_lock)
static void remember(struct lf_sign_in *sign_in, const uint8_t right[static KEY_SIZE])
{
	struct known *oldest = &sign_in->known[0];

	for (size_t i = 1; i < KNOWN; i++)
		if (sign_in->known[i].until_ns < oldest->until_ns)
			oldest = &sign_in->known[i];
	memcpy(oldest->digest, right, KEY_SIZE);
	oldest->until_ns = lf_clock_now_ns(sign_in->clock) + LF_SIGN_IN_KNOWN_S * LF_NS_PER_S;
}

/* The row of a key; NULL: none, and make is false. */
LF_REQUIRES(sign_in_lock)
static struct failure *find_failure(struct lf_sign_in *sign_in, const uint8_t key[static KEY_SIZE],
				    bool make)
{
	struct failure *oldest = &sign_in->failures[0];

	for (size_t i = 0; i < FAILURES; i++) {
		struct failure *row = &sign_in->failures[i];
		if (row->times && memcmp(row->key, key, KEY_SIZE) == 0)
			return row;
		if (row->last_ns < oldest->last_ns)
			oldest = row;
	}
	if (!make)
		return NULL;
	*oldest = (struct failure){0};
	memcpy(oldest->key, key, KEY_SIZE);
	return oldest;
}

/* Seconds until another try is let in; 0: now. */
LF_REQUIRES(sign_in_lock)
static unsigned delay_of(struct lf_sign_in *sign_in, const uint8_t key[static KEY_SIZE],
			 unsigned free_tries)
{
	const struct failure *row = find_failure(sign_in, key, false);
	int64_t now_ns = lf_clock_now_ns(sign_in->clock);

	if (!row || row->times < free_tries ||
	    row->last_ns + LF_SIGN_IN_FORGET_S * LF_NS_PER_S < now_ns)
		return 0;
	unsigned over = row->times - free_tries;
	int64_t delay_s = over > 6 ? LF_SIGN_IN_DELAY_S : INT64_C(1) << over;
	if (delay_s > LF_SIGN_IN_DELAY_S)
		delay_s = LF_SIGN_IN_DELAY_S;
	int64_t left_ns = row->last_ns + delay_s * LF_NS_PER_S - now_ns;
	return left_ns <= 0 ? 0 : (unsigned)((left_ns + LF_NS_PER_S - 1) / LF_NS_PER_S);
}

LF_REQUIRES(sign_in_lock)
static void count_failure(struct lf_sign_in *sign_in, const uint8_t key[static KEY_SIZE])
{
	struct failure *row = find_failure(sign_in, key, true);
	int64_t now_ns = lf_clock_now_ns(sign_in->clock);

	if (row->last_ns + LF_SIGN_IN_FORGET_S * LF_NS_PER_S < now_ns)
		row->times = 0;
	row->times++;
	row->last_ns = now_ns;
}

/* Is the result known without looking at the secret's hash? */
LF_REQUIRES(sign_in_lock)
static bool known_at_once(struct lf_sign_in *sign_in, const struct lf_sign_in_try *attempt,
			  enum lf_sign_in_result *ret_result, unsigned *ret_retry_s)
{
	uint8_t secret[KEY_SIZE], client[KEY_SIZE], address[KEY_SIZE];

	digest_secret(sign_in, attempt, secret);
	if (attempt->stored[0] && is_known(sign_in, secret)) {
		*ret_result = LF_SIGN_IN_RIGHT;
		return true;
	}
	digest_failures(sign_in, attempt, client, address);
	unsigned by_client = delay_of(sign_in, client, LF_SIGN_IN_FREE);
	unsigned by_address = delay_of(sign_in, address, LF_SIGN_IN_ADDRESS_FREE);
	*ret_retry_s = by_client > by_address ? by_client : by_address;
	*ret_result = LF_SIGN_IN_DELAYED;
	return *ret_retry_s > 0;
}

static enum lf_sign_in_result check_secret(struct lf_sign_in *sign_in,
					   const struct lf_sign_in_try *attempt)
{
	uint8_t secret[KEY_SIZE], client[KEY_SIZE], address[KEY_SIZE];
	bool exists = attempt->stored[0];
	bool right =
		lf_secret_matches(exists ? attempt->stored : nobody, attempt->secret) && exists;

	digest_secret(sign_in, attempt, secret);
	digest_failures(sign_in, attempt, client, address);
	LF_GUARD(&sign_in->mutex, sign_in_lock);
	if (right) {
		struct failure *row = find_failure(sign_in, client, false);
		if (row)
			*row = (struct failure){0};
		remember(sign_in, secret);
		return LF_SIGN_IN_RIGHT;
	}
	count_failure(sign_in, client);
	count_failure(sign_in, address);
	return LF_SIGN_IN_WRONG;
}

static void try_done(struct lf_sign_in_try *attempt)
{
	if (attempt->secret)
		OPENSSL_cleanse(attempt->secret, strlen(attempt->secret));
	free(attempt->client_id);
	free(attempt->secret);
	free(attempt->stored);
}

static void *work(void *context)
{
	struct lf_sign_in *sign_in = context;

	for (;;) {
		enum lf_sign_in_result result = LF_SIGN_IN_BUSY;
		unsigned retry_s = 1;
		lf_lock(&sign_in->mutex, sign_in_lock);
		while (!sign_in->waiting && !sign_in->stopping)
			pthread_cond_wait(&sign_in->more, &sign_in->mutex);
		if (!sign_in->waiting) {
			lf_unlock(&sign_in->mutex, sign_in_lock);
			return NULL;
		}
		struct lf_sign_in_try attempt = sign_in->queue[sign_in->first];
		sign_in->queue[sign_in->first] = (struct lf_sign_in_try){0};
		sign_in->first = (sign_in->first + 1) % LF_SIGN_IN_QUEUE;
		sign_in->waiting--;
		/* what came before it in the queue may have answered it */
		bool known =
			sign_in->stopping || known_at_once(sign_in, &attempt, &result, &retry_s);
		lf_unlock(&sign_in->mutex, sign_in_lock);
		if (!known)
			result = check_secret(sign_in, &attempt);
		attempt.done(attempt.context, result, retry_s);
		try_done(&attempt);
	}
}

/* How many of those that wait are of the sender of this address. */
LF_REQUIRES(sign_in_lock)
static unsigned waiting_of(const struct lf_sign_in *sign_in, const char *address)
{
	struct lf_sender sender = lf_sender_parse(address);
	unsigned n = 0;

	for (unsigned i = 0; i < sign_in->waiting; i++) {
		const struct lf_sign_in_try *waiting =
			&sign_in->queue[(sign_in->first + i) % LF_SIGN_IN_QUEUE];
		struct lf_sender other = lf_sender_parse(waiting->address);
		n += lf_sender_same(&other, &sender);
	}
	return n;
}

static bool copy_try(const struct lf_sign_in_try *attempt, struct lf_sign_in_try *ret_copy)
{
	*ret_copy = *attempt;
	ret_copy->client_id = strdup(attempt->client_id);
	ret_copy->secret = strdup(attempt->secret);
	ret_copy->stored = strdup(attempt->stored);
	return ret_copy->client_id && ret_copy->secret && ret_copy->stored;
}

bool lf_sign_in_check(struct lf_sign_in *sign_in, const struct lf_sign_in_try *attempt,
		      void (*before_wait)(void *context), enum lf_sign_in_result *ret_result,
		      unsigned *ret_retry_s)
{
	struct lf_sign_in_try copy;

	LF_GUARD(&sign_in->mutex, sign_in_lock);
	if (known_at_once(sign_in, attempt, ret_result, ret_retry_s)) {
		if (*ret_result == LF_SIGN_IN_DELAYED)
			lf_count("sign_ins_delayed", NULL, 1);
		return true;
	}
	bool room = !sign_in->stopping && sign_in->waiting < LF_SIGN_IN_QUEUE &&
		    waiting_of(sign_in, attempt->address) < LF_SIGN_IN_ADDRESS;
	bool copied = copy_try(attempt, &copy);
	if (!room || !copied) {
		try_done(&copy);
		lf_count("limits_hit", "sign_in_queue", 1);
		*ret_result = LF_SIGN_IN_BUSY;
		*ret_retry_s = 1;
		return true;
	}
	before_wait(attempt->context);
	sign_in->queue[(sign_in->first + sign_in->waiting++) % LF_SIGN_IN_QUEUE] = copy;
	pthread_cond_signal(&sign_in->more);
	return false;
}

int lf_sign_in_open(const struct lf_clock *clock, struct lf_sign_in **ret_sign_in,
		    struct lf_error *err)
{
	struct lf_sign_in *sign_in = calloc(1, sizeof(*sign_in));

	if (!sign_in)
		return lf_fail_nomem(err);
	sign_in->clock = clock;
	pthread_mutex_init(&sign_in->mutex, NULL);
	pthread_cond_init(&sign_in->more, NULL);
	int rc = RAND_bytes(sign_in->key, KEY_SIZE) == 1
			 ? 0
			 : lf_fail(err, LF_EINTERNAL, NULL, "there are no random numbers");
	int sys = rc ? 0 : pthread_create(&sign_in->thread, NULL, work, sign_in);
	if (sys)
		rc = lf_fail_sys(err, sys, NULL, "cannot start a thread");
	sign_in->running = !rc;
	if (rc) {
		lf_sign_in_free(sign_in);
		return rc;
	}
	*ret_sign_in = sign_in;
	return 0;
}

void lf_sign_in_stop(struct lf_sign_in *sign_in)
{
	if (!sign_in)
		return;
	LF_GUARD(&sign_in->mutex, sign_in_lock);
	sign_in->stopping = true;
	pthread_cond_signal(&sign_in->more);
}

void lf_sign_in_free(struct lf_sign_in *sign_in)
{
	if (!sign_in)
		return;
	lf_sign_in_stop(sign_in);
	if (sign_in->running)
		pthread_join(sign_in->thread, NULL);
	pthread_mutex_destroy(&sign_in->mutex);
	pthread_cond_destroy(&sign_in->more);
	OPENSSL_cleanse(sign_in, sizeof(*sign_in));
	free(sign_in);
}
