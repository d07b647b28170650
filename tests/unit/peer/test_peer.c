/* SPDX-License-Identifier: Apache-2.0 */
/* Two sites over a real loopback TLS connection: what one sends is at the other, and no more
 * crosses than it lacks. */
#include "unit/vault/vault_fixture.h"

#include <time.h>

#include "crypto/tls.h"
#include "http/server.h"
#include "os/file.h"
#include "peer/inbox.h"
#include "peer/peer.h"
#include "peer/receive.h"
#include "vault/pack/key.h"
#include "vault/lease.h"

#define PAGES  3000
#define SECRET "the-secret-of-the-key"

static struct lf_error err;

/* The fixture's vault is the sender's; what receives is in DIR/two. */
struct sites {
	struct fixture *fixture;
	struct lf_clock *clock;
	struct lf_regions *regions;
	struct lf_receive *receive;
	struct lf_http_server *server;
	struct lf_peers *peers;
	char *two;
	char *cert, *key, *ca;
	unsigned kept, forgotten;
	bool refuse; /* to keep */
};

/* What has the claim of keep() was sent. */
static int sent(void *context, const struct lf_received *what, struct lf_error *e)
{
	struct sites *sites = context;
	LF_AUTO_JSON *manifest = NULL;
	struct lf_vault *vault = NULL;
	int64_t until;

	assert_lf_ok(lf_regions_vault(sites->regions, what->region, &vault, e));
	int rc = lf_point_get(vault, what->point, &manifest, e);
	if (rc)
		return rc;
	rc = lf_claim_until(vault, what->point, "backup", &until, e);
	return rc == LF_ENOTFOUND ? lf_fail(e, LF_ECONFLICT, what->point, "not the peer's") : rc;
}

static int keep(void *context, const struct lf_received *what, const json_t *body,
		struct lf_error *e)
{
	struct sites *sites = context;
	struct lf_vault *vault = NULL;

	if (sites->refuse)
		return lf_fail(e, LF_EIO, NULL, "refused by the test");
	sites->kept++;
	assert_string_equal(what->pairing, "peer");
	assert_string_equal(what->region, "westus");
	assert_lf_ok(lf_regions_vault(sites->regions, what->region, &vault, e));
	return lf_point_put(vault, what->point, lf_json_at(body, "manifest"), "backup",
			    LF_CLAIM_FOREVER, e);
}

static int forget(void *context, const struct lf_received *what, struct lf_error *e)
{
	struct sites *sites = context;
	struct lf_vault *vault = NULL;

	sites->forgotten++;
	assert_lf_ok(lf_regions_vault(sites->regions, what->region, &vault, e));
	return lf_claim_drop(vault, what->point, "backup", e);
}

static void pair(struct sites *sites, const char *secret)
{
	LF_AUTO_FREE char *file = lf_printf_dup("%s/peer.json", sites->fixture->dir);
	LF_AUTO_FREE char *spec = lf_printf_dup("westus=%s", file);
	LF_AUTO_FREE char *url =
		lf_printf_dup("https://127.0.0.1:%u", lf_http_server_port(sites->server));
	LF_AUTO_JSON *key =
		json_pack("{s:s, s:s, s:s}", "url", url, "ca", sites->ca, "secret", secret);
	LF_AUTO_FREE char *text = json_dumps(key, JSON_COMPACT);
	const char *const specs[] = {spec};

	assert_lf_ok(lf_file_write_durable(file, text, strlen(text), 0600, &err));
	lf_peers_free(sites->peers);
	sites->peers = NULL;
	assert_lf_ok(lf_peers_open(sites->fixture->dir, specs, 1, &sites->peers, &err));
}

/* The key that the receiver has. */
static void write_key(struct sites *sites)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/keys", sites->two);
	LF_AUTO_FREE char *file = lf_printf_dup("%s/peer.json", dir);
	static const char text[] = "{\"secret\":\"" SECRET "\"}";

	assert_lf_ok(lf_dir_make(dir, 0700, &err));
	assert_lf_ok(lf_file_write_durable(file, text, strlen(text), 0600, &err));
}

static void start(struct sites *sites)
{
	const struct lf_receive_opts receive = {.regions = sites->regions,
						.clock = sites->clock,
						.data_dir = sites->two,
						.sent = sent,
						.keep = keep,
						.forget = forget,
						.context = sites};

	assert_lf_ok(lf_receive_open(&receive, &sites->receive, &err));
	const struct lf_http_server_opts opts = {
		.address = "127.0.0.1", .certificate_pem = sites->cert, .key_pem = sites->key};
	assert_lf_ok(lf_http_server_open(&opts, lf_receive_http_handler(sites->receive),
					 &sites->server, &err));
}

static int setup(void **state)
{
	struct sites *sites = calloc(1, sizeof(*sites));
	static const char *const names[] = {"127.0.0.1", NULL};
	int64_t now = (int64_t)time(NULL) * LF_NS_PER_S;
	LF_AUTO_FREE char *ca_key = NULL;
	void *fixture = NULL;

	if (!sites || fixture_setup(&fixture))
		return -1;
	sites->fixture = fixture;
	sites->two = lf_printf_dup("%s/two", sites->fixture->dir);
	sites->clock = lf_clock_new_real(1);
	assert_lf_ok(lf_dir_make(sites->two, 0700, &err));
	assert_lf_ok(lf_regions_open(sites->two, &sites->regions, &err));
	assert_lf_ok(lf_ca_new("test", now, &sites->ca, &ca_key, &err));
	assert_lf_ok(lf_ca_issue_server(sites->ca, ca_key, names, now, 1, &sites->cert, &sites->key,
					&err));
	write_key(sites);
	start(sites);
	pair(sites, SECRET);
	*state = sites;
	return 0;
}

static int teardown(void **state)
{
	struct sites *sites = *state;
	void *fixture = sites->fixture;

	lf_http_server_free(sites->server);
	lf_receive_free(sites->receive);
	lf_peers_free(sites->peers);
	lf_regions_free(sites->regions);
	lf_clock_free(sites->clock);
	free(sites->two);
	free(sites->cert);
	free(sites->key);
	free(sites->ca);
	int rc = fixture_teardown(&fixture);
	free(sites);
	return rc;
}

static struct lf_vault *received(struct sites *sites)
{
	struct lf_vault *vault = NULL;

	assert_lf_ok(lf_regions_vault(sites->regions, "westus", &vault, &err));
	return vault;
}

/* What a point's commit says; base may be NULL. */
static json_t *body_of(const char *point, const struct lf_root *root, const char *base_point,
		       const struct lf_root *base)
{
	char text[LF_ROOT_TEXT_SIZE], base_text[LF_ROOT_TEXT_SIZE] = "";

	lf_root_format(root, text);
	if (base)
		lf_root_format(base, base_text);
	return json_pack("{s:{s:s, s:s, s:[{s:s, s:I, s:s}]}, s:s*, s:[s]}", "manifest", "id",
			 point, "time", "2026-11-23T00:00:00Z", "disks", "id", "a", "sizeBytes",
			 (json_int_t)(PAGES * LF_PAGE_SIZE), "root", text, "basePoint", base_point,
			 "bases", base_text);
}

static int send_point(struct sites *sites, const char *point, const struct lf_root *root,
		      const char *base_point, const struct lf_root *base,
		      struct lf_copy_result *ret_result)
{
	struct lf_peer_session *session = NULL;
	int rc = lf_peer_begin(sites->peers, "westus", sites->fixture->vault, point, base_point,
			       &session, &err);

	if (rc)
		return rc;
	bool has = lf_peer_has_base(session);
	const struct lf_copy_opts opts = {.size_bytes = PAGES * LF_PAGE_SIZE,
					  .base = has ? base : NULL};
	LF_AUTO_JSON *body = body_of(point, root, has ? base_point : NULL, has ? base : NULL);
	rc = lf_peer_send_disk(session, 0, root, &opts, ret_result, &err);
	if (!rc)
		rc = lf_peer_commit(session, body, &err);
	lf_peer_end(session);
	return rc;
}

static bool is_empty(struct sites *sites, const char *what)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s", sites->two, what);
	LF_AUTO_FREE char *command =
		lf_printf_dup("test -z \"$(find '%s' -type f 2>/dev/null)\"", path);

	return system(command) == 0; /* NOLINT: the test's own text */
}

static void test_peer__gets_a_point_and_then_what_changed(void **state)
{
	struct sites *sites = *state;
	struct lf_vault *vault = sites->fixture->vault;
	struct lf_copy_result result;
	struct lf_root one, two;
	char first[LF_GUID_SIZE], second[LF_GUID_SIZE], third[LF_GUID_SIZE];

	lf_guid_random(first);
	lf_guid_random(second);
	lf_guid_random(third);
	edit_disk(vault, NULL, 0, 1000, 1, &one);
	edit_disk(vault, &one, 300, 10, 2, &two);
	assert_lf_ok(send_point(sites, first, &one, NULL, NULL, &result));
	assert_true(result.moved_bytes >= 1000 * LF_PAGE_SIZE);
	assert_same_disk(vault, received(sites), &one, PAGES);
	assert_lf_ok(send_point(sites, second, &two, first, &one, &result));
	assert_int_equal(result.named_chunks, 10);
	assert_in_range(result.moved_bytes, 10 * LF_PAGE_SIZE, 12 * LF_PAGE_SIZE);
	assert_same_disk(vault, received(sites), &two, PAGES);
	/* without a base, or with one that the other does not have: only the names are many */
	assert_lf_ok(send_point(sites, third, &two, NULL, NULL, &result));
	assert_int_equal(result.moved_bytes, 0);
	lf_guid_random(third);
	assert_lf_ok(send_point(sites, first, &two, third, &one, &result));
	assert_int_equal(result.moved_bytes, 0);
	assert_int_equal(sites->kept, 4);
	assert_true(is_empty(sites, "inbox"));
	assert_true(is_empty(sites, "regions/westus/store/sessions"));
	assert_whole(received(sites));
}

static void test_peer__goes_on_after_what_was_cut_short(void **state)
{
	struct sites *sites = *state;
	struct lf_copy_opts opts = {.size_bytes = PAGES * LF_PAGE_SIZE};
	struct lf_peer_session *session = NULL;
	struct lf_copy_result result;
	struct lf_root one;
	char point[LF_GUID_SIZE];

	lf_guid_random(point);
	edit_disk(sites->fixture->vault, NULL, 0, 1000, 1, &one);
	assert_lf_ok(lf_peer_begin(sites->peers, "westus", sites->fixture->vault, point, NULL,
				   &session, &err));
	assert_lf_ok(lf_peer_send_disk(session, 0, &one, &opts, &result, &err));
	lf_peer_end(session); /* before the commit: the last pack is not sent */
	sites->refuse = true;
	assert_int_equal(send_point(sites, point, &one, NULL, NULL, &result), LF_EUNREACHABLE);
	assert_int_equal(sites->kept, 0);
	sites->refuse = false;
	assert_lf_ok(send_point(sites, point, &one, NULL, NULL, &result));
	assert_int_equal(result.moved_bytes, 0); /* the chunks are there since the time before */
	assert_int_equal(sites->kept, 1);
	assert_whole(received(sites));
	assert_lf_ok(lf_peer_forget(sites->peers, "westus", point, &err));
	assert_int_equal(sites->forgotten, 1);
	collect(received(sites), "bytes");
}

static void test_peer__refuses_what_is_not_what_it_says(void **state)
{
	struct sites *sites = *state;
	struct lf_copy_opts opts = {.size_bytes = PAGES * LF_PAGE_SIZE};
	struct lf_peer_session *session = NULL;
	struct lf_copy_result result;
	struct lf_root one, two;
	char point[LF_GUID_SIZE];

	lf_guid_random(point);
	edit_disk(sites->fixture->vault, NULL, 0, 100, 1, &one);
	edit_disk(sites->fixture->vault, &one, 3, 10, 2, &two);
	LF_AUTO_JSON *other = body_of(point, &two, NULL, NULL);
	LF_AUTO_JSON *base = body_of(point, &one, point, &two);
	assert_lf_ok(lf_peer_begin(sites->peers, "westus", sites->fixture->vault, point, NULL,
				   &session, &err));
	assert_lf_ok(lf_peer_send_disk(session, 0, &one, &opts, &result, &err));
	assert_int_equal(lf_peer_commit(session, other, &err), LF_EINVAL);
	assert_int_not_equal(lf_peer_commit(session, base, &err), 0); /* no such base point */
	lf_peer_end(session);
	assert_int_equal(sites->kept, 0);
	pair(sites, "guessed");
	assert_int_equal(send_point(sites, point, &one, NULL, NULL, &result), LF_EUNAUTHENTICATED);
}

static void test_peer__refuses_a_store_of_another_domain(void **state)
{
	struct sites *sites = *state;
	struct lf_copy_result result;
	struct lf_root one;
	char point[LF_GUID_SIZE];

	lf_guid_random(point);
	received(sites); /* made, with a domain of its own */
	edit_disk(sites->fixture->vault, NULL, 0, 10, 1, &one);
	assert_int_equal(send_point(sites, point, &one, NULL, NULL, &result), LF_EINVAL);
	assert_string_equal(lf_error_arm(&err), "DomainsDiffer");
}

/* A point of the receiver's own. */
static void own_point(struct sites *sites, struct lf_root *ret_root,
		      char ret_point[static LF_GUID_SIZE])
{
	lf_guid_random(ret_point);
	edit_disk(received(sites), NULL, 0, 10, 7, ret_root);
	put_point(received(sites), ret_point, ret_root, PAGES * LF_PAGE_SIZE);
}

/* A receiver whose region is in the sender's domain. */
static void join(struct sites *sites)
{
	struct lf_vault *vault = NULL;

	assert_lf_ok(lf_regions_join(sites->regions, "westus",
				     lf_vault_key(sites->fixture->vault)->id_key, &vault, &err));
}

static void test_peer__changes_no_point_of_the_receivers_own(void **state)
{
	struct sites *sites = *state;
	LF_AUTO_JSON *before = NULL, *after = NULL;
	struct lf_copy_result result;
	struct lf_root own, one;
	char point[LF_GUID_SIZE];
	int64_t until;

	join(sites);
	own_point(sites, &own, point);
	assert_lf_ok(lf_point_get(received(sites), point, &before, &err));
	edit_disk(sites->fixture->vault, NULL, 0, 10, 1, &one);
	assert_int_not_equal(send_point(sites, point, &one, NULL, NULL, &result), 0);
	assert_int_equal(sites->kept, 0);
	assert_lf_ok(lf_point_get(received(sites), point, &after, &err));
	assert_true(json_equal(before, after));
	assert_lf_ok(lf_claim_until(received(sites), point, "retention", &until, &err));
}

static void test_peer__begins_from_no_point_of_the_receivers_own(void **state)
{
	struct sites *sites = *state;
	struct lf_peer_session *session = NULL;
	char point[LF_GUID_SIZE], mine[LF_GUID_SIZE], claim[64];
	struct lf_root own;
	int64_t until;

	join(sites);
	own_point(sites, &own, point);
	lf_guid_random(mine);
	assert_lf_ok(lf_peer_begin(sites->peers, "westus", sites->fixture->vault, mine, point,
				   &session, &err));
	assert_false(lf_peer_has_base(session));
	snprintf(claim, sizeof(claim), "peer:%s", mine);
	assert_int_equal(lf_claim_until(received(sites), point, claim, &until, &err), LF_ENOTFOUND);
	LF_AUTO_JSON *body = body_of(mine, &own, point, &own);
	assert_int_not_equal(lf_peer_commit(session, body, &err), 0);
	assert_int_equal(sites->kept, 0);
	lf_peer_end(session);
}

static void test_peer__ends_no_session_but_its_own(void **state)
{
	struct sites *sites = *state;
	struct lf_peer_session *session = NULL;
	char point[LF_GUID_SIZE];

	join(sites);
	lf_guid_random(point);
	LF_AUTO_FREE char *file =
		lf_printf_dup("%s/regions/westus/store/sessions/%s", sites->two, point);
	assert_lf_ok(lf_lease_begin(received(sites), point, &err)); /* of an agent */
	assert_lf_ok(lf_peer_begin(sites->peers, "westus", sites->fixture->vault, point, NULL,
				   &session, &err));
	lf_peer_end(session);
	assert_lf_ok(lf_peer_forget(sites->peers, "westus", point, &err));
	assert_int_equal(access(file, F_OK), 0);
	assert_lf_ok(lf_lease_end(received(sites), point, &err));
	assert_true(is_empty(sites, "regions/westus/store/sessions"));
}

static int begin_with(struct sites *sites, const char *secret, const char *region)
{
	LF_AUTO_FREE char *file = lf_printf_dup("%s/peer.json", sites->fixture->dir);
	LF_AUTO_FREE char *spec = lf_printf_dup("%s=%s", region, file);
	const char *const specs[] = {spec};
	struct lf_peer_session *session = NULL;
	struct lf_peers *peers = NULL;
	char point[LF_GUID_SIZE];

	pair(sites, secret);
	lf_guid_random(point);
	assert_lf_ok(lf_peers_open(sites->fixture->dir, specs, 1, &peers, &err));
	int rc = lf_peer_begin(peers, region, sites->fixture->vault, point, NULL, &session, &err);
	lf_peer_end(session);
	lf_peers_free(peers);
	return rc;
}

static char *secret_of(const char *path)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	LF_AUTO_JSON *key = NULL;

	assert_lf_ok(lf_file_read(path, 65536, &text, &err));
	assert_lf_ok(lf_json_parse(lf_buf_text(&text), text.len, &key, &err));
	return strdup(lf_json_text_or(key, "secret", ""));
}

static void test_pairing__is_for_its_region_until_it_is_revoked(void **state)
{
	struct sites *sites = *state;
	LF_AUTO_FREE char *ca = lf_printf_dup("%s/ca.pem", sites->two);
	LF_AUTO_FREE char *north_path = NULL, *again_path = NULL;
	LF_AUTO_JSON *list = NULL;

	assert_lf_ok(lf_file_write_durable(ca, "CA", 2, 0600, &err));
	assert_lf_ok(
		lf_pairing_create(sites->two, "north", "northus", "https://x", &north_path, &err));
	assert_int_equal(
		lf_pairing_create(sites->two, "north", "northus", "https://x", &again_path, &err),
		LF_EEXISTS);
	assert_int_equal(
		lf_pairing_create(sites->two, "../x", "northus", "https://x", &again_path, &err),
		LF_EINVAL);
	LF_AUTO_FREE char *north = secret_of(north_path);
	assert_int_not_equal(begin_with(sites, north, "westus"), 0);
	assert_string_equal(lf_error_arm(&err), "RegionNotPaired");
	assert_lf_ok(begin_with(sites, north, "northus"));
	assert_lf_ok(lf_pairing_list(sites->two, &list, &err));
	assert_int_equal(json_array_size(list), 2);
	assert_lf_ok(lf_pairing_revoke(sites->two, "north", &err));
	assert_int_equal(lf_pairing_revoke(sites->two, "north", &err), LF_ENOTFOUND);
	assert_int_equal(begin_with(sites, north, "northus"), LF_EUNAUTHENTICATED);
}

static void test_pairing__that_names_no_region_is_for_the_first_it_is_used_for(void **state)
{
	struct sites *sites = *state;

	assert_lf_ok(begin_with(sites, SECRET, "westus"));
	assert_int_not_equal(begin_with(sites, SECRET, "eastus"), 0);
	assert_string_equal(lf_error_arm(&err), "RegionNotPaired");
	assert_lf_ok(begin_with(sites, SECRET, "westus"));
	assert_lf_ok(lf_pairing_revoke(sites->two, "peer", &err));
	assert_int_equal(begin_with(sites, SECRET, "westus"), LF_EUNAUTHENTICATED);
}

static void test_inbox__takes_no_more_points_at_once_than_its_limit(void **state)
{
	struct sites *sites = *state;

	for (unsigned i = 0; i < LF_INBOX_POINTS_MAX; i++)
		assert_lf_ok(begin_with(sites, SECRET, "westus"));
	assert_int_not_equal(begin_with(sites, SECRET, "westus"), 0);
	assert_string_equal(lf_error_arm(&err), "TooManyRequests");
}

static void test_peer__that_is_away_is_unreachable(void **state)
{
	struct sites *sites = *state;
	struct lf_copy_result result;
	struct lf_root one;
	char point[LF_GUID_SIZE];

	lf_guid_random(point);
	edit_disk(sites->fixture->vault, NULL, 0, 10, 1, &one);
	lf_http_server_free(sites->server);
	sites->server = NULL;
	assert_int_equal(send_point(sites, point, &one, NULL, NULL, &result), LF_EUNREACHABLE);
}

static void test_peer__keys_are_checked(void **state)
{
	struct sites *sites = *state;
	LF_AUTO_FREE char *file = lf_printf_dup("westus=%s/bad.json", sites->fixture->dir);
	const char *const none[] = {"westus"}, *const bad[] = {file};
	struct lf_peers *peers = NULL;

	assert_int_equal(lf_peers_open(sites->two, none, 1, &peers, &err), LF_EINVAL);
	assert_int_equal(lf_peers_open(sites->two, bad, 1, &peers, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_file_write_durable(strchr(file, '/'), "{}", 2, 0600, &err));
	assert_int_equal(lf_peers_open(sites->two, bad, 1, &peers, &err), LF_EINVAL);
	assert_null(lf_peers_url(sites->peers, "eastus"));
	assert_non_null(lf_peers_url(sites->peers, "westus"));
}

#define TEST_SITES(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_SITES(test_peer__gets_a_point_and_then_what_changed),
		TEST_SITES(test_peer__goes_on_after_what_was_cut_short),
		TEST_SITES(test_peer__refuses_what_is_not_what_it_says),
		TEST_SITES(test_peer__refuses_a_store_of_another_domain),
		TEST_SITES(test_peer__changes_no_point_of_the_receivers_own),
		TEST_SITES(test_peer__begins_from_no_point_of_the_receivers_own),
		TEST_SITES(test_peer__ends_no_session_but_its_own),
		TEST_SITES(test_pairing__is_for_its_region_until_it_is_revoked),
		TEST_SITES(test_pairing__that_names_no_region_is_for_the_first_it_is_used_for),
		TEST_SITES(test_inbox__takes_no_more_points_at_once_than_its_limit),
		TEST_SITES(test_peer__that_is_away_is_unreachable),
		TEST_SITES(test_peer__keys_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
