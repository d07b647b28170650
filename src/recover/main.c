/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landfall-recover: points of a vault from its directory and key alone.  One
 * static file that runs on any Linux; it only ever reads the vault.
 */
#include <stdio.h>
#include <string.h>

#include "base/args.h"
#include "base/text.h"
#include "vaultcli/vaultcli.h"
#include "recover/recover.h"

#define PROGRAM	       "landfall-recover"
#define MEMORY_MIB_MAX (UINT64_C(16) << 20)

/* Those of "landfall vault" that only read. */
static const char *const shared[] = {
	"list", "verify", "export", "diff", "stats", "explain", "simulate-retention"};

static int one_of(const char **at, const char *text, const char *a, const char *b,
		  struct lf_error *err)
{
	*at = text;
	return strcmp(text, a) == 0 || strcmp(text, b) == 0
		       ? 0
		       : lf_fail(err, LF_EINVAL, text, "takes %s or %s", a, b);
}

static int take_firmware(void *firmware, const char *text, struct lf_error *err)
{
	return one_of(firmware, text, "bios", "uefi", err);
}

static int take_bus(void *bus, const char *text, struct lf_error *err)
{
	return one_of(bus, text, "virtio", "sata", err);
}

static int take_port(void *target, const char *text, struct lf_error *err)
{
	struct lf_recover_args *args = target;
	uint64_t port = 0;
	int rc = lf_parse_u64(text, 0, UINT16_MAX, &port, err);

	args->has_port = true;
	args->port = (uint16_t)port;
	return rc;
}

static int take_memory(void *memory_mib, const char *text, struct lf_error *err)
{
	return lf_parse_u64(text, 1, MEMORY_MIB_MAX, memory_mib, err);
}

#define AT(member) offsetof(struct lf_recover_args, member)
#define KEY                                                                                        \
	LF_OPTION_TEXT("--key", "FILE", struct lf_recover_args, vault.key_file,                    \
		       "the platform key (default DIR/platform.key)")
#define DISK                                                                                       \
	LF_OPTION_TEXT("--disk", "NAME", struct lf_recover_args, vault.disk,                       \
		       "this disk alone, by name or id")

static const struct lf_option of_serve[] = {
	LF_OPTION_TEXT("--socket", "PATH", struct lf_recover_args, vault.socket,
		       "a UNIX socket that only this user can connect to"),
	{"--port", "N", false,
	 "a port of 127.0.0.1 that every user of this host can connect to\n"
	 "(0: any that is free)",
	 take_port},
	DISK,
	KEY,
	{0},
};
static const struct lf_option of_boot[] = {
	{"--memory", "MIB", false, "(default: as the machine had)", take_memory, AT(memory_mib)},
	{"--firmware", "bios|uefi", false, "(default: as the machine had)", take_firmware,
	 AT(firmware)},
	{"--bus", "virtio|sata", false, "sata is for machines without virtio's drivers", take_bus,
	 AT(bus)},
	DISK,
	KEY,
	{0},
};
static const struct lf_option of_mount[] = {DISK, KEY, {0}};

static const struct command {
	struct lf_command_line line;
	int (*run)(const struct lf_recover_args *args, struct lf_error *err);
} commands[] = {
	{{PROGRAM, "serve", "DIR POINT", 2, 2, false, of_serve,
	  "Serve the point's disks by NBD, read-only, until interrupted.\n"
	  "Prints a URI for each disk.  Takes either --socket or --port."},
	 lf_recover_serve},
	{{PROGRAM, "boot", "DIR POINT", 2, 2, true, of_boot,
	  "Boot the point with qemu-system-x86_64.\n"
	  "What the machine writes is gone with it; it has a network with nobody in it.  Its\n"
	  "serial console is here: Ctrl-A X ends it.  WORDs are options for QEMU."},
	 lf_recover_boot},
	{{PROGRAM, "mount", "DIR POINT MOUNTPOINT", 3, 3, false, of_mount,
	  "Show a disk of the point as a file in the directory MOUNTPOINT, read-only.\n"
	  "It stays until interrupted, and says how to mount what is on it.  Uses nbdfuse."},
	 lf_recover_mount},
};

static void print_help(void)
{
	puts("usage: " PROGRAM " COMMAND DIR ... [--key FILE]\n\n"
	     "  list DIR                     recovery points, oldest first\n"
	     "  verify DIR                   check every byte; faults name the points they affect\n"
	     "  export DIR POINT FILE [--disk NAME] [--format raw|qcow2|vhd]\n"
	     "                               a disk of a point to the new file FILE, sparse\n"
	     "  serve DIR POINT --socket PATH | --port N\n"
	     "                               its disks by NBD, read-only\n"
	     "  boot DIR POINT               the point as a virtual machine, here, on its console\n"
	     "  mount DIR POINT MOUNTPOINT   a disk of a point as a file\n"
	     "  diff DIR POINT POINT         byte ranges that differ\n"
	     "  stats DIR                    what the vault holds\n"
	     "  explain DIR POINT            what a point holds and shares\n"
	     "  simulate-retention DIR       which points rules would keep\n\n"
	     "DIR is a vault (of a service: DATA/regions/REGION/store), FILE its platform key\n"
	     "(of a service: DATA/keys/platform.key; default DIR/platform.key).  COMMAND --help\n"
	     "says more.  Nothing in DIR is ever changed.");
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct lf_recover_args args = {0};
	struct lf_error err = LF_ERROR_NONE;
	struct lf_args said;
	int rc = lf_args_read(&command->line, argc - 1, argv + 1, &args, &said, &err);

	if (!rc && said.help) {
		lf_args_help(&command->line);
		return 0;
	}
	if (!rc) {
		memcpy(args.vault.words, said.words, sizeof(args.vault.words));
		args.rest = said.rest;
		rc = command->run(&args, &err);
	}
	return lf_args_end(&command->line, rc, &err);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < LF_N(shared); i++)
		if (strcmp(argv[1], shared[i]) == 0)
			return lf_vaultcli(PROGRAM, argc, argv);
	for (size_t i = 0; argc > 1 && i < LF_N(commands); i++)
		if (strcmp(argv[1], commands[i].line.command) == 0)
			return run_command(&commands[i], argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " LF_VERSION) < 0;
	print_help();
	return argc > 1 && strcmp(argv[1], "--help") != 0 ? 2 : 0;
}
