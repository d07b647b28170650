/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/compute.h"
#include "test.h"

#define VM  "11111111-2222-8333-8444-555555555555"
#define NIC "11111111-2222-8333-8444-666666666666"
#define NET "11111111-2222-8333-8444-777777777777"

static struct lf_compute *open_compute(const char *dir)
{
	struct lf_compute_opts opts = {.data_dir = dir, .driver = "fake"};
	struct lf_compute *compute = NULL;
	struct lf_error err;

	assert_lf_ok(lf_compute_open(&opts, &compute, &err));
	return compute;
}

static json_t *network(void)
{
	return json_pack("{s:s, s:b, s:[{s:s, s:s}]}", "guid", NET, "isolated", 1, "subnets",
			 "name", "default", "prefix", "10.1.0.0/24");
}

static json_t *machine(void)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:s, s:[{s:i, s:s, s:i, s:{s:s, s:s, s:s, s:s}}],"
			 " s:[{s:s, s:s, s:s, s:s}]}",
			 "guid", VM, "name", "m", "vcpus", 1, "memoryMiB", 512, "firmware", "uefi",
			 "disks", "lun", -1, "name", "os", "sizeBytes", 4096, "source", "kind",
			 "point", "region", "r", "point", "p", "root", "00-aa", "nics", "guid", NIC,
			 "network", NET, "subnet", "default", "address", "10.1.0.4");
}

static void ensure_network(struct lf_compute *compute)
{
	LF_AUTO_JSON *doc = network();
	struct lf_vm_network net;
	struct lf_error err;

	assert_lf_ok(lf_vm_network_read(doc, &net, &err));
	assert_lf_ok(lf_compute_network_ensure(compute, &net, &err));
}

static int define(struct lf_compute *compute, const json_t *doc, struct lf_error *err)
{
	struct lf_vm_spec vm;
	int rc = lf_vm_spec_read(doc, &vm, err);

	return rc ? rc : lf_compute_vm_define(compute, &vm, err);
}

static void define_machine(struct lf_compute *compute)
{
	LF_AUTO_JSON *vm = machine();
	struct lf_error err;

	ensure_network(compute);
	assert_lf_ok(define(compute, vm, &err));
}

static void assert_power(struct lf_compute *compute, const char *power, bool hydrated)
{
	LF_AUTO_VM_STATE found = {0};
	struct lf_error err;

	assert_lf_ok(lf_compute_vm_state(compute, VM, &found, &err));
	LF_AUTO_JSON *state = lf_vm_state_doc(&found);
	assert_string_equal(lf_json_text(state, "power"), power);
	assert_int_equal(lf_json_bool_or(state, "disks.0.hydrated", !hydrated), hydrated);
	assert_string_equal(lf_json_text(state, "addresses.0"), "10.1.0.4");
}

static void test_fake__lives_a_whole_life(void **state)
{
	struct lf_compute *compute = open_compute(*state);
	LF_AUTO_BUF console = LF_BUF_INIT;
	LF_AUTO_VM_STATE left = {0};
	struct lf_error err;

	define_machine(compute);
	assert_power(compute, "stopped", false);
	assert_lf_ok(lf_compute_vm_start(compute, VM, &err));
	assert_power(compute, "running", false);
	assert_lf_ok(lf_compute_vm_hydrate(compute, VM, &err));
	assert_power(compute, "running", true);
	assert_lf_ok(lf_compute_vm_console(compute, VM, 4096, &console, &err));
	assert_non_null(strstr(lf_buf_text(&console), "Linux version"));
	assert_lf_ok(lf_compute_vm_stop(compute, VM, true, &err));
	assert_power(compute, "stopped", true);
	assert_int_equal(lf_compute_network_remove(compute, NET, &err), LF_ECONFLICT);
	assert_lf_ok(lf_compute_vm_remove(compute, VM, false, &err));
	assert_int_equal(lf_compute_vm_state(compute, VM, &left, &err), LF_ENOTFOUND);
	assert_lf_ok(lf_compute_network_remove(compute, NET, &err));
	lf_compute_free(compute);
}

static void test_fake__every_call_may_be_repeated(void **state)
{
	struct lf_compute *compute = open_compute(*state);
	LF_AUTO_BUF console = LF_BUF_INIT;
	struct lf_error err;

	for (int i = 0; i < 2; i++)
		define_machine(compute);
	for (int i = 0; i < 2; i++)
		assert_lf_ok(lf_compute_vm_start(compute, VM, &err));
	define_machine(compute);
	assert_power(compute, "running", false);
	assert_lf_ok(lf_compute_vm_console(compute, VM, 4096, &console, &err));
	assert_null(strstr(lf_buf_text(&console), "boots=2"));
	for (int i = 0; i < 2; i++)
		assert_lf_ok(lf_compute_vm_remove(compute, VM, false, &err));
	for (int i = 0; i < 2; i++)
		assert_lf_ok(lf_compute_network_remove(compute, NET, &err));
	lf_compute_free(compute);
}

static void test_fake__is_found_again_after_a_restart(void **state)
{
	struct lf_compute *compute = open_compute(*state);
	struct lf_error err;

	define_machine(compute);
	assert_lf_ok(lf_compute_vm_start(compute, VM, &err));
	lf_compute_free(compute);
	compute = open_compute(*state);
	assert_power(compute, "running", false);
	lf_compute_free(compute);
}

static void test_fake__refuses_other_disks_under_the_same_name(void **state)
{
	struct lf_compute *compute = open_compute(*state);
	LF_AUTO_JSON *vm = machine();
	struct lf_error err;

	define_machine(compute);
	assert_int_equal(lf_json_set_text(json_array_get(lf_json_at(vm, "disks"), 0), "source.root",
					  "00-bb"),
			 0);
	assert_int_equal(define(compute, vm, &err), LF_EEXISTS);
	lf_compute_free(compute);
}

static void assert_refused(struct lf_compute *compute, const json_t *vm, const char *target)
{
	struct lf_error err;

	assert_int_equal(define(compute, vm, &err), LF_EINVAL);
	assert_string_equal(err.target, target);
}

static void test_compute__refuses_machines_that_make_no_sense(void **state)
{
	struct lf_compute *compute = open_compute(*state);
	LF_AUTO_JSON *vm = machine();
	json_t *disk = json_array_get(lf_json_at(vm, "disks"), 0);
	struct lf_error err;

	assert_int_equal(define(compute, vm, &err), LF_ENOTFOUND); /* no network */
	ensure_network(compute);
	lf_json_set_int(vm, "memoryMiB", 0);
	assert_refused(compute, vm, "vcpus");
	lf_json_set_int(disk, "lun", 0);
	assert_refused(compute, vm, "disks");
	lf_json_set_int(disk, "lun", 64);
	assert_refused(compute, vm, "disks.lun");
	lf_json_set_int(disk, "lun", -1);
	lf_json_set_int(disk, "sizeBytes", 0);
	assert_refused(compute, vm, "disks.sizeBytes");
	lf_json_set_text(disk, "source.kind", "tape");
	assert_refused(compute, vm, "disks[0].source.kind");
	lf_json_set_text(vm, "guid", "../../etc");
	assert_refused(compute, vm, "guid");
	lf_compute_free(compute);
}

static void test_compute__refuses_an_unknown_driver(void **state)
{
	struct lf_compute_opts opts = {.data_dir = *state, .driver = "xen"};
	struct lf_compute *compute = NULL;
	struct lf_error err;

	assert_int_equal(lf_compute_open(&opts, &compute, &err), LF_EINVAL);
	assert_null(compute);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, test_dir_setup, test_dir_teardown)
		T(test_fake__lives_a_whole_life),
		T(test_fake__every_call_may_be_repeated),
		T(test_fake__is_found_again_after_a_restart),
		T(test_fake__refuses_other_disks_under_the_same_name),
		T(test_compute__refuses_machines_that_make_no_sense),
		T(test_compute__refuses_an_unknown_driver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
