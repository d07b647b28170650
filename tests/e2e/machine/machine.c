/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real machine's whole life on this host's libvirt, from disks in a vault: defined, booted,
 * captured into the vault while it runs and when it is off, its
 * own checksums compared, its export killed under it, hydrated, booted again
 * without exports, removed; nothing is left.
 *
 * usage: machine DIR bios|uefi OS.raw [DATA.raw]     (tests/e2e/boot.sh)
 *        machine --time DIR bios|uefi OS.raw         prints ms to the kernel's first line
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "compute/compute.h"
#include "e2e/machine/machine_vault.h"
#include "nbd/export.h"
#include "os/file.h"
#include "os/process.h"

#define BOOT_LIMIT_S 180
#define CONSOLE_MAX  (1 << 20)

static void check(bool good, const char *what)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	fflush(stdout);
	if (!good)
		exit(1);
}

static struct lf_error err;
#define CHECK_RC(call)                                                                             \
	do {                                                                                       \
		if (call) {                                                                        \
			lf_log_error(#call, &err);                                                 \
			check(false, #call);                                                       \
		}                                                                                  \
	} while (0)

struct life {
	struct lf_compute *compute;
	struct lf_regions *regions;
	char *data_dir;
	char vm[LF_GUID_SIZE], nic[LF_GUID_SIZE], network[LF_GUID_SIZE];
	const char *firmware, *os, *data;
	unsigned kill_after_us; /* from the call to hydrate to the end of QEMU */
};

static json_t *disk_doc(const struct life *life, int lun, const char *path)
{
	LF_AUTO_FREE char *root = machine_root(life->regions, path);
	const char *name = strrchr(path, '/') + 1;
	struct stat st;

	check(stat(path, &st) == 0, path);
	return json_pack("{s:i, s:s, s:I, s:{s:s, s:s, s:s, s:s}}", "lun", lun, "name", name,
			 "sizeBytes", (json_int_t)st.st_size, "source", "kind", "point", "region",
			 "r", "point", MACHINE_POINT, "root", root);
}

static void open_compute(struct life *life)
{
	struct lf_compute_opts opts = {
		.data_dir = life->data_dir, .driver = "libvirt", .regions = life->regions};

	CHECK_RC(lf_compute_open(&opts, &life->compute, &err));
}

static void define(struct life *life)
{
	LF_AUTO_JSON *network =
		json_pack("{s:s, s:s, s:b, s:[{s:s, s:s}]}", "guid", life->network, "name", "test",
			  "isolated", 1, "subnets", "name", "default", "prefix", "192.0.2.0/24");
	LF_AUTO_JSON *vm = json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:s, s:[o], s:[{s:s, s:s, s:s, s:s}]}", "guid", life->vm,
		"id", "/subscriptions/s/x", "name", "m", "vcpus", 1, "memoryMiB", 512, "firmware",
		life->firmware, "disks", disk_doc(life, -1, life->os), "nics", "guid", life->nic,
		"network", life->network, "subnet", "default", "address", "192.0.2.9");

	if (life->data)
		json_array_append_new(lf_json_at(vm, "disks"), disk_doc(life, 0, life->data));
	struct lf_vm_network net;
	struct lf_vm_spec spec;
	CHECK_RC(lf_vm_network_read(network, &net, &err));
	CHECK_RC(lf_vm_spec_read(vm, &spec, &err));
	CHECK_RC(lf_compute_network_ensure(life->compute, &net, &err));
	CHECK_RC(lf_compute_vm_define(life->compute, &spec, &err));
}

static struct lf_vm_state state_of(struct life *life)
{
	struct lf_vm_state state = {0};

	CHECK_RC(lf_compute_vm_state(life->compute, life->vm, &state, &err));
	return state;
}

/* The console once it holds text; the test fails when it does not in time. */
static void wait_console(struct life *life, const char *text, struct lf_buf *console)
{
	for (int i = 0; i < BOOT_LIMIT_S * 5; i++) {
		lf_buf_clear(console);
		CHECK_RC(
			lf_compute_vm_console(life->compute, life->vm, CONSOLE_MAX, console, &err));
		if (strstr(lf_buf_text(console), text))
			return;
		usleep(200000);
	}
	fprintf(stderr, "%s\n", lf_buf_text(console));
	check(false, text);
}

/* Every line of OS.raw.sha256 must be on the console as LANDFALL-FILE. */
static void compare_files(struct life *life, const char *console)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s.sha256", life->os);
	LF_AUTO_BUF list = LF_BUF_INIT;
	size_t n = 0;

	CHECK_RC(lf_file_read(path, 1 << 20, &list, &err));
	for (char *line = list.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		LF_AUTO_FREE char *said = lf_printf_dup("LANDFALL-FILE %s %.64s", line + 66, line);
		if (!strstr(console, said))
			check(false, said);
		n++;
	}
	printf("ok - %zu files have the source's checksums\n", n);
}

static void kill_export(struct life *life)
{
	LF_AUTO_FREE char *path = lf_printf_dup("%s/%s/e-os/pid", life->data_dir, life->vm);
	LF_AUTO_BUF text = LF_BUF_INIT;
	uint64_t pid;

	CHECK_RC(lf_file_read(path, 64, &text, &err));
	text.data[text.len - 1] = '\0';
	CHECK_RC(lf_parse_u64(text.data, 1, INT32_MAX, &pid, &err));
	kill((pid_t)pid, SIGKILL);
}

static void kill_qemu(struct life *life)
{
	LF_AUTO_FREE char *path = lf_printf_dup("/run/libvirt/qemu/landfall-%s.pid", life->vm);
	LF_AUTO_BUF text = LF_BUF_INIT;
	uint64_t pid;

	CHECK_RC(lf_file_read(path, 64, &text, &err));
	text.data[strcspn(text.data, "\n")] = '\0';
	CHECK_RC(lf_parse_u64(text.data, 1, INT32_MAX, &pid, &err));
	kill((pid_t)pid, SIGKILL);
	for (int i = 0; i < 50; i++) {
		LF_AUTO_VM_STATE state = state_of(life);
		if (state.power == LF_VM_STOPPED)
			return;
		usleep(100000);
	}
	check(false, "the machine is off once its QEMU is gone");
}

static void print_state(const struct lf_vm_state *state)
{
	LF_AUTO_JSON *doc = lf_vm_state_doc(state);
	LF_AUTO_FREE char *text = json_dumps(doc, 0);

	printf("# %s\n", text);
}

static void wait_hydrated(struct life *life)
{
	for (int i = 0; i < BOOT_LIMIT_S * 5; i++) {
		LF_AUTO_VM_STATE state = state_of(life);
		if (!machine_claimed(life->regions) && lf_vm_state_hydrated(&state))
			return;
		if (i % 10 == 0)
			print_state(&state);
		usleep(200000);
	}
	check(false, "hydrated in time");
}

/* Into the vault, as of now; what is stored of it. */
static int64_t capture(struct life *life, const struct lf_capture *base,
		       struct lf_capture *ret_capture)
{
	const struct lf_capture_opts opts = {.region = "r", .base = base ? base->disks : NULL};

	CHECK_RC(lf_compute_vm_capture(life->compute, life->vm, &opts, ret_capture, &err));
	return (int64_t)ret_capture->bytes_stored;
}

/* Every disk of the capture is, byte for byte, what the machine's own disk holds. */
static void compare_capture(struct life *life, const struct lf_capture *capture)
{
	json_t *disk;
	size_t i;

	json_array_foreach (capture->disks, i, disk) {
		bool os = lf_json_bool_or(disk, "os", false);
		LF_AUTO_FREE char *mine = lf_printf_dup("%s/%s/disk-%s.qcow2", life->data_dir,
							life->vm, os ? "os" : "0");
		LF_AUTO_FREE char *raw = lf_printf_dup("%s/captured.raw", life->data_dir);
		const char *const argv[] = {"qemu-img", "compare", "-f", "raw", "-F",
					    "qcow2",	raw,	   mine, NULL};
		machine_export(life->regions, lf_json_text_or(disk, "root", ""),
			       (uint64_t)lf_json_int_or(disk, "sizeBytes", 0), raw);
		CHECK_RC(lf_process_run(argv, 120 * LF_NS_PER_S, NULL, &err));
		CHECK_RC(lf_file_remove(raw, &err));
	}
	check(json_array_size(capture->disks) == (life->data ? 2 : 1),
	      "captured disks are those of the machine, byte for byte");
}

static void capture_running(struct life *life)
{
	LF_AUTO_CAPTURE first = {.disks = NULL};
	LF_AUTO_CAPTURE second = {.disks = NULL};

	int64_t stored = capture(life, NULL, &first);
	int64_t again = capture(life, &first, &second);
	printf("# captured while it runs: %lld bytes stored, then %lld\n", (long long)stored,
	       (long long)again);
	check(again <= stored && again < (8 << 20), "captured while it runs, twice");
}

static void capture_off(struct life *life)
{
	LF_AUTO_CAPTURE first = {.disks = NULL};
	LF_AUTO_CAPTURE second = {.disks = NULL};

	(void)capture(life, NULL, &first);
	compare_capture(life, &first);
	check(capture(life, &first, &second) == 0, "what did not change is not stored again");
}

static void live(struct life *life)
{
	LF_AUTO_BUF console = LF_BUF_INIT;
	LF_AUTO_FREE char *export = lf_printf_dup("%s/%s/e-os", life->data_dir, life->vm);

	define(life);
	define(life);
	check(true, "defined, twice");
	CHECK_RC(lf_compute_vm_start(life->compute, life->vm, &err));
	usleep(1500000);
	kill_export(life);
	check(true, "started; its export killed while it boots");
	wait_console(life, "LANDFALL-MARKER check=OK", &console);
	compare_files(life, lf_buf_text(&console));
	LF_AUTO_VM_STATE state = state_of(life);
	print_state(&state);
	check(state.n_addresses && strcmp(state.addresses[0], "192.0.2.9") == 0 &&
		      strstr(console.data, "addresses=192.0.2.9/24"),
	      "the guest has its address");
	check(state.first_kernel_ms > 0, "the kernel's first line is timed");
	capture_running(life);
	CHECK_RC(lf_compute_vm_hydrate(life->compute, life->vm, &err));
	usleep(life->kill_after_us);
	kill_qemu(life);
	CHECK_RC(lf_compute_vm_start(life->compute, life->vm, &err));
	lf_compute_free(life->compute); /* the daemon restarts; QEMU goes on copying */
	open_compute(life);
	wait_console(life, "boots=2", &console);
	check(strstr(console.data, "check=BAD") == NULL,
	      "QEMU killed while it copies; boots again");
	wait_hydrated(life);
	check(!lf_export_alive(export) && access(export, F_OK) != 0, "hydrated; exports ended");
	CHECK_RC(lf_compute_vm_stop(life->compute, life->vm, true, &err));
	CHECK_RC(lf_compute_vm_start(life->compute, life->vm, &err));
	wait_console(life, "boots=3", &console);
	compare_files(life, strstr(console.data, "boots=2"));
	check(true, "boots again from its own disks alone");
	CHECK_RC(lf_compute_vm_stop(life->compute, life->vm, false, &err));
	capture_off(life);
}

static void remove_all(struct life *life)
{
	LF_AUTO_FREE char *dir = lf_printf_dup("%s/%s", life->data_dir, life->vm);
	LF_AUTO_FREE char *net = lf_printf_dup("%s/networks/%s", life->data_dir, life->network);

	CHECK_RC(lf_compute_vm_remove(life->compute, life->vm, false, &err));
	CHECK_RC(lf_compute_vm_remove(life->compute, life->vm, false, &err));
	CHECK_RC(lf_compute_network_remove(life->compute, life->network, &err));
	check(access(dir, F_OK) && access(net, F_OK) && !machine_claimed(life->regions),
	      "removed; nothing is left");
}

static void time_kernel(struct life *life)
{
	int64_t ms = 0;

	define(life);
	CHECK_RC(lf_compute_vm_start(life->compute, life->vm, &err));
	for (int i = 0; i < BOOT_LIMIT_S * 5 && !ms; i++) {
		LF_AUTO_VM_STATE state = state_of(life);
		ms = state.first_kernel_ms;
		usleep(200000);
	}
	check(ms > 0, "the kernel spoke");
	printf("firstKernelMs=%lld\n", (long long)ms);
}

int main(int argc, char **argv)
{
	bool timing = argc > 1 && strcmp(argv[1], "--time") == 0;
	char **args = argv + timing;
	struct life life = {0};

	argc -= timing;
	if (argc < 4) {
		fprintf(stderr, "usage: machine [--time] DIR bios|uefi OS.raw [DATA.raw]\n");
		return 2;
	}
	lf_log_init("machine", LF_LOG_DEBUG);
	life.data_dir = lf_printf_dup("%s/compute", args[1]);
	life.firmware = args[2];
	life.os = args[3];
	life.data = argc > 4 ? args[4] : NULL;
	life.regions = machine_regions_open(args[1], life.os);
	lf_guid_random(life.vm);
	lf_guid_random(life.nic);
	lf_guid_random(life.network);
	/* while it copies, or just after its header says that it is done */
	life.kill_after_us = strcmp(life.firmware, "uefi") == 0 ? 400000 : 50000;
	open_compute(&life);
	if (timing)
		time_kernel(&life);
	else
		live(&life);
	remove_all(&life);
	lf_compute_free(life.compute);
	machine_regions_free(life.regions);
	free(life.data_dir);
	return 0;
}
