/* SPDX-License-Identifier: Apache-2.0 */
/* Who an agent is, and what it may do: registration, certificates, barring, packs. */
#include "test.h"

#include <openssl/evp.h>

#include "base/text.h"
#include "crypto/tls.h"
#include "replication/agents.h"
#include "replication/inventory.h"
#include "replication/session.h"
#include "replication/state.h"

#define SITE	"/subscriptions/s/sites/one"
#define MACHINE "11111111-0000-4000-8000-000000000001"
#define OTHER	"22222222-0000-4000-8000-000000000002"
#define PACK	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DAY	(86400 * LF_NS_PER_S)
#define START	(INT64_C(1800000000) * LF_NS_PER_S)

static struct lf_error err;

struct fixture {
	char *dir;
	struct lf_clock *clock;
	struct lf_catalog *catalog;
	struct lf_regions *regions;
	struct lf_replication *replication;
	char *ca, *ca_key;
	const char *url;
};

/* A machine on the other side: its key, and the certificate it was given last. */
struct machine {
	const char *id;
	char *key, *certificate, *agent;
	char fingerprint[LF_FINGERPRINT_SIZE];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	void *dir = NULL;

	assert_int_equal(test_dir_setup(&dir), 0);
	f->dir = dir;
	f->url = "https://site";
	f->clock = lf_clock_new_manual(START);
	LF_AUTO_FREE char *db = lf_printf_dup("%s/catalog.db", f->dir);
	assert_lf_ok(lf_ca_new("test", START, &f->ca, &f->ca_key, &err));
	assert_lf_ok(lf_catalog_open(db, f->clock, &f->catalog, &err));
	assert_lf_ok(lf_regions_open(f->dir, &f->regions, &err));
	const struct lf_replication_opts opts = {.catalog = f->catalog,
						 .clock = f->clock,
						 .regions = f->regions,
						 .data_dir = f->dir,
						 .base_url = &f->url,
						 .ca_cert = f->ca,
						 .ca_key = f->ca_key};
	assert_lf_ok(lf_replication_open(&opts, &f->replication, &err));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *dir = f->dir;

	lf_replication_free(f->replication);
	lf_regions_free(f->regions);
	lf_catalog_free(f->catalog);
	lf_clock_free(f->clock);
	free(f->ca);
	free(f->ca_key);
	free(f);
	return test_dir_teardown(&dir);
}

static void machine_done(struct machine *machine)
{
	free(machine->key);
	free(machine->certificate);
	free(machine->agent);
}
#define AUTO_MACHINE LF_CLEANUP(machine_done) struct machine

/* The secret inside a new registration key. */
static char *new_secret(struct fixture *f, unsigned days, unsigned machines)
{
	LF_AUTO_FREE char *key = NULL;
	LF_AUTO_JSON *doc = NULL;
	unsigned char text[1024] = "";
	int64_t expires;

	assert_lf_ok(lf_registration_key_new(f->replication, SITE, days, machines, &key, &expires,
					     &err));
	assert_true(EVP_DecodeBlock(text, (unsigned char *)key, (int)strlen(key)) > 0);
	assert_lf_ok(lf_json_parse((char *)text, strlen((char *)text), &doc, &err));
	return strdup(lf_json_text_or(doc, "secret", ""));
}

static json_t *inventory_of(const char *id)
{
	return json_pack("{s:s,s:s,s:i,s:[{s:s,s:s,s:i}]}", "machineId", id, "machineName", "web1",
			 "cores", 2, "disks", "id", "d0", "name", "sda", "sizeBytes", 4096);
}

static int enroll(struct fixture *f, struct machine *machine, const char *secret)
{
	LF_AUTO_JSON *inventory = inventory_of(machine->id);
	LF_AUTO_FREE char *csr = NULL;
	char *agent = NULL, *certificate = NULL;

	if (!machine->key)
		assert_lf_ok(lf_csr_new("x", &csr, &machine->key, &err));
	else
		assert_lf_ok(lf_csr_for_key("x", machine->key, &csr, &err));
	int rc = lf_agent_register(f->replication, secret, csr, inventory, &agent, &certificate,
				   &err);
	if (rc)
		return rc;
	free(machine->agent);
	free(machine->certificate);
	machine->agent = agent;
	machine->certificate = certificate;
	assert_lf_ok(lf_cert_fingerprint(certificate, machine->fingerprint, &err));
	return 0;
}

static int admit(struct fixture *f, const struct machine *machine)
{
	return lf_agent_admit(f->replication, machine->agent, machine->fingerprint, &err);
}

static void test_key__registers_as_many_machines_as_it_says(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *secret = new_secret(f, 0, 1);
	AUTO_MACHINE one = {.id = MACHINE};
	AUTO_MACHINE two = {.id = OTHER};

	assert_lf_ok(enroll(f, &one, secret));
	assert_int_equal(enroll(f, &two, secret), LF_EUNAUTHENTICATED);
	assert_string_equal(err.arm_code, "RegistrationKeyUsedUp");
	/* a machine that is known, and proves it, is none more */
	assert_lf_ok(enroll(f, &one, secret));
}

static void test_key__ends_by_time_and_by_an_operator(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *late = new_secret(f, 2, 0);
	LF_AUTO_FREE char *revoked = new_secret(f, 0, 0);
	AUTO_MACHINE one = {.id = MACHINE};
	LF_AUTO_JSON *keys = NULL;
	LF_AUTO_JSON *left = NULL;

	assert_int_equal(enroll(f, &one, "no such secret"), LF_EUNAUTHENTICATED);
	assert_string_equal(err.arm_code, "RegistrationKeyInvalid");
	assert_lf_ok(lf_registration_keys_list(f->replication, SITE, &keys, &err));
	assert_int_equal(json_array_size(keys), 2);
	lf_clock_step(f->clock, 3 * DAY);
	assert_int_equal(enroll(f, &one, late), LF_EUNAUTHENTICATED);
	assert_string_equal(err.arm_code, "RegistrationKeyExpired");
	assert_lf_ok(lf_registration_keys_list(f->replication, SITE, &left, &err));
	assert_int_equal(json_array_size(left), 1);
	assert_lf_ok(lf_registration_key_revoke(f->replication, SITE,
						lf_json_text_or(left, "0.name", ""), &err));
	assert_int_equal(enroll(f, &one, revoked), LF_EUNAUTHENTICATED);
	assert_int_equal(lf_registration_key_revoke(f->replication, SITE, "0123456789abcdef", &err),
			 LF_ENOTFOUND);
	/* one that ended long ago is not known any more */
	assert_lf_ok(lf_registration_keys_tend(f->replication, &err));
	assert_int_equal(enroll(f, &one, late), LF_EUNAUTHENTICATED);
	assert_string_equal(err.arm_code, "RegistrationKeyExpired");
	lf_clock_step(f->clock, 31 * DAY);
	assert_lf_ok(lf_registration_keys_tend(f->replication, &err));
	assert_int_equal(enroll(f, &one, late), LF_EUNAUTHENTICATED);
	assert_string_equal(err.arm_code, "RegistrationKeyInvalid");
}

static void test_register__of_a_known_machine_needs_its_key(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *secret = new_secret(f, 0, 0);
	AUTO_MACHINE mine = {.id = MACHINE};
	AUTO_MACHINE thief = {.id = MACHINE};

	assert_lf_ok(enroll(f, &mine, secret));
	assert_lf_ok(admit(f, &mine));
	assert_int_equal(enroll(f, &thief, secret), LF_ECONFLICT);
	assert_string_equal(err.arm_code, "AgentExists");
	assert_lf_ok(admit(f, &mine));
	/* with it: the same agent, and the old certificate only until the new one is used */
	AUTO_MACHINE again = {.id = MACHINE, .key = strdup(mine.key)};
	assert_lf_ok(enroll(f, &again, secret));
	assert_string_equal(again.agent, mine.agent);
	assert_lf_ok(admit(f, &mine));
	assert_lf_ok(admit(f, &again));
	lf_clock_step(f->clock, 601 * LF_NS_PER_S);
	assert_int_equal(admit(f, &mine), LF_EUNAUTHENTICATED);
	assert_lf_ok(admit(f, &again));
	/* an operator who removes the agent lets another come */
	assert_lf_ok(lf_agent_remove(f->replication, SITE, mine.agent, &err));
	assert_int_equal(admit(f, &again), LF_EUNAUTHENTICATED);
	assert_lf_ok(enroll(f, &thief, secret));
}

static void test_certificate__of_the_same_name_does_not_speak_for_the_agent(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *secret = new_secret(f, 0, 0);
	AUTO_MACHINE mine = {.id = MACHINE};
	AUTO_MACHINE other = {.id = OTHER};

	assert_lf_ok(enroll(f, &mine, secret));
	assert_lf_ok(enroll(f, &other, secret));
	assert_int_equal(lf_agent_admit(f->replication, mine.agent, other.fingerprint, &err),
			 LF_EUNAUTHENTICATED);
	assert_int_equal(lf_agent_admit(f->replication, "../agents", mine.fingerprint, &err),
			 LF_EUNAUTHENTICATED);
}

static void test_certificate__is_renewed_over_the_one_before(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *secret = new_secret(f, 0, 0);
	AUTO_MACHINE mine = {.id = MACHINE};
	AUTO_MACHINE newer = {.id = MACHINE};
	LF_AUTO_FREE char *csr = NULL;
	bool due;

	assert_lf_ok(enroll(f, &mine, secret));
	assert_lf_ok(
		lf_agent_renewal_due(f->replication, mine.agent, mine.fingerprint, &due, &err));
	assert_false(due);
	lf_clock_step(f->clock, 60 * DAY);
	assert_lf_ok(
		lf_agent_renewal_due(f->replication, mine.agent, mine.fingerprint, &due, &err));
	assert_true(due);
	assert_lf_ok(lf_csr_new("x", &csr, &newer.key, &err));
	/* an answer that gets lost costs nothing: the next one takes its place */
	for (int i = 0; i < 3; i++) {
		free(newer.certificate);
		newer.certificate = NULL;
		assert_lf_ok(lf_agent_renew(f->replication, mine.agent, mine.fingerprint, csr,
					    &newer.certificate, &err));
	}
	newer.agent = strdup(mine.agent);
	assert_lf_ok(lf_cert_fingerprint(newer.certificate, newer.fingerprint, &err));
	assert_lf_ok(admit(f, &mine));
	assert_lf_ok(admit(f, &newer));
	/* replaced: it gets no other */
	LF_AUTO_FREE char *none = NULL;
	assert_int_equal(
		lf_agent_renew(f->replication, mine.agent, mine.fingerprint, csr, &none, &err),
		LF_EUNAUTHENTICATED);
	lf_clock_step(f->clock, 601 * LF_NS_PER_S);
	assert_int_equal(admit(f, &mine), LF_EUNAUTHENTICATED);
	assert_lf_ok(
		lf_agent_renewal_due(f->replication, mine.agent, newer.fingerprint, &due, &err));
	assert_false(due);
}

static void test_agent__of_a_version_before_keeps_its_id(void **state)
{
	struct fixture *f = *state;
	AUTO_MACHINE mine = {.id = MACHINE}, other = {.id = "00000000-0000-4000-8000-00000000abcd"};
	LF_AUTO_FREE char *secret = new_secret(f, 1, 5);
	char old[LF_GUID_SIZE], id[LF_ID_SIZE];

	/* registered, and its row under the id that the old hash gives */
	assert_lf_ok(enroll(f, &other, secret));
	lf_guid_derive(SITE, MACHINE, old);
	lf_agent_path(other.agent, id);
	LF_AUTO_RESOURCE row = LF_RESOURCE_INIT;
	assert_lf_ok(lf_catalog_get(f->catalog, id, &row, &err));
	assert_lf_ok(lf_catalog_delete(f->catalog, id, &err));
	assert_int_equal(lf_json_set_text(row.doc, "inventory.machineId", MACHINE), 0);
	lf_agent_path(old, id);
	assert_lf_ok(lf_catalog_put(f->catalog, id, LF_AGENT_TYPE, LF_PUT_NEW, NULL, row.doc, NULL,
				    &err));
	mine.key = lf_steal(&other.key);
	assert_lf_ok(enroll(f, &mine, secret));
	assert_string_equal(mine.agent, old);
	/* a machine that only has its id in common is another one */
	assert_int_equal(lf_json_set_text(row.doc, "inventory.machineId", other.id), 0);
	assert_lf_ok(lf_catalog_put(f->catalog, id, LF_AGENT_TYPE, LF_PUT_ANY, NULL, row.doc, NULL,
				    &err));
	assert_lf_ok(enroll(f, &mine, secret));
	assert_string_not_equal(mine.agent, old);
}

static int count_replica(struct lf_replication *replication, const struct lf_replica *replica,
			 void *n, struct lf_error *e)
{
	(void)replication, (void)replica, (void)e;
	++*(size_t *)n;
	return 0;
}

static void test_replica__of_a_version_before_is_found_under_its_new_id(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *doc = json_pack("{s:s,s:s,s:s,s:s}", "itemId", "/item/a", "agentId", MACHINE,
				      "phase", "Delta", "cacheAccountId", "/accounts/cache");
	LF_AUTO_REPLICA replica = {0};
	char old[LF_GUID_SIZE];
	bool uses = false;
	size_t n = 0;

	lf_guid_derive("replica", "/item/a", old);
	LF_AUTO_FREE char *id = lf_printf_dup("/landfall/replicas/%s", old);
	LF_AUTO_FREE char *index = lf_printf_dup("/landfall/agents/%s/replicas/%s", MACHINE, old);
	assert_lf_ok(
		lf_catalog_put(f->catalog, id, LF_REPLICA_TYPE, LF_PUT_NEW, NULL, doc, NULL, &err));
	assert_lf_ok(lf_catalog_put(f->catalog, index, LF_AGENT_REPLICA_TYPE, LF_PUT_NEW, NULL, doc,
				    NULL, &err));
	lf_replication_free(f->replication);
	const struct lf_replication_opts opts = {.catalog = f->catalog,
						 .clock = f->clock,
						 .regions = f->regions,
						 .data_dir = f->dir,
						 .base_url = &f->url,
						 .ca_cert = f->ca,
						 .ca_key = f->ca_key};
	assert_lf_ok(lf_replication_open(&opts, &f->replication, &err));
	assert_lf_ok(lf_replica_load(f->replication, "/item/a", &replica, &err));
	assert_string_equal(replica.phase, "Delta");
	assert_lf_ok(lf_replicas_of(f->replication, MACHINE, count_replica, &n, &err));
	assert_int_equal(n, 1);
	assert_lf_ok(lf_agent_uses_account(f->replication, MACHINE, "Cache", &uses, &err));
	assert_true(uses);
	assert_lf_ok(lf_agent_uses_account(f->replication, MACHINE, "other", &uses, &err));
	assert_false(uses);
}

static void test_agent__of_a_version_before_goes_by_the_first_certificate(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_JSON *doc =
		json_pack("{s:s,s:o}", "siteId", SITE, "inventory", inventory_of(MACHINE));
	char id[LF_ID_SIZE];
	bool due;

	lf_agent_path(MACHINE, id);
	assert_lf_ok(
		lf_catalog_put(f->catalog, id, LF_AGENT_TYPE, LF_PUT_NEW, NULL, doc, NULL, &err));
	assert_lf_ok(lf_agent_admit(f->replication, MACHINE, "first", &err));
	assert_int_equal(lf_agent_admit(f->replication, MACHINE, "second", &err),
			 LF_EUNAUTHENTICATED);
	assert_lf_ok(lf_agent_renewal_due(f->replication, MACHINE, "first", &due, &err));
	assert_true(due);
}

static void test_agent__that_is_barred_is_locked_out_until_it_is_not(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *secret = new_secret(f, 0, 0);
	AUTO_MACHINE mine = {.id = MACHINE};

	assert_lf_ok(enroll(f, &mine, secret));
	assert_int_equal(lf_agent_bar(f->replication, "/another/site", mine.agent, true, &err),
			 LF_ENOTFOUND);
	assert_lf_ok(lf_agent_bar(f->replication, SITE, mine.agent, true, &err));
	assert_int_equal(admit(f, &mine), LF_EDENIED);
	assert_string_equal(err.arm_code, "AgentBarred");
	/* not by registering anew, either */
	assert_int_equal(enroll(f, &mine, secret), LF_EDENIED);
	assert_lf_ok(lf_agent_bar(f->replication, SITE, mine.agent, false, &err));
	assert_lf_ok(admit(f, &mine));
}

static void test_site__that_goes_takes_its_agents_and_keys(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *secret = new_secret(f, 0, 0);
	AUTO_MACHINE mine = {.id = MACHINE};
	AUTO_MACHINE other = {.id = OTHER};

	assert_lf_ok(enroll(f, &mine, secret));
	assert_lf_ok(lf_replication_forget_site(f->replication, SITE, &err));
	assert_int_equal(admit(f, &mine), LF_EUNAUTHENTICATED);
	assert_int_equal(enroll(f, &other, secret), LF_EUNAUTHENTICATED);
}

static void start_replica(struct fixture *f, const char *agent)
{
	LF_AUTO_JSON *spec = json_pack("{s:s,s:s,s:s,s:s,s:[{s:s}]}", "itemId", "/items/one",
				       "agentId", agent, "region", "west", "cacheAccountId",
				       "/storageAccounts/cache", "disks", "id", "d0");

	assert_lf_ok(lf_replica_start(f->replication, spec, &err));
}

static int may_put(struct fixture *f, const char *agent, const char *account, const char *container,
		   const char *blob)
{
	return lf_agent_may_put_pack(f->replication, agent, account, container, blob, &err);
}

static void test_packs__go_into_the_agents_own_container_of_its_cache_alone(void **state)
{
	struct fixture *f = *state;
	LF_AUTO_FREE char *secret = new_secret(f, 0, 0);
	AUTO_MACHINE mine = {.id = MACHINE};
	AUTO_MACHINE other = {.id = OTHER};
	char own[LF_PACK_CONTAINER_SIZE], others[LF_PACK_CONTAINER_SIZE];

	assert_lf_ok(enroll(f, &mine, secret));
	assert_lf_ok(enroll(f, &other, secret));
	lf_pack_container(mine.agent, own);
	lf_pack_container(other.agent, others);
	assert_int_equal(may_put(f, mine.agent, "cache", own, PACK), LF_EDENIED);
	start_replica(f, mine.agent);
	assert_lf_ok(may_put(f, mine.agent, "cache", own, PACK));
	assert_int_equal(may_put(f, mine.agent, "cache", others, PACK), LF_EDENIED);
	assert_int_equal(may_put(f, other.agent, "cache", others, PACK), LF_EDENIED);
	assert_int_equal(may_put(f, mine.agent, "corp", own, PACK), LF_EDENIED);
	assert_int_equal(may_put(f, mine.agent, "cache", "vhds", PACK), LF_EDENIED);
	assert_int_equal(may_put(f, mine.agent, "cache", own, PACK "0"), LF_EDENIED);
	assert_int_equal(may_put(f, mine.agent, "cache", own, PACK ".point"), LF_EDENIED);
	assert_int_equal(may_put(f, mine.agent, "cache", own, "../x"), LF_EDENIED);
	assert_int_equal(may_put(f, mine.agent, "cache", own, ""), LF_EDENIED);
	assert_int_equal(may_put(f, "nobody", "cache", own, PACK), LF_ENOTFOUND);
	assert_int_equal(lf_agent_remove(f->replication, SITE, mine.agent, &err), LF_ECONFLICT);
	assert_lf_ok(lf_agent_bar(f->replication, SITE, mine.agent, true, &err));
	assert_int_equal(may_put(f, mine.agent, "cache", own, PACK), LF_EDENIED);
	assert_lf_ok(lf_agent_bar(f->replication, SITE, mine.agent, false, &err));
	assert_lf_ok(lf_replica_remove(f->replication, "/items/one", &err));
	assert_int_equal(may_put(f, mine.agent, "cache", own, PACK), LF_EDENIED);
}

/* Refused, or not: an inventory with this member set to this. */
static int check_with(const char *path, json_t *value)
{
	LF_AUTO_JSON *inventory = inventory_of(MACHINE);
	LF_AUTO_JSON *checked = NULL;

	assert_int_equal(lf_json_set(inventory, path, value), 0);
	return lf_inventory_check(inventory, &checked, &err);
}

static void test_inventory__holds_names_numbers_and_texts_within_bounds(void **state)
{
	(void)state;
	static const char *const bad_names[] = {"web1\nid > /tmp/PWNED\n#",
						"../../x/providers/Microsoft.Compute/disks/finance",
						"a<b>",
						"",
						"$(id)",
						"."};
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < LF_N(bad_names); i++) {
		assert_int_equal(check_with("machineName", json_string(bad_names[i])), LF_EINVAL);
		assert_int_equal(check_with("hostName", json_string(bad_names[i])), LF_EINVAL);
		LF_AUTO_JSON *disks = json_pack("[{s:s,s:s}]", "id", "d0", "name", bad_names[i]);
		assert_int_equal(check_with("disks", json_incref(disks)), LF_EINVAL);
	}
	assert_int_equal(check_with("machineName", json_string(text)), LF_EINVAL);
	assert_int_equal(check_with("machineId", json_string("x")), LF_EINVAL);
	assert_int_equal(check_with("os", json_string(text)), LF_EINVAL);
	assert_int_equal(check_with("os", json_string("a\x1b[31m")), LF_EINVAL);
	assert_int_equal(check_with("firmware", json_string("coreboot")), LF_EINVAL);
	assert_int_equal(check_with("cores", json_integer(0)), LF_EINVAL);
	assert_int_equal(check_with("memoryMiB", json_integer(INT64_MAX)), LF_EINVAL);
	assert_int_equal(check_with("ips", json_pack("[s]", "1.2.3.4;id")), LF_EINVAL);
	assert_int_equal(check_with("nics", json_pack("[{s:s}]", "mac", "x")), LF_EINVAL);
	assert_lf_ok(check_with("os", json_string("Debian GNU/Linux 12 (bookworm)")));
	assert_lf_ok(check_with("machineName", json_string("web-1.example.org")));
	assert_lf_ok(check_with("ips", json_pack("[s,s]", "1.2.3.4", "fe80::1")));
}

static void test_inventory__leaves_out_what_is_not_known(void **state)
{
	(void)state;
	LF_AUTO_JSON *inventory = inventory_of(MACHINE);
	LF_AUTO_JSON *checked = NULL;

	json_object_set_new(inventory, "junk", json_string("x"));
	assert_lf_ok(lf_inventory_check(inventory, &checked, &err));
	assert_null(lf_json_at(checked, "junk"));
	assert_string_equal(lf_json_text_or(checked, "machineName", ""), "web1");
	assert_int_equal(lf_json_int_or(checked, "disks.0.sizeBytes", 0), 4096);
}

static void test_session_disks__are_64_of_at_most_64_TiB(void **state)
{
	(void)state;
	LF_AUTO_JSON *checked = NULL;
	LF_AUTO_JSON *big =
		json_pack("[{s:s,s:I}]", "id", "d", "sizeBytes", (json_int_t)LF_DISK_BYTES_MAX + 1);
	LF_AUTO_JSON *twice = json_pack("[{s:s,s:i},{s:s,s:i}]", "id", "d", "sizeBytes", 1, "id",
					"d", "sizeBytes", 1);
	LF_AUTO_JSON *many = json_array();

	for (int i = 0; i <= LF_INFLOW_DISKS_MAX; i++)
		json_array_append_new(many,
				      json_pack("{s:s+,s:i}", "id", "d", "x", "sizeBytes", 1));
	assert_int_equal(lf_session_disks_check(big, &checked, &err), LF_EINVAL);
	assert_int_equal(lf_session_disks_check(twice, &checked, &err), LF_EINVAL);
	assert_int_equal(lf_session_disks_check(many, &checked, &err), LF_EINVAL);
	assert_int_equal(lf_session_disks_check(NULL, &checked, &err), LF_EINVAL);
}

static void test_status__is_cut_to_what_people_can_read(void **state)
{
	(void)state;
	LF_AUTO_JSON *checked = NULL;
	LF_AUTO_JSON *status =
		json_pack("[{s:s,s:s,s:I,s:[{s:s,s:I,s:I}]},i]", "itemId", "/i", "error",
			  "a\x1b[2J", "bytesPerSecond", (json_int_t)INT64_MAX, "disks", "id", "d",
			  "processedBytes", (json_int_t)INT64_MAX, "sentBytes", (json_int_t)-1, 7);

	assert_lf_ok(lf_status_check(status, &checked, &err));
	assert_null(lf_json_at(checked, "0.error"));
	assert_int_equal(lf_json_int_or(checked, "0.disks.0.processedBytes", 0),
			 LF_TRANSFERRED_BYTES_MAX);
	assert_null(lf_json_at(checked, "0.disks.0.sentBytes"));
}

static void test_commit__says_only_what_it_may(void **state)
{
	static const char *const bad[] = {
		"{\"consistency\": \"Perfect\"}",
		"{\"consistency\": 7}",
		"{\"ageMs\": -1}",
		"{\"bytesRead\": 9223372036854775807}",
		"{\"bytesSent\": -1}",
		"[]",
		"{\"unreadable\": [{\"disk\": \"d\", \"offset\": -1, \"length\": 1}]}",
		"{\"unreadable\": [{\"disk\": \"d\", \"offset\": 1}]}",
		"{\"unreadable\": {}}",
		"{\"appError\": 3}",
		"{\"appAdvice\": \"\\u001b\"}",
	};

	(void)state;
	for (size_t i = 0; i < LF_N(bad); i++) {
		LF_AUTO_JSON *request = json_loads(bad[i], 0, NULL);
		LF_AUTO_JSON *checked = NULL;
		assert_int_equal(lf_commit_check(request, &checked, &err), LF_EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_agent__of_a_version_before_keeps_its_id, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_replica__of_a_version_before_is_found_under_its_new_id, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_key__registers_as_many_machines_as_it_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_key__ends_by_time_and_by_an_operator, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_register__of_a_known_machine_needs_its_key,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_certificate__of_the_same_name_does_not_speak_for_the_agent, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_certificate__is_renewed_over_the_one_before,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_agent__of_a_version_before_goes_by_the_first_certificate, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_agent__that_is_barred_is_locked_out_until_it_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(test_site__that_goes_takes_its_agents_and_keys,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_packs__go_into_the_agents_own_container_of_its_cache_alone, setup,
			teardown),
		cmocka_unit_test(test_inventory__holds_names_numbers_and_texts_within_bounds),
		cmocka_unit_test(test_inventory__leaves_out_what_is_not_known),
		cmocka_unit_test(test_session_disks__are_64_of_at_most_64_TiB),
		cmocka_unit_test(test_status__is_cut_to_what_people_can_read),
		cmocka_unit_test(test_commit__says_only_what_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
