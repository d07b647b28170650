/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/identity/signin.h - secrets are checked in a queue of their own.
 *
 * Checking one is slow on purpose (scrypt), so it is done by one thread, not by
 * those that serve; a request waits without a thread (lf_http_suspend).  At
 * most LF_SIGN_IN_QUEUE wait, LF_SIGN_IN_ADDRESS of them of one address; what
 * counts as one address: http/sender.h.
 *
 * A secret that was right is remembered for LF_SIGN_IN_KNOWN_S seconds after it was used last, as a
 * hash with a key of this process: clients that sign in again do not wait, and wrong secrets of
 * others behind their address do not keep them out.  That is longer than a token is good for.  It
 * holds for the hash that is stored now, so a changed secret is not outlived.
 *
 * After LF_SIGN_IN_FREE wrong secrets for a client id from one address the next try from there
 * has to wait, 1 s, then 2, 4, ... up to LF_SIGN_IN_DELAY_S; of an address with whatever client
 * ids after LF_SIGN_IN_ADDRESS_FREE.  Other addresses are not delayed by it, nor is a secret that
 * is remembered.  What is not tried any more is forgotten after LF_SIGN_IN_FORGET_S.
 *
 * An unknown client id costs and answers the same as a wrong secret.
 *
 * Threads: any; one mutex, never held while a secret is checked.
 */
#ifndef LF_PROVIDERS_IDENTITY_SIGNIN_H
#define LF_PROVIDERS_IDENTITY_SIGNIN_H

#include "base/clock.h"
#include "base/error.h"

#define LF_SIGN_IN_QUEUE	64u /* tries that wait */
#define LF_SIGN_IN_ADDRESS	48u
#define LF_SIGN_IN_KNOWN_S	(24 * 3600)
#define LF_SIGN_IN_FREE		5u /* wrong secrets without a delay */
#define LF_SIGN_IN_ADDRESS_FREE 30u
#define LF_SIGN_IN_DELAY_S	60
#define LF_SIGN_IN_FORGET_S	900

enum lf_sign_in_result {
	LF_SIGN_IN_RIGHT,
	LF_SIGN_IN_WRONG,   /* or there is no such client id */
	LF_SIGN_IN_DELAYED, /* too many wrong ones: not tried */
	LF_SIGN_IN_BUSY,    /* the queue is full, or the site stops: not tried */
};

struct lf_sign_in_try {
	char *client_id, *secret; /* copied by lf_sign_in_check(), secret wiped */
	char address[64];
	/* The hash that is stored; "": there is no such client id.  Copied. */
	char *stored;
	/* Called once, on the queue's thread.  retry_s: when to come again, where it was not tried.
	 */
	void (*done)(void *context, enum lf_sign_in_result result, unsigned retry_s);
	void *context;
};

struct lf_sign_in;
LF_MUST_CHECK int lf_sign_in_open(const struct lf_clock *clock, struct lf_sign_in **ret_sign_in,
				  struct lf_error *err);
/* What waits is answered with LF_SIGN_IN_BUSY, and what comes, too. */
void lf_sign_in_stop(struct lf_sign_in *sign_in);
void lf_sign_in_free(struct lf_sign_in *sign_in);

/*
 * Check a secret.  true: *ret_result (and *ret_retry_s) is known at once, done is not called.
 * false: it waits, and done will be called; before_wait(context) is called first, while nothing
 * can be done with it yet.
 */
bool lf_sign_in_check(struct lf_sign_in *sign_in, const struct lf_sign_in_try *attempt,
		      void (*before_wait)(void *context), enum lf_sign_in_result *ret_result,
		      unsigned *ret_retry_s);

#endif
