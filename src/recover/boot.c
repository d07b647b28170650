/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A point as a machine: QEMU on disks that we serve.  What the machine writes
 * goes to overlays that are gone with it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/partition.h"
#include "os/file.h"
#include "recover/recover.h"

#define QEMU	       "qemu-system-x86_64"
#define MEMORY_MIB     2048
#define PROCESSORS     2
#define FIRMWARE_BYTES (64u << 20)
#define CPU_BYTES      (4u << 20)
#define SATA_DISKS_MAX 6u

/* Where distributions keep UEFI and its variables: without Secure Boot, which asks for more. */
static const struct {
	const char *code, *variables;
} uefi_files[] = {
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
	{"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},
};

/* As asked for, as the point says, or as the disk is made for. */
static int find_firmware(const struct lf_served *served, const struct lf_recover_args *args,
			 bool *ret_uefi, struct lf_error *err)
{
	static struct lf_partition partitions[LF_PARTITIONS_MAX];
	static uint8_t head[LF_PARTITION_HEAD];
	const struct lf_nbd_disk *disk = &served->items[0];
	const char *said = lf_json_text_or(served->manifest, "machine.firmware", "");
	size_t len = disk->size < sizeof(head) ? (size_t)disk->size : sizeof(head);

	said = args->firmware ? args->firmware : said;
	if (said[0]) {
		*ret_uefi = strcasestr(said, "efi");
		return 0;
	}
	int rc = lf_map_read(served->disks.vault, &disk->root, head, len, 0, err);
	if (rc)
		return rc;
	*ret_uefi = false;
	size_t n = lf_partitions_read(head, len, disk->size, served->sector_bytes, partitions);
	while (n-- > 0)
		*ret_uefi = *ret_uefi || partitions[n].efi;
	return 0;
}

/* The machine's variables are its own: a copy. */
static int copy_variables(const char *from, const char *to, struct lf_error *err)
{
	LF_AUTO_BUF bytes = LF_BUF_INIT;
	int rc = lf_file_read(from, FIRMWARE_BYTES, &bytes, err);

	return rc ? rc : lf_file_write_durable(to, bytes.data, bytes.len, 0600, err);
}

static int add_uefi(struct lf_argv *argv, const char *dir, struct lf_error *err)
{
	LF_AUTO_FREE char *variables = lf_printf_dup("%s/variables", dir);
	size_t i = 0;

	if (!variables)
		return lf_fail_nomem(err);
	while (i < LF_N(uefi_files) &&
	       (access(uefi_files[i].code, R_OK) || access(uefi_files[i].variables, R_OK)))
		i++;
	if (i == LF_N(uefi_files)) {
		lf_fail(err, LF_ENOTFOUND, NULL,
			"the machine boots by UEFI, and there is none here");
		return lf_error_hint(err, "install the package ovmf (edk2-ovmf), or try "
					  "--firmware bios");
	}
	lf_argv_add(argv, "-drive");
	lf_argv_add(argv, "if=pflash,unit=0,format=raw,readonly=on,file=%s", uefi_files[i].code);
	lf_argv_add(argv, "-drive");
	lf_argv_add(argv, "if=pflash,unit=1,format=raw,file=%s", variables);
	return copy_variables(uefi_files[i].variables, variables, err);
}

/* Some hosts have the device, and processors that it does not work with. */
static bool has_kvm(void)
{
	LF_AUTO_BUF text = LF_BUF_INIT;
	struct lf_error ignored;

	return access("/dev/kvm", R_OK | W_OK) == 0 &&
	       !lf_file_read("/proc/cpuinfo", CPU_BYTES, &text, &ignored) &&
	       (strstr(lf_buf_text(&text), " vmx") || strstr(lf_buf_text(&text), " svm"));
}

static void add_machine(struct lf_argv *argv, const struct lf_served *served,
			const struct lf_recover_args *args)
{
	int64_t said = lf_json_int_or(served->manifest, "machine.memoryMiB", MEMORY_MIB);
	uint64_t memory = args->memory_mib ? args->memory_mib
			  : said > 0	   ? (uint64_t)said
					   : MEMORY_MIB;

	lf_argv_add(argv, QEMU);
	lf_argv_add(argv, "-name");
	lf_argv_add(argv, "point %s", args->vault.words[1]);
	lf_argv_add(argv, "-machine");
	lf_argv_add(argv, "q35,accel=%s", has_kvm() ? "kvm:tcg" : "tcg");
	lf_argv_add(argv, "-cpu");
	lf_argv_add(argv, "max");
	lf_argv_add(argv, "-smp");
	lf_argv_add(argv, "%u", PROCESSORS);
	lf_argv_add(argv, "-m");
	lf_argv_add(argv, "%llu", (unsigned long long)memory);
	lf_argv_add(argv, "-display");
	lf_argv_add(argv, "none");
	lf_argv_add(argv, "-serial");
	lf_argv_add(argv, "mon:stdio");
	/* it has an address, and nobody to talk to: the machine that it is of may be running */
	lf_argv_add(argv, "-nic");
	lf_argv_add(argv, "user,restrict=on,model=virtio-net-pci");
}

static int add_disks(struct lf_argv *argv, const struct lf_served *served, bool sata,
		     struct lf_error *err)
{
	if (sata && served->disks.count > SATA_DISKS_MAX)
		return lf_fail(err, LF_EINVAL, "--bus", "SATA has places for %u disks",
			       SATA_DISKS_MAX);
	for (size_t i = 0; i < served->disks.count; i++) {
		LF_AUTO_FREE char *uri = lf_served_uri(served, i);
		if (!uri)
			return lf_fail_nomem(err);
		lf_argv_add(argv, "-drive");
		lf_argv_add(argv, "file=%s,format=raw,if=none,id=disk%zu,snapshot=on,cache=unsafe",
			    uri, i);
		lf_argv_add(argv, "-device");
		if (sata)
			lf_argv_add(argv, "ide-hd,bus=ide.%zu,drive=disk%zu,bootindex=%zu", i, i,
				    i + 1);
		else
			lf_argv_add(argv, "virtio-blk-pci,drive=disk%zu,bootindex=%zu", i, i + 1);
	}
	return 0;
}

static int make_command(struct lf_argv *argv, const struct lf_served *served,
			const struct lf_recover_args *args, const char *dir, struct lf_error *err)
{
	bool sata = args->bus && strcmp(args->bus, "sata") == 0, uefi = false;

	add_machine(argv, served, args);
	int rc = find_firmware(served, args, &uefi, err);
	if (!rc && uefi)
		rc = add_uefi(argv, dir, err);
	if (!rc)
		rc = add_disks(argv, served, sata, err);
	for (char *const *word = args->rest; *word; word++)
		lf_argv_add(argv, "%s", *word);
	return rc ? rc : lf_argv_check(argv, err);
}

static int boot_in(struct lf_served *served, const struct lf_recover_args *args, const char *dir,
		   struct lf_error *err)
{
	struct lf_argv argv = {0};
	char *socket = lf_printf_dup("%s/disks", dir);
	pid_t pid;
	int rc = socket ? lf_served_start(served, socket, 0, err) : lf_fail_nomem(err);

	/* the overlays: QEMU makes them there, without a name */
	if (!rc && setenv("TMPDIR", dir, 1))
		rc = lf_fail_nomem(err);
	if (!rc)
		rc = make_command(&argv, served, args, dir, err);
	if (!rc)
		rc = lf_child_start(&argv, &pid, err);
	if (!rc)
		rc = lf_child_wait(pid, QEMU, NULL, NULL, err);
	lf_argv_done(&argv);
	return rc;
}

int lf_recover_boot(const struct lf_recover_args *args, struct lf_error *err)
{
	struct lf_served served = LF_SERVED_INIT;
	char *dir = NULL;
	int rc = lf_served_open(&served, args, err);

	if (!rc)
		rc = lf_signals_catch(err);
	if (!rc)
		rc = lf_scratch_make(&dir, err);
	if (!rc && strchr(dir, ',')) /* which parts QEMU's options */
		rc = lf_fail(err, LF_EINVAL, "TMPDIR", "%s has a comma in its name", dir);
	if (!rc)
		rc = boot_in(&served, args, dir, err);
	lf_served_done(&served);
	lf_scratch_remove(dir);
	return rc;
}
