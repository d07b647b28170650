/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "compute/compute.h"
#include "test.h"

static void test_sizes__are_found_in_any_case(void **state)
{
	unsigned vcpus = 0, memory = 0;
	struct lf_error err;

	(void)state;
	assert_lf_ok(lf_compute_size("standard_d4S_V3", &vcpus, &memory, &err));
	assert_int_equal(vcpus, 4);
	assert_int_equal(memory, 16 * 1024);
}

static void test_sizes__an_unknown_one_names_the_field(void **state)
{
	unsigned vcpus = 7, memory = 7;
	struct lf_error err;

	(void)state;
	assert_int_equal(lf_compute_size("Standard_None", &vcpus, &memory, &err), LF_EINVAL);
	assert_string_equal(err.target, "vmSize");
	assert_int_equal(vcpus, 7);
}

static void test_sizes__a_machine_that_no_host_could_hold_is_refused(void **state)
{
	const struct lf_compute_opts opts[] = {
		{.data_dir = *state, .driver = "libvirt", .uri = "test:///default"},
		{.data_dir = *state, .driver = "fake"}};
	struct lf_compute *host = NULL, *emulator = NULL;
	struct lf_error err;

	assert_lf_ok(lf_compute_open(&opts[0], &host, &err));
	assert_lf_ok(lf_compute_room(host, "Standard_Tiny", 1, &err));
	assert_int_equal(lf_compute_room(host, "Standard_Vast", UINT_MAX, &err), LF_ECONFLICT);
	assert_string_equal(err.arm_code, "AllocationFailed");
	assert_string_equal(err.target, "vmSize");
	assert_lf_ok(lf_compute_open(&opts[1], &emulator, &err));
	assert_lf_ok(lf_compute_room(emulator, "Standard_Vast", UINT_MAX, &err));
	lf_compute_free(emulator);
	lf_compute_free(host);
}

static void test_sizes__list_has_each_once_and_all_fields(void **state)
{
	LF_AUTO_JSON *list = lf_compute_sizes();

	(void)state;
	assert_true(json_array_size(list) >= 60);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		unsigned vcpus, memory;
		struct lf_error err;
		assert_int_equal(json_object_size(row), 6);
		assert_lf_ok(lf_compute_size(lf_json_text(row, "name"), &vcpus, &memory, &err));
		/* found again means that no earlier row has the name */
		assert_int_equal(vcpus, lf_json_int_or(row, "numberOfCores", 0));
		assert_int_equal(memory, lf_json_int_or(row, "memoryInMB", 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes__are_found_in_any_case),
		cmocka_unit_test(test_sizes__an_unknown_one_names_the_field),
		cmocka_unit_test_setup_teardown(
			test_sizes__a_machine_that_no_host_could_hold_is_refused, test_dir_setup,
			test_dir_teardown),
		cmocka_unit_test(test_sizes__list_has_each_once_and_all_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
