/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landfall-recover: points of a vault from its directory and key alone.  One
 * static file that runs on any Linux; it only ever reads the vault.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/term.h"
#include "base/text.h"
#include "vaultcli/vaultcli.h"
#include "recover/recover.h"

#define PROGRAM	       "landfall-recover"
#define MEMORY_MIB_MAX (UINT64_C(16) << 20)

/* Those of "landfall vault" that only read. */
static const char *const shared[] = {
	"list", "verify", "export", "diff", "stats", "explain", "simulate-retention"};

static const struct command {
	const char *name;
	int words;
	bool takes_rest;
	int (*run)(const struct lf_recover_args *args, struct lf_error *err);
	const char *usage, *help;
} commands[] = {
	{"serve", 2, false, lf_recover_serve,
	 "serve DIR POINT --socket PATH | --port N [--disk NAME]",
	 "Serve the point's disks by NBD, read-only, until interrupted: on a UNIX socket that "
	 "only\n"
	 "this user can connect to, or on a port of 127.0.0.1 that every user of this host can\n"
	 "(0: any that is free).  Prints a URI for each disk."},
	{"boot", 2, true, lf_recover_boot,
	 "boot DIR POINT [--memory MIB] [--firmware bios|uefi] [--bus virtio|sata] [--disk NAME]\n"
	 "            [-- QEMU-OPTION...]",
	 "Boot the point with qemu-system-x86_64.  What the machine writes is gone with it; it has "
	 "a\n"
	 "network with nobody in it.  Its serial console is here: Ctrl-A X ends it.  --bus sata "
	 "is\n"
	 "for machines without virtio's drivers."},
	{"mount", 3, false, lf_recover_mount, "mount DIR POINT MOUNTPOINT [--disk NAME]",
	 "Show a disk of the point as a file in the directory MOUNTPOINT, read-only, until\n"
	 "interrupted, and say how to mount what is on it.  Uses nbdfuse."},
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

static const char *one_of(const char *text, const char *a, const char *b)
{
	return strcmp(text, a) == 0 || strcmp(text, b) == 0 ? text : NULL;
}

static int take_option(int option, struct lf_recover_args *args, const struct command *command)
{
	struct lf_error err;
	uint64_t number;

	switch (option) {
	case 'd':
		args->vault.disk = optarg;
		return 0;
	case 'k':
		args->vault.key_file = optarg;
		return 0;
	case 's':
		args->vault.socket = optarg;
		return 0;
	case 'p':
		args->has_port = true;
		if (lf_parse_u64(optarg, 0, UINT16_MAX, &number, &err))
			return 2;
		args->port = (uint16_t)number;
		return 0;
	case 'm':
		return lf_parse_u64(optarg, 1, MEMORY_MIB_MAX, &args->memory_mib, &err) ? 2 : 0;
	case 'f':
		args->firmware = one_of(optarg, "bios", "uefi");
		return args->firmware ? 0 : 2;
	case 'b':
		args->bus = one_of(optarg, "virtio", "sata");
		return args->bus ? 0 : 2;
	case 'h':
		printf("usage: " PROGRAM " %s\n\n%s\n", command->usage, command->help);
		exit(0);
	default:
		return 2;
	}
}

/* getopt moves words in front of what is behind "--". */
static int parse_args(int argc, char **argv, const struct command *command,
		      struct lf_recover_args *args)
{
	static const struct option options[] = {
		{"disk", required_argument, NULL, 'd'},
		{"key", required_argument, NULL, 'k'},
		{"socket", required_argument, NULL, 's'},
		{"port", required_argument, NULL, 'p'},
		{"memory", required_argument, NULL, 'm'},
		{"firmware", required_argument, NULL, 'f'},
		{"bus", required_argument, NULL, 'b'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, status = 0;

	optind = 1;
	while (!status && (option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		status = take_option(option, args, command);
	while (!status && args->vault.count < command->words && optind < argc)
		args->vault.words[args->vault.count++] = argv[optind++];
	args->rest = argv + optind;
	if (args->vault.count != command->words || (optind < argc && !command->takes_rest))
		return 2;
	return status;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct lf_recover_args args = {0};
	struct lf_error err = LF_ERROR_NONE;

	if (parse_args(argc, argv, command, &args)) {
		fprintf(stderr, "usage: " PROGRAM " %s\n", command->usage);
		return 2;
	}
	int rc = command->run(&args, &err);
	if (!rc)
		return 0;
	lf_term_clean_error(&err);
	fprintf(stderr, PROGRAM " %s: %s%s%s%s\n", command->name, err.message,
		err.hint[0] ? " (" : "", err.hint, err.hint[0] ? ")" : "");
	return lf_error_exit(rc);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < LF_N(shared); i++)
		if (strcmp(argv[1], shared[i]) == 0)
			return lf_vaultcli(PROGRAM, argc, argv);
	for (size_t i = 0; argc > 1 && i < LF_N(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_command(&commands[i], argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return puts(PROGRAM " " LF_VERSION) < 0;
	print_help();
	return argc > 1 && strcmp(argv[1], "--help") != 0 ? 2 : 0;
}
