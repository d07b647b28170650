/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the data plane, without a connection: who is let in, when that is
 * decided, and what then happens to the files.
 */
#include "test.h"

#include "base/fault.h"
#include "base/text.h"
#include "blob/internal.h"
#include "blob/auth/sign.h"
#include "http_standin.h"
#include "vault/open/regions.h"

#define KEY                                                                                        \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
#define OTHER                                                                                      \
	"/////wQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
#define NOW INT64_C(1790000000000000000)

static struct lf_error err;
static const char *key = KEY;

struct site {
	char *dir;
	struct lf_clock *clock;
	struct lf_regions *regions;
	struct lf_blob_service *service;
	const struct lf_http_handler *handler;
};

static int keys_of(void *context, const char *account, json_t **ret_keys, struct lf_error *e)
{
	(void)context;
	if (strcmp(account, "acct") != 0)
		return lf_fail(e, LF_ENOTFOUND, account, "no such account");
	*ret_keys = json_pack("[s]", key);
	return *ret_keys ? 0 : lf_fail_nomem(e);
}

static int nobody(void *context, struct lf_blob_access *access, struct lf_error *e)
{
	(void)context, (void)access;
	return lf_fail(e, LF_EDENIED, NULL, "nobody");
}

static bool closed;

static int admit(void *context, struct lf_blob_access *access, const struct lf_http_exchange *x,
		 struct lf_error *e)
{
	(void)context, (void)access, (void)x;
	return closed ? lf_fail_arm(e, LF_EDENIED, "AuthorizationFailure", NULL, NULL, "closed")
		      : 0;
}

static int setup(void **state)
{
	static const char *const url = "https://site";
	struct site *site = calloc(1, sizeof(*site));
	void *dir = NULL;

	if (!site || test_memory_dir_setup(&dir))
		return -1;
	key = KEY;
	closed = false;
	site->dir = dir;
	site->clock = lf_clock_new_manual(NOW);
	assert_lf_ok(lf_regions_open(site->dir, &site->regions, &err));
	const struct lf_blob_opts opts = {.clock = site->clock,
					  .regions = site->regions,
					  .data_dir = site->dir,
					  .tenant_id = "t",
					  .base_url = (const char *const *)&url,
					  .authorize = nobody,
					  .admit = admit,
					  .keys = keys_of};
	assert_lf_ok(lf_blob_open(&opts, &site->service, &err));
	site->handler = lf_blob_http_handler(site->service);
	assert_lf_ok(lf_blob_account_make(site->dir, "acct", &err));
	assert_lf_ok(lf_blob_container_make(site->dir, "acct", "box", &err));
	*state = site;
	return 0;
}

static int teardown(void **state)
{
	struct site *site = *state;
	void *dir = site->dir;

	lf_blob_free(site->service);
	lf_regions_free(site->regions);
	lf_clock_free(site->clock);
	free(site);
	return test_dir_teardown(&dir);
}

/* An account's signature for all of its blobs, with these permissions; static. */
static const char *signed_for(const char *permissions)
{
	static char query[512];
	struct lf_blob_sas sas = {
		.version = "2021-08-06", .services = "b", .types = "sco", .protocol = "https"};
	char signature[48];
	size_t at;

	snprintf(sas.permissions, sizeof(sas.permissions), "%s", permissions);
	lf_time_format(NOW + 3600 * LF_NS_PER_S, sas.expiry);
	LF_AUTO_FREE char *text = lf_blob_sas_text(&sas, "acct", NULL);
	assert_true(text && lf_blob_hmac(KEY, text, signature));
	at = (size_t)snprintf(query, sizeof(query),
			      "sv=%s&ss=b&srt=sco&sp=%s&spr=https&se=%s&sig=", sas.version,
			      sas.permissions, sas.expiry);
	for (const char *p = signature; *p; p++)
		at += (size_t)snprintf(query + at, sizeof(query) - at,
				       strchr("+/=", *p) ? "%%%02X" : "%c", *p);
	return query;
}

static struct lf_http_exchange asked(const char *method, const char *path, const char *permissions,
				     const char *more)
{
	static char queries[4][768]; /* as many requests are under way at once, at most */
	static unsigned used;
	char *query = queries[used++ % 4];

	snprintf(query, sizeof(queries[0]), "%s%s", permissions ? signed_for(permissions) : "x=y",
		 more ? more : "");
	return (struct lf_http_exchange){.method = method, .path = path, .query = query};
}

static int call(struct site *site, const char *method, const char *path, const char *permissions,
		const char *more)
{
	struct lf_http_exchange x = asked(method, path, permissions, more);

	standin_call(site->handler, &x);
	int status = x.status;
	standin_done(&x);
	return status;
}

static int put(struct site *site, const char *path, const char *permissions, const char *type,
	       const char *body)
{
	struct lf_http_exchange x = asked("PUT", path, permissions, NULL);

	standin_add(&x, "x-ms-blob-type", type);
	if (strcmp(type, "PageBlob") == 0) {
		standin_add(&x, "x-ms-blob-content-length", "1024");
	} else {
		x.body = body;
		x.body_len = strlen(body);
	}
	standin_call(site->handler, &x);
	int status = x.status;
	standin_done(&x);
	return status;
}

static void check_bytes(struct site *site, const char *path, const char *expected)
{
	struct lf_http_exchange x = asked("GET", path, "r", NULL);

	standin_call(site->handler, &x);
	assert_int_equal(x.status, 200);
	assert_string_equal(lf_buf_text(&x.answer), expected);
	standin_done(&x);
}

static void test_stranger__is_asked_who_they_are_before_anything_else(void **state)
{
	struct site *site = *state;

	assert_int_equal(call(site, "GET", "/acct/box/x", NULL, NULL), 401);
	assert_int_equal(call(site, "DELETE", "/acct/box", NULL, "&restype=container"), 401);
	assert_int_equal(put(site, "/acct/box/x", NULL, "BlockBlob", "x"), 401);
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", NULL), 404);
}

static void test_signature__with_create_makes_and_never_replaces(void **state)
{
	struct site *site = *state;

	assert_int_equal(put(site, "/acct/box/x", "c", "BlockBlob", "first"), 201);
	assert_int_equal(put(site, "/acct/box/x", "c", "BlockBlob", "second"), 403);
	assert_int_equal(put(site, "/acct/box/x", "c", "PageBlob", NULL), 403);
	check_bytes(site, "/acct/box/x", "first");
	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "third"), 201);
	check_bytes(site, "/acct/box/x", "third");
	assert_int_equal(put(site, "/acct/box/p", "c", "PageBlob", NULL), 201);
	assert_int_equal(put(site, "/acct/box/p", "c", "PageBlob", NULL), 403);
	assert_int_equal(put(site, "/acct/box/p", "c", "BlockBlob", "x"), 403);
	assert_int_equal(put(site, "/acct/box/p", "cw", "BlockBlob", "fourth"), 201);
	check_bytes(site, "/acct/box/p", "fourth");
}

/* Both begin where nothing is; the one that ends second finds a blob. */
static void test_signature__with_create_asks_again_when_the_bytes_have_come(void **state)
{
	struct site *site = *state;
	struct lf_http_exchange x = asked("PUT", "/acct/box/x", "c", NULL);

	standin_add(&x, "x-ms-blob-type", "BlockBlob");
	x.body = "late";
	x.body_len = 4;
	assert_int_equal(standin_begin(site->handler, &x), 0);
	assert_int_equal(put(site, "/acct/box/x", "c", "PageBlob", NULL), 201);
	standin_complete(site->handler, &x);
	assert_int_equal(x.status, 403);
	standin_done(&x);
	assert_int_equal(call(site, "DELETE", "/acct/box/x", "d", NULL), 202);
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", NULL), 404);
}

static void test_signature__allows_what_its_letters_say_alone(void **state)
{
	static const struct {
		const char *method, *path, *more, *letters;
	} operations[] = {
		{"GET", "/acct", "&comp=list", "l"},
		{"GET", "/acct/box", "&restype=container&comp=list", "l"},
		{"GET", "/acct/box", "&restype=container", "r"},
		{"PUT", "/acct/new", "&restype=container", "cw"},
		{"DELETE", "/acct/box", "&restype=container", "d"},
		{"GET", "/acct/box/x", NULL, "r"},
		{"HEAD", "/acct/box/x", NULL, "r"},
		{"GET", "/acct/box/x", "&comp=pagelist", "r"},
		{"PUT", "/acct/box/x", "&comp=page", "w"},
		{"DELETE", "/acct/box/x", NULL, "d"},
	};
	static const char all[] = "racwdxyltmeopi";
	struct site *site = *state;

	for (size_t i = 0; i < LF_N(operations); i++)
		for (const char *p = all; *p; p++) {
			const char letter[2] = {*p, '\0'};
			struct lf_http_exchange x = asked(operations[i].method, operations[i].path,
							  letter, operations[i].more);
			int rc = standin_begin(site->handler, &x);
			bool meant = strchr(operations[i].letters, *p);
			if (meant != (rc == 0))
				fail_msg("%s %s%s with %c: %d", operations[i].method,
					 operations[i].path,
					 operations[i].more ? operations[i].more : "", *p,
					 x.status);
			assert_true(meant || x.status == 403);
			standin_done(&x);
		}
}

static void test_signature__of_a_key_that_was_renewed_is_no_more(void **state)
{
	struct site *site = *state;

	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "x"), 201);
	key = OTHER;
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", NULL), 403);
}

static void test_account__that_is_closed_lets_no_right_in(void **state)
{
	struct site *site = *state;

	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "x"), 201);
	closed = true;
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", NULL), 403);
	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "y"), 403);
	/* and strangers do not hear of it */
	assert_int_equal(call(site, "GET", "/acct/box/x", NULL, NULL), 401);
	closed = false;
	check_bytes(site, "/acct/box/x", "x");
}

/* The head comes while there is one account, the body when there is another of its name. */
static void test_account__that_is_made_anew_has_not_let_anybody_in(void **state)
{
	struct site *site = *state;
	struct lf_http_exchange x = asked("DELETE", "/acct/box/x", "d", NULL);

	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "old"), 201);
	assert_int_equal(standin_begin(site->handler, &x), 0);
	assert_lf_ok(lf_blob_account_remove(site->dir, site->regions, "acct", &err));
	assert_lf_ok(lf_blob_account_make(site->dir, "acct", &err));
	assert_lf_ok(lf_blob_container_make(site->dir, "acct", "box", &err));
	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "new"), 201);
	standin_complete(site->handler, &x);
	assert_int_equal(x.status, 404);
	standin_done(&x);
	check_bytes(site, "/acct/box/x", "new");
}

static void test_account__that_is_not_there_is_not_decided_about_later(void **state)
{
	struct site *site = *state;
	struct lf_http_exchange x = asked("GET", "/other/box/x", "r", NULL);

	assert_int_not_equal(standin_begin(site->handler, &x), 0);
	assert_int_equal(x.status, 404);
	standin_done(&x);
}

static void test_upload__that_a_kill_cut_is_nowhere(void **state)
{
	struct site *site = *state;
	struct lf_http_exchange x = asked("PUT", "/acct/box/x", "w", NULL);
	LF_AUTO_FREE char *uploads = lf_printf_dup("%s/accounts/acct/.uploads", site->dir);

	standin_add(&x, "x-ms-blob-type", "BlockBlob");
	x.body = "half";
	x.body_len = 4;
	assert_int_equal(standin_begin(site->handler, &x), 0);
	assert_int_equal(x.begin.sink(x.begin.context, x.body, x.body_len, &err), 0);
	assert_int_equal(access(uploads, F_OK), 0);
	/* what the next start does */
	assert_lf_ok(lf_blob_sweep(site->dir, site->regions, NOW, &err));
	assert_int_not_equal(access(uploads, F_OK), 0);
	standin_done(&x);
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", NULL), 404);
	/* and the next upload has its place again */
	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "whole"), 201);
	check_bytes(site, "/acct/box/x", "whole");
}

/* The list of a container, or of the account. */
static bool lists(struct site *site, const char *path, const char *more, const char *text)
{
	struct lf_http_exchange x = asked("GET", path, "l", more);

	standin_call(site->handler, &x);
	assert_int_equal(x.status, 200);
	bool found = strstr(lf_buf_text(&x.answer), text);
	standin_done(&x);
	return found;
}

static void test_list__has_every_blob_of_a_client_and_nothing_of_ours(void **state)
{
	struct site *site = *state;

	assert_int_equal(put(site, "/acct/box/a.tmp-b", "w", "BlockBlob", "mine"), 201);
	assert_int_equal(put(site, "/acct/box/.tmp-x", "w", "BlockBlob", "mine"), 201);
	assert_true(
		lists(site, "/acct/box", "&restype=container&comp=list", "<Name>a.tmp-b</Name>"));
	assert_true(
		lists(site, "/acct/box", "&restype=container&comp=list", "<Name>.tmp-x</Name>"));
	assert_false(lists(site, "/acct", "&comp=list", "uploads"));
	assert_true(lists(site, "/acct", "&comp=list", "<Name>box</Name>"));
	assert_int_equal(call(site, "DELETE", "/acct/.uploads", "d", "&restype=container"), 400);
	assert_int_equal(call(site, "GET", "/acct/.uploads/x", "r", NULL), 400);
}

static void test_list__encodes_a_name_that_xml_cannot_hold(void **state)
{
	struct site *site = *state;

	assert_int_equal(put(site, "/acct/box/a%0A%3Cb%3E", "w", "BlockBlob", "x"), 201);
	assert_true(lists(site, "/acct/box", "&restype=container&comp=list",
			  "<Name Encoded=\"true\">a%0A%3Cb%3E</Name>"));
	assert_int_equal(put(site, "/acct/box/a%3Cb%3E", "w", "BlockBlob", "x"), 201);
	assert_true(lists(site, "/acct/box", "&restype=container&comp=list",
			  "<Name>a&lt;b&gt;</Name>"));
}

/* A directory where the blob's file would be: the daemon's own errors name it. */
static void test_error__tells_no_path_of_the_site(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accounts/acct/box/x/y", site->dir);
	struct lf_http_exchange x = asked("PUT", "/acct/box/x", "w", NULL);

	assert_lf_ok(lf_dir_make(path, 0700, &err));
	standin_add(&x, "x-ms-blob-type", "BlockBlob");
	standin_call(site->handler, &x);
	assert_true(x.status >= 400);
	assert_null(strstr(lf_buf_text(&x.answer), "accounts"));
	assert_null(strstr(lf_buf_text(&x.answer), site->dir));
	standin_done(&x);
}

static void test_header__that_is_not_obeyed_is_refused(void **state)
{
	static const char *const headers[][2] = {
		{"x-ms-encryption-key", "AAAA"},     {"x-ms-encryption-scope", "s"},
		{"x-ms-copy-action", "abort"},	     {"X-Ms-Source-Range", "bytes=0-5"},
		{"x-ms-source-content-md5", "AAAA"}, {"x-ms-immutability-policy-mode", "unlocked"},
		{"x-ms-legal-hold", "true"},	     {"x-ms-structured-body", "XSM/1.0"},
		{"x-ms-if-tags", "a = 'b'"},	     {"x-ms-if-sequence-number-eq", "1"},
		{"x-ms-lease-duration", "-1"},	     {"x-ms-page-write", "update"},
		{"x-ms-delete-snapshots", "only"},   {"x-ms-blob-not-known-yet", "1"}};
	struct site *site = *state;

	for (size_t i = 0; i < LF_N(headers); i++) {
		struct lf_http_exchange x = asked("PUT", "/acct/box/x", "w", NULL);
		standin_add(&x, "x-ms-blob-type", "BlockBlob");
		standin_add(&x, headers[i][0], headers[i][1]);
		standin_call(site->handler, &x);
		if (x.status != 400)
			fail_msg("%s: %d", headers[i][0], x.status);
		assert_string_equal(standin_answer(&x, "x-ms-error-code"), "UnsupportedHeader");
		standin_done(&x);
	}
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", NULL), 404);
}

/* There are none of them: to delete one must not delete the blob. */
static void test_snapshot_or_version__is_not_the_blob(void **state)
{
	static const char *const queries[] = {"&snapshot=2020-01-01T00:00:00.0000000Z",
					      "&versionid=2020-01-01T00:00:00.0000000Z",
					      "&deletetype=permanent"};
	static const char *const methods[] = {"DELETE", "GET", "PUT"};
	struct site *site = *state;

	struct lf_http_exchange put = asked("PUT", "/acct/box/kept", "w", NULL);
	standin_add(&put, "x-ms-blob-type", "BlockBlob");
	standin_call(site->handler, &put);
	assert_int_equal(put.status, 201);
	standin_done(&put);
	for (size_t i = 0; i < LF_N(queries) * LF_N(methods); i++) {
		struct lf_http_exchange x = asked(methods[i % LF_N(methods)], "/acct/box/kept",
						  "rwd", queries[i / LF_N(methods)]);
		standin_add(&x, "x-ms-blob-type", "BlockBlob");
		standin_call(site->handler, &x);
		assert_true(x.status == 400 || (x.status == 404 && x.method[0] != 'P'));
		standin_done(&x);
	}
	struct lf_http_exchange only = asked("DELETE", "/acct/box/kept", "d", NULL);
	standin_add(&only, "x-ms-delete-snapshots", "only");
	standin_call(site->handler, &only);
	assert_int_equal(only.status, 202);
	standin_done(&only);
	assert_int_equal(call(site, "GET", "/acct/box/kept", "r", NULL), 200);
}

static void test_query__that_cannot_be_read_is_refused(void **state)
{
	struct site *site = *state;

	assert_int_equal(call(site, "GET", "/acct/box/x", "r", "&comp=%00"), 400);
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", "&comp=li%"), 400);
	assert_int_equal(
		call(site, "GET", "/acct/box", "l", "&restype=container&comp=list&maxresults=0"),
		400);
	assert_int_equal(
		call(site, "GET", "/acct/box", "l", "&restype=container&comp=list&maxresults=-1"),
		400);
	assert_int_equal(call(site, "GET", "/acct/box", "l",
			      "&restype=container&comp=list&maxresults=4294967296"),
			 200);
}

/* One request with headers, "name: value" pairs up to NULL; the status, and *x for the rest. */
static int ask(struct site *site, struct lf_http_exchange *x, const char *method, const char *path,
	       const char *more, const char *body, const char *const *headers)
{
	*x = asked(method, path, "racwdlt", more);
	for (; headers && headers[0]; headers += 2)
		standin_add(x, headers[0], headers[1]);
	x->body = body;
	x->body_len = body ? strlen(body) : 0;
	standin_call(site->handler, x);
	return x->status;
}

static void assert_answer(const struct lf_http_exchange *x, const char *name, const char *expected)
{
	const char *text = standin_answer(x, name);

	if (!text || strcmp(text, expected) != 0)
		fail_msg("%s: %s", name, text ? text : "(none)");
}

#define HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Put as the version before put it: bytes in a file of the blob's name, or pages. */
static void write_raw(struct site *site, const char *name, const char *bytes)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accounts/acct/box/%s", site->dir, name);

	assert_lf_ok(lf_file_write_durable(path, bytes, strlen(bytes), 0600, &err));
}

static void test_blob__of_the_version_before_is_read_and_described(void **state)
{
	struct site *site = *state;
	struct lf_http_exchange x;
	char page[512 + 1];

	memset(page, 'p', sizeof(page) - 1);
	page[512] = '\0';
	write_raw(site, "old", "bytes");
	write_raw(site, "old.page", page); /* the form of a blob that another one hides */
	write_raw(site, "pages.page", page);
	check_bytes(site, "/acct/box/old", "bytes");
	assert_int_equal(ask(site, &x, "HEAD", "/acct/box/pages", NULL, NULL, NULL), 200);
	assert_answer(&x, "x-ms-blob-type", "PageBlob");
	standin_done(&x);
	static const char *const names[] = {"/acct/box/old", "/acct/box/pages"};
	for (size_t i = 0; i < LF_N(names); i++) {
		assert_int_equal(ask(site, &x, "PUT", names[i], "&comp=metadata", NULL,
				     HEADERS("x-ms-meta-a", "b")),
				 200);
		standin_done(&x);
		assert_int_equal(ask(site, &x, "GET", names[i], NULL, NULL, NULL), 200);
		assert_answer(&x, "x-ms-meta-a", "b");
		assert_string_equal(lf_buf_text(&x.answer), i ? page : "bytes");
		standin_done(&x);
	}
	assert_int_equal(call(site, "DELETE", "/acct/box/old", "d", NULL), 202);
	assert_int_equal(call(site, "GET", "/acct/box/old", "r", NULL), 404);
}

/* Where a kill cuts a replacement, there are two forms of a name: the directory is the blob. */
static void test_blob__that_hides_another_form_is_the_blob(void **state)
{
	struct site *site = *state;

	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "new"), 201);
	write_raw(site, "x", "old");
	check_bytes(site, "/acct/box/x", "new");
	assert_int_equal(call(site, "DELETE", "/acct/box/x", "d", NULL), 202);
	assert_int_equal(call(site, "GET", "/acct/box/x", "r", NULL), 404);
	assert_true(lists(site, "/acct/box", "&restype=container&comp=list", "<Blobs></Blobs>"));
}

static void test_replacement__that_fails_leaves_bytes_and_properties(void **state)
{
	struct site *site = *state;
	struct lf_http_exchange x;

	assert_int_equal(ask(site, &x, "PUT", "/acct/box/x", NULL, "old",
			     HEADERS("x-ms-blob-type", "BlockBlob", "x-ms-blob-content-type",
				     "text/old", "x-ms-meta-v", "1")),
			 201);
	standin_done(&x);
	lf_fault_set("file-rename=eio");
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/x", NULL, "new",
			     HEADERS("x-ms-blob-type", "BlockBlob", "x-ms-meta-v", "2")),
			 500);
	lf_fault_set(NULL);
	standin_done(&x);
	assert_int_equal(ask(site, &x, "GET", "/acct/box/x", NULL, NULL, NULL), 200);
	assert_answer(&x, "x-ms-meta-v", "1");
	assert_string_equal(lf_buf_text(&x.answer), "old");
	standin_done(&x);
}

static int put_block(struct site *site, const char *id, const char *bytes)
{
	struct lf_http_exchange x;
	char more[128];

	snprintf(more, sizeof(more), "&comp=block&blockid=%s", id);
	int status = ask(site, &x, "PUT", "/acct/box/b", more, bytes, NULL);
	standin_done(&x);
	return status;
}

static int put_list(struct site *site, const char *list)
{
	struct lf_http_exchange x;
	int status = ask(site, &x, "PUT", "/acct/box/b", "&comp=blocklist", list, NULL);

	standin_done(&x);
	return status;
}

static void test_blocks__are_the_blob_when_they_are_committed(void **state)
{
	struct site *site = *state;

	assert_int_equal(put_block(site, "AAAA", "one"), 201);
	assert_int_equal(put_block(site, "AAAB", "two"), 201);
	assert_int_equal(put_block(site, "AAAAAAAA", "long"), 400);
	assert_int_equal(put_block(site, "A", "bad"), 400);
	assert_int_equal(call(site, "GET", "/acct/box/b", "r", NULL), 404);
	assert_int_equal(put_list(site, "<BlockList><Latest>AAAC</Latest></BlockList>"), 400);
	assert_int_equal(put_list(site, "<BlockList><Committed>AAAA</Committed></BlockList>"), 400);
	assert_int_equal(put_list(site, "<BlockList><Latest>AAAB</Latest><Uncommitted>AAAA"
					"</Uncommitted><Latest>AAAB</Latest></BlockList>"),
			 201);
	check_bytes(site, "/acct/box/b", "twoonetwo");
	/* those that are not in the list went with it */
	assert_int_equal(put_list(site, "<BlockList><Uncommitted>AAAA</Uncommitted></BlockList>"),
			 400);
	assert_int_equal(put_block(site, "AAAA", "ONE"), 201);
	check_bytes(site, "/acct/box/b", "twoonetwo");
	assert_int_equal(put_list(site, "<BlockList><Committed>AAAA</Committed><Latest>AAAA"
					"</Latest></BlockList>"),
			 201);
	check_bytes(site, "/acct/box/b", "oneONE");
	assert_int_equal(put_list(site, "<!DOCTYPE x><BlockList/>"), 400);
	assert_int_equal(put_list(site, "<BlockList><Latest>AAAA</Latest>"), 400);
	assert_int_equal(put_list(site, "<BlockList></BlockList>"), 201);
	check_bytes(site, "/acct/box/b", "");
}

static void test_blocks__of_an_earlier_boot_are_swept(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *stage = lf_printf_dup("%s/accounts/acct/box/.b.blocks/.boot", site->dir);

	assert_int_equal(put_block(site, "AAAA", "one"), 201);
	assert_lf_ok(lf_blob_sweep(site->dir, site->regions, NOW, &err));
	assert_int_equal(put_list(site, "<BlockList><Latest>AAAA</Latest></BlockList>"), 201);
	assert_int_equal(put_block(site, "AAAB", "two"), 201);
	assert_lf_ok(lf_file_write_durable(stage, "another", 7, 0600, &err));
	assert_lf_ok(lf_blob_sweep(site->dir, site->regions, NOW, &err));
	assert_int_equal(put_list(site, "<BlockList><Latest>AAAB</Latest></BlockList>"), 400);
	check_bytes(site, "/acct/box/b", "one");
}

/* What a kill leaves behind an append blob's end is written over. */
static void test_append__goes_on_where_the_record_ends(void **state)
{
	struct site *site = *state;
	LF_AUTO_FREE char *path = lf_printf_dup("%s/accounts/acct/box/.a.blob/data", site->dir);
	struct lf_http_exchange x;

	assert_int_equal(put(site, "/acct/box/a", "w", "AppendBlob", ""), 201);
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/a", "&comp=appendblock", "one", NULL),
			 201);
	standin_done(&x);
	FILE *file = fopen(path, "a");
	assert_non_null(file);
	assert_true(fputs("torn!", file) >= 0);
	assert_int_equal(fclose(file), 0);
	check_bytes(site, "/acct/box/a", "one");
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/a", "&comp=appendblock", "two", NULL),
			 201);
	assert_answer(&x, "x-ms-blob-append-offset", "3");
	standin_done(&x);
	check_bytes(site, "/acct/box/a", "onetwo");
}

/* A lease of 15 seconds, and the clock. */
static void test_lease__ends_with_its_time_and_holds_until_then(void **state)
{
	struct site *site = *state;
	struct lf_http_exchange x;
	static const char id[] = "11111111-2222-3333-4444-555555555555";

	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "1"), 201);
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/x", "&comp=lease", NULL,
			     HEADERS("x-ms-lease-action", "acquire", "x-ms-lease-duration", "14")),
			 400);
	standin_done(&x);
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/x", "&comp=lease", NULL,
			     HEADERS("x-ms-lease-action", "acquire", "x-ms-lease-duration", "15",
				     "x-ms-proposed-lease-id", id)),
			 201);
	standin_done(&x);
	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "2"), 412);
	assert_int_equal(call(site, "DELETE", "/acct/box/x", "d", NULL), 412);
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/x", NULL, "3",
			     HEADERS("x-ms-blob-type", "BlockBlob", "x-ms-lease-id", id)),
			 201);
	standin_done(&x);
	lf_clock_step(site->clock, 16 * LF_NS_PER_S);
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/x", NULL, "4",
			     HEADERS("x-ms-blob-type", "BlockBlob", "x-ms-lease-id", id)),
			 412);
	assert_answer(&x, "x-ms-error-code", "LeaseLost");
	standin_done(&x);
	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "5"), 201);
	check_bytes(site, "/acct/box/x", "5");
}

/* With a signature for one blob, a copy reads nothing but what it is for. */
static void test_copy__reads_what_its_source_allows_alone(void **state)
{
	static const char *const sources[][2] = {
		{"https://site/acct/box/x", "403"},	 /* by a signature of the request: none */
		{"https://elsewhere/acct/box/x", "400"}, /* not here */
		{"http://site/acct/box/x", "400"},	 /* not so */
		{"https://site/acct/.uploads/x", "400"}, /* nobody's */
		{"https://site/other/box/x?sig=AAAA", "404"}, /* no such account */
		{"https://site/acct/box/x?sig=AAAA", "403"},
		{"https://site/acct/box/x?sig=AAAA&snapshot=2020", "404"}};
	struct site *site = *state;
	struct lf_http_exchange x;

	assert_int_equal(put(site, "/acct/box/x", "w", "BlockBlob", "source"), 201);
	assert_int_equal(put(site, "/acct/box/y", "w", "BlockBlob", "kept"), 201);
	for (size_t i = 0; i < LF_N(sources); i++) {
		int status = ask(site, &x, "PUT", "/acct/box/y", NULL, NULL,
				 HEADERS("x-ms-copy-source", sources[i][0]));
		if (status != atoi(sources[i][1]))
			fail_msg("%s: %d", sources[i][0], status);
		assert_answer(&x, "x-ms-error-code", "CannotVerifyCopySource");
		standin_done(&x);
	}
	check_bytes(site, "/acct/box/y", "kept");
	LF_AUTO_FREE char *url = lf_printf_dup("https://site/acct/box/x?%s", signed_for("r"));
	assert_int_equal(ask(site, &x, "PUT", "/acct/box/y", NULL, NULL,
			     HEADERS("x-ms-copy-source", url, "If-None-Match", "*")),
			 409);
	assert_null(standin_answer(&x, "x-ms-copy-status")); /* it says success of none */
	standin_done(&x);
	assert_int_equal(
		ask(site, &x, "PUT", "/acct/box/y", NULL, NULL, HEADERS("x-ms-copy-source", url)),
		202);
	standin_done(&x);
	check_bytes(site, "/acct/box/y", "source");
	/* it is a blob of its own */
	assert_int_equal(call(site, "DELETE", "/acct/box/x", "d", NULL), 202);
	check_bytes(site, "/acct/box/y", "source");
	assert_int_equal(ask(site, &x, "HEAD", "/acct/box/y", NULL, NULL, NULL), 200);
	assert_answer(&x, "x-ms-copy-source", "https://site/acct/box/x");
	standin_done(&x);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_stranger__is_asked_who_they_are_before_anything_else),
		TEST(test_signature__with_create_makes_and_never_replaces),
		TEST(test_signature__with_create_asks_again_when_the_bytes_have_come),
		TEST(test_signature__allows_what_its_letters_say_alone),
		TEST(test_signature__of_a_key_that_was_renewed_is_no_more),
		TEST(test_account__that_is_closed_lets_no_right_in),
		TEST(test_account__that_is_made_anew_has_not_let_anybody_in),
		TEST(test_account__that_is_not_there_is_not_decided_about_later),
		TEST(test_upload__that_a_kill_cut_is_nowhere),
		TEST(test_list__has_every_blob_of_a_client_and_nothing_of_ours),
		TEST(test_list__encodes_a_name_that_xml_cannot_hold),
		TEST(test_error__tells_no_path_of_the_site),
		TEST(test_header__that_is_not_obeyed_is_refused),
		TEST(test_snapshot_or_version__is_not_the_blob),
		TEST(test_query__that_cannot_be_read_is_refused),
		TEST(test_blob__of_the_version_before_is_read_and_described),
		TEST(test_blob__that_hides_another_form_is_the_blob),
		TEST(test_replacement__that_fails_leaves_bytes_and_properties),
		TEST(test_blocks__are_the_blob_when_they_are_committed),
		TEST(test_blocks__of_an_earlier_boot_are_swept),
		TEST(test_append__goes_on_where_the_record_ends),
		TEST(test_lease__ends_with_its_time_and_holds_until_then),
		TEST(test_copy__reads_what_its_source_allows_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
